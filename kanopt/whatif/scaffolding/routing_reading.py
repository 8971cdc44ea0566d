"""Tables as a routing problem: who is visited, with what, from where, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from kanopt.problems import RoutingUnits
from kanopt.problems.routing.entities import Depot
from kanopt.records.declaration import field, record
from kanopt.records.likeness import TableField, is_called
from kanopt.records.matching import ColumnFacts, FilledField, assign_tables, fill_fields
from kanopt.records.words import TABLE_WORDS
from kanopt.whatif.scaffolding.roles import (
    PartGuess,
    Roles,
    called,
    looks_like,
    made_table,
    match_part,
    may_teach,
    measures,
    square_names,
)
from kanopt.whatif.scaffolding.sources import SourceTable

__all__ = ["LEGS", "read_routing"]

_PLACES = (("x", "y"), ("lat", "lon"))
_MOST_DEPOTS, _MOST_VEHICLES = 50, 500
_BY_LEFT = 0.4
_PLACED, _TELLING = 3.0, 3  # how much speaks for a table of places that orders of so many fields name


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


LEGS = {"distances": Distance, "durations": Duration, "links": Link}
"""Tables of pairs of places; what `tail` and `head` are is called ``from`` and ``to`` in the first two."""


def read_routing(tables: Sequence[SourceTable]) -> Roles | None:
    """Return the tables as a routing problem; None where they make none."""
    units = RoutingUnits()
    depots, clients, vehicles = units.tables()
    nodes = units.table(Depot, "nodes")
    matrices = {table.name: square_names(table) for table in tables if square_names(table)}
    legs = {
        (name, table.name): guess
        for name, kind in LEGS.items()
        for table in tables
        if (guess := match_part(table, units.table(kind))) and _joins(guess, name)
    }
    rest = [
        table for table in tables if table.name not in matrices and all(table.name != of for _, of in legs)
    ]
    placed = {table.name: _place_names(table) for table in rest}
    guesses: dict[tuple[str, str], PartGuess] = {}
    scores: dict[tuple[str, str], float] = {}
    for table in rest:
        found = {part.name: match_part(table, part) for part in (depots, clients, vehicles, nodes)}
        if (guess := found["clients"]) and _is_placed(guess, placed, [*matrices.values(), *_ends(legs)]):
            guesses["clients", table.name] = guess
            scores["clients", table.name] = guess.score
        if (guess := found["vehicles"]) and _is_fleet(guess):
            guesses["vehicles", table.name] = guess
            scores["vehicles", table.name] = guess.score
        if (guess := found["depots"]) and len(table.frame) <= _MOST_DEPOTS:
            whole = bool(placed[table.name]) or guess.called_so or len(table.columns) == 1
            guesses["depots", table.name] = guess
            scores["depots", table.name] = whole * max(guess.score - math.log1p(len(table.frame)) / 4, 0.1)
        if (guess := found["nodes"]) and placed[table.name]:
            guesses["places", table.name] = guesses["nodes", table.name] = guess
            scores["places", table.name] = _PLACED * any(
                _refers(other, placed[table.name])
                for other in rest
                if not placed[other.name] and len(fill_fields(other.facts, clients)) >= _TELLING
            )
            scores["nodes", table.name] = guess.score * called(table, "nodes")
    by_name = {table.name: table for table in rest}
    chosen = assign_tables(scores)
    parts = {part: guesses[part, table] for part, table in chosen.items() if scores[part, table] > 0}
    if "clients" not in parts:
        return None
    places = parts.pop("places", None)
    clients_guess = _with_places(parts["clients"], places, clients)
    parts["clients"] = clients_guess
    _name_depots(parts, places, depots, [*matrices.values(), *_ends(legs)])
    _split_depot(parts, depots, clients)
    _refill(parts)
    parts |= _legs_of(parts, tables, matrices, legs)
    if "links" not in parts:
        parts.pop("nodes", None)
    hints: dict[str, Any] = {}
    if "vehicles" in parts:
        hints["speed"] = next((c for c in parts["vehicles"].left if _is_speed(c)), None)
    total = sum(guess.score for guess in parts.values()) + (0 if "vehicles" in parts else -3.0)
    used = {guess.table.name for guess in parts.values()} | set(chosen.values())
    others = [table for table in by_name.values() if table.name not in used]
    others += [table for table in tables if table.name not in by_name and table.name not in used]
    histories = tuple(table for table in others if may_teach(table))
    unused = tuple(table for table in others if table not in histories)
    return Roles("routing", parts, histories, unused, hints=hints, total=total)


def _joins(guess: PartGuess, part: str) -> bool:
    """Say whether rows join places with places: most of those that something leaves from are those it goes to."""
    tail, head = guess.column("tail"), guess.column("head")
    assert tail is not None
    assert head is not None
    both = len(tail.texts & head.texts) >= 0.5 * len(tail.texts | head.texts)
    return both and not (may_teach(guess.table) and not called(guess.table, part))


def _place_names(table: SourceTable) -> frozenset[str]:
    """Return the names of the rows of a table that says where they are."""
    filled = fill_fields(table.facts, RoutingUnits().table(Depot, "places"))
    names = {each.field.name for each in filled}
    key = table.facts.key
    whole = any(set(pair) <= names for pair in _PLACES)
    return key.texts if whole and key is not None else frozenset()


def _ends(legs: dict[tuple[str, str], PartGuess]) -> list[frozenset[str]]:
    found = []
    for guess in legs.values():
        ends = [guess.column(name) for name in ("tail", "head")]
        found.append(frozenset().union(*(end.texts for end in ends if end is not None)))
    return found


def _refers(table: SourceTable, names: frozenset[str]) -> list[ColumnFacts]:
    """Return the columns of a table whose values are all names of places."""
    columns = table.facts.columns.values()
    return [c for c in columns if c.kind in ("text", "number") and c.texts and c.texts <= names]


def _is_placed(guess: PartGuess, placed: dict[str, frozenset[str]], nets: Sequence[frozenset[str]]) -> bool:
    """Say whether it is known where the rows of a table are."""
    filled = {each.field.name for each in guess.filled}
    if any(set(pair) <= filled for pair in _PLACES):
        return True
    known = [names for name, names in placed.items() if name != guess.table.name and names]
    return len(guess.filled) > 1 and any(_refers(guess.table, names) for names in [*known, *nets] if names)


def _is_fleet(guess: PartGuess) -> bool:
    telling = [each for each in guess.filled if each.field.name != "name" and each.field.kind is not str]
    few = len(guess.table.frame) <= _MOST_VEHICLES
    placed = any(each.name in ("lat", "lon") or each.header.words == ("x",) for each in guess.left)
    return bool(telling) and few and not placed


def _is_speed(column: ColumnFacts) -> bool:
    measured = measures(column)
    return measured == {"length": 1, "time": -1} or (
        column.kind == "number" and not measured and looks_like(column, "vehicles", "speed")
    )


def _with_places(guess: PartGuess, places: PartGuess | None, part: Any) -> PartGuess:
    """Return clients with the coordinates of the places that they name; of orders from place to place both stops."""
    filled = {each.field.name for each in guess.filled}
    if places is None or any(set(pair) <= filled for pair in _PLACES):
        return guess
    frame, where, key = guess.table.frame, places.table.frame, places.table.facts.key
    columns = [] if key is None else _refers(guess.table, key.texts)
    if not columns or key is None:
        return guess
    ends = [each.column.name for each in places.filled if each.field.name in ("x", "y", "lat", "lon")]
    located = where.assign(**{key.name: where[key.name].astype(str)}).set_index(key.name)[ends]
    units = places.table.units | guess.table.units
    goals = [c for c in columns if c.distinct > 1 or len(columns) == 1 or c.rows == 1]
    if len(goals) < 2 or not guess.column("name") or guess.column("name") in goals:
        goal = goals[0] if goals else columns[0]
        joined = _located(frame, goal, located)
        made = made_table(
            "clients", joined, f"{guess.table.called} with the places of {places.table.called}", units
        )
    else:
        first, last = _origin_first(goals)
        name = guess.column("name")
        assert name is not None
        made = made_table(
            "clients",
            _both_stops(guess, name, first, last, located),
            f"{guess.table.called}: a stop where each is loaded and one where it is unloaded",
            units,
        )
        both = match_part(made, part, {"clients": made.frame[name.name].astype(str)})
        source = next((each for each in both.filled if each.field.name == "source"), None) if both else None
        assert both is not None
        if source is None or source.column.name != "source":
            own = TableField.of(next(f for f in part.fields if f.name == "source"), part)
            kept = [each for each in both.filled if each.field.name != "source"]
            both = PartGuess(
                part, made, (*kept, FilledField(own, made.columns["source"], 1.0, "where it is loaded"))
            )
        return both
    return match_part(made, part) or guess


def _located(frame: pd.DataFrame, goal: ColumnFacts, located: pd.DataFrame) -> pd.DataFrame:
    where = located.loc[list(frame[goal.name].astype(str))].reset_index(drop=True)
    return pd.concat([frame.reset_index(drop=True), where], axis="columns")


def _origin_first(goals: Sequence[ColumnFacts]) -> tuple[ColumnFacts, ColumnFacts]:
    """Return of two columns of places that where something is loaded first."""
    one, other = goals[:2]
    if looks_like(one, "lanes", "head", str) and looks_like(other, "lanes", "tail", str):
        return other, one
    return one, other


def _both_stops(
    guess: PartGuess, name: ColumnFacts, first: ColumnFacts, last: ColumnFacts, located: pd.DataFrame
) -> pd.DataFrame:
    """Return a row for each place of loading, with nothing but its name and place, and one for each of unloading."""
    frame = guess.table.frame
    loaded = frame[name.name].astype(str) + " " + frame[first.name].astype(str)
    unloading = _located(frame, last, located).assign(source=loaded.to_numpy())
    loading = _located(frame[[first.name]], first, located).drop(columns=first.name)
    loading[name.name] = loaded.to_numpy()
    made = pd.concat([loading, unloading], ignore_index=True)[[*unloading.columns]]
    numbers = made.select_dtypes("number").columns.difference(located.columns)
    return made.fillna(dict.fromkeys(numbers, 0)).drop(columns=[first.name, last.name])


def _name_depots(
    parts: dict[str, PartGuess], places: PartGuess | None, depots: Any, nets: Sequence[frozenset[str]]
) -> None:
    """Add the depots that no table of their own tells: the places, or the names of a matrix, that no client has."""
    if "depots" in parts:
        return
    clients = parts["clients"]
    if places is not None and places.table.name != clients.table.name:
        key = places.table.facts.key
        assert key is not None
        named = frozenset().union(
            *(column.texts for column in clients.table.facts.columns.values()),
            *({text} for text in _named_by(clients)),
        )
        frame = places.table.frame
        left = frame[~frame[key.name].astype(str).isin(named)]
        homes = (
            [c for c in parts["vehicles"].left if c.texts and c.texts <= key.texts]
            if "vehicles" in parts
            else []
        )
        if homes:
            left = frame[frame[key.name].astype(str).isin(homes[0].texts)]
        if len(left) > 1:
            words = TABLE_WORDS["depots"]
            told = [any(is_called(w, words) for w in str(text).lower().split()) for text in left[key.name]]
            left = left[told] if any(told) else left
        if len(left):
            made = made_table(
                "depots",
                left,
                f"places of {places.table.called} that nobody is visited at",
                places.table.units,
            )
            if guess := match_part(made, depots):
                parts["depots"] = guess
        return
    for names in nets:
        rest = names - clients.names
        if clients.names < names and len(rest) <= _MOST_DEPOTS:
            made = made_table(
                "depots", pd.DataFrame({"name": sorted(rest)}), "the places of the matrix beside clients"
            )
            if guess := match_part(made, depots):
                parts["depots"] = guess
            return


def _named_by(clients: PartGuess) -> list[str]:
    """Return the places that stops were made of, whose names hold that of the order and the place."""
    source = clients.column("source")
    names = clients.names
    if source is None:
        return []
    return [
        text.partition(" ")[2] for text in source.texts if any(text.startswith(f"{one} ") for one in names)
    ]


def _split_depot(parts: dict[str, PartGuess], depots: Any, clients: Any) -> None:
    """Take the depot out of a table of clients in which it is a row."""
    guess = parts["clients"]
    name = guess.column("name")
    if "depots" in parts or name is None or guess.table.made:
        return
    words = TABLE_WORDS["depots"] - TABLE_WORDS["clients"]
    frame = guess.table.frame
    told = [any(word in words for word in str(text).lower().split()) for text in frame[name.name]]
    if sum(told) != 1:
        return
    why = f"a row of {guess.table.called}"
    units = guess.table.units
    home = made_table("depots", frame[told].dropna(axis="columns"), why, units)
    others = made_table(
        "clients", frame[[not one for one in told]], f"{guess.table.called} without the depot", units
    )
    found, rest = match_part(home, depots), match_part(others, clients)
    if found and rest:
        parts["depots"], parts["clients"] = found, rest


def _refill(parts: dict[str, PartGuess]) -> None:
    """Match once more, with the names of the other parts; numbers without a unit are what is left to be carried."""
    names = {name: guess.names for name, guess in parts.items()}
    for name in ("vehicles", "clients"):
        if name not in parts:
            continue
        guess = match_part(parts[name].table, parts[name].part, names) or parts[name]
        if parts[name].column("source") is not None and guess.column("source") is None:
            guess = parts[name]
        parts[name] = guess
    _match_skills(parts)
    fleet = parts.get("vehicles")
    carried = fleet.column("capacity") if fleet else None
    words = set(carried.header.pieces) if carried is not None else set()
    for name, wanted in (("vehicles", "capacity"), ("clients", "demand")):
        if name in parts and parts[name].column(wanted) is None:
            parts[name] = _with_amount(parts[name], wanted, words)


def _match_skills(parts: dict[str, PartGuess]) -> None:
    """Fill what clients need and vehicles have by columns that share their words, whatever they are called."""
    if not {"clients", "vehicles"} <= parts.keys():
        return
    lists = {
        name: [item for item in parts[name].part.fields if item.type is tuple and not item.refers][:1]
        for name in ("clients", "vehicles")
    }
    if not all(lists.values()) or any(parts[name].column(lists[name][0].name) for name in lists):
        return
    wanted = [c for c in parts["clients"].left if c.kind == "text" and not c.is_unique]
    had = [c for c in parts["vehicles"].left if c.kind == "text"]
    for one in wanted:
        for other in had:
            if _words_in(one) and _words_in(one) <= _words_in(other):
                for name, column in (("clients", one), ("vehicles", other)):
                    guess, item = parts[name], lists[name][0]
                    filled = FilledField(
                        TableField.of(item, guess.part), column, 0.9, "its values are in both tables"
                    )
                    parts[name] = PartGuess(guess.part, guess.table, (*guess.filled, filled))
                return


def _words_in(column: ColumnFacts) -> set[str]:
    return {word.strip() for text in column.texts for word in text.split(",") if word.strip()}


def _with_amount(guess: PartGuess, wanted: str, words: set[str]) -> PartGuess:
    """Fill what is carried by the column that is called like the capacity, else by the only number that is left."""
    numbers = [
        c
        for c in guess.left
        if c.kind == "number"
        and float(c.values.min()) >= 0
        and (not measures(c) or measures(c) == {"amount": 1})
        and not _is_speed(c)
        and len(c.values) == c.rows
    ]
    shared = [c for c in numbers if words & set(c.header.pieces)]
    if len(shared or numbers) != 1:
        return guess
    item = next(item for item in guess.part.fields if item.name == wanted)
    why = "called as what vehicles carry" if shared else "the only number that is left"
    score = 0.9 if shared else _BY_LEFT
    one = FilledField(TableField.of(item, guess.part), (shared or numbers)[0], score, why)
    return PartGuess(guess.part, guess.table, (*guess.filled, one))


def _legs_of(
    parts: dict[str, PartGuess],
    tables: Sequence[SourceTable],
    matrices: dict[str, frozenset[str]],
    legs: dict[tuple[str, str], PartGuess],
) -> dict[str, PartGuess]:
    """Return the tables of distances and durations between the places of the plan, and its links."""
    units, by_name = RoutingUnits(), {table.name: table for table in tables}
    clients = parts["clients"].names
    found: dict[str, PartGuess] = {}
    for name, names in matrices.items():
        if not clients <= names:
            continue
        table = by_name[name]
        part = "durations" if _tells_times(table) else "distances"
        found.setdefault(part, PartGuess(units.table(LEGS[part]), table, ()))
    for (name, _), guess in sorted(legs.items(), key=lambda pair: -pair[1].score):
        taken = {one.table.name for one in found.values()}
        (ends,) = _ends({("", ""): guess})
        fits = clients <= ends if name != "links" else True
        if (fits and guess.table.name not in taken) or (fits and name == "durations"):
            found.setdefault(name, guess)
    return found


def _tells_times(table: SourceTable) -> bool:
    corner = next(iter(table.columns.values())).header
    pieces = {*table.words, *corner.pieces}
    times = any(is_called(word, TABLE_WORDS["durations"] - {"matrix"}) for word in pieces)
    ways = any(is_called(word, TABLE_WORDS["distances"] - {"matrix"}) for word in pieces)
    return times and not ways
