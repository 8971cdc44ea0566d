"""A law as the steps that the kernel takes on a leg; what no plan changes is a table over the arcs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.columns import read_columns
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import (
    Apply,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
    rebuild,
)
from kanopt.formulas.pieces import Curve, Step
from kanopt.formulas.variables import Reference
from kanopt.routing.leg_laws import SERVICE, LegInputs, RoutingLaws, at_stops
from kanopt.units import multiplier_and_divisor

FIRST_OF_LAWS = 5  # ARC_LAWS of kernel/racer.h

_STEPS = (
    "constant", "arc", "load", "clock", "duration", "late", "convert",
    "add", "multiply", "add_arc", "multiply_arc", "maximum", "minimum", "power", "curve", "stairs",
    "exp", "log", "log1p", "sqrt", "square", "sin", "cos", "tanh", "atan", "logistic", "softplus", "abs", "relu",
)  # fmt: skip
"""What a step does, in the order of the codes in ``kernel/racer.h``."""
_CODES = {name: code for code, name in enumerate(_STEPS)}
_CHAINS: Mapping[type[Node], tuple[str, Callable[[Floats, Floats], Floats]]] = {
    Sum: ("add", np.add),
    Product: ("multiply", np.multiply),
    Maximum: ("maximum", np.maximum),
    Minimum: ("minimum", np.minimum),
}
_OF_PLANS = {
    "state.load": ("load", "load"),
    "arc.duration": ("duration", "time"),
    "clock.late": ("late", "time"),
}
"""Inputs that only a plan fixes, but for clocks: what reads each, and in which of the problem's units."""


def every_arc(laws: RoutingLaws, duration: Floats) -> LegInputs:
    """Return every arc for every vehicle type, for an empty vehicle at midnight; (types, n, n)."""
    nodes, kinds = np.arange(len(laws.data.names)), np.arange(len(laws.data.vehicles))
    nothing = np.zeros(())
    return LegInputs(
        kinds[:, None, None], nodes[None, :, None], nodes[None, None, :], nothing, nothing, duration
    )


LegStep: TypeAlias = tuple[int, int, int, int, float, float]
"""One step: its code as in ``kernel/racer.h``, what it reads, nothing, and two numbers."""


@dataclass
class StepTables:
    """What the steps of all laws of a problem look up.

    Parameters
    ----------
    shape
        Vehicle types, nodes, nodes; without the first nodes where a law is one of stops.
    first
        Place of the first of these numbers in a row of the kernel.

    Attributes
    ----------
    arcs
        Numbers of arcs; (types, n, n), or (1, n, n) where vehicle types do not differ. Those of stops are (types, n).
    curves, stairs
        Splines and step functions.
    """

    shape: tuple[int, ...]
    first: int = FIRST_OF_LAWS
    arcs: list[Floats] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    stairs: list[Step] = field(default_factory=list)

    def of_stops(self) -> StepTables:
        """Return the tables for a law of stops: rows of its own, but curves and steps in common."""
        return StepTables(self.shape[:-1], 0, [], self.curves, self.stairs)

    def add_arcs(self, values: Floats) -> int:
        """Add numbers of arcs, and return their place."""
        padded = values.reshape((1,) * (len(self.shape) - values.ndim) + values.shape)
        wanted = np.broadcast_to(padded, (len(padded), *self.shape[1:]))
        for place, known in enumerate(self.arcs):
            if known.shape == wanted.shape and np.array_equal(known, wanted):
                return self.first + place
        self.arcs.append(np.array(wanted, dtype=np.float64))
        return self.first + len(self.arcs) - 1


Value = Floats | int
"""What a part of a law is: numbers that no plan changes, or the number of a step."""


