"""One fold of a comparison: every model learns from its training rows, and foretells those held out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from kanopt.errors import KanoptError, KanoptWarning
from kanopt.formulas.nodes import postorder
from kanopt.formulas.parameters import is_parameter, piece_numbers
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.surrogates.many_laws import FOR_FIT
from kanopt.surrogates.missing import MissingIndicators
from kanopt.surrogates.peers.columns import PeerColumns
from kanopt.surrogates.peers.models import PEERS, Regressor, count_parameters, has_explainable_boosting
from kanopt.surrogates.summary import fit_measures
from kanopt.text import number_text

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.regressor import KANRegressor

__all__ = ["FORMULA", "KAN", "MODELS", "PERCEPTRON", "Comparison", "Score", "measure_fold", "models_here"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

KAN, FORMULA, PERCEPTRON = "KAN", "formula", "perceptron"
MODELS = (*(name for name in PEERS if name != PERCEPTRON), KAN, FORMULA, PERCEPTRON)
"""All models, in the order in which they are learned: the perceptron is as large as the KAN turned out."""

_LEAST = 0.1
"""Seconds that a search has at least: its first law."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is learned from, and how.

    Parameters
    ----------
    model
        The KAN, not fitted.
    frame, target
        All rows, and their target.
    groups
        Which rows share an error; None where each stands alone.
    columns
        The columns without indicators of gaps.
    fills_gaps
        Whether gaps are information.
    seed
        For all models.
    """

    model: KANRegressor
    frame: pd.DataFrame
    target: pd.Series[Any]
    groups: Integers | None
    columns: PeerColumns
    fills_gaps: bool
    seed: int


@dataclass(frozen=True)
class Score:
    """What one model came to on one fold: errors on the rows held out, in the units of the target.

    Parameters
    ----------
    model, fold
        Which; folds are counted from 1.
    rmse, mae, r2, ratio
        Root mean square error, mean absolute error, R², and Σpredicted/Σactual.
    parameters
        How many numbers it has learned.
    fit_seconds, predict_seconds
        By the clock; those of a formula hold the fit of the network that it was read from.
    reason
        Why there are no figures; empty where there are.
    stopped
        Whether the search was ended by its budget.
    formula
        The law, of a formula.
    warned
        What was warned of.
    """

    model: str
    fold: int
    rmse: float = np.nan
    mae: float = np.nan
    r2: float = np.nan
    ratio: float = np.nan
    parameters: int = 0
    fit_seconds: float = np.nan
    predict_seconds: float = np.nan
    reason: str = ""
    stopped: bool = False
    formula: Formula | None = field(default=None, repr=False)
    warned: tuple[str, ...] = ()


def models_here() -> tuple[str, ...]:
    """Return the models that can be learned here."""
    return tuple(name for name in MODELS if name != "explainable boosting" or has_explainable_boosting())


@dataclass(frozen=True, eq=False)
class _Fold:
    """The rows of one fold: `seen` to learn from and `rest` to foretell, for other models too."""

    number: int
    train: Integers
    test: Integers
    columns: PeerColumns
    seen: pd.DataFrame
    rest: pd.DataFrame
    asked: Comparison

    @property
    def actual(self) -> Floats:
        return self.asked.target.to_numpy()[self.test]

    @property
    def groups(self) -> Integers | None:
        return None if self.asked.groups is None else self.asked.groups[self.train]

    def score(self, name: str, predicted: Floats, **learned: Any) -> Score:
        """Return the score of predictions."""
        with np.errstate(over="ignore", invalid="ignore"):  # a logarithm extrapolated may be of any size
            found = fit_measures(self.actual, predicted)
        errors: dict[str, Any] = {key: found[key] for key in ("rmse", "mae", "r2", "ratio")}
        if not np.isfinite(found["rmse"]):
            largest = number_text(float(np.abs(predicted).max()), 3)
            return Score(
                name, self.number, reason=f"its errors are no numbers (largest prediction {largest})"
            )
        return Score(name, self.number, **errors, **learned)


def measure_fold(
    asked: Comparison,
    number: int,
    rows: tuple[Integers, Integers],
    budget: float | None,
    tell: Callable[[str, object], None],
) -> Iterator[Score]:
    """Yield the score of one model after the other.

    Parameters
    ----------
    asked
        The comparison.
    number
        Of the fold, from 1.
    rows
        Those to learn from, and those held out.
    budget
        Seconds for this fold; the KAN and its formula have what the others before them leave. None for no end.
    tell
        Called with the model that is learned, and how far it is.
    """
    began = time.perf_counter()
    fold = _fold(asked, number, rows)
    size = 0
    for name in models_here():
        tell(name, "")
        if name == KAN:
            left = None if budget is None else budget - (time.perf_counter() - began)
            for score in _kan_and_formula(fold, left, partial(tell, name)):
                size = score.parameters if score.model == KAN else size
                yield score
        elif name == PERCEPTRON and not size:
            yield Score(
                name, number, reason="it would have as many parameters as the KAN, of which there is none"
            )
        elif name != FORMULA:
            more = {"parameters": size} if name == PERCEPTRON else {}
            with _recorded() as warned:
                score = _peer(fold, name, more)
            yield replace(score, warned=tuple(warned))


def _fold(asked: Comparison, number: int, rows: tuple[Integers, Integers]) -> _Fold:
    train, test = rows
    seen, rest = asked.frame.iloc[train], asked.frame.iloc[test]
    columns = asked.columns
    if asked.fills_gaps:
        gaps = MissingIndicators.from_frame(seen)
        before = set(seen.columns.astype(str))
        seen, rest = gaps.transform(seen), gaps.transform(rest)
        columns = replace(
            columns, categories=(*columns.categories, *(n for n in seen.columns if n not in before))
        )
    seen, rest = columns.frame(seen), columns.frame(rest)
    # of a column that does not vary among these rows no model learns anything
    flat = {name for name in seen.columns if seen[name].nunique() < 2}
    columns = replace(
        columns,
        numbers=tuple(name for name in columns.numbers if name not in flat),
        categories=tuple(name for name in columns.categories if name not in flat),
        periods={name: period for name, period in columns.periods.items() if name not in flat},
    )
    return _Fold(
        number, train, test, columns, seen.drop(columns=list(flat)), rest.drop(columns=list(flat)), asked
    )


def _peer(fold: _Fold, name: str, more: dict[str, int]) -> Score:
    """Learn a model of another library; whatever it raises is its own failure, and told."""
    try:
        start = time.perf_counter()
        model: Regressor = PEERS[name](fold.columns, fold.asked.seed, fold.groups, **more)
        model.fit(fold.seen, fold.asked.target.to_numpy()[fold.train])
        fitted = time.perf_counter()
        predicted = np.asarray(model.predict(fold.rest))
        seconds = {"fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted}
        return fold.score(name, predicted, parameters=count_parameters(model), **seconds)
    except Exception as error:
        return Score(name, fold.number, reason=_first_line(error))


def _kan_and_formula(fold: _Fold, budget: float | None, tell: Callable[[object], None]) -> Iterator[Score]:
    """Learn the KAN and its formula."""
    asked, start = fold.asked, time.perf_counter()
    names = [name for name in asked.frame.columns if _is_told(fold, str(name))]
    seen, rest = asked.frame[names].iloc[fold.train], asked.frame[names].iloc[fold.test]
    for_fit = None if budget is None else max(FOR_FIT * budget, _LEAST)
    model = clone(asked.model)
    try:
        with _recorded() as warned:
            target = asked.target.iloc[fold.train]
            model.fit(seen, target, groups=fold.groups, budget=for_fit, progress=_told(tell))
            fitted = time.perf_counter()
            predicted = model.predict(rest, unseen="pooled")
    except Exception as error:
        yield Score(KAN, fold.number, reason=_first_line(error))
        yield Score(FORMULA, fold.number, reason="there is no KAN to read it from")
        return
    seconds = {"fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted}
    size = int(model.network_.parameters.size)
    score = fold.score(KAN, predicted, parameters=size, stopped=bool(model.stopped_), **seconds)
    yield replace(score, warned=tuple(warned))
    left = None if budget is None else max(budget - (time.perf_counter() - start), _LEAST)
    with _recorded() as warned:
        score = _formula(fold, model, rest, left, tell)
    yield replace(score, fit_seconds=score.fit_seconds + seconds["fit_seconds"], warned=tuple(warned))


def _is_told(fold: _Fold, name: str) -> bool:
    """Say whether a column varies among the rows learned from, itself or its gaps."""
    return any(name == known or known == f"{name}_missing" for known in fold.seen.columns)


def _formula(
    fold: _Fold, model: KANRegressor, rest: pd.DataFrame, budget: float | None, tell: Callable[[object], None]
) -> Score:
    try:
        start = time.perf_counter()
        formula = model.to_formula(
            rest, fold.actual, min_r2=-np.inf, unseen="pooled", budget=budget, progress=_told(tell)
        )
        read = time.perf_counter()
        predicted = np.broadcast_to(formula.evaluate(model._filled(rest)), len(rest))
        seconds = {"fit_seconds": read - start, "predict_seconds": time.perf_counter() - read}
    except Exception as error:
        return Score(FORMULA, fold.number, reason=_first_line(error))
    size, stopped = formula_parameters(formula), bool(formula.stopped)
    score = fold.score(FORMULA, predicted, parameters=size, stopped=stopped, **seconds)
    return replace(score, formula=formula)


def _told(tell: Callable[[object], None]) -> Callable[[Any], None]:
    return lambda state: tell(state)


def formula_parameters(formula: Formula) -> int:
    """Return how many estimated numbers a formula has: constants with names, and those of curves, steps and tables."""
    nodes = list(postorder(formula.root))
    named = {node.name for node in nodes if is_parameter(node)}  # type: ignore[attr-defined]
    pieces = {node.key: node for node in nodes if isinstance(node, Curve | Step | Table)}
    return len(named) + sum(len(piece_numbers(piece)) for piece in pieces.values())


@contextmanager
def _recorded() -> Iterator[list[str]]:
    """Take warnings instead of letting them out, and yield a list that then holds those of kanopt."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", KanoptWarning)
        yield told
    told += [str(each.message).partition("\n")[0] for each in recorded]


def _first_line(error: Exception) -> str:
    told = str(error).partition("\n")[0]
    return told if isinstance(error, KanoptError) else f"{type(error).__name__}: {told}"
