"""Turning edges into closed forms, one at a time, each judged by the whole model.

An edge is replaced where that lowers the description length of the model on the training rows,

    L = W log(RSS / W + floor²) + log(W) · p + 2 log(F) · c,

with W the sum of the row weights, p the effective number of parameters, in which a curve counts by the trace of its
smoother (Schwarz 1978; Hastie and Tibshirani 1990, ch. 5), and c the number of operators a reader sees, each one choice
among F forms (Rissanen 1978). A curve counts as 5 operators: a curve that the smoothing made straight has hardly more
parameters than a line, but a line is read at a glance. Candidates for an edge are ranked by how well they
reproduce the edge where the output feels it (weights: squared sensitivities), but only the refitted model decides.
Keeping the curve is always a candidate. The floor says which differences no longer matter: a closed form within a
ten-thousandth of the target's spread is as good as a curve that is closer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.forms import FORMS
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.refitting import Refit
from kanopt.surrogates.signomials.program import FLATTEST, STEEPEST

__all__ = [
    "OPERATOR",
    "Candidate",
    "Judge",
    "Reading",
    "complexity",
    "corners",
    "is_admissible",
    "offsets",
    "priced",
]

Price = Callable[[Edge], float]
"""Share of its price that the form of an edge costs."""

FLOOR = 1e-4
OPERATOR = 2 * float(np.log(len(FORMS)))


@dataclass(frozen=True)
class Reading:
    """How a network is read.

    Parameters
    ----------
    seed
        Draws the rows on which replacements are tried; the last refit uses all.
    log_target
        Whether the target is a logarithm, which decides the units of the errors in the front.
    log_inputs
        Columns of the inputs that are logarithms, so that the slope of a straight edge is an exponent.
    name
        How an edge of a model is called in the front.
    price
        Share of its price that the form of an edge costs.
    operators
        How many operators a reader of the whole formula sees.
    edf
        Effective number of parameters of the network.
    should_stop
        Is asked before every edge whether to leave it and the others as they are.
    """

    seed: int = 0
    log_target: bool = False
    log_inputs: frozenset[int] = frozenset()
    name: Callable[[Mixed, Edge], str] = lambda model, edge: str(edge.place)
    price: Price = lambda edge: 1.0
    operators: Callable[[Mixed], int] = lambda model: complexity(model)
    edf: float = 0.0
    should_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Candidate:
    """One model on the way from curves to closed forms; `rmse` in the units of the target.

    `smearing` is the factor that makes the mean of a law of the logarithm; None for a law of the target itself.
    """

    complexity: int
    rmse: float
    length: float
    what: str
    chosen: bool = False
    model: Mixed | None = field(default=None, compare=False)
    smearing: float | None = field(default=None, compare=False)


class Judge:
    """Description length that models would have on all rows, told from some of them.

    The residual variance is that of the rows at hand, with their number less the effective parameters below it; a
    parameter that is worth its price on all rows is not given up because these are few.
    """

    def __init__(self, rows: Rows, ends: np.ndarray, reading: Reading, total: float) -> None:
        self.reading, self.all_rows = reading, total
        self.reach = np.vstack([rows.inputs, ends])
        mean = float(rows.precision @ rows.target) / float(rows.precision.sum())
        spread = float(rows.precision @ (rows.target - mean) ** 2) / rows.total
        self.rows, self.total, self.floor = rows, rows.total, FLOOR**2 * max(spread, 1e-300)

    @property
    def tolerance(self) -> float:
        """Relative gain of a refit that shortens the description by a tenth."""
        return 0.1 / self.all_rows

    def noise(self, fit: Refit) -> float:
        """Return the mean squared residual that a model fitted to all rows would leave."""
        left = max(self.total - fit.parameters, 1.0) / max(1.0 - fit.parameters / self.all_rows, 1e-3)
        return float(fit.squares / left + self.floor)

    def expected(self, fit: Refit) -> float:
        """Return the mean squared residual to be expected of other rows (Akaike 1970, final prediction error)."""
        variance = fit.squares / max(self.total - fit.parameters, 1.0)
        return float(variance * (1.0 + fit.parameters / self.all_rows))

    def expected_of(self, network: Mixed) -> float:
        """Return the same of the network, which was fitted to all rows."""
        squares = float(self.rows.precision @ (self.rows.target - network.predict(self.rows.inputs)) ** 2)
        edf = min(self.reading.edf, 0.5 * self.all_rows)
        return squares / self.total * (self.all_rows + edf) / (self.all_rows - edf)

    def length(self, fit: Refit) -> float:
        """Return the length of the description of all rows."""
        parameters = np.log(self.all_rows) * fit.parameters
        price = OPERATOR * priced(fit.model, self.reading.price)
        return float(self.all_rows * np.log(self.noise(fit)) + parameters + price)

    def candidate(self, fit: Refit, what: str) -> Candidate:
        """Return what is shown of a model."""
        error, smearing = self._rmse(fit)
        operators = self.reading.operators(fit.model)
        return Candidate(operators, error, self.length(fit), what, model=fit.model, smearing=smearing)

    def _rmse(self, fit: Refit) -> tuple[float, float | None]:
        """Return the error in the units of the target, and the smearing factor of a logarithm."""
        if not self.reading.log_target:
            return float(np.sqrt(fit.squares / self.total)), None
        target, output = self.rows.target, fit.model.predict(self.rows.inputs)
        residual = np.exp(target) - np.exp(output)
        smearing = self.rows.lift * float(self.rows.weight @ np.exp(target - output)) / self.total
        return float(np.sqrt(self.rows.weight @ residual**2 / self.total)), smearing


def corners(model: Mixed, inputs: np.ndarray) -> np.ndarray:
    """Return rows in which a sub-node of the first layer is as low or as high as the ranges of the columns allow.

    Behind hidden nodes a form must be defined there too, not only where the rows happened to be: it is asked for values
    anywhere in the box.
    """
    corners = []
    for target in range(len(model.bias[0])):
        low, high = inputs[0].copy(), inputs[0].copy()
        for edge in model.arriving(0, target):
            z = inputs[:, edge.source]
            value = edge.form.value(z, edge.theta)
            low[edge.source], high[edge.source] = z[value.argmin()], z[value.argmax()]
        corners += [low, high]
    return np.array(corners)


def is_admissible(model: Mixed, inputs: np.ndarray) -> bool:
    """Whether every edge is finite, defined and as monotone as it must be on these inputs, and no power is odd."""
    with np.errstate(all="ignore"):
        nodes = model.signals(inputs).nodes
    for edge in model.edges:
        column = nodes[edge.layer][:, edge.source]
        low, high = float(column.min()), float(column.max())
        finite = np.isfinite([low, high]).all() and np.isfinite(edge.theta).all()
        if not (edge.form.name in TABULATED or edge.is_zero or edge.admits(edge.form)):
            return False
        if not (finite and edge.form.admits(low, high) and edge.keeps_shape(low, high)):
            return False
        # as in laws that are looked for on the rows: a logarithm, or a threshold, in disguise
        free_power = edge.form.name == "power" and not edge.form.fixed
        if free_power and not FLATTEST < abs(float(edge.theta[-1])) < STEEPEST:
            return False
    return True


def complexity(model: Mixed) -> int:
    """Return the number of operators: those of the edges, and the constants that stand in factors of products."""
    return sum(edge.form.complexity for edge in model.edges) + len(offsets(model))


def priced(model: Mixed, price: Price) -> float:
    """Return the number of operators, each edge's times its price."""
    return sum(price(edge) * edge.form.complexity for edge in model.edges) + len(offsets(model))


def offsets(model: Mixed) -> list[tuple[int, int]]:
    """Return layer and sub-node of the constants in factors of products that nothing else there can take in."""
    return [
        place
        for place in model.factors()
        if place not in model.pinned and any(e.form.name not in TABULATED for e in model.arriving(*place))
    ]
