"""The search for the law: laws that are known come out, with the constants that made the rows."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas import Formula, Variable
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.monitor import SearchStopped
from kanopt.surrogates.search import REFITS, Found, Rules, Task, graph, search
from kanopt.surrogates.search.fitting import Budget, Fitted, Target, fitted
from kanopt.surrogates.search.program import Columns, value
from kanopt.surrogates.search.rewriting import rewritings
from kanopt.surrogates.search.structure import (
    ONE,
    Group,
    Hinge,
    Law,
    Logarithm,
    Parameter,
    Power,
    Term,
    Wave,
    exponents,
    is_extreme,
)
from kanopt.surrogates.search.tidying import tidied
from tests.effort import at_most

Floats = NDArray[np.float64]
ROWS = 600
FEW = 120.0
"""A quarter of the refits of the default: what is found in so many is found in all."""


def law_of(
    inputs: dict[str, Floats], y: Floats, *, log: bool = False, refits: float = FEW
) -> tuple[str, Formula]:
    found = found_in(inputs, y, log=log, refits=refits)
    names = list(inputs)
    root = graph(found.best.law, names, found.scales)
    return to_infix(root), Formula(root, tuple(map(Variable, names)), Variable("y"))


def found_in(inputs: dict[str, Floats], y: Floats, *, log: bool = False, refits: float = FEW) -> Found:
    x = np.column_stack(list(inputs.values()))
    target = np.log(y) if log else y
    return search(Task(x, target, np.ones(len(y)), Rules(OPERATOR), log=log), refits=refits)


def noisy(y: Floats, share: float, rng: np.random.Generator) -> Floats:
    return y + share * y.std() * rng.standard_normal(len(y))


CASES: list[tuple[str, tuple[tuple[float, float], ...], Callable[..., Floats]]] = [
    ("a · b / c^2", ((1, 5), (1, 5), (1, 4)), lambda a, b, c: a * b / c**2),
    ("sqrt(a) · b", ((1, 5), (1, 5)), lambda a, b: np.sqrt(a) * b),
    (
        "4 + 2 · a^2 + b · (3 + 0.5 · c)",
        ((1, 9), (1, 9), (-3, 3)),
        lambda a, b, c: 4 + 2 * a**2 + 3 * b + b * c / 2,
    ),
    ("a · (1 + 0.15 · b^4 / c^4)", ((2, 9), (1, 9), (3, 9)), lambda a, b, c: a * (1 + 0.15 * (b / c) ** 4)),
    ("5 · a · exp(-200 / b)", ((2, 9), (270, 310)), lambda a, b: 5 * a * np.exp(-200 / b)),
]


@pytest.mark.parametrize(("reads", "ranges", "truth"), CASES, ids=[case[0] for case in CASES])
def test_a_law_without_noise_is_found_to_the_last_digits(
    reads: str, ranges: tuple[tuple[float, float], ...], truth: Callable[..., Floats]
) -> None:
    rng = np.random.default_rng(5)
    columns = [rng.uniform(low, high, ROWS) for low, high in ranges]
    inputs = dict(zip("abc", columns, strict=False))
    y = truth(*columns)
    text, formula = law_of(inputs, y)
    np.testing.assert_allclose(formula.evaluate(inputs), y, rtol=1e-6)
    assert sorted(text) == sorted(reads) or text.count("·") <= reads.count("·") + 2, text


SHAPES: list[tuple[str, tuple[tuple[float, float], ...], Callable[..., Floats]]] = [
    ("# + # · sqrt(a^2 + b^2)", ((1, 40), (1, 30)), lambda a, b: 3 + 1.4 * np.hypot(a, b)),
    ("# + # · abs(a) + # · abs(b)", ((-50, 60), (-30, 30)), lambda a, b: 15 + 2 * abs(a) + 3 * abs(b)),
    ("# + # · abs(a - b)", ((0, 14), (2, 17)), lambda a, b: 9 + 4 * abs(a - b)),
    ("a / (1 - a)", ((0.1, 0.85),), lambda a: a / (1 - a)),
    ("1 - exp(-# · a^#)", ((20, 900),), lambda a: 1 - np.exp(-((a / 300) ** 1.6))),
    ("# · exp(-# · exp(-# · a))", ((0, 40),), lambda a: 60 * np.exp(-5 * np.exp(-0.15 * a))),
    ("# + # · a · max(0, b - #)", ((1, 6), (5, 300)), lambda a, b: 4 + 0.3 * a * np.maximum(0, b - 120)),
    (
        "# · a · (1 + # · exp(-# · (b - #)^2))",
        ((1, 30), (5, 21)),
        lambda a, b: 2 * a * (1 + 0.7 * np.exp(-(((b - 8) / 1.4) ** 2))),
    ),
    ("a · sin(b)", ((1, 9), (0.05, 1.5)), lambda a, b: a * np.sin(b)),
    ("a / sin(b)", ((1, 9), (0.2, 1.5)), lambda a, b: a / np.sin(b)),
    ("# · b · exp(-# · a / b)", ((1, 30), (2, 20)), lambda a, b: 7 * b * np.exp(-0.8 * a / b)),
    ("# · exp(-# · a · b)", ((1, 9), (0.5, 4)), lambda a, b: 40 * np.exp(-0.11 * a * b)),
    ("# - exp(-(a / b)^#)", ((1, 40), (10, 30)), lambda a, b: 1 - np.exp(-((a / b) ** 1.7))),
    (
        "b · exp(-# · exp(-# · a))",
        ((1, 48), (200, 3000)),
        lambda a, b: b * np.exp(-3.6 * np.exp(-0.118 * a)),
    ),
    (
        "# + # · b · (1 - exp(-# · a))",
        ((0.2, 9), (5, 60)),
        lambda a, b: 4 + 0.3 * b * (1 - np.exp(-0.4 * a)),
    ),
    ("# · b · (a - #)", ((278, 310), (5, 60)), lambda a, b: 0.3 * b * (a - 273)),
    (
        "1 / (1 + # · exp(# · a - # · b))",
        ((5, 50), (5, 50)),
        lambda a, b: 1 / (1 + np.exp(0.1 * (a - b) - 0.3)),
    ),
    ("max(#, # · a^# · b^#)", ((1, 24), (30, 900)), lambda a, b: np.maximum(90, 9.6 * a**0.78 * b**0.37)),
    ("1 / (1 / a + 1 / b)", ((14, 85), (9, 60)), lambda a, b: 1 / (1 / a + 1 / b)),
    (
        "max(a · (# · b - #), a · b)",
        ((13, 31), (5, 13)),
        lambda a, b: a * (b + 0.5 * np.maximum(0, b - 9)),
    ),
]


@pytest.mark.parametrize(("reads", "ranges", "truth"), SHAPES, ids=[case[0] for case in SHAPES])
def test_shapes_that_logistics_needs_are_found_in_noise(
    reads: str, ranges: tuple[tuple[float, float], ...], truth: Callable[..., Floats]
) -> None:
    rng = np.random.default_rng(9)
    columns = [rng.uniform(low, high, ROWS) for low, high in ranges]
    inputs = dict(zip("ab", columns, strict=False))
    refits = REFITS if reads.count("abs") == 2 or "max(#" in reads else FEW
    text, formula = law_of(inputs, noisy(truth(*columns), 0.01, rng), refits=refits)
    # a number that is nearly 1 is none in the law that is read
    text = re.sub(r"\b1\.000\d+ · ", "", text)
    for constant in sorted(formula.constants, key=lambda each: -len(f"{abs(each.value):.4g}")):
        text = text.replace(f"{abs(constant.value):.4g}", "#", 1)
    assert "".join(sorted(text)) == "".join(sorted(reads)), text
    error = np.sqrt(np.mean((formula.evaluate(inputs) - truth(*columns)) ** 2)) / truth(*columns).std()
    assert error < 0.002


@pytest.mark.slow
def test_the_way_between_two_places_is_found() -> None:
    rng = np.random.default_rng(3)
    inputs = {name: rng.uniform(0.0, 40.0, ROWS) for name in ("x", "y", "u", "v")}
    way = np.hypot(inputs["x"] - inputs["u"], inputs["y"] - inputs["v"])
    text, _ = law_of(inputs, noisy(5.0 + 1.3 * way, 0.01, rng))
    assert "sqrt((x - u)^2 + (y - v)^2)" in text


def test_a_one_that_does_not_show_is_left_out_of_its_bracket() -> None:
    columns = Columns(np.linspace(0.5, 4.0, 60)[:, None], np.ones(1), {})
    wave = Wave(0, Parameter(1.0, free=False), Parameter(0.0, free=False))
    bracket = Group(Law((Term(ONE), Term(Parameter(6000.0), (wave,)))))
    law = Law((Term(Parameter(0.01), (bracket,)),))
    target = Target(columns, 60.0 * np.sin(columns.of(0)), np.ones(60), False, Rules(OPERATOR), Budget(50.0))
    start = fitted(law, target)
    assert start is not None
    plain = tidied(start, target, target)
    assert to_infix(graph(plain.law, ["a"], np.ones(1))) == "60 · sin(a)"


def test_making_a_law_plainer_ends_where_nothing_is_a_limit_and_there_is_no_noise() -> None:
    a, b = np.random.default_rng(0).uniform(1.0, 10.0, (2, 300))
    task = Task(np.column_stack([a, b]), 3.0 * np.maximum(0.0, a - 0.8 * b), np.ones(len(a)), Rules(OPERATOR))
    with at_most(2_000_000):
        found = search(task, refits=FEW)
    assert to_infix(graph(found.best.law, ["a", "b"], found.scales)) == "3 · max(0, a - 0.8 · b)"


@pytest.mark.slow
def test_a_budget_of_refits_ends_the_search_and_is_not_passed_by_much() -> None:
    rng = np.random.default_rng(10)
    x = rng.uniform(1, 9, (ROWS, 3))
    y = noisy(np.sin(x[:, 0]) * x[:, 1] + np.sqrt(x[:, 2] * x[:, 0] + x[:, 1] ** 1.7), 0.02, rng)
    task = Task(x, y, np.ones(ROWS), Rules(OPERATOR))
    short, longer = (search(task, refits=refits) for refits in (5.0, 200.0))
    assert longer.best.length <= short.best.length
    assert len(short.others) < len(longer.others)


def test_whole_exponents_become_exact_and_others_stay_free_with_noise() -> None:
    rng = np.random.default_rng(6)
    inputs = {"a": np.exp(rng.uniform(0, 4, ROWS)), "b": rng.uniform(1, 9, ROWS)}
    text, formula = law_of(inputs, noisy(7.0 * inputs["a"] ** 0.72 * inputs["b"] ** 2, 0.02, rng))
    assert "b^2" in text
    exponent = next(c for c in formula.constants if abs(c.value - 0.72) < 0.05)
    assert exponent.value != 0.72
    assert abs(exponent.value - 0.72) < 0.01


def test_errors_of_logarithms_are_told_from_errors_of_the_target() -> None:
    rng = np.random.default_rng(7)
    inputs = {"a": np.exp(rng.uniform(0, 6, ROWS)), "b": rng.uniform(1, 9, ROWS)}
    y = 3.0 * inputs["a"] / inputs["b"] * np.exp(0.1 * rng.standard_normal(ROWS))
    text, formula = law_of(inputs, y, log=True)
    assert text.endswith("· a / b")
    assert abs(formula.constants[0].value - 3.0) < 0.05


def test_noise_alone_is_no_law() -> None:
    rng = np.random.default_rng(8)
    inputs = {"a": rng.uniform(1, 5, ROWS), "b": rng.uniform(-1, 5, ROWS)}
    text, _ = law_of(inputs, 3.0 + rng.standard_normal(ROWS))
    assert "a" not in text
    assert "b" not in text


@pytest.mark.slow
def test_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(9)
    inputs = {"a": rng.uniform(1, 5, ROWS), "b": rng.uniform(1, 5, ROWS)}
    y = noisy(inputs["a"] ** 1.3 + inputs["b"], 0.05, rng)
    order = rng.permutation(ROWS)
    first = found_in(inputs, y).best
    second = found_in({name: column[order] for name, column in inputs.items()}, y[order]).best
    assert first.law == second.law
    assert first.squares == second.squares


@pytest.mark.slow
def test_a_logarithm_is_found_and_no_power_that_is_nearly_flat() -> None:
    rng = np.random.default_rng(4)
    a, b, c, d = rng.uniform(0.5, 5.0, (4, 2000))
    y = 4.0 + 2.0 * np.maximum(0.0, a - 2.0) + 0.5 * b * c + np.log(d)
    found = found_in({"a": a, "b": b, "c": c, "d": d}, noisy(y, 0.05, rng), refits=REFITS).best.law
    assert any(isinstance(factor, Logarithm) for term in found.terms for factor in term.factors)
    assert exponents(found) == []


@pytest.mark.parametrize("seed", range(2))
def test_a_season_of_whole_months_has_its_period(seed: int) -> None:
    rng = np.random.default_rng(seed)
    month, km = rng.integers(1, 13, 900).astype(float), rng.uniform(5.0, 80.0, 900)
    y = 20.0 + km + 5.0 * np.sin(2.0 * np.pi * month / 12.0)
    found = found_in({"month": month, "km": km}, noisy(y, 0.05, rng))
    waves = [f for term in found.best.law.terms for f in term.factors if isinstance(f, Wave)]
    assert [abs(wave.frequency.value) / found.scales[0] for wave in waves] == [
        pytest.approx(0.5236, abs=0.01)
    ]


def test_terms_that_share_a_power_are_told_as_one() -> None:
    rng = np.random.default_rng(5)
    columns = Columns(rng.uniform(0.5, 3.0, (200, 2)), np.ones(2), {})
    weight, distance = columns.of(0), columns.of(1)
    beyond = Hinge(0, Parameter(1.5))
    bracket = Group(Law((Term(ONE), Term(Parameter(0.25), (Power(0, ONE),)))))
    first = Term(Parameter(5.4), (Power(1, Parameter(0.621)), bracket))
    second = Term(Parameter(-0.7), (Power(1, Parameter(0.627)), beyond))
    told = [law for law in rewritings(Law((first, second)), columns) if len(law.terms) == 1]
    truth = 5.4 * distance**0.621 * (1.0 + 0.25 * weight) - 0.7 * distance**0.621 * np.maximum(
        weight - 1.5, 0.0
    )
    assert any(np.allclose(value(law, columns), truth) for law in told)


def test_a_law_found_as_a_whole_is_kept_where_the_search_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    a, b = rng.uniform(1.0, 9.0, (2, ROWS))
    whole = noisy(np.maximum(a, 1.3 * b), 0.01, rng)

    def stopped(fit: Fitted, *_: object) -> Fitted:
        if any(map(is_extreme, fit.law.terms[0].factors)):
            raise SearchStopped
        return fit

    module = importlib.import_module("kanopt.surrogates.search.search")
    monkeypatch.setattr(module, "tidied", stopped)
    text, formula = law_of({"a": a, "b": b}, whole)
    assert text.startswith("max("), text
    assert formula.constants


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        lambda u, o, d, s: o * np.maximum(0.0, s - d) + u * np.maximum(0.0, d - s),
        lambda u, o, d, s: u * (d + 0.5 * np.maximum(0.0, d - s)),
        lambda u, o, d, s: 300.0 * o + u * np.maximum(d, 0.75 * s),
    ],
)
def test_of_two_inputs_the_larger_the_smaller_and_the_excess_are_found(
    law: Callable[..., Floats],
) -> None:
    rng = np.random.default_rng(2)
    inputs = {
        "under": rng.uniform(4.0, 20.0, ROWS),
        "over": rng.uniform(1.0, 5.0, ROWS),
        "demand": rng.uniform(10.0, 200.0, ROWS),
        "stock": rng.uniform(20.0, 150.0, ROWS),
    }
    truth = law(*inputs.values())
    noisy = truth + 0.01 * truth.std() * rng.standard_normal(ROWS)
    text, formula = law_of(inputs, noisy, refits=REFITS)
    assert "max(" in text, text
    np.testing.assert_allclose(formula.evaluate(inputs), truth, atol=0.01 * truth.std())
