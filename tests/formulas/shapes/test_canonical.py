import pytest

from kanopt.formulas import Formula, Variable, parse_formula
from kanopt.formulas.printing import to_infix
from kanopt.formulas.shapes.proof import canonicalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x * x * x", "x^3"),
        ("log(2 + 6 * exp(y * x))", "0.6931 + softplus(1.099 + y · x)"),
        ("log1p(exp(x) * 0.5)", "softplus(x - 0.6931)"),
        ("(4 + exp(x))^0.5", "2 · exp(0.5 · softplus(x - 1.386))"),
        ("(4 - exp(x))^0.5", "sqrt(4 - exp(x))"),
        ("(4 + exp(x))^-1", "1 / (4 + exp(x))"),
        ("log(1 + x + exp(x))", "log(1 + x + exp(x))"),
        ("log(1 + x)", "log(1 + x)"),
    ],
)
def test_graphs_are_written_so_that_less_occurs_twice(text, expected):
    law = parse_formula(text, [Variable("x"), Variable("y")], Variable("out"))
    graph = canonicalise(law.root)
    assert to_infix(graph) == expected
    rows = {"x": [0.5, 1.2], "y": [1.5, 1.1]}
    values = Formula(graph, law.inputs, law.output).evaluate(rows)
    assert values == pytest.approx(law.evaluate(rows), rel=1e-12)


def test_parameters_lose_their_names_and_are_folded():
    law = parse_formula("a * (b * x)", [Variable("x")], Variable("out"), constants={"a": 2.0, "b": 3.0})
    assert to_infix(canonicalise(law.root)) == "6 · x"
