"""The pages that drivers and machine operators are handed, one for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanopt.errors import ProblemError
from kanopt.problems.base import Problem
from kanopt.problems.work_orders import WorkOrder
from kanopt.reports.subject import ReportSubject
from kanopt.reports.write import render

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
    return render("orders.html.j2", OrdersPage(subject.title, tuple(order.filled() for order in orders)))


def no_work_orders(problem: Problem[Any]) -> str:
    """Say why there can be no work orders of a plan of a problem; empty where there can."""
    return "" if problem.has_work_orders else _NONE.format(f"a {problem.kind} plan has")
