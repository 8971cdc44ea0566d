"""How points are searched, compared with the base, and exchange their plans: on problems small enough to see."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.plans.findings import Status
from kanopt.plans.result import evaluate
from kanopt.questions.ask import Asking
from kanopt.questions.point import point_of
from kanopt.questions.point_search import solve_point
from kanopt.questions.question import Question
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scenarios.events import ignore_event

APART, TOGETHER = [["a"], ["b"]], [["a", "b"]]


def two_clients(minutes: float = 4.0) -> RoutingProblem:
    """Return two clients 1 and 5 minutes from the depot, and some minutes apart: together they take 6 + minutes."""
    matrix = np.array([[0.0, 1.0, 5.0], [1.0, 0.0, minutes], [5.0, minutes, 0.0]])
    return RoutingProblem(
        depots=[Depot("depot")],
        clients=[Client("a", demand=1.0), Client("b", demand=1.0)],
        vehicles=[VehicleType("van", num_available=2, capacity=2.0)],
        cost=matrix,
        duration=matrix,
        distance=matrix,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Written(Question):
    """Problems as points, and what each search of each point finds: a plan, or a result."""

    scenario: Any = None
    formulas: Any = None
    anew: bool = True
    seed: int = 0
    time_limit: float = 1.0
    repeats: int = 2
    base: Any = field(default_factory=two_clients)
    problems: tuple[Any, ...]
    finds: tuple[tuple[Any, ...], ...]
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.problems)

    @property
    def base_problem(self) -> Any:
        return self.base

    def problem_at(self, point: int) -> Any:
        return self.problems[point]

    def search(self, point: int, problem: Any, repeat: int, initial: Any) -> Any:
        self.asked.append((point, repeat))
        found = self.finds[point][repeat]
        return found(problem) if callable(found) else evaluate(problem, found)

    def days_in_time(self, point: int) -> None:
        """Ask for departures that cost least on typical times."""

    def waves(self) -> Any:
        return [[(point, None) for point in range(self.count)]]

    def neighbours(self) -> Any:
        return [[other for other in range(self.count) if other != point] for point in range(self.count)]


def proved(plan: Any) -> Any:
    return lambda problem: replace(evaluate(problem, plan), status=Status.OPTIMAL)


def test_a_proved_plan_is_compared_with_every_plan_of_the_base_and_searched_once():
    base = two_clients()
    question = Written(
        base=base, problems=(two_clients(4.5),), finds=((proved(TOGETHER),),), base_plans=(APART, TOGETHER)
    )
    found = solve_point(question, 0, base.plan_from(TOGETHER), ())
    assert question.asked == [(0, 0)]
    # the first plan of the base is replaced by the one found here, which is better there too
    assert found.differences == pytest.approx((0.5, 0.5))
    assert found.searches == pytest.approx((10.5,))
    assert found.noise_beside(point_of(-1, evaluate(base, TOGETHER))) == 0.0


def test_how_far_searches_of_base_and_point_disagree_is_the_noise():
    """The first search says that the change costs nothing, since it found no better plan for either."""
    far = two_clients(20.0)
    question = Written(problems=(far,), finds=((APART, APART),), base_plans=(APART, TOGETHER))
    found = solve_point(question, 0, two_clients().plan_from(TOGETHER), ())
    assert found.differences == pytest.approx((0.0, 2.0))
    assert found.noise_beside(point_of(-1, evaluate(two_clients(), TOGETHER))) == pytest.approx(2.0)


def run(question: Written, base: Any) -> Asking:
    made = Asking(question, base, ignore_event)
    assert made.run()
    return made


def test_a_plan_found_at_a_point_becomes_the_base_s_and_that_of_all_others():
    question = Written(
        problems=(two_clients(4.5), two_clients(5.0)),
        finds=((APART, APART), (TOGETHER, TOGETHER)),
        base_plans=(APART, APART),
    )
    made = run(question, evaluate(question.base, APART))
    assert made.base.objective == pytest.approx(10.0)
    assert [made.results[point].objective for point in (0, 1)] == pytest.approx([10.5, 11.0])
    assert [made.results[point].kept_objective for point in (0, 1)] == pytest.approx([10.5, 11.0])
    assert not any(math.isnan(found.noise_beside(point_of(-1, made.base))) for found in made.results.values())
