"""Laws of a routing problem made ready to be evaluated on many legs, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.binding import BoundFormula, ReferenceValue
from kanopt.formulas.columns import read_columns
from kanopt.formulas.nodes import Constant, Input, Node, Product, Sum, fold
from kanopt.formulas.pieces import gap_inputs
from kanopt.formulas.references import Reference
from kanopt.problems.routing.leg_laws import DURATION, LegInputs, RoutingLaws
from kanopt.solvers.routing.law_search.tabulated_program import TabulatedProgram
from kanopt.units import convert

__all__ = ["CompiledLaw", "LegBatch", "every_arc", "load_degree"]

_PER_MINUTE, _DAY = 6, 8640
"""Moments of a minute and of a day at which rough values are tabulated."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class LegBatch:
    """Legs, with what only a plan fixes; all arrays broadcast against each other.

    Parameters
    ----------
    arc
        Number of the arc for its vehicle type: ``(type × nodes + tail) × nodes + head``.
    load, clock, duration
        Load on board, clock time of leaving, and travel time, in the problem's units.
    late
        By how much service at the head begins after its last window; None where nobody is late.
    """

    arc: Ints
    load: Floats
    clock: Floats
    duration: Floats
    late: Floats | None = None


def every_arc(laws: RoutingLaws, load: float, clock: float, duration: Floats | None = None) -> LegInputs:
    """Return every arc for every vehicle type at one load and clock time, of shape (types, n, n)."""
    nodes, kinds = np.arange(len(laws.data.names)), np.arange(len(laws.data.vehicles))
    spent = np.zeros(()) if duration is None else duration
    return LegInputs(
        kinds[:, None, None],
        nodes[None, :, None],
        nodes[None, None, :],
        np.asarray(load),
        np.asarray(clock),
        spent,
    )


