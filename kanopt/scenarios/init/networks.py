"""Tables as parts of a supply network: lanes say which places send, pass on and receive; other tables are theirs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import PRICE, is_price_of_pieces, read_header, without_things
from kanopt.records.matching import ColumnFacts
from kanopt.scenarios.init.parts import PartGuess, as_named, assigned, match_part, named_by
from kanopt.scenarios.init.rewrites import both_ways, joined
from kanopt.scenarios.init.sources import SourceTable
from kanopt.units import convert

_FEWEST = 2
_SIDES = ("suppliers", "facilities", "markets")
_OF_WAYS = {"money": 1, "amount": -1, "length": -1}
_UP_TO = re.compile(r"\b(up to|until|bis|jusqu|hasta|fino|at[eé]|max)|[≤<]", re.IGNORECASE)


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
    tables = _with_prices_of_ways(tables)
    rates = [guess for table in tables if (guess := _rates(table, tables, part["rates"]))]
    if not rates:
        return _by_words(tables, part)
    lanes = rates[0] if len(rates) == 1 else _together(rates, part["rates"])
    tails, heads = lanes["tail"].texts, lanes["head"].texts
    sides = {"suppliers": tails - heads, "facilities": tails & heads, "markets": heads - tails}
    if not sides["suppliers"] or not sides["markets"]:
        return None
    rest = [table for table in tables if all(table is not one.table for one in rates)]
    parts = _of_sides(rest, sides, part)
    if not parts and any(table is not lanes.table and len(table.columns) > 1 for table in rest):
        return None
    parts |= _lane_parts(lanes, part["lanes"], sides)
    _products_and_periods(parts, rest, part)
    for side in _SIDES:
        if side not in parts and sides[side]:
            parts[side] = named_by(lanes.table, sorted(sides[side]), part[side])
    return parts


def _with_prices_of_ways(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Put the price of a tonne and a km beside each table of ways: the one of a table of settings, or of one end."""
    lists = [
        t for t in tables if len(_ways(t)) == 1 and sum(c.kind == "text" for c in t.given.values()) >= _FEWEST
    ]
    others = [(t, c.name) for t in tables if t not in lists for c in t.given.values()]
    priced = [(t, name) for t, name in others if t.columns[name].measures == _OF_WAYS]
    priced = [each for each in priced if len(each[0].frame) == 1] or priced
    if len(priced) != 1:
        return [*tables]
    ((source, name),) = priced

    def with_price(table: SourceTable) -> SourceTable:
        if len(source.frame) == 1:
            return joined(table, source, {}, {name: name}, end="priced")
        key = source.key
        ends = table.naming(key.texts) if key is not None else []
        if key is None or not ends:
            return table
        return joined(table, source, {ends[0].name: key.name}, {name: name}, end="priced", reads=[name])

    return [with_price(table) if table in lists else table for table in tables]


def _rates(table: SourceTable, tables: Sequence[SourceTable], part: Table) -> PartGuess | None:
    """Return a table as ways between places: two columns of names of places, each pair once, and a price or a way."""
    if table.is_history and table.may_teach and not table.is_called("lanes"):
        return None
    others = [other for other in tables if other is not table]
    columns = list(table.given.values())
    whole = [c for c in columns if c.kind == "text" and c.is_full]
    places = [c for c in whole if not _is_no_place(c, tables)]
    known = table.naming(frozenset().union(*(_first_names(other) for other in others)))
    named = [c for c in places if c in known or c.looks_like("lanes", "tail", "head", kind=str)]
    if len(named) < _FEWEST and table.made and len(whole) == _FEWEST:
        # a matrix alone names its places itself; what stands behind places elsewhere is a product
        behind = [c for t in others for c in [c for c in t.given.values() if c.kind == "text"][1:]]
        named = [c for c in places if not any(c.texts <= b.texts for b in behind)]
    if len(named) < _FEWEST:
        return None
    tail, head = _in_direction(named[0], named[1], tables)
    modes = [c for c in whole if c not in (tail, head) and c.looks_like("lanes", "mode", kind=str)]
    rate, weight = _price(columns), _weight(columns)
    by_weight = table.frame.duplicated([c.name for c in (tail, head, *modes)]).any()
    ways = _ways(table)
    guess = PartGuess(part, table, ())
    cells = {"tail": tail, "head": head, "mode": next(iter(modes), None), "rate": rate}
    for name, column in (cells | {"weight": weight if rate and by_weight else None}).items():
        if column is not None:
            guess = guess.filling(name, column)
    if rate is None and both_ways(table, tail.name, head.name) is not None:
        return None  # how far all places are from each other says nothing of what goes where
    keys = [c.name for name in part.key if (c := guess.column(name)) is not None]
    return guess if (rate or ways) and not table.frame.duplicated(keys).any() else None


