"""What is done once before many points are asked: axes checked, laws learned, the scenario planned as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.errors import Issue, NoPlanError
from kanopt.plans.findings import Status
from kanopt.questions.axes import Axis, refused
from kanopt.questions.point import BASE, PointResult, point_of
from kanopt.questions.question import PlanChoice, Prepared, SweepOptions
from kanopt.scenarios.events import OnEvent
from kanopt.scenarios.law_cache import LawCache
from kanopt.scenarios.learn import LearnedLaw, laws_of, learn
from kanopt.scenarios.run import (
    build,
    plan_beside_today,
    price_today,
    solve_problem,
    tell_remarks,
)
from kanopt.scenarios.scenario import Scenario
from kanopt.text import money_text

if TYPE_CHECKING:
    from kanopt.plans.base import Plan, Problem
    from kanopt.plans.result import Result
    from kanopt.questions.store import SweepStore


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
    """Return what the plan costs where nothing is changed, and what it leaves out or breaks there."""
    if base.objective is None:
        return "as it is: no plan"
    told = f"as it is: {money_text(base.objective, base.problem.unit)}"
    if base.assessment is not None and _CHEAPEST in base.assessment.assumed:
        told += " (vehicles whose departure is not given leave when that costs least; a run lets them leave in time)"
    if base.objective < 0:
        told += " (prices are costs: what is earned is negative, and dearer is earning less)"
    coverage = base.coverage
    if base.rank.unserved and coverage is not None:
        told += f"; it {coverage.text}"
    return f"{told}; it breaks a rule" if base.rank.violations else told


def prepare(
    scenario: Scenario, axes: Sequence[Axis], options: SweepOptions, report: OnEvent, what: str = "sweep"
) -> Prepared:
    """Check the scenario and the first value of every axis, learn the laws and build the problem.

    A question (`what`) that keeps nothing on disk takes no folder for it.

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
    made = prepare_checked(scenario, options.seed, report, LawCache(relearn=options.relearn))
    limit = made.time_limit if options.time_limit is None else options.time_limit
    return replace(made, time_limit=limit, repeats=options.repeats)


def prepare_checked(scenario: Scenario, seed: int | None, report: OnEvent, cache: LawCache) -> Prepared:
    """Learn the laws of a scenario that was checked, and build its problem, to be searched once for as long as it says.

    Raises
    ------
    ScenarioError
        If tables, laws and problem do not fit together.
    FormulaError
        If a law predicts too poorly to be used.
    """
    chosen = scenario.seed if seed is None else seed
    return prepare_learned(scenario, chosen, learn(scenario, chosen, report, cache))


def prepare_learned(
    scenario: Scenario, seed: int, learned: Mapping[str, LearnedLaw], *, with_today: bool = True
) -> Prepared:
    """Build the problem of a scenario on laws that are learned.

    Parameters
    ----------
    scenario
        The scenario.
    seed
        Of the searches.
    learned
        Its learned laws, before any change.
    with_today
        Whether today's plan is priced, where the scenario names one.

    Raises
    ------
    ScenarioError
        If tables, laws and problem do not fit together.
    """
    laws = laws_of(scenario, learned)
    problem = build(scenario, laws)
    return Prepared(
        scenario=scenario,
        laws=laws,
        formulas={name: law.formula for name, law in learned.items()},
        problem=problem,
        today=price_today(scenario, problem, laws) if with_today else None,
        seed=seed,
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
    from kanopt.routing import RoutingPlan

    if not isinstance(plan, RoutingPlan):
        return None
    fullest = sorted(plan.routes, key=lambda route: -len(route.clients))[: len(plan.routes) // 2]
    # a route under way stays one
    return replace(plan, routes=tuple(route for route in plan.routes if route.locked or route in fullest))


def _saved(problem: Problem[Any], known: PointResult) -> Result:
    from kanopt.plans.evaluate import evaluate

    bound = None if math.isnan(known.bound) else known.bound
    return replace(evaluate(problem, known.plan), status=Status(known.status), bound=bound)


def unit_of_axis(scenario: Scenario, axis: Axis) -> str:
    """Return the unit of the values of an axis; empty of factors, and where none is declared."""
    from kanopt.tables import units_of

    change = axis.change(axis.values.items[0])
    if axis.values.action == "scale" or change.table not in scenario.tables:
        return ""
    column = scenario.in_cells(change).column
    _, fixed = scenario.problem.fields_in(change.table).get(column, (None, ""))
    return units_of(scenario.changed[change.table]).get(column, fixed)
