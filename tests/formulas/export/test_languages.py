"""What one language has of its own: what is missing, whole numbers, shapes of arrays, and what is too much for it."""

from __future__ import annotations

import ast
import subprocess

import numpy as np
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Curve,
    Formula,
    Input,
    Maximum,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from tests.formulas.export.engines import NODE, compiled, run_node, sql


def test_python_curves_and_tables_broadcast_and_extrapolate():
    curve = Curve("s", Input("x"), (0.0, 1.0, 4.0, 2.0, 1.0), 0.0, 1.0)
    wave = Curve("w", Input("x"), (0.0, 1.0, 4.0), 0.0, 1.0, periodic=True)
    table = Table.of({("van", "a"): 1.0, ("truck", "b"): 2.0}, "kind", "place", fallback=7.0)
    toll = Step(Input("x"), (0.3, 0.6), (1.0, 2.0, 3.0))
    names = (Variable("x"), Variable("kind", kind="category"), Variable("place", kind="category"))
    law = Formula(Sum((curve, wave, table, toll)), names, Variable("cost"))
    data = {"x": np.linspace(-2, 3, 40)[:, None], "kind": np.array(["van", "truck"]), "place": "b"}
    found = compiled(law)(**data)
    assert found.shape == (40, 2)
    np.testing.assert_allclose(found, law.evaluate(data), rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["class", "_curve", "2nd", 'x"""', "a\\", "f(x): import os", 'x"; import os; y="']
)
def test_no_name_can_change_what_python_does(name):
    law = Formula(Input(name) * 2 + Input("a_b"), (Variable(name), Variable("a_b")), Variable(name))
    tree = ast.parse(law.to_python())
    assert [type(node).__name__ for node in tree.body] == ["Import", "FunctionDef"]
    assert compiled(law)(3.0, 1.0) == 7.0


@pytest.mark.skipif(not NODE, reason="node is not installed")
def test_what_is_missing_from_a_row_is_neither_zero_nor_a_category():
    law = Formula(
        Input("km") + Table.of({"van": 1.0}, "v", fallback=9.0),
        (Variable("km"), Variable("v", kind="category")),
        Variable("y"),
    )
    gaps = [{"v": "van"}, *({"km": km, "v": "van"} for km in (None, "", " "))]
    assert np.isnan(run_node([(law.to_javascript(), gaps)])).all()
    assert run_node([(law.to_javascript(), [{"km": "2.5", "v": "bus"}])]) == [11.5]
    script = law.to_javascript() + "\nfor (const v of [null, undefined]) try { y({km: 1, v}) } "
    done = subprocess.run(
        [NODE, "-"],
        input=script + "catch (e) { console.log(e.message) }",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["no value for v"] * 2


def test_whole_numbers_are_divided_as_numbers():
    law = parse_formula("a / b + 1 / a", [Variable("a"), Variable("b")], Variable("y"))
    assert sql(law, {"a": [1, 7], "b": [2, 2]}) == pytest.approx([1.5, 3.5 + 1 / 7])


@pytest.mark.parametrize("kind", ["INTEGER", "BIGINT", "DECIMAL(18, 3)"])
def test_columns_of_whole_and_decimal_numbers_do_not_overflow(kind):
    duckdb = pytest.importorskip("duckdb")
    curve = Curve("s", Input("a"), (0.1, 1 / 3, 4.7, 2.0), 0.3, 1.7)
    law = Formula(
        Apply("log1p", Input("a") * Input("b")) * curve, (Variable("a"), Variable("b")), Variable("y")
    )
    rows = {"a": np.array([100_000.0, 7.0]), "b": np.array([777_777.0, 2.0])}
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE data (a {kind}, b {kind})")
        connection.execute("INSERT INTO data VALUES (100000, 777777), (7, 2)")
        found = connection.execute(f"SELECT {law.to_sql()} FROM data").fetchall()
    np.testing.assert_allclose(np.array(found)[:, 0], law.evaluate(rows), rtol=1e-9)


def test_what_is_missing_stays_missing():
    x, kind = Input("x"), Variable("kind", kind="category")
    pieces = [
        Curve("s", x, (0.0, 1.0, 4.0, 2.0), 0.0, 1.0),
        Curve("s", x + 1, (0.0, 1.0, 4.0, 2.0), 0.0, 1.0, periodic=True),
        Step(x, (0.0,), (1.0, 2.0)),
        Maximum((x, Input("z"))),
        Apply("relu", x),
        Apply("softplus", 2 * x),
    ]
    for piece in pieces:
        law = Formula(piece, (Variable("x"), Variable("z")), Variable("y"))
        assert np.isnan(sql(law, {"x": [None], "z": [1.0]})).all(), piece
    table = Formula(Table.of({"van": 1.0}, "kind", fallback=2.0), (kind,), Variable("y"))
    np.testing.assert_array_equal(sql(table, {"kind": ["van", "tram", None]}), [1.0, 2.0, np.nan])
    strict = Formula(Table.of({"van": 1.0}, "kind"), (kind,), Variable("y"))
    assert np.isnan(sql(strict, {"kind": ["tram"]})).all()


def test_texts_too_long_for_a_database_are_refused():
    name = "a long name of a column of some table"
    node = Input(name)
    for _ in range(16):
        node = Sum((node, node))
    with pytest.raises(FormulaError, match="characters of SQL are too many"):
        Formula(node, (Variable(name),), Variable("y")).to_sql()
