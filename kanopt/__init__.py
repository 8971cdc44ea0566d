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
    from kanopt import errors as errors
    from kanopt import informed as informed
    from kanopt import refs as refs
    from kanopt import routing as routing
    from kanopt import scheduling as scheduling
    from kanopt import supply as supply
    from kanopt.decisions.problem import DecisionProblem as DecisionProblem
    from kanopt.engines.solve import solve as solve
    from kanopt.errors import DomainWarning as DomainWarning
    from kanopt.errors import KanoptError as KanoptError
    from kanopt.errors import KanoptWarning as KanoptWarning
    from kanopt.formulas import Curve as Curve
    from kanopt.formulas import Domain as Domain
    from kanopt.formulas import Fit as Fit
    from kanopt.formulas import Formula as Formula
    from kanopt.formulas import Step as Step
    from kanopt.formulas import Table as Table
    from kanopt.formulas import Variable as Variable
    from kanopt.formulas import parse_formula as parse_formula
    from kanopt.plans.differences import difference as difference
    from kanopt.plans.explanation import Explanation as Explanation
    from kanopt.plans.explanation import explain as explain
    from kanopt.plans.findings import Status as Status
    from kanopt.plans.result import Result as Result
    from kanopt.plans.result import evaluate as evaluate
    from kanopt.plans.uncertainty import Uncertainty as Uncertainty
    from kanopt.questions import SweepOptions as SweepOptions
    from kanopt.questions import factors as factors
    from kanopt.questions import grid as grid
    from kanopt.questions.compare import compare as compare
    from kanopt.questions.days import plan_days as plan_days
    from kanopt.questions.monte_carlo import monte_carlo as monte_carlo
    from kanopt.questions.review import drift as drift
    from kanopt.questions.review import review as review
    from kanopt.questions.risk import risk as risk
    from kanopt.questions.sweep import sweep as sweep
    from kanopt.questions.sweep import tornado as tornado
    from kanopt.questions.switch_points import switch_points as switch_points
    from kanopt.routing.instances import read_instance as read_instance
    from kanopt.routing.problem import RoutingProblem as RoutingProblem
    from kanopt.scenarios import Change as Change
    from kanopt.scenarios import Run as Run
    from kanopt.scenarios import Scenario as Scenario
    from kanopt.scenarios import load_scenario as load_scenario
    from kanopt.scenarios.init import scaffold as scaffold
    from kanopt.scheduling.problem import SchedulingProblem as SchedulingProblem
    from kanopt.supply.problem import SupplyProblem as SupplyProblem
    from kanopt.surrogates import KANRegressor as KANRegressor
    from kanopt.surrogates import fit_laws as fit_laws
    from kanopt.surrogates.baselines import baselines as baselines
    from kanopt.surrogates.cleaning import propose_cleaning as propose_cleaning
    from kanopt.tables import TextFormat as TextFormat
    from kanopt.tables import load_example as load_example
    from kanopt.tables import read_table as read_table
    from kanopt.tables import report_of as report_of
    from kanopt.tables import split as split
    from kanopt.tables import units_of as units_of
    from kanopt.tables import with_units as with_units

# Public modules: what laws can be bound to, and what the problems of each kind consist of.
_MODULES = ("decisions", "errors", "informed", "refs", "routing", "scheduling", "supply")

# The module of each public name; the imports above say the same to type checkers, and a test compares them.
_HOME = {
    "decisions.problem": "DecisionProblem",
    "engines.solve": "solve",
    "errors": "DomainWarning KanoptError KanoptWarning",
    "formulas": "Curve Domain Fit Formula Step Table Variable parse_formula",
    "plans.findings": "Status",
    "plans.differences": "difference",
    "plans.explanation": "Explanation explain",
    "plans.result": "Result evaluate",
    "plans.uncertainty": "Uncertainty",
    "questions": "SweepOptions factors grid",
    "questions.compare": "compare",
    "questions.days": "plan_days",
    "questions.review": "drift review",
    "questions.risk": "risk",
    "questions.monte_carlo": "monte_carlo",
    "questions.sweep": "sweep tornado",
    "questions.switch_points": "switch_points",
    "routing.instances": "read_instance",
    "routing.problem": "RoutingProblem",
    "scenarios": "Change Run Scenario load_scenario",
    "scenarios.init": "scaffold",
    "scheduling.problem": "SchedulingProblem",
    "supply.problem": "SupplyProblem",
    "surrogates": "KANRegressor fit_laws",
    "surrogates.baselines": "baselines",
    "surrogates.cleaning": "propose_cleaning",
    "tables": "TextFormat load_example read_table report_of split units_of with_units",
}
_MODULE_OF = {name: f"kanopt.{room}" for room, names in _HOME.items() for name in names.split()}
__all__ = sorted([*_MODULE_OF, *_MODULES])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("kanopt")
    if name in _MODULES:
        return import_module(f"kanopt.{name}")
    if name not in _MODULE_OF:
        told = f"module 'kanopt' has no attribute {name!r}"
        # a private name is asked for by tools, which must not load anything
        inside = (
            []
            if name.startswith("_")
            else [m for m in _MODULES if name in import_module(f"kanopt.{m}").__all__]
        )
        raise AttributeError(f"{told}; it is kanopt.{inside[0]}.{name}" if inside else told)
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
