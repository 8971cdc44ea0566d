"""Why demand is not met and why sites are closed, and the smallest change that would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.findings import Reason
from kanopt.problems.supply.capacity_gaps import Gaps, gaps
from kanopt.problems.supply.cheapest_paths import Paths, Step
from kanopt.problems.supply.closures import why_closed
from kanopt.problems.supply.network import Floats
from kanopt.problems.supply.simulate.ledger import TOLERANCE, Ledger
from kanopt.problems.supply.spare_capacity import Room, lane_cost, ways

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

__all__ = ["why_impossible", "why_so"]


def why_so(problem: SupplyProblem, ledger: Ledger) -> tuple[Reason, ...]:
    """Return a reason for every shortage and every closed site."""
    network = problem.network
    asked = _Shortages(problem, ledger)
    places = np.argwhere(ledger.shortage > 0)
    unserved = tuple(
        asked.reason(int(market), int(product), int(period)) for market, product, period in places
    )
    return unserved + why_closed(problem, ledger) if len(network.facilities) else unserved


def why_impossible(problem: SupplyProblem) -> tuple[Reason, ...]:
    """Return what arithmetic proves about demand that must be met and cannot be; empty where it proves nothing."""
    network = problem.network
    mandatory = np.isinf(network.shortage_cost)[None, :, None]
    demand = np.where(mandatory, problem.wanted, 0.0)
    allowed = np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1)
    cut_off = (demand > 0) & np.isinf(ways(problem, allowed).to_markets)
    found = [
        Reason(
            f"market {network.market_names[market]}",
            "infeasible",
            f"no lane leads from a supplier of {network.product_names[product]} to "
            f"{network.market_names[market]} by a site that may open",
            "add a lane, or open a site that is closed by its status",
            proved=True,
        )
        for market, product in np.argwhere(cut_off.any(axis=2))
    ]
    gap = gaps(problem, demand)
    found += [
        Reason("supply", "infeasible", *_supply_gap(problem, gap, int(product), int(period)), proved=True)
        for product, period in np.argwhere(gap.supply > 0)
    ]
    found += [
        Reason("facilities", "infeasible", *_site_gap(problem, gap, int(period)), proved=True)
        for period in np.flatnonzero(gap.sites > 0)
    ]
    found += [
        Reason(
            f"market {network.market_names[market]}",
            "infeasible",
            *_lane_gap(problem, gap, int(market), int(period)),
            proved=True,
        )
        for market, period in np.argwhere(gap.lanes > 0)
    ]
    return tuple(found)


def _supply_gap(problem: SupplyProblem, gap: Gaps, product: int, period: int) -> tuple[str, str]:
    name, unit = problem.network.product_names[product], problem.units.quantity
    missing = f"{gap.supply[product, period]:,.6g} {unit}"
    when = gap.when(problem.network.period_names[period])
    return (
        f"suppliers can sell {missing} of {name} less than all markets want {when}, whatever the plan",
        f"raise the supply of {name} {when} by {missing} to serve all markets",
    )


def _site_gap(problem: SupplyProblem, gap: Gaps, period: int) -> tuple[str, str]:
    missing = f"{gap.sites[period]:,.6g} {problem.units.weight}"
    when = gap.when(problem.network.period_names[period])
    return (
        f"all sites that may open pass on {missing} less than all markets want {when}, whatever the plan",
        f"raise the throughput of sites {when} by {missing} to serve all markets",
    )


def _lane_gap(problem: SupplyProblem, gap: Gaps, market: int, period: int) -> tuple[str, str]:
    name, when = problem.network.market_names[market], problem.network.period_names[period]
    missing = f"{gap.lanes[market, period]:,.6g} {problem.units.weight}"
    return (
        f"the lanes into {name} carry {missing} less than it wants in period {when}, whatever the plan",
        f"raise the capacity of lanes into {name} in period {when} by {missing} to serve it",
    )


@dataclass(frozen=True, eq=False)
class _Shortages:
    """Finds the reason of single shortages of one plan."""

    problem: SupplyProblem
    ledger: Ledger

    @cached_property
    def room(self) -> Room:
        return Room(self.problem, self.ledger)

    @cached_property
    def gaps(self) -> Gaps:
        return gaps(self.problem, self.problem.wanted)

    @cached_property
    def missing(self) -> Gaps:
        """What the plan leaves out, counted like the gaps; less what tolerances allow."""
        short, weights = self.ledger.shortage * (1.0 - TOLERANCE), self.problem.network.weights
        by_product, by_market = short.sum(axis=0), np.einsum("mpt,p->mt", short, weights)
        from_start = self.gaps.from_start
        return Gaps(
            supply=np.cumsum(by_product, axis=1) if from_start else by_product,
            sites=np.cumsum(by_market.sum(axis=0)) if from_start else by_market.sum(axis=0),
            lanes=by_market,
            from_start=from_start,
        )

    @cached_property
    def possible(self) -> Paths:
        """Cheapest ways if every site opened that may."""
        network = self.problem.network
        allowed = np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1)
        return ways(self.problem, allowed)

    @cached_property
    def present(self) -> Paths:
        """Cheapest ways through the sites that are open."""
        return ways(self.problem, self.ledger.open)

    def reason(self, market: int, product: int, period: int) -> Reason:
        """Return why a market lacks a product in a period."""
        network, unit = self.problem.network, self.problem.units.quantity
        cell = (market, product, period)
        lack, want = float(self.ledger.shortage[cell]), float(self.ledger.demand[cell])
        start = (
            f"{network.market_names[market]} lacks {lack:,.6g} of {want:,.6g} {unit} of "
            f"{network.product_names[product]} in period {network.period_names[period]}: "
        )
        why, relaxation, proved = self._why(cell, lack)
        return Reason(f"market {network.market_names[market]}", "unserved", start + why, relaxation, proved)

    def _why(self, cell: tuple[int, int, int], lack: float) -> tuple[str, str, bool]:
        """Return the cause, its relaxation and whether it is proved; the first that applies."""
        best = float(self.possible.to_markets[cell])
        price = float(self.problem.network.shortage_cost[cell[1]])
        exact = not self.problem.tariffs.reads_flow
        money = self.problem.units.per_quantity
        if np.isinf(best):
            return (
                "no lane leads from a supplier of it there by a site that may open",
                "add a lane, or open a site that is closed by its status",
                True,
            )
        if best >= price:
            return (
                f"not serving is cheaper: the shortage costs {price:,.4f} {money}, the cheapest way "
                f"({self._told(self.possible, cell)}) at least {best:,.4f}",
                f"a shortage cost above {best:,.4f} {money}",
                exact,
            )
        return self._limit(cell) or self._closed(cell, price) or self._full(cell, lack, price)

    def _limit(self, cell: tuple[int, int, int]) -> tuple[str, str, bool] | None:
        """Return a capacity that no plan can overcome and that explains all that is missing."""
        market, product, period = cell
        missing = self.missing
        if missing.lanes[market, period] <= self.gaps.lanes[market, period]:
            return (*_lane_gap(self.problem, self.gaps, market, period), True)
        if missing.supply[product, period] <= self.gaps.supply[product, period]:
            return (*_supply_gap(self.problem, self.gaps, product, period), True)
        if missing.sites[period] <= self.gaps.sites[period]:
            return (*_site_gap(self.problem, self.gaps, period), True)
        return None

    def _closed(self, cell: tuple[int, int, int], price: float) -> tuple[str, str, bool] | None:
        """Return that every way worth taking leads through a closed site."""
        present = float(self.present.to_markets[cell])
        if present < price:
            return None
        money = self.problem.units.per_quantity
        now = (
            "no open site leads there"
            if np.isinf(present)
            else f"through open sites the cheapest way costs {present:,.4f} {money}, the shortage {price:,.4f}"
        )
        return (
            f"{now}; the cheapest way ({self._told(self.possible, cell)}) costs "
            f"{float(self.possible.to_markets[cell]):,.4f} without the cost of opening",
            f"open {' and '.join(self._shut(cell))}",
            False,
        )

    def _full(self, cell: tuple[int, int, int], lack: float, price: float) -> tuple[str, str, bool]:
        """Return the capacities that are full on the way with the fewest of them."""
        paths = self.room.easiest
        steps = paths.trace(*cell)
        if self._cost(steps, cell[1]) >= price:
            paths = self.present
            steps = paths.trace(*cell)
        limits = [limit for step in steps for limit in self.room.limits(step, cell[1])]
        full = [limit for limit in limits if limit.is_full]
        spare = min([lack, *(limit.spare / limit.per_unit for limit in limits if not limit.is_full)])
        way, unit = self._told(paths, cell), self.problem.units.quantity
        if not full:
            cost = self._cost(steps, cell[1])
            return (
                f"the plan leaves room for {spare:,.6g} {unit} more ({way}) at {cost:,.4f} each, less than the "
                "shortage costs",
                f"move {spare:,.6g} {unit} more that way",
                False,
            )
        names = " and ".join(
            f"{limit.what} ({limit.most - limit.spare:,.6g} of {limit.most:,.6g} {limit.unit})"
            for limit in full
        )
        raised = " and ".join(f"{limit.what} by {spare * limit.per_unit:,.6g} {limit.unit}" for limit in full)
        return (
            f"full on the way with most room ({way}): {names}",
            f"raise {raised}: {spare:,.6g} {unit} more can then be delivered that way",
            False,
        )

    def _cost(self, steps: tuple[Step, ...], product: int) -> float:
        """Return the money per unit of a way at planning values, full capacities not counted."""
        holding = self.problem.network.of_facilities("holding_cost")
        return float(
            sum(
                holding[step.site] if step.lane < 0 else self.rates[step.lane, product, step.period]
                for step in steps
            )
        )

    @cached_property
    def rates(self) -> Floats:
        """Money per unit moved on each lane, shape (L, P, T)."""
        return lane_cost(self.problem)

    def _told(self, paths: Paths, cell: tuple[int, int, int]) -> str:
        """Say which way it is: ``mill → north → Lyon``."""
        network = self.problem.network
        steps = [step for step in paths.trace(*cell) if step.lane >= 0]
        places = [network.lanes[steps[0].lane].tail, *(network.lanes[step.lane].head for step in steps)]
        early = steps[0].period < cell[2]
        return " → ".join(places) + (
            f", from period {network.period_names[steps[0].period]}" if early else ""
        )

    def _shut(self, cell: tuple[int, int, int]) -> list[str]:
        """Return the closed sites on the cheapest way of all."""
        network, found = self.problem.network, dict[str, None]()
        for step in self.possible.trace(*cell):
            node = (
                int(network.tails[step.lane]) if step.lane >= 0 else network.facility_nodes.start + step.site
            )
            site = node - network.facility_nodes.start
            if site >= 0 and not self.ledger.open[site, step.period]:
                found[network.facility_names[site]] = None
        return list(found)
