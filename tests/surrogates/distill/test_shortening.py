"""Laws are shortened by what is least missed, as far as the error allows, and no further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas.complexity import count_operators
from kanopt.kan.basis import roughness
from kanopt.surrogates import Feature
from kanopt.surrogates.distill import shortening
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.curves import curve_form, cycle_form, table_form
from kanopt.surrogates.distill.forms import CYCLIC, LINEAR, QUADRATIC, ZERO, Form
from kanopt.surrogates.distill.judge import Judge, Reading, is_admissible
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.monomials import with_fixed
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.distill.search import search
from kanopt.surrogates.distill.shortening import (
    MOST,
    SLACK,
    Reader,
    _wald,
    rank,
    shortened,
    without_faint,
)

ERRORS = st.floats(0.5, 1.4)
COUNTS = st.integers(0, 120)
PARAMETERS = st.floats(0.0, 300.0)
ROWS = st.floats(2.0, 1e6)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def bump(z: np.ndarray, centre: float, width: float = 0.12) -> np.ndarray:
    return np.exp(-(((z - centre) / width) ** 2))


def humps(z: np.ndarray) -> np.ndarray:
    """No closed form of the library is close."""
    return bump(z, 0.25) + 0.7 * bump(z, 0.75, 0.08)


def curve(source: int, grid: int = 8, target: int = 0, penalty: float = 0.0) -> Edge:
    form, bend = curve_form(0.0, 1.0, grid), roughness(grid).numpy()
    return Edge(0, source, target, form, np.linspace(0.0, 0.1, grid + 3), penalty=penalty, bend=bend)


def additive(*edges: Edge) -> Mixed:
    return Mixed(edges, (np.zeros(1),))


def judge_of(rows: Rows, **reading: object) -> Judge:
    return Judge(rows, rows.inputs, Reading(**reading), rows.total)


def reading_of(columns: int) -> Reading:
    """Operators counted on the formula, as to_formula counts them."""
    features = tuple(Feature(f"x{k}", "number", low=0.0, high=1.0) for k in range(columns))

    def count(model: Mixed) -> int:
        return count_operators(graph(model, features, None, np.full(len(model.parameters), np.nan)))

    return Reading(operators=count)


# ---------------------------------------------------------------------------------------- what an edge is worth


def lost(design: np.ndarray, y: np.ndarray, without: np.ndarray) -> float:
    """The rise of the squares, in residual variances, from one design to one without a block."""
    squares = [float(np.sum((y - d @ np.linalg.lstsq(d, y, rcond=None)[0]) ** 2)) for d in (design, without)]
    rank = np.linalg.matrix_rank(design)
    return (squares[1] - squares[0]) * (len(y) - rank) / squares[0]


@pytest.mark.parametrize(
    ("form", "order"),
    [
        (LINEAR, 1),
        (QUADRATIC, 1),
        (table_form(6), 1),
        (curve_form(0.0, 1.0, 5), 1),
        (curve_form(0.0, 1.0, 5), 2),
        (cycle_form(6), 1),
    ],
    ids=["line", "quadratic", "table", "curve", "curve to a line", "cycle"],
)
def test_what_an_edge_is_worth_is_what_is_lost_without_it(
    form: Form, order: int, rng: np.random.Generator
) -> None:
    n = 300
    first = rng.integers(0, 6, n).astype(float) if form.name == "table" else rng.uniform(0, 1, n)
    x = np.column_stack([first, rng.uniform(0, 1, n) + 0.05 * first])
    effect = np.array([0.4, -0.2, 0.1, 0.0, 0.3, 0.2])[(5 * first).astype(int) % 6]
    y = effect + 2 * x[:, 1] + 0.3 * rng.standard_normal(n)
    model = additive(Edge(0, 0, 0, form, np.full(form.size, 0.1)), Edge(0, 1, 0, QUADRATIC, np.ones(2)))
    fit = refit(model, Rows(x, y, np.ones(n)))
    own = form.gradient(first, np.zeros(form.size))
    rest = np.column_stack([np.ones(n), x[:, 1], x[:, 1] ** 2])
    left = np.column_stack([rest, first]) if order == 2 else rest
    block = fit.covariance[: form.size, : form.size]
    worth = _wald(fit.model.edges[0], block, order)
    assert worth == pytest.approx(lost(np.column_stack([own, rest]), y, left), rel=1e-3)


def test_a_form_whose_constant_is_held_has_no_covariance() -> None:
    edge = Edge(0, 0, 0, with_fixed(LINEAR, 1.5), np.zeros(0))
    assert _wald(edge, np.zeros((0, 0)), 1) == 0.0


# ---------------------------------------------------------------------------------------- the order of laws


@given(ERRORS, ERRORS, PARAMETERS, COUNTS, ROWS)
def test_up_to_the_slack_the_error_does_not_matter(one, two, parameters, count, rows) -> None:
    one, two = (min(each, SLACK) for each in (one, two))
    assert rank(one, parameters, count, rows) == rank(two, parameters, count, rows)


@given(ERRORS, PARAMETERS, COUNTS, COUNTS, ROWS)
def test_fewer_operators_never_rank_worse(error, parameters, one, two, rows) -> None:
    fewer, more = sorted([one, two])
    assert rank(error, parameters, fewer, rows) <= rank(error, parameters, more, rows)


@given(ERRORS, ERRORS, PARAMETERS, COUNTS, ROWS)
def test_less_error_and_fewer_constants_never_rank_worse(one, two, parameters, count, rows) -> None:
    less, more = sorted([one, two])
    assert rank(less, parameters, count, rows) <= rank(more, parameters, count, rows)
    assert rank(one, 0.5 * parameters, count, rows) <= rank(one, parameters, count, rows)


@given(ERRORS, ERRORS, PARAMETERS, PARAMETERS, COUNTS, COUNTS, ROWS)
def test_short_and_as_good_comes_before_all_others(error, other, some, more, count, long, rows) -> None:
    short = rank(min(error, SLACK), some, min(count, MOST), rows)
    for worse in (
        rank(other, more, max(long, MOST + 1), rows),
        rank(max(other, 1.0001 * SLACK), more, long, rows),
    ):
        assert short < worse


def test_what_has_no_error_to_be_told_comes_last() -> None:
    assert rank(1.3, 900.0, 300, 1e5) < rank(np.inf, 1.0, 1, 1e5)


# ---------------------------------------------------------------------------------------- shortening

COLUMNS = 8


def eight_curves(amplitudes: list[float], noise: float, rng: np.random.Generator) -> tuple[Refit, Reader]:
    """A fitted sum of eight curves that no closed form is close to, and who reads it."""
    x = rng.uniform(0, 1, (1200, COLUMNS))
    y = humps(x) @ np.array(amplitudes) + noise * rng.standard_normal(len(x))
    rows = Rows(x, y, np.ones(len(x)))
    fit = refit(additive(*(curve(k, penalty=1e-7) for k in range(COLUMNS))), rows)
    judge = Judge(rows, x, replace(reading_of(COLUMNS), edf=fit.parameters), rows.total)
    return fit, Reader(judge, judge.expected_of(fit.model))


def kinds(model: Mixed) -> list[str]:
    return [edge.form.name for edge in model.edges]


def test_a_long_law_is_shortened_where_the_error_allows(rng: np.random.Generator) -> None:
    fit, reader = eight_curves([3.0, 2.0, *[0.15] * 6], 1.0, rng)
    assert reader.operators(fit) == 8 * 5 + 8
    short, steps = shortened(fit, reader)
    assert reader.operators(short) <= MOST
    assert reader.error(short) <= SLACK
    assert kinds(short.model)[:2] == ["curve", "curve"]
    assert steps
    assert reader.rank(short) < reader.rank(fit)
    # what is shown of a step is what was true of it
    assert steps[-1].rmse == pytest.approx(np.sqrt(short.squares / reader.judge.total))
    # and no step goes beyond the need: with any one of them undone, it would be too long
    assert reader.operators(short) > MOST - 6


def test_a_wide_law_is_shortened_in_few_refits(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, reader = eight_curves([3.0, 2.0, *[0.15] * 6], 1.0, rng)
    monkeypatch.setattr(shortening, "WIDE", 40)
    monkeypatch.setattr(shortening, "SHARE", 1.0)
    short, steps = shortened(fit, reader)
    # ten operators are too many: two of the six small curves, or three that become lines
    assert steps[0].what in ("2 edges made plainer or left out", "3 edges made plainer or left out")
    assert reader.operators(short) <= MOST
    assert reader.error(short) <= SLACK
    assert kinds(short.model)[:2] == ["curve", "curve"]
    assert is_admissible(short.model, reader.judge.reach)


def test_where_every_edge_is_needed_nothing_is_left_out(rng: np.random.Generator) -> None:
    fit, reader = eight_curves([1.0] * COLUMNS, 0.1, rng)
    same, steps = shortened(fit, reader)
    assert same is fit
    assert steps == []


def test_a_short_law_is_left_as_it_is(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (200, 2))
    rows = Rows(x, humps(x).sum(1), np.ones(200))
    fit = refit(additive(curve(0), curve(1)), rows)
    reader = Reader(judge_of(rows, operators=reading_of(2).operators), 1.0)
    assert shortened(fit, reader) == (fit, [])


def test_what_may_not_be_left_out_stays_in(rng: np.random.Generator) -> None:
    fit, reader = eight_curves([3.0, 2.0, *[0.0] * 6], 1.0, rng)
    # nothing but a curve was allowed for the last column, whose effect is none
    held = fit.model.edges[-1].restricted((), keeps=True)
    short, _ = shortened(replace(fit, model=fit.model.replaced(held)), reader)
    assert reader.operators(short) <= MOST
    assert kinds(short.model)[-1] == "curve"


def test_forms_with_held_constants_are_not_taken_for_what_is_least_missed(rng: np.random.Generator) -> None:
    # the exponents of four columns were rounded, so that no covariance says what they are worth
    x = np.column_stack([rng.uniform(-1, 1, (1200, 4)), rng.uniform(0, 1, (1200, 6))])
    y = x[:, :4] @ np.array([1.5, 0.5, -1.0, 2.0]) + humps(x[:, 4:]) @ np.array([3.0, 2.0, *[0.1] * 4])
    rows = Rows(x, y + 0.5 * rng.standard_normal(len(x)), np.ones(len(x)))
    exponents = [1.5, 0.5, -1.0, 2.0]
    held = [Edge(0, k, 0, with_fixed(LINEAR, p), np.zeros(0)) for k, p in enumerate(exponents)]
    fit = refit(additive(*held, *(curve(k, penalty=1e-7) for k in range(4, 10))), rows)
    judge = Judge(rows, x, replace(reading_of(10), edf=fit.parameters), rows.total)
    reader = Reader(judge, judge.expected_of(fit.model))
    assert reader.operators(fit) > MOST
    short, _ = shortened(fit, reader)
    assert reader.operators(short) <= MOST
    assert [edge.form.fixed for edge in short.model.edges[:4]] == [(p,) for p in exponents]


# ---------------------------------------------------------------------------------------- what all rows do not pay for


def test_the_search_judges_some_rows_as_all_rows_would(rng: np.random.Generator) -> None:
    # 60 small effects: 2,000 rows alone would not pay for sixty constants, 8,000 do
    codes = rng.integers(0, 60, 8000)
    effects = 0.45 * rng.standard_normal(60)
    x = np.column_stack([rng.uniform(0, 1, 8000), codes])
    y = 2 * x[:, 0] + effects[codes] + rng.standard_normal(8000)
    table = Edge(0, 1, 0, table_form(60), np.zeros(60), penalty=1e-4, bend=np.eye(60))
    model = additive(curve(0, penalty=1e-6), table)
    found = search(model, Rows(x, y, np.ones(8000)))
    assert kinds(found.fit.model) == ["linear", "table"]
    estimated = found.fit.model.edges[1].theta
    assert np.corrcoef(estimated, effects)[0, 1] > 0.9
    few = search(model, Rows(x[:2000], y[:2000], np.ones(2000)))
    assert kinds(few.fit.model) == ["linear", "zero"]


def test_what_some_rows_seemed_to_pay_for_is_left_out_on_all(rng: np.random.Generator) -> None:
    size = 8000
    tried = np.random.default_rng(0).choice(size, 2000, replace=False)
    x, noise = rng.uniform(0, 1, (size, 2)), rng.standard_normal(size)
    y = 2 * x[:, 0] + noise
    # by bad luck the noise of the rows that are tried rises with the second column, and that of the others falls
    rises = np.full(size, -0.3 / 3)
    rises[tried] = 0.3
    y += rises * (x[:, 1] - 0.5)
    rows = Rows(x, y, np.ones(size))
    model = additive(curve(0, penalty=1e-6), curve(1, penalty=1e-6))
    found = search(model, rows)
    assert kinds(found.fit.model) == ["linear", "zero"]
    assert [step.what for step in found.front if step.what.startswith("(0, 1, 0)")] == [
        "(0, 1, 0): linear",
        "(0, 1, 0): left out",
    ]
    assert found.front[-1].chosen


def test_what_all_rows_pay_for_is_not_left_out(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (600, 3))
    y = x @ np.array([2.0, 1.0, 0.0]) + 0.5 * rng.standard_normal(600)
    rows = Rows(x, y, np.ones(600))
    line = additive(*(Edge(0, k, 0, LINEAR, np.ones(1)) for k in range(3)))
    fit, judge = refit(line, rows), judge_of(rows)
    found, steps = without_faint(fit, judge)
    assert kinds(found.model) == ["linear", "linear", "zero"]
    assert [step.what for step in steps] == ["(0, 2, 0): left out"]
    assert judge.length(found) < judge.length(fit)
    again, none = without_faint(found, judge)
    assert again is found
    assert none == []


def test_a_node_that_nothing_reaches_any_more_goes_with_the_edge_to_it(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (400, 2))
    y = np.sin(3 * x[:, 0]) + 0.1 * rng.standard_normal(400)
    edges = (
        Edge(0, 0, 0, LINEAR, np.ones(1)),
        Edge(0, 1, 1, LINEAR, np.ones(1)),
        Edge(1, 0, 0, QUADRATIC, np.ones(2)),
        Edge(1, 1, 0, QUADRATIC, np.array([0.1, 0.1])),
    )
    rows = Rows(x, y, np.ones(400))
    fit = refit(Mixed(edges, (np.zeros(2), np.zeros(1))), rows)
    found, steps = without_faint(fit, judge_of(rows))
    assert kinds(found.model) == ["linear", "zero", "quadratic", "zero"]
    assert len(steps) == 1
    # variances stand where the parameters stand
    assert found.covariance.shape == (len(found.model.parameters),) * 2
    # the constants of the node trade with each other, but what they give has a variance: that of a parabola
    jacobian = found.model.jacobian(found.model.signals(x)).T
    variance = np.einsum("ij,jk,ik->i", jacobian, found.covariance, jacobian)
    design = np.vander(x[:, 0], 3)
    hat = np.einsum("ij,ji->i", design, np.linalg.pinv(design))
    np.testing.assert_allclose(variance, hat * found.squares / 397, rtol=0.01)


def test_periodic_edges_are_left_out_too(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, (500, 2))
    y = np.cos(2 * np.pi * x[:, 0]) + 0.3 * rng.standard_normal(500)
    wheels = [Edge(0, k, 0, cycle_form(6), np.zeros(6), family=CYCLIC) for k in range(2)]
    rows = Rows(x, y, np.ones(500))
    found, _ = without_faint(refit(additive(*wheels), rows), judge_of(rows))
    assert kinds(found.model) == ["cycle", ZERO.name]
