from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from kanopt.formulas import (
    FUNCTIONS,
    Apply,
    Formula,
    Input,
    Node,
    Variable,
    parse_formula,
)
from kanopt.reports.mathml import formula_terms

INPUTS = [Variable("x"), Variable("y"), Variable("hour")]


def words(text: str | Node) -> str:
    """Return what a reader sees, terms joined by blanks; fractions as a/b, powers as a^b, roots as √."""
    law = text if isinstance(text, str) else Formula(text, tuple(INPUTS), Variable("z"))
    formula = parse_formula(law, INPUTS, Variable("z")) if isinstance(law, str) else law
    return " ".join(_words(ElementTree.fromstring(term)) for term in formula_terms(formula))


def _words(element: ElementTree.Element) -> str:
    parts = [_words(child) for child in element]
    match element.tag:
        case "mfrac":
            return f"[{parts[0]}]/[{parts[1]}]"
        case "msup":
            return f"{parts[0]}^{parts[1]}"
        case "msqrt":
            return f"√[{''.join(parts)}]"
    return (element.text or "").replace("\u2061", "") + "".join(parts)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("2 * x + 1", "z= 2·x +1"),
        ("-2 * x - y", "z= −2·x −y"),
        ("x * (y + 1)", "z= x·(y+1)"),
        ("x / (y + 1)", "z= [x]/[y+1]"),
        ("(x + 1) / (y + 1) / hour", "z= [x+1]/[(y+1)·hour]"),
        ("x ^ 0.5", "z= √[x]"),
        ("x ^ 2 * y ^ -1", "z= [x^2]/[y]"),
        ("(x + y) ^ 2", "z= (x+y)^2"),
        ("x ^ -1.5", "z= [1]/[x^1.5]"),
        ("exp(-x)", "z= exp(−x)"),
        ("log(x)", "z= ln(x)"),
        ("max(x, 2 * y)", "z= max(x,2·y)"),
        ("0.000000123456 * x", "z= 1.235·10^−7·x"),
        ("123456.7 * x", "z= 123,457·x"),
        ("x - (y - 1)", "z= x −(y−1)"),
    ],
)
def test_formulas_read_as_written(text: str, seen: str) -> None:
    assert words(text) == seen


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_markup(name: str) -> None:
    seen = words(Apply(name, Input("x")))
    assert "x" in seen
    assert seen != "z= x"


def test_hostile_names_are_escaped() -> None:
    law = Formula(
        Input("<script>alert(1)</script>"), (Variable("<script>alert(1)</script>"),), Variable("a & b")
    )
    markup = "".join(formula_terms(law))
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    assert "a &amp; b" in markup
    assert re.fullmatch(r"(<math>.*?</math>)+", markup)
