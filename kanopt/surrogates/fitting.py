"""Learn a law from a checked table."""

from __future__ import annotations

import warnings
from dataclasses import replace
from types import NoneType

import numpy as np
import torch
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FitError, KanoptWarning
from kanopt.formulas import Formula, Input, Variable
from kanopt.formulas.domain import Domain
from kanopt.formulas.error_model import design_effect
from kanopt.kan.network import InputTensors
from kanopt.kan.trainer import Logistic, Softplus
from kanopt.kan.training import weight_function
from kanopt.surrogates.architecture_search import ArchitectureSearch
from kanopt.surrogates.calendar import period_of
from kanopt.surrogates.curves import FittedLaw, curves_of, held_positive, places_of
from kanopt.surrogates.encoding import round_logs
from kanopt.surrogates.groups import Rows, SharedErrors
from kanopt.surrogates.monitor import SearchStopped
from kanopt.surrogates.options import Settings
from kanopt.surrogates.readings import feature_importances, fit_measures
from kanopt.surrogates.screening import MANY
from kanopt.surrogates.trials import LawStructure, TrainingTable, Trial, smearing_factor
from kanopt.text import number_text, percent_text, score_text

# The structure of a law, chosen on its training rows.
#
# Structures differ in the target (as it is, or its logarithm), in the features taken as logarithms, and in
# the hidden nodes. Each is fitted, and scored by the leave-one-out log density of every row (by the
# leverage of the Gauss-Newton model). The density is that of the target in its own units, so that a model
# of the logarithm, whose density is divided by the target (Box and Cox 1964, JRSS B 26, eq. 7), can be
# compared with one of the target itself. Residuals are modelled as Student's t with five degrees of
# freedom, whose heavy tails limit the influence of gross errors.
#
# A structure with fewer effective parameters is preferred to one that gains less than 0.01 per row (2 % of
# the squared error), or less than one standard error of the gain (the one-standard-error rule, Hastie,
# Tibshirani and Friedman 2009, section 7.10).
#
# Where noise remains, hidden nodes are tried only if a pair of columns says anything about it
# (:mod:`kanopt.surrogates.screening`). If one product node (two sums, where shapes are asked for: a product
# keeps none) leaves noise too, four hidden nodes are tried, with an exponential link and squared errors
# divided by the mean or on the target itself by least squares, whichever form is better without them, and
# on the other form where they pay; a fifth of the rows is held out to choose the smoothing
# (:func:`kanopt.kan.fit.fit_held_out`). They have to lower the squared error on these rows, in the units of the
# target, by three percent, and by two standard errors on these or on all rows left out in turn, or be
# preferred as above without a higher error here. By the same criterion the untransformed target may replace
# a logarithm with a higher density.

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


