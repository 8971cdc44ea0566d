"""Texts in CSV files that spreadsheets do not take for formulas, and their way back.

A spreadsheet computes a cell that begins like a formula, even one that the file quotes, and a formula may run programs
and send data away (OWASP: CSV injection). An apostrophe before the sign keeps it from that.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


# where commas are decimal signs, spreadsheets begin a new cell at every semicolon
_SIGNS = "=+\\-@\t\r\n＝＋－＠"
_FORMULA = re.compile(f"(^|;)(?=[ \t\r\n']*[{_SIGNS}])")
GUARDED = f"(^|;)'[ \t\r\n']*[{_SIGNS}]"
"""Regular expression, of Python and of RE2, that is found in every guarded text."""
_MARK = "\ufeff"
_GUARD = re.compile(f"(^|;)'(?=[ \t\r\n']*[{_SIGNS}])")


def guarded(text: str) -> str:
    """Return a text with an apostrophe wherever a spreadsheet would see the beginning of a formula.

    Examples
    --------
    >>> guarded("=1+1"), guarded("van; -2"), guarded("Saint-Ouen"), guarded("'=1")
    ("'=1+1", "van;' -2", 'Saint-Ouen', "''=1")
    """
    return _FORMULA.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """Return the text that :func:`guarded` was given.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("'s-Gravenhage"), unguarded("''=1")
    ('=1+1', "'s-Gravenhage", "'=1")
    """
    return _GUARD.sub(r"\1", text)


def csv_text(frame: pd.DataFrame, *, commas: bool = False) -> str:
    """Return a table as CSV for people, in which texts are texts to a spreadsheet, too; numbers stay as they are.

    Parameters
    ----------
    frame
        The table.
    commas
        Whether numbers have decimal commas, and semicolons part the cells, as spreadsheets read where commas are
        decimal signs; a mark at the beginning tells them that the text is UTF-8.

    Examples
    --------
    >>> import pandas as pd
    >>> print(csv_text(pd.DataFrame({"client": ["@home", "Lyon"], "load": [-1.5, 2.0]})), end="")
    client,load
    '@home,-1.5
    Lyon,2.0
    >>> print(csv_text(pd.DataFrame({"client": ["Lyon; Nice"], "load": [-1.5]}), commas=True)[1:], end="")
    client;load
    "Lyon; Nice";-1,5
    """
    safe = frame.map(_cell).rename(columns=_cell)
    mark, part, decimal = (_MARK, ";", ",") if commas else ("", ",", ".")
    text: str = safe.to_csv(index=False, lineterminator="\n", sep=part, decimal=decimal)
    if "\r" in text:
        # pandas quotes the line end that it writes and no other, which would begin a row of its own
        text = safe.to_csv(
            index=False, lineterminator="\n", sep=part, decimal=decimal, quoting=csv.QUOTE_NONNUMERIC
        )
    return mark + text


def _cell(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else value
