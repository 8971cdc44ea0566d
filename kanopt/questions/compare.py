"""What a what-if changes, by cost term, apart from the luck of the search.

A search that stops early is off by a percent or more, and so are differences between two searches. Therefore
each variant is a point of a question: its searches start from those of the base, every plan is priced under every
scenario's data, each scenario keeps the best plan there is, and how far apart lie what pairs of searches say of the
difference is the noise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from kanopt.display import (
    Grid,
    KeyFigure,
    Lines,
    Notice,
    Part,
    Section,
    caution,
    change_table,
    table_of,
    tone_of,
)
from kanopt.errors import Issue, ScenarioError
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.plans.summary import coverage_sentence, left_out_sentence
from kanopt.progress import told_by_line
from kanopt.questions.answer import Answer, Said, noise_sentence
from kanopt.questions.ask import carry_out
from kanopt.questions.axes import refused
from kanopt.questions.point import (
    BASE,
    PointResult,
    Verdict,
    assignments,
    numbered_like,
    of_kept,
    point_of,
)
from kanopt.questions.point_search import kept_plan
from kanopt.questions.question import Prepared, Question, base_results, prepare_checked
from kanopt.scenarios.events import OnEvent, ignore_event
from kanopt.scenarios.learn import LawCache, doubts
from kanopt.scenarios.run import Run, finish_run, tell_remarks
from kanopt.scenarios.scenario import Scenario
from kanopt.text import (
    capital,
    count_text,
    join_list,
    list_names,
    money_text,
    percent_text,
    shorten,
)

# The outcome of a comparison, as frames and in words.

_AMOUNTS = ["before", "data_effect", "replanning_effect", "after", "change"]
_STEPS = ["scenario", *_AMOUNTS, "like_with_like", "noise", "verdict"]
_MOVED = ["scenario", "thing", "before", "after"]
_SHOWN, _NAME, _NOWHERE = 2, 40, "none"
_HEADS = {
    "before": "before",
    "data_effect": "new data",
    "replanning_effect": "re-planning",
    "after": "after",
    "change": "change",
}


@dataclass(frozen=True, eq=False)
class Variant:
    """One variant beside its base.

    Parameters
    ----------
    run
        The variant, with its own plan.
    found
        What came of it as a point: its plan and the base's under its data, and what searches say of the difference.
    """

    run: Run
    found: PointResult

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.run.scenario.name


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Answer):
    """A base and its variants.

    Parameters
    ----------
    base
        The base's run.
    variants
        The others.
    interrupted
        True where the user stopped it; plans are the best so far.
    """

    base: Run
    variants: tuple[Variant, ...]
    interrupted: bool = False

    @property
    def runs(self) -> tuple[Run, ...]:
        """The base's run, then those of the variants."""
        return (self.base, *(variant.run for variant in self.variants))

    kind = "comparison"

    @property
    def scenario(self) -> Scenario:
        """The base's scenario."""
        return self.base.scenario

    @property
    def status(self) -> Status:
        """The worst of those of the plans."""
        return max((run.result.status for run in self.runs), key=list(Status).index)

    @property
    def title(self) -> str:
        """The base and what it is compared with."""
        return f"{self.base.scenario.name}: {join_list([variant.name for variant in self.variants])}"

    @cached_property
    def as_it_is(self) -> PointResult:
        """The base, as a point."""
        return point_of(BASE, self.base.result)

    def verdict(self, variant: Variant) -> Verdict:
        """Return what the change of a variant against the base comes to."""
        return variant.found.verdict(self.as_it_is)

    def keeps_plan(self, variant: Variant) -> bool:
        """Whether the base's plan may stay under a variant's data: another one gains no more than luck."""
        return variant.found.keeps_plan(self.as_it_is)

    @cached_property
    def terms(self) -> pd.DataFrame:
        """One row per variant and cost term.

        Columns ``scenario``, ``term``, ``before`` (base's plan and data), ``data_effect`` (same plan, the
        variant's data), ``replanning_effect`` (the variant's plan, same data), ``after`` and ``change``; in each
        row ``before + data_effect + replanning_effect = after``. The effects are missing where the base's plan
        cannot be carried out under the variant's data, or breaks a rule there.
        """
        rows = [row for variant in self.variants for row in self._terms_of(variant)]
        return pd.DataFrame(rows, columns=["scenario", "term", *_AMOUNTS])

    def _terms_of(self, variant: Variant) -> Iterator[tuple[object, ...]]:
        base, found = self.as_it_is, variant.found
        kept = {} if math.isnan(found.held_price(base)) else found.kept_terms
        for term in dict.fromkeys([*base.terms, *found.terms, *kept]):
            missing = math.nan if math.isnan(found.objective) else 0.0
            before, after = base.terms.get(term, 0.0), found.terms.get(term, missing)
            held = kept.get(term, 0.0) if kept else math.nan
            yield variant.name, term, before, held - before, after - held, after, after - before

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per variant: the sums of :attr:`terms`, and a verdict.

        ``like_with_like`` says whether the prices of both plans compare, see :meth:`PointResult.unlike`.
        """
        rows = []
        for variant in self.variants:
            verdict, sums = self.verdict(variant), [self._terms_sum(variant, name) for name in _AMOUNTS]
            rows.append([variant.name, *sums, verdict.alike, verdict.noise, verdict.word])
        return pd.DataFrame(rows, columns=_STEPS)

    @cached_property
    def moved(self) -> pd.DataFrame:
        """What the variant's plan puts elsewhere: columns ``scenario``, ``thing``, ``before``, ``after``.

        Nothing is named where the base's plan may stay.
        """
        before, rows = self.base.result.plan, list[tuple[str, str, str, str]]()
        for variant in self.variants:
            spec = variant.run.scenario.problem
            after = numbered_like(variant.run.result, self.base.result)
            old, new = assignments(before, spec), assignments(after, spec)
            things = [thing for thing in dict.fromkeys([*old, *new]) if old.get(thing) != new.get(thing)]
            things = [] if self.keeps_plan(variant) or variant.run.result.plan is None else things
            rows += [(variant.name, thing, old.get(thing, ""), new.get(thing, "")) for thing in things]
        return pd.DataFrame(rows, columns=_MOVED)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"costs": self.terms, "steps": self.steps, "moved": self.moved}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        both = [f"{table}.{name}" for table in ("costs", "steps") for name in ("before", "after")]
        columns = ("data_effect", "replanning_effect", "change", "noise", "objective", *both)
        return dict.fromkeys(columns, "money")

    def changes_of(self, variant: Variant) -> tuple[str, ...]:
        """Say what a variant changes against the base, a sentence each."""
        return variant.run.scenario.change_sentences(self.base.scenario)

    def changes_in_use(self, variant: Variant) -> tuple[str, ...]:
        """Say which sites, vehicles or machines the variant's plan uses that the base's does not, and the reverse."""
        before, after = self.base.result.assessment, variant.run.result.assessment
        if before is None or after is None or before.in_use is None or after.in_use is None:
            return ()
        return () if self.keeps_plan(variant) else after.in_use.changes_from(before.in_use)

    def moved_text(self, variant: Variant) -> str:
        """Say what the variant's plan puts elsewhere than the base's, the first few by name."""
        rows = self.moved[self.moved["scenario"] == variant.name]
        if self.keeps_plan(variant):
            return "the plan stays"
        if variant.run.result.plan is None:
            return f"there is no plan: {variant.found.message}"
        if not len(rows):
            return "nothing is put elsewhere"
        named = [
            f"{shorten(thing, _NAME)} ({shorten(before or _NOWHERE, _NAME)} → {shorten(after or _NOWHERE, _NAME)})"
            for thing, before, after in rows[["thing", "before", "after"]].itertuples(index=False)
        ]
        counted = count_text(len(rows), *self.base.scenario.problem.moved_words)
        return f"{counted}: {list_names(named, _SHOWN, quoted=False)}"

    def verdict_text(self, variant: Variant) -> str:
        """Say what a variant comes to; where that is no more than luck, also what the plan that stays comes to."""
        verdict, effect = self.verdict(variant), self._terms_sum(variant, "data_effect")
        told = verdict.text(self.unit)
        # prices of one and the same plan differ exactly, whatever the search does
        if verdict.alike and verdict.is_nothing and not Verdict(effect, price=verdict.price).is_nothing:
            exact = money_text(effect, self.unit, signed=True)
            return told if math.isnan(effect) else f"{told}; the base's plan alone changes by exactly {exact}"
        return told

    def _terms_sum(self, variant: Variant, column: str) -> float:
        return float(self.terms.loc[self.terms["scenario"] == variant.name, column].sum(min_count=1))

    def said(self) -> Said:
        """Return what it says."""
        notices = [*map(caution, self.notes)]
        if self.interrupted:
            told = "The user stopped the comparison; plans are the best so far."
            notices.insert(0, Notice("bad", told, label="Stopped"))
        return Said(
            title=self.title,
            answer=self._answer(),
            figures=tuple(self._keys()),
            sure=(noise_sentence(self.steps["noise"], self.unit), *self._learned()),
            notices=(*self._left_out(), *notices),
            tables=(self._overview(),),
            sections=tuple(
                Section(each.name, self._section(each), f"section-{place}", short=each.name)
                for place, each in enumerate(self.variants, start=1)
            ),
        )

    def _answer(self) -> tuple[str, ...]:
        """Say of each scenario what its plan serves, then what it costs."""
        told = []
        for run, verdict in zip(self.runs, ["", *map(self.verdict_text, self.variants)], strict=True):
            price, served = run.result.objective, coverage_sentence(run.result, "the plan")
            cost = "There is no plan"
            if price is not None:
                cost = f"It {'earns' if price < 0 else 'costs'} {money_text(abs(price), self.unit)}"
                cost += f": {verdict}" * bool(verdict)
            told.append(" ".join(filter(None, [f"{run.scenario.name}:", served, f"{cost}."])))
        return tuple(told)

    def _left_out(self) -> Iterator[Notice]:
        """Yield what it would cost to serve what each plan leaves out, where that is not paid for in its price."""
        for run in self.runs:
            known = run.result.assessment
            if known is not None and known.left_out_price is not None and known.left_out_price.more != 0.0:
                label = f"{run.scenario.name} ({known.coverage.lacking})"
                yield Notice("bad", left_out_sentence(run.result), label=label)

    def _keys(self) -> Iterator[KeyFigure]:
        base = self.base.result.objective
        yield self._key(self.base)
        for variant in self.variants:
            key, verdict = self._key(variant.run), self.verdict(variant)
            if variant.run.result.objective is not None and base is not None:
                share = (
                    percent_text(verdict.change / abs(verdict.price), signed=True) if verdict.price else "–"
                )
                tone = tone_of(verdict.change if verdict.is_known else 0.0)
                key = replace(key, note=f"{share}, {verdict.word}", tone=tone)
            yield key

    def _key(self, run: Run) -> KeyFigure:
        """Return the price of a plan below what it serves."""
        coverage, status = run.result.coverage, run.result.status.value
        if run.result.objective is None or coverage is None:
            return KeyFigure(run.scenario.name, "–", "", status, "bad")
        first, lacks = (
            f"{coverage.words.verb} {coverage.amount}" if coverage.text else "",
            not coverage.complete,
        )
        price = money_text(run.result.objective)
        return KeyFigure(run.scenario.name, price, self.unit, status, first=first, lacks=lacks)

    def _section(self, variant: Variant) -> tuple[Part, ...]:
        """Return what a variant comes to, changes, serves and moves, and what each term of its price becomes."""
        terms = self.terms.loc[self.terms["scenario"] == variant.name]
        things = self.moved.loc[self.moved["scenario"] == variant.name].drop(columns="scenario")
        said = [coverage_sentence(variant.run.result), f"{capital(self.moved_text(variant))}."]
        said += [f"{each}." for each in self.changes_in_use(variant)]
        parts: list[Part] = [Lines((f"{capital(self.verdict_text(variant))}.",), "answer")]
        parts.append(" ".join(filter(None, said)))
        if changes := self.changes_of(variant):
            parts += [Lines(("It changes",), "quiet"), Lines(changes, "changes")]
        grid = change_table(terms, f"Cost by term ({self.unit})", _HEADS)
        parts.append(replace(grid, note=self.old_plan_note(variant)))
        if len(things):
            parts.append(table_of(things, "What the new plan puts elsewhere", heads={"thing": "what"}))
        return tuple(parts)

    def _overview(self) -> Grid:
        """Return a row for the plan and for each variant: its price, and what the difference is."""
        verdicts = [Verdict(math.nan, math.nan), *map(self.verdict, self.variants)]
        served = ["–" if run.result.coverage is None else run.result.coverage.amount for run in self.runs]
        frame = pd.DataFrame(
            {
                "scenario": [run.scenario.name for run in self.runs],
                "served": served,
                "objective": [run.result.objective for run in self.runs],
                "change": [one.change for one in verdicts],
                "what that is": ["", *(one.word for one in verdicts[1:])],
                "noise": [one.noise for one in verdicts],
            }
        )
        note = (
            "Each is planned anew. The noise is how far apart lie what searches say of the difference; a difference "
            "within it is none."
        )
        heads = {"objective": f"price, {self.unit}", "change": "difference"}
        return self._table("overview", frame, "What each plan costs and serves", heads=heads, note=note)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside the numbers: doubtful laws, rules that are broken."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if any(amount < 0 for amount in self.as_it_is.terms.values()):
            yield "the tables are of costs: what is earned is negative"
        for run in self.runs:
            yield from _run_notes(run)

    @staticmethod
    def old_plan_note(variant: Variant) -> str:
        """Say why the base's plan does not fit a variant; its changes are meant, so it is no warning."""
        reason, *others = variant.found.kept_message.splitlines() or [""]
        more = f" (and {len(others)} more)" if others else ""
        is_there = "no longer holds" if variant.found.kept_status else "cannot be carried out here"
        return f"The base's plan {is_there}: {reason.rstrip('.')}{more}." if reason else ""


