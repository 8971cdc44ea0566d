"""Where it tips: the values at which a plan gives way to another one, as a frame and in sentences."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd

from kanopt.display import Alarm, Part
from kanopt.parallel import cluster
from kanopt.plans.findings import Status
from kanopt.progress import told_by_line
from kanopt.questions.axes import Axis, check_word, read_axes, refused
from kanopt.questions.point import NO_DIFFERENCE, REFUSED, REPEAT, UNMEASURED
from kanopt.questions.question import (
    SweepOptions,
    base_result,
    prepare,
    require_scenario,
    unit_of_axis,
)
from kanopt.questions.switch_search import KNOWN, SearchLimits, SwitchPoint, SwitchSearch
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.run import TableExports
from kanopt.scenarios.scenario import Scenario
from kanopt.text import amount_text, count_text, join_list, money_text, number_text, range_text, seconds_text

if TYPE_CHECKING:
    from kanopt.plans.base import Plan
    from kanopt.plans.result import Result

_COLUMNS = (
    *(
        "path",
        "switch_point",
        "low",
        "high",
        "kind",
        "decision",
        "below",
        "above",
        "price_below",
        "price_above",
    ),
    *("edge", "verdict"),
)
_POINT_COLUMNS = ["path", "value", "status", "price", "noise"]
_NAMES = 3
_CHANGES = 4
Compared: TypeAlias = Literal["all", "in use"]
_KINDS = {"all": frozenset({"in use", "assignment", "term"}), "in use": frozenset({"in use", "term"})}


@dataclass(frozen=True, eq=False)
class AxisSwitches:
    """What was found along one path.

    Parameters
    ----------
    axis
        What was varied.
    unit
        Its unit; empty where that is not known, or values are factors.
    switches
        The switch points in order.
    points
        One row per value at which the problem was solved: ``path``, ``value``, ``status``, ``price``, ``noise``.
    solves
        How often the problem was solved.
    refits
        How often only the quantities of a plan were worked out, its decisions as a whole kept.
    noise
        How far searches lie apart; NaN where that was not measured.
    interrupted
        True where the user stopped it.
    plans
        Every plan that was found, in order.
    """

    axis: Axis
    unit: str
    switches: tuple[SwitchPoint, ...]
    points: pd.DataFrame
    solves: int
    refits: int
    noise: float
    interrupted: bool
    plans: tuple[Plan, ...] = ()

    @classmethod
    def of(cls, axis: Axis, search: SwitchSearch) -> AxisSwitches:
        """Read what came of a search."""
        rows = [
            (axis.label, x, found.status, price, found.noise) for x, found, price in search.solved_prices()
        ]
        return cls(
            axis=axis,
            unit=unit_of_axis(search.question.scenario, axis),
            switches=tuple(search.switches()),
            points=pd.DataFrame(rows, columns=_POINT_COLUMNS),
            solves=search.solves,
            refits=search.prices.refits,
            noise=search.noise,
            interrupted=search.interrupted,
            plans=tuple(search.prices.plans),
        )

    def sentences(self, unit: str) -> Iterator[str]:
        """Yield one sentence per switch point, prices in a unit."""
        for one in self.switches:
            what = "; ".join(_change_texts(one))
            why = f", since {one.edge}" if one.edge else ""
            if one.verdict == KNOWN:
                yield f"{self.axis.label} from {self._amount(one.value)} on{why}: {what}"
                continue
            place = f"somewhere in {range_text(one.low, one.high, self.unit, 4)}"
            if one.verdict == UNMEASURED:
                place = f"from about {self._amount(one.value)} on"
            noise = f" beyond the noise of the search, {money_text(self.noise, unit)}"
            told = f"{one.verdict}{noise if one.verdict == NO_DIFFERENCE else ''}"
            yield f"{self.axis.label} {place}{why} ({told}): {what}"

    def _amount(self, value: float) -> str:
        return amount_text(value, self.unit, 4)


@dataclass(frozen=True, eq=False, repr=False)
class SwitchPoints(TableExports):
    """Where decisions change, along one path or several.

    Parameters
    ----------
    scenario
        What was asked about.
    base
        Its plan as it is.
    axes
        What was found along each path.
    seconds
        Wall seconds of it all.
    """

    scenario: Scenario
    base: Result
    axes: tuple[AxisSwitches, ...]
    seconds: float = 0.0

    @property
    def unit(self) -> str:
        """Unit of all prices."""
        return self.base.problem.unit

    @property
    def interrupted(self) -> bool:
        """True where the user stopped it."""
        return self.base.interrupted or any(one.interrupted for one in self.axes)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per decision that changes.

        Columns ``path``; ``switch_point``, from which on the plan above is better, with its interval ``low`` to
        ``high``; ``kind`` and ``decision``; ``below`` and ``above``, what is decided on either side; ``price_below``
        and ``price_above`` of the plans there; ``edge`` (of a law, or the rule that is reached; empty where prices
        merely cross); ``verdict``.
        """
        rows = []
        for axis in self.axes:
            for one in axis.switches:
                place = axis.axis.label, one.value, one.low, one.high
                ends = one.price_below, one.price_above, one.edge, one.verdict
                rows += [(*place, *thing, below, above, *ends) for thing, below, above in one.changes]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per value at which the problem was solved: ``path``, ``value``, ``status``, ``price``, ``noise``."""
        frames = [axis.points for axis in self.axes]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_POINT_COLUMNS)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"switch points": self.frame, "values": self.points}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(("price_below", "price_above", "price", "noise"), "money")

    def plot(self, ax: Any = None) -> Any:
        """Draw a bar for each path, parted where decisions change, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_switch_points(self, ax)

    def sentences(self) -> tuple[str, ...]:
        """Return one sentence per switch point."""
        return tuple(sentence for axis in self.axes for sentence in axis.sentences(self.unit))

    def notes(self) -> tuple[str, ...]:
        """Return what must be said beside them: paths without one, values without a plan, noise not known."""
        return tuple(note.strip() for axis in self.axes for note in self._notes(axis))

    def effort(self) -> str:
        """Say how often the problem was solved."""
        solves, refits = (sum(getattr(axis, name) for axis in self.axes) for name in ("solves", "refits"))
        return f"{count_text(solves, 'solve')}{f', {refits:,} more of quantities alone' if refits else ''}"

    def _shown(self) -> Iterator[Part]:
        yield f"{self.scenario.name}: where it tips ({self.effort()}, {seconds_text(self.seconds)})"
        if self.interrupted:
            yield Alarm("STOPPED before the end")
        for axis in self.axes:
            yield from (f"  {sentence}" for sentence in axis.sentences(self.unit))
            yield from self._notes(axis)

    def _notes(self, axis: AxisSwitches) -> Iterator[str]:
        low, high = axis.points["value"].min(), axis.points["value"].max()
        if not axis.switches and not axis.interrupted:
            yield f"  {axis.axis.label}: the same decisions from {range_text(low, high, axis.unit)}"
        bad = axis.points[axis.points["status"].isin([REFUSED, str(Status.NO_PLAN)])]
        if len(bad):
            told = ", ".join(number_text(value, 4) for value in bad["value"].head(_NAMES))
            yield f"  {axis.axis.label}: {count_text(len(bad), 'value')} without a plan, first {told}"
        if math.isnan(axis.noise):
            yield f"  {axis.axis.label}: searches prove nothing, and their noise is not known; {REPEAT}"


