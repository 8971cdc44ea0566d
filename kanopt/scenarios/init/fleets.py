"""Tables as parts of a routing problem: who is visited, with what, from where, and how far it is."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import (
    COORDINATES,
    DESCRIBING,
    FIELD_WORDS,
    IDENTIFIERS,
    TABLE_WORDS,
    is_called,
    measured_in,
    read_header,
)
from kanopt.records.matching import LISTED, NO, YES_NO, ColumnFacts, Names, fill_fields
from kanopt.scenarios.init.parts import (
    PLACES,
    Declared,
    PartGuess,
    Parts,
    as_named,
    assigned,
    match_part,
    named_by,
)
from kanopt.scenarios.init.rewrites import RESTS, both_ways, joined, lasts_a_shift, windows_of
from kanopt.scenarios.init.sources import SourceTable, Tables, coordinate_ends, texts
from kanopt.units import factor, same_dimension

_MOST_DEPOTS, _MOST_VEHICLES = 50, 500
_PLACED, _TELLING = 4.0, 2  # how much speaks for a table of places that orders of so many fields name
_BY_LEFT = 0.4
_ENDS = ("from", "to")
_LEGS = ("distances", "durations")
_OF_STOPS = ("earliest", "latest", "windows", "service_duration")
_SHORT = 3
_BEGINNING = 6  # letters by which words are the same: deliver, delivery


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


HELPERS = (Distance, Duration)
"""Tables of pairs of places, which no problem declares as records."""


def read_fleet(tables: Tables, part: Declared) -> Parts | None:
    """Return the parts of a routing problem; None where nobody is visited."""
    tables = [_both_ways(_orders_as_stops(table), part) for table in tables]
    guesses = [guess for name in _LEGS for table in tables if (guess := match_part(table, part[name]))]
    legs = [guess for guess in guesses if _joins(guess)]
    rest = [table for table in tables if all(table is not leg.table for leg in legs) and table.square is None]
    nets = [leg["tail"].texts | leg["head"].texts for leg in legs]
    parts = _assigned(rest, part, nets)
    if "clients" not in parts:
        return None
    places = parts.pop("places", None)
    if places is not None:
        parts["clients"] = _with_places(parts["clients"], places)
    if "vehicles" in parts and "breaks" not in parts["vehicles"].fields:
        parts["vehicles"] = parts["vehicles"].matched(_with_breaks(parts["vehicles"].table))
    # where what names clients is no place of the legs, another column may be
    clients, ends = parts["clients"], frozenset[str]().union(*nets)
    columns = [] if clients.names <= ends else clients.table.naming(ends)
    key = next((column for column in columns if column.distinct == len(clients.table.frame)), None)
    parts["clients"] = clients.matched(key=key)
    if "depots" not in parts:
        _find_depots(parts, part["depots"], places, nets)
    names = {name: guess.names for name, guess in parts.items()}
    parts["clients"] = parts["clients"].matched(names=names, key=key)
    if "vehicles" in parts:
        fleet = _with_speed(parts["vehicles"], parts.get("depots"))
        parts["vehicles"] = _of_trips(_of_shifts(fleet.matched(names=names), names))
        _match_skills(parts)
    _match_amounts(parts)
    parts["clients"] = _without_blanks(parts["clients"])
    for leg, net in sorted(zip(legs, nets, strict=True), key=lambda pair: -pair[0].score):
        others = [one for name, one in parts.items() if name not in _LEGS]
        beside = leg.part.name == "durations" or all(leg.table is not one.table for one in others)
        if beside and parts["clients"].names <= net:
            parts.setdefault(leg.part.name, leg)
    pair = [parts[name] for name in _LEGS if name in parts]
    if len(pair) > 1 and pair[0].table is pair[1].table:
        for leg in pair:  # each is a table of its own columns
            own = leg.table.frame[[each.column.name for each in leg.filled]]
            parts[leg.part.name] = leg.matched(leg.table.remade(own, end=leg.part.name))
    return parts


def _orders_as_stops(table: SourceTable) -> SourceTable:
    """Return orders from place to place as a stop of loading and one of unloading each; others as they are."""
    pairs = coordinate_ends(column.name for column in table.given.values() if column.kind == "number")
    if len(pairs) < 2 or table.key is None:
        return table
    sources = {*FIELD_WORDS["source"].replace(",", " ").split()}

    def is_no_source(ends: Mapping[str, str]) -> bool:
        return not sources & {word for name in ends.values() for word in read_header(name).words}

    # the place of loading first, where one is called so; else as they stand
    first, last = sorted(pairs[:2], key=is_no_source)
    key, frame = table.key.name, table.frame.reset_index(drop=True)
    # numbers beside texts would be read as either
    names = f"{key} " * (table.key.kind == "number") + texts(frame[key])
    loaded = names + " (loading)"
    where = {name for ends in (first, last) for name in ends.values()}
    own = [_of_stop(table, ends, where) for ends in (first, last)]
    beside = [name for name in map(str, frame) if name not in {*where, *own[0], *own[1]}]
    stops = [frame[beside].assign(**{key: names, "source": loaded}), pd.DataFrame({key: loaded})]
    for stop, ends, of in zip(stops, (last, first), reversed(own), strict=True):
        for plain, name in (*ends.items(), *((plain, name) for name, plain in of.items())):
            stop[plain] = frame[name]
    renamed = {plain: name for of in own for name, plain in of.items()} | dict(last)
    units = {n: table.columns[of].unit for n, of in renamed.items()}
    return table.remade(pd.concat(stops), units, end="stops")


def _of_stop(table: SourceTable, ends: Mapping[str, str], where: Collection[str]) -> dict[str, str]:
    """Return the columns whose headers have the word of one stop, each with the field that it fills, or without it."""
    of = [word[:_BEGINNING] for word in read_header(next(iter(ends.values()))).words if len(word) > 1]

    def is_of(word: str) -> bool:
        """Say whether a word begins as one of the stop, as drop and dropoff."""
        pairs = [(one[:_BEGINNING], other) for one in read_header(word).pieces for other in of]
        return any(one.startswith(other) or (len(one) > 2 and other.startswith(one)) for one, other in pairs)

    found: dict[str, str] = {}
    for name, column in table.given.items():
        plain = " ".join(word for word in re.split(r"[\s_]+", name) if not is_of(word))
        if name not in where and plain not in ("", name):
            alike = (column, replace(column, name=plain))
            found[name] = next((f for f in _OF_STOPS for c in alike if c.looks_like("clients", f)), plain)
    return found


def _assigned(tables: Tables, part: Declared, nets: Iterable[frozenset[str]]) -> Parts:
    """Assign tables to clients, vehicles, depots, and to places that orders name."""
    placed: dict[str, frozenset[str]] = {}
    for table in tables:  # the names of the rows of tables that say where they are
        at = PartGuess(part["depots"], table, tuple(fill_fields(table.given, part["depots"]))).is_placed
        placed[table.name] = table.key.texts if table.key is not None and at else frozenset()

    def as_part(table: SourceTable, name: str) -> PartGuess | None:
        guess = match_part(table, part["depots" if name == "places" else name])
        return replace(guess, role=name) if guess is not None else None

    def named_by_orders(table: SourceTable) -> list[ColumnFacts]:
        own = placed[table.name]
        orders = (each for each in tables if own and not (placed[each.name] or each.is_called("vehicles")))
        telling = (each for each in orders if len(fill_fields(each.given, part["clients"])) >= _TELLING)
        return [column for other in telling for column in other.naming(own)]

    def worth(guess: PartGuess) -> float:
        table, rows, called_so = guess.table, len(guess.table.frame), guess.called_so or guess.keyed_so
        own, fields = placed[table.name], guess.fields - {"name"}
        if guess.role == "clients":
            known = [names for name, names in placed.items() if name != table.name and names]
            named = any(table.naming(names) for names in (*known, *nets)) and (called_so or fields)
            # an x and a y alone may be measures of things
            told = called_so or fields - {"x", "y"} or not table.may_teach
            return guess.score * bool((guess.is_placed or named) and told)
        if guess.role == "vehicles":
            telling = any(each.field.name in fields and each.field.kind is not str for each in guess.filled)
            there = any(each.name in ("lat", "lon") or each.header.words == ("x",) for each in guess.left)
            return guess.score * (telling and not there and rows <= _MOST_VEHICLES)
        if guess.role == "depots":
            whole = bool(own) or guess.called_so or len(table.columns) == 1
            few = whole and rows <= _MOST_DEPOTS
            # orders go to all but one of these places
            visited = any(c.texts < own for c in named_by_orders(table))
            return few * (0.1 if visited else max(guess.score - math.log1p(rows) / 4, 0.1))
        return _PLACED * bool(named_by_orders(table))

    roles = ("clients", "vehicles", "depots", "places")
    parts = assigned(tables, roles, as_part, worth)
    # garden centres are called as depots are, and somebody has to be visited
    return parts if "clients" in parts else assigned(tables, [*roles[:2], *roles[3:]], as_part, worth)


def _both_ways(table: SourceTable, part: Declared) -> SourceTable:
    """Return ways with both directions of each pair, where a table has one of each; any other table as it is."""
    guess = match_part(table, part["distances"]) or match_part(table, part["durations"])
    if guess is not None:
        return both_ways(table, guess["tail"].name, guess["head"].name, whole=False) or table
    ends = [c.name for c in table.given.values() if c.kind == "text"][:2]
    measured = any(c.measures in ({"length": 1}, {"time": 1}) for c in table.given.values())
    made = both_ways(table, *ends, whole=False) if measured and len(ends) > 1 else None
    named = dict(zip(ends, _ENDS, strict=False))
    return table if made is None else made.remade(made.frame.rename(columns=named))


def _joins(guess: PartGuess) -> bool:
    """Say whether rows join places with places: most of those that something leaves from are those it goes to."""
    tails, heads = guess["tail"].texts, guess["head"].texts
    # a table of distances may hold the minutes beside them
    told = any(guess.table.is_called(name) for name in _LEGS) or not guess.table.may_teach
    # what happened seldom led once from every place to every other
    whole = len(guess.table.frame) >= len(tails | heads) * (len(tails | heads) - 1)
    return (told or whole) and len(tails & heads) >= 0.5 * len(tails | heads)


def is_speed(column: ColumnFacts) -> bool:
    """Say whether a column of vehicles holds speeds."""
    measured = column.measures
    told = column.kind == "number" and not measured and column.looks_like("vehicles", "speed")
    return told or measured == {"length": 1, "time": -1}


def _with_speed(fleet: PartGuess, depots: PartGuess | None) -> PartGuess:
    """Return vehicles with the speed that stands beside the depots, where it is one and they have none."""
    names = [c.name for c in depots.left if is_speed(c) and c.distinct == 1][:1] if depots else []
    if depots is None or not names or any(map(is_speed, fleet.table.given.values())):
        return fleet
    return fleet.on(joined(fleet.table, depots.table, {}, {names[0]: names[0]}, end="paced", reads=names))


def _with_places(guess: PartGuess, places: PartGuess) -> PartGuess:
    """Return clients with the coordinates of the places that they name; of orders from place to place both stops."""
    key = places.table.key
    columns = guess.table.naming(key.texts) if key is not None and not guess.is_placed else []
    if key is None or not columns:
        return guess
    goals = [c for c in columns if c.distinct > 1 or c.rows == 1] or columns
    name, made = guess.column("name"), guess.table
    both = len(goals) > 1 and name is not None and name not in goals
    ends = {end: c.name for pair in PLACES for end in pair if (c := places.column(end)) is not None}
    for goal in goals[: 1 + both]:
        names = {own: f"{goal.name} {end}" if both else own for end, own in ends.items()}
        made = joined(made, places.table, {goal.name: key.name}, names, end="located")
    if both:
        made = made.remade(made.frame.drop(columns=[goal.name for goal in goals[:2]]), end="apart")
    return guess.matched(_orders_as_stops(made))


def _find_depots(parts: Parts, part: Table, places: PartGuess | None, nets: Sequence[frozenset[str]]) -> None:
    """Add depots that have no table: a place that no client has, a name of a matrix, a row of the clients."""
    clients = parts["clients"]
    net = next((net for net in nets if clients.names < net), None)
    found: PartGuess | None = None
    if places is not None:
        left = _unvisited(parts, places)
        made = places.table.remade(left, title="depots", end="depots")
        found = match_part(made, part) if len(left) else None
    elif net is not None:
        found = named_by(clients.table, _homes_among(sorted(net - clients.names)), part)
    elif (row := _depot_row(parts)) is not None:
        found = match_part(row, part)
    elif clients.is_placed and "vehicles" in parts:
        found = _homes(parts, part)
    if found is not None:
        parts["depots"] = found


def _unvisited(parts: Mapping[str, PartGuess], places: PartGuess) -> pd.DataFrame:
    """Return the rows of the places at which vehicles are at home, or else those that no client names."""
    key, frame, clients = places.table.key, places.table.frame, parts["clients"]
    assert key is not None
    names = frame[key.name].astype(str)
    fleet = parts["vehicles"].left if "vehicles" in parts else []
    if homes := [c for c in fleet if c.texts and c.texts <= key.texts]:
        return frame[names.isin(homes[0].texts)]
    if ends := [end for pair in PLACES for end in pair if places.column(end) and clients.column(end)]:
        visited = {*zip(*(clients.table.frame[clients[end].name] for end in ends), strict=True)}
        here = zip(*(frame[places[end].name] for end in ends), strict=True)
        left = frame[[place not in visited for place in here]]
    else:
        left = frame[~names.isin(frozenset().union(*(c.texts for c in clients.table.columns.values())))]
    return left[left[key.name].isin(_homes_among([*left[key.name]]))]


def _homes_among(names: list[Any]) -> list[Any]:
    """Return those of some places that are called a depot and nothing else, or also that, or all where none is."""
    said = [[is_called(w, TABLE_WORDS["depots"]) for w in read_header(str(name)).pieces] for name in names]
    plain = [name for name, words in zip(names, said, strict=True) if words and all(words)]
    return plain or [name for name, words in zip(names, said, strict=True) if any(words)] or names


def _depot_row(parts: Parts) -> SourceTable | None:
    """Take the depot out of a table of clients in which it is a row: called so, or the first where nothing is to do."""
    guess = parts["clients"]
    words, frame, name = TABLE_WORDS["depots"] - TABLE_WORDS["clients"], guess.table.frame, guess["name"]
    told = frame[name.name].map(lambda text: bool(words & {*str(text).lower().split()}))
    wanted = [each.column.name for each in guess.filled if each.field.name not in ("name", *COORDINATES)]
    if told.sum() != 1 and wanted and guess.is_placed:
        idle = frame[wanted].fillna(0).isin((0, "")).all(axis="columns")
        told = idle if idle.sum() == 1 and idle.iloc[0] else told
    if told.sum() != 1:
        return None
    rest = match_part(guess.table.remade(frame[~told], end="clients"), guess.part)
    parts["clients"] = rest or guess
    home = frame[told].dropna(axis="columns")
    return guess.table.remade(home, title="depots", end="depot") if rest is not None else None


def _homes(parts: Parts, part: Table) -> PartGuess | None:
    """Make depots of the places at which vehicles stand, where their table has coordinates; of one place a depot."""
    fleet, clients = parts["vehicles"], parts["clients"]
    numbers = [c for c in fleet.left if c.kind == "number" and c.is_full]
    pairs = coordinate_ends(c.name for c in numbers)
    if len(pairs) != 1 or not {*pairs[0]} <= clients.fields:
        return None
    ends, frame = pairs[0], fleet.table.frame
    one = not frame[[*ends.values()]].nunique().gt(1).any()
    names = pd.Series("depot", frame.index) if one else texts(frame[fleet["name"].name])
    homes = pd.DataFrame({"name": names, **{end: frame[name] for end, name in ends.items()}})
    homes, units = homes.drop_duplicates("name"), {e: fleet.table.columns[n].unit for e, n in ends.items()}
    made = fleet.table.remade(homes, units, title="depots", end="homes", reads=[*ends.values()])
    if not one:
        parts["vehicles"] = fleet.with_column("start_depot", frame.assign(start_depot=names), end="at_home")
    return as_named(made, part)


def _with_breaks(table: SourceTable) -> SourceTable:
    """Return vehicles whose breaks stand in several columns with one that tells them; any other table as it is.

    Whether the later clock time is the latest begin or the end, no header says for sure: a break that is over by then
    keeps to both. Two clock times without a length are the break itself.
    """
    told = [c for c in table.columns.values() if c.speaks_of(RESTS)]
    times = [c for c in told if c.minutes is not None]
    lengths = [c for c in told if c.measured == measured_in("min")]
    if len(times) != 2 or len(lengths) > 1:
        return table
    # rows without a break are blank
    clocks = pd.DataFrame({c.name: c.minutes for c in times}, index=table.frame.index)
    begin, end = clocks.min(axis="columns"), clocks.max(axis="columns")
    stated = [table.frame[c.name] * factor(c.unit, "min") for c in lengths]
    length = stated[0] if stated else end - begin
    latest = (end - length).clip(lower=begin)
    spans = zip(length, begin, latest, strict=True)
    breaks = [f"{long:g} in {first:g}-{last:g}" if long > 0 else None for long, first, last in spans]
    names = [c.name for c in (*times, *lengths)]
    frame = table.frame.drop(columns=names).assign(breaks=pd.Series(breaks, index=table.frame.index))
    return table.remade(frame, end="breaks", reads=names)


def _of_shifts(guess: PartGuess, names: Names) -> PartGuess:
    """Return vehicles with the ends of a shift that stands in one cell; a window so long is no break."""
    windows = [c for c in guess.table.given.values() if c.kind == "windows"]
    column = next(filter(lasts_a_shift, windows), None)
    if column is None or not column.is_full or guess.fields & {"shift_start", "shift_end"}:
        return guess
    cells = [windows_of(cell) for cell in column.values]
    if any(len(cell) != 1 for cell in cells):
        return guess
    ends = {end: [cell[0][at] for cell in cells] for at, end in enumerate(("shift_start", "shift_end"))}
    frame = guess.table.frame.drop(columns=column.name).reset_index(drop=True).assign(**ends)
    made = guess.table.remade(frame, dict.fromkeys(ends, "min"), end="shifts", reads=[column.name])
    return guess.matched(made, names=names)


def _of_trips(guess: PartGuess) -> PartGuess:
    """Return vehicles that come back to load once less often than they may leave, where a column counts trips."""
    trips, frame = guess.column("max_reloads"), guess.table.frame
    if trips is None or any(piece.startswith("reload") for piece in trips.header.pieces):
        return guess
    rest = frame.assign(max_reloads=(frame[trips.name] - 1).clip(lower=0)).drop(columns=trips.name)
    return guess.without("max_reloads").with_column("max_reloads", rest, end="trips", reads=[trips.name])


def _match_skills(parts: Parts) -> None:
    """Fill what clients need and vehicles have by columns that share their words, whatever they are called.

    Lists are written with commas, where they are parted by something else, as gas/water; where both say yes and no, who
    says no needs nothing, and has nothing.
    """
    fields = {"clients": "needs", "vehicles": "skills"}
    needs, skills = (parts[part].column(name) for part, name in fields.items())
    if needs is None or skills is None:
        wanted = [needs] if needs else [c for c in parts["clients"].left if not c.is_unique]
        had = [skills] if skills else parts["vehicles"].left
        pairs = ((one, other) for one in wanted for other in had if one.kind == other.kind == "text")
        found = next((pair for pair in pairs if pair[0].listed and pair[0].listed <= pair[1].listed), None)
        if found is None:
            return
        needs, skills = found
        for part, column in zip(fields, found, strict=True):
            parts[part] = parts[part].filling(fields[part], column)
    is_said = {text.lower() for text in needs.texts | skills.texts} <= YES_NO
    for part, column in (("clients", needs), ("vehicles", skills)):
        table, end = parts[part].table, "yes" if is_said else "listed"
        told: dict[str, Any] = {text: ", ".join(filter(None, LISTED.split(text))) for text in column.texts}
        if is_said:
            told = {text: None if text.lower() in NO else "yes" for text in column.texts}
        elif column.kind != "text" or all("," in text or text == plain for text, plain in told.items()):
            continue
        cells = texts(table.frame[column.name]).map(told)
        parts[part] = parts[part].on(table.remade(table.frame.assign(**{column.name: cells}), end=end))


def _match_amounts(parts: Parts) -> None:
    """Fill what is carried: the columns of both tables that share a word, else the only number that is left."""
    wanted = {name: each for name, each in (("clients", "demand"), ("vehicles", "capacity")) if name in parts}
    left = {name: _amounts(parts[name]) for name, each in wanted.items() if not parts[name].column(each)}
    known = [[c] for name, each in wanted.items() if (c := parts[name].column(each))]
    pieces = [{p for c in columns for p in c.header.pieces} for columns in (*known, *left.values())]
    words = pieces[0] & pieces[1] if len(left) == 2 else pieces[0] if known else set()
    for name, numbers in left.items():
        shared = [c for c in numbers if words & {*c.header.pieces}]
        # where nobody wants anything, what vehicles hold limits nothing
        if len(shared or numbers) == 1 and all(left.values()):
            likeness = 0.9 if shared else _BY_LEFT
            parts[name] = parts[name].filling(wanted[name], (shared or numbers)[0], likeness)


def further_loads(
    clients: PartGuess, fleet: PartGuess, dropped: Collection[tuple[str, str]]
) -> dict[str, tuple[ColumnFacts, ColumnFacts]]:
    """Return what is carried beside the demand, by name: what clients want of it, and what vehicles hold.

    Parameters
    ----------
    clients, fleet
        Who is visited, and by what.
    dropped
        Parts and columns that fill a field which is counted in another unit.
    """
    found: dict[str, tuple[ColumnFacts, ColumnFacts]] = {}
    if not ("demand" in clients.fields and "capacity" in fleet.fields):
        return found
    open_ = _amounts(fleet, dropped)
    taken = {item.name for guess in (clients, fleet) for item in guess.part.fields}
    for wanted in _amounts(clients, dropped):
        if rooms := [c for c in open_ if c.rows and _holds(c, wanted)]:
            open_.remove(rooms[0])
            name = wanted.plain_name
            found[f"{name} carried" if name in {*taken, *found} else name] = wanted, rooms[0]
    return found


def _holds(room: ColumnFacts, wanted: ColumnFacts) -> bool:
    """Say whether a capacity is one of what is wanted: of the same unit, or without one of the same words.

    Numbers of zones or days stand in both tables as well; of what is carried most vehicles hold what any client wants.
    """
    most = float(wanted.values.max())
    if room.unit and wanted.unit:
        alike = same_dimension(wanted.unit, room.unit)
        return alike and most * factor(wanted.unit, room.unit) <= float(room.values.max())
    words = {word for word in wanted.header.pieces if len(word) > _SHORT} - DESCRIBING - IDENTIFIERS
    alike = any(piece.startswith(word[:-1]) for word in words for piece in room.header.pieces)
    return alike and most <= float(room.values.median()) and not {*wanted.values} <= {*room.values}


def _amounts(guess: PartGuess, dropped: Collection[tuple[str, str]] = ()) -> list[ColumnFacts]:
    """Return the columns that are left, or were dropped, and may be amounts."""
    first = next(iter(guess.table.given.values()))
    left = [*guess.left, *(e.column for e in guess.filled if (guess.part.name, e.column.name) in dropped)]
    # stops that were made of one row are blank where the other stop has the number
    whole = [c for c in left if c.kind == "number" and (c.is_full or guess.table.made) and not is_speed(c)]
    numbers = [c for c in whole if not (c is first and c.whole and c.is_unique)]  # numbers of rows
    numbers = [c for c in numbers if not (IDENTIFIERS & {*c.header.pieces[-1:]}) or c.unit]
    return [c for c in numbers if float(c.values.min()) >= 0 and c.measures in ({}, {"amount": 1})]


def _without_blanks(guess: PartGuess) -> PartGuess:
    """Return stops that were made with zeros where a number is nothing at the place of loading."""
    filled = [each for each in guess.filled if each.column.kind == "number" and not each.field.may_be_blank]
    blank = [each.column.name for each in filled if len(each.column.values) < each.column.rows]
    if not blank or not guess.table.made:
        return guess
    frame = guess.table.frame.fillna(dict.fromkeys(blank, 0))
    return guess.on(guess.table.remade(frame, end="filled"))
