"""Every kind of node has every ability, and a new kind, or a new function, has them all from one declaration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kanopt.formulas import (
    FUNCTIONS,
    Apply,
    Constant,
    Curve,
    Formula,
    Function,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Step,
    Table,
    Variable,
)
from kanopt.formulas.estimation.graph_tape import FreeParameters, GraphTape
from kanopt.formulas.nodes import KINDS, computed, count_operators, postorder
from kanopt.formulas.parameters import is_parameter
from kanopt.pages.write import formula_terms
from tests.formulas.export import engines

X, Y = Input("x"), Input("y")
INPUTS = (Variable("x", "km"), Variable("y", "km"), Variable("kind", kind="category"))
ROWS = {
    "x": np.array([0.25, 1.5, 3.0, 7.5]),
    "y": np.array([2.0, 0.5, 3.25, 1.0]),
    "kind": np.array(["a", "b", "b", "a"], dtype=object),
}
EXAMPLES: dict[str, Node] = {
    "constant": Constant(1.5, "c"),
    "input": X,
    "sum": X + Y,
    "product": Product((Constant(2.0, "c"), X, Power(Y, Constant(-1.0)))),
    "maximum": Maximum((X, Y)),
    "minimum": Minimum((X, Y)),
    "power": Power(X, Constant(2.0)),
    "apply": Apply("relu", X - Constant(1.0, "c")),
    "curve": Curve("s", X, (0.0, 1.0, 4.0, 2.0, 1.0), 0.0, 4.0),
    "step": Step(X, (1.0, 5.0), (3.0, 1.0, 2.0), "toll"),
    "table": Table.of({"a": 1.0, "b": 2.5}, "kind", name="rate"),
}
LANGUAGES = (
    *(engines.latex, engines.python, engines.sql, engines.javascript, engines.excel),
    engines.saved,
)


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> str:
    """Declare a function of the library for the time of a test."""
    function = Function(
        "bell",
        lambda x: np.exp(-x * x),
        lambda x: -2.0 * x * np.exp(-x * x),
        lambda x: (4.0 * x * x - 2.0) * np.exp(-x * x),
        {
            "latex": r"\exp\left(-@ \cdot @\right)",
            "python": "np.exp(-@ * @)",
            "sql": "EXP(-1.0 * @ * @)",
            "javascript": "Math.exp(-@ * @)",
            "excel": "EXP(-1*@*@)",
        },
        extrema=((0.0,), (-np.sqrt(0.5), np.sqrt(0.5)), (0.0,)),
    )
    monkeypatch.setitem(FUNCTIONS, function.name, function)
    return function.name


def law_of(root: Node, unit: str = "km") -> Formula:
    return Formula(root, INPUTS, Variable("cost", unit))


def is_written(law: Formula, language: Callable[..., object]) -> None:
    np.testing.assert_allclose(language(law, ROWS), computed(law.root, ROWS), rtol=1e-9)


def is_differentiated(root: Node) -> None:
    """Compare the derivatives in a factor and in all parameters with differences of values."""
    law = Product((Constant(0.75, "factor"), root))
    free = FreeParameters.of(law, None)
    tape = GraphTape(law, ROWS, free)
    value, derivative = tape.gradient(free.values)
    np.testing.assert_allclose(value, computed(law, ROWS))
    for place, step in enumerate(1e-6 * np.eye(free.count)):
        slope = (tape.value(free.values + step) - tape.value(free.values - step)) / 2e-6
        np.testing.assert_allclose(derivative[:, place], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    """A new kind without an example or an ability fails here, with its name."""

    @pytest.mark.parametrize("language", LANGUAGES, ids=lambda engine: engine.__name__)
    def test_is_written_in_every_language(self, kind: str, language: Callable[..., object]) -> None:
        is_written(law_of(EXAMPLES[kind]), language)

    def test_is_written_for_people(self, kind: str) -> None:
        law = law_of(EXAMPLES[kind])
        assert str(law)
        assert "<m" in "".join(formula_terms(law))

    def test_has_a_unit(self, kind: str) -> None:
        unit = {"power": "km^2", "product": "EUR", "table": "EUR"}.get(kind, "km")
        assert law_of(EXAMPLES[kind], unit).dimensions().consistent

    def test_is_differentiated(self, kind: str) -> None:
        is_differentiated(EXAMPLES[kind])

    def test_has_parts_numbers_and_operators(self, kind: str) -> None:
        node = EXAMPLES[kind]
        assert isinstance(node, KINDS[kind])
        assert node.with_children(node.children) == node
        assert node.with_numbers(node.numbers) == node
        more = node.with_numbers([number + 1.0 for number in node.numbers])
        assert (more != node) == bool(node.numbers)
        assert count_operators(node) >= (kind not in ("constant", "input"))


@pytest.mark.parametrize("language", LANGUAGES[1:], ids=lambda engine: engine.__name__)
def test_a_new_function_is_written_in_every_language(bell: str, language: Callable[..., object]) -> None:
    is_written(law_of(Apply(bell, X - Y) + 1.0, ""), language)


def test_a_new_function_is_printed_measured_and_differentiated(bell: str) -> None:
    node = Apply(bell, Constant(0.5, "c") * X)
    law = law_of(node, "")
    assert str(law) == "bell(0.5 · x)"
    assert (
        law.to_latex()
        == r"\mathrm{cost} = \exp\left(-\left(0.5 \cdot x\right) \cdot \left(0.5 \cdot x\right)\right)"
    )
    assert law.dimensions().unit_of(next(n for n in postorder(node) if is_parameter(n))) == "1/km"
    is_differentiated(node)
