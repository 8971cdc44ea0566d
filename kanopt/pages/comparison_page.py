"""What a comparison says, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from kanopt.display import Facts, Grid, KeyFigure, Lines, Notice, Part, Section
from kanopt.explain.summary import coverage_sentence, left_out_sentence
from kanopt.pages.first_page import box, table_of, text_block, tone_of
from kanopt.pages.plots import view_chart
from kanopt.pages.price_tables import change_table
from kanopt.pages.question_page import Basis, Question, basis_facts, learned_sentence, noise_sentence
from kanopt.plans.result import Result
from kanopt.scenarios.run import unanswered
from kanopt.text import capital, count_text, fixed_text, money_decimals, money_text, percent_text

if TYPE_CHECKING:
    from kanopt.questions import Comparison, Variant
    from kanopt.scenarios import Run

_HALF = 480


def comparison_question(comparison: Comparison) -> Question:
    """Collect what the page of a comparison says: what changed, by how much, and why."""
    base = comparison.base
    meant = set(comparison.old_plan_notes())
    notices = [Notice("note" if note in meant else "care", note) for note in comparison.notes]
    if comparison.interrupted:
        told = "The user stopped the comparison; plans are the best so far."
        notices.insert(0, Notice("bad", told, label="Stopped"))
    noise = noise_sentence(comparison.steps["noise"], comparison.unit)
    open_ones = unanswered(run.scenario for run in comparison.runs)
    facts = basis_facts(_provenance(base), base.laws, base.tables)
    return Question(
        kicker=f"kanopt comparison · {base.result.problem.kind}",
        title=comparison.title,
        answer=_answer(comparison),
        lines=(),
        figures=tuple(_keys(comparison)),
        sure=(noise, *learned_sentence(base.result.problem)),
        notices=(*_left_out_notices(comparison), *notices),
        charts=(),
        tables=(_overview(comparison, base.scenario.name),),
        basis=Basis(base.laws, base.tables, base.scenario.change_sentences(), facts, open_ones),
        sections=tuple(
            _section(comparison, variant, f"section-{place}")
            for place, variant in enumerate(comparison.variants, start=1)
        ),
        others=tuple(
            (run.scenario.name, Facts(tuple(_provenance(run).items()))) for run in comparison.runs[1:]
        ),
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


def _section(comparison: Comparison, variant: Variant, anchor: str) -> Section:
    verdict = comparison.verdict_text(variant)
    parts: list[Part] = [Lines((f"{capital(verdict)}.",), "answer"), *_said(comparison, variant)]
    parts += [] if comparison.keeps_plan(variant) else _pairs(comparison.base, variant.run)
    return Section(variant.name, tuple(parts), anchor, short=variant.name)


def _said(comparison: Comparison, variant: Variant) -> list[Part]:
    """Return what a variant changes, serves and moves, and what each term of its price becomes."""
    moved, changes = comparison.moved, comparison.changes_of(variant)
    things = moved.loc[moved["scenario"] == variant.name].drop(columns="scenario")
    said = [coverage_sentence(variant.run.result), f"{capital(comparison.moved_text(variant))}."]
    said += [f"{each}." for each in comparison.changes_in_use(variant)]
    parts: list[Part] = [" ".join(filter(None, said))]
    parts += [text_block("It changes"), Lines(changes, "changes")] if changes else []
    parts.append(_terms(comparison, variant))
    if len(things):
        parts.append(table_of(things, "What the new plan puts elsewhere", heads={"thing": "what"}))
    return parts


def _terms(comparison: Comparison, variant: Variant) -> Grid:
    terms = comparison.terms
    frame = terms.loc[terms["scenario"] == variant.name].sort_values("after", ascending=False, kind="stable")
    heads = {"before": "before", "data_effect": "new data", "replanning_effect": "re-planning"}
    heads |= {"after": "after", "change": "change"}
    return change_table(frame, f"Cost by term ({comparison.unit})", heads)


def _pairs(base: Run, other: Run) -> list[Section]:
    """Return every view of the two plans, side by side and with a common scale."""
    runs = (base, other)
    both = [() if (known := run.result.assessment) is None else known.views() for run in runs]
    pairs = []
    for place, views in enumerate(zip(*both, strict=False)):
        charts = []
        for run, view in zip(runs, views, strict=True):
            label = f"{view.title}: {run.scenario.name}, beside {other.scenario.name} ({place + 1})"
            charts.append(
                view_chart(view, place, _HALF, "", name=run.scenario.name, among=views, label=label)
            )
        pairs.append(box("columns", *charts))
    return pairs


def _provenance(run: Run) -> dict[str, str]:
    facts = {f"law {name}": str(law.formula) for name, law in run.laws.items()}
    facts |= {f"table {name}": count_text(report.rows, "row") for name, report in run.tables.items()}
    return facts | {str(key): str(value) for key, value in run.provenance.items()}


def _overview(comparison: Comparison, base: str) -> Grid:
    """Return a row for the plan and for each variant: its price, and what the difference is."""
    steps = comparison.steps
    decimals = money_decimals([*steps["before"].dropna(), *steps["after"].dropna()])
    rows = [(base, *_price_cells(comparison.base.result, decimals), "", "", "")]
    for variant in comparison.variants:
        verdict = comparison.verdict(variant)
        change, noise = fixed_text(verdict.change, decimals, signed=True), fixed_text(verdict.noise, decimals)
        rows.append((variant.name, *_price_cells(variant.run.result, decimals), change, noise, verdict.word))
    note = (
        "Each is planned anew. The noise is how far apart lie what searches say of the difference; a difference within "
        "it is none."
    )
    heads = (
        "what is other",
        "served",
        f"price, {comparison.unit}",
        "difference",
        "noise of the search",
        "what that is",
    )
    numeric = (False, True, True, True, True, False)
    return Grid(heads, numeric, tuple(rows), note, caption="What the plan would cost, and be")


def _price_cells(result: Result, decimals: int) -> tuple[str, str]:
    """Return what a plan serves, and its price."""
    served = "–" if result.coverage is None else result.coverage.amount
    return served, "–" if result.objective is None else fixed_text(result.objective, decimals)
