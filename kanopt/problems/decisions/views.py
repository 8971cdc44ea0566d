"""Views of a plan: the price along the range of one decision, the others unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.problems.decisions.plan import DecisionPlan
from kanopt.problems.views import SeriesView, View

if TYPE_CHECKING:
    from kanopt.problems.decisions.problem import DecisionProblem

_SHOWN = 6
_POINTS = 101


def views_of(problem: DecisionProblem, plan: DecisionPlan) -> tuple[View, ...]:
    """Return the price along the range of the decisions that move it most, other decisions at the plan's values.

    What a plan earns is a negative price, and is drawn as earnings.
    """
    at_plan = sum(float(law.value(plan.values)) for law in problem.objective_terms)
    sign, word = (-1.0, "earnings") if at_plan < 0 else (1.0, "price")
    share = np.linspace(0.0, 1.0, _POINTS)
    lines = {}
    for one in problem.records:
        if one.low == one.high:
            continue
        moved = one.low + share * (one.high - one.low)
        if one.integer:
            moved = np.clip(np.round(moved), np.ceil(one.low), np.floor(one.high))
        price = sign * sum(law.value({**plan.values, one.name: moved}) for law in problem.objective_terms)
        lines[one.name] = np.broadcast_to(np.asarray(price, dtype=float), share.shape)
    spread = sorted(lines, key=lambda name: -float(np.ptp(lines[name])))[:_SHOWN]
    kept = {name: lines[name] for name in lines if name in spread}
    if not kept:
        return ()
    data = pd.DataFrame(kept, index=pd.Index(100.0 * share, name="place in the range (%)"))
    title = f"{word.capitalize()} when one decision moves and the others stay"
    if problem.constraint_laws:  # else it would look as if less of a thing that is needed were better
        title = f"{word.capitalize()} when one decision moves, the others stay and limits are left aside"
    return (SeriesView(title, data, "place in its range (%)", f"{word} ({problem.unit or 'no unit'})"),)
