"""What becomes of a routing plan: driven, checked and priced once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.plans.base import Assessment
from kanopt.plans.coverage import Coverage, LeftOutPrice
from kanopt.plans.earth import EarthPlan
from kanopt.plans.findings import Check, Extrapolation, Reason
from kanopt.plans.in_use import InUse, InUseWords
from kanopt.plans.law_use import LawUse
from kanopt.plans.plan_figures import PlanFigure, Roster, emissions
from kanopt.plans.pricing import Pricing
from kanopt.plans.slider_prices import SliderPrices
from kanopt.plans.views import View
from kanopt.plans.work_orders import WorkOrder
from kanopt.routing.entities import VehicleType
from kanopt.routing.figures import (
    RouteFigures,
    clients_served,
    price_of_left_out,
    vehicles_to_send,
)
from kanopt.routing.law_uses import RoutingLawUses, fixed_time_figure, implausible_speeds
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.reasons import plan_reasons
from kanopt.routing.rules import RULE_WORDS
from kanopt.routing.simulate import (
    Drive,
    check_plan,
    fleets_below_zero,
    price_plan,
    prices_of_fleets,
)
from kanopt.routing.slider_prices import slider_prices
from kanopt.routing.views import PlanViews
from kanopt.text import clock_text, join_list

_MOST_NAMED = 8
_IN_USE = InUseWords(("goes out", "go out"), ("stays at its depot", "stay at their depots"))


class RoutingAssessment(Assessment[RoutingPlan, Drive]):
    """What becomes of a routing plan: its routes are driven once on the law, and once at planning values.

    Parameters
    ----------
    problem
        Whose laws and rules.
    plan
        Whatever ``problem.plan_from`` reads; :attr:`plan` is the plan as it is read.
    """

    problem: RoutingModel
    rule_words = RULE_WORDS

    def __init__(self, problem: RoutingModel, plan: RoutingPlan) -> None:
        super().__init__(problem, problem.plan_from(plan))

    @cached_property
    def planned_simulation(self) -> Drive:
        """The routes driven with travel times at their planning values."""
        return self.problem.drive(self.plan.routes, frozen=True)

    def settled(self) -> RoutingAssessment:
        """Return the assessment of the plan that says when each route leaves; this one where it does already.

        It is driven as this one is, so that it is not driven again.
        """
        leaves = self.simulation.departure.tolist()
        routes = zip(self.plan.routes, leaves, strict=True)
        plan = replace(self.plan, routes=tuple(replace(route, departure=clock) for route, clock in routes))
        if plan == self.plan:
            return self
        found = self.problem.assess(plan)
        assert isinstance(found, RoutingAssessment)
        found.__dict__.setdefault("simulation", self.simulation)
        return found

    def prices_of_fleets(self, fleets: Sequence[Sequence[VehicleType]]) -> dict[str, Floats]:
        """Return what the plan costs by term with each of several fleets that differ in what vehicles cost.

        Parameters
        ----------
        fleets
            The vehicle types of each, in the order of the problem's; they differ in fields of `PRICE_FIELDS` and in
            attributes that neither travel nor service times read.

        Returns
        -------
        dict
            By term, the amount with each fleet; (fleets,).
        """
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return prices_of_fleets(laws, planning, self.plan, self.simulation, fleets)

    def fleets_below_zero(self, fleets: Sequence[Sequence[VehicleType]]) -> NDArray[np.bool_]:
        """Say with which of several fleets a cost law falls below zero somewhere, and counts as zero; (fleets,)."""
        return fleets_below_zero(self.problem.leg_laws, self.simulation, fleets)

    @cached_property
    def seen(self) -> PlanViews:
        """What there is to see in the plan."""
        return PlanViews(self.problem, self.plan, self.simulation)

    def timetable(self) -> pd.DataFrame:
        """Return when every stop is reached and served on the law; see :meth:`RoutingProblem.timetable`."""
        return self.seen.timetable()

    def table(self) -> pd.DataFrame:
        """Return the plan with one row per stop, and when it is reached and served, as :meth:`timetable` says."""
        return self.seen.stops()

    @property
    def in_use(self) -> InUse:
        """The vehicles that serve somebody."""
        names = tuple(route.label for route in self.plan.routes if route.clients)
        return InUse(_IN_USE, names)

    @cached_property
    def assumed(self) -> str:
        """Which departures are not stated, and when these vehicles are taken to leave."""
        return self.departures_text(self.plan, "each vehicle leaves when that costs least")

    def departures_text(self, given: RoutingPlan, when: str) -> str:
        """Say when vehicles leave whose departure a plan with the same routes does not state; empty where it does."""
        known, unit = self.problem.data.started_of, self.problem.units.time
        chosen, used = [], 0
        for route, leaves in zip(given.routes, self.simulation.departure.tolist(), strict=True):
            begun = known.get((route.vehicle, route.index))
            used += bool(route.clients)
            if route.departure is None and (begun is None or begun.route.departure is None):
                chosen.append(f"{route.label} at {clock_text(leaves, unit)}")
        if not chosen:
            return ""
        told = join_list(chosen, _MOST_NAMED)
        given_some = "not all" if len(chosen) < used else "not"
        return f"departures are {given_some} given, and {when}: {told}"

    @property
    def proposal(self) -> str:
        """Which vehicles are to be sent out."""
        return vehicles_to_send(self.problem.data, self.plan)

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return distance, hours, vehicles, how full they are, lateness, fixed time per leg, and CO₂ of a law."""
        return (
            *self._routes.figures(),
            *fixed_time_figure(self.problem, self.simulation),
            *emissions(self.law_uses),
        )

    @cached_property
    def implausible(self) -> tuple[str, ...]:
        """Legs slower than walking, and faster than the road allows."""
        return implausible_speeds(self.problem, self.plan, self.simulation)

    def rosters(self) -> tuple[Roster, ...]:
        """Return what each vehicle does, and the clients that are reached late."""
        return self._routes.rosters(self.pricing)

    @property
    def _routes(self) -> RouteFigures:
        return RouteFigures(self.problem.data, self.plan, self.simulation, self.seen.legs)

    def details(self) -> Mapping[str, pd.DataFrame]:
        """Return the timetable, leg by leg, with the units of loads and distances in its heads."""
        units = self.problem.units
        heads = {"load": f"load ({units.load})", "distance": f"distance ({units.distance})"}
        return {"timetable": self.timetable().rename(columns=heads)}

    def on_earth(self) -> EarthPlan | None:
        """Return depots, clients and routes in degrees."""
        return self.seen.on_earth()

    def work_orders(self) -> tuple[WorkOrder, ...]:
        """Return the run sheet of each vehicle that serves somebody."""
        return tuple(self.seen.run_sheets())

    def slider_prices(self) -> SliderPrices | None:
        """Return the price of the routes wherever a reader moves prices, load or departures."""
        return slider_prices(self.problem, self.plan, self.simulation, self.pricing)

    def views(self) -> tuple[View, ...]:
        """Return a map of the routes, where there are coordinates, and a timetable of the vehicles."""
        return self.seen.views()

    def _simulate(self) -> Drive:
        return self.problem.drive(self.plan.routes)

    def _check(self) -> Check:
        return check_plan(self.problem.data, self.plan, self.simulation)

    def _coverage(self) -> Coverage:
        return clients_served(self.problem.data, self.plan)

    def _left_out_price(self) -> LeftOutPrice:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return price_of_left_out(laws, planning, self.plan, self.pricing.objective)

    def _price(self) -> Pricing:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return price_plan(laws, planning, self.plan, self.simulation)

    def _price_planned(self) -> Pricing:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return price_plan(laws, planning, self.plan, self.planned_simulation, frozen=True)

    def _reasons(self) -> tuple[Reason, ...]:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return plan_reasons(laws, planning, self.plan, self.simulation)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        laws = RoutingLawUses(self.problem, self.plan, self.simulation)
        terms = {use.law: use.term for use in self.law_uses if use.term}
        outside = (replace(one, law=terms.get(one.law, one.law)) for one in super()._extrapolations())
        return (*outside, *laws.extrapolations())

    def _law_uses(self) -> tuple[LawUse, ...]:
        return tuple(RoutingLawUses(self.problem, self.plan, self.simulation).uses())
