"""Formulas for the cell of a spreadsheet: Excel from 2010 on, and LibreOffice.

The exported formulas avoid the peculiarities of the worksheet language: unary minus has a higher precedence than a
power, 0^0 is an error, a negative number has a third root, text is compared case-insensitively, and an empty cell
counts as zero. Powers are POWER(…), fractional powers of negative numbers are made errors by SQRT, categories are
compared by EXACT, and a formula with missing inputs is #N/A.

Inputs are cells or defined names. The rules are Excel's: a defined name has letters, digits and underscores and is
neither a cell nor a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.export.programs import SourceWriter, identifiers
from kanopt.formulas.functions import WORD, TextPart
from kanopt.formulas.nodes import Node
from kanopt.formulas.pieces import Curve, Step, Table

# A1 up to three letters whatever the last column is, and R1C1
_LIKE_A_CELL = re.compile(r"[a-z]{1,3}[0-9]+|r[0-9]*(c[0-9]*)?|c[0-9]*", re.IGNORECASE)
_FUNCTIONS = """abs and atan cos count exact exp false if iferror index int ln log lookup match max min mod na not or pi
power sin sqrt sum sumproduct tanh true"""
_SHEET = r"(?:'[^'\[\]:*?/\\]+'|[^\W\d][\w.]*)!"
_CELL = re.compile(rf"(?:{_SHEET})?(?:\$?[A-Z]{{1,3}}\$?[1-9][0-9]{{0,6}}|[^\W\d][\w.]*)", re.ASCII)


def defined_names(names: Iterable[str]) -> dict[str, str]:
    """Return for every name one that is valid in Excel and LibreOffice; names are unique regardless of case.

    Examples
    --------
    >>> defined_names(["distance_km", "Weight (kg)", "km2", "weight_KG", "c"])
    {'distance_km': 'distance_km', 'Weight (kg)': 'Weight_kg', 'km2': 'km2_', 'weight_KG': 'weight_KG_', 'c': 'c_'}
    """
    return identifiers(names, _FUNCTIONS.split(), _LIKE_A_CELL.fullmatch, str.lower)


def given_cells(cells: Mapping[str, str], names: Iterable[str], output: str) -> dict[str, str]:
    """Return the cells given for inputs, as written in the formula.

    Raises
    ------
    FormulaError
        If an input has no cell, a name is not an input, or a text is neither a cell nor a name.
    """
    known = list(names)
    for name in cells:
        if name not in known:
            raise FormulaError(f"formula for {output!r} has no input {name!r}; {nearest(name, known)}")
    for name in known:
        if name not in cells:
            raise FormulaError(
                f"formula for {output!r}: say in which cell {name!r} is, such as {{{name!r}: 'B2'}}"
            )
        if not isinstance(cells[name], str) or not _CELL.fullmatch(cells[name]):
            raise FormulaError(
                f"input {name!r}: {cells[name]!r} is no cell such as 'B2' or 'Trips!B2', and no name"
            )
    return dict(cells)


MOST_ROWS = 1_048_576
"""Rows of a sheet."""
_LONGEST_NOTE = 2_000


def cell_text(text: str) -> str:
    """Return a text shortened and without characters that are invalid in a cell."""
    clean = re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)
    return clean if len(clean) <= _LONGEST_NOTE else f"{clean[:_LONGEST_NOTE]}…"


Values: TypeAlias = Sequence[float] | Sequence[str]

# characters, brackets within brackets
LONGEST, DEEPEST = 8_192, 64
_MOST_ARGUMENTS, _LONGEST_TEXT = 255, 255
_LEAST, _MOST = 2.2250738585072e-308, 9.99999999999999e307
LOWEST = -_MOST
"""Stands for minus infinity as the first edge of a staircase."""


def to_excel(formula: BaseFormula, cells: Mapping[str, str] | None = None) -> str:
    """Return the formula for one cell of Excel (2010 or later) or LibreOffice, as one types it in English.

    Numbers have the fifteen digits that Excel reads, and the result is exact to about as many. It is ``#N/A`` where a
    number is missing or a category unknown, and an error where the formula has no value. Excel compares to fifteen
    digits, so that a number as close as that to the edge of a stair may stand on either, and shows ``#NUM!`` where a
    step in between is beyond 1e308.

    Parameters
    ----------
    cells
        The cell of every input: ``{"km": "B2", "load": "'My trips'!C2"}``, or a defined name. Without them inputs are
        defined names that are called as they are, with underscores for what names cannot have.

    Raises
    ------
    FormulaError
        If the text is longer or nests deeper than one cell takes.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> fuel = parse_formula("0.12 * km^2 / load", [Variable("km"), Variable("load")], Variable("fuel"))
    >>> to_excel(fuel, {"km": "B2", "load": "C2"})
    '=IF(COUNT(B2,C2)<2,NA(),0.12*POWER(B2,2)/C2)'
    >>> to_excel(fuel)
    '=IF(COUNT(km,load)<2,NA(),0.12*POWER(km,2)/load)'
    """
    used = [variable.name for variable in formula.inputs if variable.name in formula.used]
    names = defined_names(used) if cells is None else given_cells(cells, used, formula.output.name)
    writer = _Cell(names, formula)
    text = "=" + writer.guarded(writer.write(formula.root))
    plain = re.sub(r'"(?:[^"]|"")*"', "", text)
    if max(accumulate((sign == "(") - (sign == ")") for sign in plain)) > DEEPEST:
        raise FormulaError(
            f"{formula.title}: it takes brackets in more than the {DEEPEST} levels of Excel in one cell"
        )
    return text


class _Cell(SourceWriter):
    """The worksheet language, in one cell, in which shared steps are written repeatedly.

    Parameters
    ----------
    names
        The cell, or the name of the cell, of every input.
    formula
        The formula to write.
    """

    language = family = "excel"
    times, plus, minus, over = "*", "+", "-", "/"
    comma = ","  # Excel wants no spaces
    lowest = LOWEST

    def __init__(self, names: Mapping[str, str], formula: BaseFormula) -> None:
        super().__init__(dict(names))
        self.formula = formula

    def guarded(self, text: str) -> str:
        """Return a formula that is #N/A if a number is missing, since Excel treats an empty cell as zero."""
        used = (v.name for v in self.formula.inputs if not v.is_category and v.name in self.formula.used)
        numbers = [self.names[name] for name in used]
        groups = [
            numbers[start : start + _MOST_ARGUMENTS] for start in range(0, len(numbers), _MOST_ARGUMENTS)
        ]
        counts = [f"COUNT({','.join(group)})" for group in groups]
        return f"IF({'+'.join(counts)}<{len(numbers)},NA(),{text})" if numbers else text

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node; stop if the text becomes too long, before repetitions fill the memory."""
        written = super().visit(node, parts)
        if len(written.text) > LONGEST:
            what = f"it takes more than the {LONGEST:,} characters that Excel allows in one cell"
            raise FormulaError(f"{self.formula.title}: {what}")
        return written

    def number(self, value: float) -> str:
        """Write a number as Excel reads it, to fifteen digits."""
        if value and not _LEAST <= abs(value) <= _MOST:
            raise FormulaError(f"the number {value!r} is beyond what Excel holds, {_LEAST:g} to {_MOST:g}")
        return f"{value:.15g}".upper()

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        """Write a maximum or minimum, of which each takes 255 arguments."""
        while len(parts) > 1:
            groups = [
                parts[start : start + _MOST_ARGUMENTS] for start in range(0, len(parts), _MOST_ARGUMENTS)
            ]
            parts = [self.call(which.upper(), group) for group in groups]
        return parts[0]

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        """Write a power that is an error wherever the formula is undefined."""
        if value is None:
            return self.raised(base, exponent)
        if value == 0:
            return TextPart("1", WORD)
        turns = 1 / value
        if value != int(value) and abs(turns - round(turns)) < 1e-6 and round(turns) % 2:
            return self.call("POWER", [self.call("SQRT", [base]), self.constant(2 * value)])
        if value == 0.5 or (value < 0 and value == int(value)):
            return super().power(base, exponent, value)
        return self.call("POWER", [base, self.constant(value)])

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        """Write a power whose exponent may become zero."""
        if re.fullmatch(r"[0-9.E+]+", exponent.text):
            return self.call("POWER", [base, exponent])
        return self.spell("IF(@2=0,1,POWER(@1,@2))", base, exponent)

    def block(self, curve: Curve, rows: Sequence[Sequence[float]]) -> str:
        """Write the coefficients of a curve, a row for every span."""
        return f"{{{';'.join(','.join(map(self.number, row)) for row in rows)}}}"

    def columns(self, node: Step | Table, values: Mapping[str, Values]) -> list[str]:
        """Write the columns of a step function or a table."""
        return [f"{{{';'.join(map(self.entry, column))}}}" for column in values.values()]

    def entry(self, value: float | str) -> str:
        """Write a number or a text."""
        if not isinstance(value, str):
            return self.number(value)
        if len(value) > _LONGEST_TEXT or re.search(r"[\x00-\x1f\x7f]", value):
            raise FormulaError(
                f"category {value[:60]!r}: Excel takes no control characters and at most {_LONGEST_TEXT} characters "
                "in a formula; rename it"
            )
        return '"' + value.replace('"', '""') + '"'
