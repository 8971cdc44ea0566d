"""The models that an analyst would try first, made as well as they can be made without thinking about the table.

Where it can matter, the better of target and log target, and of columns and logarithms of those above zero, is chosen
by three folds of the training rows, as KANRegressor chooses it; what a model of the logarithm predicts is corrected by
Duan's smearing factor. Ridge penalties are chosen by generalised cross-validation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from kanopt.surrogates.peers.columns import PeerColumns, encoder

__all__ = [
    "Chosen",
    "Regressor",
    "Smeared",
    "Varied",
    "additive_splines",
    "boosting",
    "explainable_boosting",
    "folds_of",
    "has_explainable_boosting",
    "linear",
    "mean",
    "perceptron",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ENOUGH = 10_000
"""Rows by which logarithms are chosen, drawn from more."""
_CHOOSING = 3
_MOST_CATEGORIES = 250
"""Of a column; boosting has 255 bins, and takes rarer ones together."""
_DECAYS = (1e-3, 10.0)
_PENALTIES = np.logspace(-4.0, 4.0, 17)


class Regressor(Protocol):
    """What is measured."""

    def fit(self, X: pd.DataFrame, y: Floats) -> Any:
        """Learn from rows."""

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the expected target of rows."""


Make = Callable[[], Regressor]


def folds_of(
    rows: int, folds: int, seed: int, groups: Integers | None = None
) -> list[tuple[Integers, Integers]]:
    """Return training and held-out rows of every fold; groups are held out as a whole.

    Examples
    --------
    >>> [held_out.tolist() for _, held_out in folds_of(5, 2, 0, np.array([0, 0, 1, 1, 1]))]
    [[2, 3, 4], [0, 1]]
    """
    kind = KFold if groups is None else GroupKFold
    split = kind(folds, shuffle=True, random_state=seed).split(np.arange(rows), groups=groups)
    return [(train.astype(np.int64), test.astype(np.int64)) for train, test in split]


class Smeared:
    """A regressor of log y whose predictions are corrected by Duan's (1983) smearing factor."""

    def __init__(self, model: Regressor) -> None:
        self.model = model

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Learn the logarithm."""
        logs = np.log(np.asarray(y))
        self.model.fit(X, logs)
        self.factor = float(np.mean(np.exp(logs - self.model.predict(X))))
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the expected target."""
        return np.asarray(np.exp(self.model.predict(X)) * self.factor)


class Chosen:
    """The candidate of least squared error over three folds of the training rows, fitted on all of them.

    Parameters
    ----------
    candidates
        Make the models.
    groups
        Group of every training row, held out together; None where each stands alone.
    """

    def __init__(self, candidates: Sequence[Make], groups: Integers | None = None) -> None:
        self.candidates, self.groups = candidates, groups

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Choose and learn."""
        y = np.asarray(y)
        best = self.candidates[0]
        if len(self.candidates) > 1:
            best = self.candidates[int(np.argmin(self._errors(X, y)))]
        self.model = best()
        self.model.fit(X, y)
        return self

    def _errors(self, X: pd.DataFrame, y: Floats) -> list[float]:
        """Return the squared error of every candidate."""
        order = np.random.default_rng(0).permutation(len(X))[:ENOUGH]
        groups = None if self.groups is None else self.groups[order]
        errors = [0.0] * len(self.candidates)
        for train, test in folds_of(len(order), _CHOOSING, 0, groups):
            seen, rest = order[train], order[test]
            for place, make in enumerate(self.candidates):
                model = make()
                model.fit(X.iloc[seen], y[seen])
                # a logarithm of the target may foretell what is no number; then it is not chosen
                error = float(((y[rest] - model.predict(X.iloc[rest])) ** 2).sum())
                errors[place] += error if np.isfinite(error) else np.inf
        return errors

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the expected target."""
        return self.model.predict(X)


def variants(
    columns: PeerColumns, rows: pd.DataFrame, y: Floats, make: Callable[[Sequence[str]], Regressor]
) -> Iterator[Make]:
    """Yield a model with and without logarithms: of the numbers above zero, and of a target that is."""
    positive = columns.above_zero(rows)
    targets = [False, True] if np.min(y) > 0.0 else [False]
    for logs, log_target in product([(), positive] if positive else [()], targets):
        yield lambda logs=logs, log_target=log_target: Smeared(make(logs)) if log_target else make(logs)  # type: ignore[misc]


class Varied:
    """The best of the variants of a model, see :func:`variants`; which there are is seen in the training rows."""

    def __init__(
        self, columns: PeerColumns, *makes: Callable[[Sequence[str]], Regressor], groups: Integers | None
    ) -> None:
        self.columns, self.makes, self.groups = columns, makes, groups

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Choose and learn."""
        found = [each for make in self.makes for each in variants(self.columns, X, y, make)]
        self.model = Chosen(found, self.groups).fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the expected target."""
        return self.model.predict(X)


