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
from kanopt.formulas import Formula
from tests.browser.browser import Browser
from tests.formulas.export import engines
from tests.formulas.export.test_round_trips import CLOSE
from tests.formulas.strategies import laws, raw, rows, steady

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
