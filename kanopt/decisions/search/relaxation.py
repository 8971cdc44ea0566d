"""A decision problem as HiGHS sees it: linear rows, and functions of one variable within polygons.

Every law is approximated by straight pieces with a proved error; every function of one variable among them is enclosed
in polygons around its graph. Neither cuts off a feasible point, so that the smallest objective here, less the proved
error of the pieces, is a lower bound on the law.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from kanopt.array_types import Floats
from kanopt.decisions.decision_law import values_at
from kanopt.decisions.problem import DecisionProblem
from kanopt.decisions.simulate import slack
from kanopt.engines.highs import GAP, TOLERANCE, MixedIntegerModel, RowCollector
from kanopt.engines.polygons import EPS, IntervalPartition, MixtureColumns, Side
from kanopt.formulas.lowering.program import AffineDefinition, PieceDefinition, Piecewise

_PIECES = 0.4
"""The share of the tolerance by which the pieces may be off; a plan that is best on them can be off by twice that."""
_SHARE, _OF_CHECK = 1e-4, 0.25
_MOST_SEGMENTS, _SAMPLES, _PARTS = 200_000, 256, 8
_FINE = 0.25
"""The share of a function's own tolerance by which an answer may lie off its graph."""
_SAME = 1e-9

_cache: WeakKeyDictionary[DecisionProblem, dict[tuple[int, float], Piecewise]] = WeakKeyDictionary()


def lower_laws(
    problem: DecisionProblem, tolerance: float | None = None, slacks: Sequence[float] | None = None
) -> tuple[Piecewise, ...]:
    """Return the objective and the constraints as piecewise linear functions, kept as long as the problem is.

    Parameters
    ----------
    problem
        The problem.
    tolerance
        How far above the smallest price a plan may be; the problem's where not given. The pieces of the objective are
        accurate enough for that.
    slacks
        How far the pieces of each constraint may be from its law, in its unit; :func:`first_slacks` where not given.

    Raises
    ------
    FormulaError
        If a law cannot be approximated so closely; names the step.
    """
    known = _cache.setdefault(problem, {})
    laws = [problem.objective_formula, *(law.as_formula for _, law in problem.constraint_laws)]
    near = _PIECES * (problem.optimality_tolerance if tolerance is None else tolerance)
    sizes = [near, *(first_slacks(problem) if slacks is None else slacks)]
    ranges = {one.name: (one.low, one.high) for one in problem.records}
    for place, (law, size) in enumerate(zip(laws, sizes, strict=True)):
        if (place, size) not in known:
            own = {variable.name: ranges[variable.name] for variable in law.inputs}
            known[place, size] = law.piecewise(size, ranges=own, max_segments=_MOST_SEGMENTS)
    return tuple(known[place, size] for place, size in enumerate(sizes))


def first_slacks(problem: DecisionProblem) -> tuple[float, ...]:
    """Return a ten-thousandth of the spread of each constraint's law, or the check's tolerance where that is more."""
    points = problem.sample(_SAMPLES)
    names = [one.name for one in problem.records]
    found = []
    for (_, law), least in zip(problem.constraint_laws, last_slacks(problem), strict=True):
        values = values_at(law.as_formula, names, points)
        values = values[np.isfinite(values)]
        found.append(max(_SHARE * float(np.ptp(values)) if len(values) else 0.0, least))
    return tuple(found)


def last_slacks(problem: DecisionProblem) -> tuple[float, ...]:
    """Return a quarter of the tolerance of each constraint: pieces need not be more accurate."""
    return tuple(
        _OF_CHECK * slack(rule.high if np.isfinite(rule.high) else rule.low)
        for rule, _ in problem.constraint_laws
    )


