"""The results of a sweep on disk: a file a chunk, each written as a whole, and read again after a stop."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import TypeAdapter

from kanopt.errors import FileFormatError
from kanopt.files import hold_file, read_file, replace_file
from kanopt.problems.result import Status
from kanopt.whatif.questions.axes import refused
from kanopt.whatif.questions.point import BASE, REFUSED, PointResult

if TYPE_CHECKING:
    from kanopt.problems.base import Plan

_MANIFEST = "sweep.json"
_LOCK = "sweep.lock"
_CHUNK = re.compile(r"points-(\d{6})\.parquet")
_LARGEST = 2**30
_MOST_ROWS = 1_000_000
"""Rows of a plan."""
_POINT = TypeAdapter(PointResult)


@contextmanager
def open_store(folder: Path, question: Mapping[str, Any]) -> Iterator[SweepStore]:
    """Open a folder for one sweep alone, as long as it is under way; see :class:`SweepStore`.

    Raises
    ------
    ScenarioError
        If another sweep is writing to the folder, or it holds something else than this question's results.
    FileFormatError
        If a file in it is damaged.
    """
    if folder.exists() and not folder.is_dir():
        raise refused(str(folder), "", "is a file, not a folder; take another")
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    if _MANIFEST not in known and known - {_LOCK}:
        raise refused(str(folder), "", f"{str(folder)!r} holds other files; take an empty or a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with hold_file(folder / _LOCK) as is_free:
        if not is_free:
            raise refused(
                str(folder), "", "another sweep is writing to it; wait until it ends, or take another folder"
            )
        yield SweepStore(folder, question)


class SweepStore:
    """A folder of results, which :func:`open_store` opens.

    Parameters
    ----------
    folder
        Where they are.
    question
        What is asked, in words: the same question goes on where it stopped.

    Attributes
    ----------
    done
        The results that are there by point, and under -1 the plan of the scenario as it is; plans are frames,
        which problems read.

    Raises
    ------
    ScenarioError
        If the folder holds the results of another question.
    FileFormatError
        If a file in it is damaged.
    """

    def __init__(self, folder: Path, question: Mapping[str, Any]) -> None:
        self.folder = folder
        self.done: dict[int, PointResult] = {}
        self._waiting: list[PointResult] = []
        manifest = folder / _MANIFEST
        if manifest.is_file():
            self._check(manifest, question)
        else:
            replace_file(manifest, json.dumps(question, indent=1, ensure_ascii=False))
        self._chunks = sorted(path for path in folder.iterdir() if _CHUNK.fullmatch(path.name))
        for path in self._chunks:
            for result in read_chunk(path, len(question["points"]), question["repeats"]):
                self.done[result.point] = result

    def _check(self, manifest: Path, question: Mapping[str, Any]) -> None:
        try:
            known = json.loads(read_file(manifest, _LARGEST, "sweep"))
        except ValueError as error:
            raise FileFormatError(f"{manifest}: no manifest of a sweep: {error}") from None
        if not isinstance(known, dict):
            raise FileFormatError(f"{manifest}: no manifest of a sweep")
        asked = json.loads(json.dumps(question))
        other = [key for key in dict.fromkeys([*asked, *known]) if asked.get(key) != known.get(key)]
        if other:
            differs = ", ".join(map(str, other))
            raise refused(
                str(self.folder),
                "",
                f"holds another sweep: it differs in {differs}; take another folder, or remove this one",
            )

    def add(self, result: PointResult) -> None:
        """Take a result; it is on disk after :meth:`flush`."""
        self.done[result.point] = result
        self._waiting.append(result)

    def flush(self) -> None:
        """Write the results taken since the last time, as one file."""
        if not self._waiting:
            return
        number = 1 + (int(_CHUNK.fullmatch(self._chunks[-1].name)[1]) if self._chunks else 0)  # type: ignore[index]
        path = self.folder / f"points-{number:06d}.parquet"
        replace_file(path, chunk_bytes(self._waiting))
        self._chunks.append(path)
        self._waiting.clear()


def chunk_bytes(results: list[PointResult]) -> bytes:
    """Return results as a Parquet file; a later result of a point replaces an earlier one."""
    rows = []
    for result in results:
        told = _POINT.dump_json(replace(result, plan=None, result=None, interrupted=False))
        rows.append({"point": result.point, "found": told.decode(), "plan": _plan_bytes(result.plan)})
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _plan_bytes(plan: Plan | pd.DataFrame | None) -> bytes:
    if plan is None:
        return b""
    buffer = io.BytesIO()
    frame = plan if isinstance(plan, pd.DataFrame) else plan.to_frame()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def read_chunk(path: Path, points: int, repeats: int) -> list[PointResult]:
    """Return the results in a file.

    Parameters
    ----------
    path
        The file.
    points, repeats
        Of the sweep: no result has another number.

    Raises
    ------
    FileFormatError
        If it is damaged, or holds what no sweep writes.
    """
    from pyarrow import ArrowException

    damage = (ValueError, KeyError, TypeError, OSError, RecursionError, MemoryError, ArrowException)
    try:
        frame = _frame(read_file(path, _LARGEST, "results of a sweep"), 2 * (points + repeats))
        return [_result(row["found"], row["plan"], points, repeats) for row in frame.to_dict("records")]
    except damage as error:
        raise FileFormatError(
            f"{path}: no results of a sweep ({error}); remove the file, and its points are done again"
        ) from None


def _result(told: str, plan: bytes, points: int, repeats: int) -> PointResult:
    """Read a result.

    Raises
    ------
    ValueError
        If it is none that a sweep writes.
    """
    found = _POINT.validate_json(told, strict=True)
    if not BASE - repeats < found.point < points:
        raise ValueError(f"there is no point {found.point}")
    if found.status not in (REFUSED, *Status) or found.kept_status not in ("", *Status):
        raise ValueError(f"point {found.point}: unknown status")
    if found.plan_of is not None and not 0 <= found.plan_of < points:
        raise ValueError(f"point {found.point}: its plan is of no point")
    return replace(found, plan=_frame(plan, _MOST_ROWS) if plan else None, result=None)


def _frame(content: bytes, most: int) -> pd.DataFrame:
    """Read a Parquet file, unless it unpacks to more rows than there can be: few bytes may hold a value very often."""
    from pyarrow.parquet import ParquetFile

    rows = ParquetFile(io.BytesIO(content)).metadata.num_rows
    if rows > most:
        raise ValueError(f"it has {rows:,} rows, more than the {most:,} that there can be")
    return pd.read_parquet(io.BytesIO(content))
