"""What is asked at many points, all that a worker needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import Issue, NoPlanError, knows_arguments
from kanopt.faults import count_fault
from kanopt.formulas import Formula
from kanopt.plans.base import Plan, Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Result, evaluate
from kanopt.questions.axes import Axis, refused, value_text
from kanopt.questions.point import BASE, PointResult, point_of
from kanopt.questions.store import SweepStore
from kanopt.routing import RoutingPlan
from kanopt.scenarios.events import OnEvent, ignore_event
from kanopt.scenarios.learn import LawCache, LearnedLaw, laws_of, learn
from kanopt.scenarios.run import (
    build,
    plan_beside_today,
    price_today,
    solve_problem,
    tell_remarks,
    today_in_time,
)
from kanopt.scenarios.scenario import Scenario
from kanopt.tables import units_of
from kanopt.text import money_text, range_text

if TYPE_CHECKING:
    from distributed import Client


Place: TypeAlias = tuple[Any, ...]
"""The value of each axis at a point; None where an axis is left as it is."""
PlanChoice: TypeAlias = Literal["anew", "kept", "today"]
PLANS: tuple[PlanChoice, ...] = ("anew", "kept", "today")


@knows_arguments
@dataclass(frozen=True)
class SweepOptions:
    """How a sweep is carried out.

    Parameters
    ----------
    seed
        Of laws and searches, in place of the scenario's.
    time_limit
        Seconds for each search, in place of the scenario's.
    repeats
        Searches for each point, with other seeds; how far they lie apart is the noise.
    workers
        Processes side by side. Results do not depend on how many, as far as searches end by themselves or by counted
        work.
    out
        Folder to which results are written as they come, and from which a sweep that was stopped goes on.
    relearn
        Learn laws anew that are kept on disk.
    dask
        The address of a Dask scheduler, ``"tcp://host:8786"``, or a ``distributed.Client``, whose workers take the
        place of processes; needs ``pip install "kanopt[dask]"``.

    Raises
    ------
    ScenarioError
        If a number is none that can be, or both processes and a cluster are given.
    """

    seed: int | None = None
    time_limit: float | None = None
    repeats: int = 1
    workers: int = 1
    out: str | Path | None = None
    relearn: bool = False
    dask: str | Client | None = None

    def __post_init__(self) -> None:
        for name in ("repeats", "workers"):
            if wrong := count_fault(getattr(self, name), 1):
                raise refused("sweep", name, f"must be {wrong}")
        if self.dask is not None and self.workers > 1:
            told = f"takes the place of {self.workers} workers of this machine; give one of the two"
            raise refused("sweep", "dask", told)
        if self.time_limit is not None and not self.time_limit > 0:
            raise refused("sweep", "time_limit", f"must be above 0, not {self.time_limit!r}")


# In which order the points of a sweep are planned, and which lie near each other.


_NEIGHBOURS = 4
"""So many points count as those nearby."""


def waves(points: Sequence[Place]) -> Iterator[list[tuple[int, int | None]]]:
    """Yield points, each with the one it starts from, that can be solved side by side: their starts were solved before.

    Examples
    --------
    >>> list(waves([(1.0,), (1.5,), (2.0,)]))
    [[(1, None)], [(0, 1), (2, 1)]]
    """
    level: dict[int, int] = {}
    found: dict[int, list[tuple[int, int | None]]] = {}
    for point, parent in parents(points):
        level[point] = 0 if parent is None else level[parent] + 1
        found.setdefault(level[point], []).append((point, parent))
    for number in sorted(found):
        yield found[number]


def parents(points: Sequence[Place]) -> list[tuple[int, int | None]]:
    """Return the points in an order in which each one lies near one before it, with that one.

    Each next point is the one that lies farthest from those before it (Gonzalez 1985), so that a search starts from a
    plan nearby whichever point is first to be ready, and the same whatever the number of workers.

    Returns
    -------
    list of (int, int or None)
        Every point once, with the nearest one before it; None where the base is to be started from.

    Examples
    --------
    >>> parents([(1.0,), (1.5,), (2.0,)])
    [(1, None), (0, 1), (2, 1)]
    """
    place = _coordinates(points)
    chosen = int(np.argmin(np.abs(place - place.mean(axis=0)).sum(axis=1)))
    found: list[tuple[int, int | None]] = [(chosen, None)]
    nearest, distance = np.full(len(place), chosen), np.full(len(place), np.inf)
    while len(found) < len(place):
        away = np.abs(place - place[chosen]).sum(axis=1)
        closer = away < distance
        nearest[closer], distance[closer] = chosen, away[closer]
        distance[chosen] = -1.0
        chosen = int(np.argmax(distance))
        found.append((chosen, int(nearest[chosen])))
    return found


def neighbours(points: Sequence[Place]) -> list[list[int]]:
    """Return the points that lie nearest to each, by a k-d tree.

    Examples
    --------
    >>> neighbours([(1.0,), (1.5,), (3.0,)])[0]
    [1, 2]
    """
    from scipy.spatial import KDTree

    place = _coordinates(points)
    wanted = min(_NEIGHBOURS + 1, len(place))
    _, found = KDTree(place).query(place, k=np.arange(1, wanted + 1), p=1)
    return [[int(other) for other in row if other != point][:_NEIGHBOURS] for point, row in enumerate(found)]


def _coordinates(points: Sequence[Place]) -> NDArray[np.float64]:
    """Return where points lie, each axis from 0 to 1; different texts lie 1 apart, and what is left as it is between.

    Returns
    -------
    ndarray
        One row per point; an axis of texts has a column for each of them.
    """
    columns = []
    for values in zip(*points, strict=True):
        given = [value for value in values if value is not None]
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in given):
            low, high = min(given), max(given)
            numbers = [0.5 * (low + high) if value is None else value for value in values]
            columns.append((np.array(numbers, dtype=float) - low) / (float(high - low) or 1.0))
        else:
            columns += [
                np.array([0.5 * (value == word) for value in values]) for word in dict.fromkeys(values)
            ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """What is asked at points, each of which is a problem with its laws; all are compared with a base.

    Parameters
    ----------
    scenario
        The scenario at the base of it.
    formulas
        Its learned laws, before any change.
    axes, points
        What is varied, and the value of each axis at each point.
    variants
        Scenarios that are the points, in place of values of axes. What is found for them is kept with all that belongs
        to it, also after Ctrl-C.
    anew
        Whether each point is planned anew; else the plan of the base is priced there.
    seed, time_limit, repeats
        Of each search; seconds.
    least_in_time
        Share of days on which today's plan is in time, as far as that is sure: no new plan is to be in time less often.
    base_plans
        The plans that repeated searches found for the base; of one that was proved there is no other.
    report
        Called while variants are searched.
    """

    scenario: Scenario
    formulas: Mapping[str, Formula]
    axes: tuple[Axis, ...] = ()
    points: tuple[Place, ...] = ()
    variants: tuple[Prepared, ...] = ()
    anew: bool
    seed: int
    time_limit: float
    repeats: int
    base_plans: tuple[Any, ...] = ()
    least_in_time: float = 0.0
    report: OnEvent = ignore_event

    @classmethod
    def of(
        cls, asked: Prepared, axes: Sequence[Axis], points: Sequence[Place], *, anew: bool = True, **more: Any
    ) -> Self:
        """Return the question of some points, as workers need it; `more` are its other fields."""
        return cls(
            scenario=_without_histories(asked.scenario),
            formulas=asked.formulas,
            axes=tuple(axes),
            points=tuple(points),
            anew=anew,
            seed=asked.seed,
            time_limit=asked.time_limit,
            repeats=asked.repeats,
            least_in_time=asked.least_in_time,
            **more,
        )

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self.variants or self.points)

    @property
    def in_full(self) -> bool:
        """Whether each point keeps its result with all that belongs to it: for few points."""
        return bool(self.variants)

    @cached_property
    def base_problem(self) -> Problem[Any]:
        """The problem where nothing is changed."""
        return self.scenario.build(self.scenario.formulas(self.formulas))

    def scenario_at(self, point: int) -> Scenario:
        """Return the scenario of a point.

        Raises
        ------
        ScenarioError
            If a value does not belong where it is put.
        """
        if self.variants:
            return self.variants[point].scenario
        found = self.scenario
        for axis, value in zip(self.axes, self.points[point], strict=True):
            found = found if value is None else found.with_change(axis.change(value))
        return found

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a point.

        Raises
        ------
        KanoptError
            If its data contradict themselves.
        """
        if self.variants:
            return self.variants[point].problem
        scenario = self.scenario_at(point)
        return scenario.build(scenario.formulas(self.formulas))

    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Search the problem of a point once, each time with another seed, from a plan.

        Raises
        ------
        KeyboardInterrupt
            If it was cut short and nothing of it is to be kept: the point is done again.
        """
        # no axis varies how is searched, so that the solver of the scenario is that of the point
        asked = self.variants[point] if self.variants else self
        result = solve_problem(
            asked.scenario,
            problem,
            seed=asked.seed + repeat,
            time_limit=asked.time_limit,
            initial=initial,
            days_in_time=self.least_in_time,
            report=self.report,
        )
        if result.interrupted and not self.in_full:
            raise KeyboardInterrupt
        return result

    def days_in_time(self, point: int) -> float | None:
        """Return on which share of days a plan of a point or of the base is to be in time; None where not asked."""
        asked = self.variants[point] if self.variants and point >= 0 else self
        share = asked.scenario.solver.share_in_time
        return None if share is None else max(share, self.least_in_time)

    def figures(self, point: int, result: Result) -> Mapping[str, float]:
        """Return what is told of the plan of a point besides its price, by name."""
        return {}

    def waves(self) -> Iterable[Sequence[tuple[int, int | None]]]:
        """Return points, each with the one it starts from, that can be solved side by side, one set after the other."""
        if self.variants or any(
            None in place for place in self.points
        ):  # what is changed alone lies at the base
            return [[(point, None) for point in range(self.count)]]
        return waves(self.points)

    def neighbours(self) -> Sequence[Sequence[int]]:
        """Return for each point those whose plans are offered to it."""
        if self.variants:
            return [[other for other in range(self.count) if other != point] for point in range(self.count)]
        return neighbours(self.points)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scenario whose laws are learned, ready to be asked at many points.

    Parameters
    ----------
    scenario
        What is asked about.
    laws
        Its laws.
    formulas
        The learned ones among them, before any change.
    problem, today
        Its problem without any change, and today's plan, priced and checked; None where the scenario names none.
    seed, time_limit, repeats
        Of each search; seconds.
    """

    scenario: Scenario
    laws: Mapping[str, LearnedLaw]
    formulas: Mapping[str, Formula]
    problem: Problem[Any]
    today: Result | None
    seed: int
    time_limit: float
    repeats: int

    @cached_property
    def least_in_time(self) -> float:
        """Share of days on which today's plan is in time, as far as that is sure; 0 where that is not known."""
        today = today_in_time(self.scenario, self.today)
        return 0.0 if today is None or today.days_in_time is None else today.days_in_time.low


