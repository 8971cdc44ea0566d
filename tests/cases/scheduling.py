"""Small scheduling problems, and slow, plain code that judges them without kanopt's."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from kanopt import SchedulingProblem
from kanopt.scheduling import Break, Job, Machine, Mode, PowerPrice, Setup, Task

# Six jobs on six machines: machine and duration of each task in turn.
# H. Fisher, G. L. Thompson (1963), "Probabilistic learning combinations of local job-shop scheduling rules", in
# J. F. Muth, G. L. Thompson (eds.), Industrial Scheduling, Prentice-Hall, pp. 225-251. The optimal makespan is 55.
FT06 = """2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1"""


def job_shop(text: str, **options) -> SchedulingProblem:
    """Read a job shop in the format of the OR-Library: a line per job, machine and duration in turn."""
    jobs, tasks, modes = [], [], []
    for j, line in enumerate(text.splitlines()):
        numbers = [int(word) for word in line.split()]
        jobs.append(Job(f"j{j}"))
        for k, (machine, duration) in enumerate(zip(numbers[::2], numbers[1::2], strict=True)):
            tasks.append(Task(f"t{j}.{k}", f"j{j}"))
            modes.append(Mode(f"t{j}.{k}", f"m{machine}", duration=float(duration)))
    machines = [Machine(f"m{m}") for m in sorted({int(mode.machine[1:]) for mode in modes})]
    return SchedulingProblem(jobs, tasks, machines, modes, makespan_cost=1.0, **options)


def random_problem(
    rng: np.random.Generator,
    *,
    shape: tuple[int, ...] = (2, 2),
    whole: bool = True,
    energy: bool = False,
    setups: bool = True,
    breaks: bool = True,
    horizon: float | None = None,
) -> SchedulingProblem:
    """Make a problem with `shape[j]` tasks in job j on two machines; whole numbers if asked."""

    def number(low: float, high: float) -> float:
        value = rng.uniform(low, high)
        return float(round(value)) if whole else float(value)

    jobs = [
        Job(
            f"j{j}",
            release_date=number(0, 4),
            due_date=number(4, 12),
            tardiness_cost=float(rng.integers(0, 4)),
        )
        for j in range(len(shape))
    ]
    families = ("", "red", "blue")
    tasks, modes = [], []
    for j, count in enumerate(shape):
        for k in range(count):
            name = f"t{j}.{k}"
            tasks.append(Task(name, f"j{j}", family=str(rng.choice(families)) if setups else ""))
            for machine in rng.choice(["a", "b"], rng.integers(1, 3), replace=False):
                kwh = number(1, 9) if energy else None
                modes.append(Mode(name, str(machine), duration=number(1, 5), energy=kwh))
    changes = [Setup(x, y, number(0, 3)) for x in families[1:] for y in families[1:]]
    pauses = []
    for name in ("a", "b"):
        start = number(1, 8)
        pauses.append(Break(start, start + number(1, 3), name))
    prices = [PowerPrice(float(start), float(rng.integers(-1, 8)) / 4) for start in range(0, 16, 4)]
    return SchedulingProblem(
        jobs,
        tasks,
        [Machine("a", family="red" if setups else ""), Machine("b", unit_duration_cost=0.3)],
        modes,
        setups=changes if setups else None,
        calendars=pauses if breaks else None,
        power_price=prices if energy else None,
        makespan_cost=1.5,
        horizon=horizon,
    )


def rows_of(problem: SchedulingProblem, modes, starts) -> list[dict]:
    """Return plain rows that ``plan_from`` reads."""
    chosen = [problem.data.modes[mode] for mode in modes]
    return [
        {"task": m.task, "machine": m.machine, "mode": m.name, "start": float(s)}
        for m, s in zip(chosen, starts, strict=True)
    ]


def holds(problem: SchedulingProblem, rows: list[dict]) -> bool:
    """Say whether every rule holds, one pair at a time."""
    slack = 1e-6
    tasks = {task.name: task for task in problem.tasks}
    modes = {(mode.task, mode.machine): mode for mode in problem.modes}
    if sorted(row["task"] for row in rows) != sorted(tasks):
        return False
    placed = []
    for row in rows:
        mode = modes.get((row["task"], row["machine"]))
        if mode is None:
            return False
        placed.append((row["machine"], row["start"], row["start"] + mode.duration, tasks[row["task"]]))
    ends = {task.name: end for _, _, end, task in placed}
    jobs = {job.name: job for job in problem.jobs}
    setup = {(s.before, s.after): s.time for s in problem.setups or ()}
    for machine, start, end, task in placed:
        if start < jobs[task.job].release_date - slack:
            return False
        before = [t.name for t in problem.tasks if t.job == task.job]
        earlier = before[: before.index(task.name)]
        if any(start < ends[name] - slack for name in earlier):
            return False
        if problem.horizon is not None and end > problem.horizon + slack:
            return False
        for pause in problem.calendars or ():
            if pause.machine == machine and min(end, pause.end) - max(start, pause.start) > slack:
                return False
    for machine in problem.machines:
        family, free = machine.family, 0.0
        for _, start, end, task in sorted((p for p in placed if p[0] == machine.name), key=lambda p: p[1]):
            if start < free + setup.get((family, task.family), 0.0) - slack:
                return False
            # a task without a family leaves the machine as it was set up
            family, free = task.family or family, end
    return True


def money(problem: SchedulingProblem, rows: list[dict]) -> float:
    """Price a schedule with plain loops; energy by adding up pieces of constant price."""
    modes = {(mode.task, mode.machine): mode for mode in problem.modes}
    tasks = {task.name: task for task in problem.tasks}
    rates = {machine.name: machine.unit_duration_cost for machine in problem.machines}
    ends: dict[str, float] = {}
    total = 0.0
    for row in rows:
        mode = modes[row["task"], row["machine"]]
        total += rates[row["machine"]] * mode.duration
        start, end = row["start"], row["start"] + mode.duration
        job = tasks[row["task"]].job
        ends[job] = max(ends.get(job, 0.0), end)
        prices = list(problem.power_price or ())
        for here, after in zip(prices, [*prices[1:], None], strict=False):
            until = np.inf if after is None else after.start
            common = min(end, until) - max(start, here.start)
            if common > 0:
                total += here.price * mode.energy * common / mode.duration
    total += problem.makespan_cost * max(ends.values())
    promised = [job for job in problem.jobs if job.due_date is not None]
    late = (job.tardiness_cost * max(0.0, ends[job.name] - job.due_date) for job in promised)
    return total + sum(late)


def best_semi_active(problem: SchedulingProblem) -> float:
    """Return the least price over all modes and orders, each task as early as its order allows.

    Enough where no cost falls when a task ends later, that is without energy.
    """
    by_task = [[m for m in problem.modes if m.task == task.name] for task in problem.tasks]
    setup = {(s.before, s.after): s.time for s in problem.setups or ()}
    jobs = {job.name: job for job in problem.jobs}
    best = np.inf
    for order in set(permutations([task.job for task in problem.tasks])):
        position, sequence = dict.fromkeys(order, 0), []
        for name in order:
            own = [t for t in problem.tasks if t.job == name]
            sequence.append(own[position[name]])
            position[name] += 1
        for chosen in product(*by_task):
            mode_of = {mode.task: mode for mode in chosen}
            free = dict.fromkeys((machine.name for machine in problem.machines), 0.0)
            family = {machine.name: machine.family for machine in problem.machines}
            ready = {name: job.release_date for name, job in jobs.items()}
            rows = []
            for task in sequence:
                mode = mode_of[task.name]
                start = max(
                    ready[task.job], free[mode.machine] + setup.get((family[mode.machine], task.family), 0.0)
                )
                pauses = [p for p in problem.calendars or () if p.machine == mode.machine]
                for pause in sorted(pauses, key=lambda p: p.start):
                    if start < pause.end and start + mode.duration > pause.start:
                        start = pause.end
                rows.append({"task": task.name, "machine": mode.machine, "start": start})
                ready[task.job] = free[mode.machine] = start + mode.duration
                family[mode.machine] = task.family or family[mode.machine]
            best = min(best, money(problem, rows))
    return best


def best_on_grid(problem: SchedulingProblem, steps: np.ndarray) -> float:
    """Return the least price over all modes and all starts taken from `steps`."""
    by_task = [[m for m in problem.modes if m.task == task.name] for task in problem.tasks]
    best = np.inf
    for chosen in product(*by_task):
        for starts in product(steps, repeat=len(chosen)):
            rows = [
                {"task": m.task, "machine": m.machine, "start": float(s)}
                for m, s in zip(chosen, starts, strict=True)
            ]
            price = money(problem, rows)
            if price < best and holds(problem, rows):
                best = price
    return best
