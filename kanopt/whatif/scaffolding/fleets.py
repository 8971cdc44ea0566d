"""Tables as parts of a routing problem: who is visited, with what, from where, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import TABLE_WORDS
from kanopt.records.likeness import is_called
from kanopt.records.matching import ColumnFacts, assign_tables, fill_fields
from kanopt.whatif.scaffolding.orders import coordinate_pairs, located, stops_of_orders, with_breaks
from kanopt.whatif.scaffolding.parts import (
    PartGuess,
    called,
    in_minutes,
    looks_like,
    match_part,
    may_teach,
    measures,
    names_rows,
)
from kanopt.whatif.scaffolding.rewrites import both_ways, lasts_a_shift, windows_of
from kanopt.whatif.scaffolding.sources import SourceTable

_PLACES = (("x", "y"), ("lat", "lon"))
_MOST_DEPOTS, _MOST_VEHICLES = 50, 500
_PLACED, _TELLING = 4.0, 2  # how much speaks for a table of places that orders of so many fields name
_BY_LEFT = 0.4
_LONGEST_STOP = 240.0  # minutes; a clock time beyond is when something begins
_LEGS = ("distances", "durations", "links")


@record("distances", key=("tail", "head"))
class Distance:
    """A row of a table of distances."""

    tail: str = field()
    head: str = field()
    distance: float = field(unit="distance")


@record("durations", key=("tail", "head"))
class Duration:
    """A row of a table of durations."""

    tail: str = field()
    head: str = field()
    duration: float = field(unit="time")


@record("links", key=("tail", "head"))
class Link:
    """A link of a road network."""

    tail: str = field()
    head: str = field()
    length: float = field(unit="distance")


HELPERS = (Distance, Duration, Link)
"""Tables of pairs of places, which no problem declares as records."""


def read_fleet(tables: Sequence[SourceTable], part: Mapping[str, Table]) -> dict[str, PartGuess] | None:
    """Return the parts of a routing problem; None where nobody is visited."""
    tables = [_both_ways(_orders_as_stops(table), part) for table in tables]
    legs = [
        guess
        for name in _LEGS
        for table in tables
        if (guess := match_part(table, part[name])) and _joins(guess)
    ]
    rest = [table for table in tables if all(table is not leg.table for leg in legs) and table.square is None]
    parts = _assigned(rest, part, [_ends(leg) for leg in legs])
    if "clients" not in parts:
        return None
    if (made := in_minutes(parts["clients"].table, "clients", "service_duration", _LONGEST_STOP)) is not None:
        parts["clients"] = match_part(made, part["clients"]) or parts["clients"]
    places = parts.pop("places", None)
    if places is not None:
        parts["clients"] = _with_places(parts["clients"], places)
    if (fleet := parts.get("vehicles")) is not None and "breaks" not in fleet.fields:
        parts["vehicles"] = match_part(with_breaks(fleet.table), fleet.part) or fleet
    key = _place_column(parts["clients"], legs)
    if key is not None:
        parts["clients"] = match_part(parts["clients"].table, part["clients"], key=key) or parts["clients"]
    _find_depots(parts, part["depots"], places, [_ends(leg) for leg in legs])
    names = {name: guess.names for name, guess in parts.items()}
    for name in ("vehicles", "clients"):
        if name in parts:
            own = key if name == "clients" else None
            parts[name] = match_part(parts[name].table, parts[name].part, names, key=own) or parts[name]
    if "vehicles" in parts:
        parts["vehicles"] = _of_shifts(parts["vehicles"], names)
    _match_skills(parts)
    _match_amounts(parts)
    parts["clients"] = _without_blanks(parts["clients"])
    for leg in sorted(legs, key=lambda leg: -leg.score):
        fits = leg.part.name == "links" or parts["clients"].names <= _ends(leg)
        if fits and (
            leg.part.name == "durations" or all(leg.table is not one.table for one in parts.values())
        ):
            parts.setdefault(leg.part.name, leg)
    if "links" not in parts:
        parts.pop("nodes", None)
    pair = [parts[name] for name in ("distances", "durations") if name in parts]
    if len(pair) > 1 and pair[0].table is pair[1].table:
        parts |= {leg.part.name: _own_columns(leg) for leg in pair}
    return parts


def _own_columns(leg: PartGuess) -> PartGuess:
    """Return a part of a table that is two parts, as a table of its own columns."""
    columns = [each.column.name for each in leg.filled]
    why = f"the {leg.part.name} of {leg.table.called}"
    made = leg.table.remade(leg.table.frame[columns], why, end=leg.part.name)
    return match_part(made, leg.part) or leg


def _orders_as_stops(table: SourceTable) -> SourceTable:
    """Return orders from place to place as stops; any other table as it is."""
    pairs, key = coordinate_pairs(table), table.key
    return stops_of_orders(table, key.name, pairs) if len(pairs) > 1 and key is not None else table


def _assigned(
    tables: Sequence[SourceTable], part: Mapping[str, Table], nets: Sequence[frozenset[str]]
) -> dict[str, PartGuess]:
    """Assign tables to clients, vehicles, depots, nodes, and to places that orders name."""
    placed = {table.name: _place_names(table, part["depots"]) for table in tables}
    guesses: dict[tuple[str, str], PartGuess] = {}
    scores: dict[tuple[str, str], float] = {}

    def offer(name: str, guess: PartGuess, score: float) -> None:
        guesses[name, guess.table.name], scores[name, guess.table.name] = guess, score

    for table in tables:
        own = placed[table.name]
        others = [names for name, names in placed.items() if name != table.name and names]
        found = {name: match_part(table, part[name]) for name in ("clients", "vehicles", "depots", "nodes")}
        if (guess := found["clients"]) and _is_placed(guess, [*others, *nets]):
            offer("clients", guess, guess.score)
        if (guess := found["vehicles"]) and _is_fleet(guess, tables):
            offer("vehicles", guess, guess.score)
        if (guess := found["depots"]) and len(table.frame) <= _MOST_DEPOTS:
            whole = own or guess.called_so or len(table.columns) == 1
            offer("depots", guess, bool(whole) * max(guess.score - math.log1p(len(table.frame)) / 4, 0.1))
        if (guess := found["nodes"]) and own:
            named = any(
                names_rows(other, own, every=True)
                and len(fill_fields(other.given, part["clients"])) >= _TELLING
                for other in tables
                if not placed[other.name]
            )
            offer("places", guess, _PLACED * named)
            offer("nodes", guess, guess.score * called(table, "nodes"))
    return {name: guesses[name, table] for name, table in assign_tables(scores).items()}


def _both_ways(table: SourceTable, part: Mapping[str, Table]) -> SourceTable:
    """Return ways with both directions of each pair, where a table has one of each; any other table as it is."""
    guess = match_part(table, part["distances"]) or match_part(table, part["durations"])
    turned = both_ways(table, guess.header("tail"), guess.header("head")) if guess is not None else None
    return turned or table


def _joins(guess: PartGuess) -> bool:
    """Say whether rows join places with places: most of those that something leaves from are those it goes to."""
    tail, head = guess.filled_by("tail"), guess.filled_by("head")
    both = len(tail.texts & head.texts) >= 0.5 * len(tail.texts | head.texts)
    # a table of distances may hold the minutes beside them
    told = guess.called_so or (
        guess.part.name != "links" and any(called(guess.table, name) for name in ("distances", "durations"))
    )
    return both and (told or not may_teach(guess.table))


def _place_column(clients: PartGuess, legs: Sequence[PartGuess]) -> ColumnFacts | None:
    """Return the column of clients whose values are the places of the legs, where what names its rows is none."""
    # links lead to nodes, which a column of their own names
    ends = frozenset[str]().union(*(_ends(leg) for leg in legs if leg.part.name != "links"))
    if clients.names <= ends:
        return None
    columns = names_rows(clients.table, ends, every=True)
    return next((column for column in columns if column.distinct == len(clients.table.frame)), None)


def _ends(leg: PartGuess) -> frozenset[str]:
    ends = [leg.column(name) for name in ("tail", "head")]
    return frozenset().union(*(end.texts for end in ends if end is not None))


def _place_names(table: SourceTable, depots: Table) -> frozenset[str]:
    """Return the names of the rows of a table that says where they are."""
    filled = {each.field.name for each in fill_fields(table.given, depots)}
    key = table.key
    return key.texts if key is not None and any({*pair} <= filled for pair in _PLACES) else frozenset()


def _is_placed(guess: PartGuess, known: Sequence[frozenset[str]]) -> bool:
    """Say whether it is known where the rows of a table are."""
    if any({*pair} <= guess.fields for pair in _PLACES):
        return True
    telling = len(guess.filled) > 1 or guess.called_so or guess.keyed_so
    return telling and any(names_rows(guess.table, names, every=True) for names in known)


def _is_fleet(guess: PartGuess, tables: Sequence[SourceTable]) -> bool:
    telling = [each for each in guess.filled if each.field.name != "name" and each.field.kind is not str]
    placed = any(each.name in ("lat", "lon") or each.header.words == ("x",) for each in guess.left)
    return bool(telling) and len(guess.table.frame) <= _MOST_VEHICLES and not placed


def is_speed(column: ColumnFacts) -> bool:
    """Say whether a column of vehicles holds speeds."""
    measured = measures(column)
    told = column.kind == "number" and not measured and looks_like(column, "vehicles", "speed")
    return told or measured == {"length": 1, "time": -1}


def _with_places(guess: PartGuess, places: PartGuess) -> PartGuess:
    """Return clients with the coordinates of the places that they name; of orders from place to place both stops."""
    key = places.table.key
    columns = names_rows(guess.table, key.texts, every=True) if key is not None else []
    if not columns or any({*pair} <= guess.fields for pair in _PLACES):
        return guess
    goals = [c for c in columns if c.distinct > 1 or c.rows == 1] or columns
    name = guess.column("name")
    both = len(goals) > 1 and name is not None and name not in goals
    ends = {end: c.name for end in ("x", "y", "lat", "lon") if (c := places.column(end)) is not None}
    joined = located(guess.table, goals[: 1 + both], places.table, ends)
    return match_part(_orders_as_stops(joined), guess.part) or guess


def _find_depots(
    parts: dict[str, PartGuess],
    part: Table,
    places: PartGuess | None,
    nets: Sequence[frozenset[str]],
) -> None:
    """Add depots that have no table: a row of the clients, a place that no client has, a name of a matrix."""
    if "depots" in parts:
        return
    clients = parts["clients"]
    made: SourceTable | None = None
    if places is not None:
        left = _unvisited(parts, places)
        if len(left):
            made = places.table.remade(
                left,
                f"places of {places.table.called} that nobody is visited at",
                title="depots",
                end="depots",
            )
    elif net := next((net for net in nets if clients.names < net), None):
        names = pd.DataFrame({"name": sorted(net - clients.names)})
        made = clients.table.remade(
            names, "the places of the matrix beside clients", title="depots", end="depots"
        )
    else:
        made = _depot_row(parts)
    if made is not None and (guess := match_part(made, part)):
        parts["depots"] = guess


def _unvisited(parts: Mapping[str, PartGuess], places: PartGuess) -> pd.DataFrame:
    """Return the rows of the places at which vehicles are at home, or else those that no client names."""
    key, frame = places.table.key, places.table.frame
    assert key is not None
    names = frame[key.name].astype(str)
    fleet = parts.get("vehicles")
    homes = [c for c in fleet.left if c.texts and c.texts <= key.texts] if fleet is not None else []
    if homes:
        return frame[names.isin(homes[0].texts)]
    clients = parts["clients"]
    ends = [end for end in ("x", "y", "lat", "lon") if places.column(end) and clients.column(end)]
    if ends:
        visited = set(zip(*(clients.table.frame[clients.header(end)] for end in ends), strict=True))
        here = zip(*(frame[places.header(end)] for end in ends), strict=True)
        left = frame[[place not in visited for place in here]]
    else:
        left = frame[~names.isin(frozenset().union(*(c.texts for c in clients.table.columns.values())))]
    told = [_speaks_of(str(text), TABLE_WORDS["depots"]) for text in left[key.name]]
    return left[told] if len(left) > 1 and any(told) else left


def _speaks_of(text: str, words: Collection[str]) -> bool:
    return any(is_called(word, frozenset(words)) for word in text.lower().split())


def _depot_row(parts: dict[str, PartGuess]) -> SourceTable | None:
    """Take the depot out of a table of clients in which it is a row."""
    guess = parts["clients"]
    name = guess.column("name")
    if name is None:
        return None
    words = TABLE_WORDS["depots"] - TABLE_WORDS["clients"]
    frame = guess.table.frame
    told = pd.Series([any(w in words for w in str(text).lower().split()) for text in frame[name.name]])
    if told.sum() != 1:
        return None
    others = guess.table.remade(
        frame[~told.to_numpy()], f"{guess.table.called} without the depot", end="clients"
    )
    home = guess.table.remade(
        frame[told.to_numpy()].dropna(axis="columns"),
        f"a row of {guess.table.called}",
        title="depots",
        end="depot",
    )
    rest = match_part(others, guess.part)
    parts["clients"] = rest or guess
    return home if rest is not None else None


def _of_shifts(guess: PartGuess, names: Mapping[str, Collection[str]]) -> PartGuess:
    """Return vehicles with the ends of a shift that stands in one cell; a window so long is no break."""
    windows = [c for c in guess.table.given.values() if c.kind == "windows"]
    column = next(filter(lasts_a_shift, windows), None)
    if column is None or len(column.values) < column.rows or guess.fields & {"shift_start", "shift_end"}:
        return guess
    cells = [windows_of(cell) for cell in column.values]
    if any(len(cell) != 1 for cell in cells):
        return guess
    frame = guess.table.frame.drop(columns=column.name).reset_index(drop=True)
    for place, end in enumerate(("shift_start", "shift_end")):
        frame[end] = [cell[0][place] for cell in cells]
    units = {"shift_start": "min", "shift_end": "min"}
    why = f"{guess.table.called} with both ends of {column.name!r}"
    made = guess.table.remade(frame, why, units, end="shifts", reads=[column.name])
    return match_part(made, guess.part, names) or guess


def _match_skills(parts: dict[str, PartGuess]) -> None:
    """Fill what clients need and vehicles have by columns that share their words, whatever they are called."""
    if not {"clients", "vehicles"} <= parts.keys():
        return
    clients, vehicles = parts["clients"], parts["vehicles"]
    needs, skills = clients.column("needs"), vehicles.column("skills")
    wanted = (
        [needs] if needs is not None else [c for c in clients.left if c.kind == "text" and not c.is_unique]
    )
    had = [skills] if skills is not None else [c for c in vehicles.left if c.kind == "text"]
    for one in wanted:
        for other in had:
            if (needs is None or skills is None) and _words_in(one) and _words_in(one) <= _words_in(other):
                why = "its values are in both tables"
                parts["clients"] = clients.filling("needs", one, 0.9, why)
                parts["vehicles"] = vehicles.filling("skills", other, 0.9, why)
                return


def _words_in(column: ColumnFacts) -> set[str]:
    return {word.strip() for text in column.texts for word in text.split(",") if word.strip()}


def _match_amounts(parts: dict[str, PartGuess]) -> None:
    """Fill what is carried: the columns of both tables that share a word, else the only number that is left."""
    wanted = {"clients": "demand", "vehicles": "capacity"}
    open_parts = [
        name for name, field in wanted.items() if name in parts and parts[name].column(field) is None
    ]
    known = [c for name, field in wanted.items() if name in parts and (c := parts[name].column(field))]
    words = {piece for column in known for piece in column.header.pieces}
    if len(open_parts) == len(wanted):
        pieces = [{p for c in _amounts(parts[name]) for p in c.header.pieces} for name in open_parts]
        words = pieces[0] & pieces[1]
    for name in open_parts:
        numbers = _amounts(parts[name])
        shared = [c for c in numbers if words & {*c.header.pieces}]
        if len(shared or numbers) == 1:
            why = "called as what is carried" if shared else "the only number that is left"
            parts[name] = parts[name].filling(
                wanted[name], (shared or numbers)[0], 0.9 if shared else _BY_LEFT, why
            )


def _amounts(guess: PartGuess) -> list[ColumnFacts]:
    """Return the columns that are left and may be amounts."""
    return [
        c
        for c in guess.left
        if c.kind == "number"
        and float(c.values.min()) >= 0
        and measures(c) in ({}, {"amount": 1})
        and not is_speed(c)
        and len(c.values) == c.rows
    ]


def _without_blanks(guess: PartGuess) -> PartGuess:
    """Return stops that were made with zeros where a number is nothing at the place of loading."""
    blank = [
        each.column.name
        for each in guess.filled
        if guess.table.made
        and each.column.kind == "number"
        and len(each.column.values) < each.column.rows
        and not guess.declared(each.field.name).may_be_blank
    ]
    if not blank:
        return guess
    frame = guess.table.frame.fillna(dict.fromkeys(blank, 0))
    table = guess.table.remade(frame, guess.table.made, end="filled")
    return match_part(table, guess.part) or guess
