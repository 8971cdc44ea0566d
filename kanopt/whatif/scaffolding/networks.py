"""Tables as parts of a supply network: lanes say which places send, pass on and receive; other tables are theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import FIELD_WORDS, PRICE, WEIGHTS
from kanopt.records.matching import ColumnFacts, assign_tables
from kanopt.units import convert
from kanopt.whatif.scaffolding.parts import (
    PartGuess,
    as_named,
    called,
    looks_like,
    match_part,
    may_teach,
    measures,
    names_rows,
)
from kanopt.whatif.scaffolding.rewrites import both_ways, texts
from kanopt.whatif.scaffolding.sources import SourceTable

_FEWEST = 2
_BEHIND = " (makes)"
_SIDES = ("suppliers", "facilities", "markets")
_UP_TO = re.compile(r"\b(up to|until|bis|jusqu|hasta|fino|at[eé]|max)|[≤<]", re.IGNORECASE)
_WAYS = (
    {*" ".join((FIELD_WORDS["rate"], FIELD_WORDS["tail"])).replace(",", " ").split()} - PRICE - WEIGHTS.keys()
)
"""Words of a price that say that it is paid for a way: freight from plant, Transport ab Werk."""


@record("demand", key=("market", "product", "period"))
class Demand:
    """A row of a table of demand."""

    market: str = field(refers="markets")
    demand: float = field(unit="quantity")
    product: str = field(default="", refers="products")
    period: str = field(default="", refers="periods")
    demand_sd: float | None = field(default=None, unit="quantity", needs="demand")


@record("rates", key=("tail", "head", "mode", "weight"))
class Rate:
    """A row of a table of lanes: what a unit, or a shipment up to or from a weight, costs on it."""

    tail: str = field()
    head: str = field()
    mode: str = field(default="")
    rate: float | None = field(default=None)
    weight: float | None = field(default=None)


HELPERS = (Demand, Rate)
"""Tables that no problem declares as records."""


def read_network(tables: Sequence[SourceTable], part: Mapping[str, Table]) -> dict[str, PartGuess] | None:
    """Return the parts of a supply network; None where no goods go from place to place.

    The lanes are the part ``rates``, beside the declared one, where they have a price.
    """
    rates = [guess for table in tables if (guess := _rates(table, tables, part))]
    rates += [one for table in tables if rates and (one := _from_one_place(table, tables, rates))]
    if not rates:
        return _by_words(tables, part)
    lanes = rates[0] if len(rates) == 1 else _together(rates, part["rates"])
    tails, heads = (lanes.filled_by(end).texts for end in ("tail", "head"))
    sides = {"suppliers": tails - heads, "facilities": tails & heads, "markets": heads - tails}
    if not sides["suppliers"] or not sides["markets"]:
        return None
    rest = [table for table in tables if all(table is not one.table for one in rates)]
    parts = _of_sides(rest, sides, part, [name for one in rates for name in one.table.reads])
    if not parts and any(table is not lanes.table and len(table.columns) > 1 for table in rest):
        return None
    parts |= _lane_parts(lanes, part, sides)
    _products_and_periods(parts, rest, part)
    _limit_in_all(parts, rest, part)
    for side in _SIDES:
        if side not in parts and sides[side]:
            names = pd.DataFrame({"name": sorted(sides[side])})
            why = f"the places that {lanes.table.called} names"
            parts[side] = as_named(lanes.table.remade(names, why, title=side, end=side), part[side])
    return parts


def _limit_in_all(
    parts: dict[str, PartGuess], tables: Sequence[SourceTable], part: Mapping[str, Table]
) -> None:
    """Plan what a plant can make of all products together, where another table tells what each costs it.

    A record of a supplier is of one product or of all. So a plant becomes a site of that capacity, behind a supplier
    of each product from which the way costs nothing.
    """
    lanes, rates = parts.get("lanes"), parts.get("rates")
    if lanes is None or rates is None or rates.table is not lanes.table or "facilities" in parts:
        return
    taken = {name for guess in parts.values() for name in (guess.table.name, *guess.table.of)}
    names = {"products": parts["products"].names}
    told = [parts["suppliers"]] if "suppliers" in parts else []
    for table in tables if told else ():
        columns = names_rows(table, told[0].names) if table.name not in taken else []
        guess = match_part(table, part["suppliers"], names, key=columns[0]) if columns else None
        told += [guess] if guess is not None else []
    pairs = [
        (one, other)
        for one in told
        for other in told
        if {"product", "unit_cost"} <= one.fields and "capacity" not in one.fields
        if "capacity" in other.fields and "product" not in other.fields and one.names == other.names
    ]
    if len(pairs) != 1 or "weight" in parts["products"].fields:
        return
    ((makers, limit),) = pairs
    name, capacity = limit.filled_by("name"), limit.filled_by("capacity")
    sites = pd.DataFrame(
        {"name": texts(limit.table.frame[name.name]), "capacity": limit.table.frame[capacity.name]}
    )
    why = f"{limit.table.called}: what each makes of all products together"
    units = {"capacity": capacity.unit}
    made = limit.table.remade(sites, why, units, title="facilities", end="sites", reads=[capacity.name])
    parts["facilities"] = as_named(made, part["facilities"])
    source = makers.filled_by("name").name
    behind = makers.table.frame.assign(**{source: texts(makers.table.frame[source]) + _BEHIND})
    parts["suppliers"] = makers.on(
        makers.table.remade(behind, makers.table.made or "a supplier for each", end="of")
    )
    ways = pd.DataFrame({lanes.header("tail"): sites["name"] + _BEHIND, lanes.header("head"): sites["name"]})
    numbers = lanes.table.frame.select_dtypes("number").columns
    ways[[*numbers]] = 0
    why = f"{lanes.table.called}, and ways from the suppliers of each plant that cost nothing"
    rows = pd.concat([lanes.table.frame, ways], ignore_index=True)
    made = lanes.table.remade(
        rows, why, {c.name: c.unit for c in lanes.table.columns.values()}, end="and_plants"
    )
    parts["lanes"], parts["rates"] = lanes.on(made), rates.on(made)


def _known(tables: Sequence[SourceTable], without: SourceTable) -> frozenset[str]:
    """Return what rows of other tables are called."""
    keys = [
        table.key or next((c for c in table.given.values() if c.kind == "text"), None)
        for table in tables
        if table is not without
    ]
    return frozenset().union(*(key.texts for key in keys if key is not None))


def _rates(table: SourceTable, tables: Sequence[SourceTable], part: Mapping[str, Table]) -> PartGuess | None:
    """Return a table as ways between places: two columns of names of places, each pair once, and a price or a way."""
    if table.is_history and may_teach(table) and not called(table, "lanes"):
        return None
    columns = list(table.given.values())
    whole = [c for c in columns if c.kind == "text" and len(c.values) == c.rows]
    known = [c for c in names_rows(table, _known(tables, table)) if c in whole]
    named = [c for c in whole if c in known or looks_like(c, "lanes", "tail", "head", kind=str)]
    named = [c for c in named if not _is_no_place(c, tables)]
    if len(named) < _FEWEST and table.made and len(whole) == _FEWEST:
        # a matrix alone names its places itself; what stands behind places elsewhere is a product
        behind = [c for t in tables if t is not table for c in _names_behind(t)]
        named = [
            c for c in whole if not _is_no_place(c, tables) and not any(c.texts <= b.texts for b in behind)
        ]
    if len(named) < _FEWEST:
        return None
    tail, head = _in_direction(named[0], named[1], tables)
    mode = next(
        (c for c in whole if c not in (tail, head) and looks_like(c, "lanes", "mode", kind=str)), None
    )
    rate, weight = _price(columns), _weight(columns)
    ways = [c for c in columns if looks_like(c, "lanes", "distance") or measures(c) == {"length": 1}]
    guess = PartGuess(part["rates"], table, ())
    cells = {"tail": tail, "head": head, "mode": mode, "rate": rate, "weight": weight if rate else None}
    for name, column in cells.items():
        if column is not None:
            guess = guess.filling(name, column, 0.9, "its values are those of lanes")
    keys = [c.name for name in guess.part.key if (c := guess.column(name)) is not None]
    if rate is None and both_ways(table, tail.name, head.name) is not None:
        return None  # how far all places are from each other says nothing of what goes where
    return guess if (rate or ways) and not table.frame.duplicated(keys).any() else None


def _names_behind(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns of texts of a table but for the first."""
    return [c for c in table.given.values() if c.kind == "text"][1:]


