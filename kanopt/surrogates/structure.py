"""Choose the structure of a law on its training rows: few are fitted, each once, and the plainest that is as good wins.

The list is short: a sum of curves, of the target and of its logarithm; the same of logarithms of the columns; and where
a pair of columns says something about what the best of these leaves, four hidden nodes and two. Smoothing of hidden
nodes is chosen on a fifth of the rows held out.

Every trial is judged by rows that it did not learn from: those held out, and each row left out by the leverage of the
Gauss-Newton model where none were. Two measures count. The log density is that of the target in its own units, so that
a law of the logarithm, whose density is divided by the target (Box and Cox 1964, JRSS B 26, eq. 7), can be compared
with one of the target itself; residuals are Student's t with five degrees of freedom, whose heavy tails limit gross
errors. The squared error says what matters for sums. A richer trial wins by a gain in one of the two of two percent of
the squares and of its standard error (the one-standard-error rule, Hastie, Tibshirani and Friedman 2009, section 7.10),
if the other does not lose as much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError
from kanopt.formulas.error_model import NORMAL, design_effect, student_density
from kanopt.kan.fit import (
    FittedNetwork,
    HeldOutLoss,
    describe_fit,
    fit_held_out,
    fit_starts,
    refine_grid,
    train_on_all_rows,
    train_until_one,
)
from kanopt.kan.network import Architecture, InputTensors
from kanopt.kan.trainer import Data, Exponential, Link, Logistic, Softplus
from kanopt.kan.training import FitOptions, TrainedBatch
from kanopt.surrogates.calendar import period_of
from kanopt.surrogates.conformal import weighted_quantile
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.groups import TrainingTable
from kanopt.surrogates.monitor import SearchStopped
from kanopt.surrogates.options import Settings
from kanopt.surrogates.readings import hidden_text
from kanopt.surrogates.screening import foretells_interaction
from kanopt.text import number_text

LEAST_GAIN = 0.02
"""Share of the squares by which a richer trial must be better; of the log density half as much."""
STUCK = 0.1
"""Mean log density by which fewer hidden nodes are better only where more have stuck: a tenth of the error."""
NO_ERROR = 1.0 - 1e-8
"""Accuracy beyond which no richer structure is tried."""
LEAST_ROWS, LEAST_GROUPS = 400, 10
"""Fewer rows, or groups of rows, can spare none to be held out."""
TRAINED_ROWS, HELD_OUT_ROWS = 5_000, 4_000
"""Most rows that smoothing is chosen on, and that judge it."""
MOST_CATEGORIES = 500
"""Categories past which no hidden nodes are tried."""
COARSE, PLAIN = 5, 10
FINEST, FINEST_PLAIN = 40, 160
"""Intervals of a spline: hidden nodes and additive laws begin with the first two, and neither passes the last two."""
GROSS = 6.0
"""Residuals beyond this many scales are taken for recording errors where the loss is robust."""
WILD_SHARE, WILD_SQUARES = 0.002, 0.5
"""Share of rows with wild residuals, or of the squares that they make, past which a loss has to hold them back."""
NO_NOISE = 0.02
"""Residuals below this share of the usual spread of the target are no noise."""
MISSED = 0.01
"""Share of the sum of all targets by which a smearing factor may miss it."""
EXACT = 1e-7
"""Share of the target's standard deviation below which residuals count as none."""
FEWEST, SHARE = 5, 0.005
"""Share of the rows that an outermost cell of the knots must hold, from so many rows on that this is a few."""


@dataclass(frozen=True)
class LawStructure:
    """The structure of a law.

    Parameters
    ----------
    log_target, logs
        Whether the logarithm of the target, and of each number, is taken.
    hidden
        Widths of the hidden layers.
    loss
        The loss. ``"poisson"`` requires a log target: the network is the logarithm of the mean, and squared errors
        divided by the mean are minimised in the units of the target.
    """

    log_target: bool
    logs: tuple[bool, ...]
    hidden: tuple[int, ...]
    loss: str

    def __str__(self) -> str:
        shape = hidden_text(self.hidden) if self.hidden else "additive"
        return f"{shape}{', log target' if self.log_target else ''}"

    @property
    def has_log_link(self) -> bool:
        """Whether the target is fitted with an exponential link, rather than its logarithm."""
        return self.loss == "poisson"