def _fit_requested(search: ArchitectureSearch, start: Trial) -> Trial:
    """Fit the requested hidden nodes; with held-out rows if there is noise."""
    settings = search.settings
    structure = replace(start.structure, hidden=settings.hidden or ())
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
    if settings.log_target is None and settings.target_range == "bounded":
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
    wide = tuple(
        feature.low > 0 and feature.high >= 3.0 * feature.low and not period_of(feature.name, values)
        for feature, values in zip(numbers, search.table.numbers.T, strict=False)
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


SAMPLE = 256
SHUFFLED = 2000
MISSED = 0.05
"""Share of the sum of the targets that a robust law may miss without a word."""
ROBUST = ("huber", "tukey")
WILD = 4.5
"""Scales from the law beyond which a row is wild: of normal errors seven in a million are."""
WILD_SHARE = 1e-3
"""Share of wild rows up to which the others have their full weight; of any table one may be wild."""
LEAST_SHARED = 1.1
"""Rows of a group that say as much as one row: fewer share nothing worth a second fit."""
TRUSTED = 3
"""Decimals of a robust weight."""
HELD_BACK = 0.5
"""Robust weights below this are of rows that are held back."""


Learned = tuple[FittedLaw, int, Rows]
"""The law, how many structures were tried, and the rows as fitted, on which a formula is chosen."""


def learn(table: TrainingTable, settings: Settings) -> Learned:
    """Choose the structure and fit it.

    What rows of a group share hides what differs within groups. So where they share something, structure and fit are
    chosen again without it (expectation maximization would repeat that; Laird and Ware 1982, Biometrics 38). What lies
    between groups stays as the first law has it, to which a group said little more than one row.
    """
    trial, tried = select_structure(table, settings)
    if table.groups is None or settings.monitor.should_stop():
        return _learned(table, trial, tried, settings)
    residuals = _residuals(table, trial)
    if design_effect(residuals, table.weights, table.groups) < LEAST_SHARED:
        return _learned(table, trial, tried, settings)
    shared, log = SharedErrors.of(residuals, table.weights, table.groups), trial.structure.log_target
    again, tried_again = select_structure(_alone(table, shared, log=log), replace(settings, log_target=log))
    if settings.monitor.should_stop():
        # who stops the second choice at its beginning has a worse law than the first
        return _learned(table, trial, tried, settings)
    return _learned(table, again, tried_again, settings, shared)


def _alone(table: TrainingTable, shared: SharedErrors, *, log: bool) -> TrainingTable:
    """Return the table without what rows of a group share; of a law of the logarithm that is a factor."""
    target = table.target * np.exp(-shared.common) if log else table.target - shared.common
    return replace(table, target=target)


def _learned(
    table: TrainingTable,
    trial: Trial,
    tried: list[Trial],
    settings: Settings,
    shared: SharedErrors | None = None,
) -> Learned:
    """Return the law of `trial` on the rows of `table`; see :func:`learn`."""
    law, rows = _law(table, trial, tried, settings, shared)
    _warn_of_biased_sum(table, trial, law.predict(rows.inputs))
    return law, len(tried), rows


def _residuals(table: TrainingTable, trial: Trial) -> Floats:
    """Return what a trial leaves of every row held out, on the scale of its law; (n,)."""
    if trial.structure.has_log_link:
        # exp(f) · unit is the exponential of a network again, and the law is that of a log target
        return np.log(table.target) - np.log(trial.predicted / trial.smearing)
    return np.asarray((trial.fitted.left_out_residual - trial.shift) * trial.unit)


def _law(
    table: TrainingTable,
    trial: Trial,
    tried: list[Trial],
    settings: Settings,
    shared: SharedErrors | None,
) -> tuple[FittedLaw, Rows]:
    """Return the law of a trial, and the rows as fitted."""
    fitted, unit = trial.fitted, trial.unit
    if trial.structure.has_log_link:
        link, factor, shift = None, 1.0, float(np.log(unit))
    else:
        link, factor = (None, unit) if trial.link is None else trial.link.scaled(unit)
        shift = trial.shift
    assert isinstance(link, (Softplus, Logistic, NoneType)), link
    residuals, effective, predicted = _residuals(table, trial), table.weights, trial.predicted
    smearing, log = trial.smearing, trial.structure.log_target
    alone = table if shared is None else _alone(table, shared, log=log)
    if shared is not None:
        own = _residuals(alone, trial)
        residuals = own + shared.means(shared.residual - own, table.weights)
        if log:
            smearing = smearing_factor(table.target, residuals, table.weights, by_sums=True)
        predicted = smearing * table.target * np.exp(-residuals) if log else table.target - residuals
    if trial.structure.has_log_link or shared is not None:
        variance = float(np.average(residuals**2, weights=table.weights))
    else:
        variance = fitted.variance * unit**2
    if table.groups is not None:
        effective = effective / design_effect(residuals, table.weights, table.groups)
    order = np.argsort(residuals, kind="stable")
    numbers = trial.encoding.encode_numbers(table.numbers)
    inputs = np.hstack([numbers, table.codes])
    rng = np.random.default_rng(settings.seed)
    sample = np.sort(_drawn(table.weights, SAMPLE, rng))
    law = FittedLaw(
        encoding=trial.encoding,
        network=_network(table, trial, numbers, factor, shift),
        log_target=log,
        smearing=smearing,
        loss=trial.structure.loss,
        variance=variance,
        edf=fitted.edf,
        residuals=residuals[order],
        residual_weights=effective[order],
        sample=inputs[sample],
        middle=np.empty(0),
        importance=np.empty(0),
        measures={},
        link=link,
        lowest=float(table.target[table.weights > 0].min()),
    )
    law = held_positive(law) if settings.hold_positive else law
    law = replace(law, middle=law.on_residual_scale(inputs)[order])
    drawn = inputs[_drawn(table.weights, SHUFFLED, rng)]
    importance = feature_importances(law.predict, law.encoding, drawn, settings.seed)
    measures = {
        "training": fit_measures(table.target, law.predict(inputs), table.weights),
        "left out": fit_measures(table.target, predicted, table.weights),
    }
    law = replace(law, importance=importance, measures=measures)
    rows = _rows(alone, trial, tried, inputs)
    if shared is None:
        return law, rows
    return law, replace(rows, shared=replace(shared, lift=smearing / trial.smearing))


def _drawn(weights: Floats, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return places of rows drawn by their weights: each at most once where these are equal, else as often as they say.

    Steps of one length through all the weights, in random order, draw a row of k times the weight k times as often but
    for one (systematic sampling; Madow and Madow 1944, Ann. Math. Stat. 15).
    """
    order = rng.permutation(len(weights))
    if (weights == weights[0]).all():
        return order[:count]
    ends = np.cumsum(weights[order])
    return np.asarray(order[np.searchsorted(ends, ends[-1] * (np.arange(count) + 0.5) / count)])


def _warn_of_biased_sum(table: TrainingTable, trial: Trial, predicted: Floats) -> None:
    """Warn if a robust loss, which downweights outliers, biases the sum of the predictions."""
    ratio = float(table.weights @ predicted) / (float(table.weights @ table.target) or 1.0)
    if trial.structure.loss in ROBUST and table.target.min() >= 0 and abs(ratio - 1.0) > MISSED:
        held_back = float(np.average(trial.fitted.robust_weight < HELD_BACK, weights=table.weights))
        warnings.warn(
            f"predictions sum to {score_text(ratio)} of the target: {percent_text(held_back)} of the rows lie far "
            f"from the law and were held back (loss {trial.structure.loss!r}); if they are no mistakes, use "
            "loss='squared'",
            KanoptWarning,
            stacklevel=2,
        )


def _rows(table: TrainingTable, trial: Trial, tried: list[Trial], inputs: Floats) -> Rows:
    """Return the rows on which a formula is chosen, with their weights: how many rows each stands for.

    With an exponential link the logarithm of a row has weight μ (McCullagh and Nelder 1989, section 2.5), for which
    Σ w exp(log y − f) / Σ w is the factor that corrects the sums. Logarithms of targets far below the law would
    dominate all others; they are clipped at μ / e². The mean μ is that of the best law without hidden nodes, which
    has no random start: another seed must not weigh the rows anew.
    """
    weights = table.weights * _robust_weights(table, trial)
    if not trial.structure.log_target:
        return Rows(inputs, table.target, weights)
    if not trial.structure.has_log_link:
        return Rows(inputs, round_logs(np.log(table.target)), weights)
    plain = [each for each in tried if each.structure.log_target and not each.structure.hidden]
    best = max(plain, key=lambda each: float(np.average(each.density, weights=table.weights)))
    output = best.fitted.output
    mean = best.smearing * (best.unit * output if best.structure.has_log_link else np.exp(output))
    weights = weights * mean
    weights *= table.weights.sum() / weights.sum()
    return Rows(inputs, round_logs(np.log(np.maximum(table.target, mean * np.exp(-2.0)))), weights)


def _robust_weights(table: TrainingTable, trial: Trial) -> Floats:
    """Return the robust weights of the rows; they are 1 for inliers if there are few outliers.

    A robust loss also lowers the weights of every sixth row with normal errors. Least squares with such weights
    underestimates standard errors, by which the search decides whether a constant equals a simple number.
    """
    trust = trial.fitted.robust_weight
    if trial.structure.loss not in ROBUST:
        return trust
    # in digits that every machine finds, so that a search on the rows begins alike
    trust = np.round(trust, TRUSTED)
    wild = float(weight_function(torch.tensor(WILD, dtype=torch.float64), trial.structure.loss))
    count = float(table.weights @ (trust < wild))
    few = count <= max(WILD_SHARE * float(table.weights.sum()), 1.0)
    return np.where(trust < wild, trust, 1.0) if few else trust


def _network(table: TrainingTable, trial: Trial, numbers: Floats, unit: float, shift: float) -> Formula:
    """Return the network as a formula of curves, with the domain of the encoded rows.

    Cycles have no ends, and unseen categories are refused before anything is predicted.
    """
    inputs, split = places_of(trial.encoding), len(trial.encoding.numeric)
    network = trial.trained.network
    device = network.theta.device
    rows = InputTensors(torch.tensor(numbers, device=device), torch.tensor(table.codes, device=device))
    nodes = [Input(each.name) for each in inputs[:split]]
    labels = [each.name for each in inputs[split:]]
    (root,) = curves_of(network, rows, nodes, labels, weights=table.weights, unit=unit, shift=shift)
    bounded = inputs[: len(trial.encoding.numbers)]
    columns = {each.name: column for each, column in zip(bounded, numbers.T, strict=False)}
    return Formula(root, inputs, Variable("output"), domain=Domain.from_rows(bounded, columns))
