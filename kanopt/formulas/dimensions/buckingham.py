"""Buckingham's π theorem: the powers of the inputs that give the unit of the output.

Buckingham's π theorem (E. Buckingham, On physically similar systems, Physical Review 4, 1914): the exponents b with
``Π unit_j^b_j = output unit`` solve one linear equation per base dimension. All solutions are one particular solution
plus linear combinations of the exponents of dimensionless groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from kanopt.errors import FormulaError
from kanopt.units import dimension_of

__all__ = ["UnitExponents", "dimensionless_exponents"]


@dataclass(frozen=True)
class UnitExponents:
    """The general solution for the exponents that give the unit of the output.

    Parameters
    ----------
    particular
        One solution, an exponent per input; earlier inputs are preferred, the others have exponent 0.
    groups
        Integer exponents, without a common divisor, of a basis of the dimensionless groups.

    Examples
    --------
    >>> found = dimensionless_exponents(["min", "veh/h", "veh/h"], "min")
    >>> print(found)
    (1, 0, 0) + t1·(0, 1, -1)
    >>> [str(b) for b in found.exponents(4)]
    ['1', '4', '-4']
    """

    particular: tuple[Fraction, ...]
    groups: tuple[tuple[int, ...], ...] = ()

    def exponents(self, *steps: Fraction | int) -> tuple[Fraction, ...]:
        """Return the solution with the given coefficients of the groups.

        Raises
        ------
        FormulaError
            If the number of coefficients is not the number of groups.
        """
        if len(steps) != len(self.groups):
            raise FormulaError(
                f"{len(self.groups)} dimensionless groups take as many numbers, not {len(steps)}"
            )
        return tuple(
            value
            + sum((step * group[place] for step, group in zip(steps, self.groups, strict=True)), Fraction(0))
            for place, value in enumerate(self.particular)
        )

    def __str__(self) -> str:
        parts = [self.particular, *self.groups]
        names = ["", *(f"t{place}·" for place in range(1, len(parts)))]
        texts = [f"{n}({', '.join(map(str, part))})" for n, part in zip(names, parts, strict=True)]
        return " + ".join(texts)


def dimensionless_exponents(units: Sequence[str], output: str) -> UnitExponents | None:
    """Find the exponents with which the inputs give the dimension of the output.

    Only dimensions matter: a numeric factor in front includes unit conversions such as minutes to hours.

    Parameters
    ----------
    units
        Units of the inputs; ``""`` if undeclared, ``"1"`` for dimensionless.
    output
        Unit of the output, likewise.

    Returns
    -------
    UnitExponents or None
        None if there is no solution, or a unit is not declared.

    Raises
    ------
    UnitError
        If a text is not a unit.

    Examples
    --------
    >>> print(dimensionless_exponents(["km", "km/h"], "min"))
    (1, -1)
    >>> dimensionless_exponents(["km", "t"], "EUR") is None
    True
    """
    if not all(unit.strip() for unit in (*units, output)):
        return None
    columns = [dimension_of(unit) for unit in units]
    wanted = dimension_of(output)
    bases = sorted({base for column in (*columns, wanted) for base in column})
    zero = Fraction(0)
    rows = [[*(column.get(base, zero) for column in columns), wanted.get(base, zero)] for base in bases]
    pivots = _reduced(rows, len(units))
    if any(row[-1] for row in rows[len(pivots) :]):
        return None
    particular = [zero] * len(units)
    for row, place in zip(rows, pivots, strict=False):
        particular[place] = row[-1]
    free = [place for place in range(len(units)) if place not in pivots]
    groups = tuple(_whole(_group(rows, pivots, place, len(units))) for place in free)
    return UnitExponents(tuple(particular), groups)


def _reduced(rows: list[list[Fraction]], width: int) -> list[int]:
    """Reduce rows to reduced echelon form in place by Gauss-Jordan elimination; return the pivot columns."""
    pivots: list[int] = []
    for place in range(width):
        done = len(pivots)
        found = next((index for index in range(done, len(rows)) if rows[index][place]), None)
        if found is None:
            continue
        rows[done], rows[found] = rows[found], rows[done]
        lead = rows[done][place]
        rows[done] = [value / lead for value in rows[done]]
        for index, row in enumerate(rows):
            if index != done and row[place]:
                times = row[place]
                rows[index] = [value - times * top for value, top in zip(row, rows[done], strict=True)]
        pivots.append(place)
    return pivots


def _group(
    rows: Sequence[Sequence[Fraction]], pivots: Sequence[int], free: int, width: int
) -> list[Fraction]:
    """Return the exponents of the group in which one free input has exponent one."""
    group = [Fraction(0)] * width
    group[free] = Fraction(1)
    for row, place in zip(rows, pivots, strict=False):
        group[place] = -row[free]
    return group


def _whole(group: Sequence[Fraction]) -> tuple[int, ...]:
    """Return the smallest integer multiple whose first exponent is positive."""
    multiple = math.lcm(*(value.denominator for value in group))
    whole = [int(value * multiple) for value in group]
    sign = 1 if next(value for value in whole if value) > 0 else -1
    return tuple(sign * value // math.gcd(*whole) for value in whole)