@dataclass(frozen=True, eq=False)
class Trial:
    """A fitted structure.

    Attributes
    ----------
    fitted
        Its left-out residuals of rows held out are those of the network that did not learn from them.
    unit
        Divisor of the target.
    link
        From the network's output to the target over `unit`; None is the identity, or exp for a log target.
    smearing
        Factor that corrects the bias of sums for a log target: the mean of exp(residual) (Duan 1983, JASA 78), or, if
        that leaves a bias of more than 1 %, as with noise that depends on the size of the target, Σ target /
        Σ exp(output); else 1.
    shift
        Mean residual of rows without gross errors, added to the prediction of a robust loss; else 0.
    predicted
        Prediction of every row left out, in the units of the target; (n,).
    density, scale
        Log density of every row left out, and the scale of the residuals.
    held_out
        Rows held out when the smoothing of hidden nodes was chosen, which judge it; None if there were none.
    burden
        How many logarithms of columns are taken that need none.
    """

    structure: LawStructure
    encoding: FeatureEncoding
    trained: TrainedBatch
    fitted: FittedNetwork
    unit: float
    link: Link | None
    smearing: float
    shift: float
    predicted: Floats
    density: Floats
    scale: float
    held_out: Integers | None
    burden: int

    @property
    def complexity(self) -> tuple[int, float]:
        """Sort key: the number of hidden nodes, then effective parameters, one for a logarithm."""
        return sum(self.structure.hidden), self.fitted.edf + self.burden


def select_structure(table: TrainingTable, settings: Settings) -> tuple[Trial, list[Trial]]:
    """Return the selected structure, and every structure tried.

    If the monitor of `settings` asks to stop, the best structure tried so far is returned.

    Raises
    ------
    FitError
        If a logarithm is requested of values that are not positive.
    """
    search = _StructureSearch(table, settings)
    try:
        return search.chosen(), search.trials
    except SearchStopped:
        return search.best(search.trials), search.trials


