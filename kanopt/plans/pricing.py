"""The price of a plan, as lines that add up to its objective."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from kanopt.errors import ProblemError

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
