from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from kanopt.errors import FormulaError
from kanopt.formulas import Domain, Formula, Input, Range, Table, Variable, parse_formula
from kanopt.reports import plot_formula
from kanopt.reports.law_plots import (
    comparison_levels,
    interacting_pair,
    plot_interaction,
    plottable_inputs,
    reference_values,
    tabulate,
)


def axes() -> Any:
    return Figure(figsize=(4, 3)).add_subplot()


def power(low: float = 1.0, high: float = 50.0) -> Formula:
    law = parse_formula(
        "2 * km^0.9 * (1 + 0.3 * load) + 0 * price",
        [Variable("km", "km"), Variable("load", "t", low=0, high=2), Variable("price", "EUR/l")],
        Variable("minutes", "min"),
    )
    return Formula(law.root, law.inputs, law.output, domain=Domain((Range("km", low, high),)))


def test_axes_are_labelled_with_units_and_lines_with_levels() -> None:
    ax = plot_formula(power(), axes())
    assert ax.get_xlabel() == "km (km)\nheld at price = 1 EUR/l"
    assert ax.get_ylabel() == "minutes (min)"
    assert [text.get_text() for text in ax.texts] == ["load = 0.2 t", "load = 1 t", "load = 1.8 t"]
    x, y = ax.lines[1].get_data()
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


def test_lines_are_at_values_that_occur_and_whole_inputs_have_whole_values() -> None:
    levels = comparison_levels(learned(), "month", reference_values(learned()), {})
    assert levels == (
        "km",
        [pytest.approx(1.74, abs=0.1), pytest.approx(5.0, abs=0.1), pytest.approx(8.3, abs=0.1)],
    )
    name, months = comparison_levels(learned(), "km", reference_values(learned()), {"kind": "van"})
    # nearly all rows are of month 8
    assert (name, months) == ("month", [1.0, 8.0, 12.0])
    x = plot_formula(learned(), axes(), along="month").lines[0].get_xdata()
    assert np.array_equal(np.asarray(x), np.arange(1.0, 13.0))
    assert tabulate(learned(), "month", rows=5)["month"].tolist() == [1.0, 4.0, 6.0, 9.0, 12.0]


def test_only_inputs_with_a_range_can_be_drawn() -> None:
    assert plottable_inputs(power()) == ["km", "load"]
    with pytest.raises(FormulaError, match="cannot be drawn along 'prise': no range is known"):
        plot_formula(power(), axes(), along="prise")
    bare = parse_formula("2 * x", [Variable("x")], Variable("y"))
    with pytest.raises(FormulaError, match="cannot be drawn at all"):
        plot_formula(bare, axes())


def mixed() -> Formula:
    from kanopt.formulas import Constant, Product, Step, Sum

    tariff = Step(Input("weight_t"), (1.0, 5.0), (90.0, 70.0, 55.0), name="tariff")
    rate = Table.of({"road": 1.0, "rail": 0.7}, "mode", name="rate", fallback=1.2)
    inputs = (
        Variable("weight_t", "t", low=0.1, high=20),
        Variable("mode", kind="category", categories=("rail", "road")),
    )
    return Formula(Sum((Product((tariff, rate)), Constant(4.0))), inputs, Variable("freight", "EUR"))


def test_a_table_of_a_law_agrees_with_the_law() -> None:
    table = tabulate(power(), "km", rows=5)
    assert table.columns.tolist() == ["km (km)", "load 0.2 t", "load 1 t", "load 1.8 t"]
    x = table["km (km)"].to_numpy()
    assert np.allclose(table["load 1 t"], power().evaluate({"km": x, "load": 1.0, "price": 1.0}))


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
