"""KAN or something else: the question, answered on the user's own rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, GroupShuffleSplit, KFold, ShuffleSplit
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
)

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError, KanoptError
from kanopt.formulas.parameters import names_in
from kanopt.interrupt import Interrupt
from kanopt.surrogates.baseline_table import FORMULA, KAN, MODELS, PERCEPTRON, Baselines
from kanopt.surrogates.curves import layers_of
from kanopt.surrogates.encoding import MissingIndicators, encoding_of, indicators_of
from kanopt.surrogates.fits import checked_rows
from kanopt.surrogates.groups import grouped
from kanopt.surrogates.input_checks import is_multi_target, refuse_names, whole_number
from kanopt.surrogates.many_laws import FOR_FIT
from kanopt.surrogates.monitor import checked_budget, checked_progress, line_unless_told
from kanopt.surrogates.readings import fit_measures
from kanopt.surrogates.regressor import KANRegressor
from kanopt.tables import units_of
from kanopt.tables.batches import is_source
from kanopt.text import count_text, number_text

# The models that an analyst would try first, made as well as they can be made without thinking about the
# table.
#
# They are scikit-learn's. Where it can matter, the better of target and log target, and of columns and
# logarithms of those above zero, is chosen by three folds of the training rows, as KANRegressor chooses it.

PEERS = (
    "mean",
    "linear",
    "splines",
    "boosting",
    *(["explainable boosting"] if find_spec("interpret") else []),
    "perceptron",
)
"""Names of the models that are installed."""
_KNOTS = 10
"""Knots of a spline at most, at the quantiles of its column."""
_ENOUGH = 10_000
"""Rows by which a model is chosen, drawn from more."""
_MOST_CATEGORIES = 250
"""Of a column; boosting has 255 bins, and takes rarer ones together."""
_DECAYS = [1e-3, 10.0]
_PENALTIES = np.logspace(-4.0, 4.0, 17)


def peer_model(
    name: str,
    rows: pd.DataFrame,
    periods: Mapping[str, float],
    groups: bool = False,
    *,
    seed: int = 0,
    size: int = 0,
) -> Any:
    """Return a model that is not fitted yet.

    Parameters
    ----------
    name
        One of :data:`PEERS`.
    rows
        Rows to learn from: numbers, and texts for categories.
    periods
        The period of numbers that start anew after one.
    groups
        Whether ``fit`` is told ``groups``, which are then held out together where a form of the model is chosen.
    seed
        Of what is random.
    size
        How many numbers a perceptron may learn. Its one hidden layer is as wide as that allows.
    """
    match name:
        case "mean":
            return DummyRegressor()
        case "explainable boosting":
            machine: Any = import_module("interpret.glassbox").ExplainableBoostingRegressor
            return machine(random_state=seed, n_jobs=1)
        case "boosting":
            model, choices = _boosting(rows, seed), {}
        case "perceptron":
            read = _encoder(rows, periods, splines=False)
            width = max(1, round((size - 1) / (clone(read).fit_transform(rows).shape[1] + 2)))
            # on tables of this size L-BFGS is as good as Adam with early stopping, in half the time
            network = MLPRegressor(
                hidden_layer_sizes=width, activation="tanh", solver="lbfgs", max_iter=500, random_state=seed
            )
            model = _pipeline(read, TransformedTargetRegressor(network, transformer=StandardScaler()))
            choices = {**_with_logarithms(rows), "model__regressor__alpha": _DECAYS}
        case _:
            read = _encoder(rows, periods, splines=name == "splines")
            model, choices = _pipeline(read, RidgeCV(_PENALTIES)), _with_logarithms(rows)
    return better_of(model, len(rows), groups, **choices)


def better_of(model: Any, rows: int, groups: bool = False, **choices: list[Any]) -> Any:
    """Return what chooses, by three random thirds of the rows, between target and log target, and further `choices`."""
    kind = GroupShuffleSplit if groups else ShuffleSplit
    third = min(1.0, _ENOUGH / rows) / 3.0
    return GridSearchCV(
        Smeared(model),
        {"log_target": [False, True], **{f"model__{name}": values for name, values in choices.items()}},
        scoring="neg_mean_squared_error",
        cv=kind(3, test_size=third, train_size=2.0 * third, random_state=0),
        error_score=-np.inf,  # a form whose fit fails or whose predictions are no numbers is not chosen
    )


class Smeared(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A regressor of y or, with `log_target`, of log y, corrected by Duan's (1983) smearing factor."""

    def __init__(self, model: Any, log_target: bool = True) -> None:
        self.model = model
        self.log_target = log_target

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn the target or its logarithm."""
        target = np.asarray(y, dtype=np.float64)
        if self.log_target and target.min() <= 0.0:
            raise ValueError("the target has no logarithm where it is not above 0")
        learned = np.log(target) if self.log_target else target
        self.model_ = clone(self.model).fit(X, learned)
        self.factor_ = np.mean(np.exp(learned - self.model_.predict(X))) if self.log_target else 1.0
        return self

    def predict(self, X: Any) -> Floats:
        """Return the expected target."""
        predicted = np.asarray(self.model_.predict(X))
        with np.errstate(over="ignore"):
            return np.exp(predicted) * self.factor_ if self.log_target else predicted


def _encoder(rows: pd.DataFrame, periods: Mapping[str, float], *, splines: bool) -> Any:
    """Return what makes a matrix of columns; numbers become splines, for a sum of curves, or are standardised."""
    curves = SplineTransformer(_KNOTS, knots="quantile", extrapolation="linear", include_bias=False)
    shape = curves if splines else StandardScaler()
    positive = [name for name in _positive(rows) if name not in periods]
    others = [name for name in rows.select_dtypes("number") if name not in (*periods, *positive)]
    return ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), _texts(rows)),
            ("positive", Pipeline([("logarithms", "passthrough"), ("shape", clone(shape))]), positive),
            ("others", shape, others),
            *((name, _turn(period, splines), [name]) for name, period in periods.items()),
        ]
    )


def _with_logarithms(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the choice between columns and logarithms of those above zero."""
    positive = _positive(rows)
    logarithms = FunctionTransformer(_logarithms, kw_args={"lowest": rows[positive].min().to_numpy()})
    return {"columns__positive__logarithms": ["passthrough", logarithms]} if positive else {}


