"""When drivers pause on the way: the breaks they take, and the pauses that rules ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.rules import PAUSES
from kanopt.problems.routing.simulate import Drive, breaks_on_leg


@dataclass(frozen=True)
class PauseTaken:
    """A break, or a pause that a rule asks for.

    Parameters
    ----------
    begin, end
        Clock times.
    word
        What it is called, as ``"break"``.
    """

    begin: float
    end: float
    word: str


def pauses_taken(data: RoutingData, driven: Drive) -> dict[int, list[PauseTaken]]:
    """Return the pauses on each leg that has any, in order.

    Parameters
    ----------
    data
        The problem's data.
    driven
        How its routes are driven.
    """
    found = _breaks(data, driven)
    rules = [rule for rule in PAUSES if rule.stated(data)]
    if not rules:
        return found
    at_wheel = pd.Series(driven.duration).groupby(driven.route).cumsum()
    before = at_wheel.groupby(driven.route).shift(fill_value=0.0).to_numpy()
    # nobody pauses on the way to where no road leads
    for leg in np.flatnonzero(np.isfinite(driven.arrive)):
        kind, driving = int(driven.vehicle[leg]), float(before[leg])
        due = [
            (max(at - driving, 0.0), length, rule.word)
            for rule in rules
            for at, length in rule.taken(data, kind, driving, float(at_wheel[leg]))
        ]
        clock = float(driven.leave[leg])
        for after, length, word in sorted(due):
            found.setdefault(int(leg), []).append(PauseTaken(clock + after, clock + after + length, word))
            clock += length
    return found


def _breaks(data: RoutingData, driven: Drive) -> dict[int, list[PauseTaken]]:
    found, had = {}, driven.breaks_before.copy()
    for leg in np.flatnonzero(driven.breaks_taken):
        place, count = int(driven.route[leg]), int(driven.breaks_taken[leg])
        rests = data.breaks[int(driven.vehicle[leg])]
        leave, duration = float(driven.leave[leg]), float(driven.duration[leg])
        times = breaks_on_leg(rests, int(had[place]), count, leave, duration)
        found[int(leg)] = [PauseTaken(begin, end, "break") for begin, end in times]
        had[place] += count
    return found
