"""Ready-made factors: what a term may begin with, before its exponents are set free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice, product
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.surrogates.search.program import Columns, value
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Parameter,
    Power,
    Step,
    Tabulated,
    Term,
    Wave,
    fixed,
    inputs_of,
)

STRETCHED, BENDS = (0.3, 0.6), (0.6, 1.5, 2.5)
"""Quantiles of an input at which a stretched exponential has fallen to 1/e, and how it bends."""
PEAKS = np.linspace(0.1, 0.85, 6)
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


def logistic(columns: Columns, j: int) -> list[Factor]:
    """Return 1/(1 + a·exp(−b x)): growth that slows down as it nears its end (Verhulst 1838)."""
    low, width = float(columns.low[j]), float(columns.high[j] - columns.low[j])
    out: list[Factor] = []
    for rate in (6.0 / width, 12.0 / width):
        for middle in (low + 0.25 * width, low + 0.5 * width, low + 0.75 * width):
            size = float(np.exp(np.clip(rate * middle, -200.0, 200.0)))
            rest = Term(Parameter(size), (Exponential(j, Parameter(-rate)),))
            out.append(Group(Law((Term(ONE), rest)), fixed(-1.0)))
    return out


def peaks(columns: Columns, j: int) -> list[Factor]:
    """Return exp(−((x − c)/w)²): the rush of an hour."""
    low, width = float(columns.low[j]), float(columns.high[j] - columns.low[j])
    out: list[Factor] = []
    for share in PEAKS.tolist():
        for w in (0.06 * width, 0.15 * width):
            middle = Term(Parameter(-(low + share * width)))
            bracket = Group(Law((Term(ONE, (Power(j, ONE),)), middle)), fixed(2.0))
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
        u = Term(ONE, (Power(i, fixed(a)), Power(j, fixed(b))))
        for k in POWERS_OF_TWO:
            bent = Group(Law((u,)), Parameter(k))
            out += [_exponential(-rate * middle**-k, bent) for rate in RATES_OF_TWO]
    return out


def _difference(columns: Columns, i: int, j: int, *, free: bool = False) -> Law:
    """Return a − b in the units of the inputs themselves."""
    first, second = columns.scales[[i, j]].tolist()
    return Law((Term(fixed(first), (Power(i, ONE),)), Term(Parameter(-second, free=free), (Power(j, ONE),))))


def distance_of_places(columns: Columns, places: tuple[int, int, int, int]) -> Factor:
    """Return the root of (a − b)² + (c − d)²: a straight line from one place to another."""
    first, second = (Group(_difference(columns, i, j), fixed(2.0)) for i, j in (places[:2], places[2:]))
    return Group(Law((Term(ONE, (first,)), Term(Parameter(1.0), (second,)))), fixed(0.5))


def distance_beside(columns: Columns, inputs: tuple[int, int, int]) -> Factor:
    """Return the root of a² + (b − c)²: real power, and reactive power less what capacitors take of it."""
    i, j, k = inputs
    first = Term(fixed(float(columns.scales[i]) ** 2), (Power(i, fixed(2.0)),))
    second = Term(Parameter(1.0), (Group(_difference(columns, j, k), fixed(2.0)),))
    return Group(Law((first, second)), fixed(0.5))


def gap(columns: Columns, pair: tuple[int, int]) -> list[Factor]:
    """Return |a − b| in the units of the inputs themselves, where either may be the larger one."""
    low, high = ((ends * columns.scales)[list(pair)] for ends in (columns.low, columns.high))
    return [Applied("abs", _difference(columns, *pair, free=True))] if low.max() < high.min() else []


SINGLE = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0)
PAIR = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0)
TRIPLE = (1.0, -1.0)
MOST = 2500
"""Products that are tried at once; with many inputs the larger ones are left to growth."""
RATES = (-6.0, -2.0, 2.0, 6.0)
"""Rates of exponentials that are tried, per width of an input."""
HALF_TURNS = 24
CALENDAR, TURN = (7.0, 12.0, 24.0, 52.0, 365.0), 5.6
"""Periods that a column may have without a declaration, where it covers most of a turn, in radians."""
SAMPLE, WAVY = 50, 6
"""Some rows, and the values that an input has in them at most where no wave is looked for."""
FEW = 6
"""Inputs up to which hinges are multiplied by others."""
PLACES = np.linspace(0.1, 0.9, 9)
"""Quantiles of the values of an input at which hinges and steps are tried."""
NARROWEST = 1.5
"""Least ratio of the largest to the smallest value for a reciprocal in an exponential to differ from a line."""
SPANS = (4, 8, 16, 32)
"""Pieces of curves."""
CROWDED = 0.15
"""Share of the range of an input in which half of its values lie for a curve to be one of the logarithm."""

LARGEST = 700.0
"""Exponent of a number that a float holds."""


def _at_most_one(factors: tuple[Factor, ...], columns: Columns) -> Parameter:
    """Return the coefficient with which a product of exponentials is at most 1."""
    ends = (
        max(f.rate.value * end[f.column] ** (1 + (f.of == "x^2")) for end in (columns.low, columns.high))
        for f in factors
        if isinstance(f, Exponential)
    )
    return fixed(float(np.exp(-np.clip(sum(ends), -LARGEST, LARGEST))))


def _flat(
    column: int, count: int, held: int, of: str = "category", low: float = 0.0, high: float = 0.0
) -> Tabulated:
    """Return a table or curve that is 1 everywhere, one number of which is held."""
    values = tuple(ONE if k == held else Parameter(1.0) for k in range(count))
    return Tabulated(column, values, of, low, high)


@dataclass(frozen=True, eq=False)
class Family:
    """Ready-made products of one kind on a set of rows.

    Parameters
    ----------
    terms
        The products, each with what it is multiplied by so that its values are numbers of a usual size.
    columns
        The rows.
    """

    terms: list[Term]
    columns: Columns

    @cached_property
    def values(self) -> Floats:
        """Values of the products, shape (n, m)."""
        values = [value(Law((term,)), self.columns) for term in self.terms]
        return np.column_stack(values) if values else np.zeros((len(self.columns), 0))

    def times(self, number: int, coefficient: float) -> Term:
        """Return a product with a coefficient that is free, for that of its values."""
        term = self.terms[number]
        return Term(Parameter(coefficient * term.coefficient.value), term.factors)


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Candidates for terms and factors on a set of rows.

    Parameters
    ----------
    columns
        The rows, the first of them as good as drawn.
    periods
        Periods known of inputs by declaration, in the units of the column.
    with_curves
        Whether there are curves, and then no waves, which would say the same with more words.
    with_shapes
        Whether there are shapes of growth, decay, peaks and distances.
    without
        Inputs that are left out.
    """

    columns: Columns
    periods: dict[int, float]
    with_curves: bool = False
    with_shapes: bool = False
    without: frozenset[int] = frozenset()

    @cached_property
    def varying(self) -> list[int]:
        """Numbers that are not constant."""
        numbers = (j for j in range(self.columns.count) if j not in {*self.columns.categories, *self.without})
        return [j for j in numbers if self.columns.high[j] > self.columns.low[j]]

    @cached_property
    def straight(self) -> list[int]:
        """Numbers that do not go round: no power and no exponential meets itself at the end of a turn."""
        return [j for j in self.varying if j not in self.periods]

    @cached_property
    def tables(self) -> list[Tabulated]:
        """Tables of the categories that occur; that of the commonest is 1."""
        found = []
        for j, count in self.columns.categories.items():
            often = np.bincount(self.columns.of(j).astype(np.int64), minlength=count)
            if np.count_nonzero(often) > 1:
                found.append(_flat(j, count, int(often.argmax())))
        return found

    @cached_property
    def curves(self) -> list[Tabulated]:
        """Splines of the numbers, coarse and fine; of the logarithm where most values of an input are small."""
        found = []
        for j in self.varying if self.with_curves else []:
            low, high = float(self.columns.low[j]), float(self.columns.high[j])
            distinct = len(np.unique(self.columns.of(j)))
            crowded = np.median(self.columns.of(j)) - low < CROWDED * (high - low)
            for spans in SPANS:
                if spans + 3 > distinct:
                    continue
                if j in self.periods:
                    found.append(_flat(j, spans, 0, "turn", 0.0, self.periods[j]))
                elif kind_of(self.columns, j) == "positive" and crowded:
                    ends = float(np.log(low)), float(np.log(high))
                    found.append(_flat(j, spans + 3, spans // 2 + 1, "log x", *ends))
                else:
                    found.append(_flat(j, spans + 3, spans // 2 + 1, "x", low, high))
        return found

    @cached_property
    def products(self) -> list[tuple[Factor, ...]]:
        """Products of powers of one, two or three inputs."""
        out: list[tuple[Factor, ...]] = []
        for size, among in ((1, SINGLE), (2, PAIR), (3, TRIPLE)):
            found: list[tuple[Factor, ...]] = []
            for chosen in combinations(self.straight, size):
                options = [exponents_of(self.columns, j, among) for j in chosen]
                for exponents in product(*options):
                    powers = zip(chosen, exponents, strict=True)
                    found.append(tuple(Power(j, fixed(e)) for j, e in powers))
            if len(out) + len(found) <= MOST:
                out += found
        return out

    def _family(self, products: Iterable[tuple[Factor, ...]]) -> Family:
        """Return the first products: of many inputs there are more than can be looked at, or held."""
        found = islice(products, MOST)
        return Family([Term(_at_most_one(each, self.columns), each) for each in found], self.columns)

    @cached_property
    def decays(self) -> Family:
        """Exponentials of one input and of its square, and products of two."""
        falls = ((j, rate) for j in self.straight for rate in RATES if rate < 0.0)
        out: list[tuple[Factor, ...]] = [
            (Exponential(j, Parameter(rate / self._width(j) ** 2), "x^2"),) for j, rate in falls
        ]
        for size, among in ((1, RATES), (2, (-3.0, 3.0))):
            for chosen in combinations(self.straight, size):
                for rates in product(among, repeat=size):
                    pairs = zip(chosen, rates, strict=True)
                    out.append(tuple(Exponential(j, Parameter(r / self._width(j))) for j, r in pairs))
        return self._family(out)

    def _width(self, j: int) -> float:
        return float(self.columns.high[j] - self.columns.low[j])

    @cached_property
    def product_values(self) -> Floats:
        """Values of the products, shape (n, m)."""
        known = {
            (j, e): self.columns.raised(j, e)
            for j in self.straight
            for e in exponents_of(self.columns, j, SINGLE)
        }
        values = np.empty((len(self.columns), len(self.products)), order="F")
        for place, factors in enumerate(self.products):
            out = np.ones(len(self.columns))
            for factor in factors:
                assert isinstance(factor, Power)
                out = out * known[factor.column, factor.exponent.value]
            values[:, place] = out
        return values

    @cached_property
    def others(self) -> Family:
        """Logarithms, hinges and steps of one input, and hinges times another one: a rate for what is beyond."""
        out: list[tuple[Factor, ...]] = []
        rates = self.straight if len(self.straight) <= FEW else []
        for j in self.varying:
            round_ = j in self.periods
            if self.columns.low[j] > 0.0 and not round_:
                out.append((Logarithm(j),))
            hinges = self.hinges(j)
            out += [(hinge,) for hinge in hinges]
            out += [(Power(k, ONE), hinge) for k in rates if k != j for hinge in hinges]
            distinct = np.unique(self.columns.of(j))
            places = np.unique(np.quantile(distinct, PLACES))
            if len(distinct) > 2:
                # between two values, where the rows cannot tell one place from another
                middle = 0.5 * (distinct[1:] + distinct[:-1])
                near = np.unique(np.searchsorted(middle, places).clip(0, len(middle) - 1))
                out += [(Step(j, fixed(float(middle[k]))),) for k in near]
        return self._family(out)

    def hinges(self, column: int) -> list[Hinge]:
        """Return hinges of one input, none where it goes round."""
        places = np.unique(np.quantile(np.unique(self.columns.of(column)), PLACES))
        return [Hinge(column, Parameter(float(place))) for place in places if column not in self.periods]

    @cached_property
    def families(self) -> list[Family]:
        """Shapes with a name, by what they are: growth, decay, also of two inputs; peaks; distances; gaps; sizes."""
        if not self.with_shapes:
            return []
        pairs, alone = list(combinations(self.straight, 2)), self.straight
        overlapping = [pair for pair in pairs if gap(self.columns, pair)]
        places = (
            (*first, *second) for first, second in combinations(overlapping, 2) if not {*first} & {*second}
        )
        families: list[Iterator[Factor]] = [
            *(self._shapes_of(of, self.straight) for of in (stretched, gompertz, logistic, peaks)),
            *(self._shapes_of(of, pairs) for of in (gap, decay_of_two)),
            (distance_of_places(self.columns, each) for each in places),
            (
                distance_beside(self.columns, (i, *pair))
                for pair in overlapping
                for i in alone
                if i not in pair
            ),
        ]
        return [self._family((shape,) for shape in family) for family in families]

    def _shapes_of(
        self, of: Callable[[Columns, Any], list[Factor]], inputs: Iterable[Any]
    ) -> Iterator[Factor]:
        """Yield the shapes of a family of all inputs, or pairs of inputs, one after the other."""
        for each in inputs:
            yield from of(self.columns, each)

    def of_one(self, column: int) -> list[list[tuple[Factor, Floats]]]:
        """Return what may stand for a bend of one input, kind by kind, with its values, shape (n, 1).

        These are shapes of growth, decay, peaks and size, exponentials of the input and of its reciprocal, and powers.
        """
        return [*self._alone.get(column, []), self.exponentials(column), self.powers(column)]

    def powers(self, column: int) -> list[tuple[Factor, Floats]]:
        """Return simple powers of one input, with their values, shape (n, 1)."""
        exponents = exponents_of(self.columns, column, SINGLE)
        return [(Power(column, fixed(e)), self.columns.raised(column, e)[:, None]) for e in exponents]

    @cached_property
    def _alone(self) -> dict[int, list[list[tuple[Factor, Floats]]]]:
        found: dict[int, list[list[tuple[Factor, Floats]]]] = {}
        for family in self.families:
            of_column: dict[int, list[tuple[Factor, Floats]]] = {}
            for k, term in enumerate(family.terms):
                column, *others = inputs_of(term)
                if not others:
                    of_column.setdefault(column, []).append((term.factors[0], family.values[:, [k]]))
            for column, shapes in of_column.items():
                found.setdefault(column, []).append(shapes)
        return found

    def exponentials(self, column: int) -> list[tuple[Factor, Floats]]:
        """Return exponentials of one input and of its reciprocal, with their values, shape (n, 1)."""
        found: list[tuple[Factor, Floats]] = []
        kinds = ("x", "1/x") if kind_of(self.columns, column) == "positive" else ("x",)
        for of in kinds:
            x = self.columns.of(column) if of == "x" else 1.0 / self.columns.of(column)
            for rate in RATES:
                factor = Exponential(column, Parameter(rate / float(np.ptp(x))), of)
                exponent = factor.rate.value * x
                # the square of its largest value is a number, as that of a year would not be
                if np.abs(exponent).max() < LARGEST / 2.0:
                    found.append((factor, np.exp(exponent)[:, None]))
        return found

    @cached_property
    def waves(self) -> list[tuple[int, Parameter]]:
        """Inputs and frequencies of waves, held where the period is known, by declaration or by the calendar.

        Others are of up to a dozen turns over the range of the input.
        """
        out: list[tuple[int, Parameter]] = []
        for j in self.varying if not self.with_curves else []:
            width = float(self.columns.high[j] - self.columns.low[j])
            if j in self.periods:
                known = [2.0 * np.pi * k / self.periods[j] for k in (1, 2, 3)]
            elif len(np.unique(self.columns.of(j)[:SAMPLE])) > WAVY:
                turns = [2.0 * np.pi * float(self.columns.scales[j]) / period for period in CALENDAR]
                seen = [turn for turn in turns if turn * width > TURN]
                known = [k * turn for turn in seen for k in (1, 2) if k * turn <= self.columns.fastest(j)]
                out += [(j, Parameter(np.pi * k / width)) for k in range(2, HALF_TURNS + 1)]
            else:
                continue
            out += [(j, fixed(frequency)) for frequency in known]
        return out

    @cached_property
    def wave_values(self) -> tuple[Floats, Floats]:
        """Sines and cosines of the waves, each (n, m)."""
        if not self.waves:
            empty = np.zeros((len(self.columns), 0))
            return empty, empty
        angles = np.column_stack([frequency.value * self.columns.of(j) for j, frequency in self.waves])
        return np.sin(angles), np.cos(angles)

    def wave(self, number: int, sine: float, cosine: float) -> tuple[float, Wave]:
        """Return amplitude and wave with these coefficients of sine and cosine."""
        j, frequency = self.waves[number]
        phase = Parameter(float(np.arctan2(cosine, sine)))
        return float(np.hypot(sine, cosine)), Wave(j, frequency, phase)
