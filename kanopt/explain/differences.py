"""What changed between two results, term by term."""

from __future__ import annotations

import pandas as pd

from kanopt.errors import ProblemError
from kanopt.explain.explanation import Level, level_columns, price_by_level
from kanopt.problems.result import Result


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
