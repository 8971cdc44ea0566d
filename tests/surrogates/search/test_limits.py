"""Limits of a target: found where they are, on either scale, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.search import Rules, Task, graph, search
from kanopt.surrogates.search.program import Columns, value

Floats = NDArray[np.float64]


def read(truth: Floats, kg: Floats, km: Floats, *, log: bool) -> tuple[str, Floats]:
    """Return the law that the search reads from noisy rows, and its values."""
    noisy = truth * (1.0 + 0.003 * np.random.default_rng(5).standard_normal(len(truth)))
    inputs = np.column_stack([kg, km])
    task = Task(inputs, np.log(noisy) if log else noisy, np.ones(len(truth)), Rules(OPERATOR), log)
    found = search(task, refits=120.0)
    columns = Columns(inputs / found.scales, found.scales, {})
    return to_infix(graph(found.best.law, ["kg", "km"], found.scales)), value(found.best.law, columns)


def shipments() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(4)
    return rng.uniform(20.0, 900.0, 1500), rng.uniform(15.0, 400.0, 1500)


@pytest.mark.parametrize("log", [False, True])
def test_a_least_charge_is_found(log: bool) -> None:
    kg, km = shipments()
    truth = np.maximum(45.0, 8.0 + 0.0011 * kg * km)
    text, values = read(truth, kg, km, log=log)
    assert text.startswith("max(45, ")
    np.testing.assert_allclose(values, truth, rtol=0.002)


@pytest.mark.parametrize("log", [False, True])
def test_what_only_begins_somewhere_has_no_limit(log: bool) -> None:
    kg, km = shipments()
    text, values = read(0.02 * kg**0.7 * km, kg, km, log=log)
    assert "max(" not in text
    assert "min(" not in text
    np.testing.assert_allclose(values, 0.02 * kg**0.7 * km, rtol=0.002)


@pytest.mark.parametrize("log", [False, True])
def test_a_law_between_a_least_and_a_most_charge_is_found(log: bool) -> None:
    kg, km = shipments()
    truth = np.minimum(300.0, np.maximum(45.0, 8.0 + 0.0011 * kg * km))
    _, values = read(truth, kg, km, log=log)
    np.testing.assert_allclose(values, truth, rtol=0.002)


def test_what_levels_off_by_and_by_has_no_limit() -> None:
    kg, km = shipments()
    truth = km * np.exp(-5.0 * np.exp(-0.008 * kg))
    text, values = read(truth, kg, km, log=False)
    assert "max(" not in text
    assert "min(" not in text
    np.testing.assert_allclose(values, truth, atol=0.005 * float(truth.max()))
