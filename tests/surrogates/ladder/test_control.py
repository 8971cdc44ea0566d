"""What a person decided about a law: pins, forbidden and preferred operators, on the rows and on the network."""

from __future__ import annotations

from collections.abc import Mapping
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
    Curve,
    Formula,
    Input,
    Maximum,
    Node,
    Power,
    Step,
    Table,
    Variable,
)
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.surrogates import Feature
from kanopt.surrogates.ladder import HeldOut, Trained, find_law
from kanopt.surrogates.ladder.closed import OPERATOR, Closed, closed_law
from kanopt.surrogates.ladder.control import OPERATORS, Control, standing
from tests.cases.hand_networks import Network
from tests.cases.own_rows import judged_by_own_rows
from tests.surrogates.ladder.by_hand import HOUR, MODE, Shape, cycle, decoded, layer, times, trained

Floats = NDArray[np.float64]
A, B = Feature("a", "number", low=0.0, high=1.0), Feature("b", "number", low=0.0, high=1.0)
CLOSED_ON_ROWS = ("linear", "power", "exp", "gaussian", "log", "sine", "hinge", "step", "curve")


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


def controlled(model: Trained, pin: Any = None, forbid: Any = None, prefer: Any = None) -> Trained:
    return replace(model, control=Control.of(pin, forbid, prefer))


def law_of(model: Trained, target: Floats | None = None, least: float = -1.0) -> Formula:
    y = model.rows.target if target is None else target
    frame = decoded(model.features, model.rows.inputs).assign(y=y)
    return find_law(model, HeldOut(frame, Variable("y"), ""), least)


def on_rows(model: Trained) -> Closed | None:
    return closed_law(model, OPERATOR)


@pytest.fixture
def network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kanopt.surrogates.ladder.closed.closed_law", lambda *_: None)


SHOWS = {"linear": set(), "none": set(), "quadratic": {"square"}}


def without_b(node: Node) -> Node:
    """Return a number for what does not depend on a: b may stand in any operator."""
    if isinstance(node, Input):
        return Constant(0.5) if node.name == "b" else node
    inputs = any(isinstance(below, Input) for below in postorder(node))
    return Constant(0.5) if isinstance(node, Apply | Power | Maximum | Curve | Step) and not inputs else node


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_column_is_what_it_was_pinned_to_on_the_rows(operator: str) -> None:
    law = on_rows(controlled(model(), {"a": operator}))
    if operator not in (*CLOSED_ON_ROWS, "none"):
        assert law is None
        return
    assert law is not None
    used = law.formula.used
    found = standing(rebuild(law.formula.root, without_b))
    if operator == "power":
        assert found <= {"power", "square"}
    else:
        assert found - {"square", "power"} == SHOWS.get(operator, {operator})
    assert ("a" in used) == (operator != "none")
    if operator == "linear":
        a = np.linspace(0.1, 0.9, 9)
        bends = np.diff(law.formula.evaluate({"a": a, "b": np.full(9, 0.5)}), 2)
        np.testing.assert_allclose(bends, 0.0, atol=1e-9)


def test_of_several_operators_the_better_is_chosen() -> None:
    law = on_rows(controlled(model(noise=0.001), {"a": ["log", "exp"]}))
    assert law is not None
    assert "exp" in standing(law.formula.root)
    assert "log" not in standing(law.formula.root)


@pytest.mark.usefixtures("network_alone")
@pytest.mark.parametrize("operator", [each for each in OPERATORS if each not in ("none", "linear")])
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
    everything = [each for each in OPERATORS if each not in ("none", "linear")]
    law = law_of(controlled(model(), forbid=everything))
    assert standing(law.root) == set()
    assert "a" in law.used


def of_one(shape: Shape, noise: float, seed: int = 3) -> Trained:
    rng = np.random.default_rng(seed)
    a = rng.uniform(0.3, 3.0, 200)
    y = shape(a) + noise * rng.standard_normal(200)
    return trained(Network((layer([[times(1.4)]], [1.7]),)), (A,), a[:, None], y)


@pytest.mark.slow
def test_what_is_preferred_decides_between_laws_that_are_nearly_as_good() -> None:
    own = of_one(lambda a: 3.0 + 2.0 * np.maximum(0.0, a - 0.9) ** 1.25, 0.12, seed=4)
    free, hinge, exp = (on_rows(controlled(own, prefer=word)) for word in (None, "hinge", "exp"))
    assert free is not None
    assert hinge is not None
    assert exp is not None
    assert "hinge" not in standing(free.formula.root)
    assert "hinge" in standing(hinge.formula.root)
    assert "exp" in standing(exp.formula.root)
    # the error is about the same
    assert hinge.squares < 1.1 * free.squares


@pytest.mark.parametrize("prefer", [None, "log", "exp"])
def test_a_logarithm_is_found_though_a_flat_power_imitates_it(prefer: str | None) -> None:
    law = on_rows(controlled(of_one(lambda a: 3.0 + 2.0 * np.log(a), 0.05), prefer=prefer))
    assert law is not None
    assert standing(law.formula.root) == {"log"}


