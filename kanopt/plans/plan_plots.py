"""The pictures of a plan, the same for a result and for a run of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class PlanPlots:
    """Map, Gantt chart, timetable and costs of a plan.

    Each draws on the matplotlib axes that it is given, on those of a new figure if on none, and returns them. Without a
    plan, or where a plan has no such picture, it raises :class:`~kanopt.errors.ProblemError`, which says what is
    missing.
    """

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the first view of the plan (routes, Gantt chart, network or prices) and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_result(_result_of(self), ax)

    def plot_map(self, ax: Axes | None = None) -> Axes:
        """Draw the routes on a map, or the flows of a network, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.

        Raises
        ------
        ProblemError
            If places have no coordinates.
        """
        from kanopt.display import reports

        return reports.plot_result(_result_of(self), ax, view="map")

    def plot_gantt(self, ax: Axes | None = None) -> Axes:
        """Draw what each machine or vehicle does when, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.
        """
        from kanopt.display import reports

        return reports.plot_result(_result_of(self), ax, view="gantt")

    def plot_timetable(self, ax: Axes | None = None) -> Axes:
        """Draw when each vehicle drives, waits and serves, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.
        """
        from kanopt.display import reports

        return reports.plot_result(_result_of(self), ax, view="timetable")

    def plot_costs(self, ax: Axes | None = None, by: Literal["term", "group"] = "term") -> Axes:
        """Draw what the plan costs as bars that add up to its objective, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.
        by
            ``"term"`` for a bar for each cost term; ``"group"`` for one for each route, machine or lane, made of the
            terms.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import kanopt as ko
        >>> from kanopt.routing import Client, Depot, VehicleType
        >>> minutes = [[0.0, 10.0], [10.0, 0.0]]
        >>> places = [Depot("d", 0.0, 0.0)], [Client("a", 3.0, 4.0, demand=0.4)]
        >>> van = VehicleType("van", capacity=1.0, fixed_cost=5.0)
        >>> problem = ko.RoutingProblem(*places, [van], {"fuel": minutes}, minutes)
        >>> result = ko.evaluate(problem, [["a"]])
        >>> [float(bar.get_width()) for bar in result.plot_costs().patches]
        [20.0, 5.0]
        >>> result.plot_timetable().get_xlabel()
        'time of day'
        """
        from kanopt.display import reports

        return reports.plot_costs(_result_of(self), ax, by=by)


def _result_of(source: Any) -> Any:
    """Return the result of a run, or the result itself."""
    return getattr(source, "result", source)
