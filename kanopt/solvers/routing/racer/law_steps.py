"""A law as the steps that the kernel takes on a leg; what no plan changes is a table over the arcs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import SolverError
from kanopt.formulas.binding import BoundFormula
from kanopt.formulas.columns import read_columns
from kanopt.formulas.nodes import Apply, Input, Maximum, Minimum, Node, Power, Product, Sum, postorder
from kanopt.formulas.pieces import Curve, Step, gap_inputs
from kanopt.formulas.references import Reference
from kanopt.problems.routing.leg_laws import LegInputs, RoutingLaws
from kanopt.units import multiplier_and_divisor

__all__ = ["LawSteps", "LegStep", "StepTables", "every_arc"]

Floats = NDArray[np.float64]

MOST_STEPS = 512  # MOST_OPS of kernel/racer.h

_STEPS = (
    "constant", "arc", "load", "clock", "duration", "late", "convert", "add", "multiply", "maximum", "minimum", "power",
    "curve", "stairs", "exp", "log", "log1p", "sqrt", "square", "sin", "cos", "tanh", "atan", "logistic", "softplus",
    "abs", "relu",
)  # fmt: skip
"""What a step does, in the order of the codes in ``kernel/racer.h``."""
_CODES = {name: code for code, name in enumerate(_STEPS)}
_CHAINS: Mapping[type[Node], tuple[str, Callable[[Floats, Floats], Floats]]] = {
    Sum: ("add", np.add),
    Product: ("multiply", np.multiply),
    Maximum: ("maximum", np.maximum),
    Minimum: ("minimum", np.minimum),
}
_NOTHING = {"add": 0.0, "multiply": 1.0}


def every_arc(laws: RoutingLaws, duration: Floats) -> LegInputs:
    """Return every arc for every vehicle type, for an empty vehicle at midnight; (types, n, n)."""
    nodes, kinds = np.arange(len(laws.data.names)), np.arange(len(laws.data.vehicles))
    nothing = np.zeros(())
    return LegInputs(
        kinds[:, None, None], nodes[None, :, None], nodes[None, None, :], nothing, nothing, duration
    )


@dataclass(frozen=True)
class LegStep:
    """One step: ``code`` as in ``kernel/racer.h``, what it reads, and two numbers."""

    code: int
    a: int = 0
    b: int = 0
    c: float = 0.0
    d: float = 1.0


@dataclass
class StepTables:
    """What the steps of all laws of a problem look up.

    Attributes
    ----------
    arcs
        Numbers of arcs; (types, n, n), or (1, n, n) where vehicle types do not differ.
    curves, stairs
        Splines and step functions.
    """

    shape: tuple[int, int, int]
    arcs: list[Floats] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    stairs: list[Step] = field(default_factory=list)

    def add_arcs(self, values: Floats) -> int:
        """Add numbers of arcs, and return their place."""
        padded = values.reshape((1,) * (3 - values.ndim) + values.shape)
        self.arcs.append(
            np.ascontiguousarray(np.broadcast_to(padded, (len(padded), *self.shape[1:])), np.float64)
        )
        return len(self.arcs) - 1


class LawSteps:
    """The steps of one law.

    Parameters
    ----------
    laws
        The laws of the problem.
    name
        A cost law by its term, or the law of travel time; a formula.
    tables
        To which what is looked up is added.

    Attributes
    ----------
    steps
        The steps; the last one gives the law's value in the problem's unit.

    Raises
    ------
    SolverError
        If the law has more steps than the kernel takes.
    """

    def __init__(self, laws: RoutingLaws, name: str, tables: StepTables) -> None:
        law = laws.law(name)
        assert isinstance(law, BoundFormula)
        self.tables = tables
        self.steps: list[LegStep] = []
        self._units = laws.data.units
        self._moving = {
            variable.name: (bound, variable.unit)
            for variable in law.formula.inputs
            if variable.name in law.formula.used
            and isinstance(bound := law.bindings[variable.name], Reference)
            and (bound.is_state or str(bound) == "arc.duration")
        }
        formula = law.formula
        resolve = laws.resolver(name, every_arc(laws, np.zeros(())))
        columns = read_columns(formula.inputs, law.arguments(resolve), formula.used, gap_inputs(formula.root))
        with np.errstate(all="ignore"):
            value = self._walk(formula.root, columns)
        self._convert(self._placed(value), *_ratio(formula.output.unit, laws.unit(name)))
        if len(self.steps) > MOST_STEPS:
            raise SolverError(
                f"law {name!r} has {len(self.steps)} steps that read load or clock; the racer takes {MOST_STEPS}"
            )

    def _walk(self, root: Node, columns: Mapping[str, NDArray[Any]]) -> Floats | int:
        """Return the value of a graph: an array where no plan changes it, else the number of its last step."""
        found: dict[bytes, Floats | int] = {}
        for node in postorder(root):
            below = [found[child.key] for child in node.children]
            if isinstance(node, Input) and node.name in self._moving:
                found[node.key] = self._plan_input(*self._moving[node.name])
            elif all(isinstance(value, np.ndarray) for value in below):
                found[node.key] = np.asarray(node.compute(below, columns), dtype=np.float64)  # type: ignore[arg-type]
            else:
                found[node.key] = self._step(node, below)
        return found[root.key]

    def _step(self, node: Node, below: Sequence[Floats | int]) -> int:
        """Add the steps of a node of which something moves."""
        if isinstance(node, Sum | Product | Maximum | Minimum):
            return self._chain(*_CHAINS[type(node)], below)
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

    def _chain(
        self, name: str, combine: Callable[[Floats, Floats], Floats], below: Sequence[Floats | int]
    ) -> int:
        """Put together what does not move, then what does."""
        moving = [value for value in below if isinstance(value, int)]
        still: Floats | None = None
        for value in below:
            if not isinstance(value, int):
                still = value if still is None else combine(still, value)
        if still is not None and not (still.size == 1 and float(still.ravel()[0]) == _NOTHING.get(name)):
            moving.insert(0, self._placed(still))
        last = moving[0]
        for value in moving[1:]:
            last = self._add(name, last, value)
        return last

    def _placed(self, value: Floats | int) -> int:
        """Return the number of the step with a value."""
        if isinstance(value, int):
            return value
        if value.size == 1:
            return self._add("constant", c=float(value.ravel()[0]))
        return self._add("arc", self.tables.add_arcs(value))

    def _plan_input(self, bound: Reference, unit: str) -> int:
        """Add the steps of an input that only a plan fixes."""
        if bound.scope == "state":
            return self._read("load", self._units.load, unit)
        if bound.scope == "arc":
            return self._read("duration", self._units.time, unit)
        if bound.field == "late":
            return self._read("late", self._units.time, unit)
        step, day = ("h", 24.0) if bound.field == "hour" else ("min", 1440.0)
        times, over = multiplier_and_divisor(self._units.time, step)
        clock = self._add("clock", self._add("constant", c=day), c=times, d=over)
        return self._convert(clock, *_ratio(step, unit))

    def _read(self, name: str, have: str, want: str) -> int:
        times, over = _ratio(have, want)
        return self._add(name, c=times, d=over)

    def _convert(self, step: int, times: float, over: float) -> int:
        return step if times == over else self._add("convert", step, c=times, d=over)

    def _add(self, name: str, a: int = 0, b: int = 0, c: float = 0.0, d: float = 1.0) -> int:
        self.steps.append(LegStep(_CODES[name], a, b, c, d))
        return len(self.steps) - 1


def _ratio(have: str, want: str) -> tuple[float, float]:
    """Return by what values are multiplied and then divided; without a declared unit they are not converted."""
    return multiplier_and_divisor(have, want) if have and want else (1.0, 1.0)
