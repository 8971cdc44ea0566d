"""What a what-if changes, by cost term, apart from the luck of the search.

A search that stops early is off by a percent or more, and so are differences between two searches. Therefore
scenarios start from each other's plans, every plan is priced under every scenario's data, each scenario keeps the
best plan there is, and the search is repeated with other seeds from other plans to see how far its result
scatters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kanopt.errors import Issue, ProblemError, ScenarioError
from kanopt.text import join_list
from kanopt.whatif.comparison import Comparison, Variant
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.law_cache import LawCache
from kanopt.whatif.learn import LearnedLaw, laws_of, learn
from kanopt.whatif.run import build, finish_run, price_today, solve_problem, tell_remarks
from kanopt.whatif.scenario import Scenario

if TYPE_CHECKING:
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result

__all__ = ["compare"]

_SEARCHED_ROUNDS = 2
"""So many times scenarios are searched again from plans of others."""


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

    Laws that are learned from the same rows in the same way are learned once. Every variant starts from the
    base's plan; where the plan of one scenario turns out better for another, that one is searched again from it, until
    none has a better plan than its own.
    The change of each cost term is split into the *data effect* (the base's plan under the variant's data) and
    the *re-planning effect* (the variant's plan, same data).

    Parameters
    ----------
    scenarios
        The base, then one or more variants, all of one kind.
    seed
        In place of the base's; the same for all.
    repeats
        How many times each search is done, with other seeds and from other plans. The spread of the objectives
        is the noise of the search; with one repeat it is not measured. A search that proves its plan optimal has
        none and is not repeated.
    time_limit
        Seconds for each search, in place of those of the files.
    progress
        Called with each stage.
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
    report, start = progress or ignore_event, time.perf_counter()
    contests = _scenario_searches(scenarios, seed, report, LawCache(relearn=relearn))
    for round_ in range(repeats):
        _search(contests, round_, time_limit, report)
    _complete(contests)
    _exchange_plans(contests, time_limit, report)
    seconds = time.perf_counter() - start
    runs = tuple(finish_run(c.scenario, c.laws, c.best, c.today, seconds=seconds) for c in contests)
    base = contests[0]
    variants = tuple(
        Variant(run, _price_under(c.problem, base.best.plan), c.noise)
        for c, run in zip(contests[1:], runs[1:], strict=True)
    )
    return Comparison(
        runs[0],
        variants,
        base.noise,
        any(c.interrupted for c in contests),
        searched_again=base.best is not base.searches[0],
        standalone_objective=base.standalone_objective,
    )


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
class _ScenarioSearch:
    """A scenario, and the plans found for it so far.

    Repeated searches, from which the noise is read, are kept apart from those that begin with the plan of another
    scenario, and both from plans that were taken over as they are.
    """

    scenario: Scenario
    laws: dict[str, LearnedLaw]
    problem: Problem[Any]
    today: Result | None
    seed: int
    searches: list[Result] = field(default_factory=list)
    later_searches: list[Result] = field(default_factory=list)
    other_results: list[Result] = field(default_factory=list)

    @property
    def results(self) -> list[Result]:
        return [*self.searches, *self.later_searches, *self.other_results]

    @property
    def best(self) -> Result:
        return min(self.results, key=attrgetter("rank"))

    @property
    def plans(self) -> list[Plan]:
        """The plans found for it, and today's."""
        results = [*self.results, *([] if self.today is None else [self.today])]
        return [result.plan for result in results if result.plan is not None]

    @property
    def interrupted(self) -> bool:
        return any(result.interrupted for result in (*self.searches, *self.later_searches))

    @property
    def proved(self) -> bool:
        return any(result.status == "optimal" for result in self.searches)

    @property
    def standalone_objective(self) -> float | None:
        """The objective that a run of this scenario alone comes to; None where it would search on from today's plan."""
        if not self.searches or (
            self.today is not None and self.today.rank.is_better_than(self.searches[0].rank)
        ):
            return None
        return self.searches[0].objective

    @property
    def noise(self) -> float | None:
        """How far the objectives of repeated searches lie apart; None where that was not measured."""
        if self.proved:
            return 0.0
        finest = min((result.rank[:3] for result in self.searches), default=None)
        like = [r.objective for r in self.searches if r.objective is not None and r.rank[:3] == finest]
        return max(like) - min(like) if len(like) > 1 else None


