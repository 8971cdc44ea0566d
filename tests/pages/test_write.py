"""A report is one file, complete, harmless and in agreement with what it reports."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from copy import copy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from kanopt.pages import answer_page, write_page, write_report
from kanopt.plans.explanation import explain
from kanopt.plans.findings import Extrapolation, Reason, Status, Violation
from kanopt.plans.result import Check, evaluate
from kanopt.questions import Comparison
from kanopt.text import fixed_text, money_text
from tests.cases.answers import variant_of
from tests.pages.conftest import FakeScenario

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


class Page(HTMLParser):
    """Collects what a test asks about, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(word.strip() for word in self.words if word.strip()).replace("\u00a0", " ")


def check_scripts(text: str) -> None:
    """Check that what runs in a page is one script, the one that the page's policy names, and nothing else."""
    scripts = re.findall(r"<script(.*?)>(.*?)</script>", text, re.DOTALL)
    assert [kind for kind, _ in scripts] in ([], [' type="application/json" id="live-data"', ""])
    for _, source in scripts[1:]:
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}';" in text
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source
        )
    if scripts:
        json.loads(scripts[0][1])
    else:
        assert "script-src 'none'" in text


def check_page(text: str) -> Page:
    """Check everything that must hold for any page."""
    page = Page(text)
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert not {"link", "iframe", "object", "img", "form"} & set(names)
    check_scripts(text)
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "url(http" not in text
    assert "@import" not in text
    assert names.count("h1") == 1
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes.get("href") or "#")[1:] for tag, attributes in page.tags if tag == "a"}
    assert targets <= set(ids)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert ElementTree.fromstring(svg).get("aria-label")
    assert names.count("caption") == names.count("table")
    assert len(text.encode()) < 3_000_000
    return page


def write(run: Any, folder: Path) -> tuple[str, Page]:
    path = write_report(run, folder / "report.html")
    text = path.read_text("utf-8")
    return text, check_page(text)


@pytest.mark.slow
def test_a_report_says_what_the_price_says(make_run: Any, tmp_path: Path) -> None:
    run = make_run()
    text, page = write(run, tmp_path)
    assert len(text.encode()) < 600_000
    objective, terms = run.result.objective, run.result.pricing.terms()
    assert "The plan serves all 12 clients (2.4 t)." in page.text
    assert f"It costs {money_text(objective)} EUR:" in page.text
    for value in (*terms, objective, run.today.objective):
        assert fixed_text(value, 2) in page.text
    assert fixed_text(run.result.certificate.solver_objective, 4) in page.text
    for told in ("OR-Tools routing 9.15", "PyVRP 0.14.1", "travel_time", "0.9620", "10 rows left out"):
        assert told in page.text
    assert text.count("<math>") == 4


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "O'Hara & Söhne",
    "$\\frac{1}{2}$ {{ 7 * 7 }} {% if %}",
    "😀" * 300,
    "\x00\x1b[31m",
    "x" * 4000,
]


@pytest.mark.slow
def test_hostile_names_stay_names(make_run: Any, routing: Any, tmp_path: Path) -> None:
    problem = routing(HOSTILE)
    scenario = FakeScenario(HOSTILE[0], HOSTILE[1], tuple(HOSTILE[:4]), title=HOSTILE[3])
    run = make_run(
        problem=problem,
        routes=[HOSTILE[:4], HOSTILE[4:]],
        scenario=scenario,
        provenance={HOSTILE[0]: "\ud800"},
    )
    text, page = write(run, tmp_path)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\x00" not in text
    assert HOSTILE[0] in page.text
    assert HOSTILE[3] in page.text
    assert "49" not in page.tags[0]


@pytest.mark.usefixtures("no_drawing")
def test_what_is_wrong_stands_before_everything_else(make_run: Any, tmp_path: Path) -> None:
    run = make_run()
    broken = Violation("time window", "c01", 12.0, "min", "c01 is reached 12 min after 17:00")
    causes = (Reason("client c02", "unserved", "every van is full", "0.2 t more on one van", proved=True),)
    extrapolations = tuple(
        Extrapolation("travel_time", f"leg {i}", "distance_km", f"distance_km {30 + i} km") for i in range(20)
    )
    known = copy(run.result.assessment)
    known.check = Check((broken,))
    result = replace(run.result, assessment=known, status=Status.PARTIAL, interrupted=True)
    why = replace(explain(result), causes=causes, extrapolations=extrapolations)
    laws = dict(run.laws)
    laws["travel_time"] = replace(
        laws["travel_time"], trusted=False, note="R² 0.412 is below the 0.5 asked for"
    )
    _, page = write(replace(run, result=result, explanation=why, laws=laws), tmp_path)
    before = page.text[: page.text.index("For the analyst")]
    for told in ("c01 is reached 12 min after 17:00", "travel_time in 20 places", "R² 0.412", "stopped by"):
        assert told in before
    assert page.text.index("what was learned is doubtful: travel_time") < page.text.index("How sure")
    assert "every van is full (proved). To mend it: 0.2 t more on one van." in page.text


@pytest.mark.usefixtures("no_drawing")
def test_what_is_left_out_is_the_first_thing_a_report_says(
    make_run: Any, routing: Any, tmp_path: Path
) -> None:
    problem = routing()
    names = [client.name for client in problem.clients]
    result = evaluate(problem, [names[:5], names[5:9]])
    run = make_run(problem=problem, result=result, explanation=explain(result), today=None, laws={})
    _, page = write(run, tmp_path)
    alarm = page.text.index("Left out: c10, c11 and c12.")
    told = page.text.index("The plan serves 1.8 of 2.4 t (9 of 12 clients). Send out")
    tile = page.text.index("Serves 1.8 of 2.4 t left out: c10, c11 and c12")
    assert page.text.count("What to do") == 1
    assert alarm < page.text.index("What to do") < told < page.text.index("It costs") < tile


