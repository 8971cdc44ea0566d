"""An example workshop: a log of past tasks, and jobs to be scheduled on machines."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.tables.examples._laws import add_noise, look_up
from kanopt.tables.report import with_report

__all__ = ["Workshop", "make_workshop"]

PACE = MappingProxyType({"mill A": 1.0, "mill B": 0.8, "lathe": 1.1, "router": 0.9, "old mill": 1.35})
POWER = MappingProxyType({"mill A": 9.0, "mill B": 14.0, "lathe": 7.5, "router": 11.0, "old mill": 8.0})  # kW
HARDNESS = MappingProxyType({"aluminium": 0.8, "steel": 1.3, "plastic": 0.6})
LOG_ROWS, WEEKS = 3_000, 40
JOBS = 8
DAY_PRICE, SWING = 0.24, 0.10  # EUR/kWh

LOG_UNITS = {"weight_kg": "kg", "length_mm": "mm", "minutes": "min", "kwh": "kWh"}


@dataclass(frozen=True, eq=False)
class Workshop:
    """The tables of an example workshop and the true laws that its log was made from.

    With pace and power of the machine, hardness of the material, weight w (kg) and length L (mm)::

        minutes = pace · hardness · (15 + 0.12 · L + 4 · √w)
        kwh     = power · minutes/60 · (0.6 + 0.4 · hardness)

    ========  ====  =====      =========  ========
    machine   pace  power      material   hardness
    ========  ====  =====      =========  ========
    mill A    1.00  9 kW       aluminium  0.8
    mill B    0.80  14 kW      steel      1.3
    lathe     1.10  7.5 kW     plastic    0.6
    router    0.90  11 kW
    old mill  1.35  8 kW
    ========  ====  =====      =========  ========

    In the log both carry an independent log-normal factor of mean one and coefficient of variation 0.08, and 1 %
    of the rows of each is multiplied or divided by 2 to 4. All times of the plan are hours from its start.

    Attributes
    ----------
    log
        3,000 past tasks: week (1–40), machine, material, weight_kg (1–60), length_mm (50–900), minutes, kwh.
    jobs
        8 rows: name, release_date, due_date (h), tardiness_cost (EUR/h).
    tasks
        3 or 4 per job: name, job, order (from 1), family (the material, for which a machine is set up), material,
        weight_kg, length_mm.
    machines
        5 rows: name.
    modes
        One row per task and machine that can do it: task, machine. Every task has two machines or three.
    setups
        6 rows: before, after (families), time (min).
    breaks
        1 row: machine, start, end (h); mill B is down for maintenance from hour 2 to 3.
    power
        48 rows: start (h), price (EUR/kWh): 0.24 + 0.10 · sin(2π · start/12), two peaks a day, at hours 3 and 15.
    seed
        What the tables were made from.

    Examples
    --------
    >>> shop = make_workshop(seed=7)
    >>> float(shop.true_minutes("mill A", "steel", 25.0, 400.0))
    107.9
    """

    log: pd.DataFrame
    jobs: pd.DataFrame
    tasks: pd.DataFrame
    machines: pd.DataFrame
    modes: pd.DataFrame
    setups: pd.DataFrame
    breaks: pd.DataFrame
    power: pd.DataFrame
    seed: int

    @staticmethod
    def true_minutes(
        machine: ArrayLike, material: ArrayLike, weight_kg: ArrayLike, length_mm: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the duration of a task in minutes; arrays broadcast.

        Raises
        ------
        TableError
            If a machine or a material is unknown.
        """
        weight, length = (np.asarray(v, dtype=np.float64) for v in (weight_kg, length_mm))
        rate = look_up(PACE, machine, "machine") * look_up(HARDNESS, material, "material")
        return np.asarray(rate * (15.0 + 0.12 * length + 4.0 * np.sqrt(weight)))

    @staticmethod
    def true_kwh(
        machine: ArrayLike, material: ArrayLike, weight_kg: ArrayLike, length_mm: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the energy that a task consumes in kWh; arrays broadcast."""
        minutes = Workshop.true_minutes(machine, material, weight_kg, length_mm)
        load = 0.6 + 0.4 * look_up(HARDNESS, material, "material")
        return np.asarray(look_up(POWER, machine, "machine") * minutes / 60.0 * load)


def make_workshop(seed: int = 7) -> Workshop:
    """Return the tables of an example workshop, whose true laws are known.

    The laws are written out in :class:`Workshop`.

    Parameters
    ----------
    seed
        Seed of :func:`numpy.random.default_rng`; the same seed gives the same tables.

    Examples
    --------
    >>> shop = make_workshop(seed=7)
    >>> len(shop.log), len(shop.jobs), len(shop.machines)
    (3000, 8, 5)
    """
    log_rng, plan_rng = (np.random.default_rng([seed, part]) for part in (0, 1))
    tasks = _tasks(plan_rng)
    modes = _modes(plan_rng, tasks)
    breaks = pd.DataFrame({"machine": ["mill B"], "start": [2.0], "end": [3.0]})
    parts: dict[str, tuple[pd.DataFrame, dict[str, str]]] = {
        "log": (_log(log_rng), LOG_UNITS),
        "jobs": (
            _jobs(plan_rng, tasks, modes),
            {"release_date": "h", "due_date": "h", "tardiness_cost": "EUR/h"},
        ),
        "tasks": (tasks, {"weight_kg": "kg", "length_mm": "mm"}),
        "machines": (pd.DataFrame({"name": list(PACE)}), {}),
        "modes": (modes, {}),
        "setups": (_setups(), {"time": "min"}),
        "breaks": (breaks, {"start": "h", "end": "h"}),
        "power": (_power(), {"start": "h", "price": "EUR/kWh"}),
    }
    source = f"make_workshop(seed={seed})"
    frames = {name: with_report(frame, f"{source}.{name}", units) for name, (frame, units) in parts.items()}
    return Workshop(**frames, seed=seed)


def _log(rng: np.random.Generator, noise: float = 0.08, outliers: float = 0.01) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "week": np.sort(rng.integers(1, WEEKS + 1, LOG_ROWS)),
            "machine": rng.choice(list(PACE), LOG_ROWS),
            "material": rng.choice(list(HARDNESS), LOG_ROWS),
            "weight_kg": np.round(rng.uniform(1.0, 60.0, LOG_ROWS), 1),
            "length_mm": np.round(rng.uniform(50.0, 900.0, LOG_ROWS)),
        }
    )
    inputs = [frame[name].to_numpy() for name in ("machine", "material", "weight_kg", "length_mm")]
    frame["minutes"] = add_noise(rng, Workshop.true_minutes(*inputs), noise=noise, outliers=outliers)
    frame["kwh"] = add_noise(rng, Workshop.true_kwh(*inputs), noise=noise, outliers=outliers)
    return frame


def _tasks(rng: np.random.Generator) -> pd.DataFrame:
    per_job = rng.integers(3, 5, JOBS)
    job = np.repeat(np.arange(1, JOBS + 1), per_job)
    position = np.arange(len(job)) - np.repeat(np.cumsum(per_job) - per_job, per_job) + 1
    material = np.repeat(rng.choice(list(HARDNESS), JOBS), per_job)
    return pd.DataFrame(
        {
            "name": [f"J{j}-{p}" for j, p in zip(job, position, strict=True)],
            "job": [f"J{j}" for j in job],
            "order": position,
            "family": material,
            "material": material,
            "weight_kg": np.round(np.repeat(rng.uniform(5.0, 55.0, JOBS), per_job), 1),
            "length_mm": np.round(rng.uniform(100.0, 850.0, len(job))),
        }
    )


def _modes(rng: np.random.Generator, tasks: pd.DataFrame) -> pd.DataFrame:
    """Return the modes of each task: on two or three machines drawn for it."""
    machines = np.array(list(PACE))
    order = rng.permuted(np.tile(np.arange(len(machines)), (len(tasks), 1)), axis=1)
    able = np.arange(len(machines)) < rng.integers(2, 4, len(tasks))[:, None]
    task, place = np.nonzero(able)
    return pd.DataFrame({"task": tasks["name"].to_numpy()[task], "machine": machines[order[task, place]]})


def _jobs(rng: np.random.Generator, tasks: pd.DataFrame, modes: pd.DataFrame) -> pd.DataFrame:
    """Return jobs with due dates set from their work: some are tight, and each can be met by itself."""
    pairs = modes.merge(tasks, left_on="task", right_on="name")
    inputs = [pairs[name].to_numpy() for name in ("machine", "material", "weight_kg", "length_mm")]
    fastest = pairs.assign(minutes=Workshop.true_minutes(*inputs)).groupby(["job", "task"])["minutes"].min()
    work = fastest.groupby("job").sum().to_numpy() / 60.0
    release = np.round(rng.choice([0.0, 0.0, 0.5, 1.0], JOBS), 2)
    due = np.ceil((release + work * rng.uniform(1.2, 1.9, JOBS)) * 4.0) / 4.0
    return pd.DataFrame(
        {
            "name": [f"J{k}" for k in range(1, JOBS + 1)],
            "release_date": release,
            "due_date": due,
            "tardiness_cost": rng.choice([20.0, 40.0, 80.0], JOBS),
        }
    )


def _setups() -> pd.DataFrame:
    hardness = pd.Series(dict(HARDNESS), name="hardness").rename_axis("family").reset_index()
    pairs = hardness.merge(hardness, how="cross", suffixes=("_before", "_after"))
    pairs = pairs[pairs["family_before"] != pairs["family_after"]]
    # going to a softer material means cleaning the machine as well
    minutes = np.where(pairs["hardness_after"] < pairs["hardness_before"], 15.0, 9.0)
    return pd.DataFrame(
        {
            "before": pairs["family_before"].to_numpy(),
            "after": pairs["family_after"].to_numpy(),
            "time": minutes,
        }
    )


def _power() -> pd.DataFrame:
    start = np.arange(48.0)
    price = DAY_PRICE + SWING * np.sin(2.0 * np.pi * start / 12.0)
    return pd.DataFrame({"start": start, "price": np.round(price, 4)})
