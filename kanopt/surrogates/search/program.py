"""A law of the search as a tape over the rows to which it is fitted, with fences around what nobody would write.

A search evaluates a law hundreds of times, each time with other numbers only; where these lie beyond a fence, the law
has no value. Laws come here as terms, not as nodes, which take several times as long to be written and compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, count
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.functions import function_named
from kanopt.formulas.tape import Applied as OfSum
from kanopt.formulas.tape import Backward, Extreme, LookedUp, Monomial, Tape, Total
from kanopt.formulas.tape import Step as TapeStep
from kanopt.splines import SplineGrid
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
    Path,
    Power,
    Step,
    Tabulated,
    Term,
    Wave,
    changed_numbers,
    is_extreme,
    values_of,
    walk,
)

# Rows of inputs, with what laws need of them over and over.

MARGIN = 0.05
"""Share of the range of an input at either end in which a hinge is none."""

ON_GRID = 400
"""Distinct values up to which an input may lie on a grid."""


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

    def __init__(self, inputs: Floats, scales: Floats, categories: Mapping[int, int] | None = None) -> None:
        self.inputs, self.scales = np.asfortranarray(inputs), scales
        self.categories = categories or {}
        self._fastest: dict[int, float] = {}
        self._powers: dict[tuple[int, float], Floats] = {}
        self._bases: dict[Any, Floats] = {}

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def count(self) -> int:
        """How many inputs there are."""
        return int(self.inputs.shape[1])

    def of(self, column: int) -> Floats:
        """Return an input, shape (n,)."""
        return self.inputs[:, column]

    def log(self, column: int) -> Floats:
        """Return log x, and a large negative number where x is zero, so that x^b · log x is zero for b > 0."""
        return np.asarray(self._logs[:, column])

    @cached_property
    def _logs(self) -> Floats:
        return np.asarray(np.log(np.maximum(self.inputs, 1e-300)))

    def raised(self, column: int, exponent: float) -> Floats:
        """Return x^exponent."""
        if exponent == 1.0:
            return self.of(column)
        key = column, exponent
        if key not in self._powers:
            x = self.of(column)
            # whole exponents only where there are negative values; NaN otherwise
            plain = exponent in (2.0, -1.0, 3.0) or self.low[column] < 0.0
            with np.errstate(all="ignore"):
                self._powers[key] = x**exponent if plain else np.exp(exponent * self.log(column))
        return self._powers[key]

    def basis(self, factor: Tabulated) -> Floats:
        """Return what each number of a table or curve is multiplied by, shape (n, numbers)."""
        key = factor.column, factor.of, len(factor.values), factor.low, factor.high
        if key not in self._bases:
            x, count = self.of(factor.column), len(factor.values)
            if factor.of == "category":
                self._bases[key] = np.asarray(x[:, None] == np.arange(count), dtype=float)
            else:
                x = self.log(factor.column) if factor.of == "log x" else x
                spans, turns = (count, True) if factor.of == "turn" else (count - 3, False)
                self._bases[key] = SplineGrid(factor.low, factor.high, spans, turns).basis(x)
        return self._bases[key]

    @cached_property
    def low(self) -> Floats:
        """The smallest value of every input."""
        return np.asarray(self.inputs.min(axis=0))

    @cached_property
    def high(self) -> Floats:
        """The largest value of every input."""
        return np.asarray(self.inputs.max(axis=0))

    def fastest(self, column: int) -> float:
        """Return the largest frequency of a wave that the values of an input can tell; infinite for most.

        Months from 1 to 12 are the same to sin(0.52 · month) and to a wave that is 2π faster: of values on a grid only
        half a turn from one to the next is seen (Shannon 1949, Proc. IRE 37).
        """
        if column not in self._fastest:
            gaps = np.diff(np.unique(self.of(column))[: ON_GRID + 1])
            step = float(gaps.min(initial=np.inf))
            even = 0 < len(gaps) < ON_GRID and np.allclose(gaps / step, np.round(gaps / step), atol=1e-6)
            self._fastest[column] = (1.0 + 1e-6) * np.pi / step if even else np.inf
        return self._fastest[column]

    def inside(self, column: int, place: float) -> bool:
        """Whether a place is well within the values of an input."""
        margin = MARGIN * (self.high[column] - self.low[column])
        return bool(self.low[column] + margin < place < self.high[column] - margin)

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Return some of the rows."""
        return Columns(self.inputs[rows], self.scales, self.categories)


