"""Days of an example city: laws learned from its log, and plans driven on its true laws without the referee."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from _example_city import DrawnCity
from value_of_laws import Laws, problem_of, true_laws

import kanopt as ko
from kanopt import routing

Floats = np.ndarray
NOISE = 0.08
"""Coefficient of variation of a trip of the city."""


def learned_minutes(city: DrawnCity, seed: int, rows: int | None = None) -> ko.Formula:
    """Learn travel times from a log, or some of its rows, of which the trips of a day may share an error."""
    trips = city.trips
    if rows is not None:
        trips = trips.iloc[np.sort(np.random.default_rng(seed).choice(len(trips), rows, replace=False))]
    train, test = ko.split(trips, by="week", holdout=4)
    groups = train.get("day")
    model = ko.KANRegressor(monotone={"distance_km": 1}, seed=seed)
    model.fit(train[["distance_km", "hour"]], train["minutes"], groups=groups)
    return model.to_formula(test, "minutes", per="leg")


def day_problem(city: DrawnCity, minutes: ko.Formula, litres: ko.Formula | None = None) -> ko.RoutingProblem:
    """Return the day of a city at learned travel times; fuel by its true law where none is given."""
    return problem_of(city, Laws(minutes, litres or true_laws(city.strength).litres))


@dataclass(frozen=True, eq=False)
class TrueDays:
    """A plan on days of the true laws: arrivals and begins of service, (days, stops), costs, (days,), and returns."""

    arrive: Floats
    begin: Floats
    latest: Floats
    cost: Floats
    back: Floats
    """Share of the days on which each van is back by the end of its shift."""

    @property
    def on_time(self) -> Floats:
        """Share of the days on which each stop with a window is on time."""
        return (self.begin <= self.latest + 1e-6).mean(axis=0)

    @property
    def least(self) -> float:
        """That of the stop which is late most often, or of the van which is back late most often."""
        return float(min(self.on_time.min(), self.back.min()))


def true_days(
    city: DrawnCity, problem: ko.RoutingProblem, plan: routing.RoutingPlan, days: int, seed: int
) -> TrueDays:
    """Drive a plan that says when its routes leave on fresh days of a city: its laws, good and bad days, and noise."""
    rng = np.random.default_rng([seed, 77])
    effect, sigma = city.day_effect, np.sqrt(np.log1p(NOISE**2))
    bad = np.exp(effect * rng.standard_normal(days) - effect**2 / 2.0)
    data = problem.data
    arrive, begin, latest, back, cost = [], [], [], [], np.zeros(days)
    for route in plan.routes:
        van = data.vehicles[data.type_index[route.vehicle]]
        clock, load = (
            np.full(days, float(route.departure)),
            sum(_client(data, name).demand for name in route.clients),
        )
        way = [route.depot, *route.clients, route.depot]
        for tail, head in pairwise(way):
            km = float(data.distance[data.index[tail], data.index[head]])
            cost += city.true_cost_eur(km, load, clock / 60.0)
            noise = np.exp(sigma * rng.standard_normal(days) - sigma**2 / 2.0)
            clock = clock + city.true_minutes(km, clock / 60.0) * bad * noise
            if head == route.depot:
                continue
            client = _client(data, head)
            arrive.append(clock)
            begin.append(np.maximum(clock, client.earliest))
            latest.append(client.latest)
            clock, load = begin[-1] + client.service_duration, load - client.demand
        back.append((clock <= van.shift_end + 1e-6).mean())
        cost += van.fixed_cost + van.unit_duration_cost * (clock - float(route.departure))
    columns = (np.stack(each, axis=1) for each in (arrive, begin))
    return TrueDays(*columns, np.array(latest), cost, np.array(back))


def _client(data: object, name: str) -> routing.Client:
    return data.clients[data.index[name] - len(data.depots)]


def told(problem: ko.RoutingProblem, result: ko.Result) -> ko.Result:
    """Return a result whose plan says when its routes leave, as its planner sees it."""
    leaves = problem.drive(result.plan.routes).departure
    routes = (
        replace(route, departure=float(at)) for route, at in zip(result.plan.routes, leaves, strict=True)
    )
    return ko.evaluate(problem, replace(result.plan, routes=tuple(routes)))
