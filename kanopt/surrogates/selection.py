"""The structure of a law, chosen on its training rows.

Structures differ in the target (as it is, or its logarithm), in the features taken as logarithms, and in the
hidden nodes. Each is fitted, and judged by the logarithm of the density it gives to every row when that row
is left out (by the leverage of the Gauss-Newton model). The density is that of the target in its own units,
so that a model of the logarithm, whose density is divided by the target (Box and Cox 1964, JRSS B 26, eq. 7),
can be compared with one of the target itself. Residuals are taken as Student's t with five degrees of
freedom, whose tails let gross errors weigh little.

A structure with fewer effective parameters wins against one that gains less than 0.01 per row (2 % of the
squared error), or less than one standard error of the gain (the one-standard-error rule, Hastie, Tibshirani
and Friedman 2009, section 7.10).

Where one product leaves noise, four hidden nodes are tried on the target itself, by squares and, where it is positive,
behind an exponential link by squares over the mean; a fifth of the rows is held out to choose the smoothing
(:mod:`kanopt.kan.heldout`). They have to lower the squared error on these rows, in the units of the target, by three
percent and one standard error. By the same measure the target is left as it is where its logarithm was denser.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.kan.fit import FitOptions, Run, fit_starts, grown, settled
from kanopt.kan.fitted import Fitted, finish
from kanopt.kan.heldout import fit_held_out, on_all_rows
from kanopt.kan.large import fit_large, is_large
from kanopt.kan.links import Exponential, Link, Logistic, Softplus
from kanopt.kan.objective import Data
from kanopt.kan.pruning import prune, shrunk
from kanopt.kan.shape import Inputs, Shape
from kanopt.kan.trainer import TrainerOptions
from kanopt.surrogates.density import weighted_quantile
from kanopt.surrogates.encoding import Encoding, knot_range
from kanopt.surrogates.settings import Settings
from kanopt.surrogates.trials import Fit, HeldOut, Structure, Table, Trial, judged

__all__ = ["Search", "choose"]

Floats = NDArray[np.float64]

MARGIN = 0.01
"""Least gain in log density per row for more effective parameters."""
GROWTH = 0.03
"""Least gain in log density per row for more hidden nodes."""
NO_ERROR = 1.0 - 1e-8
"""Accuracy beyond which no richer structure is tried."""
SEARCH_ROWS = 4_000
"""Hidden nodes are sought on this many rows."""
TRAINED_ROWS, HELD_OUT_ROWS = 5_000, 4_000
"""Most rows that smoothing is chosen on, and that judge it."""
NOISE, CLEAN = 1e-3, 5e-3
"""Share of the variance that one product must leave to look for noise, and that is noise if four nodes leave it."""
PAYS = 0.03
"""Least share of the squared error on rows held out that more hidden nodes must save."""
WIDE = 60
"""Categories past which four nodes are tried on one target alone, and two nodes not where these left noise."""
LEAST_ROWS = 400
"""Fewer rows can spare none to be held out."""
PRUNE_ROWS = 5_000
"""Edges are taken away on this many rows."""
COARSE, PLAIN, FINEST = 5, 10, 40
"""Intervals of a spline that hidden nodes begin with, that additive laws begin with, and that neither passes."""
WORSE = 1.05
"""Hidden nodes must not raise the mean error in the units of the target beyond this factor."""


class Search:
    """Fits structures on one table and compares them."""

    def __init__(self, table: Table, settings: Settings) -> None:
        self.table = table
        self.settings = settings
        self.trials: list[Trial] = []

    @cached_property
    def rows(self) -> float:
        """Rows, those of weight k counted k times."""
        return float(self.table.weights.sum())

    @property
    def spares_rows(self) -> bool:
        """Whether smoothing may be chosen by rows held out."""
        return self.settings.smoothing is None and len(self.table) >= LEAST_ROWS

    @property
    def wide(self) -> bool:
        """Whether tables over many categories make every hidden node dear."""
        return sum(len(feature.categories) for feature in self.table.encoding.categories) > WIDE

    @cached_property
    def finest(self) -> int:
        """Most intervals of a spline: as asked, or as many as the number of different rows can carry."""
        return int(min(self.settings.grid_size or FINEST, max(1, self.distinct // 4)))

    def grid_size(self, structure: Structure) -> int:
        """Return the intervals that a structure begins with; doubling them leads to the finest where that is asked."""
        if structure.hidden:
            halved = self.finest // 2 if self.finest % 2 == 0 else self.finest
            return min(COARSE, self.finest) if self.settings.grid_size is None else halved
        return min(PLAIN, self.finest) if self.settings.grid_size is None else self.finest

    @cached_property
    def decades(self) -> tuple[bool, ...]:
        """Whether the middle nine tenths of a numeric feature span two decades."""
        weights = self.table.weights
        return tuple(
            bool(
                column.min() > 0
                and weighted_quantile(column, weights, 0.95)
                >= 100.0 * weighted_quantile(column, weights, 0.05)
            )
            for column in self.table.numbers.T[: len(self.table.encoding.numbers)]
        )

    def unusual(self, logs: tuple[bool, ...]) -> float:
        """Return how many effective parameters a choice of logarithms has to save.

        A logarithm has to save one. Where a feature spans decades its absence has to show in the error
        instead: without it most rows of such a column lie in one cell of the grid.
        """
        pairs = list(zip(logs, self.decades, strict=True))
        if any(far and not log for log, far in pairs):
            return float("inf")
        return float(sum(log and not far for log, far in pairs))

    @cached_property
    def copies(self) -> NDArray[np.int64]:
        """The number of every row's kind: copies of one row have the same; (n,)."""
        table = self.table
        everything = pd.DataFrame(np.column_stack([table.numbers, table.codes, table.target]))
        kinds = everything.groupby(list(everything.columns), sort=False).ngroup()
        return np.asarray(kinds, dtype=np.int64)

    @cached_property
    def distinct(self) -> int:
        """Rows that copy no other row."""
        return int(self.copies.max()) + 1

    def data(self, structure: Structure, encoding: Encoding, unit: float) -> Data:
        """Return the rows as the network sees them."""
        device = self.settings.device
        logs = structure.log_target and not structure.linked
        target = np.log(self.table.target) if logs else self.table.target
        inputs = Inputs(
            torch.tensor(encoding.encode_numbers(self.table.numbers), device=device),
            torch.tensor(self.table.codes, device=device),
        )
        weights = torch.tensor(self.table.weights, device=device)
        return Data(inputs, torch.tensor(target[:, None] / unit, device=device), weights)

    def fit(self, structure: Structure) -> Trial:
        """Fit a structure on all rows; hidden nodes are first sought on some rows and a coarse grid."""
        self.settings.watch.begin(str(structure), len(self.trials))
        encoding, unit = self.table.encoding.with_logs(structure.logs), self._unit(structure)
        data, options = self.data(structure, encoding, unit), self.options(structure)
        generator = torch.Generator().manual_seed(self.settings.seed)
        shape, bounds = self._shape(structure, encoding, data)
        if is_large(shape):
            run, fitted = fit_large(shape, data, bounds, generator, options)
            return self.judge(structure, encoding, unit, run, fitted)
        part = self._part(data, SEARCH_ROWS, generator) if structure.hidden else data
        run = fit_starts(shape, part, bounds, generator, options)
        if part is not data:
            run = settled(run, data, options)
        return self.judge(structure, encoding, unit, run, finish(run, data, options))

    def fit_noisy(self, structure: Structure) -> Trial:
        """Fit hidden nodes on noisy rows, with the smoothing that is best on rows held out, then on all rows."""
        self.settings.watch.begin(str(structure), len(self.trials))
        encoding, unit = self.table.encoding.with_logs(structure.logs), self._unit(structure)
        data, options = self.data(structure, encoding, unit), self.options(structure)
        generator = torch.Generator().manual_seed(self.settings.seed)
        shape, bounds = self._shape(structure, encoding, data)
        # Copies of a row stay together: one would tell of the other.
        rank = torch.randperm(self.distinct, generator=generator)[torch.tensor(self.copies)]
        order = rank.argsort(stable=True).to(data.target.device)
        count = min(len(data) // 5, HELD_OUT_ROWS)
        test, rest = order[:count], order[count : count + TRAINED_ROWS]
        rows = data.rows(rest), data.rows(test)
        found = fit_held_out(shape, *rows, bounds, generator, options, self.finest)
        run = on_all_rows(found.run, data, options)
        places, predicted = test.cpu().numpy(), found.output.cpu().numpy()
        if structure.log_target and not structure.linked:
            learned = options.objective(rows[0]).outputs(found.run.network, rows[0].inputs)[0, :, 0]
            seen, weights = rest.cpu().numpy(), rows[0].weights.cpu().numpy()
            sums = np.average(self.table.target[seen], weights=weights)
            predicted = np.exp(predicted) * sums / np.average(np.exp(learned.cpu().numpy()), weights=weights)
        held_out = HeldOut(places, predicted * unit)
        return self.judge(structure, encoding, unit, run, finish(run, data, options), held_out)

    def _shape(
        self, structure: Structure, encoding: Encoding, data: Data
    ) -> tuple[Shape, tuple[torch.Tensor, torch.Tensor]]:
        """Return the shape that a structure begins with, and the ends of its splines."""
        straight = data.inputs.numbers[:, : len(encoding.numbers)].cpu().numpy()
        grid_size = self.grid_size(structure)
        low, high = (
            torch.tensor(end, device=self.settings.device) for end in knot_range(straight, grid_size)
        )
        shape = Shape(
            len(encoding.numbers),
            cycles=len(encoding.cycles),
            categories=tuple(len(feature.categories) for feature in encoding.categories),
            hidden=structure.hidden,
            products=structure.products,
            grid_size=grid_size,
        )
        return shape, (low, high)

    def refine(self, trial: Trial) -> Trial:
        """Take edges and nodes away that `trial` does not need, and go on on finer grids; return the better.

        Where rows held out have chosen the smoothing they have chosen the grid too.
        """
        if trial.held_out is not None or is_large(trial.run.network.shape):
            return trial
        data = self.data(trial.structure, trial.encoding, trial.unit)
        options = self.options(trial.structure)
        generator = torch.Generator().manual_seed(self.settings.seed)
        run, structure = trial.run, trial.structure
        if structure.hidden and self.settings.hidden is None:
            run, gone = prune(run, self._part(data, PRUNE_ROWS, generator), options)
            if gone:
                run = settled(replace(run, network=shrunk(run.network)), data, options)
                shape = run.network.shape
                structure = replace(structure, hidden=shape.hidden, products=shape.products)
        part = self._part(data, SEARCH_ROWS, generator)
        finer = grown(run, part, options, self.finest)
        if part is not data and finer is not run:
            finer = settled(finer, data, options)
        if finer is trial.run:
            return trial
        fitted = finish(finer, data, options)
        return self.better(trial, self.judge(structure, trial.encoding, trial.unit, finer, fitted))

    def judge(
        self,
        structure: Structure,
        encoding: Encoding,
        unit: float,
        run: Run,
        fitted: Fitted,
        held_out: HeldOut | None = None,
    ) -> Trial:
        """Work out what a fitted structure says of rows left out."""
        link, unusual = self._link(structure), self.unusual(structure.logs)
        return judged(Fit(structure, encoding, run, fitted, unit, link, unusual, held_out), self.table)

    def pays(self, simple: Trial, rich: Trial) -> bool:
        """Say whether `rich` lowers the squared error of rows held out, or of all left out, enough."""
        rows = slice(None) if rich.held_out is None else rich.held_out.rows
        target, weights = self.table.target[rows], self.table.weights[rows]
        first = (target - self._foretold(simple, rich)) ** 2
        second = (target - self._foretold(rich, rich)) ** 2
        gain = float(np.average(first - second, weights=weights))
        variance = float(np.average((first - second - gain) ** 2, weights=weights))
        least = PAYS * float(np.average(first, weights=weights))
        return bool(gain > max(least, 2.0 * np.sqrt(variance / weights.sum())))

    def _foretold(self, trial: Trial, by: Trial) -> Floats:
        """Return what `trial` says of the rows that `by` has held out: as held out itself, or as left out."""
        if by.held_out is None:
            return trial.predicted
        return trial.predicted[by.held_out.rows] if trial.held_out is None else trial.held_out.predicted

    def unexplained(self, trial: Trial) -> float:
        """Return the share of the target's variance that `trial` leaves on rows held out."""
        assert trial.held_out is not None
        gap = self.table.target[trial.held_out.rows] - trial.held_out.predicted
        return float(np.mean(gap**2)) / self.table.spread(False) ** 2

    def better(self, first: Trial, second: Trial) -> Trial:
        """Return the trial to prefer: the simpler one unless the other is clearly more accurate."""
        simple, rich = sorted((first, second), key=lambda trial: trial.complexity)
        gain = rich.density - simple.density
        mean = float(np.average(gain, weights=self.table.weights))
        variance = float(np.average((gain - mean) ** 2, weights=self.table.weights))
        grown = sum(rich.structure.hidden) > sum(simple.structure.hidden)
        if mean <= max(GROWTH if grown else MARGIN, np.sqrt(variance / self.rows)):
            return simple
        return simple if grown and rich.miss > WORSE * simple.miss else rich

    def best(self, trials: list[Trial]) -> Trial:
        """Return the trial preferred to all others, compared in turn."""
        chosen = trials[0]
        for trial in trials[1:]:
            chosen = self.better(chosen, trial)
        return chosen

    def accuracy(self, trial: Trial) -> float:
        """Return 1 − (scale of the residuals / standard deviation)², on the scale of the model."""
        return 1.0 - (trial.scale / self.table.spread(trial.structure.log_target)) ** 2

    def options(self, structure: Structure) -> FitOptions:
        """Return how a structure is fitted."""
        settings = self.settings
        return FitOptions(
            starts=settings.starts,
            smoothing=settings.smoothing,
            criterion=settings.criterion,
            loss=structure.loss,
            wanted=settings.wanted,
            link=self._link(structure),
            precision=settings.precision,
            distinct=min(1.0, self.distinct / self.rows),
            trainer=TrainerOptions(watch=settings.watch),
        )

    def _unit(self, structure: Structure) -> float:
        if structure.linked:
            return float(np.average(self.table.target, weights=self.table.weights))
        return 1.0 if structure.log_target else self.table.spread(False)

    def _link(self, structure: Structure) -> Link | None:
        """Return what keeps the law where it was asked to stay; the logarithm of the target does so by itself."""
        if structure.linked:
            return Exponential()
        if structure.log_target or self.settings.reach == "any":
            return None
        unit = self._unit(structure)
        if self.settings.reach == "bounded":
            low, high = self.settings.bounds
            return Logistic(low / unit, high / unit)
        # Where targets are of their usual size the link is a straight line but for a thousandth.
        usual = weighted_quantile(np.abs(self.table.target), self.table.weights, 0.5)
        return Softplus(scale=max(usual / 7.0, 1e-3 * unit) / unit)

    def _part(self, data: Data, rows: int, generator: torch.Generator) -> Data:
        if len(self.table) <= 2 * rows:
            return data
        index = torch.randperm(len(self.table), generator=generator)[:rows]
        index = index.to(data.target.device)
        return data.rows(index)


class _Stopped(Exception):  # noqa: N818 - no error: the search was asked to end
    """The search was asked to end."""


def choose(table: Table, settings: Settings) -> tuple[Trial, list[Trial]]:
    """Return the structure to use, and every structure tried.

    Where the watch of `settings` says to stop, the best of the structures tried so far is returned.

    Raises
    ------
    FitError
        Where a logarithm is asked of values that have none.
    """
    search = Search(table, settings)
    targets = _targets(table, settings)
    try:
        chosen = _chosen(search, targets)
    except _Stopped:
        chosen = search.best(search.trials)
    if not any(trial is chosen for trial in search.trials):
        search.trials.append(chosen)
    return chosen, search.trials


def _chosen(search: Search, targets: list[bool]) -> Trial:
    settings = search.settings
    best = [_with_logs(search, _plain(search, log_target)) for log_target in targets]
    if settings.hidden is None:
        finals = _grow(search, best)
    elif settings.hidden:
        finals = [_given(search, start) for start in best]
    else:
        finals = best
    chosen = search.best(finals)
    if settings.loss is None and chosen.held_out is None:
        # Hidden nodes that were asked for are kept; only between ways to write the target is there a choice then.
        others = best if settings.hidden is None else finals
        chosen = next((trial for trial in others if search.pays(chosen, trial)), chosen)
    return search.refine(chosen)


def _given(search: Search, start: Trial) -> Trial:
    """Fit the hidden nodes that were asked for; where there is noise, with rows held out."""
    settings = search.settings
    structure = replace(start.structure, hidden=settings.hidden or (), products=settings.products)
    trial = _fit(search, structure)
    if is_large(trial.run.network.shape):
        return trial
    if search.spares_rows and 1.0 - search.accuracy(trial) > CLEAN:
        return _noted(search, search.fit_noisy(structure))
    return trial


def _fit(search: Search, structure: Structure) -> Trial:
    return _noted(search, search.fit(structure))


def _noted(search: Search, trial: Trial) -> Trial:
    """Take a trial into the list; end the search where that was asked for."""
    search.trials.append(trial)
    if search.settings.watch.stop():
        raise _Stopped
    return trial


def _targets(table: Table, settings: Settings) -> list[bool]:
    positive = bool(table.target.min() > 0)
    if settings.log_target is None and (settings.reach == "bounded" or -1 in settings.wanted.bends):
        return [False]
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
    # Behind a link a robust loss would move sums, and nothing moves them back.
    if settings.loss is None and trial.link is None and _is_heavy(search, trial):
        trial = _fit(search, replace(trial.structure, loss="huber"))
    return trial


def _with_logs(search: Search, best: Trial) -> Trial:
    """Choose the features to take as logarithms in an additive model: all, none, then one by one."""
    numbers = search.table.encoding.numbers
    bends = search.settings.wanted.bends or (0,) * len(numbers)
    wide = tuple(
        feature.low > 0 and feature.high >= 3.0 * feature.low and not bend
        for feature, bend in zip(numbers, bends, strict=True)
    )
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


def _grow(search: Search, starts: list[Trial]) -> list[Trial]:
    """Add hidden nodes to additive models while they pay.

    For the target itself first one product node. Where noise is left, then four nodes, judged by rows held out.
    Where these do not pay, or nothing is left, two nodes that add, and four for the better of the targets.
    """
    features = len(search.table.encoding.features)
    tried = list(starts)
    if features < 2 or search.rows < max(40.0, 15.0 * features):
        return tried
    if not search.settings.wanted:
        # A logarithm of the target has made sums of products; a product of such sums says little.
        plain = [start for start in starts if not start.structure.log_target]
        tried += [_fit(search, replace(start.structure, hidden=(1,), products=(1,))) for start in plain]
    best = search.best(tried)
    if search.spares_rows and 1.0 - search.accuracy(best) > NOISE:
        noisy = _grow_noisy(search, starts, best)
        if noisy is not None:
            return [noisy]
        if search.wide:
            return tried
    if search.accuracy(best) < NO_ERROR:
        tried += [_fit(search, replace(start.structure, hidden=(2,), products=())) for start in starts]
        best = search.best(tried)
    many = search.rows >= 40.0 * best.fitted.network.parameters.size
    if best.structure.hidden and many and search.accuracy(best) < NO_ERROR:
        tried.append(_fit(search, replace(best.structure, hidden=(4,), products=())))
    return tried


def _grow_noisy(search: Search, starts: list[Trial], best: Trial) -> Trial | None:
    """Add hidden nodes where they pay on rows held out; None where they do not, or what is left is no noise."""
    tried = [best] if search.wide else starts
    trials = [_noted(search, search.fit_noisy(_noisy(search, start.structure))) for start in tried]
    rich = trials.pop()
    # Behind a link factors multiply and sums come out right: the target itself has to be clearly better.
    rich = next((trial for trial in trials if search.pays(rich, trial)), rich)
    return rich if search.unexplained(rich) > CLEAN and search.pays(best, rich) else None


def _noisy(search: Search, additive: Structure) -> Structure:
    """Return the structure with hidden nodes to try: squares in the units of the target, or squares over the mean."""
    settings = search.settings
    loss = additive.loss
    if settings.loss is None:
        loss = "poisson" if additive.log_target and settings.linked else "squared"
    # Hidden nodes bend as they have to: logarithms are for features most of whose rows lie in one cell without.
    far = tuple(log and far for log, far in zip(additive.logs, search.decades, strict=True))
    logs = far if settings.logs is None else settings.logs
    return replace(additive, hidden=(4,), products=(), loss=loss, logs=logs)