class _StructureSearch:
    """Fits structures on one table and compares them."""

    def __init__(self, table: TrainingTable, settings: Settings) -> None:
        self.table = table
        self.settings = settings
        self.trials: list[Trial] = []
        self.rows = float(table.weights.sum())
        self.distinct_rows = int(table.kinds.max()) + 1

    def chosen(self) -> Trial:
        """Try one structure after the other; return the best."""
        settings, features = self.settings, len(self.table.encoding.features)
        additive = [self._additive(log_target) for log_target in self._targets()]
        best = self.best(additive)
        if settings.hidden:
            tried = [self._fit(self._with_hidden(each, settings.hidden)) for each in additive]
            return self._refined(self.best(tried))
        categories = sum(len(feature.categories) for feature in self.table.encoding.categories)
        enough = features > 1 and self.rows >= max(40.0, 15.0 * features) and categories <= MOST_CATEGORIES
        if settings.hidden is None and enough and self._acts_together(best):
            best = self._hidden_nodes(additive, best)
        return self._refined(best)

    def _targets(self) -> list[bool]:
        settings, target = self.settings, self.table.target
        positive = bool(target.min() > 0)
        if settings.log_target is None:
            wide = positive and target.max() > 1.5 * target.min() and settings.target_range != "bounded"
            return [False, True] if wide else [False]
        if settings.log_target and not positive:
            row = int(target.argmin())
            raise FitError(
                f"log_target=True needs a target above zero; row {row} has {number_text(target[row], 6)}; "
                "leave such rows out or use log_target=False"
            )
        return [settings.log_target]

    def _additive(self, log_target: bool) -> Trial:
        """Fit a sum of curves, of logarithms of the columns where these are better; choose the loss."""
        settings = self.settings
        structure = LawStructure(log_target, settings.logs or self._far, (), settings.loss or "squared")
        trial = self._fit(structure)
        # Behind a link a robust loss would move sums, and nothing moves them back.
        if settings.loss is None and trial.link is None and self._has_heavy_tails(trial):
            trial = self._fit(replace(structure, loss="huber"))
        if settings.logs is None and self._wide != self._far:
            trial = self.prefer(trial, self._fit(replace(trial.structure, logs=self._wide)))
        return trial

    def _hidden_nodes(self, additive: list[Trial], best: Trial) -> Trial:
        """Return the better of `best` and four hidden nodes, tried on the other form of the target if they pay.

        Two nodes are tried beside four, which may stick in a local optimum: then two are clearly better.
        """
        nodes = ((4,), (2,)) if self._can_hold_out else ((2,),)
        for each in sorted(additive, key=lambda trial: trial is not self.best(additive)):
            widest, *others = (self._fit(self._with_hidden(each, width)) for width in nodes)
            better = [one for one in others if self._mean_density(one) > self._mean_density(widest) + STUCK]
            found = self.prefer(best, (better or [widest])[0])
            if found is best:
                break
            best = found
        return best

    def _mean_density(self, trial: Trial) -> float:
        """Return the mean log density of rows that a trial did not learn from."""
        judges = slice(None) if trial.held_out is None else trial.held_out
        return float(np.average(trial.density[judges], weights=self.table.weights[judges]))

    def _with_hidden(self, additive: Trial, hidden: tuple[int, ...]) -> LawStructure:
        """Return the structure with hidden nodes: least squares, or squared errors divided by the mean.

        Hidden nodes bend as they have to: logarithms are for columns most of whose rows lie in one cell without.
        """
        structure, settings = additive.structure, self.settings
        if not self._can_hold_out:  # by evidence a hidden node is as smooth as a sum of curves is
            return replace(structure, hidden=hidden)
        loss = settings.loss or ("poisson" if structure.log_target else "squared")
        return replace(structure, hidden=hidden, loss=loss, logs=settings.logs or self._far)

    @cached_property
    def _far(self) -> tuple[bool, ...]:
        """Whether the central 90 % of the values of each number span two decades, and so need a logarithm."""
        columns, weights = self.table.numbers.T[: len(self.table.encoding.numbers)], self.table.weights
        low, high = ([weighted_quantile(each, weights, share) for each in columns] for share in (0.05, 0.95))
        return tuple(
            bool(each.min() > 0 and last >= 100.0 * first)
            for each, first, last in zip(columns, low, high, strict=True)
        )

    @cached_property
    def _wide(self) -> tuple[bool, ...]:
        """Whether each number may need a logarithm."""
        columns = zip(self.table.encoding.numbers, self.table.numbers.T, strict=False)
        return tuple(
            each.low > 0 and each.high >= 3.0 * each.low and not period_of(each.name, values)
            for each, values in columns
        )

    def _has_heavy_tails(self, trial: Trial) -> bool:
        """Whether residuals have heavy tails, to which least squares would overfit: any beyond 5 σ.

        Residuals of a law without noise have tails too, but need no robust loss.
        """
        weights = self.table.weights
        if self.rows < 50 or not self._is_noisy(trial):
            return False
        size = np.abs(trial.fitted.residual)
        wild = weights * (size > 5.0 * _usual(size, weights))
        squares = float(wild @ size**2) / max(float(weights @ size**2), np.finfo(float).tiny)
        return wild.sum() > WILD_SHARE * self.rows or squares > WILD_SQUARES

    def _is_noisy(self, trial: Trial) -> bool:
        """Whether residuals are large enough for noise, beside a spread of the targets that outliers do not inflate."""
        table, log = self.table, trial.structure.log_target
        target = np.log(table.target) if log else table.target
        low, high = (weighted_quantile(target, table.weights, share) for share in (0.25, 0.75))
        return trial.scale >= NO_NOISE * ((high - low) / 1.349 or table.target_deviation(log))

    def _acts_together(self, trial: Trial) -> bool:
        """Whether what a trial leaves depends on two columns together, in the target or its logarithm."""
        if 1.0 - (trial.scale / self.table.target_deviation(trial.structure.log_target)) ** 2 >= NO_ERROR:
            return False
        return foretells_interaction(self.table, trial.predicted, self.settings.seed)

    # Trials are compared by rows that they did not learn from.

    def prefer(self, first: Trial, second: Trial) -> Trial:
        """Return the simpler of two trials, unless the other is clearly more accurate."""
        simple, rich = sorted((first, second), key=lambda trial: trial.complexity)
        judges = next((each.held_out for each in (rich, simple) if each.held_out is not None), slice(None))
        target, weights = self.table.target[judges], self.table.weights[judges]
        before, after = ((target - each.predicted[judges]) ** 2 for each in (simple, rich))
        gains = (
            2.0 * (rich.density - simple.density)[judges],
            (before - after) / max(float(np.average(before, weights=weights)), np.finfo(float).tiny),
        )
        found = []
        for gain in gains:
            mean = float(np.average(gain, weights=weights))
            variance = float(np.average((gain - mean) ** 2, weights=weights))
            error = np.sqrt(variance * self.design_effect / weights.sum())
            found.append(mean / max(LEAST_GAIN, error))
        return rich if max(found) > 1.0 and min(found) > -1.0 else simple

    def best(self, trials: list[Trial]) -> Trial:
        """Return the preferred trial of all, by pairwise comparison."""
        chosen = trials[0]
        for trial in trials[1:]:
            chosen = self.prefer(chosen, trial)
        return chosen

    # How a structure is fitted.

    @property
    def _can_hold_out(self) -> bool:
        """Whether there are enough rows to choose smoothing on held-out rows."""
        several = self.table.groups is None or int(self.table.groups.max()) + 1 >= LEAST_GROUPS
        return self.settings.fit.smoothing is None and self.distinct_rows >= LEAST_ROWS and several

    @cached_property
    def design_effect(self) -> float:
        """How many rows say as much as one that shares no error with others; 1 without groups.

        It is that of an additive law which takes each group for one row, with groups left out.
        """
        groups = self.table.groups
        if groups is None:
            return 1.0
        structure = LawStructure(False, self.settings.logs or self._far, (), "squared")
        data, shape, bounds = self._prepared(structure, COARSE)
        options = self._options(structure, len(self.table) / (int(groups.max()) + 1))
        run = fit_starts(shape, data, bounds, torch.Generator().manual_seed(self.settings.seed), options)
        residual = describe_fit(run, data, options).left_out_residual
        return design_effect(residual, self.table.weights, groups)

    @cached_property
    def _most_intervals(self) -> int:
        """Intervals of a spline that so many rows bear."""
        return max(1, int(self.distinct_rows / self.design_effect) // 4)

    def _fit(self, structure: LawStructure) -> Trial:
        """Fit and judge a structure, and note it; stop the search if requested."""
        monitor, settings = self.settings.monitor, self.settings
        monitor.begin(str(structure))
        finest = min(settings.grid_size or FINEST, self._most_intervals)
        coarse = COARSE if structure.hidden else PLAIN
        # of a requested grid the hidden nodes begin with half
        begun = finest if settings.grid_size and not structure.hidden else min(coarse, finest)
        if settings.grid_size and structure.hidden:
            begun = finest // 2 if finest % 2 == 0 else finest
        data, shape, bounds = self._prepared(structure, begun)
        options, test, left_out = self._options(structure, self.design_effect), None, None
        generator = torch.Generator().manual_seed(settings.seed)
        if shape.is_large or (structure.hidden and self._can_hold_out):
            rest, test = self._split()
            part, judges = data.rows(torch.as_tensor(rest)), data.rows(torch.as_tensor(test))
            trained, output = fit_held_out(shape, part, judges, bounds, generator, options, finest)
            run = train_on_all_rows(trained, data, options, float(part.weights.sum()))
            if (
                shape.is_large
            ):  # residuals of the other rows grow as the loss does from rows learned from to these
                known = HeldOutLoss(judges, options).losses(trained.network, part).clamp(min=1e-300)
                growth = (trained.score / known).sqrt().nan_to_num(nan=1.0).clamp(min=1.0)
                left_out = options.objective(data).residuals(run.network)[0, :, 0] * growth
        else:
            run = fit_starts(shape, data, bounds, generator, options)
        fitted = describe_fit(run, data, options, left_out)
        if test is not None:
            fitted.left_out_residual[test] = (judges.target[:, 0] - output).cpu().numpy()
        return self._noted(structure, run, fitted, test)

    def _refined(self, trial: Trial) -> Trial:
        """Refine the grid of `trial`; return the better of the two trials.

        Where rows held out have chosen it, they have chosen a grid for noise. Without noise evidence sets weaker
        smoothing, and finer grids, than they can tell apart.
        """
        structure, settings = trial.structure, self.settings
        if trial.held_out is not None and (
            trial.trained.network.architecture.is_large or self._is_noisy(trial)
        ):
            return trial
        data, _, _ = self._prepared(structure, COARSE)
        options, run = self._options(structure, self.design_effect), trial.trained
        if trial.held_out is not None:
            run = train_until_one(run, data, options)
        finest = FINEST if structure.hidden else FINEST_PLAIN
        run = refine_grid(run, data, options, settings.grid_size or min(finest, self._most_intervals))
        if run is trial.trained:
            return trial
        return self.prefer(trial, self._noted(structure, run, describe_fit(run, data, options), None))

    def _noted(
        self, structure: LawStructure, run: TrainedBatch, fitted: FittedNetwork, test: Integers | None
    ) -> Trial:
        encoding, unit, link = (
            self.table.encoding.with_logs(structure.logs),
            self._unit(structure),
            self._link(structure),
        )
        burden = sum(log and not far for log, far in zip(structure.logs, self._far, strict=True))
        judged = _judged(self.table, structure, fitted, unit, link)
        trial = Trial(structure, encoding, run, fitted, unit, link, *judged, test, burden)
        self.trials.append(trial)
        squares = np.average((self.table.target - trial.predicted) ** 2, weights=self.table.weights)
        self.settings.monitor.note_error(float(np.sqrt(squares)))
        if self.settings.monitor.should_stop():
            raise SearchStopped
        return trial

    def _split(self) -> tuple[Integers, Integers]:
        """Return rows to learn from and rows to hold out, in which no group and no copy of a row is in both."""
        together = self.table.kinds if self.table.groups is None else self.table.groups
        rng = np.random.default_rng(self.settings.seed)
        folds = GroupShuffleSplit(1, test_size=0.2, random_state=self.settings.seed)
        rest, test = next(folds.split(together, groups=together))
        return rng.permutation(rest)[:TRAINED_ROWS], rng.permutation(test)[:HELD_OUT_ROWS]

    def _prepared(
        self, structure: LawStructure, grid_size: int
    ) -> tuple[Data, Architecture, tuple[torch.Tensor, torch.Tensor]]:
        """Return the rows as inputs and targets of a network, its architecture, and the ends of its splines."""
        table, device = self.table, self.settings.device
        encoding = table.encoding.with_logs(structure.logs)
        numbers = encoding.encode_numbers(table.numbers)
        logs = structure.log_target and not structure.has_log_link
        target = np.log(table.target) if logs else table.target
        data = Data(
            InputTensors(torch.tensor(numbers, device=device), torch.tensor(table.codes, device=device)),
            torch.tensor(target[:, None] / self._unit(structure), device=device),
            torch.tensor(table.weights, device=device),
        )
        low, high = knot_range(numbers[:, : len(encoding.numbers)], grid_size, table.weights)
        shape = Architecture(
            len(encoding.numbers),
            cycles=len(encoding.periodic),
            categories=tuple(len(feature.categories) for feature in encoding.categories),
            hidden=structure.hidden,
            grid_size=grid_size,
        )
        return data, shape, (torch.tensor(low, device=device), torch.tensor(high, device=device))

    def _options(self, structure: LawStructure, shared: float) -> FitOptions:
        """Return the fit options of a structure, where so many rows say as much as one."""
        groups = self.table.groups
        return replace(
            self.settings.fit,
            loss=structure.loss,
            link=self._link(structure),
            distinct=min(1.0, self.distinct_rows / self.rows) / shared,
            groups=None if groups is None else torch.tensor(groups, device=self.settings.device),
        )

    def _unit(self, structure: LawStructure) -> float:
        if structure.has_log_link:
            return float(np.average(self.table.target, weights=self.table.weights))
        return 1.0 if structure.log_target else self.table.target_deviation(False)

    def _link(self, structure: LawStructure) -> Link | None:
        """Return the link for the requested range of the law; a log target is positive without a link."""
        if structure.has_log_link:
            return Exponential()
        if structure.log_target or self.settings.target_range == "any":
            return None
        unit = self._unit(structure)
        if self.settings.target_range == "bounded":
            low, high = self.settings.bounds
            return Logistic(low / unit, high / unit)
        # Where targets are of their usual size the link is a straight line but for a thousandth.
        usual = weighted_quantile(np.abs(self.table.target), self.table.weights, 0.5)
        return Softplus(scale=max(usual / 7.0, 1e-3 * unit) / unit)


def _usual(size: Floats, weights: Floats) -> float:
    """Return the robust standard deviation of residuals of some sizes."""
    return weighted_quantile(size, weights, 0.5) / NORMAL


def _judged(
    table: TrainingTable, structure: LawStructure, fitted: FittedNetwork, unit: float, link: Link | None
) -> tuple[float, float, Floats, Floats, float]:
    """Return smearing, shift, predictions, density and scale of a :class:`Trial`, in the units of the target."""
    weights, target = table.weights, table.target
    residual, left_out = fitted.residual, fitted.output + fitted.residual - fitted.left_out_residual
    if structure.has_log_link:
        left_out = np.log(np.maximum(left_out, 1e-3 * fitted.output) * unit)
        residual = np.log(target / unit) - np.log(fitted.output)
    usual, size = weights, np.abs(residual)
    if structure.loss in ("huber", "tukey"):
        usual = weights * (size <= GROSS * _usual(size, weights))
    smearing, shift = 1.0, 0.0
    if structure.log_target:
        smearing = smearing_factor(target, residual, usual, by_sums=structure.has_log_link)
        predicted = smearing * np.exp(np.minimum(left_out, np.log(target.max()) + 2.0))
        gap = np.log(target) - left_out
    else:
        plain = usual is weights or link is not None
        shift = 0.0 if plain else float(np.average(residual, weights=usual))
        predicted = (left_out + shift) * unit
        gap = target - predicted
    scale, density = student_density(gap, weights, EXACT * table.target_deviation(structure.log_target))
    return smearing, shift, predicted, density - np.log(target) if structure.log_target else density, scale


def smearing_factor(target: Floats, residual: Floats, weights: Floats, *, by_sums: bool) -> float:
    """Return the factor on exp(network), given the residuals of its logarithm."""
    counted = weights > 0.0
    target, residual, weights = target[counted], residual[counted], weights[counted]
    ratio = np.exp(residual)
    mean = float(np.average(ratio, weights=weights))
    sums = float(weights @ target) / float(weights @ (target / ratio))
    return sums if by_sums or abs(mean / sums - 1.0) > MISSED else mean


def knot_range(encoded: Floats, grid_size: int, weights: Floats) -> tuple[Floats, Floats]:
    """Return the first and last knot of every column, each (columns,).

    They span the data, unless there are a thousand rows or more and an outermost cell would hold fewer than half a
    percent of them. Then the range is cut at that quantile, and the linear tail covers the rows beyond it: a cubic
    fitted to a few outlying rows should not be extrapolated. A row of weight k counts as k rows.

    Examples
    --------
    >>> column = np.append(np.linspace(0.0, 1.0, 999), 50.0)[:, None]
    >>> low, high = knot_range(column, 10, np.ones(1000))
    >>> float(low[0]), float(high[0].round(3))
    (0.0, 0.997)
    """
    low, high = encoded.min(axis=0), encoded.max(axis=0)
    count = round(SHARE * float(weights.sum()))
    if count < FEWEST or not encoded.shape[1]:
        return low, high
    cell = (high - low) / grid_size
    share = count / float(weights.sum()) * (1.0 - 1e-12)
    first = np.array([weighted_quantile(column, weights, share) for column in encoded.T])
    last = np.array([-weighted_quantile(-column, weights, share) for column in encoded.T])
    first = np.where(weights @ (encoded < low + cell) < count, first, low)
    last = np.where(weights @ (encoded > high - cell) < count, last, high)
    spread = last > first
    return np.where(spread, first, low), np.where(spread, last, high)
