"""What plans of every kind share: problems and their assessments, prices, checks, reasons and results; no solver."""

from __future__ import annotations

from kanopt.plans.base import Assessment, Plan, Problem, Rank
from kanopt.plans.coverage import Coverage, LeftOutPrice
from kanopt.plans.evaluate import evaluate
from kanopt.plans.findings import Check, Extrapolation, FrozenInput, Reason, Status, Violation
from kanopt.plans.pricing import Pricing
from kanopt.plans.result import Certificate, EngineRun, Progress, Result
from kanopt.plans.uncertainty import Uncertainty
from kanopt.plans.views import GanttView, MapView, NetworkView, SeriesView, View

__all__ = [
    "Assessment",
    "Certificate",
    "Check",
    "Coverage",
    "EngineRun",
    "Extrapolation",
    "FrozenInput",
    "GanttView",
    "LeftOutPrice",
    "MapView",
    "NetworkView",
    "Plan",
    "Pricing",
    "Problem",
    "Progress",
    "Rank",
    "Reason",
    "Result",
    "SeriesView",
    "Status",
    "Uncertainty",
    "View",
    "Violation",
    "evaluate",
]
