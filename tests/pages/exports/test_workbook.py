"""A plan as a workbook: its tables add up to its price, and whatever comes from data is text."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
import pytest

from kanopt.plans.result import Result, evaluate
from tests.pages import conftest as reports
from tests.pages.exports.conftest import NAMES


@pytest.fixture(scope="module")
def city() -> Result:
    """Return two routes of six clients with hostile names."""
    return evaluate(reports.routing(NAMES), [NAMES[:3], NAMES[3:]])


def test_whatever_comes_from_data_is_text(city: Result, tmp_path: Path) -> None:
    path = city.to_xlsx(tmp_path / "plan.xlsx")
    cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert set(NAMES) <= {cell.value for cell in cells if cell.data_type == "s"}
    with zipfile.ZipFile(path) as archive:
        assert not [
            name for name in archive.namelist() if re.search("vba|external|query|hyperlink", name, re.I)
        ]


def test_the_costs_add_up_to_the_price(
    city: Result, scheduled: Result, supplied: Result, tmp_path: Path
) -> None:
    for result in (city, scheduled, supplied):
        sheet = openpyxl.load_workbook(result.to_xlsx(tmp_path / "plan.xlsx"))["Costs"]
        rows = list(sheet.iter_rows(values_only=True))
        amount = next(place for place, head in enumerate(rows[0]) if str(head).startswith("amount"))
        assert sum(row[amount] for row in rows[1:]) == pytest.approx(result.objective, rel=1e-9)
