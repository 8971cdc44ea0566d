"""The structure of a law, chosen on its training rows.

Structures differ in the target (as it is, or its logarithm), in the features taken as logarithms, and in the
hidden nodes. Each is fitted, and judged by its squared error on rows left out one at a time (by the
leverage of the Gauss-Newton model), in the units of the target. A structure with fewer effective parameters
wins against one that is better by less than 2 % or by less than one standard error of the difference (the
one-standard-error rule, Hastie, Tibshirani and Friedman 2009, section 7.10).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.kan.fit import FitOptions, Fitted, Run, best_of, finish, fit_starts, polish
from kanopt.kan.network import Inputs, Shape
from kanopt.kan.trainer import Data
from kanopt.surrogates.encoding import Encoding

__all__ = ["Settings", "Structure", "Table", "Trial", "choose"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MARGIN = 0.02
GROSS = 6.0
"""Residuals beyond this many scales are taken for recording errors where the loss is robust."""


@dataclass(frozen=True, eq=False)
class Table:
    """The rows to learn from: numbers (n, i) as in the table, codes (n, c), target (n,), weights (n,)."""

    numbers: Floats
    codes: Integers
    target: Floats
    weights: Floats
    encoding: Encoding

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Settings:
    """What the user left open ("auto" or None) and what not; see :class:`KANRegressor`."""

    hidden: tuple[int, ...] | None
    log_target: bool | None
    logs: tuple[bool, ...] | None
    loss: str | None
    grid_size: int
    smoothing: float | None
    starts: int
    signs: tuple[int, ...]
    seed: int
    device: torch.device
    search_rows: int = 1000


@dataclass(frozen=True)
class Structure:
    """One way to write the law."""

    log_target: bool
    logs: tuple[bool, ...]
    hidden: tuple[int, ...]
    loss: str


@dataclass(frozen=True, eq=False)
class Trial:
    """A fitted structure.

    Attributes
    ----------
    smearing
        Mean of exp(residual) of a log target, so that sums come out right (Duan 1983, JASA 78); else 1.
    shift
        Mean residual of rows that are no gross errors, added to the prediction of a robust loss; else 0.
    predicted, squares
        Prediction and squared error of every row, left out, in the units of the target; (n,).
    heavy
        Share of rows with a residual beyond five robust standard deviations.
    """

    structure: Structure
    encoding: Encoding
    run: Run
    fitted: Fitted
    unit: float
    smearing: float
    shift: float
    predicted: Floats
    squares: Floats
    heavy: float

    @property
    def complexity(self) -> tuple[int, float]:
        """Hidden nodes, then effective parameters; a logarithm has to save at least one."""
        return sum(self.structure.hidden), self.fitted.edf + sum(self.structure.logs)


class Search:
    """Fits structures on one table and compares them."""

    def __init__(self, table: Table, settings: Settings) -> None:
        self.table = table
        self.settings = settings
        self.kept: NDArray[np.bool_] = np.ones(len(table), dtype=bool)
        self.trials: list[Trial] = []

    @cached_property
    def rows(self) -> float:
        """Rows, those of weight k counted k times."""
        return float(self.table.weights.sum())

    @cached_property
    def grid_size(self) -> int:
        """Grid intervals that the number of different rows can carry."""
        return int(min(self.settings.grid_size, max(1, self.distinct // 4)))

    @cached_property
    def distinct(self) -> int:
        """Rows that copy no other row."""
        table = self.table
        everything = pd.DataFrame(np.column_stack([table.numbers, table.codes, table.target]))
        return len(table) - int(everything.duplicated().sum())

    def data(self, structure: Structure, encoding: Encoding, unit: float) -> Data:
        """Return the rows as the network sees them."""
        device = self.settings.device
        target = np.log(self.table.target) if structure.log_target else self.table.target
        inputs = Inputs(
            torch.tensor(encoding.encode_numbers(self.table.numbers), device=device),
            torch.tensor(self.table.codes, device=device),
        )
        weights = torch.tensor(self.table.weights, device=device)
        return Data(inputs, torch.tensor(target / unit, device=device), weights)

    def fit(self, structure: Structure) -> Trial:
        """Fit a structure on all rows; hidden nodes are first sought on some rows and a coarse grid."""
        settings = self.settings
        encoding = self.table.encoding.with_logs(structure.logs)
        unit = self._unit(structure)
        data = self.data(structure, encoding, unit)
        options = self._options(structure)
        generator = torch.Generator().manual_seed(settings.seed)
        low, high = (torch.tensor(end, device=settings.device) for end in encoding.bounds())
        categories = tuple(len(feature.categories) for feature in encoding.categories)
        grid_size = self.grid_size
        halved = bool(structure.hidden) and grid_size % 2 == 0
        shape = Shape(
            self.table.numbers.shape[1],
            categories,
            structure.hidden,
            grid_size // 2 if halved else grid_size,
        )
        if not structure.hidden:
            run = fit_starts(shape, data, (low, high), generator, options)
        else:
            part = self._part(data, generator)
            run = best_of(fit_starts(shape, part, (low, high), generator, options))
            if part is not data:
                run = polish(run, data, options)
        return self._judge(structure, encoding, unit, run, finish(run, data, options))

    def refine(self, trial: Trial) -> Trial:
        """Go on from `trial` on a grid twice as fine; return the better of the two."""
        data = self.data(trial.structure, trial.encoding, trial.unit)
        options = self._options(trial.structure)
        run = polish(replace(trial.run, network=trial.run.network.refined()), data, options)
        finer = self._judge(trial.structure, trial.encoding, trial.unit, run, finish(run, data, options))
        return self.better(trial, finer)

    def better(self, first: Trial, second: Trial) -> Trial:
        """Return the trial to prefer: the simpler one unless the other is clearly more accurate."""
        simple, rich = sorted((first, second), key=lambda trial: trial.complexity)
        weights = self.table.weights * self.kept
        gain = simple.squares - rich.squares
        total = weights.sum()
        mean = float((weights * gain).sum() / total)
        error = float(np.sqrt((weights * (gain - mean) ** 2).sum())) / total
        level = float((weights * simple.squares).sum() / total)
        return rich if mean > max(MARGIN * level, error) else simple

    def best(self, trials: list[Trial]) -> Trial:
        """Return the trial preferred to all others, compared in turn."""
        chosen = trials[0]
        for trial in trials[1:]:
            chosen = self.better(chosen, trial)
        return chosen

    def accuracy(self, trial: Trial) -> float:
        """Return R² on rows left out, gross errors apart."""
        weights = self.table.weights * self.kept
        target = self.table.target
        mean = (weights * target).sum() / weights.sum()
        spread = (weights * (target - mean) ** 2).sum()
        return 1.0 - float((weights * trial.squares).sum() / spread) if spread > 0 else 1.0

    def _options(self, structure: Structure) -> FitOptions:
        settings = self.settings
        return FitOptions(
            starts=settings.starts,
            smoothing=settings.smoothing,
            loss=structure.loss,
            signs=settings.signs,
            distinct=min(1.0, self.distinct / self.rows),
        )

    def _unit(self, structure: Structure) -> float:
        if structure.log_target:
            return 1.0
        weights, target = self.table.weights, self.table.target
        mean = (weights * target).sum() / weights.sum()
        spread = float(np.sqrt((weights * (target - mean) ** 2).sum() / weights.sum()))
        return spread if spread > 1e-12 * max(1.0, abs(mean)) else 1.0

    def _part(self, data: Data, generator: torch.Generator) -> Data:
        if len(self.table) <= 2 * self.settings.search_rows:
            return data
        index = torch.randperm(len(self.table), generator=generator)[: self.settings.search_rows]
        index = index.to(data.target.device)
        return Data(data.inputs.rows(index), data.target[index], data.weights[index])

    def _judge(
        self, structure: Structure, encoding: Encoding, unit: float, run: Run, fitted: Fitted
    ) -> Trial:
        weights = self.table.weights
        residual = fitted.residual
        scale = _scale(residual, weights)
        usual = weights
        if structure.loss != "squared":
            usual = weights * (np.abs(residual) <= GROSS * scale)
        smearing, shift = 1.0, 0.0
        if structure.log_target:
            smearing = float((usual * np.exp(residual)).sum() / usual.sum())
        elif structure.loss != "squared":
            shift = float((usual * residual).sum() / usual.sum())
        left_out = fitted.output + fitted.residual - fitted.left_out
        if structure.log_target:
            highest = np.log(self.table.target.max()) + 2.0
            predicted = smearing * np.exp(np.minimum(left_out, highest))
        else:
            predicted = (left_out + shift) * unit
        heavy = float((weights * (np.abs(residual) > 5.0 * scale)).sum() / weights.sum())
        squares = (self.table.target - predicted) ** 2
        return Trial(structure, encoding, run, fitted, unit, smearing, shift, predicted, squares, heavy)


def _scale(residual: Floats, weights: Floats) -> float:
    """Return the weighted median absolute residual / 0.6745."""
    size = np.abs(residual)
    order = np.argsort(size)
    mass = np.cumsum(weights[order])
    return float(size[order][np.searchsorted(mass, 0.5 * mass[-1])]) / 0.6745


def choose(table: Table, settings: Settings) -> tuple[Trial, list[Trial]]:
    """Return the structure to use, and every structure tried.

    Raises
    ------
    FitError
        Where a logarithm is asked of values that have none.
    """
    search = Search(table, settings)
    targets = _targets(table, settings)
    plain = [_plain(search, log_target) for log_target in targets]
    _set_gross_errors_apart(search, plain)
    best = [_with_logs(search, trial) for trial in plain]
    if settings.hidden is None:
        finals = _grow(search, best)
    elif settings.hidden:
        finals = [_fit(search, replace(start.structure, hidden=settings.hidden)) for start in best]
    else:
        finals = best
    chosen = search.best(finals)
    if chosen.structure.hidden and search.grid_size % 2 == 0:
        chosen = search.refine(chosen)
    return chosen, search.trials


def _fit(search: Search, structure: Structure) -> Trial:
    trial = search.fit(structure)
    search.trials.append(trial)
    return trial


def _targets(table: Table, settings: Settings) -> list[bool]:
    positive = bool(table.target.min() > 0)
    if settings.log_target is None:
        wide = positive and table.target.max() > 1.5 * table.target.min()
        return [False, True] if wide else [False]
    if settings.log_target and not positive:
        row = int(table.target.argmin())
        raise FitError(
            f"log_target=True needs a target above zero; row {row} has {table.target[row]:g}; "
            "leave such rows out or use log_target=False"
        )
    return [settings.log_target]


def _plain(search: Search, log_target: bool) -> Trial:
    """Fit an additive model without logarithms of features, by squares first; choose the loss."""
    settings = search.settings
    logs = settings.logs or tuple(False for _ in search.table.encoding.numbers)
    trial = _fit(search, Structure(log_target, logs, (), settings.loss or "squared"))
    if settings.loss is None and _is_heavy(search, trial):
        trial = _fit(search, replace(trial.structure, loss="huber"))
    return trial


def _with_logs(search: Search, best: Trial) -> Trial:
    """Choose the features to take as logarithms in an additive model: all, none, then one by one."""
    numbers = search.table.encoding.numbers
    wide = tuple(feature.low > 0 and feature.high >= 3.0 * feature.low for feature in numbers)
    if search.settings.logs is not None or not any(wide):
        return best
    best = search.better(best, _fit(search, replace(best.structure, logs=wide)))
    if 1 < sum(wide) <= 8:
        for index in np.flatnonzero(wide):
            logs = list(best.structure.logs)
            logs[index] = not logs[index]
            best = search.better(best, _fit(search, replace(best.structure, logs=tuple(logs))))
    return best


def _is_heavy(search: Search, trial: Trial) -> bool:
    """Say whether residuals have tails that squares would follow: normal errors have none beyond 5 σ."""
    return search.rows >= 50 and trial.heavy > 0.002 and search.accuracy(trial) < 0.9995


def _set_gross_errors_apart(search: Search, trials: list[Trial]) -> None:
    """Leave rows that every model takes for gross errors out of the comparison of structures."""
    gross = np.ones(len(search.table), dtype=bool)
    for trial in trials:
        residual = np.abs(trial.fitted.residual)
        beyond = residual > GROSS * _scale(trial.fitted.residual, search.table.weights)
        gross &= beyond if trial.structure.loss != "squared" else False
    search.kept = ~gross


def _grow(search: Search, starts: list[Trial]) -> list[Trial]:
    """Add hidden nodes to additive models while they pay: two for each target, then four for the better."""
    features = len(search.table.encoding.features)
    tried = list(starts)
    for nodes in (2, 4):
        best = search.best(tried)
        enough = search.rows >= max(40.0, 7.5 * nodes * features)
        if features < 2 or not enough or search.accuracy(best) > 1.0 - 1e-8:
            break
        if nodes > 2 and not best.structure.hidden:
            break
        bases = starts if nodes == 2 else [best]
        tried += [_fit(search, replace(base.structure, hidden=(nodes,))) for base in bases]
    return tried
