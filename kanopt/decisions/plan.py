"""The plan of a decision problem: a number for each decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from kanopt.plans.base import Plan


@dataclass(frozen=True)
class DecisionPlan(Plan):
    """A number for each decision, in its unit.

    Examples
    --------
    >>> DecisionPlan({"speed": 62.5, "vans": 4}).to_frame()
      decision  value
    0    speed   62.5
    1     vans    4.0
    """

    values: Mapping[str, float] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {str(name): float(value) for name, value in self.values.items()})

    def to_frame(self) -> pd.DataFrame:
        """Return one row per decision: ``decision``, ``value``."""
        return pd.DataFrame(
            {"decision": list(self.values), "value": [float(value) for value in self.values.values()]}
        )
