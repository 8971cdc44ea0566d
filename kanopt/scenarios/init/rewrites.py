"""Tables rewritten as plans read them: one row for each thing, whatever the sheet of a planner looks like.

A rewrite makes tables of one, which it sees beside all others; :func:`rewritten` does one rewrite of all tables after
the other. What is made is written beside the scenario.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import pandas as pd

from kanopt.records.fields import clock_value, read_spans, window_cells
from kanopt.records.headers import (
    COORDINATES,
    FIELD_WORDS,
    LONG_TIMES,
    PERIOD_WORDS,
    TABLE_WORDS,
    WORK,
    WORKPLACE,
    is_called,
    is_planning_word,
    names_part,
    read_header,
)
from kanopt.records.matching import ColumnFacts, Columns
from kanopt.scenarios.init.sources import SourceTable, Tables, coordinate_ends, is_unit, texts
from kanopt.tables._convert import two_ways
from kanopt.units import CURRENCIES, UNIT_WORDS, convert, same_dimension

_FEWEST = 2
_SHIFT = 240.0  # minutes
_HOURS_OF_A_DAY = 24
TIMES = ("s", "min", "h")
_STEP = re.compile(r"[\s_#-]*(\d+)(?!\d)")
NUMBERED = re.compile(r"[\s_-]*(\d+|(?<![^\W_])[A-Z])$")
RESTS = frozenset(word for word in FIELD_WORDS["breaks"].split(", ") if " " not in word)
"""Words of headers that speak of a break."""
_PRICE = "price"
_NAMES = {name: "|".join(words.split()) for name, words in PERIOD_WORDS.items()}
_PERIOD = re.compile(
    rf"({_NAMES['begin']})\w*|{_NAMES['whole']}|({_NAMES['counted']})[ ._-]?\d+|\d{{4}}([-/. ]?(q|t|w|kw)?\d+)?"
)
"""Headers that are periods: January, Mon, Q1, KW 12, 2024-03."""
_UP_TO = re.compile(r"\D{0,9}?(\d[\d ]*) ?(kg|t|lb)\b.*", re.IGNORECASE)
"""Headers that are weights: ≤ 250 kg, bis 100 kg."""
_AMOUNT = re.compile(r"([-+]?\d+(?:\.\d+|,\d\d?)?) ?([^\d\s].*)")
_HOURS = re.compile(
    r"(\d+) ?(?:h|hrs?|hours?|std\.?) ?([0-5]?\d)(?: ?(?:m|min|mins|minutes)\.?)?", re.IGNORECASE
)
"""Cells that are hours and minutes: 1 h 30 min, 1h10."""
_BETWEEN = ("->|→|>", " [-–—] ", "[-–—]", " (?:to|nach|bis|vers|hasta|a|à) ")
"""What stands between the ends of a way in one cell."""
CELLS = "rows"
"""How a table is called that has a row for each cell of another one."""
Rewrite = Callable[[SourceTable, Tables], Iterable[SourceTable]]
Wide = tuple[str, Mapping[str, Any], str]
"""What the headers of a wide table name, each column with what its header says, and what its cells are called."""


def rewritten(tables: Tables, rewrites: Iterable[Rewrite]) -> list[SourceTable]:
    """Return the tables that rewrites make, one after the other."""
    found = [*tables]
    for rewrite in rewrites:
        found = [made for table in found for made in rewrite(table, found)]
    return found


def facts_in_rows(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Turn a table that has a row for each fact: of several things, or of all that is planned, as settings have it.

    Units tell it: facts have units, by what they are called, in a column of their own, or in their cells; names of
    things have none.
    """
    first, *rest = table.given.values()
    units = next((c for c in rest if c.kind == "text" and all(map(is_unit, c.texts))), None)
    things = [c for c in rest if c is not units and len(c.values) and not c.header.unit]
    if first.kind != "text" or not first.is_unique or table.may_teach or len(things) < len(rest) - 1:
        return [table]
    labels = [*texts(table.frame[first.name])]
    if units is not None:
        told = table.frame[units.name].fillna("")
        labels = [f"{label} ({unit})" if unit else label for label, unit in zip(labels, told, strict=True)]
    values = [c for c in things if not (c.kind == "text" and not any(map(_is_fact, c.texts)))]
    several = {read_header(text).unit for text in labels} - {""}
    elsewhere = any(c.texts & first.texts for t in tables for c in t.given.values() if c is not first)
    called_so = [label for label in labels if is_planning_word(label)]
    of_things = len(things) >= _FEWEST and len(several) >= _FEWEST
    if not (of_things or (len(values) == 1 and not elsewhere and 2 * len(called_so) > len(labels))):
        return [table]
    names = [c.name for c in values] if len(things) < len(table.given) else []
    frame = table.frame[names].set_axis(labels).T
    if len(names) > 1:
        frame = frame.rename_axis(index=table.title, columns=None).reset_index()
    # cells of one fact are of one kind, those of one thing are not: numbers where all of them are
    numbers = frame.apply(pd.to_numeric, errors="coerce")
    whole = [name for name in frame if numbers[name].notna().equals(frame[name].notna())]
    return [table.remade(frame.assign(**numbers[whole]), end="turned")]


