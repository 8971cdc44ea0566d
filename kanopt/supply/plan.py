"""The plan of a supply problem, flows and open sites; read from frames and lists, and from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, nearest
from kanopt.faults import coerced_numbers, first_no_number
from kanopt.plans.base import Plan
from kanopt.records.reading import names_of
from kanopt.supply.network import SupplyNetwork
from kanopt.supply.tariff import row_positions

# What follows from the flows of a plan: what places receive, send, keep, deliver and lack.

TOLERANCE = 1e-6
"""Part of an amount (at least of one unit) by which a balance may miss it and still count as met."""


def slack(amount: Floats) -> Floats:
    """Return by how much a balance of this size may be missed."""
    return TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(amount), amount, 0.0)))


@dataclass(frozen=True, eq=False)
class Ledger:
    """Flows and open sites as arrays, and what follows from them.

    Parameters
    ----------
    network
        Whose flows these are.
    demand
        Units wanted, shape (M, P, T).
    flows
        Units moved on each lane, shape (L, P, T).
    open
        Whether each facility is open in each period, shape (F, T).
    """

    network: SupplyNetwork
    demand: Floats
    flows: Floats
    open: NDArray[np.bool_]

    def _summed(self, nodes: NDArray[np.intp]) -> Floats:
        """Add the flows up by node, shape (N, P, T)."""
        totals = np.zeros((len(self.network.node_names), *self.network.shape[1:]))
        np.add.at(totals, nodes, self.flows)
        return totals

    @cached_property
    def received(self) -> Floats:
        """Units that enter each facility, shape (F, P, T)."""
        return self._summed(self.network.heads)[self.network.facility_nodes]

    @cached_property
    def shipped(self) -> Floats:
        """Units that leave each facility, shape (F, P, T)."""
        return self._summed(self.network.tails)[self.network.facility_nodes]

    @cached_property
    def stock(self) -> Floats:
        """Units kept at the end of each period, shape (F, P, T); negative where more leaves than there is.

        What is within the tolerance of zero is zero.
        """
        first = self.network.initial_stock[:, :, None]
        kept = first + np.cumsum(self.received - self.shipped, axis=2)
        throughput = first + np.cumsum(self.received, axis=2)
        return np.where(np.abs(kept) <= slack(throughput), 0.0, kept)

    @cached_property
    def delivered(self) -> Floats:
        """Units that reach each market, shape (M, P, T)."""
        return self._summed(self.network.heads)[self.network.market_nodes]

    @cached_property
    def shortage(self) -> Floats:
        """Units of demand not met, shape (M, P, T); zero where met within the tolerance."""
        missing = self.demand - self.delivered
        return np.where(missing > slack(self.demand), missing, 0.0)

    @cached_property
    def bought(self) -> Floats:
        """Units drawn on each offer, shape (O, P, T)."""
        drawn = self.network.lane_offer
        lanes, products = np.nonzero(drawn >= 0)
        totals = np.zeros((len(self.network.suppliers), *self.network.shape[1:]))
        np.add.at(totals, (drawn[lanes, products], products), self.flows[lanes, products])
        return totals

    @cached_property
    def used(self) -> Mapping[str, Floats]:
        """How much of each capacity of :attr:`SupplyNetwork.limits` is used, (places, T) each."""
        moved = {"storage": np.maximum(self.stock, 0.0), "lane": self.flows}
        moved |= {"outbound": self.shipped, "inbound": self.received}
        weights = {kind: np.einsum("npt,p->nt", each, self.network.weights) for kind, each in moved.items()}
        return {"supply": self.bought.sum(axis=1), **weights}

    @cached_property
    def in_use(self) -> NDArray[np.bool_]:
        """Whether anything enters, leaves or stays at each facility in each period, shape (F, T).

        What was there at first and is not touched needs nobody.
        """
        moved = self.received + self.shipped + np.abs(self.stock - self.network.initial_stock[:, :, None])
        return np.asarray(moved.sum(axis=1) > TOLERANCE)


def sites_open(network: SupplyNetwork, flows: Floats) -> NDArray[np.bool_]:
    """Return the sites that must be open for flows, shape (F, T).

    A site without a period cost is open throughout or not at all.
    """
    nothing = np.zeros((len(network.markets), *network.shape[1:]))
    ledger = Ledger(network, nothing, flows, np.zeros((0, 0), dtype=bool))
    needed = ledger.in_use | network.has_status("open")[:, None]
    throughout = network.of_facilities("period_cost") == 0
    return np.asarray(np.where(throughout[:, None], needed.any(axis=1, keepdims=True), needed))


class Flow(NamedTuple):
    """An amount of one product on one lane in one period.

    Examples
    --------
    >>> Flow("mill", "north", "rail", "flour", "2024-Q3", 12.5).quantity
    12.5
    """

    tail: str
    head: str
    mode: str
    product: str
    period: str
    quantity: float


@dataclass(frozen=True)
class FlowPlan(Plan):
    """Flows and open sites. Stocks and shortages follow from them.

    Parameters
    ----------
    flows
        What moves; lanes not named carry nothing.
    open
        The sites that are open, as pairs of facility and period.

    Examples
    --------
    >>> plan = FlowPlan((Flow("north", "Lyon", "", "flour", "1", 12.5),), (("north", "1"),))
    >>> plan.to_frame()
        tail  head mode product period  quantity
    0  north  Lyon        flour      1      12.5
    """

    flows: tuple[Flow, ...]
    open: tuple[tuple[str, str], ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row per flow: ``tail``, ``head``, ``mode``, ``product``, ``period``, ``quantity``."""
        return pd.DataFrame(list(self.flows), columns=list(Flow._fields))

    def sites(self) -> pd.DataFrame:
        """Return one row per open site and period: ``facility``, ``period``."""
        return pd.DataFrame(list(self.open), columns=["facility", "period"])


