"""Every export computes what the formula computes: random laws, all functions where they are hard, edges, fallbacks."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings

from kanopt.errors import FormulaError
from kanopt.formulas import (
    FUNCTIONS,
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.nodes import rebuild
from tests.formulas.export import engines
from tests.formulas.strategies import INPUTS, OUTPUT, laws, raw, rows, steady

# the engines, and how many random laws each has the time for
EXAMPLES = {
    engines.python: 50,
    engines.sql: 50,
    engines.latex: 50,
    engines.saved: 50,
    engines.excel: 50,
    engines.javascript: 25,
    engines.symbolic: 15,
}
every_engine = pytest.mark.parametrize(
    "engine", [*EXAMPLES, engines.duckdb], ids=lambda engine: engine.__name__
)
# what a number below the smallest normal one comes to is each machine's own affair
CLOSE = {"rtol": 1e-9, "atol": 1e-300}


def renamed(root: Node) -> Node:
    """Return the graph with a name of its own for every piece, by which its LaTeX is read back."""
    names: dict[bytes, str] = {}

    def change(node: Node) -> Node:
        if isinstance(node, Curve):
            name = names.setdefault(node.key, f"s{len(names)}")
            return Curve(name, node.argument, node.coefficients, node.low, node.high, node.periodic)
        if isinstance(node, Step):
            return Step(
                node.argument, node.breakpoints, node.values, names.setdefault(node.key, f"s{len(names)}")
            )
        if isinstance(node, Table):
            name = names.setdefault(node.key, f"s{len(names)}")
            return Table(node.inputs, node.entries, node.fallback, name)
        return node

    return rebuild(root, change)


@pytest.mark.parametrize(
    ("engine", "examples"), EXAMPLES.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_random_laws(engine, examples):
    @settings(max_examples=examples)
    @given(laws(), rows(count=4))
    def check(law, data):
        law = Formula(renamed(law.root), INPUTS, OUTPUT)
        try:
            expected, ok = raw(law, data), steady(law, data)
        except FormulaError:  # a category without an entry
            return
        if not ok.any():
            return
        data = {name: values[ok] for name, values in data.items()}
        try:
            found = engine(law, data)
        except FormulaError as error:
            told = ("too many", "no finite value", "one cell")
            assert any(word in str(error) for word in told)  # noqa: PT017
            return
        np.testing.assert_allclose(found, expected[ok], **CLOSE)

    check()


HARD = np.array([-800, -710, -100, -40, -20, -7.1, -6.9, -1, -0.99999, -1e-3, -1e-8, -1e-12, 0])
HARD = np.concatenate([HARD, -HARD[:-1], [0.5, 1.1e-3, 1e-5]])


@pytest.mark.parametrize("engine", [engine for engine in EXAMPLES if engine is not engines.latex])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_are_exact_where_their_values_are_small_or_their_parts_large(engine, name):
    law = Formula(Apply(name, Input("x")), (Variable("x"),), Variable("y"))
    with np.errstate(all="ignore"):
        x = HARD[np.isfinite(FUNCTIONS[name].value(HARD)) & (FUNCTIONS[name].low <= HARD)]
    if engine is engines.symbolic:
        x = x[np.abs(x) <= 100]  # beyond, eighty digits of 1 + e are 1
    found = engine(law, {"x": x})
    np.testing.assert_allclose(found, law.evaluate({"x": x}), rtol=1e-12, atol=1e-300)


x, y, vehicle = Input("x"), Input("y"), Table.of({"van": 1.0, "truck": 1.4}, "vehicle", fallback=2.5)
PAIRS = {("van", "truck"): 1.0, ("truck", "van"): 2.0}
CASES = {
    "curve": Curve("s", x, (0.0, 1.0, 4.0, 2.0, 1.0), -1.0, 2.0),
    "one cubic": Curve("s", x, (0.0, 1.0, 4.0, 2.0), 0.1, 1.0),
    "wave": Curve("w", x, (0.0, 1.0, 4.0), -1.0, 2.0, periodic=True),
    "one span": Curve("w", x, (3.0,), -1.0, 2.0, periodic=True),
    "curve of a curve": Curve("s", Curve("u", x, (2.0, 1.0, 4.0, 2.0), 0.0, 2.0), (0.0, 1.0, 4.0, 2.0), 1.0, 3.0),
    "steps": Step(x, (-1.0, 0.5, 2.0), (3.0, 1.0, -2.0, 7.0), "toll"),
    "one step": Step(x, (), (3.0,), "toll"),
    "fallback": vehicle * x,
    "pairs": Table(("vehicle", "other"), tuple(PAIRS.items()), -1.0, "pairs"),
    "extremes": Maximum((x, Minimum((y, Constant(1.5), x * y)), Constant(-2.0))),
    "powers": (1 + x * x) ** y + (x**2) ** 3 - x**-2.0 + (-(x**2.0)) + (-x) ** 3,
    "roots": (2 + x) ** 0.5 * (2 + x) ** 0.2 * (2 + x) ** -0.73,
    "a zeroth power": x ** Constant(0.0) + Power(x, 0.0 * y),
    "signs": -x - (-y) * -2.0 - (x - (y - 1)) / (-x * y) / -3.0,
    "many": Sum(tuple(x ** Constant(k) * (-1.0) ** k for k in range(30))) + Maximum(tuple(x + k for k in range(300))),
    "shared": Sum((Apply("exp", x * 0.1), Apply("exp", x * 0.1), Apply("tanh", Apply("exp", x * 0.1)))),
    "chain": reduce(lambda node, _: Apply("softplus", node - 0.5), range(60), x),
    "deep": parse_formula("(" * 50 + "x" + " + 1) * y" * 50, [Variable("x"), Variable("y")], OUTPUT).root,
}  # fmt: skip
KINDS = tuple(Variable(name, kind="category") for name in ("vehicle", "other"))


@every_engine
@pytest.mark.parametrize("case", CASES)
def test_edges_and_what_lies_beyond(engine, case):
    law = Formula(CASES[case], (Variable("x"), Variable("y"), *KINDS), OUTPUT)
    places = [
        -9.0,
        -2.0,
        -1.0,
        np.nextafter(-1.0, -2),
        -0.25,
        0.1,
        0.5,
        1.0,
        2.0,
        np.nextafter(2.0, 3),
        2.5,
        40.0,
    ]
    places = [place for place in places if case not in ("roots", "deep", "many") or -2 < place < 9]
    data = {
        "x": np.array(places),
        "y": np.resize([0.75, -1.25, 2.0], len(places)),
        "vehicle": np.resize(["van", "truck", "tram"], len(places)),
        "other": np.resize(["van", "van", "truck", "truck", "bike"], len(places)),
    }
    if engine is engines.excel and case == "chain":
        with pytest.raises(
            FormulaError, match="8,192 characters"
        ):  # where a step is written wherever it is used
            law.to_excel()
        return
    np.testing.assert_allclose(engine(law, data), law.evaluate(data), rtol=1e-9, atol=1e-13)


LABELS = [
    *(
        "a'b",
        'a"b',
        "; DROP TABLE data; --",
        '"] = 1; evil(); //',
        "</script>",
        "=1+1",
        "{0}",
        "@",
        "%s",
        "`",
        "${x}",
    ),
    *("\u202eab", "\u200b", "\u2028", "ü", "重量", "a" * 250, "", " ", "None", "nan", "2014", "a\nb", "a\tb"),
]


@every_engine
def test_categories_of_any_text(engine):
    """Whatever a category is called, an export tells it from the others."""
    if engine is engines.latex:
        pytest.skip("the entries of a table are not printed")
    labels = [label for label in LABELS if engine is not engines.excel or label.isprintable()]
    for start in range(0, len(labels), 6):
        some = labels[start : start + 6]
        table = Table.of({label: float(k) for k, label in enumerate(some)}, "kind", fallback=-1.0)
        law = Formula(table * Input("x"), (Variable("x"), Variable("kind", kind="category")), OUTPUT)
        kinds = np.array([*some, "other"], dtype=object)
        data = {"x": np.full(len(kinds), 2.0), "kind": kinds}
        np.testing.assert_allclose(engine(law, data), law.evaluate(data), **CLOSE)


NAMES = (
    "km",
    *("select", "ORDER", "group by", "null", "date", "class", "lambda", "None", "def", "function", "return", "this"),
    *("kanopt_1", "KANOPT_2", "step_1", "np", "_curve", "Math", "row", "number", "constructor", "len", "y"),
    *('say "hi"', "it's", "a b", "x;--", "/*", "@", "@1", "{name}", "%s", "#1 [t]", "A1", "R1C1", "TRUE", "=1+1"),
    *("重量", "Größe", "naïve", "1st", "$x", "a.b", "a,b"),
)  # fmt: skip


@pytest.mark.parametrize(
    "engine", [engines.python, engines.sql, engines.duckdb, engines.javascript, engines.excel]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_column_may_have_any_name(engine, name):
    """Reserved words, quotes, other scripts, and what exports make up themselves; the law has steps and reads twice."""
    step = Apply("softplus", Input(name) - 2.0 * Input("other km"))
    root = step * Apply("logistic", step - Input(name)) + Maximum((step, Input(name)))
    law = Formula(root, (Variable(name), Variable("other km")), Variable("y"))
    data = {name: np.array([1.5, -0.25, 3.0]), "other km": np.array([0.5, 1.0, -2.0])}
    np.testing.assert_allclose(engine(law, data), law.evaluate(data), rtol=1e-9)


def test_columns_that_a_database_takes_for_functions_are_refused_where_it_does():
    user, kind = Variable("user", kind="category"), Table.of({"van": 1.0}, "user", fallback=2.0)
    assert Formula(kind, (user,), Variable("y")).to_sql().startswith("CASE WHEN")
    with pytest.raises(FormulaError, match="DuckDB takes the column 'user' for a function of its own"):
        Formula(Apply("softplus", kind), (user,), Variable("y")).to_sql()


CAPITALS = Formula(Input("km") - 2.0 * Input("KM"), (Variable("km"), Variable("KM")), Variable("y"))


def test_columns_that_differ_in_capitals_are_refused_where_they_would_be_one():
    with pytest.raises(
        FormulaError, match=r"'km' and 'KM' are the same column of .*; rename one of the inputs"
    ):
        CAPITALS.to_sql()
    assert CAPITALS.to_excel() == "=IF(COUNT(km,KM_)<2,NA(),km-2*KM_)"
    # an input that the law does not read is no column of the query
    alone = Formula(2.0 * Input("KM"), (Variable("km"), Variable("KM")), Variable("y"))
    assert alone.to_sql() == '2.0 * CAST("KM" AS DOUBLE PRECISION)'
