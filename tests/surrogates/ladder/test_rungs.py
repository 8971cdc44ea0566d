"""The ladder between one formula and the network: sums and products of functions, surfaces, the network as curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt.formulas import Curve, Formula, Variable
from kanopt.formulas.nodes import postorder
from kanopt.kan.ranges import ShapeConstraints
from kanopt.kan.trainer import Link, Logistic, Softplus
from kanopt.surrogates import Feature
from kanopt.surrogates.groups import Rows, SharedErrors
from kanopt.surrogates.ladder import Trained
from kanopt.surrogates.ladder.additive import AdditiveFit
from kanopt.surrogates.ladder.curve_rungs import _choice, network_rung, rates_of_curves, sums_of_curves
from kanopt.surrogates.ladder.functions import Component, functions_of
from kanopt.surrogates.ladder.rungs import Rung, blocks_of
from tests.cases.hand_networks import Network
from tests.surrogates.ladder.by_hand import (
    HOUR,
    MODE,
    NUMBER,
    Floats,
    cycle,
    decoded,
    layer,
    times,
    trained,
    written,
)

NOTHING = Network((layer([[None], [None]], [0.0]),))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def of_rows(x: Floats, y: Floats, features: tuple = NUMBER, **changes: object) -> Trained:
    """Rows whose network has learned nothing: the rungs look at the rows alone."""
    return replace(trained(NOTHING, features, x, y), **changes)


def rungs(model: Trained) -> dict[str, Rung]:
    return {rung.name: rung for rung in sums_of_curves(model)}


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let columns be functions of some kinds alone."""

    def among(*kinds: str) -> None:
        def some(*given: Any, **asked: Any) -> list[Component]:
            return [each for each in functions_of(*given, **asked) if each.kind in kinds]

        monkeypatch.setattr("kanopt.surrogates.ladder.curve_rungs.functions_of", some)

    return among


def network_of(model: Trained) -> Formula:
    (rung,) = network_rung(model)
    return formula(rung, model)


def formula(rung: Rung, model: Trained) -> Formula:
    return Formula(rung.root, tuple(map(model.variable, model.features)), Variable("y"))


def values(rung: Rung, model: Trained) -> Floats:
    return formula(rung, model).evaluate(decoded(model.features, model.rows.inputs))


# ------------------------------------------------------------------------------------------------------- the network


def test_the_network_as_a_formula_computes_what_the_network_computes(rng: np.random.Generator) -> None:
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
    data = {name: column.to_numpy() for name, column in decoded(model.features, inputs).items()}
    np.testing.assert_allclose(written(model, data), expected, atol=1e-9)


@pytest.mark.parametrize("link", [Softplus(scale=2.5, low=0.3), Logistic(low=-1.0, high=24.0)], ids=type)
def test_a_link_is_written_around_curves(link: Link, rng: np.random.Generator) -> None:
    network = Network((layer([[np.sin], [np.square]], [-0.4], tables=([[0.3], [-0.2]],)),))
    inputs = np.column_stack([rng.uniform(0, 1, (50, 2)), rng.integers(0, 2, 50)])
    expected = link(network(inputs[:, :2], inputs[:, 2:].astype(int)))
    model = trained(network, (*NUMBER, MODE), inputs, expected, link=link)
    data = {name: column.to_numpy() for name, column in decoded(model.features, inputs).items()}
    np.testing.assert_allclose(written(model, data), expected, rtol=1e-6)


def test_pruned_edges_are_not_written(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (100, 2))
    network = Network((layer([[times(3.0)], [None]], [0.5]),))
    model = trained(network, NUMBER, x, 3 * x[:, 0])
    assert network_of(model).used == {"a"}


# ------------------------------------------------------------------------------------------------ functions of columns


