"""The machines that exports are for, each running many laws at once.

Every machine takes named laws of the same inputs and rows, and returns the values of each law, NaN where there is none.
"""

from __future__ import annotations

import json
import math
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from openpyxl.utils import get_column_letter

from kanopt.formulas import Formula, Variable
from tests.formulas.export import engines
from tests.formulas.strategies import raw

Laws, Rows = Mapping[str, Formula], Mapping[str, NDArray[Any]]
Values = dict[str, NDArray[np.float64]]


def inputs_of(laws: Laws) -> tuple[Variable, ...]:
    return next(iter(laws.values())).inputs


def python(laws: Laws, rows: Rows) -> Values:
    return {name: engines.python(law, rows) for name, law in laws.items()}


def javascript(laws: Laws, rows: Rows) -> Values:
    if engines.NODE is None:
        pytest.skip("node is not installed")
    count, records = engines.count(rows), json.dumps(engines.records(rows))
    calls = ",\n".join(f"(({source_of(law)}))" for law in laws.values())
    script = (
        f"const rows = {records};\nconst finite = (v) => (Number.isFinite(v) ? v : null);\n"
        f"console.log(JSON.stringify([{calls}].map((f) => rows.map((row) => finite(f(row))))));"
    )
    answer = subprocess.run(
        [engines.NODE, "-"], input=script, capture_output=True, check=True, encoding="utf-8"
    )
    found = np.array(json.loads(answer.stdout), dtype=float).reshape(len(laws), count)
    return dict(zip(laws, found, strict=True))


def source_of(law: Formula) -> str:
    return law.to_javascript().partition("\n")[2].strip()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def fill(connection: Any, inputs: Sequence[Variable], rows: Rows, number: str) -> None:
    """Make the table that the expressions read."""
    columns = ", ".join(
        f"{_quoted(variable.name)} {'TEXT' if variable.is_category else number}" for variable in inputs
    )
    connection.execute(f"CREATE TABLE data (place INTEGER, {columns})")
    table = [
        [place, *row] for place, row in enumerate(zip(*(rows[v.name].tolist() for v in inputs), strict=True))
    ]
    connection.executemany(f"INSERT INTO data VALUES (?{', ?' * len(inputs)})", table)


def sqlite(laws: Laws, rows: Rows) -> Values:
    with closing(sqlite3.connect(":memory:")) as connection:
        engines.add_mathematics(connection)
        fill(connection, inputs_of(laws), rows, "REAL")
        expressions = ", ".join(law.to_sql() for law in laws.values())
        found = connection.execute(f"SELECT {expressions} FROM data ORDER BY place").fetchall()
    return dict(zip(laws, np.array(found, dtype=float).T, strict=True))


def duckdb(laws: Laws, rows: Rows) -> Values:
    database = pytest.importorskip("duckdb")
    with database.connect(":memory:", config={"threads": 1}) as connection:
        fill(connection, inputs_of(laws), rows, "DOUBLE")
        return {name: _on_defined_rows(connection, law, rows) for name, law in laws.items()}


def _on_defined_rows(connection: Any, law: Formula, rows: Rows) -> NDArray[np.float64]:
    """Return the values where the law has one; elsewhere DuckDB may raise and give up the whole query."""
    with np.errstate(all="ignore"):
        finite = np.isfinite(raw(law, rows))
    places = ", ".join(map(str, np.flatnonzero(finite)))
    found = np.full(len(finite), np.nan)
    if places:
        text = f"SELECT {law.to_sql()} FROM (SELECT * FROM data WHERE place IN ({places})) ORDER BY place"
        found[finite] = np.array(connection.execute(text).fetchall(), dtype=float)[:, 0]
    return found


def excel(laws: Laws, rows: Rows) -> Values:
    """Evaluate in IronCalc: a sheet for every row, with the inputs in its first line and the laws below them."""
    ironcalc = pytest.importorskip("ironcalc")
    book = ironcalc.create("book", "en", "UTC", "en")
    cells = {v.name: f"{get_column_letter(column)}1" for column, v in enumerate(inputs_of(laws), start=1)}
    texts = [
        law.to_excel({name: cell for name, cell in cells.items() if name in law.used})
        for law in laws.values()
    ]
    records = engines.records(rows)
    for sheet, record in enumerate(records):
        if sheet:
            book.new_sheet()
        for column, variable in enumerate(inputs_of(laws), start=1):
            write = book.update_cell_with_text if variable.is_category else book.update_cell_with_number
            write(sheet, 1, column, record[variable.name])
        for line, text in enumerate(texts, start=2):
            book.update_cell_with_formula(sheet, line, 1, text)
    book.evaluate()
    return {
        name: np.array([_cell(book, sheet, line) for sheet in range(len(records))])
        for line, name in enumerate(laws, start=2)
    }


def _cell(book: Any, sheet: int, line: int) -> float:
    value = book.get_cell_value(sheet, line, 1)
    return float(value) if isinstance(value, int | float) else math.nan


MACHINES = (python, sqlite, duckdb, javascript, excel)