def sides_of(program: Piecewise, wanted: Side) -> tuple[Side, ...]:
    """Return for each quantity of a program from which sides it must be held.

    Parameters
    ----------
    program
        A formula made of straight pieces.
    wanted
        The sides from which its output must be held: ``BELOW`` for what is minimised or has an upper limit.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("exp(y^2) + sin(x)", [Variable("x", low=0, high=3), Variable("y", low=-1, high=1)],
    ...                     Variable("z"))
    >>> program = law.piecewise(0.1)
    >>> {side.name for side in sides_of(program, Side.BELOW)[2:]}
    {'BELOW'}
    """
    sides = [Side.NONE] * len(program.quantities)
    sides[program.output] = wanted
    first = len(program.inputs)
    for place in reversed(range(first, len(sides))):
        definition, held = program.definitions[place - first], sides[place]
        if isinstance(definition, PieceDefinition):
            direction = definition.pieces.direction
            if held and not direction:
                held = Side.BOTH
            sides[definition.source] |= held if direction >= 0 else held.opposite
        else:
            for source, coefficient in definition.terms:
                sides[source] |= held if coefficient > 0.0 else held.opposite
    return tuple(sides)


class Column(NamedTuple):
    """A quantity's bounds, and whether it is a whole number."""

    low: float
    high: float
    integer: bool = False


class Row(NamedTuple):
    """A linear row: low ≤ Σ coefficient · column ≤ high; `terms` are pairs of a column and its coefficient."""

    terms: tuple[tuple[int, float], ...]
    low: float
    high: float
    name: str = ""


class Curve(NamedTuple):
    """A function of column `source` that gives `target`; polygons are refined where an answer is `fine` off it."""

    source: int
    target: int
    partition: IntervalPartition
    fine: float


@dataclass(eq=False)
class Relaxation:
    """Columns, rows and curves; the decisions are the first columns.

    Parameters
    ----------
    columns
        What has a value: decisions, then what laws give.
    rows, curves
        What holds of them.
    programs
        The laws made of pieces: the objective first, then the constraints.
    places
        For each program the column of each of its quantities.
    """

    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    programs: tuple[Piecewise, ...] = ()
    places: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, problem: DecisionProblem, programs: tuple[Piecewise, ...]) -> Relaxation:
        """Return the relaxation of a decision problem whose laws are made of pieces."""
        found = cls([Column(one.low, one.high, one.integer) for one in problem.records], programs=programs)
        where = {one.name: place for place, one in enumerate(problem.records)}
        found._add(programs[0], Side.BELOW, where)
        for (rule, _), program in zip(problem.constraint_laws, programs[1:], strict=True):
            side = Side.BELOW if np.isfinite(rule.high) else Side.NONE
            side |= Side.ABOVE if np.isfinite(rule.low) else Side.NONE
            output = found._add(program, side, where)
            proof = program.certificate
            # the pieces less the law lie between low and high: no feasible point is cut off
            low, high = rule.low + proof.low, rule.high + proof.high
            found.rows.append(Row(((output, 1.0),), low, high, rule.name))
        return found

    def _add(self, program: Piecewise, wanted: Side, where: dict[str, int]) -> int:
        """Add a law; return the column of its output."""
        sides = sides_of(program, wanted)
        places = [where[variable.name] for variable in program.inputs]
        nodes = iter(program.certificate.nodes)
        for own, definition in enumerate(program.definitions, start=len(program.inputs)):
            target, side, quantity = len(self.columns), sides[own], program.quantities[own]
            self.columns.append(Column(quantity.low, quantity.high))
            if isinstance(definition, PieceDefinition):
                node, largest = next(nodes), max(map(abs, definition.pieces.values))
                if side:
                    partition = IntervalPartition(definition.pieces, side, _PARTS)
                    fine = max(_FINE * node.tolerance, _SAME * largest)
                    self.curves.append(Curve(places[definition.source], target, partition, fine))
            elif side:
                terms = tuple((places[source], -coefficient) for source, coefficient in definition.terms)
                low = definition.constant if Side.BELOW in side else -np.inf
                high = definition.constant if Side.ABOVE in side else np.inf
                self.rows.append(Row(((target, 1.0), *terms), low, high))
            places.append(target)
        self.places.append(places)
        return places[program.output]

    @property
    def objective(self) -> int:
        """The column that is minimised."""
        return self.places[0][self.programs[0].output]

    @property
    def segments(self) -> int:
        """The pieces of all laws together."""
        return sum(program.certificate.segments for program in self.programs)

    @property
    def is_convex(self) -> bool:
        """Whether every curve bends to the side from which it is held, so that cuts alone will do."""
        return all(curve.partition.polygons().count == 1 for curve in self.curves)

    def values(self, point: Floats) -> Floats:
        """Return every quantity by its pieces where the decisions are as given, shape (columns,)."""
        found = np.zeros(len(self.columns))
        found[: len(point)] = point
        for program, places in zip(self.programs, self.places, strict=True):
            first = len(program.inputs)
            known = {own: np.asarray(found[places[own]]) for own in range(first)}
            for own, definition in enumerate(program.definitions, start=first):
                known[own] = definition.compute(known)
                found[places[own]] = float(known[own])
        return found

    def without(self, names: Collection[str]) -> Relaxation:
        """Return the same relaxation without some constraints."""
        return replace(self, rows=[row for row in self.rows if not row.name or row.name not in names])

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

    def objective_shift(self, missed: Floats) -> float:
        """Return the largest change of the objective where each column may violate its definition by so much."""
        program, places = self.programs[0], self.places[0]
        off: dict[int, float] = dict.fromkeys(range(len(program.inputs)), 0.0)
        for own, definition in enumerate(program.definitions, start=len(program.inputs)):
            if isinstance(definition, AffineDefinition):
                moved = sum(abs(c) * off[source] for source, c in definition.terms)
            else:
                moved = max(definition.pieces.spread(off[definition.source], off[definition.source]))
            off[own] = float(missed[places[own]]) + moved
        return off[program.output]


