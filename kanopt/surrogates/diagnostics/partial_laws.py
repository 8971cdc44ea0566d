"""A part of a law, as a function of some columns with the others held constant; and tests whether it is a product.

If a law is a sum or a product over groups of columns, it is an affine function of the part of one group, with the other
columns held. Its derivatives determine that part up to an additive constant. Derivatives suffice to test for a sum, but
not for a product: g + c = a(x, …) · b(y, …) for some constant c means that

    (g + c) · g_xy − g_x · g_y = 0    for every row,

which is linear in c. So c is estimated by least squares from one pair of columns, and then tested on all others. The
larger c, the more a product resembles a sum, so c is estimated only from pairs that are known not to be additive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from kanopt.kan.derivatives import Derivatives
from kanopt.surrogates.diagnostics.deviations import Sample, StructureDeviation, Surface, separable
from kanopt.surrogates.diagnostics.verdicts import mean_square, rms_sizes, verdicts

__all__ = [
    "Groups",
    "PartialLaw",
    "StructureTestSetting",
    "connected_groups",
    "group_columns",
    "part_of",
    "product_of",
    "strength_of",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Groups = tuple[tuple[str, ...], ...]

PLACES = 9
"""Rows at which the other columns may be held."""
CONSTANTS = 12
"""Constants that are tried, each named by one pair of columns."""


@dataclass(frozen=True, eq=False)
class StructureTestSetting:
    """A law with the settings of its tests; see :func:`kanopt.surrogates.diagnostics.structure_tests`."""

    surface: Surface
    sample: Sample
    perturbed_surfaces: tuple[Surface, ...]
    step: float
    residual: float
    tolerance: float


@dataclass(frozen=True, eq=False)
class PartialLaw:
    """A law as a function of some of its columns, with the others held at the values of one row.

    Parameters
    ----------
    surface
        The law of all columns.
    row, codes
        Values of the held columns, shapes (numbers,) and (categories,).
    numbers, categories
        Indices of the free columns.
    """

    surface: Surface
    row: Floats
    codes: Integers
    numbers: tuple[int, ...]
    categories: tuple[int, ...]

    def __call__(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the values, shape (n,)."""
        return self.surface(*self._whole(numbers, codes))

    def derivatives(self, numbers: Floats, codes: Integers) -> Derivatives:
        """Return values, gradient and Hessian with respect to the free numbers."""
        found = self.surface.derivatives(*self._whole(numbers, codes))
        free = list(self.numbers)
        return Derivatives(found.values, found.gradient[:, free], found.hessian[:, free][:, :, free])

    def _whole(self, numbers: Floats, codes: Integers) -> tuple[Floats, Integers]:
        all_numbers, all_codes = np.tile(self.row, (len(numbers), 1)), np.tile(self.codes, (len(codes), 1))
        all_numbers[:, list(self.numbers)], all_codes[:, list(self.categories)] = numbers, codes
        return all_numbers, all_codes


