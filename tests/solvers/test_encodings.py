"""Which encoding is used, how big it is, and if none fits, why."""

from __future__ import annotations

import numpy as np

import kanopt as ko
from kanopt.engines.base import Encoding
from tests.cases.supply import random_problem as random_supply
from tests.decisions.search.test_highs_pieces import law


def chosen(problem: object) -> Encoding:
    (one,) = (each for each in ko.encodings(problem) if each.chosen)  # type: ignore[arg-type]
    return one


def test_a_decision_problem_is_described_law_by_law() -> None:
    cost = law("km * (v - 40)^2 + sin(v)", ("v", "km"))
    wear = ko.decisions.at_most(law("exp(v / 30)", ("v",), "wear"), 12)
    rules = [wear, ko.decisions.at_least({"v": 1.0}, 30, name="slow")]
    problem = ko.DecisionProblem({"v": (20, 90)}, cost, rules, fixed={"km": 3.0}, tolerance=0.1)
    best = chosen(problem)
    assert "HiGHS" in best.solver
    assert 0 < best.error <= 0.1
    assert best.segments == sum(one.segments for one in best.laws)
    objective, wear, slow = best.laws
    assert (objective.fixed, objective.decided) == (("km",), ("v",))
    assert wear.method == "cuts, no binaries: jointly convex"
    assert slow.method == "a linear row, exact"
    assert "cost(v; km fixed): " in str(best)
    assert str(best).endswith("slow(v): a linear row, exact")


def test_laws_of_other_problems_are_tabulated_or_frozen() -> None:
    supply = chosen(random_supply(1))
    assert supply.name == "laws tabulated before solving, in whole numbers"
    km, load = ko.Variable("km", "km"), ko.Variable("load", "t")
    fuel = ko.parse_formula("0.2 * km * (1 + 0.1 * load)", [km, load], ko.Variable("fuel", "EUR"))
    toll = ko.parse_formula("0.1 * km", [km], ko.Variable("toll", "EUR"))
    way, van = np.array([[0.0, 3.0], [3.0, 0.0]]), ko.routing.VehicleType("van", capacity=2.0)
    bound = fuel.bind(km=ko.refs.arc.distance, load=ko.refs.state.load)
    cost = {"fuel": bound, "toll": toll.bind(km=ko.refs.arc.distance)}
    problem = ko.RoutingProblem(
        [ko.routing.Depot("d")], [ko.routing.Client("a", demand=1.0)], [van], cost, way, way
    )
    routing = chosen(problem)
    assert "search on the law" in routing.solver
    told = {one.law: one for one in routing.laws}
    burnt, paid = (next(one for name, one in told.items() if word in name) for word in ("fuel", "toll"))
    assert "load (state.load) frozen at" in burnt.method
    assert burnt.method.endswith("search on the law: evaluated leg by leg, exact")
    assert (burnt.fixed, burnt.decided) == (("km",), ("load",))
    assert (paid.method, paid.fixed) == ("tabulated before solving", ("km",))
