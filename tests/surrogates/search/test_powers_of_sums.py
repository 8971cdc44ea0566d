"""A power of a sum of two products."""

from collections.abc import Callable

import numpy as np
import pytest

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Budget, Fitted, Target, fitted
from kanopt.surrogates.search.graph import graph
from kanopt.surrogates.search.program import value
from kanopt.surrogates.search.structure import Group
from kanopt.surrogates.search.wholes import powers_of_sums


def best(
    inputs: np.ndarray, y: np.ndarray, scales: np.ndarray, *, log: bool = False
) -> tuple[Fitted, Columns]:
    columns = Columns(inputs / scales, scales, {})
    noisy = y * np.exp(0.002 * np.random.default_rng(9).standard_normal(len(y)))
    shown = np.log(noisy) if log else noisy
    to = Target(columns, shown, np.ones(len(y)), log, Rules(OPERATOR), Budget(500.0))
    fits = [fit for law in powers_of_sums(to, Dictionary(columns, {})) if (fit := fitted(law, to))]
    return min(fits, key=lambda fit: fit.length), columns


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "law",
    [
        lambda x, y, v: 38.0 + np.hypot(x, y) / v,
        lambda x, y, v: np.sqrt(x**2 + 3.0 * np.abs(v) ** 2),
        lambda x, y, v: v / (1.0 / (5.0 + 0.0 * x) + 1.0 / v),
        lambda x, y, v: v / (1.0 - 0.04 * v),
        lambda x, y, v: np.sqrt(600.0 - v**2),
        lambda x, y, v: 90.0 * v / (8.0 + v + v**2 / 60.0),
    ],
)
def test_it_is_found(law: Callable[..., np.ndarray], log: bool) -> None:
    rng = np.random.default_rng(3)
    inputs = np.column_stack(
        [rng.uniform(-9.0, 14.0, 500), rng.uniform(-11.0, 8.0, 500), rng.uniform(2.0, 22.0, 500)]
    )
    truth = law(*inputs.T)
    fit, columns = best(inputs, truth, np.array([5.0, 6.0, 8.0]), log=log)
    np.testing.assert_allclose(value(fit.law, columns), truth, rtol=0.004)


def test_what_counts_as_much_is_in_the_units_of_the_inputs() -> None:
    rng = np.random.default_rng(3)
    inputs = np.column_stack(
        [rng.uniform(10.0, 90.0, 500), rng.uniform(5.0, 60.0, 500), rng.uniform(1.0, 9.0, 500)]
    )
    fit, _ = best(
        inputs, inputs[:, 2] / (1.0 / inputs[:, 0] + 1.0 / inputs[:, 1]), np.array([40.0, 20.0, 4.0])
    )
    bracket = fit.law.terms[0].factors[-1]
    assert isinstance(bracket, Group)
    _, second = bracket.inner.terms
    assert second.coefficient.value == pytest.approx(1.0 / 20.0, rel=0.01)
    node = graph(fit.law, ["picking", "packing", "workers"], np.array([40.0, 20.0, 4.0]))
    assert to_infix(node).startswith("workers / ") or "· workers / (" in to_infix(node), to_infix(node)


def test_a_target_of_both_signs_has_no_reciprocal_but_no_trouble() -> None:
    rng = np.random.default_rng(3)
    inputs = rng.uniform(1.0, 4.0, (300, 2))
    columns = Columns(inputs, np.ones(2), {})
    y = inputs[:, 0] - inputs[:, 1]
    to = Target(columns, y, np.ones(300), False, Rules(OPERATOR), Budget(500.0))
    laws = list(powers_of_sums(to, Dictionary(columns, {})))
    groups = [f for law in laws for f in law.terms[-1].factors if isinstance(f, Group)]
    assert groups
    assert {group.exponent.value for group in groups} == {0.5}


@pytest.mark.parametrize("size", [1e-85, 1e60])
def test_the_size_of_the_target_does_not_matter(size: float) -> None:
    rng = np.random.default_rng(3)
    inputs = rng.uniform(1.0, 9.0, (300, 2))
    truth = size * np.hypot(*inputs.T)
    fit, columns = best(inputs, truth, np.array([4.0, 4.0]))
    np.testing.assert_allclose(value(fit.law, columns), truth, rtol=0.004)
