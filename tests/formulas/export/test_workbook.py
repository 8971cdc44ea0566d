import re
import zipfile
from functools import reduce

import numpy as np
import openpyxl
import pytest

from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Domain,
    Fit,
    Formula,
    Input,
    Product,
    Step,
    Sum,
    Table,
    Variable,
)
from tests.formulas.export.engines import Book, as_number, save_excel

KM = Variable("km", "km", low=0.0)
HOUR = Variable("hour", "h", low=0.0, high=24.0)
KIND = Variable("kind", kind="category")
RUSH = Curve("rush", Input("hour"), (0.0, 0.3, 1.0, 0.2, 0.1), 0.0, 24.0, periodic=True)
FACTOR = Table.of({"van": 1.0, "=1+1": 1.25, "Van": 2.0}, "kind", name="factor")
TOLL = Step(Input("km"), (10.0, 50.0), (0.0, 2.0, 5.5), name="toll")
ROWS = {"km": [1.0, 20.0, 90.0, 40.0], "hour": [7.0, 8.0, 19.0, 9.0], "kind": ["van", "=1+1", "Van", "van"]}
LAW = Formula(
    Constant(1.5, "base", 0.02)
    + Constant(0.12, "rate", 0.004) * Input("km") ** Constant(0.5, "elasticity", 0.01) * (1 + RUSH) * FACTOR
    + TOLL,
    (KM, HOUR, KIND),
    Variable("cost", "EUR"),
    per="leg",
    fit=Fit(0.97, 1.0, 0.8, 1.01, 800, 200),
    domain=Domain.from_rows((KM, HOUR, KIND), ROWS),
    provenance={"table": "=HYPERLINK(trips.csv)"},
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return save_excel(LAW, tmp_path_factory.mktemp("books") / "law.xlsx")


def law_of(root, *inputs, output="y"):
    return Formula(root, inputs or (Variable("x"),), Variable(output))


def test_constants_can_be_played_with(path):
    book = Book(path)
    book.set({"km (km)": 16.0, "hour (h)": 0.0, "kind": "=1+1", "base": 10.0, "rate": 2.0, "elasticity": 2.0})
    rush = float(RUSH.at(np.array(0.0)))
    assert book() == pytest.approx(10 + 2 * 16**2 * (1 + rush) * 1.25 + 2.0)
    book.set({"elasticity": 0.0})
    assert book() == pytest.approx(10 + 2 * (1 + rush) * 1.25 + 2.0)
    sheet = openpyxl.load_workbook(path)["Formula"]
    (row,) = [line for line in sheet.iter_rows() if line[0].value == "rate"]
    assert [cell.value for cell in row[1:4]] == [0.12, "EUR/km^0.5", 0.004]


HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x","y")',
    "'",
    '"',
    "\t=1",
    "_x0041_",
    "http://x",
    "007",
    "TRUE",
    "<b>&amp;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_user_wrote_is_a_formula(tmp_path, text):
    name = text.strip()
    table = Table.of({text: 2.0, "other": 3.0}, "kind", name=name)
    inputs = (Variable(name), Variable("kind", kind="category"))
    law = Formula(
        Constant(1.5, name, 0.1) * Input(name) * table
        + Curve(name, Input(name), (0.0, 1.0, 2.0, 3.0), 0.0, 1.0),
        inputs,
        Variable(name + "!"),
        provenance={text: text},
    )
    path = save_excel(law, tmp_path / "law.xlsx")
    found = openpyxl.load_workbook(path)
    for sheet in found:
        for line in sheet.iter_rows():
            for cell in line:
                assert cell.data_type != "f" or cell.row == found["Formula"].max_row, cell.value
                assert cell.hyperlink is None
    assert text in [cell.value for line in found["Tables"].iter_rows() for cell in line]
    assert all(re.fullmatch(r"\w+", defined) for defined in found.defined_names)
    book = Book(path)
    book.given = {f"Formula!{book.row[0][1].coordinate}": 0.5, f"Formula!{book.row[1][1].coordinate}": text}
    expected = law.evaluate({name: 0.5, "kind": text})
    assert as_number(book()) == pytest.approx(float(expected))


def test_the_file_runs_nothing_and_links_nowhere(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        text = b"".join(archive.read(name) for name in names if "sheet" in name).decode()
    assert not [name for name in names if re.search("vba|external|connection|query|drawing|ole", name)]
    assert not re.search("hyperlink|<oleObject|DDE", text.replace("=HYPERLINK(trips.csv)", ""))


def nested(node, count, change):
    return reduce(lambda below, _: change(below), range(count), node)


X = Input("x")


def of_many_inputs(size):
    many = tuple(Variable(f"an input with quite a long name {k}") for k in range(size))
    return law_of(Sum(tuple(Input(v.name) for v in many)), *many)


BIG = {
    "wide": (800, lambda size: law_of(Sum(tuple(Apply("sin", X + float(k)) for k in range(size))))),
    "long product": (200, lambda size: law_of(Product(tuple(1.0 + X * (1e-3 * k) for k in range(size))))),
    "deep": (120, lambda size: law_of(nested(X, size, lambda node: Apply("softplus", node - 0.5)))),
    "curves": (
        200,
        lambda size: law_of(nested(X, size, lambda node: Curve("s", node, (0.0, 1.0, 0.5, 0.2), 0.0, 1.0))),
    ),
    "long curve": (
        2_000,
        lambda size: law_of(Curve("s", X, tuple(np.sin(np.arange(size)).tolist()), 0.0, 1.0)),
    ),
    "shared": (15, lambda size: law_of(nested(X, size, lambda node: Sum((node, node))))),
    "inputs": (400, of_many_inputs),
}


@pytest.mark.parametrize("kind", BIG)
def test_laws_of_any_size_fit(tmp_path, kind):
    size, law_of_size = BIG[kind]
    law = law_of_size(size)
    book = Book(save_excel(law, tmp_path / "law.xlsx"))
    row = {variable.name: 0.37 for variable in law.inputs}
    book.set(row)
    assert book() == pytest.approx(float(law.evaluate(row)), rel=1e-12)


def test_ironcalc_computes_the_same(tmp_path):
    """Open the file in a spreadsheet engine, and let it compute the result from other inputs."""
    ironcalc = pytest.importorskip("ironcalc")
    # IronCalc 0.9 does not find the last of three categories: its LOOKUP stops at errors, which Excel's passes over
    for row in ({"km": 16.0, "hour": 23.5, "kind": "=1+1"}, {"km": 50.0, "hour": -30.0, "kind": "van"}):
        path = str(save_excel(LAW, tmp_path / "law.xlsx"))
        book = ironcalc.load_from_xlsx(path, "en", "UTC", "en")
        line = openpyxl.load_workbook(path)["Formula"].max_row
        for column, value in enumerate(row.values(), start=1):
            write = book.update_cell_with_text if isinstance(value, str) else book.update_cell_with_number
            write(0, line, column, value)
        book.evaluate()
        found = book.get_cell_value(0, line, len(row) + 1)
        assert found == pytest.approx(float(LAW.evaluate(row)), rel=1e-12), row
