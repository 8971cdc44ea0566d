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
from kanopt.errors import FitError, FormulaError, PlotError, ProblemError
from kanopt.problems import Result
from kanopt.problems.evaluate import evaluate
from kanopt.problems.routing import Client, Depot, VehicleType
from kanopt.reports.plots import view_chart
from kanopt.surrogates.summary import Effects
from tests.cases.scheduling import FT06, job_shop
from tests.cases.supply import small


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def plan(make_run: Any) -> Result:
    result: Result = make_run().result
    return result


@pytest.fixture(scope="module")
def shop() -> Result:
    """Return a schedule in which each task starts as soon as its job and its machine are free."""
    rows = [[int(word) for word in line.split()] for line in FT06.splitlines()]
    ready, free, placed = [0.0] * 6, [0.0] * 6, []
    for k in range(6):
        for j, row in enumerate(rows):
            machine, duration = row[2 * k : 2 * k + 2]
            start = max(ready[j], free[machine])
            ready[j] = free[machine] = start + duration
            placed.append((f"t{j}.{k}", f"m{machine}", start))
    return evaluate(job_shop(FT06), pd.DataFrame(placed, columns=["task", "machine", "start"]))


METHODS = ("plot", "plot_map", "plot_gantt", "plot_timetable", "plot_costs")


@pytest.mark.parametrize("name", METHODS)
def test_a_plan_is_drawn_on_the_axes_given_or_on_new_ones(plan: Result, name: str) -> None:
    ax = Figure().add_subplot()
    assert getattr(plan, name)(ax=ax) is ax
    assert ax.has_data()
    new = getattr(plan, name)()
    assert isinstance(new, Axes)
    assert new.figure is not ax.figure


def test_a_map_has_the_place_of_every_client(plan: Result) -> None:
    ax = plan.plot_map(Figure().add_subplot())
    drawn = next(each for each in ax.collections if each.get_gid() == "tip-client").get_offsets()
    expected = [(client.x, client.y) for client in plan.problem.clients]
    np.testing.assert_allclose(np.asarray(drawn), expected)


def test_a_timetable_has_a_bar_for_every_drive_and_service(plan: Result) -> None:
    ax = plan.plot_timetable(Figure().add_subplot())
    bars = ax.collections[0].get_paths()
    ends = {(round(path.vertices[:, 0].min(), 6), round(path.vertices[:, 0].max(), 6)) for path in bars}
    stops = plan.to_frame()
    assert {(round(b, 6), round(e, 6)) for b, e in zip(stops["begin"], stops["end"], strict=True)} <= ends
    assert ax.get_xlabel() == "time of day"


def test_a_gantt_of_a_shop_has_a_row_for_every_machine(shop: Result) -> None:
    ax = shop.plot_gantt(Figure().add_subplot())
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"m{m}" for m in range(6)]
    assert len(ax.collections[0].get_paths()) == 36
    assert max(path.vertices[:, 0].max() for path in ax.collections[0].get_paths()) == shop.objective


def test_the_title_of_a_gantt_stands_above_its_legend(shop: Result) -> None:
    figure = Figure(figsize=(9, 4), layout="constrained")
    ax = shop.plot_gantt(figure.add_subplot())
    figure.draw_without_rendering()
    title = next(
        text for text in ax.get_children() if getattr(text, "get_text", str)() == "Schedule by machine"
    )
    assert title.get_window_extent().y0 >= ax.get_legend().get_window_extent().y1 - 4


def test_names_on_lines_have_a_halo_in_pictures_and_are_text_on_pages(plan: Result) -> None:
    ax = plan.plot_map(Figure().add_subplot())
    assert all(text.get_path_effects() for text in ax.texts)
    assert plan.assessment is not None
    svg = view_chart(plan.assessment.views()[0], 0, 350, label="routes").wide
    assert ">van 1</text>" in svg


def test_costs_by_term_are_bars_that_add_up_to_the_objective(plan: Result) -> None:
    ax = plan.plot_costs(Figure().add_subplot())
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(plan.objective)
    assert plan.pricing is not None
    assert [label.get_text() for label in ax.get_yticklabels()] == list(plan.pricing.terms().index)
    assert ax.get_xlabel() == f"cost, EUR (all together {plan.objective:.2f} EUR)"


def test_costs_by_group_are_made_of_the_terms(plan: Result) -> None:
    ax = plan.plot_costs(Figure().add_subplot(), by="group")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["van 1", "van 2"]
    assert plan.pricing is not None
    lines = plan.pricing.lines
    for place, group in enumerate(("van 1", "van 2")):
        bars = [bar for bar in ax.patches if round(bar.get_y() + bar.get_height() / 2) == place]
        assert max(bar.get_x() + bar.get_width() for bar in bars) == pytest.approx(
            lines.loc[lines["group"] == group, "amount"].sum()
        )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(plan.pricing.terms().index)