def scales_of(inputs: Floats) -> Floats:
    """Return a positive number per input of the order of its values, shape (columns,)."""
    out = []
    for column in inputs.T:
        size = np.abs(column[column != 0.0])
        out.append(float(np.exp(np.log(size).mean())) if len(size) else 1.0)
    return np.array(out)


Number: TypeAlias = "int | float"
"""The place of a free number, or a value that is held."""

STEEPEST = 6.0
"""Largest size of an exponent: x^10.4 is a threshold, or chance."""
FLATTEST = 0.02
"""Smallest size of a free one: x^0.003 is a logarithm in disguise."""
LEAST = 0.05
"""Least size of a free exponent within a group."""
CANCELLED = 1e-3
"""A sum that begins with 1 and comes this close to nothing lives on cancellation."""
SWAMPED = 50.0
"""A sum that begins with 1 and is larger than this everywhere is the other terms, and the 1 is for show."""
FAINT = 0.2
"""So does one that stays below this everywhere."""
SELDOM = 0.005
"""Share of the rows on which each of several terms is the largest, at least: one that never is says nothing."""


def _at(number: Number, theta: Floats) -> float:
    return float(theta[number]) if isinstance(number, int) else number


class Program(Tape):
    """A law compiled for rows.

    Parameters
    ----------
    law
        The law; the values of its free parameters do not matter.
    columns
        The rows, n of them.

    Attributes
    ----------
    theta
        The values that the free parameters have in the law, shape (p,).
    places
        Places of the sums and terms on the tape.
    """

    def __init__(self, law: Law, columns: Columns) -> None:
        self.theta = np.array(values_of(law))
        super().__init__(len(self.theta), (len(columns),))
        self.places: dict[Path, int] = {}
        self._columns, self._numbers = columns, count()
        with np.errstate(all="ignore"):
            self._sum(law, ())

    def _number(self, parameter: Parameter) -> Number:
        """Return the next place, in the order in which free parameters are written, or the value that is held."""
        return next(self._numbers) if parameter.free else float(parameter.value)

    def _sum(self, law: Law, path: Path) -> list[_Term]:
        terms = [self._term(term, (*path, number)) for number, term in enumerate(law.terms)]
        nothing = None if terms else np.zeros(self.shape)
        self.places[path] = self.add(Total([term.place for term in terms], nothing))
        return terms

    def _term(self, term: Term, path: Path) -> _Term:
        step = _Term(self._number(term.coefficient))
        for place, factor in enumerate(term.factors):
            self._add_factor(step, factor, (*path, place))
        if step.fixed is None and not step.exponents and not step.others:
            step.fixed = np.ones(self.shape)
        self.places[path] = self.add(step)
        return step

    def _add_factor(self, step: _Term, factor: Factor, path: Path) -> None:
        columns = self._columns
        match factor:
            case Power(column=column, exponent=exponent):
                number = self._number(exponent)
                if isinstance(number, float) and abs(number) <= STEEPEST:
                    step.multiply(columns.raised(column, number))
                elif columns.low[column] < 0.0 or isinstance(number, float):
                    step.multiply(np.full(self.shape, np.nan))
                else:
                    step.exponents.append((number, columns.log(column)))
                    step.bends.append(number)
            case Exponential(rate=rate):
                number = self._number(rate)
                if isinstance(number, int):
                    step.exponents.append((number, _argument(columns, factor)))
                else:
                    step.multiply(np.exp(number * _argument(columns, factor)))
                step.decays = True
            case Logarithm(column=column):
                step.multiply(columns.log(column) + np.log(columns.scales[column]))
            case Step(column=column, place=at):
                self._number(at)
                step.multiply((columns.of(column) >= at.value).astype(float))
            case Wave(frequency=frequency, phase=phase):
                step.others.append(
                    self.add(_Wave(factor, columns, self._number(frequency), self._number(phase)))
                )
            case Hinge(column=column, place=at):
                step.others.append(self.add(_Hinge(column, columns, self._number(at))))
            case Tabulated():
                step.others.append(self.add(self._looked_up(factor)))
            case Group(inner=inner):
                terms = self._sum(inner, path)
                power = self._number(factor.exponent)
                group = _Group(self.places[path], power, terms, Term(ONE) in inner.terms)
                step.others.append(self.add(group))
            case Applied(function=function, inner=inner) if is_extreme(factor):
                terms = [self._term(term, (*path, number)) for number, term in enumerate(inner.terms)]
                choose = np.maximum if function == "max" else np.minimum
                step.others.append(self.add(_Extreme(choose, [term.place for term in terms])))
            case Applied(function=function, inner=inner):
                self._sum(inner, path)
                step.others.append(self.add(OfSum(function_named(function), self.places[path])))

    def _looked_up(self, table: Tabulated) -> LookedUp:
        basis = self._columns.basis(table)
        own = [self._number(each) for each in table.values]
        free = [k for k, each in enumerate(own) if isinstance(each, int)]
        first = int(own[free[0]]) if free else 0
        held = np.array([0.0 if isinstance(each, int) else each for each in own])
        weights = np.ascontiguousarray(basis[:, free].T)
        return LookedUp(slice(first, first + len(free)), weights, basis @ held)


