"""Tornados and switch points: closed forms, a fine grid, every set of sites, rules that are reached, and noise."""

import itertools
import math
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest

from kanopt.plans.base import told_elsewhere
from kanopt.plans.result import evaluate
from kanopt.questions import factors, grid
from kanopt.questions.question import SweepOptions
from kanopt.questions.sweep import tornado
from kanopt.questions.switch_points import switch_points
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import PRICE, choice
from tests.cases.scenario_files import DEMAND, one_market, random_network, written
from tests.cases.supply import cost_of

QUICK = SweepOptions(time_limit=0.5)


AXES = {
    "vehicles.fuel_price": (1.0, 2.0),
    "vehicles.fixed_cost": factors(0.5, 3.0, 2),
    "surrogates.litres": factors(0.9, 1.1, 2),
}


def test_effects_are_those_of_scenarios_made_by_hand(shared_tiny):
    scenario = load_scenario(shared_tiny)
    found = tornado(scenario, AXES, plan="today")
    base, plan = found.base.objective, found.base.plan
    made = {
        "vehicles.fuel_price": [scenario.set("vehicles.fuel_price", one) for one in (1.0, 2.0)],
        "vehicles.fixed_cost ×": [scenario.scale("vehicles.fixed_cost", one) for one in (0.5, 3.0)],
        "surrogates.litres ×": [scenario.scale("surrogates.litres", one) for one in (0.9, 1.1)],
    }
    frame = found.frame.set_index("path")
    assert sorted(frame.index) == sorted(made)
    for path, scenarios in made.items():
        expected = [evaluate(one.build(one.formulas({})), plan).objective - base for one in scenarios]
        assert frame.loc[path, ["low_effect", "high_effect"]].tolist() == pytest.approx(expected, rel=1e-9)
    assert found.frame["swing"].is_monotonic_decreasing
    assert (found.frame["noise"] == 0).all()
    assert (found.frame["verdict"] == "moves the price").all()


def test_proved_plans_have_no_noise(tmp_path):
    # by road 250 km, by rail 480 at once: from 1.2 to 3 EUR a km the price goes from 300 to 480, and is 400 as it is
    scenario = choice(tmp_path, "250 * price * (1 - n) + 480 * n", price=1.6, high=1)
    found = tornado(scenario, {PRICE: (1.2, 3.0)}, options=QUICK)
    row = found.frame.iloc[0]
    effects = row[["low_effect", "high_effect", "kept_low", "kept_high", "swing", "kept_swing"]].tolist()
    assert effects == pytest.approx([-100, 80, -100, 350, 180, 450], abs=1e-3)
    assert row["noise"] == 0


@pytest.mark.slow
def test_what_is_left_out_is_not_compared(shared_tiny):
    axes = {"vehicles.capacity": factors(0.3, 1.0, 2), "vehicles.fuel_price": (1.0, 2.0)}
    found = tornado(load_scenario(shared_tiny), axes, options=QUICK)
    row = found.frame.iloc[0]
    assert (row["path"], row["verdict"], row["low_status"]) == (
        "vehicles.capacity ×",
        "not like with like",
        "partial",
    )
    assert np.isnan(row["low_effect"])
    refused = tornado(load_scenario(shared_tiny), {"clients[name=north].ready_h": (8.0, 20.0)}, plan="today")
    assert refused.frame["verdict"].tolist() == ["no plan"]


def test_a_chart_has_a_bar_for_each_input(shared_tiny):
    from matplotlib.figure import Figure

    found = tornado(load_scenario(shared_tiny), AXES, plan="today")
    given = Figure().subplots()
    ax = found.plot(ax=given)
    assert ax is given
    ends = sorted(bar.get_width() for bar in ax.patches)
    assert ends == pytest.approx(sorted([*found.frame["low_effect"], *found.frame["high_effect"]]))
    assert ax.yaxis_inverted()  # the first stands on top
    assert [label.get_text() for label in ax.get_yticklabels()] == found.frame["path"].tolist()


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
    assert len(found.points) in (2, 3)
    assert "stopped it before the end" in found.text()
    assert "not narrowed down" in set(found.frame["verdict"])


