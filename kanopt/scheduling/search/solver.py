"""Scheduling: local search and CP-SAT on a grid of time steps; a good schedule, and a lower bound on the law."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import ortools

from kanopt.array_types import Floats, Integers
from kanopt.engines.base import Outcome, SolveOptions, Solver, Termination, asks_to_stop
from kanopt.engines.compiled.library import why_no_kernel
from kanopt.engines.cpsat import (
    CpSatResult,
    SearchGoal,
    SearchLimits,
    complete_hint,
    run_cpsat,
)
from kanopt.engines.highs import HighsOptions, run_highs
from kanopt.errors import ProblemError, SolverError
from kanopt.interrupt import Interrupt
from kanopt.plans.base import Plan, Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Progress
from kanopt.scheduling import Schedule
from kanopt.scheduling.days import SHARE, in_time_on_days, knows_errors
from kanopt.scheduling.dispatch import dispatch_greedily, remaining_work, repair_starts
from kanopt.scheduling.plan import assignment_positions
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.search.grid import (
    SLACK,
    TimeGrid,
    choose_step,
    due_sooner,
    is_exact,
    least_regular,
    lower,
    relax,
)
from kanopt.scheduling.search.local_search import Annealing, KeySearch, ShopSearch, knows_rules
from kanopt.scheduling.search.model import ScheduleModel, model_size, work_per_second
from kanopt.text import amount_text

_GLANCE_SHARE, _FIRST_SHARE, _ANNEAL_SHARE, _IMPROVE_SHARE = 0.05, 0.15, 0.5, 0.05
_FIRST_PER_TASK, _FIRST_PER_TASK_PRICES = 0.04, 0.01
"""Seconds: what CP-SAT does not solve in that time takes it much longer."""
_SLICE_SHARE, _SLICE_PER_TASK = 0.4, 0.05
"""Share of the time and seconds for each task, at most, of a neighbourhood search of a project before it is judged."""
_KEYS_SHARE, _SMALL_PROJECT = 0.75, 40
"""Share of the time in which a project is searched by keys; tasks up to which most are proved, so that once will do."""
_EARLY_SHARE, _REGULAR_SHARE, _RELAXED_SHARE = 0.6, 0.75, 0.9
_SMALL, _SMALL_SHARE, _LARGE_SHARE = 120, 0.75, 0.3
"""Tasks up to which proofs end soon; their share of the time there, and where there are more."""
_LEAST_SECONDS = 0.5  # in which HiGHS starts and does something
_PAUSE = 0.2
"""Seconds between two schedules that local search offers: each is checked by the referee."""
_LARGEST_MODEL = 30_000
"""Of tasks and prices that may meet, and pairs of tasks that may follow each other: about a second to build."""
_MOST_NEAR, _NEAR = 12, 1.1
"""Schedules that are driven on days beside the best one of a search: the last ones that cost at most so much more."""
_NOISE = 0.2
_WORK = 200
"""Tasks timed for each task, and each of its modes, by each rule of dispatching."""
_OPTIMAL_GAP = 1e-4
"""Share of the price by which a bound may lie below it where nothing better is looked for."""
_MISCOUNTED = "{} counts {:.0f} for a schedule that costs {} on its grid"


class CpSatScheduling(Solver):
    """Local search and CP-SAT on a grid of time steps.

    Schedules are dispatched first, so that there is a plan from the start, and improved by simulated annealing in
    compiled code, which knows every rule. For a tenth of the time limit CP-SAT tries to solve the problem outright.
    Then local search goes on, CP-SAT improves its best schedule by large neighbourhood search, and the rest of the time
    is for the lower bound; each takes less where it ends by itself. In CP-SAT makespan and tardiness come first and the
    whole cost after them, since energy is easily moved once the order of tasks is good; what was proved of the first
    part is a rule for the second. The horizon leaves out what is dearer than the best schedule so far. Where times are
    no multiples of the step, schedules come from the safe grid and bounds from the relaxed one. Networks of tasks and
    resources, which compiled code does not know, are searched by random keys instead. Where there is no compiled code,
    CP-SAT starts from greedy schedules, and its neighbourhood search gets the time of the local one.

    Where every search ends by itself, and where the time limit counts work (CP-SAT's deterministic time), the same seed
    gives the same plan.

    Examples
    --------
    >>> from kanopt.scheduling import Job, Machine, Mode, Task
    >>> problem = SchedulingProblem(
    ...     jobs=[Job("j1"), Job("j2")], tasks=[Task("a", "j1"), Task("b", "j2")], machines=[Machine("saw")],
    ...     modes=[Mode("a", "saw", duration=8.0), Mode("b", "saw", duration=4.0)], makespan_cost=1.0)
    >>> outcome = CpSatScheduling().solve(problem, SolveOptions(time_limit=5))
    >>> outcome.status.value, outcome.objective, outcome.bound
    ('optimal', 12.0, 12.0)
    """

    @property
    def name(self) -> str:
        """Name and version."""
        cpsat = f"OR-Tools CP-SAT {ortools.__version__}"
        return cpsat if why_no_kernel() else f"{cpsat} + local search"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a scheduling problem, else why it does not fit."""
        if isinstance(problem, SchedulingProblem):
            return ""
        return f"solves scheduling problems, not {problem.kind}"

    def solve(self, problem: SchedulingProblem, options: SolveOptions) -> Outcome:
        """Search; every schedule that is found is one on the safe grid, or was moved there."""
        began = options.clock.now()
        if len(set(problem.data.structure.mode_task.tolist())) < len(problem.data.tasks):
            message = "a task has no machine that can run it"
            return Outcome(None, Status.INFEASIBLE, None, None, 0.0, message=message)
        step = choose_step(problem)
        safe = lower(problem, step, "safe")
        relaxed = safe if is_exact(problem, step) else lower(problem, step, "relaxed")
        with Interrupt() as interrupt:
            return _Run(problem, (safe, relaxed), options, interrupt, began).run()

    def reserve(self, problem: SchedulingProblem, options: SolveOptions) -> float:
        """Return the share of time in which a schedule is chosen that is in time on enough days."""
        return (
            SHARE if options.days_in_time is not None and knows_errors(problem, options.uncertainty) else 0.0
        )

    def finish(self, problem: SchedulingProblem, outcome: Outcome, options: SolveOptions) -> Outcome:
        """Return a schedule that is in time on enough days."""
        if outcome.plan is None or not self.reserve(problem, options):
            return outcome
        grid = lower(problem, choose_step(problem))
        quiet = replace(options, progress=None)

        def search(due: Floats, longer: float, plan: Schedule, seconds: float) -> list[Schedule]:
            with Interrupt() as interrupt:
                strict = due_sooner(grid, due, longer)
                run = _Run(problem, (strict, strict), quiet, interrupt, options.clock.now())
                return [] if interrupt.asked else run.go_on(plan, seconds)

        return in_time_on_days(problem, outcome, options, search)


class _Candidate(NamedTuple):
    """A schedule on the safe grid and its cost there."""

    modes: Integers
    starts: Integers
    cost: int


class _Run:
    """One call of solve: the searches, and the best schedule so far.

    Parameters
    ----------
    problem, options, interrupt
        The problem, how to search, and whether the user asks to stop.
    grids
        The safe grid, a schedule on which is one on the law; and the relaxed one, a bound on which is one on the law,
        the same where times are multiples of the step.
    began
        When the time limit began.
    """

    def __init__(
        self,
        problem: SchedulingProblem,
        grids: tuple[TimeGrid, TimeGrid],
        options: SolveOptions,
        interrupt: Interrupt,
        began: float,
    ) -> None:
        self.problem, self.options, self.interrupt, self.began = problem, options, interrupt, began
        self.safe, self.relaxed = grids
        self.exact, self.shares = self.relaxed is self.safe, bool(self.safe.timing.need.any())
        self.knows_rules = knows_rules(self.safe)
        # the makespan on the grid counts from step 0
        self.head_start = problem.makespan_cost * problem.begins
        self.best: _Candidate | None = None
        self.found: deque[_Candidate] = deque(maxlen=_MOST_NEAR)
        self.bound: float | None = None
        self.regular_bound, self.regular_is_best = least_regular(self.relaxed), False
        self.history: list[Progress] = []
        searched = self.knows_rules and not why_no_kernel()
        self.local = ShopSearch(self.safe, options.seed) if searched else None
        self._looked = self._elapsed()

    def run(self) -> Outcome:
        """Search until the time is over or nothing better is to be found, and return the best schedule."""
        ending = self._searched()
        told: dict[str, Any] = {"history": tuple(self.history), "interrupted": self.interrupt.asked}
        if self.best is None:
            status, message = Status.NO_PLAN, "no schedule was found within the limit"
            if ending is Termination.INFEASIBLE:
                status, message = Status.INFEASIBLE, "CP-SAT proved that there is no schedule"
            elif self.interrupt.asked:
                message = "stopped before a first schedule was found"
            return Outcome(None, status, None, None, 0.0, message=message, **told)
        step = amount_text(self.safe.step, self.problem.units.time, 6)
        how = ", of which every time is a multiple" if self.exact else "; times rounded to the safe side"
        how += "" if self.knows_rules else "; without local search, which knows no networks or resources"
        return Outcome(
            self._schedule(self.best),
            Status.OPTIMAL if self._is_proved else Status.FEASIBLE,
            objective=self.best.cost / self.safe.scale - self.head_start,
            # the caller subtracts the rounding bound again
            bound=None if self.bound is None else self.bound + self.safe.slack - self.head_start,
            rounding_bound=self.safe.slack,
            message=f"planned in steps of {step}{how}",
            **told,
        )

    def go_on(self, plan: Schedule, seconds: float) -> list[Schedule]:
        """Search from a schedule on, without a look at bounds; return the best one, and what was met near it."""
        near = deque[_Candidate](maxlen=_MOST_NEAR)
        self._offer_moved(*self._on_grid(plan))
        if self.best is None:
            return []
        if (local := self.local) is not None:

            def look() -> bool:
                if local.report.over == 0 and local.report.cost <= _NEAR * local.report.best_cost:
                    near.append(_Candidate(*local.current(), local.report.cost))
                return self.interrupt.asked

            local.begin(self.best.modes, self.best.starts)
            Annealing(local, self.options.clock, look).run(seconds)
            self._look(at_once=True)
        else:
            self._improve(seconds)
        found = {each.cost: each for each in (self.best, *reversed(near), *reversed(self.found))}
        return list(map(self._schedule, found.values()))

    def _searched(self) -> Termination:
        """Search, and return how the last search of CP-SAT ended."""
        self._start()
        self._raise_bound(self.regular_bound + self.relaxed.least_energy())
        limit, tasks = self.options.time_limit, len(self.problem.data.tasks)
        self._anneal(_GLANCE_SHARE * limit)
        first = self.safe if self.local is None else self.relaxed
        per_task = _FIRST_PER_TASK_PRICES if len(self.safe.costs.edges) > 2 else _FIRST_PER_TASK
        ending = self._minimise(first, min(_FIRST_SHARE * limit, per_task * tasks), SearchGoal.SOLVE)
        is_known = ending is not Termination.LIMIT and first is self.relaxed
        if not self.knows_rules:
            self._search_keys(_KEYS_SHARE * limit)
            self._improve_while_it_gains(min(_SLICE_SHARE * limit, _SLICE_PER_TASK * tasks))
        elif ending is Termination.LIMIT or not (self.exact or self.best is None):
            self._anneal(_ANNEAL_SHARE * limit)
            self._improve(_IMPROVE_SHARE * limit if self.local else _ANNEAL_SHARE * limit)
        if not (self._is_over or is_known):
            ending = self._minimise(self.relaxed, limit - self._elapsed(), SearchGoal.PROVE)
            if ending is Termination.LIMIT:
                self._anneal(limit - self._elapsed())
        return ending

    @property
    def _is_over(self) -> bool:
        """Whether nothing better is to be found, or the user asked to stop once there is a schedule."""
        return self._is_proved or self.interrupt.should_stop(found=self.best is not None)

    @property
    def _is_proved(self) -> bool:
        """Whether the bound has met the best schedule."""
        if self.best is None or self.bound is None:
            return False
        objective = self.best.cost / self.safe.scale
        return objective - self.bound <= _OPTIMAL_GAP * max(abs(objective), 1e-9)

    def _elapsed(self) -> float:
        return self.options.clock.now() - self.began

    def _start(self) -> None:
        """Offer dispatched schedules, and the user's."""
        if self.local is None:
            for modes, starts in dispatched(self.safe):
                self._offer(modes, starts)
        else:
            dispatch(self.local)
            self._look(at_once=True)
        self._offer_plan(self.options.initial)

    def _anneal(self, seconds: float) -> None:
        """Search locally."""
        if self.local is not None and not self._is_over:
            Annealing(self.local, self.options.clock, self._look).run(seconds)
            self._look(at_once=True)

    def _look(self, *, at_once: bool = False) -> bool:
        """Offer what local search has found, some times a second; return whether to stop."""
        assert self.local is not None  # who calls this has it
        found = self.local.report
        is_better = found.best_over == 0 and (self.best is None or found.best_cost < self.best.cost)
        if is_better and (at_once or self._elapsed() - self._looked >= _PAUSE):
            modes, starts = self.local.best()
            if (cost := self.safe.cost(modes, starts)) != found.best_cost:
                raise SolverError(_MISCOUNTED.format("local search", found.best_cost, cost))
            self._offer(modes, starts)
            self._looked = self._elapsed()
        return self._is_over

    def _offer(self, modes: Integers, starts: Integers) -> None:
        """Accept a schedule that was not made by the solver, where it holds on the law."""
        made = _Candidate(modes, starts, self.safe.cost(modes, starts))
        if self.problem.check(self._schedule(made)).ok:
            self._accept(made)

    def _offer_moved(self, modes: Integers, wanted: Integers) -> None:
        """Accept a schedule with starts on the safe grid that are no earlier than wanted, where there are such."""
        starts = repair_starts(self.safe.structure, self.safe.timing, modes, wanted.astype(np.float64))
        if starts is not None:
            self._offer(modes, starts.astype(np.int64))

    def _offer_plan(self, given: Plan | None) -> None:
        """Accept a schedule of the user's, where it names what there is and keeps every rule."""
        try:
            if not (isinstance(given, Schedule) and self.problem.check(given).ok):
                return
        except ProblemError:  # made for other data, it may name modes that are no more
            return
        self._offer(*self._on_grid(given))

    def _on_grid(self, plan: Schedule) -> tuple[Integers, Integers]:
        """Return the mode of each task in a schedule, and its start in steps."""
        tasks, _, modes = assignment_positions(self.problem.data, plan.assignments)
        starts, place = np.array([row.start for row in plan.assignments]), np.argsort(tasks)
        return modes[place], np.rint(starts[place] / self.safe.step).astype(np.int64)

    def _schedule(self, found: _Candidate) -> Schedule:
        """Return a schedule in clock times."""
        return self.problem.schedule(found.modes, found.starts.astype(np.float64) * self.safe.step)

    def _accept(self, made: _Candidate) -> None:
        """Store and report a schedule if it is the best so far."""
        if self.best is not None and made.cost >= self.best.cost:
            return
        self.best = made
        self.found.append(made)
        bound = None if self.bound is None else self.bound - self.head_start
        progress = Progress(self._elapsed(), made.cost / self.safe.scale - self.head_start, bound)
        self.history.append(progress)
        if asks_to_stop(self.options.progress, progress):
            self.interrupt.ask()

    def _raise_bound(self, cost: float) -> None:
        """Turn a bound on a grid's cost into one on the law, and keep the highest."""
        if np.isfinite(cost):
            bound = cost / self.relaxed.scale - self.relaxed.slack
            self.bound = bound if self.bound is None else max(self.bound, bound)

    def _shortened(self, grid: TimeGrid) -> TimeGrid:
        """Return a grid that leaves out what is dearer than the best schedule so far."""
        return grid if self.best is None else grid.shortened(grid.cost(self.best.modes, self.best.starts))

    def _minimise(self, grid: TimeGrid, seconds: float, goal: SearchGoal) -> Termination:
        """Search a grid: makespan and tardiness first, then the whole cost; return how it ended.

        To prove something, the first part leaves setups out: what holds without them holds with them.
        """
        until, proves = self._elapsed() + seconds, goal is SearchGoal.PROVE
        floor = self.regular_bound if grid is self.relaxed else 0
        if proves and self.best is not None:
            self._bound_energy(_EARLY_SHARE * seconds)
        easier = proves and bool(grid.timing.setup.any())
        if grid.has_regular_cost and (grid.costs.energy.any() or easier):
            part = grid.without_setups() if easier else grid
            ask = self._prove_regular if proves else self._search
            found = ask(part, None, goal, _REGULAR_SHARE * seconds)
            if found.termination is Termination.INFEASIBLE or self._is_over:
                return found.termination
            self.regular_is_best |= found.termination is Termination.OPTIMAL and not easier
            if np.isfinite(found.bound):  # not where the model was too large
                floor = max(floor, round(found.bound))
            if grid is self.relaxed:
                self.regular_bound = floor
                self._raise_bound(floor + self._shortened(part).least_energy())
                if proves:
                    self._bound_energy(_RELAXED_SHARE * (until - self._elapsed()))
        ask = self._search if grid.costs.energy.any() or not proves else self._prove_regular
        return ask(grid, floor, goal, until - self._elapsed()).termination

    def _prove_regular(
        self, grid: TimeGrid, floor: int | None, goal: SearchGoal, seconds: float
    ) -> CpSatResult:
        """Search as a whole, which ends soon in small shops, then at the lower bound, which rises in large ones."""
        if self.shares:
            return self._search(grid, floor, goal, seconds, raises_bound=True)
        until = self._elapsed() + seconds
        share = _SMALL_SHARE if len(self.problem.data.tasks) <= _SMALL else _LARGE_SHARE
        found = self._search(grid, floor, goal, share * seconds)
        if found.termination is not Termination.LIMIT or self._is_over:
            return found
        raised = self._search(grid, floor, goal, until - self._elapsed(), raises_bound=True)
        return raised if raised.bound > found.bound else found

    def _bound_energy(self, seconds: float) -> None:
        """Raise the bound by a linear relaxation that sees when power is cheap.

        HiGHS counts no work, so that a limit in work has no such bound.
        """
        grid = self._shortened(self.relaxed)
        if self.options.deterministic or len(grid.costs.edges) == 2 or seconds < _LEAST_SECONDS:
            return
        known = float(grid.cost(self.best.modes, self.best.starts)) if self.best is not None else np.inf
        # of 480 tasks at 48 prices: 2.7 CPU seconds by interior points, more than 20 by the simplex method
        options = HighsOptions(seconds, self.options.seed, has_plan=True, method="ipm")
        found = run_highs(relax(grid, self.regular_bound), options)
        if found.bound is not None and found.termination is Termination.OPTIMAL:
            # the grid leaves out what is dearer than the best schedule
            self._raise_bound(min(known, grid.scale * (found.bound - SLACK * max(1.0, abs(found.bound)))))

    def _search_keys(self, seconds: float) -> None:
        """Search the orders in which tasks are placed, from the best schedule again and again where proofs are rare."""
        until, is_small, rounds = self._elapsed() + seconds, len(self.problem.data.tasks) <= _SMALL_PROJECT, 0
        while not self._is_over and self._elapsed() < until and not (rounds and is_small):
            if self.best is None or not KeySearch.fits(self.safe, self.best.starts, self.best.modes):
                return
            modes = self.best.modes

            def offer(found: Integers, cost: int, modes: Integers = modes) -> bool:
                if self.best is None or cost < self.best.cost:
                    self._offer(modes, found)
                return self._is_over

            search = KeySearch(self.safe, modes, self.best.starts, self.options.seed + rounds)
            search.run(self.options.clock, until - self._elapsed(), offer)
            rounds += 1

    def _improve_while_it_gains(self, seconds: float) -> None:
        """Improve the best schedule again and again for some seconds, until that is in vain or the time is over."""
        before = None
        while not self._is_over and self.best is not before and self._elapsed() < self.options.time_limit:
            before = self.best
            self._improve(min(seconds, self.options.time_limit - self._elapsed()))

    def _improve(self, seconds: float) -> None:
        """Improve the best schedule by neighbourhood search: makespan and tardiness first, then the whole cost."""
        until = self._elapsed() + seconds
        if self.best is None or model_size(self.safe, whole=True) > _LARGEST_MODEL:
            return
        if self.safe.costs.energy.any() and self.safe.has_regular_cost and not self.regular_is_best:
            self._search(self.safe, None, SearchGoal.IMPROVE, _REGULAR_SHARE * seconds)
        self._search(self.safe, 0, SearchGoal.IMPROVE, until - self._elapsed())

    def _search(
        self,
        grid: TimeGrid,
        floor: int | None,
        goal: SearchGoal,
        seconds: float,
        *,
        raises_bound: bool = False,
    ) -> CpSatResult:
        """Run CP-SAT from the best schedule so far, and keep what it finds.

        Parameters
        ----------
        grid
            What is searched, shortened to what can beat the best schedule. Schedules on another grid than the safe one
            are moved there.
        floor
            A proven lower bound on makespan plus tardiness; None to minimise only these.
        goal, seconds, raises_bound
            What the search is for, how long it takes, and as in :class:`~kanopt.engines.cpsat.SearchLimits`.
        """
        until, on_safe_grid, grid = self._elapsed() + seconds, grid is self.safe, self._shortened(grid)
        if self._is_over or model_size(grid, whole=floor is not None) > _LARGEST_MODEL:
            return CpSatResult(Termination.LIMIT, None, -np.inf)
        model = ScheduleModel(grid)
        if model.impossible:
            return CpSatResult(Termination.INFEASIBLE, None, np.inf)
        model.minimise(floor)
        has_energy = bool(grid.costs.energy.any())
        with_energy = floor is not None and has_energy
        # where energy counts too, the best schedule is far from the one of the least makespan and tardiness
        if self.best is not None and (with_energy or not has_energy or goal is not SearchGoal.PROVE):
            model.hint(self.best.modes, self.best.starts)
            self.options.clock.spend(complete_hint(model.model, until - self._elapsed()))
        bounding = floor is not None and (self.exact or not on_safe_grid)

        def on_solution(values: tuple[int, ...], objective: float, bound: float) -> None:
            modes, starts = model.read(values)
            cost = grid.cost(modes, starts)
            if floor is not None and objective < cost - 0.5:
                raise SolverError(_MISCOUNTED.format("CP-SAT", objective, cost))
            if bounding:
                self._raise_bound(bound)
            if on_safe_grid:
                self._accept(_Candidate(modes, starts, cost))
                return
            self._offer_moved(modes, starts)

        limits = SearchLimits(
            until - self._elapsed(),
            self.options.seed,
            self.options.workers,
            self.options.deterministic,
            # of several strategies in turns none gets far where resources are shared
            SearchGoal.PROVE if self.shares and goal is SearchGoal.SOLVE else goal,
            # linear programmes help with energy alone: without them a job shop of 10 × 10 is proved in seconds
            linearization=None if with_energy else 0,
            raises_bound=raises_bound,
            orders=goal is not SearchGoal.IMPROVE and not (with_energy or raises_bound),
            overloads=self.shares and raises_bound,
            work_per_second=work_per_second(grid, whole=with_energy),
        )
        found = run_cpsat(
            model.model,
            limits,
            model.solution_variables,
            self.interrupt,
            on_solution,
            has_plan=self.best is not None,
        )
        self.options.clock.spend(found.work)
        if bounding:
            self._raise_bound(found.bound)
        return found


def _priorities(grid: TimeGrid) -> list[Floats | None]:
    """Return priorities of the tasks, smallest first: the soonest end, the most work left, the least slack."""
    left = remaining_work(grid.structure, grid.timing)
    due = grid.timing.due[grid.structure.task_job]
    return [None, -left, *([due - left] if np.isfinite(due).any() else [])]


def dispatched(grid: TimeGrid) -> Iterator[tuple[Integers, Integers]]:
    """Yield the schedule of each rule that finds one."""
    for priority in _priorities(grid):
        greedy = dispatch_greedily(grid.structure, grid.timing, priority)
        if greedy is not None:
            yield greedy[0], greedy[1].astype(np.int64)


def dispatch(search: ShopSearch) -> None:
    """Dispatch by every rule, and many times with priorities moved at random."""
    grid = search.shop.grid
    work = _WORK * len(grid.structure.mode_task)
    for priority in _priorities(grid):
        keys = np.zeros(len(grid.structure.task_job)) if priority is None else priority
        keys = np.where(np.isfinite(keys), keys, np.max(keys[np.isfinite(keys)], initial=0.0) + 1.0)
        search.dispatch(keys, _NOISE * max(1.0, float(np.ptp(keys))), work)
