"""A tariff that reads the flow: straight pieces that lie below it by no more than is proved, and their columns."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.binding import BoundFormula, Reference
from kanopt.formulas.domain import Domain
from kanopt.formulas.formula import Formula
from kanopt.formulas.lowering import PieceDefinition, Pieces, Piecewise
from kanopt.formulas.nodes import Input, Product
from kanopt.formulas.variables import Variable
from kanopt.problems.law_use import unit_factor
from kanopt.problems.supply import SupplyProblem
from kanopt.solvers.linear_blocks import RowCollector
from kanopt.solvers.polygons import IntervalPartition, Polygons, Side
from kanopt.text import seconds_text

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Cells = tuple[NDArray[np.intp], ...]
_SHARE = 0.002
"""How far below the law the pieces of a shipment may lie, as a share of the price of the largest one."""
_MOST_FLOWS, _MOST_CORNERS = 4_000, 40_000
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class TariffPieces:
    """The price of every flow of a model.

    Parameters
    ----------
    prices
        One for each flow, in the order of the model: polygons below the price of a shipment of any size, of which the
        first corner is no shipment.
    error
        How far they lie below the law at most, in money.
    """

    prices: tuple[Polygons, ...]
    error: float

    @property
    def segments(self) -> int:
        """The straight pieces of all prices together."""
        return sum(len(price.x) - price.count for price in self.prices)

    @property
    def binaries(self) -> int:
        """The binaries that choose among polygons."""
        return sum(price.binaries for price in self.prices)

    def money(self, quantities: Floats) -> float:
        """Return the money for shipments, one for each flow."""
        found = (price.lowest(amount) for price, amount in zip(self.prices, quantities.tolist(), strict=True))
        return sum(one.value for one in found)


def lower_tariff(
    problem: SupplyProblem, cells: Cells, most: Floats, seconds: float = np.inf
) -> TariffPieces | str:
    """Return the tariff of flows as pieces, or why it has none that a solver could take.

    Parameters
    ----------
    problem
        The problem, whose tariff reads the flow.
    cells
        Lane, product and period of each flow.
    most
        The largest shipment of each, in units.
    seconds
        How long that may take.
    """
    if len(most) > _MOST_FLOWS:
        return f"{len(most):,} flows are more than the {_MOST_FLOWS:,} whose shipments can be decided on"
    try:
        return _Lowering(problem, cells, most).run(seconds)
    except FormulaError as error:
        return str(error)


class _Lowering:
    """The law of one shipment, and the pieces made of it so far."""

    def __init__(self, problem: SupplyProblem, cells: Cells, most: Floats) -> None:
        tariff = problem.lane_tariff
        assert isinstance(tariff.law, BoundFormula)
        self.law, self.basis, self.most = tariff.law, tariff.basis, most
        self.factor = unit_factor(self.law.formula.output.unit, tariff.unit)
        self.weights = problem.network.weights[cells[1]]
        shape = problem.network.shape
        one = {
            name: np.broadcast_to(values, shape)[cells]
            for name, values in tariff.arguments(np.ones((1, 1, 1))).items()
        }
        self.flow_inputs = [
            name
            for name, bound in self.law.bindings.items()
            if isinstance(bound, Reference) and bound.is_state and name in self.law.formula.used
        ]
        self.scale = one[self.flow_inputs[0]].astype(float) if self.flow_inputs else np.ones(len(most))
        self.fixed = {name: values for name, values in one.items() if name not in self.flow_inputs}

    def run(self, seconds: float) -> TariffPieces | str:
        """Return the pieces of all flows: one lowering for those that differ in the largest shipment alone."""
        began = time.perf_counter()
        if len(self.flow_inputs) > 1:
            return f"the tariff reads the flow as {' and '.join(self.flow_inputs)}"
        groups: dict[tuple[object, ...], list[int]] = {}
        for place in range(len(self.most)):
            key = (*(self.fixed[name][place] for name in self.fixed), self.scale[place], self.weights[place])
            groups.setdefault(key, []).append(place)
        prices: dict[int, Polygons] = {}
        worst, corners = 0.0, 0
        for places in groups.values():
            if time.perf_counter() - began > seconds:
                return f"pieces of {len(groups):,} prices take longer than {seconds_text(seconds)}"
            price, error = self._price(places[0], float(self.most[places].max()))
            worst = max(worst, error)
            corners += len(places) * len(price.x)
            if corners > _MOST_CORNERS:
                return f"its shipments take more than {_MOST_CORNERS:,} corners of straight pieces"
            prices |= {place: price.up_to(float(self.most[place])) for place in places}
        return TariffPieces(tuple(prices[place] for place in range(len(self.most))), worst)

    def _formula(self) -> Formula:
        """Return the law as money for a shipment, but for a constant, without bounds: it is paid outside them too."""
        formula, root = self.law.formula, self.law.formula.root
        if self.basis != "shipment":
            root = Product((root, Input(self.flow_inputs[0])))
        inputs = [one if one.is_category else replace(one, low=None, high=None) for one in formula.inputs]
        return Formula(root, tuple(inputs), Variable(formula.output.name), domain=Domain.unknown())

    def _price(self, place: int, most: float) -> tuple[Polygons, float]:
        """Return the price of one flow up to a largest shipment, and how far below the law it may lie."""
        scale, weight = float(self.scale[place]), float(self.weights[place])
        money = self.factor
        if self.basis == "quantity":
            money /= scale
        elif self.basis == "weight":
            money *= weight / scale
        fixed = {name: values[place] for name, values in self.fixed.items() if name in self.law.formula.used}
        formula, error = self._formula(), 0.0
        if self.flow_inputs:
            name = self.flow_inputs[0]
            largest = abs(float(formula.evaluate({**fixed, name: scale * most})))
            tolerance = max(_SHARE * largest, 1e-9)
            made = formula.piecewise(tolerance, side="under", fixed=fixed, ranges={name: (0.0, scale * most)})
            pieces, error = _of_one_variable(made), -min(0.0, made.certificate.low) * money
        else:
            flat = float(formula.evaluate(fixed))
            pieces = Pieces.through((0.0, scale * most), (flat, flat))
        found = IntervalPartition(pieces, Side.BELOW).polygons()
        found = replace(found, x=found.x / scale, y=found.y * money)
        lowest = float(found.y.min())
        if lowest < -error - _ROUNDING:
            raise FormulaError("it falls below zero, where it counts as zero")
        return found if found.y[0] <= _ROUNDING else _from_nothing(found), error + max(0.0, -lowest)


def _from_nothing(price: Polygons) -> Polygons:
    """Return a price with a polygon of one corner in front: no shipment costs nothing."""
    x, y = np.append(0.0, price.x), np.append(0.0, price.y)
    return Polygons(x, y, np.append(0, price.first + 1), np.append(0, price.last + 1))


def _of_one_variable(made: Piecewise) -> Pieces:
    """Return a program of one input as pieces."""
    definition = made.definitions[made.output - 1]
    if isinstance(definition, PieceDefinition) and definition.source == 0:
        return definition.pieces
    x = np.array([made.inputs[0].low, made.inputs[0].high], dtype=float)
    for each in made.definitions:
        if isinstance(each, PieceDefinition):
            first, last = _ends(made, x, each.source)
            bends = np.array(each.pieces.x)[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                share = (bends - first) / (last - first)
            inside = (share > _ROUNDING) & (share < 1.0 - _ROUNDING)
            x = np.union1d(x, (x[:-1] + share * np.diff(x))[inside])
    first, last = _ends(made, x, made.output)
    # rounding is no jump
    near = np.abs(first[1:] - last[:-1]) <= _ROUNDING * np.maximum(1.0, np.abs(first[1:]))
    lower = np.minimum(first[1:], last[:-1])
    first[1:], last[:-1] = np.where(near, lower, first[1:]), np.where(near, lower, last[:-1])
    return Pieces(tuple(x), tuple(first), tuple(last))


def _ends(made: Piecewise, x: Floats, place: int) -> tuple[Floats, Floats]:
    """Return the values of a quantity at both ends of intervals in which it is straight, from two points inside."""
    inside = np.concatenate([0.75 * x[:-1] + 0.25 * x[1:], 0.25 * x[:-1] + 0.75 * x[1:]])
    values = {0: inside}
    for number, definition in enumerate(made.definitions, start=1):
        values[number] = np.broadcast_to(definition.compute(values), inside.shape)
    near, far = np.split(values[place], 2)
    return near - 0.5 * (far - near), far + 0.5 * (far - near)


class ShipmentColumns:
    """The columns that price shipments: weights of corners for each flow, then binaries that choose a polygon.

    Parameters
    ----------
    pieces
        The price of each flow.
    start
        The place of the first column.

    Attributes
    ----------
    weights, flow_of_weight
        Columns of the corners, and their flows.
    beyond_nothing
        Which corners are a shipment: all but the first one of each flow.
    """

    def __init__(self, pieces: TariffPieces, start: int) -> None:
        self.pieces = pieces
        counts = [len(price.x) for price in pieces.prices]
        self.flow_of_weight = np.repeat(np.arange(len(counts)), counts)
        self.weights = start + np.arange(sum(counts), dtype=np.intp)
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
        self._x = np.concatenate([price.x for price in pieces.prices])
        self._y = np.concatenate([price.y for price in pieces.prices])
        self.beyond_nothing = np.ones(len(self._x), dtype=bool)
        self.beyond_nothing[self._starts[:-1]] = False
        binaries = np.array([price.binaries for price in pieces.prices], dtype=np.intp)
        self._first_binary = len(self._x) + np.concatenate([[0], np.cumsum(binaries)])

    @property
    def cost(self) -> Floats:
        """Money of each column."""
        return np.concatenate([self._y, np.zeros(self.pieces.binaries)])

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which columns are whole numbers; all are from zero to one."""
        return np.arange(len(self.cost)) >= len(self._x)

    def add_rows(self, rows: RowCollector, flows: Indices) -> None:
        """Add the rows that tie corners to flows, given by their columns: a flow is a mixture of those of a polygon."""
        count = len(flows)
        first = rows.add(np.zeros(count), np.zeros(count))
        rows.put(first + np.arange(count), flows, 1.0)
        rows.put(first + self.flow_of_weight, self.weights, -self._x)
        first = rows.add(np.ones(count), np.ones(count))
        rows.put(first + self.flow_of_weight, self.weights, 1.0)
        start = self.weights[0]
        for flow, price in enumerate(self.pieces.prices):
            own = self.weights[self._starts[flow] : self._starts[flow + 1]]
            for bit, corners in enumerate(price.choices()):
                column = start + self._first_binary[flow : flow + 1] + bit
                row = rows.add(np.full(2, -np.inf), np.array([0.0, 1.0]))
                for place, (kept, sign) in enumerate(zip(corners, (-1.0, 1.0), strict=True)):
                    rows.put(np.full(int(kept.sum()), row + place), own[kept], 1.0)
                    rows.put(np.array([row + place]), column, sign)

    def point(self, quantities: Floats) -> Floats:
        """Return the values of the columns at shipments, one for each flow."""
        found = np.zeros(len(self.cost))
        for flow, (price, amount) in enumerate(zip(self.pieces.prices, quantities.tolist(), strict=True)):
            lowest, start = price.lowest(amount), self._starts[flow]
            found[start + lowest.left] += 1.0 - lowest.share
            found[start + lowest.right] += lowest.share
            code = lowest.polygon ^ (lowest.polygon >> 1)
            bits = np.arange(price.binaries)
            found[self._first_binary[flow] + bits] = code >> bits & 1
        return found

    @cached_property
    def of_shipments(self) -> tuple[Indices, Indices]:
        """The columns that are zero where nothing is shipped, and the flow of each."""
        return self.weights[self.beyond_nothing], self.flow_of_weight[self.beyond_nothing]
