"""What is to be decided: problems, their plans, prices and reasons. No solver is needed for any of it."""

from kanopt.problems.base import Plan, Problem
from kanopt.problems.evaluate import evaluate, status_of
from kanopt.problems.findings import Check, FrozenInput, OutsideUse, Reason, Violation
from kanopt.problems.pricing import Pricing
from kanopt.problems.records import Attribute, Quantity, known, records
from kanopt.problems.result import Certificate, Progress, Result, Status
from kanopt.problems.views import GanttView, MapView, NetworkView, SeriesView, View

__all__ = [
    "Attribute",
    "Certificate",
    "Check",
    "FrozenInput",
    "GanttView",
    "MapView",
    "NetworkView",
    "OutsideUse",
    "Plan",
    "Pricing",
    "Problem",
    "Progress",
    "Quantity",
    "Reason",
    "Result",
    "SeriesView",
    "Status",
    "View",
    "Violation",
    "evaluate",
    "known",
    "records",
    "status_of",
]
