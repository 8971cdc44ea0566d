"""Steps from one law to the next."""

import numpy as np
import pytest

from kanopt.surrogates.ladder.rungs import OPERATOR
from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.evaluation import value
from kanopt.surrogates.search.fitting import Budget, Target, fitted
from kanopt.surrogates.search.moves import growths, steps
from kanopt.surrogates.search.structure import ONE, Law, Parameter, Power, Term

SCALES = np.array([40.0, 15.0, 2.0])


def rows() -> Columns:
    rng = np.random.default_rng(5)
    inputs = np.column_stack([rng.uniform(20, 90, 400), rng.uniform(2, 40, 400), rng.uniform(0, 5, 400)])
    return Columns(inputs / SCALES, SCALES, {})


def line(coefficient: float, column: int) -> Term:
    return Term(Parameter(coefficient), (Power(column, ONE),))


@pytest.mark.parametrize("beside", [0.0, 3.0])
@pytest.mark.parametrize("number", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_a_sum_gets_a_limit_and_a_term_that_of_another_input(
    number: bool, upper: bool, beside: float
) -> None:
    columns = rows()
    least, km, wait = (columns.of(j) * SCALES[j] for j in range(3))
    limit, choose = 55.0 if number else least, np.minimum if upper else np.maximum
    free = 3.0 + 2.4 * km
    if number:
        free = free + beside * wait
    truth = choose(free, limit) + (0.0 if number else beside * wait)
    to = Target(columns, truth, np.ones(400), False, Rules(OPERATOR), Budget(500.0))
    one = Term(Parameter(3.0)) if number or not beside else None
    terms = [term for term in (one, line(30.0, 1), line(5.0, 2) if beside else None) if term]
    if not number and beside:
        truth = choose(2.4 * km, least) + beside * wait
        to = Target(columns, truth, np.ones(400), False, Rules(OPERATOR), Budget(500.0))
    start = fitted(Law(tuple(terms)), to)
    assert start is not None
    moves = growths(start.law, to, Dictionary(columns, {}, with_shapes=True), to.total)[:30]
    fits = [fit for move in moves if (fit := fitted(move.law, to)) is not None]
    best = min(fits, key=lambda fit: fit.length)
    np.testing.assert_allclose(value(best.law, columns), truth, atol=1e-3)


def test_the_way_beside_a_difference_is_a_shape() -> None:
    rng = np.random.default_rng(6)
    scales = np.array([100.0, 50.0, 30.0])
    columns = Columns(rng.uniform([20, 10, 0], [600, 400, 200], (300, 3)) / scales, scales, {})
    real, reactive, less = (columns.of(j) * scales[j] for j in range(3))
    words = Dictionary(columns, {}, with_shapes=True)
    wanted = np.sqrt(real**2 + (reactive - less) ** 2)
    assert np.abs(words.shape_values - wanted[:, None]).max(axis=0).min() < 1e-9 * wanted.max()


def test_a_search_that_is_to_end_looks_for_no_more_steps() -> None:
    columns = rows()
    watch = FitMonitor()
    to = Target(columns, columns.of(0), np.ones(400), False, Rules(OPERATOR), Budget(500.0, watch))
    law, words = Law((line(1.0, 0), line(0.5, 1))), Dictionary(columns, {}, with_shapes=True)
    looked = steps(law, to, words, to.total)
    assert next(looked)
    watch.stopped = "on request"
    with pytest.raises(SearchStopped):
        list(looked)
    with pytest.raises(SearchStopped):
        next(steps(law, to, words, to.total))
