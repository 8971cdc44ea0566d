"""Workbooks of plans: computed anew by spreadsheet engines, from other inputs than those that were planned with."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from kanopt.formulas import Apply, Constant, Curve, Formula, Input, Step, Table, Variable
from kanopt.problems import Result, evaluate
from kanopt.problems.decisions import Decision, DecisionProblem
from kanopt.refs import arc, clock, state, vehicle
from tests.formulas.export.worksheet import parse, value_of
from tests.reports import conftest as reports
from tests.reports.exports.conftest import NAMES


class Machine:
    """A workbook that is computed cell by cell, by nothing that kanopt has."""

    def __init__(self, path: Path) -> None:
        book = openpyxl.load_workbook(path)
        self.sheets = {sheet.title: sheet for sheet in book}
        self.names = {name: found.attr_text for name, found in book.defined_names.items()}
        self.given: dict[tuple[str, str], Any] = {}
        self.found: dict[tuple[str, str], Any] = {}

    def value(self, sheet: str, cell: str) -> Any:
        key = (sheet, cell.replace("$", ""))
        if key in self.given:
            return self.given[key]
        if key not in self.found:
            stored = self.sheets[sheet][key[1]]
            value = float(stored.value) if isinstance(stored.value, int) else stored.value
            if stored.data_type == "f":
                value = value_of(parse(value), lambda name: self.look(name, sheet))
            self.found[key] = value
        return self.found[key]

    def look(self, reference: str, sheet: str) -> Any:
        place = self.names.get(reference, reference)
        if "!" in place:
            sheet, _, place = place.rpartition("!")
            sheet = sheet.strip("'")
        place = place.replace("$", "")
        if ":" not in place:
            return self.value(sheet, place)
        a, b, c, d = openpyxl.utils.range_boundaries(place)
        letter = openpyxl.utils.get_column_letter
        return [
            [self.value(sheet, f"{letter(k)}{line}") for k in range(a, c + 1)] for line in range(b, d + 1)
        ]

    def set(self, sheet: str, cell: str, value: Any) -> None:
        self.given[sheet, cell], self.found = value, {}

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


def sheet_of(use) -> str:
    return " ".join(re.sub(r"[^\w ]", " ", f"Law {use.law}").split())


def test_a_workbook_computes_what_was_planned(city, book):
    assert book.total() == pytest.approx(city.objective, rel=1e-12)
    for term, amount in city.pricing.terms().items():
        assert book.value("Costs", book.beside("Costs", term)) == pytest.approx(amount, rel=1e-12)
    for use in city.assessment.law_uses:
        cells = book.table(sheet_of(use), "where")
        head = f"{use.formula.output.name} ({use.formula.output.unit})"
        found = [book.value(sheet_of(use), cell) for cell in cells[head]]
        np.testing.assert_allclose(found, use.values, rtol=1e-12)


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
    assert compared > 50


def changed(city, book, seed):
    """Give every input of every row and a constant another value; return what the laws say of them."""
    rng = np.random.default_rng(seed)
    told = {}
    for use in city.assessment.law_uses:
        sheet, formula = sheet_of(use), use.formula
        cells, (count,) = book.table(sheet, "where"), use.shape
        arguments = {}
        for variable in formula.inputs:
            if variable.is_category:
                book.set(sheet, book.beside(sheet, variable.name), "Van*")
                arguments[variable.name] = np.full(count, "Van*", dtype=object)
            elif (head := f"{variable.name} ({variable.unit})") in cells:
                arguments[variable.name] = rng.uniform(0.5, 14.0, count)
                for cell, value in zip(cells[head], arguments[variable.name], strict=True):
                    book.set(sheet, cell, float(value))
            else:
                arguments[variable.name] = np.full(count, rng.uniform(0.5, 3.0))
                book.set(sheet, book.beside(sheet, variable.name), float(arguments[variable.name][0]))
        told[sheet] = (use, formula.evaluate(arguments), cells)
    return told


def test_what_is_changed_is_computed_as_the_law_computes_it(city, book):
    told = changed(city, book, seed=1)
    expected = city.pricing.terms()["fixed"]
    for sheet, (use, values, cells) in told.items():
        head = f"{use.formula.output.name} ({use.formula.output.unit})"
        found = [book.value(sheet, cell) for cell in cells[head]]
        np.testing.assert_allclose(found, values, rtol=1e-9)
        expected += np.maximum(values, 0.0).sum() if use.term else 0.0
    assert book.total() == pytest.approx(expected, rel=1e-9)


def test_ironcalc_computes_the_same_after_a_price_and_a_load_change(city, tmp_path):
    ironcalc = pytest.importorskip("ironcalc")
    path = city.to_xlsx(tmp_path / "plan.xlsx")
    machine, engine = Machine(path), ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
    sheet = "Law cost fuel"
    at = list(machine.sheets).index(sheet)
    cell = machine.beside(sheet, "price")
    load = machine.table(sheet, "where")["load_t (t)"][0]
    for place, value in ((cell, 2.75), (load, 1.25)):
        column, row = openpyxl.utils.cell.coordinate_from_string(place)
        engine.update_cell_with_number(at, row, openpyxl.utils.column_index_from_string(column), value)
        machine.set(sheet, place, value)
    engine.evaluate()
    total = machine.beside("Costs", "total")
    found = engine.get_cell_value(list(machine.sheets).index("Costs"), int(total[1:]), 2)
    assert found == pytest.approx(machine.total(), rel=1e-12)
    assert found != pytest.approx(city.objective, rel=1e-6)


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
    machine.set("Law cost", machine.table("Law cost", "what")["speed (km/h)"][0], 20.0)
    assert machine.total() == pytest.approx(65.0, rel=1e-12)
