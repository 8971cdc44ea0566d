"""What a person decided about a law: forbidden operators, on the rows and on the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from kanopt import KANRegressor
from kanopt.errors import FitError
from kanopt.formulas import (
    Apply,
    Constant,
    Formula,
    Input,
    Table,
    Variable,
)
from kanopt.formulas.modules import OPERATORS
from kanopt.surrogates import Feature
from kanopt.surrogates.ladder import HeldOut, Trained, find_law
from kanopt.surrogates.ladder.closed import OPERATOR, Closed, closed_law
from kanopt.surrogates.ladder.control import forbidden_words, standing
from tests.cases.hand_networks import Network
from tests.cases.own_rows import judged_by_own_rows
from tests.surrogates.ladder.by_hand import Shape, decoded, layer, times, trained

Floats = NDArray[np.float64]
A, B = Feature("a", "number", low=0.0, high=1.0), Feature("b", "number", low=0.0, high=1.0)


def bent(a: Floats) -> Floats:
    """A function that many operators can follow."""
    return 2.0 * a + 1.5 * a**2


def two_columns(rows: int = 300, least: float = 0.05, noise: float = 0.02) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(4)
    x = rng.uniform(least, 1.0, (rows, 2))
    return x, 1.0 + bent(x[:, 0]) + 2.0 * x[:, 1] + noise * rng.standard_normal(rows)


def model(least: float = 0.05, noise: float = 0.02, **changes: Any) -> Trained:
    x, y = two_columns(least=least, noise=noise)
    network = Network((layer([[bent], [times(2.0)]], [1.0]),))
    return replace(trained(network, (A, B), x, y), **changes)


def controlled(model: Trained, forbid: Any) -> Trained:
    return replace(model, forbid=forbidden_words(forbid))


def law_of(model: Trained, target: Floats | None = None, least: float = -1.0) -> Formula:
    y = model.rows.target if target is None else target
    frame = decoded(model.features, model.rows.inputs).assign(y=y)
    return find_law(model, HeldOut(frame, Variable("y"), ""), least)


def on_rows(model: Trained) -> Closed | None:
    return closed_law(model, OPERATOR)


@pytest.fixture
def network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kanopt.surrogates.ladder.closed.closed_law", lambda *_: None)


@pytest.mark.usefixtures("network_alone")
@pytest.mark.parametrize("operator", OPERATORS)
def test_what_is_forbidden_stands_nowhere_on_the_network(operator: str) -> None:
    for log in (False, True):
        target = np.exp(model().rows.target) if log else None
        own = model(log_target=log)
        law = law_of(controlled(own, forbid=[operator]), target)
        assert operator not in standing(law.root), str(law)
        assert law.provenance["forbidden"] == operator


SHAPES: dict[str, Shape] = {
    "power": lambda a: 3 * a**0.6,
    "quadratic": lambda a: a + 4 * a**2,
    "exp": lambda a: np.exp(2 * a),
    "gaussian": lambda a: 3 * np.exp(-6 * a**2),
    "log": np.log,
    "sine": lambda a: np.sin(9 * a),
    "hinge": lambda a: 5 * np.maximum(0, a - 0.4),
    "step": lambda a: 2.0 * (a > 0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("operator", SHAPES)
def test_what_is_forbidden_stands_nowhere_on_the_rows(operator: str) -> None:
    own = model()
    noise = 0.1 * np.random.default_rng(2).standard_normal(len(own.rows.target))
    y = SHAPES[operator](own.rows.inputs[:, 0]) + own.rows.inputs[:, 1] + noise
    own = replace(own, rows=replace(own.rows, target=y))
    law = on_rows(controlled(own, forbid=[operator]))
    # without steps no closed form may say what a step says, and other rungs are left
    assert law is not None or operator == "step"
    if law is not None:
        assert ("square" if operator == "quadratic" else operator) not in standing(law.formula.root), (
            law.formula
        )


@pytest.mark.slow
def test_with_curves_forbidden_the_law_is_closed() -> None:
    law = law_of(controlled(model(), forbid=["curve"]))
    assert not law.curves
    law = law_of(controlled(model(), forbid=OPERATORS))
    assert standing(law.root) == set()
    assert "a" in law.used


def test_a_logarithm_is_found_though_a_flat_power_imitates_it() -> None:
    rng = np.random.default_rng(3)
    a = rng.uniform(0.3, 3.0, 200)
    y = 3.0 + 2.0 * np.log(a) + 0.05 * rng.standard_normal(200)
    law = on_rows(trained(Network((layer([[times(1.4)]], [1.7]),)), (A,), a[:, None], y))
    assert law is not None
    assert standing(law.formula.root) == {"log"}


@pytest.mark.parametrize(
    ("forbid", "message"),
    [
        (["sin"], "forbid: no operator 'sin' can be forbidden; did you mean 'sine'"),
        ("sine, exp", "no operator 'sine, exp'"),
        ({"exp": 1}, "forbid: must be an operator such as"),
        ("linear", "no operator 'linear' can be forbidden"),
    ],
)
def test_unknown_words_are_refused(forbid: Any, message: str) -> None:
    with pytest.raises(FitError, match=message):
        forbidden_words(forbid)


def test_what_stands_in_a_graph() -> None:
    x = Input("x")
    curve = Formula(Table.of({"a": 1.0}, "v"), (Variable("v", kind="category"),), Variable("y")).root
    assert standing(Apply("exp", Constant(2.0) * curve)) == set()
    assert standing(Apply("exp", curve + x)) == {"exp"}
    assert standing(2.0 / x + 1.0 / (x + 1.0)) == set()
    assert standing(x ** Input("y")) == {"power"}
    assert standing(Apply("exp", -1.0 * (x - 3.0) ** 2.0) + x**2.0) == {"gaussian", "square"}
    assert standing(Apply("exp", Apply("exp", -1.0 * x**2.0))) == {"exp", "gaussian"}


def trips(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(5, 80, rows), "hour": rng.uniform(0, 24, rows)})
    table["eur"] = 3 + 2 * np.log(table["km"]) + 2 * np.sin(2 * np.pi * table["hour"] / 24)
    return table.assign(eur=table["eur"] + 0.1 * rng.standard_normal(rows))


@pytest.mark.slow
@judged_by_own_rows
def test_a_law_of_a_fitted_model_is_controlled_and_a_file_keeps_what_was_decided(tmp_path: Any) -> None:
    table = trips()
    fitted = KANRegressor(seed=0, hidden=()).fit(table[["km", "hour"]], table["eur"])
    law = fitted.to_formula(table, forbid=["step", "power"])
    # below its rows a logarithm falls without end, and is held
    assert standing(law.root) == {"log", "sine", "hinge"}
    assert law.provenance["held"].startswith("km below ")
    record = {"forbidden": "step, power"}
    law.save(tmp_path / "law.json")
    again = Formula.load(tmp_path / "law.json")
    assert record.items() <= again.provenance.items()
    assert not record.keys() & fitted.to_formula(table).provenance.keys()
    named = again.fixed({again.constants[0].name: 1.0}) if again.constants[0].name else again
    assert record.items() <= named.provenance.items()
