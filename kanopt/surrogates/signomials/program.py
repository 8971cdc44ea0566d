"""A law compiled for the rows to which it is fitted.

What no free parameter touches is one array; the free powers and exponentials of a term are one exponential of a sum of
logarithms; linear parts of tables and curves are one product of matrices. A forward pass keeps what the backward pass
needs (Griewank and Walther 2008, *Evaluating Derivatives*, ch. 3). A search evaluates a law hundreds of times, each
time with other numbers only.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.signomials.columns import Columns
from kanopt.surrogates.signomials.structure import (
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
    values_of,
)

__all__ = ["CompiledSum", "CompiledTerm", "Program"]

Array: TypeAlias = NDArray[np.float64]

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


class _Numbers:
    """Hands out the places of free parameters in the order in which they are written."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, parameter: Parameter) -> _Number:
        if not parameter.free:
            return _Number(-1, parameter.value)
        self.count += 1
        return _Number(self.count - 1, parameter.value)


class _Number:
    """A free parameter by its place, or a held value (place −1)."""

    __slots__ = ("held", "place")

    def __init__(self, place: int, held: float) -> None:
        self.place, self.held = place, held

    @property
    def free(self) -> bool:
        return self.place >= 0

    def at(self, theta: Array) -> float:
        return float(theta[self.place]) if self.place >= 0 else self.held


class _Wave:
    def __init__(self, wave: Wave, columns: Columns, numbers: _Numbers) -> None:
        self.x = columns.of(wave.column)
        self.frequency, self.phase = numbers.of(wave.frequency), numbers.of(wave.phase)
        width = float(columns.high[wave.column] - columns.low[wave.column])
        radian = float(columns.scales[wave.column])
        angle = columns.low[wave.column] < 0.0 and not self.phase.free and self.phase.held == 0.0
        self.least = 0.5 * radian if angle else np.pi / max(width, 1e-300)
        """Least frequency: half a turn over the rows, but for the sine of what may be an angle in radians."""
        self.most = columns.fastest(wave.column)

    def forward(self, theta: Array) -> Array:
        if self.frequency.free and not self.least <= abs(self.frequency.at(theta)) <= self.most:
            self.angle = np.full(len(self.x), np.nan)
            return self.angle
        self.angle = self.frequency.at(theta) * self.x + self.phase.at(theta)
        return np.asarray(np.sin(self.angle))

    def backward(self, above: Array, jacobian: Array, theta: Array) -> None:
        slope = above * np.cos(self.angle)
        if self.frequency.free:
            jacobian[self.frequency.place] = slope * self.x
        if self.phase.free:
            jacobian[self.phase.place] = slope


class _Hinge:
    def __init__(self, hinge: Hinge, columns: Columns, numbers: _Numbers) -> None:
        self.columns, self.column, self.place = columns, hinge.column, numbers.of(hinge.place)

    def forward(self, theta: Array) -> Array:
        place = self.place.at(theta)
        self.beyond = self.columns.of(self.column) - place
        if not self.columns.inside(self.column, place):
            # a line, or nothing: it must not pass for a hinge
            return np.full(len(self.columns), np.nan)
        return np.maximum(self.beyond, 0.0)

    def backward(self, above: Array, jacobian: Array, theta: Array) -> None:
        if self.place.free:
            jacobian[self.place.place] = np.where(self.beyond > 0.0, -above, 0.0)


class _Tabulated:
    def __init__(self, table: Tabulated, columns: Columns, numbers: _Numbers) -> None:
        basis = columns.basis(table)
        own = [numbers.of(each) for each in table.values]
        free = [k for k, each in enumerate(own) if each.free]
        self.first = own[free[0]].place if free else 0
        self.free = np.ascontiguousarray(basis[:, free].T)
        held = np.array([0.0 if each.free else each.held for each in own])
        self.held = basis @ held

    def forward(self, theta: Array) -> Array:
        own = theta[self.first : self.first + len(self.free)]
        return np.asarray(self.held + own @ self.free)

    def backward(self, above: Array, jacobian: Array, theta: Array) -> None:
        jacobian[self.first : self.first + len(self.free)] = self.free * above


