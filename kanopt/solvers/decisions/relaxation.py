"""A decision problem as a solver sees it: linear rows, and functions of one variable within polygons.

Every law is approximated by straight pieces with a proved error; every function of one variable among them is enclosed
in polygons around its graph. Neither cuts off a feasible point, so that the smallest objective here, less the proved
error of the pieces, is a lower bound on the law.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.lowering import AffineDefinition, PieceDefinition, Piecewise
from kanopt.problems.decisions import DecisionProblem
from kanopt.solvers.decisions.lowered_laws import LoweredLaws
from kanopt.solvers.decisions.polygons import IntervalPartition
from kanopt.solvers.decisions.sides import Side, sides_of

Floats = NDArray[np.float64]
_PARTS = 8
_FINE = 0.25
"""The share of a function's own tolerance by which an answer may lie off its graph."""
_SAME = 1e-9


@dataclass(frozen=True)
class RelaxationColumn:
    """A quantity with its bounds."""

    name: str
    low: float
    high: float
    integer: bool = False


@dataclass(frozen=True)
class RelaxationRow:
    """A linear row: low ≤ Σ coefficient · column ≤ high; `terms` are pairs of a column and its coefficient."""

    terms: tuple[tuple[int, float], ...]
    low: float
    high: float
    name: str = ""


@dataclass(frozen=True)
class RelaxationCurve:
    """A function of one column that gives another one.

    Parameters
    ----------
    source, target
        The columns.
    partition
        The polygons around it.
    fine
        The distance from the graph at which the polygons are refined.
    """

    source: int
    target: int
    partition: IntervalPartition
    fine: float

    @property
    def side(self) -> Side:
        """From which sides the target is held."""
        return self.partition.side


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Columns, rows and curves; the decisions are the first columns.

    Parameters
    ----------
    columns, rows, curves
        What there is.
    objective
        The column that is minimised.
    decisions
        How many columns are decisions.
    programs
        The laws made of pieces: the objective first, then the constraints.
    places
        For each program the column of each of its quantities.
    """

    columns: tuple[RelaxationColumn, ...]
    rows: tuple[RelaxationRow, ...]
    curves: tuple[RelaxationCurve, ...]
    objective: int
    decisions: int
    programs: tuple[Piecewise, ...] = field(repr=False)
    places: tuple[tuple[int, ...], ...] = field(repr=False)

    @property
    def error(self) -> float:
        """The largest distance of the objective's pieces from the law."""
        return self.programs[0].certificate.bound

    @property
    def segments(self) -> int:
        """The pieces of all laws together."""
        return sum(program.certificate.segments for program in self.programs)

    @property
    def binaries(self) -> int:
        """How many binaries choose among the present polygons, in a logarithmic encoding."""
        return sum(curve.partition.polygons().binaries for curve in self.curves)

    @property
    def convex(self) -> bool:
        """Whether every curve bends to the side from which it is held, so that cuts alone will do."""
        return all(curve.partition.polygons().count == 1 for curve in self.curves)

    def values(self, point: Floats) -> Floats:
        """Return every quantity by its pieces where the decisions are as given, shape (columns,)."""
        found = np.zeros(len(self.columns))
        found[: self.decisions] = point
        for program, places in zip(self.programs, self.places, strict=True):
            known: dict[int, Floats] = {
                own: np.asarray(found[places[own]]) for own in range(len(program.inputs))
            }
            for definition in program.definitions:
                value = definition.compute(known)
                found[places[len(known)]] = float(value)
                known[len(known)] = value
        return found

    def without(self, names: Collection[str]) -> Relaxation:
        """Return the same relaxation without some constraints."""
        return replace(self, rows=tuple(row for row in self.rows if not row.name or row.name not in names))

    def refine_at(self, answer: Floats) -> bool:
        """Refine polygons where an answer is far from the graph; return whether any was refined."""
        changed = False
        for curve in self.curves:
            if curve.partition.distance(answer[curve.source], answer[curve.target]) > curve.fine:
                changed |= curve.partition.refine(float(answer[curve.source]))
        return changed

    def refine_around(self, point: Floats) -> None:
        """Make all polygons finer around the values that the quantities have at a point."""
        values = self.values(point)
        for curve in self.curves:
            curve.partition.refine(float(values[curve.source]))

    @cached_property
    def sensitivity(self) -> float:
        """The largest change of the objective where every definition and every argument is off by one."""
        missed = np.ones(len(self.columns))
        for curve in self.curves:
            missed[curve.target] += curve.partition.pieces.steepest
        return self.objective_shift(missed)

    def objective_shift(self, missed: Floats) -> float:
        """Return the largest change of the objective where definitions are violated.

        Parameters
        ----------
        missed
            By how much each quantity may violate its definition, shape (columns,); entries of decisions are not read.
        """
        off = np.array(missed, dtype=float)
        off[: self.decisions] = 0.0
        program, places = self.programs[0], self.places[0]
        for own, definition in enumerate(program.definitions, start=len(program.inputs)):
            if isinstance(definition, AffineDefinition):
                off[places[own]] += sum(abs(c) * off[places[source]] for source, c in definition.terms)
            else:
                reach = float(off[places[definition.source]])
                off[places[own]] += max(definition.pieces.spread(reach, reach))
        return float(off[places[program.output]])