def _argument(columns: Columns, factor: Exponential) -> Floats:
    x = columns.of(factor.column)
    return x if factor.of == "x" else 1.0 / x if factor.of == "1/x" else x * x


class _Term(Monomial):
    """A term; without a value where an exponent is too steep or too flat."""

    def __init__(self, coefficient: Number) -> None:
        super().__init__(coefficient, None, [], [])
        self.bends: list[int] = []
        """Places of free exponents."""
        self.decays = False
        """Whether an exponential is among its factors."""

    def multiply(self, values: Floats) -> None:
        """Multiply by what does not move."""
        self.fixed = values if self.fixed is None else self.fixed * values

    def smooth(self, theta: Floats) -> Any:
        """Return what is fixed times the exponential, as any monomial."""
        if any(not FLATTEST < abs(theta[place]) < STEEPEST for place in self.bends):
            self.curved = np.full_like(self.exponents[0][1], np.nan)
            return self.curved
        return super().smooth(theta)


class _Wave(TapeStep):
    """A wave; without a value where it is too slow or too fast to be seen."""

    def __init__(self, wave: Wave, columns: Columns, frequency: Number, phase: Number) -> None:
        self.x, self.frequency, self.phase = columns.of(wave.column), frequency, phase
        width = float(columns.high[wave.column] - columns.low[wave.column])
        radian = float(columns.scales[wave.column])
        angle = columns.low[wave.column] < 0.0 and phase == 0.0 and isinstance(phase, float)
        self.least = 0.5 * radian if angle else np.pi / max(width, 1e-300)
        """Least frequency: half a turn over the rows, but for the sine of what may be an angle in radians."""
        self.most = columns.fastest(wave.column)

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the wave."""
        frequency = _at(self.frequency, theta)
        if isinstance(self.frequency, int) and not self.least <= abs(frequency) <= self.most:
            self.angle = np.full(len(self.x), np.nan)
            return self.angle
        self.angle = frequency * self.x + _at(self.phase, theta)
        return np.sin(self.angle)

    def backward(self, above: Any, run: Backward) -> None:
        """Write the derivatives in frequency and phase."""
        slope = above * np.cos(self.angle)
        if isinstance(self.frequency, int):
            run.derivative[self.frequency] = slope * self.x
        if isinstance(self.phase, int):
            run.derivative[self.phase] = slope


class _Hinge(TapeStep):
    """A hinge; without a value outside the rows, where it is a line, or nothing."""

    def __init__(self, column: int, columns: Columns, at: Number) -> None:
        self.column, self.columns, self.at = column, columns, at

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return what lies beyond."""
        at = _at(self.at, theta)
        self.beyond = self.columns.of(self.column) - at
        if not self.columns.inside(self.column, at):
            return np.full(len(self.columns), np.nan)
        return np.maximum(self.beyond, 0.0)

    def backward(self, above: Any, run: Backward) -> None:
        """Write the derivative in the place."""
        if isinstance(self.at, int):
            run.derivative[self.at] = np.where(self.beyond > 0.0, -above, 0.0)


