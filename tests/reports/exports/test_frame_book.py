"""Answers as workbooks: every table cell by cell, every sentence, and nothing that runs."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import kanopt as ko
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
