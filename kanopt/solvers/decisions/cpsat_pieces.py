"""Decision problems solved by CP-SAT: piecewise linear laws in integers, by the incremental encoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from kanopt.interrupt import Interrupt
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.cpsat import CpSatTermination, SearchGoal, SearchLimits, run_cpsat
from kanopt.solvers.decisions.encoding import encode_pieces
from kanopt.solvers.decisions.pieces_solver import PiecesSolver
from kanopt.solvers.decisions.polygons import PolygonCorner, Polygons
from kanopt.solvers.decisions.refinement import EngineRequest, RelaxationResult
from kanopt.solvers.decisions.relaxation import Relaxation, RelaxationCurve, RelaxationRow
from kanopt.solvers.decisions.sides import Side
from kanopt.solvers.encodings import Encoding
from kanopt.units import scaling_for

# A relaxation as an integer model for CP-SAT, by the incremental encoding.
#
# Markowitz and Manne (1957), "On the solution of discrete programming problems", Econometrica 25: the argument is the
# sum of the lengths filled in each polygon, and a polygon is entered only once those before it are full. With
# CP-SAT's ``linearization_level=2`` this is what it solves best; one Boolean per piece with enforced equations does
# not solve, and an element over a grid is worst.
#
# Every quantity is counted in whole steps. A row becomes a row of integers, relaxed by the largest error of rounding:
# half a step of each quantity, and the rounding of its coefficients. So no point of the relaxation is cut off, and a
# lower bound of the integer model is one of the relaxation.


Floats = NDArray[np.float64]
PolygonalLine: TypeAlias = list[tuple[float, float]]
_SHARE = 0.02
"""The share of the tolerance that the steps of quantities need not be below."""
_STEPS, _FINER_STEPS = 22, 2
_ROW, _FINER_ROW = 44, 3
"""Binary digits of the steps of a quantity and of a row, at first and more each time. CP-SAT is fastest on few digits:
on the benchmark 0.4 s with 44 digits, 7 s with 46. Below 53 its own linear programming counts exactly."""
_FINER = 2**20
"""Steps of a walk within one whole number."""
_LIMIT = 4e18


@dataclass(frozen=True)
class _IntegerTerm:
    """A variable in a row: the value of one step, its upper bound, and the error of its rounding."""

    variable: Any
    worth: float
    most: int
    rounded: float = 0.0


class IncrementalModel:
    """The integer model of a relaxation, for CP-SAT.

    Parameters
    ----------
    relaxation
        The relaxation, with its present polygons.
    unit
        The tolerance on the objective: steps are not finer than it asks for.
    finer
        How many times the steps were too coarse: 0, 1 or 2.

    Attributes
    ----------
    model
        The model.
    columns
        A variable for each quantity.
    step
        What one step of each quantity is worth, shape (columns,).
    whole
        Which quantities are whole numbers; they are not rounded.
    binaries
        How many polygons are entered or not.
    """

    def __init__(self, relaxation: Relaxation, unit: float, finer: int = 0) -> None:
        self.model = cp_model.CpModel()
        self._size = 2.0 ** (_ROW + _FINER_ROW * finer)
        whole = self.whole = np.array([column.integer for column in relaxation.columns])
        low = np.array([column.low for column in relaxation.columns])
        high = np.array([column.high for column in relaxation.columns])
        self.offset = np.where(whole, np.ceil(low), low)
        width = np.where(whole, np.floor(high), high) - self.offset
        fine = np.maximum(
            _SHARE * unit / max(relaxation.sensitivity, 1.0), width / 2.0 ** (_STEPS + _FINER_STEPS * finer)
        )
        # powers of two, so that sums of quantities need no rounding of coefficients
        self.step = np.where(whole | (width <= 0.0), 1.0, 2.0 ** np.ceil(np.log2(np.maximum(fine, 1e-300))))
        self.counts = np.ceil(width / self.step).astype(np.int64)
        self._half = np.where(whole | (width <= 0.0), 0.0, 0.5 * self.step)
        self.columns = [
            self.model.new_int_var(0, int(most), f"q{place}") for place, most in enumerate(self.counts)
        ]
        for row in relaxation.rows:
            self._linear(row)
        self.binaries = sum(self._curve(curve) for curve in relaxation.curves)
        self.objective = relaxation.objective
        self.model.minimize(self.columns[self.objective])

    def term(self, place: int, coefficient: float) -> _IntegerTerm:
        """Return a multiple of a quantity, counted from its lower bound."""
        return _IntegerTerm(
            self.columns[place],
            coefficient * float(self.step[place]),
            int(self.counts[place]),
            abs(coefficient) * float(self._half[place]),
        )

    def _linear(self, row: RelaxationRow) -> None:
        shift = sum(coefficient * float(self.offset[place]) for place, coefficient in row.terms)
        terms = [self.term(place, coefficient) for place, coefficient in row.terms]
        self.row(terms, row.low - shift, row.high - shift)

    def row(self, terms: Sequence[_IntegerTerm], low: float, high: float, slack: float = 0.0) -> None:
        """Add low ≤ Σ worth · variable ≤ high, relaxed by `slack` and the largest error of rounding."""
        size = max((abs(term.worth) * max(term.most, 1) for term in terms), default=1.0) or 1.0
        factor = scaling_for(size, len(terms) + 2, limit=_LIMIT, target_resolution=size / self._size).factor
        numbers = [round(factor * term.worth) for term in terms]
        lost = sum(
            abs(number - factor * term.worth) * term.most for number, term in zip(numbers, terms, strict=True)
        )
        loose = factor * (slack + sum(term.rounded for term in terms)) + lost
        # the floating-point error of the numbers themselves
        loose = loose * (1.0 + 1e-12) + 1e-12 * factor * size + 1.0
        reach = sum(abs(number) * term.most for number, term in zip(numbers, terms, strict=True))
        least = -reach if math.isinf(low) else max(math.floor(factor * low - loose), -reach)
        most = reach if math.isinf(high) else min(math.ceil(factor * high + loose), reach)
        total = sum(number * term.variable for number, term in zip(numbers, terms, strict=True))
        if least > most:
            self.model.add_bool_or([])
        elif terms:
            self.model.add_linear_constraint(total, least, most)

    def _curve(self, curve: RelaxationCurve) -> int:
        polygons = curve.partition.polygons()
        walk = _IncrementalCurve(self, curve, polygons)
        if Side.BELOW in curve.side:
            walk.bound_target(1.0)
        if Side.ABOVE in curve.side:
            walk.bound_target(-1.0)
        return polygons.count - 1

    def quantities(self, values: Sequence[int]) -> Floats:
        """Return the quantities of a solution, shape (columns,)."""
        return np.asarray(self.offset + self.step * np.asarray(values, dtype=float))

    def steps_of(self, difference: float) -> float:
        """Return a difference of the objective in steps."""
        return float(difference / self.step[self.objective])

    def bound(self, of_model: float) -> float:
        """Return a lower bound on the objective from one on the model's."""
        if math.isinf(of_model):
            return of_model
        least = math.ceil(of_model - 1e-6)
        return float(
            self.offset[self.objective] + self.step[self.objective] * least - self._half[self.objective]
        )


