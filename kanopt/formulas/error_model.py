"""How far actual values lie from what a law says: a systematic part and the noise of single rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.noise import MOST_SHARED, Noise, clipped, is_gross, shared_part, whitened
from kanopt.formulas.variables import settle

FEWEST = 8
"""Held-out rows from which errors are modelled."""
_POWERS = np.arange(0.0, 1.51, 0.25)
_ALIKE = 1e-6
_LEAST = 1e-3
"""Share of the mean prediction below which a prediction counts as this much, where noise is measured in proportion."""
_RIDGE = 1e-12
_VARIES = 0.05
_ROUNDS = 2
TINY = 1e-300
_CHANCE = 3.0
"""Squares of standard errors for each number of a bias that chance explains."""


@dataclass(frozen=True)
class ErrorModel:
    """Actual values given the predictions of a law, learned on held-out rows.

    ``actual = shift + factor · predicted + noise``, the regression by which forecasts are judged (Mincer and Zarnowitz
    1969, "The evaluation of economic forecasts"): of a law without bias the shift is 0 and the factor 1. The standard
    deviation of the noise is ``spread · |predicted|^power``.

    Parameters
    ----------
    shift, factor
        Least squares, each row weighted by the inverse of its variance; of a bias that chance explains a part, see
        :meth:`of`.
    covariance
        Variance of the shift, covariance of both, variance of the factor, as of least squares.
    spread, power
        Noise of a single row; the power is the likeliest of 0, 0.25, …, 1.5.
    level
        Mean size of a prediction.
    rows
        Number of held-out rows.
    noise_shape
        How the noise is distributed, and what rows of a group share of it; None for independent normal noise, and in
        files of earlier versions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> predicted = rng.uniform(1.0, 50.0, 400)
    >>> model = ErrorModel.of(1.1 * predicted * (1.0 + 0.2 * rng.standard_normal(400)), predicted)
    >>> round(model.factor, 2), float(model.power), round(float(model.spread), 2)
    (1.09, 1.0, 0.22)
    """

    shift: float
    factor: float
    covariance: tuple[float, float, float]
    spread: float
    power: float
    level: float
    rows: int
    noise_shape: Noise | None = None

    def __post_init__(self) -> None:
        settle(self, "error model")
        if len(self.covariance) != 3:
            raise FormulaError(f"an error model has three covariances, not {self.covariance!r}")
        if min(self.spread, self.level, self.rows, self.covariance[0], self.covariance[2]) < 0:
            raise FormulaError("an error model has no negative spread, variance, level or rows")

    @classmethod
    def of(
        cls, actual: Any, predicted: Any, *, rows_train: int = 0, groups: RowGroups | None = None
    ) -> ErrorModel | None:
        """Learn the errors of a law on held-out rows; None where there are too few, or it predicts nothing but 0.

        On the rows that it was learned from a law has no bias. So all rows together have that of the held-out rows
        times their share, which is believed as long as chance explains it. A bias beyond that says that the held-out
        rows are of another kind (a later season), and is believed but for the part that chance may have added (Stein's
        estimate; James and Stein 1961).

        Parameters
        ----------
        actual, predicted
            Arrays of shape (n,).
        rows_train
            Number of rows that the law was learned from.
        groups
            Which rows belong to one group and share an error: what rows of a group have in common is then no noise of
            single rows, and tells of shift and factor once (generalized least squares). None for independent rows.
        """
        y, p = np.asarray(actual, dtype=np.float64).ravel(), np.asarray(predicted, dtype=np.float64).ravel()
        level = float(np.abs(p).mean()) if len(p) else 0.0
        if len(y) < FEWEST or level == 0.0:
            return None
        size = np.maximum(np.abs(p), _LEAST * level) / level
        # a law that says nearly the same everywhere tells no shift from a factor
        varies = float(p.std()) > _VARIES * level
        design = np.column_stack([np.ones_like(p), p]) if varies else p[:, None]
        # how noise grows is seen once the bias is taken out, and the bias is weighted by how noise grows
        power, left, ones = 0.0, y - p, np.ones(len(y))
        codes = None if groups is None else np.unique(groups.held_out, return_inverse=True)[1].reshape(-1)
        for _ in range(_ROUNDS):
            power = _likeliest_power(np.abs(left), size)
            # a few gross errors tell nothing of how the others grow
            usual = ~is_gross(left / size**power)
            power = _likeliest_power(np.abs(left[usual]), size[usual])
            columns = np.column_stack([design, y]) / (size**power)[:, None]
            if codes is not None:
                columns = whitened(columns, ones, codes, _ratio(left / size**power, codes))
            weighted, goal = columns[:, :-1], columns[:, -1]
            inverse = np.linalg.inv(weighted.T @ weighted + _RIDGE * np.eye(design.shape[1]))
            found = inverse @ (weighted.T @ goal)
            left = y - design @ found
        noise = float(np.square(goal - weighted @ found).sum() / (len(y) - len(found)))
        covariance = noise * inverse
        unbiased = np.array([0.0, 1.0])[-len(found) :]
        bias = found - unbiased
        found = unbiased + _believed(weighted @ bias, noise, len(found), rows_train) * bias
        shift, factor = (found[0], found[1]) if varies else (0.0, found[0])
        known = (covariance[0, 0], covariance[0, 1], covariance[1, 1]) if varies else (0, 0, covariance[0, 0])
        a, b, c = (float(each) for each in known)
        single = float(np.square(left / size**power).sum() / (len(y) - len(found)))
        spread = math.sqrt(single) / level**power
        model = cls(float(shift), float(factor), (a, b, c), spread, power, level, len(y))
        return replace(model, noise_shape=model._shape(y, p, groups) if spread > 0.0 else None)

    def _shape(self, y: Floats, p: Floats, groups: RowGroups | None) -> Noise:
        """Return how errors are distributed, of rows held out and rows learned from."""

        def standard(actual: Floats, predicted: Floats) -> Floats:
            return np.asarray(
                (actual - self.shift - self.factor * predicted) / np.maximum(self.noise(predicted), TINY)
            )

        if groups is None:
            return Noise.of(standard(y, p))
        learned = None if groups.learned is None else (standard(*groups.learned[:2]), groups.learned[2])
        return Noise.of(standard(y, p), groups.held_out, by=groups.by, learned=learned)

    @property
    def shape(self) -> Noise:
        """How the noise is distributed; normal and independent where that is not known."""
        return self.noise_shape or Noise()

    @property
    def _common(self) -> float:
        """Standard deviation of what rows of a group share, in units of that of all noise."""
        return 0.0 if self.noise_shape is None else min(self.noise_shape.common, 1.0)

    def quantile(self, predicted: Any, level: float) -> Floats:
        """Return the value below which a single actual value falls with a probability, given predictions.

        Parameters
        ----------
        predicted
            What the law says, in its unit.
        level
            The probability, between 0 and 1.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> predicted = rng.uniform(5.0, 50.0, 5000)
        >>> model = ErrorModel.of(predicted * (1.0 + 0.1 * rng.standard_normal(5000)), predicted)
        >>> round(float(model.quantile(20.0, 0.9)), 1)  # about 20 · (1 + 0.1 · 1.28)
        22.5
        """
        p = np.asarray(predicted, dtype=np.float64)
        return np.asarray(self.shift + self.factor * p + self.noise(p) * self.shape.quantile(level))

    def noise(self, predicted: Floats) -> Floats:
        """Return the standard deviation of an actual value, given predictions."""
        size = np.maximum(np.abs(predicted), _LEAST * self.level)
        return np.asarray(self.spread * size**self.power)

    def total(self, predicted: Floats, rise: Floats) -> tuple[float, float]:
        """Return mean and variance of ``Σ rise · (actual − predicted)``.

        With ``r`` the rise and ``v`` the prediction at each place, the mean is ``shift · Σr + (factor − 1) · Σrv``: a
        bias adds up as the number of places. So does what is not known of it, whose variance is that of the shift times
        ``(Σr)²``, of the factor times ``(Σrv)²``, and twice the covariance times ``Σr · Σrv``. Noise is independent
        from place to place: its variance ``Σ r² · noise²`` grows as the number of places, its standard deviation as the
        square root; but for what all places have in common as rows of a group, which grows as the number again.
        """
        plain, priced = float(rise.sum()), float((rise * predicted).sum())
        a, b, c = self.covariance
        known = plain**2 * a + 2.0 * plain * priced * b + priced**2 * c
        noise = rise * self.noise(predicted)
        single, common = float(np.square(noise).sum()), self._common**2
        if common:
            single = (1.0 - common) * single + common * float(noise.sum()) ** 2
        return self.shift * plain + (self.factor - 1.0) * priced, max(known, 0.0) + single

    def draw_bias(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return shifts and factors drawn at random, (count,) each."""
        a, b, c = self.covariance
        # the square root of a 2 × 2 covariance by Cholesky
        first = math.sqrt(a)
        second = b / first if first > 0 else 0.0
        third = math.sqrt(max(c - second**2, 0.0))
        z = rng.standard_normal((2, count, 1))[..., 0]
        return self.shift + first * z[0], self.factor + second * z[0] + third * z[1]

    def draw(self, predicted: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Return ``actual − predicted`` drawn at random, ``(count, n)``: one shift and factor for each draw.

        The places of a draw are those of one group; noise is normal.
        """
        shift, factor = (each[:, None] for each in self.draw_bias(count, rng))
        noise = self.noise(predicted) * rng.standard_normal((count, len(predicted)))
        if self._common:
            common = self._common * self.noise(predicted) * rng.standard_normal((count, 1))
            noise = math.sqrt(1.0 - self._common**2) * noise + common
        return np.asarray(shift + (factor - 1.0) * predicted + noise)


@dataclass(frozen=True, eq=False)
class RowGroups:
    """Which rows belong to one group, such as a day.

    Parameters
    ----------
    by
        What the groups are called.
    held_out
        The group of every held-out row, as a number; (n,).
    learned
        Actual values, predictions and groups of the rows learned from; None where they are not known.
    """

    by: str
    held_out: NDArray[np.int64]
    learned: tuple[Floats, Floats, NDArray[np.int64]] | None = None


def _ratio(errors: Floats, codes: NDArray[np.int64]) -> float:
    """Return the variance of what rows of a group share over that of what each has alone, errors being of one size."""
    share = min(shared_part(clipped(errors), np.ones(len(errors)), codes), MOST_SHARED)
    return share / (1.0 - share)


def _believed(bias: Floats, noise: float, numbers: int, rows_train: int) -> float:
    """Return the part of a bias that is believed, given the bias of each held-out row in units of its noise."""
    among_all = len(bias) / (len(bias) + rows_train)
    far = float(np.square(bias).sum())
    return max(among_all, 1.0 - _CHANCE * numbers * noise / far) if far else among_all


def _likeliest_power(error: Floats, size: Floats) -> float:
    """Return the power of the prediction in proportion to which errors grow, by the likelihood of Laplace's law.

    Gross errors weigh less in it than in that of a normal distribution.
    """
    if not error.any():
        return 0.0
    logs = np.log(size)
    scores = [-len(error) * math.log((error / size**power).mean()) - power * logs.sum() for power in _POWERS]
    # of a law that says the same everywhere all are alike, but for rounding
    return next(power for power, score in zip(_POWERS, scores, strict=True) if score >= max(scores) - _ALIKE)
