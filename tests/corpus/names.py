"""Every name of kanopt that the corpus uses, in one place: where a name moves, this file alone changes."""

from __future__ import annotations

from typing import Any

import kanopt as ko
from kanopt.cli import main as command_line
from kanopt.whatif import LearnedLaw, Variant

__all__ = [
    "LearnedLaw",
    "Variant",
    "built",
    "command_line",
    "decisions",
    "ko",
    "refs",
    "routing",
    "scheduling",
    "supply",
]


class _Names:
    """Names gathered under a heading, such as ``routing.Depot``."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


decisions = ko.decisions
refs = ko.refs
routing = _Names(
    ArrivalFunctions=ko.routing.ArrivalFunctions,
    Client=ko.routing.Client,
    Depot=ko.routing.Depot,
    Policy=ko.routing.RoutingPolicy,
    Problem=ko.RoutingProblem,
    RoadNetwork=ko.routing.RoadNetwork,
    Route=ko.routing.Route,
    Units=ko.routing.RoutingUnits,
    VehicleType=ko.routing.VehicleType,
)
scheduling = _Names(
    Break=ko.scheduling.Break,
    Job=ko.scheduling.Job,
    Machine=ko.scheduling.Machine,
    Mode=ko.scheduling.Mode,
    PowerPrice=ko.scheduling.PowerPrice,
    Problem=ko.SchedulingProblem,
    Setup=ko.scheduling.Setup,
    Task=ko.scheduling.Task,
    Units=ko.scheduling.SchedulingUnits,
)
supply = _Names(
    Facility=ko.supply.Facility,
    Flow=ko.supply.Flow,
    FlowPlan=ko.supply.FlowPlan,
    Lane=ko.supply.Lane,
    Market=ko.supply.Market,
    Period=ko.supply.Period,
    Problem=ko.SupplyProblem,
    Product=ko.supply.Product,
    Supplier=ko.supply.Supplier,
    Units=ko.supply.SupplyUnits,
)


def built(scenario: Any) -> tuple[dict[str, Any], Any, Any]:
    """Return the laws of a scenario in which nothing is learned, its problem, and today's plan if it names one.

    Today's plan is a text where it cannot be carried out.
    """
    formulas = scenario.formulas({})
    material = scenario.problem_inputs(formulas)
    problem = scenario.problem.build(material)
    try:
        today = scenario.problem.read_today(problem, material)
    except ko.ProblemError as error:
        today = str(error)
    return formulas, problem, today