def _logarithms(X: ArrayLike, lowest: Floats) -> Floats:
    """Return logarithms; what is not above zero later on is taken for the lowest number of the training rows."""
    values = np.asarray(X, dtype=np.float64)
    return np.log(np.where(values > 0.0, values, lowest))


def _turn(period: float, splines: bool) -> Any:
    """Return what reads a periodic column."""
    if not splines:
        return FunctionTransformer(_cosine_and_sine, kw_args={"period": period})
    knots = np.linspace(0.0, period, _KNOTS)[:, None]
    return SplineTransformer(knots=knots, extrapolation="periodic", include_bias=False)


def _cosine_and_sine(X: ArrayLike, period: float) -> Floats:
    angle = 2.0 * np.pi * np.asarray(X, dtype=np.float64) / period
    return np.hstack([np.cos(angle), np.sin(angle)])


def _texts(rows: pd.DataFrame) -> list[str]:
    return list(rows.select_dtypes(exclude="number").columns)


def _positive(rows: pd.DataFrame) -> list[str]:
    lowest = rows.select_dtypes("number").min()
    return list(lowest.index[lowest > 0.0])


def _boosting(rows: pd.DataFrame, seed: int) -> Any:
    """Return gradient-boosted trees, which split between the same rows with and without logarithms of columns."""
    categories = _texts(rows)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, max_categories=_MOST_CATEGORIES
    )
    trees = HistGradientBoostingRegressor(
        random_state=seed, categorical_features=list(range(len(categories)))
    )
    return make_pipeline(make_column_transformer((codes, categories), remainder="passthrough"), trees)


def _pipeline(columns: Any, model: Any) -> Any:
    return Pipeline([("columns", columns), ("model", model)])


