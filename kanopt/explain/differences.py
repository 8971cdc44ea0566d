"""The price of a plan at a level of detail, and what changed between two results."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from kanopt.errors import ProblemError, nearest
from kanopt.plans.result import Result

Level = Literal["term", "group", "item"]
LEVELS: dict[str, list[str]] = {
    "term": ["term"],
    "group": ["group", "term"],
    "item": ["group", "item", "term"],
}


def level_columns(by: str) -> list[str]:
    """Return the columns that identify a line at a level of detail.

    Raises
    ------
    ProblemError
        If the level is unknown.
    """
    if by not in LEVELS:
        raise ProblemError(f"there is no level {by!r} in a price; {nearest(by, LEVELS)}")
    return LEVELS[by]


def price_by_level(result: Result, by: Level = "term") -> pd.DataFrame:
    """Return the price of a plan at a level of detail; the column ``amount`` adds up to the objective.

    Terms are sorted by amount, largest first; groups and items keep the order of the plan. Empty without a plan.
    """
    keys = level_columns(by)
    if result.pricing is None:
        return pd.DataFrame({**{key: pd.Series(dtype=str) for key in keys}, "amount": pd.Series(dtype=float)})
    summed = result.pricing.lines.groupby(keys, sort=False, dropna=False)["amount"].sum().reset_index()
    if by == "term":
        summed = summed.sort_values("amount", ascending=False, kind="stable", ignore_index=True)
    return summed


def difference(before: Result, after: Result, by: Level = "term") -> pd.DataFrame:
    """Compare the prices of two plans.

    Parameters
    ----------
    before, after
        Two results in the same unit.
    by
        ``"term"``, ``"group"`` (route, machine or lane, and term) or ``"item"``.

    Returns
    -------
    pandas.DataFrame
        The columns of the level, ``before``, ``after`` and ``change``, largest change first. What one plan
        lacks counts as zero there, so that ``change`` adds up to the change of the objective.

    Raises
    ------
    ProblemError
        If a result has no plan, or the units differ.
    """
    keys = level_columns(by)
    for name, result in (("before", before), ("after", after)):
        if result.pricing is None:
            raise ProblemError(
                f"the result {name!r} has no plan ({result.status.value}), so there is no price to compare"
            )
    if before.problem.unit != after.problem.unit:
        raise ProblemError(
            f"prices in {before.problem.unit} and {after.problem.unit} do not compare; "
            "state both problems in one unit"
        )
    old = price_by_level(before, by).set_index(keys)["amount"]
    new = price_by_level(after, by).set_index(keys)["amount"]
    frame = pd.concat({"before": old, "after": new}, axis="columns").fillna(0.0)
    frame["change"] = frame["after"] - frame["before"]
    frame.index.names = keys
    return frame.sort_values("change", key=abs, ascending=False, kind="stable").reset_index()
