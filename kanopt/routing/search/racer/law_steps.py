"""A law as the steps that the kernel takes on a leg; what no plan changes is a table over the arcs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.columns import read_columns
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.lowering.profile import over as over_input
from kanopt.formulas.nodes import (
    Apply,
    Constant,
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
from kanopt.formulas.variables import Reference, Resolver
from kanopt.routing.entities import RoutingUnits
from kanopt.routing.leg_laws import SERVICE, LegInputs, RoutingLaws, at_stops
from kanopt.units import multiplier_and_divisor

# Functions of one variable as polylines: what ranks plans before the laws themselves decide.

_TOLERANCE = 1e-4
"""Share of a function's range; its profile takes a sixty-fourth of it, where the function is smooth."""
_PER_PIECE = 2  # buckets: one look finds the piece as a rule


@dataclass(frozen=True, eq=False)
class Polyline:
    """Straight lines, ``slope * x + shift`` up to `until`, and with which of them each bucket of the range begins.

    Parameters
    ----------
    begin, rate
        Where the range begins, and buckets for each unit.
    opens
        First piece of each bucket.
    until, slope, shift
        The pieces; the last one has no end.
    tube
        How far the function is from it at most, proved by interval arithmetic.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> from kanopt.formulas.lowering.profile import ARGUMENT
    >>> line = Polyline.of(Apply("exp", ARGUMENT), 0.0, 2.0)
    >>> bool(abs(line.at(np.array([1.3])) - np.exp(1.3))[0] <= line.tube <= 1e-5 * np.exp(2.0))
    True
    """

    begin: float
    rate: float
    opens: NDArray[np.int32]
    until: Floats
    slope: Floats
    shift: Floats
    tube: float

    @classmethod
    def of(cls, graph: Node, low: float, high: float) -> Polyline | None:
        """Return the polyline of a function on a range; None where it cannot be shown to be near to one.

        Parameters
        ----------
        graph
            The function of :data:`~kanopt.formulas.lowering.profile.ARGUMENT`.
        low, high
            The range.
        """
        try:
            profile = Profile(graph, low, high)
            least, most = profile.range
            profile.refine(_TOLERANCE * max(most - least, 1e-3 * max(abs(least), abs(most)), 1e-12))
        except FormulaError:
            return None
        cells = profile.cells
        order = np.lexsort((cells.stair, cells.low))
        low_ends, ends, first, last = (
            values[order] for values in (cells.low, cells.high, cells.first, cells.last)
        )
        width = ends - low_ends
        slope = np.where(width > 0, (last - first) / np.where(width > 0, width, 1.0), 0.0)
        until = ends.copy()
        until[-1] = np.inf
        buckets = _PER_PIECE * len(ends)
        rate = buckets / (high - low)
        # rounding may find the bucket after the right one, and the search goes forward only: begin a bucket earlier
        edges = low + (np.arange(buckets) - 1.0) / rate
        opens = np.minimum(np.searchsorted(until, edges, side="right"), len(until) - 1)
        tube = float(np.max(np.maximum(cells.down, cells.up) + cells.noise))
        return cls(low, rate, opens.astype(np.int32), until, slope, first - slope * low_ends, tube)

    def at(self, x: Floats) -> Floats:
        """Return its values."""
        piece = np.searchsorted(self.until, x, side="right")
        return np.asarray(self.slope[piece] * x + self.shift[piece])


FIRST_OF_LAWS = 5  # ARC_LAWS of kernel/racer.h

