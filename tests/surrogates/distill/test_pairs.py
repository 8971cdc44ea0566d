"""Functions of columns and products of two: found where a law is such a sum, and none where shapes are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.kan.basis import periodic_roughness, roughness
from kanopt.surrogates.distill.curves import curve_form, cycle_form, table_form
from kanopt.surrogates.distill.forms import CYCLIC, LINEAR
from kanopt.surrogates.distill.judge import Judge, Reading
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.pairs import paired
from kanopt.surrogates.distill.refitting import refit
from kanopt.surrogates.distill.search import search

NOISE = 0.1


def network(*, cycle: bool = False) -> Mixed:
    """Return a network of four nodes over two numbers, or a number and a cycle, and a category."""
    edges = []
    for target in range(4):
        numbers = [curve(0, 0, target), curve(0, 1, target)]
        if cycle:
            bend = periodic_roughness(8).numpy()
            numbers[1] = Edge(0, 1, target, cycle_form(8), np.ones(8), penalty=1e-5, bend=bend, family=CYCLIC)
        table = Edge(0, 2, target, table_form(3), np.ones(3), penalty=1e-4, bend=np.eye(3))
        edges += [*numbers, table, curve(1, target, 0)]
    return Mixed(tuple(edges), (np.zeros(4), np.zeros(1)))


def curve(layer: int, source: int, target: int) -> Edge:
    bend = roughness(10).numpy()
    return Edge(layer, source, target, curve_form(0.0, 1.0, 10), np.ones(13), penalty=1e-5, bend=bend)


def judge_of(target: np.ndarray, inputs: np.ndarray) -> Judge:
    rows = Rows(inputs, target, np.ones(len(target)))
    return Judge(rows, inputs, Reading(), rows.total)


@pytest.fixture
def inputs() -> np.ndarray:
    rng = np.random.default_rng(11)
    return np.column_stack([rng.uniform(0.0, 1.0, (3000, 2)), rng.integers(0, 3, 3000)])


@pytest.fixture
def noise() -> np.ndarray:
    return NOISE * np.random.default_rng(12).standard_normal(3000)


def product_of(model: Mixed) -> list[set[int]]:
    """Return the columns of every product."""
    places = list(model.factors())
    pairs = zip(places[::2], places[1::2], strict=True)
    return [{edge.source for place in pair for edge in model.arriving(*place)} for pair in pairs]


@pytest.mark.parametrize("cycle", [False, True])
def test_a_profile_for_every_category_is_a_product(
    inputs: np.ndarray, noise: np.ndarray, *, cycle: bool
) -> None:
    share = np.array([1.0, 0.4, -0.5])[inputs[:, 2].astype(int)]
    law = np.sin(2.0 * np.pi * inputs[:, 1]) * share + 2.0 * inputs[:, 0] ** 2
    judge = judge_of(law + noise, inputs)
    fit = paired(network(cycle=cycle), judge)
    assert fit is not None
    assert product_of(fit.model) == [{1, 2}]
    assert np.sqrt(judge.expected(fit)) < 1.03 * NOISE
    assert np.sqrt(np.mean((fit.model.predict(inputs) - law) ** 2)) < 0.3 * NOISE


def test_two_pairs_are_two_products(inputs: np.ndarray, noise: np.ndarray) -> None:
    share = np.array([1.0, 0.2, -0.8])[inputs[:, 2].astype(int)]
    law = np.sin(5.0 * inputs[:, 0]) * share + np.exp(inputs[:, 0]) * np.cos(6.0 * inputs[:, 1])
    fit = paired(network(), judge_of(law + noise, inputs))
    assert fit is not None
    assert sorted(map(sorted, product_of(fit.model))) == [[0, 1], [0, 2]]
    assert np.sqrt(np.mean((fit.model.predict(inputs) - law) ** 2)) < 0.5 * NOISE


def test_where_nothing_acts_together_there_is_no_product(inputs: np.ndarray, noise: np.ndarray) -> None:
    fit = paired(network(), judge_of(np.sin(5.0 * inputs[:, 0]) + inputs[:, 1] + noise, inputs))
    assert fit is not None
    assert product_of(fit.model) == []


@pytest.mark.parametrize(
    "change",
    [{"sign": 1}, {"convexity": -1}, {"keeps": False}, {"family": (LINEAR,)}],
    ids=lambda c: next(iter(c)),
)
def test_what_is_asked_of_an_edge_only_the_network_has(
    inputs: np.ndarray, noise: np.ndarray, change: dict[str, object]
) -> None:
    model = network()
    model = model.replaced(replace(model.edges[0], **change))
    assert paired(model, judge_of(noise, inputs)) is None


def test_two_hidden_layers_or_one_column_are_no_case_for_it(inputs: np.ndarray, noise: np.ndarray) -> None:
    model, judge = network(), judge_of(noise, inputs)
    assert paired(replace(model, bias=(*model.bias, np.zeros(1))), judge) is None
    alone = [edge.dropped() for edge in model.edges if edge.layer == 0 and edge.source]
    assert paired(model.replaced(*alone), judge) is None


def test_a_wide_network_is_written_by_pairs_where_these_say_as_much(
    inputs: np.ndarray, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kanopt.surrogates.distill.search.WIDE", 20)
    share = np.array([1.0, 0.4, -0.5])[inputs[:, 2].astype(int)]
    rows = Rows(inputs, np.sin(7.0 * inputs[:, 1]) * share + 2.0 * inputs[:, 0] + noise, np.ones(3000))
    model = refit(network(), rows).model
    found = search(model, rows)
    assert found.by_pairs
    assert product_of(found.fit.model) == [{1, 2}]
    assert np.sqrt(found.fit.squares / 3000) < 1.03 * NOISE


def test_a_wide_network_that_says_more_is_read_itself(
    inputs: np.ndarray, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kanopt.surrogates.distill.search.WIDE", 20)
    rows = Rows(inputs, np.tanh(12.0 * (inputs[:, 0] + inputs[:, 1] - 1.0)) + noise, np.ones(3000))
    straight = np.linspace(-0.05, 0.55, 13)
    edges = (
        replace(curve(0, 0, 0), theta=straight),
        replace(curve(0, 1, 0), theta=straight),
        replace(curve(1, 0, 0), theta=np.zeros(13)),
    )
    model = refit(Mixed(edges, (np.zeros(1), np.zeros(1))), rows).model
    found = search(model, rows, Reading(edf=20.0))
    assert not found.by_pairs
    assert np.sqrt(found.fit.squares / 3000) < 1.03 * NOISE
