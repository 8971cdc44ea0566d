"""Whether a text says what is stored: the same words in the same order, and figures within what is claimed for them."""

from __future__ import annotations

import difflib
import re

__all__ = ["differences", "end_of", "seconds_left_out"]

NOISE = 1e-9
"""What floating point leaves of nothing, and by what share it changes a number."""
_DECIMAL = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+|(?=[ \xa0]%))(?![\w.]*\d)")
_SECONDS = re.compile(r"\d[\d,]*(\.\d+)?( |\xa0)?((CPU|wall) )?s\b")
_SHOWN = 60


def seconds_left_out(text: str) -> str:
    """Return a text without the seconds that something took, of which no two runs have the same."""
    return _SECONDS.sub("… s", text)


def differences(stored: str, found: str, tolerance: float = NOISE, *, last_digit: bool = False) -> str:
    """Return where two texts differ, as a short diff; empty where they say the same.

    Parameters
    ----------
    stored, found
        The texts.
    tolerance
        By what share of it a number with decimals may differ, or a per cent. Whole numbers and words may not.
    last_digit
        Whether such a number may also be one more or less in the last digit that is shown: what lies between two
        shown numbers is rounded to either.
    """
    before, after = stored.splitlines(), found.splitlines()
    if len(before) == len(after):
        pairs = zip(before, after, strict=True)
        after = [one if _same(one, other, tolerance, last_digit) else other for one, other in pairs]
    else:
        known = {_DECIMAL.sub("#", line): line for line in before}
        likely = [known.get(_DECIMAL.sub("#", line), "") for line in after]
        pairs = zip(likely, after, strict=True)
        after = [one if _same(one, other, tolerance, last_digit) else other for one, other in pairs]
    told = list(difflib.unified_diff(before, after, "stored", "found", lineterm="", n=1))
    return "\n".join([*told[:_SHOWN], *(["…"] if len(told) > _SHOWN else [])])


def end_of(line: str, text: str, tolerance: float = NOISE) -> int:
    """Return where a line ends that a text contains, whatever its spaces; −1 where it does not.

    Examples
    --------
    >>> end_of("costs 2.50 EUR", "it costs  2.5000000001 EUR.")
    26
    """
    words = [re.escape(part) for part in _DECIMAL.split(" ".join(line.split()))]
    numbers = [_float(number) for number in _DECIMAL.findall(line)]
    pattern = f"({_DECIMAL.pattern})".join(words).replace(r"\ ", r"\s+")
    for match in re.finditer(pattern, text):
        pairs = zip(numbers, map(_float, match.groups()), strict=True)
        if all(_close(one, other, tolerance) for one, other in pairs):
            return match.end()
    return -1


def _same(one: str, other: str, tolerance: float, last_digit: bool) -> bool:
    if one == other:
        return True
    if _DECIMAL.sub("#", one) != _DECIMAL.sub("#", other):
        # whole numbers and decimal ones, as 3 and 2.9999999999, are the same number too
        words, others = one.split(), other.split()
        return len(words) == len(others) and all(
            a == b or ("." in a + b and _is_same_number(a, b, tolerance))
            for a, b in zip(words, others, strict=True)
        )
    numbers = _DECIMAL.findall(one), _DECIMAL.findall(other)
    if len(numbers[0]) != len(numbers[1]):
        return False  # one of them has a sign for a hidden number where the other has a number
    return all(
        _close(_float(a), _float(b), tolerance, max(map(_last_digit, (a, b))) if last_digit else 0.0)
        for a, b in zip(*numbers, strict=True)
    )


def _is_same_number(one: str, other: str, tolerance: float) -> bool:
    try:
        return _close(_float(one), _float(other), tolerance)
    except ValueError:
        return False


def _float(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _last_digit(text: str) -> float:
    """Return what the last digit of a number counts.

    Examples
    --------
    >>> _last_digit("-1,234.50"), _last_digit("2.5e3"), _last_digit("12")
    (0.01, 100.0, 1.0)
    """
    digits, _, power = text.partition("e")
    return float(f"1e{int(power or 0) - len(digits.partition('.')[2])}")


def _close(one: float, other: float, tolerance: float, step: float = 0.0) -> bool:
    return abs(one - other) <= max(NOISE, tolerance * max(abs(one), abs(other)), step * (1.0 + NOISE))
