"""Products, cycles, pruned edges and links: networks written down by hand, and small fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import Formula, Variable
from kanopt.formulas.domain import cycle_range
from kanopt.kan.description import Layer, Network, evaluate_periodic
from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.curves import curve_form, cycle_form
from kanopt.surrogates.distill.edges import mixed_of
from kanopt.surrogates.distill.forms import CYCLIC, FORMS, LINEAR, Form
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.encoding import Feature
from tests.surrogates.distill.by_hand import (
    CELLS,
    HOUR,
    MODE,
    NUMBER,
    Floats,
    Shape,
    cycle,
    decoded,
    law_of,
    layer,
    times,
    trained,
    written,
)


def product_network(
    first: Shape, second: Shape, bias: Sequence[float], output: float, factor: float
) -> Network:
    """(bias + first(a)) · (bias + second(b)) times a factor, by one product node."""
    edges = layer([[first, None], [None, second]], bias, products=1)
    return Network((edges, layer([[times(factor)]], [output])))


@pytest.fixture(autouse=True)
def only_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here is reading the network; the law found on the rows beside it would often be chosen."""
    monkeypatch.setattr("kanopt.surrogates.distill.drafts.closed_law", lambda *_: None)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.mark.parametrize(
    "form", [*CYCLIC[1:], cycle_form(1), cycle_form(2), cycle_form(7)], ids=lambda f: f.name
)
def test_periodic_forms_repeat_and_are_differentiated_exactly(form: Form) -> None:
    theta = np.random.default_rng(0).normal(size=form.size)
    z, step = np.linspace(-1.2, 2.3, 57), 1e-6
    np.testing.assert_allclose(form.value(z + 2, theta), form.value(z, theta), atol=1e-12)
    numeric = (form.value(z + step, theta) - form.value(z - step, theta)) / (2 * step)
    np.testing.assert_allclose(form.slope(z, theta), numeric, atol=1e-6)
    np.testing.assert_allclose(form.gradient(z, theta) @ theta, form.value(z, theta), atol=1e-12)
    assert form.is_linear


def test_jacobian_through_products_and_cycles_agrees_with_finite_differences(
    rng: np.random.Generator,
) -> None:
    x = np.column_stack([rng.uniform(0, 1, (40, 2)), rng.uniform(0, 3, 40)])
    curve, wheel = curve_form(-1.0, 2.0, 4), cycle_form(5)
    first = [
        Edge(0, source, target, form, rng.normal(size=form.size), family=CYCLIC if source == 2 else FORMS)
        for source, form in enumerate((curve, curve, wheel))
        for target in range(5)
    ]
    second = [
        Edge(1, node, target, curve, rng.normal(size=curve.size)) for node in range(3) for target in range(2)
    ]
    model = Mixed(
        (*first, *second),
        (rng.normal(size=5), rng.normal(size=2)),
        products=(2, 1),
        pinned=frozenset({(0, 4)}),
    )
    assert [model.subnodes(0, node) for node in range(3)] == [(0,), (1, 2), (3, 4)]
    assert model.subnodes(1, 0) == (0, 1)
    vector = model.parameters
    jacobian = model.jacobian(model.signals(x))
    held = len(vector) - 2 - 1
    for k in range(len(vector)):
        bump = np.zeros_like(vector)
        bump[k] = 1e-6
        difference = model.with_parameters(vector + bump).predict(x) - model.with_parameters(
            vector - bump
        ).predict(x)
        wanted = 0.0 if k == held else difference / 2e-6
        np.testing.assert_allclose(jacobian[k], wanted, atol=1e-6)


def test_the_mixed_network_computes_what_the_network_computes(rng: np.random.Generator) -> None:
    wave = np.stack([cycle(lambda z: np.sin(2 * np.pi * z)), cycle(np.cos), cycle(lambda z: z * (1 - z))])
    first = layer(
        [[times(1), np.square, None], [np.sqrt, None, times(2)]],
        [0.1, 0.2, 0.3],
        tables=([[0.0, 1.0, 2.0], [0.5, -1.0, 0.0]],),
        cycles=wave[None],
        products=1,
    )
    network = Network((first, layer([[np.exp], [np.square]], [0.4])))
    inputs = np.column_stack([rng.uniform(0, 1, (60, 3)), rng.integers(0, 2, 60)])
    expected = network(inputs[:, :3], inputs[:, 3:].astype(int))
    model = trained(network, (*NUMBER, HOUR, MODE), inputs, expected)
    np.testing.assert_allclose(mixed_of(model).predict(inputs), expected, atol=1e-12)
    data = {name: column.to_numpy() for name, column in decoded(model.features, inputs).items()}
    np.testing.assert_allclose(written(model, data), expected, atol=1e-9)
    np.testing.assert_allclose(written(model, {**data, "hour": data["hour"] + 72.0}), expected, atol=1e-9)


