"""One run: laws, problem, plan, explanation, and today's plan beside it."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from kanopt.display import Alarm, Law, Part, Shown
from kanopt.errors import (
    DomainWarning,
    FormulaError,
    KanoptWarning,
    LawValueError,
    ProblemError,
    UnitError,
    warn_user,
)
from kanopt.plans.base import Plan, Problem
from kanopt.plans.explanation import Explanation, explain
from kanopt.plans.result import PlanExports, PlanPlots, Progress, Result, evaluate
from kanopt.plans.summary import made_up
from kanopt.progress import told_by_line
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.files.layers import split_messages
from kanopt.scenarios.learn import LawCache, LearnedLaw, doubts, laws_of, learn
from kanopt.scenarios.scenario import Scenario
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.tables import TableReport, report_of
from kanopt.text import amount_text, count_text, list_names, money_text, seconds_text

_PACKAGES = ("kanopt", "numpy", "pandas", "scipy", "torch", "sympy", "ortools", "pyvrp", "highspy")


@dataclass(frozen=True, eq=False, repr=False)
class Run(PlanExports, PlanPlots, Shown):
    """What came of a scenario.

    Parameters
    ----------
    scenario
        What was run.
    laws
        Every law, by name.
    problem, result, explanation
        The question, the plan and why it is as it is.
    today
        Today's plan priced and checked on the same laws; None where the file names none.
    tables
        How each table was read, by name.
    provenance
        Files, data hashes, versions, seed and seconds, in words.
    """

    scenario: Scenario
    laws: Mapping[str, LearnedLaw]
    problem: Problem[Any]
    result: Result
    explanation: Explanation
    today: Result | None
    tables: Mapping[str, TableReport]
    provenance: Mapping[str, str]

    def told(self) -> str:
        """Return what the plan does, costs and leaves out, how often it is on time, and what the file assumes."""
        from kanopt.display import reports

        days = reports.days_text(self.result)
        assumed, unread = self.scenario.report.assumed, bool(self.scenario.unanswered())
        told = [self.explanation.text(self.today, weak_laws=False, assumed=assumed, unread=unread)]
        told += [days] if days else []
        assumed = tuple(text for text in assumed if not made_up([text]))  # which is told first
        told += [f"Assumed: {'; '.join(assumed)}."] if assumed else []
        return "\n\n".join(told)

    def _shown(self) -> Iterator[Part]:
        alarms = (*unanswered([self.scenario]), *doubts(self.laws.values()))
        yield from (self.scenario.name, *map(Alarm, alarms), "")
        yield from (Law(law.formula, name) for name, law in self.laws.items())
        yield from ("", self.told())
        yield self.explanation.folded_terms()


@told_by_line
def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    time_limit: float | None = None,
    progress: OnEvent | None = None,
    relearn: bool = False,
) -> Run:
    """Learn, build, solve and explain; see :meth:`Scenario.run`."""
    report = progress or ignore_event
    chosen = scenario.seed if seed is None else seed
    start = time.perf_counter()
    scenario.check(planning=True)
    tell_remarks([scenario], report)
    laws = laws_of(scenario, learn(scenario, chosen, report, LawCache(relearn=relearn)))
    problem = build(scenario, laws)
    for remark in (*problem.data_remarks(), *problem.unreachable()):
        report(Event("build", f"note: {remark}"))
    today = today_in_time(scenario, price_today(scenario, problem, laws))
    result = plan_beside_today(scenario, problem, today, seed=chosen, time_limit=time_limit, report=report)
    return finish_run(scenario, laws, result, today, seconds=time.perf_counter() - start)


def tell_remarks(scenarios: Sequence[Scenario], report: OnEvent) -> None:
    """Warn of possible mistakes in checked scenarios, and report notes; once of those in a file that several share."""
    for note in dict.fromkeys(note for scenario in scenarios for note in scenario.notes()):
        report(Event("build", f"note: {note}"))
    told = [remark for scenario in scenarios for remark in (*scenario.open_questions, *scenario.remarks())]
    for remark in dict.fromkeys(told):
        warn_user(str(remark))


def unanswered(scenarios: Iterable[Scenario]) -> tuple[str, ...]:
    """Return what scenarios go on without, a sentence each; none where all is answered."""
    open_ones = dict.fromkeys(issue for scenario in scenarios for issue in scenario.unanswered())
    told = "No plan below is sure to hold without an answer"
    return tuple(f"{told} ({one.file}:{one.line}). {one.message}" for one in open_ones)


def build(scenario: Scenario, laws: Mapping[str, LearnedLaw]) -> Problem[Any]:
    """Build the problem of a scenario.

    Raises
    ------
    ScenarioError
        If the tables and the laws do not fit together.
    LawValueError
        If a law says a time or an amount below zero.
    """
    formulas = {name: law.formula for name, law in laws.items()}
    try:
        return scenario.build(formulas)
    except LawValueError:
        raise
    except (ProblemError, FormulaError, UnitError) as error:
        raise scenario.layers.error(scenario.problem.mistakes_of(error)) from error


def price_today(scenario: Scenario, problem: Problem[Any], laws: Mapping[str, LearnedLaw]) -> Result | None:
    """Price and check today's plan, if the file names one; None, with a warning, if changes took away what it names.

    Raises
    ------
    ScenarioError
        If it names things the problem does not know although nothing was changed.
    """
    formulas = {name: law.formula for name, law in laws.items()}
    try:
        plan = scenario.problem.read_today(problem, scenario.problem_inputs(formulas))
    except ProblemError as error:
        if scenario.changes:
            message = f"today's plan cannot be carried out in {scenario.name!r}: {split_messages(error)[0]}"
            warn_user(message)
            return None
        raise scenario.layers.error_at(("problem", "today"), error) from error
    return None if plan is None else evaluate(problem, plan)


def today_in_time(scenario: Scenario, today: Result | None) -> Result | None:
    """Return today's plan with departures, where it states none, chosen for as many days in time as of our own plan."""
    return None if today is None else leaving_in_time(today, scenario.solver.share_in_time, keep_given=True)


