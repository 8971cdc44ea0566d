"""Decision problems solved by HiGHS: piecewise linear laws with logarithmically many binaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.base import SolveOptions
from kanopt.solvers.decisions.encoding import encode_pieces
from kanopt.solvers.decisions.pieces_solver import PiecesSolver
from kanopt.solvers.decisions.polygons import PolygonCorner
from kanopt.solvers.decisions.refinement import EngineRequest, RelaxationResult
from kanopt.solvers.decisions.relaxation import Relaxation, RelaxationCurve, RelaxationRow
from kanopt.solvers.decisions.sides import Side
from kanopt.solvers.encodings import Encoding
from kanopt.solvers.highs import GAP as RELATIVE
from kanopt.solvers.highs import TOLERANCE, HighsOptions, HighsTermination, MixedIntegerModel, run_highs

# A relaxation as a mixed-integer linear program with logarithmically many binaries.
#
# Vielma and Nemhauser (2011), "Modeling disjunctive constraints with a logarithmic number of binary variables and
# constraints", Mathematical Programming 128, section 4: a point of the graph is a convex combination of corners;
# neighbouring polygons have codes that differ in one bit (a Gray code), and a bit of the code that is chosen rules out
# the corners all of whose polygons have the other value there. Corners shared by neighbours are then kept by both, and
# n polygons take ⌈log₂ n⌉ binaries. Where there is one polygon there are none: its corners are cuts.


Floats = NDArray[np.float64]
ColumnTerm = tuple[int, float]
EPS = float(np.finfo(np.float64).eps)
_SMALLEST = 1e-9
_GAP = 0.05
"""The share of the tolerance at which HiGHS need not go on."""


def gray_code(number: int) -> int:
    """Return the reflected Gray code of a number: those of neighbours differ in one bit.

    Examples
    --------
    >>> [format(gray_code(number), "03b") for number in range(5)]
    ['000', '001', '011', '010', '110']
    """
    return number ^ (number >> 1)


@dataclass
class _ModelBuilder:
    """Collects a linear model."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    row_lower: list[float] = field(default_factory=list)
    row_upper: list[float] = field(default_factory=list)
    entries: list[tuple[int, int, float]] = field(default_factory=list)

    def variable(self, low: float, high: float, *, whole: bool = False) -> int:
        self.lower.append(low)
        self.upper.append(high)
        self.whole.append(whole)
        return len(self.lower) - 1

    def row(self, terms: Sequence[ColumnTerm], low: float, high: float) -> None:
        """Add a row; coefficients too small for HiGHS are left out, and the row is relaxed by their largest effect."""
        place = len(self.row_lower)
        merged: dict[int, float] = {}
        for variable, coefficient in terms:
            merged[variable] = merged.get(variable, 0.0) + coefficient
        for variable, coefficient in merged.items():
            if abs(coefficient) >= _SMALLEST:
                self.entries.append((place, variable, coefficient))
            else:
                ends = coefficient * self.lower[variable], coefficient * self.upper[variable]
                low, high = low - max(ends), high - min(ends)
        self.row_lower.append(low)
        self.row_upper.append(high)


