"""The formats that a plan is exported to, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.display import Fold, Grid, Part, told
from kanopt.errors import ProblemError, nearest
from kanopt.files import replace_file
from kanopt.pages.markdown import markdown_text
from kanopt.pages.story import ReportSubject, subject_of
from kanopt.pages.workbook import TABLES, frame_book, plan_csv, workbook
from kanopt.pages.write import render
from kanopt.plans.base import Problem
from kanopt.plans.findings import WorkOrder

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.result import PlanExports


# The pages that drivers and machine operators are handed, one for each.


_NONE = (
    "work orders: {} no vehicle and no machine to write one for; export 'md' or 'csv' in place of 'orders'"
)


@dataclass(frozen=True)
class OrdersPage:
    """The data of the template."""

    title: str
    orders: tuple[WorkOrder, ...]


def work_orders_page(subject: ReportSubject) -> str:
    """Return one HTML page that prints with a sheet for each vehicle or machine, without columns that are empty.

    Raises
    ------
    ProblemError
        If the kind of problem has neither, or none is used.
    """
    result = subject.explanation.result
    orders = () if result.assessment is None else result.assessment.work_orders()
    if not orders:
        raise ProblemError(_NONE.format(f"this {result.problem.kind} plan uses"))
    return render("page.html.j2", OrdersPage(subject.title, tuple(order.filled() for order in orders)))


def no_work_orders(problem: Problem[Any]) -> str:
    """Say why there can be no work orders of a plan of a problem; empty where there can."""
    return "" if problem.has_work_orders else _NONE.format(f"a {problem.kind} plan has")


Content = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Export:
    """A format.

    Parameters
    ----------
    suffix
        How the file's name ends after that of the scenario; of a folder it begins the names of the files.
    content
        From the subject to the content of the file, under the empty name; of several files, under theirs.
    files
        Names of all files that there may be; of one file the empty name.
    needs_plan
        Whether there is nothing to write without a plan.
    lacks
        Says what a problem lacks for it; empty for nothing.
    """

    suffix: str
    content: Callable[[ReportSubject], Content]
    files: tuple[str, ...] = ("",)
    needs_plan: bool = True
    lacks: Callable[[Problem[Any]], str] = lambda problem: ""


EXPORTS: Mapping[str, Export] = {
    "xlsx": Export(".xlsx", lambda subject: {"": workbook(subject)}),
    "csv": Export("_tables", plan_csv, tuple(f"{name}.csv" for name in TABLES)),
    "csv-comma": Export(
        "_tables_comma", partial(plan_csv, commas=True), tuple(f"{name}.csv" for name in TABLES)
    ),
    "md": Export(".md", lambda subject: {"": markdown_text(subject)}, needs_plan=False),
    "orders": Export("_orders.html", lambda subject: {"": work_orders_page(subject)}, lacks=no_work_orders),
}
"""Every format, by the name that ``--export`` takes."""


def export(source: PlanExports, name: str, target: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write a plan in one format.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    name
        One of `EXPORTS`.
    target
        The file; of ``"csv"`` and ``"csv-comma"`` a folder. Folders are made.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ProblemError
        If the format is unknown, there is no plan, or the plan lacks what the format needs.
    """
    if name not in EXPORTS:
        raise ProblemError(f"there is no export {name!r}; {nearest(name, EXPORTS)}")
    return _write(subject_of(source), name, Path(target))


def _write(subject: ReportSubject, name: str, target: Path) -> tuple[Path, ...]:
    chosen, result = EXPORTS[name], subject.explanation.result
    if chosen.files != ("",) and target.suffix.lower() == ".csv":
        raise ProblemError(
            f"{target} is a folder to be, with a file for each table; name it otherwise, as in "
            f"{target.stem!r}. The plan alone as one file: to_frame().to_csv({target.name!r})"
        )
    if chosen.needs_plan and not result.has_plan:
        raise ProblemError(f"{target}: there is no plan to export ({result.status.value}); 'md' says why")
    return tuple(
        replace_file(target / file if file else target, content, make_folders=True)
        for file, content in chosen.content(subject).items()
    )


def export_files(names: Iterable[str], folder: Path, stem: str) -> list[Path]:
    """Return every file that :func:`export_all` may write."""
    return [
        target / file if file else target
        for name in names
        for target in [folder / f"{stem}{EXPORTS[name].suffix}"]
        for file in EXPORTS[name].files
    ]


def refuse_exports(problem: Problem[Any], names: Iterable[str]) -> None:
    """Refuse formats that no plan of a problem can be written in, before one is made.

    Raises
    ------
    ProblemError
        With what the problem lacks for each of them.
    """
    lacking = [EXPORTS[name].lacks(problem) for name in names]
    if any(lacking):
        raise ProblemError("\n".join(filter(None, lacking)))


def export_all(source: PlanExports, names: Iterable[str], folder: Path, stem: str) -> list[Path]:
    """Write a plan in several formats beside its report.

    A format that the plan lacks something for is refused after all others are written.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    names
        Of `EXPORTS`.
    folder
        Folder of the files.
    stem
        How their names begin.

    Returns
    -------
    list of Path
        The files written. Without a plan those that need none.

    Raises
    ------
    ProblemError
        If a format cannot be written, such as a map of places that are no latitudes and longitudes.
    """
    subject = subject_of(source)
    written: list[Path] = []
    refused: list[ProblemError] = []
    for name in names:
        if EXPORTS[name].needs_plan and not subject.explanation.result.has_plan:
            continue
        try:
            written += _write(subject, name, folder / f"{stem}{EXPORTS[name].suffix}")
        except ProblemError as error:
            refused.append(error)
    if refused:
        raise ProblemError("\n".join(map(str, refused)))
    return written


def export_tables(
    parts: Iterable[Part],
    tables: Mapping[str, pd.DataFrame],
    target: str | os.PathLike[str],
    forms: Mapping[str, str] | None = None,
) -> Path:
    """Write what an answer says, and its tables, as a workbook, in which `forms` say what numbers are."""
    said = told(part for part in parts if not isinstance(part, (Fold, Grid)))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return replace_file(target, frame_book(lines, tables, forms), make_folders=True)
