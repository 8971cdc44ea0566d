"""Flows of draws and sites of samples, beside linear programmes written from scratch and every set of sites."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems.supply import Facility, Product, SupplyProblem
from kanopt.refs import state
from kanopt.solvers.highs import HighsOptions
from kanopt.solvers.solve import solve
from kanopt.solvers.supply.recourse import flows_anew, paid_rates
from kanopt.solvers.supply.sample_average import every_site_open, sites_of_samples
from tests.cases.supply import cost_of, random_problem, small


def drawn(problem: SupplyProblem, count: int, seed: int) -> np.ndarray:
    """Return some demands of the cells that want anything."""
    mean = problem.demand_array[problem.demand_array > 0]
    return np.asarray(mean * np.random.default_rng(seed).lognormal(0.0, 0.5, (count, len(mean))))


def sampled(problem: SupplyProblem, amounts: np.ndarray) -> SupplyProblem:
    demand = np.zeros_like(problem.demand_array)
    demand[problem.demand_array > 0] = amounts
    return problem.with_demand(demand)


def every_choice(problem: SupplyProblem) -> list[np.ndarray]:
    """Return every set of open sites, shape (F, T) each."""
    network, found = problem.network, []
    for site in network.facilities:
        choices = list(itertools.product((False, True), repeat=len(network.periods)))
        if not site.period_cost:
            choices = [choices[0], choices[-1]]
        allowed = {"open": [choices[-1]], "closed": [choices[0]], "free": choices}
        found.append(allowed[site.status])
    return [np.array(opened) for opened in itertools.product(*found)]


@pytest.mark.parametrize("seed", range(6))
def test_the_flows_of_each_draw_cost_the_optimum_of_its_linear_programme(seed):
    problem = random_problem(seed)
    choices = every_choice(problem)
    opened = choices[seed % len(choices)]
    demand = drawn(problem, 4, seed)
    found = flows_anew(problem, opened, demand, with_flows=True)
    for draw, amounts in enumerate(demand):
        sample = sampled(problem, amounts)
        assert found.drawn.cost[draw] == pytest.approx(cost_of(sample, opened), rel=1e-7)
        assert found.flows is not None
        assessment = sample.assess(sample.plan_of(found.flows[draw], opened))
        assert assessment.check.ok, str(assessment.check)
        assert assessment.pricing.objective == pytest.approx(found.drawn.cost[draw], rel=1e-7)
        np.testing.assert_allclose(
            assessment.simulation.shortage[problem.demand_array > 0], found.drawn.shortage[draw], atol=1e-5
        )


@pytest.mark.parametrize("seed", [3, 5])
def test_where_not_all_can_be_delivered_the_least_is_left_out_and_then_the_cheapest_way(seed):
    problem = random_problem(seed, mandatory=True)
    demand, opened = 2.0 * drawn(problem, 3, seed), every_site_open(problem)
    found = flows_anew(problem, opened, demand)
    assert found.least.max() > 1.0
    dear = 1e5  # so dear that as little as possible is missing
    products = [replace(each, shortage_cost=each.shortage_cost or dear) for each in problem.products]
    for draw, amounts in enumerate(demand):
        whole = cost_of(sampled(replace(problem, products=products), amounts), opened)
        assert whole == pytest.approx(found.drawn.cost[draw] + dear * found.least[draw], rel=1e-7)
    must = np.array([True, False])
    assert found.drawn.fails(must).tolist() == (found.least > 1e-6).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_the_sites_of_a_sample_are_those_of_trying_every_set(seed):
    problem = random_problem(seed)
    demand = drawn(problem, 3, seed)
    found = sites_of_samples(problem, demand, HighsOptions(time_limit=20.0))
    samples = [sampled(problem, amounts) for amounts in demand]
    choices = every_choice(problem)
    means = [np.mean([cost_of(sample, opened) for sample in samples]) for opened in choices]
    assert found.proved
    assert found.objective == pytest.approx(min(means), rel=2e-6)
    assert found.bound is not None
    assert found.bound <= min(means) + 1e-6
    assert found.opened is not None
    chosen = [place for place, opened in enumerate(choices) if (opened == found.opened).all()]
    assert means[chosen[0]] == pytest.approx(min(means), rel=2e-6)


def test_a_sample_that_no_sites_can_serve_leaves_out_no_more_than_it_has_to():
    problem = small(products=[Product("flour")])  # the sites let 80 pass in each period, the mill sells 50
    cells = problem.demand_array > 0
    demand = np.array([[10.0, 30.0, 10.0, 10.0], [10.0, 90.0, 10.0, 10.0]])
    found = sites_of_samples(problem, demand, HighsOptions(time_limit=20.0))
    assert found.opened is not None
    again = flows_anew(problem, found.opened, demand)
    assert again.least.tolist() == [
        0.0,
        pytest.approx(flows_anew(problem, every_site_open(problem), demand).least[1]),
    ]
    assert again.least[1] > 1.0
    assert found.objective == pytest.approx(again.drawn.cost.mean())
    assert cells.sum() == 4


def test_a_tariff_that_reads_the_flow_is_paid_on_the_law():
    law = parse_formula("4 + 2 * q ^ 0.5", [Variable("q", "t")], Variable("cost", "EUR"))
    problem = small(
        tariff=law.bind(q=state.quantity),
        planning={"state.quantity": 10.0},
        facilities=[Facility("north", fixed_cost=30.0, capacity=90.0), Facility("south", fixed_cost=500.0)],
    )
    result = solve(problem, time_limit=5.0)
    demand, opened = drawn(problem, 3, 1), result.assessment.simulation.open
    rates = paid_rates(result.assessment)
    found = flows_anew(problem, opened, demand, rates=rates, with_flows=True)
    for draw, amounts in enumerate(demand):
        sample = sampled(problem, amounts)
        assert found.flows is not None
        price = sample.price(sample.plan_of(found.flows[draw], opened)).objective
        assert found.drawn.cost[draw] == pytest.approx(price, rel=1e-9)
