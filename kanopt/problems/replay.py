"""What prices a plan anew, as it stands, where no Python runs: in a page that a reader opens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from kanopt.formulas.formula import Formula
from kanopt.problems.pricing import Pricing

_DIGITS = 15  # as many as a double holds for sure


@dataclass(frozen=True)
class Lever:
    """Something that a reader can move while the plan stays.

    Parameters
    ----------
    key
        By which the data names it.
    label
        What it is, in words.
    kind
        Whether what is moved is multiplied (``"price"``, ``"load"``), or added to (``"shift"``).
    unit, base
        Unit and value as it stands; None where it has several.
    low, high, step
        How far the factor or the sum can be moved, and by which steps.
    """

    key: str
    label: str
    kind: Literal["price", "load", "shift"]
    unit: str = ""
    base: float | None = None
    low: float = 0.5
    high: float = 2.0
    step: float = 0.01


@dataclass(frozen=True, eq=False)
class Replay:
    """A plan as it stands, and what of its price a reader can move.

    Parameters
    ----------
    laws
        Those that are evaluated; the data names them by their place.
    levers
        What can be moved.
    unit
        Of the price.
    data
        The legs, lanes or tasks of the plan and how they are priced, as JSON holds them. The script of the page reads
        it: ``kanopt/reports/templates/live/pricing.js``.
    """

    laws: tuple[Formula, ...]
    levers: tuple[Lever, ...]
    unit: str
    data: Mapping[str, Any]


def priced_by_terms(
    pricing: Pricing, rates: Mapping[str, str], stays: str, places: tuple[str, str] = ("", "")
) -> Replay:
    """Return a plan of which each term is in proportion to prices of its own.

    Parameters
    ----------
    pricing
        Its price.
    rates
        What each term is paid by, in words; a term without is not moved.
    stays
        What does not change, in a clause.
    places
        What a law is used on, one and many.
    """
    terms = {str(term): float(amount) for term, amount in pricing.terms().items() if amount}
    levers = tuple(Lever(term, rates[term], "price") for term in terms if term in rates)
    data = {
        "stays": stays,
        "places": places,
        "columns": {},
        "uses": [],
        "constants": {term: amount for term, amount in terms.items() if term not in rates},
        "rates": [
            {"term": term, "rates": [amount], "lever": term}
            for term, amount in terms.items()
            if term in rates
        ],
    }
    return Replay((), levers, pricing.unit, data)


def plain_numbers(values: Iterable[float]) -> list[float | int | None]:
    """Return numbers as JSON holds them, to fifteen digits; None for what is not finite.

    Examples
    --------
    >>> plain_numbers([480.0, 0.1 + 0.2, math.inf])
    [480, 0.3, None]
    """
    return [_plain(float(value)) for value in values]


def column_of(values: NDArray[Any]) -> list[Any]:
    """Return a column of numbers or texts as JSON holds it."""
    return [str(value) for value in values] if values.dtype == object else plain_numbers(values)


def _plain(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
