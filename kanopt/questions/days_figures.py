"""What days tell together: means with intervals, how many vehicles to own, and whether a variant is to be accepted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.questions.review import LEVEL
from kanopt.text import count_text, money_text, percent_text

SURE = 0.95
"""How often an interval holds the mean of all days like these."""
_MOST_DAYS = 1000
"""Days beyond which it is not said how many more would tell."""
_FEWEST = 3
_UNSEEN = 0.05
"""Share of the price by which a day that was not seen yet may be unlike the others."""
_TINY = 1e-12


class Mean(NamedTuple):
    """A mean over days with its interval, by Student's t; NaN where a single day tells nothing of it."""

    mean: float
    low: float
    high: float
    days: int


def mean_of(values: Floats) -> Mean:
    """Return the mean of what was measured on days, as if these were drawn from many like them.

    Examples
    --------
    >>> mean_of(np.array([1.0, 2.0, 3.0])).low.__round__(2), mean_of(np.array([1.0])).low
    (-0.48, nan)
    """
    from scipy.stats import t as student

    known = values[np.isfinite(values)]
    count = len(known)
    if count < 2:
        return Mean(float(known.mean()) if count else math.nan, math.nan, math.nan, count)
    mean, error = float(known.mean()), float(known.std(ddof=1)) / math.sqrt(count)
    half = error * float(student.ppf(0.5 + SURE / 2.0, count - 1))
    return Mean(mean, mean - half, mean + half, count)


def interval_text(found: Mean, *, signed: bool = False) -> str:
    """Write the interval of a price; empty where a single day tells nothing of it.

    Examples
    --------
    >>> interval_text(Mean(2.0, -0.5, 4.5, 3), signed=True)
    '−0.50 to +4.50'
    """
    if math.isnan(found.low):
        return ""
    return f"{money_text(found.low, signed=signed)} to {money_text(found.high, signed=signed)}"


def share_of_days(count: int, days: int) -> Mean:
    """Return on which share of days something was so, with Wilson's interval, which is honest near 0 and 1.

    Examples
    --------
    >>> share_of_days(20, 20).low.__round__(2)
    0.84
    """
    from scipy.stats import binomtest

    ends = binomtest(count, days).proportion_ci(SURE, method="wilson")
    return Mean(count / days, float(ends.low), float(ends.high), days)


def fleet_of(used: pd.DataFrame, own: Mapping[str, float], hire: Mapping[str, float]) -> pd.DataFrame:
    """Return what it costs a day to own so many vehicles of a type, and to hire the others on days that need more.

    Parameters
    ----------
    used
        How many vehicles of each type every day needs, a column for each type.
    own
        What a vehicle costs that is owned, each day, whether it is used or not, by type.
    hire
        What one costs that is hired for a day; types of which that is not known have no price.

    Returns
    -------
    DataFrame
        ``type``, ``owned``, ``needed`` (share of days that need so many), ``low`` and ``high`` of that, ``overflow``
        (share of days on which some are hired), ``hired`` (vehicles hired a day), ``cost`` (a day), ``break_even``
        (from which price of hiring on the last of those owned pays), ``best``.

    Examples
    --------
    >>> days = pd.DataFrame({"van": [2, 2, 2, 4]})
    >>> fleet_of(days, {"van": 50.0}, {"van": 120.0})[["owned", "hired", "cost", "break_even", "best"]]
       owned  hired   cost  break_even   best
    0      0   2.50  300.0         NaN  False
    1      1   1.50  230.0        50.0  False
    2      2   0.50  160.0        50.0   True
    3      3   0.25  180.0       200.0  False
    4      4   0.00  200.0       200.0  False
    """
    rows: list[tuple[Any, ...]] = []
    for name in used.columns if len(used) else ():
        counts, price = used[name].to_numpy(float), hire.get(str(name), math.nan)
        costs = []
        for owned in range(int(counts.max()) + 1):
            needed = share_of_days(int((counts >= owned).sum()), len(counts))
            hired = float(np.maximum(counts - owned, 0.0).mean())
            costs.append(own[name] * owned + price * hired)
            even = own[name] / needed.mean if owned else math.nan
            overflow = float((counts > owned).mean())
            rows.append((name, owned, *needed[:3], overflow, hired, costs[-1], even, False))
        if not math.isnan(price):
            best = len(rows) - len(costs) + int(np.argmin(costs))
            rows[best] = (*rows[best][:-1], True)
    columns = ["type", "owned", "needed", "low", "high", "overflow", "hired", "cost", "break_even", "best"]
    return pd.DataFrame(rows, columns=columns)


