"""The JavaScript of a law says in a browser and in Node what the law says in Python, on many random laws."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import FUNCTIONS, Apply, Formula, Input, Table, Variable
from tests.browser.browser import Browser
from tests.formulas.export import engines
from tests.formulas.export.test_round_trips import CASES, CLOSE, HARD, KINDS, LABELS
from tests.formulas.strategies import OUTPUT, laws, raw, rows, steady

pytestmark = pytest.mark.slow

Engine = Callable[[Formula, Mapping[str, NDArray[Any]]], NDArray[np.float64]]
EXAMPLES = 400


def in_page(browser: Browser, law: Formula, data: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the law's values at rows, computed in the browser; NaN where it has none."""
    records = json.dumps(engines.records(data))
    found = browser.run(
        f"const law = {law.to_javascript().partition(chr(10))[2].strip()};\n"
        f"return {records}.map(law).map((y) => (Number.isFinite(y) ? y : null));"
    )
    return np.array(found, dtype=float)


@pytest.fixture(scope="module", params=["chromium", "node"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    if request.param == "chromium":
        browser, page = request.getfixturevalue("browser"), tmp_path_factory.mktemp("laws") / "empty.html"
        page.write_text("<!doctype html><title>empty</title>", "utf-8")
        browser.open(page)  # the page that another test left may allow no scripts
        return partial(in_page, browser)
    if engines.NODE is None:
        pytest.skip("node is not installed")
    return engines.javascript


def test_many_random_laws(engine: Engine) -> None:
    compared = 0

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(laws(), rows(count=6))
    def check(law: Formula, data: Mapping[str, NDArray[Any]]) -> None:
        nonlocal compared
        try:
            expected, ok = raw(law, data), steady(law, data)
        except FormulaError:  # a category without an entry
            return
        if ok.any():
            found = engine(law, {name: values[ok] for name, values in data.items()})
            np.testing.assert_allclose(found, expected[ok], **CLOSE)
            compared += int(ok.sum())

    check()
    assert compared > EXAMPLES


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_where_it_is_hard(engine: Engine, name: str) -> None:
    law = Formula(Apply(name, Input("x")), (Variable("x"),), Variable("y"))
    with np.errstate(all="ignore"):
        x = HARD[np.isfinite(FUNCTIONS[name].value(HARD)) & (FUNCTIONS[name].low <= HARD)]
    np.testing.assert_allclose(engine(law, {"x": x}), law.evaluate({"x": x}), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("case", CASES)
def test_edges_of_curves_steps_and_tables(engine: Engine, case: str) -> None:
    law = Formula(CASES[case], (Variable("x"), Variable("y"), *KINDS), OUTPUT)
    places = np.array([-0.25, 0.1, 0.5, 1.0, np.nextafter(1.0, 2), 2.0, np.nextafter(2.0, 3), 2.5])
    data = {
        "x": places,
        "y": np.resize([0.75, -1.25, 2.0], len(places)),
        "vehicle": np.resize(["van", "truck", "tram"], len(places)),
        "other": np.resize(["van", "van", "truck", "truck", "bike"], len(places)),
    }
    np.testing.assert_allclose(engine(law, data), law.evaluate(data), rtol=1e-9, atol=1e-13)


def test_categories_of_any_text(engine: Engine) -> None:
    table = Table.of({label: float(k) for k, label in enumerate(LABELS)}, "kind", fallback=-1.0)
    law = Formula(table * Input("x"), (Variable("x"), Variable("kind", kind="category")), OUTPUT)
    kinds = np.array([*LABELS, "other"], dtype=object)
    data = {"x": np.full(len(kinds), 2.0), "kind": kinds}
    np.testing.assert_allclose(engine(law, data), law.evaluate(data), **CLOSE)
