from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.kan.basis import roughness
from kanopt.surrogates.distill.curves import curve_form, cycle_form, table_form
from kanopt.surrogates.distill.forms import CYCLIC, LINEAR, LOG
from kanopt.surrogates.distill.judge import Reading
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.monomials import monomial_nodes
from kanopt.surrogates.distill.refitting import refit
from kanopt.surrogates.distill.search import search


def curves(inputs: np.ndarray, outputs: int, layer: int = 0, grid: int = 8, sign: int = 0) -> list[Edge]:
    bend = roughness(grid).numpy()
    return [
        Edge(
            layer,
            source,
            target,
            curve_form(inputs[:, source].min(), inputs[:, source].max(), grid),
            np.linspace(0.0, 0.5, grid + 3),
            sign,
            1e-6,
            bend,
        )
        for source in range(inputs.shape[1])
        for target in range(outputs)
    ]


def additive(inputs: np.ndarray, **options: int) -> Mixed:
    return Mixed(tuple(curves(inputs, 1, **options)), (np.zeros(1),))


def forms(model: Mixed) -> list[str]:
    return [edge.form.name for edge in model.edges]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_jacobian_of_a_deep_network_agrees_with_finite_differences(rng: np.random.Generator) -> None:
    x = rng.uniform(0.2, 2.0, (40, 2))
    hidden = np.column_stack([x.sum(1), x.prod(1)])
    model = Mixed((*curves(x, 2), *curves(hidden, 1, layer=1)), (np.zeros(2), np.zeros(1)))
    vector = model.parameters + 0.1 * rng.standard_normal(len(model.parameters))
    model = model.with_parameters(vector)
    jacobian = model.jacobian(model.signals(x))
    step = 1e-6
    for k in range(len(vector)):
        bump = np.zeros_like(vector)
        bump[k] = step
        up = model.with_parameters(vector + bump).predict(x)
        down = model.with_parameters(vector - bump).predict(x)
        np.testing.assert_allclose(jacobian[k], (up - down) / (2 * step), atol=2e-5)


def test_planted_forms_are_found_and_an_idle_input_is_dropped(rng: np.random.Generator) -> None:
    x = np.column_stack([rng.uniform(0, 3, 800), rng.uniform(0.5, 4, 800), rng.uniform(0, 1, 800)])
    y = 2 * x[:, 0] - 3 * x[:, 1] ** 2 + 0.02 * rng.standard_normal(800)
    found = search(additive(x), Rows(x, y, np.ones(800)))
    assert forms(found.fit.model)[0] == "linear"
    assert forms(found.fit.model)[1] in ("power", "quadratic")
    assert forms(found.fit.model)[2] == "zero"
    assert found.front[-1].chosen
    assert found.front[-1].length < found.front[0].length


def test_an_exponent_near_a_half_is_snapped(rng: np.random.Generator) -> None:
    x = np.log(rng.uniform(0.5, 30, (1000, 1)))
    y = 1.5 * x[:, 0] + 0.1 * rng.standard_normal(1000)
    found = search(additive(x), Rows(x, y, np.ones(1000)), Reading(log_inputs=frozenset({0})))
    edge = found.fit.model.edges[0]
    assert edge.form.fixed == (1.5,)
    assert edge.form.size == 0


def test_a_curve_that_no_form_fits_stays_a_curve(rng: np.random.Generator) -> None:
    x = rng.uniform(6, 20, (3000, 1))
    y = np.exp(-(((x[:, 0] - 8) / 1.2) ** 2)) + 0.7 * np.exp(-(((x[:, 0] - 17) / 1.6) ** 2))
    y += 0.05 * rng.standard_normal(3000)
    found = search(additive(x, grid=16), Rows(x, y, np.ones(3000)))
    assert forms(found.fit.model) == ["curve"]


