"""A small run, put together by hand around real problems and formulas, so that no test learns or searches."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt import Result, RoutingProblem
from kanopt.formulas import (
    Alternative,
    Constant,
    Curve,
    Domain,
    Fit,
    Formula,
    Input,
    Power,
    Product,
    Range,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.plans.explanation import Explanation, explain
from kanopt.plans.result import Certificate, EngineRun, evaluate
from kanopt.progress import Progress
from kanopt.refs import arc, clock, state, vehicle
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scenarios.files.sections import ReportSpec
from kanopt.surrogates.curves import Diagram, diagram_of
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from kanopt.tables import TableReport
from tests.cases.hand_networks import Layer, Network


@dataclass(frozen=True)
class Law:
    """What ``kanopt.scenarios.LearnedLaw`` holds."""

    name: str
    formula: Formula
    summary: pd.DataFrame | None = None
    diagram: Diagram | None = None
    trusted: bool = True
    note: str = ""
    seconds: float = 0.0
    cleaning: tuple[str, ...] = ()


ROUTES = SimpleNamespace(
    entity_columns=("client",),
    assignment_columns=("vehicle", "index"),
    moved_words=("client changes its vehicle", "clients change their vehicle"),
)


@dataclass(frozen=True)
class FakeScenario:
    """What ``kanopt.scenarios.Scenario`` holds and says."""

    name: str
    description: str = ""
    changes: tuple[str, ...] = ()
    title: str = ""
    problem: Any = field(default_factory=lambda: ROUTES)
    report: ReportSpec = field(default_factory=ReportSpec)
    laws: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        return self.title or self.name

    def change_sentences(self, base: Any = None) -> tuple[str, ...]:
        return self.changes

    def unanswered(self) -> tuple[Any, ...]:
        return ()


@dataclass(frozen=True)
class FakeRun:
    """What ``kanopt.scenarios.Run`` holds."""

    scenario: Any
    laws: Mapping[str, Law]
    problem: RoutingProblem
    result: Result
    explanation: Explanation
    today: Result | None
    tables: Mapping[str, TableReport]
    provenance: Mapping[str, str] = field(default_factory=dict)


def travel_time() -> Formula:
    """Return a law with a curve, as the ladder makes them."""
    peak = Curve("peak", Input("hour"), tuple(1 + 0.4 * np.sin(np.arange(11)) ** 2), 6.0, 20.0)
    root = Product(
        (Constant(1.9, "pace", 0.02), Power(Input("distance_km"), Constant(0.97, "elasticity", 0.004)), peak)
    )
    return Formula(
        root,
        (Variable("distance_km", "km"), Variable("hour", "h")),
        Variable("travel_time", "min"),
        per="leg",
        fit=Fit(0.962, 1.31, 0.92, 1.004, 4000, 1000, "ab12", 1.003, ((0.05, -1.9), (0.95, 2.2))),
        domain=Domain((Range("distance_km", 0.2, 30.0), Range("hour", 6.0, 20.0))),
        alternatives=(Alternative(5, 1.33, True, "pace · distance_km^b · peak(hour)"), Alternative(2, 4.1)),
    )


def fuel_cost() -> Formula:
    """Return a law written by hand."""
    inputs = [Variable("distance_km", "km", low=0, high=30), Variable("load_t", "t", low=0, high=2)]
    inputs.append(Variable("price", "EUR/l"))
    return parse_formula(
        "0.08 * distance_km * (1 + 0.2 * load_t) * price", inputs, Variable("fuel_cost", "EUR"), per="leg"
    )


def mixed_law() -> Formula:
    """Return a law with a table and a staircase."""
    tariff = Step(Input("weight_t"), (1.0, 5.0), (90.0, 70.0, 55.0), name="tariff")
    rate = Table.of({"road": 1.0, "rail": 0.7}, "mode", name="rate", fallback=1.2)
    return Formula(
        Sum((Product((tariff, rate)), Constant(4.0))),
        (
            Variable("weight_t", "t", low=0.1, high=20),
            Variable("mode", kind="category", categories=("rail", "road")),
        ),
        Variable("freight", "EUR"),
    )


def network_diagram() -> Diagram:
    """Return the diagram of a network with a hidden layer and a category."""
    rng = np.random.default_rng(0)
    first = Layer(
        np.zeros(2), np.ones(2), rng.normal(size=(2, 2, 8)), (rng.normal(size=(3, 2)),), np.zeros(2)
    )
    last = Layer(-np.ones(2), np.ones(2), rng.normal(size=(2, 1, 8)), (), np.zeros(1))
    features = (
        Feature("distance_km", "number", log=True, low=0.2, high=30.0),
        Feature("mode", "category", categories=("air", "rail", "road")),
        Feature("hour", "number", scale=10.0, low=6.0, high=20.0),
    )
    rows = np.hstack([rng.uniform(size=(50, 2)), rng.integers(0, 3, (50, 1))])
    network = Network((first, last)).formula
    return diagram_of(network, FeatureEncoding(features), rows=rows, output="minutes", log_output=True)


def routing(names: list[str] | None = None, capacity: float = 1.5, reach: float = 8.0) -> RoutingProblem:
    """Return a problem of a dozen clients around a depot."""
    names = names or [f"c{i:02d}" for i in range(1, 13)]
    rng = np.random.default_rng(4)
    places = rng.uniform(-reach, reach, (len(names), 2))
    clients = [
        Client(name, float(x), float(y), demand=0.2, service_duration=6.0, earliest=480.0, latest=1020.0)
        for name, (x, y) in zip(names, places, strict=True)
    ]
    return RoutingProblem(
        depots=[Depot("depot", 0.0, 0.0)],
        clients=clients,
        vehicles=[
            VehicleType(
                "van",
                num_available=3,
                capacity=capacity,
                fixed_cost=40.0,
                shift_start=480.0,
                shift_end=1080.0,
                attributes={"fuel_price": 1.8},
            )
        ],
        cost={
            "fuel": fuel_cost().bind(distance_km=arc.distance, load_t=state.load, price=vehicle.fuel_price)
        },
        duration=travel_time().bind(distance_km=arc.distance, hour=clock.hour),
    )


def solved(problem: RoutingProblem, routes: list[list[str]]) -> Result:
    """Return the result a solver would give for these routes."""
    result = evaluate(problem, routes)
    assert result.objective is not None
    certificate = Certificate(
        solver_objective=result.objective - 1.25 + 0.0004,
        frozen_objective=result.objective - 1.25,
        law_objective=result.objective,
        rounding_bound=0.002,
        frozen=problem.frozen_inputs(),
    )
    history = tuple(Progress(s, result.objective + 90 / s) for s in (1.0, 2.5, 9.0))
    return replace(
        result,
        certificate=certificate,
        solver="OR-Tools routing 9.15",
        seed=7,
        wall_seconds=9.4,
        history=history,
        engines=(EngineRun("PyVRP 0.14.1", message="not used: driver breaks"),),
    )


def read_tables() -> dict[str, TableReport]:
    return {
        "trips": TableReport(
            "trips.csv",
            "CSV, UTF-8",
            "ab" * 32,
            5010,
            5000,
            left_out={"minutes: not a number": 10},
            set_missing={"load_t": {"'n/a'": 3}},
            missing={"hour": 2},
            duplicates=1,
            notes=("a byte-order mark was skipped",),
        )
    }


@pytest.fixture(name="mixed_law", scope="session")
def _mixed_law() -> Formula:
    return mixed_law()


@pytest.fixture(name="routing", scope="session")
def _routing() -> Callable[..., RoutingProblem]:
    return routing


@pytest.fixture(name="solved", scope="session")
def _solved() -> Callable[..., Result]:
    return solved


MakeRun = Callable[..., Any]


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """Return a function that makes a run; keywords replace parts of it."""

    def make(
        problem: RoutingProblem | None = None, routes: list[list[str]] | None = None, **parts: Any
    ) -> FakeRun:
        problem = problem or routing()
        names = [client.name for client in problem.clients]
        result = parts.pop("result", None) or solved(problem, routes or [names[:6], names[6:]])
        effects = pd.DataFrame(
            {"feature": ["distance_km", "hour"], "lowest_effect": [-12.5, -1.0], "importance": [0.9, 0.1]}
        )
        laws = {
            "travel_time": Law("travel_time", travel_time(), effects, network_diagram(), seconds=6.2),
            "fuel_cost": Law("fuel_cost", fuel_cost(), note="written by hand"),
        }
        scenario = FakeScenario("A small city", "Made for a test.")
        run = FakeRun(
            scenario=scenario,
            laws=laws,
            problem=problem,
            result=result,
            explanation=explain(result),
            today=evaluate(problem, [names[:4], names[4:8], names[8:]]),
            tables=read_tables(),
            provenance={"scenario": "A small city", "seed": "7", "kanopt": "0.1.0"},
        )
        return replace(run, **parts)

    return make


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the label of each picture in its place: where words are looked at, drawing takes most of the time."""

    def labelled(draw: object, *, label: str, **how: object) -> str:
        return f'<svg aria-label="{html.escape(label)}"></svg>'

    monkeypatch.setattr("kanopt.pages.svg.to_svg", labelled)
