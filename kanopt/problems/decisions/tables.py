"""The tables of decisions and items, read into records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.errors import ProblemError
from kanopt.problems.decisions.entities import Decision, Item
from kanopt.problems.decisions.items import DecisionNames, name_checks
from kanopt.records.declaration import UnitSystem
from kanopt.records.reading import RecordReader
from kanopt.tables import units_of
from kanopt.validation import shown

DECISIONS = UnitSystem().table(Decision)
ITEMS = UnitSystem().table(Item)


def declared_unit(frame: pd.DataFrame) -> str:
    """Return the unit that the columns of ranges declare; empty where they declare none."""
    declared = units_of(frame)
    return declared.get("low") or declared.get("high") or ""


def read_decisions(decisions: Any, items: Any) -> DecisionNames:
    """Read decisions and items, with every mistake in them at once.

    Raises
    ------
    ProblemError
        If a record is not as its fields ask, or there is no decision.
    """
    unit = ""
    if isinstance(decisions, Mapping):
        decisions = tuple(_decision(str(name), value) for name, value in decisions.items())
    elif isinstance(decisions, pd.DataFrame) and (unit := declared_unit(decisions)) and "unit" in decisions:
        raise ProblemError(
            f"decisions: the column 'unit' gives each decision its unit, and the ranges declare {unit}; leave one out"
        )
    of_items = (
        "item" in decisions
        if isinstance(decisions, pd.DataFrame)
        else any(getattr(one, "item", "") for one in decisions)
    )
    schema = DECISIONS if of_items else replace(DECISIONS, key=("name",))
    schema = replace(schema, units={"low": unit, "high": unit}) if unit else schema
    reader = RecordReader()
    read, named = reader.read(decisions, schema), reader.read(items, ITEMS)
    reader.finish(name_checks(read, named))
    if not read:
        raise ProblemError("a decision problem needs at least one decision")
    return DecisionNames.of([replace(one, unit=unit) for one in read] if unit else read, named)


def _decision(name: str, given: Any) -> Decision:
    if isinstance(given, Decision):
        if given.name != name:
            raise ProblemError(f"decision {name!r} is given as {given.name!r}; use one name")
        return given
    try:
        low, high = given
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"decision {name!r} is {shown(given)}; give (low, high), or Decision({name!r}, low, high, …)"
        ) from error
    return Decision(name, low, high)
