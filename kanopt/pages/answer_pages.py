"""Answers to what-ifs as data for the page of a question: sweeps, tornados, switch points, comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from kanopt.display import Grid, KeyFigure, Page
from kanopt.pages.charts import named_rows, rows_height
from kanopt.pages.comparison_page import comparison_question
from kanopt.pages.first_page import caution, number_form, table_of, tone_of
from kanopt.pages.question_page import (
    Question,
    answer_table,
    as_it_is,
    asked,
    basis_of,
    in_unit,
    learned_sentence,
    noise_sentence,
    question_chart,
    varied_text,
    warnings_of,
)
from kanopt.pages.risk_pages import days_question, monte_carlo_question
from kanopt.pages.row_plots import (
    plot_review,
    plot_sweep,
    plot_switch_points,
    plot_tornado,
    sweep_height,
    switch_height,
)
from kanopt.plans.findings import Status
from kanopt.questions import Comparison, MonteCarlo, Sweep, SwitchPoints, Tornado
from kanopt.questions.axes import value_text
from kanopt.questions.days import Days
from kanopt.questions.point import UNMEASURED
from kanopt.questions.review import NOT_FOLLOWED, Review
from kanopt.questions.switch_points import KNOWN
from kanopt.questions.tornado import MOVES
from kanopt.text import (
    amount_text,
    capital,
    count_text,
    join_list,
    money_text,
    number_text,
    range_text,
)

if TYPE_CHECKING:
    from kanopt.questions.switch_points import AxisSwitches, SwitchPoint

_NAMES = 4
_SAID = 3
_TIMES = " ×"


def answer_page(answer: Any) -> Page:
    """List what the page of an answer says."""
    return _question(answer).page()


@singledispatch
def _question(answer: Any) -> Question:
    raise TypeError(f"no page is made of a {type(answer).__name__}")


_question.register(Comparison, comparison_question)
_question.register(Days, days_question)
_question.register(MonteCarlo, monte_carlo_question)


@_question.register
def _sweep(sweep: Sweep) -> Question:
    """Collect what the page of a sweep says."""
    varied = join_list([varied_text(sweep.scenario, axis) for axis in sweep.axes], _NAMES)
    caption = f"Price of {'plans made anew' if sweep.anew else 'the same plan'} at each point"
    chart = question_chart(lambda ax: plot_sweep(sweep, ax), caption, sweep_height(sweep))
    asked_for = count_text(len(sweep.design_points), "point")
    noise = noise_sentence(sweep.points["noise"] if sweep.anew else None, sweep.unit)
    return asked(
        sweep,
        "sweep",
        f"what if {varied}?",
        answer=(sweep.extremes() or "At no point is there a plan that holds.", _how(sweep)),
        figures=(as_it_is(sweep.base), *_extreme_keys(sweep), _counted(sweep)),
        notices=warnings_of(sweep, len(sweep.results), asked_for, sweep.notes()),
        charts=(chart,) if sweep.results else (),
        tables=(_points(sweep),),
        sure=(noise, *learned_sentence(sweep.base.problem)),
    )


def _how(sweep: Sweep) -> str:
    """Say what was done at the points, and what the plan costs where nothing is changed."""
    price, count = sweep.base.objective, count_text(len(sweep.design_points), "point")
    is_given = sweep.base.solver == "given plan" and not sweep.anew
    plan = "today's plan" if is_given else "the plan as it is"
    if sweep.anew:
        how, what = f"Each of {count} is planned anew", plan
    else:
        how, what = f"{capital(plan)} is priced at {count}", "it"
    if price is None:
        return f"{how}."
    return f"{how}; where nothing is changed, {what} costs {money_text(price, sweep.unit)}."


def _extreme_keys(sweep: Sweep) -> Iterator[KeyFigure]:
    """Yield the lowest and the highest price; in colour where they differ from the plan as it is by more than luck."""
    ends = zip(("cheapest", "dearest"), sweep.cheapest_and_dearest() or (), strict=False)
    for name, found in ends:
        verdict = sweep.verdict(found)
        tone = tone_of(verdict.change if verdict.is_known else 0.0)
        note = f"at {sweep.place_of(found)}"
        yield KeyFigure(name, money_text(found.objective), sweep.unit, note, tone)


def _counted(sweep: Sweep) -> KeyFigure:
    failed = sum(one.status in ("refused", Status.NO_PLAN, Status.INFEASIBLE) for one in sweep.results)
    note = f"{failed:,} without a plan that holds" if failed else "all with a plan"
    return KeyFigure("points", f"{len(sweep.results):,}", "", note, "bad" if failed else "")


def _points(sweep: Sweep) -> Grid:
    labels = [axis.label for axis in sweep.axes]
    planned = ["data_effect", "replanning_effect", "noise"] if sweep.anew else []
    why = ["message"] if sweep.points["message"].any() else []
    heads = {label: label for label in labels} | {
        "objective": f"price, {sweep.unit}" if sweep.unit else "price"
    }
    columns = ["point", *labels, "objective", "change", *planned, "verdict", *why]
    note = "Change = new data + new plan, against the plan as it is." if sweep.anew else ""
    return answer_table(
        sweep, "points", sweep.points[columns], "The points", heads=heads, values=labels, note=note
    )


@_question.register
def _tornado(tornado: Tornado) -> Question:
    """Collect what the page of a tornado says."""
    how = "planned anew at each value" if tornado.anew else "the same plan at all values"
    done, inputs = len(tornado.pairs), count_text(len(tornado.axes), "input")
    caption = "Change of the price by each input alone, from its low to its high value"
    chart = question_chart(lambda ax: plot_tornado(tornado, ax), caption, rows_height(len(tornado.frame)))
    noise = noise_sentence(tornado.frame["noise"] if tornado.anew else None, tornado.unit)
    kept = ("kept_low", "kept_high") if tornado.anew else ()
    columns = ["path", "low", "high", *kept, "low_effect", "high_effect", "swing", "noise", "verdict"]
    title = in_unit("What each input does to the price", tornado.unit)
    return asked(
        tornado,
        "tornado",
        "what moves the price most?",
        answer=(*_movers(tornado), f"{inputs} one at a time, the others as they are; {how}."),
        figures=(as_it_is(tornado.base), *_swings(tornado)),
        sure=(noise, *learned_sentence(tornado.base.problem)),
        notices=warnings_of(tornado, done, inputs, tornado.notes() if done else ()),
        charts=(chart,) if done else (),
        tables=(answer_table(tornado, "inputs", tornado.frame[columns], title, values=("low", "high")),),
    )


def _movers(tornado: Tornado) -> Iterator[str]:
    """Say which input to watch, and which come after it."""
    known = tornado.frame.dropna(subset=["swing"])
    if not len(known):
        return
    first, *others = named_rows(known)
    name, times = _named(str(first.path))
    low, high = (
        f"{money_text(change, tornado.unit, signed=True)} at {times}{value_text(value)}"
        for change, value in ((first.low_effect, first.low), (first.high_effect, first.high))
    )
    if not first.verdict.startswith(MOVES):
        widest = f"{low}, {high} of {name}"
        yield f"No input moves the price beyond the noise of the search; the widest swing is {widest}."
        return
    yield f"{name} moves the price most: {low}, {high}."
    moving = [row for row in others if row.verdict == MOVES][: _SAID - 1]
    if moving:
        told = [f"{_named(str(row.path))[0]} (by {money_text(row.swing, tornado.unit)})" for row in moving]
        yield f"After it {'comes' if len(told) == 1 else 'come'} {join_list(told)}."


def _named(label: str) -> tuple[str, str]:
    """Return the name of an input, and what stands ahead of its values, which may be factors."""
    return (label.removesuffix(_TIMES), "× ") if label.endswith(_TIMES) else (label, "")


def _swings(tornado: Tornado) -> Iterator[KeyFigure]:
    for row in named_rows(tornado.frame.dropna(subset=["swing"]).head(_SAID)):
        yield KeyFigure(str(row.path), money_text(row.swing), tornado.unit, f"swing; {row.verdict}")


def _switch_key(axis: AxisSwitches, one: SwitchPoint) -> KeyFigure:
    """Return the place of a switch point; of one that is not known, between which values it lies and why."""
    if one.verdict in (KNOWN, UNMEASURED):
        why = one.edge or ("prices cross" if one.verdict == KNOWN else one.verdict)
        return KeyFigure(axis.axis.label, number_text(one.value, 4), axis.unit, why)
    return KeyFigure(axis.axis.label, range_text(one.low, one.high, "", 4), axis.unit, one.verdict)


@_question.register
def _switch(found: SwitchPoints) -> Question:
    """Collect what the page of switch points says."""
    sentences, places = found.sentences(), [(axis, one) for axis in found.axes for one in axis.switches]
    paths = count_text(len(found.axes), "path")
    answer: tuple[str, ...] = (f"No place on {paths} at which decisions change.",)
    if places:
        answer = (f"{sentences[0]}.", f"{count_text(len(places), 'place')} on {paths} in all.")
    caption = "The ranges, parted where decisions change; ticks are values at which the problem was solved"
    chart = question_chart(lambda ax: plot_switch_points(found, ax), caption, switch_height(found))
    solved = in_unit("Where it was solved", found.unit)
    points = answer_table(found, "values", found.points, solved, values=("value",))
    return asked(
        found,
        "switch-points",
        "where does the plan tip?",
        answer=answer,
        lines=sentences[1:],
        figures=(as_it_is(found.base), *(_switch_key(*each) for each in places[:_SAID])),
        sure=(*_places(found), *learned_sentence(found.base.problem)),
        notices=warnings_of(found, 0, "", found.notes()),
        charts=(chart,) if any(len(axis.points) for axis in found.axes) else (),
        tables=(*([_changes(found)] if places else []), points),
    )


def _places(found: SwitchPoints) -> tuple[str, ...]:
    """Say how many places are known, and after what effort."""
    places = [one for axis in found.axes for one in axis.switches]
    known = sum(one.verdict in (KNOWN, UNMEASURED) for one in places)
    told = f"After {found.effort()}"
    if not places:
        return (f"{told}.",)
    if known == len(places):
        return (f"{told}, every place is known to where prices cross.",)
    most = f"{known:,} of {count_text(len(places), 'place')}"
    return (f"{told}, {most} is known to where prices cross; of others, between which values they lie.",)


def _changes(found: SwitchPoints) -> Grid:
    ends = ["low", "high"] if (found.frame["verdict"] != "known").any() else []
    prices = ["price_below", "price_above"]
    columns = ["path", "switch_point", *ends, "decision", "below", "above", *prices, "edge", "verdict"]
    heads = {"switch_point": "from", "low": "at least", "high": "at most", "edge": "why there"}
    places = ("switch_point", "low", "high")
    frame = found.frame.assign(edge=found.frame["edge"].replace("", "prices cross"))[columns]
    return answer_table(found, "switch points", frame, "What changes", heads=heads, values=places)


@_question.register
def _review(found: Review) -> Question:
    """Collect what the page of a driven day says."""
    money, minutes = found.day.money.sum(), found.day.minutes.sum()
    unit, time = found.unit, found.planned.problem.units.time
    changed = money["driven"] - money["planned"]
    more = "more" if changed > 0 else "less"
    answer = f"The day cost {money_text(money['driven'], unit)}, {money_text(abs(changed), unit)} {more} than planned."
    followed = float(money[list(NOT_FOLLOWED)].sum())
    parts = found.parts.rename_axis("part").reset_index()
    forms = dict.fromkeys(parts.columns[1:], number_form(2))
    heads = {name: name.replace("money", unit).replace("minutes", time) for name in parts.columns}
    tables = [
        table_of(
            parts, "What each part did; low and high hold it in nine of ten cases", heads=heads, forms=forms
        )
    ]
    captions = {
        "stops": f"Arrivals at clients, {time}",
        "vehicles": f"By vehicle, {unit}",
        "costs": f"By term, {unit}",
    }
    tables += [table_of(found.tables()[name], caption) for name, caption in captions.items()]
    return Question(
        kicker="kanopt review · routing",
        title="What became of the plan?",
        answer=(answer, *found.sentences()),
        lines=(f"Not following the plan came to {money_text(followed, unit, signed=True)}.",),
        figures=(
            KeyFigure("planned", money_text(money["planned"]), unit, amount_text(minutes["planned"], time)),
            KeyFigure("driven", money_text(money["driven"]), unit, amount_text(minutes["driven"], time)),
        ),
        sure=("The parts add up exactly; the day, the law and chance are told apart by an estimate.",),
        notices=tuple(map(caution, found.cautions())),
        charts=(
            question_chart(
                lambda ax: plot_review(found, ax), "What made the difference", rows_height(len(found.parts))
            ),
        ),
        tables=tuple(tables),
        basis=basis_of(found.scenario, found.planned.problem),
    )
