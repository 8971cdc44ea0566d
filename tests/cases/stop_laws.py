"""Laws of how long a stop takes that read what only a plan fixes: when service begins, what is on board."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanopt import RoutingProblem
from kanopt.formulas import Curve, Formula, Input, Maximum, Step, Table, Variable, parse_formula
from kanopt.formulas.formula import BoundFormula
from kanopt.refs import client, clock, state, vehicle

__all__ = ["STOP_LAWS", "stop_law", "with_stop_law"]

HOUR, MINUTE, LOAD, DEMAND = (
    Variable("hour", "h"),
    Variable("minute", "min"),
    Variable("load", "t"),
    Variable("demand", "t"),
)
STOP = Variable("stop", "min")

STOP_LAWS = ("clock", "load", "clock and load", "curves and steps", "units")
"""What the laws of :func:`stop_law` read and are made of."""


def stop_law(kind: str, rng: np.random.Generator) -> BoundFormula:
    """Return a law of a kind for clocks from 6:40 to 10:40; over these it falls by less than the time that passes."""
    if kind == "clock":
        peak = float(rng.uniform(6.8, 7.8))
        law = parse_formula(f"3 + 2 * demand + 20 * exp(-4 * (hour - {peak!r})^2)", [DEMAND, HOUR], STOP)
        return law.bind(demand=client.demand, hour=clock.hour)
    if kind == "load":
        law = parse_formula("2 + 0.6 * load^1.2 + demand - 3", [LOAD, DEMAND], STOP)
        return law.bind(load=state.load, demand=client.demand)
    if kind == "clock and load":
        law = parse_formula(
            "(1 + 0.3 * load) * (2 + sin(2 * hour)) + 0.1 * demand", [LOAD, HOUR, DEMAND], STOP
        )
        return law.bind(load=state.load, hour=clock.hour, demand=client.demand)
    if kind == "units":
        law = parse_formula(
            "60 + 0.05 * kg + 120 * cos(minute / 1800)^2",
            [Variable("kg", "kg"), Variable("minute", "s")],
            Variable("s", "s"),
        )
        return law.bind(kg=state.load, minute=clock.minute)
    day = Curve("s", Input("hour"), tuple(rng.uniform(2.0, 8.0, 12)), 0.0, 24.0, periodic=True)
    weight = Curve("w", Input("load"), tuple(np.cumsum(rng.uniform(0.0, 2.0, 6))), 0.0, 12.0)
    closing = Step(Input("minute"), (430.0, 470.0, 500.0), (1.0, 3.0, 4.5, 9.0), name="closing")
    kinds = Table.of({"van": 1.0, "truck": 1.3}, "kind")
    root = kinds * Maximum((weight, day)) + closing
    inputs = (LOAD, HOUR, MINUTE, Variable("kind", kind="category"))
    bound = {"load": state.load, "hour": clock.hour, "minute": clock.minute, "kind": vehicle.name}
    return Formula(root, inputs, STOP).bind(**bound)


def with_stop_law(problem: RoutingProblem, kind: str, seed: int) -> RoutingProblem:
    """Return a problem in which stops take as long as a law of a kind says."""
    law = stop_law(kind, np.random.default_rng([seed, 23]))
    return replace(problem, policy=replace(problem.policy, service=law))
