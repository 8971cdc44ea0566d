"""The languages that a formula is exported to, each run by a machine that knows nothing of kanopt.

Every engine takes a formula and rows, runs the exported text and returns one number per row, NaN where there is none.
"""

from __future__ import annotations

import atexit
import json
import math
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import openpyxl
import pandas as pd
import pytest
import sympy
import xlsxwriter
from numpy.typing import NDArray

from kanopt.formulas import Curve, Formula, Step, Table
from kanopt.formulas.export.excel import defined_names
from kanopt.formulas.export.workbook import LawRows, SheetBook, write_law_rows
from kanopt.formulas.nodes import postorder
from kanopt.text import with_unit
from tests.formulas.export.latex_reader import value_of_latex
from tests.formulas.export.worksheet import XlError, parse, value_of

NODE = shutil.which("node")
Rows = Mapping[str, NDArray[Any]]
Array = NDArray[np.float64]


def records(data: Rows) -> list[dict[str, Any]]:
    """Return the rows one by one, as Python's own types."""
    columns = [np.asarray(column).tolist() for column in data.values()]
    return [dict(zip(data, row, strict=True)) for row in zip(*columns, strict=True)]


def count(data: Rows) -> int:
    return len(next(iter(data.values())))


def compiled(formula: Formula) -> Callable[..., Any]:
    """Run the exported source in an empty module and return its function."""
    space: dict[str, Any] = {}
    exec(compile(formula.to_python(), "<export>", "exec"), space)
    (name,) = [key for key in space if key not in ("np", "__builtins__") and not key.startswith("_")]
    return space[name]


def python(formula: Formula, data: Rows) -> Array:
    with np.errstate(all="ignore"):
        return np.broadcast_to(compiled(formula)(*(data[v.name] for v in formula.inputs)), count(data))


def add_mathematics(connection: sqlite3.Connection) -> None:
    """Register the functions that SQLite only has where it was compiled with them."""
    try:
        connection.execute("SELECT EXP(1.0)")
    except sqlite3.OperationalError:
        for name, function in vars(math).items():
            if name in ("exp", "sqrt", "sin", "cos", "tanh", "atan", "floor"):
                connection.create_function(name, 1, function)
        connection.create_function("ln", 1, math.log)
        connection.create_function("power", 2, math.pow)


def sql(formula: Formula, data: Mapping[str, Any]) -> Array:
    """Put the rows into a table of SQLite and return the expression's value per row; NaN for NULL."""
    names = [variable.name for variable in formula.inputs]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    with sqlite3.connect(":memory:") as connection:
        add_mathematics(connection)
        connection.execute(f"CREATE TABLE data ({', '.join(quoted)})")
        table = list(zip(*(np.asarray(data[name]).tolist() for name in names), strict=True))
        connection.executemany(f"INSERT INTO data VALUES ({', '.join('?' * len(names))})", table)
        found = connection.execute(f"SELECT {formula.to_sql()} FROM data ORDER BY rowid").fetchall()
    connection.close()
    return np.array([np.nan if value is None else value for (value,) in found], dtype=float)


def duckdb(formula: Formula, data: Mapping[str, Any]) -> Array:
    """Return the expression's value per row as DuckDB computes it, which types its columns."""
    database = pytest.importorskip("duckdb")
    names = [variable.name for variable in formula.inputs]
    frame = pd.DataFrame({name: np.broadcast_to(data[name], count(data)) for name in names})
    with database.connect(":memory:", config={"threads": 1}) as connection:
        connection.register("data", frame)
        found = connection.execute(f"SELECT {formula.to_sql()} FROM data").fetchall()
    return np.array([np.nan if value is None else value for (value,) in found], dtype=float)


