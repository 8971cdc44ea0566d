"""A sweep as data for its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kanopt.problems.result import Status
from kanopt.reports.page_parts import KeyFigure, PageTable, Tone, table_of
from kanopt.reports.question_page import (
    QuestionPage,
    basis_of,
    cautions,
    learned_sentence,
    noise_sentence,
    question_figure,
    stopped,
)
from kanopt.reports.sweep_plot import plot_sweep, sweep_height
from kanopt.text import (
    count_text,
    fixed_text,
    join_list,
    money_decimals,
    money_text,
    range_text,
)
from kanopt.whatif.sweeps.axes import value_text
from kanopt.whatif.sweeps.prepare import unit_of_axis

if TYPE_CHECKING:
    from kanopt.whatif import Scenario, Sweep
    from kanopt.whatif.sweeps.axes import Axis
    from kanopt.whatif.sweeps.point_result import PointResult

_NAMES = 4


def sweep_page(sweep: Sweep) -> QuestionPage:
    """Collect what the page of a sweep says."""
    varied = join_list([varied_text(sweep.scenario, axis) for axis in sweep.axes], _NAMES)
    done, asked = len(sweep.results), count_text(len(sweep.design_points), "point")
    notices = [*stopped(sweep.interrupted, f"after {done:,} of {asked}"), *cautions(sweep.notes())]
    figures = [question_figure(lambda ax: plot_sweep(sweep, ax), _caption(sweep), sweep_height(sweep))]
    return QuestionPage(
        kicker=f"kanopt sweep · {sweep.base.problem.kind}",
        title=f"{sweep.scenario.name}: what if {varied}?",
        answer=_answer(sweep),
        lines=(),
        keys=tuple(_keys(sweep)),
        notices=tuple(notices),
        figures=tuple(figures if sweep.results else ()),
        tables=(_points(sweep),),
        sure=_sure(sweep),
        basis=basis_of(sweep.scenario, sweep.base.problem),
    )


def varied_text(scenario: Scenario, axis: Axis) -> str:
    """Say what is varied, as a question does."""
    values = axis.values.items
    numbers = [float(value) for value in values if not isinstance(value, (str, bool))]
    if len(numbers) == len(values) > 1:
        told = range_text(min(numbers), max(numbers), unit_of_axis(scenario, axis))
    else:
        told = " or ".join(map(value_text, values[:_NAMES])) + (" or another" if len(values) > _NAMES else "")
    return f"{axis.path} is {'multiplied by ' if axis.values.action == 'scale' else ''}{told}"


def _answer(sweep: Sweep) -> tuple[str, ...]:
    price, found = sweep.base.objective, sweep.cheapest_and_dearest()
    count = len(sweep.design_points)
    is_given = sweep.base.solver == "given plan" and not sweep.anew
    plan = "today's plan" if is_given else "the plan as it is"
    if sweep.anew:
        how = f"Each of {count_text(count, 'point')} is planned anew"
    else:
        how = f"{plan[:1].upper()}{plan[1:]} is priced at {count_text(count, 'point')}"
    if price is not None:
        how += f"; where nothing is changed, {'it' if not sweep.anew else plan} costs {money_text(price, sweep.unit)}"
    if found is None:
        return ("At no point is there a plan that holds.", f"{how}.")
    best, dearest = (
        f"{sweep.place_of(one)}: {money_text(one.objective, sweep.unit)}{_beside(sweep, one)}"
        for one in found
    )
    return (f"Cheapest is {best}.", f"Dearest is {dearest}.", f"{how}.")


def _beside(sweep: Sweep, found: PointResult) -> str:
    """Say by how much a point is cheaper or dearer than the plan is now."""
    if sweep.base.objective is None:
        return ""
    change = found.objective - sweep.base.objective
    told = money_text(abs(change), sweep.unit)
    if told == money_text(0.0, sweep.unit):
        return ", as much as now"
    return f", {told} {'less' if change < 0 else 'more'} than now"


def _sure(sweep: Sweep) -> tuple[str, ...]:
    """Say how far the prices can be relied on."""
    return (
        noise_sentence(sweep.points["noise"] if sweep.anew else None, sweep.unit),
        *learned_sentence(sweep.base.problem),
    )


def _keys(sweep: Sweep) -> list[KeyFigure]:
    base, unit, found = sweep.base.objective, sweep.unit, sweep.cheapest_and_dearest()
    status = sweep.base.status.value
    keys = [KeyFigure("as it is", "–" if base is None else money_text(base), unit, status)]
    if found is not None:
        for name, one, tone in zip(("cheapest", "dearest"), found, ("good", "bad"), strict=True):
            keys.append(_key(sweep, name, one, tone))  # type: ignore[arg-type]
    failed = sum(one.status in ("refused", Status.NO_PLAN, Status.INFEASIBLE) for one in sweep.results)
    note = f"{failed:,} without a plan that holds" if failed else "all with a plan"
    keys.append(KeyFigure("points", f"{len(sweep.results):,}", "", note, "bad" if failed else ""))
    return keys


def _key(sweep: Sweep, name: str, found: PointResult, tone: Tone) -> KeyFigure:
    base = sweep.base.objective
    differs = base is not None and money_text(found.objective) != money_text(base)
    is_so = base is not None and (found.objective < base) == (tone == "good")
    shown: Tone = tone if differs and is_so else ""
    return KeyFigure(name, money_text(found.objective), sweep.unit, f"at {sweep.place_of(found)}", shown)


def _caption(sweep: Sweep) -> str:
    return f"Price of {'plans made anew' if sweep.anew else 'the same plan'} at each point"


def _points(sweep: Sweep) -> PageTable:
    frame, labels = sweep.points, [axis.label for axis in sweep.axes]
    columns = ["point", *labels, "objective", "change"]
    if sweep.anew:
        columns += ["data_effect", "replanning_effect", "noise"]
    columns += ["verdict", *(["message"] if frame["message"].any() else [])]
    decimals = money_decimals(frame["objective"].dropna())
    forms: dict[str, Callable[[Any], str]] = dict.fromkeys(labels, value_text)
    forms |= {name: lambda value: fixed_text(float(value), decimals) for name in ("objective", "noise")}
    signed = ("change", "data_effect", "replanning_effect")
    forms |= {name: lambda value: fixed_text(float(value), decimals, signed=True) for name in signed}
    return table_of(
        frame[columns],
        "The points",
        heads={label: label for label in labels}
        | {
            "objective": f"price, {sweep.unit}" if sweep.unit else "price",
            "data_effect": "new data, old plan",
            "replanning_effect": "new plan",
            "noise": "noise of the search",
            "message": "why",
        },
        forms=forms,
        note="Change = new data + new plan, against the plan as it is." if sweep.anew else "",
    )
