"""Tables as a supply network: lanes say which places send, pass on and receive, and the other tables are theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from kanopt.problems import SupplyUnits
from kanopt.records.declaration import field, record
from kanopt.records.likeness import TableField
from kanopt.records.matching import ColumnFacts, FilledField, assign_tables, fill_fields
from kanopt.whatif.scaffolding.roles import (
    PartGuess,
    Roles,
    called,
    is_named_history,
    looks_like,
    made_table,
    match_part,
    may_teach,
    measures,
)
from kanopt.whatif.scaffolding.sources import SourceTable

__all__ = ["read_supply"]

_FEWEST = 2
_PERIOD = re.compile(
    r"(jan|feb|mar|m[aä]r|apr|abr|may|mai|jun|jul|aug|ago|ao[uû]|sep|oct|okt|nov|dec|dez|dic|d[eé]c|ene|f[eé]v|avr"
    r"|juin|juil)\w*"
    r"|(q|t|w|kw|s|sem|semana|semaine|week|woche|month|mes|mois|monat|period|periode|quarter|quartal)[ ._-]?\d+"
    r"|\d{4}([-/. ]?(q|t|w|kw)?\d+)?"
)
"""Headers that are periods: January, Q1, KW 12, 2024-03."""
_PER_MANY = re.compile(r"(\d+) ?(kg|t|lb|g)\b")
_NETWORK = 3.0  # how much speaks for a table that joins the names of others


@record("demand", key=("market", "product", "period"))
class Demand:
    """A row of a table of demand."""

    market: str = field(refers="markets")
    demand: float = field(unit="quantity")
    product: str = field(default="", refers="products")
    period: str = field(default="", refers="periods")
    demand_sd: float | None = field(default=None, unit="quantity", needs="demand")


@dataclass(frozen=True)
class _Lanes:
    """Ways between places, and what they cost."""

    table: SourceTable
    tail: str
    head: str
    rate: str
    sources: tuple[SourceTable, ...]
    beside: tuple[str, ...] = ()
    brackets: tuple[float, ...] = ()


def read_supply(tables: Sequence[SourceTable]) -> Roles | None:
    """Return the tables as a supply network; None where they make none."""
    units = SupplyUnits()
    kinds = {table.name: table for table in units.tables()} | {"demand": units.table(Demand)}
    given, tables = tables, [_long_demand(table, tables) or table for table in tables]
    lanes = _lanes(tables)
    if lanes is None:
        return _by_words(tables, kinds)
    frame = lanes.table.frame
    tails, heads = (frozenset(frame[name].astype(str)) for name in (lanes.tail, lanes.head))
    sides = {"suppliers": tails - heads, "facilities": tails & heads, "markets": heads - tails}
    if not sides["suppliers"] or not sides["markets"]:
        return None
    rest = [table for table in tables if all(table is not one for one in lanes.sources)]
    guesses = _of_sides(rest, sides, kinds, lanes.beside)
    guesses = {pair: one for pair, one in guesses.items() if pair[0] != "demand" or not _is_past(one, rest)}
    if not guesses:
        return None
    scores = {pair: guess.score for pair, guess in guesses.items()}
    parts = {part: guesses[part, name] for part, name in assign_tables(scores).items()}
    own = match_part(lanes.table, kinds["lanes"], sides, without=[lanes.rate] if lanes.rate else [])
    if own is None:
        return None
    # an amount beside a lane may be its usual shipment: it is a limit only where it is called so
    kept = tuple(
        each for each in own.filled if each.field.name != "capacity" or each.why.startswith("looks like")
    )
    parts["lanes"] = PartGuess(own.part, own.table, kept)
    _products_and_periods(parts, rest, kinds)
    _refill(parts, kinds)
    for part, wanted in sides.items():
        if part not in parts and wanted:
            parts[part] = _named(part, sorted(wanted), f"the places that {lanes.table.called} names", kinds)
    used = {guess.table.name for guess in parts.values()} | {one.name for one in lanes.sources}
    others = [
        table
        for table in given
        if table.name not in used
        and not any(table.called in guess.table.made for guess in parts.values())
        and not (table.facts.key and any(table.facts.key.texts <= g.names for g in parts.values()))
    ]
    histories = tuple(table for table in others if may_teach(table))
    unused = tuple(table for table in others if table not in histories)
    hints: dict[str, Any] = {"rate": lanes.rate, "read": lanes.beside, "brackets": lanes.brackets}
    total = _NETWORK + sum(guess.score for guess in parts.values())
    return Roles("supply", parts, histories, unused, hints=hints, total=total)


def _long_demand(table: SourceTable, tables: Sequence[SourceTable]) -> SourceTable | None:
    """Return a table of markets by products, or by periods, as a list of demand; None where it is none."""
    columns = list(table.facts.columns.values())
    heads = frozenset(c.name for c in columns[1:])
    if (
        len(heads) < _FEWEST
        or columns[0] is not table.facts.key
        or any(c.kind != "number" for c in columns[1:])
    ):
        return None
    keys = [one.facts.key.texts for one in tables if one is not table and one.facts.key is not None]
    for part, name in (("products", "product"), ("periods", "period")):
        told = any(
            (key := one.facts.key) is not None
            and heads <= key.texts
            and one is not table
            and called(one, part)
            for one in tables
        )
        named = any(heads <= key for key in keys)
        dated = (
            name == "period" and not named and all(_PERIOD.fullmatch(head.strip().lower()) for head in heads)
        )
        if told or dated:
            long = table.frame.melt(id_vars=[columns[0].name], var_name=name, value_name="demand")
            long = long.rename(columns={columns[0].name: "market"})
            unit = columns[0].header.unit or _unit_in_name(table)
            return made_table("demand", long, f"{table.called} as a list", {"demand": unit})
    return None


def _lanes(tables: Sequence[SourceTable]) -> _Lanes | None:
    """Return the ways between places: a list, matrices of places by places, and columns of what one place asks."""
    found = [one for table in tables if (one := _listed(table, tables) or _matrix(table, tables))]
    if not found:
        return None
    from_one = _from_one_place(tables, found)
    if from_one is not None:
        found.append(from_one)
    if len(found) == 1:
        return found[0]
    made = pd.concat(
        [
            one.table.frame.rename(columns={one.tail: "tail", one.head: "head", one.rate: "rate"})[
                ["tail", "head", "rate"]
            ]
            for one in found
            if one.rate
        ],
        ignore_index=True,
    )
    units = {_unit_of(one) for one in found if one.rate}
    sources = tuple(dict.fromkeys(source for one in found for source in one.sources))
    unit = max(units, key=len) if units else ""
    table = made_table("lanes", made, " and ".join(source.called for source in sources), {"rate": unit})
    beside = tuple(name for one in found for name in one.beside)
    return _Lanes(table, "tail", "head", "rate", sources, beside)


def _unit_of(lanes: _Lanes) -> str:
    column = lanes.table.columns[lanes.rate]
    return column.declared or column.header.unit


def _keys(tables: Sequence[SourceTable], without: SourceTable) -> list[frozenset[str]]:
    """Return the names of the rows of other tables, and of things that rows of them are about."""
    found = []
    for table in tables:
        if table is without or square_like(table):
            continue
        columns = list(table.facts.columns.values())
        key = table.facts.key or next((c for c in columns if c.kind == "text"), None)
        if key is not None and len(columns) > 0:
            found.append(key.texts)
    return found


def square_like(table: SourceTable) -> bool:
    """Say whether a table has a column of names and numbers of no unit beside, and no others."""
    columns = list(table.facts.columns.values())
    return (
        len(columns) > _FEWEST
        and columns[0].kind == "text"
        and all(c.kind == "number" and not c.header.unit for c in columns[1:])
    )


def _rate_of(table: SourceTable, columns: Sequence[ColumnFacts]) -> str:
    """Return the column of what a unit costs on a lane; empty where none does."""
    priced = [
        c
        for c in columns
        if c.kind == "number" and (measures(c).get("money") == 1 and {"amount", "mass"} & measures(c).keys())
    ]
    called_so = [
        c
        for c in columns
        if c.kind == "number" and looks_like(c, "lanes", "rate") and "money" in (measures(c) or {"money": 1})
    ]
    return next((c.name for c in [*priced, *called_so]), "")


def _listed(table: SourceTable, tables: Sequence[SourceTable]) -> _Lanes | None:
    """Return a list of ways: two columns of names of places, each pair once."""
    if is_named_history(table) and may_teach(table) and not called(table, "lanes"):
        return None
    columns = list(table.facts.columns.values())
    texts = [c for c in columns if c.kind == "text" and len(c.values) == c.rows]
    known = _keys(tables, table)
    every = frozenset().union(*known) if known else frozenset()
    named = [c for c in texts if c.texts and len(c.texts & every) >= 0.5 * len(c.texts)]
    named += [
        c
        for c in texts
        if c not in named and (looks_like(c, "lanes", "tail", str) or looks_like(c, "lanes", "head", str))
    ]
    named = [c for c in sorted(named, key=columns.index) if not _is_no_place(c)]
    for tail, head in pairwise(named):
        turned = looks_like(head, "lanes", "tail", str) and looks_like(tail, "lanes", "head", str)
        if turned and not looks_like(tail, "lanes", "tail", str):
            tail, head = head, tail
        numbers = [c for c in columns if c.kind == "number"]
        rate = _rate_of(table, numbers)
        ways = any(looks_like(c, "lanes", "distance") or measures(c) == {"length": 1} for c in numbers)
        apart = [tail.name, head.name, *(c.name for c in texts if looks_like(c, "lanes", "mode", str))]
        if (rate or ways) and not table.frame.duplicated(apart).any():
            return _Lanes(table, tail.name, head.name, rate, (table,))
        if card := _rate_card(table, tail, head, numbers):
            return card
    return None


def _rate_card(
    table: SourceTable, tail: ColumnFacts, head: ColumnFacts, numbers: Sequence[ColumnFacts]
) -> _Lanes | None:
    """Return a list of rates by lane and weight, each from a weight on for all of it, as one lane a row."""
    froms = [c for c in numbers if measures(c) == {"amount": 1} and float(c.values.min()) == 0]
    rates = [
        c for c in numbers if c not in froms and (measures(c).get("money") or looks_like(c, "lanes", "rate"))
    ]
    if (
        len(froms) != 1
        or len(rates) != 1
        or table.frame.duplicated([tail.name, head.name, froms[0].name]).any()
    ):
        return None
    wide = table.frame.pivot(index=[tail.name, head.name], columns=froms[0].name, values=rates[0].name)
    if wide.isna().any(axis=None):
        return None
    brackets = tuple(float(each) for each in wide.columns)
    many = _PER_MANY.search(rates[0].name)
    amount, unit = (float(many[1]), many[2]) if many else (1.0, froms[0].header.unit)
    wide = (wide / amount).set_axis([f"rate_{place}" for place in range(len(brackets))], axis="columns")
    money = rates[0].header.unit.partition("/")[0] or "EUR"
    units = dict.fromkeys(wide.columns, f"{money}/{unit}")
    lanes = wide.reset_index().rename(columns={tail.name: "tail", head.name: "head"})
    made = made_table("lanes", lanes, f"{table.called}, a column for each weight", units)
    return _Lanes(made, "tail", "head", "rate_0", (table,), brackets=tuple(brackets))


def _is_no_place(column: ColumnFacts) -> bool:
    """Say whether a column names products, periods or modes."""
    others = (("demand", "product"), ("demand", "period"))
    ends = any(looks_like(column, "lanes", end, str) for end in ("tail", "head"))
    return not ends and any(looks_like(column, table, name, str) for table, name in others)


def _matrix(table: SourceTable, tables: Sequence[SourceTable]) -> _Lanes | None:
    """Return a table of places by places as a list of ways."""
    columns = list(table.facts.columns.values())
    if len(columns) < _FEWEST or any(c.kind != "number" for c in columns[1:]) or columns[0].kind != "text":
        return None
    heads, tails = frozenset(c.name for c in columns[1:]), columns[0].texts
    keys = _keys(tables, table)
    known = any(heads <= key for key in keys) and any(tails <= key for key in keys)
    if not known or heads == tails:
        return None
    if not any(heads <= key and not tails <= key for key in keys):
        return None
    long = table.frame.melt(id_vars=[columns[0].name], var_name="head", value_name="rate")
    long = long.rename(columns={columns[0].name: "tail"}).dropna(subset=["rate"])[["tail", "head", "rate"]]
    unit = columns[0].header.unit or _unit_in_name(table)
    made = made_table("lanes", long, f"{table.called} as a list", {"rate": unit})
    if _turned(table, tables, tails, heads):
        made = made_table(
            "lanes", long.rename(columns={"tail": "head", "head": "tail"}), made.made, made.units
        )
    return _Lanes(made, "tail", "head", "rate", (table,))


def _turned(
    table: SourceTable, tables: Sequence[SourceTable], tails: frozenset[str], heads: frozenset[str]
) -> bool:
    """Say whether rows are where goods go and columns where they come from: by the names of their tables."""

    def part_of(names: frozenset[str]) -> set[str]:
        of = [one for one in tables if one is not table and one.facts.key and names <= one.facts.key.texts]
        return {part for one in of for part in ("suppliers", "markets") if called(one, part)}

    return part_of(tails) == {"markets"} and part_of(heads) == {"suppliers"}


def _unit_in_name(table: SourceTable) -> str:
    from kanopt.records.headers import read_header

    return read_header(" ".join(table.words)).unit


def _from_one_place(tables: Sequence[SourceTable], found: Sequence[_Lanes]) -> _Lanes | None:
    """Return ways that a column of places tells, where they all come from the one place of another table."""
    for table in tables:
        key = table.facts.key
        rates = [
            c
            for c in table.facts.columns.values()
            if c.kind == "number"
            and "money" in measures(c)
            and (
                looks_like(c, "lanes", "rate")
                or {"inbound", "from", "von", "depuis", "desde", "transport", "freight"} & {*c.header.pieces}
            )
            and "amount" in measures(c)
        ]
        if key is None or not rates or any(table in one.sources for one in found):
            continue
        tails = frozenset().union(*(frozenset(one.table.frame[one.tail].astype(str)) for one in found))
        heads = frozenset().union(*(frozenset(one.table.frame[one.head].astype(str)) for one in found))
        if not key.texts <= tails or key.texts & heads:
            continue
        single = [
            one
            for one in tables
            if one is not table
            and len(one.frame) == 1
            and one.facts.key
            and not one.facts.key.texts & (tails | heads)
        ]
        if len(single) != 1:
            continue
        assert single[0].facts.key is not None
        (tail,) = single[0].facts.key.texts
        column = rates[0]
        long = pd.DataFrame(
            {"tail": tail, "head": table.frame[key.name].astype(str), "rate": table.frame[column.name]}
        )
        made = made_table(
            "inbound",
            long,
            f"{column.name} of {table.called}",
            {"rate": column.declared or column.header.unit},
        )
        return _Lanes(made, "tail", "head", "rate", (), (column.name,))
    return None


def _of_sides(
    tables: Sequence[SourceTable],
    sides: Mapping[str, frozenset[str]],
    kinds: Mapping[str, Any],
    beside: Sequence[str],
) -> dict[tuple[str, str], PartGuess]:
    """Return tables as parts where their names are those of a side of the network."""
    found: dict[tuple[str, str], PartGuess] = {}
    for table in tables:
        for part in ("suppliers", "facilities", "markets", "demand"):
            wanted = sides["markets" if part == "demand" else part]
            if not wanted:
                continue
            columns = [c for c in table.facts.columns.values() if c.texts and c.kind in ("text", "number")]
            naming = [c for c in columns if c.texts & wanted and len(c.texts & wanted) >= 0.5 * len(c.texts)]
            if not naming:
                continue
            guess = _with_names(table, kinds[part], naming[0], part, beside)
            if guess is not None:
                found[part, table.name] = guess
    return found


def _with_names(
    table: SourceTable, kind: Any, naming: ColumnFacts, part: str, beside: Sequence[str]
) -> PartGuess | None:
    """Match a table whose names are in a known column."""
    first = "market" if part == "demand" else "name"
    own = next(item for item in kind.fields if item.name == first)
    rest = fill_fields(table.facts, kind, without=[naming.name, *beside])
    kept = [each for each in rest if each.field.name != first]
    filled = (FilledField(TableField.of(own, kind), naming, 1.0, "its values are the places of lanes"), *kept)
    guess = PartGuess(kind, table, filled)
    if part == "demand" and guess.column("demand") is None:
        return None
    key = [column.name for name in kind.key if (column := guess.column(name))]
    return None if table.frame.duplicated(key).any() else guess


def _is_past(demand: PartGuess, tables: Sequence[SourceTable]) -> bool:
    """Say whether a table of demand is of other periods than those of the plan, so that a law is to learn from it."""
    column = demand.column("period")
    if column is None or not may_teach(demand.table):
        return False
    keys = [one.facts.key.texts for one in tables if one.facts.key is not None and called(one, "periods")]
    return bool(keys) and not any(column.texts & key for key in keys)


def _products_and_periods(
    parts: dict[str, PartGuess], tables: Sequence[SourceTable], kinds: Mapping[str, Any]
) -> None:
    """Find the tables of products and periods, or make them of the columns that name them."""
    taken = {guess.table.name for guess in parts.values()}
    for part, name in (("products", "product"), ("periods", "period")):
        column = next(
            (
                c
                for one in ("demand", "suppliers")
                if one in parts and (c := parts[one].column(name)) is not None
            ),
            None,
        )
        texts = column.texts if column is not None else frozenset()
        own = [
            table
            for table in tables
            if table.name not in taken
            and (key := table.facts.key) is not None
            and (texts <= key.texts if texts else called(table, part))
        ]
        guess = next((g for table in own if (g := match_part(table, kinds[part])) is not None), None)
        if guess is not None:
            parts[part] = guess
            taken.add(guess.table.name)
        elif column is not None:
            values = list(dict.fromkeys(str(value) for value in column.values))
            parts[part] = _named(part, values, f"those that {column.name!r} names", kinds)
        else:
            alone = {"products": "goods", "periods": "period 1"}[part]
            parts[part] = _named(part, [alone], "no table tells several", kinds)


def _refill(parts: dict[str, PartGuess], kinds: Mapping[str, Any]) -> None:
    """Leave out products and periods of other names than those of their tables."""
    for part in ("suppliers", "demand"):
        guess = parts.get(part)
        if guess is None:
            continue
        kept = []
        for each in guess.filled:
            other = {"product": "products", "period": "periods"}.get(each.field.name)
            if other is None or each.column.texts <= parts[other].names:
                kept.append(each)
        parts[part] = PartGuess(guess.part, guess.table, tuple(kept))


def _named(part: str, names: Sequence[str], why: str, kinds: Mapping[str, Any]) -> PartGuess:

    made = made_table(part, pd.DataFrame({"name": names}), why)
    item = next(item for item in kinds[part].fields if item.name == "name")
    column = made.columns["name"]
    return PartGuess(kinds[part], made, (FilledField(TableField.of(item, kinds[part]), column, 1.0, why),))


def _by_words(tables: Sequence[SourceTable], kinds: Mapping[str, Any]) -> Roles | None:
    """Return the parts of a network without lanes of its own: by their fields and the names of files."""
    guesses = {
        (part, table.name): guess
        for part, kind in kinds.items()
        for table in tables
        if (guess := match_part(table, kind)) and (guess.called_so or len(guess.filled) > _FEWEST)
    }
    parts = {
        part: guesses[part, name]
        for part, name in assign_tables({pair: guess.score for pair, guess in guesses.items()}).items()
    }
    sets = ({"markets", "facilities"}, {"markets", "suppliers"}, {"markets", "lanes"})
    if not any(anchor <= parts.keys() for anchor in sets):
        return None
    used = {guess.table.name for guess in parts.values()}
    others = [table for table in tables if table.name not in used]
    histories = tuple(table for table in others if may_teach(table))
    unused = tuple(table for table in others if table not in histories)
    total = sum(guess.score for guess in parts.values())
    return Roles("supply", parts, histories, unused, hints={"rate": ""}, total=total)
