"""Scenario files, what-ifs, runs and comparisons: where learning meets planning."""

from __future__ import annotations

from kanopt.whatif.changes import Change
from kanopt.whatif.compare import compare
from kanopt.whatif.comparison import Comparison, Variant
from kanopt.whatif.events import Event
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.risks.monte_carlo import monte_carlo
from kanopt.whatif.risks.monte_carlo_result import MonteCarlo
from kanopt.whatif.risks.risk import Risk, risk
from kanopt.whatif.risks.sample_average import solve_sample_average
from kanopt.whatif.risks.sample_average_plan import SampleAveragePlan
from kanopt.whatif.risks.schedule_risk import ScheduleRisk
from kanopt.whatif.risks.supply_risk import SupplyRisk
from kanopt.whatif.run import Run
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.scenario_files.load import load_scenario
from kanopt.whatif.sensitivity.switch_points import switch_points
from kanopt.whatif.sensitivity.switch_result import SwitchPoints
from kanopt.whatif.sensitivity.tornado import Tornado, tornado
from kanopt.whatif.sweeps.axes import factors, grid
from kanopt.whatif.sweeps.sweep import SweepOptions, sweep
from kanopt.whatif.sweeps.sweep_result import Sweep

__all__ = [
    "Change",
    "Comparison",
    "Event",
    "LearnedLaw",
    "MonteCarlo",
    "Risk",
    "Run",
    "SampleAveragePlan",
    "Scenario",
    "ScheduleRisk",
    "SupplyRisk",
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
    "solve_sample_average",
    "sweep",
    "switch_points",
    "tornado",
]
