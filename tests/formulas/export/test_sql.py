import numpy as np
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Curve, Formula, Input, Maximum, Step, Sum, Table, Variable, parse_formula
from tests.formulas.export import machines
from tests.formulas.export.engines import sql


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
        machines.fill(connection, law.inputs, rows, kind)
        found = connection.execute(f"SELECT {law.to_sql()} FROM data ORDER BY place").fetchall()
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


@pytest.mark.parametrize(
    "name", ["order", "a b", 'x" FROM data; DROP TABLE data; --', "größe", "'", "kanopt_1", "it's", "@0"]
)
def test_no_name_can_change_what_the_expression_does(name):
    kind = Variable(name + " kind", kind="category")
    root = Apply("relu", Input(name) + 1) * Table.of({name: 2.0}, kind.name)
    law = Formula(root, (Variable(name), kind), Variable("y"))
    assert sql(law, {name: [3.0], kind.name: [name]}).tolist() == [8.0]


def test_texts_too_long_for_a_database_are_refused():
    name = "a long name of a column of some table"
    node = Input(name)
    for _ in range(16):
        node = Sum((node, node))
    with pytest.raises(FormulaError, match="characters of SQL are too many"):
        Formula(node, (Variable(name),), Variable("y")).to_sql()