def _price(columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """Return the column of what a unit costs on a lane; None where none does."""
    priced = [c for c in columns if {"money", "amount"} <= measures(c).keys() and measures(c)["money"] == 1]
    called_so = [
        c
        for c in columns
        if c.kind == "number" and looks_like(c, "lanes", "rate") and "money" in (measures(c) or {"money": 1})
    ]
    return next(iter([*priced, *called_so]), None)


def _weight(columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """Return the column of the weights from which, or up to which, the price of a lane holds."""
    amounts = [c for c in columns if measures(c) == {"amount": 1}]
    return next((c for c in amounts if float(c.values.min()) == 0 or _UP_TO.search(c.name)), None)


def _is_no_place(column: ColumnFacts, tables: Sequence[SourceTable]) -> bool:
    """Say whether a column names products, periods or modes."""
    keyed = [t for t in tables if t.key is not None and column.texts <= t.key.texts]
    if any(called(table, part) for table in keyed for part in ("products", "periods")):
        return True
    ends = looks_like(column, "lanes", "tail", "head", kind=str)
    return not ends and looks_like(column, "demand", "product", "period", kind=str)


def _in_direction(
    one: ColumnFacts, other: ColumnFacts, tables: Sequence[SourceTable]
) -> tuple[ColumnFacts, ColumnFacts]:
    """Return two columns of places, that where goods come from first: by words, else as they stand."""

    def side(column: ColumnFacts, part: str, end: str) -> bool:
        keyed = [t for t in tables if t.key is not None and column.texts <= t.key.texts]
        words = looks_like(column, "lanes", end, kind=str)
        return words or any(called(table, part) for table in keyed)

    turned = side(other, "suppliers", "tail") and side(one, "markets", "head")
    straight = side(one, "suppliers", "tail") or side(other, "markets", "head")
    return (other, one) if turned and not straight else (one, other)


def _from_one_place(
    table: SourceTable, tables: Sequence[SourceTable], rates: Sequence[PartGuess]
) -> PartGuess | None:
    """Return ways that a price beside places tells, where they all come from the one place of another table."""
    key = table.key
    tails, heads = (
        frozenset().union(*(one.filled_by(end).texts for one in rates)) for end in ("tail", "head")
    )
    if key is None or not key.texts <= tails or key.texts & heads or any(table is one.table for one in rates):
        return None
    prices = [
        c
        for c in table.given.values()
        if {"money", "amount"} <= measures(c).keys() and _WAYS & {*c.header.pieces}
    ]
    single = [
        one.key
        for one in tables
        if one is not table and len(one.frame) == 1 and one.key and not one.key.texts & (tails | heads)
    ]
    if not prices or len(single) != 1:
        return None
    (tail,) = single[0].texts
    price, heads_of = prices[0], texts(table.frame[key.name])
    ways = pd.DataFrame({"tail": tail, "head": heads_of, "rate": table.frame[price.name]})
    unit = price.unit
    why = f"{price.name} of {table.called}"
    made = table.remade(ways, why, {"rate": unit}, title="lanes", end="inbound", reads=[price.name])
    return as_named(made, rates[0].part)


def _together(rates: Sequence[PartGuess], part: Table) -> PartGuess:
    """Return several tables of ways as one."""
    unit, frames = "", []
    for one in rates:
        cells = {each.field.name: one.table.frame[each.column.name] for each in one.filled}
        rate = one.column("rate")
        own = rate.unit if rate is not None else ""
        unit = unit or own
        if own and own != unit:
            cells["rate"] = cells["rate"] * convert(1.0, own, unit)
        frames.append(pd.DataFrame({name: cells[name] for name in ("tail", "head", "rate") if name in cells}))
    why = " and ".join(one.table.called for one in rates)
    reads = [name for one in rates for name in one.table.reads]
    rows = pd.concat(frames)
    made = rates[0].table.remade(rows, why, {"rate": unit}, title="lanes", end="lanes", reads=reads)
    of = frozenset().union(*({one.table.name, *one.table.of} for one in rates))
    return as_named(replace(made, of=made.of | of), part)


def _lane_parts(
    rates: PartGuess, part: Mapping[str, Table], sides: Mapping[str, frozenset[str]]
) -> dict[str, PartGuess]:
    """Return the lanes, and their prices; of a rate card each lane once, with a column for each weight."""
    tail, head = rates.filled_by("tail"), rates.filled_by("head")
    rate, weight = rates.column("rate"), rates.column("weight")
    if rate is not None and weight is not None:
        wide = rates.table.frame.pivot(index=[tail.name, head.name], columns=weight.name, values=rate.name)
        units = {f"rate_{place}": rate.unit for place in range(len(wide.columns))}
        lanes = wide.set_axis([*units], axis="columns").reset_index()
        lanes = lanes.rename(columns={tail.name: "tail", head.name: "head"})
        made = rates.table.remade(
            lanes, f"{rates.table.called}, a column for each weight", units, title="lanes", end="card"
        )
        return {"lanes": as_named(made, part["lanes"]), "rates": rates}
    named = {name: texts for name, texts in sides.items() if texts}
    used = [c.name for c in (rate, tail, head) if c is not None]
    guess = match_part(rates.table, part["lanes"], named, without=used[:-2])
    guess = guess or PartGuess(part["lanes"], rates.table, ())
    guess = guess.filling("tail", tail, 0.9, "its values are places").filling(
        "head", head, 0.9, "its values are places"
    )
    limit = next((each for each in guess.filled if each.field.name == "capacity"), None)
    if limit is not None and not limit.named:
        guess = guess.without("capacity")  # an amount beside a lane may be its usual shipment
    return {"lanes": guess, **({"rates": rates} if rate is not None else {})}


def _of_sides(
    tables: Sequence[SourceTable],
    sides: Mapping[str, frozenset[str]],
    part: Mapping[str, Table],
    read: Sequence[str],
) -> dict[str, PartGuess]:
    """Assign tables to the parts whose places they name."""
    guesses: dict[tuple[str, str], PartGuess] = {}
    places = frozenset().union(*sides.values())
    for table in tables:
        for name in (*_SIDES, "demand"):
            wanted = sides["markets" if name == "demand" else name]
            columns = names_rows(table, wanted) if wanted else []
            tried = [{}, *({"products": c.texts} for c in _shared(table, tables, places))] if columns else []
            found = (
                match_part(each, part[name], names, read, columns[0])
                for each in (table, _called_plainly(table, name))
                for names in tried
            )
            guess = next(filter(None, found), None)
            if guess is not None and not (name == "demand" and _is_past(guess, tables)):
                guesses[name, table.name] = guess
    chosen = assign_tables({pair: guess.score for pair, guess in guesses.items()})
    return {name: guesses[name, table] for name, table in chosen.items()}


def _called_plainly(table: SourceTable, part: str) -> SourceTable:
    """Return cells of a wide table, which only its name tells, as what places of a part have or want."""
    field_name = {"demand": "demand", "suppliers": "capacity"}.get(part, "")
    numbers = [c for c in table.columns.values() if c.kind == "number"]
    if not table.made or not field_name or len(numbers) != 1 or numbers[0].name != table.title:
        return table
    (cells,) = numbers
    if PRICE & {*cells.header.pieces} or measures(cells) not in ({}, {"amount": 1}):
        return table
    frame = table.frame.rename(columns={cells.name: field_name})
    return replace(table, frame=frame, units={field_name: cells.declared} if cells.declared else {})


def _shared(
    table: SourceTable, tables: Sequence[SourceTable], places: frozenset[str]
) -> Iterator[ColumnFacts]:
    """Yield the columns whose texts another table has as well and are no places: they may be products."""
    others = [c for other in tables if other is not table for c in other.given.values()]
    for column in table.given.values():
        alike = any(column.texts & other.texts for other in others if other.kind == "text")
        if column.kind == "text" and alike and not column.texts & places:
            yield column


def _is_past(demand: PartGuess, tables: Sequence[SourceTable]) -> bool:
    """Say whether a table of demand is of other periods than those of the plan, so that a law is to learn from it."""
    column = demand.column("period")
    if column is None or not may_teach(demand.table):
        return False
    keys = [t.key.texts for t in tables if t.key is not None and called(t, "periods")]
    return bool(keys) and not any(column.texts & key for key in keys)


def _products_and_periods(
    parts: dict[str, PartGuess], tables: Sequence[SourceTable], part: Mapping[str, Table]
) -> None:
    """Find the tables of products and periods, or make them of the columns that name them."""
    for name, field_name, alone in (("products", "product", "goods"), ("periods", "period", "period 1")):
        taken = {guess.table.name for guess in parts.values()}
        namers = [parts[one] for one in ("demand", "suppliers") if one in parts]
        source = next((guess for guess in namers if guess.column(field_name) is not None), None)
        column = source.column(field_name) if source is not None else None
        known = column.texts if column is not None else frozenset()
        own = [
            guess
            for table in tables
            if table.name not in taken
            and (key := table.key) is not None
            and (known <= key.texts if known else called(table, name))
            and (guess := match_part(table, part[name]))
        ]
        if name not in parts and own:
            parts[name] = own[0]
        elif name not in parts:
            table, names, why = next(iter(parts.values())).table, [alone], "no table tells several"
            if source is not None and column is not None:
                table = source.table
                names = list(texts(table.frame[column.name].dropna()).unique())
                why = f"the {name} of {table.called}"
            made = table.remade(pd.DataFrame({"name": names}), why, title=name, end=name)
            parts[name] = as_named(made, part[name])
        for other in ("demand", "suppliers"):  # names of other things are none of these
            named = parts[other].column(field_name) if other in parts else None
            if named is not None and not named.texts <= parts[name].names:
                parts[other] = parts[other].without(field_name)


def _by_words(tables: Sequence[SourceTable], part: Mapping[str, Table]) -> dict[str, PartGuess] | None:
    """Return the parts of a network without lanes of its own: by their fields and the names of files."""
    guesses = {
        (name, table.name): guess
        for name, kind in part.items()
        for table in tables
        if name != "rates"
        and (guess := match_part(table, kind))
        and (guess.called_so or len(guess.filled) > _FEWEST)
    }
    chosen = assign_tables({pair: guess.score for pair, guess in guesses.items()})
    parts = {name: guesses[name, table] for name, table in chosen.items()}
    sets = ({"markets", "facilities"}, {"markets", "suppliers"}, {"markets", "lanes"})
    if not any(anchor <= parts.keys() for anchor in sets):
        return None
    _products_and_periods(parts, tables, part)
    return parts
