from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch

from kanopt.errors import FitError
from kanopt.informed import (
    InformedNetwork,
    InformedOptions,
    Knowledge,
    Relation,
    collocation,
    fit_informed,
    observed,
)
from kanopt.kan.trainer import TrainerOptions

PAGE = Path(__file__).parents[2] / "docs" / "knowledge-in-the-loss.md"


def solve(known: Knowledge, options: InformedOptions, **bounds: tuple[float, float]) -> InformedNetwork:
    return fit_informed(known, torch.Generator().manual_seed(3), options, bounds)


def rmse(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def test_a_linear_equation_of_second_order() -> None:
    points = collocation({"t": (0.0, 10.0)}, 80)
    swing = Relation(
        "swing", lambda s: s.derivative("u", "t", "t") + 0.2 * s.derivative("u", "t") + s["u"], points
    )
    rest = Relation("rest", lambda s: s.derivative("u", "t"), {"t": 0.0}, weight=1e4)
    known = Knowledge(("t",), ("u",), (swing, rest, observed("u", {"t": 0.0}, 1.0, weight=1e4)))
    fitted = solve(known, InformedOptions(grid_size=20, starts=1), t=(0.0, 10.0))
    t = np.linspace(0.0, 10.0, 300)
    w = np.sqrt(0.99)
    exact = np.exp(-0.1 * t) * (np.cos(w * t) + 0.1 / w * np.sin(w * t))
    assert np.abs(fitted.predict({"t": t})["u"] - exact).max() < 1e-6
    slope = -np.exp(-0.1 * t) * np.sin(w * t) / w
    assert np.abs(fitted.derivative({"t": t}, "u", "t") - slope).max() < 1e-4
    assert rmse(fitted.residuals()["swing"], np.zeros(160)) < 1e-4


def test_a_nonlinear_equation_in_the_units_of_the_stock() -> None:
    """Logistic growth up to a warehouse of 1,000 pallets."""
    growth = Relation(
        "growth",
        lambda s: s.derivative("stock", "week") - 0.6 * s["stock"] * (1.0 - s["stock"] / 1000.0),
        {"week": np.linspace(0.0, 20.0, 200)},
    )
    known = Knowledge(("week",), ("stock",), (growth, observed("stock", {"week": 0.0}, 100.0, weight=1e4)))
    fitted = solve(known, InformedOptions(grid_size=10, starts=4))
    week = np.linspace(0.0, 20.0, 101)
    exact = 1000.0 / (1.0 + 9.0 * np.exp(-0.6 * week))
    assert np.abs(fitted.predict({"week": week})["stock"] - exact).max() < 0.05


def test_starts_at_which_a_residual_is_not_finite_are_left_out() -> None:
    points = {"t": np.linspace(0.0, 1.0, 15)}
    root = Relation("root", lambda s: torch.log(s["u"]) - s["t"], points)
    known = Knowledge(("t",), ("u",), (root,))
    options = InformedOptions(hidden=(1,), refinements=0, starts=1)
    with pytest.raises(FitError, match=r"relation 'root': its residual, or .* is not finite"):
        solve(known, options)


def test_ranges_and_points_that_make_no_sense_are_refused() -> None:
    flat = Knowledge(("t",), ("u",), (observed("u", {"t": [1.0, 1.0]}, [1.0, 2.0]),))
    with pytest.raises(FitError, match="feature 't' ranges from 1 to 1"):
        solve(flat, InformedOptions())
    with pytest.raises(FitError, match="bounds: no such feature as 'time'"):
        solve(flat, InformedOptions(), time=(0.0, 1.0))
    fitted = solve(flat, InformedOptions(starts=1), t=(0.0, 2.0))
    with pytest.raises(FitError, match="lack the feature 't'"):
        fitted.predict({"tt": [1.0]})


def decay(weight: float = 1.0) -> Knowledge:
    relation = Relation(
        "decay", lambda s: s.derivative("u", "t") + s["u"], {"t": np.linspace(0.0, 2.0, 40)}, weight=weight
    )
    return Knowledge(("t",), ("u",), (relation, observed("u", {"t": 0.0}, 1.0, weight=weight)))


def test_knowledge_without_weight_is_refused() -> None:
    with pytest.raises(FitError, match="all weights of all relations are 0"):
        fit_informed(decay(weight=0.0), 3)


@pytest.mark.parametrize("given", [{"starts": 0}, {"starts": True}, {"grid_size": 2.5}, {"refinements": -1}])
def test_options_that_make_no_sense_are_refused(given: dict) -> None:
    (name,) = given
    with pytest.raises(FitError, match=f"InformedOptions: {name}"):
        InformedOptions(**given)
    with pytest.raises(FitError, match=r"smoothing and ridge must be at least 0"):
        InformedOptions(smoothing=-1.0)
    with pytest.raises(FitError, match=r"products=\(3,\) must lie between"):
        InformedOptions(hidden=(2,), products=(3,))


def test_every_output_is_a_formula_that_computes_what_the_network_does() -> None:
    points = collocation({"x": (-1.0, 1.0), "y": (0.0, 2.0)}, 4)
    product = Relation("product", lambda s: s["u"] - s["x"] * s["y"] + 0.1 * s.derivative("v", "x"), points)
    known = Knowledge(
        ("x", "y"), ("u", "v"), (product, observed("v", {"x": [0.0, 1.0], "y": [0.5, 1.5]}, [3.0, 4.0]))
    )
    trainer = TrainerOptions(iterations=8)
    options = InformedOptions(hidden=(3,), products=(1,), refinements=1, starts=2, trainer=trainer)
    fitted = solve(known, options)
    rng = np.random.default_rng(4)
    # beyond the points as well, where curves are straight
    fresh = {"x": rng.uniform(-1.5, 1.5, 200), "y": rng.uniform(-0.5, 2.5, 200)}
    predicted = fitted.predict(fresh)
    for name in ("u", "v"):
        law = fitted.to_formula(name)
        np.testing.assert_allclose(law.evaluate(fresh), predicted[name], atol=1e-9)
    with pytest.raises(FitError, match="to_formula: no output 'None'"):
        fitted.to_formula()


@pytest.mark.slow
def test_the_page_shows_what_its_code_prints() -> None:
    pairs = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(pairs) >= 2
    namespace: dict[str, object] = {}
    for code, shown in pairs:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, PAGE.name, "exec"), namespace)
        assert printed.getvalue() == shown
