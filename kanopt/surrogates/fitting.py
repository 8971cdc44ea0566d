"""Learn a law from a checked table."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import KanoptWarning
from kanopt.formulas import Formula, Input, Variable
from kanopt.formulas.domain import Domain
from kanopt.formulas.error_model import design_effect
from kanopt.kan.network import InputTensors
from kanopt.kan.trainer import Logistic, Softplus
from kanopt.kan.training import weight_function
from kanopt.surrogates.curves import FittedLaw, curves_of, held_positive, places_of
from kanopt.surrogates.encoding import round_logs
from kanopt.surrogates.groups import Rows, SharedErrors, TrainingTable
from kanopt.surrogates.options import Settings
from kanopt.surrogates.readings import feature_importances, fit_measures
from kanopt.surrogates.structure import Trial, select_structure, smearing_factor
from kanopt.text import percent_text, score_text

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
    if trial.structure.log_target:
        return np.log(table.target) - np.log(trial.predicted / trial.smearing)
    return table.target - trial.predicted


def _law(
    table: TrainingTable,
    trial: Trial,
    tried: list[Trial],
    settings: Settings,
    shared: SharedErrors | None,
) -> tuple[FittedLaw, Rows]:
    """Return the law of a trial, and the rows as fitted."""
    link: Softplus | Logistic | None = None
    factor, shift = trial.unit, trial.shift
    if trial.structure.has_log_link:
        # exp(f) · unit is the exponential of a network again, and the law is that of a log target
        factor, shift = 1.0, float(np.log(trial.unit))
    elif isinstance(trial.link, (Softplus, Logistic)):
        link, factor = trial.link.scaled(trial.unit)
    residuals, effective, predicted = _residuals(table, trial), table.weights, trial.predicted
    smearing, log = trial.smearing, trial.structure.log_target
    alone = table if shared is None else _alone(table, shared, log=log)
    if shared is not None:
        own = _residuals(alone, trial)
        residuals = own + shared.means(shared.residual - own, table.weights)
        if log:
            smearing = smearing_factor(table.target, residuals, table.weights, by_sums=True)
        predicted = smearing * table.target * np.exp(-residuals) if log else table.target - residuals
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
        edf=trial.fitted.edf,
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
        return Rows(inputs, round_logs(np.log(table.target)), weights, log=True)
    plain = [each for each in tried if each.structure.log_target and not each.structure.hidden]
    best = max(plain, key=lambda each: float(np.average(each.density, weights=table.weights)))
    output = best.fitted.output
    mean = best.smearing * (best.unit * output if best.structure.has_log_link else np.exp(output))
    weights = weights * mean
    weights *= table.weights.sum() / weights.sum()
    clipped = np.maximum(table.target, mean * np.exp(-2.0))
    return Rows(inputs, round_logs(np.log(clipped)), weights, log=True)


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