def test_what_is_earned_goes_to_the_left_and_many_groups_are_counted(
    plan: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plan.assessment is not None
    rows = [("fee", f"lane {n}", "", float(n)) for n in range(40)] + [("sales", "lane 0", "", -100.0)]
    pricing = type(plan.assessment.pricing).of(rows, "EUR")
    monkeypatch.setattr(Result, "pricing", pricing)
    monkeypatch.setattr(Result, "objective", pricing.objective)
    ax = plan.plot_costs(Figure().add_subplot(), by="group")
    assert len(ax.get_yticklabels()) == 25
    assert "15 smaller ones not drawn" in ax.get_xlabel().replace("\n", " ")
    assert min(bar.get_x() + min(bar.get_width(), 0.0) for bar in ax.patches) == -100.0
    by_term = plan.plot_costs(Figure().add_subplot())
    assert [text.get_text() for text in by_term.texts] == ["780.00", "−100.00"]  # no share of what is earned
    assert [text.get_ha() for text in by_term.texts] == ["left", "right"]


def test_what_a_plan_cannot_show_is_refused_with_what_it_can(plan: Result, shop: Result) -> None:
    with pytest.raises(
        ProblemError, match=r"kind 'scheduling' has no map to draw; it has plot_gantt and plot_costs"
    ):
        shop.plot_map()
    with pytest.raises(ProblemError, match=r"has no timetable to draw; it has plot_gantt"):
        shop.plot_timetable()
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


def test_routes_without_coordinates_have_a_timetable_but_no_map() -> None:
    minutes = np.array([[0.0, 10.0], [10.0, 0.0]])
    problem = ko.RoutingProblem(
        depots=[Depot("depot")],
        clients=[Client("a", demand=1.0, service_duration=5.0)],
        vehicles=[VehicleType("van", capacity=5.0)],
        cost={"fuel": 0.1 * minutes},
        duration=minutes,
        distance=minutes,
    )
    result = evaluate(problem, [["a"]])
    assert result.plot_timetable(Figure().add_subplot()).has_data()
    with pytest.raises(
        ProblemError, match=r"not all clients and depots have coordinates; give all of them x and y"
    ):
        result.plot_map()


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


def test_a_law_of_several_inputs_takes_as_many_axes(mixed_law: ko.Formula) -> None:
    with pytest.raises(
        PlotError,
        match=r"ax: 1 axes for 2 inputs \('weight_t', 'mode'\); choose one, as by plot\('weight_t', ax=ax\), or give "
        r"as many, as by plt.subplots\(1, 2\)\[1\]",
    ):
        mixed_law.plot(ax=Figure().add_subplot())
    with pytest.raises(FormulaError, match="cannot be drawn along 'tonnes'"):
        mixed_law.plot("tonnes")
    bare = ko.parse_formula("2 * km", [ko.Variable("km", "km")], ko.Variable("cost", "EUR"))
    with pytest.raises(FormulaError, match=r"none of its inputs has a range or categories; declare them"):
        bare.plot()


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


def test_effects_are_drawn_column_by_column_on_one_scale(effects: Effects) -> None:
    given = Figure().subplots(1, 3)
    line, bars = effects.plot(ax=given)
    assert [line, bars] == list(given[:2])
    np.testing.assert_allclose(line.lines[1].get_xydata(), [(1.0, -4.0), (5.0, 0.5), (9.0, 6.0)])
    assert [bar.get_width() for bar in bars.patches] == [-1.0, 2.0]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["rail", r"\$road\$"]
    assert line.get_ylim() == bars.get_xlim()
    assert (line.get_xlabel(), bars.get_xlabel()) == ("km (km)", "effect on minutes")


def test_one_effect_is_drawn_on_one_axes(effects: Effects) -> None:
    ax = Figure().add_subplot()
    assert effects.plot("mode", ax) is ax
    assert isinstance(effects.plot("km"), Axes)
    with pytest.raises(FitError, match=r"effects: no column 'kms'; did you mean 'km'\?"):
        effects.plot("kms")
    with pytest.raises(PlotError, match="1 axes for 2 columns"):
        effects.plot(ax=ax)
    with pytest.raises(FitError, match="nothing to draw"):
        Effects("y", effects.frame.iloc[:0], {}).plot()


def test_a_model_gives_its_effects_ready_to_be_drawn() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"km": rng.uniform(1, 9, 60), "mode": rng.choice(["rail", "road"], 60)})
    target = pd.Series(3.0 * frame["km"] + (frame["mode"] == "rail"), name="minutes")
    model = ko.KANRegressor((), seed=0).fit(ko.with_units(frame, {"km": "km"}), target)
    found = model.effects(grid=5)
    assert (found.target, dict(found.units), found.categories) == (
        "minutes",
        {"km": "km", "mode": ""},
        {"mode"},
    )
    line, bars = found.plot()
    rows = found.to_frame().groupby("feature")["effect"]
    np.testing.assert_allclose(line.lines[1].get_ydata(), rows.get_group("km").to_numpy(float))
    np.testing.assert_allclose(
        [bar.get_width() for bar in bars.patches], rows.get_group("mode").to_numpy(float)
    )
