"""The pages that drivers and machine operators are handed, one for each."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.errors import ProblemError
from kanopt.problems.work_orders import WorkOrder
from kanopt.reports.subject import ReportSubject
from kanopt.reports.write import render

__all__ = ["OrdersPage", "work_orders_page"]


@dataclass(frozen=True)
class OrdersPage:
    """The data of the template."""

    title: str
    orders: tuple[WorkOrder, ...]


def work_orders_page(subject: ReportSubject) -> str:
    """Return one HTML page that prints with a sheet for each vehicle or machine.

    Raises
    ------
    ProblemError
        If the kind of problem has neither, or none is used.
    """
    result = subject.explanation.result
    orders = () if result.assessment is None else result.assessment.work_orders()
    if not orders:
        raise ProblemError(
            f"work orders: this {result.problem.kind} plan uses no vehicle and no machine to write one for; "
            "export 'md' or 'csv' instead"
        )
    return render("orders.html.j2", OrdersPage(subject.title, orders))