class CompiledLaw:
    """A formula of a routing problem in which everything is computed beforehand that no plan changes.

    The largest parts of the graph that read neither load nor clock become tables over the arcs of each vehicle type;
    what is left is computed leg by leg. The value is that of :meth:`Laws.evaluate`, but infinite where that raises
    because there is no number: a leg without a price is not driven. A rough value reads the clock to ten seconds, at
    the middle of the ten in which the leg begins: parts that read the clock alone are then tables over the day.

    Parameters
    ----------
    laws
        The laws of the problem.
    name
        A cost law by its term, or the law of travel time; a formula.
    """

    def __init__(self, laws: RoutingLaws, name: str) -> None:
        law = laws.law(name)
        assert isinstance(law, BoundFormula)
        self._law = law
        self._is_duration = name == DURATION
        self._unit = laws.unit(name)
        self._time, self._load = laws.data.units.time, laws.data.units.load
        self._moving = {
            variable.name: (bound, variable.unit)
            for variable in law.formula.inputs
            if variable.name in law.formula.used
            and isinstance(bound := law.bindings[variable.name], Reference)
            and (bound.is_state or str(bound) == "arc.duration")
        }
        self._shape = (len(laws.data.vehicles), *laws.roads.shape)
        self._roads = None if laws.roads.all() else np.broadcast_to(laws.roads, self._shape).ravel()
        self._moments = convert(1.0, self._time, "min") * _PER_MINUTE
        columns = self._columns(laws, name)
        names, root = frozenset(self._moving), law.formula.root
        self._exact = TabulatedProgram(root, columns, names, {}, self._shape)
        self._rough = TabulatedProgram(root, columns, names, self._daily_columns(), self._shape)

    def _columns(self, laws: RoutingLaws, name: str) -> Mapping[str, NDArray[Any]]:
        """Return the inputs on every arc; those that a plan moves have a harmless number."""
        formula = self._law.formula
        resolve = laws.resolver(name, every_arc(laws, 0.0, 0.0))
        known = self._law.arguments(resolve)
        return read_columns(formula.inputs, known, formula.used, gap_inputs(formula.root))

    def _daily_columns(self) -> dict[str, NDArray[Any]]:
        """Return the inputs that read the clock, at the middle of each moment of a day."""
        clock = np.asarray((np.arange(_DAY) + 0.5) / self._moments, dtype=np.float64)
        legs = LegBatch(np.zeros((), dtype=np.intp), np.zeros(()), clock, np.zeros(()))
        moving = {
            name: found
            for name, found in self._moving.items()
            if found[0].scope == "clock" and found[0].field != "late"
        }
        return {name: self._plan_input(bound, unit, legs) for name, (bound, unit) in moving.items()}

    @property
    def reads_load(self) -> bool:
        """Whether it reads the load on board."""
        return any(bound.scope == "state" for bound, _ in self._moving.values())

    @property
    def reads_clock(self) -> bool:
        """Whether it reads the clock."""
        return any(bound.scope == "clock" for bound, _ in self._moving.values())

    @property
    def reads_duration(self) -> bool:
        """Whether it reads travel time."""
        return any(bound.scope == "arc" for bound, _ in self._moving.values())

    def evaluate(self, legs: LegBatch, *, rough: bool = False) -> Floats:
        """Return the law's value on each leg, at least zero; infinite where there is none or no road leads.

        Parameters
        ----------
        legs
            The legs.
        rough
            Whether the clock may be read to ten seconds.
        """
        program = self._rough if rough else self._exact
        columns = {name: self._plan_input(*self._moving[name], legs) for name in program.reads}
        with np.errstate(all="ignore"):
            moment = legs.arc
            if program.by_clock:
                moment = np.mod(legs.clock * self._moments, _DAY).astype(np.intp)
            raw = program.run(columns, legs.arc, moment)
            raw = np.asarray(ReferenceValue(raw, self._law.formula.output.unit).to(self._unit), dtype=float)
            usable = np.isfinite(raw)
            if self._roads is not None:
                usable = usable & self._roads.take(legs.arc)
            if not self._is_duration:
                usable = usable & np.isfinite(legs.duration)
            positive: Floats = np.where(usable, np.maximum(raw, 0.0), np.inf)
        return positive

    def _plan_input(self, bound: Reference, unit: str, legs: LegBatch) -> NDArray[Any]:
        """Return an input that only a plan fixes, in the formula's unit."""
        if bound.scope == "state":
            return ReferenceValue(legs.load, self._load).to(unit)
        if bound.scope == "arc":
            return ReferenceValue(legs.duration, self._time).to(unit)
        if bound.field == "late":
            return ReferenceValue(np.zeros(()) if legs.late is None else legs.late, self._time).to(unit)
        step, day = ("h", 24.0) if bound.field == "hour" else ("min", 1440.0)
        return ReferenceValue(np.mod(convert(legs.clock, self._time, step), day), step).to(unit)


def load_degree(law: BoundFormula) -> float:
    """Return a degree in the load on board that a law does not exceed; infinite where none is seen.

    A law of degree 1 is a straight line in the load on every leg.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.refs import arc, state
    >>> km, load = Variable("km", "km"), Variable("load", "t")
    >>> for text in ("2 + km", "km * (1 + load)", "km * load^2", "km * sqrt(load)"):
    ...     law = parse_formula(text, [km, load], Variable("fuel", "l"))
    ...     print(load_degree(law.bind(km=arc.distance, load=state.load)))
    0.0
    1.0
    inf
    inf
    """
    moved = {name for name, bound in law.bindings.items() if str(bound) == "state.load"}

    def degree(node: Node, below: list[float]) -> float:
        if isinstance(node, Input):
            return 1.0 if node.name in moved else 0.0
        if isinstance(node, Constant | Sum):
            return max(below, default=0.0)
        if isinstance(node, Product):
            return sum(below)
        return float("inf") if any(below) else 0.0

    return fold(law.formula.root, degree)