PROVED = SweepOptions(time_limit=5.0)


@pytest.mark.slow
def test_sites_give_way_where_arithmetic_says(tmp_path):
    found = switch_points(
        one_market(tmp_path), {DEMAND: factors(0.2, 6.0, 3)}, most_solves=12, options=PROVED
    )
    told = found.frame.groupby(["decision", "above"])["switch_point"].agg(list)
    assert set(found.frame["verdict"]) == {"known"}
    # unmet 9 d, by north 30 + 2 d up to 20 t, then 70 + 9 (d - 20), by south 90 + 1.5 d; d is 10 t times the factor
    assert told["north", "in use"] == pytest.approx([3 / 7], abs=1e-5)
    assert told["south", "in use"] == pytest.approx([20 / 7.5], abs=1e-5)
    assert told["shortage", "nothing"] == pytest.approx([3 / 7, 20 / 7.5], abs=1e-5)
    assert set(found.frame["edge"]) == {""}
    # the flows of one plan to the tolerance
    assert told["shortage", "paid"] == pytest.approx([2.0], abs=0.001 * 5.8)


@pytest.mark.slow
def test_sites_in_use_are_those_of_trying_every_set(tmp_path):
    scenario = random_network(tmp_path, seed=2)
    axis, ends = {DEMAND: factors(0.3, 2.5, 3)}, (0.3, 2.5)
    frame = switch_points(scenario, axis, decisions="in use", options=PROVED).frame
    assert set(frame["verdict"]) <= {"known"}
    frame = frame[frame["kind"] == "in use"]
    first = scenario.scale(DEMAND, ends[0]).run(time_limit=5).result.assessment.in_use.names
    sets = list(itertools.product((False, True), repeat=3))
    for factor in np.linspace(*ends, 11):
        passed = frame[frame["switch_point"] <= factor]
        if np.abs(frame["switch_point"] - factor).min() < 0.002 * (ends[1] - ends[0]):
            continue
        in_use = {name: name in first for name in ("f0", "f1", "f2")}
        in_use |= {row.decision: row.above == "in use" for row in passed.itertuples()}
        changed = scenario.scale(DEMAND, factor)
        problem = changed.build(changed.formulas({}))
        costs = {
            opened: cost_of(
                _with_array(problem), np.repeat(np.array(opened)[:, None], len(problem.network.periods), 1)
            )
            for opened in sets
        }
        best = min(cost for cost in costs.values() if math.isfinite(cost))
        assert costs[tuple(in_use.values())] == pytest.approx(best, rel=1e-6)


def _with_array(problem):
    """Return a problem whose tariff is the array that a linear programme written from scratch reads."""
    with told_elsewhere():
        return replace(problem, tariff=np.array(problem.lane_tariff.rates))


def test_a_schedule_is_carried_over_in_its_order(tmp_path):
    tables = {
        "jobs": "name,due_date\nA,1000\n",
        "tasks": "name,job,order,size\na1,A,1,5\na2,A,2,5\n",
        "machines": "name\nfast\nslow\n",
        "modes": "task,machine,energy,pace\na1,fast,10,1\na2,fast,10,1\na1,slow,0,2\na2,slow,0,2\n",
        "power_price": "start,price\n0,1\n",
    }
    laws = '[surrogates.minutes]\nformula = "pace * size"\ninputs = { pace = "", size = "" }\nunit = "min"'
    problem = 'makespan_cost = 1.0\nhorizon = 500\nduration = { law = "minutes" }\n'
    bound = 'bind = { pace = "mode.pace", size = "task.size" }'
    scenario = written(tmp_path, "scheduling", tables, laws=laws, problem=problem + bound)
    found = switch_points(scenario, {"tasks.size": factors(1.0, 3.5, 2)}, options=PROVED)
    # a task on the fast machine takes as long as it is large, and 10 EUR more; on the slow one twice as long
    assert found.frame["switch_point"].unique() == pytest.approx([2.0], abs=1e-4)
    assert len(found.points) <= 5
