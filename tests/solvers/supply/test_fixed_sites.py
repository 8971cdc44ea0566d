"""Flows through sites that are given, against a linear programme written from scratch."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from kanopt.problems.supply import FlowPlan
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.supply.fixed_sites import flows_through_sites
from kanopt.solvers.supply.solver import HighsSupply
from tests.cases.supply import cost_of, random_problem


@pytest.mark.parametrize("mandatory", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_flows_cost_what_a_linear_programme_says(seed, mandatory):
    problem = random_problem(seed, mandatory=mandatory)
    network = problem.network
    for chosen in itertools.product((False, True), repeat=len(network.facilities)):
        opened = np.repeat(np.array(chosen)[:, None], len(network.periods), axis=1)
        pairs = [
            (network.facility_names[site], network.period_names[when]) for site, when in np.argwhere(opened)
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