class LawSteps:
    """The steps of one law that is a formula; of a law of stops those at depots are not read.

    Parameters
    ----------
    laws, name
        The laws, and which of them.
    tables
        To which what is looked up is added.

    Attributes
    ----------
    steps
        The steps; the last one gives the law's value in the problem's unit.
    """

    def __init__(self, laws: RoutingLaws, name: str, tables: StepTables) -> None:
        law, nothing = laws.law(name), np.zeros(())
        assert isinstance(law, BoundFormula)
        inputs = every_arc(laws, nothing)
        if name == SERVICE:
            nodes = np.maximum(np.arange(len(laws.data.names)), len(laws.data.depots))
            inputs = at_stops(np.arange(len(laws.data.vehicles))[:, None], nodes[None, :], nothing, nothing)
        self.tables, self._units = tables, laws.data.units
        self.steps: list[LegStep] = []
        formula = law.formula
        self._moving = {
            variable.name: (bound, variable.unit)
            for variable in formula.inputs
            if variable.name in formula.used
            and isinstance(bound := law.bindings[variable.name], Reference)
            and (bound.is_state or str(bound) == "arc.duration")
        }
        columns = read_columns(formula.inputs, law.arguments(laws.resolver(name, inputs)), formula.used)
        with np.errstate(all="ignore"):
            value = self._walk(formula.root, columns)
        self._convert(self._placed(value), *_ratio(formula.output.unit, laws.unit(name)))

    def _walk(self, root: Node, columns: Mapping[str, NDArray[Any]]) -> Value:
        """Return what a graph is."""
        found: dict[bytes, Value] = {}
        flat = _flat(root)
        for node in postorder(flat):
            below = [found[child.key] for child in node.children]
            known = [value for value in below if isinstance(value, np.ndarray)]
            if isinstance(node, Input) and node.name in self._moving:
                found[node.key] = self._plan_input(*self._moving[node.name])
            elif len(known) == len(below):
                found[node.key] = np.asarray(node.compute(known, columns), dtype=np.float64)
            else:
                found[node.key] = self._step(node, below)
        return found[flat.key]

    def _step(self, node: Node, below: Sequence[Value]) -> int:
        """Add the steps of a node of which something moves."""
        if isinstance(node, Sum | Product | Maximum | Minimum):
            return self._chain(node, below)
        if isinstance(node, Power):
            return self._add("power", *(self._placed(value) for value in below))
        argument = self._placed(below[0])
        if isinstance(node, Apply):
            return self._add(node.function, argument)
        if isinstance(node, Curve):
            self.tables.curves.append(node)
            return self._add("curve", argument, len(self.tables.curves) - 1)
        assert isinstance(node, Step), node
        self.tables.stairs.append(node)
        return self._add("stairs", argument, len(self.tables.stairs) - 1)

    def _chain(self, node: Node, below: Sequence[Value]) -> int:
        """Put together what does not move, and then the rest."""
        name, combine = _CHAINS[type(node)]
        steps = [value for value in below if isinstance(value, int)]
        numbers = [value for value in below if not isinstance(value, int)]
        last = reduce(lambda one, other: self._add(name, one, other), steps)
        if not numbers:
            return last
        still = reduce(combine, numbers)
        if f"{name}_arc" in _CODES and still.size > 1:
            return self._add(f"{name}_arc", last, self.tables.add_arcs(still))
        return self._add(name, last, self._placed(still))

    def _placed(self, value: Value) -> int:
        """Return the number of the step with a value."""
        if isinstance(value, int):
            return value
        if value.size == 1:
            return self._add("constant", c=float(value.ravel()[0]))
        return self._add("arc", self.tables.add_arcs(value))

    def _plan_input(self, bound: Reference, unit: str) -> int:
        """Add the steps of an input that only a plan fixes."""
        if str(bound) in _OF_PLANS:
            name, kind = _OF_PLANS[str(bound)]
            times, over = _ratio(getattr(self._units, kind), unit)
            return self._add(name, c=times, d=over)
        step, day = ("h", 24.0) if bound.field == "hour" else ("min", 1440.0)
        times, over = multiplier_and_divisor(self._units.time, step)
        clock = self._add("clock", int(day), c=times, d=over)
        return self._convert(clock, *_ratio(step, unit))

    def _convert(self, step: int, times: float, over: float) -> int:
        return step if times == over else self._add("convert", step, c=times, d=over)

    def _add(self, name: str, a: int = 0, b: int = 0, c: float = 0.0, d: float = 1.0) -> int:
        self.steps.append((_CODES[name], a, b, 0, c, d))
        return len(self.steps) - 1


def _flat(root: Node) -> Node:
    """Return a graph in which no part of a sum is a sum, and no part of a product a product."""

    def flat(node: Node) -> Node:
        if not isinstance(node, Sum | Product):
            return node
        parts: list[Node] = []
        for child in node.children:
            parts += child.children if type(child) is type(node) else (child,)
        return node.with_children(parts)

    return rebuild(root, flat)


def _ratio(have: str, want: str) -> tuple[float, float]:
    """Return by what values are multiplied and then divided; without a declared unit they are not converted."""
    return multiplier_and_divisor(have, want) if have and want else (1.0, 1.0)
