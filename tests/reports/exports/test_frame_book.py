"""Answers as workbooks: every table cell by cell, every sentence, and nothing that runs."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import ProblemError
from kanopt.reports.exports import frame_book as books
from kanopt.reports.exports.frame_book import frame_book
from kanopt.whatif.table_exports import TableExports
from tests.cases.answers import FUEL, one_route, tiny_scenario


def cells(path: Path, sheet: str) -> pd.DataFrame:
    head, *rows = openpyxl.load_workbook(path)[sheet].iter_rows()
    assert not any(cell.data_type == "f" for row in rows for cell in row)
    return pd.DataFrame([[cell.value for cell in row] for row in rows], columns=[cell.value for cell in head])


def plain(value: object) -> object:
    return None if pd.isna(value) or value == "" else str(value) if isinstance(value, bool) else value


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TableExports]:
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
def test_sheets_hold_the_tables_of_an_answer(
    name: str, answers: dict[str, TableExports], tmp_path: Path
) -> None:
    answer = answers[name]
    path = answer.to_xlsx(tmp_path / "folder" / "answer.xlsx")
    tables = {key: frame for key, frame in answer.tables().items() if len(frame)}
    assert openpyxl.load_workbook(path).sheetnames == ["Summary", *tables]
    for key, frame in tables.items():
        found = cells(path, key)
        assert list(found.columns) == list(map(str, frame.columns))
        for column in frame:
            assert [*map(plain, found[str(column)])] == pytest.approx([*map(plain, frame[column])])
    said = [row[0].value for row in openpyxl.load_workbook(path)["Summary"].iter_rows()]
    assert said
    assert set(said) <= {line.strip() for line in answer.text().splitlines()}


def test_what_comes_from_data_is_text(tmp_path: Path) -> None:
    bad = ["=1+1", "+2", "@x", "<b>", "a" * 40_000]
    frame = pd.DataFrame({"=name": bad, "when": pd.Timestamp("2026-01-02"), "yes": True})
    (tmp_path / "x.xlsx").write_bytes(frame_book(bad, {"=sheet!": frame, "none": frame.head(0)}))
    found = cells(tmp_path / "x.xlsx", "sheet")
    assert found["=name"].tolist()[:4] == bad[:4]
    assert found["=name"].iloc[4].startswith("aaa")
    assert found["when"].iloc[0] == "2026-01-02 00:00:00"
    assert found["yes"].iloc[0] == "True"


def test_a_table_that_is_longer_than_a_sheet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "MOST_ROWS", 3)
    frame_book(["title"], {"x": pd.DataFrame({"a": [1, 2]})})
    with pytest.raises(
        ProblemError, match=r"a table of 3 rows has more than a sheet; write it as CSV or Parquet"
    ):
        frame_book(["title"], {"x": pd.DataFrame({"a": [1, 2, 3]})})


def test_money_shares_and_other_numbers_have_formats_of_their_own(
    answers: dict[str, TableExports], tmp_path: Path
) -> None:
    answers["sweep"].to_xlsx(tmp_path / "sweep.xlsx")
    answers["risk"].to_xlsx(tmp_path / "risk.xlsx")
    points = openpyxl.load_workbook(tmp_path / "sweep.xlsx")["points"]
    formats = {head.value: cell.number_format for head, cell in zip(points[1], points[2], strict=True)}
    assert formats["objective"] == formats["change"] == "#,##0.00"
    assert formats["point"] == "General"
    assert formats[FUEL] == "#,##0"  # 1 and 2: no decimals are needed
    stops = openpyxl.load_workbook(tmp_path / "risk.xlsx")["stops"]
    formats = {head.value: cell.number_format for head, cell in zip(stops[1], stops[2], strict=True)}
    assert formats["on_time"] == "0.0%"
    assert points.column_dimensions["A"].width >= 7


def test_times_of_day_are_times_and_others_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"arrive": ["06:30", "01:00 +1 d", "–", "", "25:00"], "name": ["06:30"] * 5})
    (tmp_path / "book.xlsx").write_bytes(frame_book(["A"], {"stops": frame}, {"arrive": "clock"}))
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx")["stops"]
    assert [cell.value for cell in sheet["A"][1:]] == [datetime.time(6, 30), "01:00 +1 d", "–", "", "25:00"]
    assert sheet["A2"].number_format == "hh:mm"
    assert sheet["B2"].value == "06:30"
