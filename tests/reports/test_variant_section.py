"""What a page says of other fleets and demands: prices, differences that are none, and plans that do less."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanopt.display import Chart, Grid, Lines
from kanopt.problems import evaluate
from kanopt.reports import write_report
from kanopt.reports.comparison_page import variants_section
from kanopt.reports.plan_table import plan_table, roster_table
from kanopt.reports.plots import view_chart
from kanopt.reports.subject import subject_of_run
from kanopt.text import fixed_text
from kanopt.whatif import Comparison
from tests.cases.answers import variant_of
from tests.cases.mixed_routing import mixed_problem, random_plan
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


@pytest.mark.parametrize("noise", [1.0, 7.999, 8.001, 20.0, math.nan])
def test_a_difference_within_the_noise_is_none(make_run: Callable[..., Any], noise: float) -> None:
    problem = routing()
    dear = replace(problem, vehicles=[replace(each, fixed_cost=44.0) for each in problem.vehicles])
    run = with_variants(make_run(), ("dear", make_run(problem=dear), (8.0, 8.0 + noise)))
    told = rows_of(run.variants)["dear"]["what that is"]
    assert (told == "no difference") == (noise > 8.0)
    assert told.endswith("noise not measured") == math.isnan(noise)


def test_a_page_without_variants_has_no_such_section(make_run: Callable[..., Any], tmp_path: Path) -> None:
    assert not variants_section(None)
    assert not variants_section(Comparison(make_run(), ()))
    assert "were other" not in write_report(make_run(), tmp_path / "page.html").read_text("utf-8")


def test_the_page_reads_without_its_script(varied: Any, tmp_path: Path) -> None:
    page = write_report(varied, tmp_path / "page.html").read_text("utf-8")
    text = page[page.index('<section id="variants"') :].partition("</section>")[0]
    assert [html.unescape(name) for name in re.findall(r'data-name="([^"]*)"', text)] == [
        "dearer vans",
        "as before",
        "half a day",
        "small vans",
    ]
    assert "dearer vans is other" in text
    assert "<p>dearer vans: " in text
    assert "dearer; noise of the search 0.50\u00a0EUR." in text
    assert text.count("data-whose") == 8  # a map for desktops and one for phones
    labels = re.findall(r'<svg[^>]* aria-label="([^"]*)"', page)
    assert len(labels) == len(set(labels))


def test_a_name_is_text_wherever_it_stands(make_run: Callable[..., Any], tmp_path: Path) -> None:
    run = with_variants(make_run(), (f'{HOSTILE}" onclick="x', make_run(), (0.0, 0.0)))
    page = write_report(run, tmp_path / "page.html").read_text("utf-8")
    assert page.count("<script") == 2
    assert not re.search(r'<[^>]*" onclick', page)
    assert 'data-name="&lt;/script&gt;' in page


def test_what_is_too_large_for_a_page_is_told_and_not_drawn(
    varied: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kanopt.reports.plots._MOST_MARKS", 3)
    (section,) = variants_section(replace(varied.variants, interrupted=True))
    _, notes, *folds = section.parts
    assert not any(isinstance(part, Chart) for fold in folds for part in fold.parts)
    assert isinstance(notes, Lines)
    assert notes.items[:2] == (
        "The user stopped the search: other variants were not planned.",
        "Their plans are not drawn: each is too large for one page.",
    )


@pytest.mark.parametrize("seed", range(6))
def test_rows_of_tables_are_those_of_marks_of_the_same_driver(seed: int, no_drawing: None) -> None:
    """What the filter shows in a drawing it leaves in tables: names are the same in both."""
    problem = mixed_problem(seed, "state")
    known = evaluate(problem, random_plan(problem, seed)).assessment
    drivers = {route.label for route in known.plan.routes}
    result = evaluate(problem, known.plan)
    table = plan_table(result, known.views())
    assert table is not None
    served = [row for row in zip(table.of, table.groups, strict=True) if row[0] != "on no vehicle"]
    assert all(of == group for of, group in served)
    assert {of for of, _ in served} <= drivers
    for roster in known.rosters():
        assert set(roster_table(roster).of) <= drivers


def test_names_in_tables_stand_in_drawings_too(make_run: Callable[..., Any]) -> None:
    run = make_run()
    known = run.result.assessment
    table = plan_table(run.result, known.views())
    assert table is not None
    for view in known.views():
        marked = set(re.findall(r'data-of="([^"]*)"', view_chart(view, 0, 600).wide))
        assert set(table.of) == marked == set(roster_table(known.rosters()[0]).of)


def test_the_subject_of_a_report_has_the_variants_of_its_run(varied: Any) -> None:
    assert subject_of_run(varied).variants is varied.variants
