"""Where things lie on most days against the limits that they have, for pictures of any kind of risk."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class DayRanges:
    """What lies where on most days, one row for each thing that has a limit.

    Parameters
    ----------
    frame
        Columns ``name``; ``limit``; ``planned`` (on the laws); ``q05``, ``q50`` and ``q95`` (quantiles over days);
        ``share`` (of the days on which the limit holds).
    title
        By what things lie beyond their limits: ``"arrival after the end of the window"``.
    unit
        Unit of all but the share.
    clock
        Whether they are times of day.
    """

    frame: pd.DataFrame
    title: str
    unit: str
    clock: bool = False