_STEPS = (
    "constant", "arc", "load", "clock", "duration", "late", "convert",
    "add", "multiply", "add_arc", "multiply_arc", "maximum", "minimum", "power", "curve", "stairs", "lines",
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
_NOTHING = {"add": 0.0, "multiply": 1.0}


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
    most_load
        The most that is ever on board.
    first
        Place of the first of these numbers in a row of the kernel.

    Attributes
    ----------
    arcs
        Numbers of arcs; (types, n, n), or (1, n, n) where vehicle types do not differ. Those of stops are (types, n).
    curves, stairs, lines
        Splines, step functions, and polylines in place of functions of one variable.
    """

    shape: tuple[int, ...]
    most_load: float
    first: int = FIRST_OF_LAWS
    arcs: list[Floats] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    stairs: list[Step] = field(default_factory=list)
    lines: list[Polyline] = field(default_factory=list)

    def of_stops(self) -> StepTables:
        """Return the tables for a law of stops: rows of its own, but curves, steps and polylines in common."""
        shared = self.curves, self.stairs, self.lines
        return StepTables(self.shape[:-1], self.most_load, 0, [], *shared)

    def add_arcs(self, values: Floats) -> int:
        """Add numbers of arcs, and return their place."""
        padded = values.reshape((1,) * (len(self.shape) - values.ndim) + values.shape)
        wanted = np.broadcast_to(padded, (len(padded), *self.shape[1:]))
        for place, known in enumerate(self.arcs):
            if known.shape == wanted.shape and np.array_equal(known, wanted):
                return self.first + place
        self.arcs.append(np.array(wanted, dtype=np.float64))
        return self.first + len(self.arcs) - 1


@dataclass(frozen=True, eq=False)
class _OfOne:
    """A part of a law that reads one input that a plan fixes, and nothing of the leg."""

    node: Node
    input: str


Value = Floats | int | _OfOne
"""What a part of a law is: numbers that no plan changes, the number of a step, or a function of one input."""


class LawSteps:
    """The steps of one law.

    Parameters
    ----------
    law
        The law.
    tables
        To which what is looked up is added.
    resolve
        What it reads of everything that no plan changes.
    units
        Units of the problem.
    unit
        Unit of the law's value.
    rough
        Whether parts that read one input alone are polylines.

    Attributes
    ----------
    steps
        The steps; the last one gives the law's value in the problem's unit.
    """

    def __init__(
        self,
        law: BoundFormula,
        tables: StepTables,
        resolve: Resolver,
        units: RoutingUnits,
        unit: str,
        *,
        rough: bool = False,
    ) -> None:
        self.tables = tables
        self.steps: list[LegStep] = []
        self.rough = rough
        self._units = units
        self._moving = {
            variable.name: (bound, variable.unit)
            for variable in law.formula.inputs
            if variable.name in law.formula.used
            and isinstance(bound := law.bindings[variable.name], Reference)
            and (bound.is_state or str(bound) == "arc.duration")
        }
        formula = law.formula
        columns = read_columns(formula.inputs, law.arguments(resolve), formula.used)
        with np.errstate(all="ignore"):
            value = self._walk(formula.root, columns)
        self._convert(self._placed(value), *_ratio(formula.output.unit, unit))

    @classmethod
    def of(cls, laws: RoutingLaws, name: str, tables: StepTables, *, rough: bool = False) -> LawSteps:
        """Return the steps of a formula by its name; of a law of stops those at depots are not read."""
        law, nothing = laws.law(name), np.zeros(())
        assert isinstance(law, BoundFormula)
        inputs = every_arc(laws, nothing)
        if name == SERVICE:
            nodes = np.maximum(np.arange(len(laws.data.names)), len(laws.data.depots))
            inputs = at_stops(np.arange(len(laws.data.vehicles))[:, None], nodes[None, :], nothing, nothing)
        return cls(law, tables, laws.resolver(name, inputs), laws.data.units, laws.unit(name), rough=rough)

    def _walk(self, root: Node, columns: Mapping[str, NDArray[Any]]) -> Value:
        """Return what a graph is."""
        found: dict[bytes, Value] = {}
        flat = _flat(root)
        for node in postorder(flat):
            below = [found[child.key] for child in node.children]
            known = [value for value in below if isinstance(value, np.ndarray)]
            if isinstance(node, Input) and node.name in self._moving:
                found[node.key] = _OfOne(node, node.name)
            elif len(known) == len(below):
                found[node.key] = np.asarray(node.compute(known, columns), dtype=np.float64)
            else:
                found[node.key] = self._of_one(node, below) or self._step(node, below)
        return found[flat.key]

    @staticmethod
    def _of_one(node: Node, below: Sequence[Value]) -> _OfOne | None:
        """Return a node that reads one input that a plan fixes and nothing of the leg, else None."""
        read, children = set[str](), list[Node]()
        for value in below:
            if isinstance(value, _OfOne):
                read.add(value.input)
                children.append(value.node)
            elif isinstance(value, int) or value.size != 1:
                return None
            else:
                children.append(Constant(float(value.ravel()[0])))
        return _OfOne(node.with_children(children), read.pop()) if len(read) == 1 else None

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
        """Put together what does not move, what reads one input, and then the rest."""
        name, combine = _CHAINS[type(node)]
        still: Floats | None = None
        alike: dict[str, list[Node]] = {}
        steps: list[int] = []
        for value in below:
            if isinstance(value, int):
                steps.append(value)
            elif isinstance(value, _OfOne):
                alike.setdefault(value.input, []).append(value.node)
            else:
                still = value if still is None else combine(still, value)
        for read, nodes in alike.items():
            steps.append(
                self._placed(_OfOne(nodes[0] if len(nodes) == 1 else node.with_children(nodes), read))
            )
        last = steps[0]
        for value in steps[1:]:
            last = self._add(name, last, value)
        if still is None or (still.size == 1 and float(still.ravel()[0]) == _NOTHING.get(name)):
            return last
        if name in _NOTHING and still.size > 1:
            return self._add(f"{name}_arc", last, self.tables.add_arcs(still))
        return self._add(name, last, self._placed(still))

    def _function(self, part: _OfOne) -> int:
        """Add the steps of a function of one input: a polyline where that is wanted and possible, else its own."""
        bound, unit = self._moving[part.input]
        if isinstance(part.node, Input):
            return self._plan_input(bound, unit)
        line = self._line(part, bound, unit) if self.rough else None
        if line is not None:
            self.tables.lines.append(line)
            return self._add("lines", self._plan_input(bound, unit), len(self.tables.lines) - 1)
        values: dict[bytes, int] = {}
        for node in postorder(part.node):
            if isinstance(node, Input):
                values[node.key] = self._plan_input(bound, unit)
            elif isinstance(node, Constant):
                values[node.key] = self._add("constant", c=node.value)
            else:
                values[node.key] = self._step(node, [values[child.key] for child in node.children])
        return values[part.node.key]

    def _line(self, part: _OfOne, bound: Reference, unit: str) -> Polyline | None:
        """Return a polyline in place of a function of the load or of the time of the day."""
        if bound.scope == "state":
            times, over = _ratio(self._units.load, unit)
            high = self.tables.most_load * times / over
        elif bound.scope == "clock" and bound.field != "late":
            step, day = ("h", 24.0) if bound.field == "hour" else ("min", 1440.0)
            times, over = _ratio(step, unit)
            high = day * times / over
        else:
            return None
        return Polyline.of(over_input(part.node, Input(part.input)), 0.0, high) if high > 0 else None

    def _placed(self, value: Value) -> int:
        """Return the number of the step with a value."""
        if isinstance(value, int):
            return value
        if isinstance(value, _OfOne):
            return self._function(value)
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
        clock = self._add("clock", int(day), c=times, d=over)
        return self._convert(clock, *_ratio(step, unit))

    def _read(self, name: str, have: str, want: str) -> int:
        times, over = _ratio(have, want)
        return self._add(name, c=times, d=over)

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