def _without_histories(scenario: Scenario) -> Scenario:
    """Return the scenario without the tables that laws alone are learned from, which no point reads."""
    read = {part.table for part in scenario.problem.parts().values()}
    return replace(scenario, tables={name: frame for name, frame in scenario.tables.items() if name in read})


# What is done once before many points are asked: axes checked, laws learned, the scenario planned as it is.

_CHEAPEST = "leaves when that costs least"
"""What an assessment says of departures that are not given."""


def require_scenario(given: Any, question: str) -> None:
    """Refuse to ask anything but a scenario.

    Raises
    ------
    ScenarioError
        Saying how to get one.
    """
    if isinstance(given, Scenario):
        return
    if isinstance(given, (str, Path)):
        hint = f"read it first: ko.{question}(ko.load_scenario({str(given)!r}), …)"
    elif isinstance(getattr(given, "scenario", None), Scenario):
        hint = "give its .scenario"
    else:
        hint = "ko.load_scenario reads one from a file"
    told = f"asks about a scenario, not about a {type(given).__name__}; {hint}"
    raise refused(question, "scenario", told)


def refuse_no_plan(base: Result, scenario: Scenario, what: str) -> None:
    """Refuse a question that compares with the plan of a scenario as it is, where there is none.

    Raises
    ------
    NoPlanError
        If there is none.
    """
    if base.objective is None:
        message = f"{scenario.name!r} has no plan as it is ({base.status}); 'kanopt solve' says why"
        raise NoPlanError(Issue(what, 0, "", message), str(base.status))


