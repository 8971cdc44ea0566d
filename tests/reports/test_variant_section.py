"""What a page says of other fleets and demands: prices, differences that are none, and plans that do less."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanopt.display import Grid
from kanopt.problems import evaluate
from kanopt.reports import write_report
from kanopt.reports.comparison_page import variants_section
from kanopt.text import fixed_text
from kanopt.whatif import Comparison
from tests.cases.answers import variant_of
from tests.reports.conftest import FakeScenario, routing

HOSTILE = "</script><script>alert(1)</script>"


def with_variants(run: Any, *others: tuple[str, Any, tuple[float, ...]], interrupted: bool = False) -> Any:
    """Return a run beside which others stand: each with its name, and what searches say of it."""
    variants = [
        variant_of(replace(other, scenario=FakeScenario(name, changes=(f"{name} is other",))), "gone", *said)
        for name, other, said in others
    ]
    return replace(run, variants=Comparison(run, tuple(variants), interrupted=interrupted))


@pytest.fixture
def varied(make_run: Callable[..., Any]) -> Any:
    """Return a run with a dearer, an equal, a smaller and a broken variant."""
    run, problem = make_run(), routing()
    names = [client.name for client in problem.clients]
    dear = replace(problem, vehicles=[replace(each, fixed_cost=44.0) for each in problem.vehicles])
    little = replace(problem, vehicles=[replace(each, capacity=0.5) for each in problem.vehicles])
    half = [names[:6], names[6:]]
    fewer = evaluate(problem, half[:1])
    return with_variants(
        run,
        ("dearer vans", make_run(problem=dear), (7.5, 8.0)),
        ("as before", make_run(problem=problem, result=run.result), (-1.0, 2.0)),
        ("half a day", make_run(problem=problem, result=fewer), (-40.0, -40.0)),
        ("small vans", make_run(problem=little, result=evaluate(little, half)), (0.0, 0.0)),
    )


def rows_of(comparison: Any) -> dict[str, dict[str, str]]:
    (section,) = variants_section(comparison)
    table = section.parts[0]
    assert isinstance(table, Grid)
    return {str(row[0]): dict(zip(table.heads, map(str, row), strict=True)) for row in table.rows}


def test_each_row_has_the_price_its_difference_and_what_that_is(varied: Any) -> None:
    rows = rows_of(varied.variants)
    assert list(rows) == ["as planned", "dearer vans", "as before", "half a day", "small vans"]
    base = varied.result.objective
    for variant in varied.variants.variants:
        row, price = rows[variant.name], variant.run.result.objective
        assert row["price, EUR"] == fixed_text(price, 2)
        assert row["difference"] == fixed_text(price - base, 2, signed=True)
    told = {name: row["what that is"] for name, row in rows.items()}
    assert told["dearer vans"] == "dearer"
    assert told["as before"] == "no difference"
    assert told["half a day"] == "no saving"
    assert told["small vans"] == "not like with like"
    assert rows["dearer vans"]["difference"] == "+8.00"
    assert rows["half a day"]["served"] == "1.2 of 2.4 t"
    assert rows["half a day"]["Vehicles used"] == "1 of 3"


def test_a_name_is_text_wherever_it_stands(make_run: Callable[..., Any], tmp_path: Path) -> None:
    run = with_variants(make_run(), (f'{HOSTILE}" onclick="x', make_run(), (0.0, 0.0)))
    page = write_report(run, tmp_path / "page.html").read_text("utf-8")
    assert page.count("<script") == 2
    assert not re.search(r'<[^>]*" onclick', page)
    assert 'data-name="&lt;/script&gt;' in page
