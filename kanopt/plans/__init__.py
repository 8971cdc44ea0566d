"""What plans of every kind share: problems and their assessments, prices, checks, reasons and results; no solver."""

from __future__ import annotations

from kanopt.plans.base import Assessment, Plan, Problem, Rank
from kanopt.plans.coverage import Coverage, LeftOutPrice
from kanopt.plans.findings import (
    Check,
    Extrapolation,
    FrozenInput,
    GanttView,
    MapView,
    NetworkView,
    Reason,
    SeriesView,
    Status,
    View,
    Violation,
)
from kanopt.plans.result import Certificate, EngineRun, Progress, Result, evaluate
from kanopt.plans.slider_prices import Pricing
from kanopt.plans.uncertainty import Uncertainty

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