def as_it_is_text(base: Result) -> str:
    """Say what the plan costs where nothing is changed, and what it leaves out or breaks there."""
    if base.objective is None:
        return "As it is there is no plan."
    told = f"As it is, the plan costs {money_text(base.objective, base.problem.unit)}"
    if base.assessment is not None and _CHEAPEST in base.assessment.assumed:
        told += " (vehicles whose departure is not given leave when that costs least; a run lets them leave in time)"
    if base.objective < 0:
        told += " (prices are costs: what is earned is negative, and dearer is earning less)"
    coverage = base.coverage
    if base.rank.unserved and coverage is not None:
        told += f"; it {coverage.text}"
    return f"{told}; it breaks a rule." if base.rank.violations else f"{told}."


def prepare(
    scenario: Scenario,
    axes: Sequence[Axis],
    options: SweepOptions,
    report: OnEvent,
    what: str = "sweep",
    *,
    with_today: bool = True,
) -> Prepared:
    """Check the scenario and the first value of every axis, learn the laws and build the problem.

    A question (`what`) that keeps nothing on disk takes no folder for it; `with_today` also prices today's plan.

    Raises
    ------
    ScenarioError
        If a path or a value is none, or tables, laws and problem do not fit together.
    FormulaError
        If a law predicts too poorly to be used.
    """
    if options.out is not None and what != "sweep":
        raise refused(what, "out", "results are kept on disk by sweeps alone; leave it out")
    for axis in axes:  # so that a mistake is told before anything is learned
        scenario.with_change(axis.change(axis.values.items[0]))
    scenario.check(planning=True)
    _check_together(scenario, axes)
    tell_remarks([scenario], report)
    cache = LawCache(relearn=options.relearn)
    made = prepare_checked(scenario, options.seed, report, cache, with_today=with_today)
    limit = made.time_limit if options.time_limit is None else options.time_limit
    return replace(made, time_limit=limit, repeats=options.repeats)


