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
from kanopt.kan.description import Network
from kanopt.kan.links import Softplus
from kanopt.surrogates import Feature
from kanopt.surrogates.distill import HeldOut, Trained, distill
from kanopt.surrogates.distill.closed import Closed, closed_law
from kanopt.surrogates.distill.control import OPERATORS, Control, Scale, contained, written
from kanopt.surrogates.distill.edges import mixed_of
from kanopt.surrogates.distill.forms import CYCLIC, FORMS, Form
from kanopt.surrogates.distill.judge import OPERATOR
from kanopt.surrogates.distill.standing import standing
from tests.cases.own_rows import judged_by_own_rows
from tests.surrogates.distill.test_structures import HOUR, MODE, Shape, cycle, decoded, layer, times, trained

Floats = NDArray[np.float64]
A, B = Feature("a", "number", low=0.0, high=1.0), Feature("b", "number", low=0.0, high=1.0)
LOG = replace(A, log=True)
FORM = {form.name: form for form in (*FORMS, *CYCLIC)}
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
    return distill(model, HeldOut(frame, Variable("y"), ""), least)


def on_rows(model: Trained) -> Closed | None:
    return closed_law(model, OPERATOR)


@pytest.fixture
def network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kanopt.surrogates.distill.drafts.closed_law", lambda *_: None)


SHOWS = {"linear": set(), "none": set(), "quadratic": {"square"}}


@pytest.mark.usefixtures("network_alone")
@pytest.mark.parametrize("operator", [each for each in OPERATORS if each != "step"])
def test_a_column_is_what_it_was_pinned_to_on_the_network(operator: str) -> None:
    law = law_of(controlled(model(), {"a": operator}))
    assert standing(law.root) == SHOWS.get(operator, {operator})
    assert law.used == ({"b"} if operator == "none" else {"a", "b"})
    assert law.provenance["pinned"] == f"a: {operator}"


@pytest.mark.usefixtures("network_alone")
def test_the_network_has_no_step_and_says_so() -> None:
    with pytest.raises(
        FitError, match=r"pin: the network has a in a place where it cannot become step; fit it"
    ):
        law_of(controlled(model(), {"a": "step"}))


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
    assert law is not None
    assert ("square" if operator == "quadratic" else operator) not in standing(law.formula.root), law.formula
    assert any(each.chosen for each in law.front)


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


@pytest.mark.usefixtures("network_alone")
def test_what_is_preferred_costs_half_on_the_network() -> None:
    control = Control.of(None, None, ["exp"])
    edge = next(e for e in mixed_of(model()).edges if e.source == 0)
    for form, share in ((FORM["exp"], 0.5), (FORM["log"], 1.0)):
        assert control.price(replace(edge, form=form), Scale()) == share
    assert control.price(replace(edge, form=FORM["linear"]), Scale(log_output=True)) == 0.5
    law = law_of(controlled(model(), prefer=["tanh"]))
    assert "tanh" in standing(law.root)
    assert "tanh" not in standing(law_of(model()).root)
    assert law.provenance["preferred"] == "tanh"


@pytest.mark.slow
@pytest.mark.usefixtures("network_alone")
def test_edges_of_a_hidden_network_are_pinned_by_their_names() -> None:
    x, _ = two_columns()
    first = layer([[times(1.0), np.sin], [times(0.4), np.square]], [0.1, 0.0])
    network = Network((first, layer([[np.exp], [times(2.0)]], [0.3])))
    own = trained(network, (A, B), x, network(x) + 0.01 * np.random.default_rng(0).standard_normal(len(x)))
    pins = {"a → node 2": "sine", "node 1 → output": "exp", "b → node 1": "linear", "b → node 2": "none"}
    law = law_of(controlled(own, pins))
    assert {"sine", "exp"} <= standing(law.root)
    assert law.provenance["pinned"] == (
        "a → node 2: sine; node 1 → output: exp; b → node 1: linear; b → node 2: none"
    )
    without = law_of(controlled(own, {"b": "none"}))
    assert without.used == {"a"}
    with pytest.raises(
        FitError, match="'a → node 3' is no column of the model and no edge; did you mean 'a → node"
    ):
        law_of(controlled(own, {"a → node 3": "sine"}))


@pytest.mark.slow
def test_an_edge_that_is_pinned_keeps_the_law_of_the_rows_out() -> None:
    x, y = two_columns()
    network = Network(
        (layer([[bent, None], [times(0.5), None]], [1.0, 0.0]), layer([[times(1.0)], [None]], [0.0]))
    )
    own = trained(network, (A, B), x, y)
    assert on_rows(own) is not None
    assert on_rows(controlled(own, {"b → node 1": "none"})) is None
    assert law_of(controlled(own, {"b → node 1": "none"})).used == {"a"}