def count_parameters(model: Any) -> int:
    """Return how many numbers a model has learned.

    Of trees the value of every leaf and the threshold of every split; of an explainable boosting machine the score of
    every bin.
    """
    match model:
        case GridSearchCV():
            return count_parameters(model.best_estimator_.model_[-1])
        case DummyRegressor():
            return 1
        case RidgeCV():
            return int(model.coef_.size) + 1
        case HistGradientBoostingRegressor():
            return int(sum(len(tree.nodes) for stage in model._predictors for tree in stage))
        case TransformedTargetRegressor():
            network = model.regressor_
            return int(sum(each.size for each in (*network.coefs_, *network.intercepts_)))
    return int(sum(np.size(scores) for scores in model.term_scores_)) + 1


Rows = tuple[Integers, Integers]
Score = dict[str, Any]
"""Of one model on one fold: a row of :attr:`Baselines.per_fold`."""
Tell = Callable[[str], object]

_LEAST = 0.1
"""Seconds that a search has at least: its first law."""


def baselines(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    folds: int = 5,
    seed: int = 0,
    budget: float | None = None,
    model: KANRegressor | None = None,
    progress: Callable[[str], object] | bool | None = None,
) -> Baselines:
    """Measure a KAN and its formula beside the models one would try first, on the same folds of the same rows.

    The others are the mean, ridge regression, additive splines, gradient boosting (scikit-learn), an explainable
    boosting machine where ``interpret`` is installed, and a perceptron with as many parameters as the KAN. Of ridge
    regression, splines, boosting and perceptron the better of target and log target, and of columns and their
    logarithms, is chosen on training rows, as :class:`KANRegressor` chooses it, and the time for that counts. Periods
    of `model` are theirs too; shapes that it holds are not.

    A model that fails on a fold is told with the reason, and does not hold up the others. Ctrl-C and `budget` end the
    comparison; the folds that were finished are compared.

    Parameters
    ----------
    X : DataFrame or array
        Columns, as of :meth:`KANRegressor.fit`: numbers, and in a DataFrame categories.
    y : array or Series
        Target.
    groups : str or array, optional
        What rows share an error in, as of :meth:`KANRegressor.fit`: such rows are held out together, here and where
        models choose.
    folds : int
        Number of folds, each of which is held out once.
    seed : int
        For the folds and all models.
    budget : float, optional
        Seconds by the clock, shared evenly among the folds. The KAN and its formula have what the others before them
        leave, and no fold begins when it is over; other libraries are not cut short.
    model : KANRegressor, optional
        The KAN, not fitted: ``KANRegressor(missing="indicator")`` for gaps, ``monotone=…`` for shapes. Its seed is
        `seed`.
    progress : callable or bool, optional
        Called with a text; by default a line at a terminal and in a notebook, with False nothing.

    Returns
    -------
    Baselines
        Errors with their spread over the folds, parameters, seconds, and what each can be read as. A solver of kanopt
        takes a formula only.

    Raises
    ------
    FitError
        For rows and arguments that :class:`KANRegressor` refuses, and fewer rows or groups than folds.
    KeyboardInterrupt
        On Ctrl-C before the first fold is finished.

    Examples
    --------
    >>> print(baselines(trips[["km", "hour"]], trips["minutes"], groups=trips["day"]))    # doctest: +SKIP
    """
    began = time.perf_counter()
    kan = (KANRegressor() if model is None else clone(model)).set_params(seed=whole_number(seed, "seed", 0))
    budget = checked_budget(budget)
    asked = _comparison(kan, X, y, groups)
    splits = _splits(asked, whole_number(folds, "folds", 2))
    with line_unless_told(checked_progress(progress)) as line, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores, stopped = _scores(asked, splits, budget, line or (lambda _: None))
    declared = y.to_frame() if isinstance(y, pd.Series) else y
    return Baselines(
        target=str(asked.target.name),
        per_fold=pd.DataFrame(scores),
        unit=next(iter(units_of(declared).values()), "") if isinstance(declared, pd.DataFrame) else "",
        rows=len(asked.frame),
        columns=asked.frame.shape[1],
        folds=folds,
        seconds=time.perf_counter() - began,
        stopped=stopped,
        absent=tuple(name for name in MODELS if name not in (*PEERS, KAN, FORMULA)),
    )


