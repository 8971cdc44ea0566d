"""The pieces of a correction: blocks that write what they compute, weights that follow the evidence, ends that fade."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.formulas import Formula, Input, Product, Sum, Table, Variable, parse_formula
from kanopt.kan.architecture import InputTensors
from kanopt.surrogates.compiling import compile_formula
from kanopt.surrogates.compiling.blocks import (
    blocks_of_columns,
    blocks_of_factors,
    blocks_of_terms,
    constant_block,
    terms_of,
)
from kanopt.surrogates.compiling.corrections import Task, folds_of, linear, none
from kanopt.surrogates.compiling.evidence import _Model, shrunk_fit
from kanopt.surrogates.compiling.fading import FADE, faded
from kanopt.surrogates.compiling.refining import batch_of, refined
from kanopt.surrogates.compiling.scales import FACTOR, SCALES, SHARE, SUM

RNG = np.random.default_rng(4)
ROWS = 80
COLUMNS = {
    "km": RNG.uniform(1, 9, ROWS),
    "load": RNG.uniform(0.5, 40, ROWS),
    "hour": RNG.uniform(0, 24, ROWS),
    "mode": RNG.choice(np.array(["van", "truck", "bike"], dtype=object), ROWS),
}
INPUTS = (Variable("km"), Variable("load"), Variable("hour"), Variable("mode", kind="category"))
PRIOR = parse_formula("km * (2 + 0.1 * load) + 3", INPUTS[:2], Variable("cost"))
WEIGHTS = RNG.uniform(0.5, 2, ROWS)


def test_blocks_write_what_they_compute():
    blocks = [
        constant_block(ROWS),
        *blocks_of_terms(PRIOR, COLUMNS, WEIGHTS),
        *blocks_of_factors(PRIOR, COLUMNS, WEIGHTS),
        *blocks_of_columns(COLUMNS, WEIGHTS, {"hour": 24.0}),
    ]
    assert [block.columns.shape[1] for block in blocks] == [1, 1, 1, 1, 1, 11, 1, 11, 9, 3]
    blocks.append(blocks[5].of(PRIOR.root, PRIOR.evaluate(COLUMNS)))
    for block in blocks:
        size = block.columns.shape[1]
        coefficients = np.random.default_rng(size).normal(size=size)
        root = Sum(tuple(block.write(coefficients, np.ones(size))))
        written = np.broadcast_to(Formula(root, INPUTS, Variable("cost")).evaluate(COLUMNS), ROWS)
        np.testing.assert_allclose(written, block.columns @ coefficients, rtol=0, atol=1e-9)


def test_curves_have_no_mean_and_no_line():
    for block in blocks_of_columns({"km": COLUMNS["km"]}, WEIGHTS, {}):
        np.testing.assert_allclose(WEIGHTS @ block.columns, 0.0, atol=1e-9)
        assert np.average((block.columns**2).sum(1), weights=WEIGHTS) == pytest.approx(1.0)


def test_terms_of_products_of_sums():
    km, load = Input("km"), Input("load")
    assert terms_of(km * load) == (km * load,)
    assert terms_of(Sum((km, load))) == (km, load)
    assert len(terms_of(Product((Sum((km, load)), Sum((km, load)), Sum((km, load)))))) == 8
    many = Product(tuple(Sum((km, load)) for _ in range(4)))
    assert terms_of(many) == (many,)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_scales_undo_each_other(scale):
    prior, target = np.array([2.0, 5.0]), np.array([3.0, 4.0])
    np.testing.assert_allclose(scale.applied(prior, scale.residual(target, prior)), target)
    slope = (scale.residual(target + 1e-6, prior) - scale.residual(target, prior)) / 1e-6
    np.testing.assert_allclose(np.exp(scale.log_slope(target, prior)), slope, rtol=1e-5)
    np.testing.assert_allclose(scale.moved(prior, prior, 0.1), scale.applied(prior, np.full(2, 0.1)))


def model_of(seed=0, rows=40):
    rng = np.random.default_rng(seed)
    blocks = [rng.normal(size=(rows, 1)), rng.normal(size=(rows, 3)), rng.normal(size=(rows, 2))]
    target = blocks[1] @ np.array([1.0, -0.5, 0.2]) + 0.1 * rng.normal(size=rows)
    return blocks, target


def test_gradient_of_the_evidence():
    blocks, target = model_of()
    model = _Model(blocks, target, np.ones(40), 40.0)
    logs = np.array([0.3, 1.0, -0.5])
    _, gradient = model.evidence(logs)
    for place, step in enumerate(1e-5 * np.eye(3)):
        slope = (model.evidence(logs + step)[0] - model.evidence(logs - step)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-5)


def test_only_the_block_that_matters_is_kept():
    blocks, target = model_of()
    fit = shrunk_fit(blocks, target, np.ones(40))
    assert fit.kept == (False, True, False)
    np.testing.assert_allclose(fit.coefficients[1:4], [1.0, -0.5, 0.2], atol=0.1)
    assert not fit.coefficients[[0, 4, 5]].any()
    assert 2.5 < fit.edf <= 3.0


def test_left_out_is_what_a_fit_without_the_row_says_at_the_same_weights():
    blocks, target = model_of()
    model = _Model(blocks, target, np.ones(40), 40.0)
    model.choose()
    z, held = np.hstack(blocks), np.repeat(np.exp(model.logs), model.sizes)
    rest = np.arange(40) != 7
    without = np.linalg.solve(z[rest].T @ z[rest] + np.diag(held), z[rest].T @ target[rest])
    leverage = z[7] @ model.inverse @ z[7]
    left_out = target[7] - (target[7] - z[7] @ model.solution) / (1 - leverage)
    assert left_out == pytest.approx(z[7] @ without, rel=1e-9)


def test_noise_alone_keeps_nothing_and_a_wild_row_moves_little():
    rng = np.random.default_rng(1)
    blocks = [rng.normal(size=(200, 1)), rng.normal(size=(200, 5))]
    kept = [shrunk_fit(blocks, rng.normal(size=200), np.ones(200)).edf for _ in range(20)]
    assert np.mean(kept) < 1.5
    target = 2.0 * blocks[0][:, 0] + 0.1 * rng.normal(size=200)
    target[blocks[0][:, 0].argmax()] += 500.0
    fit = shrunk_fit(blocks, target, np.ones(200))
    assert fit.coefficients[0] == pytest.approx(2.0, abs=0.05)
    assert fit.trust.min() < 0.01
    assert shrunk_fit(blocks, np.zeros(200), np.ones(200)).edf == 0.0


def test_copies_say_no_more_than_one_row():
    target = PRIOR.evaluate(COLUMNS) * (1 + 0.1 * RNG.normal(size=ROWS))
    twice = {name: np.repeat(values, 2) for name, values in COLUMNS.items()}
    once = linear(Task(PRIOR, COLUMNS, target, np.ones(ROWS)), SUM, curves=True)
    copied = linear(Task(PRIOR, twice, np.repeat(target, 2), np.ones(2 * ROWS)), SUM, curves=True)
    assert copied.edf == pytest.approx(once.edf, rel=0.05, abs=0.05)
    folds = folds_of(np.repeat(RNG.normal(size=(20, 2)), 3, axis=0), 5)
    assert (folds.reshape(20, 3) == folds.reshape(20, 3)[:, :1]).all()
    assert not folds_of(np.ones((4, 1)), 5).any()


def test_density_is_that_of_the_target_on_every_scale():
    # with one size of errors in a scale, that scale is the densest
    foretold = PRIOR.evaluate(COLUMNS)
    rng = np.random.default_rng(0)
    for scale in (SUM, SHARE, FACTOR):
        noise = {SUM: 5.0, SHARE: 0.3, FACTOR: 0.5}[scale] * rng.normal(size=ROWS)
        target = np.abs(scale.applied(foretold, noise))
        task = Task(PRIOR, COLUMNS, target, np.ones(ROWS))
        densities = [none(task, other).density.mean() for other in (SUM, SHARE, FACTOR)]
        assert densities[(SUM, SHARE, FACTOR).index(scale)] > max(densities) - 0.05


@settings(max_examples=30, deadline=None)
@given(st.floats(-50, 50), st.floats(0.01, 100))
def test_windows_are_one_among_the_rows_and_gone_beyond(low, width):
    values = np.array([low, low + 0.3 * width, low + width])
    law = Formula(faded(Input("x"), {"x": values}, {}), (Variable("x"),), Variable("y"))
    high = float(values[-1])
    margin = FADE * (high - low)
    among = np.linspace(low, high, 20)
    np.testing.assert_allclose(law.evaluate({"x": among}), among, rtol=0, atol=1e-9 * (abs(low) + width))
    beyond = np.array([low - 1.01 * margin, low - 9 * margin, high + 1.01 * margin, high + 9 * margin])
    np.testing.assert_allclose(law.evaluate({"x": beyond}), 0.0, atol=1e-9 * (abs(low) + width))


def test_windows_of_one_value_and_of_cycles():
    root = Sum((Input("x"), Input("hour")))
    columns = {"x": np.full(3, 2.0), "hour": np.array([1.0, 2.0, 3.0])}
    law = Formula(faded(root, columns, {"hour": 24.0}), (Variable("x"), Variable("hour")), Variable("y"))
    assert law.evaluate({"x": 2.0, "hour": 20.0}) == pytest.approx(22.0)
    assert law.evaluate({"x": 3.0, "hour": 2.0}) == pytest.approx(0.0)
    table = Table.of({"a": 1.0}, "m", fallback=0.0)
    assert faded(table, {"m": np.array(["a"], dtype=object)}, {}) == table


def bpr(coefficient=0.1):
    inputs = [Variable("t0", low=2, high=10), Variable("load", low=0, high=1.5)]
    return parse_formula(f"t0 * (1 + {coefficient} * load^4)", inputs, Variable("t"))


def test_a_compiled_network_trains_as_a_batch():
    rate = Table.of({"van": 1.0, "truck": 1.4, "bike": 0.5}, "mode", name="rate")
    root = Sum((Product((Input("km"), Sum((rate, 0.1 * Input("load"))))), rate))
    law = Formula(root, INPUTS, Variable("cost"))
    compiled = compile_formula(law, {"km": (1, 9), "load": (0, 40)})
    batch = batch_of(compiled.network)
    rows = InputTensors(torch.tensor(compiled.numbers), torch.tensor(compiled.codes))
    output = batch.forward(rows)[0, :, 0].numpy()
    np.testing.assert_allclose(output, compiled.network(compiled.numbers, compiled.codes), atol=1e-9)
    assert not bool(batch.theta[~batch.active].any())


def test_training_stays_where_the_prior_is_right_and_goes_where_rows_lead():
    rng = np.random.default_rng(2)
    rows = {"t0": rng.uniform(2, 10, 60), "load": rng.uniform(0, 1.5, 60)}
    truth, target = bpr(0.15).evaluate(rows), np.log(bpr(0.15).evaluate(rows)) + 0.02 * rng.normal(size=60)
    for prior, edf in ((bpr(0.15), (0.0, 1.0)), (bpr(0.10), (1.0, 8.0))):
        compiled = compile_formula(prior, grid_size=10)
        assert compiled.log_target
        encoded, codes = compiled.encoding.transform(pd.DataFrame(rows))
        found = refined(compiled.network, (encoded, codes), target, np.ones(60))
        assert edf[0] <= found.edf <= edf[1]
        np.testing.assert_allclose(found.network(encoded, codes), found.output, atol=1e-9)
        assert np.sqrt(np.mean((found.output - np.log(truth)) ** 2)) < 0.008
        assert np.abs(found.left_out - target).mean() >= np.abs(found.output - target).mean()


def test_a_column_of_very_many_categories_has_no_table():
    labels = np.array([f"c{place}" for place in range(400)], dtype=object)
    assert blocks_of_columns({"place": labels}, np.ones(400), {}) == []
    assert len(blocks_of_columns({"place": labels[:200]}, np.ones(200), {})) == 1
