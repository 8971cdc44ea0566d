"""The methods by which a plan leaves the program, the same for a result and for a run of a scenario."""

from __future__ import annotations

import os
from pathlib import Path


class PlanExports:
    """Report, workbook, map, tables, summary and work orders of a plan.

    Whatever comes from data is text in all of them: no cell is a formula, no letter a tag. Folders on the way are made;
    a file is replaced in one step. Without a plan only the report and the summary can be written; the others raise
    :class:`~kanopt.errors.ProblemError`.
    """

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: one HTML file that needs nothing else.

        The report of a result has a title of its own, and today's plan beside it, where it is written by
        :meth:`kanopt.Explanation.to_html`.

        Returns
        -------
        Path
            The file written.
        """
        from kanopt.display import reports

        return reports.write_report(self, path)

    def to_xlsx(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: summary, plan, costs, and each law as formulas over the inputs of the plan.

        Vehicles, jobs, machines, sites and markets have a row each. Changing an input or a constant of a law changes
        what the plan costs; what is decided, and the times that follow from it, stay as they are, and so does what is
        paid for times.

        Returns
        -------
        Path
            The file written.
        """
        from kanopt.display import reports

        return reports.export(self, "xlsx", path)[0]

    def to_geojson(self, path: str | os.PathLike[str]) -> Path:
        """Write a map as GeoJSON (RFC 7946): routes or lanes as lines, places as points.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ProblemError
            If places are no latitudes and longitudes.
        """
        from kanopt.display import reports

        return reports.export(self, "geojson", path)[0]

    def to_csv(self, folder: str | os.PathLike[str], *, commas: bool = False) -> tuple[Path, ...]:
        """Write the tables of the plan into a folder: ``plan.csv``, ``costs.csv``, and what else there is to say.

        ``figures.csv`` has the figures of the report's first page, ``vehicles.csv``, ``jobs.csv`` or ``sites.csv`` a
        row for each. Times are written as time of day, where zero is midnight, and beside it in the problem's unit.

        Parameters
        ----------
        folder
            The folder.
        commas
            Whether numbers have decimal commas and semicolons part the cells, for spreadsheets of countries that write
            them so.

        Returns
        -------
        tuple of Path
            The files written.

        Raises
        ------
        ProblemError
            If the folder is named like a file.
        """
        from kanopt.display import reports

        return reports.export(self, "csv-comma" if commas else "csv", folder)

    def to_markdown(self, path: str | os.PathLike[str]) -> Path:
        """Write a summary: what to do, what it costs and saves, what is left out, how sure that is, and the timetable.

        Returns
        -------
        Path
            The file written.
        """
        from kanopt.display import reports

        return reports.export(self, "md", path)[0]

    def to_work_orders(self, path: str | os.PathLike[str]) -> Path:
        """Write a page to print for each vehicle or machine, as one HTML file that needs nothing else.

        Texts that the table of clients has beside its fields, such as addresses, stand beside the places.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ProblemError
            If the kind of problem has neither.
        """
        from kanopt.display import reports

        return reports.export(self, "orders", path)[0]
