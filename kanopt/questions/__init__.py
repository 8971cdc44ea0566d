"""Questions about scenarios: comparisons, sweeps, switch points, draws, days as planned and as driven."""

from __future__ import annotations

from kanopt.questions.axes import factors as factors
from kanopt.questions.axes import grid as grid
from kanopt.questions.compare import Comparison as Comparison
from kanopt.questions.compare import Variant as Variant
from kanopt.questions.compare import compare as compare
from kanopt.questions.monte_carlo import MonteCarlo as MonteCarlo
from kanopt.questions.monte_carlo import monte_carlo as monte_carlo
from kanopt.questions.question import SweepOptions as SweepOptions
from kanopt.questions.risk import Risk as Risk
from kanopt.questions.risk import risk as risk
from kanopt.questions.sweep import Sweep as Sweep
from kanopt.questions.sweep import Tornado as Tornado
from kanopt.questions.sweep import sweep as sweep
from kanopt.questions.sweep import tornado as tornado
from kanopt.questions.switch_points import SwitchPoints as SwitchPoints
from kanopt.questions.switch_points import switch_points as switch_points
