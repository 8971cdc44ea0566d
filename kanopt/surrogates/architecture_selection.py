"""The structure of a law, chosen on its training rows.

Structures differ in the target (as it is, or its logarithm), in the features taken as logarithms, and in the
hidden nodes. Each is fitted, and scored by the leave-one-out log density of every row (by the leverage of the
Gauss-Newton model). The density is that of the target in its own units, so that a model of the logarithm, whose
density is divided by the target (Box and Cox 1964, JRSS B 26, eq. 7), can be compared with one of the target itself.
Residuals are modelled as Student's t with five degrees of freedom, whose heavy tails limit the influence of gross
errors.

A structure with fewer effective parameters is preferred to one that gains less than 0.01 per row (2 % of the
squared error), or less than one standard error of the gain (the one-standard-error rule, Hastie, Tibshirani
and Friedman 2009, section 7.10).

Where noise remains, hidden nodes are tried only if a pair of columns says anything about it
(:mod:`kanopt.surrogates.screening`). If one product node (two sums, where shapes are asked for: a product keeps
none) leaves noise too, four hidden nodes are tried, with an
exponential link and squared errors divided by the mean or on the target itself by least squares, whichever form is
better without them, and on the other form where they pay; a fifth of the rows is held out to choose the smoothing
(:mod:`kanopt.kan.heldout`). They have to lower the squared error on these rows, in the units of the target, by three
percent, and by two standard errors on these or on all rows left out in turn, or be preferred as above without a higher
error here. By the same criterion the
untransformed target may replace a logarithm with a higher density.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanopt.errors import FitError
from kanopt.surrogates.architecture_search import ArchitectureSearch
from kanopt.surrogates.calendar import period_of
from kanopt.surrogates.monitor import SearchStopped
from kanopt.surrogates.options import Settings
from kanopt.surrogates.screening import MANY
from kanopt.surrogates.trials import LawStructure, TrainingTable, Trial
from kanopt.text import number_text

FEW, HALF = 0.002, 0.5
"""Share of rows with wild residuals, or of the squares that they make, past which a loss has to hold them back."""
EXACT = 5e-4
"""Share of the variance of the usual targets below which what is left is no noise."""
NO_ERROR = 1.0 - 1e-8
"""Accuracy beyond which no richer structure is tried."""
NOISE, CLEAN = 1e-3, 5e-3
"""Share of the variance that one product must leave to look for noise, and that is noise if four nodes leave it."""


def select_structure(table: TrainingTable, settings: Settings) -> tuple[Trial, list[Trial]]:
    """Return the selected structure, and every structure tried.

    If the monitor of `settings` asks to stop, the best structure tried so far is returned.

    Raises
    ------
    FitError
        If a logarithm is requested of values that are not positive.
    """
    search = ArchitectureSearch(table, settings)
    targets = _targets(table, settings)
    try:
        chosen = _select(search, targets)
    except SearchStopped:
        chosen = search.best(search.trials)
    if not any(trial is chosen for trial in search.trials):
        search.trials.append(chosen)
    return chosen, search.trials


def _select(search: ArchitectureSearch, targets: list[bool]) -> Trial:
    settings = search.settings
    settings.monitor.most = _most_structures(search, targets)
    best = _fit_additive_targets(search, targets)
    if settings.hidden is None:
        finals = _add_hidden(search, best)
    elif settings.hidden:
        finals = [_fit_requested(search, start) for start in best]
    else:
        finals = best
    chosen = search.best(finals)
    if settings.loss is None and chosen.held_out is None:
        # Hidden nodes that were asked for are kept; only between ways to write the target is there a choice then.
        others = best if settings.hidden is None else finals
        chosen = next((trial for trial in others if search.is_significant_gain(chosen, trial)), chosen)
    return search.refine(chosen)


def _most_structures(search: ArchitectureSearch, targets: list[bool]) -> int:
    """Return how many structures are tried at most: with both losses, all logarithms and all hidden nodes."""
    settings = search.settings
    logs = 0 if settings.logs is not None else 1 + min(len(search.table.encoding.numbers), 8)
    additive = 2 if settings.loss is None else 1
    hidden = 0 if settings.hidden == () else 2 if settings.hidden else 3
    return len(targets) * (additive + logs + hidden) + (settings.hidden is None)


def _fit_requested(search: ArchitectureSearch, start: Trial) -> Trial:
    """Fit the requested hidden nodes; with held-out rows if there is noise."""
    settings = search.settings
    structure = replace(start.structure, hidden=settings.hidden or (), products=settings.products)
    trial = _fit(search, structure)
    if trial.held_out is not None:
        return trial
    if search.can_hold_out and 1.0 - search.accuracy(trial) > CLEAN:
        return _record_trial(search, search.fit_noisy(structure))
    return trial


def _fit(search: ArchitectureSearch, structure: LawStructure) -> Trial:
    return _record_trial(search, search.fit(structure))


def _record_trial(search: ArchitectureSearch, trial: Trial) -> Trial:
    """Append a trial to the list; stop the search if requested."""
    search.trials.append(trial)
    search.settings.monitor.note_error(trial.rmse)
    if search.settings.monitor.should_stop():
        raise SearchStopped
    return trial


def _targets(table: TrainingTable, settings: Settings) -> list[bool]:
    positive = bool(table.target.min() > 0)
    if settings.log_target is None and (
        settings.target_range == "bounded" or -1 in settings.shape_constraints.convexity
    ):
        return [False]
    if settings.log_target is None:
        wide = positive and table.target.max() > 1.5 * table.target.min()
        return [False, True] if wide else [False]
    if settings.log_target and not positive:
        row = int(table.target.argmin())
        raise FitError(
            f"log_target=True needs a target above zero; row {row} has {number_text(table.target[row], 6)}; "
            "leave such rows out or use log_target=False"
        )
    return [settings.log_target]


def _fit_additive_targets(search: ArchitectureSearch, targets: list[bool]) -> list[Trial]:
    """Fit an additive model for every form of the target; logarithms of features are chosen for one that may win."""
    found = [_fit_additive(search, log_target) for log_target in targets]
    best = search.best(found)
    return [
        trial
        if search.is_significant_gain(trial, best) and search.prefer(trial, best) is best
        else _select_logs(search, trial)
        for trial in found
    ]


def _fit_additive(search: ArchitectureSearch, log_target: bool) -> Trial:
    """Fit an additive model without logarithms of features, by squares first; choose the loss."""
    settings = search.settings
    logs = settings.logs or tuple(False for _ in search.table.encoding.numbers)
    trial = _fit(search, LawStructure(log_target, logs, (), settings.loss or "squared"))
    # Behind a link a robust loss would move sums, and nothing moves them back.
    if settings.loss is None and trial.link is None and _has_heavy_tails(search, trial):
        trial = _fit(search, replace(trial.structure, loss="huber"))
    return trial


def _select_logs(search: ArchitectureSearch, best: Trial) -> Trial:
    """Choose the features to take logarithms of in an additive model: all, none, then one by one.

    Where some were tried before, the choice stands.
    """
    alike = [t.structure for t in search.trials if t.structure.log_target == best.structure.log_target]
    if any(any(structure.logs) for structure in alike):
        return best
    numbers = search.table.encoding.numbers
    bends = search.settings.shape_constraints.convexity or (0,) * len(numbers)
    wide = tuple(
        feature.low > 0
        and feature.high >= 3.0 * feature.low
        and not bend
        and not period_of(feature.name, values)
        for feature, bend, values in zip(numbers, bends, search.table.numbers.T, strict=False)
    )
    if search.settings.logs is not None or not any(wide):
        return best
    best = search.prefer(best, _fit(search, replace(best.structure, logs=wide)))
    if 1 < sum(wide) <= 8:
        for index in np.flatnonzero(wide):
            logs = list(best.structure.logs)
            logs[index] = not logs[index]
            best = search.prefer(best, _fit(search, replace(best.structure, logs=tuple(logs))))
    return best


def _has_heavy_tails(search: ArchitectureSearch, trial: Trial) -> bool:
    """Return whether residuals have heavy tails, to which least squares would overfit: any beyond 5 σ.

    Residuals of a law without noise have tails too, but need no robust loss. Their size is compared with a robust
    spread of the targets, which outliers do not inflate.
    """
    exact = trial.scale < np.sqrt(EXACT) * search.table.robust_deviation(trial.structure.log_target)
    return (
        search.rows >= 50 and not exact and (trial.outlier_share > FEW or trial.outlier_squares_share > HALF)
    )


def _add_hidden(search: ArchitectureSearch, starts: list[Trial]) -> list[Trial]:
    """Add hidden nodes to additive models while that is an improvement.

    Where noise remains and no pair of columns says anything about it, none are tried. For the untransformed target
    first one product node, or two sum nodes where shapes are asked for. If noise remains, then four nodes, evaluated on
    held-out rows. If no noise remains, two sum nodes, and four for the better of the targets.
    """
    features = len(search.table.encoding.features)
    tried = list(starts)
    if features < 2 or search.rows < max(40.0, 15.0 * features) or search.has_too_many_categories:
        return tried
    best = search.best(tried)
    noisy = search.can_hold_out and 1.0 - search.accuracy(best) > NOISE
    if noisy and not search.has_interactions(best):
        return tried
    starts = [_select_logs(search, start) for start in starts]
    tried = list(starts)
    tried += [_fit(search, each) for each in _least_interactions(search, starts)]
    best = search.best(tried)
    if search.can_hold_out and 1.0 - search.accuracy(best) > NOISE:
        if best.structure.hidden and not search.has_interactions(best):
            return tried
        rich, pays, noise_remains = _add_hidden_held_out(search, starts, best)
        if pays and noise_remains:
            return [rich]
        if search.has_many_categories or noise_remains:
            return tried
        # without noise smoothing by evidence is closer, if two or four nodes can be trained like that
        tried += [rich] if pays else []
    if search.accuracy(best) < NO_ERROR:
        pairs = [replace(start.structure, hidden=(2,), products=()) for start in starts]
        known = [trial.structure for trial in tried]
        tried += [_fit(search, pair) for pair in pairs if pair not in known]
        best = search.best(tried)
    many = search.rows >= 40.0 * best.trained.network.architecture.parameters
    if best.structure.hidden and many and search.accuracy(best) < NO_ERROR:
        tried.append(_fit(search, replace(best.structure, hidden=(4,), products=())))
    return tried


def _least_interactions(search: ArchitectureSearch, starts: list[Trial]) -> list[LawStructure]:
    """Return the simplest structures in which columns act together: one product, or two sums where shapes are asked.

    A product keeps no shape; as (a + b)² − (a − b)² it is two sums, whose edges are held to it.
    """
    # A logarithm of the target has made sums of products; a product of such sums says little.
    plain = [start.structure for start in starts if not start.structure.log_target]
    if not search.settings.shape_constraints:
        return [replace(each, hidden=(1,), products=(1,)) for each in plain]
    return [
        replace(each, hidden=(2,), products=()) for each in plain or [start.structure for start in starts]
    ]


def _add_hidden_held_out(
    search: ArchitectureSearch, starts: list[Trial], best: Trial
) -> tuple[Trial, bool, bool]:
    """Return the best trial with four hidden nodes, whether it pays on held-out rows, and whether it leaves noise.

    They are fitted to the better of the targets; if they pay, to the other one too, unless many columns or categories
    make a trial as long as all before it.
    """

    def fit(start: Trial) -> Trial:
        return _record_trial(search, search.fit_noisy(_noisy_structure(search, start.structure)))

    first = search.best(starts)
    rich = fit(best if search.has_many_categories else first)
    pays = _pays(search, best, rich)
    both = not search.has_many_categories and len(search.table.encoding.numbers) <= MANY
    if both and (pays or not search.unexplained(rich) > CLEAN):
        for start in starts:
            if start is first:
                continue
            # Behind a link factors multiply and sums come out right: the target itself has to be clearly better.
            logs, plain = sorted((rich, fit(start)), key=lambda trial: not trial.structure.log_target)
            rich = plain if search.is_significant_gain(logs, plain) else logs
        pays = _pays(search, best, rich)
    return rich, pays, search.unexplained(rich) > CLEAN


def _pays(search: ArchitectureSearch, simple: Trial, rich: Trial) -> bool:
    """Whether hidden nodes foretell rows held out better than a simpler trial.

    A few wild rows make every gain in squares uncertain; where all rows are foretold better, no loss is enough.
    """
    denser = search.prefer(simple, rich) is rich and not search.is_significant_gain(rich, simple)
    return denser or search.is_significant_gain(simple, rich)


def _noisy_structure(search: ArchitectureSearch, additive: LawStructure) -> LawStructure:
    """Return the structure with hidden nodes to try: least squares, or squared errors divided by the mean."""
    settings = search.settings
    loss = additive.loss
    if settings.loss is None:
        loss = "poisson" if additive.log_target else "squared"
    # Hidden nodes bend as they have to: logarithms are for features most of whose rows lie in one cell without.
    far = tuple(log and far for log, far in zip(additive.logs, search.spans_decades, strict=True))
    logs = far if settings.logs is None else settings.logs
    return replace(additive, hidden=(4,), products=(), loss=loss, logs=logs)
