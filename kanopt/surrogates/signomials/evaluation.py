"""Values of a law on rows, their derivatives in its parameters, and in each of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Curve, Input
from kanopt.formulas.estimation.gradient import curve_weights
from kanopt.surrogates.signomials.structure import (
    ONE,
    Exponential,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Power,
    Step,
    Tabulated,
    Term,
    Wave,
)

__all__ = ["Columns", "Part", "Path", "cancels", "parts", "value", "value_and_jacobian"]

Array: TypeAlias = NDArray[np.float64]
Path: TypeAlias = tuple[int, ...]

MARGIN = 0.05
"""Share of the range of an input at either end in which a hinge is none."""
LEAST = 0.05
"""Least size of a free exponent within a group."""
CANCELLED = 1e-3
"""A sum that begins with 1 and comes this close to nothing lives on cancellation."""
LIVES = 0.05
"""A sum of which half of the rows have less than this share of its terms lives on cancellation."""
SWAMPED = 50.0
"""A sum that begins with 1 and is larger than this everywhere is the other terms, and the 1 is for show."""
FAINT = 0.2
"""So does one that stays below this everywhere."""


class Columns:
    """Rows of inputs, with what laws need of them over and over.

    Parameters
    ----------
    inputs
        Shape (n, columns), scaled so that values are of the order of one.
    scales
        What the inputs were divided by, shape (columns,): a logarithm is that of the input itself.
    categories
        How many categories each input has that is the number of one.
    """

    def __init__(self, inputs: Array, scales: Array, categories: Mapping[int, int] | None = None) -> None:
        self.inputs, self.scales = np.asfortranarray(inputs), scales
        self.categories = categories or {}
        self._logs: dict[int, Array] = {}
        self._bases: dict[Any, Array] = {}

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def count(self) -> int:
        """How many inputs there are."""
        return int(self.inputs.shape[1])

    def of(self, column: int) -> Array:
        """Return an input, shape (n,)."""
        return self.inputs[:, column]

    def log(self, column: int) -> Array:
        """Return log x, and a large negative number where x is zero, so that x^b · log x is zero for b > 0."""
        if column not in self._logs:
            self._logs[column] = np.log(np.maximum(self.of(column), 1e-300))
        return self._logs[column]

    def basis(self, factor: Tabulated) -> Array:
        """Return what each number of a table or curve is multiplied by, shape (n, numbers)."""
        key = factor.column, factor.of, len(factor.values), factor.low, factor.high
        if key not in self._bases:
            x, count = self.of(factor.column), len(factor.values)
            if factor.of == "category":
                self._bases[key] = np.asarray(x[:, None] == np.arange(count), dtype=float)
            else:
                x = self.log(factor.column) if factor.of == "log x" else x
                zeros, turns = (0.0,) * count, factor.of == "turn"
                curve = Curve("s", Input("x"), zeros, factor.low, factor.high, periodic=turns)
                self._bases[key] = curve_weights(curve, x)
        return self._bases[key]

    @cached_property
    def low(self) -> Array:
        """The smallest value of every input."""
        return np.asarray(self.inputs.min(axis=0))

    @cached_property
    def high(self) -> Array:
        """The largest value of every input."""
        return np.asarray(self.inputs.max(axis=0))

    def inside(self, column: int, place: float) -> bool:
        """Whether a place is well within the values of an input."""
        margin = MARGIN * (self.high[column] - self.low[column])
        return bool(self.low[column] + margin < place < self.high[column] - margin)

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Return some of the rows."""
        return Columns(self.inputs[rows], self.scales, self.categories)


def _argument(columns: Columns, factor: Exponential) -> Array:
    x = columns.of(factor.column)
    return x if factor.of == "x" else 1.0 / x if factor.of == "1/x" else x * x


def raised(columns: Columns, column: int, exponent: float) -> Array:
    """Return x^exponent."""
    x = columns.of(column)
    if exponent == 1.0:
        return x
    if exponent in (2.0, -1.0, 3.0):
        return np.asarray(x**exponent)
    if columns.low[column] < 0.0:
        return np.asarray(x**exponent)  # whole exponents only; NaN otherwise
    return np.asarray(np.exp(exponent * columns.log(column)))


def _factor(factor: Factor, columns: Columns, want: bool) -> tuple[Array, list[Array]]:
    """Return the value (n,) and the derivatives in the free parameters, each (n,), if wanted."""
    match factor:
        case Power(column=column, exponent=exponent):
            out = raised(columns, column, exponent.value)
            return out, [out * columns.log(column)] if want and exponent.free else []
        case Exponential(rate=rate):
            u = _argument(columns, factor)
            out = np.exp(rate.value * u)
            return out, [out * u] if want and rate.free else []
        case Wave(column=column, frequency=frequency, phase=phase):
            x = columns.of(column)
            angle = frequency.value * x + phase.value
            slope = np.cos(angle) if want else angle
            grads = [slope * x] if frequency.free else []
            return np.sin(angle), ([*grads, slope] if phase.free else grads) if want else []
        case Logarithm(column=column):
            return columns.log(column) + np.log(columns.scales[column]), []
        case Hinge(column=column, place=place):
            if not columns.inside(column, place.value):
                return np.full(len(columns), np.nan), []  # a line, or nothing: it must not pass for a hinge
            beyond = columns.of(column) - place.value
            return np.maximum(beyond, 0.0), [-(beyond > 0.0).astype(float)] if want and place.free else []
        case Step(column=column, place=place):
            return (columns.of(column) >= place.value).astype(float), []
        case Tabulated(values=values):
            basis = columns.basis(factor)
            free = [basis[:, k] for k, each in enumerate(values) if each.free] if want else []
            return basis @ np.array([each.value for each in values]), free
        case Group(inner=inner, exponent=exponent):
            if not _is_sound(factor):
                return np.full(len(columns), np.nan), []
            base, below = _law(inner, columns, want)
            out = _group_value(base, exponent.value, of_one=Term(ONE) in inner.terms)
            if not want:
                return out, []
            slope = exponent.value * out / base if exponent.value != 1.0 else np.ones_like(base)
            grads = [slope * grad for grad in below]
            return out, [*grads, out * np.log(np.abs(base))] if exponent.free else grads


