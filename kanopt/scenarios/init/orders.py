"""Orders as planners have them, as what a plan is made of: the stops of a fleet, the steps of a job shop."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.records.headers import FIELD_WORDS, TABLE_WORDS, is_called, measured_in, read_header
from kanopt.records.matching import ColumnFacts
from kanopt.scenarios.init.parts import called, looks_like, measures, names_rows
from kanopt.scenarios.init.rewrites import joined, long, numbers_of
from kanopt.scenarios.init.sources import SourceTable, coordinate_ends, texts, without_brackets
from kanopt.units import CURRENCIES, UNIT_WORDS, convert, factor

_FEWEST = 2
_TIMES = ("s", "min", "h")
_NO_AMOUNTS = ("km", "mi", "m", *CURRENCIES)
LISTED = re.compile(r"\s*[,;/+]\s*|\s+(?:or|oder|ou|o|lub)\s+")
"""What stands between the names that a cell lists."""
TOGETHER = re.compile(r"\s*\+\s*")
"""What stands between the names of what is needed at once."""
_LINK = "of type"
_RATIO = re.compile(r"([^\W\d]+) *(?:/|\b(?:per|pro|par|por|je)\b) *([^\W\d]+)", re.IGNORECASE)
"""Headers of what is counted for one of something: minutes per piece, trays/h."""
_PIECES = [word for word, unit in UNIT_WORDS.items() if unit == "pcs" and len(word) > 4]
_STEP = re.compile(r"[\s_#-]*(\d+)(?!\d)")
_NUMBERED = re.compile(r"[\s_-]*(\d+|(?<![^\W_])[A-Z])$")


def rows_of_stations(table: SourceTable, tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make a row for each time of a table of orders by stations; columns numbered alike are ways to do the same."""
    stations, key = _stations(table), table.key
    if key is None or len(stations) < _FEWEST:
        return [table]
    plain = {c.name: without_brackets(c.name) for c in stations}
    listed, *beside = long(table, "machine", plain, "duration")
    rows = listed.frame[listed.frame["duration"] > 0]
    steps, told = _steps_by(tables, {*plain.values()})
    # a row that is a step of an order may be done at either of them
    apart = len({_NUMBERED.sub("", name) for name in plain.values()}) > 1
    if (steps or apart) and not _are_steps(table, key, tables):
        steps = steps or {name: place for place, name in enumerate(plain.values(), 1)}
        rows = rows.assign(order=rows["machine"].map(steps))
    unit = stations[0].header.unit or "min"
    made = listed.remade(rows, {"duration": unit}, title="operations", end="ops")
    return [replace(made, of=made.of | told), *beside]


