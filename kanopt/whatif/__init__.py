"""Scenario files, what-ifs, runs and comparisons: where learning meets planning."""

from kanopt.whatif.changes import Change as Change
from kanopt.whatif.events import Event as Event
from kanopt.whatif.learn import LearnedLaw as LearnedLaw
from kanopt.whatif.questions.answers import Sweep as Sweep
from kanopt.whatif.questions.axes import factors as factors
from kanopt.whatif.questions.axes import grid as grid
from kanopt.whatif.questions.compare import compare as compare
from kanopt.whatif.questions.comparison import Comparison as Comparison
from kanopt.whatif.questions.comparison import Variant as Variant
from kanopt.whatif.questions.question import SweepOptions as SweepOptions
from kanopt.whatif.questions.sweep import sweep as sweep
from kanopt.whatif.questions.switch_points import SwitchPoints as SwitchPoints
from kanopt.whatif.questions.switch_points import switch_points as switch_points
from kanopt.whatif.questions.tornado import Tornado as Tornado
from kanopt.whatif.questions.tornado import tornado as tornado
from kanopt.whatif.risks.kinds import risk as risk
from kanopt.whatif.risks.monte_carlo import monte_carlo as monte_carlo
from kanopt.whatif.risks.monte_carlo_result import MonteCarlo as MonteCarlo
from kanopt.whatif.risks.risk import Risk as Risk
from kanopt.whatif.run import Run as Run
from kanopt.whatif.scenario import Scenario as Scenario
from kanopt.whatif.scenario_files.load import load_scenario as load_scenario
