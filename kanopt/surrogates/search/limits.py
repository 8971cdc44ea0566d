"""Limits of a target: a minimum charge, a capacity, both. On many rows the target is the limit, and says no more.

Beyond the limit the law is another one, max(c, f), and f is what the other rows tell. A limit shows by itself: many
rows within the noise of the least value, or of the largest, and few just beyond (a target censored at a known place:
Tobin 1958, *Estimation of relationships for limited dependent variables*, Econometrica 26).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.structure import ONE, Applied, Group, Law, Parameter, Term

__all__ = ["Limits", "limits"]

Array = NDArray[np.float64]

SHARES = tuple(np.geomspace(0.04, 0.8, 28).tolist())
"""Shares of the rows that may be at a limit."""
BEYOND = 0.25
"""Rows just beyond a limit, for one at it: a density that only begins there has about as many."""
NARROW = 0.1
"""Width of the rows at a limit, at most, as a share of the range of nearly all."""
MOST = (0.02, 0.98)
LEAST = 1e-3
"""Their least width: without noise they are all at one place."""
ENOUGH = 100
"""Rows between the limits, at least."""


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of a target, and the rows between them.

    Parameters
    ----------
    low, high
        The limits; None for none.
    between
        Numbers of the rows between them.
    """

    low: float | None
    high: float | None
    between: NDArray[np.intp]

    def around(self, law: Law) -> Law:
        """Return a law of the rows between the limits with the limits around it."""
        term = law.terms[0] if len(law.terms) == 1 else Term(ONE, (Group(law),))
        for limit, function in ((self.low, "max"), (self.high, "min")):
            if limit is not None:
                term = Term(ONE, (Applied(function, Law((Term(Parameter(limit)), term))),))
        return Law((term,))


def limits(target: Array, *, log: bool = False) -> Limits | None:
    """Return the limits of a target; None where it has none, or hardly any rows between them.

    Parameters
    ----------
    target
        Shape (n,).
    log
        Whether it is a logarithm; limits are those of the target itself.

    Examples
    --------
    >>> x = np.linspace(0.0, 10.0, 400)
    >>> found = limits(np.maximum(3.0, x))
    >>> found.low, found.high, len(found.between)
    (3.0, None, 280)
    >>> limits(x) is None
    True
    """
    # a limit of prices that differ a hundredfold is as wide as the small ones in all
    scale = target if log or target.min() <= 0.0 else np.log(target)
    low, high = _least(scale), _least(-scale)
    between = np.ones(len(target), dtype=bool)
    if low is not None:
        between &= scale > low[1]
    if high is not None:
        between &= -scale > high[1]
    if (low is None and high is None) or between.sum() < ENOUGH:
        return None
    values = np.exp(target) if log else target

    def level(end: tuple[float, float] | None, sign: float) -> float | None:
        return None if end is None else float(np.median(values[sign * scale <= end[1]]))

    return Limits(level(low, 1.0), level(high, -1.0), np.flatnonzero(between))


def _least(values: Array) -> tuple[float, float] | None:
    """Return the least value and the end of the rows at it, where there are many there and few just beyond."""
    ordered = np.sort(values)
    n, first = len(ordered), float(ordered[0])
    ends = np.quantile(ordered, MOST)
    wide = float(ordered[-1] - first) if ends[0] == ends[1] else float(ends[1] - ends[0])
    end: float | None = None
    least = BEYOND
    for share in SHARES:
        width = max(float(ordered[int(share * n)]) - first, LEAST * wide)
        if width > NARROW * wide:
            break
        at, near = (np.searchsorted(ordered, first + width * times, side="right") for times in (1.0, 2.0))
        if (near - at) / at < least:
            # rows at the limit whose noise is larger than that of most are no rows beyond it
            end, least = first + 2.0 * width, float(near - at) / float(at)
    return None if end is None else (first, end)
