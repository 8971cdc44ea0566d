"""kanopt: from tables to laws a person can read, and from laws to plans.

::

    tables → KAN → formula → problem → plan → explanation → report

Importing kanopt loads nothing heavy: each public name brings its own libraries when it is first used.

Examples
--------
>>> import kanopt as ko
>>> law = ko.parse_formula("0.4 * d + 2", [ko.Variable("d", "km")], ko.Variable("cost", "EUR"))
>>> float(law.evaluate({"d": 10.0}))
6.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanopt import decisions as decisions
    from kanopt import informed as informed
    from kanopt import refs as refs
    from kanopt import routing as routing
    from kanopt import scheduling as scheduling
    from kanopt import supply as supply
    from kanopt.decisions.problem import DecisionProblem as DecisionProblem
    from kanopt.errors import DomainWarning as DomainWarning
    from kanopt.errors import FileFormatError as FileFormatError
    from kanopt.errors import FitError as FitError
    from kanopt.errors import FormulaError as FormulaError
    from kanopt.errors import Issue as Issue
    from kanopt.errors import KanoptError as KanoptError
    from kanopt.errors import KanoptWarning as KanoptWarning
    from kanopt.errors import NoPlanError as NoPlanError
    from kanopt.errors import PlotError as PlotError
    from kanopt.errors import ProblemError as ProblemError
    from kanopt.errors import ScenarioError as ScenarioError
    from kanopt.errors import SolverError as SolverError
    from kanopt.errors import TableError as TableError
    from kanopt.errors import UnitError as UnitError
    from kanopt.explain import Explanation as Explanation
    from kanopt.explain import difference as difference
    from kanopt.explain import explain as explain
    from kanopt.formulas import Curve as Curve
    from kanopt.formulas import Domain as Domain
    from kanopt.formulas import Fit as Fit
    from kanopt.formulas import Formula as Formula
    from kanopt.formulas import Step as Step
    from kanopt.formulas import Table as Table
    from kanopt.formulas import Variable as Variable
    from kanopt.formulas import parse_formula as parse_formula
    from kanopt.plans import Certificate as Certificate
    from kanopt.plans import Check as Check
    from kanopt.plans import Result as Result
    from kanopt.plans import Status as Status
    from kanopt.plans import Uncertainty as Uncertainty
    from kanopt.plans.result import evaluate as evaluate
    from kanopt.questions import Comparison as Comparison
    from kanopt.questions import MonteCarlo as MonteCarlo
    from kanopt.questions import Risk as Risk
    from kanopt.questions import Sweep as Sweep
    from kanopt.questions import SweepOptions as SweepOptions
    from kanopt.questions import SwitchPoints as SwitchPoints
    from kanopt.questions import Tornado as Tornado
    from kanopt.questions import factors as factors
    from kanopt.questions import grid as grid
    from kanopt.questions.ask import sweep as sweep
    from kanopt.questions.compare import compare as compare
    from kanopt.questions.days import Days as Days
    from kanopt.questions.days import plan_days as plan_days
    from kanopt.questions.review import Drift as Drift
    from kanopt.questions.review import Review as Review
    from kanopt.questions.review import drift as drift
    from kanopt.questions.review import review as review
    from kanopt.questions.risks.monte_carlo import monte_carlo as monte_carlo
    from kanopt.questions.risks.risk import risk as risk
    from kanopt.questions.switch_points import switch_points as switch_points
    from kanopt.questions.tornado import tornado as tornado
    from kanopt.routing.instances import read_instance as read_instance
    from kanopt.routing.problem import RoutingProblem as RoutingProblem
    from kanopt.scenarios import Change as Change
    from kanopt.scenarios import Run as Run
    from kanopt.scenarios import Scenario as Scenario
    from kanopt.scenarios import load_scenario as load_scenario
    from kanopt.scenarios.init import Scaffold as Scaffold
    from kanopt.scenarios.init import scaffold as scaffold
    from kanopt.scheduling.problem import SchedulingProblem as SchedulingProblem
    from kanopt.solvers.on_time import solve_on_time as solve_on_time
    from kanopt.solvers.solve import encodings as encodings
    from kanopt.solvers.solve import solve as solve
    from kanopt.supply.problem import SupplyProblem as SupplyProblem
    from kanopt.surrogates import KANRegressor as KANRegressor
    from kanopt.surrogates import LawLimits as LawLimits
    from kanopt.surrogates import Laws as Laws
    from kanopt.surrogates import fit_laws as fit_laws
    from kanopt.surrogates.baseline_table import Baselines as Baselines
    from kanopt.surrogates.baselines import baselines as baselines
    from kanopt.surrogates.cleaning import CleaningProposal as CleaningProposal
    from kanopt.surrogates.cleaning import propose_cleaning as propose_cleaning
    from kanopt.tables import TableReport as TableReport
    from kanopt.tables import TextFormat as TextFormat
    from kanopt.tables import load_city as load_city
    from kanopt.tables import load_sioux_falls as load_sioux_falls
    from kanopt.tables import load_supply_network as load_supply_network
    from kanopt.tables import load_workshop as load_workshop
    from kanopt.tables import read_table as read_table
    from kanopt.tables import report_of as report_of
    from kanopt.tables import split as split
    from kanopt.tables import units_of as units_of
    from kanopt.tables import with_units as with_units

# Public modules: what laws can be bound to, and what the problems of each kind consist of.
_MODULES = ("decisions", "informed", "refs", "routing", "scheduling", "supply")

# The module of each public name; the imports above say the same to type checkers, and a test compares them.
_HOME = {
    "decisions.problem": ("DecisionProblem",),
    "errors": (
        "DomainWarning",
        "FileFormatError",
        "FitError",
        "FormulaError",
        "Issue",
        "KanoptError",
        "KanoptWarning",
        "NoPlanError",
        "PlotError",
        "ProblemError",
        "ScenarioError",
        "SolverError",
        "TableError",
        "UnitError",
    ),
    "explain": ("Explanation", "difference", "explain"),
    "formulas": (
        "Curve",
        "Domain",
        "Fit",
        "Formula",
        "Step",
        "Table",
        "Variable",
        "parse_formula",
    ),
    "plans": ("Certificate", "Check", "Result", "Status", "Uncertainty"),
    "plans.result": ("evaluate",),
    "questions": (
        "Comparison",
        "MonteCarlo",
        "Risk",
        "Sweep",
        "SweepOptions",
        "SwitchPoints",
        "Tornado",
        "factors",
        "grid",
    ),
    "questions.compare": ("compare",),
    "questions.days": ("Days", "plan_days"),
    "questions.review": ("Drift", "Review", "drift", "review"),
    "questions.risks.risk": ("risk",),
    "questions.risks.monte_carlo": ("monte_carlo",),
    "questions.ask": ("sweep",),
    "questions.switch_points": ("switch_points",),
    "questions.tornado": ("tornado",),
    "routing.instances": ("read_instance",),
    "routing.problem": ("RoutingProblem",),
    "scenarios": ("Change", "Run", "Scenario", "load_scenario"),
    "scenarios.init": ("Scaffold", "scaffold"),
    "scheduling.problem": ("SchedulingProblem",),
    "solvers.on_time": ("solve_on_time",),
    "solvers.solve": ("encodings", "solve"),
    "supply.problem": ("SupplyProblem",),
    "surrogates": ("KANRegressor", "LawLimits", "Laws", "fit_laws"),
    "surrogates.baseline_table": ("Baselines",),
    "surrogates.baselines": ("baselines",),
    "surrogates.cleaning": ("CleaningProposal", "propose_cleaning"),
    "tables": (
        "TableReport",
        "TextFormat",
        "load_city",
        "load_sioux_falls",
        "load_supply_network",
        "load_workshop",
        "read_table",
        "report_of",
        "split",
        "units_of",
        "with_units",
    ),
}
_MODULE_OF = {name: f"kanopt.{room}" for room, names in _HOME.items() for name in names}
__all__ = sorted([*_MODULE_OF, *_MODULES])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("kanopt")
    if name in _MODULES:
        return import_module(f"kanopt.{name}")
    if name not in _MODULE_OF:
        # a private name is asked for by tools, which must not load anything
        private = f"module 'kanopt' has no attribute {name!r}"
        raise AttributeError(private if name.startswith("_") else _where_it_is(name))
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def _where_it_is(name: str) -> str:
    """Say in which public module a name stands that the package has not, or which name is spelt like it."""
    from difflib import get_close_matches

    inside = {module: import_module(f"kanopt.{module}").__all__ for module in _MODULES}
    for module, names in inside.items():
        if name in names:
            return f"kanopt has no {name!r}; it is kanopt.{module}.{name}"
    known = [*__all__, *(f"{module}.{each}" for module, names in inside.items() for each in names)]
    places = {place.rpartition(".")[2]: f"kanopt.{place}" for place in reversed(known)}
    close = get_close_matches(name, places, n=1)
    hint = f"did you mean {places[close[0]]}?" if close else "dir(kanopt) lists what it has"
    return f"module 'kanopt' has no attribute {name!r}; {hint}"


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
