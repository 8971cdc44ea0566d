"""The decision of a supply problem: what flows where, and which sites are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from kanopt.problems.base import Plan

__all__ = ["Flow", "FlowPlan"]


class Flow(NamedTuple):
    """An amount of one product on one lane in one period.

    Examples
    --------
    >>> Flow("mill", "north", "rail", "flour", "2024-Q3", 12.5).quantity
    12.5
    """

    tail: str
    head: str
    mode: str
    product: str
    period: str
    quantity: float


@dataclass(frozen=True)
class FlowPlan(Plan):
    """Flows and open sites. Stocks and shortages follow from them.

    Parameters
    ----------
    flows
        What moves; lanes not named carry nothing.
    open
        The sites that are open, as pairs of facility and period.

    Examples
    --------
    >>> plan = FlowPlan((Flow("north", "Lyon", "", "flour", "1", 12.5),), (("north", "1"),))
    >>> plan.to_frame()
        tail  head mode product period  quantity
    0  north  Lyon        flour      1      12.5
    """

    flows: tuple[Flow, ...]
    open: tuple[tuple[str, str], ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row per flow: ``tail``, ``head``, ``mode``, ``product``, ``period``, ``quantity``."""
        return pd.DataFrame(list(self.flows), columns=list(Flow._fields))

    def sites(self) -> pd.DataFrame:
        """Return one row per open site and period: ``facility``, ``period``."""
        return pd.DataFrame(list(self.open), columns=["facility", "period"])