@pytest.mark.parametrize(
    ("law", "reads"),
    [
        (lambda a, b: 1.0 + 2.0 * a + 3.0 * np.log(b), ["· a", "· log(b)"]),
        (lambda a, b: 1.0 + 2.0 * a - 4.0 * a**2 + b, ["· a^2"]),
        (lambda a, b: 5.0 + 2.0 * b, ["· b"]),
    ],
    ids=["line and logarithm", "parabola", "without a column"],
)
def test_functions_become_what_they_are(law, reads: list[str], rng: np.random.Generator) -> None:
    x = rng.uniform(0.1, 1.0, (500, 2))
    model = of_rows(x, law(x[:, 0], x[:, 1]) + 0.02 * rng.standard_normal(500))
    found = rungs(model)["sum of curves"]
    text = str(formula(found, model))
    assert all(each in text for each in reads), text
    assert not formula(found, model).curves
    assert np.sqrt(np.mean((values(found, model) - law(x[:, 0], x[:, 1])) ** 2)) < 0.005


def test_lines_have_the_numbers_and_errors_of_least_squares(
    rng: np.random.Generator, only: Callable[..., None]
) -> None:
    only("linear")
    x = rng.uniform(0.0, 1.0, (300, 2))
    y = 1.0 + 2.0 * x[:, 0] - 3.0 * x[:, 1] + 0.3 * rng.standard_normal(300)
    model = of_rows(x, y)
    found = rungs(model)["sum of curves"]
    design = np.column_stack([x - x.mean(axis=0)])
    slopes = np.linalg.lstsq(design, y - y.mean(), rcond=None)[0]
    noise = np.sum((y - y.mean() - design @ slopes) ** 2) / 297
    np.testing.assert_allclose(found.values, [y.mean(), *slopes], rtol=1e-6)
    np.testing.assert_allclose(found.covariance[1:, 1:], noise * np.linalg.inv(design.T @ design), rtol=1e-4)


def test_what_is_no_simple_form_stays_a_curve(rng: np.random.Generator) -> None:
    x = rng.uniform(0.0, 1.0, (800, 2))
    truth = np.sin(9.0 * x[:, 0]) + np.abs(x[:, 1] - 0.4)
    model = of_rows(x, truth + 0.1 * rng.standard_normal(800))
    found = rungs(model)["sum of curves"]
    law = formula(found, model)
    assert [curve.name for curve in postorder(law.root) if isinstance(curve, Curve)] == ["s1", "s2"]
    assert np.sqrt(np.mean((values(found, model) - truth) ** 2)) < 0.03


def test_a_wave_and_categories_stand_beside_each_other(rng: np.random.Generator) -> None:
    z, code = rng.uniform(0, 1, 900), rng.integers(0, 2, 900)
    y = np.array([2.0, 6.0])[code] + np.cos(2 * np.pi * z) + 0.05 * rng.standard_normal(900)
    model = of_rows(np.column_stack([z, code]), y, (HOUR, MODE))
    found = rungs(model)["sum of curves"]
    law = formula(found, model)
    assert "by(mode)" in str(law)
    assert "sin(2 · pi · (hour - " in str(law)
    at_six = law.evaluate({"hour": np.array([6.0, 30.0]), "mode": np.array(["sea", "sea"], dtype=object)})
    np.testing.assert_allclose(at_six, 6.0, atol=0.02)


def test_a_product_is_a_product_of_powers_and_exponentials(rng: np.random.Generator) -> None:
    x = rng.uniform(0.1, 1.0, (500, 2))
    truth = 3.0 * x[:, 0] ** 0.7 * np.exp(1.5 * x[:, 1])
    model = of_rows(x, np.log(truth) + 0.05 * rng.standard_normal(500))
    model = replace(model, rows=replace(model.rows, log=True))
    found = rungs(model)["product of curves"]
    law = formula(found, model)
    assert "a^0." in str(law)
    assert "exp(1." in str(law)
    np.testing.assert_allclose(values(found, model), truth, rtol=0.03)


def test_numbers_of_categories_with_few_rows_are_drawn_to_the_mean(rng: np.random.Generator) -> None:
    many = Feature("lane", "category", categories=tuple(f"l{k}" for k in range(40)))
    codes = np.concatenate([np.repeat(np.arange(39), 30), [39]])
    y = rng.standard_normal(40)[codes] * 0.3 + rng.standard_normal(len(codes))
    y[-1] = 5.0
    model = of_rows(np.column_stack([rng.uniform(0, 1, len(codes)), codes]), y, (NUMBER[0], many))
    found = rungs(model)["sum of curves"]
    alone = formula(found, model).evaluate({"a": 0.5, "lane": np.array(["l39"], dtype=object)})
    assert alone < 2.5


