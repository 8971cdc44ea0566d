"""Pictures of laws and networks, and the SVG they become: what they show, and that nothing leaves them."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from kanopt.errors import FormulaError
from kanopt.formulas import Domain, Formula, Input, Range, Table, Variable, parse_formula
from kanopt.pages import plot_diagram, plot_formula
from kanopt.pages.charts import HALO, INK, TIP, series
from kanopt.pages.law_plots import (
    diagram_size,
    interacting_pair,
    plot_interaction,
    plottable_inputs,
    reference_values,
)
from kanopt.pages.svg import Tip, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def some(canvas: Any) -> None:
    ax = canvas(300, 200)
    ax.plot([0, 1], [0, 1], color=series(0).light)
    ax.scatter([0, 1, 2], [2, 1, 0], color=INK.light).set_gid(f"{TIP}points")
    ax.text(0.5, 0.5, "on top", gid=HALO)


def test_svg_is_well_formed_and_carries_nothing_of_its_own() -> None:
    text = to_svg(some, width=300, height=200, label='A "chart" & <more>')
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == 'A "chart" & <more>'
    assert (root.get("width"), root.get("height"), root.get("role")) == ("300", "200", "img")
    assert not list(root.iter(f"{SVG}style"))
    assert not list(root.iter(f"{SVG}metadata"))
    assert "font-family" not in text
    assert f"var(--c1,{series(0).light})" in text
    assert re.search(rf"(?<!,){series(0).light}", text) is None


def test_marks_get_their_tips_in_order() -> None:
    tips = [Tip("<first>", "van <1>\x01", 7), Tip("second & last", "van 2"), Tip("third \x00")]
    root = ElementTree.fromstring(to_svg(some, width=300, height=200, label="tips", tips={"points": tips}))
    titles = [(use.find(f"{SVG}title"), float(use.get("x", "0"))) for use in root.iter(f"{SVG}use")]
    found = [(title.text, x) for title, x in titles if title is not None]
    marks = [use for use in root.iter(f"{SVG}use") if use.find(f"{SVG}title") is not None]
    owners = [(use.get("data-of"), use.get("data-number")) for use in marks]
    assert owners == [("van <1> ", "7"), ("van 2", None), (None, None)]
    assert [text for text, _ in found] == ["<first>", "second & last", "third  "]
    assert found[0][1] < found[1][1] < found[2][1]


def test_every_edge_has_a_frame_and_every_end_a_name(make_run: Any) -> None:
    diagram = make_run().laws["travel_time"].diagram
    ax = Figure(figsize=(8, 5)).add_subplot()
    assert plot_diagram(diagram, ax) is ax
    assert len(ax.patches) == len(diagram.edges) == 8
    names = [text.get_text() for text in ax.texts]
    assert names == ["log distance_km", "hour", "mode", "Σ", "Σ", "log minutes"]


def test_nothing_leaves_the_picture_in_any_width(make_run: Any) -> None:
    diagram = make_run().laws["travel_time"].diagram
    width, height = diagram_size(diagram)
    assert plot_diagram(diagram).get_xlim() == (0, width)
    for wide in (350, width, 900):
        root = ElementTree.fromstring(
            to_svg(lambda ax: plot_diagram(diagram, ax), width=wide, height=height, label=f"d {wide}")
        )
        places = [float(text.get("x", "0")) for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert min(places) > 0
        assert max(places) < wide


def axes() -> Any:
    return Figure(figsize=(4, 3)).add_subplot()


def power(low: float = 1.0, high: float = 50.0) -> Formula:
    law = parse_formula(
        "2 * km^0.9 * (1 + 0.3 * load) + 0 * price",
        [Variable("km", "km"), Variable("load", "t", low=0, high=2), Variable("price", "EUR/l")],
        Variable("minutes", "min"),
    )
    return Formula(law.root, law.inputs, law.output, domain=Domain((Range("km", low, high),)))


def test_axes_are_labelled_with_units() -> None:
    ax = plot_formula(power(), axes())
    assert ax.get_xlabel() == "km (km)\nheld at load = 1 t and price = 1 EUR/l"
    assert ax.get_ylabel() == "minutes (min)"
    x, y = ax.lines[0].get_data()
    assert np.allclose(y, 2 * np.asarray(x) ** 0.9 * 1.3)
    assert (x[0], x[-1]) == (1.0, 50.0)


def learned() -> Formula:
    """Return a law learned from skewed distances, whole months and a category with a mistyped name."""
    table = Table.of({"atruck": 1.0, "truck": 1.5, "van": 1.0}, "kind")
    root = Input("km") * table + Input("month")
    inputs = (Variable("km", "km"), Variable("month"), Variable("kind", kind="category"))
    rows = {
        "km": np.append(np.linspace(1.0, 9.0, 99), 200.0),
        "month": np.append(np.arange(1.0, 13.0), np.full(88, 8.0)),
        "kind": np.array(["truck"] * 30 + ["van"] * 70, dtype=object),
    }
    domain = Domain.from_rows(inputs, rows)
    known = replace(domain, categories=(("kind", ("atruck", "truck", "van")),), rare=(("kind", ("atruck",)),))
    return Formula(root, inputs, Variable("cost", "EUR"), domain=known)


def test_a_learned_law_is_held_where_its_rows_are() -> None:
    held = reference_values(learned())
    assert held == {"km": pytest.approx(5.0, abs=0.1), "month": 8.0, "kind": "van"}
    assert reference_values(Formula.from_json(learned().to_json())) == held


def test_whole_inputs_have_whole_values() -> None:
    x = plot_formula(learned(), axes(), along="month").lines[0].get_xdata()
    assert np.array_equal(np.asarray(x), np.arange(1.0, 13.0))


def test_only_inputs_with_a_range_can_be_drawn() -> None:
    assert plottable_inputs(power()) == ["km", "load"]
    with pytest.raises(FormulaError, match="cannot be drawn along 'prise': no range is known"):
        plot_formula(power(), axes(), along="prise")
    bare = parse_formula("2 * x", [Variable("x")], Variable("y"))
    with pytest.raises(FormulaError, match="cannot be drawn at all"):
        plot_formula(bare, axes())


def test_two_inputs_that_act_together_are_a_heat_map_and_others_are_none() -> None:
    inputs = [Variable(name, low=0, high=2) for name in "ab"]
    apart, together = (parse_formula(text, inputs, Variable("y")) for text in ("a + b", "1 + a * b"))
    assert interacting_pair(apart, reference_values(apart)) is None
    assert interacting_pair(together, reference_values(together)) == ("a", "b")
    cells = plot_interaction(together, ("a", "b"), axes()).collections[0]
    shades = cells.get_facecolors()[:, 3]
    assert len(shades) == 108
    assert (shades.argmax(), shades[0]) == (107, shades.min())


def test_names_of_many_categories_do_not_overlap() -> None:
    kinds = {f"kind {place:02}": 1.0 + place for place in range(40)}
    variable = Variable("kind", kind="category", categories=tuple(kinds))
    law = Formula(Table.of(kinds, "kind", name="rate"), (variable,), Variable("cost", "EUR"))
    ax = plot_formula(law, Figure(figsize=(4.5, 3.2), dpi=72, layout="constrained").add_subplot())
    names = ax.get_yticklabels()
    assert f"{40 - len(names)} smaller not drawn" in ax.get_xlabel()
    ax.figure.draw_without_rendering()
    boxes = [name.get_window_extent() for name in names]
    assert all(upper.y0 >= lower.y1 - 2 for upper, lower in itertools.pairwise(boxes))
