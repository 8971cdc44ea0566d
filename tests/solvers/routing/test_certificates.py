"""The certificate of a plan holds, and what fits the whole numbers keeps the rules of the law."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks._random_formulas import random_law
from benchmarks._random_plans import random_plan, random_routing


@pytest.mark.parametrize("seed", range(20))
def test_plans_priced_by_random_formulas_are_within_their_certificates(seed: int) -> None:
    rng = np.random.default_rng((1, seed))
    integers = random_routing(rng, random_law(rng))
    driven = 0
    for _ in range(10):
        ways = random_plan(rng, integers)
        plan = integers.plan(ways)
        price = integers.problem.price(plan).objective
        noise = 1e-12 * max(1.0, abs(price))
        seen = integers.money.to_float(integers.objective(ways))
        assert abs(seen - price) <= integers.rounding_bound(ways) + noise
        check = integers.problem.check(plan)
        assert check.ok or check.only_unserved
        driven += sum(map(len, ways))
    assert driven > 10


def test_the_bound_is_that_of_the_plan() -> None:
    rng = np.random.default_rng(5)
    integers = random_routing(rng, random_law(rng))
    empty: list[list[int]] = [[] for _ in integers.fleet]
    one = [[integers.depots], *empty[1:]]
    assert integers.rounding_bound(empty) <= integers.rounding_bound(one)
