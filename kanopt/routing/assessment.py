"""What becomes of a routing plan: driven, checked and priced once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.plans.coverage import Coverage, CoverageWords, InUse, LeftOutPrice
from kanopt.plans.findings import Check, Extrapolation, Reason
from kanopt.plans.law_use import LawUse
from kanopt.plans.plan_figures import PlanFigure, Roster, hours_figure, shares_of
from kanopt.plans.slider_prices import Pricing, Slider, SliderPrices, priced_by_terms
from kanopt.routing.entities import VehicleType
from kanopt.routing.insertion import insert_clients
from kanopt.routing.law_uses import RoutingLawUses, fixed_time_figure, implausible_speeds
from kanopt.routing.leg_laws import DURATION, SERVICE, RoutingLaws
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.reasons import plan_reasons
from kanopt.routing.rules import BY_NAME, RULE_WORDS
from kanopt.routing.rules.rule import Drive, Flags, slack
from kanopt.routing.simulate.departures import drive
from kanopt.routing.simulate.drive import drive_of
from kanopt.routing.simulate.legs import PaddedRoutes, pad_routes
from kanopt.routing.simulate.referee import (
    broken_rules_of_routes,
    check_plan,
    price_plan,
    price_side_by_side,
)
from kanopt.routing.views import PlanViews
from kanopt.text import amount_text, clock_text, count_text, join_list, list_names, money_text, percent_text
from kanopt.units import convert

_WORDS = CoverageWords("serves", "client", "clients")
_MOST = 40
"""So many clients at most are put into the plan one by one to learn what serving them costs."""
_MOST_NAMED = 8
_IN_USE = ("goes out", "go out"), ("stays at its depot", "stay at their depots")


_LOAD, _SHIFT = "load", "departures"
_STEPS = ((0.1, 10.0), (0.25, 20.0), (0.5, 40.0), (0.5, 120.0))
"""Steps of the load, as a share, and of departures, in minutes: the larger the plan, the fewer states are told."""
_MOST_LOAD, _MOST_MINUTES = 0.5, 120.0
_MOST_LEGS = 400_000
"""Legs that are driven at once: some tens of megabytes."""


def slider_prices(
    problem: RoutingModel, plan: RoutingPlan, driven: Drive, pricing: Pricing
) -> SliderPrices | None:
    """Return the price of a plan wherever sliders are; None of one that cannot be driven to its end.

    The stops stay in their order. What a term is paid by is moved by a factor; so are loads, where no law reads the
    demand itself. Departures are moved together, but of routes that have left, and the routes are driven from them:
    breaks are taken where that is best at the prices of the plan.
    """
    known = np.isfinite(driven.duration).all() and np.isfinite(driven.begin).all()
    if not known or not np.isfinite(driven.finish).all():
        return None
    return _MovedPlan(problem, plan, driven).prices(pricing)


@dataclass(frozen=True, eq=False)
class _MovedPlan:
    """A plan that is driven with every load and from every departure at once."""

    problem: RoutingModel
    plan: RoutingPlan
    driven: Drive

    def prices(self, pricing: Pricing) -> SliderPrices:
        """Return the price of each state, each term in proportion to what it is paid by."""
        terms = price_side_by_side(self.problem.leg_laws, self.plan, self._moved, self._states)
        found = priced_by_terms(
            terms, {term: f"price of {term}" for term in terms}, pricing.unit, self._stays
        )
        sliders = (*found.sliders, *self._state_sliders)
        return replace(found, sliders=sliders, axes=self._axes, doubts=self._doubts())

    @property
    def _stays(self) -> str:
        """What does not change, and what follows what is moved, in a clause."""
        told = ["the same vehicles", "the same stops in the same order"]
        if not self._can_leave.all():
            told.append("routes that have left keep the time at which they did")
        if any(self.problem.data.breaks[kind] for kind in self._grid.kind):
            told.append("breaks are taken where that is best at the prices of the plan")
        return ", ".join(told)

    # ---- the states: loads and departures

    @cached_property
    def _grid(self) -> PaddedRoutes:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return pad_routes(laws, planning, self.plan.routes)

    @cached_property
    def _can_leave(self) -> NDArray[np.bool_]:
        """Which routes can leave at another time: those of which it is not known when they have left."""
        started = self.problem.data.started_of
        known = [started.get((route.vehicle, route.index)) for route in self.plan.routes]
        return np.array([one is None or one.route.departure is None for one in known], dtype=bool)

    @cached_property
    def _axes(self) -> dict[str, Floats]:
        minute = convert(1.0, "min", self.problem.units.time)
        for load, minutes in _STEPS:
            axes = {}
            if self._load_matters:
                axes[_LOAD] = 1.0 + _around_zero(_MOST_LOAD, load)
            if self._departure_matters:
                axes[_SHIFT] = _around_zero(_MOST_MINUTES, minutes) * minute
            if np.prod([len(each) for each in axes.values()]) * self._grid.valid.size <= _MOST_LEGS:
                break
        return axes

    @property
    def _states(self) -> int:
        return int(np.prod([len(values) for values in self._axes.values()], dtype=int))

    @property
    def _state_sliders(self) -> Iterator[Slider]:
        labels = {
            _LOAD: "load on board",
            _SHIFT: "departure of all vehicles"
            if self._can_leave.all()
            else "departure of those still there",
        }
        for key, values in self._axes.items():
            unit = self.problem.units.time if key == _SHIFT else ""
            low, high, step = float(values[0]), float(values[-1]), float(values[1] - values[0])
            yield Slider(key, labels[key], "shift" if key == _SHIFT else "load", unit, low, high, step)

    @property
    def _load_matters(self) -> bool:
        """Whether something reads the load, and no law reads demands, which would move with it."""
        laws, data = self.problem.leg_laws, self.problem.data
        read = any(laws.reads(name, "state.load") for name in (*laws.cost, DURATION))
        read = read or laws.reads(SERVICE, "state.load")
        every = (*laws.formulas().values(), data.policy.service)
        references = {str(each) for law in every if law is not None for each in law.references}
        return bool(read and self.driven.load.any() and not references & {"client.demand", "client.pickup"})

    @property
    def _departure_matters(self) -> bool:
        laws, data = self.problem.leg_laws, self.problem.data
        moved = any(laws.is_moved_by_clock(name) for name in laws.cost)
        timed = laws.reads(DURATION, "clock") or laws.reads(SERVICE, "clock")
        opens = bool(np.isfinite(data.opens[:, self.driven.head]).any())
        return bool(self._can_leave.any()) and (moved or timed or opens or bool(data.lateness_rate.any()))

    @cached_property
    def _moved(self) -> Drive:
        """The routes of each state, one state after the other, and how they are driven."""
        states, routes = self._states, len(self.plan.routes)
        values = dict(zip(self._axes, np.meshgrid(*self._axes.values(), indexing="ij"), strict=True))
        nothing = np.zeros(states)
        loads = values.get(_LOAD, nothing + 1.0).reshape(-1)
        shifts = values.get(_SHIFT, nothing).reshape(-1)
        grid = self._grid.select(np.tile(np.arange(routes), states))
        grid = grid.with_load(grid.loads[0] * np.repeat(loads, routes)[:, None])
        departure = (self.driven.departure + shifts[:, None] * self._can_leave).reshape(-1)
        return drive_of(grid, departure)

    # ---- what is to be known of each state

    def _doubts(self) -> list[list[str]]:
        if not self._axes:
            return []
        data, laws, driven = self.problem.data, self.problem.leg_laws, self._moved
        states, routes = self._states, len(self.plan.routes)
        earliest = np.tile([data.leaves_from(route) for route in self.plan.routes], states)
        broken = {"leaves before it may": driven.departure < earliest - slack(earliest)}
        for rule, flags in broken_rules_of_routes(data, driven).items():
            words = BY_NAME[rule].words
            assert words is not None
            broken[words.one] = flags
        labels = np.array([route.label for route in self.plan.routes], dtype=object)
        found: list[list[str]] = [[] for _ in range(states)]
        for said, each in broken.items():
            flags = np.reshape(each, (states, routes))
            for state in np.flatnonzero(flags.any(axis=1)):
                names = list_names(list(labels[flags[state]]), 3, quoted=False)
                found[state].append(f"{names}: {said}.")
        state_of_leg = driven.route // max(routes, 1)
        for name in laws.formulas():
            counts = np.bincount(state_of_leg, weights=laws.outside(name, driven.inputs), minlength=states)
            for state in np.flatnonzero(counts):
                legs = f"{counts[state]:.0f} {'leg' if counts[state] == 1 else 'legs'}"
                found[state].append(f"The law of {name} is used beyond what it was learned from on {legs}.")
        return found


def _around_zero(most: float, step: float) -> Floats:
    return np.asarray(np.arange(-round(most / step), round(most / step) + 1) * step)


class RoutingAssessment(PlanViews):
    """What becomes of a routing plan: its routes are driven once on the law, and once at planning values.

    Parameters
    ----------
    problem
        Whose laws and rules.
    plan
        Whatever ``problem.plan_from`` reads; :attr:`plan` is the plan as it is read.
    """

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
        plan = self.plan.leaving(self.simulation.departure.tolist())
        if plan is self.plan:
            return self
        found = self.problem.assess(plan)
        assert isinstance(found, RoutingAssessment)
        found.__dict__.setdefault("simulation", self.simulation)
        return found

    def prices_of_fleets(self, fleets: Sequence[Sequence[VehicleType]]) -> tuple[dict[str, Floats], Flags]:
        """Return what the plan costs by term with each of several fleets that differ in what vehicles cost.

        Parameters
        ----------
        fleets
            The vehicle types of each, in the order of the problem's; they differ in fields of `PRICE_FIELDS` and in
            attributes that neither travel nor service times read.

        Returns
        -------
        dict, array
            By term, the amount with each fleet; and with which a cost law falls below zero somewhere, and counts as
            zero; (fleets,).
        """
        count, every = len(fleets), tuple(vehicle for fleet in fleets for vehicle in fleet)
        laws, data = self.problem.leg_laws, self.data
        # the fleets stand side by side as one: what prices a plan prices all of them, in one evaluation of each law
        wide = RoutingLaws(replace(data, vehicles=every), laws.cost, laws.duration)
        repeated = self.simulation.side_by_side(count, len(data.vehicles))
        found = price_side_by_side(wide, self.plan, repeated, count)
        below = np.zeros(count, dtype=bool)
        for name in laws.cost:
            below |= (wide.raw(name, repeated.inputs).reshape(count, -1) < 0.0).any(axis=1)
        return found, below

    @property
    def in_use(self) -> InUse:
        """The vehicles that serve somebody."""
        names = tuple(route.label for route in self.plan.routes if route.clients)
        return InUse(*_IN_USE, names)

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
        fleet = sum(one.num_available for one in self.data.vehicles)
        used, types = sum(bool(route.clients) for route in self.plan.routes), self._types()
        return f"Send out {used:,} of {count_text(fleet, 'vehicle')}" + (f": {types}" if types else "")

    def _types(self) -> str:
        """Say how many vehicles of each type go out; empty where there is one type, or none goes out."""
        used = Counter(route.vehicle for route in self.plan.routes if route.clients)
        several = len(self.data.vehicles) > 1
        return join_list(
            [f"{used[one.name]:,} × {one.name}" for one in self.data.vehicles if several and used[one.name]],
            5,
        )

    # ---- what a manager asks of routes: how far, how long, with how many vehicles, how full and how late

    @cached_property
    def _vehicles(self) -> pd.DataFrame:
        """One row per route that serves somebody, with what :meth:`rosters` tells."""
        by_route, data = self.legs.groupby("route"), self.data
        used = [place for place, route in enumerate(self.plan.routes) if route.clients]
        rooms = [data.vehicles[data.type_index[route.vehicle]].capacity for route in self.plan.routes]
        most = by_route["load"].max()
        frame = pd.DataFrame(
            {
                "vehicle": [route.label for route in self.plan.routes],
                "stops": self.legs["client"].notna().groupby(self.legs["route"]).sum(),
                "leaves": self.simulation.departure,
                "back": self.simulation.finish,
                "out": self.simulation.route_durations,
                "distance": by_route["distance"].sum(),
                "load": most,
                "filling": shares_of(most.reindex(range(len(rooms)), fill_value=0.0), rooms),
                "late": by_route["late"].sum(),
            },
            index=range(len(self.plan.routes)),
        )
        return frame.loc[used]

    def _figures(self) -> tuple[PlanFigure, ...]:
        """Return distance, hours, vehicles, how full they are, lateness and fixed time per leg."""
        units, legs, routes = self.data.units, self.legs, self._vehicles
        length = math.fsum(legs["distance"].tolist())
        fleet = sum(one.num_available for one in self.data.vehicles)
        late, count = math.fsum(legs["late"].tolist()), int((legs["late"] > 0).sum())
        full = routes["filling"].to_numpy(dtype=float)
        full = full[np.isfinite(full)]
        filling = float(full.mean()) if full.size else 0.0
        load = PlanFigure(
            "filling", "Load of vehicles", filling, percent_text(filling),
            "largest load of each vehicle used as a share of its capacity, the mean of them", better="more", unit="%",
        )  # fmt: skip
        return (
            PlanFigure(
                "distance", "Distance", length, amount_text(length, units.distance),
                "the legs of all routes, added up", better="less", unit=units.distance,
            ),
            hours_figure(
                "hours", "Time out", math.fsum(routes["out"].tolist()), units.time,
                "from leaving to coming back, all vehicles added up",
            ),
            hours_figure(
                "driving", "Time at the wheel", math.fsum(legs["drive"].tolist()), units.time,
                "all legs, added up", rank=3,
            ),
            PlanFigure(
                "vehicles", "Vehicles used", len(routes), f"{len(routes):,} of {fleet:,}",
                "vehicles that serve somebody, of those there are", self._types(), "less",
            ),
            *([load] if full.size else []),
            PlanFigure(
                "lateness", "Lateness", late, amount_text(late, units.time) if count else "none",
                "by how much service begins after a window closes, all stops added up",
                f"at {count_text(count, 'stop')}" if count else "every window is kept", "less", units.time,
                bad=bool(count),
            ),
            *fixed_time_figure(self.problem, self.simulation),
        )  # fmt: skip

    def rosters(self) -> tuple[Roster, ...]:
        """Return one table with a row for each vehicle that goes out."""
        units, routes = self.data.units, self._vehicles
        if routes.empty:
            return ()
        money = f"cost ({units.money})"
        costs = self.pricing.lines.groupby("group")["amount"].sum()
        frame = pd.DataFrame(
            {
                **routes[["vehicle", "stops", "leaves", "back"]],
                "time out (h)": hours_figure("", "", 1.0, units.time, "").value * routes["out"],
                f"distance ({units.distance})": routes["distance"],
                f"largest load ({units.load})": routes["load"],
                "of its capacity": routes["filling"].astype(float),
                f"late ({units.time})": routes["late"],
                money: [float(costs.get(label, 0.0)) for label in routes["vehicle"]],
            }
        )
        if not routes["late"].any():
            frame = frame.drop(columns=f"late ({units.time})")
        return (
            Roster(
                "vehicle",
                "What each vehicle does",
                frame.reset_index(drop=True),
                clocks=("leaves", "back"),
                time=units.time,
                shares=("of its capacity",),
                money=(money,),
            ),
        )

    @cached_property
    def implausible(self) -> tuple[str, ...]:
        """Legs slower than walking, and faster than the road allows."""
        return implausible_speeds(self.problem, self.plan, self.simulation)

    @property
    def _laws(self) -> tuple[RoutingLaws, PlanningValues]:
        return self.problem.leg_laws, self.problem.planning_values

    def details(self) -> Mapping[str, pd.DataFrame]:
        """Return the timetable, leg by leg, with the units of loads and distances in its heads."""
        units = self.problem.units
        heads = {"load": f"load ({units.load})", "distance": f"distance ({units.distance})"}
        return {"timetable": self.timetable().rename(columns=heads)}

    def slider_prices(self) -> SliderPrices | None:
        """Return the price of the routes wherever a reader moves prices, load or departures."""
        return slider_prices(self.problem, self.plan, self.simulation, self.pricing)

    def _simulate(self) -> Drive:
        return self.problem.drive(self.plan.routes)

    def _check(self) -> Check:
        return check_plan(self.problem.data, self.plan, self.simulation)

    def _coverage(self) -> Coverage:
        """Count the clients on the routes with what is delivered and picked up there, and name the others."""
        on_routes = {name for route in self.plan.routes for name in route.clients}
        amounts = {client.name: client.demand + client.pickup for client in self.data.clients}
        return Coverage(
            _WORDS,
            len(amounts),
            tuple(name for name in amounts if name not in on_routes),
            served=math.fsum(amount for name, amount in amounts.items() if name in on_routes),
            wanted=math.fsum(amounts.values()),
            unit=self.data.units.load,
        )

    def _left_out_price(self) -> LeftOutPrice:
        """Return the prizes of the clients that are left out, and what it would cost to serve those that must be.

        They are put, one after the other, where they cost least on the law, with as many more vehicles as that takes.
        """
        (laws, planning), plan, objective = self._laws, self.plan, self.pricing.objective
        data, money = laws.data, laws.data.units.money
        on_routes = {name for route in plan.routes for name in route.clients}
        left = [client for client in data.clients if client.name not in on_routes]
        prizes = [client.prize for client in left if client.prize is not None]
        must = sorted(
            (client for client in left if client.mandatory),
            key=lambda client: -max(client.demand, client.pickup),
        )
        what = f"serving {join_list([client.name for client in left if client.mandatory], 5)}"
        paid = math.fsum(prizes), money, "prizes forgone" * bool(prizes)
        known = LeftOutPrice.of(*paid, what * bool(must))
        if not 0 < len(must) <= _MOST:
            return known
        fleet = tuple(
            replace(vehicle, num_available=vehicle.num_available + len(must)) for vehicle in data.vehicles
        )
        larger = RoutingLaws(replace(data, vehicles=fleet), laws.cost, laws.duration)
        longer, refused = insert_clients(larger, planning, plan, [client.name for client in must])
        if refused:
            return known
        more = price_plan(larger, longer, drive(larger, planning, longer.routes)).objective - objective
        beyond = {vehicle.name: vehicle.num_available for vehicle in data.vehicles}
        added = Counter(route.vehicle for route in longer.routes if route.index > beyond[route.vehicle])
        vehicles = (
            join_list([f"{count} more {name}" for name, count in added.items()]) or "the vehicles there are"
        )
        told = (
            f"{what} too would cost {money_text(more, money)} more with {vehicles} (each put where it costs least on "
            "the law; a search may find a cheaper plan)"
        )
        return LeftOutPrice(known.paid, more, "; ".join(filter(None, (LeftOutPrice.of(*paid).text, told))))

    def _price(self) -> Pricing:
        return price_plan(self.problem.leg_laws, self.plan, self.simulation)

    def _price_planned(self) -> Pricing:
        laws, planning = self._laws
        return price_plan(laws, self.plan, self.planned_simulation, planning)

    def _reasons(self) -> tuple[Reason, ...]:
        return plan_reasons(*self._laws, self.plan, self.simulation)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        laws = RoutingLawUses(self.problem, self.plan, self.simulation)
        terms = {use.law: use.term for use in self.law_uses if use.term}
        outside = (replace(one, law=terms.get(one.law, one.law)) for one in super()._extrapolations())
        return (*outside, *laws.extrapolations())

    def _law_uses(self) -> tuple[LawUse, ...]:
        return tuple(RoutingLawUses(self.problem, self.plan, self.simulation).uses())
