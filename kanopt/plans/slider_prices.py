"""The price of a plan as it stands wherever a reader of its page moves a price, the load or the departures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
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


_DIGITS = 12  # a price of millions to the cent, and a third of the digits of a page saved
_SAME = 1e-9
"""Share of a price by which the order of summation may change it."""


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
class MovedTerm:
    """One term of the price, at every state of the plan: at every load and departure that the sliders can set.

    Parameters
    ----------
    name
        The term.
    amounts
        What it is at the prices of the plan; (states,).
    rises
        By slider of a price, what is added where that price is doubled; (states,) each.
    slider
        The slider to which all of it is in proportion; empty where there is none.
    """

    name: str
    amounts: Sequence[float] | Floats
    rises: Mapping[str, Floats] = field(default_factory=dict)
    slider: str = ""


@dataclass(frozen=True, eq=False)
class SliderPrices:
    """A plan as it stands, and its price wherever the sliders are.

    The price is read off a table: that of each state, which were all worked out by whoever prices plans, plus what the
    moved prices add in proportion. A page works out nothing else.

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
    refused
        Prices without a slider, since the price of the plan is not in proportion to them, by key.
    """

    sliders: tuple[Slider, ...]
    unit: str
    stays: str
    terms: tuple[MovedTerm, ...]
    axes: Mapping[str, Floats] = field(default_factory=dict)
    doubts: Sequence[Sequence[str]] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

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
                    "rises": {key: plain_numbers(values) for key, values in term.rises.items()},
                }
                for term in self.terms
            ],
            "axes": [{"key": key, "values": plain_numbers(values)} for key, values in self.axes.items()],
            "doubts": {
                "said": said,
                "of": [[said.index(sentence) for sentence in state] for state in self.doubts],
            },
        }


def priced_by_terms(pricing: Pricing, rates: Mapping[str, str], stays: str) -> SliderPrices:
    """Return a plan of which each term is in proportion to prices of its own.

    Parameters
    ----------
    pricing
        Its price.
    rates
        What each term is paid by, in words; a term without is not moved.
    stays
        What does not change, in a clause.
    """
    amounts = {str(term): float(amount) for term, amount in pricing.terms().items() if amount}
    return SliderPrices(
        tuple(Slider(term, rates[term], "price") for term in amounts if term in rates),
        pricing.unit,
        stays,
        tuple(
            MovedTerm(term, [amount], slider=term if term in rates else "")
            for term, amount in amounts.items()
        ),
    )


def moved_prices(
    price: Callable[[Mapping[str, float]], Mapping[str, Floats]], sliders: Iterable[Slider]
) -> tuple[list[MovedTerm], list[Slider], dict[str, str]]:
    """Return the terms of a price with what each slider adds, the sliders that move it, and which are refused.

    A slider is kept if the price is in proportion to it, whatever those before it are: which is tried, with all of them
    moved at once.

    Parameters
    ----------
    price
        From the factors of sliders to the price by term, (states,) each; one that is not named is not moved.
    sliders
        Of prices.
    """
    base = price({})
    rises: dict[str, dict[str, Floats]] = {}
    kept, refused = [], {}
    with np.errstate(invalid="ignore"):
        for slider in sliders:
            doubled = price({slider.key: 2.0})
            rise = {term: doubled[term] - amounts for term, amounts in base.items()}
            if all(np.all(each == 0.0) for each in rise.values()):
                continue
            tried = {**rises, slider.key: rise}
            joint = price(dict.fromkeys(tried, 1.5))
            foretold = {
                term: amounts + 0.5 * sum(each[term] for each in tried.values())
                for term, amounts in base.items()
            }
            if all(np.allclose(joint[term], foretold[term], rtol=_SAME, equal_nan=True) for term in base):
                rises = tried
                kept.append(slider)
            else:
                refused[slider.key] = slider.label
    terms = [
        MovedTerm(term, amounts, {key: rise[term] for key, rise in rises.items() if rise[term].any()})
        for term, amounts in base.items()
    ]
    return terms, kept, refused


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