def _change_texts(switch: SwitchPoint) -> Iterator[str]:
    """Yield what changes, things with the same change together, the first few."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for (kind, thing), below, above in switch.changes:
        alike.setdefault((kind, below, above), []).append(thing)
    order = sorted(alike.items(), key=lambda item: ("in use", "term", "assignment").index(item[0][0]))
    for (_, below, above), things in order[:_CHANGES]:
        yield f"{join_list(things, _NAMES)}: {above} instead of {below}"
    if len(order) > _CHANGES:
        left = sum(len(things) for _, things in order[_CHANGES:])
        yield f"{count_text(left, 'more decision changes', 'more decisions change')}"


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
    read = read_axes(axes)
    _check(read, decisions, tolerance, most_solves)
    prepared = prepare(scenario, read, options, report, "switch points")
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
    check_word("switch points", "decisions", decisions, _KINDS)
    if not 0 < tolerance < 1:
        raise refused(
            "switch points", "tolerance", f"is a share of the range, between 0 and 1, not {tolerance!r}"
        )
    if isinstance(most_solves, bool) or not isinstance(most_solves, int) or most_solves < 2:
        raise refused("switch points", "most_solves", f"must be a whole number from 2, not {most_solves!r}")
    for axis in axes:
        numbers = [value for value in axis.values.items if not isinstance(value, (str, bool))]
        if len(numbers) < max(2, len(axis.values.items)):
            raise refused(
                "switch points", axis.path, f"switch points lie between two numbers or more, not in {axis}"
            )
