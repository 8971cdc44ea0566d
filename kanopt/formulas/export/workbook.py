"""A formula as an Excel workbook to play with: a sheet of its law with one row, and one of what is known of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from kanopt.files import replace_file
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.export.law_rows import LawRows, write_law_rows
from kanopt.formulas.export.sheets import Page, SheetBook
from kanopt.formulas.nodes import postorder
from kanopt.formulas.pieces import Table
from kanopt.formulas.validity import formula_facts
from kanopt.formulas.variables import Variable


def save_excel(formula: BaseFormula, path: str | Path) -> Path:
    """Write a workbook (XLSX) in which the law can be played with, of any size.

    Its sheet Formula has the constants with their units and standard errors in named cells, and below them a row with a
    cell for every input, and the result; changing one changes the result, and a row that is copied down computes
    another case. Excel asks about an input beyond the range in which the law is valid. Parts that are long or used more
    than once stand to the right, curves and tables on the sheet Tables, what is known of the law on the sheet Known.
    Names and categories are written as texts, never as formulas. The result agrees with
    :meth:`kanopt.Formula.evaluate` as in :meth:`kanopt.Formula.to_excel`.

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
        sheets, sheet = SheetBook(book), book.add_worksheet("Formula")
        per = f" per {formula.per}" if formula.per else ""
        rows = LawRows(f"{formula.output}{per}", formula, _start(formula))
        cells = write_law_rows(sheets, sheet, rows, set()).inputs
        for variable in formula.inputs:
            rule = _rule(formula, variable, sheets) if variable.name in cells else {}
            if rule:
                sheet.data_validation(cells[variable.name], rule)
        known = Page(sheets, book.add_worksheet("Known"))
        for row, (what, text) in enumerate(_notes(formula)):
            known.write(row, 0, what)
            known.write(row, 1, text)
    return replace_file(path, content.getvalue())


def _rule(formula: BaseFormula, variable: Variable, sheets: SheetBook) -> dict[str, Any]:
    """Return the rule by which Excel asks about an entry; empty where every entry is valid."""
    low, high = formula.valid_range(variable)
    if variable.is_category:
        (place,) = sheets.block(
            f"{variable.name}: known categories", {"category": _categories(formula, variable)}
        )
        rule: dict[str, Any] = {"validate": "list", "source": f"={place}"}
    elif low is not None and high is not None:
        rule = {"validate": "decimal", "criteria": "between", "minimum": low, "maximum": high}
    elif low is not None or high is not None:
        criteria, bound = (">=", low) if high is None else ("<=", high)
        rule = {"validate": "decimal", "criteria": criteria, "value": bound}
    else:
        return {}
    valid = formula.valid_text(variable) or "one of the list"
    message = f"{variable.name[:100]}: {valid[:80]}. Keep it all the same?"
    return {
        **rule,
        "error_type": "warning",
        "error_title": "Outside what the law knows",
        "error_message": message,
    }


def _categories(formula: BaseFormula, variable: Variable) -> list[str]:
    """Return the selectable categories: those of the domain, of the declaration or of the tables."""
    tables = [
        node for node in postorder(formula.root) if isinstance(node, Table) and variable.name in node.inputs
    ]
    labels = (label for table in tables for label in table.categories[table.inputs.index(variable.name)])
    return list(formula.known_categories(variable) or dict.fromkeys(labels))


def _start(formula: BaseFormula) -> dict[str, Any]:
    """Return inputs to begin with: medians of the rows if known, else the middle of the range."""
    found: dict[str, Any] = {}
    for variable in formula.inputs:
        known = formula.domain.quantiles_of(variable.name)
        ends = [end for end in formula.valid_range(variable) if end is not None]
        if variable.is_category:
            found[variable.name] = next(iter(_categories(formula, variable)), "")
        elif known is not None:
            found[variable.name] = known[1]
        else:
            found[variable.name] = sum(end / len(ends) for end in ends) if ends else 1.0
    for node in reversed(postorder(formula.root)):
        if isinstance(node, Table):  # categories that occur together
            found |= zip(node.inputs, node.entries[0][0], strict=True)
    return {
        name: np.array([value], dtype=object if isinstance(value, str) else float)
        for name, value in found.items()
    }


def _notes(formula: BaseFormula) -> list[tuple[str, str]]:
    """Return facts about the law, and where it comes from."""
    joint = dict.fromkeys(name for test in formula.domain.joints for name in test.names)
    told = f"that {' and '.join(joint)} fit together is not checked here; Formula.outside in kanopt checks it"
    provenance = [(f"provenance: {what}", text) for what, text in formula.provenance.items()]
    return [*formula_facts(formula), *([("domain", told)] if joint else []), *provenance]
