"""What a law of travel time says in its role: a fixed time per leg, and speeds at which no vehicle drives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.binding import BoundFormula, Reference, ReferenceValue
from kanopt.problems.plan_figures import PlanFigure
from kanopt.problems.routing.data import Floats
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.simulate import Drive, leg_names
from kanopt.text import amount_text, count_text, list_names
from kanopt.units import convert, same_dimension

if TYPE_CHECKING:
    from kanopt.problems.routing.plan import RoutingPlan
    from kanopt.problems.routing.problem import RoutingProblem

WALKING, FASTEST = 4.0, 130.0
"""km/h at which people walk, and which hardly a road allows."""
_SHORT = 0.5
"""km below which an address and where one parks differ by as much as the leg is long."""
_NOTHING = 0.01
"""Share of the travel time of all legs below which a fixed time is not told."""
_NAMED = 3


def fixed_times(problem: RoutingProblem, driven: Drive) -> Floats | None:
    """Return what the law of travel time says of each leg at distance 0, with all else as it is; (legs,).

    None where travel times are no formula of the distance, or the formula has no value there.
    """
    laws = problem.leg_laws
    law = laws.duration
    if not isinstance(law, BoundFormula) or not laws.reads(DURATION, "arc.distance"):
        return None
    resolve = laws.resolver(DURATION, driven.inputs)

    def at_zero(reference: Reference) -> ReferenceValue:
        known = resolve(reference)
        is_distance = str(reference) == "arc.distance"
        return ReferenceValue(np.zeros_like(known.values), known.unit) if is_distance else known

    try:
        values = law.evaluate(at_zero, problem.data.units.time)
    except FormulaError:  # such as a logarithm of the distance
        return None
    return np.broadcast_to(np.maximum(values, 0.0), driven.duration.shape)


def fixed_time_figure(problem: RoutingProblem, driven: Drive) -> tuple[PlanFigure, ...]:
    """Return the fixed time per leg that a law of travel time has, where it is more than nothing.

    Parameters
    ----------
    problem, driven
        The problem, and how a plan of it is driven.
    """
    fixed = fixed_times(problem, driven)
    if fixed is None or not len(fixed) or not fixed.sum() > _NOTHING * driven.duration.sum():
        return ()
    value, unit = float(np.median(fixed)), problem.data.units.time
    how = "what the law of travel time says at distance 0, of the middle leg"
    text = amount_text(value, unit, 3)
    return (
        PlanFigure("fixed time", "Fixed time per leg", value, text, how, better="less", unit=unit, rank=3),
    )


def implausible_speeds(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> tuple[str, ...]:
    """Tell of legs on which a law of travel time is slower than walking or faster than the road, and name them.

    The fixed time of a leg is no driving, and legs of less than half a kilometre say nothing. Matrices of travel times
    are as they are given.

    Parameters
    ----------
    problem, plan, driven
        The problem, a plan of it, and how that is driven.
    """
    units = problem.data.units
    if not isinstance(problem.leg_laws.duration, BoundFormula) or not same_dimension(units.distance, "km"):
        return ()
    km = problem.data.lengths(driven.tail, driven.head) * convert(1.0, units.distance, "km")
    hour = convert(1.0, units.time, "h")
    fixed = fixed_times(problem, driven)
    driving = (driven.duration - (0.0 if fixed is None else fixed)) * hour
    known = np.isfinite(km) & np.isfinite(driven.duration) & (km >= _SHORT)
    names = leg_names(problem.data, plan, driven)
    told = []
    for odd, what in (
        (known & (km < WALKING * driving), f"slower than one walks ({WALKING:g} km/h)"),
        (known & (km > FASTEST * driven.duration * hour), f"faster than the road allows ({FASTEST:g} km/h)"),
    ):
        legs = [
            f"{names[leg][1]} ({names[leg][0]}), {amount_text(float(km[leg]), 'km', 3)} in "
            f"{amount_text(float(driven.duration[leg]), units.time, 3)}"
            for leg in np.flatnonzero(odd)
        ]
        if legs:
            are = "is" if len(legs) == 1 else "are"
            of = f"{len(legs):,} of {count_text(len(names), 'leg')} {are} {what} by the law of travel time"
            told.append(f"{of}: {list_names(legs, _NAMED, quoted=False)}")
    return tuple(told)
