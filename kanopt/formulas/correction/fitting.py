"""A known law with corrections, fitted by least squares in which what is drawn towards none has its price.

With residuals r, weights λ of what is drawn towards zero, and the derivative J in scaled coordinates,

    D = n/2 · log(cost / n) + ½ · (log det(JᵀJ + Λ) − log det Λ) + Σ nats to say which corrections,

is the description length of the rows: minus the logarithm of the evidence, by Laplace's method (MacKay 1992, Neural
Comput. 4). What is believed of a constant or of a line counts as one row, λ = 1, so that moving it costs about ½ log n
(Kass and Wasserman 1995, JASA 90). D decides on a correction, and it chooses the other λ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.correction.moves import Move
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.estimation.variable_projection import LeastSquaresResult, minimise
from kanopt.formulas.nodes import Apply, Array, Constant, Node, Product, Sum, postorder
from kanopt.formulas.parameters import is_parameter

HELD = 1e4
"""Weight per row that holds the mean of a curve or table at zero."""
WEIGHTS = 10.0 ** np.arange(-9.0, 5.0)
"""Weights λ that are tried; a standard deviation of the residuals is drawn as much as an effect of one at λ = 1."""
TIED = 1e-9
TURNS = 4
SETTLED = 0.05


@dataclass(frozen=True, eq=False)
class Problem:
    """A known law and rows.

    Parameters
    ----------
    law
        The law, with a name for every constant that may move.
    rows
        The rows; their weights say how far errors may be off.
    factor
        Whether columns multiply the law and do not add to it.
    floor
        Sum of squares that is nothing but rounding.
    """

    law: Node
    rows: EstimationRows
    factor: bool
    floor: float

    @cached_property
    def constants(self) -> tuple[str, ...]:
        """The constants of the law that may move."""
        nodes = (n for n in postorder(self.law) if isinstance(n, Constant) and is_parameter(n))
        return tuple(dict.fromkeys(node.name for node in nodes))

    @cached_property
    def level(self) -> str:
        """The constant that moves the level: added to the law, or a factor on it; empty if there is none."""
        free = FreeParameters.of(self.law, None)
        if not free.count:
            return ""
        value, derivative = GraphTape(self.law, self.rows.columns, free).gradient(free.values)
        with np.errstate(all="ignore"):
            moves = derivative / value[:, None] if self.factor else derivative
            even = np.ptp(moves, axis=0) <= 1e-9 * np.abs(moves).max(axis=0)
        return next((name for name, still in zip(free.names, even, strict=True) if still), "")


@dataclass(frozen=True, eq=False)
class Chosen:
    """A correction that is made, and the weight λ that draws it towards none."""

    move: Move
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class CorrectedFit:
    """A law with corrections at its least squares.

    Parameters
    ----------
    problem, chosen
        What was fitted.
    root
        Law and corrections as one graph, as before the fit.
    free
        The numbers that are free in it.
    minimum
        Where they ended.
    """

    problem: Problem
    chosen: tuple[Chosen, ...]
    root: Node
    free: FreeParameters
    minimum: LeastSquaresResult

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.problem.rows.count

    @property
    def values(self) -> dict[str, float]:
        """The free numbers by name."""
        return dict(zip(self.free.names, self.minimum.theta.tolist(), strict=True))

    @property
    def cost(self) -> float:
        """Squares and what is drawn, no less than rounding."""
        return max(self.minimum.cost, self.problem.floor)

    @property
    def variance(self) -> float:
        """Variance of a row of weight 1."""
        return self.cost / max(self.count - self.parameters, 1.0)

    @cached_property
    def turn(self) -> Array:
        """From coordinates of size one to the free numbers, (p, p)."""
        turn = np.zeros((self.free.count, self.free.count))
        size = np.sqrt(np.square(self.minimum.jacobian[: self.count]).mean(axis=0))
        turn[np.diag_indices_from(turn)] = 1.0 / np.where(size > 0, size, 1.0)
        for each, block in self._drawn:
            turn[block, block] = each.move.turn
        return turn

    @cached_property
    def inverse(self) -> Array:
        """Inverse of JᵀJ + Λ in coordinates, (p, p)."""
        jacobian = self.minimum.jacobian @ self.turn
        return np.asarray(np.linalg.pinv(jacobian.T @ jacobian, hermitian=True))

    @property
    def covariance(self) -> Array:
        """Covariance of the free numbers, (p, p)."""
        return np.asarray(self.variance * self.turn @ self.inverse @ self.turn.T)

    @cached_property
    def leverage(self) -> Array:
        """Leverage of every row, (n,)."""
        jacobian = self.minimum.jacobian[: self.count] @ self.turn
        leverage: Array = np.minimum(np.einsum("ni,ij,nj->n", jacobian, self.inverse, jacobian), 0.99)
        return leverage

    @property
    def parameters(self) -> float:
        """Effective number of parameters."""
        return float(self.leverage.sum())

    @property
    def left_out(self) -> Array:
        """Weighted residual of every row had it been left out, (n,)."""
        return np.asarray(self.minimum.residual[: self.count] / (1.0 - self.leverage))

    @cached_property
    def description(self) -> float:
        """The description length of the rows, D, in nats."""
        jacobian, believed = self.minimum.jacobian @ self.turn, np.ones(self.free.count)
        for _, block in self._drawn:
            believed[block] = 0.0  # among the rows already
        information = jacobian.T @ jacobian + np.diag(believed)
        volume = float(np.linalg.slogdet(information)[1]) if self.free.count else 0.0
        for each, _ in self._drawn:
            volume -= float(np.log(_held(each, self.count)).sum())
        told = sum(each.move.cost for each in self.chosen)
        return 0.5 * self.count * float(np.log(self.cost / self.count)) + 0.5 * volume + told

    def loss_without(self, chosen: Chosen) -> float:
        """Return by how many nats rows are described worse without a correction, to first order."""
        names = [name for name in chosen.move.names if name in self.free.blocks]
        places = np.concatenate([np.arange(self.free.count)[self.free.blocks[name]] for name in names])
        start = np.concatenate([self.free.values[self.free.blocks[name]] for name in names])
        moved = self.minimum.theta[places] - start
        squares = (
            float(moved @ np.linalg.pinv(self.covariance[np.ix_(places, places)]) @ moved) * self.variance
        )
        return 0.5 * self.count * float(np.log1p(max(squares, 0.0) / self.cost))

    @property
    def _drawn(self) -> list[tuple[Chosen, slice]]:
        return [(c, self.free.blocks[c.move.names[0]]) for c in self.chosen if c.move.turn is not None]


@dataclass(frozen=True, eq=False)
class _Drawn(Residuals):
    """Residuals, and below them what is drawn towards zero."""

    penalty: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def at(self, theta: Array) -> tuple[Array, Array] | None:
        found = super().at(theta)
        if found is None:
            return None
        residual, jacobian = found
        return np.concatenate([residual, -self.penalty @ theta]), np.vstack([jacobian, self.penalty])


def fitted(
    problem: Problem, chosen: Sequence[Chosen], start: dict[str, float] | None = None
) -> CorrectedFit | None:
    """Return a law with corrections at its least squares; None where the search finds none."""
    nodes = tuple(each.move.node for each in chosen if each.move.node is not None)
    root = problem.law
    if nodes:
        added = Sum(nodes)
        root = Product((root, Apply("exp", added))) if problem.factor else Sum((root, added))
    names = {name for each in chosen for name in (*each.move.names, problem.level * each.move.level) if name}
    free = FreeParameters.of(root, sorted(names))
    penalty = np.zeros((0, free.count))
    for each in chosen:
        if each.move.turn is not None:
            block = free.blocks[each.move.names[0]]
            rows = np.zeros((block.stop - block.start, free.count))
            rows[:, block] = np.sqrt(_held(each, problem.rows.count))[:, None] * np.linalg.inv(each.move.turn)
            penalty = np.vstack([penalty, rows])
    plain = Residuals.of(root, free, problem.rows)
    residuals = _Drawn(plain.tape, plain.target, plain.root_weight, False, plain.linear, penalty)
    begin = np.array([(start or {}).get(n, v) for n, v in zip(free.names, free.values, strict=True)])
    if not free.count:
        at = residuals.at(begin)
        if at is None:
            return None
        found = LeastSquaresResult(begin, *at, float(at[0] @ at[0]), 0.0, True, False, 0)
        return CorrectedFit(problem, tuple(chosen), root, free, found)
    minimum = minimise(residuals, begin)
    if minimum is None or not np.isfinite(minimum.theta).all():
        return None
    return CorrectedFit(problem, tuple(chosen), root, free, minimum)


def smoothed(fit: CorrectedFit) -> CorrectedFit:
    """Return the fit at the weights λ of largest evidence, by MacKay's fixed point."""
    for _ in range(TURNS if fit._drawn else 0):
        weights = {}
        for each, block in fit._drawn:
            places = np.arange(fit.free.count)[block][_drawn_places(each.move)[1:]]
            coordinates = np.linalg.inv(fit.turn[block, block]) @ fit.minimum.theta[block]
            bent = float(np.square(coordinates[_drawn_places(each.move)[1:]]).sum())
            known = places.size - each.weight * float(np.diag(fit.inverse)[places].sum())
            wanted = fit.variance * max(known, 1e-3) / max(bent, 1e-300)
            weights[id(each)] = float(np.clip(wanted, WEIGHTS[0], WEIGHTS[-1]))
        moved = max(abs(np.log(weights[id(each)] / each.weight)) for each, _ in fit._drawn)
        chosen = [replace(each, weight=weights.get(id(each), each.weight)) for each in fit.chosen]
        better = fitted(fit.problem, chosen, fit.values)
        if better is None or better.description > fit.description:
            return fit
        fit = better
        if moved < SETTLED:
            return fit
    return fit


