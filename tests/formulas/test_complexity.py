"""Operators are counted as a reader would count them."""

from __future__ import annotations

import pytest

from kanopt.formulas import Apply, Constant, Curve, Input, Maximum, Minimum, Power, Product, Step, Sum, Table
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.nodes import Node

x, y = Input("x"), Input("y")
CURVE = Curve("s", x, (0.0, 1.0, 2.0, 3.0), 0.0, 1.0)
STEP = Step(x, (1.0,), (0.0, 2.0))
TABLE = Table.of({"road": 1.0, "sea": 2.0}, "mode")


@pytest.mark.parametrize(
    ("root", "count"),
    [
        (Constant(3.0), 0),
        (x, 0),
        (Sum((Constant(1.0), x, y)), 2),
        (Product((Constant(2.0), x, y)), 2),
        (Maximum((x, y, Constant(0.0))), 2),
        (Minimum((x, y)), 1),
        (Power(x, Constant(2.0)), 1),
        (Power(x, y), 1),
        (Apply("log", x), 1),
        (TABLE, 1),
        (CURVE, 5),
        (STEP, 5),
        # 2 + 3 · x · exp(x): a plus, two times, a function
        (2.0 + 3.0 * x * Apply("exp", x), 4),
        # 0.5 · log(1 + x²): a times, a function, a plus, a power
        (0.5 * Apply("log", 1.0 + x**2.0), 4),
        # x / y: a product with a power
        (Product((x, Power(y, Constant(-1.0)))), 2),
        # a curve of a sum
        (Curve("s", Sum((x, y)), (0.0, 1.0, 2.0, 3.0), 0.0, 1.0), 6),
        (Sum((Product((Constant(2.0), TABLE)), CURVE)), 8),
    ],
    ids=str,
)
def test_operators_are_counted_as_by_hand(root: Node, count: int) -> None:
    assert count_operators(root) == count
