"""A law on a sheet with a row for each place at which it is used: inputs in cells, the law as formulas over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.export.sheets import Page, SheetBook, StepWriter, quoted
from kanopt.formulas.nodes import Array
from kanopt.text import with_unit

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
    formula: BaseFormula
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
            self._column(head, labels, self.page.write)
        for variable in varying:
            head = with_unit(variable.name, variable.unit)
            self.names[variable.name] = self._given(head, self.arguments[variable.name])
        place = self.column
        self.column += 1 if rows.factor is None else 3  # steps stand to the right of what they lead to
        written = self.guarded(self.write(formula.root))
        self.column = place
        worth = self.value_of(formula.root)
        values = self._formulas(with_unit(formula.output.name, formula.output.unit), written, worth)
        amounts: list[str] = []
        if rows.factor is not None:
            factor = self._given("times", rows.factor)
            text = f"MAX(0,{values})*{factor}" if rows.cut_off else f"{values}*{factor}"
            known = (np.maximum(worth, 0.0) if rows.cut_off else worth) * rows.factor
            amounts = self._cells(self._formulas(rows.amount, text, known))
        sheet.freeze_panes(self.head + 1, len(rows.labels))
        return RowCells(tuple(self._cells(values)), tuple(amounts))

    def step(self, text: str, value: Any, what: str) -> str:
        """Write a step into a column of its own, and return its cell in the same row."""
        return self._formulas(what, text, value)

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

    def _column(self, head: str, values: Iterable[Any], write: Callable[[int, int, Any], None]) -> str:
        """Write the next column, and return its cell in the same row."""
        from xlsxwriter.utility import xl_col_to_name

        self.page.write(self.head, self.column, head, "heading")
        for line, value in enumerate(values, start=self.head + 1):
            write(line, self.column, value)
        self.column += 1
        return f"${xl_col_to_name(self.column - 1)}{_ROW}"

    def _given(self, head: str, values: NDArray[Any]) -> str:
        return self._column(head, np.broadcast_to(values, (self.size,)).tolist(), self.page.given)

    def _formulas(self, head: str, text: str, values: Array) -> str:
        def write(line: int, column: int, value: float) -> None:
            self.sheets.formula(self.sheet, (line, column), text.replace(_ROW, f"{line + 1}"), value)

        return self._column(head, values.tolist(), write)

    def _cells(self, cell: str) -> list[str]:
        """Return the cell in every row."""
        lines = range(self.head + 2, self.head + 2 + self.size)
        return [f"{quoted(self.sheet)}!{cell.replace(_ROW, f'${line}')}" for line in lines]


def _is_one(values: NDArray[Any]) -> bool:
    """Whether all values are the same, and given."""
    flat = values.ravel()
    first = flat[0]
    return bool((flat == first).all()) and (isinstance(first, str) or bool(np.isfinite(first)))