def _ways(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns that say how far it is."""
    numbers = [c for c in table.numbers if c.measures in ({}, {"length": 1})]
    return [c for c in numbers if c.unit or c.looks_like("lanes", "distance")]


def _first_names(table: SourceTable) -> frozenset[str]:
    """Return what the rows of a table are called: by its key, else by its first column of texts."""
    key = table.key or next((c for c in table.given.values() if c.kind == "text"), None)
    return key.texts if key is not None else frozenset()


def _price(columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """Return the column of what a unit costs on a lane; None where none does."""
    numbers = [c for c in columns if c.kind == "number"]
    priced = [c for c in numbers if c.measures.get("money") == 1 and "amount" in c.measures]
    told = [c for c in numbers if c.looks_like("lanes", "rate") and "money" in (c.measures or {"money": 1})]
    bare = [
        c
        for c in numbers
        if is_price_of_pieces(c.name, c.unit) and not read_header(without_things(c.name)).words
    ]
    return next(iter([*priced, *told, *bare]), None)


def _weight(columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """Return the column of the weights from which, or up to which, the price of a lane holds."""
    amounts = [c for c in columns if c.measures == {"amount": 1}]
    return next((c for c in amounts if float(c.values.min()) == 0 or _UP_TO.search(c.name)), None)


def _is_keyed(column: ColumnFacts, tables: Sequence[SourceTable], *parts: str) -> bool:
    """Say whether a column holds names of rows of a table that is called as one of some parts."""
    keyed = [t for t in tables if t.key is not None and column.texts <= t.key.texts]
    return any(table.is_called(part) for table in keyed for part in parts)


def _is_no_place(column: ColumnFacts, tables: Sequence[SourceTable]) -> bool:
    """Say whether a column names products, periods or modes."""
    if _is_keyed(column, tables, "products", "periods"):
        return True
    ends = column.looks_like("lanes", "tail", "head", kind=str)
    return not ends and column.looks_like("demand", "product", "period", kind=str)


def _in_direction(
    one: ColumnFacts, other: ColumnFacts, tables: Sequence[SourceTable]
) -> tuple[ColumnFacts, ColumnFacts]:
    """Return two columns of places, that where goods come from first: by words, else as they stand."""

    def sends(column: ColumnFacts) -> bool:
        return column.looks_like("lanes", "tail", kind=str) or _is_keyed(column, tables, "suppliers")

    def receives(column: ColumnFacts) -> bool:
        return column.looks_like("lanes", "head", kind=str) or _is_keyed(column, tables, "markets")

    turned = sends(other) and receives(one) and not (sends(one) or receives(other))
    return (other, one) if turned else (one, other)


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
        for way in _ways(one.table)[:1]:
            cells["distance"] = one.table.frame[way.name]
        kept = [name for name in ("tail", "head", "rate", "distance") if name in cells]
        frames.append(pd.DataFrame({name: cells[name] for name in kept}))
    lengths = next((c.unit for one in rates for c in _ways(one.table)), "")
    made = rates[0].table.remade(
        pd.concat(frames), {"rate": unit, "distance": lengths}, title="lanes", end="lanes"
    )
    of = frozenset().union(*({one.table.name, *one.table.of} for one in rates))
    return as_named(replace(made, of=made.of | of), part)


def _lane_parts(rates: PartGuess, part: Table, sides: Mapping[str, frozenset[str]]) -> dict[str, PartGuess]:
    """Return the lanes, and their prices; of a rate card each lane once, with a column for each weight."""
    tail, head = rates["tail"], rates["head"]
    rate, weight = rates.column("rate"), rates.column("weight")
    if rate is not None and weight is not None:
        wide = rates.table.frame.pivot(index=[tail.name, head.name], columns=weight.name, values=rate.name)
        units = {f"rate_{place}": rate.unit for place in range(len(wide.columns))}
        lanes = wide.set_axis([*units], axis="columns").reset_index()
        lanes = lanes.rename(columns={tail.name: "tail", head.name: "head"})
        made = rates.table.remade(lanes, units, title="lanes", end="card")
        return {"lanes": as_named(made, part), "rates": rates}
    named = {name: texts for name, texts in sides.items() if texts}
    guess = match_part(rates.table, part, named, without=[rate.name] if rate is not None else [])
    guess = guess or PartGuess(part, rates.table, ())
    guess = guess.filling("tail", tail).filling("head", head)
    # an amount beside a lane may be its usual shipment
    bare = [each.field.name for each in guess.filled if each.field.name == "capacity" and not each.named]
    return {"lanes": guess.without(*bare), **({"rates": rates} if rate is not None else {})}


def _of_sides(
    tables: Sequence[SourceTable], sides: Mapping[str, frozenset[str]], part: Mapping[str, Table]
) -> dict[str, PartGuess]:
    """Assign tables to the parts whose places they name."""
    places = frozenset().union(*sides.values())

    def as_side(table: SourceTable, name: str) -> PartGuess | None:
        columns = table.naming(sides["markets" if name == "demand" else name])
        products = [{}, *({"products": texts} for texts in _shared(table, tables, places))] if columns else []
        tried = (
            match_part(each, part[name], names, key=columns[0])
            for each in (table, _called_plainly(table, name))
            for names in products
        )
        guess = next(filter(None, tried), None)
        return None if guess is None or (name == "demand" and _is_past(guess, tables)) else guess

    return assigned(tables, (*_SIDES, "demand"), as_side)


def _called_plainly(table: SourceTable, part: str) -> SourceTable:
    """Return cells of a wide table, which only its name tells, as what places of a part have or want."""
    field_name = {"demand": "demand", "suppliers": "capacity"}.get(part, "")
    numbers = [c for c in table.columns.values() if c.kind == "number"]
    if not table.made or not field_name or len(numbers) != 1 or numbers[0].name != table.title:
        return table
    (cells,) = numbers
    if PRICE & {*cells.header.pieces} or cells.measures not in ({}, {"amount": 1}):
        return table
    frame = table.frame.rename(columns={cells.name: field_name})
    return replace(table, frame=frame, units={field_name: cells.declared} if cells.declared else {})


def _shared(
    table: SourceTable, tables: Sequence[SourceTable], places: Collection[str]
) -> list[frozenset[str]]:
    """Return the texts of columns that another table has as well and that are no places: they may be products."""
    elsewhere = frozenset().union(
        *(c.texts for o in tables if o is not table for c in o.given.values() if c.kind == "text")
    )
    texts_of = [c.texts for c in table.given.values() if c.kind == "text"]
    return [texts for texts in texts_of if texts & elsewhere and not texts & {*places}]


def _is_past(demand: PartGuess, tables: Sequence[SourceTable]) -> bool:
    """Say whether a table of demand is of other periods than those of the plan, so that a law is to learn from it."""
    column = demand.column("period")
    if column is None or not demand.table.may_teach:
        return False
    keys = [t.key.texts for t in tables if t.key is not None and t.is_called("periods")]
    return bool(keys) and not any(column.texts & key for key in keys)


def _products_and_periods(
    parts: dict[str, PartGuess], tables: Sequence[SourceTable], part: Mapping[str, Table]
) -> None:
    """Find the tables of products and periods, or make them of the columns that name them."""
    for name, field_name, alone in (("products", "product", "goods"), ("periods", "period", "period 1")):
        namers = [parts[one] for one in ("demand", "suppliers") if one in parts]
        source = next((guess for guess in namers if guess.column(field_name) is not None), None)
        known = source[field_name].texts if source is not None else frozenset()
        taken = {guess.table.name for guess in parts.values()}
        left = [table for table in tables if table.name not in taken and table.key is not None]
        own = [t for t in left if (known <= t.key.texts if known else t.is_called(name))]  # type: ignore[union-attr]
        names = source.texts_of(field_name).unique() if source is not None else [alone]
        made = named_by((source or next(iter(parts.values()))).table, names, part[name])
        parts.setdefault(name, next(filter(None, (match_part(table, part[name]) for table in own)), made))
        for other in ("demand", "suppliers"):  # names of other things are none of these
            named = parts[other].column(field_name) if other in parts else None
            if named is not None and not named.texts <= parts[name].names:
                parts[other] = parts[other].without(field_name)


def _by_words(tables: Sequence[SourceTable], part: Mapping[str, Table]) -> dict[str, PartGuess] | None:
    """Return the parts of a network without lanes of its own: by their fields and the names of files."""

    def as_called(table: SourceTable, name: str) -> PartGuess | None:
        guess = match_part(table, part[name])
        return guess if guess and (guess.called_so or len(guess.filled) > _FEWEST) else None

    parts = assigned(tables, [name for name in part if name != "rates"], as_called)
    if not {"markets", "lanes"} <= parts.keys():
        return None
    _products_and_periods(parts, tables, part)
    return parts