def mean(columns: PeerColumns, seed: int, groups: Integers | None = None) -> Regressor:
    """Return the model that says the mean of every row."""
    return DummyRegressor()  # type: ignore[no-any-return]


def linear(columns: PeerColumns, seed: int, groups: Integers | None = None) -> Regressor:
    """Return ridge regression, of which the linear law is a weight for every number and category."""
    return _ridge(columns, groups, splines=False)


def additive_splines(columns: PeerColumns, seed: int, groups: Integers | None = None) -> Regressor:
    """Return a sum of splines of one number each, and a weight for every category, with a ridge penalty."""
    return _ridge(columns, groups, splines=True)


def _ridge(columns: PeerColumns, groups: Integers | None, *, splines: bool) -> Regressor:
    def make(logs: Sequence[str]) -> Regressor:
        read = encoder(columns, logs, splines=splines)
        return make_pipeline(read, RidgeCV(_PENALTIES))  # type: ignore[no-any-return]

    return Varied(columns, make, groups=groups)


def boosting(columns: PeerColumns, seed: int, groups: Integers | None = None) -> Regressor:
    """Return gradient-boosted trees."""

    def make(logs: Sequence[str]) -> Regressor:
        codes = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, max_categories=_MOST_CATEGORIES
        )
        read = make_column_transformer((codes, list(columns.categories)), remainder="passthrough")
        places = list(range(len(columns.categories)))
        trees = HistGradientBoostingRegressor(random_state=seed, categorical_features=places)
        return make_pipeline(read, trees)  # type: ignore[no-any-return]

    # trees split between the same rows with and without logarithms of columns
    return Varied(PeerColumns((), columns.categories), make, groups=groups)


def has_explainable_boosting() -> bool:
    """Return whether the package of the explainable boosting machine is installed."""
    return find_spec("interpret") is not None


def explainable_boosting(columns: PeerColumns, seed: int, groups: Integers | None = None) -> Regressor:
    """Return an explainable boosting machine: steps of one and of two columns."""
    machine: Any = import_module("interpret.glassbox").ExplainableBoostingRegressor
    return machine(random_state=seed, n_jobs=1)  # type: ignore[no-any-return]


def perceptron(
    columns: PeerColumns, seed: int, groups: Integers | None = None, *, parameters: int
) -> Regressor:
    """Return a perceptron with one hidden layer of tanh, as wide as about so many weights allow.

    It is trained by at most 500 steps of L-BFGS, with the better of a small and a large decay of weights.
    """
    return Varied(
        columns,
        *(lambda logs, decay=decay: _Perceptron(columns, logs, seed, parameters, decay) for decay in _DECAYS),
        groups=groups,
    )


class _Perceptron:
    """One perceptron; its width depends on how many columns its rows become."""

    def __init__(
        self, columns: PeerColumns, logs: Sequence[str], seed: int, parameters: int, decay: float
    ) -> None:
        self.columns, self.logs, self.seed, self.parameters = columns, logs, seed, parameters
        self.decay = decay

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Learn from rows."""
        self.encoder = encoder(self.columns, self.logs, splines=False)
        matrix = self.encoder.fit_transform(X)
        network = MLPRegressor(
            hidden_layer_sizes=(max(1, round((self.parameters - 1) / (matrix.shape[1] + 2))),),
            activation="tanh",
            solver="lbfgs",  # of tables of this size as good as Adam with early stopping, in half the time
            alpha=self.decay,
            max_iter=500,
            random_state=self.seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 500 steps are meant to be the end
            self.model = TransformedTargetRegressor(network, transformer=StandardScaler()).fit(matrix, y)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the expected target."""
        return np.asarray(self.model.predict(self.encoder.transform(X)))


def count_parameters(model: Any) -> int:
    """Return how many numbers a model has learned.

    Of trees the value of every leaf and the threshold of every split; of an explainable boosting machine the score of
    every bin.
    """
    while isinstance(model, Varied | Chosen | Smeared):
        model = model.model
    match model:
        case DummyRegressor():
            return 1
        case _Perceptron():
            layers = model.model.regressor_
            return int(sum(each.size for each in (*layers.coefs_, *layers.intercepts_)))
    last = model[-1] if hasattr(model, "steps") else model
    if isinstance(last, RidgeCV):
        return int(last.coef_.size) + 1
    if isinstance(last, HistGradientBoostingRegressor):
        return int(sum(len(tree.nodes) for stage in last._predictors for tree in stage))
    return int(sum(np.size(scores) for scores in last.term_scores_)) + 1


PEERS: Mapping[str, Callable[..., Regressor]] = {
    "mean": mean,
    "linear": linear,
    "splines": additive_splines,
    "boosting": boosting,
    "explainable boosting": explainable_boosting,
    "perceptron": perceptron,
}
"""By their names in :class:`~kanopt.Baselines`."""
