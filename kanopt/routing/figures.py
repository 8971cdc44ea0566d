"""What a manager asks of routes: how far, how long, with how many vehicles, how full and how late."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from kanopt.plans.coverage import Coverage, CoverageWords, LeftOutPrice, refer_to
from kanopt.plans.plan_figures import PlanFigure, Roster, hours_figure, share_of
from kanopt.plans.pricing import Pricing
from kanopt.routing.data import RoutingData
from kanopt.routing.entities import Client
from kanopt.routing.insertion import insert_clients
from kanopt.routing.leg_laws import RoutingLaws
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.simulate import Drive, drive, price_plan
from kanopt.text import amount_text, count_text, join_list, money_text, percent_text


def vehicles_to_send(data: RoutingData, plan: RoutingPlan) -> str:
    """Say how many vehicles are to go out, and of which types where there are several.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    """
    fleet = sum(one.num_available for one in data.vehicles)
    used = sum(bool(route.clients) for route in plan.routes)
    types = _types(data, plan)
    return f"Send out {used:,} of {count_text(fleet, 'vehicle')}" + (f": {types}" if types else "")


def _types(data: RoutingData, plan: RoutingPlan) -> str:
    """Say how many vehicles of each type go out; empty where there is one type, or none goes out."""
    used = Counter(route.vehicle for route in plan.routes if route.clients)
    several = len(data.vehicles) > 1
    return join_list(
        [f"{used[one.name]:,} × {one.name}" for one in data.vehicles if several and used[one.name]], 5
    )


@dataclass(frozen=True, eq=False)
class RouteFigures:
    """What is asked of the routes of a plan, read off its legs.

    Parameters
    ----------
    data, plan, driven
        The problem's data, the plan, and how it is driven.
    legs
        Its legs, as :class:`~kanopt.routing.views.PlanViews` lists them.
    """

    data: RoutingData
    plan: RoutingPlan
    driven: Drive
    legs: pd.DataFrame

    @cached_property
    def _routes(self) -> pd.DataFrame:
        """One row per route that serves somebody, with what :meth:`rosters` tells."""
        by_route, data = self.legs.groupby("route"), self.data
        used = [place for place, route in enumerate(self.plan.routes) if route.clients]
        rooms = [data.vehicles[data.type_index[route.vehicle]].capacity for route in self.plan.routes]
        most = by_route["load"].max()
        frame = pd.DataFrame(
            {
                "vehicle": [route.label for route in self.plan.routes],
                "stops": self.legs["client"].notna().groupby(self.legs["route"]).sum(),
                "leaves": self.driven.departure,
                "back": self.driven.finish,
                "out": self.driven.route_durations,
                "distance": by_route["distance"].sum(),
                "load": most,
                "filling": [share_of(most.get(place, 0.0), room) for place, room in enumerate(rooms)],
                "late": by_route["late"].sum(),
            },
            index=range(len(self.plan.routes)),
        )
        return frame.loc[used]

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return distance, hours, vehicles, how full they are, and lateness."""
        units, legs, routes = self.data.units, self.legs, self._routes
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
                "vehicles that serve somebody, of those there are", _types(self.data, self.plan), "less",
            ),
            *([load] if full.size else []),
            PlanFigure(
                "lateness", "Lateness", late, amount_text(late, units.time) if count else "none",
                "by how much service begins after a window closes, all stops added up",
                f"at {count_text(count, 'stop')}" if count else "every window is kept", "less", units.time,
                bad=bool(count),
            ),
        )  # fmt: skip

    def rosters(self, pricing: Pricing) -> tuple[Roster, ...]:
        """Return one table with a row for each vehicle that goes out, given the price of the plan."""
        units, routes = self.data.units, self._routes
        if routes.empty:
            return ()
        money = f"cost ({units.money})"
        costs = pricing.lines.groupby("group")["amount"].sum()
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


_WORDS = CoverageWords("serves", "client", "clients")
_MOST = 40
"""So many clients at most are put into the plan one by one to learn what serving them costs."""


def clients_served(data: RoutingData, plan: RoutingPlan) -> Coverage:
    """Count the clients on the routes with what is delivered and picked up there, and name the others."""
    on_routes = {name for route in plan.routes for name in route.clients}
    amounts = {client.name: client.demand + client.pickup for client in data.clients}
    return Coverage(
        _WORDS,
        len(amounts),
        tuple(name for name in amounts if name not in on_routes),
        served=math.fsum(amount for name, amount in amounts.items() if name in on_routes),
        wanted=math.fsum(amounts.values()),
        unit=data.units.load,
    )


def price_of_left_out(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, objective: float
) -> LeftOutPrice:
    """Return the prizes of the clients that are left out, and what it would cost to serve those that must be served.

    They are put, one after the other, where they cost least on the law, with as many more vehicles as that takes.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    plan
        The plan.
    objective
        Its price.
    """
    data, money = laws.data, laws.data.units.money
    on_routes = {name for route in plan.routes for name in route.clients}
    left = [client for client in data.clients if client.name not in on_routes]
    names = [client.name for client in left]
    prizes = {client.name: client.prize for client in left if client.prize is not None}
    must = [client for client in left if client.mandatory]
    paid, sentences = math.fsum(prizes.values()), []
    if prizes:
        noun, verb = ("prize", "is") if len(prizes) == 1 else ("prizes", "are")
        sentences.append(
            f"{refer_to(list(prizes), names, noun)}, {money_text(paid, money)}, {verb} in the price"
        )
    if not must:
        return LeftOutPrice(paid, 0.0, "; ".join(sentences))
    more, how = _cost_of_serving(laws, planning, plan, objective, must, names)
    return LeftOutPrice(paid, more, "; ".join([*sentences, how]))


def _cost_of_serving(
    laws: RoutingLaws,
    planning: PlanningValues,
    plan: RoutingPlan,
    objective: float,
    must: Sequence[Client],
    left_out: Sequence[str],
) -> tuple[float | None, str]:
    """Return what it costs more to serve clients with more vehicles (None: not known), and how it is known."""
    data, what = laws.data, refer_to([client.name for client in must], left_out)
    if len(must) > _MOST:
        why = "there are too many for cheapest insertion; plan again with more vehicles"
        return None, f"what serving {what} would cost is not known: {why}"
    fleet = tuple(
        replace(vehicle, num_available=vehicle.num_available + len(must)) for vehicle in data.vehicles
    )
    larger = RoutingLaws(replace(data, vehicles=fleet), laws.cost, laws.duration)
    largest = sorted(must, key=lambda client: -max(client.demand, client.pickup))
    longer, refused = insert_clients(larger, planning, plan, [client.name for client in largest])
    if refused:
        what, it = refer_to(refused, left_out), "it" if len(refused) == 1 else "them"
        return (
            None,
            f"what serving {what} would cost is not known: even another vehicle has no place for {it}",
        )
    more = price_plan(larger, planning, longer, drive(larger, planning, longer.routes)).objective - objective
    return more, (
        f"serving {what} too would cost {money_text(more, data.units.money)} more with {_added(data, longer)} "
        "(each put where it costs least on the law; a search may find a cheaper plan)"
    )


def _added(data: RoutingData, plan: RoutingPlan) -> str:
    """Say which vehicles a plan uses beyond those there are."""
    count = {vehicle.name: vehicle.num_available for vehicle in data.vehicles}
    added = Counter(route.vehicle for route in plan.routes if route.index > count[route.vehicle])
    return (
        join_list(
            [count_text(found, f"more {name}", f"more of type {name}") for name, found in added.items()]
        )
        or "the vehicles there are"
    )