class _Group:
    def __init__(self, group: Group, columns: Columns, numbers: _Numbers) -> None:
        self.inner = CompiledSum(group.inner, columns, numbers)
        self.exponent = numbers.of(group.exponent)
        self.of_one = Term(ONE) in group.inner.terms
        self.bends = [
            number
            for term in self.inner.terms
            for factor, number in zip(term.term.factors, term.numbers, strict=True)
            if isinstance(factor, Power) and number is not None and number.free
        ]
        self.decaying = [
            term.coefficient
            for term in self.inner.terms
            if any(isinstance(factor, Exponential) for factor in term.term.factors)
        ]

    def _is_sound(self, theta: Array) -> bool:
        """Whether the group is one that a person might write.

        No free exponent in it is close to zero, which would make it a logarithm in disguise, 1 - x^0.001; and it
        divides by no difference from an exponential, which is a reciprocal in disguise, 1 - exp(-0.001 x).
        """
        if any(abs(number.at(theta)) < LEAST for number in self.bends):
            return False
        return self.exponent.at(theta) >= 0.0 or all(number.at(theta) >= 0.0 for number in self.decaying)

    def forward(self, theta: Array) -> Array:
        base = self.base = self.inner.forward(theta)
        exponent = self.exponent.at(theta)
        low = float(base.min())
        of_one, undefined = self.of_one, not self._is_sound(theta)
        if undefined or (of_one and (np.abs(base).max() < FAINT or low > SWAMPED)):
            self.out = np.full(len(base), np.nan)
        elif exponent == 1.0:
            self.out = base
        elif exponent == 2.0:
            self.out = base * base
        elif low > (CANCELLED if of_one else 0.0):
            self.out = 1.0 / base if exponent == -1.0 else base**exponent
        else:  # a sum that changes its sign within the rows has a pole or no real power there
            self.out = np.full(len(base), np.nan)
        return self.out

    def slope(self, theta: Array) -> Array | float:
        """Return the derivative of the group in its sum."""
        exponent = self.exponent.at(theta)
        if exponent == 2.0:
            return 2.0 * self.base
        return 1.0 if exponent == 1.0 else exponent * self.out / self.base

    def backward(self, above: Array, jacobian: Array, theta: Array) -> None:
        self.inner.backward(above * self.slope(theta), jacobian, theta)
        if self.exponent.free:
            jacobian[self.exponent.place] = above * self.out * np.log(np.abs(self.base))


class _Applied:
    def __init__(self, applied: Applied, columns: Columns, numbers: _Numbers) -> None:
        self.inner = CompiledSum(applied.inner, columns, numbers)
        self.exponential = applied.function == "exp"

    def forward(self, theta: Array) -> Array:
        self.base = self.inner.forward(theta)
        self.out = np.asarray(np.exp(self.base) if self.exponential else np.abs(self.base))
        return self.out

    def slope(self, theta: Array) -> Array:
        """Return the derivative of the function in its sum."""
        return self.out if self.exponential else np.asarray(np.sign(self.base))

    def backward(self, above: Array, jacobian: Array, theta: Array) -> None:
        self.inner.backward(above * self.slope(theta), jacobian, theta)


_Bracket: TypeAlias = "_Group | _Applied"
_Compiled: TypeAlias = "_Wave | _Hinge | _Tabulated | _Bracket"


def _argument(columns: Columns, factor: Exponential) -> Array:
    x = columns.of(factor.column)
    return x if factor.of == "x" else 1.0 / x if factor.of == "1/x" else x * x


