"""How many columns that nothing reads are named, and with the right hint.

A small problem of each kind is given one more column, once from frames in Python and once from a scenario file, for
every header in headers/headers.toml. Counted is whether the remarks name it at all, whether it is told as one that
seems to matter (where it does; and as one that does not where it does not), and whether the field that is proposed is
the one that is meant. Three sets: headers that the vocabulary was written with, headers copied from tables in public
repositories, and headers made up at the end, for which nothing was changed. Takes about a minute.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table

import kanopt as ko
from kanopt import RoutingProblem, SchedulingProblem, SupplyProblem
from kanopt.plans.base import Problem, told_elsewhere
from kanopt.records.unread_columns import UnreadColumn

Frames = dict[str, pd.DataFrame]
CASES = Path(__file__).with_name("headers")
SETS: dict[str, str] = tomllib.loads((CASES / "headers.toml").read_text("utf-8"))
KINDS = ("routing", "scheduling", "supply")


@dataclass(frozen=True)
class HeaderCase:
    """One header, in one table of one kind of problem."""

    table: str
    header: str
    meant: tuple[str, ...]
    numeric: bool

    @classmethod
    def of(cls, line: str) -> HeaderCase:
        """Return a line of ``headers.toml``."""
        table, header, meant, *kind = line.split()
        return cls(table, header, tuple(meant.split("|")), not kind)


@dataclass(frozen=True)
class Answer:
    """What was said of one header."""

    case: HeaderCase
    python: bool
    file: bool
    hint: str
    """The field that was proposed, ``-`` for a word of planning without one, ``?`` where it was only counted."""

    @property
    def striking(self) -> bool:
        """Whether it was told as one that seems to matter exactly where it does."""
        return (self.hint != "?") == (self.case.meant != ("?",)) or (
            "?" in self.case.meant and self.hint == "?"
        )

    @property
    def right(self) -> bool:
        """Whether the hint is what is meant."""
        return self.hint in self.case.meant


def with_column(case: HeaderCase) -> tuple[str, Frames]:
    """Return the kind of problem that has the table, and its tables with one more column."""
    kind = next(kind for kind in KINDS if (CASES / kind / f"{case.table}.csv").exists())
    frames = {path.stem: pd.read_csv(path) for path in sorted((CASES / kind).glob("*.csv"))}
    rows = range(len(frames[case.table]))
    cells: list[Any] = [1.0 + row if case.numeric else f"w{row}" for row in rows]
    frames[case.table] = frames[case.table].assign(**{case.header: cells})
    return kind, frames


def from_python(kind: str, frames: Frames) -> Problem[Any]:
    """Build the problem from frames."""
    with told_elsewhere():
        if kind == "routing":
            way = np.ones((3, 3))
            return RoutingProblem(**frames, cost={"wear": way}, duration=way, distance=way)
        if kind == "scheduling":
            return SchedulingProblem(**frames, duration=[1.0, 1.0], makespan_cost=1.0)
        return SupplyProblem(**frames, tariff=1.0, demand=1.0)


def from_file(kind: str, changed: str, frame: pd.DataFrame, folder: Path) -> list[str]:
    """Write the changed table beside the other files of a scenario, and return what is remarked of it."""
    shutil.copytree(CASES / kind, folder, dirs_exist_ok=True)
    frame.to_csv(folder / f"{changed}.csv", index=False)
    scenario = ko.load_scenario(folder / "case.toml", lenient=True)
    scenario.check()
    return [str(issue) for issue in (*scenario.remarks(), *scenario.notes())]


def answers(cases: tuple[HeaderCase, ...]) -> Iterator[Answer]:
    """Ask about each header in Python and in a file."""
    for case in cases:
        kind, frames = with_column(case)
        problem = from_python(kind, frames)
        named = any(repr(case.header) in remark for remark in problem.remarks())
        told = [
            column for found in problem.unread() for column in found.striking if column.name == case.header
        ]
        with tempfile.TemporaryDirectory() as folder:
            written = from_file(kind, case.table, frames[case.table], Path(folder))
        yield Answer(case, named, any(repr(case.header) in remark for remark in written), _hint(told))


def _hint(told: list[UnreadColumn]) -> str:
    if not told:
        return "?"
    return told[0].field.name if told[0].field else "-"


def main() -> None:
    given = asked(
        __doc__,
        sets=(list(SETS), "which", SETS),
        wrong=(False, "print only the headers with a wrong hint"),
    )
    rows, totals = [], []
    for name in given.sets:
        found = list(answers(tuple(map(HeaderCase.of, SETS[name].strip().splitlines()))))
        for answer in found:
            told = {
                "set": name,
                "table": answer.case.table,
                "header": answer.case.header,
                "hint": answer.hint,
            }
            told |= {"python": answer.python, "file": answer.file, "meant": " or ".join(answer.case.meant)}
            rows += [told | {"right": answer.right}] if not (answer.right and given.wrong) else []
        counts = {
            what: sum(getattr(a, what) for a in found) for what in ("python", "file", "striking", "right")
        }
        totals.append({"set": name, "headers": len(found), **counts})
    print_table(rows)
    print_table(totals)
    print(footer(["pandas"], "none"))


if __name__ == "__main__":
    main()
