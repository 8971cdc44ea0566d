"""Tabulated functions in a formula: curves, step functions and tables of categories, and how each is spelled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.functions import ATOM, OPEN, WORD, TextPart, Writer
from kanopt.formulas.nodes import Node
from kanopt.formulas.variables import category_label, check_label, check_name
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


class _Tabulated(Node, is_kind=False):
    """A node with a name and numbers of its own, which takes any unit and gives any."""

    operators: ClassVar[int | None] = CURVE
    unit_rule: ClassVar[str] = "free"
    name: str

    @property
    def number_names(self) -> tuple[str, ...]:
        """The names of its numbers: their places."""
        return tuple(map(str, range(len(self.numbers))))

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write a call of its name."""
        given = parts or [TextPart(writer.word(name), WORD) for name in self.names]
        return writer.call(writer.word(self.name), given)


@dataclass(frozen=True, eq=False)
class Curve(_Tabulated):
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
    def powers(self) -> Floats:
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

    def at(self, x: Floats) -> Floats:
        """Return the curve's value at any values of its argument; same shape."""
        return self.grid.values(x, self.powers)

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the curve's value at the argument's."""
        return self.at(values[0])

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its coefficients."""
        return self.coefficients

    def with_numbers(self, numbers: Sequence[float]) -> Curve:
        """Return it with other coefficients."""
        return replace(self, coefficients=tuple(numbers))

    @property
    def pieces(self) -> list[list[float]]:
        """For every span, the coefficients of t⁰ … t³ with t from 0 to 1 over the span."""
        found: list[list[float]] = np.asarray(self.powers).T.tolist()
        return found

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
        edges = [self.low + span * self.width for span in range(self.grid_size)]
        coefficients = (np.asarray(self.powers) / self.width ** np.arange(4)[:, None]).T.tolist()
        if not self.periodic:
            first, first_slope, last, last_slope = self.ends
            edges = [self.low, *edges, self.high]
            coefficients = [[first, first_slope], *coefficients, [last, last_slope]]
        *polynomials, beyond = map(_polynomial, edges, coefficients)
        cases = [f"WHEN @ < {end!r} THEN {text}" for end, text in zip(edges[1:], polynomials, strict=True)]
        return writer.spell(" ".join(["CASE", *cases, f"ELSE {beyond} END"]) if cases else beyond, argument)

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


def _polynomial(start: float, coefficients: list[float]) -> str:
    """Return a polynomial in the distance of ``@`` from a place, with the signs that databases share."""
    *others, text = map(repr, coefficients)
    for coefficient in reversed(others):
        text = f"{coefficient} + (@ - {start!r}) * ({text})"
    return text


@dataclass(frozen=True, eq=False)
class Step(_Tabulated):
    """A step function: ``values[k]`` from ``breakpoints[k - 1]``, inclusive, to ``breakpoints[k]``, exclusive.

    Parameters
    ----------
    argument
        Its argument.
    breakpoints
        Places of the steps, ascending.
    values
        Values between the breakpoints, one more than breakpoints.
    name
        Its name in the formula.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> rate = Step(Input("weight_t"), (1.0, 5.0), (90.0, 70.0, 55.0), name="rate")
    >>> rate.compute([np.array([0.5, 1.0, 9.0])], {}).tolist()
    [90.0, 70.0, 55.0]
    """

    argument: Node
    breakpoints: tuple[float, ...]
    values: tuple[float, ...]
    name: str = "step"

    def __post_init__(self) -> None:
        check_name(self.name, "step")
        object.__setattr__(self, "breakpoints", checked_numbers(self.breakpoints, f"step {self.name!r}"))
        object.__setattr__(self, "values", checked_numbers(self.values, f"step {self.name!r}"))
        if len(self.values) != len(self.breakpoints) + 1:
            raise FormulaError(
                f"step {self.name!r}: {len(self.breakpoints)} breakpoints need {len(self.breakpoints) + 1} "
                f"values, not {len(self.values)}"
            )
        if any(a >= b for a, b in zip(self.breakpoints, self.breakpoints[1:], strict=False)):
            raise FormulaError(f"step {self.name!r}: breakpoints must ascend")
        super().__post_init__()

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the value of the step function at each argument."""
        stair = np.searchsorted(np.asarray(self.breakpoints), values[0], side="right")
        found = np.asarray(self.values)[stair]
        return np.asarray(np.where(np.isnan(values[0]), np.nan, found))

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its values."""
        return self.values

    def with_numbers(self, numbers: Sequence[float]) -> Step:
        """Return it with other values."""
        return replace(self, values=tuple(numbers))

    def spell_program(self, writer: Any, parts: list[Any]) -> Any:
        """Write a call of the helper for step functions."""
        return writer.helper(
            "step", [*parts, *map(writer.literal, (list(self.breakpoints), list(self.values)))]
        )

    def spell_sql(self, writer: Any, parts: list[Any]) -> Any:
        """Write a case for every stair."""
        *values, last = self.values
        cases = [f"WHEN @ < {edge!r} THEN {v!r}" for edge, v in zip(self.breakpoints, values, strict=True)]
        return writer.spell(" ".join(["CASE", *cases, f"WHEN @ IS NOT NULL THEN {last!r} END"]), *parts)

    def spell_excel(self, writer: Any, parts: list[Any]) -> Any:
        """Write a look-up of the stair on which the argument is."""
        edges, values = writer.columns(
            self, {"from": (writer.lowest, *self.breakpoints), "value": self.values}
        )
        return writer.spell(f"LOOKUP(@,{edges},{values})", *parts)