class _Extreme(Extreme):
    """The largest or smallest of terms; without a value where one of them hardly ever is."""

    def __init__(self, choose: Callable[[Any, Any], Any], parts: list[int]) -> None:
        super().__init__(choose, parts, [True] * len(parts))

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the extreme."""
        out = super().forward(values, theta)
        shares = [np.mean(values[part] == out) for part in self.parts]
        return out if min(shares) > SELDOM else np.full_like(out, np.nan)


class _Group(TapeStep):
    """A sum to a power; without a value where no person would write it so."""

    def __init__(self, inner: int, exponent: Number, terms: list[_Term], of_one: bool) -> None:
        self.inner, self.exponent, self.of_one = inner, exponent, of_one
        self.bends = [place for term in terms for place in term.bends]
        self.decaying = [term.coefficient for term in terms if term.decays]

    def _is_sound(self, theta: Floats) -> bool:
        """Whether the group is one that a person might write.

        No free exponent in it is close to zero, which would make it a logarithm in disguise, 1 - x^0.001; and it
        divides by no difference from an exponential, which is a reciprocal in disguise, 1 - exp(-0.001 x).
        """
        if any(abs(theta[place]) < LEAST for place in self.bends):
            return False
        return _at(self.exponent, theta) >= 0.0 or all(_at(each, theta) >= 0.0 for each in self.decaying)

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the power of the sum."""
        base, exponent = values[self.inner], _at(self.exponent, theta)
        low = float(base.min())
        of_one, undefined = self.of_one, not self._is_sound(theta)
        if undefined or (of_one and (np.abs(base).max() < FAINT or low > SWAMPED)):
            return np.full(len(base), np.nan)
        if exponent == 1.0:
            return base
        if exponent == 2.0:
            return base * base
        if low > (CANCELLED if of_one else 0.0):
            return 1.0 / base if exponent == -1.0 else base**exponent
        # a sum that changes its sign within the rows has a pole or no real power there
        return np.full(len(base), np.nan)

    def backward(self, above: Any, run: Backward) -> None:
        """Write the derivative in the exponent, and hand on that in the sum."""
        base, out, exponent = run.values[self.inner], run.values[self.place], _at(self.exponent, run.theta)
        if exponent == 2.0:
            run.hand(self.inner, above * (2.0 * base))
        else:
            run.hand(self.inner, above if exponent == 1.0 else above * (exponent * out / base))
        if isinstance(self.exponent, int):
            run.derivative[self.exponent] = above * out * np.log(np.abs(base))


LIVES = 0.05
"""A sum of which half of the rows have less than this share of its terms lives on cancellation."""
OPPOSITE = 0.02
"""Share by which the coefficients of a difference of two inputs may differ."""


# ── values of a law, and of each of its parts ──


def value(law: Law, columns: Columns) -> Floats:
    """Return the values of a law, shape (n,); NaN where it is not defined."""
    return np.asarray(_evaluated(law, columns).values[-1])


def value_and_jacobian(law: Law, columns: Columns) -> tuple[Floats, Floats]:
    """Return the values (n,) and the derivatives in the free parameters (n, p), in the order of `values_of`."""
    program = _evaluated(law, columns)
    with np.errstate(all="ignore"):
        return program.values[-1], program.backward(program.theta).derivative.T


def _evaluated(law: Law, columns: Columns) -> Program:
    program = Program(law, columns)
    with np.errstate(all="ignore"):
        program.forward(program.theta)
    return program


def cancels(law: Law, columns: Columns) -> bool:
    """Whether a sum is mostly a small difference of large terms, a x - b x^1.003: it says nothing of any of them.

    Brackets that begin with 1 are looked at where they are evaluated.
    """
    program = _evaluated(law, columns)
    return any(
        isinstance(part, Law)
        and _cancels(
            part, [program.values[program.places[(*path, k)]] for k in range(len(part.terms))], columns.scales
        )
        for path, part in _walk(law, ())
    )


def _cancels(law: Law, terms: list[Floats], scales: Floats) -> bool:
    if len(terms) < 2 or Term(ONE) in law.terms or _is_line(law):
        return False
    for i, j in _differences(law, scales):
        terms[i], terms[j] = terms[i] + terms[j], np.zeros_like(terms[j])
    if sum(bool(term.any()) for term in terms) < 2:
        return False
    with np.errstate(all="ignore"):
        stacked = np.column_stack(terms)
        share = np.abs(stacked.sum(axis=1)) / np.abs(stacked).sum(axis=1)
        return bool(np.median(share) < LIVES)


def _is_line(law: Law) -> bool:
    """Whether a sum is a line in one input: that it crosses zero, as above freezing, is a fact of its own."""
    first, second = sorted(law.terms, key=lambda term: len(term.factors))[:2]
    inputs = [f for f in second.factors if isinstance(f, Power) and f.exponent == ONE]
    return len(law.terms) == 2 and not first.factors and len(second.factors) == len(inputs) == 1


