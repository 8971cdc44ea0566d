"""A formula as an interactive Excel workbook.

One sheet has the inputs, the result, the constants and facts about the law; another the steps, one per cell; a third
the curves and tables. All operands are named cells, so that the formulas read like the law. User-supplied names and
categories are always written as text, never as formulas.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.files import replace_file
from kanopt.formulas.export.sheets import WorkbookSheets
from kanopt.formulas.export.steps import StepWriter
from kanopt.formulas.nodes import Node, postorder
from kanopt.formulas.pieces import Table
from kanopt.formulas.validity import valid_range
from kanopt.formulas.variables import Variable

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["save_excel"]


def save_excel(formula: Formula, path: str | Path) -> Path:
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
        _Workbook(formula, WorkbookSheets(book)).fill()
    return replace_file(path, content.getvalue())


class _Workbook(StepWriter):
    """A law with a cell for every input, constant and step."""

    def __init__(self, formula: Formula, sheets: WorkbookSheets) -> None:
        super().__init__(formula, sheets, set())
        self.sheets = sheets
        self.inputs = [variable for variable in formula.inputs if variable.name in formula.used]
        self.start = _start(formula)

    def fill(self) -> None:
        """Write all sheets."""
        formula, sheets = self.formula, self.sheets
        self.compute(self.start)
        per = f" per {formula.per}" if formula.per else ""
        sheets.title(f"{formula.output}{per}", f"{formula.output.name} = {formula}")
        sheets.heading("Input", "Value", "Unit", "From", "To", "Check")
        for variable in self.inputs:
            low, high = valid_range(formula, variable)
            cell = self.fresh(variable.name)
            self.names[variable.name] = cell
            if variable.is_category:
                known = _known(formula, variable)
                place = self.sheets.block(f"{variable.name}: known categories", {"category": known})[0]
                sheets.name(self.fresh(f"{cell}_known"), place)
                sheets.category(variable, cell, str(self.start[variable.name]), place)
            else:
                sheets.number(variable, cell, float(self.start[variable.name]), (low, high))
        result = sheets.place_for_result()
        self._write_constants()
        text = self.guarded(self.write(formula.root))
        cell = self.fresh(formula.output.name)
        sheets.result(result, formula.output, cell, text, self.value_of(formula.root))
        sheets.notes(_notes(formula))

    def value_of(self, node: Node) -> float | str:
        """Return what a node comes to at the initial inputs."""
        value = float(self.values.get(node.key, np.nan))
        return value if np.isfinite(value) else "#N/A"

    def _write_constants(self) -> None:
        units = self.formula.dimensions()
        found = dict.fromkeys(self.formula.constants)
        if found:
            self.sheets.heading("Constant", "Value", "Unit", "Standard error")
        for constant in found:
            cell = self.fresh(constant.name or "constant_1")
            self.constants[constant.key] = cell
            self.sheets.constant(constant, cell, units.unit_of(constant) or "")


def _known(formula: Formula, variable: Variable) -> list[str]:
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


def _start(formula: Formula) -> dict[str, Any]:
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
        low, high = valid_range(formula, variable)
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


def _notes(formula: Formula) -> list[tuple[str, str]]:
    """Return facts about the law other than its inputs and constants."""
    found = [pair for pair in formula.facts() if pair[0] not in ("output", "input", "constant")]
    if formula.domain.joints:
        names = " and ".join(dict.fromkeys(name for joint in formula.domain.joints for name in joint.names))
        found.append(
            ("domain", f"that {names} fit together is not checked here; Formula.outside in kanopt checks it")
        )
    return found + [(f"provenance: {what}", text) for what, text in formula.provenance.items()]
