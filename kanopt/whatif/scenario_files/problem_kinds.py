"""The kinds of problems a scenario file may state: the one place that maps a word to a class."""

from __future__ import annotations

from collections.abc import Mapping

from kanopt.whatif.scenario_files.decision_spec import DecisionSpec
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.routing_spec import RoutingSpec
from kanopt.whatif.scenario_files.scheduling_spec import SchedulingSpec
from kanopt.whatif.scenario_files.supply_spec import SupplySpec

__all__ = ["kinds"]


def kinds() -> Mapping[str, type[ProblemSpec]]:
    """Return the kinds of problems, by the word a file uses."""
    return {
        "routing": RoutingSpec,
        "scheduling": SchedulingSpec,
        "supply": SupplySpec,
        "decision": DecisionSpec,
    }
