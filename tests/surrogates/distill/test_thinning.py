"""Wide models are made plainer all at once: what is worth its description stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.kan.basis import roughness
from kanopt.surrogates.distill import thinning
from kanopt.surrogates.distill.curves import curve_form
from kanopt.surrogates.distill.forms import LINEAR, LOG
from kanopt.surrogates.distill.judge import Judge, Reading
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.distill.thinning import thinned

COLUMNS = 12


def waves(z: np.ndarray) -> np.ndarray:
    return np.sin(9.0 * z) + 0.5 * np.cos(15.0 * z)


@pytest.fixture
def rows() -> Rows:
    """Two columns matter by a curve and one by a line, nine do not."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0.0, 1.0, (1000, COLUMNS))
    target = waves(x[:, 0]) + 0.8 * waves(1.0 - x[:, 1]) + 2.0 * x[:, 2] + 0.2 * rng.standard_normal(1000)
    return Rows(x, target, np.ones(1000))


def curve(source: int) -> Edge:
    form = curve_form(0.0, 1.0, 8)
    return Edge(0, source, 0, form, np.zeros(11), penalty=1e-7, bend=roughness(8).numpy())


def wide(rows: Rows, *others: Edge) -> tuple[Refit, Judge]:
    edges = {edge.source: edge for edge in [*map(curve, range(COLUMNS)), *others]}
    return refit(Mixed(tuple(edges.values()), (np.zeros(1),)), rows), Judge(
        rows, rows.inputs, Reading(), rows.total
    )


def test_what_is_not_worth_its_description_goes_in_few_refits(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, judge = wide(rows)
    refits = 0

    def counted(*given: object) -> Refit:
        nonlocal refits
        refits += 1
        return refit(*given)

    monkeypatch.setattr(thinning, "refit", counted)
    thin, steps = thinned(fit, judge)
    assert [edge.form.name for edge in thin.model.edges] == ["curve", "curve", "linear", *["zero"] * 9]
    assert refits <= 8
    assert steps
    assert judge.length(thin) == steps[-1].length < judge.length(fit)
    assert thin.squares / (rows.total - thin.parameters) == pytest.approx(0.04, rel=0.1)


def test_a_model_that_is_thin_stays(rows: Rows) -> None:
    fit, judge = wide(rows)
    thin, _ = thinned(fit, judge)
    again, steps = thinned(thin, judge)
    assert again is thin
    assert steps == []


def test_an_edge_becomes_nothing_that_it_must_not(rows: Rows) -> None:
    kept = replace(curve(5), family=(LOG,), keeps=True)
    thin, _ = thinned(*wide(rows, kept))
    assert [edge.form.name for edge in thin.model.edges if edge.source == 5] == ["curve"]
    straight = replace(curve(5), family=(LINEAR,), keeps=True)
    thin, _ = thinned(*wide(rows, straight))
    assert [edge.form.name for edge in thin.model.edges if edge.source == 5] == ["linear"]


def test_whoever_stops_the_search_gets_the_model_as_it_is(rows: Rows) -> None:
    fit, _ = wide(rows)
    stopped = Judge(rows, rows.inputs, Reading(should_stop=lambda: True), rows.total)
    assert thinned(fit, stopped) == (fit, [])
