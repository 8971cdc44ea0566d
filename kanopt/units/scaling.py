"""Scale floats to the integers of solvers, with a bound on the rounding error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanopt.errors import UnitError, nearest

Rounding = Literal["nearest", "up", "down"]

_NOISE = 1e-9
_EPS = float(np.finfo(np.float64).eps)
_INT64_MAX = float(2**63 - 1024)  # the largest float below 2**63


@dataclass(frozen=True)
class Scaling:
    """A scaling from floats to the integers of a solver, with a bound on the rounding error.

    Parameters
    ----------
    factor
        Integer steps per original unit: 1000 keeps three decimals.
    rounding
        ``"up"`` for quantities that must not be underestimated (durations, demands), ``"down"`` for those that must
        not be overestimated (capacities), ``"nearest"`` for an objective.

    Raises
    ------
    UnitError
        If the factor is not a positive number or the rounding is unknown.

    Examples
    --------
    >>> up = Scaling(10.0, "up")
    >>> up.to_integers(np.array([0.3, 0.31])).tolist()
    [3, 4]
    >>> up.bound, up.to_float(4)
    (0.1, 0.4)
    """

    factor: float
    rounding: Rounding = "nearest"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.factor) and self.factor > 0):
            raise UnitError(f"a scaling factor is a positive number, not {self.factor!r}")
        if self.rounding not in ("nearest", "up", "down"):
            hint = nearest(str(self.rounding), ("nearest", "up", "down"))
            raise UnitError(f"unknown rounding {self.rounding!r}; {hint}")

    @property
    def bound(self) -> float:
        """The largest rounding error of one entry, in original units."""
        return (0.5 if self.rounding == "nearest" else 1.0) / self.factor

    def to_integers(self, values: ArrayLike) -> NDArray[np.int64]:
        """Scale and round.

        A value within 1e-9 steps of an integer multiple (or within the floating-point noise of the
        product, where that is larger) is taken for that multiple, so that 0.3 at ten steps per unit is
        3 and never 4.

        Parameters
        ----------
        values
            Array of any shape, in original units.

        Returns
        -------
        ndarray of int64, same shape

        Raises
        ------
        UnitError
            If a value is not finite, or leaves the range of 64-bit integers when scaled.
        """
        numbers = np.asarray(values, dtype=np.float64)
        scaled = numbers * self.factor
        wrong = ~(np.abs(scaled) <= _INT64_MAX)
        if wrong.any():
            place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
            raise UnitError(
                f"value {float(numbers[place])!r} at position {place} cannot become an integer: it is not "
                f"finite, or too large for 64 bits at {self.factor:g} steps per unit"
            )
        rounded = np.rint(scaled)
        if self.rounding != "nearest":
            away = np.abs(scaled - rounded) > _NOISE + 4 * _EPS * np.abs(scaled)
            directed = np.ceil(scaled) if self.rounding == "up" else np.floor(scaled)
            rounded = np.where(away, directed, rounded)
        return np.asarray(rounded, dtype=np.int64)

    def to_float(self, number: int) -> float:
        """Return a solver's integer in original units."""
        return int(number) / self.factor


def scaling_for(
    max_abs: float,
    count: int,
    *,
    limit: float = 4e18,
    target_resolution: float = 1e-6,
    rounding: Rounding = "nearest",
) -> Scaling:
    """Choose a scaling from ranges, so that no sum of the scaled values passes a limit.

    The factor is ``1 / target_resolution`` where that fits, else the largest power of ten that does:
    ``count * (max_abs * factor + 1) <= limit``. Read :attr:`Scaling.bound` for the error this means.

    Parameters
    ----------
    max_abs
        The largest absolute value, in original units.
    count
        How many such values a sum may hold.
    limit
        The largest integer a sum may reach; 64-bit solvers stop at 9.2e18.
    target_resolution
        The finest step that is of use, in original units.
    rounding
        Direction of the rounding.

    Raises
    ------
    UnitError
        If an argument is not a positive number (`max_abs` may be zero), or `count` alone passes the limit.

    Examples
    --------
    >>> scaling_for(500.0, 1000).factor
    1000000.0
    >>> scaling_for(1e12, 100_000).factor
    10.0
    """
    given = {"max_abs": max_abs, "count": count, "limit": limit, "target_resolution": target_resolution}
    for name, value in given.items():
        if not np.isfinite(value) or value < 0 or (value == 0 and name != "max_abs"):
            raise UnitError(f"{name} must be a positive number, not {value!r}")
    room = limit / count - 1
    if room <= 0:
        raise UnitError(f"a sum of {count:,} integers cannot stay below {limit:g}")
    wanted = 1 / target_resolution
    if max_abs * wanted <= room:
        return Scaling(wanted, rounding)
    power = np.floor(np.log10(room) - np.log10(max_abs))
    # log10 rounds; step down where the power it names just does not fit
    while max_abs * 10.0**power > room:
        power -= 1
    return Scaling(float(10.0**power), rounding)
