"""The supply problem: which sites open and what flows where, priced by laws."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from numbers import Real
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from kanopt.array_types import Floats
from kanopt.errors import knows_arguments
from kanopt.faults import Fault
from kanopt.formulas.variables import Reference
from kanopt.plans.base import Problem
from kanopt.plans.findings import FrozenInput
from kanopt.plans.geography import at_one_point, place_checks
from kanopt.plans.law_use import DAY_REFERENCES, law_mistake, laws_without_day, read_day, references_to
from kanopt.records.declaration import Table, declared_fields
from kanopt.records.fields import Field as DeclaredField
from kanopt.records.reading import (
    RecordCheck,
    RecordReader,
    empty_tables,
    idle_fields,
    reference_checks,
    shared_names,
)
from kanopt.records.unread_columns import (
    TableUse,
    fields_read,
    frame_use,
    missing_price,
    table_use,
    without_row,
)
from kanopt.supply.network import (
    LARGEST_ADDED,
    Facility,
    Lane,
    Market,
    Period,
    Product,
    Supplier,
    SupplyNetwork,
    SupplyUnits,
)
from kanopt.supply.plan import FlowPlan, plan_of, read_plan
from kanopt.supply.tariff import DEMAND_KEYS, LaneTariff, SupplyLaw, demand_of, demand_places
from kanopt.text import count_text, list_names, number_text

# Mistakes between the records of a supply problem, each as a sentence.


def network_checks(network: SupplyNetwork) -> list[RecordCheck]:
    """Look for contradictions between records.

    Lists that are empty, a name used twice, a lane from or to an unknown place, an offer
    of an unknown product.
    """
    places = ("suppliers", "facilities", "markets")
    return [
        *empty_tables(network.tables, ("suppliers", "markets", "products", "periods", "lanes")),
        *(RecordCheck(_beyond(name, records), [name]) for name, records in network.tables.items()),
        RecordCheck(shared_names({name: network.tables[name] for name in places}), places),
        RecordCheck(_offers(network), ["suppliers", "products"]),
        RecordCheck(_stocks(network), ["facilities", "products"]),
        *reference_checks(network.units.tables(), network.tables),
        RecordCheck(_loops(network), ["lanes"]),
    ]


def _beyond(table: str, records: Sequence[Any]) -> Iterable[Fault]:
    """Yield the fields with numbers that a linear solver cannot add to others."""
    if not records:
        return
    kind: type = type(records[0])
    for name in [item.name for item in declared_fields(kind) if item.type is float]:
        wrong = [
            str(record.name)
            for record in records
            if (value := getattr(record, name)) is not None and LARGEST_ADDED < abs(value) < math.inf
        ]
        if wrong:
            what = f"is beyond {number_text(LARGEST_ADDED)}, which nothing can be added to exactly"
            advice = "count in a larger unit, or leave out a limit that is none"
            yield Fault(table, what, tuple(wrong), name, advice=advice)


def _offers(network: SupplyNetwork) -> Iterable[Fault]:
    """Yield the offers both of one product and of all of them."""
    whole = {offer.name for offer in network.suppliers if not offer.product}
    for name in dict.fromkeys(
        offer.name for offer in network.suppliers if offer.product and offer.name in whole
    ):
        what = "has a record for every product (product left empty) and others for single products"
        yield Fault("suppliers", what, (name,), advice="keep one kind")


def _stocks(network: SupplyNetwork) -> Iterable[Fault]:
    """Yield stocks at the start of which it is not said of which of several products they are."""
    stocked = [one.name for one in network.facilities if one.initial_stock > 0]
    if stocked and len(network.products) > 1:
        what = f"initial_stock of {list_names(stocked)}: of which of the {len(network.products)} products is not said"
        yield Fault("facilities", f"{what}; plan them apart, or leave it out")


def _loops(network: SupplyNetwork) -> Iterable[Fault]:
    """Yield the lanes that lead nowhere else."""
    for lane in network.lanes:
        if lane.tail == lane.head:
            yield Fault("lanes", "starts and ends at the same place", (lane.name,))


def demand_questions(network: SupplyNetwork, rows: pd.DataFrame | None, demand: Floats) -> Iterable[Fault]:
    """Yield the names that no row of a table of demands holds, and that nothing is wanted at all.

    Parameters
    ----------
    network
        Whose markets, products and periods are meant.
    rows
        The table; None where the demand is a law or a column.
    demand
        What is wanted, shape (M, P, T).
    """
    if not demand.any():
        what = "every amount is 0, so that nothing is wanted and the best plan moves nothing; is that meant?"
        yield Fault("demand", what)
        return
    for word, names in _without_any_row(network, rows).items():
        effect = "wants nothing" if word == "market" else "is wanted nowhere"
        effect = "nothing is wanted then" if word == "period" else f"it {effect}"
        yield from without_row("demand", word, names, effect)


def assumed_demands(network: SupplyNetwork, rows: pd.DataFrame | None) -> tuple[str, ...]:
    """Tell how many combinations have no row, of markets, products and periods that have some."""
    if rows is None:
        return ()
    left_out = [len(names) for names in _without_any_row(network, rows).values()]
    whole = (len(network.markets), len(network.products), len(network.periods))
    possible = int(np.prod([count - gone for count, gone in zip(whole, left_out, strict=True)]))
    if len(rows) >= possible:
        return ()
    missing = count_text(possible - len(rows), "has no row", "have no row")
    return (f"demand: of {possible:,} combinations of market, product and period {missing}: 0 is wanted",)


def lane_questions(network: SupplyNetwork) -> Iterable[Fault]:
    """Yield the suppliers that no lane leaves, and the sites that none leads to or leaves."""
    tails, heads = ({*places.tolist()} for places in (network.tails, network.heads))
    sellers = [name for place, name in enumerate(network.names["supplier"]) if place not in tails]
    yield from without_row("lanes", "supplier", sellers, "nothing is bought there")
    first = network.facility_nodes.start
    names = enumerate(network.names["facility"], start=first)
    unused = [name for place, name in names if place not in tails or place not in heads]
    yield from without_row("lanes", "facility", unused, "it is never used", "lane to and from the")


def _without_any_row(network: SupplyNetwork, rows: pd.DataFrame | None) -> dict[str, list[str]]:
    if rows is None:
        return {}
    return {
        kind: [name for place, name in enumerate(network.names[kind]) if place not in {*found.tolist()}]
        for kind, found in zip(DEMAND_KEYS, demand_places(network, rows), strict=True)
    }


# The markets that no lane leads to.


def unreachable_markets(network: SupplyNetwork) -> tuple[str, ...]:
    """Say which markets no lane leads to from any supplier or stock, through sites that are not closed by status."""
    passable = np.ones(len(network.node_names), dtype=bool)
    passable[network.facility_nodes] = ~network.has_status("closed")
    lanes = passable[network.tails] & passable[network.heads]
    reached, before = np.arange(len(passable)) < len(network.names["supplier"]), None
    reached[network.facility_nodes] = network.initial_stock.any(axis=1)
    while before is None or (reached != before).any():
        before = reached.copy()
        reached[network.heads[lanes & reached[network.tails]]] = True
    missing = [network.names["market"][place] for place in np.flatnonzero(~reached[network.market_nodes])]
    if not missing:
        return ()
    return (f"no lanes lead from any supplier to {list_names(missing)} through sites that may open",)


@knows_arguments
@dataclass(frozen=True, eq=False, repr=False)
class SupplyProblem(Problem[FlowPlan]):
    """Which sites to open, and what to move from suppliers through sites to markets in each period.

    What enters a site in a period leaves it in that period or is kept for later, within its storage; sites start
    empty. What a market does not get is a shortage, paid for at the product's shortage cost; a product without one
    must be delivered. The objective is money, in the terms ``purchase``, ``transport``, ``handling``, ``sites``,
    ``holding`` and ``shortage``.

    What becomes of a plan is told by :meth:`assess`, amounts compared to a millionth of the limit concerned, and to a
    millionth of a unit below one unit. Lines of its price: ``purchase`` (group: the supplier), ``transport`` (the
    lane), ``handling`` and ``holding`` (the facility) and ``shortage`` (the market), each with the item
    ``"product, period"``; ``sites`` (the facility) with the item ``"fixed"`` or the period. A shortage of a product
    that must be delivered has no price: it is a violation. At planning values each unit pays the rate of the planning
    shipment.

    Parameters
    ----------
    suppliers, markets, products, periods, lanes
        Records (:class:`Supplier`, :class:`Market`, :class:`Product`, :class:`Period`, :class:`Lane`) or frames with
        their fields as columns; further columns become attributes that laws may read. Suppliers have one row for each
        product they offer. Periods stand in order of time.
    tariff
        Money for moving product over a lane: a law bound to ``lane.…``, ``product.…``, ``period.…`` and
        ``state.quantity`` or ``state.weight`` (the flow of one product on one lane in one period); a
        reference such as ``lane.rate``; a number; or an array that broadcasts to lanes × products × periods.
        The declared unit of a law says whether it is money per unit, per weight or per shipment, see
        :mod:`kanopt.supply.tariff`.
    demand
        Units wanted: a law bound to ``market.…``, ``product.…`` and ``period.…``; a reference such as
        ``market.demand``; a number; an array that broadcasts to markets × products × periods; or a frame with
        the columns ``market``, ``product``, ``period`` and ``demand``, and perhaps ``demand_sd``, the standard
        deviation of a demand that is not certain (blank: it is), which :func:`kanopt.risk` and
        :func:`kanopt.monte_carlo` draw.
    facilities
        :class:`Facility` records or a frame; left out, suppliers ship straight to markets.
    planning
        The shipment at which a tariff that depends on the flow is frozen for the solver:
        ``{"state.quantity": 20.0}`` in units of product, or ``{"state.weight": 18.0}``; or what is usual on each
        lane, such as ``{"state.weight": lane.usual_load}``.
    units
        What numbers are counted in.
    detour
        Factor on lengths of lanes that follow from coordinates: how much longer ways are than as the crow flies. None
        for 1.3, about that of roads, on great circles, and for 1 on straight lines; see
        :mod:`kanopt.plans.geography`.
    day
        The first day of the first period, a date or ``"2026-03-02"``, which laws read as ``day.weekday`` and the like;
        None where no law reads it.

    Raises
    ------
    ProblemError
        With every mistake in the records; or naming the first tariff or demand that is negative or not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
    >>> problem = SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour", capacity=50.0, unit_cost=2.0)],
    ...     facilities=[Facility("north", fixed_cost=30.0)],
    ...     markets=[Market("Lyon")],
    ...     products=[Product("flour", shortage_cost=9.0)],
    ...     periods=[Period("1")],
    ...     lanes=[Lane("mill", "north"), Lane("north", "Lyon")],
    ...     tariff=1.0,
    ...     demand=20.0,
    ... )
    >>> plan = problem.plan_from(pd.DataFrame(
    ...     {"tail": ["mill", "north"], "head": ["north", "Lyon"], "quantity": [15.0, 15.0]}))
    >>> problem.check(plan).ok
    True
    >>> problem.price(plan).terms().to_dict()
    {'shortage': 45.0, 'purchase': 30.0, 'sites': 30.0, 'transport': 30.0}
    """

    kind: ClassVar[str] = "supply"
    solver: ClassVar[str] = "kanopt.supply.search.solver:HighsSupply"
    assessment: ClassVar[str] = "kanopt.supply.assessment:SupplyAssessment"
    law_fields: ClassVar[tuple[str, ...]] = ("tariff", "demand")

    suppliers: Sequence[Supplier] | pd.DataFrame
    markets: Sequence[Market] | pd.DataFrame
    products: Sequence[Product] | pd.DataFrame
    periods: Sequence[Period] | pd.DataFrame
    lanes: Sequence[Lane] | pd.DataFrame
    tariff: SupplyLaw
    demand: SupplyLaw | pd.DataFrame
    facilities: Sequence[Facility] | pd.DataFrame = ()
    planning: Mapping[str, float | Reference] = field(default_factory=dict)
    units: SupplyUnits = field(default_factory=SupplyUnits)
    detour: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    day: date | str | None = None
    network: SupplyNetwork = field(init=False)
    lane_tariff: LaneTariff = field(init=False)
    demand_array: Floats = field(init=False)
    demand_deviation: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", read_day(self.day))
        reader = RecordReader()
        found = {table.name: reader.read(getattr(self, table.name), table) for table in self.units.tables()}
        network = SupplyNetwork(**found, units=self.units, detour=self.detour, day=read_day(self.day))
        object.__setattr__(self, "network", network)
        reader.faults += self._law_mistakes(network, [table.removesuffix("s") for table in reader.broken])
        measured = bool(np.isnan(network.stated_lengths).any())
        places = {name: network.tables[name] for name in ("suppliers", "facilities", "markets")}
        reader.finish(
            [
                *network_checks(network),
                *place_checks(self, places, reader, measured=measured, needed=False),
                RecordCheck(self._unstated(reader.filled), ["suppliers", "facilities", "products"]),
            ]
        )
        object.__setattr__(self, "lane_tariff", LaneTariff(network, self.tariff, dict(self.planning)))
        for name, values in zip(
            ("demand_array", "demand_deviation"), demand_of(network, self.demand), strict=True
        ):
            object.__setattr__(self, name, values)
        # what a law costs is known only now
        reader.finish([RecordCheck(self._unstated(reader.filled, self.lane_tariff.rates), [])])
        reader.questions += at_one_point(places) if measured else ()
        reader.questions += self._unstated_rows(reader.filled)
        self._tell_of_reading(questions=reader.questions, from_frames=bool(reader.filled))

    def _law_mistakes(self, network: SupplyNetwork, unread: Collection[str]) -> list[Fault]:
        """Say which laws are none, such as a formula whose inputs are not bound, and what they cannot read."""
        shared = {
            **references_to("product", Product, network.products, self.units.of(Product)),
            **references_to("period", Period, network.periods, {"index": ""}),
            **DAY_REFERENCES,
        }
        of_lanes = references_to("lane", Lane, network.lanes, self.units.of(Lane))
        of_markets = references_to("market", Market, network.markets, {})
        moved = {**self.units.references(), **of_lanes, **shared}
        forms = "a bound formula, a reference, a number or an array"
        return [
            *law_mistake("tariff", self.tariff, forms, moved, unread),
            *law_mistake("demand", self.demand, f"{forms}, or a frame", {**of_markets, **shared}, unread),
            *laws_without_day({"tariff": self.tariff, "demand": self.demand}, self.day),
        ]

    def _unstated(
        self, filled: Mapping[str, Collection[str]], rates: Floats | None = None
    ) -> Iterator[Fault]:
        """Yield that nothing costs anything, or nothing is wanted, where tables were read and do not say so.

        Parameters
        ----------
        filled
            Table to the fields that its columns fill, of tables that were given as frames.
        rates
            What moving costs; before a law was evaluated that is known of a number alone.
        """
        moving: Any = rates if rates is not None else self.tariff if isinstance(self.tariff, Real) else 1.0
        if not np.any(moving):
            yield from missing_price(self._tables, filled, self.table_uses, "a tariff")
        if isinstance(self.demand, pd.DataFrame) and self.demand.empty:
            yield Fault(
                "demand", "the table has no row, so that nothing is wanted", advice="give at least one"
            )

    def _unstated_rows(self, filled: Mapping[str, Collection[str]]) -> Iterator[Fault]:
        """Yield what tables list of which no row of another says anything; records built by hand say what is meant."""
        if not isinstance(self.demand, (Real, np.ndarray)):
            yield from demand_questions(self.network, self._demand_rows, self.demand_array)
        if "lanes" in filled:
            yield from lane_questions(self.network)

    @property
    def _tables(self) -> list[tuple[Table, Sequence[Any]]]:
        return [(table, self.network.tables[table.name]) for table in self.units.tables()]

    @property
    def _demand_rows(self) -> pd.DataFrame | None:
        return self.demand if isinstance(self.demand, pd.DataFrame) else None

    def __repr__(self) -> str:
        network = self.network
        return (
            f"SupplyProblem({len(network.names['supplier'])} suppliers, {len(network.facilities)} facilities, "
            f"{len(network.markets)} markets, {len(network.lanes)} lanes, {len(network.products)} products, "
            f"{len(network.periods)} periods)"
        )

    @property
    def on_earth(self) -> bool:
        """Whether every supplier, site and market has a latitude and a longitude."""
        return self.network.positions.on_earth

    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        """Return the flow in the tariff, where it reads one."""
        return self.lane_tariff.frozen_inputs()

    def table_uses(self) -> tuple[TableUse, ...]:
        """Return what is read of each table, that of the demand among them if it is one."""
        scopes = {"markets": "market", "products": "product", "periods": "period", "lanes": "lane"}
        laws = (self.tariff, self.demand, *self.planning.values())
        found = [
            table_use(table, records, fields_read(scopes.get(table.name, ""), laws))
            for table, records in self._tables
        ]
        if isinstance(self.demand, pd.DataFrame):
            keys = [DeclaredField(name, kind=str) for name in DEMAND_KEYS]
            amounts = [DeclaredField(name, self.units.quantity) for name in ("demand", "demand_sd")]
            found.append(frame_use("demand", self.demand, [*keys, *amounts]))
        return tuple(found)

    def assumptions(self) -> tuple[str, ...]:
        """Tell how lengths of lanes follow from coordinates, what has no row, and that demand is not certain."""
        measured = np.isnan(self.network.stated_lengths) & np.isfinite(self.network.distances)
        lengths = (note,) if measured.any() and (note := self.network.positions.note()) else ()
        varying = int(((self.demand_deviation > 0) & (self.demand_array > 0)).sum())
        certain = "which risk and monte_carlo draw; solve does not look at it"
        unsure = (f"demand: {count_text(varying, 'amount')} with a demand_sd, {certain}",) if varying else ()
        return (*lengths, *assumed_demands(self.network, self._demand_rows), *unsure)

    def data_remarks(self) -> tuple[str, ...]:
        """Tell of fields that change nothing, because others are blank."""
        idle = int(((self.demand_deviation > 0) & (self.demand_array == 0)).sum())
        rows = count_text(idle, "row has", "rows have")
        told = (f"demand: {rows} a demand_sd, but no demand that could differ",) if idle else ()
        return (*map(str, idle_fields(self._tables)), *told)

    def unreachable(self) -> tuple[str, ...]:
        """Report markets that no lane leads to from any supplier, whatever sites may open."""
        return unreachable_markets(self.network)

    def plan_from(self, decision: Any) -> FlowPlan:
        """Read a plan the user already has.

        Parameters
        ----------
        decision
            A :class:`FlowPlan`; a frame (or a list of mappings) with the columns ``tail``, ``head``, ``mode``,
            ``product``, ``period`` and ``quantity``, of which mode, product and period may be left out where there is
            only one; or a mapping ``{"flows": such a frame, "open": …}``. ``open`` is a list of facilities
            that are open throughout, or a frame with the columns ``facility`` and ``period``. Without it, the
            sites that are used and those with the status ``"open"`` are open.

        Raises
        ------
        ProblemError
            If it names things the problem does not know, or a quantity is no number.
        """
        return read_plan(self.network, decision)

    def with_demand(self, demand: Floats) -> Self:
        """Return the problem with other amounts wanted, shape (M, P, T), which are taken as certain and not checked."""
        found = copy(self)
        given = {"demand": demand, "demand_array": demand, "demand_deviation": np.zeros_like(demand)}
        for name, values in given.items():
            object.__setattr__(found, name, values)
        return found

    def plan_of(self, flows: Floats, opened: NDArray[np.bool_]) -> FlowPlan:
        """Return the plan with these flows, shape (L, P, T), and open sites, shape (F, T)."""
        return plan_of(self.network, np.asarray(flows, dtype=float), np.asarray(opened, dtype=bool))
