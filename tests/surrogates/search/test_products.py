"""Products of powers and exponentials, found in logarithms."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Budget, Target, fitted
from kanopt.surrogates.search.graph import graph
from kanopt.surrogates.search.program import value
from kanopt.surrogates.search.structure import Applied, Exponential
from kanopt.surrogates.search.wholes import product_of_powers, products_of_functions

Floats = NDArray[np.float64]


def target(columns: Columns, y: np.ndarray, *, log: bool = False) -> Target:
    weight = np.random.default_rng(4).uniform(0.5, 2.0, len(y))
    return Target(columns, np.log(y) if log else y, weight, log, Rules(OPERATOR), Budget(500.0))


@pytest.mark.parametrize("log", [False, True])
def test_what_rises_and_falls_again_is_found(log: bool) -> None:
    rng = np.random.default_rng(0)
    columns = Columns(rng.uniform(0.05, 3.0, (500, 2)), np.ones(2), {})
    x, z = columns.of(0), columns.of(1)
    truth = 7.0 * x * np.exp(-1.3 * x) * z**0.4
    to = target(columns, truth, log=log)
    one, two = products_of_functions(to, Dictionary(columns, {}))
    fit = fitted(one, to)
    assert fit is not None
    np.testing.assert_allclose(value(fit.law, columns), truth, rtol=1e-5)
    (factor,) = (f for f in one.terms[0].factors if isinstance(f, Exponential))
    assert (factor.column, factor.of) == (0, "x")
    assert factor.rate.value == pytest.approx(-1.3, rel=1e-6)
    assert sum(isinstance(f, Exponential | Applied) for f in two.terms[0].factors) == 2


@pytest.mark.parametrize(
    ("truth", "text"),
    [
        (lambda u, v: 3.0 * v ** (0.4 - 0.1 * u), "v^(-0.1 · u)"),
        (lambda u, v: 5.0 * v ** (np.log(u) / np.log(2.0)), "v^(1.443 · log(u))"),
        (lambda u, v: 0.4 / v * np.exp(-0.5 * (u / v) ** 2), "exp(-0.5 · u^2 / v^2)"),
        (lambda u, v: 2.0 * u * np.exp(-0.3 * u * v), "exp(-0.3 · u · v)"),
    ],
)
def test_exponents_that_depend_on_another_input_are_found(
    truth: Callable[[Floats, Floats], Floats], text: str
) -> None:
    rng = np.random.default_rng(0)
    scales = np.array([2.0, 3.0])
    columns = Columns(rng.uniform(0.3, 3.0, (400, 2)), scales, {})
    u, v = columns.of(0) * 2.0, columns.of(1) * 3.0
    to = target(columns, truth(u, v))
    one, _ = products_of_functions(to, Dictionary(columns, {}))
    fit = fitted(one, to)
    assert fit is not None
    np.testing.assert_allclose(value(fit.law, columns), truth(u, v), rtol=1e-5)
    assert text in to_infix(graph(fit.law, ["u", "v"], scales))


def test_rows_that_are_not_above_zero_are_left_out() -> None:
    rng = np.random.default_rng(0)
    columns = Columns(rng.uniform(0.05, 3.0, (500, 1)), np.ones(1), {})
    x = columns.of(0)
    y = x * np.exp(-x) + 0.03 * rng.standard_normal(500)
    y[:5] = -0.01
    assert y.min() < 0.0
    law, _ = products_of_functions(target(columns, y), Dictionary(columns, {}))
    (rate,) = (f.rate.value for f in law.terms[0].factors if isinstance(f, Exponential))
    assert rate == pytest.approx(-1.0, abs=0.2)
    assert not list(products_of_functions(target(columns, -1.0 - x), Dictionary(columns, {})))


def test_no_exponential_is_found_that_may_not_be() -> None:
    rng = np.random.default_rng(0)
    columns = Columns(rng.uniform(0.05, 3.0, (100, 1)), np.ones(1), {})
    words = Dictionary(columns, {}, Rules(OPERATOR, forbidden=frozenset({"exp", "gaussian"})).admits)
    laws = products_of_functions(target(columns, columns.of(0)), words)
    assert not any(isinstance(f, Exponential | Applied) for law in laws for f in law.terms[0].factors)


def test_exponents_are_held_where_the_rows_say_so() -> None:
    rng = np.random.default_rng(1)
    logs = rng.normal(size=(400, 2))
    rows = np.column_stack([logs, np.ones(400)])
    said = np.log(3.0) + 1.0 * logs[:, 0] + 0.72 * logs[:, 1] + 0.01 * rng.standard_normal(400)
    coefficient, (first, second) = product_of_powers(rows, said, np.ones(400))
    assert coefficient == pytest.approx(3.0, rel=0.01)
    assert (first.value, first.free) == (1.0, False)
    assert second.free
    assert second.value == pytest.approx(0.72, abs=0.01)