def test_tables_of_two_categories_have_names_of_their_own_by_which_they_are_refitted(
    rng: np.random.Generator,
) -> None:
    codes = rng.integers(0, 2, (600, 2))
    y = np.array([1.0, 5.0])[codes[:, 0]] + np.array([2.0, 9.0])[codes[:, 1]] + rng.normal(0, 0.01, 600)
    truck = Feature("vehicle", "category", categories=("truck", "van"))
    network = Network((layer([], [8.5], tables=([[-2.0], [2.0]], [[-3.5], [3.5]])),))
    model = trained(network, (MODE, truck), codes.astype(float), y)
    mixed = mixed_of(model)
    root = graph(mixed, model.features, None, np.full(len(mixed.parameters), np.nan))
    law = Formula(root, tuple(Variable(f.name, kind="category") for f in model.features), Variable("y"))
    assert str(law) == "8.5 + by1(mode) + by2(vehicle)"
    frame = decoded(model.features, codes.astype(float)).assign(y=y)
    again = law.refit(frame, only=["by1"])
    assert [table.name for table in again.tables] == ["by1", "by2"]
    assert np.abs(again.evaluate(frame) - y).max() < 0.1


def test_a_product_of_two_columns_is_read_off_a_product_node(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (400, 2))
    y = 2.5 * x[:, 0] * x[:, 1]
    # the factors of a trained network have scales and centres of their own
    network = product_network(times(0.5, 0.4), times(2.0, 0.6), (0.21, 1.19), 0.01, 2.4)
    law = law_of(trained(network, NUMBER, x, y), y)
    assert str(law) == "2.5 · a · b"


@pytest.mark.parametrize(
    ("truth", "reads"),
    [
        (lambda a, b: 3 * (a + 0.5) * (b + 2) + 1, "1 + 3 · (0.5 + a) · (2 + b)"),
        (lambda a, b: a * b + 2 * a, "a · (2 + b)"),
    ],
)
def test_shifts_of_the_factors_stay_where_the_law_has_them(
    truth: Callable[[Floats, Floats], Floats], reads: str, rng: np.random.Generator
) -> None:
    x = rng.uniform(0, 1, (500, 2))
    y = truth(*x.T)
    network = product_network(times(1.0), times(1.0), (0.4, 1.0), 0.5, 2.0)
    assert str(law_of(trained(network, NUMBER, x, y), y)) == reads


@pytest.mark.slow
def test_a_noisy_product_beside_a_sum_reads_as_both(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (1500, 2))
    y = 4 * x[:, 0] * x[:, 1] + 2 * x[:, 0] + 0.02 * rng.standard_normal(1500)
    first = layer(
        [[times(1.0), times(1.1), times(0.1)], [times(0.1), times(0.1), times(1.0)]],
        [0.1, 0.05, 0.2],
        products=1,
    )
    network = Network((first, layer([[times(1.9)], [times(4.2)]], [0.0])))
    law = law_of(trained(network, NUMBER, x, y), y)
    truth = 4 * x[:, 0] * x[:, 1] + 2 * x[:, 0]
    assert np.sqrt(np.mean((law.evaluate({"a": x[:, 0], "b": x[:, 1]}) - truth) ** 2)) < 0.003
    assert not law.curves


def test_a_factor_with_a_wave_reads_as_one_and_an_amplitude(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (1200, 2))
    y = 2 * x[:, 0] * (1 + 0.4 * np.sin(2 * np.pi * x[:, 1] - 1.2)) + 0.01 * rng.standard_normal(1200)
    wave = cycle(lambda z: -0.4 * np.sin(2 * np.pi * z - 1.2))
    cycles = np.stack([np.zeros(CELLS), wave])[None]
    first = layer([[times(1.0), None]], [0.0, -1.0], cycles=cycles, products=1)
    network = Network((first, layer([[times(-2.0)]], [0.0])))
    law = law_of(trained(network, (NUMBER[0], HOUR), x, y), y)
    numbers = re.fullmatch(r"(\S+) · a · \(1 \+ (\S+) · sin\(2 · pi · \(hour - (\S+)\) / 24\)\)", str(law))
    assert numbers is not None
    np.testing.assert_allclose(
        [float(n) for n in numbers.groups()], [2.0, 0.4, 1.2 * 24 / (2 * np.pi)], atol=0.03
    )


