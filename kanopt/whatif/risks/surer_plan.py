"""Plans that are made for many days, beside the ones that are made for what is expected."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from kanopt.display import Part
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.result import Result
    from kanopt.whatif.risks.day_costs import DayCosts


class SurerPlan(TableExports):
    """A plan that is made for many days, beside the one that is made for what is expected.

    What it is worth is said by :meth:`told`; its own risk follows where it is shown.
    """

    result: Result
    plain: Result

    @property
    @abstractmethod
    def own_risk(self) -> DayCosts:
        """The risk of the plan."""

    @abstractmethod
    def told(self) -> list[str]:
        """Return what it is worth, a sentence each."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return one row for each thing that is looked at, with what holds for it in both plans."""

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write what the plan is worth and how sure it is: one HTML file that needs nothing else.

        The report of the plan itself is ``.result.to_html(path)``.

        Returns
        -------
        Path
            The file written.
        """
        from kanopt.display import reports

        return reports.write_page(reports.surer_page(self), path)

    def _shown(self) -> list[Part]:
        return [*self.told(), *self.own_risk._shown()]
