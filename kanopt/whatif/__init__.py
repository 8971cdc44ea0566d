"""Scenario files, what-ifs, runs and comparisons: where learning meets planning."""

from __future__ import annotations

from kanopt.whatif.axes import factors, grid
from kanopt.whatif.changes import Change
from kanopt.whatif.compare import compare
from kanopt.whatif.comparison import Comparison, Variant
from kanopt.whatif.events import Event
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.load import load_scenario
from kanopt.whatif.on_time import OnTimePlan, solve_on_time
from kanopt.whatif.risk import Risk, risk
from kanopt.whatif.run import Run
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.schedule_risk import ScheduleRisk
from kanopt.whatif.sensitivity import Sensitivity, sobol
from kanopt.whatif.sweep import SweepOptions, sweep
from kanopt.whatif.sweep_result import Sweep
from kanopt.whatif.switch_points import switch_points
from kanopt.whatif.switch_result import SwitchPoints
from kanopt.whatif.tornado import Tornado, tornado
from kanopt.whatif.where import WhereWins, where_wins

__all__ = [
    "Change",
    "Comparison",
    "Event",
    "LearnedLaw",
    "OnTimePlan",
    "Risk",
    "Run",
    "Scenario",
    "ScheduleRisk",
    "Sensitivity",
    "Sweep",
    "SweepOptions",
    "SwitchPoints",
    "Tornado",
    "Variant",
    "WhereWins",
    "compare",
    "factors",
    "grid",
    "load_scenario",
    "risk",
    "sobol",
    "solve_on_time",
    "sweep",
    "switch_points",
    "tornado",
    "where_wins",
]
