"""The closed forms an edge of a network may turn into.

Every form is a function of one variable z with parameters θ = (linear…, nonlinear…). It has no additive offset:
offsets belong to the bias of the node the edge feeds, so that no two parameters do the same thing. Starting values
come from variable projection (Golub & Pereyra 1973): the nonlinear parameters are scanned over a small grid, the
linear ones solved by weighted least squares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

__all__ = ["COSINE", "CYCLIC", "FORMS", "LINEAR", "OF_PRODUCTS", "PURE_SINE", "WAVE", "ZERO", "Form", "start"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Form:
    """A family of functions of one variable.

    Parameters
    ----------
    name
        Name of the operator.
    linear, nonlinear
        Number of parameters that enter linearly, and of those that do not.
    value
        ``value(z, θ) -> (n,)``.
    slope
        ``slope(z, θ) -> (n,)``, the derivative in z.
    gradient
        ``gradient(z, θ) -> (n, p)``, the derivative in θ.
    grid
        ``grid(low, high)``: starting values of the nonlinear parameters for z in [low, high].
    complexity
        Number of operators a reader sees.
    positive
        True where the form needs z > 0.
    fixed
        Trailing parameters that were snapped to these values and are no longer fitted.
    """

    name: str
    linear: int
    nonlinear: int
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    grid: Callable[[float, float], Iterable[Sequence[float]]]
    complexity: int
    positive: bool = False
    fixed: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.linear + self.nonlinear

    @property
    def is_linear(self) -> bool:
        """Whether the value is ``gradient(z, θ) @ θ``, with a gradient that does not depend on θ."""
        return not self.nonlinear and not self.fixed

    def admits(self, low: float, high: float) -> bool:
        """Whether the form is defined for every z in [low, high]."""
        return low > 0 if self.positive else bool(np.isfinite(low) and np.isfinite(high))


def _columns(*parts: Array) -> Array:
    return np.stack(np.broadcast_arrays(*parts), axis=-1)


def _no_grid(low: float, high: float) -> Iterable[Sequence[float]]:
    return [()]


def _sigmoid(u: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * u)))


def _zero(z: Array, t: Array) -> Array:
    return np.zeros_like(z)


ZERO = Form("zero", 0, 0, _zero, _zero, lambda z, t: np.zeros((*z.shape, 0)), _no_grid, 0)

LINEAR = Form(
    "linear",
    1,
    0,
    value=lambda z, t: t[0] * z,
    slope=lambda z, t: np.full_like(z, t[0]),
    gradient=lambda z, t: _columns(z),
    grid=_no_grid,
    complexity=1,
)

QUADRATIC = Form(
    "quadratic",
    2,
    0,
    value=lambda z, t: t[0] * z + t[1] * z**2,
    slope=lambda z, t: t[0] + 2 * t[1] * z,
    gradient=lambda z, t: _columns(z, z**2),
    grid=_no_grid,
    complexity=4,
)

LOG = Form(
    "log",
    1,
    0,
    value=lambda z, t: t[0] * np.log(z),
    slope=lambda z, t: t[0] / z,
    gradient=lambda z, t: _columns(np.log(z)),
    grid=_no_grid,
    complexity=2,
    positive=True,
)

POWER = Form(
    "power",
    1,
    1,
    value=lambda z, t: t[0] * z ** t[1],
    slope=lambda z, t: t[0] * t[1] * z ** (t[1] - 1),
    gradient=lambda z, t: _columns(z ** t[1], t[0] * z ** t[1] * np.log(z)),
    grid=lambda low, high: [(p,) for p in (-2.0, -1.0, -0.5, 0.35, 0.65, 1.5, 2.0, 3.0, 4.0)],
    complexity=2,
    positive=True,
)


def _rates(low: float, high: float) -> list[float]:
    width = max(high - low, 1e-9)
    return [k / width for k in (0.5, 1.0, 2.0, 4.0, 8.0)]


def _centres(low: float, high: float) -> list[float]:
    return [low + f * (high - low) for f in (0.1, 0.3, 0.5, 0.7, 0.9)]


EXP = Form(
    "exp",
    1,
    1,
    value=lambda z, t: t[0] * np.exp(t[1] * z),
    slope=lambda z, t: t[0] * t[1] * np.exp(t[1] * z),
    gradient=lambda z, t: _columns(np.exp(t[1] * z), t[0] * z * np.exp(t[1] * z)),
    grid=lambda low, high: [(s * r,) for r in _rates(low, high) for s in (1.0, -1.0)],
    complexity=3,
)

LOG_SHIFTED = Form(
    "log_shifted",
    1,
    1,
    value=lambda z, t: t[0] * np.log1p(np.exp(t[1]) * z),
    slope=lambda z, t: t[0] * np.exp(t[1]) / (1 + np.exp(t[1]) * z),
    gradient=lambda z, t: _columns(
        np.log1p(np.exp(t[1]) * z), t[0] * np.exp(t[1]) * z / (1 + np.exp(t[1]) * z)
    ),
    grid=lambda low, high: [(np.log(r),) for r in _rates(0.0, high)] if low >= 0 else [],
    complexity=4,
)


def _softplus(u: Array) -> Array:
    return np.logaddexp(0.0, u)


SOFTPLUS = Form(
    "softplus",
    1,
    2,
    value=lambda z, t: t[0] * _softplus(t[1] * z + t[2]),
    slope=lambda z, t: t[0] * t[1] * _sigmoid(t[1] * z + t[2]),
    gradient=lambda z, t: _columns(
        _softplus(t[1] * z + t[2]),
        t[0] * z * _sigmoid(t[1] * z + t[2]),
        t[0] * _sigmoid(t[1] * z + t[2]),
    ),
    grid=lambda low, high: [
        (s * r, -s * r * c) for r, c, s in product(_rates(low, high), _centres(low, high), (1.0, -1.0))
    ],
    complexity=6,
)

TANH = Form(
    "tanh",
    1,
    2,
    value=lambda z, t: t[0] * np.tanh(t[1] * z + t[2]),
    # 1 − tanh² where cosh would overflow
    slope=lambda z, t: t[0] * t[1] * (1.0 - np.tanh(t[1] * z + t[2]) ** 2),
    gradient=lambda z, t: _columns(
        np.tanh(t[1] * z + t[2]),
        t[0] * z * (1.0 - np.tanh(t[1] * z + t[2]) ** 2),
        t[0] * (1.0 - np.tanh(t[1] * z + t[2]) ** 2),
    ),
    grid=lambda low, high: [(r, -r * c) for r, c in product(_rates(low, high), _centres(low, high))],
    complexity=4,
)

SINE = Form(
    "sine",
    2,
    1,
    value=lambda z, t: t[0] * np.sin(t[2] * z) + t[1] * np.cos(t[2] * z),
    slope=lambda z, t: t[2] * (t[0] * np.cos(t[2] * z) - t[1] * np.sin(t[2] * z)),
    gradient=lambda z, t: _columns(
        np.sin(t[2] * z),
        np.cos(t[2] * z),
        z * (t[0] * np.cos(t[2] * z) - t[1] * np.sin(t[2] * z)),
    ),
    grid=lambda low, high: [(np.pi * k / max(high - low, 1e-9),) for k in np.arange(0.5, 6.1, 0.5)],
    complexity=5,
)

GAUSSIAN = Form(
    "gaussian",
    1,
    2,
    value=lambda z, t: t[0] * np.exp(-(((z - t[1]) * t[2]) ** 2)),
    slope=lambda z, t: -2 * t[0] * (z - t[1]) * t[2] ** 2 * np.exp(-(((z - t[1]) * t[2]) ** 2)),
    gradient=lambda z, t: _columns(
        np.exp(-(((z - t[1]) * t[2]) ** 2)),
        2 * t[0] * (z - t[1]) * t[2] ** 2 * np.exp(-(((z - t[1]) * t[2]) ** 2)),
        -2 * t[0] * t[2] * (z - t[1]) ** 2 * np.exp(-(((z - t[1]) * t[2]) ** 2)),
    ),
    grid=lambda low, high: [(c, r) for c, r in product(_centres(low, high), _rates(low, high))],
    complexity=5,
)

HINGE = Form(
    "hinge",
    1,
    1,
    value=lambda z, t: t[0] * np.maximum(0.0, z - t[1]),
    slope=lambda z, t: t[0] * (z > t[1]),
    gradient=lambda z, t: _columns(np.maximum(0.0, z - t[1]), -t[0] * (z > t[1])),
    grid=lambda low, high: [(c,) for c in _centres(low, high)],
    complexity=3,
)

FORMS: tuple[Form, ...] = (
    ZERO,
    LINEAR,
    LOG,
    POWER,
    EXP,
    QUADRATIC,
    LOG_SHIFTED,
    HINGE,
    TANH,
    SINE,
    GAUSSIAN,
    SOFTPLUS,
)

TURN = 2 * np.pi

PURE_SINE = Form(
    "pure sine",
    1,
    0,
    value=lambda z, t: t[0] * np.sin(TURN * z),
    slope=lambda z, t: TURN * t[0] * np.cos(TURN * z),
    gradient=lambda z, t: _columns(np.sin(TURN * z)),
    grid=_no_grid,
    complexity=2,
)

COSINE = Form(
    "cosine",
    1,
    0,
    value=lambda z, t: t[0] * np.cos(TURN * z),
    slope=lambda z, t: -TURN * t[0] * np.sin(TURN * z),
    gradient=lambda z, t: _columns(np.cos(TURN * z)),
    grid=_no_grid,
    complexity=2,
)

WAVE = Form(
    "wave",
    2,
    0,
    value=lambda z, t: t[0] * np.sin(TURN * z) + t[1] * np.cos(TURN * z),
    slope=lambda z, t: TURN * (t[0] * np.cos(TURN * z) - t[1] * np.sin(TURN * z)),
    gradient=lambda z, t: _columns(np.sin(TURN * z), np.cos(TURN * z)),
    grid=_no_grid,
    complexity=3,
)

CYCLIC: tuple[Form, ...] = (ZERO, PURE_SINE, COSINE, WAVE)
"""Forms for what starts anew after a period; z is in periods. One harmonic, with the phase free, zero or a quarter."""

OF_PRODUCTS: tuple[Form, ...] = tuple(form for form in FORMS if form not in (LOG, POWER))
"""Forms of a product: its powers and its logarithm are told by powers of the factors, or by sums."""


def start(form: Form, z: Array, target: Array, weight: Array) -> tuple[Array, float]:
    """Return starting parameters of `form` for ``target ≈ form(z) + offset`` and the weighted squared error.

    Parameters
    ----------
    form
        The family.
    z, target, weight
        Arrays of shape (n,); weights are nonnegative.

    Returns
    -------
    tuple
        θ of shape (form.size,) and the error; the error is infinite where nothing finite was found.
    """
    root = np.sqrt(weight)
    best, best_error = np.zeros(form.size), np.inf
    for guess in form.grid(float(z.min()), float(z.max())):
        theta = np.concatenate([np.ones(form.linear), np.asarray(guess, dtype=float)])
        with np.errstate(all="ignore"):
            basis = form.gradient(z, theta)[..., : form.linear]
            design = np.column_stack([basis, np.ones_like(z)]) * root[:, None]
        if not np.isfinite(design).all():
            continue
        solution = np.linalg.lstsq(design, target * root, rcond=1e-10)[0]
        error = float(np.sum((design @ solution - target * root) ** 2))
        if error < best_error:
            theta[: form.linear] = solution[: form.linear]
            best, best_error = theta, error
    return best, best_error
