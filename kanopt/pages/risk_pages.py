"""The pages of answers to what may come: the risk of a plan of whatever kind, and plans under many draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from kanopt.display import Grid, KeyFigure, Link, Page
from kanopt.pages.charts import (
    ALARM,
    axes_or_new,
    draw_legend,
    escape_text,
    named_rows,
    patches,
    pixels,
    rows_height,
    series,
    style_axes,
)
from kanopt.pages.first_page import caution
from kanopt.pages.price_tables import days_table
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
from kanopt.pages.row_plots import plot_day_costs, plot_plans, plot_ranges, shown_ranges
from kanopt.questions.days import DRIVEN, IN_TIME, PLANNED, REMARKS, VARIANT, Days, page_of
from kanopt.questions.days_tables import SURE, interval_text
from kanopt.questions.risks.punctuality import punctuality
from kanopt.questions.risks.risk import share_error
from kanopt.text import capital, count_text, join_list, money_text, percent_text, sure_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.plans.result import Result
    from kanopt.questions import MonteCarlo
    from kanopt.questions.risks.risk import Risk
    from kanopt.scenarios import Scenario


# The page of many days: a strip of them, means with intervals, how many vehicles to own, and the verdict.

_HEIGHT = 260
_LABEL = 80.0
"""Pixels that the name of a day takes below the strip."""
_DOTS = {DRIVEN: series(1).light, VARIANT: series(2).light}


def plot_days(found: Days, ax: Axes | None = None) -> Axes:
    """Draw what each day costs: a bar as it is planned, red where something is not in order, and dots of other plans.

    Parameters
    ----------
    found
        From :func:`kanopt.plan_days`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, _HEIGHT)
    wrong = {str(day) for rows in found.faults().values() for day in rows["day"]}
    days = [day.name for day in found.question.days]
    costs = {plan: found.rows_of(plan)["cost"].reindex(days) for plan in found.plans}
    looks = {PLANNED: series(0).light} | {plan: _DOTS[plan] for plan in costs if plan in _DOTS}
    bars = ax.bar(range(len(days)), costs.pop(PLANNED).fillna(0.0), color=looks[PLANNED], width=0.8)
    for day, bar in zip(days, bars, strict=True):
        if day in wrong:
            bar.set_color(ALARM.light)
    for plan, values in costs.items():
        ax.plot(range(len(days)), values, "o", color=looks[plan], markersize=3)
    style_axes(ax)
    draw_legend(ax, patches(looks | ({"not in order": ALARM.light} if wrong else {})))
    chosen = range(0, len(days), max(1, round(len(days) * _LABEL / pixels(ax)[0])))
    ax.set_xticks(list(chosen), [escape_text(days[each]) for each in chosen])
    ax.set_xlim(-0.6, len(days) - 0.4)
    return ax


def days_question(found: Days) -> Question:
    """Collect what the page of many days says."""
    caption = in_unit("What each day costs", found.unit)
    sentences, plans = found.sentences(), count_text(len(found.question.points), "plan")
    return asked(
        found,
        "days",
        f"{count_text(len(found.question.days), 'day')} of orders",
        answer=sentences[:3],
        lines=sentences[3:],
        figures=tuple(_figures(found)),
        sure=(
            f"Intervals hold the mean of all days like these in {round(100 * SURE)} of 100 cases, if days are drawn "
            "alike and each by itself; differences are paired by day.",
        ),
        notices=warnings_of(found, len(found.results), plans, found.cautions()),
        charts=(question_chart(lambda ax: plot_days(found, ax), caption, _HEIGHT),),
        tables=tuple(_tables(found)),
    )


def _figures(found: Days) -> Iterator[KeyFigure]:
    for plan in found.plans:
        cost, share = found.mean(plan, "cost"), found.mean(plan, IN_TIME)
        if cost.days:
            told = f"{count_text(cost.days, 'day')}, in time on {sure_text(share.mean)} of such"
            yield KeyFigure(f"a day {plan}", money_text(cost.mean), found.unit, told)
    if (verdict := found.acceptance) is not None:
        more = interval_text(verdict.change, signed=True)
        yield KeyFigure("the variant", verdict.word, "", f"{more} {found.unit} a day" if more else "")


def _tables(found: Days) -> Iterator[Grid]:
    yield answer_table(found, "intervals", found.intervals, "Means of a day, with what surely holds them")
    if len(found.fleet):
        frame = found.fleet if found.hire else found.fleet.drop(columns=["cost", "best"])
        heads = {
            "needed": "days that need so many",
            "low": "at least",
            "high": "at most",
            "overflow": "days of hiring",
        }
        heads |= {"hired": "hired a day", "cost": "cost a day", "break_even": "pays from hiring at"}
        yield answer_table(
            found, "fleet", frame, in_unit("How many vehicles to own", found.unit), heads=heads
        )
    frame = found.frame.drop(columns=["error", "day spread", "bias error", REMARKS], errors="ignore")
    grid = answer_table(
        found, "days", frame, in_unit("The days", found.unit), heads={"effect": "longer than the law"}
    )
    known = set(found.rows_of(PLANNED).index) if found.folder else set()
    pages = ((quote(f"{found.folder}/{page_of(str(row[0]))}"), row) for row in grid.rows)
    rows = tuple((Link(str(row[0]), page), *row[1:]) if row[0] in known else row for page, row in pages)
    yield replace(grid, rows=rows)


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
        charts.insert(
            0,
            question_chart(
                lambda ax: plot_ranges(risk, ax), caption, rows_height(len(shown_ranges(ranges)), 24)
            ),
        )
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


def monte_carlo_question(found: MonteCarlo) -> Question:
    """List what the page of plans under many draws says."""
    done, draws = len(found.priced), count_text(len(found.points), "draw")
    laws = [f"laws {join_list(found.laws)}"] if found.laws else []
    drawn = "; ".join([*laws, *(varied_text(found.scenario, axis) for axis in found.axes)])
    caption = "What each plan costs over the draws"
    chart = question_chart(lambda ax: plot_plans(found, ax), caption, rows_height(len(found.names), 24))
    # the least certain decisions, which are indented, stand in the table
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
        charts=(chart,) if done else (),
        tables=_plan_tables(found) if done else (),
    )


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
