"""Learn a law from a source of any length, in memory that does not grow with its rows.

1. A first pass checks all rows and draws a sample (:mod:`kanopt.surrogates.streaming.survey`).
2. The structure is selected and trained on the sample (:mod:`kanopt.surrogates.architecture_selection`).
3. From there the network is trained on all rows, and its smoothing weights are chosen again, since more rows need less
   smoothing (:mod:`kanopt.surrogates.streaming.streamed_squares`). An additive model needs one reading. A network with
   hidden nodes starts near its optimum and needs one reading per step; a single Gauss-Newton step from an estimate
   whose error is of the order of a sample's is asymptotically as good as the optimum (van der Vaart 1998, *Asymptotic
   Statistics*, section 5.7).
4. A last pass measures the law, and estimates the bias correction of sums: the smearing factor of a log target, the
shift
   of a robust loss.

Residuals for intervals, covariances, the joint test of the domain, effects and formulas are computed on the sample,
scaled to the weight of all rows where necessary.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import torch

from kanopt.errors import FitError, KanoptWarning
from kanopt.formulas.domain import Range
from kanopt.kan.fit import EXACT
from kanopt.kan.fitted import describe_fit
from kanopt.kan.large import is_large
from kanopt.kan.objective import Data, QuadraticModel
from kanopt.kan.penalty import Penalty
from kanopt.kan.robust import residual_scale
from kanopt.kan.smoothing import RIDGES, GaussNewtonModel, select_smoothing, update_smoothing
from kanopt.kan.trainer import train
from kanopt.kan.training import FitOptions, TrainedBatch
from kanopt.surrogates.architecture_search import ArchitectureSearch
from kanopt.surrogates.architecture_selection import select_structure
from kanopt.surrogates.fitting import LearningResult, law_of, learn
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.options import RegressorArguments, settings_of, warn_of_contradictions
from kanopt.surrogates.proofs import held_positive
from kanopt.surrogates.settings import Settings
from kanopt.surrogates.streaming.measuring import measure_law
from kanopt.surrogates.streaming.row_blocks import ReadingStopped, SourceColumns
from kanopt.surrogates.streaming.streamed_squares import RobustLoss, StreamedSquares
from kanopt.surrogates.streaming.survey import SAMPLE, Survey, survey
from kanopt.surrogates.trials import Trial
from kanopt.tables.batches import SourceLike, open_source
from kanopt.text import number_text

__all__ = ["learn_streamed"]

STEPS = 4
"""Most steps on all rows of a network that is not linear in its parameters."""
TOLERANCE = 1e-6
"""A step that lowers the loss by less than this share was the last."""
STEERING = 200_000
"""Rows that are enough for the matrix of a step."""


def learn_streamed(
    given: SourceLike,
    target: str,
    arguments: RegressorArguments,
    *,
    features: Sequence[str] | None = None,
    weights: str | None = None,
    periods: Any = None,
    watch: FitMonitor | None = None,
    sample: int = SAMPLE,
) -> LearningResult:
    """Learn from Parquet files, or from frames read in batches.

    Parameters
    ----------
    given
        A path or several, a callable that returns a fresh iterator of frames, or an iterator.
    target
        Column of the target.
    arguments
        The arguments of :class:`~kanopt.surrogates.KANRegressor`.
    features
        Columns to learn from; by default all others.
    weights
        Column of the row weights, if any.
    periods
        Column to period, for periodic numbers, as the argument `periodic` of the model.
    watch
        Called with every step and every batch, and may stop the fit; a law that was not yet trained on all rows is then
        that of the sample, and one that was is measured on the sample.
    sample
        Number of rows to select the structure on; a table with no more rows is learned in memory.

    Raises
    ------
    TableError
        If the source cannot be read.
    FitError
        For missing columns, for everything that :meth:`KANRegressor.fit` refuses, and if the time is over in the first
        pass.
    KeyboardInterrupt
        If stopped by Ctrl-C in the first pass: nothing is known about the remaining rows, so there is no law to keep.
    """
    stop = FitMonitor().should_stop if watch is None else watch.should_stop
    try:
        with open_source(_stoppable(given, stop)) as source:
            columns = SourceColumns.of(source, target, features, weights)
            found = survey(source, columns, _seed(arguments), periods, sample, stop)
            return _learn(found, arguments, watch)
    except ReadingStopped:
        if watch is not None and watch.is_out_of_time:
            raise FitError(
                f"the budget of {number_text(watch.budget or 0.0)} s was over while the table was read for the first "
                "time; nothing was learned yet, give more"
            ) from None
        raise KeyboardInterrupt(
            "stopped while the table was read for the first time; nothing was learned yet"
        ) from None


def _stoppable(given: SourceLike, stop: Callable[[], bool]) -> SourceLike:
    """Make an iterator, which is written to disk before the first pass, stoppable by `stop`."""
    if not isinstance(given, Iterator):
        return given

    def until_stopped() -> Iterator[pd.DataFrame]:
        for frame in given:
            if stop():
                raise ReadingStopped
            yield frame

    return until_stopped()


def _learn(found: Survey, arguments: RegressorArguments, watch: FitMonitor | None) -> LearningResult:
    """Choose the structure on the sample, train it on all rows and measure it."""
    settings = _settings(arguments, found, watch)
    _refuse_contradictions(found, settings)
    if found.whole:
        return learn(found.sample, settings)
    trial, tried = select_structure(found.sample, settings)
    architecture = trial.trained.network.architecture
    if is_large(architecture):
        raise FitError(
            f"{found.source.name}: hidden={trial.structure.hidden} makes {architecture.parameters:,} parameters, "
            "too many for a table read batch by batch; ask for fewer nodes, or fit a sample in memory"
        )
    settings.monitor.begin(f"{trial.structure}, all rows", len(tried))
    try:
        trained, squares = _train_on_all(found, trial, settings)
    except ReadingStopped:
        return law_of(found.sample, trial, tried, settings)
    learned = law_of(found.sample, trained, tried, settings)
    law = _of_all_rows(learned.law, found, settings)
    try:
        # measuring moves the law, so that it is looked at anew
        law = _of_all_rows(measure_law(found, law), found, settings)
    except ReadingStopped:
        return replace(learned, law=law, readings=squares.readings + 1)
    return replace(learned, law=law, readings=squares.readings + 2)


def _refuse_contradictions(found: Survey, settings: Settings) -> None:
    """Refuse targets outside the requested range of the law, with a note that the message is about a sample."""
    table, rows = found.sample, len(found.sample)
    where = found.source.name if found.whole else f"{found.source.name}, in a sample of {rows:,} rows"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            warn_of_contradictions(table.target, table.weights, settings)
        except FitError as error:
            raise FitError(f"{where}: {error}") from None
    for warning in told:
        warnings.warn(f"{where}: {warning.message}", KanoptWarning, stacklevel=4)


def _seed(arguments: RegressorArguments) -> int:
    """Return the seed of the sample; an invalid one is refused later, with the other settings."""
    seed = arguments.seed
    return seed if isinstance(seed, int) and seed >= 0 else 0


def _settings(arguments: RegressorArguments, found: Survey, watch: FitMonitor | None) -> Settings:
    """Check the arguments, using the range of the target over all rows from the survey."""
    settings = replace(settings_of(arguments, found.encoding, watch), allow_link=found.whole)
    if found.low > 0.0:
        return settings
    if settings.log_target:
        raise FitError(
            f"{found.source.name}: log_target=True needs a target above zero, and {found.columns.target!r} goes down "
            f"to {number_text(found.low, 6)}; leave such rows out or use log_target=False"
        )
    return replace(settings, log_target=False, hold_positive=False)


def _train_on_all(found: Survey, trial: Trial, settings: Settings) -> tuple[Trial, StreamedSquares]:
    """Train the network of `trial` on all rows; return it with scores on the sample, and the objective."""
    search = ArchitectureSearch(found.sample, settings)
    options = search.options(trial.structure)
    data = search.data(trial.structure, trial.encoding, trial.unit)
    total = found.weight / found.unit_weight

    def read() -> Iterator[Data]:
        for table in found.tables():
            yield ArchitectureSearch(table, settings).data(trial.structure, trial.encoding, trial.unit)

    robust = None
    if trial.structure.loss != "squared":
        residual = torch.as_tensor(trial.fitted.residual, device=data.weights.device)
        robust = RobustLoss(trial.structure.loss, float(residual_scale(residual, data.weights)))
    linear = not trial.structure.hidden and options.link is None and robust is None
    squares = StreamedSquares(
        read,
        data.inputs,
        link=options.link,
        robust=robust,
        precision=options.precision,
        share=1.0 if linear else min(1.0, STEERING / found.rows),
        seed=settings.seed,
    )
    full = replace(data, weights=data.weights * (total / float(data.weights.sum())))
    run = _train(trial.trained, squares, full, options, linear=linear)
    fitted = describe_fit(run, full, options)
    return search.judge(trial.structure, trial.encoding, trial.unit, run, fitted), squares


def _train(
    run: TrainedBatch, squares: StreamedSquares, full: Data, options: FitOptions, *, linear: bool
) -> TrainedBatch:
    """Choose the smoothing for all rows and train; `full` is the sample with the weight of all rows."""
    first = torch.zeros(1, dtype=torch.int64, device=full.target.device)
    network, smoothing = run.network.take(first), run.smoothing[first]
    penalty = Penalty.of(network.architecture, network.theta.device)
    constraints = options.constraints(network)
    rows = float(full.weights.sum())
    normal = squares.normal_equations(network)
    if options.smoothing is None:
        mean = (full.weights @ full.target) / rows
        spread = float((full.weights @ (full.target - mean).square()).sum())
        floor = EXACT * spread + torch.finfo(torch.float64).tiny
        model = GaussNewtonModel(
            normal, network.theta, penalty, rows, rows * options.distinct, floor, options.criterion
        )
        if network.architecture.hidden:
            # Copies are no evidence, as in memory (kanopt.kan.fit.train_until_one).
            share = options.distinct
            smoothing, _ = update_smoothing(normal * share, network.theta, penalty, smoothing, rows * share)
        else:
            smoothing = select_smoothing(model, smoothing, RIDGES[1:])
    held = penalty.matrices(smoothing, rows, network.active)
    if linear:
        steps = replace(options.trainer, damping=0.0)
        objective = QuadraticModel(network, normal, full.inputs)
        network, history = train(network, objective, held, steps, constraints)
    else:
        steps = replace(options.trainer, damping=1e-3, iterations=STEPS, tolerance=TOLERANCE)
        network, history = train(network, squares, held, steps, constraints)
    return TrainedBatch(network, smoothing, run.score[first], history)


def _of_all_rows(law: NetworkLaw, found: Survey, settings: Settings) -> NetworkLaw:
    """Return the law with the ranges and the smallest target of all rows, since the sample may miss the ends."""
    ranges = tuple(
        Range(known.name, *feature.bounds) if feature.kind == "number" else known
        for known, feature in zip(law.domain.ranges, law.encoding.numbers, strict=True)
    )
    law = replace(law, domain=replace(law.domain, ranges=ranges), lowest=found.low, floor=None)
    return held_positive(law) if settings.hold_positive else law
