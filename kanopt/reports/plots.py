"""One function to draw any view, one to draw any result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.errors import ProblemError
from kanopt.problems.views import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.reports.canvas import plain, to_svg
from kanopt.reports.gantt import gantt_height, gantt_tips, plot_gantt
from kanopt.reports.maps import map_tips, network_tips, plot_map, plot_network
from kanopt.reports.series import plot_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.problems.result import Result

__all__ = ["plot_result", "plot_view", "view_svg"]


def plot_view(view: View, ax: Axes | None = None) -> Axes:
    """Draw a view: a map, a Gantt chart, a network or series.

    Parameters
    ----------
    view
        What there is to see, from ``problem.views(plan)``.
    ax
        Where to draw; a new figure if None.

    Returns
    -------
    matplotlib.axes.Axes
    """
    match view:
        case MapView():
            return plot_map(view, ax)
        case GanttView():
            return plot_gantt(view, ax)
        case NetworkView():
            return plot_network(view, ax)
        case SeriesView():
            return plot_series(view, ax)


def plot_result(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the first view of a plan, with its title.

    Parameters
    ----------
    result
        A result with a plan.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    ProblemError
        If there is no plan, or nothing to see in it.
    """
    if result.plan is None:
        raise ProblemError(f"there is no plan to draw ({result.status.value}); explain(result) says why")
    views = result.problem.views(result.plan)
    if not views:
        raise ProblemError(f"a plan of kind {result.problem.kind!r} has no view to draw")
    drawn = plot_view(views[0], ax)
    drawn.set_title(plain(views[0].title), loc="left", pad=22)
    return drawn


def view_svg(view: View, width: int, label: str, *, span: tuple[float, float] | None = None) -> str:
    """Draw a view as inline SVG of so many pixels in width; `span` fixes the time axis of a Gantt chart."""
    tips: dict[str, list[str]] = {}
    match view:
        case MapView():
            height, tips = round(0.82 * width), map_tips(view)
        case GanttView():
            height, tips = gantt_height(view), gantt_tips(view)
        case NetworkView():
            height, tips = round(0.8 * width), network_tips(view)
        case SeriesView():
            height = 240

    def draw(ax: Axes) -> object:
        return plot_gantt(view, ax, span=span) if isinstance(view, GanttView) else plot_view(view, ax)

    return to_svg(draw, width=width, height=height, label=label, tips=tips)
