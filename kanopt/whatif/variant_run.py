"""A run with variants beside it: what the plan would be with another fleet or demand."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kanopt.errors import ScenarioError
from kanopt.progress import told_by_line
from kanopt.text import count_text, seconds_text
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.law_cache import LawCache
from kanopt.whatif.learn import LearnedLaw, learn
from kanopt.whatif.questions.compare import compare_prepared
from kanopt.whatif.questions.prepare import Prepared, prepare_learned
from kanopt.whatif.run import Run, tell_build_remarks, tell_remarks
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.variants import variants_of

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
    others = _prepared(variants, base, learned, report)
    longest = seconds_text((len(others) + 1) * _SEARCHES * base.time_limit)
    counted = count_text(len(others), "variant")
    report(Event("build", f"{counted} and the plan itself, {_SEARCHES} searches each: at most {longest}"))
    found = compare_prepared(base, others, report, optional=True)
    facts = {**found.base.provenance, "seconds in all": f"{time.perf_counter() - start:.1f}"}
    return replace(found.base, provenance=facts, variants=found)


def _prepared(
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