@pytest.mark.usefixtures("no_drawing")
def test_a_bound_is_shown_as_far_as_it_is_claimed(make_run: Any, tmp_path: Path) -> None:
    run = make_run(laws={}, today=None)
    _, page = write(run, tmp_path)
    assert "none claimed: score exact, no bound" in page.text
    proved = replace(run.result, bound=0.95 * run.result.objective)
    _, page = write(replace(run, result=proved, explanation=explain(proved)), tmp_path)
    assert "gap 5 %" in page.text
    optimal = replace(run.result, bound=run.result.objective, status=Status.OPTIMAL)
    _, page = write(replace(run, result=optimal, explanation=explain(optimal)), tmp_path)
    assert "No cheaper plan exists: this is proved." in page.text


def test_a_run_without_plan_or_laws_is_reported_all_the_same(make_run: Any, tmp_path: Path) -> None:
    run = make_run()
    result = replace(
        run.result,
        assessment=None,
        certificate=None,
        status=Status.INFEASIBLE,
        history=(),
        message="c01 is out of reach",
    )
    cause = Reason("client c01", "infeasible", "it lies 3 h from the depot", "a shift of 7 h", proved=True)
    why = replace(explain(replace(result, problem=run.problem)), causes=(cause,))
    text, page = write(replace(run, result=result, explanation=why, today=None, laws={}, tables={}), tmp_path)
    assert "There is no plan (no plan meets every rule): c01 is out of reach." in page.text
    assert "it lies 3 h from the depot" in page.text
    assert 'id="plan"' not in text
    assert "no law was learned" in page.text


@pytest.mark.usefixtures("no_drawing")
def test_a_failed_report_leaves_what_was_there(
    make_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep" / "report.html"
    path.parent.mkdir()
    path.write_text("yesterday", "utf-8")
    run = make_run()
    with pytest.raises(AttributeError):
        write_report(replace(run, scenario=SimpleNamespace()), path)
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(run, path)
    assert path.read_text("utf-8") == "yesterday"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


@pytest.fixture
def comparison(make_run: Any, solved: Any) -> Comparison:
    def scenario(name: str, *changes: str) -> Any:
        return FakeScenario(name, changes=changes)

    base = make_run(scenario=scenario("City"))
    dearer = replace(
        base.problem, vehicles=[replace(van, attributes={"fuel_price": 2.3}) for van in base.problem.vehicles]
    )
    names = [client.name for client in dearer.clients]
    result = solved(dearer, [names[:7], names[7:]])
    fuel = make_run(
        problem=dearer, result=result, scenario=scenario("Fuel <b>up</b>", "vehicles.fuel_price × 1.28")
    )
    none = replace(result, assessment=None, certificate=None, status=Status.NO_PLAN)
    stuck = replace(fuel, result=none, explanation=explain(none), scenario=scenario("Stuck"))
    variants = (
        variant_of(fuel, evaluate(dearer, base.result.plan), 1.0, 1.01),
        variant_of(stuck, "unknown client 'c99'"),
    )
    return Comparison(base, variants)


@pytest.mark.slow
def test_a_comparison_splits_the_change_and_names_what_moved(comparison: Comparison, tmp_path: Path) -> None:
    text = write_page(answer_page(comparison), tmp_path / "c.html").read_text("utf-8")
    page = check_page(text)
    row = comparison.steps.iloc[0]
    for name in ("data_effect", "replanning_effect", "change"):
        assert fixed_text(row[name], 2, signed=True) in page.text
    assert "Fuel <b>up</b>" in page.text
    assert "<b>up</b>" not in text
    assert "vehicles.fuel_price × 1.28" in page.text
    assert "1 client changes its vehicle: c07 (van 2 → van 1)." in page.text
    assert "c07 van 2 van 1" in page.text
    assert "noise of the search 0.01 EUR" in page.text


@pytest.mark.slow
def test_a_plan_that_serves_less_is_no_saving_on_any_part_of_the_page(
    comparison: Comparison, solved: Any, tmp_path: Path
) -> None:
    """The driver of one van is ill: what the rest cannot serve is told before the price, which is not green."""
    base, spec = comparison.base, comparison.base.scenario.problem
    ill = replace(base.problem, vehicles=[replace(van, num_available=1) for van in base.problem.vehicles])
    partial = solved(ill, [[client.name for client in ill.clients][:7]])
    scenario = FakeScenario(
        "A driver is ill", changes=("vehicles.num_available is 1 instead of 3",), problem=spec
    )
    parts = {"problem": ill, "result": partial, "explanation": explain(partial), "today": None}
    run = replace(base, scenario=scenario, **parts)
    found = replace(comparison, variants=(variant_of(run, evaluate(ill, base.result.plan), 0.0, 0.1),))
    assert found.steps["change"].iloc[0] < 0
    text = write_page(answer_page(found), tmp_path / "c.html").read_text("utf-8")
    page = check_page(text)
    assert "no saving" in page.text
    served = "serves 1.4 of 2.4 t (7 of 12 clients); left out: c08, c09, c10, c11 and c12"
    assert f"A driver is ill: the plan {served}. It costs 47.79 EUR: −" in page.text
    assert '<div class="good">' not in text
    assert "no saving: it serves 5 clients fewer (1 t less)" in page.text
    assert "vehicles.num_available is 1 instead of 3" in page.text
