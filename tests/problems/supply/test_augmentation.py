"""First plans made without a solver: they break no rule, and serve what can be served."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.problems.supply import Facility, Lane, Market, Product, Supplier
from kanopt.problems.supply.augmentation import first_plan
from kanopt.solvers.solve import solve
from tests.cases.supply import random_problem, small


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), mandatory=st.booleans())
def test_a_first_plan_breaks_no_rule_but_for_what_it_leaves_out(seed, mandatory):
    problem = random_problem(seed, mandatory=mandatory)
    plan = first_plan(problem)
    check = problem.check(plan)
    assert check.ok or check.only_unserved, str(check)
    assert problem.assess(plan).coverage.served > 0


def test_stock_is_kept_for_what_one_period_cannot_supply():
    problem = small(
        suppliers=[Supplier("mill", "flour", capacity=30.0, unit_cost=2.0)],
        products=[Product("flour")],
        demand=np.array([[[10.0, 38.0]], [[0.0, 0.0]]]),
    )
    plan = first_plan(problem)
    assert problem.check(plan).ok, str(problem.check(plan))
    assert problem.assess(plan).simulation.stock[0, 0, 0] == pytest.approx(8.0)


MUST = [Product("flour")]
DEAR = [Facility("north", fixed_cost=9e4), Facility("south", fixed_cost=9e4)]
NOWHERE = {"lanes": [Lane("mill", "north"), Lane("north", "south")], "tariff": 1.0}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"products": [Product("flour", shortage_cost=0.5)]}, "no way costs less than the shortage"),
        ({"suppliers": [Supplier("mill", "flour", capacity=0.0)]}, "no way with room leads to any of them"),
        (
            {"products": MUST, "suppliers": [Supplier("mill", "flour", capacity=0.0)]},
            "can sell 20 t of flour less",
        ),
        ({"facilities": DEAR}, "was not found to be worth it"),
        ({"products": MUST, **NOWHERE}, "no lane leads from a supplier of flour to Lyon"),
    ],
)
def test_a_plan_that_moves_nothing_says_why_in_its_first_line(changes, why):
    result = solve(small(markets=[Market("Lyon"), Market("Nice")], **changes), time_limit=10.0)
    first, *_ = str(result).splitlines()
    assert "supplies 0 of 60 t" in first
    assert why in first
