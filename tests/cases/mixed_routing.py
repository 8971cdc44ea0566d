"""Random routing problems in which rules of all kinds meet laws of all kinds, and random plans of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kanopt import RoutingProblem
from kanopt.formulas import Curve, Formula, Input, Maximum, Minimum, Step, Table, Variable, parse_formula
from kanopt.formulas.formula import BoundFormula
from kanopt.refs import arc, client, clock, state, vehicle
from kanopt.routing import RoutingPlan
from tests.cases.law_search import random_arrivals
from tests.cases.routing_variants import RULES, add_rules, going_on, plain, rest, some_routes, under_way
from tests.cases.stop_laws import STOP_LAWS, with_stop_law

__all__ = ["LAWS", "mixed_problem", "random_plan"]

KM, LOAD, HOUR, MINUTE = (
    Variable("km", "km"),
    Variable("load", "t"),
    Variable("hour", "h"),
    Variable("minute", "min"),
)
COST, TIME = Variable("cost", "EUR"), Variable("time", "min")
Rng = np.random.Generator

LAWS = ("matrices", "load", "clock", "load and clock", "arrivals", "curves and steps", "functions", "units")
"""What the laws of :func:`mixed_problem` read and are made of."""


def mixed_problem(seed: int, law: str | None = None) -> RoutingProblem:
    """Return a town with some of all rules; its laws are of a kind, or of one that is drawn."""
    rng = np.random.default_rng([seed, 3])
    town = plain(seed, uneven=True)
    for rule in rng.choice(sorted(RULES), size=int(rng.integers(1, 6)), replace=False):
        RULES[rule](town, rng)
    add_rules(town, seed)
    if rng.random() < 0.2:
        town.clients[3]["needs"] = town.vehicles[1]["skills"] = "cooled"
    if rng.random() < 0.2:
        town.minutes[tuple(rng.choice(len(town.minutes), 2, replace=False))] = np.inf
    for each, price in zip(town.vehicles, (0.8, 1.1), strict=True):
        each["attributes"] = {**each["attributes"], "km_price": price}
    if np.random.default_rng([seed, 37]).random() < 0.3:
        rest(town, np.random.default_rng([seed, 41]))
    problem = town.problem()
    if np.random.default_rng([seed, 31]).random() < 0.3:
        problem = under_way(problem, seed)
    chosen = str(rng.choice(LAWS)) if law is None else law
    cost, duration = _laws(chosen, town.km, town.minutes, rng)
    if chosen == "matrices":
        return with_stop_law(problem, STOP_LAWS[seed % len(STOP_LAWS)], seed) if seed % 2 else problem
    if any(each.unit_lateness_cost is not None for each in problem.clients) and rng.random() < 0.5:
        late = parse_formula(
            "0.02 * late^2 * (1 + demand)", [Variable("late", "min"), Variable("demand", "t")], COST
        )
        cost["late"] = late.bind(late=clock.late, demand=client.demand)
    problem = replace(problem, cost={"fuel": problem.named_costs["fuel"], **cost}, duration=duration)
    if rng.random() < 0.4:
        problem = with_stop_law(problem, str(rng.choice(STOP_LAWS)), seed)
    return problem


def random_plan(problem: RoutingProblem, seed: int) -> RoutingPlan:
    """Return routes that state when they leave, whether they keep to the rules or not."""
    routes = going_on(problem, seed) if problem.started else some_routes(problem, seed, stated=True)
    return problem.plan_from(RoutingPlan(routes))


def _laws(law: str, km: Any, minutes: Any, rng: Rng) -> tuple[dict[str, Any], Any]:
    """Return cost laws by term, and the law of travel time."""
    by_load = parse_formula(
        "0.3 * price * km * (1 + 0.1 * load^1.3) - 0.5", [KM, LOAD, Variable("price")], COST
    )
    loaded = by_load.bind(km=arc.distance, load=state.load, price=vehicle.km_price)
    rush = parse_formula("1.1 * km * (1 + 0.8 * exp(-(hour - 7)^2))", [KM, HOUR], TIME)
    slow = parse_formula("1.1 * km * (1 + 0.02 * load) * (1 + 0.3 * sin(hour))", [KM, LOAD, HOUR], TIME)
    if law == "load":
        heavy = parse_formula("0.9 * km * (1 + 0.05 * load)", [KM, LOAD], TIME)
        return {"load": loaded}, heavy.bind(km=arc.distance, load=state.load)
    if law == "clock":
        toll = parse_formula("0.05 * km * (2 + sin(hour)) + 0.1 * time", [KM, HOUR, TIME], COST)
        bound = toll.bind(km=arc.distance, hour=clock.hour, time=arc.duration)
        return {"toll": bound}, rush.bind(km=arc.distance, hour=clock.hour)
    if law == "load and clock":
        both = parse_formula("0.1 * km * (1 + load) * (1 + 0.5 * sin(hour))", [KM, LOAD, HOUR], COST)
        bound = both.bind(km=arc.distance, load=state.load, hour=clock.hour)
        return {"fuel 2": bound}, slow.bind(km=arc.distance, load=state.load, hour=clock.hour)
    if law == "arrivals":
        return {"load": loaded}, random_arrivals(np.nan_to_num(minutes, posinf=0.0), rng, (390, 640, 10.0))
    if law == "curves and steps":
        return {"curved": _curved(rng)}, slow.bind(km=arc.distance, load=state.load, hour=clock.hour)
    if law == "functions":
        return {"odd": _odd()}, rush.bind(km=arc.distance, hour=clock.hour)
    if law == "units":
        kilos = parse_formula("0.004 * m * (1 + kg / 4000)", [Variable("m", "m"), Variable("kg", "kg")], COST)
        seconds = parse_formula(
            "70 * km * (1 + 0.2 * cos(minute / 180))", [KM, Variable("minute", "s")], Variable("s", "s")
        )
        return (
            {"kilos": kilos.bind(m=arc.distance, kg=state.load)},
            seconds.bind(km=arc.distance, minute=clock.minute),
        )
    return {}, minutes


def _curved(rng: Rng) -> BoundFormula:
    """Return a law of curves, one of them periodic, a step function, a table, and extremes of these."""
    day = Curve("s", Input("hour"), tuple(rng.uniform(0.5, 1.5, 12)), 0.0, 24.0, periodic=True)
    weight = Curve("w", Input("load"), tuple(np.cumsum(rng.uniform(0.0, 1.0, 6))), 0.0, 6.0)
    rate = Step(Input("minute"), (420.0, 450.0, 500.0), (1.0, 1.6, 0.7, 1.2), name="rate")
    kinds = Table.of({"van": 1.0, "truck": 1.3}, "kind")
    root = 0.1 * Input("km") * day * Maximum((weight, rate)) * kinds + Minimum((rate, 0.3 * Input("km")))
    inputs = (KM, LOAD, HOUR, MINUTE, Variable("kind", kind="category"))
    bound = {
        "km": arc.distance,
        "load": state.load,
        "hour": clock.hour,
        "minute": clock.minute,
        "kind": vehicle.name,
    }
    return Formula(root, inputs, COST, per="leg").bind(**bound)


def _odd() -> BoundFormula:
    """Return a law of every function there is, some of them of arguments that no plan changes."""
    law = parse_formula(
        "0.1 * km * (log(hour) + log1p(load) + sqrt(load) + square(load / 9) + cos(hour) + tanh(load - 3)"
        " + atan(hour - 7) + logistic(hour - 7) + softplus(load - 2) + abs(hour - 7.5) + relu(hour - 7)"
        " + (1 + load)^(hour / 20) + log(1 + km) + hour^2 + 1 / (1 + load))",
        [KM, LOAD, HOUR],
        COST,
    )
    return law.bind(km=arc.distance, load=state.load, hour=clock.hour)