def test_a_curve_times_a_column_reads_as_such(rng: np.random.Generator) -> None:
    x = np.column_stack([rng.uniform(0, 1, 1500), rng.uniform(0, 1, 1500)])
    theta = 1.0 + np.array([0.0, 0.0, 0.1, 0.6, 0.4, 0.0, 0.0, 0.1, 0.4, 0.6, 0.1, 0.0])
    y = 2 * x[:, 0] * evaluate_periodic(x[:, 1], theta) + 0.01 * rng.standard_normal(1500)
    cycles = np.stack([np.zeros(12), theta - theta.mean()])[None]
    line = np.linspace(-1 / 12, 13 / 12, 15)
    first = Layer(
        np.zeros(1),
        np.ones(1),
        np.stack([line - 0.4, np.zeros(15)])[None],
        (),
        np.array([0.4, theta.mean()]),
        cycles=cycles,
        products=1,
    )
    network = Network((first, Layer(np.zeros(1), np.ones(1), 2 * line[None, None], (), np.zeros(1))))
    law = law_of(trained(network, (NUMBER[0], HOUR), x, y), y)
    found = re.fullmatch(r"([\d.]+) · a · s\(hour\)", str(law))
    assert found is not None
    # the curve is one on average, so that the factor is the mean rate
    assert float(found.group(1)) == pytest.approx(2 * theta.mean(), rel=0.01)
    (curve,) = law.curves
    assert curve.periodic
    hours = np.array([1.0, 9.5, 20.0])
    data = {"a": np.full(3, 0.5), "hour": hours}
    np.testing.assert_allclose(law.evaluate(data), evaluate_periodic(hours / 24, theta), atol=0.01)
    np.testing.assert_allclose(law.evaluate({**data, "hour": hours + 48}), law.evaluate(data), atol=1e-9)


@pytest.mark.parametrize(
    ("phase", "reads"),
    [
        (0.0, "5 + 3 · sin(2 · pi · hour / 24)"),
        (0.7, "5 + 3 · sin(2 · pi · (hour - 21.33) / 24)"),
    ],
)
def test_a_sine_of_the_hour_keeps_the_period_of_the_day(
    phase: float, reads: str, rng: np.random.Generator
) -> None:
    z = rng.uniform(0, 1, 600)
    y = 5 + 3 * np.sin(2 * np.pi * z + phase)
    coefficients = cycle(lambda z: 3 * np.sin(2 * np.pi * z + phase))
    network = Network((layer([], [5.0], cycles=coefficients[None, None]),))
    law = law_of(trained(network, (HOUR,), z[:, None], y), y)
    assert str(law) == reads


def test_a_periodic_curve_that_is_no_wave_stays_a_curve(rng: np.random.Generator) -> None:
    z = rng.uniform(0, 1, 800)
    shape = np.exp(-(((z - 0.3) / 0.1) ** 2)) + 0.8 * np.exp(-(((z - 0.72) / 0.12) ** 2))
    basis = evaluate_periodic(z, np.eye(16))
    theta = np.linalg.lstsq(basis, shape, rcond=None)[0]
    network = Network(
        (Layer(np.zeros(0), np.zeros(0), np.zeros((0, 1, 19)), (), np.zeros(1), cycles=theta[None, None]),)
    )
    model = trained(network, (HOUR,), z[:, None], shape + 0.02 * rng.standard_normal(800))
    law = law_of(model, model.rows.target)
    assert str(law) == "s(hour)" or str(law).endswith("+ s(hour)")
    hour = np.linspace(-30, 80, 333)
    np.testing.assert_allclose(written(model, {"hour": hour}), evaluate_periodic(hour / 24, theta), atol=1e-9)
    (item,) = law.domain.ranges
    assert (item.low, item.high) == (0.0, 24.0)


def test_pruned_edges_vanish_and_stay_away(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (300, 2))
    y = 3 * x[:, 0] + x[:, 1]  # the second column would help, but its edge was pruned
    network = Network((layer([[times(3.0)], [None]], [0.5]),))
    model = trained(network, NUMBER, x, y)
    assert [edge.form.name for edge in mixed_of(model).edges] == ["curve", "zero"]
    law = law_of(model, y)
    assert law.used == {"a"}
    assert law.provenance["dropped"] == "b"


def test_nodes_that_nothing_reads_and_constant_nodes_are_tidied_away() -> None:
    first = layer([[times(1.0), times(2.0), None, times(1.0), None]], [0.0, 0.0, 0.7, 0.0, 0.0], products=1)
    network = Network((first, layer([[np.square], [None], [np.square], [np.exp]], [1.0])))
    inputs = np.linspace(0, 1, 9)[:, None]
    model = mixed_of(trained(network, NUMBER[:1], inputs, inputs[:, 0]))
    np.testing.assert_allclose(model.predict(inputs), network(inputs), atol=1e-12)
    kept = [edge.place for edge in model.edges if not edge.is_zero]
    assert kept == [(0, 0, 0), (1, 0, 0)]
    assert model.bias[1][0] == pytest.approx(1.0 + 0.7**2 + 1.0)


