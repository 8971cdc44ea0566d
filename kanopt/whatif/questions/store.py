"""The results of a sweep on disk: a file a chunk, each written as a whole, and read again after a stop."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import TypeAdapter

from kanopt.errors import FileFormatError, Issue, ScenarioError
from kanopt.explain.service import Service
from kanopt.files import hold_file, read_file, replace_file
from kanopt.problems.result import Status
from kanopt.whatif.questions.point import BASE, REFUSED, PointResult

if TYPE_CHECKING:
    from kanopt.problems.base import Plan

_MANIFEST = "sweep.json"
_LOCK = "sweep.lock"
_CHUNK = re.compile(r"points-(\d{6})\.parquet")
_LARGEST = 2**30
_MOST_ROWS = 1_000_000
"""Rows of a plan."""
_OWN = (
    "searches",
    "differences",
    "terms",
    "kept_terms",
    "service",
    "plan",
    "plan_of",
    "interrupted",
    "result",
)
"""Fields that are written in a form of their own, or not at all."""
_SERVICE: TypeAdapter[Service | None] = TypeAdapter(Service | None)
_PLAIN = tuple(item.name for item in fields(PointResult) if item.name not in _OWN)


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
        raise _error(folder, "is a file, not a folder; take another")
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    if _MANIFEST not in known and known - {_LOCK}:
        raise _error(folder, f"{str(folder)!r} holds other files; take an empty or a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with hold_file(folder / _LOCK) as is_free:
        if not is_free:
            raise _error(folder, "another sweep is writing to it; wait until it ends, or take another folder")
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
            raise _error(
                self.folder,
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
        row: dict[str, Any] = {name: getattr(result, name) for name in _PLAIN}
        row |= {
            "searches": json.dumps(result.searches),
            "differences": json.dumps(result.differences),
            "terms": json.dumps(dict(result.terms)),
            "kept_terms": json.dumps(dict(result.kept_terms)),
            "service": _SERVICE.dump_json(result.service).decode(),
            "plan_of": -1 if result.plan_of is None else result.plan_of,
            "plan": _plan_bytes(result.plan),
        }
        rows.append(row)
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
        found = [_result(row) for row in frame.to_dict("records")]
        for result in found:
            _check_result(result, points, repeats)
        return found
    except damage as error:
        raise FileFormatError(
            f"{path}: no results of a sweep ({error}); remove the file, and its points are done again"
        ) from None


def _result(row: Mapping[Any, Any]) -> PointResult:
    plan = row["plan"]
    return PointResult(
        **{name: row[name] for name in _PLAIN},
        searches=tuple(json.loads(row["searches"])),
        differences=tuple(json.loads(row["differences"])),
        terms=json.loads(row["terms"]),
        kept_terms=json.loads(row["kept_terms"]),
        service=_SERVICE.validate_json(row["service"], strict=True),
        plan_of=None if row["plan_of"] < 0 else int(row["plan_of"]),
        plan=_frame(plan, _MOST_ROWS) if plan else None,
    )


def _frame(content: bytes, most: int) -> pd.DataFrame:
    """Read a Parquet file, unless it unpacks to more rows than there can be: few bytes may hold a value very often."""
    from pyarrow.parquet import ParquetFile

    rows = ParquetFile(io.BytesIO(content)).metadata.num_rows
    if rows > most:
        raise ValueError(f"it has {rows:,} rows, more than the {most:,} that there can be")
    return pd.read_parquet(io.BytesIO(content))


def _check_result(result: PointResult, points: int, repeats: int) -> None:
    """Refuse what no sweep writes.

    Raises
    ------
    ValueError
        If a number or a word is none that can be.
    TypeError
        If a number or a text is none.
    """
    if not BASE - repeats < result.point < points:
        raise ValueError(f"there is no point {result.point}")
    if result.status not in (REFUSED, *Status) or result.kept_status not in ("", *Status):
        raise ValueError(f"point {result.point}: unknown status")
    if result.plan_of is not None and not result.plan_of < points:
        raise ValueError(f"point {result.point}: its plan is of no point")
    amounts = [*result.terms.values(), *result.kept_terms.values(), *result.searches, *result.differences]
    amounts += [result.objective, result.bound, result.at_base, result.kept_objective, result.seconds]
    amounts += [result.unserved]
    counts = [result.point, result.violations]
    if not all(isinstance(value, (int, float)) for value in [*amounts, *counts]):
        raise TypeError(f"point {result.point}: a text in place of a number")
    if not all(float(count).is_integer() for count in counts) or not isinstance(result.message, str):
        raise TypeError(f"point {result.point}: a count or a message is none")


def _error(folder: Path, message: str) -> ScenarioError:
    return ScenarioError([Issue(str(folder), 0, "", message)])
