"""Plans in Markdown and workbooks, and answers in workbooks: complete, and nothing that runs."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
from kanopt import Status
from kanopt.cli import options
from kanopt.pages import EXPORTS, export
from kanopt.pages.export import _escaped, frame_book
from kanopt.questions.answer import Answer
from kanopt.text import clock_text, money_text
from tests.cases.answers import FUEL, one_route, tiny_scenario
from tests.pages.exports.conftest import NAMES, city

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


def test_a_law_has_its_verdict(make_run, tmp_path):
    run = make_run()
    path = export(run, "md", tmp_path / "plan.md")
    told = plain(path.read_text("utf-8"))
    law = run.laws["travel_time"].formula
    assert f"({law.verdict.level}; R²" in told


def test_without_a_plan_it_says_why(tmp_path):
    from kanopt import Result

    result = Result(city(), None, Status.NO_PLAN, None, None, "none")
    text = result.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    assert "no plan" in text
    assert "no plan" in result.to_html(tmp_path / "plan.html").read_text("utf-8")
    with pytest.raises(ValueError, match="there is no plan to export"):
        result.to_xlsx(tmp_path / "plan.xlsx")


def test_times_of_stops_stand_as_time_of_day(routed, tmp_path):
    rows = pd.read_excel(routed.to_xlsx(tmp_path / "plan.xlsx"), sheet_name="Timetable")
    timetable = routed.assessment.timetable()
    assert len(rows) == len(timetable)
    for row, line in zip(rows.to_dict("records"), timetable.to_dict("records"), strict=True):
        for name in ("leave", "arrive", "begin", "end"):
            assert row[name] == clock_text(line[name])
        assert row["place"] == line["place"]
        assert row["load (t)"] == pytest.approx(line["load"])
        assert row["distance (km)"] == pytest.approx(line["distance"])


def test_costs_add_up_to_the_price(routed, scheduled, supplied, tmp_path):
    for result in (routed, scheduled, supplied):
        amounts = pd.read_excel(result.to_xlsx(tmp_path / "plan.xlsx"), sheet_name="Costs")["amount (EUR)"]
        assert amounts.sum() == pytest.approx(result.objective, rel=1e-12)


def cells_of(path: Path, sheet: str) -> pd.DataFrame:
    head, *rows = openpyxl.load_workbook(path)[sheet].iter_rows()
    assert not any(cell.data_type == "f" for row in rows for cell in row)
    return pd.DataFrame([[cell.value for cell in row] for row in rows], columns=[cell.value for cell in head])


def plain_cell(value: object) -> object:
    return None if pd.isna(value) or value == "" else str(value) if isinstance(value, bool) else value


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    tiny = tiny_scenario(tmp_path_factory.mktemp("tiny"))
    axes = {FUEL: (1.0, 2.0)}
    return {
        "sweep": ko.sweep(tiny, axes, plan="today"),
        "tornado": ko.tornado(tiny, axes, plan="today"),
        "monte_carlo": ko.monte_carlo(tiny, axes, draws=20, candidates=0, plan="today"),
        "comparison": ko.compare([tiny, tiny.set(FUEL, 2.0)], time_limit=0.3, repeats=1),
        "risk": one_route(["north", "=1+1"]),
    }


@pytest.mark.parametrize("name", ["sweep", "tornado", "monte_carlo", "comparison", "risk"])
def test_sheets_hold_the_tables_of_an_answer(name: str, answers: dict[str, Answer], tmp_path: Path) -> None:
    answer = answers[name]
    path = answer.to_xlsx(tmp_path / "folder" / "answer.xlsx")
    tables = {key: frame for key, frame in answer.tables().items() if len(frame)}
    assert openpyxl.load_workbook(path).sheetnames == ["Summary", *tables]
    for key, frame in tables.items():
        found = cells_of(path, key)
        assert list(found.columns) == list(map(str, frame.columns))
        for column in frame:
            assert [*map(plain_cell, found[str(column)])] == pytest.approx([*map(plain_cell, frame[column])])
    said = [row[0].value for row in openpyxl.load_workbook(path)["Summary"].iter_rows()]
    assert said
    assert set(said) <= {line.strip() for line in answer.text().splitlines()}


def test_what_comes_from_data_is_text(tmp_path: Path) -> None:
    bad = ["=1+1", "+2", "@x", "<b>", "a" * 40_000]
    frame = pd.DataFrame({"=name": bad, "when": pd.Timestamp("2026-01-02"), "yes": True})
    (tmp_path / "x.xlsx").write_bytes(frame_book(bad, {"=sheet!": frame, "none": frame.head(0)}))
    found = cells_of(tmp_path / "x.xlsx", "sheet")
    assert found["=name"].tolist()[:4] == bad[:4]
    assert found["=name"].iloc[4].startswith("aaa")
    assert found["when"].iloc[0] == "2026-01-02 00:00:00"
    assert found["yes"].iloc[0] == "True"


def test_no_name_in_the_workbook_of_a_plan_is_a_formula_and_nothing_runs(routed, tmp_path: Path) -> None:
    path = routed.to_xlsx(tmp_path / "plan.xlsx")
    cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert set(NAMES) <= {cell.value for cell in cells if cell.data_type == "s"}
    with zipfile.ZipFile(path) as archive:
        parts = archive.namelist()
    assert not [name for name in parts if re.search("vba|external|query|hyperlink", name, re.I)]


def test_every_format_is_an_option_of_the_command_line():
    assert options.EXPORT.type.choices == tuple(EXPORTS)
