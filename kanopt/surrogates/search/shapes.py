"""Shapes with a name: growth and decay, peaks, distances, gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Term,
)

Array = NDArray[np.float64]

STRETCHED, BENDS = (0.3, 0.6), (0.6, 1.5, 2.5)
"""Quantiles of an input at which a stretched exponential has fallen to 1/e, and how it bends."""
PEAKS = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
"""Places of peaks, in widths of an input."""

POWERS_OF_TWO, RATES_OF_TWO = (1.0, 2.0), (0.3, 1.0, 3.0)
"""Powers of a product of two inputs in an exponential, and its sizes at their median."""


def kind_of(columns: Columns, column: int) -> str:
    """Return which powers an input allows: "positive" any, "zero" positive ones, "signed" whole ones."""
    low = columns.low[column]
    return "positive" if low > 0.0 else "zero" if low == 0.0 else "signed"


def exponents_of(columns: Columns, column: int, among: tuple[float, ...]) -> list[float]:
    """Return the exponents among those given that an input allows."""
    kind = kind_of(columns, column)
    if kind == "positive":
        return list(among)
    allowed = [e for e in among if e > 0]
    return allowed if kind == "zero" else [e for e in allowed if e == int(e)]


def held(value: float) -> Parameter:
    """Return a number that is not estimated."""
    return Parameter(value, free=False)


def _exponential(coefficient: float, *factors: Factor) -> Applied:
    return Applied("exp", Law((Term(Parameter(coefficient), factors),)))


def stretched(columns: Columns, j: int) -> list[Factor]:
    """Return exp(−(x/θ)^k), the share that is left of a Weibull distribution (Weibull 1951, J. Appl. Mech. 18)."""
    if kind_of(columns, j) == "signed":
        return []
    positive = columns.of(j)[columns.of(j) > 0.0]
    if not len(positive):
        return []
    sizes = np.quantile(positive, STRETCHED)
    return [
        _exponential(-float(size**-k), Power(j, Parameter(k))) for size in np.unique(sizes) for k in BENDS
    ]


def gompertz(columns: Columns, j: int) -> list[Factor]:
    """Return exp(−a·exp(−b x)): growth that is fastest early, and death that is fastest late (Gompertz 1825)."""
    low, width = float(columns.low[j]), float(columns.high[j] - columns.low[j])
    out: list[Factor] = []
    for rate in (-6.0 / width, -3.0 / width, 3.0 / width, 6.0 / width):
        for middle in (low + 0.25 * width, low + 0.6 * width):
            size = float(np.exp(np.clip(-rate * middle, -200.0, 200.0)))
            out.append(_exponential(-size, Exponential(j, Parameter(rate))))
    return out


def peaks(columns: Columns, j: int) -> list[Factor]:
    """Return exp(−((x − c)/w)²): the rush of an hour."""
    low, width = float(columns.low[j]), float(columns.high[j] - columns.low[j])
    out: list[Factor] = []
    for share in PEAKS:
        for w in (0.06 * width, 0.15 * width):
            middle = Term(Parameter(-(low + share * width)))
            bracket = Group(Law((Term(ONE, (Power(j, ONE),)), middle)), held(2.0))
            out.append(_exponential(-1.0 / w**2, bracket))
    return out


def decay_of_two(columns: Columns, pair: tuple[int, int]) -> list[Factor]:
    """Return exp(−c · u^k), where u is a product or a ratio of two inputs: what is left at an age of u lives."""
    i, j = pair
    out: list[Factor] = []
    for a, b in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0)):
        if kind_of(columns, i) != "positive" or kind_of(columns, j) != "positive":
            continue
        middle = float(np.median(columns.raised(i, a) * columns.raised(j, b)))
        u = Term(ONE, (Power(i, held(a)), Power(j, held(b))))
        for k in POWERS_OF_TWO:
            bent = Group(Law((u,)), Parameter(k))
            out += [_exponential(-rate * middle**-k, bent) for rate in RATES_OF_TWO]
    return out


def distance_of_places(columns: Columns, places: tuple[int, int, int, int]) -> Factor:
    """Return the root of (a − b)² + (c − d)²: a straight line from one place to another."""
    squares = []
    for i, j in (places[:2], places[2:]):
        first = Term(held(float(columns.scales[i])), (Power(i, ONE),))
        second = Term(held(-float(columns.scales[j])), (Power(j, ONE),))
        squares.append(Group(Law((first, second)), held(2.0)))
    size = Parameter(1.0)
    return Group(Law((Term(ONE, (squares[0],)), Term(size, (squares[1],)))), held(0.5))


def distance_beside(columns: Columns, inputs: tuple[int, int, int]) -> Factor:
    """Return the root of a² + (b − c)²: real power, and reactive power less what capacitors take of it."""
    i, j, k = inputs
    difference = Law(
        (
            Term(held(float(columns.scales[j])), (Power(j, ONE),)),
            Term(held(-float(columns.scales[k])), (Power(k, ONE),)),
        )
    )
    first = Term(held(float(columns.scales[i]) ** 2), (Power(i, held(2.0)),))
    return Group(Law((first, Term(Parameter(1.0), (Group(difference, held(2.0)),)))), held(0.5))


def gap(columns: Columns, pair: tuple[int, int]) -> list[Factor]:
    """Return |a − b| in the units of the inputs themselves, where either may be the larger one."""
    i, j = pair
    scales = columns.scales
    low = max(columns.low[i] * scales[i], columns.low[j] * scales[j])
    high = min(columns.high[i] * scales[i], columns.high[j] * scales[j])
    if not low < high:
        return []
    first = Term(held(float(scales[i])), (Power(i, ONE),))
    second = Term(Parameter(-float(scales[j])), (Power(j, ONE),))
    return [Applied("abs", Law((first, second)))]
