"""A scheduling grid as a CP-SAT model.

Energy at a price that changes with time is encoded by overlaps: for every mode and every piece of constant price, how
many steps of the piece the task covers. A Boolean per task and piece says whether the task may touch the piece and
bounds the overlap by the distances from start and end; since the overlaps must add up to the duration, and the pieces
cover the whole horizon, no other value than the true overlap is left.

Overlaps are bounded further by what a machine and a job can do in a piece, and makespan plus tardiness by a bound of
their own. Incremental pieces of each mode's cost of starting, and one Boolean per segment of it with an enforced cost,
were tried on 28 tasks, 75 modes and 48 prices; in the same time both left the larger gap.

The model is kanopt's own. PyJobShop (0.0.9) says more rules, but neither prices by time nor setups that are remembered
over tasks without a family; it takes no lower bound of ours, and tells of no plan before its search is over. It stays a
peer in the benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from kanopt.array_types import Integers
from kanopt.engines.cpsat import WORK_PER_SECOND
from kanopt.scheduling.search.grid import TimeGrid, task_windows

_QUICK_MACHINE = 8
"""Of so many modes on a machine CP-SAT counts about as much work as it does."""
_QUICK_PROJECT = 4.0
"""How many times as much work CP-SAT counts in a second where resources are shared."""


class ScheduleModel:
    """Variables and rules of a grid; the objective is added by :meth:`minimise`.

    Parameters
    ----------
    grid
        What is to be scheduled, in whole steps.

    Attributes
    ----------
    impossible
        Whether a task cannot fit before the horizon, so that the model must not be solved.
    """

    def __init__(self, grid: TimeGrid) -> None:
        self.grid = grid
        self.model = cp_model.CpModel()
        self.impossible = False
        self.duration = grid.timing.duration.astype(np.int64)
        of_task, tasks = grid.structure.mode_task, range(len(grid.structure.task_job))
        self.modes_of = [np.flatnonzero(of_task == task).tolist() for task in tasks]
        self.earliest, self.latest = task_windows(grid)
        starts = zip(self.earliest.tolist(), self.latest.tolist(), strict=True)
        self.start = [self._variable(low, high) for low, high in starts]
        self.end = [self._variable(low, grid.horizon) for low in self.earliest.tolist()]
        self.present = [self.model.new_bool_var("") for _ in grid.structure.mode_task]
        self._link_tasks()
        for machine in np.flatnonzero(grid.structure.one_at_a_time).tolist():
            self._add_machine(machine)
        self._add_resources()
        self.regular: list[tuple[Any, int]] = self._regular_terms()

    def _variable(self, low: int, high: int) -> Any:
        if low > high:
            # CP-SAT wants a domain that is not empty
            self.impossible = True
            high = low
        return self.model.new_int_var(low, high, "")

    def _link_tasks(self) -> None:
        """Choose one mode per task, and start each after those that it comes after."""
        at, model = self.grid.structure, self.model
        for task, modes in enumerate(self.modes_of):
            chosen = [self.present[mode] for mode in modes]
            model.add_exactly_one(chosen)
            long = cp_model.LinearExpr.weighted_sum(chosen, self.duration[modes].tolist())
            model.add(self.end[task] == self.start[task] + long)
            for earlier in at.before[task].tolist():
                model.add(self.start[task] >= self.end[earlier])
                for mode in self.modes_of[earlier]:
                    if np.isfinite(follow := self.grid.timing.follow[mode]):
                        latest = self.start[earlier] + int(follow)
                        model.add(self.start[task] <= latest).only_enforce_if(self.present[mode])

    def _add_machine(self, machine: int) -> None:
        """Let a machine run one task at a time, within its windows, with setups between tasks."""
        at, timing, model = self.grid.structure, self.grid.timing, self.model
        modes = np.flatnonzero(at.mode_machine == machine)
        intervals = [self._occupied(mode, begin=self.start[at.mode_task[mode]]) for mode in modes.tolist()]
        closed = _closed(timing.opens[machine], timing.closes[machine], self.grid.horizon)
        intervals += [model.new_fixed_size_interval_var(start, end - start, "") for start, end in closed]
        model.add_no_overlap(intervals)
        if len(modes) and timing.setup[machine].any():
            setup = timing.setup[machine].astype(np.int64)
            has_family = at.task_family[at.mode_task[modes]] > 0
            if not has_family.all():
                self._add_changeovers(machine, modes[has_family], modes[~has_family], setup)
            elif self._is_direct(modes, setup):
                self._add_disjunctions(machine, modes, setup)
            else:
                self._add_circuit(machine, modes, setup)

    def _add_resources(self) -> None:
        """Let no more of a resource be needed at any time than there is."""
        at, timing = self.grid.structure, self.grid.timing
        for place, capacity in enumerate(timing.capacity.astype(np.int64).tolist()):
            need = timing.need[:, place].astype(np.int64)
            modes = np.flatnonzero(need > 0).tolist()
            intervals = [self._occupied(mode, begin=self.start[at.mode_task[mode]]) for mode in modes]
            if intervals:
                self.model.add_cumulative(intervals, need[modes].tolist(), capacity)

    def _is_direct(self, modes: Integers, setup: Integers) -> bool:
        """Whether no task in between shortens the setup between two others, so that each pair can keep its own."""
        family = self.grid.structure.task_family[self.grid.structure.mode_task[modes]]
        shortest = np.full(len(setup), np.iinfo(np.int64).max // 4)
        np.minimum.at(shortest, family, self.duration[modes])
        around = (setup + shortest[None, :])[:, :, None] + setup[None, :, :]
        return bool((setup[:, None, :] <= around).all())

    def _add_disjunctions(self, machine: int, modes: Integers, setup: Integers) -> None:
        """Keep every pair of tasks on a machine apart by the setup between them, whichever comes first."""
        at, model = self.grid.structure, self.model
        first, family = at.machine_family[machine], at.task_family
        for place, mode in enumerate(modes.tolist()):
            task = at.mode_task[mode]
            initial = int(setup[first, family[task]])
            if initial > 0:
                model.add(self.start[task] >= initial).only_enforce_if(self.present[mode])
            for other in modes[place + 1 :].tolist():
                after = at.mode_task[other]
                forth, back = int(setup[family[task], family[after]]), int(setup[family[after], family[task]])
                if after == task or forth == back == 0:
                    continue
                both, follows = [self.present[mode], self.present[other]], model.new_bool_var("")
                model.add(self.start[after] >= self.end[task] + forth).only_enforce_if([*both, follows])
                model.add(self.start[task] >= self.end[after] + back).only_enforce_if([*both, ~follows])

    def _add_changeovers(self, machine: int, modes: Integers, others: Integers, setup: Integers) -> None:
        """Order the tasks that have a family, and keep those that have none out of the setups between them."""
        at, model = self.grid.structure, self.model
        if not len(modes):
            return
        occupied = [self._occupied(mode, begin=self.start[at.mode_task[mode]]) for mode in others.tolist()]
        for mode, setups in zip(modes.tolist(), self._add_circuit(machine, modes, setup), strict=True):
            task, long = at.mode_task[mode], int(self.duration[mode])
            longest = max((gap for _, gap in setups), default=0)
            begin = model.new_int_var(0, int(self.latest[task]), "")
            size = model.new_int_var(long, long + longest, "")
            model.add(size == long + sum(gap * follows for follows, gap in setups))
            occupied.append(self._occupied(mode, begin, size))
        # breaks are not among them: a setup may run through one
        model.add_no_overlap(occupied)

    def _occupied(self, mode: int, begin: Any, size: Any = None) -> Any:
        """Return when a mode occupies its machine or a resource, from `begin` to the end of its task."""
        long = int(self.duration[mode]) if size is None else size
        end = self.end[self.grid.structure.mode_task[mode]]
        return self.model.new_optional_interval_var(begin, long, end, self.present[mode], "")

    def _add_circuit(self, machine: int, modes: Integers, setup: Integers) -> list[list[tuple[Any, int]]]:
        """Order the tasks on a machine in a circuit, with the setup on every arc; node 0 is before and after.

        Returns
        -------
        list
            Per mode: whether it comes after another or first, and the setup it then needs.
        """
        at, model = self.grid.structure, self.model
        first, family = at.machine_family[machine], at.task_family
        setups: list[list[tuple[Any, int]]] = [[] for _ in modes]
        idle = model.new_bool_var("")
        arcs: list[tuple[int, int, Any]] = [(0, 0, idle)]
        model.add_bool_and([~self.present[mode] for mode in modes]).only_enforce_if(idle)
        for node, mode in enumerate(modes.tolist(), start=1):
            task = at.mode_task[mode]
            arcs.append((node, node, ~self.present[mode]))
            begins, ends = model.new_bool_var(""), model.new_bool_var("")
            arcs += [(0, node, begins), (node, 0, ends)]
            initial = int(setup[first, family[task]])
            setups[node - 1].append((begins, initial))
            if initial > 0:
                model.add(self.start[task] >= initial).only_enforce_if(begins)
            for other, later in enumerate(modes.tolist(), start=1):
                after = at.mode_task[later]
                if after == task:
                    continue
                follows = model.new_bool_var("")
                arcs.append((node, other, follows))
                gap = int(setup[family[task], family[after]])
                setups[other - 1].append((follows, gap))
                model.add(self.start[after] >= self.end[task] + gap).only_enforce_if(follows)
        model.add_circuit(arcs)
        return setups

    def _regular_terms(self) -> list[tuple[Any, int]]:
        """Return makespan and tardiness as variables with their costs."""
        at, timing, costs = self.grid.structure, self.grid.timing, self.grid.costs
        last = np.flatnonzero(at.ends_job)
        ends_of = [
            [self.end[task] for task in last[at.task_job[last] == job].tolist()]
            for job in range(len(timing.due))
        ]
        terms: list[tuple[Any, int]] = []
        if costs.makespan > 0:
            makespan = self._variable(0, self.grid.horizon)
            self.model.add_max_equality(makespan, [end for ends in ends_of for end in ends])
            terms.append((makespan, costs.makespan))
        for job in np.flatnonzero(np.isfinite(timing.due) & (costs.tardiness > 0)).tolist():
            due = int(timing.due[job])
            late = self._variable(0, max(0, self.grid.horizon - due))
            self.model.add_max_equality(late, [0, *(end - due for end in ends_of[job])])
            terms.append((late, int(costs.tardiness[job])))
        return terms

    def minimise(self, regular_bound: int | None) -> None:
        """Make the whole cost the objective.

        Parameters
        ----------
        regular_bound
            A proven lower bound on makespan plus tardiness; it is added as a rule that cuts off nothing. None to
            minimise these alone.
        """
        terms = [*self.regular]
        if regular_bound is not None:
            running = zip(self.present, self.grid.costs.running.tolist(), strict=True)
            terms += [*running, *self._energy_terms()]
        if self.regular and regular_bound:
            self.model.add(_weighted(self.regular) >= regular_bound)
        self.model.minimize(_weighted([(variable, cost) for variable, cost in terms if cost != 0]))

    def _energy_terms(self) -> list[tuple[Any, int]]:
        """Return overlaps of modes and price pieces with their costs, after linking them to the starts."""
        costs = self.grid.costs
        if len(costs.edges) == 2:
            whole = costs.energy[:, 0] * self.duration
            return list(zip(self.present, whole.tolist(), strict=True))
        open_steps = self.grid.open_steps
        terms: list[tuple[Any, int]] = []
        on_machine: dict[tuple[int, int], list[Any]] = {}
        in_job: dict[tuple[int, int], list[Any]] = {}
        for task, modes in enumerate(self.modes_of):
            if not costs.energy[modes].any():
                continue
            rows: dict[int, list[Any]] = {mode: [] for mode in modes}
            for piece in self._pieces_of(task):
                overlaps = []
                for mode in modes:
                    machine = int(self.grid.structure.mode_machine[mode])
                    most = int(min(self.duration[mode], open_steps[machine, piece]))
                    if most <= 0:
                        continue
                    overlap = self.model.new_int_var(0, most, "")
                    if len(modes) > 1:
                        self.model.add(overlap <= most * self.present[mode])
                    overlaps.append(overlap)
                    rows[mode].append(overlap)
                    terms.append((overlap, int(costs.energy[mode, piece])))
                    on_machine.setdefault((machine, piece), []).append(overlap)
                if overlaps:
                    self._bound_overlap(task, piece, overlaps)
                    job = int(self.grid.structure.task_job[task])
                    in_job.setdefault((job, piece), []).extend(overlaps)
            for mode, overlaps in rows.items():
                self.model.add(sum(overlaps) == int(self.duration[mode]) * self.present[mode])
        at, widths = self.grid.structure, np.diff(costs.edges)
        for (machine, piece), overlaps in on_machine.items():
            if at.one_at_a_time[machine]:
                self.model.add(sum(overlaps) <= int(open_steps[machine, piece]))
        for (_, piece), overlaps in in_job.items():
            if at.has_chains:
                self.model.add(sum(overlaps) <= int(widths[piece]))
        return terms

    def _pieces_of(self, task: int) -> Sequence[int]:
        """Return the price pieces that a task can touch."""
        edges = self.grid.costs.edges
        longest = int(self.duration[self.modes_of[task]].max())
        touched = (edges[1:] > self.earliest[task]) & (edges[:-1] < self.latest[task] + longest)
        return [int(piece) for piece in np.flatnonzero(touched)]

    def _bound_overlap(self, task: int, piece: int, overlaps: Sequence[Any]) -> None:
        """Keep the overlap of a task with a piece at what start and end allow."""
        low, high = int(self.grid.costs.edges[piece]), int(self.grid.costs.edges[piece + 1])
        model, total = self.model, sum(overlaps)
        touches = model.new_bool_var("")
        model.add(self.start[task] <= high - 1).only_enforce_if(touches)
        model.add(self.end[task] >= low + 1).only_enforce_if(touches)
        model.add(total <= (high - low) * touches)
        model.add(total <= high - self.start[task]).only_enforce_if(touches)
        model.add(total <= self.end[task] - low).only_enforce_if(touches)

    @property
    def solution_variables(self) -> list[Any]:
        """The variables that make a schedule: the starts of all tasks, then the presence of all modes."""
        return [*self.start, *self.present]

    def read(self, values: Sequence[int]) -> tuple[Integers, Integers]:
        """Return the modes and starts of all tasks from the values of :attr:`solution_variables`."""
        tasks = len(self.start)
        chosen = np.flatnonzero(np.array(values[tasks:]))
        modes = np.empty(tasks, dtype=np.int64)
        modes[self.grid.structure.mode_task[chosen]] = chosen
        return modes, np.array(values[:tasks], dtype=np.int64)

    def hint(self, modes: Integers, starts: Integers) -> None:
        """Suggest a schedule: ``modes[task]`` from ``starts[task]``."""
        self.model.clear_hints()
        for task, mode in enumerate(modes.tolist()):
            self.model.add_hint(self.start[task], int(starts[task]))
            self.model.add_hint(self.end[task], int(starts[task] + self.duration[mode]))
        chosen = set(modes.tolist())
        for mode, present in enumerate(self.present):
            self.model.add_hint(present, mode in chosen)


def model_size(grid: TimeGrid, *, whole: bool) -> int:
    """Return about how many variables and rules a model has: modes, pairs of tasks with setups, modes by price.

    Parameters
    ----------
    grid
        What is to be scheduled.
    whole
        Whether energy is part of the objective.
    """
    at, timing, costs = grid.structure, grid.timing, grid.costs
    per_machine = np.bincount(at.mode_machine, minlength=len(timing.setup))
    pairs = int((per_machine[timing.setup.any(axis=(1, 2))] ** 2).sum())
    prices = len(costs.edges) - 1 if whole and len(costs.edges) > 2 else 0
    return len(at.mode_task) * (1 + prices) + pairs


def work_per_second(grid: TimeGrid, *, whole: bool) -> float:
    """Return CP-SAT's deterministic time in a second, about: it leaves out most of what full machines take.

    Parameters
    ----------
    grid, whole
        As in :func:`model_size`.
    """
    if grid.timing.need.any():
        return WORK_PER_SECOND * _QUICK_PROJECT
    if whole:
        return WORK_PER_SECOND
    modes = np.bincount(grid.structure.mode_machine)
    return float(WORK_PER_SECOND / max(1.0, modes[modes > 0].mean() / _QUICK_MACHINE))


def _weighted(terms: Sequence[tuple[Any, int]]) -> Any:
    variables, costs = [variable for variable, _ in terms], [cost for _, cost in terms]
    return cp_model.LinearExpr.weighted_sum(variables, costs)


def _closed(opens: NDArray[np.float64], closes: NDArray[np.float64], horizon: int) -> list[tuple[int, int]]:
    """Return when a machine may not run, from 0 to the horizon."""
    there = closes > opens
    begins = [0, *closes[there].astype(np.int64).tolist()]
    ends = [*opens[there].astype(np.int64).tolist(), horizon]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]
