"""Deviations of a law from structures, row by row, in the units of its output.

Every structure is a relation between derivatives that vanishes if the law f has it (Udrescu and Tegmark 2020,
*AI Feynman*, Sci. Adv. 6, section II; Liu et al. 2024, *KAN 2.0*, arXiv:2408.10205, section 4.2). With f_i for the
derivative with respect to column i *times the standard deviation of that column over the rows*, so that all have the
units of f:

==================  ============================================  =====================================
test                the law is                                    departure
==================  ============================================  =====================================
additive            a(x, …) + b(y, …)                             f_xy
multiplicative      a(x, …) · b(y, …)                             (f f_xy − f_x f_y) / rms f
joint               g(h(x, y), …)                                 (f_xz f_y − f_x f_yz) / rms (f_x, f_y)
x + y, x - y        g(x + y, …), g(x − y, …)                      ∂f/∂x ∓ ∂f/∂y
x * y, x / y        g(x · y, …), g(x / y, …)                      x ∂f/∂x ∓ y ∂f/∂y
even, odd           even in x, odd in x about its value at 0      (f(x) ∓ f(−x)) / 2, less f(0) if odd
==================  ============================================  =====================================

The multiplicative departure is f · ∂² log f / ∂x∂y, written so that f may change its sign. The first three are
invariant under a transformation of a column, so they are computed in the coordinates of the network; the symmetries are
computed in the units of the columns, and scaled by the possible movement along the line on which the law should be
constant: by the standard deviation of x for a given x + y, as if the two were independent.

A category has no derivative. It is replaced by the change of the law when the category is shuffled over the rows,
divided by √2, whose mean square is the variance due to the category (Jansen 1999, eq. 13).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.derivatives import Derivatives

__all__ = ["Sample", "StructureDeviation", "Surface", "separable", "structure_deviations"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MIRRORED = 0.2
"""Share of the rows that must have their mirror image inside the domain, for a test of evenness."""


class Surface(Protocol):
    """A law that can be differentiated."""

    def __call__(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the values, shape (n,)."""
        ...

    def derivatives(self, numbers: Floats, codes: Integers) -> Derivatives:
        """Return values, gradient and Hessian."""
        ...


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows at which a law is tested.

    Parameters
    ----------
    names, categories
        Names of the numbers and of the categories.
    numbers, codes
        Encoded rows, shapes (n, numbers) and (n, categories).
    values, slopes
        The numbers in the units of their columns, and their derivatives with respect to `numbers`; both (n, numbers).
    periodic
        Whether a number is periodic, and so has no symmetries of sums and products; shape (numbers,).
    """

    names: tuple[str, ...]
    categories: tuple[str, ...]
    numbers: Floats
    codes: Integers
    values: Floats
    slopes: Floats
    periodic: NDArray[np.bool_]

    @classmethod
    def of_numbers(cls, names: tuple[str, ...], numbers: Floats) -> Sample:
        """Return rows of numbers for a law of unencoded numbers.

        Examples
        --------
        >>> Sample.of_numbers(("x", "y"), np.zeros((3, 2))).codes.shape
        (3, 0)
        """
        n, d = numbers.shape
        none = np.zeros((n, 0), dtype=np.int64)
        return cls(names, (), numbers, none, numbers, np.ones_like(numbers), np.zeros(d, dtype=bool))


@dataclass(frozen=True, eq=False)
class StructureDeviation:
    """The departure of a law from one structure, for all columns or pairs of columns tested.

    Attributes
    ----------
    test
        Name of the structure.
    first, second
        Names of the columns, one per case; `second` is empty for a test of one column.
    rows
        One or more arrays (cases, n): the departure is the root of the sum of their mean squares.
    whole
        The order of magnitude of the departure without the structure, shape (cases,).
    least
        The smaller of the effects of the two columns, shape (cases,).
    """

    test: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    rows: tuple[Floats, ...]
    whole: Floats
    least: Floats


def structure_deviations(surface: Surface, sample: Sample) -> list[StructureDeviation]:
    """Return the departures of a law from every structure that its columns allow.

    Examples
    --------
    >>> class Product:
    ...     def __call__(self, numbers, codes):
    ...         return numbers[:, 0] * numbers[:, 1]
    ...     def derivatives(self, numbers, codes):
    ...         hessian = np.tile(1.0 - np.eye(2), (len(numbers), 1, 1))
    ...         return Derivatives(self(numbers, codes), numbers[:, ::-1], hessian)
    >>> rows = np.array([[1.0, 1.0], [3.0, 1.0], [1.0, 3.0], [3.0, 3.0]])
    >>> for found in structure_deviations(Product(), Sample.of_numbers(("x", "y"), rows)):
    ...     print(found.test, float(np.sqrt(np.mean(found.rows[0] ** 2)).round(3)))
    additive 1.0
    multiplicative 0.0
    x + y 1.0
    x - y 3.0
    x * y 0.0
    x / y 3.884
    """
    look = _surface_values(surface, sample)
    found = [*_separable(look, sample), *_joint(look, sample), *_symmetric(look, sample)]
    return [each for each in found if each.first] + _mirrored(surface, look, sample)


def separable(surface: Surface, sample: Sample) -> tuple[Floats, StructureDeviation, StructureDeviation]:
    """Return the values of a law, shape (n,), and its departures from a sum and from a product, pair by pair."""
    look = _surface_values(surface, sample)
    sums, products = _separable(look, sample)
    return look.f, sums, products


@dataclass(frozen=True, eq=False)
class _SurfaceValues:
    """Values and gradient of a law at the rows, and gradient and Hessian per standard deviation of every number.

    `shuffled` holds values and gradients with one category shuffled, `shuffled_pairs` the values with two.
    """

    f: Floats
    gradient: Floats
    g: Floats
    h: Floats
    shuffled: tuple[tuple[Floats, Floats], ...]
    shuffled_pairs: dict[tuple[int, int], Floats]

    @property
    def effects(self) -> Floats:
        """Effect of every number and then every category."""
        numbers = [_rms(self.g[:, i]) for i in range(self.g.shape[1])]
        return np.array(numbers + [_rms(f - self.f) / np.sqrt(2.0) for f, _ in self.shuffled])


def _surface_values(surface: Surface, sample: Sample) -> _SurfaceValues:
    spread = sample.numbers.std(axis=0)
    rng = np.random.default_rng(0)
    count = len(sample.categories)
    orders = [rng.permutation(len(sample.numbers)) for _ in range(count)]

    def with_shuffled(*columns: int) -> Integers:
        codes = sample.codes.copy()
        for column in columns:
            codes[:, column] = sample.codes[orders[column], column]
        return codes

    base = surface.derivatives(sample.numbers, sample.codes)
    shuffled = (surface.derivatives(sample.numbers, with_shuffled(k)) for k in range(count))
    return _SurfaceValues(
        f=base.values,
        gradient=base.gradient,
        g=base.gradient * spread,
        h=base.hessian * np.outer(spread, spread),
        shuffled=tuple((each.values, each.gradient * spread) for each in shuffled),
        shuffled_pairs={
            (k, m): surface(sample.numbers, with_shuffled(k, m))
            for k in range(count)
            for m in range(k + 1, count)
        },
    )


def _separable(look: _SurfaceValues, sample: Sample) -> Iterator[StructureDeviation]:
    f, g, h, d = look.f, look.g, look.h, len(sample.names)
    size = _rms(f) or 1.0
    half = np.sqrt(0.5)
    pairs: list[tuple[int, int]] = []
    sums: list[Floats] = []
    products: list[Floats] = []
    i, j = np.triu_indices(d, 1)
    pairs += zip(i.tolist(), j.tolist(), strict=True)
    sums.append(h[:, i, j].T)
    products.append((f[:, None] * h[:, i, j] - g[:, i] * g[:, j]).T)
    for k, (f_k, g_k) in enumerate(look.shuffled):
        pairs += [(number, d + k) for number in range(d)]
        sums.append(half * (g_k - g).T)
        products.append(half * (f[:, None] * g_k - f_k[:, None] * g).T)
    for (k, m), f_km in look.shuffled_pairs.items():
        f_k, f_m = look.shuffled[k][0], look.shuffled[m][0]
        pairs.append((d + k, d + m))
        sums.append(0.5 * (f_km - f_k - f_m + f)[None])
        products.append(0.5 * (f * f_km - f_k * f_m)[None])
    names, effects = (*sample.names, *sample.categories), look.effects
    first, second = tuple(names[a] for a, _ in pairs), tuple(names[b] for _, b in pairs)
    least = np.array([min(effects[a], effects[b]) for a, b in pairs])
    for test, parts, unit in (("additive", sums, 1.0), ("multiplicative", products, size)):
        yield StructureDeviation(test, first, second, (np.concatenate(parts) / unit,), least, least)


def _joint(look: _SurfaceValues, sample: Sample) -> Iterator[StructureDeviation]:
    """Test for every pair of numbers whether they interact with the other columns only through one function of both."""
    g, h, d = look.g, look.h, len(sample.names)
    if d + len(sample.categories) < 3:
        return
    i, j = np.triu_indices(d, 1)
    unit = np.sqrt(np.mean(g[:, i] ** 2 + g[:, j] ** 2, axis=0))
    unit = np.where(unit > 0, unit, 1.0)
    rows = []
    for z in range(d):
        turned = h[:, i, z] * g[:, j] - g[:, i] * h[:, j, z]
        rows.append(np.where((i == z) | (j == z), 0.0, turned / unit).T)
    for _, g_k in look.shuffled:
        rows.append(np.sqrt(0.5) * ((g_k[:, i] * g[:, j] - g[:, i] * g_k[:, j]) / unit).T)
    least = np.minimum(look.effects[i], look.effects[j])
    yield StructureDeviation("joint", _named(sample, i), _named(sample, j), tuple(rows), least, least)


def _symmetric(look: _SurfaceValues, sample: Sample) -> Iterator[StructureDeviation]:
    straight = look.gradient / sample.slopes
    logs = np.log(np.abs(sample.values), out=np.full_like(sample.values, np.nan), where=sample.values != 0)
    plain = np.flatnonzero(~sample.periodic)
    several = np.count_nonzero(sample.values, axis=0) > 1
    nonzero = plain[several[plain]]
    for tests, own, slope, width in (
        (("x + y", "x - y"), plain, straight, sample.values.std(axis=0)),
        (("x * y", "x / y"), nonzero, sample.values * straight, _spread_of_logs(logs)),
    ):
        first, second = np.triu_indices(len(own), 1)
        i, j = own[first], own[second]
        reach = width[i] * width[j] / np.maximum(np.hypot(width[i], width[j]), np.finfo(np.float64).tiny)
        a, b = slope[:, i] * reach, slope[:, j] * reach
        sizes = np.sqrt(np.mean(a**2, axis=0)), np.sqrt(np.mean(b**2, axis=0))
        whole, least = np.maximum(*sizes), np.minimum(*sizes)
        for test, rows in zip(tests, (a - b, a + b), strict=True):
            yield StructureDeviation(test, _named(sample, i), _named(sample, j), (rows.T,), whole, least)


def _spread_of_logs(logs: Floats) -> Floats:
    known = np.isfinite(logs)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, logs - np.where(known, logs, 0.0).sum(axis=0) / count, 0.0)
    return np.asarray(np.sqrt((centred**2).sum(axis=0) / count))


def _mirrored(surface: Surface, look: _SurfaceValues, sample: Sample) -> list[StructureDeviation]:
    """Compare rows with their mirror images if both lie within the range of the rows."""
    found = []
    for column in np.flatnonzero(~sample.periodic):
        z = sample.values[:, column]
        kept = np.abs(z) <= min(-z.min(), z.max())
        linear = bool(np.ptp(sample.slopes[:, column]) == 0.0)
        if not linear or kept.sum() < MIRRORED * len(z) or not np.abs(z[kept]).any():
            continue
        numbers, codes = sample.numbers[kept].copy(), sample.codes[kept]
        numbers[:, column] *= -1.0
        mirror = surface(numbers, codes)
        numbers[:, column] = 0.0
        here, middle = look.f[kept], surface(numbers, codes)
        whole = np.array([_rms(here - middle)])
        parts = {"even": (here - mirror) / 2.0, "odd": (here + mirror) / 2.0 - middle}
        name = (sample.names[column],)
        found += [
            StructureDeviation(test, name, ("",), (rows[None],), whole, whole) for test, rows in parts.items()
        ]
    return found


def _named(sample: Sample, index: Integers) -> tuple[str, ...]:
    return tuple(sample.names[place] for place in index)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else 0.0