class LogarithmicModel:
    """The linear model of a relaxation, for HiGHS.

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
        self._relaxation = relaxation
        whole = np.array([column.integer for column in relaxation.columns])
        low = np.array([column.low for column in relaxation.columns])
        high = np.array([column.high for column in relaxation.columns])
        low, high = np.where(whole, np.ceil(low), low), np.where(whole, np.floor(high), high)
        width = high - low
        self.scale = np.where(
            whole | (width <= 0.0), 1.0, 2.0 ** np.round(np.log2(np.maximum(width, 1e-300)))
        )
        self.offset = low
        model = _ModelBuilder()
        for wide, size, is_whole in zip(width, self.scale, whole, strict=True):
            model.variable(0.0, float(wide / size), whole=bool(is_whole))
        for row in relaxation.rows:
            self._row(model, row)
        self.binaries = sum(self._curve(model, curve) for curve in relaxation.curves)
        self.unit, self.objective = unit, relaxation.objective
        # HiGHS stops at a relative gap: with the right constant added, that is a twentieth of the tolerance
        steady = model.variable(1.0, 1.0)
        self._constant = (
            0.0 if price is None else _GAP / RELATIVE - (price - self.offset[self.objective]) / unit
        )
        cost = np.zeros(len(model.lower))
        cost[self.objective], cost[steady] = self.scale[self.objective] / unit, self._constant
        rows, columns, values = zip(*model.entries, strict=True) if model.entries else ((), (), ())
        self.linear = MixedIntegerModel(
            cost=cost,
            lower=np.array(model.lower),
            upper=np.array(model.upper),
            integer=np.array(model.whole),
            rows=np.array(rows, dtype=np.intp),
            columns=np.array(columns, dtype=np.intp),
            values=np.array(values, dtype=float),
            row_lower=np.array(model.row_lower),
            row_upper=np.array(model.row_upper),
        )

    def _row(self, model: _ModelBuilder, row: RelaxationRow) -> None:
        shift = sum(coefficient * self.offset[place] for place, coefficient in row.terms)
        # the row in the size of its largest entry
        size = max(abs(coefficient) * self.scale[place] for place, coefficient in row.terms) or 1.0
        terms = [(place, coefficient * self.scale[place] / size) for place, coefficient in row.terms]
        model.row(terms, (row.low - shift) / size, (row.high - shift) / size)

    def _curve(self, model: _ModelBuilder, curve: RelaxationCurve) -> int:
        polygons = curve.partition.polygons()
        weights = [model.variable(0.0, 1.0) for _ in polygons.corners]
        model.row([(weight, 1.0) for weight in weights], 1.0, 1.0)
        pairs = list(zip(weights, polygons.corners, strict=True))
        for place, along in ((curve.source, "x"), (curve.target, "y")):
            held = Side.BOTH if along == "x" else curve.side
            size, start = self.scale[place], self.offset[place]
            terms = [(weight, -(getattr(corner, along) - start) / size) for weight, corner in pairs]
            model.row(
                [(place, 1.0), *terms],
                0.0 if Side.BELOW in held else -np.inf,
                0.0 if Side.ABOVE in held else np.inf,
            )
        for bit in range(polygons.binaries):
            self._choose(model, pairs, bit)
        return polygons.binaries

    @staticmethod
    def _choose(model: _ModelBuilder, pairs: Sequence[tuple[int, PolygonCorner]], bit: int) -> None:
        chosen = model.variable(0.0, 1.0, whole=True)
        bits = [{gray_code(polygon) >> bit & 1 for polygon in corner.polygons} for _, corner in pairs]
        ones = [(weight, 1.0) for (weight, _), of in zip(pairs, bits, strict=True) if of == {1}]
        zeros = [(weight, 1.0) for (weight, _), of in zip(pairs, bits, strict=True) if of == {0}]
        model.row([*ones, (chosen, -1.0)], -np.inf, 0.0)
        model.row([*zeros, (chosen, 1.0)], -np.inf, 1.0)

    def quantities(self, point: Floats) -> Floats:
        """Return the quantities of a point of the model, shape (columns,)."""
        count = len(self.offset)
        return np.asarray(self.offset + self.scale * point[:count])

    def bound(self, of_model: float) -> float:
        """Return a lower bound on the objective from one on the model's."""
        return float(self.offset[self.objective] + (of_model - self._constant) * self.unit)

    @property
    def slack(self) -> float:
        """By how much floating point may make HiGHS's bound too high.

        A point may violate rows and integrality by HiGHS's tolerance, which can only lower the bound. Reduced costs may
        violate theirs, which can raise it by that tolerance times the range of each variable; and coefficients are
        rounded.
        """
        ranges = float((self.linear.upper - self.linear.lower).sum())
        sizes = np.array([max(abs(one.low), abs(one.high)) for one in self._relaxation.columns])
        return TOLERANCE * ranges * self.unit + self._relaxation.objective_shift(8.0 * EPS * sizes)


class HighsPieces(PiecesSolver):
    """Certified piecewise linear laws in HiGHS, refined where its answer is far from the laws.

    The bound is proved for the law: it is HiGHS's bound on a relaxation of the pieces, less the proved distance of the
    pieces from the law. A plan is optimal where its price on the law is within the problem's tolerance of it.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.problems.decisions import DecisionProblem
    >>> law = parse_formula("(x - 0.3)^2 + sin(4 * y) + x * y", [Variable("x"), Variable("y")], Variable("cost"))
    >>> problem = DecisionProblem({"x": (-1, 1), "y": (-1, 1)}, law, tolerance=0.01)
    >>> outcome = HighsPieces().solve(problem, SolveOptions())
    >>> outcome.status.value, round(problem.price(outcome.plan).objective, 3)
    ('optimal', -1.164)
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"HiGHS {version('highspy')} on certified pieces"

    def encoding(self, problem: Any) -> Encoding:
        """Describe how a problem that the solver accepts is encoded."""
        return encode_pieces(
            problem, "pieces with logarithmically many binaries", self.name, logarithmic=True
        )

    @property
    def max_refinements(self) -> int:
        """Numbers are not rounded, so that there is nothing to make finer."""
        return 0

    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        """Minimise a relaxation."""
        made = LogarithmicModel(relaxation, wanted.tolerance, wanted.price)
        answer = run_highs(
            made.linear,
            HighsOptions(
                time_limit=options.time_limit,
                seed=options.seed,
                threads=options.workers,
                has_plan=wanted.price is not None,
            ),
        )
        bound = -np.inf if answer.bound is None else made.bound(answer.bound)
        return RelaxationResult(
            point=None if answer.values is None else made.quantities(answer.values),
            bound=bound - made.slack,
            infeasible=answer.termination is HighsTermination.INFEASIBLE,
            finished=answer.termination in (HighsTermination.OPTIMAL, HighsTermination.INFEASIBLE),
            interrupted=answer.termination is HighsTermination.INTERRUPTED,
            binaries=made.binaries,
            columns=len(made.linear.cost),
        )
