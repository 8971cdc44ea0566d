"""What a what-if changes, by cost term, apart from the luck of the search.

A search that stops early is off by a percent or more, and so are differences between two searches. Therefore
each variant is a point of a sweep: its searches start from those of the base, every plan is priced under every
scenario's data, each scenario keeps the best plan there is, and how far apart lie what pairs of searches say of the
difference is the noise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from kanopt.errors import Issue, ProblemError, ScenarioError
from kanopt.progress import told_by_line
from kanopt.text import join_list
from kanopt.whatif.comparison import Comparison, Variant
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.law_cache import LawCache
from kanopt.whatif.run import finish_run, solve_problem, tell_remarks
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.sweeps.point_result import PointResult, point_of
from kanopt.whatif.sweeps.prepare import Prepared, base_results, prepare_checked
from kanopt.whatif.sweeps.question import Question
from kanopt.whatif.sweeps.sweep_run import SweepRun

if TYPE_CHECKING:
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result


@told_by_line
def compare(
    scenarios: Sequence[Scenario],
    *,
    seed: int | None = None,
    repeats: int = 2,
    time_limit: float | None = None,
    progress: OnEvent | None = None,
    relearn: bool = False,
) -> Comparison:
    """Solve a base and its variants, and split what differs into new data and new plan.

    Laws that are learned from the same rows in the same way are learned once. Every variant is searched from the
    base's plan, as a point of :func:`~kanopt.sweep` is; every plan is offered to every scenario, and none has a better
    plan than its own.
    The change of each cost term is split into the *data effect* (the base's plan under the variant's data) and
    the *re-planning effect* (the variant's plan, same data).

    Parameters
    ----------
    scenarios
        The base, then one or more variants, all of one kind.
    seed
        In place of the base's; the same for all.
    repeats
        How many times each scenario is searched, with other seeds: each search of a variant begins with the plan of
        one search of the base, and how far apart lie what such pairs say of the change is its noise. With one repeat
        it is not measured. A search that proves its plan optimal is not repeated.
    time_limit
        Seconds for each search, in place of those of the files.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.
    relearn
        Learn laws anew that were learned before from the same rows in the same way, and are kept on disk.

    Returns
    -------
    Comparison

    Raises
    ------
    ScenarioError
        If there are fewer than two scenarios, they are not of one kind and currency, or one does not fit together.
    FormulaError
        If a law predicts too poorly to be used.
    """
    _check(scenarios, repeats)
    report = progress or ignore_event
    base, *others = (
        replace(each, repeats=repeats, time_limit=each.time_limit if time_limit is None else time_limit)
        for each in _prepared(scenarios, seed, report, LawCache(relearn=relearn))
    )
    return compare_prepared(base, others, report)


def compare_prepared(
    base: Prepared, others: Sequence[Prepared], report: OnEvent, *, optional: bool = False
) -> Comparison:
    """Compare scenarios whose laws are learned and whose problems are built.

    Parameters
    ----------
    base, others
        The base and its variants.
    report
        Called with each stage.
    optional
        Whether a variant may be left out: one that was not reached before Ctrl-C, and one whose data contradict
        themselves once plans are priced. Else the first is told with the base's plan, and the second is an error.
    """
    start = time.perf_counter()
    searches = base_results(base, "anew", report)
    plans = tuple(search.plan for search in searches if search.plan is not None)
    question = _Variants(
        anew=True,
        repeats=base.repeats,
        base_plans=plans,
        base=base,
        variants=tuple(others),
        report=report,
        ends_on_error=not optional,
    )
    # of searches is told as they go, not of points that are done
    made = SweepRun(question, base.problem, min(searches, key=attrgetter("rank")), ignore_event, None)
    interrupted = searches[-1].interrupted or not made.run(workers=1, client=None)
    best = made.base
    found = dict(made.results) if optional else _completed(made.results, others, best)
    for number, point in sorted(found.items()):
        if point.result is None:
            report(Event("solve", f"note: {others[number].scenario.name!r} is left out: {point.message}"))
    kept = [(others[number], point) for number, point in sorted(found.items()) if point.result is not None]
    seconds = time.perf_counter() - start
    base_run = finish_run(base.scenario, base.laws, best, base.today, seconds=seconds)
    variants = [
        Variant(
            finish_run(
                each.scenario, each.laws, _result(point), each.today, seconds=seconds, warns=not optional
            ),
            _price_under(each.problem, best.plan),
            point.noise_beside(best),
            point.differences,
        )
        for each, point in kept
    ]
    return Comparison(
        base_run,
        tuple(variants),
        interrupted=interrupted,
        searched_again=best is not searches[0],
        standalone_objective=searches[0].objective,
    )


def _completed(
    results: Mapping[int, PointResult], others: Sequence[Prepared], best: Result
) -> dict[int, PointResult]:
    """Return what came of every variant; the base's plan where it was not reached."""
    return {
        number: results.get(number) or _not_reached(number, each, best) for number, each in enumerate(others)
    }


def _check(scenarios: Sequence[Scenario], repeats: int) -> None:
    if isinstance(scenarios, Scenario) or not all(isinstance(each, Scenario) for each in scenarios):
        raise ScenarioError(
            [Issue("compare", 0, "", "compares a list of scenarios, as ko.compare([base, variant])")]
        )
    if len(scenarios) < 2:
        raise ScenarioError([Issue("compare", 0, "", "a comparison needs a base and at least one variant")])
    if repeats < 1:
        raise ScenarioError([Issue("compare", 0, "repeats", f"must be at least 1, not {repeats}")])
    base = scenarios[0]
    raised = [
        Issue(
            str(other.path),
            0,
            "problem.kind",
            f"is {other.kind!r}, but {base.path} is {base.kind!r}; compare like with like",
        )
        for other in scenarios[1:]
        if other.kind != base.kind
    ]
    names = [scenario.name for scenario in scenarios]
    raised += [
        Issue(
            str(other.path),
            0,
            "scenario.name",
            f"{other.name!r} is the name of another scenario too; rename one",
        )
        for place, other in enumerate(scenarios)
        if other.name in names[:place]
    ]
    if raised:
        raise ScenarioError(raised)


def _prepared(
    scenarios: Sequence[Scenario], seed: int | None, report: OnEvent, cache: LawCache
) -> list[Prepared]:
    chosen = scenarios[0].seed if seed is None else seed
    for scenario in scenarios:
        scenario.check()
    tell_remarks(scenarios, report)
    found = [prepare_checked(scenario, chosen, report, cache) for scenario in scenarios]
    units = {each.problem.unit for each in found}
    if len(units) > 1:
        text = f"objectives in {join_list(sorted(units))} do not compare; state all in one currency"
        raise ScenarioError([Issue("compare", 0, "problem.units", text)])
    return found


@dataclass(frozen=True, eq=False, kw_only=True)
class _Variants(Question):
    """A base and its variants, each a scenario of its own: what each search finds is kept, also after Ctrl-C.

    Parameters
    ----------
    base, variants
        The scenarios.
    report
        Called while they are searched.
    ends_on_error
        Whether a variant whose data contradict themselves is an error; else it is told of as refused.
    """

    in_full: ClassVar[bool] = True

    base: Prepared
    variants: tuple[Prepared, ...]
    report: OnEvent
    ends_on_error: bool = True

    @property
    def count(self) -> int:
        """How many variants there are."""
        return len(self.variants)

    @property
    def base_problem(self) -> Problem[Any]:
        """The problem of the base."""
        return self.base.problem

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a variant."""
        return self.variants[point].problem

    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Search a variant once."""
        variant = self.variants[point]
        return solve_problem(
            variant.scenario,
            problem,
            seed=variant.seed + repeat,
            time_limit=variant.time_limit,
            initial=initial,
            report=self.report,
        )

    def waves(self) -> list[list[tuple[int, int | None]]]:
        """Return the variants in their order; each starts from the base."""
        return [[(point, None) for point in range(self.count)]]

    def neighbours(self) -> list[list[int]]:
        """Return all others for each variant."""
        return [[other for other in range(self.count) if other != point] for point in range(self.count)]

    def known_plans(self, point: int) -> tuple[Any, ...]:
        """Return today's plan, where the variant names one."""
        today = self.variants[point].today
        return () if today is None else (today.plan,)


def _not_reached(number: int, variant: Prepared, best: Result) -> PointResult:
    """Return the base's plan for a variant that was not searched before Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        If there is nothing to show for it.
    """
    kept = _price_under(variant.problem, best.plan)
    if isinstance(kept, str):
        raise KeyboardInterrupt
    return point_of(number, kept)


def _result(found: PointResult) -> Result:
    assert found.result is not None, "the question asks for results in full"
    return found.result


def _price_under(problem: Problem[Any], plan: Plan | None) -> Result | str:
    """Price the plan under another scenario's data; a text says why that is not possible."""
    from kanopt.problems.evaluate import evaluate

    if plan is None:
        return "the base has no plan"
    try:
        return evaluate(problem, plan)
    except ProblemError as error:
        return str(error)
