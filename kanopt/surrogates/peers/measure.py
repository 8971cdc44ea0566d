"""KAN or something else: the question, answered on the user's own rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from kanopt.errors import FitError
from kanopt.interrupt import Interrupt
from kanopt.progress import ProgressLine
from kanopt.surrogates.encoding import encoding_of
from kanopt.surrogates.fits import checked_rows
from kanopt.surrogates.groups import grouped
from kanopt.surrogates.input_checks import indicators_of, is_multi_target, refuse_names, whole_number
from kanopt.surrogates.peers.columns import PeerColumns
from kanopt.surrogates.peers.fold import MODELS, Comparison, Score, measure_fold, models_here
from kanopt.surrogates.peers.models import folds_of
from kanopt.surrogates.peers.result import Baselines
from kanopt.surrogates.regressor import KANRegressor
from kanopt.surrogates.watching import checked_budget, checked_progress
from kanopt.tables import units_of
from kanopt.tables.batches import is_source
from kanopt.text import count_text, number_text

__all__ = ["baselines"]

Integers = NDArray[np.int64]
Tell = Callable[[str], object]


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
    with _told(checked_progress(progress)) as tell:
        scores, stopped = _scores(asked, splits, _Clock(began, budget), tell)
    return Baselines(
        target=str(asked.target.name),
        unit=_unit_of(y),
        rows=len(asked.frame),
        columns=asked.frame.shape[1],
        folds=folds,
        scores=tuple(scores),
        seconds=time.perf_counter() - began,
        stopped=stopped,
        absent=tuple(name for name in MODELS if name not in models_here()),
    )


@dataclass(frozen=True)
class _Clock:
    """When the comparison began, and how many seconds it has; None for no end."""

    began: float
    budget: float | None

    @property
    def left(self) -> float | None:
        return None if self.budget is None else self.budget - (time.perf_counter() - self.began)


def _scores(
    asked: Comparison, splits: Sequence[tuple[Integers, Integers]], clock: _Clock, tell: Tell
) -> tuple[list[Score], str]:
    """Return the scores of the folds that were finished, and by what they were ended before the last."""
    scores: list[Score] = []
    # until a fold is finished there is nothing to keep
    with Interrupt(keeps=False) as stop:
        try:
            for number, rows in enumerate(splits, 1):
                left = clock.left
                if left is not None and left <= 0.0 and scores:
                    return scores, f"by its budget of {number_text(clock.budget or 0.0)} s"
                share = None if left is None else left / (len(splits) + 1 - number)
                found = []
                for score in measure_fold(asked, number, rows, share, _fold_told(tell, number, len(splits))):
                    stop.check()
                    if stop.asked:
                        return scores, "on request"
                    found.append(score)
                scores += found
                stop.keep()
        except KeyboardInterrupt:
            if not scores:
                raise
            return scores, "on request"
    return scores, ""


def _comparison(kan: KANRegressor, X: Any, y: Any, groups: Any) -> Comparison:
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
    own = PeerColumns.of(encoding, periods)
    own = PeerColumns(
        own.numbers, tuple(name for name in own.categories if name in frame.columns), own.periods
    )
    target = pd.Series(rows.target, index=frame.index, name=rows.name)
    return Comparison(kan, frame, target, rows.group, own, kan.missing == "indicator", kan.seed)


def _splits(asked: Comparison, folds: int) -> list[tuple[Integers, Integers]]:
    count, what = len(asked.frame), "row"
    if asked.groups is not None:
        count, what = int(asked.groups.max()) + 1, "group"
    if count < folds:
        raise FitError(
            f"folds={folds}: there are only {count_text(count, what)}, each of which is held out once; ask for "
            "fewer folds"
        )
    return folds_of(len(asked.frame), folds, asked.seed, asked.groups)


def _unit_of(y: Any) -> str:
    """Return the unit that a target declares."""
    frame = y.to_frame() if isinstance(y, pd.Series) else y
    return next(iter(units_of(frame).values()), "") if isinstance(frame, pd.DataFrame) else ""


def _fold_told(tell: Tell, number: int, folds: int) -> Callable[[str, object], None]:
    """Return what tells how far one fold is."""

    def told(model: str, state: object) -> None:
        tell(f"fold {number} of {folds}, {model}" + (f": {state}" if str(state) else ""))

    return told


@contextmanager
def _told(progress: Callable[[str], object] | bool | None) -> Iterator[Tell]:
    """Yield what tells how far the comparison is."""
    if callable(progress):
        yield progress
    elif progress is False:
        yield lambda _: None
    else:
        with ProgressLine() as line:
            yield line