@pytest.mark.parametrize(
    "link", [Softplus(scale=2.5, low=0.3), Logistic(low=-1.0, high=24.0)], ids=["softplus", "logistic"]
)
def test_a_link_is_written_around_curves(link: Link, rng: np.random.Generator) -> None:
    network = Network((layer([[np.sin], [np.square]], [-0.4], tables=([[0.3], [-0.2]],), cycles=None),))
    inputs = np.column_stack([rng.uniform(0, 1, (50, 2)), rng.integers(0, 2, 50)])
    expected = link(5 * network(inputs[:, :2], inputs[:, 2:].astype(int)))
    last = network.layers[0]
    scaled = replace(
        last, coefficients=5 * last.coefficients, tables=(5 * last.tables[0],), bias=5 * last.bias
    )
    model = trained(Network((scaled,)), (*NUMBER, MODE), inputs, expected, link=link)
    data = {name: column.to_numpy() for name, column in decoded(model.features, inputs).items()}
    np.testing.assert_allclose(written(model, data), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("link", "reads"),
    [
        (Softplus(scale=2.0), "2 · softplus("),
        (Logistic(low=0.0, high=24.0), "24 · logistic("),
    ],
    ids=["softplus", "logistic"],
)
def test_behind_a_link_the_law_is_found_on_the_working_response(
    link: Link, reads: str, rng: np.random.Generator
) -> None:
    x = rng.uniform(0, 1, (1200, 2))
    inner = 4 * x[:, 0] - 3 * x[:, 1] - 0.5
    y = link(inner) + 0.02 * rng.standard_normal(1200)
    # a network that is a little off: the response is worked out again at the formula's own outputs
    network = Network((layer([[times(3.7, 0.5)], [times(-2.7, 0.5)]], [0.1]),))
    law = law_of(trained(network, NUMBER, x, y, link=link), y)
    assert str(law).startswith(reads)
    assert not law.curves
    data = {"a": x[:, 0], "b": x[:, 1]}
    assert np.sqrt(np.mean((law.evaluate(data) - link(inner)) ** 2)) < 0.004
    assert law.fit is not None
    assert law.fit.rmse == pytest.approx(0.02, rel=0.1)


def test_an_unknown_link_is_refused() -> None:
    model = Mixed((Edge(0, 0, 0, LINEAR, np.ones(1)),), (np.zeros(1),))
    with pytest.raises(TypeError, match="no function for the link"):
        graph(model, NUMBER[:1], None, np.zeros(2), Link())


def test_the_range_of_a_cycle_is_a_period_where_the_rows_go_round() -> None:
    assert cycle_range(np.arange(1.0, 13.0), 12.0) == (0.0, 12.0)
    assert cycle_range(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 7.0) == (0.0, 4.0)
    assert cycle_range(np.arange(-12.0, 12.0), 24.0) == (-12.0, 12.0)
    assert cycle_range(np.linspace(0.0, 100.0, 999), 24.0) == (0.0, 100.0)


def test_a_periodic_column_is_never_made_a_straight_line() -> None:
    assert not {form.name for form in CYCLIC} & {form.name for form in FORMS if form.name != "zero"}
    network = Network((layer([], [1.0], cycles=np.ones((1, 1, CELLS))),))
    (edge,) = mixed_of(trained(network, (HOUR,), np.zeros((1, 1)), np.zeros(1))).edges
    assert edge.family is CYCLIC


def test_categories_go_with_cycles(rng: np.random.Generator) -> None:
    z, code = rng.uniform(0, 1, 900), rng.integers(0, 2, 900)
    y = np.array([2.0, 6.0])[code] + np.cos(2 * np.pi * z) + 0.05 * rng.standard_normal(900)
    network = Network(
        (
            layer(
                [],
                [4.0],
                tables=([[-2.0], [2.0]],),
                cycles=cycle(lambda z: np.cos(2 * np.pi * z))[None, None],
            ),
        )
    )
    law = law_of(trained(network, (HOUR, MODE), np.column_stack([z, code]), y), y)
    assert "by(mode)" in str(law)
    assert "cos(2 · pi · hour / 24)" in str(law)
    assert not law.curves
    at_six = law.evaluate({"hour": np.array([6.0, 30.0]), "mode": np.array(["sea", "sea"], dtype=object)})
    np.testing.assert_allclose(at_six, 6.0, atol=0.02)