@pytest.mark.parametrize(
    ("pin", "forbid", "prefer", "message"),
    [
        ({"aa": "log"}, None, None, "pin: 'aa' is no column of the model and no edge; did you mean 'a'"),
        ({"a": "logg"}, None, None, r"pin\['a'\]: 'logg' is no operator; did you mean 'log'"),
        ({"a": 3}, None, None, r"pin\['a'\]=3 must be an operator or several"),
        ({"a": []}, None, None, r"pin\['a'\]=\[\] names no operator"),
        ({"a": ["log", None]}, None, None, "None is no operator"),
        ({"a": [["log"]]}, None, None, r"\['log'\] is no operator"),
        (["a"], None, None, "must map columns to operators"),
        (None, ["sin"], None, "forbid: 'sin' is no operator; did you mean 'sine'"),
        (None, "sine, exp", None, "'sine, exp' is no operator"),
        (None, None, {"exp": 1}, "prefer={'exp': 1} must be an operator or several"),
        (None, ["none"], None, "'none' cannot be forbidden"),
        (None, "linear", None, "'linear' cannot be forbidden"),
        ({"a": "sine"}, ["sine"], None, r"pin\['a'\]=\['sine'\] is forbidden by forbid=\['sine'\]"),
        (None, ["exp"], ["exp"], r"prefer=\['exp'\] is forbidden"),
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
    assert "cos(" in str(law_of(controlled(own, {"hour": ["log", "sine"]})))
    assert "s(hour)" in str(law_of(controlled(own, {"hour": "curve"})))
    assert law_of(controlled(own, {"mode": "none"})).used == {"hour"}
    assert law_of(controlled(own, {"hour": "none"})).used == {"mode"}
    assert law_of(controlled(own, {"mode": ["none", "curve"]})).used == {"hour", "mode"}


def test_an_edge_of_a_category_is_refused_as_the_category_is() -> None:
    rng = np.random.default_rng(5)
    code, z = rng.integers(0, 2, 200), rng.uniform(0, 1, 200)
    network = Network(
        (
            layer([[times(1.0), None]], [0.0, 0.0], tables=([[-2.0, 0.0], [2.0, 0.0]],)),
            layer([[np.exp], [None]], [0.0]),
        )
    )
    own = trained(network, (A, MODE), np.column_stack([z, code]), network(z[:, None], code[:, None]))
    with pytest.raises(FitError, match="'mode → node 1' is a category, which can be pinned to none only"):
        law_of(controlled(own, {"mode → node 1": "sine"}))


def test_everything_left_out_is_a_law_without_inputs() -> None:
    law = law_of(controlled(model(), {"a": "none", "b": "none"}))
    assert law.used == frozenset()
    assert law.provenance["dropped"] == "a, b"
    assert law.evaluate({}) == pytest.approx(model().rows.target.mean(), rel=1e-6)


def zeros() -> Trained:
    """A column with zeros, of which no logarithm and no negative power is."""
    own = model(least=0.0)
    inputs = own.rows.inputs.copy()
    inputs[7, 0] = inputs[11, 0] = 0.0
    return replace(own, rows=replace(own.rows, inputs=inputs))


@pytest.mark.slow
def test_what_has_no_value_on_some_row_is_refused_or_written_so_that_it_has_one() -> None:
    log = law_of(controlled(zeros(), {"a": "log"}))
    assert "log(1 + " in str(log)
    assert np.isfinite(log.evaluate({"a": 0.0, "b": 0.5}))
    below = replace(zeros(), rows=replace(zeros().rows, inputs=zeros().rows.inputs - np.array([0.5, 0.0])))
    with pytest.raises(
        FitError, match=r"a: no operator that is allowed there has a value .* on all rows; allow 'curve'"
    ):
        law_of(controlled(below, {"a": "log"}))
    # a whole power has one
    assert np.isfinite(law_of(controlled(below, {"a": "power"})).evaluate({"a": -0.5, "b": 0.5}))
    assert law_of(controlled(below, {"a": ["log", "curve"]})).curves


def test_a_column_for_which_there_is_no_use_is_not_pinned_in_silence() -> None:
    x, _ = two_columns()
    y = 1.0 + 0.5 * x[:, 1] + 0.02 * np.random.default_rng(0).standard_normal(len(x))
    pruned = trained(Network((layer([[None], [times(0.5)]], [1.0]),)), (A, B), x, y)
    with pytest.raises(
        FitError, match=r"found no use for 'a', so that no sine of it .* pin it to \['sine', 'none'\]"
    ):
        law_of(controlled(pruned, {"a": "sine"}))
    assert law_of(controlled(pruned, {"a": ["sine", "none"]})).used == {"b"}
    # where the network has it, it is in the law, though the law of the rows would do without
    kept = replace(pruned, network=Network((layer([[times(0.01)], [times(0.5)]], [1.0]),)))
    assert law_of(kept).used == {"b"}
    assert law_of(controlled(kept, {"a": "linear"})).used == {"a", "b"}
    assert law_of(controlled(kept, {"a": ["linear", "none"]})).used == {"b"}


def logged(features: tuple[Feature, ...], *, log_target: bool, exponent: float = 0.7) -> Trained:
    """y = 3 a^exponent · b or its logarithm, of the logarithm of a or not."""
    rng = np.random.default_rng(6)
    x = rng.uniform(0.1, 1.0, (300, 2))
    y = 3.0 * x[:, 0] ** exponent * np.exp(x[:, 1] + 0.05 * rng.standard_normal(300))
    inputs = np.column_stack([features[0].encode(x[:, 0]) if features[0].log else x[:, 0], x[:, 1]])
    low = float(inputs[:, 0].min())
    own = layer([[lambda z: exponent * z], [times(1.0)]], [1.1])
    own = replace(own, lower=np.array([low, 0.0]), upper=np.array([float(inputs[:, 0].max()), 1.0]))
    return replace(
        trained(Network((own,)), features, inputs, np.log(y) if log_target else y), log_target=log_target
    )


@pytest.mark.usefixtures("network_alone")
@pytest.mark.parametrize("feature", [A, LOG], ids=["plain", "log"])
@pytest.mark.parametrize("log_target", [False, True])
def test_a_pinned_power_prints_as_a_power(feature: Feature, log_target: bool) -> None:
    own = logged((feature, B), log_target=log_target)
    target = np.exp(own.rows.target) if log_target else own.rows.target
    law = law_of(controlled(own, {"a": "power"}), target)
    powers = [node for node in _powers(law) if "a" in Formula(node, law.inputs, law.output).used]
    assert len(powers) == 1
    assert "log" not in standing(law.root)


def _powers(law: Formula) -> list[Power]:
    from kanopt.formulas.nodes import postorder

    return [node for node in postorder(law.root) if isinstance(node, Power)]


@pytest.mark.usefixtures("network_alone")
def test_a_straight_edge_of_a_logarithm_is_one_where_no_node_is_behind_it() -> None:
    own = logged((LOG, B), log_target=False)
    law = law_of(controlled(own, {"a": "log"}))
    assert "log" in standing(law.root)
    law = law_of(controlled(own, forbid=["log"]))
    assert "log" not in standing(law.root)


@pytest.mark.usefixtures("network_alone")
def test_what_only_the_way_of_fitting_brings_in_is_refused_with_the_way() -> None:
    x, _ = two_columns()
    first = layer([[times(1.0)], [times(0.4)]], [0.1])
    network = Network((first, layer([[times(1.0)]], [0.3])))
    own = replace(trained(network, (A, B), x, network(x)), log_target=True)
    with pytest.raises(
        FitError, match=r"forbid: exp cannot be avoided .* fitted with log_target=True; fit it otherwise"
    ):
        law_of(controlled(own, forbid=["exp"]), np.exp(network(x)))
    soft = trained(
        Network((layer([[times(2.0)], [None]], [-1.0]),)), (A, B), x, Softplus()(2 * x[:, 0] - 1), Softplus()
    )
    with pytest.raises(FitError, match=r"softplus cannot be avoided .* positive=True or bounds"):
        law_of(controlled(soft, forbid=["softplus"]))


def name_of(form: Form) -> str:
    return form.name


@pytest.mark.parametrize("form", [f for f in FORMS if f.name != "zero"], ids=name_of)
@pytest.mark.parametrize("log_input", [False, True])
@pytest.mark.parametrize("log_output", [False, True])
def test_the_names_of_forms_are_those_of_what_the_graph_has(
    form: Form, log_input: bool, log_output: bool
) -> None:
    own = logged((LOG if log_input else A, B), log_target=log_output)
    edge = next(e for e in mixed_of(own).edges if e.source == 0)
    scale = Scale(log_input, log_output)
    names = written(form, scale)
    assert set(names) <= {*contained(form, scale), "linear"}
    pinned = Control.of({"a": names[0]} if names else {}, None, None).on_edge(edge, ["a"], scale)
    assert not names or form in pinned.family
    forbidden = [each for each in contained(form, scale) if each != "linear"]
    if forbidden:
        assert form not in Control.of(None, forbidden[:1], None).on_edge(edge, ["a"], scale).family


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
    table["eur"] = 3 + 0.4 * table["km"] ** 0.8 + 2 * np.sin(2 * np.pi * table["hour"] / 24)
    return table.assign(eur=table["eur"] + 0.1 * rng.standard_normal(rows))


@pytest.mark.slow
@judged_by_own_rows
def test_a_law_of_a_fitted_model_is_controlled_and_a_file_keeps_what_was_decided(tmp_path: Any) -> None:
    table = trips()
    fitted = KANRegressor(seed=0, hidden=()).fit(table[["km", "hour"]], table["eur"])
    how: Mapping[str, Any] = {"pin": {"km": "log", "hour": ("sine",)}, "forbid": ["step"], "prefer": "sine"}
    law = fitted.to_formula(table, **how)
    assert standing(law.root) == {"log", "sine"}
    record = {"pinned": "km: log; hour: sine", "forbidden": "step", "preferred": "sine"}
    law.save(tmp_path / "law.json")
    again = Formula.load(tmp_path / "law.json")
    assert record.items() <= again.provenance.items()
    assert not record.keys() & fitted.to_formula(table).provenance.keys()
    named = again.fixed({again.constants[0].name: 1.0}) if again.constants[0].name else again
    assert record.items() <= named.provenance.items()
