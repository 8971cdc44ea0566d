"""Single steps from a network of curves towards closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.kan.basis import periodic_roughness, roughness
from kanopt.surrogates.distill.curves import curve_form, cycle_form, table_form
from kanopt.surrogates.distill.forms import CYCLIC, EXP, LINEAR, LOG, POWER, QUADRATIC, ZERO
from kanopt.surrogates.distill.judge import Judge, Reading
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.refitting import refit
from kanopt.surrogates.distill.replacing import (
    by_straightness,
    flows,
    plainer,
    replaced,
    snapped,
    tried,
    without_offsets,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(23)


def curve(source: int, layer: int = 0, low: float = 0.0, high: float = 1.0, **options: object) -> Edge:
    theta = np.linspace(0.0, 1.0, 11)
    bend = roughness(8).numpy()
    return Edge(layer, source, 0, curve_form(low, high, 8), theta, penalty=1e-6, bend=bend, **options)


def additive(*edges: Edge) -> Mixed:
    return Mixed(edges, (np.zeros(1),))


def judge_of(rows: Rows, **reading: object) -> Judge:
    return Judge(rows, rows.inputs, Reading(**reading), rows.total)


def test_flows_are_what_a_difference_in_an_edge_makes_of_the_output(rng: np.random.Generator) -> None:
    x, weight, slope = rng.uniform(0, 1, (30, 2)), rng.uniform(1, 3, 30), rng.uniform(0.5, 2, 30)
    first = (Edge(0, 0, 0, QUADRATIC, np.array([1.0, 2.0])), Edge(0, 1, 0, LINEAR, np.array([3.0])))
    model = Mixed((*first, Edge(1, 0, 0, EXP, np.array([2.0, -0.3]))), (np.array([0.4]), np.zeros(1)))
    rows = Rows(x, np.zeros(30), weight, slope)
    z, value, found = flows(model, first[0], rows)
    np.testing.assert_array_equal(z, x[:, 0])
    np.testing.assert_allclose(value, x[:, 0] + 2 * x[:, 0] ** 2)
    step = 1e-6
    change = (model.shifted(0, 0, step).predict(x) - model.shifted(0, 0, -step).predict(x)) / (2 * step)
    np.testing.assert_allclose(found, weight * slope**2 * change**2, rtol=1e-6)


def test_curves_closest_to_a_line_or_a_wave_come_first(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (500, 4))
    wheel = Edge(0, 3, 0, cycle_form(8), np.zeros(8), bend=periodic_roughness(8).numpy(), family=CYCLIC)
    table = Edge(0, 2, 0, table_form(1), np.zeros(1))
    y = np.sin(9 * x[:, 0]) + 2 * x[:, 1] + 0.1 * x[:, 1] ** 2 + 3 * np.sin(2 * np.pi * x[:, 3])
    rows = Rows(np.column_stack([x[:, :2], np.zeros(500), x[:, 3]]), y, np.ones(500))
    fit = refit(additive(curve(0), curve(1), table, wheel), rows)
    assert [edge.source for edge in by_straightness(fit.model, rows)] == [3, 1, 0]


def test_a_form_without_a_value_in_the_box_is_not_tried_further() -> None:
    x = np.linspace(0.1, 1.0, 40)[:, None]
    rows = Rows(x, np.sqrt(x[:, 0]), np.ones(40))
    model = additive(curve(0))
    edge = model.edges[0]
    within = judge_of(rows)
    assert tried(model, edge, POWER, np.array([1.0, 0.4]), within) is not None
    beyond = Judge(rows, np.array([[0.0]]), Reading(), 40.0)
    assert tried(model, edge, POWER, np.array([1.0, 0.4]), beyond) is None


def test_a_replacement_keeps_the_mean_of_what_stood_there(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (60, 1))
    rows = Rows(x, 5.0 + 2.0 * x[:, 0], np.ones(60))
    fit = refit(additive(curve(0)), rows)
    started = tried(fit.model, fit.model.edges[0], LINEAR, np.array([2.0]), judge_of(rows), 0)
    assert started is not None
    np.testing.assert_allclose(started.model.predict(x).mean(), rows.target.mean(), rtol=1e-4)


def test_of_the_forms_the_one_with_the_shortest_description_is_taken(rng: np.random.Generator) -> None:
    x = rng.uniform(0.2, 1, (400, 1))
    rows = Rows(x, 2 * np.log(x[:, 0]) + 0.02 * rng.standard_normal(400), np.ones(400))
    fit, judge = refit(additive(curve(0, low=0.2)), rows), judge_of(rows)
    found, (step,) = replaced(fit, fit.model.edges[0], judge)
    assert found.model.edges[0].form == LOG
    assert step.what == "(0, 0, 0): log"
    assert step.length == judge.length(found) < judge.length(fit)
    # where a curve may not stay it is replaced by what is allowed, whatever that costs
    held = curve(0, low=0.2).restricted((LINEAR,), keeps=False)
    forced, _ = replaced(refit(additive(held), rows), held, judge)
    assert forced.model.edges[0].form == LINEAR


def test_what_is_hardly_bent_becomes_a_line_and_what_has_no_effect_goes(rng: np.random.Generator) -> None:
    x = np.column_stack([rng.uniform(0, 1, (300, 2)), rng.integers(0, 3, 300)])
    rows = Rows(x, 2 * x[:, 0] + 0.1 * rng.standard_normal(300), np.ones(300))
    edges = (
        Edge(0, 0, 0, QUADRATIC, np.ones(2)),
        Edge(0, 1, 0, QUADRATIC, np.ones(2)),
        Edge(0, 2, 0, table_form(3), np.zeros(3)),
    )
    found, steps = plainer(refit(additive(*edges), rows), judge_of(rows))
    assert [edge.form for edge in found.model.edges] == [LINEAR, ZERO, ZERO]
    assert {step.what for step in steps} >= {"(0, 0, 0): linear", "(0, 1, 0): zero", "(0, 2, 0): zero"}


def test_a_constant_that_the_rows_do_not_need_is_pinned_to_zero(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (300, 1))
    noise = 0.1 * rng.standard_normal(300)
    for constant, pinned in ((0.0, frozenset({(0, 0)})), (1.0, frozenset())):
        rows = Rows(x, constant + 2 * x[:, 0] + noise, np.ones(300))
        fit = refit(additive(Edge(0, 0, 0, LINEAR, np.ones(1))), rows)
        found, steps = without_offsets(fit, judge_of(rows))
        assert found.model.pinned == pinned
        assert [step.what for step in steps] == ["output: no constant"] * len(pinned)
        # of a logarithm it is a factor, which is there anyway
        assert without_offsets(fit, judge_of(rows, log_target=True)) == (fit, [])


def test_only_exponents_that_are_near_a_half_are_rounded(rng: np.random.Generator) -> None:
    x = rng.uniform(0.5, 2, (300, 1))
    for exponent, fixed in ((1.5, (1.5,)), (1.3, ())):
        rows = Rows(x, 3 * x[:, 0] ** exponent + 0.01 * rng.standard_normal(300), np.ones(300))
        fit = refit(additive(Edge(0, 0, 0, POWER, np.array([3.0, 1.4]))), rows)
        found, steps = snapped(fit, judge_of(rows))
        assert found.model.edges[0].form.fixed == fixed
        assert len(steps) == len(fixed)
    # the slope of a line is no exponent, unless the line is one of logarithms
    rows = Rows(x, 1.5 * x[:, 0] + 0.1 * rng.standard_normal(300), np.ones(300))
    fit = refit(additive(Edge(0, 0, 0, LINEAR, np.ones(1))), rows)
    assert snapped(fit, judge_of(rows))[0] is fit
    assert snapped(fit, judge_of(rows, log_inputs=frozenset({0})))[0].model.edges[0].form.fixed == (1.5,)
