"""References to inputs in a spreadsheet: cells, defined names and columns of a table.

The rules are Excel's: a defined name has letters, digits and underscores and is neither a cell nor a function; the
header of a column is arbitrary, with five characters escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.export.source import identifier

_COLUMNS, _ROWS = 16_384, 1_048_576
# A1 up to three letters whatever the last column is, and R1C1
_LIKE_A_CELL = re.compile(r"[a-z]{1,3}[0-9]+|r[0-9]*(c[0-9]*)?|c[0-9]*", re.IGNORECASE)
_FUNCTIONS = """abs and atan cos count exact exp false if iferror index int ln log lookup match max min mod na not or pi
power sin sqrt sum sumproduct tanh true"""
_CELL = re.compile(r"\$?(?P<column>[A-Za-z]{1,3})\$?(?P<row>[1-9][0-9]{0,6})")
_SHEET = re.compile(r"(?:'(?P<quoted>(?:[^'\[\]:*?/\\]|'')+)'|(?P<plain>[^\W\d][\w.]*))!")
_ESCAPED = re.compile(r"(['\[\]#@])")


def defined_names(names: Iterable[str]) -> dict[str, str]:
    """Return for every name one that is valid in Excel and LibreOffice; names are unique regardless of case.

    Parameters
    ----------
    names
        Names of inputs and constants.

    Examples
    --------
    >>> defined_names(["distance_km", "Weight (kg)", "km2", "weight_KG", "c"])
    {'distance_km': 'distance_km', 'Weight (kg)': 'Weight_kg', 'km2': 'km2_', 'weight_KG': 'weight_KG_', 'c': 'c_'}
    """
    used: set[str] = set()
    return {name: free_name(name, used) for name in names}


def free_name(name: str, used: set[str]) -> str:
    """Return a defined name for a name, and add it to the used ones, which are stored in lower case.

    Examples
    --------
    >>> used = {"load"}
    >>> free_name("Load", used), free_name("load", used), sorted(used)
    ('Load_', 'load__', ['load', 'load_', 'load__'])
    """
    found = identifier(name, lambda word: not _is_free(word, used))
    used.add(found.lower())
    return found


def _is_free(word: str, used: Container[str]) -> bool:
    return not (word.lower() in used or word.lower() in _FUNCTIONS.split() or _LIKE_A_CELL.fullmatch(word))


def column_of(name: str) -> str:
    """Return the cell of this row in the column of a table (an Excel table, of which names are headers).

    Examples
    --------
    >>> print(column_of("distance_km"), column_of("Weight (kg)"), column_of("#1 [t]"))
    [@distance_km] [@[Weight (kg)]] [@['#1 '[t']]]
    """
    header = _ESCAPED.sub(r"'\1", name)
    return f"[@{header}]" if re.fullmatch(r"\w+", name) else f"[@[{header}]]"


def given_cells(cells: Mapping[str, str], names: Iterable[str], output: str) -> dict[str, str]:
    """Check the cells given for inputs, and return them as written in the formula.

    Raises
    ------
    FormulaError
        If an input has no cell, a name is not an input, or a text is neither a cell such as ``B2``, ``$B$2``,
        ``Trips!B2`` and ``'My trips'!B2`` nor a defined name.

    Examples
    --------
    >>> given_cells({"km": "My_Trips!$B$2", "load": "load_t"}, ["km", "load"], "fuel")
    {'km': "'My_Trips'!$B$2", 'load': 'load_t'}
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
    return {name: _checked(name, cells[name]) for name in known}


def _checked(name: str, text: str) -> str:
    sheet = _SHEET.match(text) if isinstance(text, str) else None
    rest = text[sheet.end() :] if sheet else text
    if isinstance(rest, str) and text.isprintable():
        cell = _CELL.fullmatch(rest)
        is_name = (
            not sheet
            and re.fullmatch(r"[^\W\d][\w.]*", rest)
            and _is_free(unicodedata.normalize("NFKC", rest), ())
        )
        if is_name or (cell and _number(cell["column"]) <= _COLUMNS and int(cell["row"]) <= _ROWS):
            # quotes are never wrong, and a sheet called Q1 needs them
            return f"'{sheet['quoted'] or sheet['plain']}'!{rest}" if sheet else rest
    raise FormulaError(f"input {name!r}: {text!r} is no cell such as 'B2' or 'Trips!B2', and no defined name")


def _number(column: str) -> int:
    number = 0
    for letter in column.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