@pytest.mark.parametrize(
    ("pin", "forbid", "prefer", "message"),
    [
        ({"aa": "log"}, None, None, "pin: 'aa' is no column of the model; did you mean 'a'"),
        ({"a": "logg"}, None, None, r"pin\['a'\]: unknown operator 'logg'; did you mean 'log'"),
        ({"a": 3}, None, None, r"pin\['a'\]: must be an operator such as"),
        ({"a": []}, None, None, r"pin\['a'\]: an empty list leaves nothing"),
        ({"a": ["log", None]}, None, None, "unknown operator None"),
        ({"a": [["log"]]}, None, None, r"unknown operator \['log'\]"),
        (["a"], None, None, "must map columns to operators"),
        (None, ["sin"], None, "forbid: unknown operator 'sin'; did you mean 'sine'"),
        (None, "sine, exp", None, "unknown operator 'sine, exp'"),
        (None, None, {"exp": 1}, "prefer: must be an operator such as"),
        (None, ["none"], None, "'none' cannot be forbidden"),
        (None, "linear", None, "'linear' cannot be forbidden"),
        ({"a": "sine"}, ["sine"], None, r"pin\['a'\]: 'sine' is forbidden by forbid"),
        (None, ["exp"], ["exp"], "prefer: 'exp' is forbidden"),
        (None, None, ["none"], "prefer: 'none' cannot be preferred"),
    ],
)
def test_contradictions_and_unknown_words_are_refused(
    pin: Any, forbid: Any, prefer: Any, message: str
) -> None:
    with pytest.raises(FitError, match=message):
        law_of(controlled(model(), pin, forbid, prefer))


def with_mode() -> Trained:
    rng = np.random.default_rng(5)
    z, code = rng.uniform(0, 1, 300), rng.integers(0, 2, 300)
    y = np.array([2.0, 6.0])[code] + np.cos(2 * np.pi * z) + 0.05 * rng.standard_normal(300)
    wave = cycle(lambda z: np.cos(2 * np.pi * z))
    network = Network((layer([], [4.0], tables=([[-2.0], [2.0]],), cycles=wave[None, None]),))
    return trained(network, (HOUR, MODE), np.column_stack([z, code]), y)


def test_categories_and_cycles_take_what_they_can_be_only() -> None:
    own = with_mode()
    with pytest.raises(FitError, match="'mode' is a category, which can be pinned to none only"):
        law_of(controlled(own, {"mode": "sine"}))
    with pytest.raises(FitError, match="'hour' is a cycle, which can be pinned to curve, none, sine only"):
        law_of(controlled(own, {"hour": ["log", "exp"]}))
    assert "sine" in standing(law_of(controlled(own, {"hour": ["log", "sine"]})).root)
    assert "s(hour)" in str(law_of(controlled(own, {"hour": "curve"})))
    assert law_of(controlled(own, {"mode": "none"})).used == {"hour"}
    assert law_of(controlled(own, {"hour": "none"})).used == {"mode"}
    assert law_of(controlled(own, {"mode": ["none", "curve"]})).used == {"hour", "mode"}


def test_everything_left_out_is_a_law_without_inputs() -> None:
    law = law_of(controlled(model(), {"a": "none", "b": "none"}))
    assert law.used == frozenset()
    assert law.provenance["dropped"] == "a, b"
    assert law.evaluate({}) == pytest.approx(model().rows.target.mean(), rel=1e-6)


def test_a_column_for_which_there_is_no_use_is_not_pinned_in_silence() -> None:
    x, _ = two_columns()
    y = 1.0 + 0.5 * x[:, 1] + 0.02 * np.random.default_rng(0).standard_normal(len(x))
    pruned = trained(Network((layer([[None], [times(0.5)]], [1.0]),)), (A, B), x, y)
    assert law_of(controlled(pruned, {"a": ["sine", "none"]})).used == {"b"}
    # where the network has it, it is in the law, though the law of the rows would do without
    kept = replace(pruned, network=Network((layer([[times(0.01)], [times(0.5)]], [1.0]),)).formula)
    assert law_of(kept).used == {"b"}
    assert law_of(controlled(kept, {"a": "linear"})).used == {"a", "b"}
    assert law_of(controlled(kept, {"a": ["linear", "none"]})).used == {"b"}


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
    how: Mapping[str, Any] = {"pin": {"km": "log", "hour": ("sine",)}, "forbid": ["step"], "prefer": "sine"}
    law = fitted.to_formula(table, **how)
    # below its rows a logarithm falls without end, and is held
    assert standing(law.root) == {"log", "sine", "hinge"}
    assert law.provenance["held"].startswith("km below ")
    record = {"pinned": "km: log; hour: sine", "forbidden": "step", "preferred": "sine"}
    law.save(tmp_path / "law.json")
    again = Formula.load(tmp_path / "law.json")
    assert record.items() <= again.provenance.items()
    assert not record.keys() & fitted.to_formula(table).provenance.keys()
    named = again.fixed({again.constants[0].name: 1.0}) if again.constants[0].name else again
    assert record.items() <= named.provenance.items()
