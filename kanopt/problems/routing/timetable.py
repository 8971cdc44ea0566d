"""When every stop of a plan is reached and served, and what is on board, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.timing import Drive

if TYPE_CHECKING:
    from kanopt.problems.routing.facts import Facts

__all__ = ["timetable_of"]


def timetable_of(facts: Facts, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
    """Return one row per leg of a plan that was driven on the law.

    Parameters
    ----------
    facts
        The problem's data.
    plan
        The plan.
    driven
        How it is driven.

    Returns
    -------
    DataFrame
        Columns ``vehicle`` (such as ``"van 1"``), ``stop`` (counted from 1 on each route), ``place``, ``leave`` (of the
        place before), ``arrive``, ``begin`` and ``end`` of the service there, ``late`` and ``breaks`` (taken on the
        way), ``load`` (on the way there), ``distance``. Times are clock times in the problem's unit.
    """
    labels = np.array([route.label for route in plan.routes], dtype=object)
    names = np.array(facts.names, dtype=object)
    stops = pd.Series(driven.route).groupby(driven.route).cumcount() + 1
    return pd.DataFrame(
        {
            "vehicle": labels[driven.route],
            "stop": stops.to_numpy(),
            "place": names[driven.head],
            "leave": driven.leave,
            "arrive": driven.arrive,
            "begin": driven.begin,
            "end": driven.begin + driven.stay,
            "late": driven.late,
            "breaks": driven.rests_taken,
            "load": driven.load,
            "distance": facts.distance[driven.tail, driven.head],
        }
    )