def leaving_in_time(result: Result, share: float | None, *, keep_given: bool = False) -> Result:
    """Return a plan whose departures are chosen for days in time, where a law of time knows its errors.

    Of a schedule, which states when its tasks start, it is told how often it is in time.

    Parameters
    ----------
    result
        The plan; one whose departures are chosen already stays as it is.
    share
        The share of days; None where departures that cost least on typical times are asked for.
    keep_given
        Whether routes that state their departure keep it.
    """
    from kanopt.routing.search.departure_choice import knows_errors, leave_in_time
    from kanopt.scheduling.days import measured_days

    known: Any = result.assessment
    if share is None or known is None or result.days_in_time is not None:
        return result
    if isinstance(known, SchedulingAssessment):
        return replace(result, days_in_time=measured_days(known, share))
    if not knows_errors(result.problem):
        return result
    try:
        found, days = leave_in_time(known, share, keep_given=keep_given)
    except ProblemError:
        return result  # on a late day a law has no value: nothing is known of its days in time
    return replace(result, assessment=found, status=found.status, days_in_time=days)


def solve_problem(
    scenario: Scenario,
    problem: Problem[Any],
    *,
    seed: int,
    time_limit: float | None = None,
    initial: Plan | None = None,
    days_in_time: float | None = None,
    report: OnEvent = ignore_event,
) -> Result:
    """Solve the problem of a scenario within its limits; `days_in_time` in place of its own where that is more."""
    from kanopt.engines.base import SolveOptions
    from kanopt.engines.solve import named_solver, refuse_impossible, search_and_assess

    limit = scenario.solver.time_limit if time_limit is None else time_limit
    report(Event("solve", f"solving: {scenario.name} (at most {amount_text(limit, 's', 6)})"))

    def on_progress(step: Progress) -> None:
        price = "" if step.objective is None else f" {money_text(step.objective, problem.unit)}"
        message = f"{seconds_text(step.seconds)}{price} {step.message}".rstrip()
        report(Event("solve", message, transient=True))

    share = scenario.solver.share_in_time
    options = SolveOptions(
        time_limit=limit,
        seed=seed,
        initial=initial,
        progress=None if report is ignore_event else on_progress,
        workers=scenario.solver.workers,
        deterministic=scenario.solver.deterministic,
        days_in_time=None if share is None else max(share, days_in_time or 0.0),
    )
    result = search_and_assess(problem, options, named_solver(scenario.solver.name))
    refuse_impossible(result)
    return result


