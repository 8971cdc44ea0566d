from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from kanopt.errors import FitError
from kanopt.informed import Knowledge, Relation, RelationState, collocation, observed
from kanopt.kan.network import Architecture, KANBatch
from kanopt.kan.training import random_starts
from kanopt.surrogates import informed
from tests.kan.conftest import box

GENERATOR = np.random.default_rng(5)
POINTS = {"x": GENERATOR.uniform(-1, 1, 23), "y": GENERATOR.uniform(-1, 1, 23), "source": np.arange(23.0)}
TRIPLE = {name: column[:3] for name, column in POINTS.items()}


def law(s: RelationState) -> Tensor:
    return (
        s["u"] * s.derivative("u", "y", "x")
        + s.derivative("v", "x", "x").sin() * s.derivative("u", "y")
        - 0.1 * s["source"] * s["v"]
    )


def knowledge() -> Knowledge:
    relation = Relation("law", law, POINTS, weight=np.linspace(0.0, 2.0, 23))
    rows = observed("v", {"x": [0.1, 0.2], "y": [0.0, -0.4]}, [1.0, 2.0], weight=3.0)
    return Knowledge(("x", "y"), ("u", "v"), (relation, rows))


def start(known: Knowledge, models: int = 3) -> KANBatch:
    shape = Architecture(2, hidden=(3,), outputs=2, grid_size=4)
    offset = torch.zeros(2, dtype=torch.float64)
    return random_starts(shape, models, known.inputs, box(2), offset, torch.Generator().manual_seed(8))


def test_normal_equations_agree_with_finite_differences() -> None:
    known = knowledge()
    network = start(known)
    found = known.normal_equations(network)

    def stacked(theta: Tensor) -> Tensor:
        return torch.cat(list(known.residuals(replace(network, theta=theta)).values()), dim=1)

    step = 1e-6 * torch.eye(network.theta.shape[1], dtype=torch.float64)
    columns = [(stacked(network.theta + one) - stacked(network.theta - one)) / 2e-6 for one in step]
    jacobian = torch.stack(columns, dim=-1)
    residual, weights = stacked(network.theta), torch.cat([each.weights for each in known.relations])
    weighted = jacobian * weights.unsqueeze(-1)
    matrix, vector = weighted.transpose(1, 2) @ jacobian, -(residual.unsqueeze(1) @ weighted).squeeze(1)
    assert float((found.matrix - matrix).abs().max() / matrix.abs().max()) < 1e-7
    assert float((found.vector - vector).abs().max() / vector.abs().max()) < 1e-7
    torch.testing.assert_close(found.squares, (weights * residual**2).sum(1))
    torch.testing.assert_close(known.squares(network), found.squares)


def test_chunks_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network, one = start(knowledge()), torch.tensor([1])
    expected = knowledge().normal_equations(network)
    alone = knowledge().for_models(one).normal_equations(network.take(one))
    monkeypatch.setattr(informed, "CHUNK_BYTES", 20_000)
    for found, rows in ((knowledge().normal_equations(network), slice(None)), (alone, one)):
        torch.testing.assert_close(found.matrix, expected.matrix[rows])
        torch.testing.assert_close(found.vector, expected.vector[rows])


def around(residual: Callable[[RelationState], Tensor]) -> Knowledge:
    return Knowledge(("x", "y"), ("u", "v"), (Relation("law", residual, POINTS),))


