"""Every function of every shape of argument, in every language that kanopt writes, run by the language itself.

All expressions of a language go through its machine together: one query, one process, one workbook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

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
    Table,
    Variable,
)
from kanopt.formulas.nodes import fold
from tests.formulas.export import machines

A, B = Input("a"), Input("b")
COEFFICIENTS = (0.5, -1.25, 2.0, 0.75, 1.5)
TABLE = Table.of({"van": 1.5, "truck": -0.75}, "kind", fallback=0.25)
INPUTS = (Variable("a"), Variable("b"), Variable("kind", kind="category"))

ARGUMENTS: Mapping[str, Node] = {
    "input": A,
    "sum": A + B,
    "difference": A - B,
    "sum of three": -A - B + 2.0,
    "product": A * B,
    "quotient": A / B,
    "one over": 1.0 / B,
    "power": A**2.0,
    "negative power": A**-2.0,
    "root": A**0.5,
    "power of an input": Power(Apply("abs", A), B),
    "negation": -A,
    "negated product": -2.0 * A * B,
    "function": Apply("softplus", A - B),
    "constant": Constant(1.25),
    "negative constant": Constant(-0.75),
    "curve": Curve("s", A - B, COEFFICIENTS, -2.0, 2.5),
    "wave": Curve("w", A + B, COEFFICIENTS, -1.0, 3.5, periodic=True),
    "step": Step(A - B, (-1.3, 0.7), (-2.0, 0.5, 3.0), "toll"),
    "table": TABLE,
    "maximum": Maximum((A, B, Constant(0.5))),
}
OPERATIONS: Mapping[str, Callable[[Node], Node]] = {
    **{name: lambda x, name=name: Apply(name, x) for name in FUNCTIONS},
    "plus": lambda x: 1.5 + x,
    "minus": lambda x: 1.5 - x,
    "of a sum": lambda x: x + B,
    "times": lambda x: 3.0 * x,
    "times itself negated": lambda x: -x * B,
    "over": lambda x: x / 3.0,
    "under": lambda x: 3.0 / x,
    "squared": lambda x: x**2.0,
    "cubed and inverted": lambda x: x**-3.0,
    "rooted": lambda x: Power(x, Constant(0.3)),
    "raised": lambda x: Power(x, B),
    "raising": lambda x: Power(Constant(1.1), x),
    "curve": lambda x: Curve("s", x, COEFFICIENTS, -2.0, 2.5),
    "wave": lambda x: Curve("w", x, COEFFICIENTS, -1.0, 3.5, periodic=True),
    "step": lambda x: Step(x, (-1.3, 0.7), (-2.0, 0.5, 3.0), "toll"),
    "minimum": lambda x: Minimum((x, B)),
    "softplus of minus": lambda x: Apply("softplus", -x),
    "logistic beside": lambda x: 2.0 * Apply("logistic", x) - Apply("relu", x) / Apply("softplus", x),
}  # fmt: skip
LAWS = {
    f"{operation} of {argument}": Formula(build(ARGUMENTS[argument]), INPUTS, Variable("y"))
    for operation, build in OPERATIONS.items()
    for argument in ARGUMENTS
}


def _rows() -> dict[str, NDArray[np.object_]]:
    """Return rows with numbers of every sign and size, none of them on the edge of a stair or a span."""
    generator = np.random.default_rng(7)
    sizes = [0.3, 2.0, 2.0, 8.0, 40.0, 1e3, 1e6, 1e12]
    a, b = (generator.normal(size=len(sizes)) * sizes for _ in "ab")
    a, b = np.append(a, [1.5, 0.0, 0.0, 2.25]), np.append(b, [3.0, 0.0, -1.4, 0.0])
    return {"a": a, "b": b, "kind": np.resize(["van", "truck", "tram"], len(a)).astype(object)}


ROWS = _rows()


def value(root: Node, rounding: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the law's values, every step of it off by `rounding`, and where all steps are numbers."""
    places, whole = iter(range(1_000_000)), np.ones(len(ROWS["a"]), dtype=bool)

    def visit(node: Node, parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        off = rounding * math.sin(1.0 + next(places))
        found = node.compute(parts, ROWS) * (1.0 + off)
        whole[...] &= np.isfinite(found)
        return found

    with np.errstate(all="ignore"):
        return np.broadcast_to(fold(root, visit), len(ROWS["a"])), whole


def complaints(law: Formula, found: NDArray[np.float64]) -> list[str]:
    """Return every row in which a machine gives a number that the law does not give, or none where it gives one.

    Another machine may round every step of its own; where a step is no number, it may have no result.
    """
    exact, whole = value(law.root)
    with np.errstate(all="ignore"):
        moved = [np.abs(value(law.root, off)[0] - exact) for off in (1e-14, -1e-14, 3e-14, -7e-15, 1e-13)]
        tolerance = 1e-9 * np.abs(exact) + 4 * np.max(moved, axis=0) + 1e-300
        close = np.abs(found - exact) <= tolerance
    lost, invented = whole & np.isnan(found), np.isfinite(found) & ~close & ~np.isnan(tolerance)
    wrong = np.flatnonzero(lost | invented | (np.isnan(exact) & np.isfinite(found)))
    return [f"row {row}: {found[row]!r} for {exact[row]!r}" for row in wrong]


@pytest.mark.slow
@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: machine.__name__)
def test_every_shape_of_argument(machine):
    found = machine(LAWS, ROWS)
    wrong = [f"{name}, {what}" for name, law in LAWS.items() for what in complaints(law, found[name])]
    assert not wrong, "\n".join([f"{len(wrong)} values", *wrong[:40]])
