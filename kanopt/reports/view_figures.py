"""The views of a plan as figures of its page: maps, timetables, networks and series, with their exact values."""

from __future__ import annotations

from collections.abc import Sequence

from kanopt.problems.result import Result
from kanopt.problems.views import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.reports.page_parts import NARROW, Figure, PageTable, table_of
from kanopt.reports.plots import has_many_marks, view_svg
from kanopt.text import clock_text

WIDTHS: dict[type, int] = {MapView: 760, NetworkView: 860, GanttView: 860, SeriesView: 480}
"""Of the views of a plan, in pixels."""


def view_figure(
    view: View,
    place: int,
    width: int,
    whose: str = "plan",
    *,
    name: str = "",
    among: Sequence[View] = (),
) -> Figure:
    """Draw a view for desktops and for phones.

    Parameters
    ----------
    view
        The view.
    place, width
        Which view of its plan it is, and how wide it is for desktops, in pixels.
    whose, among
        As for :func:`~kanopt.reports.plots.view_svg`.
    name
        Which plan it is, where it is neither that of the page nor today's.
    """
    plan = {"plan": "the plan", "today": "today's plan"}.get(whose, f"the plan for {name}")
    label = f"{type(view).__name__.removesuffix('View')} of {plan}: {view.title} ({place + 1})"
    # of so many marks a phone shows a part at a time, as it is drawn for desktops
    narrow = (
        "" if has_many_marks(view) else view_svg(view, NARROW, f"{label}, narrow", among=among, whose=whose)
    )
    wide = view_svg(view, width, label, among=among, whose=whose)
    caption = f"{view.title}: {name}" if name else view.title
    return Figure(wide, narrow, caption, None if name else _view_table(view))


def today_figure(today: Result | None) -> Figure | None:
    """Return the first view of today's plan."""
    if today is None or today.assessment is None:
        return None
    views = today.assessment.views()
    return view_figure(views[0], 0, WIDTHS[type(views[0])], "today") if views else None


def _view_table(view: View) -> PageTable | None:
    """Return a table of the view, for exact values."""
    if isinstance(view, GanttView):
        forms = {}
        if view.clock:
            forms = {name: lambda value: clock_text(float(value), view.unit) for name in ("start", "end")}
        heads = {} if view.clock else {name: f"{name} ({view.unit})" for name in ("start", "end")}
        bars = view.bars[["row", "kind", "label", "start", "end"]]
        return table_of(bars, f"{view.title}, bar by bar", forms=forms, heads=heads)
    if isinstance(view, SeriesView):
        return table_of(view.data.reset_index(names=view.x_label), f"{view.title}: {view.y_label}")
    return None
