"""What a what-if changes, by cost term, apart from the luck of the search.

A search that stops early is off by a percent or more, and so are differences between two searches. Therefore
scenarios start from each other's plans, every plan is priced under every scenario's data, each scenario keeps the
best plan there is, and the search is repeated with other seeds to see how far its result scatters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kanopt.errors import Issue, ProblemError, ScenarioError
from kanopt.whatif.comparison import Comparison, Variant
from kanopt.whatif.events import Event, Report, silent
from kanopt.whatif.learn import Cache, LearnedLaw, laws_of, learn
from kanopt.whatif.run import build, finished, solved
from kanopt.whatif.scenario import Scenario

if TYPE_CHECKING:
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result

__all__ = ["compare"]

_EQUAL = 1e-9


def compare(
    scenarios: Sequence[Scenario],
    *,
    seed: int | None = None,
    repeats: int = 2,
    time_limit: float | None = None,
    progress: Report | None = None,
) -> Comparison:
    """Solve a base and its variants, and split what differs into new data and new plan.

    Laws that are learned from the same rows in the same way are learned once. Every variant starts from the
    base's plan; where a variant's plan turns out better for another scenario, that one is searched again from it.
    The change of each cost term is split into the *data effect* (the base's plan under the variant's data) and
    the *re-planning effect* (the variant's plan, same data).

    Parameters
    ----------
    scenarios
        The base, then one or more variants, all of one kind.
    seed
        In place of the base's; the same for all.
    repeats
        How many times each search is done, with seeds that follow one another. The spread of the objectives is
        the noise of the search; with one repeat it is not measured. A search that proves its plan optimal has
        none and is not repeated.
    time_limit
        Seconds for each search, in place of those of the files.
    progress
        Told of each stage.

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
    report, start = progress or silent, time.perf_counter()
    contests = _contests(scenarios, seed, report)
    for round_ in range(repeats):
        _search(contests, round_, time_limit, report)
    _exchange(contests, time_limit, report)
    runs = tuple(finished(c.scenario, c.laws, c.best, seconds=time.perf_counter() - start) for c in contests)
    base = contests[0]
    variants = tuple(
        Variant(run, _under(c.problem, base.best.plan), c.noise)
        for c, run in zip(contests[1:], runs[1:], strict=True)
    )
    return Comparison(runs[0], variants, base.noise, any(c.interrupted for c in contests))


def _check(scenarios: Sequence[Scenario], repeats: int) -> None:
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


@dataclass(eq=False)
class _Contest:
    """A scenario, and the plans found for it so far."""

    scenario: Scenario
    laws: dict[str, LearnedLaw]
    problem: Problem[Any]
    seed: int
    searches: list[Result] = field(default_factory=list)
    others: list[Result] = field(default_factory=list)

    @property
    def best(self) -> Result:
        return min([*self.searches, *self.others], key=_rank)

    @property
    def interrupted(self) -> bool:
        return any(result.interrupted for result in self.searches)

    @property
    def proved(self) -> bool:
        return any(result.status == "optimal" for result in self.searches)

    @property
    def noise(self) -> float | None:
        """How far the objectives of repeated searches lie apart; None where that was not measured."""
        if self.proved:
            return 0.0
        rank = min((_rank(result)[:2] for result in self.searches), default=None)
        like = [r.objective for r in self.searches if r.objective is not None and _rank(r)[:2] == rank]
        return max(like) - min(like) if len(like) > 1 else None


def _rank(result: Result) -> tuple[int, int, float]:
    """Order plans: those that hold before those that leave something out or break a rule, then by price."""
    if result.objective is None:
        return (3, 0, 0.0)
    severity = 0 if result.check.ok else 1 if result.check.only_unserved else 2
    return (severity, len(result.check.violations), result.objective)


def _better(one: Result, other: Result) -> bool:
    """Whether `one` is better by more than the noise of summation."""
    a, b = _rank(one), _rank(other)
    return a[:2] < b[:2] or (a[:2] == b[:2] and a[2] < b[2] - _EQUAL * max(1.0, abs(b[2])))


def _contests(scenarios: Sequence[Scenario], seed: int | None, report: Report) -> list[_Contest]:
    cache: Cache = {}
    chosen = scenarios[0].seed if seed is None else seed
    contests = []
    for scenario in scenarios:
        scenario.check()
        laws = laws_of(scenario, learn(scenario, chosen, report, cache))
        contests.append(_Contest(scenario, laws, build(scenario, laws), chosen))
    units = {contest.problem.unit for contest in contests}
    if len(units) > 1:
        text = f"objectives in {' and '.join(sorted(units))} do not compare; state all in one currency"
        raise ScenarioError([Issue("compare", 0, "problem.units", text)])
    return contests


def _search(contests: list[_Contest], round_: int, time_limit: float | None, report: Report) -> None:
    """Search the base, then every variant from the plan just found for the base."""
    start: Plan | None = None
    for place, contest in enumerate(contests):
        stopped = any(c.interrupted for c in contests)
        if stopped and contest.searches:
            continue
        if round_ and contest.proved:
            start = contest.best.plan if place == 0 else start
            continue
        initial = None if place == 0 else _plan_under(contest.problem, start)
        if stopped:
            _adopt_or_stop(contest, initial)
            continue
        seed = contest.seed + round_
        result = solved(
            contest.scenario,
            contest.problem,
            seed=seed,
            time_limit=time_limit,
            initial=initial,
            report=report,
        )
        contest.searches.append(result)
        if place == 0:
            start = result.plan


def _adopt_or_stop(contest: _Contest, plan: Plan | None) -> None:
    """After Ctrl-C, keep the base's plan for a variant that was not searched yet."""
    from kanopt.problems.evaluate import evaluate

    if plan is None:
        raise KeyboardInterrupt
    contest.others.append(evaluate(contest.problem, plan))


def _exchange(contests: list[_Contest], time_limit: float | None, report: Report) -> None:
    """Price every plan under every scenario; search again from a plan of another that is better."""
    from kanopt.problems.evaluate import evaluate

    pool = [(contest, result.plan) for contest in contests for result in contest.searches if result.plan]
    for contest in contests:
        plans = (_plan_under(contest.problem, plan) for owner, plan in pool if owner is not contest)
        offers = [evaluate(contest.problem, plan) for plan in plans if plan is not None]
        offer = min(offers, key=_rank, default=None)
        if offer is None or not contest.searches or not _better(offer, contest.best):
            continue
        contest.others.append(offer)
        if any(c.interrupted for c in contests):
            continue
        report(
            Event(
                "solve",
                f"a plan of another scenario is better for {contest.scenario.name}; searching from it",
            )
        )
        contest.others.append(
            solved(
                contest.scenario,
                contest.problem,
                seed=contest.seed,
                time_limit=time_limit,
                initial=offer.plan,
                report=report,
            )
        )


def _plan_under(problem: Problem[Any], plan: Plan | None) -> Plan | None:
    """Return the plan as `problem` reads it; None where it names things the problem does not have."""
    try:
        return None if plan is None else problem.plan_from(plan)
    except ProblemError:
        return None


def _under(problem: Problem[Any], plan: Plan | None) -> Result | str:
    """Price the plan under another scenario's data; a text says why that is not possible."""
    from kanopt.problems.evaluate import evaluate

    if plan is None:
        return "the base has no plan"
    try:
        return evaluate(problem, plan)
    except ProblemError as error:
        return str(error)
