"""Pictures of plans, laws and effects: drawn on the axes given, with the numbers of the object, or a clear refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import kanopt as ko
from kanopt.errors import PlotError, ProblemError
from kanopt.problems import Result
from kanopt.problems.evaluate import evaluate
from kanopt.surrogates.summary import Effects
from tests.cases.supply import small


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def plan(make_run: Any) -> Result:
    result: Result = make_run().result
    return result


METHODS = ("plot", "plot_map", "plot_gantt", "plot_timetable", "plot_costs")


@pytest.mark.parametrize("name", METHODS)
def test_a_plan_is_drawn_on_the_axes_given_or_on_new_ones(plan: Result, name: str) -> None:
    ax = Figure().add_subplot()
    assert getattr(plan, name)(ax=ax) is ax
    assert ax.has_data()
    new = getattr(plan, name)()
    assert isinstance(new, Axes)
    assert new.figure is not ax.figure


def test_costs_by_term_are_bars_that_add_up_to_the_objective(plan: Result) -> None:
    ax = plan.plot_costs(Figure().add_subplot())
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(plan.objective)
    assert plan.pricing is not None
    assert [label.get_text() for label in ax.get_yticklabels()] == list(plan.pricing.terms().index)
    assert ax.get_xlabel() == f"cost, EUR (all together {plan.objective:.2f} EUR)"


def test_what_a_plan_cannot_show_is_refused_with_what_it_can(plan: Result) -> None:
    flows = evaluate(small(), {"flows": []})
    with pytest.raises(
        ProblemError, match=r"kind 'supply' has no Gantt chart to draw; it has plot_map and plot_costs"
    ):
        flows.plot_gantt()
    with pytest.raises(ProblemError, match=r"by='place': costs are drawn by 'term' or by 'group'"):
        plan.plot_costs(by="place")  # type: ignore[arg-type]
    for name in METHODS:
        with pytest.raises(ProblemError, match="there is no plan to draw"):
            getattr(replace(plan, assessment=None), name)()


@pytest.mark.parametrize(
    ("ax", "told"),
    [
        (3, "ax is a int in place of matplotlib axes; give plt.subplots"),
        (Figure(), r"ax is a Figure in place of matplotlib axes; give figure.add_subplot\(\)"),
        (Figure().subplots(2, 2), r"ax is an array of 4 axes where one is drawn on; give one of them"),
        (Figure().add_subplot(projection="polar"), "ax is polar: kanopt draws on plain axes"),
    ],
)
def test_what_is_no_axes_is_refused(plan: Result, ax: object, told: str) -> None:
    with pytest.raises(PlotError, match=told):
        plan.plot_map(ax)  # type: ignore[arg-type]


def test_a_law_is_drawn_along_each_input_or_along_one(mixed_law: ko.Formula) -> None:
    panels = mixed_law.plot()
    assert [panel.get_xlabel().split("\n")[0] for panel in panels] == ["weight_t (t)", "freight (EUR)"]
    given = Figure().subplots(1, 2)
    assert list(mixed_law.plot(ax=given)) == list(given)
    x, y = given[0].lines[0].get_data()
    np.testing.assert_allclose(y, mixed_law.evaluate({"weight_t": x, "mode": "rail"}))
    alone = Figure().add_subplot()
    assert mixed_law.plot("mode", alone) is alone
    expected = mixed_law.evaluate({"weight_t": 2.0, "mode": np.array(["rail", "road"], dtype=object)})
    at = mixed_law.plot("mode", Figure().add_subplot(), at={"weight_t": 2.0})
    np.testing.assert_allclose([bar.get_width() for bar in at.patches], expected)


@pytest.fixture(scope="module")
def effects() -> Effects:
    frame = pd.DataFrame(
        {
            "feature": ["km"] * 3 + ["mode"] * 2,
            "value": [1.0, 5.0, 9.0, "rail", "$road$"],
            "effect": [-4.0, 0.5, 6.0, -1.0, 2.0],
        }
    )
    return Effects("minutes", frame, {"km": "km", "mode": ""}, frozenset({"mode"}))
