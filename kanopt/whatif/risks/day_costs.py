"""What a plan costs on many days, and how sure a share of days is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.text import money_text
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.whatif.risks.ranges import DayRanges
    from kanopt.whatif.scenario import Scenario

Floats = NDArray[np.float64]

TAIL = 0.95
"""Days cheaper than this share of all are left out of the conditional value at risk."""


class DayCosts(TableExports):
    """The cost of a plan, day by day."""

    one, of_all = "A day costs", "of the days"
    """How one of the days is called, and all of them."""

    assessment: Any
    days: Any
    seed: int
    assumptions: tuple[str, ...]

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return one row for each thing that is looked at."""

    @property
    def cost(self) -> Floats:
        """What each day costs; (draws,)."""
        return np.asarray(self.days.cost)

    @property
    def cost_error(self) -> float:
        """Monte Carlo error of the mean cost."""
        return float(self.cost.std(ddof=1) / np.sqrt(self.draws))

    @property
    def draws(self) -> int:
        """How many days were driven."""
        return len(self.cost)

    def cost_quantile(self, level: float) -> float:
        """Return the cost that is exceeded on ``1 − level`` of the days."""
        return float(np.quantile(self.cost, level))

    def cvar(self, level: float = TAIL) -> float:
        """Return the conditional value at risk: the mean cost of the dearest ``1 − level`` of the days.

        See Rockafellar and Uryasev 2000, "Optimization of conditional value-at-risk", Journal of Risk 2.
        """
        dearest = np.sort(self.cost)[min(int(np.floor(level * self.draws)), self.draws - 1) :]
        return float(dearest.mean())

    def cost_json(self) -> dict[str, float]:
        """Return the main figures as plain data."""
        return {
            "planned": float(self.assessment.pricing.objective),
            "mean": float(self.cost.mean()),
            "error": self.cost_error,
            "sd": float(self.cost.std(ddof=1)),
            "q05": self.cost_quantile(0.05),
            "q95": self.cost_quantile(0.95),
            "cvar95": self.cvar(),
        }

    def cost_text(self) -> str:
        """Return them in a sentence."""
        unit, planned = self.assessment.problem.unit, self.assessment.pricing.objective
        mean, low, high, tail = (
            money_text(value)
            for value in (self.cost.mean(), self.cost_quantile(0.05), self.cost_quantile(0.95), self.cvar())
        )
        return (
            f"{self.one} {mean} {unit} on average (planned {money_text(planned)}), {low} to {high} on 90 % "
            f"{self.of_all}; the dearest 5 % cost {tail} on average."
        )

    def ranges(self) -> DayRanges | None:
        """Return where things lie on most days against their limits, for :meth:`plot`; None where nothing has one."""
        return None

    def plot(self, ax: Any = None) -> Any:
        """Draw where things lie on most days against their limits, and return the matplotlib axes.

        Raises
        ------
        ProblemError
            If nothing has a limit.
        """
        from kanopt.display import reports

        return reports.plot_ranges(self, ax)

    def plot_costs(self, ax: Any = None) -> Any:
        """Draw how often a day costs how much, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_day_costs(self, ax)

    def to_html(
        self, path: str | Path, *, scenario: Scenario | None = None, notes: Sequence[str] = ()
    ) -> Path:
        """Write the risk: one HTML file that needs nothing else. Returns its path.

        Parameters
        ----------
        path
            The file.
        scenario
            The scenario of the plan, which the page names, with its files.
        notes
            What must be said beside it, such as that the search for the plan was stopped.
        """
        from kanopt.display import reports

        return reports.write_page(reports.risk_page(self, scenario, notes), path)


def quantile_of_days(values: Floats, level: float) -> Floats:
    """Return quantiles over days, one of the days' values each, so that infinite ones leave the others numbers."""
    return np.asarray(np.quantile(values, level, axis=0, method="lower"))


def share_error(share: Any, draws: int) -> Any:
    """Return the standard error of a share of days, which is not 0 where it is 0 or 1.

    See Agresti and Coull 1998, "Approximate is better than 'exact'", The American Statistician 52.
    """
    count = draws + 4.0
    middle = (np.asarray(share) * draws + 2.0) / count
    return np.sqrt(middle * (1.0 - middle) / count)
