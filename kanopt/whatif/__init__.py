"""Scenario files, what-ifs, runs and comparisons: where learning meets planning."""

from __future__ import annotations

from kanopt.whatif.changes import Change
from kanopt.whatif.events import Event
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.questions.answers import Sweep
from kanopt.whatif.questions.axes import factors, grid
from kanopt.whatif.questions.compare import compare
from kanopt.whatif.questions.comparison import Comparison, Variant
from kanopt.whatif.questions.question import SweepOptions
from kanopt.whatif.questions.sweep import sweep
from kanopt.whatif.questions.switch_points import SwitchPoints, switch_points
from kanopt.whatif.questions.tornado import Tornado, tornado
from kanopt.whatif.risks.kinds import risk
from kanopt.whatif.risks.monte_carlo import monte_carlo
from kanopt.whatif.risks.monte_carlo_result import MonteCarlo
from kanopt.whatif.risks.risk import Risk
from kanopt.whatif.run import Run
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.scenario_files.load import load_scenario

__all__ = [
    "Change",
    "Comparison",
    "Event",
    "LearnedLaw",
    "MonteCarlo",
    "Risk",
    "Run",
    "Scenario",
    "Sweep",
    "SweepOptions",
    "SwitchPoints",
    "Tornado",
    "Variant",
    "compare",
    "factors",
    "grid",
    "load_scenario",
    "monte_carlo",
    "risk",
    "sweep",
    "switch_points",
    "tornado",
]
