"""Random formulas that have a value everywhere in their ranges, for tests and benchmarks of what is proved of formulas.

Every formula is over up to three numbers and a category; it is grown from the leaves, and a function is applied only
where interval arithmetic says that it is defined. Staircases stand on one input, or on what one input makes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Step,
    Sum,
    Table,
    Variable,
)
from kanopt.formulas.nodes import postorder

_RANGES = (
    (0.0, 1.0),
    (0.1, 10.0),
    (-5.0, 5.0),
    (0.0, 24.0),
    (1.0, 40.0),
    (-2.0, 0.0),
    (2.0, 3.5),
    (100.0, 900.0),
)
_LABELS = ("van", "truck", "bike")
_MOST = 1e4  # of the absolute value of a step


@dataclass(frozen=True)
class RandomLaw:
    """A formula, the categories to fix, and a tolerance that suits it."""

    formula: Formula
    fixed: dict[str, str]
    tolerance: float

    def rows(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Return points of the ranges, corners and edges among them."""
        data = {}
        for variable in self.formula.inputs:
            if variable.is_category:
                data[variable.name] = np.full(count, self.fixed[variable.name], dtype=object)
                continue
            place = rng.random(count)
            edge = rng.random(count) < 0.1
            place[edge] = np.round(place[edge])
            values = variable.low + place * (variable.high - variable.low)
            data[variable.name] = np.clip(values, variable.low, variable.high)
        return data


class _Grower:
    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        count = int(rng.integers(1, 4))
        places = rng.permutation(len(_RANGES))[:count]
        self.inputs = tuple(
            Variable(name, low=_RANGES[k][0], high=_RANGES[k][1])
            for name, k in zip("xyz", places, strict=False)
        )
        self.inputs += (Variable("kind", kind="category", categories=_LABELS),)

    def bounds(self, node: Node) -> tuple[float, float]:
        return Formula(node, self.inputs, Variable("out")).interval()

    def number(self) -> Constant:
        return Constant(round(float(self.rng.normal(0.0, 2.0)), 3) or 1.0)

    def leaf(self) -> Node:
        kind = self.rng.random()
        if kind < 0.78:
            return Input(self.inputs[int(self.rng.integers(len(self.inputs) - 1))].name)
        if kind < 0.95:
            return self.number()
        return Table.of(
            {label: round(float(self.rng.uniform(0.5, 2.0)), 2) for label in _LABELS}, "kind", name="rate"
        )

    def grow(self, size: int) -> Node:
        if size <= 1:
            return self.leaf()
        for _ in range(20):
            node = self.step(size)
            low, high = self.bounds(node)
            if math.isfinite(low) and math.isfinite(high) and max(-low, high) < _MOST:
                return node
        return self.leaf()

    def step(self, size: int) -> Node:
        kind = self.rng.random()
        if kind < 0.5:
            first = int(self.rng.integers(1, size))
            parts = self.grow(first), self.grow(max(size - first - 1, 1))
            several = (Sum, Product, Product, Sum, Maximum, Minimum)
            made = several[int(self.rng.integers(len(several)))]
            if made is Product and self.rng.random() < 0.3:
                low, high = self.bounds(parts[1])
                if low > 0.05 or high < -0.05:
                    return Product((parts[0], Power(parts[1], Constant(-1.0))))
            return made(parts)
        argument = self.grow(size - 1)
        low, high = self.bounds(argument)
        if kind < 0.9:
            return self.function(argument, low, high)
        return self.tabulated(argument, low, high)

    def function(self, argument: Node, low: float, high: float) -> Node:
        names = ["square", "sin", "cos", "tanh", "atan", "logistic", "softplus", "abs", "relu"]
        if high < 8.0:
            names += ["exp"] * 2
        if low >= 0.0:
            names += ["sqrt"] * 3 + ["log1p", "root", "root"]
        if low > 0.02:
            names += ["log"] * 2 + ["inverse"]
        if max(-low, high) > 100.0:
            names = [name for name in names if name not in ("sin", "cos")]
        name = names[int(self.rng.integers(len(names)))]
        if name == "root":
            return Power(argument, Constant(round(float(self.rng.uniform(0.3, 2.6)), 2)))
        if name == "inverse":
            return Power(argument, Constant(float(self.rng.choice([-0.5, -1.0, -2.0]))))
        return Apply(name, argument)

    def tabulated(self, argument: Node, low: float, high: float) -> Node:
        if self.rng.random() < 0.4:
            names = {name for node in postorder(argument) for name in node.names}
            if len(names - {"kind"}) == 1 and high > low:
                edges = np.unique(
                    np.round(self.rng.uniform(low, high, int(self.rng.integers(1, 4))), 3) + 0.000731
                )
                values = np.round(self.rng.normal(0.0, 2.0, len(edges) + 1), 2)
                return Step(argument, tuple(edges), tuple(values))
        spans = int(self.rng.integers(2, 7))
        periodic = bool(self.rng.random() < 0.5)
        width = max(high - low, 0.1) * float(self.rng.uniform(0.4, 1.1))
        start = low + (high - low) * float(self.rng.uniform(0.0, 0.3))
        values = self.rng.normal(0.0, 2.0, spans if periodic else spans + 3)
        return Curve("s", argument, tuple(np.round(values, 3)), start, start + width, periodic)


def random_law(rng: np.random.Generator, size: int = 6) -> RandomLaw:
    """Return a random formula of about `size` steps."""
    while True:
        grower = _Grower(rng)
        root = grower.grow(size)
        formula = Formula(root, grower.inputs, Variable("out"))
        if not formula.used - {"kind"}:
            continue
        law = RandomLaw(formula, {"kind": str(rng.choice(_LABELS))}, 1.0)
        values = formula.evaluate(law.rows(rng, 200))
        width = float(np.ptp(values))
        if width > 1e-9:
            return RandomLaw(formula, law.fixed, width * float(10.0 ** rng.uniform(-3.0, -1.0)))
