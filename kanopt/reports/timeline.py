"""The time axis of Gantt charts and of series over the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.reports.canvas import escape_text, pixels
from kanopt.text import clock_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEPS = np.array([5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 10080])
_PER_MINUTE = {"min": 1.0, "minute": 1.0, "h": 1 / 60, "hour": 1 / 60, "s": 60.0, "d": 1 / 1440}
_PIXELS = 62.0  # per label


def time_axis(ax: Axes, low: float, high: float, unit: str, *, clock: bool) -> None:
    """Let the horizontal axis run from `low` to `high`, with labels at whole hours where it is time of day."""
    ax.set_xlim(low, high if high > low else low + 1.0)
    most = max(int(pixels(ax)[0] / _PIXELS), 3)
    if clock and unit in _PER_MINUTE:
        scale = _PER_MINUTE[unit]
        fitting = _STEPS[(high - low) / scale / _STEPS <= most - 1]
        step = float(fitting[0] if len(fitting) else _STEPS[-1]) * scale
        ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
        ax.set_xticks(ticks, [clock_text(tick, unit) for tick in ticks])
        ax.set_xlabel("time of day")
    else:
        ax.locator_params(axis="x", nbins=most - 1)
        ax.set_xlabel(escape_text(f"time ({unit})"))
