"""Other fleets and demands, planned anew, as a section of the page of a plan."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanopt.explain.service import does_less
from kanopt.problems.views import SeriesView
from kanopt.reports.canvas import named_rows
from kanopt.reports.page_parts import Figure, PageTable, TableColumn
from kanopt.reports.plots import has_many_marks
from kanopt.reports.view_figures import WIDTHS, view_figure
from kanopt.text import fixed_text, join_list, money_decimals, money_text
from kanopt.whatif.comparison_text import objective_text

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.whatif import Comparison, Variant

_AS_PLANNED, _NO_DIFFERENCE = "as planned", "no difference"


@dataclass(frozen=True)
class VariantDetails:
    """One variant: its name, what its plan costs, what it changes and uses, and its plan, where it is drawn."""

    name: str
    told: str
    changes: tuple[str, ...]
    in_use: str
    figure: Figure | None


@dataclass(frozen=True)
class VariantSection:
    """What the plan would be with another fleet or demand."""

    table: PageTable
    notes: tuple[str, ...]
    variants: tuple[VariantDetails, ...]


def variant_section(comparison: Comparison | None) -> VariantSection | None:
    """Return what is said of variants; None where none were planned."""
    if comparison is None or not comparison.variants:
        return None
    steps = named_rows(comparison.steps)
    details = [
        _details(comparison, variant, step) for variant, step in zip(comparison.variants, steps, strict=True)
    ]
    return VariantSection(_table(comparison), tuple(_notes(comparison)), tuple(details))


def _table(comparison: Comparison) -> PageTable:
    """Return a row for the plan and for each variant: its price, what that is, and the figures of its plan."""
    steps, unit = comparison.steps, comparison.unit
    decimals = money_decimals([*steps["before"].dropna(), *steps["after"].dropna()])
    of_base = _figures(comparison.base.result)
    heads = [
        ("what is other", False),
        (f"price, {unit}", True),
        ("difference", True),
        ("noise of the search", True),
    ]
    heads += [("what that is", False), ("served", True), *((label, True) for label, _ in of_base.values())]
    rows = [_row(_AS_PLANNED, comparison.base.result, ("", "", ""), tuple(of_base), decimals)]
    for variant, step in zip(comparison.variants, named_rows(steps), strict=True):
        told = (
            fixed_text(float(step.change), decimals, signed=True),
            fixed_text(variant.noise, decimals),
            _verdict(comparison, variant, step),
        )
        rows.append(_row(variant.name, variant.run.result, told, tuple(of_base), decimals))
    return PageTable(
        "What the plan would cost, and be",
        tuple(TableColumn(head, numeric) for head, numeric in heads),
        tuple(rows),
        note="Each is planned anew, by searches that begin with this plan. The noise is how far apart lie what they "
        "say of the difference; a difference within it is none.",
    )


def _row(
    name: str, result: Result, told: tuple[str, str, str], keys: tuple[str, ...], decimals: int
) -> tuple[str, ...]:
    figures, coverage = _figures(result), result.coverage
    price = "–" if result.objective is None else fixed_text(result.objective, decimals)
    served = "–" if coverage is None else coverage.amount
    return (name, price, *told, served, *(figures[key][1] if key in figures else "–" for key in keys))


def _figures(result: Result) -> dict[str, tuple[str, str]]:
    """Return the figures that everybody asks for, by key: what each is, and how much."""
    known = () if result.assessment is None else result.assessment.figures()
    return {figure.key: (figure.label, figure.text) for figure in known if figure.rank == 1}


def _verdict(comparison: Comparison, variant: Variant, step: Any) -> str:
    """Say in a few words what a difference comes to."""
    result, base = variant.run.result, comparison.base.result
    known, change = result.assessment, float(step.change)
    if known is None or result.objective is None or base.objective is None:
        return "no plan"
    if known.broken_rules:
        return "breaks rules, no plan to follow"
    if not step.like_with_like:
        if does_less(result, base):
            return f"{'no saving: ' if change < 0 else ''}more is left out or late"
        return "less is left out or late" if does_less(base, result) else "another demand"
    if variant.is_noise(change) or abs(change) <= 1e-9 * max(1.0, abs(base.objective)):
        return _NO_DIFFERENCE
    known_noise = "" if math.isfinite(variant.noise) else ", noise unknown"
    return ("dearer" if change > 0 else "cheaper") + known_noise


def _details(comparison: Comparison, variant: Variant, step: Any) -> VariantDetails:
    unit, words, change = comparison.unit, _verdict(comparison, variant, step), float(step.change)
    if math.isfinite(change) and words != _NO_DIFFERENCE:
        noise = f"; the noise of the search is {money_text(variant.noise, unit)}" if variant.noise > 0 else ""
        words = f"{money_text(change, unit, signed=True)} ({words}{noise})"
    return VariantDetails(
        variant.name,
        f"{variant.name}: {objective_text(variant.run, unit)}, {words}.",
        comparison.changes_of(variant),
        "; ".join(comparison.changes_in_use(variant)),
        _drawn(comparison, variant),
    )


def _drawn(comparison: Comparison, variant: Variant) -> Figure | None:
    """Draw the first view of a plan in the colours of the page's; None where that would be too much for a page."""
    both = [
        () if run.result.assessment is None else run.result.assessment.views()
        for run in (comparison.base, variant.run)
    ]
    if not all(both) or isinstance(both[1][0], SeriesView) or any(has_many_marks(views[0]) for views in both):
        return None
    view = both[1][0]
    among = (both[0][0], view)
    return view_figure(view, 0, WIDTHS[type(view)], "other", name=variant.name, among=among)


def _notes(comparison: Comparison) -> Iterator[str]:
    """Yield what must be said beside the prices."""
    if comparison.interrupted:
        yield "The user stopped the search: other variants were not planned."
    if comparison.searched_again:
        yield "The plan of this page was found for one of the variants, or by a second search."
    base = comparison.base.result.assessment
    if base is not None and base.views() and has_many_marks(base.views()[0]):
        yield "Their plans are not drawn: each is too large for one page."
    before = () if base is None else base.law_caveats
    for variant in comparison.variants:
        known = variant.run.result.assessment
        doubts = [] if known is None else [each for each in known.law_caveats if each not in before]
        if known is not None and known.broken_rules:
            yield f"{variant.name}: {join_list(known.broken_rules, 2)}."
        if doubts:
            yield f"{variant.name}: {'; '.join(doubts)}."
