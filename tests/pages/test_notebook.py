"""What objects show in notebooks: well-formed HTML without scripts, that says what print says, and escapes all data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt.display import Alarm, Facts, Fold, Grid, Law, Part, Shown, told
from kanopt.pages import shown_html
from kanopt.plans.findings import Check
from kanopt.scenarios import LearnedLaw
from kanopt.surrogates.readings import Effects
from tests.cases.answers import FUEL, one_route, switches, tiny_scenario
from tests.cases.scheduling import FT06, job_shop
from tests.cases.supply import small
from tests.pages.test_write import Page

_ALLOWED = {"class", "style", "scope", "form", "stretchy", "mathvariant", "displaystyle"}


def read(html: str) -> str:
    """Return the words of HTML in which every element is closed in order, and nothing runs or loads."""
    page = Page(html)
    assert page.open == []
    assert page.tags[0][0] == "div"
    assert not {tag for tag, _ in page.tags} & {"script", "style", "link", "iframe", "object", "img"}
    for _, attributes in page.tags:
        assert set(attributes) <= _ALLOWED
        assert not any("url(" in (value or "") for value in attributes.values())
    return " ".join(page.words)


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w.,]+", text)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ko.Scenario:
    return tiny_scenario(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def objects(tiny: ko.Scenario, make_run: Any, mixed_law: ko.Formula) -> dict[str, Shown]:
    run, sweep = make_run(), ko.sweep(tiny, {FUEL: [2.0, 1.0, 1.5]}, plan="today")
    effects = pd.DataFrame({"feature": ["km"] * 2, "value": [1.0, 2.0], "effect": [-0.5, 0.25]})
    return {
        "routing": run.problem,
        "scheduling": job_shop(FT06),
        "supply": small(),
        "formula": run.laws["travel_time"].formula,
        "table law": mixed_law,
        "considered": run.laws["travel_time"].formula.formulas,
        "table report": run.tables["trips"],
        "result": run.result,
        "certificate": run.result.certificate,
        "check": Check(),
        "learned law": LearnedLaw(
            "travel_time", run.laws["travel_time"].formula, note="given", trusted=False
        ),
        "explanation": run.explanation,
        "scenario": tiny.scale(FUEL, 1.1),
        "sweep": sweep,
        "tornado": ko.tornado(tiny, {FUEL: (1.0, 2.0)}, plan="today"),
        "switch points": switches(tiny, [1.25, 1.5]),
        "risk": one_route(["a", "b"]),
        "effects": Effects("cost", effects, {"km": "km"}),
    }


def test_a_notebook_shows_every_word_and_number_that_print_tells(objects: dict[str, Shown]) -> None:
    for name, shown in objects.items():
        in_html = set(words_of(read(shown._repr_html_())))
        without_laws = told([part for part in shown._shown() if not isinstance(part, Law)])
        assert set(words_of(without_laws)) <= in_html, name


def _hostile(evil: str) -> Iterator[Part]:
    yield evil
    yield Alarm(evil)
    yield f"  {evil}"
    yield Facts(((evil, evil),))
    yield Grid((evil,), (False,), ((evil,),), note=evil)
    yield Fold(evil, (evil, Grid((evil,), (True,), ((evil,),))))


@settings(max_examples=25, deadline=None)
@given(st.text())
def test_whatever_a_text_holds_the_html_stays_well_formed(evil: str) -> None:
    words = read(shown_html(_hostile(evil)))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", words)
