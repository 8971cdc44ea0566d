"""Scenario files, what-ifs, runs and comparisons: where learning meets planning."""

from __future__ import annotations

from kanopt.whatif.changes import Change
from kanopt.whatif.compare import compare
from kanopt.whatif.comparison import Comparison, Variant
from kanopt.whatif.events import Event
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.load import load_scenario
from kanopt.whatif.run import Run
from kanopt.whatif.scenario import Scenario

__all__ = [
    "Change",
    "Comparison",
    "Event",
    "LearnedLaw",
    "Run",
    "Scenario",
    "Variant",
    "compare",
    "load_scenario",
]
