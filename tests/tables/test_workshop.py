"""The example workshop: its true laws, its log and the tables of its plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import Workshop, make_workshop, report_of, units_of
from kanopt.tables.examples._workshop import _log

SHOP = make_workshop(seed=7)
FRAMES = ("log", "jobs", "tasks", "machines", "modes", "setups", "breaks", "power")
INPUTS = ["machine", "material", "weight_kg", "length_mm"]


@pytest.mark.parametrize(
    ("machine", "material", "weight", "length", "minutes", "kwh"),
    [
        # 1.0 · 1.3 · (15 + 48 + 20) = 107.9; 9 · 107.9/60 · 1.12
        ("mill A", "steel", 25.0, 400.0, 107.9, 9 * 107.9 / 60 * 1.12),
        # 0.8 · 0.6 · (15 + 12 + 8) = 16.8; 14 · 0.28 · 0.84
        ("mill B", "plastic", 4.0, 100.0, 16.8, 14 * 0.28 * 0.84),
        # 1.35 · 0.8 · (15 + 60 + 28) = 111.24; 8 · 1.854 · 0.92
        ("old mill", "aluminium", 49.0, 500.0, 111.24, 8 * 1.854 * 0.92),
    ],
)
def test_laws_are_those_of_the_docstring(
    machine: str, material: str, weight: float, length: float, minutes: float, kwh: float
) -> None:
    assert float(Workshop.true_minutes(machine, material, weight, length)) == pytest.approx(
        minutes, rel=1e-12
    )
    assert float(Workshop.true_kwh(machine, material, weight, length)) == pytest.approx(kwh, rel=1e-12)


def test_the_log_without_noise_is_the_law() -> None:
    log = _log(np.random.default_rng(1), noise=0.0, outliers=0.0)
    inputs = [log[name].to_numpy() for name in INPUTS]
    np.testing.assert_allclose(log["minutes"], SHOP.true_minutes(*inputs))
    np.testing.assert_allclose(log["kwh"], SHOP.true_kwh(*inputs))


def test_noise_and_outliers() -> None:
    log = SHOP.log
    assert list(log) == ["week", *INPUTS, "minutes", "kwh"]
    assert len(log) == 3_000
    inputs = [log[name].to_numpy() for name in INPUTS]
    for column, truth in (("minutes", SHOP.true_minutes(*inputs)), ("kwh", SHOP.true_kwh(*inputs))):
        ratio = log[column].to_numpy() / truth
        usual = np.abs(np.log(ratio)) < 0.45
        assert (~usual).sum() == 30
        assert ratio[usual].std() == pytest.approx(0.08, rel=0.06)


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(TableError, match="unknown machine 'mil A'; did you mean 'mill A'"):
        Workshop.true_minutes(["lathe", "mil A"], "steel", 1.0, 1.0)
    with pytest.raises(TableError, match="unknown material 'wood'"):
        Workshop.true_kwh("lathe", "wood", 1.0, 1.0)


def test_same_seed_same_tables() -> None:
    again = make_workshop(seed=7)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(SHOP, name))
        assert report_of(getattr(SHOP, name)).source == f"make_workshop(seed=7).{name}"
    assert not make_workshop(seed=8).tasks.equals(SHOP.tasks)


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_the_plan_s_tables_fit_together(seed: int) -> None:
    shop = make_workshop(seed=seed)
    jobs, tasks, modes, machines = shop.jobs, shop.tasks, shop.modes, shop.machines
    assert (len(jobs), len(machines)) == (8, 5)
    assert tasks["name"].is_unique
    assert set(tasks["job"]) == set(jobs["name"])
    assert tasks.groupby("job").size().between(3, 4).all()
    assert (tasks.groupby("job")["order"].agg(list).map(lambda o: o == list(range(1, len(o) + 1)))).all()
    assert not modes.duplicated().any()
    assert modes.groupby("task").size().reindex(tasks["name"]).between(2, 3).all()
    assert set(modes["machine"]) <= set(machines["name"])
    assert set(shop.breaks["machine"]) <= set(machines["name"])
    pairs = {(b, a) for b, a in zip(shop.setups["before"], shop.setups["after"], strict=True)}
    assert len(pairs) == len(shop.setups) == 6
    assert {family for pair in pairs for family in pair} >= set(tasks["family"])


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_no_job_is_late_by_its_own_work(seed: int) -> None:
    shop = make_workshop(seed=seed)
    pairs = shop.modes.merge(shop.tasks, left_on="task", right_on="name")
    pairs["hours"] = shop.true_minutes(*(pairs[name].to_numpy() for name in INPUTS)) / 60.0
    work = pairs.groupby(["job", "task"])["hours"].min().groupby("job").sum()
    jobs = shop.jobs.set_index("name")
    assert (jobs["release_date"] + work <= jobs["due_date"]).all()


def test_learned_range_covers_the_tasks() -> None:
    for column in ("weight_kg", "length_mm"):
        assert SHOP.log[column].min() <= SHOP.tasks[column].min()
        assert SHOP.tasks[column].max() <= SHOP.log[column].max()


def test_power_has_two_peaks_a_day() -> None:
    power = SHOP.power
    assert len(power) == 48
    np.testing.assert_allclose(
        power["price"], 0.24 + 0.1 * np.sin(2 * np.pi * power["start"] / 12), atol=5e-5
    )
    assert power["price"].min() > 0
    assert units_of(power) == {"start": "h", "price": "EUR/kWh"}
