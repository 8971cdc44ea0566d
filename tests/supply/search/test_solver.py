"""HiGHS on supply problems, beside an enumeration of open sites with scipy's linear programmes."""

from __future__ import annotations

import itertools
import math
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from kanopt import SupplyProblem
from kanopt.engines.base import SolveOptions, Termination
from kanopt.engines.highs import (
    HighsOptions,
    MixedIntegerModel,
    run_highs,
)
from kanopt.engines.solve import solve
from kanopt.errors import ProblemError, SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.interrupt import Interrupt
from kanopt.plans.result import Status
from kanopt.refs import lane, state
from kanopt.supply import Facility, FlowPlan, Lane, Market, Period, Product, Supplier
from kanopt.supply.search.solver import HighsSupply, flows_through_sites
from kanopt.supply.spare_capacity import first_plan
from kanopt.worker import WorkerEnd
from tests.cases.supply import best_cover, best_of_all, cost_of, random_problem, small, two_sites_each


@pytest.mark.parametrize("seed", range(7))
def test_the_optimum_is_that_of_enumeration(seed):
    problem = random_problem(seed)
    result = solve(problem, time_limit=20.0)
    truth = best_of_all(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(truth, rel=2e-6)
    assert result.bound is not None
    assert result.bound <= truth + 1e-6
    assert result.check.ok, str(result.check)
    assert result.certificate is not None
    assert result.certificate.holds
    assert result.certificate.rounding_bound < 1e-3
    assert result.history[-1].objective == pytest.approx(result.objective)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_there_at_first_is_used_as_enumeration_does(seed):
    whole, r = random_problem(seed), np.random.default_rng(seed)
    offers = {s.name: s for s in whole.suppliers if s.product in ("", "p0")}
    lanes = [k for k, way in enumerate(whole.lanes) if way.tail[0] == "f" or way.tail in offers]
    problem = SupplyProblem(
        suppliers=list(offers.values()),
        facilities=[replace(f, initial_stock=float(r.integers(0, 30))) for f in whole.facilities],
        markets=list(whole.markets),
        products=[Product("p0", 1.0, 40.0 if seed % 2 else None)],
        periods=list(whole.periods),
        lanes=[whole.lanes[k] for k in lanes],
        tariff=whole.tariff[lanes][:, :1],
        demand=whole.demand[:, :1],
    )
    truth = best_of_all(problem)
    if math.isinf(truth):
        assert solve(problem, time_limit=20.0).status is not Status.OPTIMAL
        return
    result = solve(problem, time_limit=20.0)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(truth, rel=2e-6)
    assert result.bound <= truth + 1e-6
    assert result.check.ok, str(result.check)


def test_a_stock_at_first_is_of_one_product():
    problem = random_problem(0)
    stocked = [replace(f, initial_stock=2.0) for f in problem.facilities]
    with pytest.raises(ProblemError, match=r"initial_stock of 'f0'.*not said"):
        replace(problem, facilities=stocked)


@pytest.mark.parametrize("has_site", [False, True])
def test_three_suppliers_deliver_where_there_are_fewer_facilities_than_suppliers(has_site):
    rates = np.array([[4.0, 9.0], [6.0, 5.0], [8.0, 7.0]])
    offered, wanted = np.full(3, 60.0), np.array([80.0, 70.0])
    lanes = [
        Lane(tail, head, attributes={"rate": float(rates[i, j])})
        for i, tail in enumerate("abc")
        for j, head in enumerate("xy")
    ]
    by_site = [
        Lane("c", "f", attributes={"rate": 1.0}),
        *(Lane("f", m, attributes={"rate": 1.0}) for m in "xy"),
    ]
    problem = SupplyProblem(
        suppliers=[Supplier(name, capacity=60.0) for name in "abc"],
        facilities=[Facility("f", fixed_cost=10.0, capacity=50.0)] if has_site else [],
        markets=[Market("x"), Market("y")],
        products=[Product("goods")],
        periods=[Period("now")],
        lanes=lanes + by_site * has_site,
        tariff=lane.rate,
        demand=wanted.reshape(-1, 1, 1),
    )
    result = solve(problem, time_limit=10.0)

    def cheapest(through: float) -> float:
        """Return the cost with so much at most through the site, as a row of its own beside the suppliers."""
        cost = np.vstack([rates, [2.0, 2.0]]).ravel()
        into = np.kron(np.ones(4), np.eye(2))
        out = np.kron(np.eye(4), np.ones(2))
        limits = np.vstack([out, out[2] + out[3]])  # what goes through the site comes from c
        most = np.concatenate([offered, [through], offered[2:]])
        return float(linprog(cost, A_ub=limits, b_ub=most, A_eq=into, b_eq=wanted).fun)

    truth = min(cheapest(0.0), cheapest(50.0) + 10.0 if has_site else np.inf)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(truth, rel=1e-6)


def located(capacity: float, fixed: np.ndarray, demand: np.ndarray, cost: np.ndarray) -> SupplyProblem:
    """Return a capacitated facility location problem: cost of all of a customer's demand, shape (sites, customers)."""
    sites, customers = cost.shape
    lanes = [Lane("plant", f"w{i}", attributes={"rate": 0.0}) for i in range(sites)]
    rates = np.ndenumerate(cost / demand)
    lanes += [Lane(f"w{i}", f"c{j}", attributes={"rate": float(rate)}) for (i, j), rate in rates]
    return SupplyProblem(
        suppliers=[Supplier("plant")],
        facilities=[Facility(f"w{i}", fixed_cost=float(fixed[i]), capacity=capacity) for i in range(sites)],
        markets=[Market(f"c{j}") for j in range(customers)],
        products=[Product("goods")],
        periods=[Period("1")],
        lanes=lanes,
        tariff=lane.rate,
        demand=demand.reshape(-1, 1, 1),
    )


def shipment_law(text: str) -> SupplyProblem:
    """Return the small problem with a tariff per shipment of a quantity over a distance."""
    inputs = [Variable("km", "km", low=0), Variable("t", "t", low=0)]
    law = parse_formula(text, inputs, Variable("cost", "EUR"), per="shipment")
    bound = law.bind(km=lane.distance, t=state.quantity)
    return small(tariff=bound, planning={"state.quantity": 10.0})


def test_a_tariff_that_has_no_pieces_is_frozen_for_the_solver_and_paid_in_full_by_the_plan():
    # at a shipment of nothing the logarithm has no value
    problem = shipment_law("8 + 0.2 * km * t ^ 0.5 + 0.001 * log(t)")
    result = solve(problem, time_limit=20.0)
    certificate = result.certificate
    assert certificate is not None
    assert certificate.holds
    frame = result.to_frame()
    km = {(one.tail, one.head): one.distance for one in problem.network.lanes}
    distance = np.array([km[pair] for pair in zip(frame["tail"], frame["head"], strict=True)])
    quantity = frame["quantity"].to_numpy()
    law = (8 + 0.2 * distance * quantity**0.5 + 0.001 * np.log(quantity)).sum()
    frozen = ((8 + 0.2 * distance * 10**0.5 + 0.001 * np.log(10)) / 10 * quantity).sum()
    assert certificate.frozen_input_error == pytest.approx(law - frozen)
    assert abs(certificate.frozen_input_error) > 1.0
    assert (result.status, result.bound) == (Status.FEASIBLE, None)
    assert [one.reference for one in certificate.frozen] == ["state.quantity"]
    assert "10 t" in str(certificate)


def test_a_tariff_of_the_flow_is_decided_on_in_pieces_and_nothing_is_frozen():
    problem = shipment_law("8 + 0.2 * km * t ^ 0.5")
    result = solve(problem, time_limit=20.0)
    certificate = result.certificate
    assert certificate is not None
    assert certificate.holds
    assert certificate.frozen == ()
    assert certificate.frozen_input_error == 0.0
    assert result.status is Status.FEASIBLE
    assert result.objective * 0.995 <= result.bound <= result.objective
    assert "straight pieces" in str(result)


def test_demand_that_must_be_met_and_cannot_be_leaves_out_the_least():
    problem = small(
        products=[Product("flour")], suppliers=[Supplier("mill", "flour", capacity=25.0, unit_cost=2.0)]
    )
    result = solve(problem, time_limit=20.0)
    # 50 t can be bought for 60 t wanted; ten must be missing, and nothing of it is paid for
    assert result.status is Status.PARTIAL
    assert result.check.only_unserved
    assert sum(v.amount for v in result.check.violations) == pytest.approx(10.0, abs=1e-4)
    assert "at least 10 t" in result.message
    assert result.bound is None
    assert result.certificate is not None
    assert result.certificate.holds
    assert "shortage" not in result.pricing.terms()
    assert any(
        "suppliers can sell 10 t" in reason.message and reason.proved for reason in problem.reasons(None)
    )


@pytest.mark.parametrize("seed", range(4))
def test_where_something_stays_short_the_cheapest_of_the_plans_that_miss_least_is_found(seed):
    amount, km = Variable("amount", "t", low=0), Variable("km", "km", low=0)
    text = "max(0.5 * km, 0.1 * km * amount)"
    tariff = parse_formula(text, [amount, km], Variable("freight", "EUR"), per="shipment")
    rng, wanted = np.random.default_rng(seed), {"A": 18.0, "B": 7.0, "C": 5.0}
    far = {name: float(rng.integers(20, 300)) for name in wanted}
    offered = float(rng.integers(9, 29))
    problem = SupplyProblem(
        suppliers=[Supplier("mill", "flour", unit_cost=2.0)],
        facilities=[Facility("hub", capacity=offered, fixed_cost=10.0)],
        markets=[Market(name) for name in wanted],
        products=[Product("flour")],
        periods=[Period("1")],
        lanes=[Lane("mill", "hub", distance=10.0)]
        + [Lane("hub", name, distance=far[name]) for name in wanted],
        tariff=tariff.bind(amount=state.quantity, km=lane.distance),
        demand=pd.DataFrame(
            {"market": list(wanted), "product": "flour", "period": "1", "demand": wanted.values()}
        ),
        planning={"state.quantity": 8.0},
    )
    grid = np.arange(0.0, 18.5, 0.5)
    pay = {name: np.where(grid > 0, far[name] * np.maximum(0.5, 0.1 * grid), 0.0) for name in wanted}
    best = min(
        sum(pay[name][place] for name, place in zip(wanted, places, strict=True))
        for places in itertools.product(*(range(int(2 * amount) + 1) for amount in wanted.values()))
        if grid[list(places)].sum() == offered
    )
    before = 2.0 * offered + 10.0 + max(5.0, offered)
    assert solve(problem, time_limit=5).objective == pytest.approx(best + before, rel=1e-5)


@pytest.mark.parametrize("seed", [1, 3, 5, 11])
def test_mandatory_products_too(seed):
    problem = random_problem(seed, mandatory=True)
    result = solve(problem, time_limit=20.0)
    truth = best_of_all(problem)
    if np.isinf(truth):
        assert result.status is Status.PARTIAL
        assert result.check.only_unserved
    else:
        assert result.objective == pytest.approx(truth, rel=2e-6)


@pytest.mark.parametrize("seed", range(12))
def test_where_all_demand_must_be_met_the_optimum_of_enumeration_is_proved(seed):
    problem = two_sites_each(seed)
    result = solve(problem, time_limit=20.0)
    truth = best_cover(problem)
    assert (result.status, result.message) == (Status.OPTIMAL, "")
    assert result.check.ok, str(result.check)
    assert result.objective == pytest.approx(truth, abs=1e-6)
    assert truth * (1 - 2e-6) <= result.bound <= truth


def test_a_plan_to_start_from_is_the_first_incumbent_and_the_answer_when_time_is_out():
    problem = random_problem(2)
    first = solve(problem, time_limit=20.0)
    again = solve(problem, time_limit=20.0, initial=first.plan)
    assert again.history[0].objective == pytest.approx(first.objective)
    at_once = HighsSupply().solve(problem, SolveOptions(time_limit=0.0, initial=first.plan))
    assert at_once.status is Status.FEASIBLE
    assert at_once.objective == pytest.approx(first.objective)
    assert problem.price(at_once.plan).objective == pytest.approx(first.objective)
    dearer = replace(problem, demand=problem.demand_array + 1.0)
    empty = FlowPlan((), first.plan.open)
    other = HighsSupply().solve(dearer, SolveOptions(time_limit=0.0, initial=empty))
    assert other.objective <= dearer.price(empty).objective


def test_a_plan_made_for_other_data_starts_with_what_is_known_here():
    problem = small()
    plan = solve(problem, time_limit=20.0).plan
    fewer = replace(problem, lanes=[one for one in problem.lanes if one.head != "Nice"], tariff=1.0)
    result = solve(fewer, time_limit=20.0, initial=plan)
    assert result.status is Status.OPTIMAL
    assert set(result.to_frame()["head"]) == {"north", "Lyon"}


def test_ctrl_c_keeps_the_best_plan_so_far():
    r = np.random.default_rng(0)
    demand = r.uniform(5, 30, 60)
    problem = located(float(demand.sum() / 6), r.uniform(300, 900, 20), demand, r.uniform(50, 900, (20, 60)))
    seen = []

    def press(step):
        seen.append(step.objective)
        signal.raise_signal(signal.SIGINT)

    result = solve(problem, time_limit=60.0, progress=press)
    assert result.interrupted
    assert len(seen) == 1
    assert result.status is Status.FEASIBLE
    assert result.check.ok, str(result.check)
    assert result.objective == pytest.approx(seen[0], rel=1e-6)
    assert "stopped by the user" in str(result)


def test_ctrl_c_before_highs_finds_anything_keeps_the_first_plan(monkeypatch):
    monkeypatch.setattr("kanopt.engines.highs.run_worker", lambda *_, **__: WorkerEnd())
    with Interrupt() as stop:
        stop.ask()
        outcome = HighsSupply().solve(small(), SolveOptions())
    assert (outcome.status, outcome.interrupted) == (Status.FEASIBLE, True)
    assert outcome.plan == first_plan(small())


def two_variables(**changes) -> MixedIntegerModel:
    one = np.ones(2)
    ends, rows = (
        (0 * one, 2 * one),
        (np.array([0, 0]), np.array([0, 1]), one, np.array([2.5]), np.array([np.inf])),
    )
    return replace(MixedIntegerModel(np.array([1.0, 3.0]), *ends, one > 0, *rows), **changes)


@pytest.mark.parametrize(
    "changes",
    [{"row_lower": np.array([9.0])}, {"lower": np.array([0.4, 0.0]), "upper": np.array([0.6, 2.0])}],
    ids=["rows", "whole numbers"],
)
def test_of_an_infeasible_model_no_bound_is_claimed(changes):
    answer = run_highs(two_variables(**changes), HighsOptions())
    assert (answer.termination, answer.values, answer.bound) == (Termination.INFEASIBLE, None, None)


@pytest.mark.parametrize(
    ("changes", "hint", "message"),
    [
        ({"cost": np.array([np.nan, 3.0])}, None, "cost .* not a number at position 0"),
        ({"values": np.array([1.0, np.nan])}, None, "values .* not a number at position 1"),
        ({}, np.array([np.nan, 1.0]), "hint .* not a number at position 0"),
        ({"lower": np.array([0.0, 3.0])}, None, "variable 1 .* lower bound of 3 above"),
        ({"row_upper": np.array([2.0])}, None, "row 0 .* lower bound of 2.5 above"),
        ({"columns": np.array([0, 7])}, None, "HiGHS failed"),
    ],
)
def test_what_highs_would_take_without_a_word_is_refused(changes, hint, message):
    with pytest.raises(SolverError, match=message):
        run_highs(two_variables(**changes), HighsOptions(hint=hint))


def test_a_run_that_ignores_its_limit_is_ended(monkeypatch, tmp_path):
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr("kanopt.engines.highs._SCRIPT", sleeper)
    monkeypatch.setattr("kanopt.engines.highs.GRACE", 0.3)
    answer = run_highs(two_variables(), HighsOptions(time_limit=0.0))
    assert (answer.termination, answer.values) == (Termination.LIMIT, None)


@pytest.mark.parametrize("first", ["highspy", "ortools.math_opt.core.python.solver"])
def test_highspy_and_the_highs_inside_ortools_bear_each_other(first):
    code = (
        f"import {first}\n"
        "import highspy\n"
        "from ortools.math_opt.python import mathopt\n"
        "model = mathopt.Model()\n"
        "x = model.add_integer_variable(lb=0.0, ub=2.5)\n"
        "model.maximize(x)\n"
        "solved = mathopt.solve(model, mathopt.SolverType.HIGHS)\n"
        "highs = highspy.Highs()\n"
        "highs.setOptionValue('output_flag', False)\n"
        "y = highs.addIntegral(lb=0.0, ub=3.5)\n"
        "highs.maximize(y)\n"
        "assert (solved.objective_value(), highs.getInfo().objective_function_value) == (2.0, 3.0)"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_nothing_but_the_callers_words_reaches_standard_output():
    code = (
        "from tests.cases.supply import random_problem\n"
        "from kanopt.engines.solve import solve\n"
        "print(solve(random_problem(1)).objective)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 0
    assert done.stderr == ""


def test_demand_missed_by_less_than_the_tolerance_is_met():
    given = small(
        products=[Product("flour")],
        facilities=[Facility("north", capacity=40.0), Facility("south", status="closed")],
        lanes=[Lane("mill", "north"), Lane("north", "Lyon"), Lane("north", "Nice")],
        tariff=1.0,
        demand=np.array([[[10.0, 30.0]], [[10.0, 10.00000001]]]),
    )
    found = solve(given)
    assert found.status is Status.FEASIBLE
    assert found.check.ok
    assert "within the tolerance" in found.message


def test_without_time_there_is_a_plan_all_the_same():
    outcome = HighsSupply().solve(small(), SolveOptions(time_limit=1e-9))
    assert (outcome.status, outcome.plan, outcome.bound) == (Status.FEASIBLE, first_plan(small()), None)


@pytest.mark.parametrize("mandatory", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_flows_cost_what_a_linear_programme_says(seed, mandatory):
    problem = random_problem(seed, mandatory=mandatory)
    network = problem.network
    for chosen in itertools.product((False, True), repeat=len(network.facilities)):
        opened = np.repeat(np.array(chosen)[:, None], len(network.periods), axis=1)
        pairs = [
            (network.names["facility"][site], network.names["period"][when])
            for site, when in np.argwhere(opened)
        ]
        plan = flows_through_sites(problem, pairs, None)
        if np.any(network.has_status("open") & ~opened[:, 0]) or np.any(
            network.has_status("closed") & opened[:, 0]
        ):
            assert plan is None
            continue
        cost = cost_of(problem, opened)
        assert set(plan.open) == set(pairs)
        if math.isfinite(cost):
            assert problem.check(plan).ok
            assert problem.price(plan).objective == pytest.approx(cost, rel=1e-6, abs=1e-6)
        else:
            assert problem.check(plan).only_unserved
            dear = [replace(each, shortage_cost=each.shortage_cost or 1e9) for each in problem.products]
            least = cost_of(replace(problem, products=dear), opened) / 1e9  # all else is small beside it
            assert sum(one.amount for one in problem.check(plan).violations) == pytest.approx(
                least, rel=1e-5, abs=1e-4
            )


def test_whole_decisions_mean_the_same_at_other_demand():
    problem, other = random_problem(2), random_problem(2)
    object.__setattr__(other, "demand_array", 0.5 * problem.demand_array)
    solver, plan = HighsSupply(), FlowPlan((), (("f0", "1"), ("f0", "2")))
    whole = solver.whole_decisions(problem, plan)
    found = solver.with_quantities(other, whole, SolveOptions())
    assert found.open == plan.open
    assert other.price(found).objective == pytest.approx(
        cost_of(other, np.array([[True, True], *[[False, False]] * (len(problem.network.facilities) - 1)]))
    )
