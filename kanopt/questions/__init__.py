"""Questions about scenarios: comparisons, sweeps, switch points, draws, days as planned and as driven."""

from __future__ import annotations

from kanopt.questions.answers import Sweep
from kanopt.questions.ask import sweep
from kanopt.questions.axes import factors, grid
from kanopt.questions.compare import Comparison, Variant, compare
from kanopt.questions.question import SweepOptions
from kanopt.questions.risks.monte_carlo import MonteCarlo, monte_carlo
from kanopt.questions.risks.risk import Risk, risk
from kanopt.questions.switch_points import SwitchPoints, switch_points
from kanopt.questions.tornado import Tornado, tornado

__all__ = [
    "Comparison",
    "MonteCarlo",
    "Risk",
    "Sweep",
    "SweepOptions",
    "SwitchPoints",
    "Tornado",
    "Variant",
    "compare",
    "factors",
    "grid",
    "monte_carlo",
    "risk",
    "sweep",
    "switch_points",
    "tornado",
]
