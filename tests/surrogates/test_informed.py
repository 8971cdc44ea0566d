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
    Knowledge,
    Relation,
    collocation,
    fit_informed,
    observed,
)

PAGE = Path(__file__).parents[2] / "docs" / "knowledge-in-the-loss.md"


def test_a_linear_equation_of_second_order() -> None:
    points = collocation({"t": (0.0, 10.0)}, 80)
    swing = Relation(
        "swing", lambda s: s.derivative("u", "t", "t") + 0.2 * s.derivative("u", "t") + s["u"], points
    )
    rest = Relation("rest", lambda s: s.derivative("u", "t"), {"t": 0.0}, weight=1e4)
    known = Knowledge(("t",), ("u",), (swing, rest, observed("u", {"t": 0.0}, 1.0, weight=1e4)))
    law = fit_informed(known, 3, grid_size=20, starts=1, bounds={"t": (0.0, 10.0)})["u"]
    t = np.linspace(0.0, 10.0, 300)
    w = np.sqrt(0.99)
    exact = np.exp(-0.1 * t) * (np.cos(w * t) + 0.1 / w * np.sin(w * t))
    assert np.abs(law.evaluate({"t": t}) - exact).max() < 1e-6


def test_a_nonlinear_equation_in_the_units_of_the_stock() -> None:
    """Logistic growth up to a warehouse of 1,000 pallets."""
    growth = Relation(
        "growth",
        lambda s: s.derivative("stock", "week") - 0.6 * s["stock"] * (1.0 - s["stock"] / 1000.0),
        {"week": np.linspace(0.0, 20.0, 200)},
    )
    known = Knowledge(("week",), ("stock",), (growth, observed("stock", {"week": 0.0}, 100.0, weight=1e4)))
    law = fit_informed(known, 3, grid_size=10, starts=4)["stock"]
    week = np.linspace(0.0, 20.0, 101)
    exact = 1000.0 / (1.0 + 9.0 * np.exp(-0.6 * week))
    assert np.abs(law.evaluate({"week": week}) - exact).max() < 0.05


def test_starts_at_which_a_residual_is_not_finite_are_left_out() -> None:
    points = {"t": np.linspace(0.0, 1.0, 15)}
    root = Relation("root", lambda s: torch.log(s["u"]) - s["t"], points)
    known = Knowledge(("t",), ("u",), (root,))
    with pytest.raises(FitError, match=r"relation 'root': its residual, or .* is not finite"):
        fit_informed(known, 3, hidden=(1,), refinements=0, starts=1)


def test_ranges_and_points_that_make_no_sense_are_refused() -> None:
    flat = Knowledge(("t",), ("u",), (observed("u", {"t": [1.0, 1.0]}, [1.0, 2.0]),))
    with pytest.raises(FitError, match="feature 't' ranges from 1 to 1"):
        fit_informed(flat)
    with pytest.raises(FitError, match="bounds: no such feature as 'time'"):
        fit_informed(flat, bounds={"time": (0.0, 1.0)})
    assert set(fit_informed(flat, starts=1, bounds={"t": (0.0, 2.0)})) == {"u"}


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
    with pytest.raises(FitError, match=f"fit_informed: {name}"):
        fit_informed(decay(), **given)


def test_every_output_is_a_formula() -> None:
    points = collocation({"x": (-1.0, 1.0), "y": (0.0, 2.0)}, 4)
    product = Relation("product", lambda s: s["u"] - s["x"] * s["y"] + 0.1 * s.derivative("v", "x"), points)
    sloping = observed("v", {"x": [0.0, 1.0], "y": [0.5, 1.5]}, [3.0, 4.0])
    found = fit_informed(
        Knowledge(("x", "y"), ("u", "v"), (product, sloping)), 3, hidden=(3,), refinements=1, starts=2
    )
    assert [law.output.name for law in found.values()] == list(found) == ["u", "v"]
    np.testing.assert_allclose(found["v"].evaluate({"x": [0.0, 1.0], "y": [0.5, 1.5]}), [3.0, 4.0], atol=1e-3)


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
