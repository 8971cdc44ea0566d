"""One function to draw any view, one to draw any result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from kanopt.display import Chart, Grid
from kanopt.errors import ProblemError
from kanopt.pages.blocks import NARROW, chart_of, table_of
from kanopt.pages.canvas import escape_text
from kanopt.pages.charts import plot_series
from kanopt.pages.gantt import gantt_height, gantt_tips, plot_gantt
from kanopt.pages.maps import map_shape, map_tips, network_tips, plot_map, plot_network
from kanopt.pages.plan_table import clock_form
from kanopt.pages.svg import Tip
from kanopt.plans.views import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.text import join_list

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kanopt.plans.result import Result

_MOST_MARKS = 500
WIDTHS: dict[type, int] = {MapView: 760, NetworkView: 860, GanttView: 860, SeriesView: 480}
"""Of the views of a plan, in pixels."""


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


def view_chart(
    view: View,
    place: int,
    width: int,
    whose: str = "plan",
    *,
    name: str = "",
    among: Sequence[View] = (),
    label: str = "",
) -> Chart:
    """Draw a view for desktops and for phones.

    It shares its time axis and the colours of names with the views of its kind in `among`, itself one of them.

    Parameters
    ----------
    view
        The view.
    place, width
        Which view of its plan it is, and how wide it is for desktops, in pixels.
    whose
        For the page's script: ``"plan"``, ``"today"`` or ``"other"``; empty where it looks for none.
    name
        Which plan it is, where it is neither that of the page nor today's; then it has no table.
    among
        The views that it is compared with.
    label
        Alternative text; made of the above if empty.
    """
    plan = {"plan": "the plan", "today": "today's plan"}.get(whose, f"the plan for {name}")
    kind = type(view).__name__.removesuffix("View")
    many = has_many_marks(view)
    data = {"whose": whose, "view": kind.lower()} if whose else {}
    data |= {"marks": "many"} if many else {}
    draw, tips = _drawing(view, among or [view])
    return chart_of(
        draw,
        caption=f"{view.title}: {name}" if name else view.title,
        label=label or f"{kind} of {plan}: {view.title} ({place + 1})",
        size=(width, view_height(view, width)),
        # of so many marks a phone shows a part at a time, as it is drawn for desktops
        narrow=None if many else (NARROW, view_height(view, NARROW)),
        table=None if name else _view_table(view),
        tips=tips,
        data=data,
    )


def _drawing(
    view: View, among: Sequence[View]
) -> tuple[Callable[[Axes], object], Mapping[str, Sequence[Tip]]]:
    """Return how a view is drawn beside others, and what its marks tell."""
    match view:
        case MapView():
            paths = [other.paths["group"] for other in among if isinstance(other, MapView)]
            return partial(plot_map, view, groups=_unique_names(paths)), map_tips(view)
        case GanttView():
            bars = [other.bars for other in among if isinstance(other, GanttView)]
            kinds = _unique_names([each["kind"] for each in bars])
            return partial(plot_gantt, view, span=_span(bars), kinds=kinds), gantt_tips(view)
        case NetworkView():
            return partial(plot_network, view), network_tips(view)
        case SeriesView():
            return partial(plot_series, view), {}


def view_height(view: View, width: int) -> int:
    """Return how high a view is that is so many pixels wide."""
    match view:
        case MapView():
            return round(map_shape(view) * width)
        case GanttView():
            return gantt_height(view)
        case NetworkView():
            return round(map_shape(view) * width) + 30
        case SeriesView():
            return 240


def _view_table(view: View) -> Grid | None:
    """Return a table of the view, for exact values."""
    if isinstance(view, GanttView):
        ends = ("start", "end")
        forms = dict.fromkeys(ends, clock_form(view.unit)) if view.clock else {}
        heads = {} if view.clock else {name: f"{name} ({view.unit})" for name in ends}
        bars = view.bars[["row", "kind", "label", *ends]]
        return table_of(bars, f"{view.title}, bar by bar", forms=forms, heads=heads)
    if isinstance(view, SeriesView):
        return table_of(view.data.reset_index(names=view.x_label), f"{view.title}: {view.y_label}")
    return None


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
