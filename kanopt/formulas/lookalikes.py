"""Detect confusable names, such as those with a Latin and a Cyrillic x, which would mislead readers of a formula."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from kanopt.errors import FormulaError, nearest

__all__ = ["hint", "refuse_lookalikes"]

# Letters that typefaces draw alike, after the confusables of Unicode Technical Standard 39, those of one alphabet that
# stand for another in practice: Cyrillic and Greek for Latin, and the micro sign for the Greek letter.
_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеѕіјорсхуһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοµ",
    "ABESIJKMHOPCTXYaesijopcxyhdqwABEZHIKMNOPTYXoμ",
)


def _shape(name: str) -> str:
    return unicodedata.normalize("NFC", name).translate(_ALIKE)


def hint(name: str, known: Iterable[str]) -> str:
    r"""Return a hint for an error about an unknown name: the known one that looks the same, or the nearest.

    Examples
    --------
    >>> hint("dist_km", ["distance_km", "load_t"])
    "did you mean 'distance_km'?"
    >>> hint("lo\u0430d", ["load"])
    "it looks like 'load', but its letter 3 is U+0430 CYRILLIC SMALL LETTER A"
    """
    words = list(known)
    for word in words:
        if word != name and _shape(word) == _shape(name):
            return f"it looks like {word!r}, but {_difference(name, word)}"
    return nearest(name, words)


def refuse_lookalikes(names: Iterable[str], what: str) -> None:
    """Refuse distinct names that look the same.

    Raises
    ------
    FormulaError
        If two do; names the letters that differ.
    """
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(_shape(name), name)
        if twin != name:
            raise FormulaError(
                f"{what}: two names look like {twin!r}: in one of them {_difference(name, twin)}; rename one"
            )


def _difference(name: str, other: str) -> str:
    """Name the first letter of `name` that is not the one in `other`."""
    place = next((k for k, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), None)
    if place is None:
        return "a letter is written in two signs"
    letter = name[place] if ord(name[place]) > ord(other[place]) else other[place]
    return f"its letter {place + 1} is U+{ord(letter):04X} {unicodedata.name(letter, '')}".rstrip()
