"""The results of a sweep on disk: a log of one line each, which is read again after a stop."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from kanopt.errors import FileFormatError
from kanopt.files import hold_file, require_file
from kanopt.plans.base import Plan
from kanopt.plans.findings import Status
from kanopt.questions.axes import refused
from kanopt.questions.point import BASE, REFUSED, PointResult

_LOG = "points.jsonl"
_LOCK = "sweep.lock"
_OTHERS = "{!r} holds other files; take an empty or a new folder"
_LONGEST_LINE = 2**28
"""Bytes of a result: its plan has most of them."""
_MOST_ROWS = 1_000_000
"""Rows of a plan."""
_POINT = TypeAdapter(PointResult)


@contextmanager
def open_store(out: str | Path | None, question: Mapping[str, Any]) -> Iterator[SweepStore | None]:
    """Open a folder for one sweep alone, as long as it is under way; see :class:`SweepStore`. None opens none.

    Raises
    ------
    ScenarioError
        If another sweep is writing to the folder, or it holds something else than this question's results.
    FileFormatError
        If its log is damaged.
    """
    if out is None:
        yield None
        return
    folder, where = Path(out), str(out)
    if folder.exists() and not folder.is_dir():
        raise refused(where, "", "is a file, not a folder; take another")
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
    if _LOG not in known and known - {_LOCK}:
        raise refused(where, "", _OTHERS.format(where))
    folder.mkdir(parents=True, exist_ok=True)
    with hold_file(folder / _LOCK) as is_free:
        if not is_free:
            told = "another sweep is writing to it; wait until it ends, or take another folder"
            raise refused(where, "", told)
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
        The results that are there by point, a later one in place of an earlier, and under -1 the plan of the scenario
        as it is; plans are frames, which problems read.

    Raises
    ------
    ScenarioError
        If the folder holds the results of another question.
    FileFormatError
        If the log is damaged.
    """

    def __init__(self, folder: Path, question: Mapping[str, Any]) -> None:
        self.folder, self._log = folder, folder / _LOG
        self.done: dict[int, PointResult] = {}
        self._waiting: list[bytes] = []
        limits = len(question["points"]), question["repeats"]
        first = json.dumps(question, ensure_ascii=False).encode()
        whole = 0
        for number, line in enumerate(self._lines(), start=1):
            if not line.endswith(b"\n") and len(line) <= _LONGEST_LINE:
                # a stop has left it unfinished; what is none of ours stays as it is
                if number == 1 and not first.startswith(line):
                    raise refused(str(folder), "", _OTHERS.format(str(folder)))
                break
            try:
                if len(line) > _LONGEST_LINE:
                    raise ValueError(f"it is longer than {_LONGEST_LINE:,} bytes")
                found = _question(line) if number == 1 else read_result(line, *limits)
            except (ValueError, TypeError, AttributeError, RecursionError) as error:
                advice = (
                    "remove the line, and its point is done again" if number > 1 else "take another folder"
                )
                told = f"no {'result' if number > 1 else 'question'} of a sweep ({_words(error)}); {advice}"
                raise FileFormatError(f"{self._log}:{number}: {told}") from None
            if isinstance(found, PointResult):
                self.done[found.point] = found
            else:
                self._check(found, json.loads(json.dumps(question)))
            whole += len(line)
        if self._log.exists():
            os.truncate(self._log, whole)
        if not whole:
            self._waiting.append(first)
            self.flush()

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines that are there, the last perhaps unfinished; of one that is too long only its beginning."""
        if not self._log.exists():
            return
        with require_file(self._log, "the log of a sweep").open("rb") as file:
            while line := file.readline(_LONGEST_LINE + 1):
                yield line

    def _check(self, known: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
        other = [key for key in dict.fromkeys([*asked, *known]) if asked.get(key) != known.get(key)]
        if other:
            differs = f"{', '.join(other):.200}"
            told = f"holds another sweep: it differs in {differs}; take another folder, or remove this one"
            raise refused(str(self.folder), "", told)

    def add(self, result: PointResult) -> None:
        """Take a result; it is on disk after :meth:`flush`."""
        self.done[result.point] = result
        self._waiting.append(line_of(result))

    def flush(self) -> None:
        """Write the results taken since the last time."""
        if self._waiting:
            with self._log.open("ab") as file:
                file.write(b"".join(line + b"\n" for line in self._waiting))
                file.flush()
                os.fsync(file.fileno())
            self._waiting.clear()


def _question(line: bytes) -> dict[str, Any]:
    """Read what a sweep asks: the first line of its log."""
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("it is no table")
    return found


def _words(error: Exception) -> str:
    """Say in a line what is wrong with a line."""
    if not isinstance(error, ValidationError):
        return str(error).partition("\n")[0]
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])):.200}: {first['msg']:.200}"


def line_of(result: PointResult) -> bytes:
    """Return a result as a line of JSON."""
    plan: Plan | pd.DataFrame | None = result.plan
    frame = plan if plan is None or isinstance(plan, pd.DataFrame) else plan.to_frame()
    cells = None if frame is None else frame.to_dict("list")
    return _POINT.dump_json(replace(result, plan=cells, result=None, interrupted=False))


def read_result(line: bytes, points: int, repeats: int) -> PointResult:
    """Read a result.

    Parameters
    ----------
    line
        As :func:`line_of` writes it.
    points, repeats
        Of the sweep: no result has another number.

    Raises
    ------
    ValueError
        If it is none that a sweep writes.
    """
    found = _POINT.validate_json(line, strict=True)
    if not BASE - repeats < found.point < points:
        raise ValueError(f"there is no point {found.point}")
    if found.status not in (REFUSED, *Status) or found.kept_status not in ("", *Status):
        raise ValueError(f"point {found.point}: unknown status")
    if found.plan_of is not None and not 0 <= found.plan_of < points:
        raise ValueError(f"point {found.point}: its plan is of no point")
    if found.plan is not None and not _is_table(found.plan):
        raise ValueError(f"point {found.point}: its plan is no table of at most {_MOST_ROWS:,} rows")
    return replace(found, plan=None if found.plan is None else pd.DataFrame(found.plan), result=None)


def _is_table(plan: object) -> bool:
    return isinstance(plan, dict) and all(
        isinstance(cells, list) and len(cells) <= _MOST_ROWS for cells in plan.values()
    )