def plan_of(network: SupplyNetwork, flows: Floats, opened: NDArray[np.bool_]) -> FlowPlan:
    """Return the plan with these flows, shape (L, P, T), and open sites, shape (F, T)."""
    lane, product, period = np.nonzero(flows)
    ways = [(one.tail, one.head, one.mode) for one in network.lanes]
    products, periods, sites = network.names["product"], network.names["period"], network.names["facility"]
    cells = zip(
        lane.tolist(), product.tolist(), period.tolist(), flows[lane, product, period].tolist(), strict=True
    )
    return FlowPlan(
        tuple(Flow(*ways[way], products[what], periods[when], amount) for way, what, when, amount in cells),
        tuple((sites[site], periods[when]) for site, when in np.argwhere(opened).tolist()),
    )


def arrays_of(network: SupplyNetwork, plan: FlowPlan) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the flows, shape (L, P, T), and open sites, shape (F, T), of a plan.

    Raises
    ------
    ProblemError
        If the plan names things the network does not have, or a quantity is no number.
    """
    return _flows(network, plan.to_frame()), _opened(network, plan.sites())


def _flows(network: SupplyNetwork, frame: pd.DataFrame) -> Floats:
    flows = np.zeros(network.shape)
    for column in ("quantity", "tail", "head"):
        if column not in frame.columns:
            hint = nearest(column, map(str, frame.columns))
            raise ProblemError(f"plan: column {column!r} is missing; {hint}")
    if fault := first_no_number(frame["quantity"]):
        raise ProblemError(f"plan: {fault}")
    amounts = coerced_numbers(frame["quantity"])
    places = (
        _lanes(network, frame),
        row_positions(network, frame, "product", "plan"),
        row_positions(network, frame, "period", "plan"),
    )
    np.add.at(flows, places, amounts)
    return flows


def _lanes(network: SupplyNetwork, frame: pd.DataFrame) -> NDArray[np.intp]:
    """Return the lane of each row."""
    ends = ["tail", "head", *(["mode"] if "mode" in frame.columns else [])]
    known = {tuple(getattr(lane, end) for end in ends): place for place, lane in enumerate(network.lanes)}
    if len(known) < len(network.lanes):
        raise ProblemError(
            "plan: column 'mode' is missing, and some places are joined by lanes of several modes"
        )
    rows = list(zip(*(names_of(frame[end].fillna("")) for end in ends), strict=True))
    for row, (tail, head, *mode) in enumerate(rows, start=1):
        if (tail, head, *mode) not in known:
            name = f"{tail} → {head}" + (f" ({mode[0]})" if mode and mode[0] else "")
            raise ProblemError(f"plan: row {row}: no lane {name!r}; {nearest(name, network.names['lane'])}")
    return np.array([known[row] for row in rows], dtype=np.intp)


def _opened(network: SupplyNetwork, frame: pd.DataFrame) -> NDArray[np.bool_]:
    opened = np.zeros((len(network.facilities), len(network.periods)), dtype=bool)
    if len(frame):
        kinds = ("facility", "period")
        opened[*(row_positions(network, frame, kind, "plan: open sites") for kind in kinds)] = True
    return opened


def read_plan(network: SupplyNetwork, decision: Any) -> FlowPlan:
    """Read a plan from what :meth:`SupplyProblem.plan_from` documents.

    Raises
    ------
    ProblemError
        If it names things the network does not know, or is none of these.
    """
    if isinstance(decision, FlowPlan):
        arrays_of(network, decision)
        return decision
    listed = decision
    opened: Any = None
    if isinstance(decision, Mapping):
        extra = set(decision) - {"flows", "open"}
        if extra or "flows" not in decision:
            raise ProblemError(
                f"plan: a mapping has the keys 'flows' and 'open', not {sorted(map(str, decision))}"
            )
        listed, opened = decision["flows"], decision.get("open")
    try:
        frame = listed if isinstance(listed, pd.DataFrame) else pd.DataFrame(list(listed))
    except (TypeError, ValueError) as error:
        raise ProblemError(f"plan: give a FlowPlan, a frame or a list of mappings ({error})") from error
    if not len(frame.columns):
        frame = pd.DataFrame(columns=list(Flow._fields))
    flows = _flows(network, frame)
    if opened is None:
        return plan_of(network, flows, sites_open(network, flows))
    if not isinstance(opened, pd.DataFrame):
        names = [str(name) for name in opened]
        pairs = [(name, period) for name in names for period in network.names["period"]]
        opened = pd.DataFrame(pairs, columns=["facility", "period"])
    return plan_of(network, flows, _opened(network, opened))
