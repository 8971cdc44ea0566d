"""A formula as an interactive Excel workbook.

One sheet has the inputs, the result, the constants and facts about the law; another the steps, one per cell; a third
the curves and tables. All operands are named cells, so that the formulas read like the law. User-supplied names and
categories are always written as text, never as formulas.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from kanopt.files import replace_file
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.export.sheets import Page, SheetBook, StepWriter
from kanopt.formulas.nodes import postorder
from kanopt.formulas.pieces import Table
from kanopt.formulas.validity import formula_facts
from kanopt.formulas.variables import Variable

_Check: TypeAlias = tuple[str, dict[str, Any], str]
"""The formula that checks an input, the rule by which Excel warns, empty where there is none, and what it says."""


def save_excel(formula: BaseFormula, path: str | Path) -> Path:
    """Write a workbook (XLSX) in which the law can be played with, of any size.

    Its sheet Formula has a cell for every input, with its unit and the range in which the law is valid, the result, and
    the constants with their standard errors; all are named cells, and changing one changes the result. Parts that are
    long or used more than once stand on the sheet Steps, curves and tables on the sheet Tables. Names and categories
    are written as texts, never as formulas. The result agrees with :meth:`kanopt.Formula.evaluate` as in
    :meth:`kanopt.Formula.to_excel`.

    Parameters
    ----------
    formula
        The law.
    path
        Of the file, in a folder that exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FormulaError
        If a category is longer than a cell takes, or the tables are longer than a sheet.
    """
    import xlsxwriter

    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _Workbook(formula, SheetBook(book)).fill()
    return replace_file(path, content.getvalue())


class _Workbook(StepWriter):
    """A law with a cell for every input, constant and step."""

    def __init__(self, formula: BaseFormula, sheets: SheetBook) -> None:
        super().__init__(formula, sheets, set())
        per = f" per {formula.per}" if formula.per else ""
        self.sheet = sheets.book.add_worksheet("Formula")
        self.page = Page(
            sheets,
            self.sheet,
            f"{formula.output}{per}",
            f"{formula.output.name} = {formula}",
            "Change the yellow cells; everything else follows from them.",
        )
        self.sheet.set_column(0, 0, 28)
        self.sheet.set_column(1, 5, 16)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.steps: Page | None = None

    def fill(self) -> None:
        """Write all sheets."""
        formula, page = self.formula, self.page
        start = _start(formula)
        self.compute(start)
        page.heading("Input", "Value", "Unit", "From", "To", "Check")
        for variable in formula.inputs:
            if variable.name in formula.used:
                self._input(variable, start[variable.name].item())
        page.heading("Output", "Value", "Unit")
        result = page.row  # above the constants, and written after them
        page.row += 1
        self.constants = page.constants(formula, self.fresh)
        text, after = self.guarded(self.write(formula.root)), page.row
        page.row = result
        page.line(self.fresh(formula.output.name), formula.output.name, formula.output.unit)
        self.sheets.formula(self.sheet, (result, 1), text, self.value_of(formula.root)[0], "result")
        page.row = after
        notes = _notes(formula)
        if notes:
            page.heading("What is known", "")
        for row, note in enumerate(notes, start=page.row):
            page.write(row, 0, note[0])
            page.write(row, 1, note[1])

    def step(self, text: str, value: Any, what: str) -> str:
        """Write a step into a cell of the sheet Steps."""
        if self.steps is None:
            sheet = self.sheets.book.add_worksheet("Steps")
            sheet.set_column(0, 1, 16)
            sheet.set_column(2, 2, 80)
            self.steps = Page(self.sheets, sheet)
            self.steps.heading("Step", "Value", "What it is")
        cell = self.fresh(f"step_{self.steps.row}")
        row = self.steps.line(cell, cell, what)
        self.sheets.formula(self.steps.sheet, (row, 1), text, value[0])
        return cell

    def _input(self, variable: Variable, value: float | str) -> None:
        """Write a row for an input, which warns about values outside what the law knows."""
        cell = self.names[variable.name] = self.fresh(variable.name)
        row = self.page.line(cell, variable.name, variable.unit)
        self.page.given(row, 1, value)
        check = self._category if variable.is_category else self._range
        text, rule, what = check(variable, cell, row)
        self.sheets.formula(self.sheet, (row, 5), text, "ok")
        if rule:
            message = {"error_type": "warning", "error_title": "Outside what the law knows"}
            message["error_message"] = f"{variable.name[:100]}: {what}. Keep it all the same?"
            self.sheet.data_validation(row, 1, row, 1, {**rule, **message})

    def _category(self, variable: Variable, cell: str, row: int) -> _Check:
        title = f"{variable.name}: known categories"
        place = self.sheets.block(title, {"category": _known(self.formula, variable)})[0]
        check = f'IF({cell}="","missing",IF(SUMPRODUCT(--EXACT({cell},{place}))=0,"unknown","ok"))'
        return check, {"validate": "list", "source": f"={place}"}, "one of the list"

    def _range(self, variable: Variable, cell: str, row: int) -> _Check:
        low, high = self.formula.valid_range(variable)
        outside, ends = [], []
        for column, (bound, sign, word) in enumerate(((low, "<", "from"), (high, ">", "to")), start=3):
            if bound is not None:
                self.sheet.write_number(row, column, bound)
                outside.append(f"{cell}{sign}{'DE'[column - 3]}{row + 1}")
                ends.append(f"{word} {bound:.6g}")
        between = {"criteria": "between", "minimum": low, "maximum": high}
        above, below = {"criteria": ">=", "value": low}, {"criteria": "<=", "value": high}
        kind = above if high is None else below if low is None else between
        check = f'IF(OR({",".join(outside)}),"outside","ok")' if outside else '"ok"'
        rule = {"validate": "decimal", **kind} if outside else {}
        return f'IF(COUNT({cell})=0,"missing",{check})', rule, f"the law is valid {' '.join(ends)}"


def _known(formula: BaseFormula, variable: Variable) -> list[str]:
    """Return the selectable categories: those of the domain, of the declaration or of the tables."""
    declared = formula.domain.categories_of(variable.name) or variable.categories
    if declared:
        return list(declared)
    tables = [
        node for node in postorder(formula.root) if isinstance(node, Table) and variable.name in node.inputs
    ]
    return list(
        dict.fromkeys(
            label for table in tables for label in table.categories[table.inputs.index(variable.name)]
        )
    )


def _start(formula: BaseFormula) -> dict[str, Any]:
    """Return initial inputs inside the domain: the means if known, else the middle of the range."""
    centres: dict[str, float] = {}
    for joint in formula.domain.joints:
        if not any(joint.log):
            centres |= dict(zip(joint.names, joint.centre, strict=True))
    found: dict[str, Any] = {}
    for variable in formula.inputs:
        if variable.is_category:
            found[variable.name] = np.array((_known(formula, variable) or [""])[0], dtype=object)
            continue
        low, high = formula.valid_range(variable)
        middle = 1.0 if low is None or high is None else low + (high - low) / 2
        value = float(f"{centres.get(variable.name, middle):.3g}")
        value = value if low is None else max(value, low)
        found[variable.name] = np.asarray(value if high is None else min(value, high))
    for node in reversed(postorder(formula.root)):
        if isinstance(node, Table):  # categories that occur together
            found |= {
                name: np.array(label, dtype=object)
                for name, label in zip(node.inputs, node.entries[0][0], strict=True)
            }
    return found


def _notes(formula: BaseFormula) -> list[tuple[str, str]]:
    """Return facts about the law other than its inputs and constants."""
    found = [pair for pair in formula_facts(formula) if pair[0] not in ("output", "input", "constant")]
    if formula.domain.joints:
        names = " and ".join(dict.fromkeys(name for joint in formula.domain.joints for name in joint.names))
        found.append(
            ("domain", f"that {names} fit together is not checked here; Formula.outside in kanopt checks it")
        )
    return found + [(f"provenance: {what}", text) for what, text in formula.provenance.items()]