@pytest.mark.parametrize("sign", [1, -1])
def test_curves_have_the_shape_that_was_asked_for(
    sign: int, rng: np.random.Generator, only: Callable[..., None]
) -> None:
    only("linear", "curve")
    x = rng.uniform(0.0, 1.0, (200, 2))
    y = sign * np.sin(5.0 * x[:, 0]) + 0.3 * rng.standard_normal(200) + x[:, 1]
    wanted = ShapeConstraints(monotonic=(sign, 0))
    found = rungs(of_rows(x, y, wanted=wanted))["sum of curves"]
    model = of_rows(x, y)
    grid = np.linspace(0.0, 1.0, 101)
    along = formula(found, model).evaluate({"a": grid, "b": np.full(101, 0.5)})
    assert (sign * np.diff(along) > -1e-9).all()


@pytest.mark.parametrize("link", [Softplus(scale=2.0), Logistic(low=0.0, high=24.0)], ids=type)
def test_behind_a_link_the_law_is_found_on_the_working_response(link: Link, rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (1200, 2))
    inner = 4 * x[:, 0] - 3 * x[:, 1] - 0.5
    y = link(inner) + 0.02 * rng.standard_normal(1200)
    network = Network((layer([[times(3.9, 0.5)], [times(-2.9, 0.5)]], [0.05]),))
    model = trained(network, NUMBER, x, y, link=link)
    found = rungs(model)["sum of curves"]
    assert not formula(found, model).curves
    assert np.sqrt(np.mean((values(found, model) - link(inner)) ** 2)) < 0.01


def test_the_order_of_the_rows_does_not_matter(rng: np.random.Generator) -> None:
    x = rng.uniform(0.0, 1.0, (400, 2))
    y = np.sin(6.0 * x[:, 0]) * x[:, 1] + 0.1 * rng.standard_normal(400)
    models = [of_rows(x[order], y[order]) for order in (np.arange(400), rng.permutation(400))]
    here, there = (str(formula(rungs(model)["sum of curves with pairs"], model)) for model in models)
    assert here == there


# ------------------------------------------------------------------------------------------------------------ products


def test_a_product_of_curves_stands_for_what_two_columns_do_together(rng: np.random.Generator) -> None:
    x = rng.uniform(0.0, 1.0, (1500, 2))
    truth = 1.0 + np.sin(4.0 * x[:, 0]) * np.exp(x[:, 1])
    model = of_rows(x, truth + 0.05 * rng.standard_normal(1500))
    found = rungs(model)
    plain, pairs = found["sum of curves"], found["sum of curves with pairs"]
    assert np.sqrt(np.mean((values(pairs, model) - truth) ** 2)) < 0.03
    assert np.sqrt(np.mean((values(plain, model) - truth) ** 2)) > 0.05
    assert pairs.operators <= 30


def test_a_curve_for_every_category(rng: np.random.Generator) -> None:
    x, code = rng.uniform(0.0, 1.0, 1500), rng.integers(0, 2, 1500)
    truth = np.where(code == 1, np.sin(5.0 * x), x)
    model = of_rows(np.column_stack([x, code]), truth + 0.05 * rng.standard_normal(1500), (NUMBER[0], MODE))
    pairs = rungs(model)["sum of curves with pairs"]
    assert np.sqrt(np.mean((values(pairs, model) - truth) ** 2)) < 0.03


def test_no_product_where_columns_act_apart(rng: np.random.Generator) -> None:
    x = rng.uniform(0.0, 1.0, (800, 2))
    model = of_rows(x, np.sin(6.0 * x[:, 0]) + x[:, 1] + 0.1 * rng.standard_normal(800))
    assert not any("pairs" in name for name in rungs(model))


# ------------------------------------------------------------------------------------------------------ rows left out