@dataclass
class _RelaxationBuilder:
    """Collects the columns, rows and curves of laws."""

    columns: list[RelaxationColumn]
    where: Mapping[str, int]
    rows: list[RelaxationRow] = field(default_factory=list)
    curves: list[RelaxationCurve] = field(default_factory=list)
    places: list[tuple[int, ...]] = field(default_factory=list)

    def add(self, program: Piecewise, wanted: Side) -> int:
        """Add a law; return the column of its output."""
        sides = sides_of(program, wanted)
        places = [self.where[variable.name] for variable in program.inputs]
        nodes = iter(program.certificate.nodes)
        for own, definition in enumerate(program.definitions, start=len(program.inputs)):
            quantity, side = program.quantities[own], sides[own]
            self.columns.append(RelaxationColumn(quantity.name, quantity.low, quantity.high))
            target = len(self.columns) - 1
            if isinstance(definition, PieceDefinition):
                node = next(nodes)
                if side:
                    low, high = definition.pieces.values
                    fine = max(_FINE * node.tolerance, _SAME * max(abs(low), abs(high)))
                    partition = IntervalPartition(definition.pieces, side, _PARTS)
                    self.curves.append(RelaxationCurve(places[definition.source], target, partition, fine))
            elif side:
                terms = tuple((places[source], -coefficient) for source, coefficient in definition.terms)
                self.rows.append(
                    RelaxationRow(
                        ((target, 1.0), *terms),
                        definition.constant if Side.BELOW in side else -np.inf,
                        definition.constant if Side.ABOVE in side else np.inf,
                    )
                )
            places.append(target)
        self.places.append(tuple(places))
        return places[program.output]


def relax(problem: DecisionProblem, laws: LoweredLaws) -> Relaxation:
    """Return the relaxation of a decision problem whose laws are made of pieces."""
    columns = [RelaxationColumn(one.name, one.low, one.high, one.integer) for one in problem.records]
    builder = _RelaxationBuilder(columns, {one.name: place for place, one in enumerate(problem.records)})
    objective = builder.add(laws.objective, Side.BELOW)
    for (rule, _), program in zip(problem.constraint_laws, laws.rules, strict=True):
        side = Side.BELOW if np.isfinite(rule.high) else Side.NONE
        side |= Side.ABOVE if np.isfinite(rule.low) else Side.NONE
        output = builder.add(program, side)
        proof = program.certificate
        # the pieces less the law lie between low and high: no feasible point is cut off
        builder.rows.append(
            RelaxationRow(((output, 1.0),), rule.low + proof.low, rule.high + proof.high, rule.name)
        )
    return Relaxation(
        tuple(builder.columns),
        tuple(builder.rows),
        tuple(builder.curves),
        objective,
        len(problem.records),
        (laws.objective, *laws.rules),
        tuple(builder.places),
    )
