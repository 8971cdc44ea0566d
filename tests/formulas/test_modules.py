"""Modules of a law, against mixed differences of the law itself."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from kanopt.formulas import Formula, Variable, parse_formula
from kanopt.formulas.modules import Module
from kanopt.formulas.nodes import Input
from kanopt.formulas.pieces import Table

NAMES = ("a", "b", "c", "d")
LAWS = {
    "a · b + 3 · c": "sum(product(a, b), c)",
    "(10 + 0.07 · a + 2.5 · sqrt(b)) · exp(c)": "product(sum(a, b), c)",
    "0.12 · a · exp(b) + 0.014 · a · c · exp(b)": "product(a, b, c)",
    "a · b · d + c · d": "product(d, sum(product(a, b), c))",
    "exp(0.3 · a + sin(b) + a · c)": "product(function(product(a, c)), b)",
    "log(a · b + a · c)": "sum(a, function(sum(b, c)))",
    "2^(a + b) · sqrt(c · d)": "product(a, b, c, d)",
    "a · (1 + 0.15 · (b / c)^4)": "product(a, function(product(b, c)))",
    "max(d, a · b) + 3 · c": "sum(function(d, product(a, b)), c)",
    "sqrt(log(2 + a + b))": "function(sum(a, b))",
    "a · b · c + c^2": "function(product(a, b), c)",
    "tanh(a · b) / (a · b) + c": "sum(function(product(a, b)), c)",
    "sin(a + b + c · d) · d": "function(sum(a, b), c, d)",
    "(a + b) / (c + a) + d": "sum(function(a, b, c), d)",
    "a · b + b · c + c · a": "function(a, b, c)",
    "a^b": "function(a, b)",
    "a · exp(a) · b": "product(a, b)",
    "a + 0 · b": "a",
}


def law(text: str) -> Formula:
    return parse_formula(text, [Variable(name) for name in NAMES], Variable("y"))


def short(module: Module) -> str:
    if module.kind == "column":
        return module.columns[0]
    return f"{module.kind}({', '.join(map(short, module.children))})"


def walk(module: Module) -> list[Module]:
    return [module, *(below for child in module.children for below in walk(child))]


def acts_apart(module: Module, first: Module, second: Module, by: str) -> bool:
    """Whether the mixed difference of a part of a law, or of its logarithm, over two of its parts is zero."""
    rng = np.random.default_rng(0)
    here, there = (dict(zip(NAMES, rng.uniform(0.5, 2.0, (4, 50)), strict=True)) for _ in range(2))
    values = []
    for left, right in ((here, here), (there, there), (here, there), (there, here)):
        columns = {**here, **{x: left[x] for x in first.columns}, **{x: right[x] for x in second.columns}}
        values.append(law(module.text).evaluate(columns))
    a, b, c, d = values
    return np.allclose(a + b, c + d) if by == "sum" else np.allclose(a * b, c * d)


@pytest.mark.parametrize("text", LAWS)
def test_what_acts_apart_is_what_mixed_differences_say(text: str) -> None:
    found = law(text).modules()
    assert short(found) == LAWS[text]
    for module in walk(found):
        pairs = list(combinations(module.children, 2))
        for kind in ("sum", "product") if pairs else ():
            apart = all(acts_apart(module, first, second, kind) for first, second in pairs)
            assert apart == (module.kind == kind)


def test_a_law_of_no_column_and_of_tables() -> None:
    assert str(law("5").modules()) == "column: 5"
    by = Table.of({("1", "road"): 2.0, ("2", "rail"): 3.0}, "lane", "mode")
    inputs = (Variable("km"), Variable("lane", kind="category"), Variable("mode", kind="category"))
    tariff = Formula(Input("km") * by, inputs, Variable("price"))
    assert short(tariff.modules()) == "product(km, function(lane, mode))"


def test_a_part_is_told_with_its_formula() -> None:
    assert str(law("a · (b + 2 · c)").modules()) == (
        "product: a · (b + 2 · c)\n  a\n  sum: b + 2 · c\n    b\n    c: 2 · c"
    )
    assert law("a · (b + 2 · c)").modules().depth == 2