def test_a_sign_is_kept_by_curves_and_by_closed_forms(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (300, 1))
    y = -((x[:, 0] - 0.4) ** 2) + 0.05 * rng.standard_normal(300)
    found = search(additive(x, sign=1), Rows(x, y, np.ones(300)))
    grid = np.linspace(0, 1, 201)[:, None]
    assert np.all(np.diff(found.fit.model.predict(grid)) >= -1e-9)


def test_standard_errors_match_least_squares(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (400, 1))
    y = 3 * x[:, 0] + 1 + 0.2 * rng.standard_normal(400)
    found = search(additive(x), Rows(x, y, np.ones(400)))
    assert forms(found.fit.model) == ["linear"]
    design = np.column_stack([x[:, 0], np.ones(400)])
    beta, squares = np.linalg.lstsq(design, y, rcond=None)[:2]
    expected = squares[0] / 398 * np.linalg.inv(design.T @ design)
    np.testing.assert_allclose(found.fit.model.parameters, beta, rtol=1e-6)
    np.testing.assert_allclose(found.fit.covariance, expected, rtol=1e-5)


def test_categories_are_fitted_as_numbers_per_category(rng: np.random.Generator) -> None:
    codes = rng.integers(0, 3, 300).astype(float)
    y = np.array([1.0, 4.0, -2.0])[codes.astype(int)]
    edge = Edge(0, 0, 0, table_form(3), np.zeros(3))
    fit = refit(Mixed((edge,), (np.zeros(1),)), Rows(codes[:, None], y, np.ones(300)))
    np.testing.assert_allclose(fit.model.predict(np.array([[0.0], [1.0], [2.0]])), [1, 4, -2], atol=1e-5)


def test_a_sign_is_kept_on_rows_that_took_no_part_in_the_trials(rng: np.random.Generator) -> None:
    # 2,000 of the rows are tried, all of them within [0, 1], where the quadratic rises; on the others it falls
    size = 4000
    tried = np.random.default_rng(0).choice(size, 2000, replace=False)
    x = rng.uniform(0, 1, size)
    x[np.setdiff1d(np.arange(size), tried)[:200]] = 3.0
    y = x - 0.3 * x**2 + 0.01 * rng.standard_normal(size)
    inputs = x[:, None]
    found = search(additive(inputs, sign=1), Rows(inputs, y, np.ones(size)))
    grid = np.linspace(0, 3, 301)[:, None]
    assert np.all(np.diff(found.fit.model.predict(grid)) >= -1e-9)
    assert [candidate.chosen for candidate in found.front].count(True) == 1


def test_a_form_is_defined_on_rows_that_took_no_part_in_the_trials(rng: np.random.Generator) -> None:
    size = 4000
    tried = np.random.default_rng(0).choice(size, 2000, replace=False)
    x = rng.uniform(0.001, 1, size)
    x[np.setdiff1d(np.arange(size), tried)[:20]] = 0.0
    y = np.sqrt(x) + 0.001 * rng.standard_normal(size)
    inputs = x[:, None]
    found = search(additive(inputs, grid=16), Rows(inputs, y, np.ones(size)))
    assert np.isfinite(found.fit.squares)
    assert np.isfinite(found.fit.model.predict(inputs)).all()
    assert not any(edge.form.positive for edge in found.fit.model.edges)