def test_what_a_law_says_of_rows_left_out_is_what_it_says_without_them(
    rng: np.random.Generator, only: Callable[..., None]
) -> None:
    only("linear")
    x, blocks = rng.uniform(0.0, 1.0, (60, 2)), np.arange(60) % 10
    y = 1.0 + 2.0 * x[:, 0] - 3.0 * x[:, 1] + 0.3 * rng.standard_normal(60)
    model = of_rows(x, y)
    found = rungs(model)["sum of curves"]
    design = np.column_stack([np.ones(60), x])
    for block in range(10):
        own = blocks == block
        numbers = np.linalg.lstsq(design[~own], y[~own], rcond=None)[0]
        np.testing.assert_allclose(found.left_out(blocks)[own], design[own] @ numbers, rtol=1e-5)


def test_rows_that_hang_together_are_left_out_together(rng: np.random.Generator) -> None:
    rows, drift = Rows(np.zeros((100, 1)), np.zeros(100), np.ones(100)), np.cumsum(rng.standard_normal(100))
    assert (np.diff(blocks_of(rows, drift)) >= 0).all()
    assert set(blocks_of(rows, rng.standard_normal(100))[:10]) == set(range(10))
    shared = SharedErrors(np.repeat(np.arange(20), 5), 1.0)
    assert blocks_of(replace(rows, shared=shared), drift).reshape(20, 5).std(axis=1).max() == 0.0


def test_exchanging_a_function_is_fitting_anew(rng: np.random.Generator) -> None:
    x = rng.uniform(0.1, 1.0, (300, 2))
    model = of_rows(x, np.sin(4.0 * x[:, 0]) + x[:, 1] ** 2)
    fit = AdditiveFit(_choice(model, model.rows), model.rows)
    first, second = (list(options) for options in fit.options)
    weights = fit.roughness([first[0], second[0]], {})
    found = fit.solved([first[0], second[0]], weights)
    for other in (*first[1:], None):
        kept = [second[0]] if other is None else [other, second[0]]
        anew = fit.solved(kept, weights)
        told = fit.exchanged(found, first[0], other, weights)
        np.testing.assert_allclose(told, (anew.squares, anew.freedom), rtol=1e-5)


# --------------------------------------------------------------------------------------------------- kinds of functions


@pytest.mark.parametrize("kind", ["quadratic", "log", "curve"])
def test_a_column_is_any_kind_of_function(
    kind: str, rng: np.random.Generator, only: Callable[..., None]
) -> None:
    only("linear", kind)
    x = rng.uniform(0.1, 1.0, (300, 2))
    y = 2.0 * x[:, 0] + 1.5 * x[:, 0] ** 2 + x[:, 1] + 0.05 * rng.standard_normal(300)
    model = of_rows(x, y)
    shows = {"quadratic": "· a^2", "log": "", "curve": "(a)"}
    assert shows[kind] in str(formula(rungs(model)["sum of curves"], model))


def test_rows_that_count_for_more_draw_the_law_to_them(
    rng: np.random.Generator, only: Callable[..., None]
) -> None:
    only("linear")
    x = rng.uniform(0.0, 1.0, (200, 2))
    y = np.where(x[:, 1] < 0.5, x[:, 0], 3.0 - x[:, 0])
    model = of_rows(x, y)
    heavy = replace(model, rows=Rows(x, y, np.where(x[:, 1] < 0.5, 100.0, 1.0)))
    found = rungs(heavy)["sum of curves"]
    assert found.values[1] > 0.8


def test_a_number_times_a_sum_and_a_fixed_part_are_found_in_their_own_form(rng):
    way, mode = np.exp(rng.uniform(0.0, 4.0, 900)), rng.integers(0, 2, 900).astype(float)
    y = 3.0 + way * (1.6 - 0.4 * mode) + rng.normal(0.0, 0.3, 900)
    model = of_rows(np.column_stack([way, mode]), y, (NUMBER[0], MODE))
    (rung,) = rates_of_curves(model)
    law = model.formula(rung.root)
    found = law.evaluate(decoded(model.features, model.rows.inputs))
    assert np.sqrt(np.mean((found - y) ** 2)) < 1.05 * 0.3
    assert f"{NUMBER[0].name} · (" in str(law)
    assert "/" not in str(law)
    left = rung.left_out(blocks_of(model.rows, y - found))
    assert np.sqrt(np.mean((left - y) ** 2)) < 1.1 * 0.3
