"""A comparison as data for its template: what changed, by how much, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.explain.summary import coverage_sentence, left_out_sentence
from kanopt.problems.result import Result
from kanopt.reports.board_parts import (
    BoardPage,
    brief,
    first_cautions,
    first_changes,
    laws_table,
    tables_sentence,
    unanswered_notices,
)
from kanopt.reports.canvas import named_rows
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
)
from kanopt.reports.plots import view_svg
from kanopt.reports.question_page import fact_ids, first_lines, learned_sentence, noise_sentence
from kanopt.text import count_text, fixed_text, money_decimals, money_text, percent_text
from kanopt.whatif.comparison_text import moved_text, old_plan_notes
from kanopt.whatif.run import unanswered

if TYPE_CHECKING:
    from kanopt.whatif import Comparison, Run, Variant

_HALF = 480
_MOST_TILES = 12


@dataclass(frozen=True)
class VariantSection:
    """One variant beside its base."""

    name: str
    served: str
    verdict: str
    changes: tuple[str, ...]
    in_use: str
    terms: PageTable
    pairs: tuple[tuple[Figure, Figure], ...]
    moved: PageTable | None
    moved_text: str


@dataclass(frozen=True)
class ComparisonPage:
    """Everything the template prints."""

    title: str
    base: str
    answer: tuple[str, ...]
    board: BoardPage
    notices: tuple[Notice, ...]
    coverage: PageTable
    overview: PageTable
    variants: tuple[VariantSection, ...]
    provenance: tuple[tuple[str, FactList], ...]


def comparison_page(comparison: Comparison) -> ComparisonPage:
    """Collect what the report of a comparison says."""
    base = comparison.base
    meant = set(old_plan_notes(comparison))
    open_ones = unanswered(run.scenario for run in comparison.runs)
    notices = [*unanswered_notices(open_ones), *_left_out_notices(comparison)]
    notices += [Notice("note" if note in meant else "care", note) for note in comparison.notes]
    if comparison.interrupted:
        notices.insert(
            0, Notice("bad", "The user stopped the comparison; plans are the best so far.", label="Stopped")
        )
    return ComparisonPage(
        title=comparison.title,
        base=base.scenario.name,
        answer=_answer(comparison),
        board=_board(comparison, notices),
        notices=tuple(notices),
        coverage=_coverage(comparison),
        overview=_overview(comparison),
        variants=tuple(_variant(comparison, variant) for variant in comparison.variants),
        provenance=tuple(
            (run.scenario.name, _provenance(run, is_base=run is base)) for run in comparison.runs
        ),
    )


def _board(comparison: Comparison, notices: list[Notice]) -> BoardPage:
    """Return the first page: what each scenario serves and costs, side by side."""
    base = comparison.base
    noise = noise_sentence(comparison.steps["noise"], comparison.unit)
    return BoardPage(
        kicker=f"kanopt comparison · {base.result.problem.kind}",
        alarms=tuple(brief(each) for each in notices if each.level == "bad"),
        changes=first_changes(base.scenario.change_sentences()),
        todo=first_lines(_answer(comparison), "overview"),
        keys=tuple(_keys(comparison)[:_MOST_TILES]),
        why=(),
        sure=first_lines((noise, *learned_sentence(base.result.problem)), "overview"),
        laws=laws_table(base.laws),
        tables=tables_sentence(base.tables, "provenance"),
        assumed=(),
        cautions=first_cautions(notices),
        heading="The answer",
    )


def _answer(comparison: Comparison) -> tuple[str, ...]:
    """Say of each scenario what its plan serves, then what it costs."""
    base = comparison.base
    price = base.result.objective
    cost = "There is no plan"
    if price is not None:
        cost = f"It {'earns' if price < 0 else 'costs'} {money_text(abs(price), comparison.unit)}"
    verdicts = [str(verdict) for verdict in comparison.steps["verdict"]]
    return tuple(
        " ".join(
            filter(None, [f"{run.scenario.name}:", coverage_sentence(run.result, "the plan"), f"{words}."])
        )
        for run, words in zip(comparison.runs, [cost, *verdicts], strict=True)
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


def _keys(comparison: Comparison) -> list[KeyFigure]:
    unit, base = comparison.unit, comparison.base
    keys = [_price(base.result, base.scenario.name, unit)]
    for variant, row in zip(comparison.variants, named_rows(comparison.steps), strict=True):
        key, change = _price(variant.run.result, variant.name, unit), float(row.change)
        if variant.run.result.objective is not None and base.result.objective is not None:
            share = (
                percent_text(change / abs(base.result.objective), signed=True)
                if base.result.objective
                else "–"
            )
            inside = variant.is_noise(change)
            if not row.like_with_like:
                told = "no saving" if comparison.is_no_saving(variant) else "not like with like"
                key = replace(key, note=f"{share}, {told}")
            elif inside or not change:
                key = replace(key, note=f"{share}, within the noise" if inside else share)
            else:
                key = replace(key, note=share, tone="good" if change < 0 else "bad")
        keys.append(key)
    return keys


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
    forms = {name: lambda value: fixed_text(float(value), decimals) for name in ("before", "after")}
    signed = ("data_effect", "replanning_effect", "change")
    forms |= {name: lambda value: fixed_text(float(value), decimals, signed=True) for name in signed}
    forms["noise"] = lambda value: fixed_text(float(value), decimals)
    rows = zip(comparison.variants, steps.itertuples(), strict=True)
    compared = steps.assign(compares=[_compares(comparison, *row) for row in rows])
    told = ["compares"] if compared["compares"].any() else []
    return table_of(
        compared[["scenario", "before", *signed[:2], "after", "change", *told, "noise"]],
        f"From base to variant ({comparison.unit})",
        heads={
            "data_effect": "new data, old plan",
            "replanning_effect": "re-planning",
            "compares": "what that is",
            "noise": "noise of the search",
        },
        forms=forms,
        note="Before + new data + re-planning = after. A change within the noise of the search is no difference.",
    )


def _compares(comparison: Comparison, variant: Variant, step: Any) -> str:
    """Say that a change is none of price alone, where the two plans do not serve the same; empty where they do."""
    if step.like_with_like or step.change != step.change:
        return ""
    return f"{'no saving: ' if comparison.is_no_saving(variant) else ''}not like with like"


def _variant(comparison: Comparison, variant: Variant) -> VariantSection:
    steps, moved = comparison.steps, comparison.moved
    verdict = steps.loc[steps["scenario"] == variant.name, "verdict"].iloc[0]
    things = moved.loc[moved["scenario"] == variant.name].drop(columns="scenario")
    same, told = _same_plan(comparison.base.result, variant.run.result), moved_text(comparison, variant)
    return VariantSection(
        name=variant.name,
        verdict=str(verdict),
        served=coverage_sentence(variant.run.result),
        changes=comparison.changes_of(variant),
        in_use="; ".join(comparison.changes_in_use(variant)),
        terms=_terms(comparison, variant),
        pairs=tuple(_pairs(comparison.base, variant.run)),
        moved=table_of(things, "What the new plan puts elsewhere", heads={"thing": "what"})
        if len(things)
        else None,
        moved_text="The plan stays as it is." if same else f"{told[:1].upper()}{told[1:]}.",
    )


def _terms(comparison: Comparison, variant: Variant) -> PageTable:
    terms = comparison.terms
    frame = terms.loc[terms["scenario"] == variant.name].sort_values("after", ascending=False, kind="stable")
    names = ["before", "data_effect", "replanning_effect", "after", "change"]
    sums = frame[names].sum(min_count=1)
    decimals = money_decimals([*frame["before"], *frame["after"], sums["before"], sums["after"]])

    def cells(row: pd.Series[float]) -> list[str]:
        return [
            fixed_text(float(row[name]), decimals, signed=name in names[1:3] or name == "change")
            for name in names
        ]

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
    if _same_plan(base.result, other.result):
        return []
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


def _same_plan(one: Result, other: Result) -> bool:
    return (
        one.plan is not None and other.plan is not None and one.plan.to_frame().equals(other.plan.to_frame())
    )


def _provenance(run: Run, *, is_base: bool) -> FactList:
    """Return what a run rests on; the first page leads to the laws and tables of the base."""
    facts = {f"law {name}": str(law.formula) for name, law in run.laws.items()}
    facts |= {f"table {name}": count_text(report.rows, "row") for name, report in run.tables.items()}
    facts |= {str(key): str(value) for key, value in run.provenance.items()}
    return FactList(tuple(facts.items()), fact_ids(facts, run.laws, run.tables) if is_base else ())
