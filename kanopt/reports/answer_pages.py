"""Answers to what-ifs as data for the page of a question: sweeps, tornados, switch points, comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from kanopt.display import Grid, KeyFigure, Page
from kanopt.problems.result import Status
from kanopt.reports.answer_plots import plot_sweep, sweep_height
from kanopt.reports.blocks import Formatter, caution, number_form, table_of, tone_of
from kanopt.reports.canvas import named_rows
from kanopt.reports.comparison_page import comparison_question
from kanopt.reports.question_page import (
    Question,
    basis_of,
    learned_sentence,
    noise_sentence,
    question_chart,
    stopped,
    varied_text,
)
from kanopt.reports.row_plots import plot_switch_points, plot_tornado, switch_height, tornado_height
from kanopt.text import (
    capital,
    count_text,
    join_list,
    money_decimals,
    money_text,
    number_text,
    range_text,
)
from kanopt.whatif import Comparison, Sweep, SwitchPoints, Tornado
from kanopt.whatif.questions.axes import value_text
from kanopt.whatif.questions.switch_search import KNOWN
from kanopt.whatif.questions.tornado import MOVES
from kanopt.whatif.questions.verdict import UNMEASURED

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.whatif.questions.switch_points import AxisSwitches
    from kanopt.whatif.questions.switch_search import SwitchPoint

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


def _as_it_is(base: Result) -> KeyFigure:
    price = "–" if base.objective is None else money_text(base.objective)
    return KeyFigure("as it is", price, base.problem.unit, base.status.value)


@_question.register
def _sweep(sweep: Sweep) -> Question:
    """Collect what the page of a sweep says."""
    varied = join_list([varied_text(sweep.scenario, axis) for axis in sweep.axes], _NAMES)
    done, asked = len(sweep.results), count_text(len(sweep.design_points), "point")
    caption = f"Price of {'plans made anew' if sweep.anew else 'the same plan'} at each point"
    chart = question_chart(lambda ax: plot_sweep(sweep, ax), caption, sweep_height(sweep))
    return Question(
        kicker=f"kanopt sweep · {sweep.base.problem.kind}",
        title=f"{sweep.scenario.name}: what if {varied}?",
        answer=(sweep.extremes() or "At no point is there a plan that holds.", _how(sweep)),
        lines=(),
        figures=(_as_it_is(sweep.base), *_extreme_keys(sweep), _counted(sweep)),
        notices=(
            *stopped(sweep.interrupted, f"after {done:,} of {asked}"),
            *map(caution, sweep.notes()),
        ),
        charts=(chart,) if sweep.results else (),
        tables=(_points(sweep),),
        sure=(
            noise_sentence(sweep.points["noise"] if sweep.anew else None, sweep.unit),
            *learned_sentence(sweep.base.problem),
        ),
        basis=basis_of(sweep.scenario, sweep.base.problem),
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
    frame, labels = sweep.points, [axis.label for axis in sweep.axes]
    effects = ("data_effect", "replanning_effect") if sweep.anew else ()
    columns = ["point", *labels, "objective", "change", *effects, *(["noise"] if sweep.anew else [])]
    columns += ["verdict", *(["message"] if frame["message"].any() else [])]
    decimals = money_decimals(frame["objective"].dropna())
    forms: dict[str, Formatter] = dict.fromkeys(labels, value_text)
    forms |= dict.fromkeys(("objective", "noise"), number_form(decimals))
    forms |= dict.fromkeys(("change", *effects), number_form(decimals, signed=True))
    heads = {
        "objective": f"price, {sweep.unit}" if sweep.unit else "price",
        "data_effect": "new data, old plan",
        "replanning_effect": "new plan",
        "noise": "noise of the search",
        "message": "why",
    }
    return table_of(
        frame[columns],
        "The points",
        heads={label: label for label in labels} | heads,
        forms=forms,
        note="Change = new data + new plan, against the plan as it is." if sweep.anew else "",
    )


@_question.register
def _tornado(tornado: Tornado) -> Question:
    """Collect what the page of a tornado says."""
    how = "planned anew at each value" if tornado.anew else "the same plan at all values"
    done, asked = len(tornado.pairs), count_text(len(tornado.axes), "input")
    chart = question_chart(
        lambda ax: plot_tornado(tornado, ax),
        "Change of the price by each input alone, from its low to its high value",
        tornado_height(tornado),
    )
    return Question(
        kicker=f"kanopt tornado · {tornado.base.problem.kind}",
        title=f"{tornado.scenario.name}: what moves the price most?",
        answer=(*_movers(tornado), f"{asked} one at a time, the others as they are; {how}."),
        lines=(),
        figures=(_as_it_is(tornado.base), *_swings(tornado)),
        sure=(
            noise_sentence(tornado.frame["noise"] if tornado.anew else None, tornado.unit),
            *learned_sentence(tornado.base.problem),
        ),
        notices=(
            *stopped(tornado.interrupted, f"after {done:,} of {asked}"),
            *map(caution, tornado.notes() if done else ()),
        ),
        charts=(chart,) if done else (),
        tables=(_effects(tornado),),
        basis=basis_of(tornado.scenario, tornado.base.problem),
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


def _effects(tornado: Tornado) -> Grid:
    kept = ("kept_low", "kept_high") if tornado.anew else ()
    effects = (*kept, "low_effect", "high_effect")
    unit = f" ({tornado.unit})" if tornado.unit else ""
    decimals = money_decimals([tornado.base.objective or 0.0])
    forms: dict[str, Formatter] = {"low": value_text, "high": value_text}
    forms |= dict.fromkeys(("swing", "noise"), number_form(decimals))
    forms |= dict.fromkeys(effects, number_form(decimals, signed=True))
    heads = {
        "path": "input",
        "kept_low": "plan kept, low",
        "kept_high": "plan kept, high",
        "low_effect": "change at low",
        "high_effect": "change at high",
    }
    return table_of(
        tornado.frame[["path", "low", "high", *effects, "swing", "noise", "verdict"]],
        f"What each input does to the price{unit}",
        heads=heads,
        forms=forms,
    )


def _switch_key(axis: AxisSwitches, one: SwitchPoint) -> KeyFigure:
    """Return the place of a switch point; of one that is not known, between which values it lies and why."""
    if one.verdict in (KNOWN, UNMEASURED):
        why = one.edge or ("prices cross" if one.verdict == KNOWN else one.verdict)
        return KeyFigure(axis.axis.label, number_text(one.value, 4), axis.unit, why)
    return KeyFigure(axis.axis.label, range_text(one.low, one.high, "", 4), axis.unit, one.verdict)


@_question.register
def _switch(found: SwitchPoints) -> Question:
    """Collect what the page of switch points says."""
    sentences, count = found.sentences(), sum(len(axis.switches) for axis in found.axes)
    paths = count_text(len(found.axes), "path")
    answer: tuple[str, ...]
    if count:
        answer = (
            f"{sentences[0]}.",
            f"{count_text(count, 'place')} on {paths} in all.",
        )
    else:
        answer = (f"No place on {paths} at which decisions change.",)
    decimals = money_decimals([found.base.objective or 0.0])
    forms: dict[str, Formatter] = dict.fromkeys(("switch_point", "low", "high", "value"), number_text)
    forms |= dict.fromkeys(("price_below", "price_above", "price", "noise"), number_form(decimals))
    chart = question_chart(
        lambda ax: plot_switch_points(found, ax),
        "The ranges, parted where decisions change; ticks are values at which the problem was solved",
        switch_height(found),
    )
    keys = [_switch_key(axis, one) for axis in found.axes for one in axis.switches]
    return Question(
        kicker=f"kanopt switch-points · {found.base.problem.kind}",
        title=f"{found.scenario.name}: where does the plan tip?",
        answer=answer,
        lines=sentences[1:],
        figures=(_as_it_is(found.base), *keys[:_SAID]),
        sure=(*_places(found), *learned_sentence(found.base.problem)),
        notices=(*stopped(found.interrupted, "before the end"), *map(caution, found.notes())),
        charts=(chart,) if any(len(axis.points) for axis in found.axes) else (),
        tables=(
            *([_changes(found, forms)] if count else []),
            table_of(
                found.points,
                f"Where it was solved ({found.unit})" if found.unit else "Where it was solved",
                forms=forms,
            ),
        ),
        basis=basis_of(found.scenario, found.base.problem),
    )


def _places(found: SwitchPoints) -> tuple[str, ...]:
    """Say how many places are known, and after what effort."""
    places = [one for axis in found.axes for one in axis.switches]
    known = sum(one.verdict == KNOWN for one in places)
    told = f"After {found.effort()}"
    if not places:
        return (f"{told}.",)
    most = f"{known:,} of {count_text(len(places), 'place')}" if known < len(places) else "every place"
    return (f"{told}, {most} is known to where prices cross; of others, between which values they lie.",)


def _changes(found: SwitchPoints, forms: dict[str, Formatter]) -> Grid:
    frame = found.frame.assign(edge=found.frame["edge"].replace("", "prices cross"))
    ends = ["low", "high"] if (frame["verdict"] != "known").any() else []
    prices = ["price_below", "price_above"]
    columns = ["path", "switch_point", *ends, "decision", "below", "above", *prices, "edge", "verdict"]
    return table_of(
        frame[columns],
        "What changes",
        heads={"switch_point": "from", "low": "at least", "high": "at most", "edge": "why there"},
        forms=forms,
    )
