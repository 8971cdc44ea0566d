"""The risk of a plan, of whatever kind, as data for its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kanopt.reports.page_parts import MOST_ROWS, KeyFigure, PageTable, table_of
from kanopt.reports.question_page import QuestionPage, basis_of, cautions, question_figure
from kanopt.reports.risk_plots import plot_day_costs, plot_ranges, ranges_height
from kanopt.text import clock_text, money_text, percent_text, sure_text
from kanopt.whatif.risks.risk import share_error

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.whatif import Scenario
    from kanopt.whatif.risks.risk import DayRanges, Risk

_HEADS = {"q05": "5 % quantile", "q50": "median", "q95": "95 % quantile", "error": "error of that (±)"}
_SHARES = ("share", "on_time", "promised", "error", "fill_rate")
_TIMES = ("limit", "planned", "q05", "q50", "q95")


def risk_page(risk: Risk, scenario: Scenario | None = None, notes: Sequence[str] = ()) -> QuestionPage:
    """Collect what the page of a risk says."""
    ranges = risk.ranges()
    figures = [question_figure(lambda ax: plot_day_costs(risk, ax), "What the plan costs", 280)]
    if len(ranges.frame):
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
        answer=(risk.headline, risk.cost_text()),
        lines=risk.notes,
        keys=tuple(_keys(risk)),
        sure=(
            f"{risk.draws:,} {risk.of_all.removeprefix('of the ')}, always the same with the seed "
            f"{risk.seed}: a share of them errs by at most {percent_text(float(share_error(0.5, risk.draws)))}.",
        ),
        notices=tuple(cautions(notes)),
        figures=tuple(figures),
        tables=(days_table(risk.to_frame(), risk.ranges(), "One by one"),),
        basis=basis_of(scenario, risk.assessment.problem),
        assumed=tuple(risk.assumptions),
    )


def _keys(risk: Risk) -> list[KeyFigure]:
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
    known = {"on_time": risk.on_time, **risk.figures}
    shares = [
        KeyFigure(told, sure_text(known[name]), "", of)
        for name, told, of in (
            ("on_time", "all on time", risk.of_all),
            ("holds", "every rule kept", risk.of_all),
            ("overload", "a vehicle is too full", risk.of_all),
            ("fill_rate", "of demand met", ""),
        )
        # that no vehicle is ever too full is what is expected
        if name in known and (name != "overload" or known[name])
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