def plan_beside_today(
    scenario: Scenario,
    problem: Problem[Any],
    today: Result | None,
    *,
    seed: int,
    time_limit: float | None = None,
    report: OnEvent = ignore_event,
) -> Result:
    """Solve the problem of a scenario, and once more from today's plan where that is better than the one found."""
    today = today_in_time(scenario, today)
    known = None if today is None or today.days_in_time is None else today.days_in_time.low
    how: dict[str, Any] = {"seed": seed, "time_limit": time_limit, "days_in_time": known, "report": report}
    result = solve_problem(scenario, problem, **how)
    if today is None or result.interrupted or not today.rank.is_better_than(result.rank):
        return result
    ours, theirs = result.days_in_time, today.days_in_time
    if ours is not None and theirs is not None and theirs.is_less_than(ours):
        return result  # it is cheaper since it is late more often
    report(Event("solve", "today's plan is better than the one found; searching from it"))
    again = solve_problem(scenario, problem, initial=today.plan, **how)
    return again if again.rank.is_better_than(result.rank) else result


def finish_run(
    scenario: Scenario,
    laws: Mapping[str, LearnedLaw],
    result: Result,
    today: Result | None,
    *,
    seconds: float,
    warns: bool = True,
) -> Run:
    """Explain a result and put a run together; `warns` where the plan leans on a law outside its data."""
    explanation = explain(result)
    if warns:
        _warn_outside(explanation)
    return Run(
        scenario=scenario,
        laws=laws,
        problem=result.problem,
        result=result,
        explanation=explanation,
        today=today_in_time(scenario, today),
        tables={name: report_of(frame) for name, frame in scenario.tables.items()},
        provenance=_provenance(scenario, laws, result, seconds),
    )


def _warn_outside(explanation: Explanation) -> None:
    kinds = Counter((one.law, one.below_zero) for one in explanation.extrapolations)
    for (law, below), count in kinds.items():
        alike = (one for one in explanation.extrapolations if (one.law, one.below_zero) == (law, below))
        what = "falls below zero" if below else "is used outside the data it was learned from"
        told = f"law {law!r} {what} in {count_text(count, 'place')}, first: {next(alike).message}"
        warn_user(told, KanoptWarning if below else DomainWarning)


def _provenance(
    scenario: Scenario, laws: Mapping[str, LearnedLaw], result: Result, seconds: float
) -> dict[str, str]:
    facts = sources(scenario) | {"seed": str(result.seed), "solver": result.solver}
    kept = list_names([law.name for law in laws.values() if law.learned_on is not None])
    learning = f"{sum(law.seconds for law in laws.values()):.1f}"
    facts |= {"seconds learning": f"{learning} ({kept} before, from the cache)" if kept else learning}
    facts |= {"seconds solving": f"{result.wall_seconds:.1f}", "seconds in all": f"{seconds:.1f}"}
    return facts | environment()


def sources(scenario: Scenario) -> dict[str, str]:
    """Return what a scenario was read from and what was changed, in words."""
    facts = {"scenario": scenario.name}
    facts |= {f"file {each.path.name}": f"sha256 {each.sha256}" for each in scenario.layers.documents}
    facts |= {f"table {name}": f"sha256 {report_of(frame).sha256}" for name, frame in scenario.tables.items()}
    return facts | {f"change {place}": str(change) for place, change in enumerate(scenario.changes, start=1)}


def environment() -> dict[str, str]:
    """Return the versions of what is at work, and the kind of machine."""
    versions = {name: version(name) for name in _PACKAGES}
    system = f"{platform.system()} {platform.machine()}"
    return versions | {"python": platform.python_version(), "system": system}
