"""A tariff that reads the flow, made of straight pieces that lie below it by no more than is proved."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.binding import BoundFormula, Reference
from kanopt.formulas.formula import Formula
from kanopt.formulas.lowering import PieceDefinition, Pieces, Piecewise
from kanopt.formulas.nodes import Input, Product
from kanopt.formulas.variables import Variable
from kanopt.problems.law_use import unit_factor
from kanopt.problems.supply import SupplyProblem
from kanopt.text import seconds_text

Floats = NDArray[np.float64]
Cells = tuple[NDArray[np.intp], ...]
_SHARE = 0.002
"""How far below the law the pieces of a shipment may lie, as a share of the price of the largest one."""
_MOST_FLOWS, _MOST_SEGMENTS = 4_000, 40_000
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ShipmentBlock:
    """Shipments of `low` units or more at a price that is convex: money at `low`, then widths at ascending slopes."""

    low: float
    money: float
    widths: tuple[float, ...]
    slopes: tuple[float, ...]

    @property
    def high(self) -> float:
        """The largest shipment."""
        return self.low + sum(self.widths)

    def amounts(self, quantity: float) -> list[float]:
        """Return how much of each width a shipment fills."""
        left, found = quantity - self.low, []
        for width in self.widths:
            found.append(min(max(left, 0.0), width))
            left -= width
        return found

    def price(self, quantity: float) -> float:
        """Return the money for a shipment."""
        filled = zip(self.amounts(quantity), self.slopes, strict=True)
        return self.money + sum(amount * slope for amount, slope in filled)


@dataclass(frozen=True)
class ShipmentPrice:
    """The price of the shipments of one product on one lane in one period, by blocks; nothing costs nothing."""

    blocks: tuple[ShipmentBlock, ...]

    @property
    def is_convex(self) -> bool:
        """Whether it is convex from nothing on, so that no binaries are needed."""
        first = self.blocks[0]
        return len(self.blocks) == 1 and first.low == 0.0 and first.money <= _ROUNDING

    def block_of(self, quantity: float) -> int:
        """Return the cheapest block that a shipment falls into."""
        slack = _ROUNDING * max(1.0, self.blocks[-1].high)
        inside = [
            place
            for place, block in enumerate(self.blocks)
            if block.low - slack <= quantity <= block.high + slack
        ]
        return min(inside, key=lambda place: self.blocks[place].price(quantity), default=len(self.blocks) - 1)

    def up_to(self, most: float) -> ShipmentPrice:
        """Return the same price of shipments up to a size."""
        kept: list[ShipmentBlock] = []
        for block in self.blocks:
            if block.low < most or not kept:
                widths = tuple(block.amounts(most))
                kept.append(replace(block, widths=widths))
        return ShipmentPrice(tuple(kept))


@dataclass(frozen=True, eq=False)
class TariffPieces:
    """The price of every flow of a model.

    Parameters
    ----------
    prices
        One for each flow, in the order of the model.
    error
        How far they lie below the law at most, in money.
    """

    prices: tuple[ShipmentPrice, ...]
    error: float

    @property
    def segments(self) -> int:
        """The straight pieces of all prices together."""
        return sum(len(block.widths) for price in self.prices for block in price.blocks)

    @property
    def binaries(self) -> int:
        """The binaries that choose among blocks."""
        return sum(len(price.blocks) for price in self.prices if not price.is_convex)

    def money(self, quantities: Floats) -> float:
        """Return the money for shipments, one for each flow."""
        used = np.flatnonzero(quantities > 0)
        prices = [(self.prices[place], float(quantities[place])) for place in used.tolist()]
        return sum(price.blocks[price.block_of(amount)].price(amount) for price, amount in prices)


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
        prices: list[ShipmentPrice | None] = [None] * len(self.most)
        worst, segments = 0.0, 0
        for places in groups.values():
            if time.perf_counter() - began > seconds:
                return f"pieces of {len(groups):,} prices take longer than {seconds_text(seconds)}"
            price, error = self._price(places[0], float(self.most[places].max()))
            worst = max(worst, error)
            segments += len(places) * sum(len(block.widths) for block in price.blocks)
            if segments > _MOST_SEGMENTS:
                return f"its shipments take more than {_MOST_SEGMENTS:,} straight pieces"
            for place in places:
                prices[place] = price.up_to(float(self.most[place]))
        return TariffPieces(tuple(price for price in prices if price is not None), worst)

    def _formula(self) -> Formula:
        """Return the law as money for a shipment, but for a constant, without bounds: it is paid outside them too."""
        formula, root = self.law.formula, self.law.formula.root
        if self.basis != "shipment":
            root = Product((root, Input(self.flow_inputs[0])))
        inputs = [one if one.is_category else replace(one, low=None, high=None) for one in formula.inputs]
        return Formula(root, tuple(inputs), Variable(formula.output.name))

    def _price(self, place: int, most: float) -> tuple[ShipmentPrice, float]:
        """Return the price of one flow up to a largest shipment, and how far below the law it may lie."""
        scale, weight = float(self.scale[place]), float(self.weights[place])
        money = self.factor
        if self.basis == "quantity":
            money /= scale
        elif self.basis == "weight":
            money *= weight / scale
        fixed = {name: values[place] for name, values in self.fixed.items() if name in self.law.formula.used}
        formula = self._formula()
        if not self.flow_inputs:
            flat = float(formula.evaluate(fixed)) * money
            return ShipmentPrice((ShipmentBlock(0.0, flat, (most,), (0.0,)),)), 0.0
        name = self.flow_inputs[0]
        largest = abs(float(formula.evaluate({**fixed, name: scale * most})))
        tolerance = max(_SHARE * largest, 1e-9)
        made = formula.piecewise(tolerance, side="under", fixed=fixed, ranges={name: (0.0, scale * most)})
        blocks = tuple(_blocks(_of_one_variable(made), scale, money))
        error = -min(0.0, made.certificate.low) * money
        lowest = min(min(block.money, block.price(block.high)) for block in blocks)
        if lowest < -error - _ROUNDING:
            raise FormulaError("it falls below zero, where it counts as zero")
        return ShipmentPrice(blocks), error + max(0.0, -lowest)


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
    return Pieces(tuple(x), tuple(first), tuple(last))


def _ends(made: Piecewise, x: Floats, place: int) -> tuple[Floats, Floats]:
    """Return the values of a quantity at both ends of intervals in which it is straight, from two points inside."""
    inside = np.concatenate([0.75 * x[:-1] + 0.25 * x[1:], 0.25 * x[:-1] + 0.75 * x[1:]])
    values = {0: inside}
    for number, definition in enumerate(made.definitions, start=1):
        values[number] = np.broadcast_to(definition.compute(values), inside.shape)
    near, far = np.split(values[place], 2)
    return near - 0.5 * (far - near), far + 0.5 * (far - near)


def _blocks(pieces: Pieces, scale: float, money: float) -> Iterator[ShipmentBlock]:
    """Yield runs of pieces that are convex and do not jump, in units and money."""
    low = start = 0.0
    widths: list[float] = []
    slopes: list[float] = []
    end = np.nan
    for place, (begin, stop) in enumerate(zip(pieces.start, pieces.stop, strict=True)):
        width = (pieces.x[place + 1] - pieces.x[place]) / scale
        if width <= 0.0:
            continue
        slope = (stop - begin) * money / width
        size = _ROUNDING * max(1.0, abs(begin))
        goes_on = widths and abs(begin - end) <= size and slope >= slopes[-1] - size * money / width
        if widths and not goes_on:
            yield ShipmentBlock(low, start, tuple(widths), tuple(slopes))
            widths, slopes = [], []
        if not widths:
            low, start = pieces.x[place] / scale, begin * money
        widths.append(width)
        slopes.append(slope)
        end = stop
    yield ShipmentBlock(low, start, tuple(widths), tuple(slopes))
