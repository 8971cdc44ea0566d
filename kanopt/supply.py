"""What a :class:`kanopt.SupplyProblem` and its plans consist of.

Examples
--------
>>> from kanopt import supply
>>> supply.Period("spring").name
'spring'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.public_names import lazy_names

if TYPE_CHECKING:
    from kanopt.problems.supply import Facility as Facility
    from kanopt.problems.supply import Flow as Flow
    from kanopt.problems.supply import FlowPlan as FlowPlan
    from kanopt.problems.supply import Lane as Lane
    from kanopt.problems.supply import Market as Market
    from kanopt.problems.supply import Period as Period
    from kanopt.problems.supply import Product as Product
    from kanopt.problems.supply import Supplier as Supplier
    from kanopt.problems.supply import SupplyUnits as SupplyUnits
else:
    __all__, __getattr__, __dir__ = lazy_names(__name__)
