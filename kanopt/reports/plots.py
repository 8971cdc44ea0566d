"""One function to draw any view, one to draw any result."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from kanopt.errors import ProblemError
from kanopt.problems.views import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.reports.canvas import escape_text
from kanopt.reports.gantt import gantt_height, gantt_tips, plot_gantt
from kanopt.reports.maps import map_shape, map_tips, network_tips, plot_map, plot_network
from kanopt.reports.series import plot_series
from kanopt.reports.svg import to_svg
from kanopt.text import join_list

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kanopt.problems.result import Result

_MOST_MARKS = 500


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


def plot_result(
    result: Result, ax: Axes | None = None, view: Literal["", "map", "gantt", "timetable"] = ""
) -> Axes:
    """Draw a view of a plan, with its title.

    Parameters
    ----------
    result
        A result with a plan.
    ax
        Where to draw; a new figure if None.
    view
        Which one: ``"map"`` (routes or flows), ``"gantt"`` (machines or vehicles over time), ``"timetable"`` (vehicles
        over time); the first that there is if empty.

    Raises
    ------
    ProblemError
        If there is no plan, or no such view of it.
    """
    if result.assessment is None:
        raise ProblemError(f"there is no plan to draw ({result.status.value}); explain(result) says why")
    views = [each for each in result.assessment.views() if not view or isinstance(each, _KINDS[view])]
    if not views or (view == "timetable" and result.problem.kind != "routing"):
        raise ProblemError(_no_view(result, view))
    drawn = plot_view(views[0], ax)
    drawn.set_title(escape_text(views[0].title), loc="left", pad=_room_above(drawn))
    return drawn


def _room_above(ax: Axes) -> float:
    """Return the pixels between axes and title: for the title of the axis, or the rows of a legend that stand there."""
    legend = ax.get_legend()
    if legend is None or legend.get_window_extent().y0 < ax.get_window_extent().y1 - 1:
        return _ABOVE
    figure = ax.get_figure(root=True)
    assert figure is not None
    return max(_ABOVE, 8 + 72 * float(legend.get_window_extent().height) / figure.dpi)


def _no_view(result: Result, view: str) -> str:
    """Say that a plan has no such view, why, and which pictures of it there are."""
    kind = result.problem.kind
    if kind == "routing" and view == "map":
        return (
            "the routes cannot be drawn on a map: not all clients and depots have coordinates; give all of them x and "
            "y, or lat and lon, or a road network with positions; plot_timetable and plot_costs need none"
        )
    what = f"no {_WORDS.get(view, 'view')} to draw"
    views = () if result.assessment is None else result.assessment.views()
    methods = dict.fromkeys(_METHODS[type(each)] for each in views if type(each) in _METHODS)
    return f"a plan of kind {kind!r} has {what}; it has {join_list([*(methods or ['plot']), 'plot_costs'])}"


_ABOVE = 22.0  # pixels
_KINDS = {"map": (MapView, NetworkView), "gantt": (GanttView,), "timetable": (GanttView,)}
_WORDS = {"map": "map", "gantt": "Gantt chart", "timetable": "timetable"}
_METHODS: dict[type, str] = {MapView: "plot_map", NetworkView: "plot_map", GanttView: "plot_gantt"}


def has_many_marks(view: View) -> bool:
    """Say whether a view is too full to be drawn a second time, for phones."""
    match view:
        case MapView():
            return len(view.points) > _MOST_MARKS
        case GanttView():
            return len(view.bars) > _MOST_MARKS
        case _:
            return False


def view_svg(view: View, width: int, label: str, *, among: Sequence[View] = (), whose: str = "") -> str:
    """Draw a view as inline SVG of so many pixels in width.

    It shares its time axis and the colours of names with the views of its kind in `among`, itself one of them. `whose`
    tells the page's script of which plan it is: ``"plan"``, ``"today"`` or ``"other"``.
    """
    draw, tips = partial(plot_view, view), {}
    data = {"whose": whose, "view": type(view).__name__.removesuffix("View").lower()} if whose else {}
    data |= {"marks": "many"} if has_many_marks(view) else {}
    match view:
        case MapView():
            paths = [other.paths["group"] for other in among or [view] if isinstance(other, MapView)]
            draw = partial(plot_map, view, groups=_unique_names(paths))
            height, tips = round(map_shape(view) * width), map_tips(view)
        case GanttView():
            bars = [other.bars for other in among or [view] if isinstance(other, GanttView)]
            draw = partial(
                plot_gantt, view, span=_span(bars), kinds=_unique_names([each["kind"] for each in bars])
            )
            height, tips = gantt_height(view), gantt_tips(view)
        case NetworkView():
            height, tips = round(map_shape(view) * width) + 30, network_tips(view)
        case SeriesView():
            height = 240
    return to_svg(draw, width=width, height=height, label=label, tips=tips, data=data)


def _unique_names(columns: Sequence[pd.Series[str]]) -> list[str]:
    return list(dict.fromkeys(str(name) for column in columns for name in column))


def _span(bars: Sequence[pd.DataFrame]) -> tuple[float, float] | None:
    """Return the first start and the last end."""
    filled = [each for each in bars if len(each)]
    if not filled:
        return None
    return min(float(each["start"].min()) for each in filled), max(
        float(each["end"].max()) for each in filled
    )
