"""A text about the columns of a table that was read: the number of each row, or where a condition holds.

A condition of a row is 1 where it holds, 0 where it does not, and NaN where a value that it needs is missing. Unknown
ones are joined as Kleene (1938, J. Symb. Log. 3) joins them: what one part decides, the others cannot undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.calendar_functions import CALENDAR, check_zones
from kanopt.formulas.dimensions.analysis import output_unit
from kanopt.formulas.nodes import Node, computed, postorder
from kanopt.formulas.variables import Variable

Columns: TypeAlias = Mapping[str, Any]
Values: TypeAlias = Callable[[Columns], Any]
Truths: TypeAlias = NDArray[np.float64]
Condition: TypeAlias = Callable[[Columns], Truths]

_BLOCK = 1 << 14
"""Rows that are computed at once."""


@dataclass(frozen=True, eq=False)
class RowText:
    """A text about columns that was read.

    Parameters
    ----------
    text
        The text.
    meaning
        A number of each row, or a condition on it.
    reads
        The columns it reads.
    calendar
        What it reads of dates: name to function and columns.
    """

    text: str
    meaning: Node | Condition
    reads: tuple[str, ...]
    calendar: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false of a row, and no number."""
        return not isinstance(self.meaning, Node)

    def values(self, columns: Mapping[str, Any], rows: int) -> NDArray[np.float64]:
        """Return the number of each row, not finite where there is none; (rows,).

        Parameters
        ----------
        columns
            Numbers as float64; texts, dates and truth values as series.
        rows
            How many there are.
        """
        assert isinstance(self.meaning, Node)
        found = np.empty(rows)
        for part, read in self._blocks(columns, rows):
            found[part] = computed(self.meaning, read)
        return found

    def masks(self, columns: Mapping[str, Any], rows: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where the condition holds and where it fails; neither where it cannot be known. Both (rows,)."""
        assert not isinstance(self.meaning, Node)
        found = np.empty(rows)
        for part, read in self._blocks(columns, rows):
            found[part] = self.meaning(read)
        return found == 1.0, found == 0.0

    def _blocks(self, columns: Mapping[str, Any], rows: int) -> Iterator[tuple[slice, dict[str, Any]]]:
        """Yield some rows after the others with what is read of them, since all terms of a sum are held at once."""
        prepared = self._prepared(columns)
        for start in range(0, rows, _BLOCK):
            part = slice(start, min(start + _BLOCK, rows))
            yield part, {name: getattr(each, "iloc", each)[part] for name, each in prepared.items()}

    def _prepared(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: columns[name] for name in self.reads}
        for name, (function, arguments) in self.calendar.items():
            used = {each: columns[each] for each in arguments}
            if len(used) > 1:
                check_zones(used)
            found[name] = CALENDAR[function].value(*(columns[each] for each in arguments))
        return found

    def unit(self, name: str, declared: str, units: Mapping[str, str]) -> str | None:
        """Return the unit of the numbers; None if nothing decides it.

        Parameters
        ----------
        name
            The column they make.
        declared
            Its unit, where one is declared; else empty.
        units
            Those of the columns.

        Raises
        ------
        FormulaError
            If the units do not agree, such as minutes that are added to hours.
        """
        if not isinstance(self.meaning, Node):
            return None
        used = {each: units.get(each, "") for each in self.reads}
        used |= {each: CALENDAR[function].unit for each, (function, _) in self.calendar.items()}
        inputs = tuple(Variable(each, unit) for each, unit in used.items() if each in self._inputs)
        if not declared and not any(variable.unit for variable in inputs):
            return None
        unit, problems = output_unit(BaseFormula(self.meaning, inputs, Variable(name, declared)))
        if problems:
            raise FormulaError(f"the units do not agree: {problems[0]}")
        return declared or unit

    @property
    def _inputs(self) -> frozenset[str]:
        assert isinstance(self.meaning, Node)
        return frozenset(name for node in postorder(self.meaning) for name in node.names)


def compared(sign: Callable[[Any, Any], Any], left: Values, right: Values) -> Condition:
    """Compare numbers, texts or dates; where one of them is missing, nothing is known."""

    def condition(columns: Columns) -> Truths:
        one, other = left(columns), right(columns)
        missing = np.asarray(pd.isna(one)) | np.asarray(pd.isna(other))
        return np.where(missing, np.nan, np.asarray(sign(one, other), dtype=bool))

    return condition


def date_values(column: str, other: Any) -> Values:
    """Return what a column of dates is compared with: the column of a name, or a date, in its time zone if in none.

    The values raise FormulaError if one of two columns has a zone and the other has none, or if the date is no moment
    in the zone, or two.
    """

    def values(columns: Columns) -> Any:
        if isinstance(other, str):
            check_zones({column: columns[column], other: columns[other]})
            return columns[other]
        zone = getattr(columns[column].dt, "tz", None)
        if zone is None:
            return other if other.tzinfo is None else other.tz_convert("UTC").tz_localize(None)
        there = other if other.tzinfo else other.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        if pd.isna(there):
            raise FormulaError(
                f"{other:%Y-%m-%d %H:%M} does not exist in the time zone of {column!r}, or exists twice; write it with "
                f'its distance from UTC, as in "{other:%Y-%m-%d %H:%M}+01:00"'
            )
        return there

    return values


def both(left: Truths, right: Truths) -> Truths:
    """Join conditions by ``and``."""
    return np.where(np.fmin(left, right) == 0.0, 0.0, np.minimum(left, right))


def either(left: Truths, right: Truths) -> Truths:
    """Join conditions by ``or``."""
    return np.where(np.fmax(left, right) == 1.0, 1.0, np.maximum(left, right))


def joined(join: Callable[[Truths, Truths], Truths], conditions: Sequence[Condition]) -> Condition:
    """Return several conditions as one."""
    return lambda columns: reduce(join, (each(columns) for each in conditions))
