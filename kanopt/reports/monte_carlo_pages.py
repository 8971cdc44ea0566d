"""Plans under many draws as data for their page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kanopt.reports.answer_pages import varied_text
from kanopt.reports.canvas import named_rows
from kanopt.reports.monte_carlo_plots import decisions_height, plans_height, plot_decisions, plot_plans
from kanopt.reports.page_parts import Figure, KeyFigure, table_of
from kanopt.reports.question_page import QuestionPage, basis_of, question_figure, stopped
from kanopt.text import count_text, fixed_text, join_list, money_decimals, money_text, percent_text

if TYPE_CHECKING:
    from kanopt.whatif import MonteCarlo


def monte_carlo_page(found: MonteCarlo) -> QuestionPage:
    """Collect what the page of plans under many draws says."""
    done, asked = len(found.priced), count_text(len(found.points), "draw")
    laws = [f"laws {join_list(found.laws)}"] if found.laws else []
    drawn = "; ".join([*laws, *(varied_text(found.scenario, axis) for axis in found.axes)])
    # the least certain decisions, which are indented, stand in the picture
    sentences = [line for line in found.sentences() if not line.startswith(" ") and not line.endswith(":")]
    return QuestionPage(
        kicker=f"kanopt monte-carlo · {found.base.problem.kind}",
        title=f"{found.scenario.name}: would another plan be better?",
        answer=tuple(sentences[:2]) if done else ("No draw is done.",),
        lines=tuple(sentences[2:]) if done else (),
        keys=tuple(_keys(found)),
        sure=(f"{asked}: {drawn}.",),
        notices=tuple(stopped(found.interrupted, f"after {done:,} of {asked}")),
        figures=_figures(found) if done else (),
        tables=_tables(found) if done else (),
        basis=basis_of(found.scenario, found.base.problem),
    )


def _keys(found: MonteCarlo) -> list[KeyFigure]:
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


def _figures(found: MonteCarlo) -> tuple[Figure, ...]:
    plans = question_figure(
        lambda ax: plot_plans(found, ax), "What each plan costs over the draws", plans_height(found)
    )
    if found.decisions.empty:
        return (plans,)
    decisions = question_figure(
        lambda ax: plot_decisions(found, ax),
        "How certain each decision of the plan that is kept is, least certain first",
        decisions_height(found),
    )
    return plans, decisions


def _tables(found: MonteCarlo) -> tuple[Any, ...]:
    decimals = money_decimals(found.plans["mean"].dropna())
    money = ("mean", "error", "q05", "q50", "q95", "worst", "regret", "largest_regret")
    forms: dict[str, Callable[[Any], str]] = {
        name: lambda value: fixed_text(float(value), decimals) for name in money
    }
    forms |= {"fails": percent_text, "cheapest": percent_text}
    shares: dict[str, Callable[[Any], str]] = {"keeps": percent_text, "error": percent_text}
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
