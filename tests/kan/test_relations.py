from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from kanopt.errors import FitError
from kanopt.kan.relations import Relation, RelationState, collocation, observed

DAYS = {"day": [0.0, 1.0, 2.0]}


def state(columns: dict[str, Tensor]) -> RelationState:
    return RelationState("r", columns, lambda output, inputs: torch.zeros(3, dtype=torch.float64))


def test_columns_are_broadcast_to_all_points() -> None:
    relation = Relation("edge", lambda s: s["u"], {"x": [0.0, 0.5], "y": 1.0}, weight=2.0)
    assert len(relation) == 2
    assert relation.columns["y"].tolist() == [1.0, 1.0]
    assert relation.weights.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("points", "weight", "message"),
    [
        ({"day": ["Monday"]}, 1.0, "column 'day' is not numeric"),
        ({"day": [0.0, np.nan]}, 1.0, "column 'day' is nan at point 1"),
        ({"day": [[0.0], [1.0]]}, 1.0, "column 'day' has shape (2, 1)"),
        ({"day": [0.0, 1.0], "inflow": [1.0, 2.0, 3.0]}, 1.0, "different lengths: day 2, inflow 3, weight 1"),
        ({"day": []}, 1.0, "no points"),
        (DAYS, -1.0, "weight is negative"),
        (DAYS, [1.0, 2.0], "different lengths"),
    ],
)
def test_points_that_make_no_sense_are_refused(points: dict, weight: object, message: str) -> None:
    with pytest.raises(FitError) as caught:
        Relation("balance", lambda s: s["day"], points, weight)
    assert "relation 'balance'" in str(caught.value)
    assert message in str(caught.value)


def test_the_residual_must_be_a_function() -> None:
    with pytest.raises(FitError, match="relation 'balance': the residual must be a function"):
        Relation("balance", 3.0, DAYS)


def test_a_residual_that_raises_or_returns_the_wrong_thing_is_named() -> None:
    columns = {"u": torch.ones(3, dtype=torch.float64)}
    cases = [
        (lambda s: 1 / 0, "raised ZeroDivisionError"),
        (lambda s: 0.0, "returned a float"),
        (lambda s: s["u"].sum(), r"returned shape \(\) for 3 points"),
        (lambda s: s["uu"], "no input, output or known column 'uu'; did you mean 'u'"),
    ]
    for residual, message in cases:
        with pytest.raises(FitError, match=f"relation 'r': .*{message}"):
            Relation("r", residual, DAYS).evaluate(state(columns), 3)


def test_observed_is_the_difference_to_the_values() -> None:
    counts = observed("stock", DAYS, [3.0, 2.0, 5.0], weight=[1.0, 2.0, 3.0])
    columns = {"stock": torch.full((3,), 4.0, dtype=torch.float64), **counts.columns}
    assert counts.evaluate(state(columns), 3).tolist() == [1.0, 2.0, -1.0]
    assert counts.weights.tolist() == [1.0, 2.0, 3.0]


def test_collocation_integrates_cubics_cell_by_cell() -> None:
    points = collocation({"x": (-1.0, 2.0), "y": (0.0, 1.0)}, cells=3)
    assert len(points["x"]) == 36
    assert np.mean(points["x"] ** 3 * points["y"]) == pytest.approx(
        (2.0**4 - 1.0) / 4.0 / 3.0 / 2.0, abs=1e-12
    )


@pytest.mark.parametrize(
    ("ranges", "cells", "message"),
    [
        ({"t": (0.0, 1.0)}, 0, "cells=0; write a whole number, 1 or more"),
        ({"t": (0.0, 1.0)}, 2.5, "cells=2.5; write a whole number"),
        ({"t": (1.0, 1.0)}, 3, r"'t' ranges over \(1.0, 1.0\); write \(low, high\) with low < high"),
        ({"t": (2.0, 1.0)}, 3, "'t' ranges over"),
        ({"t": (0.0, float("inf"))}, 3, "'t' ranges over"),
        ({"t": 5.0}, 3, "'t' ranges over 5.0"),
    ],
)
def test_points_over_no_range_are_refused(ranges: dict, cells: object, message: str) -> None:
    with pytest.raises(FitError, match=f"collocation: {message}"):
        collocation(ranges, cells)
