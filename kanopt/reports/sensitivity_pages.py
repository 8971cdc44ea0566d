"""What moves a price, and where a plan tips, as data for their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kanopt.reports.canvas import named_rows
from kanopt.reports.page_parts import KeyFigure, PageTable, table_of
from kanopt.reports.question_page import (
    QuestionPage,
    basis_of,
    cautions,
    learned_sentence,
    noise_sentence,
    question_figure,
    stopped,
)
from kanopt.reports.switch_plot import plot_switch_points, switch_height
from kanopt.reports.tornado_plot import plot_tornado, tornado_height
from kanopt.text import (
    count_text,
    fixed_text,
    join_list,
    money_decimals,
    money_text,
    number_text,
    range_text,
)
from kanopt.whatif.sensitivity.switch_result import KNOWN, UNMEASURED
from kanopt.whatif.sweeps.axes import value_text

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.whatif import SwitchPoints, Tornado
    from kanopt.whatif.sensitivity.switch_result import AxisSwitches, SwitchPoint

_SAID = 3
_TIMES = " ×"


def tornado_page(tornado: Tornado) -> QuestionPage:
    """Collect what the page of a tornado says."""
    how = "planned anew at each value" if tornado.anew else "the same plan at all values"
    done, asked = len(tornado.results), count_text(len(tornado.axes), "input")
    figure = question_figure(
        lambda ax: plot_tornado(tornado, ax),
        "Change of the price by each input alone, from its low to its high value",
        tornado_height(tornado),
    )
    return QuestionPage(
        kicker=f"kanopt tornado · {tornado.base.problem.kind}",
        title=f"{tornado.scenario.name}: what moves the price most?",
        answer=(*_movers(tornado), f"{asked} one at a time, the others as they are; {how}."),
        lines=(),
        keys=(_as_it_is(tornado.base), *_swings(tornado)),
        sure=(
            noise_sentence(tornado.frame["noise"] if tornado.anew else None, tornado.unit),
            *learned_sentence(tornado.base.problem),
        ),
        notices=(
            *stopped(tornado.interrupted, f"after {done:,} of {asked}"),
            *cautions(tornado.notes() if done else ()),
        ),
        figures=(figure,) if done else (),
        tables=(table_of(*_effects(tornado), heads=_HEADS, forms=_effect_forms(tornado)),),
        basis=basis_of(tornado.scenario, tornado.base.problem),
    )


_HEADS = {
    "path": "input",
    "kept_low": "plan kept, low",
    "kept_high": "plan kept, high",
    "low_effect": "change at low",
    "high_effect": "change at high",
}


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
    if first.verdict in ("no effect", "no effect beyond the noise"):
        widest = f"{low}, {high} of {name}"
        yield f"No input moves the price beyond the noise of the search; the widest swing is {widest}."
        return
    yield f"{name} moves the price most: {low}, {high}."
    moving = [row for row in others if row.verdict == "moves the price"][: _SAID - 1]
    if moving:
        told = [f"{_named(str(row.path))[0]} (by {money_text(row.swing, tornado.unit)})" for row in moving]
        yield f"After it {'comes' if len(told) == 1 else 'come'} {join_list(told)}."


def _named(label: str) -> tuple[str, str]:
    """Return the name of an input, and what stands ahead of its values, which may be factors."""
    return (label.removesuffix(_TIMES), "× ") if label.endswith(_TIMES) else (label, "")


def _swings(tornado: Tornado) -> Iterator[KeyFigure]:
    for row in named_rows(tornado.frame.dropna(subset=["swing"]).head(_SAID)):
        yield KeyFigure(str(row.path), money_text(row.swing), tornado.unit, f"swing; {row.verdict}")


def _effects(tornado: Tornado) -> tuple[Any, str]:
    kept = ["kept_low", "kept_high"] if tornado.anew else []
    columns = ["path", "low", "high", *kept, "low_effect", "high_effect", "swing", "noise", "verdict"]
    unit = f" ({tornado.unit})" if tornado.unit else ""
    return tornado.frame[columns], f"What each input does to the price{unit}"


def _effect_forms(tornado: Tornado) -> dict[str, Callable[[Any], str]]:
    frame = tornado.frame
    decimals = money_decimals([tornado.base.objective or 0.0])
    signed = ("kept_low", "kept_high", "low_effect", "high_effect")
    forms: dict[str, Callable[[Any], str]] = {"low": value_text, "high": value_text}
    forms |= {name: lambda value: fixed_text(float(value), decimals, signed=True) for name in signed}
    forms |= {name: lambda value: fixed_text(float(value), decimals) for name in ("swing", "noise")}
    return {name: form for name, form in forms.items() if name in frame}


def _switch_key(axis: AxisSwitches, one: SwitchPoint) -> KeyFigure:
    """Return the place of a switch point; of one that is not known, between which values it lies and why."""
    if one.verdict in (KNOWN, UNMEASURED):
        why = one.edge or ("prices cross" if one.verdict == KNOWN else one.verdict)
        return KeyFigure(axis.axis.label, number_text(one.value, 4), axis.unit, why)
    return KeyFigure(axis.axis.label, range_text(one.low, one.high, "", 4), axis.unit, one.verdict)


def switch_page(found: SwitchPoints) -> QuestionPage:
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
    forms: dict[str, Callable[[Any], str]] = dict.fromkeys(("switch_point", "low", "high"), number_text)
    for name in ("price_below", "price_above"):
        forms[name] = lambda value: fixed_text(float(value), decimals)
    figure = question_figure(
        lambda ax: plot_switch_points(found, ax),
        "The ranges, parted where decisions change; ticks are values at which the problem was solved",
        switch_height(found),
    )
    keys = [_switch_key(axis, one) for axis in found.axes for one in axis.switches]
    return QuestionPage(
        kicker=f"kanopt switch-points · {found.base.problem.kind}",
        title=f"{found.scenario.name}: where does the plan tip?",
        answer=answer,
        lines=sentences[1:],
        keys=(_as_it_is(found.base), *keys[:_SAID]),
        sure=(*_places(found), *learned_sentence(found.base.problem)),
        notices=(*stopped(found.interrupted, "before the end"), *cautions(found.notes())),
        figures=(figure,) if any(len(axis.points) for axis in found.axes) else (),
        tables=(
            _changes(found, forms),
            table_of(
                found.points,
                f"Where it was solved ({found.unit})" if found.unit else "Where it was solved",
                forms={"value": number_text, "price": forms["price_below"], "noise": forms["price_below"]},
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


def _changes(found: SwitchPoints, forms: dict[str, Callable[[Any], str]]) -> PageTable:
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


def _as_it_is(base: Result) -> KeyFigure:
    price = "–" if base.objective is None else money_text(base.objective)
    return KeyFigure("as it is", price, base.problem.unit, base.status.value)