class CompiledTerm:
    """A term on its rows."""

    def __init__(self, term: Term, columns: Columns, numbers: _Numbers) -> None:
        self.term, self.rows = term, len(columns)
        self.coefficient = numbers.of(term.coefficient)
        self.fixed: Array | None = None
        self.exponents: list[tuple[int, Array]] = []
        """Places of free exponents and rates, and what each multiplies in the exponential."""
        self.powers: list[int] = []
        """Which of these are exponents."""
        self.others: list[_Compiled] = []
        self.groups: list[tuple[int, _Bracket]] = []
        """Places of the factors that are brackets, and the brackets."""
        self.numbers: list[_Number | None] = []
        """The exponents of powers, by factor; None for other factors."""
        for place, factor in enumerate(term.factors):
            self.numbers.append(None)
            self._compile(place, factor, columns, numbers)

    def _compile(self, place: int, factor: Factor, columns: Columns, numbers: _Numbers) -> None:
        match factor:
            case Power(column=column, exponent=exponent):
                number = self.numbers[-1] = numbers.of(exponent)
                if not number.free and abs(exponent.value) <= STEEPEST:
                    self._times(columns.raised(column, exponent.value))
                elif columns.low[column] < 0.0 or not number.free:
                    self._times(np.full(self.rows, np.nan))
                else:
                    self.exponents.append((number.place, columns.log(column)))
                    self.powers.append(number.place)
            case Exponential(rate=rate):
                number = numbers.of(rate)
                if number.free:
                    self.exponents.append((number.place, _argument(columns, factor)))
                else:
                    self._times(np.exp(rate.value * _argument(columns, factor)))
            case Logarithm(column=column):
                self._times(columns.log(column) + np.log(columns.scales[column]))
            case Step(column=column, place=at):
                numbers.of(at)
                self._times((columns.of(column) >= at.value).astype(float))
            case Wave():
                self.others.append(_Wave(factor, columns, numbers))
            case Hinge():
                self.others.append(_Hinge(factor, columns, numbers))
            case Tabulated():
                self.others.append(_Tabulated(factor, columns, numbers))
            case Group() | Applied():
                bracket: _Bracket
                if isinstance(factor, Group):
                    bracket = _Group(factor, columns, numbers)
                else:
                    bracket = _Applied(factor, columns, numbers)
                self.others.append(bracket)
                self.groups.append((place, bracket))

    def _times(self, values: Array) -> None:
        self.fixed = values if self.fixed is None else self.fixed * values

    def forward(self, theta: Array) -> Array:
        """Return the values of the term, shape (n,)."""
        out = self._smooth(theta)
        self.values = [each.forward(theta) for each in self.others]
        for values in self.values:
            out = values if out is None else out * values
        self.product = np.ones(self.rows) if out is None else out
        self.size = self.coefficient.at(theta)
        self.out = self.product if self.size == 1.0 else self.size * self.product
        return self.out

    def _smooth(self, theta: Array) -> Array | None:
        """Return what is fixed times free powers and exponentials; None where there is neither."""
        if not self.exponents:
            return self.fixed
        if any(not FLATTEST < abs(theta[place]) < STEEPEST for place in self.powers):
            self.curved = np.full(self.rows, np.nan)
            return self.curved
        first, *others = self.exponents
        exponent = theta[first[0]] * first[1]
        for place, multiplied in others:
            exponent = exponent + theta[place] * multiplied
        self.curved = np.exp(exponent)
        return self.curved if self.fixed is None else self.curved * self.fixed

    def beside(self, number: int) -> Array | float:
        """Return the product of all but one of the other factors, with the coefficient."""
        out: Array | float = self.size
        if self.exponents:
            out = out * self.curved
        if self.fixed is not None:
            out = out * self.fixed
        for place, values in enumerate(self.values):
            if place != number:
                out = out * values
        return out

    def backward(self, above: Array | float, jacobian: Array, theta: Array) -> None:
        """Write the derivatives in the term's parameters, times those of the law in it, into rows of the Jacobian."""
        if self.coefficient.free:
            jacobian[self.coefficient.place] = above * self.product
        if self.exponents:
            flow = above * self.out
            for place, multiplied in self.exponents:
                jacobian[place] = flow * multiplied
        for number, each in enumerate(self.others):
            each.backward(np.asarray(above * self.beside(number)), jacobian, theta)


class CompiledSum:
    """A sum on its rows."""

    def __init__(self, law: Law, columns: Columns, numbers: _Numbers) -> None:
        self.law, self.rows = law, len(columns)
        self.terms = [CompiledTerm(term, columns, numbers) for term in law.terms]

    def forward(self, theta: Array) -> Array:
        """Return the values of the sum, shape (n,)."""
        out: Array | None = None
        for term in self.terms:
            values = term.forward(theta)
            out = values if out is None else out + values
        self.out = np.zeros(self.rows) if out is None else out
        return self.out

    def backward(self, above: Array | float, jacobian: Array, theta: Array) -> None:
        """Write derivatives as :meth:`CompiledTerm.backward` does."""
        for term in self.terms:
            term.backward(above, jacobian, theta)


class Program:
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
    """

    def __init__(self, law: Law, columns: Columns) -> None:
        numbers = _Numbers()
        with np.errstate(all="ignore"):
            self.sum = CompiledSum(law, columns, numbers)
        self.theta = np.array(values_of(law))
        self.rows = len(columns)

    def forward(self, theta: Array) -> Array:
        """Return the values of the law, shape (n,); NaN where it is not defined. Warnings of numpy are the caller's."""
        return self.sum.forward(theta)

    def backward(self, theta: Array) -> Array:
        """Return the derivatives in the free parameters, shape (p, n), at the values of the last :meth:`forward`."""
        jacobian = np.zeros((len(theta), self.rows))
        self.sum.backward(1.0, jacobian, theta)
        return jacobian

    def value(self, theta: Array) -> Array:
        """Do as :meth:`forward`, without warnings."""
        with np.errstate(all="ignore"):
            return self.forward(theta)

    def derivatives(self, theta: Array) -> Array:
        """Do as :meth:`backward`, without warnings."""
        with np.errstate(all="ignore"):
            return self.backward(theta)
