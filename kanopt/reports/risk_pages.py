"""The risk of a plan, of whatever kind, as data for its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kanopt.reports.page_parts import MOST_ROWS, KeyFigure, PageTable, table_of
from kanopt.reports.question_page import QuestionPage, basis_of, cautions, question_figure
from kanopt.reports.risk_plots import plot_day_costs, plot_ranges, ranges_height
from kanopt.text import clock_text, money_text, percent_text, sure_text
from kanopt.whatif.risks.day_costs import share_error

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.whatif import Scenario
    from kanopt.whatif.risks.day_costs import DayCosts
    from kanopt.whatif.risks.ranges import DayRanges
    from kanopt.whatif.risks.sample_average_plan import SampleAveragePlan

_HEADS = {"q05": "5 % quantile", "q50": "median", "q95": "95 % quantile", "error": "error of that (±)"}
_SHARES = ("share", "on_time", "promised", "error", "stockout", "fill_rate")
_TIMES = ("limit", "latest", "planned", "q05", "q50", "q95")


def risk_page(risk: DayCosts, scenario: Scenario | None = None, notes: Sequence[str] = ()) -> QuestionPage:
    """Collect what the page of a risk says."""
    first, *others = [line for line in str(risk).splitlines() if line]
    told = risk.cost_text()
    # the text of a risk ends with what is assumed, which is a list here, and has the costs among its lines
    # and the least certain things, which the picture shows
    lines = [
        line
        for line in others
        if line != told and not line.startswith(("Assumed: ", " ")) and not line.endswith(":")
    ]
    ranges = risk.ranges()
    figures = [question_figure(lambda ax: plot_day_costs(risk, ax), "What the plan costs", 280)]
    if ranges is not None and len(ranges.frame):
        figure = question_figure(
            lambda ax: plot_ranges(risk, ax),
            f"{ranges.title[:1].upper()}{ranges.title[1:]}; at the right how often it holds",
            ranges_height(ranges),
        )
        figures.insert(0, figure)
    kind = risk.assessment.problem.kind
    return QuestionPage(
        kicker=f"kanopt risk · {kind}",
        title=f"How sure is this plan of {kind}?"
        if scenario is None
        else f"{scenario.name}: how sure is the plan?",
        answer=(first, told),
        lines=tuple(lines),
        keys=tuple(_keys(risk)),
        sure=(
            f"{risk.draws:,} {'draws' if risk.of_all == 'of the draws' else 'days'}, always the same with the seed "
            f"{risk.seed}: a share of them errs by at most {percent_text(float(share_error(0.5, risk.draws)))}.",
        ),
        notices=tuple(cautions(notes)),
        figures=tuple(figures),
        tables=(days_table(risk.to_frame(), risk.ranges(), "One by one"),),
        basis=basis_of(scenario, risk.assessment.problem),
        assumed=tuple(risk.assumptions),
    )


def surer_page(plan: SampleAveragePlan) -> QuestionPage:
    """Collect what the page of a plan for many days says: what it is worth first, then how sure it is."""
    page, told = risk_page(plan.risk), plan.told()
    kind = plan.result.problem.kind
    return replace(
        page,
        title=f"What is a surer plan of {kind} worth?",
        answer=tuple(told[:2]),
        lines=(*told[2:], *page.answer, *page.lines),
    )


def _keys(risk: DayCosts) -> list[KeyFigure]:
    unit, figures = risk.assessment.problem.unit, risk.cost_json()
    notes = {
        "planned": "on the laws as they are",
        "mean": "on average",
        "q95": f"exceeded on 5 % {risk.of_all}",
        "cvar95": f"{risk.of_all}, their mean",
    }
    names = {
        "planned": "planned",
        "mean": "mean",
        "q95": "95 % quantile",
        "cvar95": "dearest 5 %",
    }
    shares = [
        KeyFigure(told, sure_text(getattr(risk, name)), "", of)
        for name, told, of in (
            ("on_time", "all on time", risk.of_all),
            ("holds", "every rule kept", risk.of_all),
            ("overload", "a vehicle is too full", risk.of_all),
            ("stockout", "something missing", risk.of_all),
            ("fill_rate", "of demand met", ""),
        )
        # that no vehicle is ever too full is what is expected
        if hasattr(risk, name) and (name != "overload" or getattr(risk, name))
    ]
    return [
        *shares,
        *(KeyFigure(told, money_text(figures[name]), unit, notes[name]) for name, told in names.items()),
    ]


def days_table(
    frame: pd.DataFrame,
    ranges: DayRanges | None,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    most: int = MOST_ROWS,
) -> PageTable:
    """Write what becomes of things on many days.

    Parameters
    ----------
    frame
        One row for each, with quantiles and shares.
    ranges
        Whether times among them are times of day; None where there are none.
    caption
        What it shows.
    heads
        Column to head, beyond those of quantiles and errors.
    most
        Rows beyond these are counted.
    """
    forms: dict[str, Callable[[Any], str]] = {
        name: lambda value: sure_text(float(value)) for name in _SHARES if name in frame
    }
    if ranges is not None and ranges.clock:
        forms |= {
            name: lambda value: clock_text(float(value), ranges.unit) for name in _TIMES if name in frame
        }
    return table_of(frame, caption, heads={**_HEADS, **(heads or {})}, forms=forms, most=most)
