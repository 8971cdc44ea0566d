"""A sum divided by a sum."""

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
from kanopt.surrogates.search.wholes import ratios_of_sums

NAMES = ["own", "bought", "cost", "price"]
SCALES = np.array([900.0, 1200.0, 10.0, 20.0])


def inputs() -> np.ndarray:
    rng = np.random.default_rng(6)
    low, high = np.array([100.0, 50.0, 5.0, 8.0]), np.array([3000.0, 4000.0, 20.0, 45.0])
    return low + (high - low) * rng.random((500, 4))


def best(y: np.ndarray, *, log: bool) -> tuple[Fitted, Columns]:
    columns = Columns(inputs() / SCALES, SCALES, {})
    noisy = y * np.exp(0.002 * np.random.default_rng(9).standard_normal(len(y)))
    to = Target(
        columns, np.log(noisy) if log else noisy, np.ones(len(y)), log, Rules(OPERATOR), Budget(500.0)
    )
    fits = [fit for law in ratios_of_sums(to, Dictionary(columns, {})) if (fit := fitted(law, to))]
    return min(fits, key=lambda fit: fit.length), columns


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "law",
    [
        lambda own, bought, cost, price: (own * cost + bought * price) / (own + bought),
        lambda own, bought, cost, price: price * (own + 450.0) / (own + bought),
        lambda own, bought, cost, price: (12.0 + 3.5 * cost) / (1.0 + 0.08 * cost),
        lambda own, bought, cost, price: (cost - 2.0) / (price + 30.0),
        lambda own, bought, cost, price: (own * cost + bought * price + 2500.0) / (own + bought),
    ],
)
def test_it_is_found(law: Callable[..., np.ndarray], log: bool) -> None:
    truth = law(*inputs().T)
    fit, columns = best(truth, log=log)
    np.testing.assert_allclose(value(fit.law, columns), truth, rtol=0.003)


def test_it_is_written_without_fractions_in_its_brackets() -> None:
    own, bought, cost, price = inputs().T
    fit, _ = best((own * cost + bought * price) / (own + bought), log=True)
    text = to_infix(graph(fit.law, NAMES, SCALES))
    above, below = text.split(" / (")
    assert "/" not in above + below


def test_a_target_that_is_no_ratio_gives_no_trouble() -> None:
    columns = Columns(np.random.default_rng(1).uniform(-1.0, 1.0, (300, 2)), np.ones(2), {})
    to = Target(columns, columns.of(0), np.ones(300), False, Rules(OPERATOR), Budget(500.0))
    assert list(ratios_of_sums(to, Dictionary(columns, {}))) == []  # nothing to divide by is above zero
    zero = Target(columns, np.zeros(300), np.ones(300), False, Rules(OPERATOR), Budget(500.0))
    assert list(ratios_of_sums(zero, Dictionary(columns, {}))) == []


@pytest.mark.parametrize("by", [None, 0, 1, 2])
def test_two_products_and_a_constant_are_found_in_any_order_of_the_rows(by: int | None) -> None:
    """The best pair need not be among the best three: several pairs are completed."""
    rng = np.random.default_rng(3)
    a, b, c = x = np.array([[10.0], [10.0], [20.0]]) * rng.uniform(0.1, 1.0, (3, 500))
    truth = (30.0 + 4.0 * a + 7.0 * b) / (1.0 + 0.3 * c)
    noise = 0.01 * truth.std()
    y = truth + noise * rng.standard_normal(500)
    order = np.arange(500) if by is None else np.argsort(x[by])
    columns = Columns(x.T[order] / 5.0, np.full(3, 5.0))
    to = Target(columns, y[order], np.ones(500), False, Rules(OPERATOR), Budget(500.0))
    squares = [fit.squares for law in ratios_of_sums(to, Dictionary(columns, {})) if (fit := fitted(law, to))]
    assert min(squares) < 1.5 * 500 * noise**2
