"""A network whose edges are partly closed forms and partly curves, refitted as a whole.

The mathematics is that of the trainer (:mod:`kanopt.kan.trainer`): the derivative of the output in a parameter of an
edge is the sensitivity that flows back to the edge's target times the derivative of the edge itself. Only here every
edge may be of another kind, and there is one small network instead of a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.kan import cubic
from kanopt.kan.description import evaluate_spline
from kanopt.surrogates.distill.forms import Form

__all__ = ["Edge", "Mixed", "Rows", "curve_form", "refit", "table_form"]

Array = NDArray[np.float64]

ITERATIONS = 30
RIDGE = 1e-10


def curve_form(lower: float, upper: float, grid_size: int) -> Form:
    """Return the form "uniform cubic B-spline on [lower, upper]", linear outside; θ are its coefficients."""

    def pieces(z: Array) -> tuple[NDArray[np.int64], Array, Array]:
        position = (z - lower) * (grid_size / (upper - lower))
        inside = np.clip(position, 0.0, grid_size)
        first = np.minimum(inside.astype(np.int64), grid_size - 1)
        return first, inside - first, position - inside

    def gradient(z: Array, theta: Array) -> Array:
        first, u, beyond = pieces(z)
        basis = np.zeros((len(z), grid_size + 3))
        rows = np.arange(len(z))
        for k, (value, slope) in enumerate(zip(cubic.values(u), cubic.slopes(u), strict=True)):
            basis[rows, first + k] = value + beyond * slope
        return basis

    def slope(z: Array, theta: Array) -> Array:
        first, u, _ = pieces(z)
        taken = theta[first[:, None] + np.arange(4)]
        per_cell = np.stack(cubic.slopes(u), axis=-1)
        return np.asarray(np.sum(taken * per_cell, axis=-1) * grid_size / (upper - lower))

    return Form(
        "curve",
        grid_size + 3,
        0,
        value=lambda z, theta: evaluate_spline(z, lower, upper, theta),
        slope=slope,
        gradient=gradient,
        grid=lambda low, high: [()],
        complexity=5,
    )


def table_form(categories: int) -> Form:
    """Return the form "one number per category"; its argument is the category's code."""

    def gradient(z: Array, theta: Array) -> Array:
        return np.asarray(z[:, None] == np.arange(categories), dtype=float)

    return Form(
        "table",
        categories,
        0,
        value=lambda z, theta: theta[z.astype(np.int64)],
        slope=lambda z, theta: np.zeros_like(z),
        gradient=gradient,
        grid=lambda low, high: [()],
        complexity=1,
    )


@dataclass(frozen=True, eq=False)
class Edge:
    """An edge from node `source` to node `target` of the next layer.

    Parameters
    ----------
    layer, source, target
        Where it stands; sources of layer 0 are the columns of the encoded features.
    form, theta
        What it computes.
    sign
        +1 or −1 where the edge must increase or decrease, else 0.
    penalty
        Weight of the roughness penalty of a curve, per unit of row weight.
    bend
        Roughness matrix S of a curve: θᵀ S θ is its integrated squared second derivative.
    span
        Ends of the knots of a curve.
    """

    layer: int
    source: int
    target: int
    form: Form
    theta: Array
    sign: int = 0
    penalty: float = 0.0
    bend: Array | None = None
    span: tuple[float, float] = (0.0, 1.0)

    @property
    def place(self) -> tuple[int, int, int]:
        """Layer, source and target."""
        return self.layer, self.source, self.target

    def keeps_sign(self, low: float, high: float) -> bool:
        """Whether the edge is monotone as required on [low, high]: exact for curves, on a grid for the rest."""
        if not self.sign or self.form.name in ("zero", "table"):
            return True
        if self.form.name == "curve":
            return bool(np.all(self.sign * np.diff(self.theta) >= -1e-12))
        slopes = self.form.slope(np.linspace(low, high, 257), self.theta)
        return bool(np.all(self.sign * slopes >= -1e-12))


@dataclass(frozen=True, eq=False)
class Rows:
    """Encoded rows: `inputs` (n, columns), target (n,) on the scale of the network's output, and row weights (n,)."""

    inputs: Array
    target: Array
    weight: Array

    @property
    def digest(self) -> str:
        """SHA-256 of inputs and target."""
        parts = (np.ascontiguousarray(part) for part in (self.inputs, self.target))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()

    def take(self, count: int, seed: int) -> Rows:
        """Return at most `count` rows, drawn without replacement."""
        if len(self.target) <= count:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.target), count, replace=False))
        return Rows(self.inputs[chosen], self.target[chosen], self.weight[chosen])


