"""Scenario files: written first, read, changed, learned from and run; where learning meets planning."""

from __future__ import annotations

from kanopt.scenarios.changes import Change
from kanopt.scenarios.events import Event
from kanopt.scenarios.files.load import load_scenario
from kanopt.scenarios.learn import LearnedLaw
from kanopt.scenarios.run import Run
from kanopt.scenarios.scenario import Scenario

__all__ = [
    "Change",
    "Event",
    "LearnedLaw",
    "Run",
    "Scenario",
    "load_scenario",
]
