"""Answers to questions about the tiny routing scenario, for tests of their pictures and pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import kanopt as ko
from kanopt import RoutingProblem
from kanopt.plans.result import Result
from kanopt.questions import SwitchPoints, Variant
from kanopt.questions.point import of_kept, with_plan
from kanopt.questions.risk import Risk
from kanopt.questions.switch_points import SwitchPoint
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scenarios import Run, Scenario
from tests.scenarios.conftest import write_tiny

FUEL = "vehicles.fuel_price"


def tiny_scenario(folder: Path) -> Scenario:
    """Return the scenario of four clients, read from a folder that is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return ko.load_scenario(write_tiny(folder))


def variant_of(run: Run, kept: Result | str, *differences: float) -> Variant:
    """Return a variant: its run, the base's plan under its data or why there is none, and what searches say."""
    found = with_plan(of_kept(0, kept), run.result)
    return Variant(run, replace(found, differences=differences))


def switches(scenario: Scenario, values: list[float], decision: str = "truck") -> SwitchPoints:
    """Return switch points of the price of fuel between 1 and 2, put together by hand."""
    base = ko.sweep(scenario, {FUEL: [1.0]}, plan="today").base
    found = [
        SwitchPoint(
            path=FUEL,
            unit="EUR/l",
            noise=0.5,
            value=value,
            low=value,
            high=value + 0.05 * (place % 2),
            changes=((("in use", decision), "not in use", "in use"),),
            price_below=100.0,
            price_above=101.0,
            edge="" if place % 2 else "the law of litres: an edge",
            verdict="no difference" if place % 2 else "known",
        )
        for place, value in enumerate(values)
    ]
    points = pd.DataFrame(
        [(FUEL, 1.0, "optimal", 100.0, 0.0), (FUEL, 2.0, "optimal", 110.0, 0.0)],
        columns=["path", "value", "status", "price", "noise"],
    )
    return SwitchPoints(scenario, base, tuple(found), points, {FUEL: ("EUR/l", 0.5)})


def one_route(names: list[str], latest: float = 100.0) -> Risk:
    """Return the risk of a route over places a quarter of an hour apart, the windows of which end soon after."""
    size = len(names) + 1
    minutes = 15.0 * np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    clients = [Client(name, latest=15.0 * (k + 1) + k + 2) for k, name in enumerate(names)]
    clients[-1] = Client(names[-1], latest=latest)
    problem = RoutingProblem(
        [Depot("depot")], clients, [VehicleType("van", unit_duration_cost=0.5)], {}, minutes, minutes
    )
    found = ko.risk(ko.evaluate(problem, [names]), ko.Uncertainty(travel=0.1), draws=400)
    assert isinstance(found, Risk)
    return found