class Acceptance(NamedTuple):
    """Whether a variant is to be accepted: the word, what its prices came to, and how surely.

    Parameters
    ----------
    word
        ``"accept"``, ``"reject"`` or ``"undecided"``.
    change
        What it costs more a day.
    evidence
        How much likelier the days are with a difference than without (an e-value); at 20 one is found.
    more
        Days that would tell if they go on as these; None where more than a thousand would be needed.
    why
        Why it is rejected whatever it costs; empty where the price decides.
    """

    word: str
    change: Mean
    evidence: float
    more: int | None
    why: str = ""

    def text(self, unit: str, price: float) -> str:
        """Say it in a sentence; `price` is what a day costs as it is."""
        if self.why:
            return f"Reject the variant: {self.why}."
        if not self.change.days:
            return "There is no day on which the variant compares."
        amount = f"{money_text(self.change.mean, unit, signed=True)} a day"
        if price:
            amount += f" ({percent_text(self.change.mean / price, signed=True)})"
        if ends := interval_text(self.change, signed=True):
            amount += f", {ends}"
        days = count_text(self.change.days, "day")
        if self.word != "undecided":
            return f"{self.word.capitalize()} the variant: {amount}, over {days}."
        more = f"more than {_MOST_DAYS:,}" if self.more is None else f"about {self.more:,} more"
        return f"The variant is undecided after {days}: {amount}. If they go on like this, {more} days would tell."


def acceptance(changes: Floats, price: float, why: str = "") -> Acceptance:
    """Judge a variant by what it costs more on days, one after the other, however often one looks.

    That there is a difference is weighed against none by a mixture of likelihood ratios, as :func:`kanopt.drift` does;
    the spread of days is not known, so that it is the ratio of t-tests (Lai 1976, *Ann. Stat.* 4; Hendriksen, de Heide
    and Grünwald 2021, *Bayesian Anal.* 16). A variant without any effect is accepted, or rejected, in at most one of
    twenty cases, if differences spread about it as a normal distribution does. Where later days turn the mean round,
    nothing is decided. Many variants save the same on most days and cost much on few: as if such a day had been seen,
    the spread is that of the days and of one that is unlike them by a twentieth of the price.

    Parameters
    ----------
    changes
        Price with the variant less the price as it is, by day.
    price
        What a day costs as it is.
    why
        Why it is rejected whatever it costs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [acceptance(rng.normal(mean, 10.0, 40), 500.0).word for mean in (-10.0, 0.0, 10.0)]
    ['accept', 'undecided', 'reject']
    """
    known, unseen = changes[np.isfinite(changes)], (_UNSEEN * price) ** 2
    counts = np.arange(1, len(known) + 1)
    means = np.cumsum(known) / counts
    squares = np.maximum(np.cumsum(np.square(known)) - counts * np.square(means), 0.0)
    ratios = _evidence(counts, means, squares + unseen)
    found, change = np.flatnonzero(ratios >= 1.0 / LEVEL), mean_of(known)
    evidence = float(ratios.max(initial=1.0))
    is_clear = len(found) and means[found[0]] * means[-1] > 0.0
    if why or is_clear:
        word = "reject" if why or means[-1] > 0.0 else "accept"
        return Acceptance(word, change, evidence, 0, why)
    if not len(known):
        return Acceptance("undecided", change, evidence, None)
    later = np.arange(1, _MOST_DAYS + 1)
    spread = squares[-1] / max(len(known) - 1, 1)
    ratios = _evidence(len(known) + later, change.mean, spread * (len(known) + later - 1) + unseen)
    more = later[ratios >= 1.0 / LEVEL]
    return Acceptance("undecided", change, evidence, int(more[0]) if len(more) else None)


def _evidence(count: NDArray[np.int64], mean: Floats | float, squares: Floats) -> Floats:
    """Return the ratio of likelihoods with and without a difference, of about one standard deviation of a day.

    Parameters
    ----------
    count, mean, squares
        Days, their mean, and the sum of squares about it.
    """
    own = count * np.square(mean)
    ratio = (squares + own + _TINY) / (squares + own / (1.0 + count) + _TINY)
    found = np.exp(np.minimum(0.5 * count * np.log(ratio) - 0.5 * np.log1p(count), 700.0))
    return np.asarray(np.where(count < _FEWEST, 1.0, found))