def _is_fact(cell: str) -> bool:
    """Say whether a cell is an amount or a time of day, and no name."""
    return as_amount(cell) is not None or clock_value(cell, "min") is not None


def home_of_settings(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Set the place of the depot apart from what else the one row of a table of settings says."""
    pairs = coordinate_ends(column.name for column in table.numbers)
    if len(table.frame) != 1 or len(pairs) != 1 or table.key is not None:
        return [table]
    own = {name: table.frame[name] for name in pairs[0].values()}
    units = {name: table.columns[name].unit for name in own}
    home = table.remade(pd.DataFrame({"depot": "depot", **own}), units, title="depots", end="home")
    rest = table.frame.drop(columns=[*own])
    return [home, *([table.remade(rest, end="rest")] if len(rest.columns) else [])]


def without_margin(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Take the last row of a matrix off where its name has a unit: what each column has or asks is no cell of it."""
    first, *others = table.given.values()
    labels, numbers = [*texts(table.frame[first.name])], [c.name for c in others if c.kind == "number"]
    named = first.kind == "text" and len(labels) > _FEWEST and len(numbers) >= _FEWEST
    label = labels[-1]
    if not named or not read_header(label).unit or read_header(labels[0]).unit:
        return [table]
    cells = table.frame.iloc[-1][numbers].dropna()
    margin = pd.DataFrame({"destination": [*cells.index], label: [*cells]})
    body = table.remade(table.frame.iloc[:-1], end="body")
    return [body, table.remade(margin, title=label, end="margin")]


def rows_of_cells(table: SourceTable, tables: Tables) -> Iterable[SourceTable]:
    """Make a row for each cell of a table whose headers are things, periods or weights."""
    plain = {c.name: c.plain_name for c in table.numbers}
    # January, Q1, KW 12
    periods = {name: text for name, text in plain.items() if _PERIOD.fullmatch(text.lower())}
    of_periods = ("period", periods, "") if len(periods) >= _FEWEST else _brackets(table)
    wide = _things(table, tables) or of_periods
    return [table] if wide is None else long(table, *wide)


def long(table: SourceTable, head: str, meant: Mapping[str, Any], value: str) -> Iterator[SourceTable]:
    """Return a wide table as rows, and what stands beside its cells as a table of its own."""
    columns, key = table.given, table.key
    rest = [c for c in columns.values() if c.name not in meant]
    # one price is of all the names before it
    ids = [key] if key is not None and value != _PRICE else [c for c in rest if c.kind == "text"]
    corner, of_cells = ids[0], unit_of_cells(ids[0])
    told = corner.name if of_cells else table.title
    unit = of_cells or read_header(told).unit
    # KW 12 is no power
    stating = [name for name in meant if head != "period" or columns[name].plain_name != name]
    if value != _PRICE and stating:  # headers that are weights say nothing of what is paid
        unit = columns[stating[0]].header.unit or unit
    value = value or told
    kept = ["origin" if of_cells and c is corner else c.name for c in ids]
    cells = table.frame[[*(c.name for c in ids), *meant]].set_axis([*kept, *meant.values()], axis="columns")
    rows = cells.melt(id_vars=kept, var_name=head, value_name=value).dropna(subset=[value]).infer_objects()
    yield table.remade(rows, {value: unit}, end=CELLS)
    if len(rest) > len(ids):
        yield table.remade(table.frame[[c.name for c in rest]], end="beside")


def unit_of_cells(corner: ColumnFacts) -> str:
    """Return the unit that stands in the corner of a wide table; a word alone there is one, too."""
    return corner.header.unit or UNIT_WORDS.get(corner.name.strip().lower(), "")


def as_amount(text: str) -> tuple[float, str] | None:
    """Return the number and the unit of a cell such as 20 min or 1,5 t; None where it is anything else.

    It is None of 1.500 kg, too: whether that is a tonne and a half, no cell says.

    Examples
    --------
    >>> as_amount("1,5 t"), as_amount("0.125 kg"), as_amount("1.500 kg"), as_amount("1 h 30 min")
    ((1.5, 't'), (0.125, 'kg'), None, (90.0, 'min'))
    """
    if lasts := _HOURS.fullmatch(text.strip()):
        return 60.0 * int(lasts[1]) + int(lasts[2]), "min"
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or re.match(two_ways("."), found[1]):
        return None
    header = read_header(found[2])
    unit = UNIT_WORDS.get(found[2].lower().rstrip(".")) or (header.unit if not header.words else "")
    return (float(found[1].replace(",", ".")), unit) if unit else None


def plain_amounts(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Make numbers of the cells that have their unit behind them."""
    numbers, units = dict[str, Any](), dict[str, str]()
    first = next(iter(table.given.values()))
    for column in table.given.values():
        cells = [as_amount(text) for text in column.values] if column.kind == "text" else []
        amounts = [cell for cell in cells if cell is not None]
        if not amounts or len(amounts) < len(cells) or (column is first and column.is_unique):
            continue
        unit, stated = amounts[0][1], column.header.unit
        per = stated.removeprefix("EUR") if stated.startswith("EUR/") and unit in CURRENCIES else ""
        per = "" if per[1:] in LONG_TIMES else per
        if all(same_dimension(own, unit) for _, own in amounts):
            values = [convert(value, own + per, unit + per) for value, own in amounts]
            numbers[column.name] = pd.Series(values, index=column.values.index)
            units[column.name] = unit + per
    is_plain = not numbers or table.may_teach
    return [table if is_plain else table.remade(table.frame.assign(**numbers), units, end="numbers")]


def ends_of_ways(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Part a column whose cells have both ends of a way, such as Kemi - Raahe, where other tables have their names."""
    others = [c for other in tables if other is not table for c in other.given.values()]
    known = frozenset().union(*(c.texts for c in others if c.kind == "text"))
    whole = [c for c in table.given.values() if c.kind == "text" and c.is_full]
    for column, sign in product(whole, _BETWEEN):
        pairs = {cell: [end.strip() for end in re.split(sign, cell)] for cell in column.texts}
        # J1-1 may be step 1 of J1: both ends are names
        apart = all(len(pair) == _FEWEST for pair in pairs.values())
        ends = [{*end} for end in zip(*pairs.values(), strict=True)] if apart else []
        if apart and all(len(known & end) > 0.5 * len(end) for end in ends):
            ways = pd.DataFrame([*texts(column.values).map(pairs)], columns=["from", "to"])
            rest = table.frame.drop(columns=[column.name, *ways], errors="ignore").reset_index(drop=True)
            return [table.remade(pd.concat([ways, rest], axis="columns"), end="apart", reads=[column.name])]
    return [table]


def minutes_of_hours(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Make minutes of windows whose numbers are hours, such as 8-12 / 13-17: nobody opens minutes after midnight."""
    made: dict[str, pd.Series[Any]] = {}
    for column in table.given.values():
        cells = [*column.values] if column.kind == "windows" and all(map(windows_of, column.values)) else []
        ends = window_cells(cells, "", "min").bare
        if ends and all(float(end) <= _HOURS_OF_A_DAY for end in ends):
            made[column.name] = pd.Series(window_cells(cells, "h", "min").values, index=column.values.index)
    return [table.remade(table.frame.assign(**made), end="hours") if made else table]


def minutes_in_cells(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Make minutes of a matrix whose cells are hours and minutes, such as 0:28."""
    first, *others = table.given.values()
    cells = {c.name: c.minutes for c in others if c.minutes is not None}
    square = first.kind == "text" and len(first.texts & cells.keys()) >= _FEWEST
    if not square or len(cells) < len(others):
        return [table]
    frame = table.frame.assign(**cells).rename(columns={first.name: "min"})
    return [table.remade(frame, end="minutes", reads=[first.name])]


def rows_of_squares(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Make a row for each pair of a table whose rows and columns have the same names."""
    first, *others = table.given.values()
    blank = [c for c in others if not len(c.values)]  # the last column of a triangle
    heads = [c.name for c in (*table.numbers, *blank)]
    few = max(_FEWEST, len(heads) - 1)
    if first.kind != "text" or len(first.texts & {*heads}) < few or len(heads) + 1 < len(table.given):
        return [table]
    (rows,) = long(table, "to", {name: name for name in heads}, "")
    pairs = rows.remade(rows.frame.rename(columns={next(iter(rows.frame)): "from"}), end="pairs")
    return [both_ways(pairs, "from", "to") or replace(pairs, square=table)]


def both_ways(table: SourceTable, tail: str, head: str, *, whole: bool = True) -> SourceTable | None:
    """Return pairs of places with each turned round as well, where each stands in one direction alone; else None.

    A triangle, as of a road atlas, has nothing or zeros where the other direction would stand.

    Parameters
    ----------
    table
        The pairs.
    tail, head
        Its columns of places.
    whole
        Whether every pair has to stand there; else places from which all ways lead only away, such as depots, need
        none between them.
    """
    ends = table.frame[[tail, head]].apply(texts)
    told = table.frame.drop(columns=[tail, head]).select_dtypes("number").fillna(0).any(axis="columns")
    rows = table.frame[told & (ends[tail] != ends[head])]
    pairs = pd.Series([frozenset(pair) for pair in ends.loc[rows.index].to_numpy()])
    known = {*pairs}
    places = sorted(frozenset().union(*known))
    lacking = len(places) * (len(places) - 1) // 2 - len(known)
    if len(places) <= _FEWEST or len(known) < len(pairs) or (whole and lacking):
        return None
    if lacking:
        missing = [pair for pair in combinations(places, 2) if frozenset(pair) not in known]
        tails, heads = {*ends[tail]}, {*ends[head]}
        apart = [each for side in (tails - heads, heads - tails) for each in combinations(sorted(side), 2)]
        if missing != sorted(apart) or 2 * len(tails & heads) < len(places):
            return None
    turned = rows.rename(columns={tail: head, head: tail})
    return table.remade(pd.concat([rows, turned]), end="both_ways")


def _things(table: SourceTable, tables: Tables) -> Wide | None:
    """Headers are names of rows of another table, or end as those of another table do: a row for each of them."""
    numbers, others = table.numbers, [other for other in tables if other is not table]
    plain = {c.name: c.plain_name for c in numbers}
    names = {*plain.values()}
    for column in (c for other in others for c in other.given.values() if c.kind == "text"):
        named = names & column.texts
        if len(named) >= max(_FEWEST, 0.5 * len(column.texts)):
            # a corner that tells the unit of cells, or one that is called alike in both tables
            taken = column.header.unit or column.name in table.given
            head = "destination" if taken else column.name
            return head, {name: text for name, text in plain.items() if text in named}, ""
    wide = [{c.plain_name for c in other.numbers} for other in others]
    bare = len({c.header.unit for c in numbers}) == 1 and not any(_PERIOD.fullmatch(n.lower()) for n in names)
    told = any(is_planning_word(name) or name.lower() in COORDINATES for name in names)
    if len(numbers) >= _FEWEST and names in wide and bare and not told:
        return "product", plain, ""
    theirs = [each.keys() for other in others for each in _alike(other.numbers)]
    for alike in _alike(numbers):
        if alike.keys() in theirs:
            words = read_header(next(iter(alike.values()))).words
            value = " ".join(word for word in words if word not in alike)
            return "product", {name: thing for thing, name in alike.items()}, value
    return None


def _alike(columns: Columns) -> list[dict[str, str]]:
    """Return columns whose headers differ in one word alone, that word to each."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for column in columns:
        for place, word in enumerate(column.header.words if column.header.unit else ()):
            rest = (*column.header.words[:place], "", *column.header.words[place + 1 :])
            found.setdefault(rest, {})[word] = column.name
    return [alike for rest, alike in found.items() if len(alike) >= _FEWEST and len(rest) > 1]


def named_periods(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Give months or weeks that are numbers the names that things of a plan have: Month 1."""
    others = [o.key.values.unique() for o in tables if o is not table and o.key is not None]
    numbered = [c for c in table.given.values() if c.whole and c.header.unit in LONG_TIMES]
    numbered = [c for c in numbered if not (c.header.words or c.is_unique or c is table.key)]
    numbered = [c for c in numbered if not any({*c.values} <= {*names} for names in others)]
    # they tell rows apart: days beside a lane are how long it takes
    named = [c.name for c in table.given.values() if c.kind == "text"]
    if not numbered or table.may_teach or not table.frame.duplicated(named or None).any():
        return [table]
    names = {c.name: f"{c.name} " + texts(table.frame[c.name]) for c in numbered}
    return [table.remade(table.frame.assign(**names), end="named")]


def _brackets(table: SourceTable) -> Wide | None:
    """Headers are weights up to which a price holds: a row for each of them."""
    weights = {c.name: match for c in table.numbers if (match := _UP_TO.fullmatch(c.name.strip()))}
    if len(weights) < _FEWEST or len({match[2] for match in weights.values()}) > 1:
        return None
    (unit,) = {match[2].lower() for match in weights.values()}
    limits = {name: float(match[1].replace(" ", "")) for name, match in weights.items()}
    return f"up to ({unit})", limits, _PRICE


def predecessors(table: SourceTable, name: ColumnFacts) -> ColumnFacts | None:
    """Return the column whose values are names of other rows; None where there is none."""
    named = (c for c in table.given.values() if c is not name and c.listed and c.listed <= name.texts)
    return next((c for c in named if not (c.is_full and (c.is_unique or c.texts == name.texts))), None)


def rows_of_numbered_steps(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Make a row for each step of orders whose machines and times stand in columns that are numbered alike."""
    numbered: dict[str, dict[int, ColumnFacts]] = {}
    for column in table.given.values():
        if found := _STEP.search(column.name):
            numbered.setdefault(_STEP.sub("", column.name, count=1), {})[int(found[1])] = column
    runs = [run for run in numbered.values() if sorted(run) == [*range(1, len(run) + 1)]]
    machines, times = (
        [r for r in runs if {c.kind for c in r.values()} == {kind}] for kind in ("text", "number")
    )
    lengths = [len(run) for run in (*machines, *times)]
    if table.key is None or len(machines) != 1 or len(times) != 1 or min(lengths) < max(_FEWEST, *lengths):
        return [table]
    frames, used = [], list[str]()
    for place, lasts in times[0].items():
        names = {machines[0][place].name: "machine", lasts.name: "duration"}
        used += names
        frames.append(table.frame[[table.key.name, *names]].rename(columns=names).assign(order=place))
    made = pd.concat(frames).dropna(subset=["machine", "duration"])
    unit = {"duration": times[0][1].unit or "min"}
    steps = table.remade(made, unit, title="operations", end="ops")
    return [steps, table.remade(table.frame.drop(columns=used), end="beside")]


def rows_of_stations(table: SourceTable, tables: Tables) -> list[SourceTable]:
    """Make a row for each time of a table of orders by stations; those called alike are ways to do the same."""
    stations, key = _stations(table, tables), table.key
    if key is None or len(stations) < 2:
        return [table]
    plain = _as_listed({c.name: c.plain_name for c in stations}, tables)
    cells, *beside = long(table, "machine", plain, "duration")
    rows = cells.frame[cells.frame["duration"] > 0]
    steps, told = _steps_by(tables, {*plain.values()})
    # a row that is a step of an order may be done at either of them
    kind_of = {name: _kind_of(name, {*plain.values()}, tables) for name in plain.values()}
    kinds = [*dict.fromkeys(kind_of.values())]
    if (steps or len(kinds) > 1) and not _are_steps(table, key, tables):
        steps = steps or {name: 1 + kinds.index(kind) for name, kind in kind_of.items()}
        rows = rows.assign(order=rows["machine"].map(steps))
    unit = stations[0].header.unit or "min"
    made = cells.remade(rows, {"duration": unit}, title="operations", end="ops")
    return [replace(made, of=made.of | told), *beside]


def _kind_of(station: str, stations: Collection[str], tables: Tables) -> str:
    """Return a station without its number, or the noun that it shares with another one, where a table lists both."""
    listed = any(other.key is not None and {*stations} <= other.key.texts for other in tables)
    others = [{*map(str.lower, re.findall(r"\w{4,}", name))} for name in stations if name != station]
    words: list[str] = re.findall(r"\w{4,}", station.lower())
    for word in words if listed else ():
        if any(word in each for each in others) and word not in WORKPLACE:
            return word
    return NUMBERED.sub("", station)


def _as_listed(stations: Mapping[str, str], tables: Tables) -> Mapping[str, str]:
    """Return stations under the names that another table has for them, where these only go on: Mix, Mixer."""
    for names in (other.key.texts for other in tables if other.key is not None):
        found: dict[str, str] = {}
        for name, text in stations.items() if len(names) == len(stations) else ():
            alike = [one for one in names if one == text or one.lower().startswith(text.lower())]
            found |= {name: alike[0]} if len(alike) == 1 else {}
        if found and {*found.values()} == names and names & {*stations.values()}:
            return found
    return stations


def _stations(table: SourceTable, tables: Tables) -> list[ColumnFacts]:
    """Return the columns that are stations, whose cells are times: by their unit, or as another table names them."""
    numbers = table.numbers
    orders = table.key is not None and any(names_part(piece, "jobs") for piece in table.key.header.pieces)
    others = [other for other in tables if other is not table and (orders or other.is_called("machines"))]
    for names in (other.key.texts for other in others if other.key is not None):
        of_names = [c for c in numbers if c.name in names and c.unit in ("", *TIMES)]
        if len(of_names) == len(names) >= _FEWEST:
            return of_names
    told = any(is_called(word, TABLE_WORDS["modes"] | TABLE_WORDS["durations"]) for word in table.words)
    plain = told and len(numbers) == len(table.columns) - 1 and not any(c.header.unit for c in numbers)
    stations = [c for c in numbers if plain or c.unit in TIMES]
    stations = [c for c in stations if not c.looks_like("jobs", "due_date", "release_date")]
    return [c for c in stations if not c.looks_like("modes", "duration")]


def _are_steps(table: SourceTable, key: ColumnFacts, tables: Tables) -> bool:
    """Say whether rows are steps of orders: they come after each other, or several name a row of another table."""
    others = [other.key for other in tables if other is not table and other.key is not None]
    texts_of = [c for c in table.given.values() if c is not key and c.kind == "text" and not c.is_unique]
    named = any(c.texts <= other.texts and c.name == other.name for c in texts_of for other in others)
    return named or predecessors(table, key) is not None


def _steps_by(tables: Tables, stations: Collection[str]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the steps at which orders come to stations, where a table numbers these, and its name."""
    for table in tables:
        unique = [c for c in table.given.values() if c.is_unique]
        named = [c for c in unique if c.kind == "text" and c.texts == {*stations}]
        counts = [c for c in table.numbers or unique if c.whole and c.is_unique]
        if named and len(counts) == 1 and len(table.given) == 2:
            return dict(zip(named[0].values, counts[0].values, strict=True)), frozenset([table.name])
    return {}, frozenset()


def durations_in_minutes(
    part: str, name: str, longest: float, table: SourceTable, tables: Tables
) -> list[SourceTable]:
    """Make minutes of the hours and minutes in a column called like a duration."""
    clocks = [c for c in table.given.values() if c.minutes is not None and not table.may_teach]
    called = [c for c in clocks if c.looks_like(part, name) or c.looks_like("modes", "duration")]
    worked = [c for c in clocks if WORK & {*c.header.pieces}]
    column = next(iter([*called, *worked]), None)
    if column is None or (minutes := column.minutes) is None or minutes.max() > longest:
        return [table]
    title = column.name if called else name
    frame = table.frame.assign(**{column.name: minutes}).rename(columns={column.name: title})
    return [table.remade(frame, {title: "min"}, end="minutes", reads={column.name} - {title})]


def joined(
    table: SourceTable,
    other: SourceTable,
    keys: Mapping[str, str],
    names: Mapping[str, str],
    *,
    end: str,
    reads: Collection[str] = (),
) -> SourceTable:
    """Return a table with columns of another one whose rows it names; as it is made, with what it is made of.

    Parameters
    ----------
    table, other
        Which.
    keys
        Column of the table to the one of the other that has the same names.
    names
        Column of the other to what it is called.
    end, reads
        As in :meth:`SourceTable.remade`.
    """
    rows = zip(*(texts(other.frame[name]) for name in keys.values()), strict=True)
    place = {row: at for at, row in enumerate(rows)}
    at = [place.get(row) for row in zip(*(texts(table.frame[name]) for name in keys), strict=True)]
    at = at if keys else [0] * len(table.frame)  # one row for all
    beside = other.frame[[*names]].reset_index(drop=True).reindex(at).reset_index(drop=True)
    kept = table.frame.drop(columns=[*names.values()], errors="ignore").reset_index(drop=True)
    frame = pd.concat([kept, beside.set_axis([*names.values()], axis="columns")], axis="columns")
    columns = {given: other.columns[name] for name, given in names.items()}
    units = {given: c.declared if given == c.name else c.unit for given, c in columns.items()}
    made = table.remade(frame, units, end=end, reads=reads)
    return replace(made, of=made.of | {other.name} | other.of)


def windows_of(cell: Any) -> list[tuple[float, float]]:
    """Return the windows of a cell, in minutes; none where it says anything else, or how long a break is."""
    spans = [span for _, span in read_spans(str(cell), "min")]
    return [span[1:] for span in spans if span] if all(span and span[0] is None for span in spans) else []


def lasts_a_shift(column: ColumnFacts) -> bool:
    """Say whether windows last so long that they are when something works, and not when it stands still."""
    lasts = [sum(end - begin for begin, end in windows_of(cell)) for cell in column.values]
    return pd.Series(lasts).median() >= _SHIFT
