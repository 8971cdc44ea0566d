"""Many what-ifs as one question: each point priced under its own data, and planned anew where that is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import Issue, ScenarioError, nearest
from kanopt.interrupt import Interrupt
from kanopt.text import count_text, money_text, seconds_text
from kanopt.whatif.axes import Axis, Design, design_points, read_axes
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.kept_plan import PricedBy, price_at_once, way_of_pricing
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.parallel import run_tasks
from kanopt.whatif.prepare import base_result, prepare
from kanopt.whatif.run import environment
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.spec import SweepSpec
from kanopt.whatif.sweep_points import (
    PlanChoice,
    PointResult,
    SweepQuestion,
    coordinates,
    exchange_plans,
    parents,
    solve_point,
)
from kanopt.whatif.sweep_result import Sweep
from kanopt.whatif.sweep_store import SweepStore

if TYPE_CHECKING:
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result

__all__ = ["SweepOptions", "sweep"]

_PLANS = ("anew", "kept", "today")
_NEIGHBOURS = 4
"""So many plans of points nearby are offered to each point at the end."""
_FLUSH_SECONDS = 2.0
"""Between two files of results."""


@dataclass(frozen=True)
class SweepOptions:
    """How a sweep is carried out.

    Parameters
    ----------
    seed
        Of laws and searches, in place of the scenario's.
    time_limit
        Seconds for each search, in place of the scenario's.
    repeats
        Searches for each point, with other seeds; how far they lie apart is the noise.
    workers
        Processes side by side. Results do not depend on how many, as far as searches end by themselves or by counted
        work.
    out
        Folder to which results are written as they come, and from which a sweep that was stopped goes on.
    relearn
        Learn laws anew that are kept on disk.

    Raises
    ------
    ScenarioError
        If a number is none that can be.
    """

    seed: int | None = None
    time_limit: float | None = None
    repeats: int = 1
    workers: int = 1
    out: str | Path | None = None
    relearn: bool = False

    def __post_init__(self) -> None:
        for name in ("repeats", "workers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ScenarioError(
                    [Issue("sweep", 0, name, f"must be a whole number from 1, not {value!r}")]
                )
        if self.time_limit is not None and not self.time_limit > 0:
            raise ScenarioError(
                [Issue("sweep", 0, "time_limit", f"must be above 0, not {self.time_limit!r}")]
            )


def sweep(
    scenario: Scenario,
    axes: Mapping[str, Any] | Sequence[Axis] | None = None,
    *,
    design: Design | None = None,
    samples: int | None = None,
    plan: PlanChoice | None = None,
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Sweep:
    """Ask what if at many points at once.

    Laws are learned once, the scenario is planned once, and its plan is priced under the data of every point; with
    ``plan="anew"`` every point is planned too, from the plan of a point nearby, and is offered the plans of its
    neighbours. What the new data do to the old plan and what planning anew gains stay apart.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to values: ``{"vehicles.fuel_price": ko.grid(1.0, 2.0, 11), "vehicles[name=van].count": [4, 5]}``, or
        :func:`~kanopt.factors` by which what is there is multiplied. Paths are those of :meth:`Scenario.set`. Left out,
        what the section ``[sweep]`` of the file says, and so are design, samples and plan.
    design
        ``"grid"`` (left out, where axes are given), ``"list"`` or ``"latin"``; see
        :func:`~kanopt.whatif.axes.design_points`.
    samples
        Points of a Latin hypercube.
    plan
        ``"anew"`` (left out, where axes are given); ``"kept"``: the base's plan at every point; ``"today"``: today's
        plan, and nothing is solved.
    options
        Seeds, limits, workers and where results go.
    progress
        Called with each stage.

    Returns
    -------
    Sweep
        After Ctrl-C with the points until then.

    Raises
    ------
    ScenarioError
        If a path, a value or the design is none, or the first point cannot be made. A point whose data contradict
        themselves later is told of as refused.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_city.toml")           # doctest: +SKIP
    >>> prices = {"vehicles.fuel_price": ko.grid(1.0, 2.0, 11)}         # doctest: +SKIP
    >>> print(ko.sweep(base, prices, plan="kept"))                      # doctest: +SKIP
    """
    options, report, start = options or SweepOptions(), progress or ignore_event, time.perf_counter()
    asked = _asked(scenario, design, samples, plan, is_given=axes is not None)
    read = read_axes(axes) if axes is not None else asked.axes()
    plan = asked.plan
    seed = scenario.seed if options.seed is None else options.seed
    points = design_points(read, asked.design, samples=asked.samples, seed=seed)
    prepared = prepare(scenario, read, options, report)
    question = prepared.question(read, points, anew=plan == "anew")
    words = _question_words(question, prepared.laws, plan)
    store = None if options.out is None else SweepStore(Path(options.out), words)
    base = base_result(prepared, plan, report)
    made = _SweepRun(question, prepared.problem, base, options.workers, report, store)
    interrupted = base.interrupted or not made.run()
    return Sweep(
        scenario=scenario,
        axes=read,
        design_points=question.points,
        base=base,
        results=tuple(made.results[number] for number in sorted(made.results)),
        anew=question.anew,
        priced_by=made.priced_by,
        interrupted=interrupted,
        seconds=time.perf_counter() - start,
    )


def _asked(
    scenario: Scenario, design: Design | None, samples: int | None, plan: PlanChoice | None, *, is_given: bool
) -> SweepSpec:
    """Return how it is asked: as given in Python, else as the file says.

    Raises
    ------
    ScenarioError
        If neither says what is varied, or a word is none.
    """
    if not is_given and scenario.sweep_spec is None:
        message = "nothing is varied: name paths and their values, or write a section [sweep]"
        raise ScenarioError([Issue(str(scenario.path), 0, "sweep", message)])
    if plan is not None and plan not in _PLANS:
        raise ScenarioError(
            [Issue("sweep", 0, "plan", f"unknown word {plan!r}; {nearest(str(plan), _PLANS)}")]
        )
    known = SweepSpec() if scenario.sweep_spec is None or is_given else scenario.sweep_spec
    given = {"design": design, "samples": samples, "plan": plan}
    return known.model_copy(update={name: value for name, value in given.items() if value is not None})


def _question_words(
    question: SweepQuestion, laws: Mapping[str, LearnedLaw], plan: PlanChoice
) -> dict[str, Any]:
    """Return what tells one sweep from another: a folder holds the results of one."""
    import hashlib

    from kanopt.tables import report_of

    scenario = question.scenario
    texts = {name: hashlib.sha256(law.formula.to_json().encode()).hexdigest() for name, law in laws.items()}
    return {
        "scenario": scenario.name,
        "files": {doc.path.name: doc.sha256 for doc in scenario.layers.documents},
        "tables": {name: report_of(frame).sha256 for name, frame in scenario.tables.items()},
        "changes": [str(change) for change in scenario.changes],
        "laws": texts,
        "axes": [asdict(axis) for axis in question.axes],
        "points": [list(point) for point in question.points],
        "plan": plan,
        "seed": question.seed,
        "time limit": question.time_limit,
        "repeats": question.repeats,
        "kanopt": environment()["kanopt"],
    }


@dataclass(frozen=True, eq=False)
class _Task:
    """One point for a worker."""

    question: SweepQuestion
    point: int
    kept: Plan | None
    starts: tuple[Any, ...] = ()
    own: PointResult | None = None
    others: Mapping[int, Any] | None = None


def _do(task: _Task) -> PointResult:
    """Do what a task asks; workers call it."""
    if task.own is not None:
        return exchange_plans(task.question, task.own, task.others or {})
    return solve_point(task.question, task.point, task.kept, task.starts)


class _SweepRun:
    """A sweep under way: which points are done, and what comes next."""

    def __init__(
        self,
        question: SweepQuestion,
        problem: Problem[Any],
        base: Result,
        workers: int,
        report: OnEvent,
        store: SweepStore | None,
    ) -> None:
        self.question, self.problem, self.base = question, problem, base
        self.workers, self.report, self.store = workers, report, store
        self.results: dict[int, PointResult] = {} if store is None else dict(store.done)
        self.priced_by: PricedBy | None = None
        self._began = self._flushed = time.perf_counter()
        self._stop = Interrupt()
        self._before = len(self.results)

    def run(self) -> bool:
        """Do every point that is not done; return whether it came to the end."""
        if self._before:
            self.report(
                Event("solve", f"{count_text(self._before, 'point')} from {self.store and self.store.folder}")
            )
        try:
            with Interrupt() as stop:
                self._stop = stop
                if self.question.anew:
                    self._plan_anew()
                else:
                    self._price()
        except KeyboardInterrupt:
            return False
        finally:
            self._flush()
        return True

    def _price(self) -> None:
        """Price the kept plan everywhere."""
        left = [point for point in range(len(self.question.points)) if point not in self.results]
        plan = self.base.plan
        if plan is None or not left:
            return
        self.priced_by = way_of_pricing(self.question, self.problem, plan)
        priced = None
        if self.priced_by is PricedBy.AT_ONCE:
            priced = price_at_once(self.question, self.problem, plan, left)
        if priced is None:
            self._do([_Task(self.question, point, plan) for point in left])
            return
        for result in priced:
            self._take(result)

    def _plan_anew(self) -> None:
        """Plan every point from one nearby, wave after wave, then offer each the plans of its neighbours."""
        for wave in _waves(parents(self.question.points)):
            tasks = []
            for point, parent in wave:
                if point not in self.results:
                    start = None if parent is None else self.results[parent].plan
                    starts = () if start is None else (start,)
                    tasks.append(_Task(self.question, point, self.base.plan, starts))
            self._do(tasks)
        self._do(list(self._exchanges()))

    def _exchanges(self) -> Iterator[_Task]:
        """Yield the points that a plan of a neighbour may be better for."""
        place = coordinates(self.question.points)
        for point, own in sorted(self.results.items()):
            if own.proved or own.message or own.plan_of is not None:
                continue
            away = np.abs(place - place[point]).sum(axis=1)
            near = [int(other) for other in np.argsort(away, kind="stable") if other != point][:_NEIGHBOURS]
            plans = {
                other: self.results[other].plan for other in near if self.results[other].plan is not None
            }
            if plans:
                yield _Task(self.question, point, None, own=own, others=plans)

    def _do(self, tasks: Sequence[_Task]) -> None:
        numbers = [task.point for task in tasks]
        done = run_tasks(
            _do, tasks, workers=self.workers, number_of=lambda found: found.point, numbers=numbers
        )
        # while workers are at work this process waits, and what is done is kept already: it may stop at once
        with Interrupt(keeps=self.workers == 1):
            for result in done:
                self._take(result)
                if self._stop.asked:
                    raise KeyboardInterrupt

    def _take(self, result: PointResult) -> None:
        self.results[result.point] = result
        if self.store is not None:
            self.store.add(result)
        now = time.perf_counter()
        if now > self._flushed + _FLUSH_SECONDS:
            self._flush()
            self.report(Event("solve", self._progress(now), transient=True))

    def _flush(self) -> None:
        self._flushed = time.perf_counter()
        if self.store is not None:
            self.store.flush()

    def _progress(self, now: float) -> str:
        done, count = len(self.results), len(self.question.points)
        rate = (done - self._before) / (now - self._began)
        left = f", {seconds_text((count - done) / rate)} left" if rate > 0 and done < count else ""
        best = min(self.results.values(), key=lambda found: found.rank)
        price = money_text(best.objective, self.problem.unit)
        return f"{done:,} of {count_text(count, 'point')}{left}; cheapest {price}"


def _waves(order: Sequence[tuple[int, int | None]]) -> Iterator[list[tuple[int, int | None]]]:
    """Yield points that can be solved side by side, since those they start from were solved before."""
    level: dict[int, int] = {}
    waves: dict[int, list[tuple[int, int | None]]] = {}
    for point, parent in order:
        level[point] = 0 if parent is None else level[parent] + 1
        waves.setdefault(level[point], []).append((point, parent))
    for number in sorted(waves):
        yield waves[number]
