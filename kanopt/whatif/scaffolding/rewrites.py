"""Tables rewritten as plans read them: one row for each thing, whatever the sheet of a planner looks like.

A rewrite of many tables takes and returns a list of them; one of a single table says what it needs. What it makes is
written beside the scenario.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.errors import TableError
from kanopt.records.clock_times import clock_value
from kanopt.records.headers import read_header
from kanopt.records.likeness import is_called
from kanopt.records.matching import ColumnFacts
from kanopt.records.words import TABLE_WORDS
from kanopt.units import UNIT_WORDS
from kanopt.whatif.scaffolding.parts import called, looks_like, measures, names_rows
from kanopt.whatif.scaffolding.sources import SourceTable

__all__ = [
    "BEFORE",
    "LISTED",
    "both_ways",
    "ends_of_ways",
    "lasts_a_shift",
    "listed_in",
    "merged",
    "order_of",
    "predecessors",
    "rows_of_brackets",
    "rows_of_periods",
    "rows_of_squares",
    "rows_of_stations",
    "rows_of_things",
    "texts",
    "things",
    "windows_of",
    "without_margins",
    "worked_out",
]

_FEWEST = 2
_SHIFT = 240.0  # minutes
_TIMES = ("s", "min", "h")
_NO_AMOUNTS = ("km", "mi", "m", "EUR", "USD", "GBP", "CHF")
_PRICE = "price"
_PERIOD = re.compile(
    r"(jan|feb|mar|m[aä]r|apr|abr|may|mai|jun|jul|aug|ago|ao[uû]|sep|oct|okt|nov|dec|dez|dic|d[eé]c|ene|f[eé]v|avr"
    r"|juin|juil)\w*"
    r"|(q|t|w|kw|s|sem|semana|semaine|week|woche|month|mes|mois|monat|period|periode|quarter|quartal)[ ._-]?\d+"
    r"|\d{4}([-/. ]?(q|t|w|kw)?\d+)?"
)
"""Headers that are periods: January, Q1, KW 12, 2024-03."""
_UP_TO = re.compile(r"\D{0,9}?(\d[\d ]*) ?(kg|t|lb)\b.*", re.IGNORECASE)
"""Headers that are weights: ≤ 250 kg, bis 100 kg."""
LISTED = re.compile(r"\s*[,;/+]\s*|\s+(?:or|oder|ou|o)\s+")
"""What stands between the names that a cell lists."""
_RATIO = re.compile(r"([^\W\d]+) *(?:/|\b(?:per|pro|par|por|je)\b) *([^\W\d]+)", re.IGNORECASE)
"""Headers of what is counted for one of something: minutes per piece, trays/h."""
_BETWEEN = ("->|→|>", " [-–—] ", "[-–—]", " (?:to|nach|bis|vers|hasta|a|à) ")
"""What stands between the ends of a way in one cell."""
_NUMBERED = re.compile(r"[\s_-]*(\d+|(?<![^\W_])[A-Z])$")
BEFORE = "comes after"
"""The column of made operations that says which one comes before."""

Wide = tuple[str, Mapping[str, Any], str]
"""What the headers of a wide table name, each column with what its header says, and what its cells are called."""


def without_margins(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Take the last row of a matrix off where its name has a unit: what each column has or asks is no cell of it."""
    found: list[SourceTable] = []
    for table in tables:
        first, *others = table.facts.columns.values()
        last = table.frame.iloc[-1]
        numbers = [c.name for c in others if c.kind == "number"]
        named = first.kind == "text" and len(table.frame) > _FEWEST and len(numbers) >= _FEWEST
        label = str(last[first.name])
        if not named or not read_header(label).unit or read_header(str(table.frame[first.name].iloc[0])).unit:
            found.append(table)
            continue
        cells = [name for name in numbers if pd.notna(last[name])]
        margin = pd.DataFrame({"destination": cells, label: [last[name] for name in cells]})
        why = f"the last row of {table.called}"
        found.append(table.remade(table.frame.iloc[:-1], f"{table.called} without its last row", end="body"))
        found.append(table.remade(margin, why, title=label, end="margin"))
    return found