def _scenario_searches(
    scenarios: Sequence[Scenario], seed: int | None, report: OnEvent, cache: LawCache
) -> list[_ScenarioSearch]:
    chosen = scenarios[0].seed if seed is None else seed
    contests = []
    for scenario in scenarios:
        scenario.check()
    tell_remarks(scenarios, report)
    for scenario in scenarios:
        laws = laws_of(scenario, learn(scenario, chosen, report, cache))
        problem = build(scenario, laws)
        contests.append(
            _ScenarioSearch(scenario, laws, problem, price_today(scenario, problem, laws), chosen)
        )
    units = {contest.problem.unit for contest in contests}
    if len(units) > 1:
        text = f"objectives in {join_list(sorted(units))} do not compare; state all in one currency"
        raise ScenarioError([Issue("compare", 0, "problem.units", text)])
    return contests


def _search(contests: list[_ScenarioSearch], round_: int, time_limit: float | None, report: OnEvent) -> None:
    """Search every scenario once more.

    In the first round the base starts from scratch and the variants from its plan; in the second the variants start
    from scratch and the base from a variant's plan; and so on in turn. Repeated searches thus differ even where a
    solver makes no use of its seed.
    """
    base, *others = contests
    for contest in contests if round_ % 2 == 0 else [*others, base]:
        if (round_ and contest.proved) or any(c.interrupted for c in contests):
            continue
        first = contest is base if round_ % 2 == 0 else contest is not base
        other = base if contest is not base else others[round_ // 2 % len(others)]
        initial = None if first else other.searches[-1].plan
        result = solve_problem(
            contest.scenario,
            contest.problem,
            seed=contest.seed + round_,
            time_limit=time_limit,
            initial=initial,
            report=report,
        )
        contest.searches.append(result)


def _complete(contests: list[_ScenarioSearch]) -> None:
    """After Ctrl-C, keep the base's plan for a variant that was not searched yet.

    Raises
    ------
    KeyboardInterrupt
        If there is nothing to show for it.
    """
    for contest in contests[1:]:
        if not contest.searches:
            kept = _price_under(contest.problem, contests[0].best.plan)
            if isinstance(kept, str):
                raise KeyboardInterrupt
            contest.other_results.append(kept)


def _exchange_plans(contests: list[_ScenarioSearch], time_limit: float | None, report: OnEvent) -> None:
    """Offer every plan to every scenario, until none of them has a better one than its own.

    A scenario that takes over a plan is searched again from it, and what that finds is offered to all in turn. After
    some rounds plans are taken over without a search: then no new ones arise, and it ends.
    """
    offered = [set[int]() for _ in contests]
    for round_ in range(_SEARCHED_ROUNDS + 1):
        pool = [plan for contest in contests for plan in contest.plans]
        improved = [
            contest
            for contest, known in zip(contests, offered, strict=True)
            if _take_over(contest, pool, known)
        ]
        if not improved or round_ == _SEARCHED_ROUNDS:
            return
        for contest in improved:
            if any(c.interrupted for c in contests):
                break
            found = "a plan of another scenario is better"
            report(Event("solve", f"{found} for {contest.scenario.name}; searching from it"))
            contest.later_searches.append(
                solve_problem(
                    contest.scenario,
                    contest.problem,
                    seed=contest.seed,
                    time_limit=time_limit,
                    initial=contest.best.plan,
                    report=report,
                )
            )


def _take_over(contest: _ScenarioSearch, pool: Sequence[Plan], offered: set[int]) -> bool:
    """Price plans under the data of a scenario, and keep the best of them if it is better than what there is.

    Parameters
    ----------
    contest
        The scenario.
    pool
        Plans of all scenarios.
    offered
        Identities of those that were priced before; completed here.
    """
    from kanopt.problems.evaluate import evaluate

    new = [plan for plan in pool if id(plan) not in offered]
    offered |= {id(plan) for plan in new}
    forms = [*new, *(form for plan in new if (form := plan.reopened()) is not plan)]
    plans = (_plan_under(contest.problem, form) for form in forms)
    offers = [evaluate(contest.problem, plan) for plan in plans if plan is not None]
    offer = min(offers, key=attrgetter("rank"), default=None)
    if offer is None or not offer.rank.is_better_than(contest.best.rank):
        return False
    contest.other_results.append(offer)
    return True


def _plan_under(problem: Problem[Any], plan: Plan) -> Plan | None:
    """Return the plan as `problem` reads it; None where it names things the problem does not have."""
    try:
        read: Plan = problem.plan_from(plan)
    except ProblemError:
        return None
    return read


def _price_under(problem: Problem[Any], plan: Plan | None) -> Result | str:
    """Price the plan under another scenario's data; a text says why that is not possible."""
    from kanopt.problems.evaluate import evaluate

    if plan is None:
        return "the base has no plan"
    try:
        return evaluate(problem, plan)
    except ProblemError as error:
        return str(error)