def _run_notes(run: Run) -> Iterator[str]:
    name, known = run.scenario.name, run.result.assessment
    if known is None:
        yield f"{name}: {run.result.status.value}"
    elif known.broken_rules:
        yield f"{name}: the plan breaks rules, compare its price with care: {join_list(known.broken_rules, 2)}"
    yield from (f"{name}: {doubt}" for doubt in doubts(run.laws.values()))
    below = sum(one.below_zero for one in run.explanation.extrapolations)
    if count := len(run.explanation.extrapolations) - below:
        places = count_text(count, "place leans", "places lean")
        yield f"{name}: {places} on a law outside the data it was learned from"
    if below:
        yield f"{name}: a law falls below zero in {count_text(below, 'place')}, which counts as zero"


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
    start = time.perf_counter()
    searches = base_results(base, "anew", report)
    question = Question.of(base, (), (), variants=tuple(others), report=report)
    # of searches is told as they go, not of points that are done
    run = carry_out(question, searches, ignore_event)
    best = run.base
    seconds = time.perf_counter() - start
    variants = []
    for number, each in enumerate(others):
        found = run.results.get(number) or _not_reached(number, each, best)
        assert found.result is not None, "a mistake in the data of a variant ends the comparison"
        # vehicles of a type are alike: where two of them change places, nothing has moved
        result, plan = found.result, numbered_like(found.result, best)
        if plan is not None and plan is not result.plan:
            result = replace(result, assessment=each.problem.assess(plan))
        own = finish_run(each.scenario, each.laws, result, each.today, seconds=seconds)
        variants.append(Variant(own, found))
    return Comparison(
        finish_run(base.scenario, base.laws, best, base.today, seconds=seconds),
        tuple(variants),
        interrupted=run.interrupted,
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
