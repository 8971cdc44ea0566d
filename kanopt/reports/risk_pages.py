"""The pages of answers to what may come: the risk of a plan of whatever kind, and plans under many draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kanopt.display import Chart, Grid, KeyFigure, Page
from kanopt.reports.blocks import Formatter, caution, number_form, table_of
from kanopt.reports.canvas import named_rows
from kanopt.reports.plan_table import days_table
from kanopt.reports.question_page import Question, basis_of, question_chart, stopped, varied_text
from kanopt.reports.row_plots import (
    decisions_height,
    plans_height,
    plot_day_costs,
    plot_decisions,
    plot_plans,
    plot_ranges,
    ranges_height,
)
from kanopt.text import capital, count_text, join_list, money_decimals, money_text, percent_text, sure_text
from kanopt.whatif.risks.punctuality import punctuality
from kanopt.whatif.risks.risk import share_error

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.whatif import MonteCarlo, Scenario
    from kanopt.whatif.risks.risk import Risk


def days_text(result: Result) -> str:
    """Return how often a plan is on time, in sentences; empty where nothing is known of that."""
    known = punctuality(result)
    return "" if known is None else known.text()


def risk_page(risk: Risk, scenario: Scenario | None = None, notes: Sequence[str] = ()) -> Page:
    """List what the page of a risk says."""
    ranges = risk.ranges()
    charts = [question_chart(lambda ax: plot_day_costs(risk, ax), "What the plan costs", 280)]
    if len(ranges.frame):
        caption = f"{capital(ranges.title)}; at the right how often it holds"
        charts.insert(0, question_chart(lambda ax: plot_ranges(risk, ax), caption, ranges_height(ranges)))
    kind = risk.assessment.problem.kind
    question = Question(
        kicker=f"kanopt risk · {kind}",
        title=f"How sure is this plan of {kind}?"
        if scenario is None
        else f"{scenario.name}: how sure is the plan?",
        answer=(risk.headline, risk.cost_text()),
        lines=risk.notes,
        figures=tuple(_risk_figures(risk)),
        sure=(
            f"{risk.draws:,} {risk.of_all.removeprefix('of the ')}, always the same with the seed "
            f"{risk.seed}: a share of them errs by at most {percent_text(float(share_error(0.5, risk.draws)))}.",
        ),
        notices=tuple(map(caution, notes)),
        charts=tuple(charts),
        tables=(days_table(risk.to_frame(), risk.ranges(), "One by one"),),
        basis=basis_of(scenario, risk.assessment.problem),
        assumed=tuple(risk.assumptions),
    )
    return question.page()


def _risk_figures(risk: Risk) -> list[KeyFigure]:
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


def monte_carlo_page(found: MonteCarlo) -> Page:
    """List what the page of plans under many draws says."""
    done, asked = len(found.priced), count_text(len(found.points), "draw")
    laws = [f"laws {join_list(found.laws)}"] if found.laws else []
    drawn = "; ".join([*laws, *(varied_text(found.scenario, axis) for axis in found.axes)])
    # the least certain decisions, which are indented, stand in the picture
    sentences = [line for line in found.sentences() if not line.startswith(" ") and not line.endswith(":")]
    question = Question(
        kicker=f"kanopt monte-carlo · {found.base.problem.kind}",
        title=f"{found.scenario.name}: would another plan be better?",
        answer=tuple(sentences[:2]) if done else ("No draw is done.",),
        lines=tuple(sentences[2:]) if done else (),
        figures=tuple(_drawn_figures(found)),
        sure=(f"{asked}: {drawn}.",),
        notices=tuple(stopped(found.interrupted, f"after {done:,} of {asked}")),
        charts=_charts(found) if done else (),
        tables=_plan_tables(found) if done else (),
        basis=basis_of(found.scenario, found.base.problem),
    )
    return question.page()


def _drawn_figures(found: MonteCarlo) -> list[KeyFigure]:
    unit, base = found.unit, found.base
    keys = [KeyFigure("as it is", money_text(base.rank.objective), unit, base.status.value)]
    if not found.priced:
        return keys
    kept = next(named_rows(found.plans))
    keys += [
        KeyFigure(label, money_text(value), unit, note)
        for label, value, note in (
            ("mean", kept.mean, "paid for the plan that is kept"),
            ("worst tenth", kept.worst, "mean of it"),
            ("regret", kept.regret, "against the cheapest of the plans, on average"),
        )
    ]
    keys.append(
        KeyFigure(
            "fails", percent_text(kept.fails), "", "of the draws", tone="bad" if kept.fails > 0.0 else ""
        )
    )
    if len(found.names) > 1:
        keys += [KeyFigure("best", name, "", words) for words, name in found.best.items()]
    return keys


def _charts(found: MonteCarlo) -> tuple[Chart, ...]:
    plans = question_chart(
        lambda ax: plot_plans(found, ax), "What each plan costs over the draws", plans_height(found)
    )
    if found.decisions.empty:
        return (plans,)
    decisions = question_chart(
        lambda ax: plot_decisions(found, ax),
        "How certain each decision of the plan that is kept is, least certain first",
        decisions_height(found),
    )
    return plans, decisions


def _plan_tables(found: MonteCarlo) -> tuple[Grid, ...]:
    decimals = money_decimals(found.plans["mean"].dropna())
    money = ("mean", "error", "q05", "q50", "q95", "worst", "regret", "largest_regret")
    forms: dict[str, Formatter] = dict.fromkeys(money, number_form(decimals))
    forms |= {"fails": percent_text, "cheapest": percent_text}
    shares: dict[str, Formatter] = {"keeps": percent_text, "error": percent_text}
    plans = table_of(
        found.plans,
        f"The plans ({found.unit})" if found.unit else "The plans",
        heads={
            "error": "error of the mean (±)",
            "q05": "5 % quantile",
            "q50": "median",
            "q95": "95 % quantile",
            "worst": "worst tenth",
            "cheapest": "is the cheapest",
        },
        forms=forms,
        note="Regret is against the cheapest of these plans in the same draw.",
    )
    heads = {"keeps": "decided so", "error": "error of that (±)", "instead": "else"}
    return plans, table_of(found.decisions, "The decisions", heads=heads, forms=shares)
