"""Today's plan of vehicles among the tables: who is served by which vehicle, and as which stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from kanopt.whatif.scaffolding.roles import PartGuess
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable

__all__ = ["TodaysPlan", "find_todays_plan"]

_STOPS = frozenset(
    (
        "stop",
        "sequence",
        "seq",
        "position",
        "pos",
        "order",
        "rank",
        "halt",
        "reihenfolge",
        "folge",
        "ordre",
        "orden",
    )
)
_LEAST_SERVED = 0.5


@dataclass(frozen=True)
class TodaysPlan:
    """A table with today's plan.

    Parameters
    ----------
    table
        The table.
    columns
        Field of a plan, such as ``"vehicle"``, to the column.
    """

    table: SourceTable
    columns: dict[str, str]


def find_todays_plan(
    tables: Iterable[SourceTable], clients: PartGuess, vehicles: PartGuess
) -> TodaysPlan | None:
    """Return the table that says which vehicle serves whom, and when; None where none plainly does.

    Parameters
    ----------
    tables
        Every table, that of the clients among them.
    clients, vehicles
        The parts of the problem whose rows a plan names.
    """
    served, fleet = _names(clients), _names(vehicles)
    for table in tables:
        found = _columns_of_plan(table, served, fleet)
        if found is not None:
            return TodaysPlan(table, found)
    return None


def _names(guess: PartGuess) -> set[str]:
    column = next(each.column for each in guess.filled if each.field.name == "name")
    return set(column.values.astype(str))


def _columns_of_plan(table: SourceTable, served: set[str], fleet: set[str]) -> dict[str, str] | None:
    columns = list(table.columns.values())
    client = next((each for each in columns if _holds(each, served)), None)
    vehicle = next((each for each in columns if each is not client and _names_vehicles(each, fleet)), None)
    stop = next((each for each in columns if each.whole and _STOPS & set(each.header.pieces)), None)
    if client is None or vehicle is None or stop is None:
        return None
    index = next((each for each in columns if each.whole and each.header.pieces == ("index",)), None)
    found = {"vehicle": vehicle, "stop": stop, "client": client} | ({"index": index} if index else {})
    rows = table.frame[table.frame[vehicle.name].notna()]
    route = [each.name for name, each in found.items() if name in ("vehicle", "index", "stop")]
    whole = not rows[[client.name, stop.name]].isna().any(axis=None)
    once = not rows.duplicated(route).any() and not rows.duplicated(client.name).any()
    enough = len(rows) >= _LEAST_SERVED * len(served)
    return {name: each.name for name, each in found.items()} if whole and once and enough else None


def _holds(column: ColumnFacts, names: set[str]) -> bool:
    return (
        column.kind in ("text", "number") and column.distinct > 1 and set(column.values.astype(str)) <= names
    )


def _names_vehicles(column: ColumnFacts, fleet: set[str]) -> bool:
    """Say whether every cell is a vehicle: a type, or one of it by its number, as ``van 2``."""
    if column.kind != "text" or not len(column.values):
        return False
    texts = pd.Series(column.values.astype(str).unique())
    return bool((texts.isin(fleet) | texts.str.replace(r" \d+$", "", regex=True).isin(fleet)).all())
