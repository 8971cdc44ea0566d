"""A tariff that reads the flow: straight pieces that lie below it by no more than is proved, and their columns."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.engines.highs import RowCollector
from kanopt.engines.polygons import IntervalPartition, Lowest, MixtureColumns, Polygons, Side
from kanopt.errors import FormulaError
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.formulas.lowering.program import PieceDefinition, Pieces, Piecewise
from kanopt.formulas.nodes import Input, Product
from kanopt.formulas.variables import Reference, Variable
from kanopt.plans.law_use import unit_factor
from kanopt.supply.problem import SupplyProblem
from kanopt.text import seconds_text

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
        One for each flow, in the order of the model: polygons below the price of a shipment; none costs nothing.
    error
        How far they lie below the law at most, in money.
    """

    prices: tuple[Polygons, ...]
    error: float

    @property
    def segments(self) -> int:
        """The straight pieces of all prices together."""
        return sum(len(price.x) - price.count for price in self.prices)

    def money(self, quantities: Floats) -> float:
        """Return the money for shipments, one for each flow."""
        used = np.flatnonzero(quantities > 0).tolist()
        return sum(self.prices[flow].lowest(float(quantities[flow])).value for flow in used)


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
        return Formula(root, tuple(inputs), Variable(formula.output.name))

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
        return found, error + max(0.0, -lowest)


def is_chosen(price: Polygons) -> bool:
    """Return whether it takes a whole number to say that there is a shipment, or in which polygon it is."""
    return price.count > 1 or price.y[0] > _ROUNDING


def _of_one_variable(made: Piecewise) -> Pieces:
    """Return a program of one input as pieces."""
    curves = [each for each in made.definitions if isinstance(each, PieceDefinition)]
    if curves:  # whatever reads one input alone is one function of it
        assert made.definitions[made.output - 1] is curves[0]
        return curves[0].pieces
    ends = np.array([made.inputs[0].low, made.inputs[0].high], dtype=float)
    return Pieces.through(ends, made.evaluate({made.inputs[0].name: ends}))


class ShipmentColumns:
    """The columns that price shipments: each is a mixture of corners of one polygon, or nothing, which costs nothing.

    Parameters
    ----------
    pieces
        The price of each flow.
    start
        The place of the first column.
    """

    def __init__(self, pieces: TariffPieces, start: int) -> None:
        self._prices = pieces.prices
        self._mixture = MixtureColumns([p.or_nothing() if is_chosen(p) else p for p in pieces.prices], start)

    @property
    def cost(self) -> Floats:
        """Money of each column; each lies between zero and one."""
        return np.concatenate([self._mixture.y, np.zeros(len(self._mixture.binaries))])

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which columns are whole numbers."""
        return np.arange(len(self.cost)) >= len(self._mixture.weights)

    @property
    def chosen(self) -> tuple[Indices, Indices]:
        """The columns whose sum is one where a shipment is chosen, and the flow of each."""
        mixture = self._mixture
        is_part = np.array([is_chosen(price) for price in self._prices], dtype=bool)[mixture.owner]
        is_part[mixture.first[:-1]] = False
        return mixture.weights[is_part], mixture.owner[is_part]

    def add_rows(self, rows: RowCollector, flows: Indices) -> None:
        """Add the rows that tie corners to flows, given by their columns."""
        first = rows.add(np.zeros(len(flows)), np.zeros(len(flows)))
        rows.put(first + np.arange(len(flows)), flows, 1.0)
        rows.put(first + self._mixture.owner, self._mixture.weights, -self._mixture.x)
        self._mixture.add_rows(rows)

    def point(self, quantities: Floats) -> Floats:
        """Return the values of the columns at shipments, one for each flow."""
        nothing = Lowest(0, 0, 0.0, 0.0)
        pairs = zip(self._mixture.shapes, quantities.tolist(), strict=True)
        return self._mixture.point(
            [shape.lowest(amount) if amount > 0 else nothing for shape, amount in pairs]
        )
