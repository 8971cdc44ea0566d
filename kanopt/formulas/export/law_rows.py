"""A law on a sheet with a row for each place at which it is used: inputs in cells, the law as formulas over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.export.sheets import Page, SheetBook, quoted
from kanopt.formulas.export.steps import StepWriter
from kanopt.formulas.formula import Formula
from kanopt.text import with_unit

__all__ = ["LawRows", "RowCells", "write_law_rows"]

_ROW = "\ue000"
"""Stands for the number of the row; no text of a formula has it, since categories and names stand in cells."""
_FIRST_COLUMNS = 24
_NO_AMOUNT = "the law is computed anew on this sheet, and no cost follows from it"


@dataclass(frozen=True, eq=False)
class LawRows:
    """What one sheet shows.

    Parameters
    ----------
    title
        What the law is.
    formula
        The law.
    arguments
        Its inputs in its own units, each of the same length.
    labels
        By head, the texts at the beginning of each row.
    factor
        By what each value is multiplied to be an amount; None where no amounts follow, which the sheet says.
    cut_off
        Whether an amount below zero is zero.
    amount
        Head of the amounts.
    """

    title: str
    formula: Formula
    arguments: Mapping[str, NDArray[Any]]
    labels: Mapping[str, Sequence[str]]
    factor: NDArray[np.float64] | None = None
    cut_off: bool = False
    amount: str = "amount"


@dataclass(frozen=True)
class RowCells:
    """The cells of the values of a law, and of the amounts that follow; empty where none do."""

    values: tuple[str, ...]
    amounts: tuple[str, ...]


def write_law_rows(sheets: SheetBook, sheet: Any, rows: LawRows, taken: set[str]) -> RowCells:
    """Fill a sheet with the places of a law.

    Constants, and inputs that are the same everywhere, stand above in named cells; all others in the row of the place.
    Curves and tables go to the sheet Tables, steps of long laws to columns at the right.

    Parameters
    ----------
    sheets
        The workbook.
    sheet
        An empty sheet of it, whose name has letters, digits and spaces alone.
    rows
        What it shows.
    taken
        Names of cells that the workbook has already, in lower case; new ones are added.
    """
    return _Rows(sheets, sheet, rows, taken).fill()


class _Rows(StepWriter):
    """The formulas of all rows, which differ in the number of the row alone."""

    def __init__(self, sheets: SheetBook, sheet: Any, rows: LawRows, taken: set[str]) -> None:
        super().__init__(rows.formula, sheets, taken, len(next(iter(rows.labels.values()))))
        formula = rows.formula
        self.sheet, self.rows = sheet, rows
        sheet.set_column(0, _FIRST_COLUMNS, 16)
        follows = "what is computed from them follows" if rows.factor is not None else _NO_AMOUNT
        change = f"Change the yellow cells; {follows}."
        self.page = Page(sheets, sheet, rows.title, f"{formula.output.name} = {formula}", change)
        self.inputs = [variable for variable in formula.inputs if variable.name in formula.used]
        self.arguments = {v.name: np.asarray(rows.arguments[v.name]) for v in self.inputs}
        self.head = self.column = 0

    def fill(self) -> RowCells:
        """Write everything."""
        rows, formula, sheet = self.rows, self.formula, self.sheet
        self.compute(self.arguments)
        self.constants = self.page.constants(formula, self.fresh)
        varying = self._write_shared()
        self.head = self.page.row + 1
        for head, labels in rows.labels.items():
            self._texts(head, labels)
        for variable in varying:
            name, unit = variable.name, variable.unit
            self.names[name] = f"${self._letter()}{_ROW}"
            self._given(with_unit(name, unit), self.arguments[name])
        place = self.column
        extra = 0 if rows.factor is None else 2
        self.column += 1 + extra  # steps stand to the right of what they lead to
        written = self.guarded(self.write(formula.root))
        ahead, self.column = self.column, place
        unit = formula.output.unit
        values = self._formulas(
            with_unit(formula.output.name, unit),
            written,
            self.value_of(formula.root),
        )
        amounts = self._amounts(values)
        sheet.freeze_panes(self.head + 1, len(rows.labels))
        self.column = ahead
        return RowCells(
            tuple(self._cells(values)), tuple(self._cells(amounts)) if amounts is not None else ()
        )

    def step(self, text: str, value: Any, what: str) -> str:
        """Write a step into a column of its own, and return its cell in the same row."""
        return f"${_letters(self._formulas(what, text, value))}{_ROW}"

    def _write_shared(self) -> list[Any]:
        """Write the inputs that are the same everywhere, and return the others."""
        shared = [v for v in self.inputs if self.size > 1 and _is_one(self.arguments[v.name])]
        if shared:
            self.page.heading("The same in every row", "Value", "Unit")
        for variable in shared:
            cell = self.names[variable.name] = self.fresh(variable.name)
            row = self.page.line(cell, variable.name, variable.unit)
            self.page.given(row, 1, self.arguments[variable.name].flat[0])
        return [variable for variable in self.inputs if variable not in shared]

    def _texts(self, head: str, labels: Sequence[str]) -> None:
        column = self._head(head)
        for line, label in enumerate(labels, start=self.head + 1):
            self.page.write(line, column, label)

    def _given(self, head: str, values: NDArray[Any]) -> None:
        column = self._head(head)
        for line, value in enumerate(np.broadcast_to(values, (self.size,)).tolist(), start=self.head + 1):
            self.page.given(line, column, value)

    def _formulas(self, head: str, text: str, values: NDArray[np.float64]) -> int:
        column = self._head(head)
        for line, value in enumerate(values.tolist(), start=self.head + 1):
            self.sheets.formula(self.sheet, (line, column), text.replace(_ROW, f"{line + 1}"), value)
        return column

    def _amounts(self, column: int) -> int | None:
        rows = self.rows
        if rows.factor is None:
            return None
        value = f"${_letters(column)}{_ROW}"
        factor = f"${self._letter()}{_ROW}"
        self._given("times", rows.factor)
        worth = self.value_of(self.formula.root)
        text = f"MAX(0,{value})*{factor}" if rows.cut_off else f"{value}*{factor}"
        known = np.maximum(worth, 0.0) if rows.cut_off else worth
        return self._formulas(rows.amount, text, known * np.broadcast_to(rows.factor, (self.size,)))

    def _head(self, head: str) -> int:
        self.page.write(self.head, self.column, head, "heading")
        self.column += 1
        return self.column - 1

    def _letter(self) -> str:
        return _letters(self.column)

    def _cells(self, column: int) -> list[str]:
        sheet = quoted(self.sheet)
        lines = range(self.head + 2, self.head + 2 + self.size)
        return [f"{sheet}!${_letters(column)}${line}" for line in lines]


def _letters(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    name: str = xl_col_to_name(column)
    return name


def _is_one(values: NDArray[Any]) -> bool:
    """Whether all values are the same, and given."""
    flat = values.ravel()
    first = flat[0]
    return bool((flat == first).all()) and (isinstance(first, str) or bool(np.isfinite(first)))
