"""What the cells of a text file show of its decimal sign, and which numbers can be read in two ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kanopt.faults import Message, Setting
from kanopt.tables._raw import RawTable
from kanopt.tables._text import TextFormat

_OTHER = {".": ",", ",": "."}
_CODE = r"^[+-]?0\d"
_SPACES = (" ", "\u00a0", "\u202f", "'", "\u2019")
"""Signs that stand between thousands and nowhere else in a number: spaces, narrow ones too, and apostrophes."""


def form_shown(raw: RawTable, form: TextFormat) -> tuple[TextFormat, str]:
    """Return the form with the signs that the cells of a table leave no doubt of, and a remark on a decimal comma.

    A column shows a decimal sign where most of its cells are numbers with it, and in one it can be nothing else: it
    stands behind a zero or four digits, or not before three, or beside the other sign. Columns that show both signs
    show nothing. ``decimal`` stays None where it is to be asked for.

    Parameters
    ----------
    raw
        The table.
    form
        How it is written as far as that is declared.
    """
    space, spaced = ("", "") if form.thousands else _space_between(raw, form)
    form = replace(form, thousands=space) if space else form
    if form.decimal is not None:
        return form, spaced
    points = replace(form, decimal=".")
    if not raw.separator:
        # programs wrote these cells; only a column that is text throughout may come from elsewhere
        return (points if any(raw.mixed_types) else form), spaced
    shown: dict[str, str] = {}
    grouped = set()
    for name, texts in _texts(raw, form):
        for sign, other in _OTHER.items():
            if 2 * count_matches(texts, _number(sign)) <= len(texts) or count_matches(texts, _CODE):
                continue
            if count_matches(texts, rf"^[+-]?\d{{1,3}}({re.escape(other)}\d{{3}})+(\D|$)"):
                grouped.add(sign)
            certain = texts.filter(pc.match_substring_regex(texts, _certain(sign)))
            if len(certain):
                shown.setdefault(sign, f"{name!r} ({certain[0]})")
    if len(shown) != 1:
        return (points if raw.separator == "," else form), spaced
    (sign, column), *_ = shown.items()
    thousands = _OTHER[sign] if sign in grouped and not space else ""
    told = [f"{sign!r} before decimals", *([f"{thousands!r} between thousands"] if thousands else [])]
    note = f"numbers are read with {' and '.join(told)}, as column {column} shows"
    notes = [spaced] if told == ["'.' before decimals"] else [spaced, note]
    return replace(form, decimal=sign, thousands=thousands or form.thousands), "; ".join(filter(None, notes))


def _space_between(raw: RawTable, form: TextFormat) -> tuple[str, str]:
    """Return the space or apostrophe between thousands of a table, and a remark on it; nothing without any."""
    columns = list(_texts(raw, form))
    for space in _SPACES:
        number = rf"^[+-]?(\d{{1,3}}({space}\d{{3}})+|\d+)([.,]\d+)?$"
        parted = rf"^[+-]?\d{{1,3}}({space}\d{{3}})+([.,]\d+)?$"
        for name, texts in columns:
            found = texts.filter(pc.match_substring_regex(texts, parted))
            most = 2 * count_matches(texts, number) > len(texts)
            if len(found) and most and not count_matches(texts, _CODE):
                return (
                    space,
                    f"numbers are read with {space!r} between thousands, as column {name!r} ({found[0]}) shows",
                )
    return "", ""


def _texts(raw: RawTable, form: TextFormat) -> Iterator[tuple[str, Any]]:
    """Yield each column of texts with its cells that are not blank, without spaces between thousands."""
    missing = pa.array(["", *(form.missing or ())])
    for name, column in zip(raw.names, raw.columns, strict=True):
        if pa.types.is_string(column.type):
            texts = pc.utf8_trim_whitespace(column.drop_null())
            if form.thousands in _SPACES:
                texts = pc.replace_substring(texts, form.thousands, "")
            yield name, texts.filter(pc.invert(pc.is_in(texts, missing)))


def _number(sign: str) -> str:
    point, group = re.escape(sign), re.escape(_OTHER[sign])
    return rf"^[+-]?(\d+|\d{{1,3}}({group}\d{{3}})+|\d*{point}\d+|\d{{1,3}}({group}\d{{3}})+{point}\d+)$"


def _certain(sign: str) -> str:
    """Return what matches numbers in which a sign can only be the decimal sign."""
    point, group = re.escape(sign), re.escape(_OTHER[sign])
    few_or_many = rf"\d*{point}(\d{{1,2}}|\d{{4,}})"
    behind = rf"(0?|\d{{4,}}){point}\d{{3}}"
    beside = rf"\d{{1,3}}({group}\d{{3}})+{point}\d+|\d{{1,3}}({group}\d{{3}}){{2,}}"
    return rf"^[+-]?({few_or_many}|{behind}|{beside})$"


def two_ways(sign: str) -> str:
    """Return what matches numbers in which a sign may as well stand between thousands as before decimals."""
    return rf"^[+-]?[1-9]\d{{0,2}}{re.escape(sign)}\d{{3}}$"


def both_readings(texts: Any) -> Message:
    """Return both readings of the first text that has two, and what settles which holds; nothing where none has.

    Parameters
    ----------
    texts
        Arrow array of cells without space around them.
    """
    for sign, other in _OTHER.items():
        found = texts.filter(pc.fill_null(pc.match_substring_regex(texts, two_ways(sign)), False))
        if len(found):
            cell = found[0].as_py()
            whole, thousandths = cell.split(sign)
            return (
                f"{cell!r} is {whole}{thousandths} with ",
                Setting("form", {"decimal": other, "thousands": sign}, "TextFormat"),
                f", and {whole} and {thousandths} thousandths with ",
                Setting("form", {"decimal": sign}, "TextFormat"),
            )
    return ""


def count_matches(texts: Any, pattern: str) -> int:
    """Return in how many texts a pattern is found."""
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0)
