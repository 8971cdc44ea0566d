"""A supply problem as a linear model: flows, shortages, stocks, and sites that open or close."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.engines.highs import (
    TOLERANCE,
    HighsOptions,
    HighsResult,
    MixedIntegerModel,
    RowCollector,
    VariableBlock,
    highs_options,
    search_in_child,
)
from kanopt.supply import FlowPlan
from kanopt.supply.problem import SupplyProblem
from kanopt.supply.search.tariffs import ShipmentColumns, TariffPieces
from kanopt.supply.spare_capacity import lane_cost, paths_if_opened

# Models of which HiGHS sees a growing part: columns and rows join where they count.

_BESIDE_ROWS = ("columns", "values", "gates", "sizes")
_SCRIPT = Path(__file__).with_name("growing_child.py")
_LATE = 0.5
"""Seconds after which a search that does not look at the clock is ended; what it had found is known by then."""


@dataclass(frozen=True, eq=False)
class RowPool:
    """Rows that every whole point keeps, and that make the relaxation tighter: ``Σ flows − size · gate ≤ 0``.

    Parameters
    ----------
    rows, columns, values
        Their non-zero entries, shape (k,).
    gates, sizes
        The column of a row that is a whole number, zero or one, and how much flows where it is one, shape (m,).
    """

    rows: Indices
    columns: Indices
    values: Floats
    gates: Indices
    sizes: Floats

    @classmethod
    def of_gates(cls, rows: Indices, columns: Indices, gates: Indices, sizes: Floats) -> RowPool:
        """Return a row for each gate: the sum of what has its number in `rows`, less its size times the gate."""
        return cls(
            rows=np.concatenate([rows, np.arange(len(gates))]),
            columns=np.concatenate([columns, gates]),
            values=np.concatenate([np.ones(len(rows)), -sizes]),
            gates=gates,
            sizes=sizes,
        )

    def joined(self, other: RowPool) -> RowPool:
        """Return the rows of both."""
        return RowPool(
            np.concatenate([self.rows, len(self.gates) + other.rows]),
            *(np.concatenate([vars(self)[name], vars(other)[name]]) for name in _BESIDE_ROWS),
        )


@dataclass(frozen=True, eq=False)
class GrowingModel:
    """A linear model, a pool of rows, and the columns to begin with.

    Parameters
    ----------
    linear
        The model.
    pool
        Its further rows.
    start
        The columns that the relaxation begins with; of a small model it sees all.
    rounds
        Whether whole numbers near those of a relaxation are worth trying.
    """

    linear: MixedIntegerModel
    pool: RowPool
    start: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    rounds: bool = True


def run_growing(model: GrowingModel, options: HighsOptions, tries: tuple[Floats, ...] = ()) -> HighsResult:
    """Minimise a model.

    The relaxation of some columns and of the model's own rows is solved, then with what it lacks: columns of negative
    reduced cost, and violated rows of the pool. Every set of multipliers gives a bound on the whole model. Its whole
    numbers are rounded for first points; then HiGHS branches on the columns that may have a part in a better one.

    Parameters
    ----------
    model
        What to minimise.
    options
        How long; the hint must be a point of the model.
    tries
        Whole numbers to try early, each of the shape (number of whole columns,).

    Returns
    -------
    HighsResult
        With a bound on the whole model, whatever part of it was branched on.
    """
    linear = model.linear
    seen = linear.to_arrays()
    order = {
        "model": seen,
        "pool": vars(model.pool),
        "start": model.start,
        "options": highs_options(options),
        "hint": options.hint,
        "tries": list(tries),
        "rounds": model.rounds,
        "time_limit": max(0.0, options.time_limit),
    }
    return search_in_child(_SCRIPT, order, options, len(linear.cost), options.time_limit + _LATE)


_NEGLIGIBLE = 1e-9
_SMALLEST_SIZE = 1e-7
_LEAST_EACH, _MOST_EACH, _FLOWS = 3, 30, 60_000
"""The relaxation begins with so many ways to meet each demand, and with about so many deliveries in all."""


@dataclass(frozen=True, eq=False)
class SupplyProgram:
    """The linear model of a supply problem.

    Variables: the flow of each product on each lane in each period; the shortage of each market; the stock kept
    at the end of every period but the last; whether each site is open (in any period), and for sites with a period
    cost whether it is open in each period; whether anything is bought where that costs a fixed amount, or must be a
    least one. Rows: balances of markets and sites, and capacities. That is the weak form of facility location. The rows
    of the strong form, that a site sends a market at most its demand and nothing while it is closed, make the
    relaxation tight, but are as many as the flows: they are the model's pool.

    Parameters
    ----------
    problem
        The problem.
    must_deliver
        Whether demand of products without a shortage cost is met in every plan; if not, its shortage is a
        variable without cost.
    most_missing
        Units of such demand that may be missing in total; only read where `must_deliver` is False.
    rates
        Money per unit moved, shape (L, P, T), in place of the tariff at planning values.
    pieces
        The tariff of each flow as pieces, in place of a rate: then there are variables for the corners of which a
        shipment is a mixture.
    """

    problem: SupplyProblem
    must_deliver: bool = True
    most_missing: float = np.inf
    rates: Floats | None = None
    pieces: TariffPieces | None = None

    @cached_property
    def _total(self) -> float:
        """The weight of all demand; no site ever needs to pass on more."""
        weights = self.problem.network.weights
        return max(1.0, float(np.einsum("mpt,p->", self.problem.demand_array, weights)))

    @cached_property
    def _capacity(self) -> Floats:
        return np.minimum(self.problem.network.of_facilities("capacity"), self._total)

    @cached_property
    def _storage(self) -> Floats:
        network = self.problem.network
        return np.minimum(network.limits["storage"], self._total + network.initial_stock @ network.weights)

    @cached_property
    def flow(self) -> VariableBlock:
        """Flows, of (L, P, T)."""
        network = self.problem.network
        wanted = np.ones((len(network.node_names), *network.shape[1:]), dtype=bool)
        wanted[network.market_nodes] = self.problem.demand_array > 0
        useful = wanted[network.heads] & network.can_carry[:, :, None]
        return VariableBlock.of(useful & (network.lane_capacity > 0)[:, None, None], 0)

    @cached_property
    def shortage(self) -> VariableBlock:
        """Shortages, of (M, P, T)."""
        return VariableBlock.of(self.problem.demand_array > 0, self.flow.stop)

    @cached_property
    def stock(self) -> VariableBlock:
        """Stocks, of (F, P, T); at the end only what was there at first may be left."""
        network = self.problem.network
        kept = np.repeat((self._storage > 0)[:, None], network.shape[2], axis=1)
        kept[:, -1] = network.initial_stock.any(axis=1)
        shape = (len(network.facilities), *network.shape[1:])
        return VariableBlock.of(np.broadcast_to(kept[:, None, :], shape), self.shortage.stop)

    @cached_property
    def site(self) -> VariableBlock:
        """Whether a site is open at all, of (F,)."""
        return VariableBlock.of(np.ones(len(self.problem.network.facilities), dtype=bool), self.stock.stop)

    @cached_property
    def site_period(self) -> VariableBlock:
        """Whether a site with a period cost is open in a period, of (F, T)."""
        network = self.problem.network
        by_period = network.of_facilities("period_cost") > 0
        mask = np.repeat(by_period[:, None], network.shape[2], axis=1)
        return VariableBlock.of(mask, self.site.stop)

    @cached_property
    def order(self) -> VariableBlock:
        """Whether anything is bought in a period of an offer with a minimum order or a fixed cost, of (O, T)."""
        network = self.problem.network
        gated = (network.minimum_orders > 0) | (network.order_costs > 0)
        mask = np.repeat(gated[:, None], network.shape[2], axis=1)
        return VariableBlock.of(mask, self.site_period.stop)

    @cached_property
    def shipments(self) -> ShipmentColumns | None:
        """The variables of shipments whose price is in pieces."""
        return None if self.pieces is None else ShipmentColumns(self.pieces, self.order.stop)

    @property
    def _of_shipments(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Cost and kind of the variables of shipments, which lie between zero and one."""
        none = np.zeros(0)
        return (none, none > 0) if self.shipments is None else (self.shipments.cost, self.shipments.whole)

    @property
    def _rates(self) -> Floats:
        """Money per unit of each flow, purchase and handling included."""
        per_unit = lane_cost(self.problem)[self.flow.cells]
        planned = self.problem.lane_tariff.rates[self.flow.cells]
        if self.pieces is not None:
            return np.maximum(per_unit - planned, 0.0)
        return per_unit if self.rates is None else per_unit - planned + self.rates[self.flow.cells]

    @property
    def cost(self) -> Floats:
        """Money per variable, shape (n,)."""
        return self._columns[0]

    @cached_property
    def _columns(self) -> tuple[Floats, ...]:
        """Cost and bounds of all variables, shape (n,) each."""
        network = self.problem.network
        short, stored = self.problem.demand_array[self.shortage.cells], self._storage[self.stock.cells[0]]
        if self.must_deliver:
            short = np.where(network.must_deliver[self.shortage.cells[:2]], 0.0, short)
        forced, free, period = (
            network.has_status("open"),
            ~network.has_status("closed"),
            self.site_period.cells[0],
        )
        holding, by_period = (network.of_facilities(name) for name in ("holding_cost", "period_cost"))
        blocks = (
            (self._rates, 0.0, self.most_flow),
            (network.paid_shortage[self.shortage.cells[:2]], 0.0, short),
            (holding[self.stock.cells[0]], 0.0, stored / network.weights[self.stock.cells[1]]),
            (network.of_facilities("fixed_cost"), forced, free),
            (by_period[period], forced[period], free[period]),
            (network.order_costs[self.order.cells[0]], 0.0, 1.0),
            (self._of_shipments[0], 0.0, 1.0),
        )
        columns = (np.broadcast_arrays(*block) for block in blocks)
        return tuple(np.concatenate(each).astype(float) for each in zip(*columns, strict=True))

    @property
    def missing(self) -> Floats:
        """One for each shortage that should not be, shape (n,): the cost of leaving out what must be delivered."""
        weight = np.zeros(len(self.cost))
        mandatory = self.problem.network.must_deliver[self.shortage.cells[:2]]
        weight[self.shortage.start : self.shortage.stop] = mandatory
        return weight

    @cached_property
    def linear(self) -> MixedIntegerModel:
        """The model for HiGHS."""
        rows = RowCollector()
        self._balance_rows(rows)
        self._limit_rows(rows)
        if self.shipments is not None:
            self.shipments.add_rows(rows, self.flow.columns)
        if not self.must_deliver and np.isfinite(self.most_missing):
            first = rows.add(np.array([-np.inf]), np.array([self.most_missing]))
            columns = np.flatnonzero(self.missing)
            rows.put(np.full(len(columns), first), columns, 1.0)
        cost, lower, upper = self._columns
        row, column, value = rows.matrix
        gates = np.arange(self.order.stop) >= self.site.start
        whole = np.concatenate([gates, self._of_shipments[1]])
        return MixedIntegerModel(
            cost,
            lower,
            upper,
            whole,
            row,
            column,
            value,
            np.concatenate(rows.lower),
            np.concatenate(rows.upper),
        )

    @cached_property
    def most_flow(self) -> Floats:
        """Units that each flow may be at most: what lane, places and offer let through, and what is wanted."""
        network, demand = self.problem.network, self.problem.demand_array
        lane, product, period = self.flow.cells
        site, market = self._sites_and_markets
        through = np.append(self._capacity, self._total)
        last = len(network.facilities)
        head = network.heads[lane] - network.facility_nodes.start
        ends = (np.where(site >= 0, site, last), np.where(market < 0, head, last))
        weight = np.minimum.reduce([network.lane_capacity[lane], *(through[end] for end in ends)])
        offered = np.append([offer.capacity for offer in network.suppliers], np.inf)
        most = np.minimum(weight / network.weights[product], offered[network.lane_offer[lane, product]])
        wanted = demand[np.maximum(market, 0), product, period]
        return np.asarray(np.where(market >= 0, np.minimum(most, wanted), most), dtype=float)

    def gates(self, opened: NDArray[np.bool_]) -> tuple[Indices, Floats]:
        """Return the variables of sites, and their values where these are open, shape (F, T)."""
        columns = np.arange(self.site.start, self.site_period.stop)
        return columns, np.concatenate([opened.any(axis=1), opened[self.site_period.cells]]).astype(float)

    def _open_columns(self) -> Indices:
        """Return the variable that says whether a site is open in a period, shape (F, T)."""
        by_period = self.site_period.column_of()
        return np.where(by_period >= 0, by_period, self.site.column_of()[:, None])

    def _balance_rows(self, rows: RowCollector) -> None:
        """Balance markets (deliveries and shortage meet demand) and sites (what enters leaves or is stocked)."""
        network = self.problem.network
        lane, product, period = self.flow.cells
        nodes = (len(network.node_names), *network.shape[1:])
        row_of = np.full(nodes, -1, dtype=np.intp)
        markets, sites = row_of[network.market_nodes], row_of[network.facility_nodes]
        wanted = self.problem.demand_array[self.shortage.cells]
        first = rows.add(wanted, wanted)
        markets[self.shortage.cells] = first + np.arange(len(wanted))
        rows.put(markets[self.shortage.cells], self.shortage.columns, 1.0)
        there = np.zeros(sites.shape)
        there[:, :, 0] = network.initial_stock
        first = rows.add(-there.ravel(), -there.ravel())
        sites[...] = first + np.arange(sites.size).reshape(sites.shape)
        rows.put(row_of[network.heads[lane], product, period], self.flow.columns, 1.0)
        leaving = network.tails[lane] >= network.facility_nodes.start
        from_site = row_of[network.tails[lane], product, period]
        rows.put(from_site[leaving], self.flow.columns[leaving], -1.0)
        site, kind, when = self.stock.cells
        rows.put(sites[site, kind, when], self.stock.columns, -1.0)
        goes_on = when + 1 < network.shape[2]
        after = sites[site[goes_on], kind[goes_on], when[goes_on] + 1]
        rows.put(after, self.stock.columns[goes_on], 1.0)

    def _limit_rows(self, rows: RowCollector) -> None:
        """Limit what suppliers sell, lanes carry, and sites receive, send and keep; closed ones do nothing."""
        network, opened = self.problem.network, self._open_columns()
        lane, product, period = self.flow.cells
        moved = self.flow.columns, network.weights[product]
        offered = np.array([offer.capacity for offer in network.suppliers])
        drawn = network.lane_offer[lane, product], period
        self._limit(rows, offered, drawn, (self.flow.columns, np.ones(len(lane))))
        self._order_rows(rows, offered, drawn)
        self._limit(rows, network.lane_capacity, (lane, period), moved)
        for ends in (network.heads, network.tails):
            site = ends[lane] - network.facility_nodes.start
            site = np.where(site < len(network.facilities), site, -1)
            self._limit(rows, self._capacity, (site, period), moved, opened)
        if len(self.stock.columns):
            self._stock_rows(rows, opened)
        by_period = self.site_period
        first = rows.add(np.full(len(by_period.columns), -np.inf), np.zeros(len(by_period.columns)))
        link = first + np.arange(len(by_period.columns))
        rows.put(link, by_period.columns, 1.0)
        rows.put(link, self.site.column_of()[by_period.cells[0]], -1.0)

    def _order_rows(self, rows: RowCollector, offered: Floats, drawn: tuple[Indices, Indices]) -> None:
        """Buy nothing of an offer, or at least its minimum order."""
        offer, gate = self.order.cells[0], self.order.columns
        flow_row = self.order.column_of()[drawn] - self.order.start
        sold = (drawn[0] >= 0) & (flow_row >= 0)
        most = np.minimum(offered, self._total / self.problem.network.weights.min())[offer]
        none, free = np.zeros(len(gate)), np.full(len(gate), np.inf)
        for low, high, size in (
            (none, free, self.problem.network.minimum_orders[offer]),
            (-free, none, most),
        ):
            first = rows.add(low, high)
            rows.put(first + flow_row[sold], self.flow.columns[sold], 1.0)
            rows.put(first + np.arange(len(gate)), gate, -size)

    def _stock_rows(self, rows: RowCollector, opened: Indices) -> None:
        """Let a closed site keep what was there at first, no more and no less, and an open one what it has room for."""
        network = self.problem.network
        site, kind, when = self.stock.cells
        kept = self.stock.columns, network.weights[kind]
        there = (network.initial_stock @ network.weights)[site] > 0
        place = np.where(there, -1, site)
        self._limit(rows, self._storage, (place, when), kept, opened)
        first, gate = network.initial_stock[site, kind][there], opened[site[there], when[there]]
        room = self._storage[site[there]] / network.weights[kind[there]]
        for low, high, size in ((-np.inf, first, first - room), (first, np.inf, first)):
            row = rows.add(low + np.zeros(len(first)), high + np.zeros(len(first))) + np.arange(len(first))
            rows.put(row, self.stock.columns[there], 1.0)
            rows.put(row, gate, size)

    def _limit(
        self,
        rows: RowCollector,
        limits: Floats,
        places: tuple[Indices, Indices],
        weighed: tuple[Indices, Floats],
        opened: Indices | None = None,
    ) -> None:
        """Limit the sums of variables at places of a kind in each period, to nothing where a gate is closed.

        Parameters
        ----------
        rows
            Where they are put.
        limits
            Of each place, (n,).
        places
            Place and period of each variable; a negative place is none.
        weighed
            Each variable, and how much of the limit a unit of it takes.
        opened
            The gates, (n, T).
        """
        full = np.repeat(limits[:, None], self.problem.network.shape[2], axis=1)
        row_of, finite = np.full(full.shape, -1, dtype=np.intp), np.isfinite(full)
        most = full[finite] if opened is None else np.zeros(int(finite.sum()))
        row_of[finite] = rows.add(np.full(len(most), -np.inf), most) + np.arange(len(most))
        if opened is not None:
            rows.put(row_of[finite], opened[finite], -full[finite])
        (place, period), (columns, weights) = places, weighed
        somewhere = place >= 0
        row, columns, weights = (
            row_of[place[somewhere], period[somewhere]],
            columns[somewhere],
            weights[somewhere],
        )
        rows.put(row[row >= 0], columns[row >= 0], weights[row >= 0])

    @cached_property
    def pool(self) -> RowPool:
        """The rows of the strong form."""
        network = self.problem.network
        _, product, period = self.flow.cells
        site, market = self._sites_and_markets
        demand = self.problem.demand_array
        # HiGHS takes what is much smaller for zero
        large = demand[np.maximum(market, 0), product, period] > _SMALLEST_SIZE
        serving = (site >= 0) & (market >= 0) & large
        shape = (len(network.facilities), *demand.shape)
        served = (site[serving], market[serving], product[serving], period[serving])
        found, place = np.unique(np.ravel_multi_index(served, shape), return_inverse=True)
        site, market, product, period = np.unravel_index(found, shape)
        sizes, gates = demand[market, product, period], self._open_columns()[site, period]
        pool = RowPool.of_gates(place, self.flow.columns[serving], gates, sizes)
        return pool if self.shipments is None else pool.joined(self._shipment_rows(self.shipments))

    def _shipment_rows(self, shipments: ShipmentColumns) -> RowPool:
        """Return rows by which a shipment of any size leaves from, or goes to, a site that is open."""
        network = self.problem.network
        lane, _, period = self.flow.cells
        tail, market = self._sites_and_markets
        head = network.heads[lane] - network.facility_nodes.start
        site = np.where(tail >= 0, tail, np.where(market < 0, head, -1))
        columns, flow = shipments.chosen
        at_site = site[flow] >= 0
        flows, place = np.unique(flow[at_site], return_inverse=True)
        gates = self._open_columns()[site[flows], period[flows]]
        return RowPool.of_gates(place, columns[at_site], gates, np.ones(len(flows)))

    @property
    def _sites_and_markets(self) -> tuple[Indices, Indices]:
        """Where each flow starts and ends: the place of the site, and of the market; negative where it is none."""
        network = self.problem.network
        lane = self.flow.cells[0]
        return (
            network.tails[lane] - network.facility_nodes.start,
            network.heads[lane] - network.market_nodes.start,
        )

    @property
    def start(self) -> Indices:
        """The columns to begin with: all but deliveries, and of these the cheapest few for each demand."""
        network, problem = self.problem.network, self.problem
        site, market = self._sites_and_markets
        before = paths_if_opened(problem).cost
        lane, product, period = self.flow.cells
        share = network.of_facilities("fixed_cost") / np.maximum(
            self._capacity * network.shape[2], _NEGLIGIBLE
        )
        share = share + network.of_facilities("period_cost") / np.maximum(self._capacity, _NEGLIGIBLE)
        price = self.cost[self.flow.columns] + before[network.tails[lane], product, period]
        price = price + np.where(site >= 0, np.append(share, 0.0)[np.maximum(site, 0)], 0.0)
        cell = np.where(market >= 0, self.shortage.column_of()[np.maximum(market, 0), product, period], -1)
        order = np.lexsort((price, cell))
        count = np.arange(len(order))
        first = np.diff(cell[order], prepend=-2) > 0
        rank = count - np.maximum.accumulate(np.where(first, count, 0))
        each = min(_MOST_EACH, max(_LEAST_EACH, _FLOWS // max(1, len(self.shortage.columns))))
        chosen = order[(cell[order] < 0) | (rank < each)]
        return np.concatenate([np.sort(chosen), np.arange(self.flow.stop, len(self.cost))])

    @property
    def growing(self) -> GrowingModel:
        """The model, its pool, and the columns to begin with."""
        return GrowingModel(self.linear, self.pool, self.start, rounds=self.shipments is None)

    def point(self, plan: FlowPlan) -> Floats:
        """Return a plan as a point of the model, shape (n,)."""
        ledger = self.problem.assess(plan).simulation
        flows = ledger.flows[self.flow.cells]
        return np.concatenate(
            [
                flows,
                ledger.shortage[self.shortage.cells],
                ledger.stock[self.stock.cells],
                ledger.open.any(axis=1).astype(float),
                ledger.open[self.site_period.cells].astype(float),
                (ledger.used["supply"][self.order.cells] > 0).astype(float),
                np.zeros(0) if self.shipments is None else self.shipments.point(flows),
            ]
        )

    def opened(self, point: Floats) -> NDArray[np.bool_]:
        """Return which sites are open at a point, shape (F, T)."""
        by_period = self.site_period.column_of() >= 0
        throughout = np.broadcast_to(self.site.to_array(point)[:, None] > 0.5, by_period.shape)
        return np.where(by_period, self.site_period.to_array(point) > 0.5, throughout)

    def plan(self, point: Floats) -> FlowPlan:
        """Return a point as a plan: tiny flows are none, and a site is open or not.

        Stocks and shortages are not read: they follow from the flows, so every balance holds exactly.
        """
        network, opened = self.problem.network, self.opened(point)
        flows = self.flow.to_array(point)
        flows = np.where(flows > _NEGLIGIBLE * max(1.0, float(flows.max(initial=0.0))), flows, 0.0)
        at_node = np.ones((len(network.node_names), network.shape[2]), dtype=bool)
        at_node[network.facility_nodes] = opened
        passable = (at_node[network.tails] & at_node[network.heads])[:, None, :]
        ordered = self.order.to_array(point) > 0.5
        ordered |= self.order.column_of() < 0
        # the place -1 is that of what no offer is drawn for
        ordered = np.concatenate([ordered, np.ones((1, network.shape[2]), dtype=bool)])
        return self.problem.plan_of(np.where(passable & ordered[network.lane_offer], flows, 0.0), opened)

    def rounding_bound(self, point: Floats, plan: FlowPlan) -> float:
        """Return a bound on the difference between the price of a point and that of the plan made of it.

        The triangle inequality: what moved, at its price; plus costs too small for the solver; plus the solver's
        tolerance on every variable, at its price.
        """
        moved = np.abs(point - self.point(plan))
        dropped = np.abs(self.cost - self.linear.effective_cost)
        linear = float(np.abs(self.cost) @ (moved + TOLERANCE) + dropped @ np.abs(point))
        return linear + self._below_law(plan)

    def _below_law(self, plan: FlowPlan) -> float:
        """Return by how much the law's price of the shipments of a plan is off that of the pieces."""
        if self.pieces is None:
            return 0.0
        flows = self.problem.assess(plan).simulation.flows
        law = float(self.problem.lane_tariff.amounts(flows).sum())
        return abs(law - self.pieces.money(flows[self.flow.cells]))
