"""What moves the price most: each input alone from its low value to its high one, the others as they are."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.display import Alarm, Part, grid_of
from kanopt.errors import Issue, ScenarioError, nearest
from kanopt.interrupt import Interrupt
from kanopt.parallel import cluster, run_tasks
from kanopt.problems.result import Status
from kanopt.progress import told_by_line
from kanopt.text import count_text, fixed_text, seconds_text
from kanopt.whatif.events import OnEvent, ignore_event
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.sweeps.axes import Axis, read_axes, value_text
from kanopt.whatif.sweeps.point_result import BASE, REFUSED, REPEAT, PointResult
from kanopt.whatif.sweeps.point_search import exchange_plans, solve_point
from kanopt.whatif.sweeps.prepare import (
    as_it_is_text,
    base_result,
    prepare,
    refuse_folder,
    refuse_no_plan,
    require_scenario,
)
from kanopt.whatif.sweeps.question import PlanChoice, SweepQuestion
from kanopt.whatif.sweeps.sweep import PLANS, SweepOptions
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    from kanopt.problems.base import Plan
    from kanopt.problems.result import Result

_EQUAL = 1e-9
_ENDS = ("low", "high")
_COLUMNS = [
    "path",
    "low",
    "high",
    "kept_low",
    "kept_high",
    "low_effect",
    "high_effect",
    "swing",
    "kept_swing",
    "noise",
    "verdict",
    "low_status",
    "high_status",
]


@dataclass(frozen=True, eq=False, repr=False)
class Tornado(TableExports):
    """How far each input alone moves the price.

    Parameters
    ----------
    scenario
        What was asked about.
    axes
        What was varied, each alone.
    base
        The plan of the scenario as it is.
    results
        For each axis what came of its low and of its high value; axes that were not reached are missing.
    anew
        Whether plans were made anew; else the base's was priced.
    regret
        By how much a plan that was found at another value is better than the base's search.
    base_noise
        How far repeated searches of the base lie apart; NaN where that was not measured, 0 of a plan that was proved.
    interrupted
        True where the user stopped it.
    seconds
        Wall seconds of it all.
    """

    scenario: Scenario
    axes: tuple[Axis, ...]
    base: Result
    results: tuple[tuple[PointResult, PointResult], ...]
    anew: bool
    regret: float = 0.0
    base_noise: float = 0.0
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def unit(self) -> str:
        """Unit of all prices."""
        return self.base.problem.unit

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per input, the one that moves the price most first.

        Columns ``path``; ``low`` and ``high``, the values; ``kept_low`` and ``kept_high``, what they do to the price of
        the plan that is kept; ``low_effect`` and ``high_effect``, the same when planned anew; ``swing`` and
        ``kept_swing``, from the smallest to the largest price, that of the base among them; ``noise`` of the searches;
        ``verdict``; ``low_status`` and ``high_status``. A price is missing where the plan breaks other rules or leaves
        out something else than the base's.
        """
        pairs = zip(self.axes, self.results, strict=False)
        frame = pd.DataFrame([self._row(axis, *found) for axis, found in pairs], columns=_COLUMNS)
        order = frame["swing"].fillna(math.inf).sort_values(ascending=False, kind="stable").index
        return frame.loc[order].reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"inputs": self.frame}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(
            ("kept_low", "kept_high", "low_effect", "high_effect", "swing", "kept_swing", "noise"), "money"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`."""
        return self.frame

    def plot(self, ax: Any = None) -> Any:
        """Draw a bar for each input, the widest on top, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_tornado(self, ax=ax)

    def to_html(self, path: str | Path) -> Path:
        """Write the tornado: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_page(reports.tornado_page(self), path)

    def _row(self, axis: Axis, low: PointResult, high: PointResult) -> list[Any]:
        kept = [self._effect(found, found.kept_objective, found.kept_status) for found in (low, high)]
        effects = [self._effect(found, found.objective, found.status) for found in (low, high)]
        swing, noise = _swing(effects), self._noise(low, high)
        values = axis.values.items
        states = [low.status, high.status]
        return [
            *(axis.label, values[0], values[-1], *kept, *effects, swing, _swing(kept), noise),
            self._verdict(swing, noise, states),
            *states,
        ]

    def _effect(self, found: PointResult, price: float, status: str) -> float:
        """Return how far a price lies from the base's; NaN where they are not of the same service."""
        assert self.base.objective is not None
        if status == REFUSED or math.isnan(price):
            return math.nan
        if status == found.status and not found.does_as_much_as(self.base.rank):
            return math.nan
        if status != found.status and status in (Status.INFEASIBLE, Status.PARTIAL):
            return math.nan
        return price - self.base.objective

    def _noise(self, low: PointResult, high: PointResult) -> float:
        spreads = [self.base_noise, low.noise, high.noise]
        if not self.anew:
            return 0.0
        return math.nan if any(map(math.isnan, spreads)) else max(*spreads, self.regret)

    def _verdict(self, swing: float, noise: float, states: list[str]) -> str:
        if REFUSED in states:
            return "refused"
        if math.isnan(swing):
            return "not like with like"
        if swing <= _EQUAL * max(1.0, abs(self.base.objective or 0.0)):
            return "no effect"
        if math.isnan(noise):
            return "noise not measured"
        return "no effect beyond the noise" if swing <= noise else "moves the price"

    def _shown(self) -> Iterator[Part]:
        how = "planned anew" if self.anew else "the same plan"
        inputs = count_text(len(self.axes), "input")
        yield f"{self.scenario.name}: {inputs} one at a time, {how} ({seconds_text(self.seconds)})"
        if self.interrupted:
            yield Alarm(f"STOPPED after {len(self.results)} of {inputs}")
        yield f"  {as_it_is_text(self.base)}"
        yield ""
        if not self.results:
            yield "no input is done"
            return
        shown = self.frame[["path", "low", "high"]].copy()
        for end in _ENDS:
            shown[end] = shown[end].map(value_text)
        for end in _ENDS if self.anew else ():
            shown[f"kept, {end}"] = self.frame[f"kept_{end}"]
        for end in _ENDS:
            shown[f"anew, {end}" if self.anew else f"at {end}"] = self.frame[f"{end}_effect"]
        shown["swing"], shown["noise"] = self.frame["swing"], self.frame["noise"]
        shown["verdict"] = self.frame["verdict"]
        yield grid_of(shown, partial(fixed_text, decimals=2))
        yield from self.notes()

    def notes(self) -> Iterator[str]:
        """Yield what must be said beside the effects: noise that is not known, values that are refused."""
        if self.frame[[f"{end}_effect" for end in _ENDS]].isna().any(axis=None):
            yield (
                "– stands where a value is refused, or the plan breaks other rules or serves something else there: its "
                "price would not compare like with like"
            )
        if self.anew and self.frame["noise"].isna().any():
            yield f"the noise of the search is not measured; {REPEAT}"
        for axis, found in zip(self.axes, self.results, strict=False):
            for value, one in zip((axis.values.items[0], axis.values.items[-1]), found, strict=True):
                if one.message:
                    yield f"{axis.label} {value_text(value)}: {one.message}"


def _swing(effects: list[float]) -> float:
    return math.nan if any(map(math.isnan, effects)) else max(0.0, *effects) - min(0.0, *effects)


@told_by_line
def tornado(
    scenario: Scenario,
    axes: Mapping[str, Any],
    *,
    plan: PlanChoice = "anew",
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Tornado:
    """Find which inputs move the price most: each alone at its low and its high value, the others as they are.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to a low and a high value: ``{"vehicles.fuel_price": (1.2, 2.0), "clients.demand_t": ko.factors(0.9, 1.1,
        2)}``, as in :func:`~kanopt.sweep`; of longer lists the first and the last.
    plan
        ``"anew"``, ``"kept"`` or ``"today"``, as in :func:`~kanopt.sweep`. What happens to the plan that is kept is
        told in either case.
    options
        Seeds, limits and workers; with ``repeats=2`` the noise of searches that prove nothing is known.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Raises
    ------
    ScenarioError
        If a path or a value is none, or the scenario has no plan as it is (:class:`~kanopt.NoPlanError`).
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/supply_network.toml")                 # doctest: +SKIP
    >>> print(ko.tornado(base, {"sites.fixed_cost": ko.factors(0.8, 1.2, 2)}))   # doctest: +SKIP
    """
    require_scenario(scenario, "tornado")
    options, report, start = options or SweepOptions(), progress or ignore_event, time.perf_counter()
    if plan not in PLANS:
        raise _error("plan", f"unknown word {plan!r}; {nearest(str(plan), PLANS)}")
    refuse_folder(options, "tornado")
    read = read_axes(axes)
    for axis in read:
        if len(axis.values.items) < 2:
            raise _error(axis.path, f"has a low and a high value, not {axis} alone")
    read = tuple(map(_low_first, read))
    prepared = prepare(scenario, read, options, report)
    base = base_result(prepared, plan, report)
    refuse_no_plan(base, scenario, "tornado")
    questions = [
        prepared.question([axis], [(axis.values.items[0],), (axis.values.items[-1],)], anew=plan == "anew")
        for axis in read
    ]
    asked = (tuple(questions), base.plan)
    done, interrupted = ({}, True) if base.interrupted else _answers(asked, 2 * len(read), options)
    done, base, regret = _exchanged(questions, base, done)
    pairs = [(done[2 * n], done[2 * n + 1]) for n in range(len(read)) if {2 * n, 2 * n + 1} <= done.keys()]
    spreads = [one.noise for pair in pairs for one in pair if not math.isnan(one.noise)]
    return Tornado(
        scenario=scenario,
        axes=read,
        base=base,
        results=tuple(pairs),
        anew=plan == "anew",
        regret=regret,
        # searches of the base are as far apart as those at values next to it
        base_noise=0.0 if base.status == Status.OPTIMAL else max(spreads, default=math.nan),
        interrupted=interrupted,
        seconds=time.perf_counter() - start,
    )


def _low_first(axis: Axis) -> Axis:
    """Return an axis of numbers with its ends in order, whichever was named first."""
    items = axis.values.items
    ends = items[0], items[-1]
    if any(isinstance(end, (str, bool)) for end in ends):
        return axis
    return replace(axis, values=replace(axis.values, items=tuple(sorted(ends))))


def _answers(
    asked: tuple[tuple[SweepQuestion, ...], Plan | None], count: int, options: SweepOptions
) -> tuple[dict[int, PointResult], bool]:
    """Return what came of the values, and whether the user stopped it."""
    done: dict[int, PointResult] = {}
    tasks = [_Numbered(number) for number in range(count)]
    try:
        with (
            Interrupt() as stop,
            cluster(options.dask) as client,
            Interrupt(keeps=options.workers == 1 and client is None),
        ):
            for found in run_tasks(_do, asked, tasks, workers=options.workers, client=client):
                assert found.result is not None
                done[found.point] = found.result
                if stop.asked:
                    break
    except KeyboardInterrupt:
        return done, True
    return done, stop.asked


@dataclass(frozen=True, eq=False)
class _Numbered:
    """The low value of the first axis, its high one, the low one of the second axis …, and what came of it."""

    point: int
    result: PointResult | None = None


def _do(asked: tuple[tuple[SweepQuestion, ...], Plan | None], task: _Numbered) -> _Numbered:
    questions, kept = asked
    return replace(task, result=solve_point(questions[task.point // 2], task.point % 2, kept, ()))


def _exchanged(
    questions: list[SweepQuestion], base: Result, done: dict[int, PointResult]
) -> tuple[dict[int, PointResult], Result, float]:
    """Offer the base the plans of all values; where one is better, offer it to all values in turn."""
    from kanopt.problems.evaluate import evaluate

    best = base
    for found in done.values():
        if found.plan is not None and base.status != Status.OPTIMAL:
            offer = evaluate(base.problem, found.plan)
            best = offer if offer.rank.is_better_than(best.rank) else best
    if best is base or best.plan is None:
        return done, base, 0.0
    after = {
        number: found
        if found.status == REFUSED
        else exchange_plans(questions[number // 2], found, {BASE: best.plan}, best.plan)
        for number, found in done.items()
    }
    alike = best.rank[:3] == base.rank[:3]
    return after, best, base.rank.objective - best.rank.objective if alike else 0.0


def _error(place: str, message: str) -> ScenarioError:
    return ScenarioError([Issue("tornado", 0, place, message)])
