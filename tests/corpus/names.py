"""Every name of kanopt that the corpus uses, in one place: where a name moves, this file alone changes."""

from __future__ import annotations

from typing import Any

import kanopt as ko
from kanopt.cli import main as command_line
from kanopt.whatif import LearnedLaw, Variant

__all__ = ["LearnedLaw", "Variant", "built", "command_line", "ko", "refs", "routing", "scheduling", "supply"]


class _Names:
    """Names gathered under a heading, such as ``routing.Depot``."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


refs = _Names(
    arc=ko.arc,
    client=ko.client,
    clock=ko.clock,
    decision=ko.decision,
    job=ko.job,
    lane=ko.lane,
    machine=ko.machine,
    market=ko.market,
    mode=ko.mode,
    period=ko.period,
    product=ko.product,
    state=ko.state,
    task=ko.task,
    vehicle=ko.vehicle,
)
routing = _Names(
    ArrivalFunctions=ko.ArrivalFunctions,
    Client=ko.Client,
    Depot=ko.Depot,
    Policy=ko.RoutingPolicy,
    Problem=ko.RoutingProblem,
    RoadNetwork=ko.RoadNetwork,
    Route=ko.Route,
    Units=ko.RoutingUnits,
    VehicleType=ko.VehicleType,
)
scheduling = _Names(
    Break=ko.Break,
    Job=ko.Job,
    Machine=ko.Machine,
    Mode=ko.Mode,
    PowerPrice=ko.PowerPrice,
    Problem=ko.SchedulingProblem,
    Setup=ko.Setup,
    Task=ko.Task,
    Units=ko.SchedulingUnits,
)
supply = _Names(
    Facility=ko.Facility,
    Flow=ko.Flow,
    FlowPlan=ko.FlowPlan,
    Lane=ko.Lane,
    Market=ko.Market,
    Period=ko.Period,
    Problem=ko.SupplyProblem,
    Product=ko.Product,
    Supplier=ko.Supplier,
    Units=ko.SupplyUnits,
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
