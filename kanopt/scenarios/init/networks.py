"""Tables as parts of a supply network: lanes say which places send, pass on and receive; other tables are theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import PRICE, is_price_of_pieces, read_header, without_things
from kanopt.records.matching import ColumnFacts, Columns
from kanopt.scenarios.init.parts import Declared, PartGuess, Parts, as_named, assigned, match_part, named_by
from kanopt.scenarios.init.rewrites import both_ways, joined
from kanopt.scenarios.init.sources import SourceTable, Tables
from kanopt.units import convert, same_dimension

_FEWEST = 2
_SIDES = ("suppliers", "facilities", "markets")
_OF_WAYS, _OF_SHIPMENTS = {"money": 1, "amount": -1, "length": -1}, {"money": 1, "length": -1}
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


def read_network(tables: Tables, part: Declared) -> Parts | None:
    """Return the parts of a supply network; None where no goods go from place to place.

    The lanes are the part ``rates``, beside the declared one, where they have a price.
    """
    tables = _with_brackets_of_ways(_with_rates_by_distance(_with_prices_of_ways(tables)))
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


def _with_prices_of_ways(tables: Tables) -> list[SourceTable]:
    """Put the price of a tonne and a km beside each table of ways: the one of a table of settings, or of one end."""
    named = [t for t in tables if sum(c.kind == "text" for c in t.given.values()) >= _FEWEST]
    ways = [t for t in named if len(_ways(t)) == 1]
    others = [(t, c) for t in tables if t not in ways for c in t.given.values() if c.measures == _OF_WAYS]
    priced = [each for each in others if len(each[0].frame) == 1] or others
    found = [*tables]
    for source, price in priced if len(priced) == 1 else ():
        key = source.key if len(source.frame) > 1 else None
        for place, table in enumerate(tables):
            keys = {end.name: key.name for end in table.naming(key.texts)[:1]} if key else {}
            if table in ways and (keys or len(source.frame) == 1):
                names, reads = {price.name: price.name}, [price.name] if keys else []
                found[place] = joined(table, source, keys, names, end="priced", reads=reads)
    return found


def _with_brackets_of_ways(tables: Tables) -> list[SourceTable]:
    """Work the price of a km, or of a tonne and a km, out for each way where a table of weights alone has it."""
    found = [*tables]
    for card in tables:
        prices = [c for c in card.numbers if c.measures in (_OF_WAYS, _OF_SHIPMENTS)]
        others = [c for c in card.given.values() if c not in prices]
        if len(prices) != 1 or not others or any(c.measures != {"amount": 1} for c in others):
            continue
        money, *below = filter(None, re.split(r"[()*/]", prices[0].unit))
        length = next(unit for unit in below if same_dimension(unit, "km"))
        unit = "/".join([money, *(each for each in below if each != length)])
        for place, table in enumerate(tables):
            ways = _ways(table)
            if len(ways) != 1 or sum(c.kind == "text" for c in table.given.values()) < _FEWEST:
                continue
            rows = table.frame.rename(columns={ways[0].name: "distance"}).merge(card.frame, how="cross")
            each_km = rows.pop(prices[0].name) * convert(1.0, ways[0].unit or length, length)
            units = {"rate": unit, "distance": ways[0].unit or length}
            made = table.remade(rows.assign(rate=each_km * rows["distance"]), units, end="card")
            found[place] = replace(made, of=made.of | card.of | {card.name})
    return found


def _with_rates_by_distance(tables: Tables) -> list[SourceTable]:
    """Look the price of a unit up for each way where a table has it by distances alone, from or up to each."""
    found = [*tables]
    for card in tables:
        prices = [c for c in card.numbers if c.measures == {"money": 1, "amount": -1}]
        limits = [c for c in card.numbers if c.measures == {"length": 1}]
        upper = [c for c in limits if _UP_TO.search(c.name)]
        lower = [c for c in limits if c not in upper and c.looks_like("calendars", "start")]
        if len(prices) != 1 or len(card.given) != 1 + len(limits) or len(upper or lower) != 1:
            continue
        limit, price = (upper or lower)[0], prices[0]
        steps = card.frame[[limit.name, price.name]].dropna().sort_values(limit.name, ignore_index=True)
        for place, table in enumerate(tables):
            ways = _ways(table)
            if len(ways) != 1 or sum(c.kind == "text" for c in table.given.values()) < _FEWEST:
                continue
            far = table.frame[ways[0].name] * convert(1.0, ways[0].unit or limit.unit, limit.unit)
            # up to a limit, its own price holds; from a limit on, that of the last one passed
            step = steps[limit.name].searchsorted(far, side="left" if upper else "right") - (not upper)
            rate = steps[price.name].reindex(step).to_numpy()
            units = {"rate": price.unit, ways[0].name: ways[0].unit or limit.unit}
            made = table.remade(table.frame.assign(rate=rate), units, end="card")
            found[place] = replace(made, of=made.of | card.of | {card.name})
    return found


def _rates(table: SourceTable, tables: Tables, part: Table) -> PartGuess | None:
    """Return a table as ways between places: two columns of names of places, each pair once, and a price or a way."""
    if table.is_history and table.may_teach and not table.is_called("lanes"):
        return None
    others = [other for other in tables if other is not table]
    named_by_text = [[c for c in other.given.values() if c.kind == "text"] for other in others]
    keys = [other.key or next(iter(cs), None) for other, cs in zip(others, named_by_text, strict=True)]
    known = table.naming(frozenset().union(*(c.texts for c in keys if c)), share=0.5)
    columns = list(table.given.values())
    whole = [c for c in columns if c.kind == "text" and c.is_full]
    ends = [c for c in whole if c.looks_like("lanes", "tail", "head", kind=str)]
    # products, periods and modes are no places
    goods = [c for c in whole if c.looks_like("demand", "product", "period", kind=str) and c not in ends]
    places = [c for c in whole if not _is_keyed(c, tables, "products", "periods") and c not in goods]
    named = [c for c in places if c in known or c in ends]
    if len(named) < _FEWEST and table.made and len(whole) == _FEWEST:
        # a matrix alone names its places itself; what stands behind places elsewhere is a product
        behind = [c for each in named_by_text for c in each[1:]]
        named = [c for c in places if not any(c.texts <= b.texts for b in behind)]
    if len(named) < _FEWEST:
        return None
    tail, head = _in_direction(named[0], named[1], tables)
    rate = _price(columns)
    if rate is None and (not _ways(table) or both_ways(table, tail.name, head.name) is not None):
        return None  # how far all places are from each other says nothing of what goes where
    modes = [c for c in whole if c not in (tail, head) and c.looks_like("lanes", "mode", kind=str)]
    cells = {"tail": tail, "head": head, "mode": next(iter(modes), None), "rate": rate}
    if rate is not None and table.frame.duplicated([c.name for c in (tail, head, *modes)]).any():
        # from, or up to, which weight a price holds
        amounts = [c for c in columns if c.measures == {"amount": 1}]
        begins = [c for c in amounts if c.values.min() == 0]
        ends = [c for c in amounts if _UP_TO.search(c.name)]
        # a price of a shipment holds up to a weight, one of a tonne from a weight on
        weights = [*ends, *begins] if rate.measures == {"money": 1} else [*begins, *ends]
        cells["weight"] = next(iter(weights), None)
    key = [c.name for name in part.key if (c := cells.get(name)) is not None]
    return None if table.frame.duplicated(key).any() else as_named(table, part, cells)


def _ways(table: SourceTable) -> list[ColumnFacts]:
    """Return the columns that say how far it is."""
    numbers = [c for c in table.numbers if c.measures in ({}, {"length": 1})]
    return [c for c in numbers if c.unit or c.looks_like("lanes", "distance")]


def _price(columns: Columns) -> ColumnFacts | None:
    """Return the column of what a unit costs on a lane; None where none does."""
    numbers = [c for c in columns if c.kind == "number"]
    priced = [c for c in numbers if c.measures.get("money") == 1 and "amount" in c.measures]
    told = [c for c in numbers if "money" in (c.measures or {"money": 1})]
    priced += [c for c in told if c.looks_like("lanes", "rate")]
    pieces = [c for c in numbers if is_price_of_pieces(c.name, c.unit)]
    return next(iter([*priced, *(c for c in pieces if not read_header(without_things(c.name)).words)]), None)


def _is_keyed(column: ColumnFacts, tables: Tables, *parts: str) -> bool:
    """Say whether a column holds names of rows of a table that is called as one of some parts."""
    keyed = [t for t in tables if t.key is not None and column.texts <= t.key.texts]
    return any(table.is_called(part) for table in keyed for part in parts)


def _in_direction(one: ColumnFacts, other: ColumnFacts, tables: Tables) -> tuple[ColumnFacts, ColumnFacts]:
    """Return two columns of places, that where goods come from first: by words, else as they stand."""

    def is_end(column: ColumnFacts, end: str, part: str) -> bool:
        return column.looks_like("lanes", end, kind=str) or _is_keyed(column, tables, part)

    turned = is_end(other, "tail", "suppliers") and is_end(one, "head", "markets")
    turned &= not (is_end(one, "tail", "suppliers") or is_end(other, "head", "markets"))
    return (other, one) if turned else (one, other)


def _together(rates: Sequence[PartGuess], part: Table) -> PartGuess:
    """Return several tables of ways as one."""
    unit = next((rate.unit for one in rates if (rate := one.column("rate")) and rate.unit), "")
    frames = []
    for one in rates:
        columns = [each for each in one.filled if each.field.name in ("tail", "head", "rate")]
        cells = {each.field.name: one.table.frame[each.column.name] for each in columns}
        own = one["rate"].unit if "rate" in cells else ""
        if own and own != unit:
            cells["rate"] = cells["rate"] * convert(1.0, own, unit)
        for way in _ways(one.table)[:1]:
            cells["distance"] = one.table.frame[way.name]
        frames.append(pd.DataFrame(cells))
    units = {"rate": unit, "distance": next((c.unit for one in rates for c in _ways(one.table)), "")}
    made = rates[0].table.remade(pd.concat(frames), units, title="lanes", end="lanes")
    of = frozenset().union(*({one.table.name, *one.table.of} for one in rates))
    return as_named(replace(made, of=made.of | of), part)


def _lane_parts(rates: PartGuess, part: Table, sides: Mapping[str, frozenset[str]]) -> Parts:
    """Return the lanes, and their prices; of a rate card each lane once, with a column for each weight."""
    tail, head, rate = rates["tail"], rates["head"], rates.column("rate")
    if rate is not None and "weight" in rates.fields:
        weight = rates["weight"].name
        wide = rates.table.frame.pivot(index=[tail.name, head.name], columns=weight, values=rate.name)
        units = {f"rate_{place}": rate.unit for place in range(len(wide.columns))}
        used = [each.column.name for each in rates.filled]
        lanes_of = rates.table.frame.groupby([tail.name, head.name])
        same = [c for c in rates.table.frame.columns.difference(used) if (lanes_of[c].nunique() <= 1).all()]
        wide = wide.set_axis([*units], axis="columns").join(lanes_of[same].first())
        lanes = wide.rename_axis(index=["tail", "head"]).reset_index()
        made = rates.table.remade(lanes, units, title="lanes", end="card")
        return {"lanes": as_named(made, part), "rates": rates}
    named = {name: texts for name, texts in sides.items() if texts}
    guess = match_part(rates.table, part, named, without=[rate.name] if rate is not None else [])
    guess = (guess or PartGuess(part, rates.table, ())).filling("tail", tail).filling("head", head)
    # an amount beside a lane may be its usual shipment
    bare = [each.field.name for each in guess.filled if each.field.name == "capacity" and not each.named]
    return {"lanes": guess.without(*bare), **({"rates": rates} if rate is not None else {})}


def _of_sides(tables: Tables, sides: Mapping[str, frozenset[str]], part: Declared) -> Parts:
    """Assign tables to the parts whose places they name."""
    places = frozenset().union(*sides.values())
    texts_of = {t.name: [c.texts for c in t.given.values() if c.kind == "text"] for t in tables}

    def as_side(table: SourceTable, name: str) -> PartGuess | None:
        keys = table.naming(sides["markets" if name == "demand" else name], share=0.5)
        elsewhere = frozenset().union(*(each for t in tables if t is not table for each in texts_of[t.name]))
        # texts that another table has as well and that are no places may be products
        shared = [each for each in texts_of[table.name] if each & elsewhere and not each & places]
        known = [{}, *({"products": texts} for texts in shared)] if keys else []
        tried = ((each, names) for each in (table, _called_plainly(table, name)) for names in known)
        guesses = (match_part(each, part[name], names, key=keys[0]) for each, names in tried)
        guess = next(filter(None, guesses), None)
        return None if guess and name == "demand" and _is_past(guess, tables) else guess

    return assigned(tables, (*_SIDES, "demand"), as_side)


def _called_plainly(table: SourceTable, part: str) -> SourceTable:
    """Return cells of a wide table, which only its name tells, as what places of a part have or want."""
    field_name = {"demand": "demand", "suppliers": "capacity"}.get(part, "")
    names = [c.name for c in table.columns.values() if c.kind == "number"]
    if not table.made or not field_name or names != [table.title]:
        return table
    cells = table.columns[table.title]
    if PRICE & {*cells.header.pieces} or cells.measures not in ({}, {"amount": 1}):
        return table
    frame = table.frame.rename(columns={cells.name: field_name})
    return replace(table, frame=frame, units={field_name: cells.declared} if cells.declared else {})


def _is_past(demand: PartGuess, tables: Tables) -> bool:
    """Say whether a table of demand is of other periods than those of the plan, so that a law is to learn from it."""
    column = demand.column("period") if demand.table.may_teach else None
    keys = [t.key.texts for t in tables if t.key is not None and t.is_called("periods")]
    return column is not None and bool(keys) and not any(column.texts & key for key in keys)


def _products_and_periods(parts: Parts, tables: Tables, part: Declared) -> None:
    """Find the tables of products and periods, or make them of the columns that name them."""
    for name, field_name, alone in (("products", "product", "goods"), ("periods", "period", "period 1")):
        namers = [parts[one] for one in ("demand", "suppliers") if one in parts]
        source = next((guess for guess in namers if guess.column(field_name) is not None), None)
        known = source[field_name].texts if source is not None else frozenset()
        taken = {guess.table.name for guess in parts.values()}
        left = [(table, table.key) for table in tables if table.name not in taken]
        own = [t for t, key in left if key and (known <= key.texts if known else t.is_called(name))]
        names = source.texts_of(field_name).unique() if source is not None else [alone]
        made = named_by((source or next(iter(parts.values()))).table, names, part[name])
        parts.setdefault(name, next(filter(None, (match_part(table, part[name]) for table in own)), made))
        for other in ("demand", "suppliers"):  # names of other things are none of these
            named = parts[other].column(field_name) if other in parts else None
            if named is not None and not named.texts <= parts[name].names:
                parts[other] = parts[other].without(field_name)


def _by_words(tables: Tables, part: Declared) -> Parts | None:
    """Return the parts of a network without lanes of its own: by their fields and the names of files."""

    def worth(guess: PartGuess) -> float:
        return guess.score * (guess.called_so or len(guess.filled) > _FEWEST)

    names = [name for name in part if name != "rates"]
    parts = assigned(tables, names, lambda table, name: match_part(table, part[name]), worth)
    if not {"markets", "lanes"} <= parts.keys():
        return None
    _products_and_periods(parts, tables, part)
    return parts
