"""The kinds of problems, and which of them tables make: each reads them, and the one that explains most wins."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kanopt.records.declaration import Table, UnitSystem
from kanopt.records.matching import ColumnFacts, FilledField, match_columns
from kanopt.routing import RoutingUnits
from kanopt.scenarios.init import fleets, networks, shops
from kanopt.scenarios.init.parts import Declared, PartGuess, Parts, is_bare_limit
from kanopt.scenarios.init.rewrites import (
    Rewrite,
    durations_in_minutes,
    ends_of_ways,
    facts_in_rows,
    home_of_settings,
    joined,
    minutes_in_cells,
    minutes_of_hours,
    named_periods,
    plain_amounts,
    rewritten,
    rows_of_cells,
    rows_of_numbered_steps,
    rows_of_squares,
    rows_of_stations,
    without_margin,
)
from kanopt.scenarios.init.sources import SourceTable, Tables, texts, with_counted_things, with_keys
from kanopt.scheduling import SchedulingUnits
from kanopt.supply import SupplyUnits

_CLOSE = 1.0
_NETWORK = 3.0  # how much speaks for lanes that have a price
_NO_FLEET, _NO_LANES = 3.0, 5.0  # how much speaks against a fleet without vehicles, a network without lanes


@dataclass(frozen=True)
class Reading:
    """How a kind of problem is read.

    Parameters
    ----------
    units
        The units it counts in, which know its tables.
    parts
        Its parts in the order in which a file has them.
    helpers
        Records of tables that a plan is made of and that no problem declares.
    rewrites
        What is done to tables before columns are matched.
    read
        How parts are found; None where the tables make none.
    """

    units: type[UnitSystem]
    parts: tuple[str, ...]
    helpers: tuple[type, ...]
    rewrites: tuple[Rewrite, ...]
    read: Callable[[Tables, Declared], Parts | None]

    def tables(self) -> dict[str, Table]:
        """Return the declared tables by their names."""
        units = self.units()
        every = [*units.tables(), *map(units.table, self.helpers)]  # type: ignore[attr-defined]
        return {table.name: table for table in every}


_SERVICE = partial(durations_in_minutes, "clients", "service_duration", 240.0)
_WORK = partial(durations_in_minutes, "modes", "duration", math.inf)
READINGS: Mapping[str, Reading] = {
    "routing": Reading(
        RoutingUnits,
        ("depots", "clients", "vehicles", "distances", "durations"),
        fleets.HELPERS,
        (home_of_settings, ends_of_ways, minutes_in_cells, rows_of_squares, _SERVICE),
        fleets.read_fleet,
    ),
    "scheduling": Reading(
        SchedulingUnits,
        ("jobs", "tasks", "machines", "modes", "setups", "calendars", "power_price"),
        shops.HELPERS,
        (ends_of_ways, rows_of_squares, _WORK, rows_of_numbered_steps, rows_of_stations),
        shops.read_shop,
    ),
    "supply": Reading(
        SupplyUnits,
        ("suppliers", "facilities", "markets", "products", "periods", "lanes", "demand"),
        networks.HELPERS,
        (ends_of_ways, without_margin, named_periods, rows_of_cells),
        networks.read_network,
    ),
}


@dataclass(frozen=True)
class Roles:
    """What the tables are.

    Parameters
    ----------
    kind
        The kind of problem; empty where the tables make none.
    parts
        Part to the table that is it.
    histories
        Tables to learn laws from.
    unused
        The others.
    sure
        Whether no other kind of problem came close.
    score
        How much speaks for all of it.
    rewritten
        The tables as they were read.
    """

    kind: str
    parts: Parts
    histories: tuple[SourceTable, ...]
    unused: tuple[SourceTable, ...]
    sure: bool = True
    score: float = 0.0
    rewritten: tuple[SourceTable, ...] = ()

    @property
    def every(self) -> tuple[SourceTable, ...]:
        """Every table, those of parts first."""
        return (*(guess.table for guess in self.parts.values()), *self.histories, *self.unused)

    def filled(self, table: str) -> list[FilledField]:
        """Return the fields that the columns of a table fill."""
        return [each for guess in self.parts.values() if guess.table.name == table for each in guess.filled]

    def names(self, part: str) -> frozenset[str]:
        """Return the names of the rows of a part; nothing where there is none."""
        return self.parts[part].names if part in self.parts else frozenset()

    def column(self, part: str, field: str) -> ColumnFacts | None:
        """Return the column that fills a field of a part; None where none does."""
        return self.parts[part].column(field) if part in self.parts else None


def guess_roles(tables: Tables, kind: str | None) -> Roles:
    """Return what the tables are, for one kind of problem or for the one that most speaks for.

    Examples
    --------
    >>> guess_roles([], None).kind
    ''

    With ``"law"`` no table is part of a plan.
    """
    tables = with_counted_things(tables)
    tried = [roles for name in READINGS if kind in (None, name) and (roles := _read(name, tables))]
    if not tried:
        return _roles("", {}, tables)
    best, *others = sorted(tried, key=lambda roles: -roles.score)
    return replace(best, sure=all(best.score - other.score >= _CLOSE for other in others))


def _read(kind: str, given: Tables) -> Roles | None:
    """Read tables as one kind of problem; None where they make none."""
    reading = READINGS[kind]
    if kind != "scheduling":  # orders of a shop have names of their own beside those of articles
        given = with_keys(given)
    tables = rewritten(given, (facts_in_rows, plain_amounts, minutes_of_hours, *reading.rewrites))
    parts = reading.read(tables, reading.tables())
    if parts is None:
        return None
    for table in tables:
        if not any(table.name in (guess.table.name, *guess.table.of) for guess in parts.values()):
            _join(parts, table)
    named = {name: replace(guess, table=guess.table.as_part(name)) for name, guess in parts.items()}
    return replace(_roles(kind, named, given), rewritten=tuple(tables))


def _join(parts: Parts, table: SourceTable) -> None:
    """Join a table that nothing reads to the part whose rows it names, or to those that its one row speaks of."""
    whole = len(table.frame) == 1 and not any(c.kind == "text" for c in table.given.values())
    open_columns, joined_to = [*table.given], ""
    for name, guess in parts.items():
        keys = {} if whole else _keys(guess, table)
        names = [each for each in open_columns if each not in (*guess.table.frame.columns, *keys.values())]
        if not names or not (keys or whole):
            continue
        left = [item for item in guess.part.fields if item.name not in guess.fields]
        more = match_columns(name, left, [table.columns[each] for each in names])
        more = [each for each in more if not is_bare_limit(each) and (each.named or not whole)]
        # names beside a client may be today's plan as well, and no rule
        if any(each.field.is_text and not each.field.clock for each in more):
            continue
        speeds = [each for each in names if name == "vehicles" and fleets.is_speed(table.columns[each])]
        if whole:
            names = list(dict.fromkeys([*(each.column.name for each in more), *speeds]))
        if more or speeds:
            parts[name] = _beside(guess, table, keys, names)
            joined_to = name
            open_columns = [each for each in open_columns if whole and each not in names]
    if joined_to and open_columns:  # whoever reads the part is asked about them
        parts[joined_to] = _beside(parts[joined_to], table, {}, open_columns)


def _beside(guess: PartGuess, table: SourceTable, keys: Mapping[str, str], names: Sequence[str]) -> PartGuess:
    """Return a part with columns of another table, and with the fields that they fill."""
    made = guess.on(joined(guess.table, table, keys, {name: name for name in names}, end="joined"))
    left = [item for item in guess.part.fields if item.name not in guess.fields]
    more = match_columns(guess.part.name, left, [made.table.columns[name] for name in names])
    return replace(made, filled=(*made.filled, *(each for each in more if not is_bare_limit(each))))


def _keys(guess: PartGuess, table: SourceTable) -> dict[str, str]:
    """Return the columns that name the rows of a part to those of a table that name the same rows; empty for none."""
    own = [*filter(None, map(guess.column, guess.part.key))]
    others = [[c.name for c in table.given.values() if c.texts and c.texts == each.texts] for each in own]
    if not all(others):
        return {}
    found = {column.name: names[0] for column, names in zip(own, others, strict=True)}
    named = {*zip(*(texts(guess.table.frame[name]) for name in found), strict=True)}
    rows = [*zip(*(texts(table.frame[name]) for name in found.values()), strict=True)]
    return found if named == {*rows} and len(named) == len(rows) else {}


def _roles(kind: str, parts: Parts, given: Tables) -> Roles:
    """Return the parts with what is left for laws."""
    used = {name for guess in parts.values() for name in (guess.table.name, *guess.table.of)}
    left = [table for table in given if table.name not in used]
    histories = tuple(table for table in left if table.may_teach)
    unused = tuple(table for table in left if table not in histories)
    score = sum(guess.score for name, guess in parts.items() if name != "rates")
    score -= _NO_FLEET * (kind == "routing" and "vehicles" not in parts)
    score += _NETWORK * ("rates" in parts) - _NO_LANES * (kind == "supply" and "lanes" not in parts)
    return Roles(kind, parts, histories, unused, score=score)