def _differences(law: Law, scales: Floats) -> Iterator[tuple[int, int]]:
    """Yield the places of terms M · a and −M · b with inputs a and b: a difference is a quantity of its own."""
    for (i, first), (j, second) in combinations(enumerate(law.terms), 2):
        one, other = ({repr(f): f for f in term.factors} for term in (first, second))
        own = [one[key] for key in one.keys() - other.keys()] + [
            other[key] for key in other.keys() - one.keys()
        ]
        if len(first.factors) != len(second.factors) or len(own) != 2:
            continue
        a, b = own
        if isinstance(a, Power) and isinstance(b, Power) and a.exponent == b.exponent == ONE:
            sizes = first.coefficient.value / scales[a.column], second.coefficient.value / scales[b.column]
            if abs(sum(sizes)) < OPPOSITE * abs(sizes[0]):
                yield i, j


def _walk(law: Law, path: Path, *, is_sum: bool = True) -> Iterator[tuple[Path, Law | Term]]:
    """Yield every sum and every term of a law with its path, the law itself first where its terms are added."""
    if is_sum:
        yield path, law
    for number, term in enumerate(law.terms):
        here = (*path, number)
        yield here, term
        for place, factor in enumerate(term.factors):
            if isinstance(factor, Group | Applied):
                yield from _walk(factor.inner, (*here, place), is_sum=not is_extreme(factor))


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
    value: Floats
    flow: Floats


def parts(law: Law, columns: Columns) -> Iterator[Part]:
    """Yield every sum and every term of a law, the law itself first."""
    program = _evaluated(law, columns)
    with np.errstate(all="ignore"):
        flows = program.backward(program.theta).flows
    for path, part in _walk(law, ()):
        place = program.places[path]
        yield Part(path, part, program.values[place], np.broadcast_to(flows[place], program.shape))


# ── laws with tables and curves ──


def centred(law: Law, columns: Columns, weight: Floats) -> Law:
    """Return the same law with curves that are 1 on average, where the coefficient of their term can tell the size."""
    terms = []
    for term in law.terms:
        factors, size = list(term.factors), 1.0
        for place, factor in enumerate(term.factors):
            if isinstance(factor, Tabulated) and factor.of != "category" and term.coefficient.free:
                numbers = np.array([each.value for each in factor.values])
                mean = float(weight @ (columns.basis(factor) @ numbers) / weight.sum())
                if mean > 0.0:
                    values = (replace(each, value=each.value / mean) for each in factor.values)
                    factors[place], size = replace(factor, values=tuple(values)), size * mean
        coefficient = replace(term.coefficient, value=term.coefficient.value * size)
        terms.append(Term(coefficient, tuple(factors)))
    return Law(tuple(terms))


def based(law: Law, columns: Columns) -> Law:
    """Return the law with tables that are 1 for the commonest category, where they stand beside other factors.

    A table that is a term by itself has a number for each category; once the term has other factors, its size is told
    by a coefficient.
    """
    return Law(tuple([_based(term, columns) for term in law.terms]))


def _based(term: Term, columns: Columns) -> Term:
    if len(term.factors) < 2 or term.coefficient != ONE:
        return term
    for place, factor in enumerate(term.factors):
        if isinstance(factor, Tabulated) and factor.of == "category" and all(v.free for v in factor.values):
            often = np.bincount(columns.of(factor.column).astype(np.int64), minlength=len(factor.values))
            held = int(often.argmax())
            size = factor.values[held].value
            if size == 0.0:
                return term
            values = tuple(Parameter(v.value / size, k != held) for k, v in enumerate(factor.values))
            rest = (*term.factors[:place], replace(factor, values=values), *term.factors[place + 1 :])
            return Term(Parameter(size), rest)
    return term


def felt(law: Law, columns: Columns) -> Law:
    """Return the law with numbers of tables and curves held that no row feels, as those of a type that never loads."""
    jacobian = value_and_jacobian(law, columns)[1]
    told, looked_up = list[bool](), 0
    for part in walk(law):
        if isinstance(part, Tabulated):
            looked_up = len(part.values)
        elif isinstance(part, Parameter):
            told += [not looked_up] if part.free else []
            looked_up = max(looked_up - 1, 0)
    free = iter((np.abs(jacobian).any(axis=0) | np.array(told, dtype=bool)).tolist())
    return changed_numbers(law, lambda parameter: replace(parameter, free=next(free)))