def run_node(cases: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> list[float]:
    """Run [(source, rows)] in a node process of their own; return the values, NaN for what has none."""
    script = f"console.log((() => {{ {_script(cases)} }})());"
    done = subprocess.run(
        [NODE, "-"], input=script, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return _values(done.stdout)


def _script(cases: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Return the body of a function that gives all values as JSON."""
    script = "const out = [];\n"
    for source, rows in cases:
        name = re.search(r"function (\w+)\(", source)[1]
        script += f"{{ {source}\n for (const r of {json.dumps(rows)}) out.push({name}(r)); }}\n"
    return script + "return JSON.stringify(out.map((v) => Number.isFinite(v) ? v : null));"


def _values(answer: str) -> list[float]:
    return [math.nan if value is None else value for value in json.loads(answer)]


@cache
def _server() -> subprocess.Popen[str]:
    """Start the node process that runs one function per line: a start takes longer than a hundred laws."""
    code = (
        "require('readline').createInterface({ input: process.stdin })"
        ".on('line', (line) => console.log(Function(JSON.parse(line))()));"
    )
    server = subprocess.Popen(
        [NODE, "-e", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    # it ends with its input, and is waited for
    atexit.register(server.communicate)
    return server


def javascript(formula: Formula, data: Rows) -> Array:
    if NODE is None:
        pytest.skip("node is not installed")
    server = _server()
    server.stdin.write(json.dumps(_script([(formula.to_javascript(), records(data))])) + "\n")
    server.stdin.flush()
    return np.array(_values(server.stdout.readline()))


def symbolic(formula: Formula, data: Rows) -> Array:
    """Evaluate the sympy expression to eighty digits: it is exact, and so is its value."""
    if any(isinstance(node, Curve | Step | Table) for node in postorder(formula.root)):
        return formula.evaluate(data)  # what sympy has no words for
    numbers = [variable.name for variable in formula.inputs if not variable.is_category]
    with mpmath.workdps(80):
        symbols = [sympy.Symbol(name, real=True) for name in numbers]
        function = sympy.lambdify(symbols, formula.to_sympy(), "mpmath")
        found = [float(function(*(mpmath.mpf(row[name]) for name in numbers))) for row in records(data)]
    return np.array(found)


def latex(formula: Formula, data: Rows) -> Array:
    return np.array([value_of_latex(formula, row) for row in records(data)])


def saved(formula: Formula, data: Rows) -> Array:
    again = Formula.from_json(formula.to_json())
    assert again == formula
    return again.evaluate(data)


def as_number(value: Any) -> float:
    """Return the value of a cell; an error is no number."""
    return math.nan if isinstance(value, XlError) else float(value)


def excel(formula: Formula, data: Rows) -> Array:
    """Evaluate the formula of one cell, whose inputs are the columns of a table."""
    tree = parse(formula.to_excel(style="table"))
    return np.array([as_number(value_of(tree, row.__getitem__)) for row in records(data)])


def named_cells(formula: Formula, data: Rows) -> Array:
    """Evaluate the formula of one cell, whose inputs are cells with names."""
    words = defined_names(variable.name for variable in formula.inputs if variable.name in formula.used)
    tree = parse(formula.to_excel())
    named = [{words[name]: row[name] for name in words} for row in records(data)]
    return np.array([as_number(value_of(tree, row.__getitem__)) for row in named])


class Book:
    """A workbook, opened by another library than it is written with and computed cell by cell."""

    def __init__(self, path: Path) -> None:
        book = openpyxl.load_workbook(path)
        self.names = {name: found.attr_text for name, found in book.defined_names.items()}
        self.cells = {
            f"{sheet.title}!{cell.coordinate}": cell
            for sheet in book
            for line in sheet.iter_rows()
            for cell in line
        }
        lines = list(book["Formula"].iter_rows())
        self.constants = {line[0].value: line[1] for line in lines[2:-2] if len(line) > 1}
        self.row = list(zip(*lines[-2:], strict=True))  # heads, and the cells below them
        formulas = [cell for _, cell in self.row if cell.data_type == "f"]
        self.result, self.steps = f"Formula!{formulas[0].coordinate}", formulas[1:]
        self.given: dict[str, Any] = {}
        self.found: dict[str, Any] = {}

    def __call__(self) -> Any:
        """Return what the law comes to."""
        for cell in self.steps:  # in their order, so that none waits for a long chain of others
            self.value(f"Formula!{cell.coordinate}")
        return self.value(self.result)

    def look(self, reference: str, sheet: str) -> Any:
        """Return the value of a cell or name, or the rows of a range."""
        place = self.names.get(reference, reference).replace("$", "")
        sheet, _, place = place.rpartition("!") if "!" in place else (sheet, "!", place)
        if ":" not in place:
            return self.value(f"{sheet}!{place}")
        a, b, c, d = openpyxl.utils.range_boundaries(place)
        letter = openpyxl.utils.get_column_letter
        return [[self.value(f"{sheet}!{letter(k)}{row}") for k in range(a, c + 1)] for row in range(b, d + 1)]

    def value(self, place: str) -> Any:
        """Return the value of a cell: what it is given, what it holds, or what its formula comes to."""
        if place in self.given:
            return self.given[place]
        if place not in self.found:
            cell = self.cells[place]
            value = float(cell.value) if isinstance(cell.value, int) else cell.value
            if cell.data_type == "f":
                sheet = place.partition("!")[0]
                value = value_of(parse(cell.value), lambda name: self.look(name, sheet))
            self.found[place] = value
        return self.found[place]

    def place_of(self, label: str) -> str:
        """Return the cell of a constant, or of an input by its head."""
        cell = self.constants.get(label) or next(cell for head, cell in self.row if head.value == label)
        return f"Formula!{cell.coordinate}"

    def set(self, values: Mapping[str, Any]) -> None:
        """Change cells of constants, and of inputs by their heads."""
        self.found = {}
        self.given |= {self.place_of(label): value for label, value in values.items()}


def save_excel(formula: Formula, path: Path) -> Path:
    """Write a workbook with the law on a sheet of one row, as the sheets of a plan's workbook have it in many."""
    rows = {}
    for variable in formula.inputs:
        known = formula.domain.quantiles_of(variable.name)
        rows[variable.name] = np.array([known[1] if known else 1.0])
    for node in reversed(postorder(formula.root)):
        if isinstance(node, Table):
            pairs = zip(node.inputs, node.entries[0][0], strict=True)
            rows |= {name: np.array([label], dtype=object) for name, label in pairs}
    with xlsxwriter.Workbook(path) as book:
        write_law_rows(SheetBook(book), book.add_worksheet("Formula"), LawRows("law", formula, rows), set())
    return path


def workbook(formula: Formula, data: Rows) -> Array:
    """Play with the workbook: change the cells of the inputs, read the cell of the output."""
    with tempfile.TemporaryDirectory() as folder:
        book = Book(save_excel(formula, Path(folder, "law.xlsx")))
    heads = {v.name: with_unit(v.name, v.unit) for v in formula.inputs if v.name in formula.used}
    found = []
    for row in records(data):
        book.set({head: row[name] for name, head in heads.items()})
        found.append(as_number(book()))
    return np.array(found)