class _IncrementalCurve:
    """The lengths filled in each polygon of one curve, in steps of its source, finer where that is an integer."""

    def __init__(self, made: IncrementalModel, curve: RelaxationCurve, polygons: Polygons) -> None:
        self.made, self.curve = made, curve
        self.polygons = [
            [corner for corner in polygons.corners if place in corner.polygons]
            for place in range(polygons.count)
        ]
        model, source = made.model, curve.source
        finer = _FINER if made.whole[source] else 1
        self.step = float(made.step[source]) / finer
        first = self.polygons[0][0].x
        ends = [*(polygon[0].x for polygon in self.polygons), self.polygons[-1][-1].x]
        places = [_nearest_integer((end - first) / self.step) for end in ends]
        self.lengths = [after - before for before, after in pairwise(places)]
        self.filled = [model.new_int_var(0, length, "walked") for length in self.lengths]
        self.is_active: list[Any] = [model.new_bool_var("entered") for _ in self.lengths[1:]]
        start = _nearest_integer((float(made.offset[source]) - first) / self.step)
        model.add(sum(self.filled) == finer * made.columns[source] + start)
        for place, entered in enumerate(self.is_active, start=1):
            model.add(self.filled[place - 1] >= self.lengths[place - 1] * entered)
            model.add(self.filled[place] <= self.lengths[place] * entered)
            if place > 1:
                model.add_implication(entered, self.is_active[place - 2])

    def bound_target(self, sign: float) -> None:
        """Bound the target from below (sign 1) or above (−1) by the lines of the polygon that contains the point."""
        made, place = self.made, self.curve.target
        chains = [_polygon_side(polygon, sign) for polygon in self.polygons]
        terms = [made.term(place, 1.0)]
        start, slack = chains[0][0][1] - float(made.offset[place]), 0.0
        for number, chain in enumerate(chains):
            jump = chain[0][1] - chains[number - 1][-1][1] if number else 0.0
            if jump:
                terms.append(_IntegerTerm(self.is_active[number - 1], -jump, 1))
            risen = self._rise_within(number, chain, sign)
            slack, start = max(slack, risen.off), start + risen.start
            terms += risen.terms
        made.row(terms, start if sign > 0.0 else -math.inf, start if sign < 0.0 else math.inf, slack)

    def _rise_within(self, number: int, chain: PolygonalLine, sign: float) -> _Rise:
        """Return the rise of the target within a polygon, as terms of its row."""
        length, rise = self.lengths[number], chain[-1][1] - chain[0][1]
        if not length:
            # narrower than a step: full as soon as the next one is entered
            high = max(y for _, y in chain) - min(y for _, y in chain)
            after = number < len(self.is_active)
            return _Rise(high, [_IntegerTerm(self.is_active[number], -rise, 1)] if after and rise else [])
        steep = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(chain)]
        # both ends of the polygon, its length and the place itself are rounded to steps
        off = 3.0 * self.step * max(map(abs, steep))
        if len(steep) == 1:
            return _Rise(off, [_IntegerTerm(self.filled[number], -rise / length, length)])
        return self._rise_variable(number, chain, steep, sign, off)

    def _rise_variable(
        self, number: int, chain: PolygonalLine, steep: list[float], sign: float, off: float
    ) -> _Rise:
        """Return a rise bounded by several lines: a variable in steps of the target, counted from its lowest value."""
        made, length = self.made, self.lengths[number]
        step = float(made.step[self.curve.target])
        x0, y0 = chain[0]
        per_step = (chain[-1][0] - x0) / length
        rises = [y - y0 for _, y in chain]
        lowest = min(rises)
        most = math.ceil((max(rises) - lowest) / step) + 1
        risen = made.model.new_int_var(0, most, "risen")
        for (x, y), slope in zip(chain, steep, strict=False):
            # there always is a whole number of steps on the outer side of the line: see `most`, and `rounded` below
            terms = [
                _IntegerTerm(risen, step, most),
                _IntegerTerm(self.filled[number], -slope * per_step, length),
            ]
            end = y - y0 + slope * (x0 - x) - lowest
            made.row(terms, end if sign > 0.0 else -math.inf, end if sign < 0.0 else math.inf)
        return _Rise(off, [_IntegerTerm(risen, -step, most, step)], lowest)


