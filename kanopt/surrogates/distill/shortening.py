"""Laws that can be read: what is least missed is left out until few operators are left.

The description length weighs operators against rows, and with thousands of rows a tenth of a percent of the error buys
several operators, which nobody will read. So what takes more than a page, thirty operators, is offered in shorter
versions. One of at most a page that is as good as the network, to 1.5 % of the error to be expected, is the law. Where
there is none, an operator beyond the page counts five times: some of the error is given for a law that can be read.

What an edge is worth is first told from the covariance of the refit: the squares that are lost without it are about
θᵀ C⁻¹ θ times the residual variance (Wald 1943; Hassibi and Stork 1993, "Second order derivatives for network
pruning"), with θ what of the edge would go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.forms import LINEAR, WAVE, ZERO, Form, start
from kanopt.surrogates.distill.judge import OPERATOR, Candidate, Judge, is_admissible
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.distill.replacing import flows, tried
from kanopt.text import count_text

__all__ = [
    "LONG",
    "MOST",
    "SLACK",
    "WIDE",
    "Change",
    "Reader",
    "changed_together",
    "changes",
    "rank",
    "shortened",
    "without_faint",
]

Array = NDArray[np.float64]

MOST = 30
"""Operators up to which a law is read."""
SLACK = 1.015
"""Error, in those of the network, up to which a law is as good."""
TRIES = 4
SKETCH = 4
"""Iterations after which changes are compared."""
WIDE = 200
"""Parameters past which a network is not read edge by edge."""
SHARE = 0.25
"""Of what is beyond a page, the part that goes at once while a model is wide."""
LONG = 4.0 * OPERATOR
"""Price of every operator beyond, on top of its own."""
GIVEN_UP = 1.15
"""Error at which no shorter version is looked for any more."""


@dataclass(frozen=True, eq=False)
class Change:
    """An edge that becomes something plainer, and the squares that are foretold to be lost, in residual variances."""

    edge: Edge
    form: Form
    squares: float
    fewer: int

    @property
    def key(self) -> tuple[tuple[int, int, int], str]:
        """What tells it from others."""
        return self.edge.place, self.form.name

    @property
    def cost(self) -> float:
        """What is lost for every operator that goes."""
        return self.squares / self.fewer


@dataclass(frozen=True, eq=False)
class Reader:
    """Whoever reads the law: up to a page, and as good as the network if that can be had.

    Parameters
    ----------
    judge
        Judges models.
    wanted
        Mean squared residual to be expected of the network.
    """

    judge: Judge
    wanted: float

    def operators(self, fit: Refit) -> int:
        """Return how many operators there are to read."""
        return self.judge.reading.operators(fit.model)

    def error(self, fit: Refit) -> float:
        """Return the error to be expected, in those of the network."""
        return float(np.sqrt(self.judge.expected(fit) / max(self.wanted, 1e-300)))

    def rank(self, fit: Refit) -> tuple[bool, float]:
        """Return what orders models."""
        return rank(self.error(fit), fit.parameters, self.operators(fit), self.judge.all_rows)


def rank(error: float, parameters: float, count: int, rows: float) -> tuple[bool, float]:
    """Return what orders models: short ones that are as good come first, then what is shorter to describe.

    Parameters
    ----------
    error
        To be expected, in errors of the network; to be better than the network is no gain here.
    parameters
        Effective number of parameters.
    count
        Number of operators.
    rows
        Number of rows.

    Examples
    --------
    >>> rank(1.01, 20.0, 28, 5000.0) < rank(0.95, 40.0, 60, 5000.0) < rank(1.01, 40.0, 90, 5000.0)
    True
    """
    error = max(error, SLACK)
    price = np.log(rows) * parameters + OPERATOR * count + LONG * max(count - MOST, 0)
    return count > MOST or error > SLACK, float(2.0 * rows * np.log(error) + price)


def shortened(current: Refit, reader: Reader) -> tuple[Refit, list[Candidate]]:
    """Return the best version of a model of more than :data:`MOST` operators, and the steps to it."""
    judge = reader.judge
    best, steps, taken = current, list[Candidate](), 0
    for narrower, what in _narrowed(current, reader):
        if reader.error(narrower) > GIVEN_UP:
            break  # from here on one change after the other
        current = narrower
        steps.append(judge.candidate(current, what))
        if reader.rank(current) < reader.rank(best):
            best, taken = current, len(steps)
    while (
        reader.operators(current) > MOST
        and reader.error(current) < GIVEN_UP
        and not judge.reading.should_stop()
    ):
        trials: list[tuple[float, int, Change, Refit]] = []
        count = reader.operators(current)
        for change in changes(current, judge)[:TRIES]:
            trial = _changed(current.model, change, judge)
            if trial is not None and (fewer := count - reader.operators(trial)) > 0:
                loss = max(float(np.log(judge.noise(trial) / judge.noise(current))), 0.0)
                # what goes beyond the need is no gain
                trials.append((loss / min(fewer, count - MOST), len(trials), change, trial))
        if not trials:
            break
        _, _, change, sketch = min(trials, key=lambda entry: entry[:2])
        current = refit(sketch.model, judge.rows, tolerance=judge.tolerance)
        steps.append(
            judge.candidate(current, f"{judge.reading.name(current.model, change.edge)}: {change.form.name}")
        )
        if reader.rank(current) < reader.rank(best) and is_admissible(current.model, judge.reach):
            best, taken = current, len(steps)
    return best, steps[:taken]


def _narrowed(current: Refit, reader: Reader) -> Iterator[tuple[Refit, str]]:
    """Yield shorter and shorter versions of a model that is too wide to try one change after the other."""
    judge = reader.judge
    while len(current.model.parameters) > WIDE and not judge.reading.should_stop():
        if (count := reader.operators(current)) <= MOST:
            return
        some: dict[tuple[int, int, int], Change] = {}
        for change in changes(current, judge):
            if sum(each.fewer for each in some.values()) < SHARE * (count - MOST):
                some.setdefault(change.edge.place, change)
        model = changed_together(current.model, [*some.values()], judge).tidied()
        trial = refit(model, judge.rows, tolerance=judge.tolerance)
        if not reader.operators(trial) < count or not is_admissible(trial.model, judge.reach):
            return
        current = trial
        yield current, f"{count_text(len(some), 'edge')} made plainer or left out"


def changed_together(model: Mixed, some: Sequence[Change], judge: Judge) -> Mixed:
    """Return the model after some changes, biases shifted so that its output is the same on average."""
    before = model
    for change in some:
        edge = change.edge
        z, value, weight = flows(before, edge, judge.rows)
        theta = np.zeros(0) if change.form is ZERO else start(change.form, z, value, weight)[0]
        shift = float(weight @ (value - change.form.value(z, theta))) / max(float(weight.sum()), 1e-300)
        if (edge.layer, edge.target) not in model.pinned:
            model = model.shifted(edge.layer, edge.target, shift)
        model = model.replaced(replace(edge, form=change.form, theta=theta, bend=None, penalty=0.0))
    return model


def _changed(model: Mixed, change: Change, judge: Judge) -> Refit | None:
    """Return the model after a change, refitted a little; None where that is not admissible."""
    edge = change.edge
    theta = np.zeros(0)
    if change.form is not ZERO:
        z, value, weight = flows(model, edge, judge.rows)
        theta = start(change.form, z, value, weight)[0]
    trial = tried(model, edge, change.form, theta, judge, SKETCH)
    return None if trial is None else replace(trial, model=trial.model.tidied())


def changes(current: Refit, judge: Judge) -> list[Change]:
    """Return what edges may become, what is least missed first."""
    found = list(_possible(current, judge))
    return sorted(found, key=lambda change: change.cost)


def _possible(current: Refit, judge: Judge) -> Iterator[Change]:
    at = 0
    for edge in current.model.edges:
        block = slice(at, at + edge.form.size)
        at += edge.form.size
        if edge.is_zero:
            continue
        covariance = current.covariance[block, block]
        own = edge.form.complexity
        if edge.admits(ZERO):
            worth = _wald(edge, covariance, 1) if edge.form.size else _weighed(current, edge, judge)
            yield Change(edge, ZERO, worth, own + 1)
        plainer = {"curve": LINEAR, "cycle": WAVE}.get(edge.form.name)
        if plainer is not None and plainer in edge.family:
            order = 2 if plainer is LINEAR else 1
            yield Change(edge, plainer, _wald(edge, covariance, order), own - plainer.complexity)
        elif edge.form.name not in TABULATED and LINEAR in edge.family and own > LINEAR.complexity + 1:
            yield Change(edge, LINEAR, 0.5 * _wald(edge, covariance, 1), own - 1)


def _wald(edge: Edge, covariance: Array, order: int) -> float:
    """Return the loss of squares, in residual variances, without differences of some order of an edge's values.

    The mean of a curve or a table is no loss, as a bias can take it over; nor is the slope for the second order. Of a
    closed form it is what its linear coefficients are worth.
    """
    theta = edge.theta
    if edge.form.name in TABULATED:
        contrast = np.diff(np.eye(len(theta)), n=order, axis=0)
    else:
        contrast = np.eye(max(edge.form.linear, 1), len(theta))
    if not len(theta) or not len(contrast):
        return 0.0
    values, matrix = contrast @ theta, contrast @ covariance @ contrast.T
    return float(values @ np.linalg.pinv(matrix, rcond=1e-10, hermitian=True) @ values)


def _weighed(current: Refit, edge: Edge, judge: Judge) -> float:
    """Return the loss of squares, in residual variances, without an edge that has no free parameter.

    It is what the output would differ by, apart from a constant, if no other parameter made up for it.
    """
    _, value, weight = flows(current.model, edge, judge.rows)
    middle = float(weight @ value) / max(float(weight.sum()), 1e-300)
    variance = current.squares / max(judge.total - current.parameters, 1.0)
    return float(weight @ (value - middle) ** 2) / max(variance, 1e-300)


def without_faint(current: Refit, judge: Judge) -> tuple[Refit, list[Candidate]]:
    """Leave out what all rows do not pay for, where some of them had seemed to."""
    steps: list[Candidate] = []
    while not judge.reading.should_stop():
        faint = [c for c in changes(current, judge) if c.form is ZERO and _is_faint(c, judge)]
        for change in faint:
            trial = tried(current.model, change.edge, ZERO, np.zeros(0), judge)
            if trial is not None and judge.length(trial) < judge.length(current):
                tidy = trial.model.tidied()
                # the covariance has a place for every edge, and is wanted again
                current = trial if tidy is trial.model else refit(tidy, judge.rows)
                steps.append(
                    judge.candidate(current, f"{judge.reading.name(current.model, change.edge)}: left out")
                )
                break
        else:
            break
    return current, steps


def _is_faint(change: Change, judge: Judge) -> bool:
    edge = change.edge
    size = edge.form.size - (edge.form.name in TABULATED)
    return bool(size) and change.squares < np.log(judge.all_rows) * size + OPERATOR * edge.form.complexity
