"""The steps of a job shop from tables as planners have them: by stations, by type, by rate, in chains."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.errors import TableError
from kanopt.records.headers import read_header
from kanopt.records.likeness import is_called
from kanopt.records.matching import ColumnFacts
from kanopt.records.words import TABLE_WORDS
from kanopt.units import CURRENCIES, UNIT_WORDS
from kanopt.whatif.scaffolding.parts import called, looks_like, measures, names_rows
from kanopt.whatif.scaffolding.rewrites import long, numbers_of, texts, without_brackets
from kanopt.whatif.scaffolding.sources import SourceTable

_FEWEST = 2
_TIMES = ("s", "min", "h")
_NO_AMOUNTS = ("km", "mi", "m", *CURRENCIES)
LISTED = re.compile(r"\s*[,;/+]\s*|\s+(?:or|oder|ou|o|lub)\s+")
"""What stands between the names that a cell lists."""
TOGETHER = re.compile(r"\s*\+\s*")
"""What stands between the names of what is needed at once."""
_RATIO = re.compile(r"([^\W\d]+) *(?:/|\b(?:per|pro|par|por|je)\b) *([^\W\d]+)", re.IGNORECASE)
"""Headers of what is counted for one of something: minutes per piece, trays/h."""
_NUMBERED = re.compile(r"[\s_-]*(\d+|(?<![^\W_])[A-Z])$")


def rows_of_stations(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make a row for each time of a table of orders by stations; columns numbered alike are ways to do the same."""
    found: list[SourceTable] = []
    for table in tables:
        stations, key = _stations(table), table.facts.key
        if key is None or len(stations) < _FEWEST:
            found.append(table)
            continue
        plain = {c.name: without_brackets(c.name) for c in stations}
        listed, *beside = long(table, "machine", plain, "duration")
        rows = listed.frame[listed.frame["duration"] > 0]
        if len({_NUMBERED.sub("", name) for name in plain.values()}) > 1:
            rows = rows.assign(order=rows["machine"].map({n: k for k, n in enumerate(plain.values(), 1)}))
        unit = stations[0].header.unit or "min"
        found += [
            listed.remade(rows, listed.made, {"duration": unit}, title="operations", end="ops"),
            *beside,
        ]
    return found