@pytest.mark.parametrize(
    ("residual", "message"),
    [
        (lambda s: s.derivative("w", "x"), "no output to differentiate 'w'; known: 'u', 'v'"),
        (lambda s: s.derivative("u", "source"), "no feature to differentiate by 'source'"),
        (lambda s: s.derivative("u"), "'u' differentiated by 0 inputs"),
        (lambda s: s.derivative("u", "x", "x", "y"), "'u' differentiated by 3 inputs"),
        (lambda s: s["u"][:1], "with one number per point"),
        (lambda s: np.sin(s["u"].detach().numpy()), "must return a torch tensor"),
        (lambda s: s["uu"], "no input, output or known column 'uu'"),
        (lambda s: s["x"] + 0.0, "does not depend on any output"),
        (lambda s: s["u"].detach(), "does not depend on any output"),
        (lambda s: torch.log(s["u"] - 1e6), "is not finite"),
        (lambda s: torch.sqrt(0.0 * s["u"]), "is not finite"),
    ],
)
def test_residuals_that_cannot_be_used_are_named(
    residual: Callable[[RelationState], Tensor], message: str
) -> None:
    with pytest.raises(FitError) as caught:
        around(residual).normal_equations(start(knowledge(), models=2))
    assert message in str(caught.value)


def test_a_residual_that_mixes_points_is_named() -> None:
    mixed = around(lambda s: s["u"] - s["u"].mean())
    with pytest.raises(FitError, match=r"relation 'law': .*changes with the other points"):
        mixed.refuse_mixed_points(start(knowledge()))
    knowledge().refuse_mixed_points(start(knowledge()))


@pytest.mark.parametrize(
    ("features", "outputs", "relations", "message"),
    [
        (("x",), ("u",), (), "at least one feature, one output and one relation"),
        (("x", "y"), ("x",), (Relation("a", law, TRIPLE),), "different names"),
        (("x", "y"), ("u", "v"), (Relation("a", law, TRIPLE),) * 2, "different names"),
        (("x", "z"), ("u", "v"), (Relation("a", law, TRIPLE),), "lack the feature 'z'"),
        (("x",), ("u", "y"), (Relation("a", law, TRIPLE),), "'y' is an output, not a known column"),
    ],
)
def test_knowledge_that_contradicts_itself_is_refused(
    features: tuple, outputs: tuple, relations: tuple, message: str
) -> None:
    with pytest.raises(FitError, match=message):
        Knowledge(features, outputs, relations)


DAYS = {"day": [0.0, 1.0, 2.0]}


@pytest.mark.parametrize(
    ("points", "weight", "message"),
    [
        ({"day": ["Monday"]}, 1.0, "must be numbers"),
        ({"day": [0.0, np.nan]}, 1.0, "column 'day' must hold finite numbers"),
        ({"day": [[0.0], [1.0]]}, 1.0, "column 'day' must hold finite numbers"),
        ({"day": [0.0, 1.0], "inflow": [1.0, 2.0, 3.0]}, 1.0, "of one length"),
        ({"day": []}, 1.0, "has no points"),
        (DAYS, -1.0, "weight is negative"),
        (DAYS, [1.0, 2.0], "of one length"),
    ],
)
def test_points_that_make_no_sense_are_refused(points: dict, weight: object, message: str) -> None:
    with pytest.raises(FitError, match="relation 'balance'") as caught:
        Relation("balance", lambda s: s["day"], points, weight)
    assert message in str(caught.value)


def test_collocation_integrates_cubics_cell_by_cell() -> None:
    points = collocation({"x": (-1.0, 2.0), "y": (0.0, 1.0)}, cells=3)
    assert len(points["x"]) == 36
    assert np.mean(points["x"] ** 3 * points["y"]) == pytest.approx(
        (2.0**4 - 1.0) / 4.0 / 3.0 / 2.0, abs=1e-12
    )


@pytest.mark.parametrize(
    ("ranges", "cells", "message"),
    [
        ({"t": (0.0, 1.0)}, 0, r"'t' ranges over \(0.0, 1.0\) in 0 cells; write low < high"),
        ({"t": (1.0, 1.0)}, 3, r"'t' ranges over \(1.0, 1.0\)"),
        ({"t": (2.0, 1.0)}, 3, "'t' ranges over"),
        ({"t": (0.0, float("inf"))}, 3, "'t' ranges over"),
    ],
)
def test_points_over_no_range_are_refused(ranges: dict, cells: object, message: str) -> None:
    with pytest.raises(FitError, match=f"collocation: {message}"):
        collocation(ranges, cells)