def _is_sound(group: Group) -> bool:
    """Whether a group is one that a person might write.

    No free exponent in it is close to zero, which would make it a logarithm in disguise, 1 - x^0.001; and it divides by
    no difference from an exponential, which is a reciprocal in disguise, 1 - exp(-0.001 x).
    """
    for term in group.inner.terms:
        for factor in term.factors:
            if isinstance(factor, Power) and factor.exponent.free and abs(factor.exponent.value) < LEAST:
                return False
            if isinstance(factor, Exponential) and term.coefficient.value < 0.0 > group.exponent.value:
                return False
    return True


def _group_value(base: Array, exponent: float, *, of_one: bool) -> Array:
    least = CANCELLED if of_one else 0.0
    if of_one and (np.abs(base).max() < FAINT or base.min() > SWAMPED):
        return np.full_like(base, np.nan)
    if exponent == 1.0:
        return base
    # a sum that changes its sign within the rows has a pole or no real power there
    return np.asarray(base**exponent) if base.min() > least else np.full_like(base, np.nan)


def _term(term: Term, columns: Columns, want: bool) -> tuple[Array, list[Array]]:
    pairs = [_factor(factor, columns, want) for factor in term.factors]
    values = [pair[0] for pair in pairs]
    product = np.ones(len(columns))
    for each in values:
        product = product * each
    c = term.coefficient.value
    if not want:
        return c * product, []
    grads = [product] if term.coefficient.free else []
    for place, (_, own) in enumerate(pairs):
        if own:
            others = np.full(len(columns), c)
            for k, each in enumerate(values):
                if k != place:
                    others = others * each
            grads += [others * grad for grad in own]
    return c * product, grads


def _law(law: Law, columns: Columns, want: bool) -> tuple[Array, list[Array]]:
    total, grads = np.zeros(len(columns)), []
    for term in law.terms:
        out, below = _term(term, columns, want)
        total = total + out
        grads += below
    return total, grads


def value(law: Law, columns: Columns) -> Array:
    """Return the values of a law, shape (n,); NaN where it is not defined."""
    with np.errstate(all="ignore"):
        return _law(law, columns, want=False)[0]


def value_and_jacobian(law: Law, columns: Columns) -> tuple[Array, Array]:
    """Return the values (n,) and the derivatives in the free parameters (n, p), in the order of `values_of`."""
    with np.errstate(all="ignore"):
        out, grads = _law(law, columns, want=True)
    return out, np.column_stack(grads) if grads else np.zeros((len(columns), 0))


def cancels(law: Law, columns: Columns) -> bool:
    """Whether a sum is mostly a small difference of large terms, a x - b x^1.003: it says nothing of any of them.

    Brackets that begin with 1 are looked at where they are evaluated.
    """
    with np.errstate(all="ignore"):
        return _cancels(law, columns)


def _cancels(law: Law, columns: Columns) -> bool:
    if len(law.terms) > 1 and Term(ONE) not in law.terms:
        terms = np.column_stack([_term(term, columns, want=False)[0] for term in law.terms])
        share = np.abs(terms.sum(axis=1)) / np.abs(terms).sum(axis=1)
        if np.median(share) < LIVES:
            return True
    groups = (f.inner for term in law.terms for f in term.factors if isinstance(f, Group))
    return any(_cancels(inner, columns) for inner in groups)


@dataclass(frozen=True, eq=False)
class Part:
    """A sum or term somewhere in a law.

    Parameters
    ----------
    path
        Where it stands: alternately the number of a term and of a factor of it.
    part
        The sum or term.
    value
        Its values, shape (n,).
    flow
        Derivative of the law's value in this part's value, shape (n,).
    """

    path: Path
    part: Law | Term
    value: Array
    flow: Array


def parts(law: Law, columns: Columns) -> Iterator[Part]:
    """Yield every sum and every term of a law, the law itself first."""
    with np.errstate(all="ignore"):
        yield from _of_law(law, columns, (), np.ones(len(columns)))


def _of_law(law: Law, columns: Columns, path: Path, flow: Array) -> Iterator[Part]:
    yield Part(path, law, _law(law, columns, want=False)[0], flow)
    for number, term in enumerate(law.terms):
        here = (*path, number)
        values = [_factor(factor, columns, want=False)[0] for factor in term.factors]
        yield Part(here, term, _term(term, columns, want=False)[0], flow)
        for place, factor in enumerate(term.factors):
            if isinstance(factor, Group):
                others = flow * term.coefficient.value
                for k, each in enumerate(values):
                    if k != place:
                        others = others * each
                base = _law(factor.inner, columns, want=False)[0]
                slope = factor.exponent.value * values[place] / base
                yield from _of_law(factor.inner, columns, (*here, place), others * slope)
