"""Switch points: closed forms, a fine grid, edges of laws and rules, and switches that noise hides."""

import signal
import sys

import numpy as np
import pytest

import kanopt as ko
from kanopt.formulas.edges import crossed_edges
from kanopt.questions import SweepOptions, factors, grid, switch_points
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import PRICE, choice

QUICK = SweepOptions(time_limit=0.5)


@pytest.mark.slow
def test_two_plans_of_linear_prices_cross_where_arithmetic_says(tmp_path):
    # by road 250 km at so much a km, by rail 480 at once
    found = switch_points(choice(tmp_path, "250 * price * (1 - n) + 480 * n", high=1), {PRICE: (1.0, 3.0)})
    frame = found.frame
    assert frame["switch_point"].to_numpy() == pytest.approx(np.array([1.92]), abs=2e-6)
    assert frame[["decision", "below", "above", "verdict", "edge"]].to_numpy().tolist() == [
        ["n", "0", "1", "known", ""]
    ]
    assert frame["price_below"].item() == pytest.approx(480, abs=1e-3)
    assert "problem.bind.price from 1.92 on: n: 1 instead of 0" in found.text()


@pytest.mark.slow
def test_switch_points_are_those_of_a_fine_grid(tmp_path):
    scenario = choice(tmp_path, "(n - 3)^2 * 2 + abs(price - 2) * n^1.5 + price")
    found = switch_points(scenario, {PRICE: grid(0.0, 5.0, 3)}, options=QUICK)
    fine = np.linspace(0, 5, 5001)
    prices = np.array([(n - 3) ** 2 * 2 + abs(fine - 2) * n**1.5 + fine for n in range(5)])
    best = prices.argmin(axis=0)
    expected = fine[1:][best[1:] != best[:-1]]
    assert found.frame["switch_point"].to_numpy() == pytest.approx(expected, abs=0.0011)


@pytest.mark.slow
def test_the_edge_of_a_law_is_named(tmp_path):
    # beyond 100 the price of n = 0 leaps from 3 to 5: by a step of nearly no width
    steep = "(1 - n) * (3 + max(0, min(2, 1e9 * (price - 100)))) + 4 * n"
    found = switch_points(choice(tmp_path, steep, high=1), {PRICE: (0.0, 200.0)}, options=QUICK)
    assert found.frame["switch_point"].item() == pytest.approx(100, abs=1e-3)
    assert "the law of cost" in found.frame["edge"].item()
    assert "passes" in found.text()


@pytest.mark.slow
def test_a_rule_that_is_reached_is_named(shared_tiny):
    found = switch_points(
        load_scenario(shared_tiny), {"vehicles[name=van].capacity": factors(0.7, 0.95, 2)}, options=QUICK
    )
    # 2.2 t on two vans are at best 1.1 t and 1.1 t, of 1.2 t
    assert found.frame["switch_point"].unique() == pytest.approx([1.1 / 1.2], abs=1e-5)
    assert found.frame["edge"].iloc[0] == "the plan above breaks a rule below: capacity (van 1 and van 2)"
    vehicles = found.frame[found.frame["kind"] == "in use"].set_index("decision")
    assert vehicles.loc["van", ["below", "above"]].tolist() == ["not in use", "2 vehicles"]
    assert set(found.frame["verdict"]) == {"noise not measured"}


@pytest.mark.slow
def test_routes_tip_where_independent_runs_say(shared_tiny):
    scenario, path = load_scenario(shared_tiny), "vehicles[name=truck].fixed_cost"
    options = SweepOptions(time_limit=0.3, repeats=2)
    found = switch_points(scenario, {path: (10.0, 60.0)}, options=options, decisions="in use")
    truck = scenario.set("vehicles.fixed_cost", 10.0, where={"name": "truck"}).run(time_limit=1)
    vans = scenario.set("vehicles.fixed_cost", 60.0, where={"name": "truck"}).run(time_limit=1)
    expected = 10.0 + vans.result.objective - truck.result.objective
    assert found.frame["switch_point"].unique() == pytest.approx([expected], abs=1e-3)
    assert set(found.frame["kind"]) <= {"in use", "term"}
    assert set(found.frame["verdict"]) == {"known"}


@pytest.mark.slow
def test_a_switch_inside_the_noise_is_told_as_not_known(tmp_path, monkeypatch):
    module = sys.modules["kanopt.questions.point_search"]
    scenario = choice(tmp_path, "250 * price * (1 - n) + 480 * n", high=1)
    solve = module.solve_point

    def noisy(*given):
        from dataclasses import replace

        found = solve(*given)
        return replace(found, status="feasible", searches=(found.objective, found.objective + spread))

    monkeypatch.setattr(module, "solve_point", noisy)
    # 2 EUR are 0.008 of the price of a km on either side; 1,000 EUR are more than the whole range
    spread = 2.0
    narrow = switch_points(scenario, {PRICE: (1.0, 3.0)}, options=QUICK).frame
    assert narrow["verdict"].item() == "known"
    assert narrow[["low", "high"]].to_numpy().ravel() == pytest.approx([1.912, 1.928], abs=1e-4)
    spread = 1000.0
    wide = switch_points(scenario, {PRICE: (1.0, 3.0)}, options=QUICK)
    assert wide.frame["verdict"].item() == "no difference"
    assert wide.frame[["low", "high"]].to_numpy().tolist() == [[1.0, 3.0]]
    assert (
        "somewhere in 1 to 3 (no difference beyond the noise of the search, 1,000.00 EUR): n: 1 instead of 0"
        in wide.text()
    )


def test_ctrl_c_keeps_what_was_found(tmp_path, monkeypatch):
    module = sys.modules["kanopt.questions.point_search"]
    scenario, solve = choice(tmp_path, "n^2 - price * n + 20"), module.solve_point
    asked = []

    def stopped(*given):
        asked.append(given)
        if len(asked) == 3:
            signal.raise_signal(signal.SIGINT)
        return solve(*given)

    monkeypatch.setattr(module, "solve_point", stopped)
    found = switch_points(scenario, {PRICE: (0.2, 7.7)}, options=QUICK)
    assert found.interrupted
    assert len(asked) == 3
    assert found.axes[0].solves in (2, 3)
    assert "STOPPED before the end" in found.text()
    assert "not narrowed down" in set(found.frame["verdict"])


def test_edges_of_laws():
    inputs = [ko.Variable("w", "t"), ko.Variable("km", "km")]
    law = ko.parse_formula("km * max(5, 2 * w) + min(w, 6)", inputs, ko.Variable("fee", "EUR"))
    data = [{"w": np.array([1.0, w]), "km": np.array([1.0, 1.0])} for w in (3.0, 7.0)]
    assert [str(edge) for edge in crossed_edges(law, law, *data)] == ["fee: w passes 6"]
    assert crossed_edges(law, law, data[0], data[0]) == ()
    rate = ko.Step(
        ko.parse_formula("w", inputs[:1], inputs[0]).root, (1.0, 5.0), (90.0, 70.0, 55.0), name="rate"
    )
    stairs = ko.Formula(rate, inputs[:1], ko.Variable("rate", "EUR"))
    assert [str(edge) for edge in crossed_edges(stairs, stairs, {"w": 0.5}, {"w": 6.0})] == [
        "rate: w reaches 1 and 5"
    ]
