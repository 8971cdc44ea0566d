"""The reasons why one formula was chosen among alternatives, in words, derived from their recorded measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kanopt.formulas.fit import Alternative
from kanopt.text import count_text, fixed_text, number_text, percent_text

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas.formula import Formula

__all__ = ["considered_frame", "reasons"]

_ALIKE = 0.005
"""Errors that differ by a smaller share are called the same."""
_LEVEL = 0.05
"""Descriptions that differ by fewer nats are called as long."""
_MOST = 1e4
"""Errors whose ratio is larger than this, or the inverse of it, are told themselves."""
_REFUSED = (
    "one of these: its constants trade with each other, a shape or a function that was asked for is lost, or it has no "
    "value on some row"
)


def considered_frame(formula: Formula) -> pd.DataFrame:
    """Return the alternatives of a formula as a frame; see :meth:`kanopt.formulas.Formula.considered`."""
    import pandas as pd

    _, _, decided = formula.provenance.get("written by", "").partition(": ")
    rows = [
        (
            each.chosen,
            each.text,
            each.complexity,
            each.error,
            math.nan if each.length is None else each.length,
            why,
        )
        for each, why in zip(formula.alternatives, reasons(formula.alternatives, decided), strict=True)
    ]
    columns = ["chosen", "formula", "complexity", "error", "length", "why"]
    kinds = {"chosen": bool, "complexity": float, "error": float, "length": float}
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def reasons(alternatives: Sequence[Alternative], decided: str = "") -> tuple[str, ...]:
    """Say for every alternative why it was chosen, or why not.

    The reasons follow from the recorded measures, with one exception: an alternative with a shorter description length
    than the chosen one was passed over as more complex if it has more operators, and was refused in a check otherwise.
    Description lengths are comparable only for the same rows.

    Parameters
    ----------
    alternatives
        The alternatives, one of which was chosen.
    decided
        Further text, appended to the reason of the chosen one.

    Returns
    -------
    tuple of str
        One reason each; empty if none was chosen.

    Examples
    --------
    >>> short, long = Alternative(4, 2.1, length=341.0), Alternative(9, 1.0, length=230.0)
    >>> for why in reasons([Alternative(6, 1.0, True, length=223.0), short, long]):
    ...     print(why)
    shortest description
    2 operators fewer, but its error is 2.1 times as large: description 118 nats longer
    same error, 3 operators more: description 7.0 nats longer
    """
    chosen = next((each for each in alternatives if each.chosen), None)
    if chosen is None:
        return ("",) * len(alternatives)
    others = [each for each in alternatives if each is not chosen]
    of_chosen = "; ".join(filter(None, (_why_chosen(chosen, others), decided)))
    return tuple(of_chosen if each is chosen else _why_rejected(each, chosen) for each in alternatives)


def _why_chosen(chosen: Alternative, others: Sequence[Alternative]) -> str:
    if not others:
        return "the only formula considered"
    lengths = [each.length for each in others if each.length is not None]
    if chosen.length is not None and lengths:
        shortest = chosen.length <= min(lengths) + _LEVEL
        return "shortest description" if shortest else "shortest description of those that could be taken"
    least = chosen.error <= min(each.error for each in others)
    fewest = chosen.complexity <= min(each.complexity for each in others)
    found = [word for word, true in (("smallest error", least), ("lowest complexity", fewest)) if true]
    return " and ".join(found) or "neither the smallest error nor the lowest complexity"


def _why_rejected(other: Alternative, chosen: Alternative) -> str:
    size, more_complex = _size(other.complexity, chosen.complexity)
    error, worse = _error(other.error, chosen.error)
    if not worse:
        text = f"same error, {size}"
    else:
        against = more_complex * worse < 0 or (more_complex == 0 and worse > 0)
        text = f"{size}, {'but' if against else 'and'} {error}"
    if other.length is None or chosen.length is None:
        return text
    more = other.length - chosen.length
    if more > _LEVEL:
        return f"{text}: description {_nats(more)} longer"
    if more < -_LEVEL:
        why = f"it is longer to read, or {_REFUSED}" if more_complex > 0 else _REFUSED
        return f"{text}; description {_nats(-more)} shorter, but {why}"
    return f"{text}; description as long"


def _size(other: float, chosen: float) -> tuple[str, int]:
    """Return the difference in complexity in words, and its sign: 1 for more complex, 0 or −1."""
    more = float(other - chosen)
    if more == 0.0:
        return "as many operators", 0
    sign = 1 if more > 0 else -1
    if not more.is_integer() or not float(chosen).is_integer():
        return f"complexity {number_text(abs(more), 3)} {'higher' if more > 0 else 'lower'}", sign
    return f"{count_text(round(abs(more)), 'operator')} {'more' if more > 0 else 'fewer'}", sign


def _error(other: float, chosen: float) -> tuple[str, int]:
    """Return the ratio of the errors in words, and its sign: 1 for a larger error, 0 or −1."""
    if abs(other - chosen) <= _ALIKE * max(abs(other), abs(chosen)):
        return "", 0
    sign = 1 if other > chosen else -1
    ratio = other / chosen if min(other, chosen) > 0.0 else math.inf
    if not 1.0 / _MOST < ratio < _MOST:
        return f"its error is {number_text(other, 3)}, not {number_text(chosen, 3)}", sign
    if ratio >= 2.0:
        return f"its error is {number_text(ratio, 2)} times as large", sign
    if ratio <= 0.5:
        return f"its error is smaller by a factor of {number_text(1.0 / ratio, 2)}", sign
    return f"its error is {percent_text(abs(ratio - 1.0))} {'larger' if sign > 0 else 'smaller'}", sign


def _nats(length: float) -> str:
    return f"{fixed_text(length, 0 if length >= 10 else 1)} nats"