@dataclass(frozen=True, eq=False)
class Table(_Tabulated):
    """One number per category, or per combination of categories.

    Parameters
    ----------
    inputs
        Names of the categorical inputs.
    entries
        Pairs of a tuple of categories, in the order of `inputs`, and its number.
    fallback
        The value for combinations without an entry; None makes such a combination an error.
    name
        Its name in the formula.

    Examples
    --------
    >>> rate = Table.of({"van": 1.0, "truck": 1.4}, "vehicle", name="rate")
    >>> rate.compute([], {"vehicle": np.array(["truck", "van"], dtype=object)}).tolist()
    [1.4, 1.0]
    """

    operators: ClassVar[int | None] = 1
    inputs: tuple[str, ...]
    entries: tuple[tuple[tuple[str, ...], float], ...]
    fallback: float | None = None
    name: str = "table"

    def __post_init__(self) -> None:
        check_name(self.name, "table")
        object.__setattr__(self, "inputs", tuple(check_name(name, "input") for name in self.inputs))
        what = f"table {self.name!r}, a category"
        keys = [tuple(check_label(category_label(part), what) for part in key) for key, _ in self.entries]
        numbers = checked_numbers([number for _, number in self.entries], f"table {self.name!r}")
        object.__setattr__(self, "entries", tuple(zip(keys, numbers, strict=True)))
        if self.fallback is not None:
            object.__setattr__(self, "fallback", checked_numbers([self.fallback], f"table {self.name!r}")[0])
        if not self.inputs or len(set(self.inputs)) != len(self.inputs):
            raise FormulaError(
                f"table {self.name!r}: needs one or more different inputs, not {self.inputs!r}"
            )
        if not keys or len(set(keys)) != len(keys):
            raise FormulaError(f"table {self.name!r}: needs one or more entries, each combination once")
        if any(len(key) != len(self.inputs) for key in keys):
            raise FormulaError(
                f"table {self.name!r}: every entry names one category per input {self.inputs!r}"
            )
        super().__post_init__()

    @classmethod
    def of(
        cls,
        values: Mapping[str, float] | Mapping[tuple[str, ...], float],
        *inputs: str,
        fallback: float | None = None,
        name: str = "table",
    ) -> Table:
        """Build a table from a mapping of category, or tuple of categories, to number."""
        entries = tuple((key if isinstance(key, tuple) else (key,), number) for key, number in values.items())
        return cls(inputs, entries, fallback, name)

    @cached_property
    def categories(self) -> tuple[tuple[str, ...], ...]:
        """The categories that occur, for each input, in the order of the entries."""
        return tuple(
            tuple(dict.fromkeys(key[place] for key, _ in self.entries)) for place in range(len(self.inputs))
        )

    @cached_property
    def _grid(self) -> Floats:
        """Numbers by category codes; the last code of each axis is "unseen"; NaN where there is none."""
        shape = tuple(len(known) + 1 for known in self.categories)
        if math.prod(shape) > 10_000_000:
            raise FormulaError(f"table {self.name!r}: {math.prod(shape):,} combinations are too many")
        grid = np.full(shape, np.nan if self.fallback is None else self.fallback)
        codes = [{label: code for code, label in enumerate(known)} for known in self.categories]
        for key, number in self.entries:
            grid[tuple(code[part] for code, part in zip(codes, key, strict=True))] = number
        return grid

    @property
    def names(self) -> tuple[str, ...]:
        """Its categorical inputs."""
        return self.inputs

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of its entries."""
        return tuple(number for _, number in self.entries)

    @property
    def number_names(self) -> tuple[str, ...]:
        """Their categories."""
        return tuple(", ".join(key) for key, _ in self.entries)

    def with_numbers(self, numbers: Sequence[float]) -> Table:
        """Return it with other numbers of its entries."""
        keys = (key for key, _ in self.entries)
        return replace(self, entries=tuple(zip(keys, numbers, strict=True)))

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Look every combination up.

        Raises
        ------
        FormulaError
            If a combination has no entry and there is no fallback; names the first and the nearest known.
        """
        codes = [_codes(data[name], known) for name, known in zip(self.inputs, self.categories, strict=True)]
        found = self._grid[tuple(codes)]
        missing = np.isnan(found)
        if missing.any():
            place = np.unravel_index(int(np.argmax(missing)), missing.shape)
            self._refuse([str(np.broadcast_to(data[name], missing.shape)[place]) for name in self.inputs])
        return np.asarray(found)

    def _refuse(self, labels: Sequence[str]) -> None:
        for name, label, known in zip(self.inputs, labels, self.categories, strict=True):
            if label not in known:
                raise FormulaError(f"input {name!r}: unseen category {label!r}; {nearest(label, known)}")
        pairs = ", ".join(f"{name}={label!r}" for name, label in zip(self.inputs, labels, strict=True))
        raise FormulaError(f"table {self.name!r} has no entry for {pairs} and no fallback")

    def spell_program(self, writer: Any, parts: list[Any]) -> Any:
        """Write a call of the helper for tables."""
        given = [writer.entries(self.entries), writer.literal(self.fallback)]
        return writer.helper("table", [*given, *map(writer.input, self.inputs)])

    def spell_sql(self, writer: Any, parts: list[Any]) -> Any:
        """Write a case for every entry."""
        columns = [writer.input(name).text for name in self.inputs]
        cases = []
        for key, number in self.entries:
            pairs = zip(columns, map(writer.label, key), strict=True)
            cases.append(
                f"WHEN {' AND '.join(f'{column} = {label}' for column, label in pairs)} THEN {number!r}"
            )
        if self.fallback is not None:
            given = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            cases.append(f"WHEN {given} THEN {self.fallback!r}")
        return TextPart(" ".join(["CASE", *cases, "END"]), OPEN)

    def spell_excel(self, writer: Any, parts: list[Any]) -> Any:
        """Write a look-up of the last entry whose categories all match those of the row."""
        keys = {
            f"key_{place + 1}": [key[place] for key, _ in self.entries] for place in range(len(self.inputs))
        }
        *known, values = writer.columns(self, {**keys, "value": self.numbers})
        given = [writer.input(name).text for name in self.inputs]
        same = "*".join(f"EXACT({cell},{labels})" for cell, labels in zip(given, known, strict=True))
        found = f"LOOKUP(2,1/({same}),{values})"
        if self.fallback is not None:
            found = f"IFERROR({found},{writer.number(self.fallback)})"
        empty = [
            f'{cell}=""' for cell, labels in zip(given, self.categories, strict=True) if "" not in labels
        ]
        condition = empty[0] if len(empty) == 1 else f"OR({','.join(empty)})"
        return TextPart(f"IF({condition},NA(),{found})" if empty else found, ATOM)


def _codes(values: NDArray[Any], known: Sequence[str]) -> NDArray[np.intp]:
    """Return the position of each label in `known`; unseen ones get the position after the last.

    Whole numbers are positions already.
    """
    import pandas as pd

    if values.dtype.kind in "iu":
        return values

    flat = np.asarray(values, dtype=object).ravel()
    codes = pd.Index(list(known), dtype=object).get_indexer(pd.Index(flat, dtype=object))
    return np.where(codes < 0, len(known), codes).reshape(values.shape).astype(np.intp)