# A relaxation as a mixed-integer linear model for HiGHS.

_SMALLEST = 1e-9
_GAP = 0.05
"""The share of the tolerance at which HiGHS need not go on."""


class LinearModel:
    """The linear model of a relaxation: its quantities, then the weights of corners and the binaries of each curve.

    Quantities are counted from their lower bound in a power of two near their width, so that HiGHS's tolerances mean
    the same for all of them; the objective is counted in units of `unit`.

    Parameters
    ----------
    relaxation
        The relaxation, with its present polygons.
    unit
        What the objective is divided by: its tolerance.
    price
        About what the objective will be, if that is known.

    Attributes
    ----------
    linear
        The model.
    binaries
        How many binaries choose among polygons.
    """

    def __init__(self, relaxation: Relaxation, unit: float = 1.0, price: float | None = None) -> None:
        self._relaxation, self.unit, objective = relaxation, unit, relaxation.objective
        low, high, whole = map(np.array, zip(*relaxation.columns, strict=True))
        mixture = MixtureColumns([curve.partition.polygons() for curve in relaxation.curves], len(low))
        self.binaries = len(mixture.binaries)
        self._offset = np.where(whole, np.ceil(low), low)
        width = np.where(whole, np.floor(high), high) - self._offset
        near = 2.0 ** np.round(np.log2(np.maximum(width, 1e-300)))
        self._scale = np.where(~whole & (width > 0.0), near, 1.0)
        # HiGHS stops at a relative gap: with the right constant added, that is a twentieth of the tolerance
        start = float(self._offset[objective])
        self._constant = 0.0 if price is None else _GAP / GAP - (price - start) / unit
        upper = np.concatenate([width / self._scale, np.ones(len(mixture.weights) + self.binaries + 1)])
        lower, cost, integer = np.zeros(len(upper)), np.zeros(len(upper)), np.zeros(len(upper), dtype=bool)
        cost[objective], cost[-1], lower[-1] = self._scale[objective] / unit, self._constant, 1.0
        integer[: len(low)], integer[mixture.binaries] = whole, True
        self.linear = self._scaled(self._rows(mixture), cost, lower, upper, integer)

    def _rows(self, mixture: MixtureColumns) -> RowCollector:
        """Return the rows of the relaxation, and those that make source and target of each curve the same mixture."""
        rows, curves = RowCollector(), self._relaxation.curves
        for row in self._relaxation.rows:
            columns, values = map(np.array, zip(*row.terms, strict=True))
            first = rows.add(np.array(row.low), np.array(row.high))
            rows.put(np.full(len(columns), first), columns, values)
        lowest = np.array([column.low for column in self._relaxation.columns])
        sources, targets = (np.array([one[end] for one in curves], dtype=np.intp) for end in (0, 1))
        is_held = [
            np.array([side in one.partition.side for one in curves]) for side in (Side.BELOW, Side.ABOVE)
        ]
        for places, along, below, above in ((sources, mixture.x, True, True), (targets, mixture.y, *is_held)):
            # corners count from the lowest value, too: the weights add up to one
            low = lowest[places]
            first = rows.add(np.where(below, low, -np.inf), np.where(above, low, np.inf))
            rows.put(first + np.arange(len(curves)), places, 1.0)
            rows.put(first + mixture.owner, mixture.weights, low[mixture.owner] - along)
        mixture.add_rows(rows)
        return rows

    def _scaled(
        self, rows: RowCollector, cost: Floats, lower: Floats, upper: Floats, whole: NDArray[np.bool_]
    ) -> MixedIntegerModel:
        """Return the model of the rows, each in the size of its largest entry.

        A row is relaxed by the effect of coefficients too small for HiGHS.
        """
        offset, scale = np.zeros(len(cost)), np.ones(len(cost))
        offset[: len(self._offset)], scale[: len(self._scale)] = self._offset, self._scale
        places, columns, values = rows.matrix
        matrix = coo_array((values, (places, columns)), shape=(rows.count, len(cost)))
        matrix.sum_duplicates()
        place, column, value = matrix.row, matrix.col, matrix.data * scale[matrix.col]

        def added(parts: Floats) -> Floats:
            return np.bincount(place, parts, rows.count).astype(float)

        size = np.zeros(rows.count)
        np.maximum.at(size, place, np.abs(value))
        size[size == 0.0] = 1.0
        value, shift = value / size[place], added(matrix.data * offset[column])
        kept = np.abs(value) >= _SMALLEST
        effect = np.where(kept, 0.0, value * upper[column])
        return MixedIntegerModel(
            cost,
            lower,
            upper,
            whole,
            rows=place[kept].astype(np.intp),
            columns=column[kept].astype(np.intp),
            values=value[kept],
            row_lower=(np.concatenate(rows.lower) - shift) / size - added(np.maximum(effect, 0.0)),
            row_upper=(np.concatenate(rows.upper) - shift) / size - added(np.minimum(effect, 0.0)),
        )

    def quantities(self, point: Floats) -> Floats:
        """Return the quantities of a point of the model, shape (columns,)."""
        return np.asarray(self._offset + self._scale * point[: len(self._offset)])

    def bound(self, of_model: float) -> float:
        """Return a lower bound on the relaxation's objective from HiGHS's, less what floating point may hide.

        A point may violate rows and integrality by HiGHS's tolerance, which can only lower the bound. Reduced costs may
        violate theirs, which can raise it by that tolerance times the range of each variable; and coefficients are
        rounded.
        """
        ranges = float((self.linear.upper - self.linear.lower).sum())
        sizes = np.array([max(abs(one.low), abs(one.high)) for one in self._relaxation.columns])
        slack = TOLERANCE * ranges * self.unit + self._relaxation.objective_shift(8.0 * EPS * sizes)
        start = float(self._offset[self._relaxation.objective])
        return start + (of_model - self._constant) * self.unit - slack
