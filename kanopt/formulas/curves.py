"""Curves in a formula: cubic splines of one argument, and how each language spells them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.nodes import Array, Node
from kanopt.formulas.spelling import TextPart, Writer
from kanopt.formulas.variables import check_name
from kanopt.splines import SplineGrid
from kanopt.text import number_text

CURVE = 5
"""A curve or staircase counts for so many operators: it is read from a picture."""


def checked_numbers(values: Sequence[float], what: str) -> tuple[float, ...]:
    """Return numbers as they are kept; refuse them where one is not finite."""
    numbers = tuple(float(value) + 0.0 for value in values)  # -0.0 becomes 0.0, which it equals
    if not all(math.isfinite(number) for number in numbers):
        raise FormulaError(f"{what}: every value must be a finite number")
    return numbers


@dataclass(frozen=True)
class Span:
    """An interval on which a curve is one polynomial.

    Parameters
    ----------
    start
        Origin of the polynomial's argument.
    end
        End of the interval; infinite for the last.
    coefficients
        Coefficients of the powers of the distance from `start`, the constant first.
    """

    start: float
    end: float
    coefficients: tuple[float, ...]

    def at(self, x: Any) -> Any:
        """Return the polynomial at an expression."""
        value: Any = 0.0
        for coefficient in reversed(self.coefficients):
            value = coefficient + (x - self.start) * value
        return value

    def text(self) -> str:
        """Return the polynomial of ``@`` with the signs that programs and databases share."""
        *others, text = map(repr, self.coefficients)
        for coefficient in reversed(others):
            text = f"{coefficient} + (@ - {self.start!r}) * ({text})"
        return text


@dataclass(frozen=True, eq=False)
class Curve(Node):
    """A cubic spline of one argument on equally spaced knots, with linear extrapolation.

    Parameters
    ----------
    name
        Its name in the formula: ``s`` prints as ``s(hour)``.
    argument
        Its argument.
    coefficients
        Coefficients of the cubic B-splines: n + 3 for n equal spans between `low` and `high`, or n for a periodic
        curve.
    low, high
        First and last knot. Beyond them the curve is extrapolated along its end tangents; a periodic curve repeats.
    periodic
        Whether it repeats with period ``high - low``.

    Raises
    ------
    FormulaError
        If there are fewer than 4 coefficients (1 for a periodic curve), or `low` is not below `high`.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> line = Curve("s", Input("x"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    >>> line.at(np.array([-1.0, 0.25, 2.0])).round(9).tolist()
    [-1.0, 0.25, 2.0]
    """

    operators: ClassVar[int | None] = CURVE
    unit_rule: ClassVar[str] = "free"
    name: str
    argument: Node
    coefficients: tuple[float, ...]
    low: float
    high: float
    periodic: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "curve")
        object.__setattr__(self, "coefficients", checked_numbers(self.coefficients, f"curve {self.name!r}"))
        low, high = checked_numbers((self.low, self.high), f"curve {self.name!r}")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "periodic", bool(self.periodic))
        if self.grid_size < 1:
            raise FormulaError(f"curve {self.name!r}: a cubic curve has at least 4 coefficients")
        # spans thinner than rounding would make the place within a span meaningless
        if not (low < high < math.inf and math.inf > self.width > 1e-12 * max(abs(low), abs(high))):
            ends = f"{number_text(low, 6)} to {number_text(high, 6)}"
            raise FormulaError(f"curve {self.name!r}: knots from {ends} have no length")
        super().__post_init__()

    @property
    def grid_size(self) -> int:
        """The number of equal intervals between `low` and `high`."""
        return len(self.coefficients) - (0 if self.periodic else 3)

    @property
    def width(self) -> float:
        """The length of one span."""
        return (self.high - self.low) / self.grid_size

    @cached_property
    def grid(self) -> SplineGrid:
        """The knots."""
        return SplineGrid(self.low, self.high, self.grid_size, self.periodic)

    @cached_property
    def powers(self) -> Array:
        """Polynomial coefficients of t⁰ … t³ in each span, with t from 0 to 1; shape (4, spans)."""
        powers = self.grid.powers(np.asarray(self.coefficients))
        powers.flags.writeable = False
        return powers

    @cached_property
    def ends(self) -> tuple[float, float, float, float]:
        """Value and slope per unit of the argument at `low`, then at `high`."""
        first, last = self.powers[:, 0], self.powers[:, -1]
        slope = float(last @ np.array([0.0, 1.0, 2.0, 3.0]))
        return float(first[0]), float(first[1]) / self.width, float(last.sum()), slope / self.width

    def at(self, x: Array) -> Array:
        """Return the curve's value at any values of its argument; same shape."""
        return self.grid.values(x, self.powers)

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the curve's value at the argument's."""
        return self.at(values[0])

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its coefficients."""
        return self.coefficients

    @property
    def number_names(self) -> tuple[str, ...]:
        """Their places."""
        return tuple(map(str, range(len(self.coefficients))))

    def with_numbers(self, numbers: Sequence[float]) -> Curve:
        """Return it with other coefficients."""
        return replace(self, coefficients=tuple(numbers))

    @property
    def pieces(self) -> list[list[float]]:
        """For every span, the coefficients of t⁰ … t³ with t from 0 to 1 over the span."""
        found: list[list[float]] = np.asarray(self.powers).T.tolist()
        return found

    @property
    def spans(self) -> list[Span]:
        """Its spans in ascending order, including its linear extrapolations.

        Of a periodic curve they are those of one period, to which its argument has to be reduced.

        Examples
        --------
        >>> from kanopt.formulas import Input
        >>> for span in Curve("s", Input("x"), (0.0, 0.0, 6.0, 6.0), 0.0, 2.0).spans:
        ...     print(span)
        Span(start=0.0, end=0.0, coefficients=(1.0, 1.5))
        Span(start=0.0, end=2.0, coefficients=(1.0, 1.5, 0.75, -0.25))
        Span(start=2.0, end=inf, coefficients=(5.0, 1.5))
        """
        first, first_slope, last, last_slope = self.ends
        edges = [self.low + span * self.width for span in range(self.grid_size)] + [self.high]
        by_distance = (np.asarray(self.powers) / self.width ** np.arange(4)[:, None]).T.tolist()
        spans = [Span(a, b, tuple(c)) for a, b, c in zip(edges, edges[1:], by_distance, strict=False)]
        if self.periodic:
            return [*spans[:-1], replace(spans[-1], end=math.inf)]
        below = Span(self.low, self.low, (first, first_slope))
        return [below, *spans, Span(self.high, math.inf, (last, last_slope))]

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write a call of its name."""
        return writer.call(writer.word(self.name), parts)

    def spell_program(self, writer: Any, parts: list[Any]) -> Any:
        """Write a call of the helper for curves."""
        given = [self.low, self.width, self.periodic, self.pieces]
        return writer.helper("curve", [*parts, *map(writer.literal, given)])

    def spell_sql(self, writer: Any, parts: list[Any]) -> Any:
        """Write a case for every span, on which the curve is a polynomial in the distance from its start."""
        (argument,) = parts
        if self.periodic:
            period = self.high - self.low
            argument = writer.spell(f"@ - {period!r} * FLOOR((@ - {self.low!r}) / {period!r})", argument)
        *spans, last = self.spans
        cases = [f"WHEN @ < {span.end!r} THEN {span.text()}" for span in spans]
        whole = " ".join(["CASE", *cases, f"ELSE {last.text()} END"]) if cases else last.text()
        return writer.spell(whole, argument)

    def spell_sympy(self, writer: Any, parts: list[Any]) -> Any:
        """Return the cubic pieces, with linear extrapolation or repeated periodically."""
        (x,) = parts
        if self.periodic:
            # not Mod, before which sympy's printers of Python and C forget brackets (sympy issue 30389)
            period = self.high - self.low
            x = x - period * writer.floor((x - self.low) / period)
        spans = self.spans
        return writer.pieces([span.at(x) for span in spans], [x <= span.end for span in spans[:-1]], x)

    def spell_excel(self, writer: Any, parts: list[Any]) -> Any:
        """Write the polynomial of the argument's span, in the position within the span."""
        (place,) = parts
        if self.low:
            place = writer.sum([place, writer.constant(-self.low)])
        if self.width != 1.0:
            place = writer.spell(f"@/{writer.number(self.width)}", place)
        if self.periodic:
            rows = [self.pieces[-1], *self.pieces, self.pieces[0]]
            span = f"INT(@)-{self.grid_size}*INT(@/{self.grid_size})"
            way = "@-INT(@)"
        else:
            first, first_slope, last, last_slope = self.ends
            before = [first, first_slope * self.width, 0.0, 0.0]
            rows = [before, *self.pieces, [last, last_slope * self.width, 0.0, 0.0]]
            span = f"MAX(-1,MIN({self.grid_size},INT(@)))"
            way = f"@-MAX(0,MIN({self.grid_size},INT(@)))"
        # the first power is of one, not of the way: 0^0 is an error in Excel
        powers = f"({{1,0,0,0}}+{{0,1,1,1}}*({way}))^{{1,1,2,3}}"
        return writer.spell(f"SUMPRODUCT(INDEX({writer.block(self, rows)},{span}+2,0),{powers})", place)
