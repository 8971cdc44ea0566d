"""Where the names of columns stand in a table, and whether the row below them holds their units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from kanopt.units import UNIT_WORDS

_WIDE = 0.6
_PER = re.compile(r" */ *| +(?:per|pro|je|par|por|za) +")
_NO_UNIT = re.compile(r"-*|[dhmsyajt]{1,4}([:./-][dhmsyajt]{1,4})+", re.IGNORECASE)
"""What stands in a row of units where a column has none: nothing, or how times and dates are written."""
_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,' \u00a0\u202f]*")


def header_row(rows: Sequence[Sequence[str]]) -> int:
    """Return in which of the first rows the names of columns seem to stand: the first that is about as wide as others.

    A row with a number in it holds names only where it is as wide as any: above a table stand a title or a date.

    Examples
    --------
    >>> header_row([["Tours of Monday", "", ""], ["Stop", "2025", "2026"], ["A", "1", "2"]])
    2
    """
    filled = [[cell for cell in row if cell.strip()] for row in rows]
    widest = max(map(len, filled), default=0)
    for place, cells in enumerate(filled, start=1):
        if cells and len(cells) >= (widest if any(map(is_number, cells)) else _WIDE * widest):
            return place
    return 1


def units_below(header: Sequence[str], ahead: Sequence[Sequence[str]]) -> dict[str, str] | None:
    """Return column to unit where the row below the header holds units alone, over numbers; None where it does not.

    What is counted piece by piece has none to declare: the header says of what.

    Parameters
    ----------
    header
        The names of the columns.
    ahead
        The two rows below them.

    Examples
    --------
    >>> units_below(["Trip", "Way", "Price"], [["", "[km]", "€/km"], ["A", "12", "1,5"]])
    {'Way': 'km', 'Price': 'EUR/km'}
    """
    if len(ahead) < 2 or any(len(row) != len(header) for row in ahead):
        return None
    units = [_unit_written(cell) for cell in ahead[0]]
    told = [
        unit or bool(_NO_UNIT.fullmatch(cell.strip())) for cell, unit in zip(ahead[0], units, strict=True)
    ]
    numbers = [bool(_PLAIN_NUMBER.fullmatch(cell.strip())) for cell in ahead[1]]
    if not all(told) or not any(unit and number for unit, number in zip(units, numbers, strict=True)):
        return None
    columns = zip(header, units, numbers, strict=True)
    return {name: unit for name, unit, number in columns if unit and unit != "pcs" and number}


def _unit_written(cell: str) -> str:
    """Return the unit that a cell is, such as the EUR/km of [€/km]; empty where it is none."""
    plain = unicodedata.normalize("NFKD", cell.strip(" []().").replace("ł", "l"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()
    parts = [UNIT_WORDS.get(part.strip(" .")) for part in _PER.split(plain)]
    return "/".join(filter(None, parts)) if len(parts) < 3 and all(parts) else ""


def is_number(cell: str) -> bool:
    """Say whether a cell is a number as programs write it."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
