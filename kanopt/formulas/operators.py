"""The names of operators that a user can pin a column to, forbid or prefer in a law."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from kanopt.errors import nearest

OPERATORS = (
    "linear",
    "quadratic",
    "power",
    "exp",
    "gaussian",
    "log",
    "sine",
    "hinge",
    "step",
    "curve",
    "none",
)
"""What a column may be pinned to, and what may be forbidden or preferred; "none" leaves a column out."""
_NEEDED = ("none", "linear")
"""Those that cannot be forbidden, since every law falls back on them."""
_POSSIBLE: Mapping[str, Collection[str]] = {
    "category": frozenset({"none"}),
    "cycle": frozenset({"sine", "curve", "none"}),
}
"""What a column can be pinned to that is no plain number, by its kind."""
NO_SHAPE: Mapping[str, str] = {
    "category": "is a category, which has no order",
    "cycle": "is periodic, and a curve that comes back to its start is not",
}
"""Why a column that is no plain number cannot be monotone, convex or concave, by its kind."""
NO_PERIOD = "is a category; only numbers can be periodic"
"""Why a column cannot be periodic."""


def operator_words(given: Any) -> tuple[str, ...]:
    """Return one operator, or several, as a tuple without repetitions.

    Raises
    ------
    ValueError
        If it is neither, or one is not known.

    Examples
    --------
    >>> operator_words("sine"), operator_words(["log", "power", "log"])
    (('sine',), ('log', 'power'))
    """
    words = (given,) if isinstance(given, str) else given
    if isinstance(words, Mapping) or not isinstance(words, Iterable):
        raise ValueError(f'must be an operator such as "sine", or a list of several, not {given!r}')
    words = tuple(words)
    for word in words:
        if word not in OPERATORS:
            raise ValueError(f"unknown operator {word!r}; {nearest(str(word), OPERATORS)}")
    return tuple(dict.fromkeys(words))


def contradictions(
    pin: Mapping[str, Collection[str]],
    forbid: Collection[str],
    prefer: Collection[str],
    kinds: Mapping[str, str] | None = None,
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what of pins, forbidden and preferred operators cannot be, each behind its key.

    Parameters
    ----------
    pin
        Column to the operators among which it is to be.
    forbid, prefer
        Operators.
    kinds
        Column to its kind, such as ``"cycle"``, as far as that is known.

    Examples
    --------
    >>> list(contradictions({"km": ["log"]}, ["log"], []))
    [(('pin', 'km'), "'log' is forbidden by forbid; choose one")]
    """
    for word in _NEEDED:
        if word in forbid:
            yield ("forbid",), f"{word!r} cannot be forbidden, since every law falls back on it"
    if "none" in prefer:
        told = "'none' cannot be preferred; pin a column to it to leave the column out of the law"
        yield ("prefer",), told
    for where, words in [*((("pin", name), words) for name, words in pin.items()), (("prefer",), prefer)]:
        if words and {*words} <= {*forbid}:
            yield where, f"{' and '.join(map(repr, words))} is forbidden by forbid; choose one"
    for name, words in pin.items():
        kind = (kinds or {}).get(name, "")
        if not words:
            told = 'an empty list leaves nothing to choose; write "none" to leave the column out of the law'
            yield ("pin", name), told
        elif kind in _POSSIBLE and not {*words} & {*_POSSIBLE[kind]}:
            listed = ", ".join(sorted(_POSSIBLE[kind]))
            yield ("pin", name), f"{name!r} is a {kind}, which can be pinned to {listed} only"