@dataclass(frozen=True, eq=False)
class Mixed:
    """A network of mixed edges; `bias` holds one array per layer."""

    edges: tuple[Edge, ...]
    bias: tuple[Array, ...]

    @property
    def parameters(self) -> Array:
        """Every θ and bias in one vector."""
        return np.concatenate([*(edge.theta for edge in self.edges), *self.bias])

    def with_parameters(self, vector: Array) -> Mixed:
        """Return the same structure with other parameters."""
        edges, at = [], 0
        for edge in self.edges:
            edges.append(replace(edge, theta=vector[at : at + edge.form.size]))
            at += edge.form.size
        bias = []
        for block in self.bias:
            bias.append(vector[at : at + len(block)])
            at += len(block)
        return Mixed(tuple(edges), tuple(bias))

    def replaced(self, edge: Edge) -> Mixed:
        """Return the network with `edge` in the place of the edge that stands there."""
        return Mixed(tuple(edge if edge.place == e.place else e for e in self.edges), self.bias)

    def signals(self, inputs: Array) -> list[Array]:
        """Return the values of every layer's nodes, the inputs first; the last has shape (n, 1)."""
        layers = [inputs]
        for index, bias in enumerate(self.bias):
            out = np.tile(bias, (len(inputs), 1))
            for edge in self.edges:
                if edge.layer == index:
                    out[:, edge.target] += edge.form.value(layers[index][:, edge.source], edge.theta)
            layers.append(out)
        return layers

    def predict(self, inputs: Array) -> Array:
        """Return the output, shape (n,)."""
        return self.signals(inputs)[-1][:, 0]

    def sensitivities(self, signals: Sequence[Array]) -> list[Array]:
        """Return the derivative of the output in every node's value, layer by layer from the first."""
        flows = [np.ones_like(signals[-1])]
        for index in range(len(self.bias) - 1, 0, -1):
            flow = np.zeros_like(signals[index])
            for edge in self.edges:
                if edge.layer == index:
                    slope = edge.form.slope(signals[index][:, edge.source], edge.theta)
                    flow[:, edge.source] += flows[0][:, edge.target] * slope
            flows.insert(0, flow)
        return flows

    def jacobian(self, inputs: Array) -> tuple[Array, Array]:
        """Return the output (n,) and its derivative in every parameter (n, p)."""
        signals = self.signals(inputs)
        flows = self.sensitivities(signals)
        columns = [
            flows[edge.layer][:, edge.target, None]
            * edge.form.gradient(signals[edge.layer][:, edge.source], edge.theta)
            for edge in self.edges
        ]
        return signals[-1][:, 0], np.hstack([*columns, *flows])

    def penalty(self, total_weight: float) -> Array:
        """Return the penalty matrix of all parameters, shape (p, p)."""
        size = len(self.parameters)
        matrix = np.zeros((size, size))
        at = 0
        for edge in self.edges:
            if edge.bend is not None:
                block = slice(at, at + edge.form.size)
                matrix[block, block] = total_weight * edge.penalty * edge.bend
            at += edge.form.size
        return matrix


@dataclass(frozen=True, eq=False)
class Refit:
    """A refitted network: weighted squared residuals, effective number of parameters, covariance of parameters."""

    model: Mixed
    squares: float
    parameters: float
    covariance: Array


def refit(model: Mixed, rows: Rows, iterations: int = ITERATIONS) -> Refit:
    """Refit every parameter jointly by Levenberg-Marquardt (Moré 1978) on weighted, penalised residuals.

    Curves with a sign are projected back onto monotone coefficients after every step.
    """
    total = float(rows.weight.sum())
    penalty = model.penalty(total)
    root = np.sqrt(rows.weight)

    def loss(candidate: Mixed) -> tuple[float, float]:
        with np.errstate(all="ignore"):
            residual = root * (rows.target - candidate.predict(rows.inputs))
            squares = float(residual @ residual)
        theta = candidate.parameters
        return (
            (squares, squares + float(theta @ penalty @ theta)) if np.isfinite(squares) else (np.inf, np.inf)
        )

    squares, best = loss(model)
    damping = 1e-3
    hessian = np.eye(len(model.parameters))
    for _ in range(iterations):
        with np.errstate(all="ignore"):
            output, jacobian = model.jacobian(rows.inputs)
        if not np.isfinite(jacobian).all():
            break
        weighted = jacobian * root[:, None]
        with np.errstate(over="ignore"):
            hessian = weighted.T @ weighted
            gradient = weighted.T @ (root * (rows.target - output)) - penalty @ model.parameters
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
            break
        improved = False
        while damping < 1e8:
            step = _solve(hessian + penalty, gradient, damping)
            candidate = _projected(model.with_parameters(model.parameters + step))
            new_squares, new = loss(candidate)
            if new < best:
                gain = (best - new) / max(best, 1e-300)
                model, squares, best, improved = candidate, new_squares, new, True
                damping = max(damping / 5, 1e-12)
                break
            damping *= 4
        if not improved or gain < 1e-9:
            break
        damping = min(damping, 1e2)
    inverse = np.linalg.pinv(_ridged(hessian + penalty), hermitian=True)
    freedom = float(np.trace(inverse @ hessian))
    variance = squares / max(total - freedom, 1.0)
    return Refit(model, squares, freedom, variance * inverse @ hessian @ inverse)


def _ridged(matrix: Array) -> Array:
    return matrix + np.diag(RIDGE * np.maximum(np.diag(matrix), 1e-300))


def _solve(matrix: Array, gradient: Array, damping: float) -> Array:
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix / scale[:, None] / scale[None, :]
    scaled[np.diag_indices_from(scaled)] += damping + RIDGE
    return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)


def _projected(model: Mixed) -> Mixed:
    if not any(edge.sign and edge.form.name == "curve" for edge in model.edges):
        return model
    edges = []
    for edge in model.edges:
        if edge.sign and edge.form.name == "curve":
            steps = edge.sign * np.maximum(edge.sign * np.diff(edge.theta), 0.0)
            theta = edge.theta[0] + np.concatenate([[0.0], np.cumsum(steps)])
            edge = replace(edge, theta=theta + edge.theta.mean() - theta.mean())
        edges.append(edge)
    return Mixed(tuple(edges), model.bias)
