"""What a comparison says, as data: its own page, and the section of variants on the page of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanopt.explain.summary import coverage_sentence, left_out_sentence
from kanopt.problems.result import Result
from kanopt.problems.views import SeriesView
from kanopt.reports.page_parts import (
    NARROW,
    CellBar,
    FactList,
    Figure,
    KeyFigure,
    Notice,
    PageTable,
    TableColumn,
    bar_lengths,
    table_of,
    tone_of,
)
from kanopt.reports.plots import has_many_marks, view_svg
from kanopt.reports.question_page import (
    Basis,
    PageSection,
    QuestionPage,
    fact_ids,
    learned_sentence,
    noise_sentence,
)
from kanopt.reports.view_figures import WIDTHS, view_figure
from kanopt.text import count_text, fixed_text, join_list, money_decimals, money_text, percent_text
from kanopt.whatif.run import unanswered

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.whatif import Comparison, Run, Variant

_HALF = 480
_AS_PLANNED = "as planned"
_EFFECTS = ("data_effect", "replanning_effect", "change")


def comparison_page(comparison: Comparison) -> QuestionPage:
    """Collect what the page of a comparison says: what changed, by how much, and why."""
    base = comparison.base
    meant = set(comparison.old_plan_notes())
    notices = [Notice("note" if note in meant else "care", note) for note in comparison.notes]
    if comparison.interrupted:
        told = "The user stopped the comparison; plans are the best so far."
        notices.insert(0, Notice("bad", told, label="Stopped"))
    noise = noise_sentence(comparison.steps["noise"], comparison.unit)
    open_ones = unanswered(run.scenario for run in comparison.runs)
    facts = _provenance(base)
    facts = replace(facts, ids=fact_ids([word for word, _ in facts.pairs], base.laws, base.tables))
    return QuestionPage(
        kicker=f"kanopt comparison · {base.result.problem.kind}",
        title=comparison.title,
        answer=_answer(comparison),
        lines=(),
        keys=tuple(_keys(comparison)),
        sure=(noise, *learned_sentence(base.result.problem)),
        notices=(*_left_out_notices(comparison), *notices),
        figures=(),
        tables=(_coverage(comparison), _overview(comparison)),
        basis=Basis(base.laws, base.tables, base.scenario.change_sentences(), facts, open_ones),
        sections=tuple(_section(comparison, variant) for variant in comparison.variants),
        others=tuple((run.scenario.name, _provenance(run)) for run in comparison.runs[1:]),
    )


def _answer(comparison: Comparison) -> tuple[str, ...]:
    """Say of each scenario what its plan serves, then what it costs."""
    price = comparison.base.result.objective
    cost = "There is no plan"
    if price is not None:
        cost = f"It {'earns' if price < 0 else 'costs'} {money_text(abs(price), comparison.unit)}"
    told = [cost, *map(comparison.verdict_text, comparison.variants)]
    return tuple(
        " ".join(
            filter(None, [f"{run.scenario.name}:", coverage_sentence(run.result, "the plan"), f"{words}."])
        )
        for run, words in zip(comparison.runs, told, strict=True)
    )


def _left_out_notices(comparison: Comparison) -> list[Notice]:
    """Return what it would cost to serve what each plan leaves out, where that is not paid for in its price."""
    found = []
    for run in comparison.runs:
        known = run.result.assessment
        if known is not None and known.left_out_price is not None and known.left_out_price.more != 0.0:
            label = f"{run.scenario.name}, {known.coverage.lacking}"
            found.append(Notice("bad", left_out_sentence(run.result), label=label))
    return found


def _keys(comparison: Comparison) -> Iterator[KeyFigure]:
    unit, base = comparison.unit, comparison.base
    yield _price(base.result, base.scenario.name, unit)
    for variant in comparison.variants:
        key, verdict = _price(variant.run.result, variant.name, unit), comparison.verdict(variant)
        if variant.run.result.objective is not None and base.result.objective is not None:
            share = percent_text(verdict.change / abs(verdict.price), signed=True) if verdict.price else "–"
            tone = tone_of(verdict.change if verdict.is_known else 0.0)
            key = replace(key, note=f"{share}, {verdict.word}", tone=tone)
        yield key


def _price(result: Result, name: str, unit: str) -> KeyFigure:
    """Return the price of a plan below what it serves."""
    if result.objective is None or result.coverage is None:
        return KeyFigure(name, "–", "", result.status.value, "bad")
    coverage = result.coverage
    first = f"{coverage.words.verb} {coverage.amount}" if coverage.text else ""
    return KeyFigure(
        name,
        money_text(result.objective),
        unit,
        result.status.value,
        first=first,
        lacks=not coverage.complete,
    )


def _coverage(comparison: Comparison) -> PageTable:
    """Return what each plan serves, and the price of what it leaves out."""
    frame = comparison.coverage.drop(columns=["served", "wanted", "unit"])
    if not frame["left_out"].any():
        frame = frame[["scenario", "coverage"]]
        return table_of(frame, "What each plan serves", heads={"coverage": "its plan"})
    decimals = money_decimals(frame["left_out_price"].dropna())
    price = f"price of that ({comparison.unit})"
    return table_of(
        frame,
        "What each plan serves",
        heads={"coverage": "its plan", "left_out_price": price, "left_out_note": "how the price is known"},
        forms={"left_out_price": lambda value: fixed_text(float(value), decimals)},
    )


def _overview(comparison: Comparison) -> PageTable:
    steps = comparison.steps
    decimals = money_decimals([*steps["before"].dropna(), *steps["after"].dropna()])
    forms = {name: lambda value: fixed_text(float(value), decimals) for name in ("before", "after", "noise")}
    forms |= {name: lambda value: fixed_text(float(value), decimals, signed=True) for name in _EFFECTS}
    return table_of(
        steps[["scenario", "before", *_EFFECTS[:2], "after", "change", "noise", "verdict"]],
        f"From base to variant ({comparison.unit})",
        heads={
            "data_effect": "new data, old plan",
            "replanning_effect": "re-planning",
            "noise": "noise of the search",
        },
        forms=forms,
        note="Before + new data + re-planning = after. A change within the noise of the search is no difference.",
    )


def _section(comparison: Comparison, variant: Variant) -> PageSection:
    moved, told = comparison.moved, comparison.moved_text(variant)
    things = moved.loc[moved["scenario"] == variant.name].drop(columns="scenario")
    in_use = "; ".join(comparison.changes_in_use(variant))
    tables = [_terms(comparison, variant)]
    if len(things):
        tables.append(table_of(things, "What the new plan puts elsewhere", heads={"thing": "what"}))
    lines = [coverage_sentence(variant.run.result), comparison.verdict_text(variant)]
    return PageSection(
        name=variant.name,
        lines=(*filter(None, lines), f"{told[:1].upper()}{told[1:]}.", *([f"{in_use}."] if in_use else [])),
        changes=comparison.changes_of(variant),
        tables=tuple(tables),
        pairs=() if comparison.keeps_plan(variant) else tuple(_pairs(comparison.base, variant.run)),
    )


def _terms(comparison: Comparison, variant: Variant) -> PageTable:
    terms = comparison.terms
    frame = terms.loc[terms["scenario"] == variant.name].sort_values("after", ascending=False, kind="stable")
    names = ["before", *_EFFECTS[:2], "after", "change"]
    sums = frame[names].sum(min_count=1)
    decimals = money_decimals([*frame["before"], *frame["after"], sums["before"], sums["after"]])

    def cells(row: pd.Series[float]) -> list[str]:
        return [fixed_text(float(row[name]), decimals, signed=name in _EFFECTS) for name in names]

    lengths = bar_lengths([*frame["before"], *frame["after"]])
    rows: tuple[tuple[str | CellBar, ...], ...] = tuple(
        (str(term), *cells(row), CellBar(lengths[len(frame) + place], lengths[place]))
        for place, (term, (_, row)) in enumerate(zip(frame["term"], frame[names].iterrows(), strict=True))
    )
    heads = ("term", "before", "new data", "re-planning", "after", "change")
    columns = (*(TableColumn(head, head != "term") for head in heads), TableColumn(""))
    return PageTable(f"Cost by term ({comparison.unit})", columns, rows, ("total", *cells(sums), ""))


def _pairs(base: Run, other: Run) -> list[tuple[Figure, Figure]]:
    """Return every view of the two plans, side by side and with a common scale."""
    runs = (base, other)
    both = [() if (known := run.result.assessment) is None else known.views() for run in runs]
    pairs = []
    for place, views in enumerate(zip(*both, strict=False)):
        figures = []
        for run, view in zip(runs, views, strict=True):
            label = f"{view.title}: {run.scenario.name}, beside {other.scenario.name} ({place + 1})"
            wide = view_svg(view, _HALF, label, among=views)
            narrow = view_svg(view, NARROW, f"{label}, narrow", among=views)
            figures.append(Figure(wide, narrow, f"{view.title}: {run.scenario.name}"))
        pairs.append((figures[0], figures[1]))
    return pairs


def _provenance(run: Run) -> FactList:
    facts = {f"law {name}": str(law.formula) for name, law in run.laws.items()}
    facts |= {f"table {name}": count_text(report.rows, "row") for name, report in run.tables.items()}
    return FactList(tuple((facts | {str(key): str(value) for key, value in run.provenance.items()}).items()))


# The section of variants on the page of a plan.


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
    details = tuple(_details(comparison, variant) for variant in comparison.variants)
    return VariantSection(_variants_table(comparison), tuple(_notes(comparison)), details)


def _variants_table(comparison: Comparison) -> PageTable:
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
    for variant in comparison.variants:
        verdict = comparison.verdict(variant)
        told = (
            fixed_text(verdict.change, decimals, signed=True),
            fixed_text(verdict.noise, decimals),
            verdict.word,
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


def _details(comparison: Comparison, variant: Variant) -> VariantDetails:
    price = comparison.price_text(variant.run)
    return VariantDetails(
        variant.name,
        f"{variant.name}: {price}, {comparison.verdict_text(variant)}.",
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
