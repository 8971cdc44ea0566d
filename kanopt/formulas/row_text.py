"""A text about the columns of a table that was read: the number of each row, or where a condition holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.calendar_functions import CALENDAR, check_zones
from kanopt.formulas.dimensions.analysis import output_unit
from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import Node, computed, postorder
from kanopt.formulas.row_conditions import Condition
from kanopt.formulas.variables import Variable

__all__ = ["RowText"]

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
        return isinstance(self.meaning, Condition)

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
        assert isinstance(self.meaning, Condition)
        holds, fails = np.empty(rows, dtype=bool), np.empty(rows, dtype=bool)
        for part, read in self._blocks(columns, rows):
            holds[part], fails[part] = self.meaning.masks(read)
        return holds, fails

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
        unit, problems = output_unit(Formula(self.meaning, inputs, Variable(name, declared)))
        if problems:
            raise FormulaError(f"the units do not agree: {problems[0]}")
        return declared or unit

    @property
    def _inputs(self) -> frozenset[str]:
        assert isinstance(self.meaning, Node)
        return frozenset(name for node in postorder(self.meaning) for name in node.names)