def _unfolding(
    find: Callable[[SourceTable, Sequence[SourceTable]], Wide | None],
) -> Callable[[Sequence[SourceTable]], list[SourceTable]]:
    """Return the rewrite that makes of each table, in whose columns something is found, a row for each of its cells."""

    def rewrite(tables: Sequence[SourceTable]) -> list[SourceTable]:
        found: list[SourceTable] = []
        for table in tables:
            wide = find(table, tables)
            found += [table] if wide is None else _long(table, *wide)
        return found

    rewrite.__doc__ = find.__doc__
    return rewrite


def _long(table: SourceTable, head: str, meant: Mapping[str, Any], value: str) -> Iterator[SourceTable]:
    """Return a wide table as rows, and what stands beside its cells as a table of its own."""
    columns = table.facts.columns
    rest = [c for c in columns.values() if c.name not in meant]
    key = table.facts.key
    named = [c for c in rest if c.kind == "text"]
    ids = [key] if key is not None and value != _PRICE else named  # one price is of all the names before it
    corner = ids[0]
    told = corner.name if corner.header.unit else table.title
    value = value or told
    unit = read_header(told).unit
    if value != _PRICE:  # headers that are weights say nothing of what is paid
        unit = next(iter(columns[name].header.unit for name in meant), "") or unit
    names = {corner.name: "origin"} if corner.header.unit else {}
    cells = table.frame[[*(c.name for c in ids), *meant]].rename(columns={**names, **meant})
    kept = [names.get(c.name, c.name) for c in ids]
    cells.columns = [*kept, *meant.values()]
    long = cells.melt(id_vars=kept, var_name=head, value_name=value).dropna(subset=[value]).infer_objects()
    yield table.remade(long, f"{table.called} as a list", {value: unit}, end="rows")
    if len(rest) > len(ids):
        beside = table.frame[[c.name for c in rest]]
        yield table.remade(beside, f"{table.called} without its wide columns", end="beside")