def rows_of_numbered_steps(table: SourceTable, tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make a row for each step of orders whose machines and times stand in columns that are numbered alike."""
    numbered: dict[str, dict[int, ColumnFacts]] = {}
    for column in table.given.values():
        found = _STEP.search(column.name)
        if found:
            numbered.setdefault(_STEP.sub("", column.name, count=1), {})[int(found[1])] = column
    rows = [columns for columns in numbered.values() if sorted(columns) == [*range(1, len(columns) + 1)]]
    machines, times = (
        [c for c in rows if {one.kind for one in c.values()} == {kind}] for kind in ("text", "number")
    )
    key = table.key
    if (
        key is None
        or len(machines) != 1
        or len(times) != 1
        or not _FEWEST <= len(machines[0]) == len(times[0])
    ):
        return [table]
    of_steps = {
        place: {machines[0][place].name: "machine", times[0][place].name: "duration"} for place in times[0]
    }
    frames = [
        table.frame[[key.name, *names]].rename(columns=names).assign(order=place)
        for place, names in of_steps.items()
    ]
    made = pd.concat(frames).dropna(subset=["machine", "duration"])
    unit = times[0][1].unit or "min"
    beside = table.frame.drop(columns=[name for names in of_steps.values() for name in names])
    return [
        table.remade(made, {"duration": unit}, title="operations", end="ops"),
        table.remade(beside, end="beside"),
    ]


def _are_steps(table: SourceTable, key: ColumnFacts, tables: Sequence[SourceTable]) -> bool:
    """Say whether rows are steps of orders: they come after each other, or several name a row of another table."""
    others = [other.key for other in tables if other is not table and other.key is not None]
    texts_of = [c for c in table.given.values() if c is not key and c.kind == "text" and not c.is_unique]
    named = any(c.texts <= other.texts and c.name == other.name for c in texts_of for other in others)
    return named or predecessors(table, key) is not None


def _steps_by(
    tables: Sequence[SourceTable], stations: Collection[str]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the steps at which orders come to stations, where a table numbers these, and its name."""
    for table in tables:
        named = [
            c for c in table.given.values() if c.kind == "text" and c.is_unique and c.texts == {*stations}
        ]
        counts = [c for c in numbers_of(table) or table.given.values() if c.whole and c.is_unique]
        if named and len(counts) == 1 and len(table.given) == _FEWEST:
            return dict(zip(named[0].values, counts[0].values, strict=True)), frozenset([table.name])
    return {}, frozenset()


def _stations(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns that are stations, whose cells are times."""
    numbers = numbers_of(table)
    timed = [c for c in numbers if c.unit in _TIMES]
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
    return table.remade(made.drop_duplicates("name"), title=what, end=what)


def predecessors(table: SourceTable, name: ColumnFacts) -> ColumnFacts | None:
    """Return the column whose values are names of other rows; None where there is none."""
    for column in table.given.values():
        known = listed_in(column)
        if column is name or not known or not known <= name.texts:
            continue
        if len(column.values) < column.rows or (not column.is_unique and column.texts != name.texts):
            return column
    return None


def listed_in(column: ColumnFacts) -> set[str]:
    """Return the names that the cells of a column list."""
    return {one for text in column.texts for one in LISTED.split(text) if one not in ("", "-")}


def worked_out(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Make steps of orders by another table: their own, those of their type, or one on each machine.

    How long they take is told for a unit of what orders count, and for beginning, or as it is.
    """
    pairs = [(one, other) for one in tables if one.key for other in tables]
    return [made for one, other in pairs if (made := _steps_of(one, other)) is not None]


def _steps_of(orders: SourceTable, other: SourceTable) -> SourceTable | None:
    """Return the steps of orders that another table tells for them or their type, or for a unit of what they count."""
    key, own = orders.key, other.key
    assert key is not None
    named = [(key.name, c.name) for c in names_rows(other, key.texts, every=True)]
    links = named or [
        (c.name, theirs.name)
        for c in orders.given.values()
        for theirs in other.given.values()
        if c is not key and c.kind == theirs.kind == "text" and c.texts <= theirs.texts
        if theirs is not own or called(other, "tasks") or called(other, "modes")
    ]
    works = [(column, *work) for column in numbers_of(other) if (work := _work(column, orders))]
    amounts = {amount for _, _, amount, _ in works} - {""}
    once = len(works) - sum(bool(amount) for _, _, amount, _ in works)
    if len(links) > 1 or once > 1 or len(works) - once > 1 or not works:
        return None
    if (named and not amounts) or not (links or (own and amounts)):
        return None
    used = {key.name: "job"} | dict.fromkeys(amounts, "pieces")
    used |= {name: _LINK for name, _ in links if name != key.name}
    link = "job" if named else _LINK
    left = orders.frame[[*used]].rename(columns=used)
    names = [column.name for column, *_ in works]
    right = other.frame[(other.frame[names] > 0).any(axis="columns")]
    if links:
        rows = left.merge(right.rename(columns={links[0][1]: link}), on=link).drop(
            columns=_LINK, errors="ignore"
        )
    else:
        ways = right[[own.name, *names]].rename(columns={own.name: "machine"})  # type: ignore[union-attr]
        rows = left.merge(ways, how="cross")
    unit = works[0][1]
    lasts = [
        convert(1.0, own_unit, unit)
        * rows[column.name].astype(float) ** power
        * (rows["pieces"] if amount else 1)
        for column, own_unit, amount, power in works
    ]
    rows = rows.drop(columns=[*names, "pieces", *amounts], errors="ignore").assign(duration=sum(lasts))
    steps = other.given if orders is other else ()  # one table of orders and of their only step
    reads = [*used, *used.values(), *names, *steps]
    made = orders.remade(rows, {"duration": unit}, title="operations", end="ops", reads=reads)
    return replace(made, of=made.of | {other.name} | other.of)


def _work(column: ColumnFacts, orders: SourceTable) -> tuple[str, str, int] | None:
    """Return the unit of times, the amount of orders that they are for, and 1, or -1 of a rate; None of no times."""
    told = _RATIO.search(column.name)
    above, below = (next(iter(read_header(text).pieces), "") for text in told.groups()) if told else ("", "")
    if not told and column.unit in _TIMES:  # Stückzeit
        within = (p for piece in column.header.pieces for p in _PIECES if piece.startswith(p) and piece != p)
        above, below = column.unit, next(within, "")
    units = [UNIT_WORDS.get(word, "") for word in (above, below)]
    if units[1] in _TIMES and units[0] not in _NO_AMOUNTS:
        amounts = _counted(orders, above)
        return (units[1], amounts[0], -1) if len(amounts) == 1 else None
    amounts = _counted(orders, below) if units[0] in _TIMES else []
    if len(amounts) == 1:
        return units[0], amounts[0], 1
    whole = not below or is_called(below, TABLE_WORDS["jobs"] | TABLE_WORDS["tasks"])
    plain = measures(column) == {"time": 1} or (not column.unit and looks_like(column, "modes", "duration"))
    return (column.unit or "min", "", 1) if whole and plain else None


def _counted(table: SourceTable, what: str) -> list[str]:
    """Return the columns that say of how many of something a row is."""
    amounts = [c for c in numbers_of(table) if measures(c) in ({}, {"amount": 1})]
    numbers = [c for c in amounts if not _RATIO.search(c.name)]
    unit = UNIT_WORDS.get(what, what)
    alike = [(c, p) for c in numbers for p in c.header.pieces]
    called_so = {c.name: c for c, p in alike if unit == UNIT_WORDS.get(p) or is_called(p, frozenset([what]))}
    return [*called_so] or [c.name for c in numbers if unit == "pcs" and looks_like(c, "demand", "demand")]


_FEWEST = 2
_OF_STOPS = ("earliest", "latest", "windows", "service_duration")
_BEGINNING = 6  # letters by which words are the same: deliver, delivery


def coordinate_pairs(table: SourceTable) -> list[dict[str, str]]:
    """Return the columns that say where a row is, place by place: each end of a place to its column."""
    return coordinate_ends(column.name for column in table.given.values() if column.kind == "number")


def located(
    table: SourceTable, columns: Sequence[ColumnFacts], places: SourceTable, ends: Mapping[str, str]
) -> SourceTable:
    """Return a table with the coordinates of the places that one or two of its columns name.

    Parameters
    ----------
    table, columns
        Which.
    places, ends
        The table of places, and its columns for the ends of a coordinate.
    """
    key = places.key
    assert key is not None
    made = table
    for column in columns:
        names = {name: name if len(columns) == 1 else f"{column.name} {end}" for end, name in ends.items()}
        made = joined(made, places, {column.name: key.name}, names, end="located")
    if len(columns) == 1:
        return made
    apart = made.frame.drop(columns=[column.name for column in columns])
    return made.remade(apart, end="apart")


def stops_of_orders(table: SourceTable, key: str, pairs: Sequence[Mapping[str, str]]) -> SourceTable:
    """Return orders from place to place as two stops each: one where it is loaded, and one where it is unloaded."""
    first, last = pairs[:_FEWEST]
    words = [{*read_header(next(iter(ends.values()))).words} for ends in (first, last)]
    sources = {*FIELD_WORDS["source"].replace(",", " ").split()}
    if words[1] & sources and not words[0] & sources:
        first, last = last, first
    frame = table.frame.reset_index(drop=True)
    names = texts(frame[key])
    if table.columns[key].kind == "number":
        names = f"{key} " + names  # numbers beside texts would be read as either
    loaded = names + " (loading)"
    where = {name for ends in (first, last) for name in ends.values()}
    own = [_of_stop(table, ends, where) for ends in (first, last)]
    beside = [n for n in map(str, frame.columns) if n not in where and not any(n in of for of in own)]
    unloading = frame[beside].assign(**{key: names, "source": loaded})
    loading = pd.DataFrame({key: loaded})
    for stop, ends, of in ((loading, first, own[0]), (unloading, last, own[1])):
        for end, name in ends.items():
            stop[end] = frame[name]
        for name, plain in of.items():
            stop[plain] = frame[name]
    renamed = {plain: name for of in own for name, plain in of.items()} | dict(last)
    stops = pd.concat([unloading, loading], ignore_index=True)
    units = {n: table.columns[of].unit for n, of in renamed.items()}
    return table.remade(stops, units, end="stops")


def _of_stop(table: SourceTable, ends: Mapping[str, str], where: Collection[str]) -> dict[str, str]:
    """Return the columns whose headers have the word of one stop, each with the field that it fills, or without it."""
    of = [word[:_BEGINNING] for word in read_header(next(iter(ends.values()))).words if len(word) > 1]
    found: dict[str, str] = {}
    for name, column in table.given.items():
        plain = " ".join(w for w in re.split(r"[\s_]+", name) if not _begins_alike(read_header(w).pieces, of))
        if name in where or not plain or plain == name:
            continue
        alone = replace(column, name=plain)
        fields = [f for f in _OF_STOPS for c in (column, alone) if looks_like(c, "clients", f)]
        found[name] = next(iter(fields), plain)
    return found


def _begins_alike(pieces: Sequence[str], others: Sequence[str]) -> bool:
    """Say whether a word begins as another one, as drop and dropoff."""
    pairs = [(one[:_BEGINNING], other) for one in pieces for other in others]
    return any(one.startswith(other) or (len(one) > 2 and other.startswith(one)) for one, other in pairs)


def with_breaks(table: SourceTable) -> SourceTable:
    """Return vehicles whose breaks stand in several columns with one that tells them; any other table as it is.

    Whether the later clock time is the latest begin or the end, no header says for sure: a break that is over by then
    keeps to both. Two clock times without a length are the break itself.
    """
    words = frozenset(word for word in FIELD_WORDS["breaks"].split(", ") if " " not in word)
    told = [c for c in table.columns.values() if any(is_called(piece, words) for piece in c.header.pieces)]
    times = [c for c in told if c.minutes is not None]
    lengths = [c for c in told if c.measured == measured_in("min")]
    if len(times) != 2 or len(lengths) > 1:
        return table
    # rows without a break are blank
    clocks = pd.DataFrame({c.name: c.minutes for c in times}, index=table.frame.index)
    begin, end = clocks.min(axis="columns"), clocks.max(axis="columns")
    length = end - begin
    if lengths:
        length = table.frame[lengths[0].name] * factor(lengths[0].unit, "min")
    latest = (end - length).clip(lower=begin)
    spans = zip(length, begin, latest, strict=True)
    breaks = [f"{long:g} in {first:g}-{last:g}" if long > 0 else None for long, first, last in spans]
    names = [c.name for c in (*times, *lengths)]
    frame = table.frame.drop(columns=names).assign(breaks=pd.Series(breaks, index=table.frame.index))
    return table.remade(frame, end="breaks", reads=names)
