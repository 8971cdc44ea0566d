import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from matplotlib.mathtext import MathTextParser

from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Product,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.printing import latex_name, to_infix
from tests.formulas.strategies import laws

x, y = Input("x"), Input("y")
rush = Curve("s", Input("hour"), (0.0, 1.0, 2.0), 0.0, 24.0, periodic=True)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (x - y, "x - y"),
        (x - (y - 1), "x - (y - 1)"),
        (-(x + 1), "-(x + 1)"),
        (x * -y, "x · (-y)"),
        (Product((Constant(-1.0), x)) + y, "y - x"),
        (1 / x / y, "1 / x / y"),
        (x / (y + 1) ** 2, "x / (y + 1)^2"),
        ((x * y) ** 0.5, "sqrt(x · y)"),
        (x**y, "x^y"),
        (x**-0.32, "x^-0.32"),
        (Apply("exp", rush), "exp(s(hour))"),
        (Maximum((x, Constant(0.0))), "max(x, 0)"),
        (Table.of({("a", "b"): 1.0}, "kind", "the place", name="rate"), "rate(kind, `the place`)"),
        (Input("Weight (kg)") * 2, "`Weight (kg)` · 2"),
    ],
)
def test_plain(node, expected):
    assert to_infix(node) == expected


def test_a_learned_law_reads_as_one_line_and_as_latex():
    root = 1.35 * Input("distance_km") ** 0.98 * Apply("exp", rush) / Input("v")
    law = Formula(root, tuple(map(Variable, ("distance_km", "hour", "v"))), Variable("cost"))
    assert str(law) == "1.35 · distance_km^0.98 · exp(s(hour)) / v"
    assert law.to_latex() == (
        r"\mathrm{cost} = \frac{1.35 \cdot \mathrm{distance\_km}^{0.98} \cdot "
        r"\exp\left(s\left(\mathrm{hour}\right)\right)}{v}"
    )
    assert law._repr_latex_() == f"$\\displaystyle {law.to_latex()}$"


@pytest.mark.slow
@given(laws())
def test_any_formula_is_latex_that_a_typesetter_takes(law):
    with mpl.rc_context({"mathtext.fontset": "dejavusans"}):
        assert MathTextParser("path").parse(f"${law.to_latex()}$").width > 0


@pytest.mark.parametrize(
    "name", ["a_b", "50%", "#1", "$", "{x}", "a^b", "a~b", "a\\b", "Weight (kg)", r"\input{x}"]
)
def test_names_cannot_break_latex(name):
    spelled = latex_name(name)
    assert MathTextParser("path").parse(f"${spelled}$").width > 0
    assert r"\input" not in spelled


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1 + 0.25 * sin(2 * pi * (month - 4) / 12)", "1 + 0.25 · sin(2 · pi · (month - 4) / 12)"),
        ("cos(0.261799387799 * hour)", "cos(2 · pi · hour / 24)"),
        ("sin(2 * pi * (month + 1.5) / 12.42)", "sin(2 · pi · (month + 1.5) / 12.42)"),
        # a frequency that was estimated is no known period
        ("sin(0.4992 * month - 1.908)", "sin(0.4992 · month - 1.908)"),
        ("sin(0.5236 * (month - 4))", "sin(0.5236 · (month - 4))"),
        ("sin(2 * pi * month * hour / 12)", "sin(2 · 3.142 · month · hour · 0.08333)"),
        ("1.0002 * month", "1.0002 · month"),
        ("month - 0.99998 * hour", "month - 0.99998 · hour"),
        ("1.0000003 * month", "month"),
    ],
)
def test_what_people_read_is_written_as_it_is_spoken_of(text: str, written: str) -> None:
    inputs = [Variable("month"), Variable("hour")]
    formula = parse_formula(text, inputs, Variable("y"))
    assert str(formula) == written
    rows = {"month": np.array([1.0, 7.5]), "hour": np.array([3.0, 20.0])}
    again = parse_formula(str(formula), inputs, Variable("y"))
    assert again.evaluate(rows) == pytest.approx(formula.evaluate(rows), abs=0.05)