def _numbers(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns that may be cells of a wide table: numbers that are not its key."""
    return [c for c in table.facts.columns.values() if c.kind == "number" and c is not table.facts.key]


def _squares(table: SourceTable, tables: Sequence[SourceTable]) -> Wide | None:
    """Rows and columns have the same names: a row for each pair of them."""
    first, *others = table.facts.columns.values()
    blank = [c for c in others if not len(c.values)]  # the last column of a triangle
    heads = [c.name for c in (*_numbers(table), *blank)]
    shared = first.texts & {*heads}
    if first.kind != "text" or len(heads) < _FEWEST or len(shared) < max(_FEWEST, len(heads) - 1):
        return None
    return None if len(heads) + 1 < len(table.facts.columns) else ("to", {name: name for name in heads}, "")


def ends_of_ways(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Part a column whose cells have both ends of a way, such as Kemi - Raahe, where other tables have their names."""
    return [_ends_apart(table, tables) for table in tables]


def _ends_apart(table: SourceTable, tables: Sequence[SourceTable]) -> SourceTable:
    others = [c for other in tables if other is not table for c in other.facts.columns.values()]
    known = frozenset().union(*(c.texts for c in others if c.kind == "text"))
    for column in table.facts.columns.values():
        cells = (
            list(texts(column.values)) if column.kind == "text" and len(column.values) == column.rows else []
        )
        for sign in _BETWEEN if cells else ():
            pairs = [[end.strip() for end in re.split(sign, cell)] for cell in cells]
            ends = {end for pair in pairs for end in pair}
            if all(len(pair) == _FEWEST for pair in pairs) and len(ends & known) > 0.5 * len(ends):
                apart = pd.DataFrame(pairs, columns=["from", "to"])
                rest = table.frame.drop(columns=[column.name, *apart], errors="ignore").reset_index(drop=True)
                why = f"{table.called} with the ends of {column.name!r} apart"
                made = pd.concat([apart, rest], axis="columns")
                return table.remade(made, why, end="apart", reads=[column.name])
    return table


def rows_of_squares(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make a row for each pair of a table whose rows and columns have the same names."""
    found: list[SourceTable] = []
    for table in tables:
        wide = _squares(table, tables)
        if wide is None:
            found.append(table)
            continue
        (long,) = _long(table, *wide)
        first = next(iter(long.frame))
        pairs = long.remade(long.frame.rename(columns={first: "from"}), long.made, end="pairs")
        turned = both_ways(pairs, "from", "to")
        found.append(replace(pairs, square=table) if turned is None else turned)
    return found


def both_ways(table: SourceTable, tail: str, head: str) -> SourceTable | None:
    """Return pairs of places with each turned round as well, where each stands in one direction alone; else None.

    A triangle, as of a road atlas, has nothing or zeros where the other direction would stand.

    Parameters
    ----------
    table
        The pairs.
    tail, head
        Its columns of places.
    """
    ends = table.frame[[tail, head]].apply(texts)
    told = table.frame.drop(columns=[tail, head]).select_dtypes("number").fillna(0).any(axis="columns")
    rows = table.frame[told & (ends[tail] != ends[head])]
    pairs = pd.Series([frozenset(pair) for pair in ends.loc[rows.index].to_numpy()])
    count = len(frozenset().union(*pairs))
    if count <= _FEWEST or pairs.duplicated().any() or len(rows) != count * (count - 1) // 2:
        return None
    turned = rows.rename(columns={tail: head, head: tail})
    why = f"{table.called}, where each pair stands once and holds for both directions"
    return table.remade(pd.concat([rows, turned]), why, end="both_ways")


def _things(table: SourceTable, tables: Sequence[SourceTable]) -> Wide | None:
    """Headers are names of rows of another table, or end as those of another table do: a row for each of them."""
    numbers = _numbers(table)
    heads = {c.name for c in numbers}
    plain = {c.name: _without_brackets(c.name) for c in numbers}
    for other in tables if len(heads) >= _FEWEST else ():
        for column in other.facts.columns.values() if other is not table else ():
            named = {*plain.values()} & column.texts if column.kind == "text" else set()
            if len(named) >= _FEWEST and len(named) >= 0.5 * len(column.texts):
                return column.name, {name: text for name, text in plain.items() if text in named}, ""
    wide = [{c.name for c in _numbers(other)} for other in tables if other is not table]
    bare = not any(c.header.unit or _PERIOD.fullmatch(c.name.strip().lower()) for c in numbers)
    if len(heads) >= _FEWEST and heads in wide and bare:
        return "product", {name: name for name in heads}, ""
    for alike in _alike(numbers):
        if any(
            alike.keys() == theirs.keys() for o in tables if o is not table for theirs in _alike(_numbers(o))
        ):
            value = " ".join(
                word for word in read_header(next(iter(alike.values()))).words if word not in alike
            )
            return "product", {name: thing for thing, name in alike.items()}, value
    return None


def _alike(columns: Sequence[ColumnFacts]) -> list[dict[str, str]]:
    """Return columns whose headers differ in one word alone, that word to each."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for column in columns:
        for place, word in enumerate(column.header.words if column.header.unit else ()):
            rest = (*column.header.words[:place], "", *column.header.words[place + 1 :])
            found.setdefault(rest, {})[word] = column.name
    return [alike for rest, alike in found.items() if len(alike) >= _FEWEST and len(rest) > 1]


def _without_brackets(header: str) -> str:
    """Return a header without its unit in brackets."""
    return " ".join(re.sub(r"[\[(].*?[\])]", "", header).split()) or header


def _periods(table: SourceTable, tables: Sequence[SourceTable]) -> Wide | None:
    """Headers are months, quarters or weeks: a row for each of them."""
    plain = {c.name: _without_brackets(c.name) for c in _numbers(table)}
    named = {name: text for name, text in plain.items() if _PERIOD.fullmatch(text.lower())}
    return ("period", named, "") if len(named) >= _FEWEST else None


def _brackets(table: SourceTable, tables: Sequence[SourceTable]) -> Wide | None:
    """Headers are weights up to which a price holds: a row for each of them."""
    weights = {c.name: match for c in _numbers(table) if (match := _UP_TO.fullmatch(c.name.strip()))}
    if len(weights) < _FEWEST or len({match[2] for match in weights.values()}) > 1:
        return None
    (unit,) = {match[2].lower() for match in weights.values()}
    limits = {name: float(match[1].replace(" ", "")) for name, match in weights.items()}
    return f"up to ({unit})", limits, _PRICE


def rows_of_stations(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make a row for each time of a table of orders by stations; columns numbered alike are ways to do the same."""
    found: list[SourceTable] = []
    for table in tables:
        stations, key = _stations(table), table.facts.key
        if key is None or len(stations) < _FEWEST:
            found.append(table)
            continue
        plain = {c.name: _without_brackets(c.name) for c in stations}
        long, *beside = _long(table, "machine", plain, "duration")
        rows = long.frame[long.frame["duration"] > 0]
        if len({_NUMBERED.sub("", name) for name in plain.values()}) > 1:
            rows = rows.assign(order=rows["machine"].map({n: k for k, n in enumerate(plain.values(), 1)}))
        unit = stations[0].header.unit or "min"
        found += [long.remade(rows, long.made, {"duration": unit}, title="operations", end="ops"), *beside]
    return found


def _stations(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns that are stations, whose cells are times."""
    numbers = _numbers(table)
    timed = [c for c in numbers if measures(c) == {"time": 1}]
    told = any(is_called(word, TABLE_WORDS["modes"] | TABLE_WORDS["durations"]) for word in table.words)
    plain = told and len(numbers) == len(table.columns) - 1 and not any(c.header.unit for c in numbers)
    stations = numbers if plain else timed
    return [
        c
        for c in stations
        if not looks_like(c, "jobs", "due_date", "release_date") and not looks_like(c, "modes", "duration")
    ]


def merged(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Join tables that were made of wide ones and name the same rows."""
    found: list[SourceTable] = []
    for table in tables:
        ids = [c.name for c in table.facts.columns.values() if c.kind == "text"]
        keys = set(map(tuple, table.frame[ids].astype(str).to_numpy()))
        twin = next(
            (
                place
                for place, other in enumerate(found)
                if table.made and other.made and len(ids) > 1 and {*ids} <= {*map(str, other.frame.columns)}
                if set(map(tuple, other.frame[ids].astype(str).to_numpy())) == keys
                if {*map(str, other.frame.columns)} & {*map(str, table.frame.columns)} == {*ids}
            ),
            None,
        )
        if twin is None:
            found.append(table)
            continue
        other = found[twin]
        rows = other.frame.merge(table.frame, on=ids)
        both = other.remade(rows, f"{other.made} and {table.made}", table.units, end="both")
        found[twin] = replace(both, of=both.of | table.of)
    return found


rows_of_things = _unfolding(_things)
rows_of_periods = _unfolding(_periods)
rows_of_brackets = _unfolding(_brackets)


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


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as texts; whole numbers without a point."""
    return values.map(lambda v: str(int(v)) if isinstance(v, float) and v == int(v) else str(v).strip())


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
    """Make the steps of orders where no table has them: those of their type, or one on each machine by its rate."""
    pairs = [(one, other) for one in tables if one.facts.key for other in tables if other is not one]
    found = [make(orders, other) for orders, other in pairs for make in (_steps_of_type, _times_by_rate)]
    return [table for table in found if table is not None]


def _steps_of_type(orders: SourceTable, steps: SourceTable) -> SourceTable | None:
    """Return the steps of each order where they are told for its type; times of a piece times its pieces."""
    key = orders.facts.key
    assert key is not None
    columns = steps.facts.columns.values()
    types = [
        (c, own)
        for c in orders.facts.columns.values()
        for own in columns
        if c is not key and c.kind == own.kind == "text" and c.texts <= own.texts
        if not own.is_unique or called(steps, "tasks") or called(steps, "modes")
    ]
    told = [c for c in columns if measures(c) == {"time": 1} or looks_like(c, "modes", "duration")]
    each = [c for c in columns if UNIT_WORDS.get(_ratio(c)[0]) in _TIMES]
    times = [c for c in each or told if c.kind == "number"]
    if len(types) != 1 or len(times) != 1 or names_rows(steps, key.texts):
        return None
    ((kind, own),) = types
    (time,) = times
    above, below = _ratio(time)
    amounts = _counted(orders, below)
    if below and len(amounts) != 1 and not is_called(below, TABLE_WORDS["jobs"] | TABLE_WORDS["tasks"]):
        return None  # how many there are is not said
    used = [key.name, kind.name, *(c.name for c in amounts)]
    left = orders.frame[used].set_axis(["job", own.name, *("pieces" for _ in amounts)], axis="columns")
    rows = left.merge(steps.frame.rename(columns={time.name: "duration"}), on=own.name)
    if amounts:
        rows["duration"] *= rows.pop("pieces")
    unit = UNIT_WORDS.get(above) or time.declared or time.header.unit or "min"
    return _of_both(orders, steps, rows.drop(columns=own.name), unit, [*used[1:], own.name, time.name])


def _times_by_rate(orders: SourceTable, machines: SourceTable) -> SourceTable | None:
    """Return how long each order takes on each machine, where orders have an amount and machines a rate."""
    key, own = orders.facts.key, machines.facts.key
    assert key is not None
    for rate in _numbers(machines) if own is not None else ():
        above, below = _ratio(rate)
        amounts = _counted(orders, above)
        if UNIT_WORDS.get(below) not in _TIMES or UNIT_WORDS.get(above) in _NO_AMOUNTS or len(amounts) != 1:
            continue
        able = machines.frame[machines.frame[rate.name] > 0]
        rows = orders.frame[[key.name, amounts[0].name]].set_axis(["job", "duration"], axis="columns")
        ways = able[[own.name, rate.name]].set_axis(["machine", "rate"], axis="columns")  # type: ignore[union-attr]
        rows = rows.merge(ways, how="cross")
        rows["duration"] /= rows.pop("rate")
        return _of_both(orders, machines, rows, UNIT_WORDS[below], [amounts[0].name, rate.name])
    return None


def _ratio(column: ColumnFacts) -> tuple[str, str]:
    """Return what a header counts, and for one of what; empty where it is for one of nothing."""
    told = _RATIO.search(column.name)
    return (_word(told[1]), _word(told[2])) if told else ("", "")


def _word(text: str) -> str:
    return next(iter(read_header(text).pieces), "")


def _counted(table: SourceTable, what: str) -> list[ColumnFacts]:
    """Return the columns that say of how many of something a row is."""
    pieces = UNIT_WORDS.get(what) == "pcs"
    return [
        c
        for c in _numbers(table)
        if what and any(is_called(piece, frozenset([what])) for piece in c.header.pieces)
        if not _ratio(c)[1]
    ] or [c for c in _numbers(table) if pieces and looks_like(c, "demand", "demand")]


def _of_both(
    one: SourceTable, other: SourceTable, rows: pd.DataFrame, unit: str, reads: Collection[str]
) -> SourceTable:
    """Return a table that is made of two."""
    why = f"{one.called} by {other.called}"
    made = one.remade(rows, why, {"duration": unit}, title="operations", end="ops", reads=reads)
    return replace(made, of=made.of | {other.name} | other.of)


def windows_of(cell: Any) -> list[tuple[float, float]]:
    """Return the windows of a cell, in minutes; none where it says anything else."""
    parted = [window.replace("–", "-").partition("-") for window in re.split("[,;]", str(cell))]
    ends = [(clock_value(begin.strip(), "min"), clock_value(end.strip(), "min")) for begin, _, end in parted]
    told = [(float(begin), float(end)) for begin, end in ends if begin is not None and end is not None]
    return told if len(told) == len(ends) else []


def lasts_a_shift(column: ColumnFacts) -> bool:
    """Say whether windows last so long that they are when something works, and not when it stands still."""
    lasts = [sum(end - begin for begin, end in windows_of(cell)) for cell in column.values]
    return pd.Series(lasts).median() >= _SHIFT