@dataclass(frozen=True, eq=False)
class _Comparison:
    """What is learned from: the KAN, all rows, the groups and numbers among their columns, and periods of these."""

    kan: KANRegressor
    frame: pd.DataFrame
    target: pd.Series[Any]
    groups: Integers | None
    numbers: frozenset[str]
    periods: dict[str, float]

    def readable(self, train: Integers) -> pd.DataFrame:
        """Return the rows as other libraries read them: without gaps, and with the columns that vary in training."""
        frame = self.frame
        if self.kan.missing == "indicator":
            frame = MissingIndicators.from_frame(frame.iloc[train]).transform(frame)
        frame = frame.astype({name: np.float64 if name in self.numbers else str for name in frame})
        return frame.loc[:, frame.iloc[train].nunique() > 1]


def _comparison(kan: KANRegressor, X: Any, y: Any, groups: Any) -> _Comparison:
    """Return what is compared, checked as a fit of the KAN checks it."""
    from kanopt.surrogates.options import periods_of, settings_of

    if is_source(X):
        raise FitError(
            "baselines is not there for tables read batch by batch, which other libraries hold in memory; pass a "
            "frame, such as a sample of the rows"
        )
    refuse_names(y, None)
    if is_multi_target(y):
        raise FitError("baselines compares models of one target; pass one column of y after the other")
    X, shared = grouped(X, groups, y)
    rows = checked_rows(clone(kan), X, y, None, shared)
    frame = rows.frame.set_axis([str(name) for name in rows.frame.columns], axis=1)
    try:
        encoding = encoding_of(indicators_of(kan.missing, frame, rows.weights).transform(frame))
    except FitError as error:
        advice = "; here that is model=ko.KANRegressor(missing='indicator')"
        raise FitError(f"{error}{advice if 'indicator' in str(error) else ''}") from None
    periods = periods_of(kan.periodic, encoding)
    settings_of(kan, encoding.with_periods(periods))
    target = pd.Series(rows.target, index=frame.index, name=rows.name)
    numbers = frozenset(feature.name for feature in encoding.numeric)
    return _Comparison(kan, frame, target, rows.group, numbers, dict(periods))


def _splits(asked: _Comparison, folds: int) -> list[Rows]:
    """Return training and held-out rows of every fold; groups are held out as a whole."""
    count, what, kind = len(asked.frame), "row", KFold
    if asked.groups is not None:
        count, what, kind = int(asked.groups.max()) + 1, "group", GroupKFold
    if count < folds:
        raise FitError(
            f"folds={folds}: there are only {count_text(count, what)}, each of which is held out once; ask for "
            "fewer folds"
        )
    split = kind(folds, shuffle=True, random_state=asked.kan.seed)
    return list(split.split(asked.frame, groups=asked.groups))


def _scores(
    asked: _Comparison, splits: list[Rows], budget: float | None, tell: Tell
) -> tuple[list[Score], str]:
    """Return the scores of the folds that were finished, and by what they were ended before the last."""
    ends = np.inf if budget is None else time.perf_counter() + budget
    scores: list[Score] = []
    # until a fold is finished there is nothing to keep
    with Interrupt(keeps=False) as stop:

        def told(text: str) -> None:
            try:
                tell(text)
            except KeyboardInterrupt:
                stop.ask()
                raise

        try:
            for number, rows in enumerate(splits, 1):
                left = ends - time.perf_counter()
                if left <= 0.0 and scores:
                    return scores, f"by its budget of {number_text(budget or 0.0)} s"
                until = time.perf_counter() + left / (len(splits) + 1 - number)
                found = []
                for score in _fold(asked, rows, until, f"fold {number} of {len(splits)}", told):
                    stop.check()
                    if stop.asked:
                        return scores, "on request"
                    found.append({**score, "fold": number})
                scores += found
                stop.keep()
        except KeyboardInterrupt:
            if not scores:
                raise
            return scores, "on request"
    return scores, ""


