"""Where it tips: the values at which a plan gives way to another one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from kanopt.errors import Issue, ScenarioError, nearest
from kanopt.parallel import cluster
from kanopt.progress import told_by_line
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.sensitivity.search_points import SearchLimits
from kanopt.whatif.sensitivity.switch_result import AxisSwitches, SwitchPoints
from kanopt.whatif.sensitivity.switch_search import SwitchSearch
from kanopt.whatif.sweeps.axes import Axis, read_axes
from kanopt.whatif.sweeps.prepare import base_result, prepare, refuse_folder, require_scenario
from kanopt.whatif.sweeps.sweep import SweepOptions

Compared: TypeAlias = Literal["all", "in use"]
_KINDS = {"all": frozenset({"in use", "assignment", "term"}), "in use": frozenset({"in use", "term"})}


@told_by_line
def switch_points(
    scenario: Scenario,
    axes: Mapping[str, Any],
    *,
    decisions: Compared = "all",
    tolerance: float = 0.001,
    most_solves: int = 60,
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> SwitchPoints:
    """Find the values at which decisions of the best plan change: "rail instead of truck from 1.92 EUR/l on".

    The scenario is planned at the values given; between two of them whose plans differ, the exact prices of both plans
    are crossed, and the problem is solved where they cross, for a third plan that is better there. Where quantities
    follow the input, as flows follow demand, a plan is priced elsewhere with its sites and the best flows through them.
    Between two values whose plans agree nothing is looked for: give more values where something may come and go
    between.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to two or more numbers: ``{"vehicles.fuel_price": (1.0, 2.0)}``, :func:`~kanopt.grid` or
        :func:`~kanopt.factors`, as in :func:`~kanopt.sweep`. Of several paths each is varied alone.
    decisions
        ``"all"``: what is used, what is served, made or sent from where, and what is paid for at all; ``"in use"``:
        without what is served from where.
    tolerance
        Share of the range to which a place is narrowed down where prices of plans do not say it, as where flows through
        the same sites follow demand.
    most_solves
        How often the problem is solved at most, for each path.
    options
        Seeds, limits and workers; with ``repeats=2`` the noise of searches that prove nothing is known.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Returns
    -------
    SwitchPoints
        After Ctrl-C with the points until then.

    Raises
    ------
    ScenarioError
        If a path, a value or a limit is none.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/supply_network.toml")                # doctest: +SKIP
    >>> print(ko.switch_points(base, {"sites.fixed_cost": ko.factors(0.5, 2.0, 4)}))   # doctest: +SKIP
    """
    require_scenario(scenario, "switch_points")
    options, report, start = options or SweepOptions(), progress or ignore_event, time.perf_counter()
    refuse_folder(options, "switch points")
    read = read_axes(axes)
    _check(read, decisions, tolerance, most_solves)
    prepared = prepare(scenario, read, options, report)
    base = base_result(prepared, "anew", report)
    found = []
    with cluster(options.dask) as client:
        limits = SearchLimits(tolerance, most_solves, _KINDS[decisions], options.workers, client)
        for axis in read if not base.interrupted else ():
            report(Event("solve", f"switch points of {axis}"))
            search = SwitchSearch(prepared.question([axis], [], anew=True), base, limits)
            search.run([float(value) for value in axis.values.items])
            found.append(AxisSwitches.of(axis, search))
            if search.interrupted:
                break
    return SwitchPoints(scenario, base, tuple(found), seconds=time.perf_counter() - start)


def _check(axes: tuple[Axis, ...], decisions: str, tolerance: float, most_solves: int) -> None:
    if decisions not in _KINDS:
        raise _error("decisions", f"unknown word {decisions!r}; {nearest(str(decisions), _KINDS)}")
    if not 0 < tolerance < 1:
        raise _error("tolerance", f"is a share of the range, between 0 and 1, not {tolerance!r}")
    if isinstance(most_solves, bool) or not isinstance(most_solves, int) or most_solves < 2:
        raise _error("most_solves", f"must be a whole number from 2, not {most_solves!r}")
    for axis in axes:
        numbers = [value for value in axis.values.items if not isinstance(value, (str, bool))]
        if len(numbers) < max(2, len(axis.values.items)):
            raise _error(axis.path, f"switch points lie between two numbers or more, not in {axis}")


def _error(place: str, message: str) -> ScenarioError:
    return ScenarioError([Issue("switch points", 0, place, message)])
