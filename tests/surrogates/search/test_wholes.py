"""Laws that no growth leads to: extremes, powers of sums and products of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Budget, Fitted, Target, fitted
from kanopt.surrogates.search.graph import graph
from kanopt.surrogates.search.program import Columns, value
from kanopt.surrogates.search.structure import Law
from kanopt.surrogates.search.wholes import (
    extremes,
    powers_of_sums,
    product_of_powers,
    products_of_functions,
    wholes,
)

Floats = NDArray[np.float64]
Kind: TypeAlias = Callable[[Target, Dictionary], Iterator[Law]]
SCALES = np.array([2.0, 5.0, 30.0])


RANGES: dict[Kind, tuple[list[float], list[float]]] = {
    powers_of_sums: ([-9.0, -11.0, 2.0], [14.0, 8.0, 22.0]),
    products_of_functions: ([0.3, 0.3, 0.3], [3.0, 3.0, 3.0]),
}


HELD: dict[Kind, tuple[float, float, float]] = {
    extremes: (0.002, 0.0, 0.01),
    powers_of_sums: (0.002, 0.004, 0.0),
    products_of_functions: (0.0, 1e-5, 0.0),
    wholes: (0.002, 0.004, 0.0),
}
"""Noise of each kind of law, and how near the law that is found must be: to its values, and in spreads of them."""


def rows(kind: Kind = extremes) -> Floats:
    low, high = RANGES.get(kind, ([0.4, 1.0, 8.0], [6.0, 9.0, 60.0]))
    return np.random.default_rng(3).uniform(low, high, (500, 3))


def best(kind: Kind, inputs: Floats, y: Floats, *, log: bool = False) -> tuple[Fitted, Columns]:
    scales = SCALES[: inputs.shape[1]]
    columns = Columns(inputs / scales, scales, {})
    to = Target(columns, np.log(y) if log else y, np.ones(len(y)), log, Rules(OPERATOR), Budget(500.0))
    fits = [fit for law in kind(to, Dictionary(columns, {})) if (fit := fitted(law, to))]
    return min(fits, key=lambda fit: fit.length), columns


CASES: list[tuple[Kind, Callable[..., Floats]]] = [
    (extremes, lambda a, b, c: 4.6 + 0.2 * a + np.maximum(0.0, b + 0.2 * c - 11.0)),
    (extremes, lambda a, b, c: np.minimum(1.4 + 1.1 * a, 3.2 + 0.3 * a + 0.2 * b)),
    (extremes, lambda a, b, c: np.maximum(14.0, 0.5 + a * b)),
    (extremes, lambda a, b, c: a * (0.4 * b + np.maximum(0.0, c - 20.0))),
    (powers_of_sums, lambda x, y, v: 38.0 + np.hypot(x, y) / v),
    (powers_of_sums, lambda x, y, v: np.sqrt(x**2 + 3.0 * v**2)),
    (powers_of_sums, lambda x, y, v: v / (1.0 / (5.0 + 0.0 * x) + 1.0 / v)),
    (powers_of_sums, lambda x, y, v: v / (1.0 - 0.04 * v)),
    (powers_of_sums, lambda x, y, v: np.sqrt(600.0 - v**2)),
    (powers_of_sums, lambda x, y, v: 90.0 * v / (8.0 + v + v**2 / 60.0)),
    (products_of_functions, lambda a, b, c: 7.0 * a * np.exp(-1.3 * a) * b**0.4),
    (products_of_functions, lambda a, b, c: 3.0 * b ** (0.4 - 0.1 * a)),
    (products_of_functions, lambda a, b, c: 5.0 * b ** (np.log(a) / np.log(2.0))),
    (products_of_functions, lambda a, b, c: 0.4 / b * np.exp(-0.5 * (a / b) ** 2)),
    (wholes, lambda a, b, c: a * np.sqrt(b**3 + 2.0 * c)),
]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("kind", "truth"), CASES)
def test_it_is_found(kind: Kind, truth: Callable[..., Floats], log: bool) -> None:
    inputs = rows(kind)
    y = truth(*inputs.T)
    if kind is extremes and log:
        return  # of logarithms the planes are products
    noise, near, spreads = HELD[kind]
    noisy = y * np.exp(noise * np.random.default_rng(9).standard_normal(len(y)))
    fit, columns = best(kind, inputs, noisy, log=log)
    np.testing.assert_allclose(value(fit.law, columns), y, rtol=near, atol=spreads * y.std())


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("choose", [np.maximum, np.minimum])
@settings(max_examples=8)
@given(
    slopes=st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2),
    level=st.floats(0.7, 1.5),
    seed=st.integers(0, 100),
)
def test_the_extreme_of_two_products_is_found(
    choose: Callable[..., Floats], log: bool, slopes: tuple[float, float], level: float, seed: int
) -> None:
    inputs = np.exp(np.random.default_rng(seed).uniform(-1.0, 1.5, (600, 3)))
    a, b, c = inputs.T
    y = c * choose(level * a, b * a ** slopes[0] * b ** slopes[1])
    assume(0.05 < np.mean(y == c * level * a) < 0.95)
    fit, columns = best(extremes, inputs, y, log=log)
    np.testing.assert_allclose(value(fit.law, columns), y, rtol=1e-5)


def test_a_parcel_without_a_volume_does_not_hide_the_law() -> None:
    inputs = np.exp(np.random.default_rng(0).uniform(-1.0, 1.5, (600, 3)))
    inputs[:15, 1] = 0.0
    fit, _ = best(extremes, inputs, inputs[:, 2] * np.maximum(inputs[:, 0], 1.3 * inputs[:, 1]))
    assert fit.squares < 1e-9


@pytest.mark.parametrize("size", [1e-85, 1e60])
def test_the_size_of_the_target_does_not_matter(size: float) -> None:
    inputs = rows()[:, :2]
    truth = size * np.hypot(*inputs.T)
    fit, columns = best(powers_of_sums, inputs, truth)
    np.testing.assert_allclose(value(fit.law, columns), truth, rtol=0.004)


@pytest.mark.parametrize(
    ("kind", "truth", "text"),
    [
        (powers_of_sums, lambda a, b, c: c / (1.0 / a + 1.0 / b), "c / (1 / a + 1 / b)"),
        (products_of_functions, lambda a, b, c: 2.0 * a * np.exp(-0.3 * a * b), "2 · a · exp(-0.3 · a · b)"),
    ],
)
def test_it_is_written_in_the_units_of_the_inputs(
    kind: Kind, truth: Callable[..., Floats], text: str
) -> None:
    inputs = rows()
    fit, _ = best(kind, inputs, truth(*inputs.T))
    shown = to_infix(graph(fit.law, ["a", "b", "c"], SCALES))
    assert sorted(shown.replace("1 · ", "")) == sorted(text), shown


@pytest.mark.parametrize("kind", [extremes, powers_of_sums, products_of_functions])
@pytest.mark.parametrize("target", ["nothing", "one", "both signs", "below zero"])
def test_what_is_none_of_these_gives_no_trouble(kind: Kind, target: str) -> None:
    inputs = rows()
    a = inputs[:, 0]
    y = {"nothing": 0.0 * a, "one": 0.0 * a + 1.0, "both signs": a - 2.0, "below zero": -a}[target]
    columns = Columns(inputs / SCALES, SCALES, {})
    to = Target(columns, y, np.ones(500), False, Rules(OPERATOR), Budget(500.0))
    for law in kind(to, Dictionary(columns, {})):
        fit = fitted(law, to)
        assert fit is None or np.isfinite(fit.squares)


def test_exponents_are_held_where_the_rows_say_so() -> None:
    rng = np.random.default_rng(1)
    logs = rng.normal(size=(400, 2))
    told = np.column_stack([logs, np.ones(400)])
    said = np.log(3.0) + 1.0 * logs[:, 0] + 0.72 * logs[:, 1] + 0.01 * rng.standard_normal(400)
    coefficient, (first, second) = product_of_powers(told, said, np.ones(400))
    assert coefficient == pytest.approx(3.0, rel=0.01)
    assert (first.value, first.free, second.free) == (1.0, False, True)
    assert second.value == pytest.approx(0.72, abs=0.01)