def prepare_checked(
    scenario: Scenario, seed: int | None, report: OnEvent, cache: LawCache, *, with_today: bool = True
) -> Prepared:
    """Learn the laws of a scenario that was checked, and build its problem, to be searched once for as long as it says.

    Raises
    ------
    ScenarioError
        If tables, laws and problem do not fit together.
    FormulaError
        If a law predicts too poorly to be used.
    """
    chosen = scenario.seed if seed is None else seed
    learned = learn(scenario, chosen, report, cache)
    laws = laws_of(scenario, learned)
    problem = build(scenario, laws)
    return Prepared(
        scenario=scenario,
        laws=laws,
        formulas={name: law.formula for name, law in learned.items()},
        problem=problem,
        today=price_today(scenario, problem, laws) if with_today else None,
        seed=chosen,
        time_limit=scenario.solver.time_limit,
        repeats=1,
    )


def _check_together(scenario: Scenario, axes: Sequence[Axis]) -> None:
    """Refuse axes that alter how is searched, and those that mean the same cells by two names.

    Points share their plans, so that none of them is what its own limit of the search has found.
    """
    touched: dict[Any, list[tuple[Axis, Any]]] = {}
    for axis in axes:
        change = axis.change(axis.values.items[0])
        if change.table == "solver":
            message = "how long and how is searched is the same at all points; give it once, as time_limit"
            raise refused("sweep", axis.path, message)
        if change.is_of_section:
            continue
        cells = scenario.in_cells(change)
        rows = cells.rows(scenario.changed[change.table])
        others = touched.setdefault((change.table, cells.column), [])
        for other, its_rows in others:
            # factors multiply; of two values in one cell the later one would be all that is seen
            both_scale = axis.values.action == other.values.action == "scale"
            if (rows & its_rows).any() and not (both_scale and (rows != its_rows).any()):
                message = (
                    f"changes cells that {other.path} changes too, and two axes contradict each other; leave one, or "
                    "name rows that the other does not"
                )
                raise refused("sweep", axis.path, message)
        others.append((axis, rows))