def _fold(asked: _Comparison, rows: Rows, ends: float, called: str, tell: Tell) -> Iterator[Score]:
    """Yield the score of one model after the other; the perceptron, as large as the KAN turned out, comes last."""
    seen, (train, test) = asked.readable(rows[0]), rows
    actual = asked.target.iloc[test]
    groups = None if asked.groups is None else asked.groups[train]

    def peer(name: str, size: int = 0) -> Score:
        def learn() -> Any:
            periods = {column: period for column, period in asked.periods.items() if column in seen}
            known = seen.iloc[train]
            model = peer_model(name, known, periods, groups is not None, seed=asked.kan.seed, size=size)
            told = {} if groups is None or name in ("mean", "explainable boosting") else {"groups": groups}
            return model.fit(known, asked.target.iloc[train], **told)

        def predict(model: Any) -> Any:
            return model.predict(seen.iloc[test])

        tell(f"{called}, {name}")
        return _measured(name, actual, learn, predict, count_parameters)[0]

    yield from (peer(name) for name in PEERS if name != PERCEPTRON)
    varies = [not {name, f"{name}_missing"}.isdisjoint(seen) for name in asked.frame]
    frame, progress = asked.frame.loc[:, varies], lambda state: tell(f"{called}, {KAN}: {state}")
    options = {"groups": groups, "budget": _until(ends, FOR_FIT), "progress": progress}
    tell(f"{called}, {KAN}")
    score, kan = _measured(
        KAN,
        actual,
        lambda: clone(asked.kan).fit(frame.iloc[train], asked.target.iloc[train], **options),
        lambda model: model.predict(frame.iloc[test], unseen="pooled"),
        lambda model: sum(layer.parameters for layer in layers_of(model.network_)),
    )
    yield score
    if kan is None:
        yield _none(FORMULA, "there is no KAN to read it from")
        yield _none(PERCEPTRON, "it would have as many parameters as the KAN, of which there is none")
        return
    law, _ = _measured(
        FORMULA,
        actual,
        lambda: kan.to_formula(
            frame.iloc[test], actual, min_r2=-np.inf, unseen="pooled", budget=_until(ends), progress=progress
        ),
        lambda law: np.broadcast_to(law.evaluate(kan._filled(frame.iloc[test])), len(test)),
        lambda law: len(names_in(law.root)),
    )
    if not law["reason"]:
        law["fit_seconds"] += score["fit_seconds"]
    yield law
    yield peer(PERCEPTRON, score["parameters"])


def _measured(
    name: str,
    actual: pd.Series[Any],
    learn: Callable[[], Any],
    predict: Callable[[Any], Any],
    size: Callable[[Any], int],
) -> tuple[Score, Any]:
    """Return the score and the fitted model; whatever it raises is its own failure, and told."""
    began = time.perf_counter()
    try:
        model = learn()
        learned = time.perf_counter()
        predicted = np.asarray(predict(model))
        done = time.perf_counter()
        errors = _errors(actual, predicted)
    except Exception as error:
        told = str(error).strip().partition("\n")[0]
        known = isinstance(error, KanoptError)
        return _none(name, told if known else f"{type(error).__name__}: {told}"), None
    return {
        "model": name,
        **errors,
        "parameters": size(model),
        "fit_seconds": learned - began,
        "predict_seconds": done - learned,
        "stopped": bool(getattr(model, "stopped_", getattr(model, "stopped", ""))),
        "reason": "",
        "formula": model if name == FORMULA else None,
    }, model


def _until(ends: float, share: float = 1.0) -> float | None:
    """Return the seconds left, or a share of them, for a search; None for no end."""
    return None if np.isinf(ends) else max(share * (ends - time.perf_counter()), _LEAST)


def _none(name: str, reason: str) -> Score:
    """Return the score of a model without figures."""
    return {"model": name, "stopped": False, "reason": reason}


def _errors(actual: pd.Series[Any], predicted: Floats) -> dict[str, float]:
    """Return the errors of a model, in the units of the target."""
    with np.errstate(over="ignore", invalid="ignore"):  # a logarithm extrapolated may be of any size
        found = fit_measures(actual.to_numpy(), predicted)
    if not np.isfinite(found["rmse"]):
        largest = number_text(float(np.abs(predicted).max()), 3)
        raise FitError(f"its errors are no numbers (largest prediction {largest})")
    return {name: found[name] for name in ("rmse", "mae", "r2", "ratio")}
