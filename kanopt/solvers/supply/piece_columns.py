"""The columns and rows of a model by which shipments are priced in pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.linear_blocks import RowCollector
from kanopt.solvers.supply.tariff_pieces import TariffPieces

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class PieceColumns:
    """Which block a shipment falls into, and how much of each of its widths it fills.

    A flow is the low end of its block plus what it fills of the block's widths; of all blocks at most one is chosen.
    Within a block the price is convex, so that its widths fill in order without binaries. This is the multiple choice
    model of Croxton, Gendron and Magnanti (2003), "A comparison of mixed-integer programming models for nonconvex
    piecewise linear cost minimization problems", Management Science 49.

    Parameters
    ----------
    pieces
        The price of each flow.
    start
        The place of the first column.

    Attributes
    ----------
    gates, amounts
        Columns of the blocks, and of the widths.
    flow_of_gate
        The flow of each block.
    """

    def __init__(self, pieces: TariffPieces, start: int) -> None:
        self.pieces = pieces
        blocks = [(flow, block) for flow, price in enumerate(pieces.prices) for block in price.blocks]
        self.flow_of_gate = np.array([flow for flow, _ in blocks], dtype=np.intp)
        self.low = np.array([block.low for _, block in blocks], dtype=float)
        self._money = np.array([block.money for _, block in blocks], dtype=float)
        counts = [len(block.widths) for _, block in blocks]
        self.gate_of_amount = np.repeat(np.arange(len(blocks)), counts)
        self._widths = np.array([width for _, block in blocks for width in block.widths], dtype=float)
        self._slopes = np.array([slope for _, block in blocks for slope in block.slopes], dtype=float)
        self.gates = start + np.arange(len(blocks), dtype=np.intp)
        self.amounts = start + len(blocks) + np.arange(len(self._widths), dtype=np.intp)
        convex = np.array([price.is_convex for price in pieces.prices], dtype=bool)
        self.chosen = ~convex[self.flow_of_gate]
        self._first = np.searchsorted(self.flow_of_gate, np.arange(len(pieces.prices)))
        self._first_amount = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)

    @property
    def cost(self) -> Floats:
        """Money for each block chosen, then for each unit of each width."""
        return np.concatenate([self._money, self._slopes])

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        """Bounds of the columns; a price that is convex has its only block chosen."""
        zeros = np.zeros(len(self.amounts))
        return (
            np.concatenate([(~self.chosen).astype(float), zeros]),
            np.concatenate([np.ones(len(self.gates)), self._widths]),
        )

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which columns are whole numbers."""
        return np.concatenate([self.chosen, np.zeros(len(self.amounts), dtype=bool)])

    def add_rows(self, rows: RowCollector, flows: Indices) -> None:
        """Add the rows that tie blocks and widths to flows, given by their columns."""
        count = len(self.pieces.prices)
        first = rows.add(np.zeros(count), np.zeros(count))
        rows.put(first + np.arange(count), flows, 1.0)
        rows.put(first + self.flow_of_gate, self.gates, -self.low)
        rows.put(first + self.flow_of_gate[self.gate_of_amount], self.amounts, -1.0)
        first = rows.add(np.full(count, -np.inf), np.ones(count))
        rows.put(first + self.flow_of_gate, self.gates, 1.0)
        places = np.arange(len(self.amounts))
        first = rows.add(np.full(len(places), -np.inf), np.zeros(len(places)))
        rows.put(first + places, self.amounts, 1.0)
        rows.put(first + places, self.gates[self.gate_of_amount], -self._widths)

    def point(self, quantities: Floats) -> Floats:
        """Return the values of the columns at shipments, one for each flow."""
        gates, amounts = np.zeros(len(self.gates)), np.zeros(len(self.amounts))
        gates[~self.chosen] = 1.0
        for flow in np.flatnonzero(quantities > 0).tolist():
            price, quantity = self.pieces.prices[flow], float(quantities[flow])
            chosen = price.block_of(quantity)
            gate = int(self._first[flow]) + chosen
            gates[gate] = 1.0
            begin = self._first_amount[gate]
            filled = price.blocks[chosen].amounts(quantity)
            amounts[begin : begin + len(filled)] = filled
        return np.concatenate([gates, amounts])
