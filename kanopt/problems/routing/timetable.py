"""When every stop of a plan is reached and served, and what is on board, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.tolerance import slack

if TYPE_CHECKING:
    from kanopt.problems.routing.data import RoutingData

__all__ = ["timetable_of", "with_times"]

_TIMES = ["arrive", "begin", "end", "late"]


def timetable_of(data: RoutingData, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
    """Return one row per leg of a plan that was driven on the law.

    Parameters
    ----------
    data
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
    names = np.array(data.names, dtype=object)
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
            "late": np.where(driven.late > slack(data.latest[driven.head]), driven.late, 0.0),
            "breaks": driven.breaks_taken,
            "load": driven.load,
            "distance": data.distance[driven.tail, driven.head],
        }
    )


def with_times(data: RoutingData, plan: RoutingPlan, timetable: pd.DataFrame) -> pd.DataFrame:
    """Return the stops of a plan with the times of a timetable; a client left out has none.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    timetable
        From :func:`timetable_of`, of this plan.
    """
    rows, leg = [], 0
    for route in plan.routes:
        before = route.depot
        for client in route.clients:
            # staying where one is, as a plan made by hand may say, is no leg
            leg += client != before
            rows.append(leg - 1)
            before = client
        leg += before != route.depot and data.vehicles[data.type_index[route.vehicle]].returns
    stops = plan.to_frame()
    times = timetable[_TIMES].iloc[rows].reset_index(drop=True).reindex(range(len(stops)))
    return pd.concat([stops, times], axis=1)
