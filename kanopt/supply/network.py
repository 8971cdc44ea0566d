"""The network of a supply problem as arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kanopt.array_types import Floats, Indices
from kanopt.errors import ProblemError, nearest
from kanopt.faults import Amount, Finite, Limit, Name, OpenLimit
from kanopt.formulas.variables import Reference, ReferenceValue
from kanopt.plans.geography import Positions, place_field
from kanopt.plans.law_use import day_value
from kanopt.records.declaration import Table, Unit, UnitSystem, check_fields, field, other_columns, record
from kanopt.records.reading import Attribute, Record, field_values

# The things a supply network is made of, as plain records with the rules of their fields.


@dataclass(frozen=True)
class SupplyUnits(UnitSystem):
    """The units in which a supply problem counts.

    Parameters
    ----------
    weight
        Unit of throughput, storage and lane capacities.
    distance
        Unit of the length of a lane.
    money
        Unit of every cost.
    quantity
        Unit of amounts of product: supply, demand, flow, stock. A product whose unit is not a weight, such as a
        ``"pallet"``, states its weight per unit.

    Raises
    ------
    ProblemError
        If a unit is unknown.

    Examples
    --------
    >>> SupplyUnits().per_quantity
    'EUR/t'
    >>> SupplyUnits(quantity="pallet").of(Supplier)["unit_cost"]
    'EUR/pallet'
    """

    weight: Unit = "t"
    distance: Unit = "km"
    money: Unit = "EUR"
    quantity: Unit = "t"

    def __post_init__(self) -> None:
        check_fields(self, "units")

    def tables(self) -> tuple[Table, ...]:
        """Return the tables of a supply problem that counts in these units."""
        return tuple(map(self.table, (Supplier, Facility, Market, Product, Period, Lane)))

    def references(self) -> dict[str, str]:
        """Return what laws may read of the flow, each with its unit."""
        return {"state.quantity": self.quantity, "state.weight": self.weight}

    @property
    def per_quantity(self) -> str:
        """Money per unit of product."""
        return self.unit_of("money/quantity")


@record("suppliers", key=("name", "product"))
class Supplier:
    """What a supplier offers of one product, or of all of them together.

    Examples
    --------
    >>> Supplier("mill", "flour", capacity=40.0, unit_cost=210.0).capacity
    40.0
    """

    name: Name = field(
        doc="Unique among suppliers, facilities and markets; a supplier of several products has one record for each."
    )
    product: str = field(
        default="",
        refers="products",
        doc="The product offered; empty where the record speaks for every product, its capacity counting their sum.",
    )
    capacity: OpenLimit = field(
        default=math.inf, unit="quantity", doc="Amount that can be bought per period; infinite by default."
    )
    unit_cost: Amount = field(
        default=0.0, unit="money/quantity", price="purchase", doc="Money per unit bought."
    )
    minimum_order: Limit = field(
        default=0.0,
        kw_only=True,
        unit="quantity",
        doc="Least amount that is bought in a period in which anything is bought; 0 by default.",
    )
    fixed_cost: Amount = field(
        default=0.0,
        kw_only=True,
        unit="money",
        price="purchase",
        doc="Money paid for each period in which anything is bought, such as for running a plant; 0 by default.",
    )
    x: Finite | None = place_field("x")
    y: Finite | None = place_field("y")
    lat: Finite | None = place_field("lat")
    lon: Finite | None = place_field("lon")
    attributes: Mapping[str, Attribute] = other_columns()


@record("facilities")
class Facility:
    """A site that receives, may store, and sends on; it is open or closed.

    Examples
    --------
    >>> Facility("north", fixed_cost=9000.0, capacity=300.0).status
    'free'
    """

    name: Name = field(doc="Unique among suppliers, facilities and markets.")
    fixed_cost: Amount = field(
        default=0.0, unit="money", price="sites", doc="Money paid once if the site is open in any period."
    )
    period_cost: Amount = field(
        default=0.0,
        unit="money",
        price="sites",
        doc="Money paid for each period in which the site is open. A site without a period cost is either open "
        "throughout or not at all; one with a period cost may open and close from period to period.",
    )
    capacity: OpenLimit = field(
        default=math.inf,
        unit="weight",
        doc="Weight that may enter, and weight that may leave, in one period; infinite by default.",
    )
    storage: Limit = field(
        default=0.0,
        unit="weight",
        doc="Weight that may be kept from one period to the next; 0 by default, so that all that enters leaves in the "
        "same period.",
    )
    initial_stock: Amount = field(
        default=0.0,
        unit="quantity",
        doc="Amount that is there before the first period, of the only product. What of it never leaves may stay, also "
        "at a closed site.",
    )
    holding_cost: Amount = field(
        default=0.0,
        unit="money/quantity",
        price="holding",
        needs=("storage", "initial_stock"),
        doc="Money per unit kept to the next period.",
    )
    handling_cost: Amount = field(
        default=0.0, unit="money/quantity", price="handling", doc="Money per unit that enters."
    )
    status: Literal["free", "open", "closed"] = field(
        default="free", doc='``"free"``, or ``"open"`` or ``"closed"`` where that is already decided.'
    )
    x: Finite | None = place_field("x")
    y: Finite | None = place_field("y")
    lat: Finite | None = place_field("lat")
    lon: Finite | None = place_field("lon")
    attributes: Mapping[str, Attribute] = other_columns()


@record("markets")
class Market:
    """A place that wants products.

    Examples
    --------
    >>> Market("Lyon", attributes={"population": 520.0}).attributes["population"]
    520.0
    """

    name: Name = field(doc="Unique among suppliers, facilities and markets.")
    x: Finite | None = place_field("x")
    y: Finite | None = place_field("y")
    lat: Finite | None = place_field("lat")
    lon: Finite | None = place_field("lon")
    shortage_cost: Amount | None = field(
        default=None,
        kw_only=True,
        unit="money/quantity",
        price="shortage",
        doc="Money per unit of its demand not met, of any product; None where each product says so itself.",
    )
    attributes: Mapping[str, Attribute] = other_columns(
        "Whatever else is known; a demand law reads it as ``market.<name>``."
    )


@record("products")
class Product:
    """What is bought, moved and wanted.

    Examples
    --------
    >>> Product("flour", shortage_cost=900.0).weight
    1.0
    """

    name: Name = field(doc="Unique among products.")
    weight: Annotated[Finite, Field(gt=0)] = field(
        default=1.0, unit="weight/quantity", doc="Weight of one unit; 1 where amounts are weights already."
    )
    shortage_cost: Amount | None = field(
        default=None,
        unit="money/quantity",
        price="shortage",
        doc="Money per unit of demand not met, but for markets that say their own; None where demand must be met.",
    )
    attributes: Mapping[str, Attribute] = other_columns()


@record("periods")
class Period:
    """A stretch of time in which flows are decided; the order of the records is the order in time.

    Laws may read ``period.index``, which counts from 1, besides the name and the attributes.

    Examples
    --------
    >>> Period("2024-Q3", {"season": "summer"}).name
    '2024-Q3'
    """

    name: Name = field(doc="Unique among periods.")
    attributes: Mapping[str, Attribute] = other_columns()


@record("lanes", key=("tail", "head", "mode"))
class Lane:
    """A way from a supplier or facility to a facility or market, by one mode of transport.

    Examples
    --------
    >>> Lane("mill", "north", "rail", distance=310.0).name
    'mill → north (rail)'
    """

    tail: Name = field(refers=("suppliers", "facilities"), doc="Where it starts.")
    head: Name = field(refers=("facilities", "markets"), doc="Where it ends.")
    mode: str = field(
        default="",
        doc='How things move, such as ``"road"``; two lanes between the same places differ in their mode.',
    )
    distance: Amount | None = field(
        default=None,
        unit="distance",
        usual=(0.01, 30_000.0, "km"),
        doc="Length; None where it follows from the places of both ends, or is not needed.",
    )
    capacity: OpenLimit = field(
        default=math.inf, unit="weight", doc="Weight that may move in one period; infinite by default."
    )
    attributes: Mapping[str, Attribute] = other_columns()

    @property
    def name(self) -> str:
        """Both ends, and the mode where there is one."""
        return f"{self.tail} → {self.head}" + (f" ({self.mode})" if self.mode else "")


LARGEST_ADDED = 1e15
"""No price or amount of a network is larger: a linear solver adds them up, and takes 1e20 for infinite."""


def positions_of(labels: Sequence[str], names: Sequence[str]) -> Indices:
    """Return the place of each label among the names; -1 where it is none."""
    place = {name: index for index, name in enumerate(names)}
    return np.array([place.get(label, -1) for label in labels], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class SupplyNetwork:
    """Records of a supply problem and the arrays derived from them.

    Nodes are numbered: suppliers first, then facilities, then markets. Arrays over lanes, products and periods
    have the shape (L, P, T); F facilities, M markets, S suppliers and O offers (records of suppliers).

    Parameters
    ----------
    suppliers, facilities, markets, products, periods, lanes
        The records of each table, in the user's order; of suppliers what they offer, one record or several of each.
    units
        What their numbers are counted in.
    detour
        How much longer lanes are than as the crow flies; see :class:`~kanopt.plans.geography.Positions`.
    """

    suppliers: Sequence[Supplier]
    facilities: Sequence[Facility]
    markets: Sequence[Market]
    products: Sequence[Product]
    periods: Sequence[Period]
    lanes: Sequence[Lane]
    units: SupplyUnits
    detour: float | None = None
    day: date | None = None

    @property
    def tables(self) -> Mapping[str, Sequence[Record]]:
        """The records of each table, by its name in the problem."""
        return {table.name: getattr(self, table.name) for table in self.units.tables()}

    @cached_property
    def offer_names(self) -> list[str]:
        """What each record of a supplier is called, O."""
        return [f"supplier {one.name}" + (f" ({one.product})" * bool(one.product)) for one in self.suppliers]

    @cached_property
    def minimum_orders(self) -> Floats:
        """Least amount that is bought of each offer in a period, where anything is, shape (O,)."""
        return np.array([offer.minimum_order for offer in self.suppliers])

    @cached_property
    def order_costs(self) -> Floats:
        """Money paid for each offer in a period in which anything is bought of it, shape (O,)."""
        return np.array([offer.fixed_cost for offer in self.suppliers])

    @cached_property
    def names(self) -> Mapping[str, list[str]]:
        """What things of each kind are called, in the user's order, suppliers without repetition."""
        kinds, tables = {"facilities": "facility"}, dict[str, Sequence[Any]](self.tables)
        return {
            kinds.get(table, table.removesuffix("s")): list(dict.fromkeys(one.name for one in records))
            for table, records in tables.items()
        }

    @cached_property
    def node_names(self) -> list[str]:
        """Names of all places: suppliers, facilities, markets."""
        return [*self.names["supplier"], *self.names["facility"], *self.names["market"]]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of lanes, products and periods."""
        return len(self.lanes), len(self.products), len(self.periods)

    @property
    def facility_nodes(self) -> slice:
        """Where facilities stand among the nodes."""
        first = len(self.names["supplier"])
        return slice(first, first + len(self.facilities))

    @property
    def market_nodes(self) -> slice:
        """Where markets stand among the nodes."""
        first = len(self.names["supplier"]) + len(self.facilities)
        return slice(first, first + len(self.markets))

    @cached_property
    def tails(self) -> Indices:
        """Node at which each lane starts, shape (L,)."""
        return positions_of([lane.tail for lane in self.lanes], self.node_names)

    @cached_property
    def heads(self) -> Indices:
        """Node at which each lane ends, shape (L,)."""
        return positions_of([lane.head for lane in self.lanes], self.node_names)

    @cached_property
    def weights(self) -> Floats:
        """Weight of one unit of each product, shape (P,)."""
        return np.array([product.weight for product in self.products])

    @cached_property
    def lane_capacity(self) -> Floats:
        """Weight that may move on each lane in one period, shape (L,)."""
        return np.array([lane.capacity for lane in self.lanes])

    @cached_property
    def limits(self) -> Mapping[str, Floats]:
        """The capacities by kind, (places,) each: of offers, lanes, sites that receive and send, and stores.

        What is there at first may stay, whatever else has room.
        """
        through = self.of_facilities("capacity")
        return {
            "storage": np.maximum(self.of_facilities("storage"), self.initial_stock @ self.weights),
            "supply": np.array([offer.capacity for offer in self.suppliers]),
            "lane": self.lane_capacity,
            "outbound": through,
            "inbound": through,
        }

    @cached_property
    def shortage_cost(self) -> Floats:
        """Money per unit of demand not met, shape (M, P); infinite where demand must be met."""
        by_market, by_product = (
            np.array([np.nan if one.shortage_cost is None else one.shortage_cost for one in records])
            for records in (self.markets, self.products)
        )
        stated = np.where(np.isnan(by_market)[:, None], by_product[None, :], by_market[:, None])
        return np.where(np.isnan(stated), np.inf, stated)

    @cached_property
    def must_deliver(self) -> NDArray[np.bool_]:
        """Whether demand must be met, shape (M, P)."""
        return np.isinf(self.shortage_cost)

    @cached_property
    def paid_shortage(self) -> Floats:
        """Money that is paid per unit of demand not met, shape (M, P); 0 where demand must be met."""
        return np.where(self.must_deliver, 0.0, self.shortage_cost)

    def of_facilities(self, field: str) -> Floats:
        """Return one number of every facility, shape (F,)."""
        return np.array([getattr(facility, field) for facility in self.facilities], dtype=float)

    @cached_property
    def initial_stock(self) -> Floats:
        """Units that are at each facility before the first period, shape (F, P)."""
        return np.repeat(self.of_facilities("initial_stock")[:, None], len(self.products), axis=1)

    def has_status(self, status: str) -> NDArray[np.bool_]:
        """Return which facilities have a status, shape (F,)."""
        return np.array([facility.status == status for facility in self.facilities], dtype=bool)

    @property
    def may_open(self) -> NDArray[np.bool_]:
        """Which facilities may be open in each period, shape (F, T): those that are not closed by their status."""
        return np.repeat(~self.has_status("closed")[:, None], self.shape[2], axis=1)

    @cached_property
    def offer_of(self) -> Indices:
        """Which record speaks for each product of each supplier, shape (S, P); -1 where none does."""
        place = positions_of([offer.name for offer in self.suppliers], self.names["supplier"])
        table = np.full((len(self.names["supplier"]), len(self.products)), -1, dtype=np.intp)
        column = {name: [index] for index, name in enumerate(self.names["product"])}
        for index, offer in enumerate(self.suppliers):
            table[place[index], column[offer.product] if offer.product else slice(None)] = index
        return table

    @cached_property
    def lane_offer(self) -> Indices:
        """Which offer a lane draws on for each product, shape (L, P); -1 where it draws on none."""
        drawn = np.full(self.shape[:2], -1, dtype=np.intp)
        from_supplier = self.tails < len(self.names["supplier"])
        drawn[from_supplier] = self.offer_of[self.tails[from_supplier]]
        return drawn

    @cached_property
    def purchase_cost(self) -> Floats:
        """Money per unit bought for a lane, shape (L, P); 0 for lanes from a facility."""
        prices = np.array([*(offer.unit_cost for offer in self.suppliers), 0.0])
        return prices[self.lane_offer]

    @cached_property
    def can_carry(self) -> NDArray[np.bool_]:
        """Whether a lane can carry a product at all, shape (L, P): its supplier must offer it."""
        from_supplier = self.tails < len(self.names["supplier"])
        return (self.lane_offer >= 0) | ~from_supplier[:, None]

    @cached_property
    def positions(self) -> Positions:
        """Where the nodes lie."""
        first = {offer.name: offer for offer in reversed(self.suppliers)}
        places = [*(first[name] for name in self.names["supplier"]), *self.facilities, *self.markets]
        return Positions.of(places, self.units.distance, self.detour)

    @cached_property
    def stated_lengths(self) -> Floats:
        """Length of each lane where it is stated, shape (L,); NaN where it is not."""
        return np.array([lane.distance for lane in self.lanes], dtype=float)

    @cached_property
    def distances(self) -> Floats:
        """Length of each lane, shape (L,); by coordinates where not stated, NaN where unknown."""
        measured = self.positions.lengths(self.tails, self.heads)
        return np.where(np.isnan(self.stated_lengths), measured, self.stated_lengths)

    def resolve(self, reference: Reference, leading: str = "lane") -> ReferenceValue:
        """Return what the network knows, shaped to broadcast over (L, P, T) or (M, P, T).

        Parameters
        ----------
        reference
            ``lane.…``, ``market.…``, ``product.…``, ``period.…`` or ``day.…``.
        leading
            What the first axis is: ``"lane"`` for tariffs, ``"market"`` for demand.

        Raises
        ------
        ProblemError
            If the scope has no place here or the record no such field; names the nearest.
        """
        if reference.scope == "day":
            return day_value(self.day, reference)
        scopes = (leading, "product", "period")
        if reference.scope not in scopes:
            raise ProblemError(
                f"{reference}: a {'tariff' if leading == 'lane' else 'demand'} law reads "
                f"{', '.join(scope + '.…' for scope in scopes)}; {nearest(reference.scope, scopes)}"
            )
        found = self._known(reference)
        axis = scopes.index(reference.scope)
        return ReferenceValue(
            found.values.reshape([-1 if place == axis else 1 for place in range(3)]), found.unit
        )

    def _known(self, reference: Reference) -> ReferenceValue:
        if reference == Reference("period", "index"):
            return ReferenceValue(np.arange(1.0, len(self.periods) + 1.0))
        if reference == Reference("lane", "distance"):
            unknown = [self.names["lane"][place] for place in np.flatnonzero(np.isnan(self.distances))]
            if unknown:
                raise ProblemError(
                    f"lane.distance: lane {unknown[0]!r} and {len(unknown) - 1} more have neither a distance "
                    "nor places at both ends"
                )
            return ReferenceValue(self.distances, self.units.distance)
        sources: dict[str, tuple[Sequence[Record], dict[str, str]]] = {
            "lane": (self.lanes, self.units.of(Lane)),
            "market": (self.markets, {}),
            "product": (self.products, self.units.of(Product)),
            "period": (self.periods, {}),
        }
        items, units = sources[reference.scope]
        return field_values(items, reference.field, units=units, where=f"{reference.scope}s")
