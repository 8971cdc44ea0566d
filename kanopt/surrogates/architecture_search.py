"""Fit one structure of a law at a time, and compare structures by their leave-one-out and held-out predictions.

:mod:`kanopt.surrogates.fitting` decides which structures are tried, and in which order.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.error_model import design_effect
from kanopt.kan.fit import (
    FittedNetwork,
    HeldOutLoss,
    describe_fit,
    fit_held_out,
    fit_starts,
    refine_grid,
    retrain,
    train_on_all_rows,
    train_until_one,
)
from kanopt.kan.network import LARGE, Architecture, InputTensors
from kanopt.kan.trainer import Data, Exponential, Link, Logistic, Softplus
from kanopt.kan.training import FitOptions, TrainedBatch
from kanopt.surrogates.conformal import weighted_quantile
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.groups import rows_before
from kanopt.surrogates.options import Settings
from kanopt.surrogates.screening import INTERACTION, interaction_gain
from kanopt.surrogates.trials import (
    HeldOutPredictions,
    LawStructure,
    TrainingTable,
    Trial,
    knot_range,
    scores,
)

MARGIN = 0.01
"""Least gain in log density per row for more effective parameters."""
FINER = 0.002
"""The same where the same curves have finer grids, and so smoothing has decided already how far they bend."""
GROWTH = 0.03
"""Least gain in log density per row for more hidden nodes."""
SEARCH_ROWS = 4_000
"""Hidden nodes are sought on this many rows."""
TRAINED_ROWS, HELD_OUT_ROWS = 5_000, 4_000
"""Most rows that smoothing is chosen on, and that judge it."""
GATE_ROWS = 10_000
"""Most rows on which interactions of two columns are looked for."""
PAYS = 0.03
"""Least share of the squared error on rows held out that more hidden nodes must save."""
SURE = 2.0
"""The same in standard errors of the gain: the rows held out have chosen smoothing and grid, so that one is too few."""
WIDE = 60
"""Categories past which four nodes are tried on one target alone, and two nodes not where these left noise."""
LEAST_ROWS, LEAST_GROUPS = 400, 10
"""Fewer rows, or groups of rows, can spare none to be held out."""
FINEST_PLAIN, MOST_PLAIN, PLAIN_WORTH = 160, 1_000, 0.995
"""Intervals and parameters that additive laws do not pass, and what a finer grid must leave of the score at most."""
COARSE, PLAIN, FINEST = 5, 10, 40
"""Intervals of a spline that hidden nodes begin with, that additive laws begin with, and that neither passes."""
WORSE = 1.05
"""Hidden nodes must not raise the mean error in the units of the target beyond this factor."""


class ArchitectureSearch:
    """Fits structures on one table and compares them."""

    def __init__(self, table: TrainingTable, settings: Settings) -> None:
        self.table = table
        self.settings = settings
        self.trials: list[Trial] = []

    @cached_property
    def rows(self) -> float:
        """Number of rows, where a row of weight k counts k times."""
        return float(self.table.weights.sum())

    @property
    def can_hold_out(self) -> bool:
        """Whether there are enough rows to choose smoothing on held-out rows."""
        several = self.table.groups is None or int(self.table.groups.max()) + 1 >= LEAST_GROUPS
        return self.settings.fit.smoothing is None and self.distinct_rows >= LEAST_ROWS and several

    @property
    def has_many_categories(self) -> bool:
        """Whether tables of many categories make hidden nodes expensive."""
        return self._categories > WIDE

    @property
    def has_too_many_categories(self) -> bool:
        """Whether tables of categories alone make four hidden nodes too large for second-order training."""
        return 4 * self._categories > LARGE

    @property
    def _categories(self) -> int:
        return sum(len(feature.categories) for feature in self.table.encoding.categories)

    @cached_property
    def max_grid_size(self) -> int:
        """Maximum number of intervals of a spline: as given, or depending on the number of distinct rows."""
        return int(
            min(self.settings.grid_size or FINEST, max(1, int(self.distinct_rows / self.design_effect) // 4))
        )

    def grid_size(self, structure: LawStructure) -> int:
        """Return the initial number of intervals of a structure; doubling it leads to a requested grid size."""
        if structure.hidden:
            halved = self.max_grid_size // 2 if self.max_grid_size % 2 == 0 else self.max_grid_size
            return min(COARSE, self.max_grid_size) if self.settings.grid_size is None else halved
        return min(PLAIN, self.max_grid_size) if self.settings.grid_size is None else self.max_grid_size

    @cached_property
    def spans_decades(self) -> tuple[bool, ...]:
        """Whether the central 90 % of the values of each numeric feature span two decades."""
        weights = self.table.weights
        return tuple(
            bool(
                column.min() > 0
                and weighted_quantile(column, weights, 0.95)
                >= 100.0 * weighted_quantile(column, weights, 0.05)
            )
            for column in self.table.numbers.T[: len(self.table.encoding.numbers)]
        )

    def log_burden(self, logs: tuple[bool, ...]) -> float:
        """Return the penalty of a choice of logarithms, in effective parameters.

        A logarithm costs one. For a feature that spans decades the absence of a logarithm costs one instead: without
        it most rows of such a column lie in one cell of the grid.
        """
        pairs = list(zip(logs, self.spans_decades, strict=True))
        if any(far and not log for log, far in pairs):
            return float("inf")
        return float(sum(log and not far for log, far in pairs))

    @cached_property
    def row_groups(self) -> NDArray[np.int64]:
        """A group index per row, equal for copies of one row; (n,)."""
        table = self.table
        everything = pd.DataFrame(np.column_stack([table.numbers, table.codes, table.target]))
        kinds = everything.groupby(list(everything.columns), sort=False).ngroup()
        return np.asarray(kinds, dtype=np.int64)

    @cached_property
    def distinct_rows(self) -> int:
        """Number of distinct rows."""
        return int(self.row_groups.max()) + 1

    @cached_property
    def design_effect(self) -> float:
        """How many rows say as much as one that shares no error with others; 1 without groups.

        It is that of an additive law which takes each group for one row, with groups left out.
        """
        groups = self.table.groups
        if groups is None:
            return 1.0
        logs = self.settings.logs or (False,) * len(self.table.encoding.numbers)
        structure = LawStructure(False, logs, (), "squared")
        encoding, unit = self.table.encoding.with_logs(logs), self._unit(structure)
        data = self.data(structure, encoding, unit)
        options = self.options(structure, design_effect=len(self.table) / (int(groups.max()) + 1))
        shape, bounds = self._architecture(structure, encoding, data, COARSE)
        run = fit_starts(shape, data, bounds, torch.Generator().manual_seed(self.settings.seed), options)
        residual = describe_fit(run, data, options).left_out_residual
        return design_effect(residual, self.table.weights, groups)

    def data(self, structure: LawStructure, encoding: FeatureEncoding, unit: float) -> Data:
        """Return the rows as the network's inputs and targets."""
        device = self.settings.device
        logs = structure.log_target and not structure.has_log_link
        target = np.log(self.table.target) if logs else self.table.target
        inputs = InputTensors(
            torch.tensor(encoding.encode_numbers(self.table.numbers), device=device),
            torch.tensor(self.table.codes, device=device),
        )
        weights = torch.tensor(self.table.weights, device=device)
        return Data(inputs, torch.tensor(target[:, None] / unit, device=device), weights)

    def fit(self, structure: LawStructure) -> Trial:
        """Fit a structure on all rows; with hidden nodes starts are trained on a sample and a coarse grid first."""
        self.settings.monitor.begin(str(structure))
        encoding, unit = self.table.encoding.with_logs(structure.logs), self._unit(structure)
        data, options = self.data(structure, encoding, unit), self.options(structure)
        generator = torch.Generator().manual_seed(self.settings.seed)
        shape, bounds = self._architecture(structure, encoding, data)
        if shape.is_large:
            return self.fit_noisy(structure)
        part = self._sample(data, SEARCH_ROWS, generator) if structure.hidden else data
        run = fit_starts(shape, part, bounds, generator, options)
        if part is not data:
            run = train_until_one(run, data, options)
        return self.judge(structure, encoding, unit, run, describe_fit(run, data, options))

    def fit_noisy(self, structure: LawStructure) -> Trial:
        """Fit hidden nodes to noisy rows with smoothing chosen on held-out rows, then on all rows."""
        self.settings.monitor.begin(str(structure))
        encoding, unit = self.table.encoding.with_logs(structure.logs), self._unit(structure)
        data, options = self.data(structure, encoding, unit), self.options(structure)
        generator = torch.Generator().manual_seed(self.settings.seed)
        shape, bounds = self._architecture(structure, encoding, data)
        together = self.row_groups if self.table.groups is None else self.table.groups
        rank = torch.randperm(int(together.max()) + 1, generator=generator).numpy()
        count = min(self.distinct_rows // 5, HELD_OUT_ROWS)
        before = rows_before(together, self.row_groups, rank)
        test, rest = (
            torch.tensor(np.flatnonzero(rows), device=data.target.device)
            for rows in (before < count, (before >= count) & (before < count + TRAINED_ROWS))
        )
        rows = data.rows(rest), data.rows(test)
        trained, output = fit_held_out(shape, *rows, bounds, generator, options, self.max_grid_size)
        run = train_on_all_rows(trained, data, options, float(rows[0].weights.sum()))
        places, predicted = test.cpu().numpy(), output.cpu().numpy()
        if structure.log_target and not structure.has_log_link:
            learned = options.objective(rows[0]).outputs(trained.network, rows[0].inputs)[0, :, 0]
            seen, weights = rest.cpu().numpy(), rows[0].weights.cpu().numpy()
            sums = np.average(self.table.target[seen], weights=weights)
            predicted = np.exp(predicted) * sums / np.average(np.exp(learned.cpu().numpy()), weights=weights)
        held_out = HeldOutPredictions(places, predicted * unit)
        left_out = self._left_out(run, data, options, trained, rows, test) if shape.is_large else None
        return self.judge(
            structure, encoding, unit, run, describe_fit(run, data, options, left_out), held_out
        )

    def _left_out(
        self,
        run: TrainedBatch,
        data: Data,
        options: FitOptions,
        trained: TrainedBatch,
        rows: tuple[Data, Data],
        test: torch.Tensor,
    ) -> torch.Tensor:
        """Return residuals of a large network as if rows were left out, (n,).

        Those of rows held out are theirs; others grow as much as the loss does from rows learned from to these.
        """
        judge = HeldOutLoss(rows[1], options)
        known = judge.losses(trained.network, rows[0]).clamp(min=torch.finfo(trained.score.dtype).tiny)
        growth = (trained.score / known).sqrt().nan_to_num(nan=1.0).clamp(min=1.0)
        left_out = options.objective(data).residuals(run.network)[0, :, 0] * growth
        left_out[test] = rows[1].target[:, 0] - judge.outputs(trained.network)[0]
        return left_out

    def _architecture(
        self, structure: LawStructure, encoding: FeatureEncoding, data: Data, grid_size: int | None = None
    ) -> tuple[Architecture, tuple[torch.Tensor, torch.Tensor]]:
        """Return the initial architecture of a structure, and the grid ranges of its splines."""
        straight = data.inputs.numbers[:, : len(encoding.numbers)].cpu().numpy()
        grid_size = grid_size or self.grid_size(structure)
        ends = knot_range(straight, grid_size, self.table.weights)
        low, high = (torch.tensor(end, device=self.settings.device) for end in ends)
        shape = Architecture(
            len(encoding.numbers),
            cycles=len(encoding.periodic),
            categories=tuple(len(feature.categories) for feature in encoding.categories),
            hidden=structure.hidden,
            products=structure.products,
            grid_size=grid_size,
        )
        return shape, (low, high)

    def refine(self, trial: Trial) -> Trial:
        """Refine the grid of `trial`; return the better of the two trials.

        If smoothing was chosen on held-out rows, so was the grid, which is then not refined.
        """
        if trial.held_out is not None:
            return trial
        data, run = self.data(trial.structure, trial.encoding, trial.unit), trial.trained
        options = self.options(trial.structure)
        if trial.structure.hidden:
            part = self._sample(data, SEARCH_ROWS, torch.Generator().manual_seed(self.settings.seed))
            finer = refine_grid(run, part, options, self.max_grid_size)
            if part is not data and finer is not run:
                finer = train_until_one(finer, data, options)
        else:
            finer = self._refine_grid(run, data, options)
        if finer is run:
            return trial
        fitted = describe_fit(finer, data, options)
        return self.prefer(
            trial, self.judge(trial.structure, trial.encoding, trial.unit, finer, fitted), FINER
        )

    def _refine_grid(self, run: TrainedBatch, data: Data, options: FitOptions) -> TrainedBatch:
        """Double the grid of an additive network while its score falls.

        Its smoothing is chosen again on every grid, so that a finer grid does not overfit.
        """
        shape = run.network.architecture
        most = int(self.distinct_rows / self.design_effect) // 4
        largest = self.settings.grid_size or min(FINEST_PLAIN, max(1, most))
        while (
            2 * shape.grid_size <= largest and 2 * shape.parameters <= MOST_PLAIN and not run.history.stopped
        ):
            tried = retrain(replace(run, network=run.network.refine_grid()), data, options)
            if not float(tried.score[0]) < PLAIN_WORTH * float(run.score[0]):
                break
            run, shape = tried, tried.network.architecture
        return run

    def judge(
        self,
        structure: LawStructure,
        encoding: FeatureEncoding,
        unit: float,
        run: TrainedBatch,
        fitted: FittedNetwork,
        held_out: HeldOutPredictions | None = None,
    ) -> Trial:
        """Compute the leave-one-out predictions and scores of a fitted structure."""
        link = self._link(structure)
        return Trial(
            structure,
            encoding,
            run,
            fitted,
            unit,
            link,
            log_burden=self.log_burden(structure.logs),
            held_out=held_out,
            **scores(self.table, structure, fitted, unit, link),
        )

    def is_significant_gain(self, simple: Trial, rich: Trial) -> bool:
        """Return whether `rich` lowers the squared error on held-out, or left-out, rows significantly.

        Where rows were held out, they say how much is gained. Whether that is chance is asked of all rows as well, each
        left out in turn: of a fifth of them a few wild ones decide.
        """
        share, deviations = self._gain(simple, rich, rich.held_out)
        if share <= PAYS or deviations > SURE:
            return share > PAYS
        share, deviations = self._gain(simple, rich, None)
        return share > PAYS and deviations > SURE

    def _gain(self, simple: Trial, rich: Trial, held_out: HeldOutPredictions | None) -> tuple[float, float]:
        """Return by how much `rich` lowers the squared error: as a share of it, and in standard errors of the gain."""
        rows = slice(None) if held_out is None else held_out.rows
        target, weights = self.table.target[rows], self.table.weights[rows]
        if held_out is None:
            predicted = simple.predicted, rich.predicted
        else:
            predicted = self._held_out_predictions(simple, rich), held_out.predicted
        first, second = ((target - each) ** 2 for each in predicted)
        gain = float(np.average(first - second, weights=weights))
        variance = float(np.average((first - second - gain) ** 2, weights=weights))
        error = np.sqrt(variance * self.design_effect / weights.sum())
        tiny = np.finfo(float).tiny
        return gain / max(float(np.average(first, weights=weights)), tiny), gain / max(error, tiny)

    def _held_out_predictions(self, trial: Trial, by: Trial) -> Floats:
        """Return the predictions of `trial` for the rows held out by `by`: held-out if available, else left-out."""
        if by.held_out is None:
            return trial.predicted
        return trial.predicted[by.held_out.rows] if trial.held_out is None else trial.held_out.predicted

    def unexplained(self, trial: Trial) -> float:
        """Return the fraction of the target's variance that `trial` does not explain on held-out rows."""
        assert trial.held_out is not None
        rows = trial.held_out.rows
        gap = self.table.target[rows] - trial.held_out.predicted
        return (
            float(np.average(gap**2, weights=self.table.weights[rows]))
            / self.table.target_deviation(False) ** 2
        )

    def has_interactions(self, additive: Trial) -> bool:
        """Whether what an additive trial leaves depends on two columns together, in the target or its logarithm."""
        table = self.table
        rows = np.random.default_rng(self.settings.seed).permutation(len(table))[:GATE_ROWS]
        target, predicted = table.target[rows], additive.predicted[rows]
        residuals = [target - predicted]
        if target.min() > 0.0 and predicted.min() > 0.0:
            residuals.append(np.log(target) - np.log(predicted))
        numbers = np.column_stack([table.numbers[rows], predicted])
        found = (
            interaction_gain(each, numbers, table.codes[rows], table.weights[rows], self.settings.seed)
            for each in residuals
        )
        return any(gain > INTERACTION for gain in found)

    def prefer(self, first: Trial, second: Trial, margin: float = MARGIN) -> Trial:
        """Return the preferred trial: the simpler one unless the other is clearly more accurate."""
        simple, rich = sorted((first, second), key=lambda trial: trial.complexity)
        gain = rich.density - simple.density
        mean = float(np.average(gain, weights=self.table.weights))
        variance = float(np.average((gain - mean) ** 2, weights=self.table.weights))
        wider = sum(rich.structure.hidden) > sum(simple.structure.hidden)
        if mean <= max(GROWTH if wider else margin, np.sqrt(variance * self.design_effect / self.rows)):
            return simple
        return simple if wider and rich.mean_absolute_error > WORSE * simple.mean_absolute_error else rich

    def best(self, trials: list[Trial]) -> Trial:
        """Return the preferred trial of all, by pairwise comparison."""
        chosen = trials[0]
        for trial in trials[1:]:
            chosen = self.prefer(chosen, trial)
        return chosen

    def accuracy(self, trial: Trial) -> float:
        """Return 1 − (scale of the residuals / standard deviation)², on the scale of the model."""
        return 1.0 - (trial.scale / self.table.target_deviation(trial.structure.log_target)) ** 2

    def options(self, structure: LawStructure, design_effect: float | None = None) -> FitOptions:
        """Return the fit options of a structure."""
        groups = self.table.groups
        shared = self.design_effect if design_effect is None else design_effect
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

    def _sample(self, data: Data, rows: int, generator: torch.Generator) -> Data:
        return data if len(data) <= 2 * rows else data.drawn(rows, generator)
