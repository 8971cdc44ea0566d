"""The price of a plan as it stands wherever a reader of its page moves a price, the load or the departures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError

# The price of a plan, as lines that add up to its objective.

COLUMNS = ["term", "group", "item", "amount"]


@dataclass(frozen=True)
class Pricing:
    """A price, split into lines.

    Parameters
    ----------
    lines
        Columns ``term`` (what is paid for: ``"fuel"``, ``"fixed"``, ``"tardiness"``), ``group`` (who: a
        route, machine or lane), ``item`` (where exactly: a leg, task or period) and ``amount``. Every kind of
        problem uses the same four, so that whatever reads a price reads all of them.
    unit
        The unit of the amounts, usually a currency.

    Examples
    --------
    >>> price = Pricing.of([("fuel", "van 1", "depot → c3", 2.5), ("fixed", "van 1", "", 40.0)], "EUR")
    >>> price.objective
    42.5
    >>> price.terms().to_dict()
    {'fixed': 40.0, 'fuel': 2.5}
    """

    lines: pd.DataFrame
    unit: str

    def __post_init__(self) -> None:
        if list(self.lines.columns) != COLUMNS:
            raise ProblemError(f"a price has the columns {COLUMNS}, not {list(self.lines.columns)}")

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str, str, float]], unit: str) -> Pricing:
        """Build a price from ``(term, group, item, amount)`` rows."""
        frame = pd.DataFrame(list(rows), columns=COLUMNS)
        frame["amount"] = frame["amount"].astype(float)
        return cls(frame, unit)

    @property
    def objective(self) -> float:
        """The sum of all lines."""
        return float(self.lines["amount"].sum())

    def terms(self) -> pd.Series[float]:
        """Return the amount per term, largest first."""
        totals = self.lines.groupby("term", sort=True)["amount"].sum()
        return totals.sort_values(ascending=False, kind="stable")

    def arrays(self) -> dict[str, Floats]:
        """Return the amount per term, (1,) each, as of a plan with one state."""
        return {str(term): np.array([amount]) for term, amount in self.terms().items()}


_DIGITS = 12  # a price of millions to the cent, and a third of the digits of a page saved


@dataclass(frozen=True)
class Slider:
    """Something that a reader can move while the plan stays.

    Parameters
    ----------
    key
        By which the data names it.
    label
        What it is, in words.
    kind
        Whether what is moved is multiplied (``"price"``, ``"load"``), or added to (``"shift"``).
    unit
        Its unit.
    low, high, step
        How far the factor or the sum can be moved, and by which steps.
    """

    key: str
    label: str
    kind: Literal["price", "load", "shift"]
    unit: str = ""
    low: float = 0.5
    high: float = 2.0
    step: float = 0.01


@dataclass(frozen=True, eq=False)
class MovedTerm:
    """One term of the price, at every state of the plan: at every load and departure that the sliders can set.

    Parameters
    ----------
    name
        The term.
    amounts
        What it is at the prices of the plan; (states,).
    slider
        The slider to which all of it is in proportion; empty where there is none.
    """

    name: str
    amounts: Sequence[float] | Floats
    slider: str = ""


@dataclass(frozen=True, eq=False)
class SliderPrices:
    """A plan as it stands, and its price wherever the sliders are.

    The price is read off a table: that of each state, which were all worked out by whoever prices plans, each term in
    proportion to its slider. A page works out nothing else.

    Parameters
    ----------
    sliders
        What can be moved.
    unit
        Of the price.
    stays
        What does not change, in a clause.
    terms
        The price, term by term.
    axes
        Slider to the values that it can have, of those which change the state; the states are all combinations, the
        last axis running fastest.
    doubts
        What is to be known before the price of each state is believed, in sentences; empty where there are no axes.
    """

    sliders: tuple[Slider, ...]
    unit: str
    stays: str
    terms: tuple[MovedTerm, ...]
    axes: Mapping[str, Floats] = field(default_factory=dict)
    doubts: Sequence[Sequence[str]] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what the script of a page reads, without the sliders: ``pages/templates/live/pricing.js``."""
        said = list(dict.fromkeys(sentence for state in self.doubts for sentence in state))
        return {
            "stays": self.stays,
            "terms": [
                {
                    "term": term.name,
                    "slider": term.slider,
                    "amounts": plain_numbers(term.amounts),
                }
                for term in self.terms
            ],
            "axes": [{"key": key, "values": plain_numbers(values)} for key, values in self.axes.items()],
            "doubts": {
                "said": said,
                "of": [[said.index(sentence) for sentence in state] for state in self.doubts],
            },
        }


def priced_by_terms(
    terms: Mapping[str, Floats], rates: Mapping[str, str], unit: str, stays: str
) -> SliderPrices:
    """Return a plan of which each term is in proportion to prices of its own.

    Parameters
    ----------
    terms
        Its price by term, at every state of the plan; (states,) each.
    rates
        What each term is paid by, in words; a term without is not moved.
    unit
        Of the price.
    stays
        What does not change, in a clause.
    """
    paid = {term: f"price.{term}" if term in rates else "" for term, each in terms.items() if np.any(each)}
    sliders = tuple(Slider(key, rates[term], "price") for term, key in paid.items() if key)
    return SliderPrices(
        sliders, unit, stays, tuple(MovedTerm(term, terms[term], key) for term, key in paid.items())
    )


def plain_numbers(values: Iterable[float]) -> list[float | int | None]:
    """Return numbers as JSON holds them, to twelve digits; None for what is not finite.

    Examples
    --------
    >>> plain_numbers([480.0, 0.1 + 0.2, math.inf])
    [480, 0.3, None]
    """
    return [_plain(float(value)) for value in values]


def column_of(values: NDArray[Any]) -> list[Any]:
    """Return a column of numbers or texts as JSON holds it.

    Examples
    --------
    >>> column_of(np.array(["van", "truck"])), column_of(np.array([1.0, 2.5]))
    (['van', 'truck'], [1, 2.5])
    """
    return [str(value) for value in values] if values.dtype.kind in "OU" else plain_numbers(values)


def _plain(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
