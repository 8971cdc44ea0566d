"""What a what-if changes, by cost term, apart from the luck of the search.

A search that stops early is off by a percent or more, and so are differences between two searches. Therefore
each variant is a point of a question: its searches start from those of the base, every plan is priced under every
scenario's data, each scenario keeps the best plan there is, and how far apart lie what pairs of searches say of the
difference is the noise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kanopt.errors import Issue, ScenarioError
from kanopt.progress import told_by_line
from kanopt.questions.ask import carry_out
from kanopt.questions.axes import refused
from kanopt.questions.comparison import Comparison, Variant
from kanopt.questions.point import PointResult, of_kept
from kanopt.questions.point_search import kept_plan
from kanopt.questions.prepare import base_results, prepare_checked, prepare_learned
from kanopt.questions.question import Prepared
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.files.layers import Mistake
from kanopt.scenarios.law_cache import LawCache
from kanopt.scenarios.learn import LearnedLaw, learn
from kanopt.scenarios.run import Run, finish_run, tell_build_remarks, tell_remarks
from kanopt.scenarios.scenario import Scenario
from kanopt.text import count_text, join_list, seconds_text

if TYPE_CHECKING:
    from kanopt.plans.result import Result


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
    question = replace(
        base.question((), (), anew=True), variants=tuple(others), ends_on_error=not optional, report=report
    )
    # of searches is told as they go, not of points that are done
    run = carry_out(question, searches, ignore_event)
    best = run.base
    seconds = time.perf_counter() - start
    variants = []
    for number, each in enumerate(others):
        found = run.results.get(number)
        if found is None and not optional:
            found = _not_reached(number, each, best)
        if found is None:
            continue
        if found.result is None:
            report(Event("solve", f"note: {each.scenario.name!r} is left out: {found.message}"))
            continue
        own = finish_run(
            each.scenario, each.laws, found.result, each.today, seconds=seconds, warns=not optional
        )
        variants.append(Variant(own, found))
    return Comparison(
        finish_run(base.scenario, base.laws, best, base.today, seconds=seconds),
        tuple(variants),
        interrupted=run.interrupted,
        searched_again=best is not searches[0],
        standalone_objective=searches[0].objective,
    )


def _not_reached(number: int, variant: Prepared, best: Result) -> PointResult:
    """Return the base's plan for a variant that was not searched before Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        If there is nothing to show for it.
    """
    kept = kept_plan(variant.problem, best.plan)
    if isinstance(kept, str):
        raise KeyboardInterrupt
    return of_kept(number, kept)


def _check(scenarios: Sequence[Scenario], repeats: int) -> None:
    if isinstance(scenarios, Scenario) or not all(isinstance(each, Scenario) for each in scenarios):
        raise refused("compare", "", "compares a list of scenarios, as ko.compare([base, variant])")
    if len(scenarios) < 2:
        raise refused("compare", "", "a comparison needs a base and at least one variant")
    if repeats < 1:
        raise refused("compare", "repeats", f"must be at least 1, not {repeats}")
    base, raised, names = scenarios[0], list[Issue](), set[str]()
    for other in scenarios:
        file = str(other.path)
        if other.kind != base.kind:
            unlike = f"is {other.kind!r}, but {base.path} is {base.kind!r}; compare like with like"
            raised.append(Issue(file, 0, "problem.kind", unlike))
        if other.name in names:
            twice = f"{other.name!r} is the name of another scenario too; rename one"
            raised.append(Issue(file, 0, "scenario.name", twice))
        names.add(other.name)
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
        raise refused("compare", "problem.units", text)
    return found


# A run with variants beside it: what the plan would be with another fleet or demand.


_SEARCHES = 2
"""Of each variant and of the plan as it is: how far they lie apart is the noise."""


@told_by_line
def run_with_variants(
    scenario: Scenario,
    *,
    seed: int | None = None,
    time_limit: float | None = None,
    progress: OnEvent | None = None,
    relearn: bool = False,
) -> Run:
    """Learn, build, solve and explain, and plan the variants anew as well; see :meth:`Scenario.run`.

    The plan is that of a comparison: every plan that is found for a variant is offered to it.
    """
    report, start = progress or ignore_event, time.perf_counter()
    chosen = scenario.seed if seed is None else seed
    scenario.check(planning=True)
    variants = variants_of(scenario, report)
    tell_remarks([scenario], report)
    learned = learn(scenario, chosen, report, LawCache(relearn=relearn))
    base = _limited(prepare_learned(scenario, chosen, learned), time_limit)
    tell_build_remarks(base.problem, report)
    others = _prepared_variants(variants, base, learned, report)
    longest = seconds_text((len(others) + 1) * _SEARCHES * base.time_limit)
    counted = count_text(len(others), "variant")
    report(Event("build", f"{counted} and the plan itself, {_SEARCHES} searches each: at most {longest}"))
    found = compare_prepared(base, others, report, optional=True)
    facts = {**found.base.provenance, "seconds in all": f"{time.perf_counter() - start:.1f}"}
    return replace(found.base, provenance=facts, variants=found)


def variants_of(scenario: Scenario, report: OnEvent = ignore_event) -> list[Scenario]:
    """Return the usual variants of a scenario, checked: other fleets, another demand.

    Parameters
    ----------
    scenario
        The scenario.
    report
        Is told of those that cannot be: of a fleet that a plan under way needs, say.

    Raises
    ------
    ScenarioError
        If its kind of problem has none.
    """
    found = list[Scenario]()
    usual = scenario.problem.usual_variants(scenario.changed)
    if not usual:
        told = f"this {scenario.kind} problem has no usual variants; write what may be otherwise as files of its own"
        raise scenario.layers.error(
            [Mistake(("problem",), f"{told} with this one as base, and compare them")]
        )
    for name, changes in usual.items():
        made = scenario
        try:
            for change in changes:
                made = made.with_change(change)
            made.check(planning=True)
        except ScenarioError as error:
            report(Event("build", f"note: {name!r} is left out: {error.issues[0].message}"))
        else:
            found.append(made.named(name))
    return found


def _prepared_variants(
    variants: Sequence[Scenario], base: Prepared, learned: Mapping[str, LearnedLaw], report: OnEvent
) -> list[Prepared]:
    """Build the problems of variants on the laws of the base; a search of each is as long as one of the base."""
    found = []
    for variant in variants:
        try:
            made = prepare_learned(variant, base.seed, learned, with_today=False)
        except ScenarioError as error:
            report(Event("build", f"note: {variant.name!r} is left out: {error.issues[0].message}"))
        else:
            found.append(_limited(made, base.time_limit))
    return found


def _limited(prepared: Prepared, time_limit: float | None) -> Prepared:
    """Return a scenario with so many seconds for a search, its own where none are given."""
    limit = prepared.time_limit if time_limit is None else time_limit
    return replace(prepared, time_limit=limit, repeats=_SEARCHES)
