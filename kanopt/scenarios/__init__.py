"""Scenario files: written first, read, changed, learned from and run; where learning meets planning."""

from kanopt.scenarios.changes import Change as Change
from kanopt.scenarios.events import Event as Event
from kanopt.scenarios.files.load import load_scenario as load_scenario
from kanopt.scenarios.learn import LearnedLaw as LearnedLaw
from kanopt.scenarios.run import Run as Run
from kanopt.scenarios.scenario import Scenario as Scenario