@dataclass(frozen=True)
class _Rise:
    """The rise of a target within a polygon: its rounding error, the terms of its row, and a constant."""

    off: float
    terms: list[_IntegerTerm]
    start: float = 0.0


def _nearest_integer(number: float) -> int:
    """Return the nearest whole number, halves upwards: adding a whole number changes nothing."""
    return math.floor(number + 0.5)


def _polygon_side(polygon: Sequence[PolygonCorner], sign: float) -> PolygonalLine:
    """Return the lower (sign 1) or upper (−1) side of a polygon, from left to right."""
    chain: PolygonalLine = []
    for corner in polygon:
        while len(chain) >= 2:
            (x0, y0), (x1, y1) = chain[-2], chain[-1]
            if sign * (y1 - y0) * (corner.x - x0) < sign * (corner.y - y0) * (x1 - x0):
                break
            chain.pop()
        chain.append((corner.x, corner.y))
    return chain


_GAP = 0.1
"""The share of the tolerance at which CP-SAT need not go on."""


class CpSatPieces(PiecesSolver):
    """Certified piecewise linear laws in CP-SAT, refined where its answer is far from the laws.

    Every quantity is an integer, rounded so that no feasible plan is cut off: like that of HiGHS, the bound holds for
    the law. Worth a try where most decisions are integers; HiGHS is faster where they are not.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.problems.decisions import Decision, DecisionProblem
    >>> law = parse_formula("(n - 3.2)^2 + 3 * sin(n)", [Variable("n")], Variable("cost"))
    >>> problem = DecisionProblem([Decision("n", 0, 9, integer=True)], law, tolerance=0.01)
    >>> outcome = CpSatPieces().solve(problem, SolveOptions())
    >>> outcome.status.value, outcome.plan.values
    ('optimal', {'n': 4.0})
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"CP-SAT on certified pieces (OR-Tools {version('ortools')})"

    def encoding(self, problem: Any) -> Encoding:
        """Describe how a problem that the solver accepts is encoded."""
        return encode_pieces(problem, "incremental pieces in whole numbers", self.name, logarithmic=False)

    @property
    def max_refinements(self) -> int:
        """How many times the integer steps can be made finer."""
        return 2

    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        """Minimise a relaxation."""
        made = IncrementalModel(relaxation, wanted.tolerance, wanted.finer)
        limits = SearchLimits(
            options.time_limit,
            options.seed,
            options.workers,
            goal=SearchGoal.PROVE,
            linearization=2,
            gap=made.steps_of(_GAP * wanted.tolerance),
        )
        with Interrupt() as interrupt:
            found = run_cpsat(made.model, limits, made.columns, interrupt, has_plan=wanted.price is not None)
        return RelaxationResult(
            point=made.quantities(found.values) if found.values else None,
            bound=made.bound(found.bound)
            if found.termination is not CpSatTermination.INFEASIBLE
            else -np.inf,
            infeasible=found.termination is CpSatTermination.INFEASIBLE,
            finished=found.termination is not CpSatTermination.LIMIT,
            interrupted=interrupt.asked,
            binaries=made.binaries,
            columns=len(made.model.proto.variables),
        )
