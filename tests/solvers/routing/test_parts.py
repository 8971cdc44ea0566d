"""Parts of a problem: the same prices and rules as in the whole, and a plan of the whole that only gets better."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

import kanopt as ko
from kanopt.solvers.clock import WorkClock
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.integer_rules import RoutingRules
from kanopt.solvers.routing.integers import lower
from kanopt.solvers.routing.parts import NODE_AXES, part_of
from kanopt.solvers.routing.pyvrp_engine import parts_search
from kanopt.solvers.routing.pyvrp_engine.parts_search import PartsSearch
from kanopt.solvers.routing.savings_start import savings_plan
from tests.cases.routing_variants import VARIANTS, variant
from tests.solvers.routing.test_integers import all_fit, random_ways
from tests.solvers.routing.test_savings_start import town

OF_TYPES = (
    "capacities", "max_distance", "max_duration", "regular", "overtime", "one_way", "reloads", "reload_time",
    "break_table", "backhaul", "longest",
)  # fmt: skip


def test_every_rule_says_which_of_its_axes_are_nodes() -> None:
    assert {*NODE_AXES, *OF_TYPES} == {item.name for item in fields(RoutingRules)}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("longest", "mixed")])
def test_what_a_plan_costs_is_the_sum_over_its_parts(name: str, seed: int) -> None:
    whole = lower(variant(name, seed))
    rng = np.random.default_rng(seed)
    vehicles = sorted(rng.permutation(len(whole.fleet))[: max(1, len(whole.fleet) // 2)].tolist())
    for _ in range(20):
        routes = random_ways(whole, rng)
        if not all_fit(whole, routes):
            continue
        inside = sorted({node for place in vehicles for node in routes[place] if node >= whole.depots})
        part = part_of(whole, inside, vehicles)
        mine = part.routes_of(routes)
        assert all_fit(part.arrays, mine)
        assert part.put_into(routes, mine) == routes
        empty = part.put_into(routes, [[] for _ in vehicles])
        without, with_part = whole.rank(empty), whole.rank(routes)
        alone, nothing = part.arrays.rank(mine), part.arrays.rank([[] for _ in vehicles])
        assert with_part[0] - without[0] == alone[0] - nothing[0]
        assert with_part[1] - without[1] == alone[1] - nothing[1]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_search, "_CLIENTS", 15)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("reloads", [0, 2])
def test_part_after_part_a_plan_of_the_whole_gets_better(reloads: int) -> None:
    problem = town(4, reloads=reloads)
    integers = lower(problem)
    first = integers.rank(savings_plan(integers, lambda: False))
    incumbents = Incumbents(integers, clock=WorkClock())
    search = PartsSearch(integers, incumbents, time_limit=6.0, seed=3, stop_requested=lambda: False)
    search.run(None)
    assert incumbents.best is not None
    assert incumbents.rank == integers.rank(incumbents.best)
    assert incumbents.rank < first
    assert problem.check(integers.plan(incumbents.best)).ok
    assert search.message == f"time limit; {search.parts} parts of about 15 clients"
    assert search.parts > 4


@pytest.mark.usefixtures("small_parts")
def test_the_limit_of_work_is_kept_to_a_step_and_the_same_seed_gives_the_same_plan() -> None:
    integers = lower(town(5))
    plans = []
    for _ in range(2):
        incumbents = Incumbents(integers, clock=WorkClock())
        PartsSearch(integers, incumbents, time_limit=2.5, seed=1, stop_requested=lambda: False).run(None)
        assert 2.4 <= incumbents.seconds <= 2.6
        plans.append(incumbents.best)
    assert plans[0] == plans[1]


@pytest.mark.usefixtures("small_parts")
def test_a_limit_that_is_over_before_there_is_a_plan_still_gives_the_first_one() -> None:
    integers = lower(town(6))
    incumbents = Incumbents(integers, clock=WorkClock())
    search = PartsSearch(integers, incumbents, time_limit=0.0, seed=1, stop_requested=lambda: False)
    search.run(None)
    assert incumbents.rank is not None
    assert incumbents.rank[0] == 0
    assert search.parts == 0


@pytest.mark.usefixtures("small_parts")
def test_clients_that_a_given_plan_leaves_out_are_put_in() -> None:
    problem = town(7)
    integers = lower(problem)
    whole = savings_plan(integers, lambda: False)
    start = [route[: len(route) // 2] for route in whole]
    incumbents = Incumbents(integers, clock=WorkClock())
    PartsSearch(integers, incumbents, time_limit=4.0, seed=1, stop_requested=lambda: False).run(start)
    assert incumbents.best is not None
    assert problem.check(integers.plan(incumbents.best)).ok


@pytest.mark.parametrize("name", ["pinned", "goods", "soft", "breaks", "source"])
def test_a_problem_with_rules_that_pyvrp_does_not_model_is_solved_in_parts_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kanopt.solvers.routing.engines.LARGE", 3)
    monkeypatch.setattr(parts_search, "_CLIENTS", 3)
    problem = variant(name, 1)
    result = ko.solve(problem, time_limit=0.5, deterministic=True)
    assert result.check.ok or result.check.only_unserved