def test_monomial_nodes_keep_signs_and_leave_pruned_edges_and_cycles_in_place(
    rng: np.random.Generator,
) -> None:
    x = np.column_stack([rng.uniform(0, 2, (400, 2)), rng.uniform(0, 1, 400)])
    y = np.log1p(np.exp(2 * x[:, 0] + x[:, 1] - 3)) + 0.3 * np.sin(2 * np.pi * x[:, 2])
    wheel = [
        Edge(0, 2, node, cycle_form(6), np.zeros(6), penalty=1e-6, bend=np.eye(6), family=CYCLIC)
        for node in range(2)
    ]
    first = curves(x[:, :2], 2, sign=1)
    second = curves(x[:, :2], 1, layer=1, sign=1)
    model = Mixed((*first, *wheel, *second), (np.zeros(2), np.zeros(1)))
    model = model.replaced(first[1].dropped())
    found = monomial_nodes(model, Rows(x, y, np.ones(400)), seed=0)
    assert found is not None
    names = {edge.place: edge.form.name for edge in found.edges}
    assert [names[0, 0, 0], names[0, 0, 1], names[0, 1, 0]] == ["linear", "zero", "linear"]
    assert {names[0, 2, 0], names[0, 2, 1]} == {"cycle"}
    assert all(edge.keeps_shape(-50.0, 50.0) for edge in found.edges)
    assert np.sqrt(np.mean((found.predict(x) - y) ** 2)) < 0.1
    multiplied = replace(model, products=(1, 0), bias=(np.zeros(3), np.zeros(1)))
    assert monomial_nodes(multiplied, Rows(x, y, np.ones(400)), seed=0) is None


def test_a_slope_behind_the_output_counts_as_precision_not_as_rows(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (300, 1))
    y = x[:, 0] + 0.01 * rng.standard_normal(300)
    plain, steep = Rows(x, y, np.ones(300)), Rows(x, y, np.ones(300), slope=np.full(300, 2.0))
    assert steep.total == plain.total == 300
    line = Mixed((Edge(0, 0, 0, LINEAR, np.ones(1)),), (np.zeros(1),))
    one, two = refit(line, plain), refit(line, steep)
    np.testing.assert_allclose(one.model.parameters, two.model.parameters, rtol=1e-6)
    np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-5)
    assert two.squares == pytest.approx(4 * one.squares)
    part = steep.take(10, 0)
    assert part.slope is not None
    assert part.slope.shape == (10,)


def test_refits_of_rows_and_of_some_of_them_are_counted_together(rng: np.random.Generator) -> None:
    x = rng.uniform(0.0, 1.0, (300, 1))
    rows = Rows(x, x[:, 0] ** 2, np.ones(300))
    model = additive(x)
    refit(model, rows.take(100, 0), iterations=0)
    once = 100 * len(model.parameters) ** 2
    assert rows.work.done == once
    refit(model, rows, iterations=0)
    assert rows.work.done == 4 * once


def test_a_search_ends_soon_after_its_work(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x = rng.uniform(0.5, 2.0, (200, 4))
    y = np.sin(9 * x[:, 0]) + x[:, 1] + x[:, 2] ** 2 + np.log(x[:, 3]) + 0.1 * rng.standard_normal(200)
    model = refit(additive(x), Rows(x, y, np.ones(200))).model

    def searched() -> tuple[Mixed, float]:
        rows = Rows(x, y, np.ones(200))
        return search(model, rows).fit.model, rows.work.done

    read, whole = searched()
    assert forms(read).count("curve") <= 1
    monkeypatch.setattr("kanopt.surrogates.distill.search.WORK", 0.0)
    left, least = searched()
    assert forms(left) == ["curve"] * 4
    monkeypatch.setattr("kanopt.surrogates.distill.search.WORK", 0.6 * whole)
    half, work = searched()
    assert 0 < forms(half).count("curve") < 4
    assert least < work < whole
    assert np.array_equal(searched()[0].parameters, half.parameters)


def test_what_may_not_stay_a_curve_becomes_a_form_although_the_work_is_spent(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = rng.uniform(0.5, 2.0, (200, 2))
    rows = Rows(x, x[:, 0] + np.log(x[:, 1]), np.ones(200))
    model = refit(additive(x), rows).model
    pinned = model.edges[1].restricted((LINEAR, LOG), keeps=False)
    monkeypatch.setattr("kanopt.surrogates.distill.search.WORK", 0.0)
    found = search(model.replaced(pinned), rows)
    assert forms(found.fit.model) == ["curve", "log"]
