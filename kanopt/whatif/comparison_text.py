"""A comparison in words: what each plan serves, what it costs, and what is to be said beside that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from kanopt.display import Grid, Part, grid_of
from kanopt.text import (
    count_text,
    fixed_text,
    join_list,
    list_names,
    money_decimals,
    money_text,
    percent_text,
    shorten,
)
from kanopt.whatif.learn import doubts

if TYPE_CHECKING:
    from kanopt.whatif.comparison import Comparison, Variant
    from kanopt.whatif.run import Run

_AMOUNTS = ["before", "data_effect", "replanning_effect", "after", "change"]
_SHOWN, _NAME, _NOWHERE = 2, 40, "none"
_HEADS = {"data_effect": "new data", "replanning_effect": "new plan"}


def comparison_parts(comparison: Comparison) -> Iterator[Part]:
    """Yield a comparison in words and one table per variant; what a plan serves stands before what it costs."""
    base = comparison.base
    yield from (comparison.title, "", *_served_lines(base), f"  {objective_text(base, comparison.unit)}")
    verdicts = comparison.steps.set_index("scenario")["verdict"]
    for variant in comparison.variants:
        yield from ("", *_served_lines(variant.run))
        yield f"  {objective_text(variant.run, comparison.unit)}, {verdicts[variant.name]}"
        yield from (f"  changed: {change}" for change in comparison.changes_of(variant))
        if used := comparison.changes_in_use(variant):
            yield f"  {'; '.join(used)}"
        yield _table(comparison.terms[comparison.terms["scenario"] == variant.name])
        yield f"  {moved_text(comparison, variant)}"
    notes = comparison.notes
    yield from ("", *(f"note: {note}" for note in notes)) if notes else ()


def variants_text(comparison: Comparison) -> str:
    """Say what the plan would cost with another fleet or demand, a line for each variant."""
    lines = ["If the fleet or demand were other, planned anew:"]
    verdicts = comparison.steps["verdict"]
    for variant, told in zip(comparison.variants, verdicts, strict=True):
        lines.append(f"  {variant.name}: {objective_text(variant.run, comparison.unit)}, {told}")
    if comparison.interrupted:
        lines.append("  stopped by the user; others were not planned")
    return "\n".join(lines)


def moved_text(comparison: Comparison, variant: Variant) -> str:
    """Say what the variant's plan puts elsewhere than the base's, the first few by name."""
    rows = comparison.moved[comparison.moved["scenario"] == variant.name]
    if not len(rows):
        return "nothing is put elsewhere"
    named = [
        f"{shorten(thing, _NAME)} ({shorten(before or _NOWHERE, _NAME)} → {shorten(after or _NOWHERE, _NAME)})"
        for thing, before, after in rows[["thing", "before", "after"]].itertuples(index=False)
    ]
    counted = count_text(len(rows), *comparison.base.scenario.problem.moved_words)
    return f"{counted}: {list_names(named, _SHOWN, quoted=False)}"


def objective_text(run: Run, unit: str) -> str:
    """Write what the plan of a run costs, or what it earns."""
    price = run.result.objective
    if price is None:
        return "no plan"
    return money_text(price, unit) if price >= 0 else f"earns {money_text(-price, unit)}"


def _served_lines(run: Run) -> Iterator[str]:
    known = run.result.assessment
    served = run.result.status.value if known is None else known.coverage.text or known.status.value
    yield f"{run.scenario.name}: {served}"
    if known is not None and known.left_out_price is not None:
        yield f"  {known.left_out_price.text}"


def _table(terms: pd.DataFrame) -> Grid:
    total = {name: terms[name].sum(min_count=1) for name in _AMOUNTS}
    shown = pd.concat([terms, pd.DataFrame([{"term": "total", **total}])], ignore_index=True)
    decimals = money_decimals(shown[_AMOUNTS].to_numpy().ravel())
    shown = shown[["term", *_AMOUNTS]].rename(columns=_HEADS)
    return replace(grid_of(shown, lambda value: fixed_text(value, decimals)), indent="  ")


def verdict(comparison: Comparison, variant: Variant, change: float, data_effect: float) -> str:
    """Say what a variant changes, and whether that is more than the noise of the search and compares like with like.

    Parameters
    ----------
    comparison, variant
        The comparison, and one of its variants.
    change, data_effect
        Of the variant's price against the base's, and of that by the new data alone.
    """
    price = comparison.base.result.objective
    if variant.run.result.objective is None or price is None:
        return "no plan to compare"
    unit, noise = comparison.unit, variant.noise
    share = change / max(abs(price), 1e-12)
    words = f"{money_text(change, unit, signed=True)} ({percent_text(share, signed=True)})"
    if price < 0 and price + change < 0:
        more = "more" if change < 0 else "less"
        words = f"{money_text(abs(change), unit)} {more} ({percent_text(-share, signed=True)})"
    measured = math.isfinite(noise)
    noise_text = (
        f"noise of the search {money_text(noise, unit)}" if measured else "noise of the search not measured"
    )
    if unlike := comparison.service_difference(variant):
        told = "no saving" if comparison.is_no_saving(variant) else "not like with like"
        return f"{words}, {told}: it {unlike}; {noise_text}"
    if not measured:
        return f"{words}; {noise_text}"
    tiny = 1e-9 * abs(price)
    if abs(change) <= tiny or variant.is_noise(change):
        within = f"no difference: {words} is within the noise of the search, {money_text(noise, unit)}"
        if abs(change) > max(noise, tiny):
            within = f"no difference: {words}, of which searches do not agree whether it is more or less; {noise_text}"
        # prices of one and the same plan differ exactly, whatever the search does
        exact = money_text(data_effect, unit, signed=True)
        return (
            f"{within}; the base's plan alone changes by exactly {exact}"
            if abs(data_effect) > tiny
            else within
        )
    return f"{words}, {noise_text}"


def comparison_notes(comparison: Comparison) -> Iterator[str]:
    """Yield what must be said beside the numbers: broken old plans, doubtful laws."""
    base = comparison.base
    if comparison.searched_again:
        alone = comparison.standalone_objective
        came = "" if alone is None else f"; run alone it came to {money_text(alone, comparison.unit)}"
        yield f"{base.scenario.name}: its plan is of a later search, or was found for a variant{came}"
    if (comparison.terms["before"] < 0).any():
        yield "the tables are of costs: what is earned is negative"
    yield from old_plan_notes(comparison)
    for run in comparison.runs:
        yield from _run_notes(run)


def old_plan_notes(comparison: Comparison) -> Iterator[str]:
    """Yield which variants the base's plan does not fit, and why: their changes are meant, so that it is no warning."""
    for variant in comparison.variants:
        yield from _old_plan_note(variant)


def _old_plan_note(variant: Variant) -> Iterator[str]:
    kept = variant.base_plan_result
    if isinstance(kept, str):
        reason, *others = kept.splitlines()
        more = f" (and {len(others)} more)" if others else ""
        yield f"{variant.name}: the base's plan cannot be carried out here: {reason}{more}"
    elif kept.assessment is not None and not kept.check.ok:
        broken, must_serve = kept.assessment.broken_rules, kept.status == "partial"
        faults = join_list([*broken, *([f"it {kept.assessment.coverage.text}"] if must_serve else [])], 2)
        yield f"{variant.name}: the base's plan no longer holds: {faults}"


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
