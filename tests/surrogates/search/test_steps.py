"""Steps from one law to the next."""

import numpy as np
import pytest

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Budget, Target
from kanopt.surrogates.search.program import Columns
from kanopt.surrogates.search.steps import steps
from kanopt.surrogates.search.structure import ONE, Law, Parameter, Power, Term

SCALES = np.array([40.0, 15.0, 2.0])


def rows() -> Columns:
    rng = np.random.default_rng(5)
    inputs = np.column_stack([rng.uniform(20, 90, 400), rng.uniform(2, 40, 400), rng.uniform(0, 5, 400)])
    return Columns(inputs / SCALES, SCALES, {})


def line(coefficient: float, column: int) -> Term:
    return Term(Parameter(coefficient), (Power(column, ONE),))


def test_the_way_beside_a_difference_is_a_shape() -> None:
    rng = np.random.default_rng(6)
    scales = np.array([100.0, 50.0, 30.0])
    columns = Columns(rng.uniform([20, 10, 0], [600, 400, 200], (300, 3)) / scales, scales, {})
    real, reactive, less = (columns.of(j) * scales[j] for j in range(3))
    words = Dictionary(columns, {}, with_shapes=True)
    wanted = np.sqrt(real**2 + (reactive - less) ** 2)
    values = np.hstack([family.values for family in words.families])
    assert np.abs(values - wanted[:, None]).max(axis=0).min() < 1e-9 * wanted.max()


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