def base_result(
    prepared: Prepared, plan: PlanChoice, report: OnEvent, *, repeat: int = 0, initial: Plan | None = None
) -> Result:
    """Return the plan that is kept: the best found without any change, or today's.

    Parameters
    ----------
    prepared
        The scenario.
    plan
        Whether today's is asked for.
    report
        Called while it is searched.
    repeat
        The number of the search: the first finds what a run of the scenario does, later ones have other seeds.
    initial
        Where a later one starts.

    Raises
    ------
    ScenarioError
        If today's is asked for and the scenario names none.
    """
    scenario, today = prepared.scenario, prepared.today
    if plan == "today":
        if today is None:
            message = "the scenario names no plan of today; write [problem.today], or take plan='kept'"
            raise refused(str(scenario.path), "problem.today", message)
        return today
    seed, limit = prepared.seed + repeat, prepared.time_limit
    if repeat:
        return solve_problem(
            scenario,
            prepared.problem,
            seed=seed,
            time_limit=limit,
            initial=initial,
            days_in_time=prepared.least_in_time,
            report=report,
        )
    return plan_beside_today(scenario, prepared.problem, today, seed=seed, time_limit=limit, report=report)


def base_results(
    prepared: Prepared, plan: PlanChoice, report: OnEvent, store: SweepStore | None = None
) -> list[Result]:
    """Return the plans found where nothing is changed, one for each repeated search, as far as they are needed.

    Those that a sweep which was stopped has found are taken again: searched anew they could be others.
    """
    found: list[Result] = []
    for repeat in range(prepared.repeats if plan == "anew" else 1):
        number = BASE - repeat
        known = None if store is None else store.done.get(number)
        if known is not None and known.plan is not None:
            found.append(_saved(prepared.problem, known))
        else:
            initial = _apart(found[-1].plan) if found else None
            found.append(base_result(prepared, plan, report, repeat=repeat, initial=initial))
            if store is not None and not found[-1].interrupted:
                store.add(point_of(number, found[-1]))
                store.flush()
        if found[-1].interrupted or found[-1].status == Status.OPTIMAL:
            break
    return found


def _apart(plan: Plan | None) -> Plan | None:
    """Return where a repeated search starts, so that it does not end where the one before did.

    Searches of routes that differ in their seed alone end with the same number of vehicles, also where one fewer would
    do. So the half of the routes with the fewest stops is given up, and their clients are put elsewhere.
    """
    if not isinstance(plan, RoutingPlan):
        return None
    fullest = sorted(plan.routes, key=lambda route: -len(route.clients))[: len(plan.routes) // 2]
    # a route under way stays one
    return replace(plan, routes=tuple(route for route in plan.routes if route.locked or route in fullest))


def _saved(problem: Problem[Any], known: PointResult) -> Result:
    bound = None if math.isnan(known.bound) else known.bound
    return replace(evaluate(problem, known.plan), status=Status(known.status), bound=bound)


def unit_of_axis(scenario: Scenario, axis: Axis) -> str:
    """Return the unit of the values of an axis; empty of factors, and where none is declared."""
    change = axis.change(axis.values.items[0])
    if axis.values.action == "scale" or change.table not in scenario.tables:
        return ""
    column = scenario.in_cells(change).column
    _, fixed = scenario.problem.fields_in(change.table).get(column, (None, ""))
    return units_of(scenario.changed[change.table]).get(column, fixed)


_MOST_VALUES = 4


def varied_text(scenario: Scenario, axis: Axis) -> str:
    """Say what is varied, as a question does."""
    values = axis.values.items
    numbers = [float(value) for value in values if not isinstance(value, (str, bool))]
    if len(numbers) == len(values) > 1:
        told = range_text(min(numbers), max(numbers), unit_of_axis(scenario, axis))
    else:
        more = " or another" if len(values) > _MOST_VALUES else ""
        told = " or ".join(map(value_text, values[:_MOST_VALUES])) + more
    return f"{axis.path} is {'multiplied by ' if axis.values.action == 'scale' else ''}{told}"
