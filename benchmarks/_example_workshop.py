"""An example workshop: a log of past tasks, and jobs to be scheduled on machines."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _measured import add_noise

from kanopt.tables.examples import HARDNESS, PACE, Workshop
from kanopt.tables.report import with_report

__all__ = ["make_workshop"]

LOG_ROWS, WEEKS = 3_000, 40
JOBS = 8
DAY_PRICE, SWING = 0.24, 0.10  # EUR/kWh

LOG_UNITS = {"weight_kg": "kg", "length_mm": "mm", "minutes": "min", "kwh": "kWh"}


def make_workshop(seed: int = 7) -> Workshop:
    """Return the tables of an example workshop, whose true laws are known.

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
    return Workshop(**frames)


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