def _drawn_places(move: Move) -> NDArray[np.intp]:
    """Return the coordinates of a move that are drawn: its mean, and all but its lines."""
    assert move.turn is not None
    return np.array([0, *range(1 + move.lines, len(move.turn))])


def _held(chosen: Chosen, count: int) -> Array:
    """Return the weight of every coordinate of a correction."""
    assert chosen.move.turn is not None
    held = np.ones(len(chosen.move.turn))
    held[_drawn_places(chosen.move)] = chosen.weight
    held[0] = HELD * count
    return held


def gain_of(fit: CorrectedFit, move: Move, basis: Array) -> tuple[float, float]:
    """Return by how many nats a correction would shorten the description, and its weight λ, to first order.

    Parameters
    ----------
    fit
        The law as it is.
    move
        The correction.
    basis
        The weighted derivative of the law in its coordinates, (n, m).
    """
    count = fit.count
    jacobian = fit.minimum.jacobian @ fit.turn
    across = jacobian[:count].T @ basis
    left = basis.T @ basis - across.T @ fit.inverse @ across
    slope = basis.T @ fit.minimum.residual[:count]
    weights = WEIGHTS if move.turn is not None else np.ones(1)
    held = np.ones((len(weights), basis.shape[1]))
    pull = np.full(held.shape, TIED * count)  # a constant costs what one row tells, and is drawn nowhere
    if move.turn is not None:
        held[:, : len(move.turn)] = [_held(Chosen(move, float(weight)), count) for weight in weights]
        pull[:, : len(move.turn)] = held[:, : len(move.turn)]
    eye = np.eye(basis.shape[1])
    sign, volume = np.linalg.slogdet(left + held[:, :, None] * eye)
    volume = volume - np.log(held).sum(axis=1)
    try:
        steps = np.linalg.solve(left + pull[:, :, None] * eye, np.broadcast_to(slope, held.shape)[..., None])
    except np.linalg.LinAlgError:
        return -np.inf, 1.0
    cost = np.maximum(fit.cost - steps[..., 0] @ slope, fit.problem.floor)
    gains = 0.5 * count * np.log(fit.cost / cost) - 0.5 * volume - move.cost
    gains[(sign <= 0) | ~np.isfinite(gains)] = -np.inf
    best = int(np.argmax(gains))
    return float(gains[best]), float(weights[best])