def part_of(setting: StructureTestSetting, columns: Sequence[str]) -> StructureTestSetting:
    """Return the law of some columns, with the others held at a central row of the sample.

    Of several such rows one with a typical variation of the part is chosen, so that the other factors of a product do
    not vanish there.
    """
    sample = setting.sample
    if set(columns) == {*sample.names, *sample.categories}:
        return setting
    numbers = tuple(place for place, name in enumerate(sample.names) if name in columns)
    categories = tuple(place for place, name in enumerate(sample.categories) if name in columns)
    free, labels = list(numbers), list(categories)
    part = Sample(
        names=tuple(sample.names[place] for place in free),
        categories=tuple(sample.categories[place] for place in labels),
        numbers=sample.numbers[:, free],
        codes=sample.codes[:, labels],
        values=sample.values[:, free],
        slopes=sample.slopes[:, free],
        periodic=sample.periodic[free],
    )
    rows = _central_rows(sample, free)
    made = [
        PartialLaw(setting.surface, sample.numbers[row], sample.codes[row], numbers, categories)
        for row in rows
    ]
    spreads = [float(each(part.numbers, part.codes).std()) for each in made]
    chosen = made[int(np.argsort(spreads, kind="stable")[len(made) // 2])]
    near = tuple(replace(chosen, surface=other) for other in setting.perturbed_surfaces)
    return replace(setting, surface=chosen, sample=part, perturbed_surfaces=near)


def _central_rows(sample: Sample, free: list[int]) -> list[int]:
    """Return some rows whose held columns lie near their medians."""
    held = np.delete(sample.numbers, free, axis=1)
    scale = held.std(axis=0)
    away = (held - np.median(held, axis=0)) / np.where(scale > 0, scale, 1.0)
    order = np.argsort((away**2).sum(axis=1), kind="stable")
    near = order[: max(len(order) // 2, 1)]
    spread = np.unique(np.linspace(0, len(near) - 1, PLACES).round().astype(np.int64))
    return [int(row) for row in near[spread]]


def group_columns(columns: Sequence[str], tests: pd.DataFrame) -> Groups:
    """Return the smallest groups of columns such that the test holds for every pair from two groups."""
    failing = tests[tests["verdict"] != "holds"]
    return connected_groups(columns, zip(failing["first"], failing["second"], strict=True))


def connected_groups(columns: Sequence[str], pairs: Iterable[tuple[str, str]]) -> Groups:
    """Return the connected components of columns linked by pairs, in the order of their first columns.

    Examples
    --------
    >>> connected_groups(("x", "y", "z"), [("x", "z")])
    (('x', 'z'), ('y',))
    """
    place = {name: index for index, name in enumerate(columns)}
    links = np.zeros((len(place), len(place)), dtype=np.int8)
    for first, second in pairs:
        if first in place and second in place:
            links[place[first], place[second]] = 1
    count, label = connected_components(links, directed=False)
    groups = [tuple(np.array(list(place), dtype=object)[label == group]) for group in range(count)]
    return tuple(sorted(groups, key=lambda group: place[group[0]]))


@dataclass(frozen=True, eq=False)
class _Affine:
    """A law with its departures from a sum and a product, to test for a product plus a constant."""

    values: Floats
    sums: StructureDeviation
    products: StructureDeviation

    @classmethod
    def of(cls, surface: Surface, sample: Sample) -> _Affine:
        return cls(*separable(surface, sample))

    def constant(self, case: int) -> float:
        """Return the constant with the smallest departure from a product for one pair of columns."""
        bend = self.sums.rows[0][case]
        return -float(self._crossed[case] @ bend) / float(bend @ bend)

    def with_constant(self, constant: float) -> StructureDeviation:
        """Return the departure of the law plus a constant from a product."""
        rows = self._crossed + constant * self.sums.rows[0]
        unit = float(np.sqrt(np.mean((self.values + constant) ** 2)))
        return replace(self.products, rows=(rows / (unit or 1.0),))

    @property
    def _crossed(self) -> Floats:
        return self.products.rows[0] * (float(np.sqrt(np.mean(self.values**2))) or 1.0)


def product_of(setting: StructureTestSetting, additive: pd.DataFrame) -> tuple[Groups, float]:
    """Split the columns of a law so that it is a product over the groups plus a constant.

    Parameters
    ----------
    setting
        The law, or a part of it.
    additive
        The additive tests of its pairs.

    Returns
    -------
    groups, strength
        One group if it is no such product; see :func:`strength_of`.
    """
    sample = setting.sample
    names = (*sample.names, *sample.categories)
    base = _Affine.of(setting.surface, sample)
    others = [_Affine.of(surface, sample) for surface in setting.perturbed_surfaces]
    apart = additive[additive["verdict"] == "fails"]
    known = set(zip(apart["first"], apart["second"], strict=True))
    pairs = list(zip(base.sums.first, base.sums.second, strict=True))
    cases = [case for case, pair in enumerate(pairs) if pair in known and base.sums.rows[0][case].any()]
    own = {case: rms_sizes(base.with_constant(base.constant(case)))[case] for case in cases}
    least = setting.tolerance * float(np.hypot(base.values.std(), setting.residual))
    best: tuple[Groups, float] = ((names,), 0.0)
    for case in sorted(cases, key=lambda case: (own[case], case))[:CONSTANTS]:
        departure = base.with_constant(base.constant(case))
        noise = np.zeros(len(pairs))
        for other in others:
            if other.sums.rows[0][case].any():
                moved = other.with_constant(other.constant(case))
                noise += mean_square(departure, moved) / (setting.step**2 * len(others))
        groups = group_columns(names, verdicts(departure, np.sqrt(noise), least))
        found = groups, strength_of(departure, groups)
        best = max(best, found, key=lambda each: (len(each[0]), each[1]))
    return best


def strength_of(departure: StructureDeviation, groups: Groups) -> float:
    """Return the strength of separability over groups: 1 if exact, 0 if the departure is as large as the effects.

    The departures of all pairs from two groups are pooled, so that columns with small effects have little weight.
    """
    group = {name: place for place, names in enumerate(groups) for name in names}
    across = np.array(
        [
            a in group and b in group and group[a] != group[b]
            for a, b in zip(departure.first, departure.second, strict=True)
        ],
        dtype=bool,
    )
    whole = float((departure.whole[across] ** 2).sum())
    left = float((rms_sizes(departure)[across] ** 2).sum())
    return max(1.0 - float(np.sqrt(left / whole)), 0.0) if whole > 0 else 1.0
