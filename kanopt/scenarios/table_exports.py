"""How the tables of an answer leave the program."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.display import Shown

if TYPE_CHECKING:
    import pandas as pd


class TableExports(Shown):
    """An answer that has tables: it is shown, and written as a workbook."""

    @abstractmethod
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Return its tables, by what they hold."""

    def to_frame(self) -> pd.DataFrame:
        """Return the first of its tables."""
        return next(iter(self.tables().values()))

    def to_html(self, path: Any) -> Path:
        """Write it as a page: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_page(reports.answer_page(self), path)

    def forms(self) -> Mapping[str, str]:
        """Return what numbers are: column, or table, a point and column, to ``"money"`` or ``"share"``."""
        return {}

    def to_xlsx(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: what is found in sentences, and a sheet for each table.

        Whatever comes from data is text: no cell is a formula. Folders on the way are made; a file is replaced in one
        step.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ProblemError
            If a table has more rows than a sheet.
        """
        from kanopt.display import reports

        return reports.export_tables(self._shown(), self.tables(), path, self.forms())
