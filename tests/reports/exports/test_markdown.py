"""Summaries in Markdown say what the plan says, and names in them are nothing but names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.problems import Status
from kanopt.reports import export
from kanopt.reports.exports.markdown import _escaped
from kanopt.text import money_text, number_text
from tests.reports.exports.conftest import NAMES, city

MARK = re.compile(r"(?<!\\)(?:\\\\)*[*_`\[\]<>#|~&!$@{}]")


def plain(text):
    """Take the backslashes away that CommonMark takes away (section 2.4)."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


@given(st.text(st.sampled_from("*_`[]()<>#|~&!$@{}\\-+=1.) :/wW\n\tab"), max_size=20))
def test_a_text_is_a_text(text):
    written = _escaped(text)
    assert plain(written) == " ".join(text.split())
    assert not MARK.search(written)
    assert not re.search(r"(?i)://|\bwww\.", written)
    assert not re.match(r"[-+=]|\d+[.)](\s|$)", written)


def test_a_summary_says_what_to_do_what_it_costs_and_what_is_left_out(routed, tmp_path):
    text = routed.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    told = plain(text)
    assert money_text(routed.objective, "EUR") in told
    assert "5 of 6 clients" in told
    assert routed.assessment.left_out_price.text[1:] in told


def test_names_stay_in_their_cells(routed, tmp_path):
    text = routed.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    timetable = text.partition("## Timetable")[2]
    rows = [re.split(r"(?<!\\)\|", line) for line in timetable.splitlines() if line.startswith("| van")]
    assert len(rows) == 7
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [plain(row[3]).strip() for row in rows[:3]] == NAMES[:3]
    assert "</script>" not in text
    assert "<b>" not in text


def test_a_law_has_its_verdict_and_its_curve_in_numbers(make_run, tmp_path):
    run = make_run()
    (path,) = export(run, "md", tmp_path / "plan.md")
    told = plain(path.read_text("utf-8"))
    law = run.laws["travel_time"].formula
    (curve,) = law.curves
    assert f"({law.verdict.level}; R²" in told
    (line,) = [line for line in told.splitlines() if f"where {curve.name}(hour) in travel_time" in line]
    middle = 0.2 * (curve.high - curve.low) + curve.low
    assert f"{number_text(float(curve.at(middle)), 3)} at {number_text(middle, 3)} h" in line


def test_without_a_plan_it_says_why(tmp_path):
    from kanopt.problems import Result

    result = Result(city(), None, Status.NO_PLAN, None, None, "none")
    text = result.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    assert "no plan" in text
    assert "no plan" in result.to_html(tmp_path / "plan.html").read_text("utf-8")
    with pytest.raises(ValueError, match="there is no plan to export"):
        result.to_csv(tmp_path)
