"""Modules of a law, against mixed differences of the law itself."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from kanopt.formulas import Formula, Variable, parse_formula
from kanopt.formulas.nodes import Input
from kanopt.formulas.pieces import Table

NAMES = ("a", "b", "c", "d")
LAWS = {
    "a · b + 3 · c": "sum(product(a, b), c)",
    "(10 + 0.07 · a + 2.5 · sqrt(b)) · exp(c)": "product(sum(a, b), c)",
    "exp(0.3 · a + sin(b) + a · c)": "product(function(a, c), b)",
    "log(a · b + a · c)": "function(a, b, c)",
    "2^(a + b) · sqrt(c · d)": "product(a, b, c, d)",
    "a · (1 + 0.15 · (b / c)^4)": "product(a, function(product(b, c)))",
    "max(d, a · b) + 3 · c": "sum(function(d, product(a, b)), c)",
    "sqrt(log(2 + a + b))": "function(sum(a, b))",
    "(a + b) / (c + a) + d": "sum(function(a, b, c), d)",
    "a · b + b · c + c · a": "function(a, b, c)",
    "a^b": "function(a, b)",
    "a · exp(a) · b": "product(a, b)",
    "a + 0 · b": "a",
}


def law(text: str) -> Formula:
    return parse_formula(text, [Variable(name) for name in NAMES], Variable("y"))


def tree(lines: list[str], level: int = 0) -> list[tuple[str, str, list]]:
    """Return name, text and children of each line of a level."""
    found: list[tuple[str, str, list]] = []
    for place, line in enumerate(lines):
        if len(line) - len(line.lstrip()) == 2 * level:
            below = lines[place + 1 :]
            end = next(
                (k for k, each in enumerate(below) if len(each) - len(each.lstrip()) <= 2 * level), len(below)
            )
            name, _, text = line.strip().partition(": ")
            found.append((name, text or name, tree(below[:end], level + 1)))
    return found


def short(module: tuple[str, str, list]) -> str:
    name, _, children = module
    return f"{name}({', '.join(map(short, children))})" if children else name


def walk(module: tuple[str, str, list]) -> list[tuple[str, str, list]]:
    return [module, *(below for child in module[2] for below in walk(child))]


def columns_of(module: tuple[str, str, list]) -> set[str]:
    return {name for name, _, children in walk(module) if not children}


def acts_apart(text: str, first: set[str], second: set[str], by: str) -> bool:
    """Whether the mixed difference of a part of a law, or of its logarithm, over two of its parts is zero."""
    rng = np.random.default_rng(0)
    here, there = (dict(zip(NAMES, rng.uniform(0.5, 2.0, (4, 50)), strict=True)) for _ in range(2))
    values = []
    for left, right in ((here, here), (there, there), (here, there), (there, here)):
        columns = {**here, **{x: left[x] for x in first}, **{x: right[x] for x in second}}
        values.append(law(text).evaluate(columns))
    a, b, c, d = values
    return np.allclose(a + b, c + d) if by == "sum" else np.allclose(a * b, c * d)


@pytest.mark.parametrize("text", LAWS)
def test_what_acts_apart_is_what_mixed_differences_say(text: str) -> None:
    (found,) = tree(law(text).modules().splitlines())
    assert short(found) == LAWS[text]
    for name, part, children in walk(found):
        pairs = list(combinations(map(columns_of, children), 2))
        if pairs and name in ("sum", "product"):
            assert all(acts_apart(part, first, second, name) for first, second in pairs)


def test_a_law_of_no_column_and_of_tables() -> None:
    assert law("5").modules() == "number: 5"
    by = Table.of({("1", "road"): 2.0, ("2", "rail"): 3.0}, "lane", "mode")
    inputs = (Variable("km"), Variable("lane", kind="category"), Variable("mode", kind="category"))
    (tariff,) = tree(Formula(Input("km") * by, inputs, Variable("price")).modules().splitlines())
    assert short(tariff) == "product(km, function(lane, mode))"
