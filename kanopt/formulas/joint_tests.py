"""Joint tests of several inputs: whether a row is like those that a law was learned from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.nodes import Array

_EDGE = 1e-9
_RIDGE = 1e-6


@dataclass(frozen=True)
class JointTest:
    """A joint test of several inputs: the leverage of a row with respect to the training rows.

    The leverage is ``h = zᵀ G⁻¹ z`` with ``z = [1, scaled inputs]`` and ``G`` the mean of ``z zᵀ`` over the
    training rows (Hoaglin and Welsch 1978, "The hat matrix in regression and ANOVA", The American
    Statistician 32(1), times the number of rows). A short trip with a full load may lie within the range of
    each input although no similar trip was seen; its leverage detects that.

    Parameters
    ----------
    names
        The numeric inputs tested.
    log
        For each, whether it enters by its logarithm.
    centre, scale
        Mean and standard deviation of each, after the logarithm.
    inverse
        ``G⁻¹``, (k + 1) × (k + 1).
    threshold
        The largest leverage of a training row.
    """

    names: tuple[str, ...]
    log: tuple[bool, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    threshold: float

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes = {len(self.log), len(self.centre), len(self.scale), len(self.inverse) - 1}
        if shapes != {count} or any(len(row) != count + 1 for row in self.inverse):
            raise FormulaError(f"joint test of {self.names!r}: its parts differ in length")
        numbers = [*self.centre, *self.scale, *(x for row in self.inverse for x in row), self.threshold]
        if not all(math.isfinite(number) for number in numbers) or any(s <= 0 for s in self.scale):
            raise FormulaError(
                f"joint test of {self.names!r}: its numbers are not finite, or a scale is not positive"
            )

    def scaled(self, columns: Mapping[str, NDArray[Any]]) -> list[Array]:
        """Return 1 and the scaled inputs; the logarithm of a non-positive number is −∞."""
        parts: list[Array] = [np.ones(())]
        for name, log, centre, scale in zip(self.names, self.log, self.centre, self.scale, strict=True):
            values = columns[name]
            if log:
                values = np.log(values, out=np.full(values.shape, -np.inf), where=values > 0)
            parts.append((values - centre) / scale)
        return parts

    def leverage(self, columns: Mapping[str, NDArray[Any]]) -> Array:
        """Return the leverage of every row; the columns broadcast."""
        z = self.scaled(columns)
        total: Array = np.zeros(())
        with np.errstate(invalid="ignore", over="ignore"):
            for i, row in enumerate(self.inverse):
                inner: Array = np.zeros(())
                for j, weight in enumerate(row[: i + 1]):
                    inner = inner + (weight if i == j else 2.0 * weight) * z[j]
                total = total + z[i] * inner
        # infinite inputs come out as NaN and are as far outside as can be
        return np.where(np.isnan(total), np.inf, total)

    def contains(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Return a mask of the rows whose leverage is at most the threshold."""
        return np.asarray(self.leverage(columns) <= self.threshold * (1 + _EDGE))


def joint_test(numbers: Mapping[str, Array], log: frozenset[str]) -> JointTest | None:
    """Build the leverage test of the inputs that vary; a single input needs none."""
    scaled: dict[str, tuple[bool, float, float, Array]] = {}
    for name, raw in numbers.items():
        by_log = name in log
        values = np.log(raw) if by_log else raw
        centre, scale = float(values.mean()), float(values.std())
        if scale > _EDGE * max(1.0, abs(centre)):
            scaled[name] = (by_log, centre, scale, (values - centre) / scale)
    if len(scaled) < 2:
        return None
    z = np.column_stack(
        [np.ones(len(next(iter(scaled.values()))[3])), *(item[3] for item in scaled.values())]
    )
    # the ridge keeps exactly collinear inputs testable: off their common line the leverage becomes huge
    inverse = np.linalg.inv(z.T @ z / len(z) + _RIDGE * np.eye(z.shape[1]))
    inverse = (inverse + inverse.T) / 2
    return JointTest(
        names=tuple(scaled),
        log=tuple(item[0] for item in scaled.values()),
        centre=tuple(item[1] for item in scaled.values()),
        scale=tuple(item[2] for item in scaled.values()),
        inverse=tuple(tuple(float(x) for x in row) for row in inverse),
        threshold=float(np.einsum("ij,jk,ik->i", z, inverse, z).max()),
    )
