"""What a :class:`kanopt.SupplyProblem` and its plans consist of.

Examples
--------
>>> from kanopt import supply
>>> supply.Period("spring").name
'spring'
"""

from __future__ import annotations

from kanopt.problems.supply import (
    Facility,
    Flow,
    FlowPlan,
    Lane,
    Market,
    Period,
    Product,
    Supplier,
    SupplyUnits,
)

__all__ = [
    "Facility",
    "Flow",
    "FlowPlan",
    "Lane",
    "Market",
    "Period",
    "Product",
    "Supplier",
    "SupplyUnits",
]
