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
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
import sympy
from numpy.typing import NDArray

from kanopt.formulas import Curve, Formula, Step, Table
from kanopt.formulas.export.excel import defined_names
from kanopt.formulas.nodes import postorder
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
    """Evaluate the formula of one cell, whose inputs are cells with names."""
    words = defined_names(variable.name for variable in formula.inputs if variable.name in formula.used)
    tree = parse(formula.to_excel())
    named = [{words[name]: row[name] for name in words} for row in records(data)]
    return np.array([as_number(value_of(tree, row.__getitem__)) for row in named])
