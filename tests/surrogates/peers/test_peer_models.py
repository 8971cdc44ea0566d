"""The models beside the KAN: what their columns become, and how logarithms are undone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.surrogates.peers.columns import PeerColumns, SplineColumns, encoder
from kanopt.surrogates.peers.models import Chosen, Smeared, additive_splines, folds_of, perceptron

RNG = np.random.default_rng(0)


class Line:
    """Least squares of a line."""

    def fit(self, X, y):
        self.line = np.polyfit(X["x"], y, 1)

    def predict(self, X):
        return np.polyval(self.line, X["x"])


class Constant:
    def fit(self, X, y):
        self.mean = float(np.mean(y))

    def predict(self, X):
        return np.full(len(X), self.mean)


def test_a_model_of_the_logarithm_is_corrected_by_the_mean_of_what_it_leaves():
    x = pd.DataFrame({"x": RNG.uniform(0, 1, 200)})
    y = np.exp(1 + 2 * x["x"].to_numpy() + RNG.normal(0, 0.5, 200))
    line = np.polyfit(x["x"], np.log(y), 1)
    logs = np.polyval(line, x["x"])
    expected = np.exp(logs) * np.mean(np.exp(np.log(y) - logs))
    np.testing.assert_allclose(Smeared(Line()).fit(x, y).predict(x), expected)


def test_the_candidate_of_least_error_on_rows_left_out_is_chosen():
    x = pd.DataFrame({"x": RNG.uniform(0, 1, 60)})
    y = 3 * x["x"].to_numpy()
    assert isinstance(Chosen([Constant, Line]).fit(x, y).model, Line)
    assert isinstance(Chosen([Line, Constant], np.arange(60) // 4).fit(x, y).model, Line)


@given(st.lists(st.integers(0, 9), min_size=12, max_size=40), st.integers(2, 4), st.integers(0, 99))
def test_every_row_is_held_out_once_and_groups_as_a_whole(labels, folds, seed):
    groups = np.unique(np.array(labels), return_inverse=True)[1]
    if groups.max() + 1 < folds:
        groups = np.arange(len(labels))
    held_out = []
    for train, test in folds_of(len(groups), folds, seed, groups):
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(groups)))
        held_out += list(test)
    assert sorted(held_out) == list(range(len(groups)))


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60).filter(lambda values: len(set(values)) > 1))
def test_splines_of_a_column_of_few_values_are_numbers(values):
    column = np.array(values, dtype=float)[:, None]
    splines = SplineColumns().fit(column)
    matrix = splines.transform(np.vstack([column, [[-50.0], [70.0]]]))
    assert np.isfinite(matrix).all()
    # a line is a sum of them, beyond the ends too
    both = np.column_stack([np.ones(len(column)), matrix[: len(column)]])
    weights = np.linalg.lstsq(both, column[:, 0], rcond=None)[0]
    np.testing.assert_allclose(both @ weights, column[:, 0], atol=1e-8)


def test_columns_with_a_period_meet_at_its_ends():
    hours = pd.DataFrame({"hour": RNG.uniform(0, 24, 300)})
    y = 5 + np.sin(2 * np.pi * hours["hour"].to_numpy() / 24)
    columns = PeerColumns((), (), {"hour": 24.0})
    ends = pd.DataFrame({"hour": [0.0, 24.0, 24.5, 0.5]})
    found = additive_splines(columns, 0).fit(hours, y).predict(ends)
    np.testing.assert_allclose(found[[0, 3]], found[[1, 2]], atol=1e-9)
    np.testing.assert_allclose(found, 5 + np.sin(2 * np.pi * ends["hour"] / 24), atol=0.01)


def test_rows_that_have_no_logarithm_later_on_are_foretold_all_the_same():
    columns = PeerColumns(("km",), ("kind",))
    seen = pd.DataFrame({"km": [1.0, 2.0, 4.0], "kind": ["a", "b", "a"]})
    read = encoder(columns, ("km",), splines=False).fit(seen)
    matrix = read.transform(pd.DataFrame({"km": [0.0, 1.0], "kind": ["c", "a"]}))
    assert np.isfinite(matrix).all()
    assert matrix[0, -1] == matrix[1, -1]
    assert not matrix[0, :2].any()


@pytest.mark.parametrize("parameters", [1, 31, 100])
def test_a_perceptron_is_as_large_as_it_is_told(parameters):
    from kanopt.surrogates.peers.models import count_parameters

    rows = pd.DataFrame({"a": RNG.normal(size=40), "b": RNG.normal(size=40), "kind": ["x", "y"] * 20})
    model = perceptron(PeerColumns(("a", "b"), ("kind",)), 0, parameters=parameters)
    size = count_parameters(model.fit(rows, rows["a"].to_numpy()))
    assert abs(size - parameters) <= 6  # a node of two numbers and two categories has six
