"""The pages of answers to what may come: the risk of a plan of whatever kind, and plans under many draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kanopt.display import Chart, Grid, KeyFigure, Page
from kanopt.pages.blocks import caution
from kanopt.pages.canvas import named_rows
from kanopt.pages.plan_table import days_table
from kanopt.pages.question_page import (
    Question,
    answer_table,
    asked,
    basis_of,
    in_unit,
    question_chart,
    varied_text,
    warnings_of,
)
from kanopt.pages.row_plots import (
    decisions_height,
    plans_height,
    plot_day_costs,
    plot_decisions,
    plot_plans,
    plot_ranges,
    ranges_height,
)
from kanopt.questions.risks.punctuality import punctuality
from kanopt.questions.risks.risk import share_error
from kanopt.text import capital, count_text, join_list, money_text, percent_text, sure_text

if TYPE_CHECKING:
    from kanopt.plans.result import Result
    from kanopt.questions import MonteCarlo
    from kanopt.questions.risks.risk import Risk
    from kanopt.scenarios import Scenario


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
    unit, costs, of = risk.assessment.problem.unit, risk.cost_json(), risk.of_all
    known = {"on_time": risk.on_time, **risk.figures}
    shares = (
        ("on_time", "all on time", of),
        ("holds", "every rule kept", of),
        ("overload", "a vehicle is too full", of),
        ("fill_rate", "of demand met", ""),
    )
    prices = (
        ("planned", "planned", "on the laws as they are"),
        ("mean", "mean", "on average"),
        ("q95", "95 % quantile", f"exceeded on 5 % {of}"),
        ("cvar95", "dearest 5 %", f"{of}, their mean"),
    )
    # that no vehicle is ever too full is what is expected
    told = [each for each in shares if each[0] in known and (each[0] != "overload" or known[each[0]])]
    return [
        *(KeyFigure(label, sure_text(known[name]), "", note) for name, label, note in told),
        *(KeyFigure(label, money_text(costs[name]), unit, note) for name, label, note in prices),
    ]


def monte_carlo_page(found: MonteCarlo) -> Page:
    """List what the page of plans under many draws says."""
    done, draws = len(found.priced), count_text(len(found.points), "draw")
    laws = [f"laws {join_list(found.laws)}"] if found.laws else []
    drawn = "; ".join([*laws, *(varied_text(found.scenario, axis) for axis in found.axes)])
    # the least certain decisions, which are indented, stand in the picture
    sentences = [line for line in found.sentences() if not line.startswith(" ") and not line.endswith(":")]
    return asked(
        found,
        "monte-carlo",
        "would another plan be better?",
        answer=tuple(sentences[:2]) if done else ("No draw is done.",),
        lines=tuple(sentences[2:]) if done else (),
        figures=tuple(_drawn_figures(found)),
        sure=(f"{draws}: {drawn}.",),
        notices=warnings_of(found, done, draws, ()),
        charts=_charts(found) if done else (),
        tables=_plan_tables(found) if done else (),
    ).page()


def _drawn_figures(found: MonteCarlo) -> list[KeyFigure]:
    unit, base = found.unit, found.base
    keys = [KeyFigure("as it is", money_text(base.rank.objective), unit, base.status.value)]
    if not found.priced:
        return keys
    kept = next(named_rows(found.plans))
    keys += [
        KeyFigure("mean", money_text(kept.mean), unit, "paid for the plan that is kept"),
        KeyFigure("worst tenth", money_text(kept.worst), unit, "mean of it"),
        KeyFigure("regret", money_text(kept.regret), unit, "against the cheapest of the plans, on average"),
        KeyFigure("fails", percent_text(kept.fails), "", "of the draws", "bad" if kept.fails > 0.0 else ""),
    ]
    best = found.best.items() if len(found.names) > 1 else ()
    return keys + [KeyFigure("best", name, "", words) for words, name in best]


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
    note, title = (
        "Regret is against the cheapest of these plans in the same draw.",
        in_unit("The plans", found.unit),
    )
    errors = ({"error": "error of the mean (±)"}, {"error": "error of that (±)"})
    return (
        answer_table(found, "plans", found.plans, title, heads=errors[0], note=note),
        answer_table(found, "decisions", found.decisions, "The decisions", heads=errors[1]),
    )
