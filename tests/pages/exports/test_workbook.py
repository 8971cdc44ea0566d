"""Workbooks of plans: computed anew by spreadsheet engines, from other inputs than those that were planned with."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kanopt import DecisionProblem, Result
from kanopt.decisions import Decision
from kanopt.formulas import Apply, Constant, Curve, Formula, Input, Step, Table, Variable
from kanopt.plans import evaluate
from kanopt.refs import arc, clock, state, vehicle
from tests.pages import conftest as reports
from tests.pages.exports.conftest import NAMES

ironcalc = pytest.importorskip("ironcalc")


class Machine:
    """A workbook that is computed by a spreadsheet engine of its own."""

    def __init__(self, path: Path) -> None:
        self.sheets = {sheet.title: sheet for sheet in openpyxl.load_workbook(path)}
        self.engine = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
        self.engine.evaluate()

    def place(self, sheet: str, cell: str) -> tuple[int, int, int]:
        column, row = openpyxl.utils.cell.coordinate_from_string(cell)
        return list(self.sheets).index(sheet), row, openpyxl.utils.column_index_from_string(column)

    def value(self, sheet: str, cell: str) -> Any:
        return self.engine.get_cell_value(*self.place(sheet, cell))

    def set(self, sheet: str, cell: str, value: Any) -> None:
        engine = self.engine
        change = engine.update_cell_with_text if isinstance(value, str) else engine.update_cell_with_number
        change(*self.place(sheet, cell), value)

    def table(self, sheet: str, head: str) -> dict[str, list[str]]:
        """Return the cells below each head of the row that begins with one."""
        (line,) = [row for row in self.sheets[sheet].iter_rows() if row[0].value == head]
        last = line[0].row
        while self.sheets[sheet].cell(last + 1, 1).value is not None:
            last += 1
        return {
            cell.value: [f"{cell.column_letter}{row}" for row in range(line[0].row + 1, last + 1)]
            for cell in line
            if cell.value is not None
        }

    def beside(self, sheet: str, label: str) -> str:
        return next(f"B{row[0].row}" for row in self.sheets[sheet].iter_rows() if row[0].value == label)

    def total(self) -> float:
        return self.value("Costs", self.beside("Costs", "total"))


def toll() -> Formula:
    """Return a law of everything: constants, a curve, a staircase, a table, a part that is used twice."""
    rush = Curve("rush", Input("hour"), (0.0, 0.3, 1.0, 0.2, 0.1), 0.0, 24.0, periodic=True)
    stairs = Step(Input("km"), (5.0, 8.0), (0.0, 2.0, 5.5), name="toll")
    kind = Table.of({"=van": 1.0, "Van*": 1.25}, "kind", name="factor")
    busy = Constant(1.0, "calm", 0.1) + Constant(0.2, "load") * Input("load_t")
    root = (
        Constant(0.12, "rate", 0.004) * Input("km") ** 0.9 * busy * kind + Apply("sqrt", busy) * rush + stairs
    )
    inputs = (
        Variable("km", "km", low=0.0),
        Variable("hour", "h"),
        Variable("load_t", "t"),
        Variable("kind", kind="category"),
    )
    return Formula(root, inputs, Variable("toll", "EUR"), per="leg")


@pytest.fixture(scope="module")
def city() -> Result:
    """Return two routes of six clients, priced by three laws."""
    problem = reports.routing(NAMES)
    problem = replace(
        problem,
        cost={
            **problem.cost,
            "toll =*": toll().bind(km=arc.distance, hour=clock.hour, load_t=state.load, kind=vehicle.kind),
        },
        vehicles=[replace(v, attributes={**v.attributes, "kind": "=van"}) for v in problem.vehicles],
    )
    return evaluate(problem, [NAMES[:3], NAMES[3:]])


@pytest.fixture
def book(city, tmp_path):
    return Machine(city.to_xlsx(tmp_path / "plan.xlsx"))


def test_a_workbook_computes_what_was_planned(city, book):
    assert book.total() == pytest.approx(city.objective, rel=1e-12)
    for term, amount in city.pricing.terms().items():
        assert book.value("Costs", book.beside("Costs", term)) == pytest.approx(amount, rel=1e-12)


def test_programs_that_do_not_compute_show_the_same(city, tmp_path):
    path = city.to_xlsx(tmp_path / "plan.xlsx")
    shown, machine = openpyxl.load_workbook(path, data_only=True), Machine(path)
    compared = 0
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    value = machine.value(sheet.title, cell.coordinate)
                    stored = shown[sheet.title][cell.coordinate].value
                    assert stored == pytest.approx(value, rel=1e-9, abs=1e-9), (sheet.title, cell.coordinate)
                    compared += 1
    assert compared > 5


def test_whatever_comes_from_data_is_text(city, tmp_path):
    path = city.to_xlsx(tmp_path / "plan.xlsx")
    texts = set()
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert not any(name in cell.value for name in NAMES), cell.value
                elif cell.data_type == "s":
                    texts.add(cell.value)
    assert set(NAMES) <= texts
    with zipfile.ZipFile(path) as archive:
        assert not [
            name for name in archive.namelist() if re.search("vba|external|query|hyperlink", name, re.I)
        ]


def test_schedules_and_flows_and_decisions_add_up(scheduled, supplied, tmp_path):
    x = Variable("speed", "km/h", low=1.0, high=90.0)
    law = Formula(
        Constant(3.0, "slope") * Input("speed") + 100 * Input("speed") ** -1, (x,), Variable("cost", "EUR")
    )
    decided = evaluate(DecisionProblem([Decision("speed", 1.0, 90.0, unit="km/h")], law), {"speed": 10.0})
    for result in (scheduled, supplied, decided):
        machine = Machine(result.to_xlsx(tmp_path / "plan.xlsx"))
        assert machine.total() == pytest.approx(result.objective, rel=1e-12)