def _stations(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns that are stations, whose cells are times."""
    numbers = numbers_of(table)
    timed = [c for c in numbers if measures(c) == {"time": 1}]
    told = any(is_called(word, TABLE_WORDS["modes"] | TABLE_WORDS["durations"]) for word in table.words)
    plain = told and len(numbers) == len(table.columns) - 1 and not any(c.header.unit for c in numbers)
    stations = numbers if plain else timed
    return [
        c
        for c in stations
        if not looks_like(c, "jobs", "due_date", "release_date") and not looks_like(c, "modes", "duration")
    ]


def things(
    table: SourceTable, names: pd.Series[Any], what: str, without: Collection[str] = ()
) -> SourceTable:
    """Return the things that rows name, each once, with the columns on which all rows of a thing agree.

    Parameters
    ----------
    table
        The rows.
    names
        The name that each row has for its thing.
    what
        What they are called, such as ``"jobs"``.
    without
        Columns that say nothing of a thing.
    """
    frame, names = table.frame.reset_index(drop=True), names.reset_index(drop=True)
    groups = frame.groupby(names)
    kept = [
        name
        for name in frame.columns
        if name != "name"
        and name not in without
        and not frame[name].equals(names)
        and (groups[name].nunique(dropna=False) <= 1).all()
    ]
    made = pd.concat([names.rename("name"), frame[kept]], axis="columns").dropna(subset=["name"])
    return table.remade(made.drop_duplicates("name"), f"the {what} of {table.called}", title=what, end=what)


def predecessors(table: SourceTable, name: ColumnFacts) -> ColumnFacts | None:
    """Return the column whose values are names of other rows; None where there is none."""
    for column in table.facts.columns.values():
        known = listed_in(column)
        if column is name or not known or not known <= name.texts:
            continue
        if len(column.values) < column.rows or (not column.is_unique and column.texts != name.texts):
            return column
    return None


def listed_in(column: ColumnFacts) -> set[str]:
    """Return the names that the cells of a column list."""
    return {one for text in column.texts for one in LISTED.split(text) if one not in ("", "-")}


def order_of(names: pd.Series[Any], jobs: pd.Series[Any], before: pd.Series[Any], of: str) -> pd.Series[Any]:
    """Return the order of tasks in their jobs that predecessors say; those that make no chain are refused."""
    told = [[one for one in LISTED.split(text) if one not in ("", "-")] for text in texts(before.fillna(""))]
    known, job = dict(zip(names, told, strict=True)), dict(zip(names, jobs, strict=True))
    after = [one for several in told for one in several]
    for row, (task, several) in enumerate(known.items(), 2):
        elsewhere = any(job.get(one) != job[task] or after.count(one) > 1 for one in several)
        if len(several) > 1 or elsewhere:
            listed = ", ".join(map(repr, several))
            raise TableError(
                f"{of}, row {row}: {task!r} comes after {listed}, which is no chain in one job; tasks of a job run "
                "one after the other"
            )
    ranks: dict[str, int] = {}
    for task in known:
        chain = [task]
        while known[chain[-1]]:
            chain += known[chain[-1]]
            if chain[-1] in chain[:-1]:
                raise TableError(f"{of}: {task!r} comes after itself")
        ranks[task] = len(chain)
    firsts = pd.Series([job[task] for task, several in known.items() if not several]).value_counts()
    if (firsts > 1).any():
        raise TableError(
            f"{of}: several tasks of {firsts.idxmax()!r} come after none; which is first is not said"
        )
    return names.map(ranks)


def worked_out(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make steps of orders where no table has them: those of their type, or one on each machine, by amount and rate."""
    pairs = [(one, other) for one in tables if one.facts.key for other in tables if other is not one]
    return [made for one, other in pairs if (made := _steps_of(one, other)) is not None]


def _steps_of(orders: SourceTable, other: SourceTable) -> SourceTable | None:
    """Return the steps of orders that another table tells for their type, or for a unit of what they count."""
    key, own = orders.facts.key, other.facts.key
    assert key is not None
    types = [
        (c.name, theirs.name)
        for c in orders.facts.columns.values()
        for theirs in other.facts.columns.values()
        if c is not key and c.kind == theirs.kind == "text" and c.texts <= theirs.texts
        if theirs is not own or called(other, "tasks") or called(other, "modes")
    ]
    works = [(column, *work) for column in numbers_of(other) if (work := _work(column, orders))]
    if len(works) != 1 or len(types) > 1 or names_rows(other, key.texts):
        return None
    ((column, unit, amount, power),) = works
    if not types and (own is None or not amount):
        return None
    used = {key.name: "job"} | dict(types) | ({amount: "pieces"} if amount else {})
    left = orders.frame[[*used]].rename(columns=used)
    right = other.frame[other.frame[column.name] > 0].rename(columns={column.name: "duration"})
    if types:
        rows = left.merge(right, on=types[0][1]).drop(columns=types[0][1])
    else:
        ways = right[[own.name, "duration"]].rename(columns={own.name: "machine"})  # type: ignore[union-attr]
        rows = left.merge(ways, how="cross")
    if amount:
        rows["duration"] = rows["duration"].astype(float) ** power * rows.pop("pieces")
    reads = [*used, *used.values(), column.name]
    why = f"{orders.called} by {other.called}"
    made = orders.remade(rows, why, {"duration": unit}, title="operations", end="ops", reads=reads)
    return replace(made, of=made.of | {other.name} | other.of)


def _work(column: ColumnFacts, orders: SourceTable) -> tuple[str, str, int] | None:
    """Return the unit of times, the amount of orders that they are for, and 1, or -1 of a rate; None of no times."""
    told = _RATIO.search(column.name)
    above, below = (next(iter(read_header(text).pieces), "") for text in told.groups()) if told else ("", "")
    units = [UNIT_WORDS.get(word, "") for word in (above, below)]
    if units[1] in _TIMES and units[0] not in _NO_AMOUNTS:
        amounts = _counted(orders, above)
        return (units[1], amounts[0], -1) if len(amounts) == 1 else None
    amounts = _counted(orders, below) if units[0] in _TIMES else []
    if len(amounts) == 1:
        return units[0], amounts[0], 1
    whole = not below or is_called(below, TABLE_WORDS["jobs"] | TABLE_WORDS["tasks"])
    plain = measures(column) == {"time": 1} or looks_like(column, "modes", "duration")
    return (column.unit or "min", "", 1) if whole and plain else None


def _counted(table: SourceTable, what: str) -> list[str]:
    """Return the columns that say of how many of something a row is."""
    numbers = [c for c in numbers_of(table) if not _RATIO.search(c.name)]
    called_so = [c.name for c in numbers if any(is_called(p, frozenset([what])) for p in c.header.pieces)]
    pieces = UNIT_WORDS.get(what) == "pcs"
    return called_so or [c.name for c in numbers if pieces and looks_like(c, "demand", "demand")]
