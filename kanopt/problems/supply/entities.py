"""The things a supply network is made of, as plain records with the rules of their fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from kanopt.records.record import Attribute
from kanopt.records.rules import Unit, check_fields
from kanopt.records.table_schema import TableSchema
from kanopt.validation import Amount, Finite, Limit, Name, OpenLimit

__all__ = ["Facility", "Lane", "Market", "Period", "Product", "Supplier", "SupplyUnits"]


@dataclass(frozen=True)
class SupplyUnits:
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
    >>> SupplyUnits(quantity="pallet").of_supplier["unit_cost"]
    'EUR/pallet'
    """

    weight: Unit = "t"
    distance: Unit = "km"
    money: Unit = "EUR"
    quantity: Unit = "t"

    def __post_init__(self) -> None:
        check_fields(self, "units")

    def tables(self) -> tuple[TableSchema, ...]:
        """Return the tables of a supply problem that counts in these units."""
        return (
            TableSchema("suppliers", Supplier, self.of_supplier, ("name", "product")),
            TableSchema("facilities", Facility, self.of_facility),
            TableSchema("markets", Market, self.of_places),
            TableSchema("products", Product, self.of_product),
            TableSchema("periods", Period),
            TableSchema("lanes", Lane, self.of_lane, ("tail", "head", "mode")),
        )

    def references(self) -> dict[str, str]:
        """Return what laws may read of the flow, each with its unit."""
        return {"state.quantity": self.quantity, "state.weight": self.weight}

    @property
    def per_quantity(self) -> str:
        """Money per unit of product."""
        return f"{self.money}/({self.quantity})" if "/" in self.quantity else f"{self.money}/{self.quantity}"

    @property
    def of_places(self) -> Mapping[str, str]:
        """Units of the coordinates of a place."""
        return {"x": self.distance, "y": self.distance, "lat": "deg", "lon": "deg"}

    @property
    def of_supplier(self) -> Mapping[str, str]:
        """Units of the fields of :class:`Supplier`."""
        return {**self.of_places, "capacity": self.quantity, "unit_cost": self.per_quantity}

    @property
    def of_facility(self) -> Mapping[str, str]:
        """Units of the fields of :class:`Facility`."""
        return {
            **self.of_places,
            "fixed_cost": self.money,
            "period_cost": self.money,
            "capacity": self.weight,
            "storage": self.weight,
            "holding_cost": self.per_quantity,
            "handling_cost": self.per_quantity,
        }

    @property
    def of_product(self) -> Mapping[str, str]:
        """Units of the fields of :class:`Product`."""
        weight = "" if self.weight == self.quantity else f"{self.weight}/{self.quantity}"
        return {"weight": weight, "shortage_cost": self.per_quantity}

    @property
    def of_lane(self) -> Mapping[str, str]:
        """Units of the fields of :class:`Lane`."""
        return {"distance": self.distance, "capacity": self.weight}


@dataclass(frozen=True)
class Supplier:
    """What a supplier offers of one product, or of all of them together.

    Parameters
    ----------
    name
        Unique among suppliers, facilities and markets; a supplier of several products has one record for each.
    product
        The product offered; empty where the record speaks for every product, its capacity counting their sum.
    capacity
        Amount that can be bought per period; infinite by default.
    unit_cost
        Money per unit bought.
    x, y
        Where it is in the unit of distance, both or neither.
    lat, lon
        Instead of these, latitude and longitude in degrees.
    attributes
        Whatever else is known.

    Examples
    --------
    >>> Supplier("mill", "flour", capacity=40.0, unit_cost=210.0).capacity
    40.0
    """

    name: Name
    product: str = ""
    capacity: OpenLimit = math.inf
    unit_cost: Amount = 0.0
    x: Finite | None = None
    y: Finite | None = None
    lat: Finite | None = field(default=None, kw_only=True)
    lon: Finite | None = field(default=None, kw_only=True)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Facility:
    """A site that receives, may store, and sends on; it is open or closed.

    Parameters
    ----------
    name
        Unique among suppliers, facilities and markets.
    fixed_cost
        Money paid once if the site is open in any period.
    period_cost
        Money paid for each period in which the site is open. A site without a period cost is either open
        throughout or not at all; one with a period cost may open and close from period to period.
    capacity
        Weight that may enter, and weight that may leave, in one period; infinite by default.
    storage
        Weight that may be kept from one period to the next; 0 by default, so that all that enters leaves in
        the same period.
    holding_cost
        Money per unit kept to the next period.
    handling_cost
        Money per unit that enters.
    status
        ``"free"``, or ``"open"`` or ``"closed"`` where that is already decided.
    x, y
        Where it is in the unit of distance, both or neither.
    lat, lon
        Instead of these, latitude and longitude in degrees.
    attributes
        Whatever else is known.

    Examples
    --------
    >>> Facility("north", fixed_cost=9000.0, capacity=300.0).status
    'free'
    """

    name: Name
    fixed_cost: Amount = 0.0
    period_cost: Amount = 0.0
    capacity: OpenLimit = math.inf
    storage: Limit = 0.0
    holding_cost: Amount = 0.0
    handling_cost: Amount = 0.0
    status: Literal["free", "open", "closed"] = "free"
    x: Finite | None = None
    y: Finite | None = None
    lat: Finite | None = field(default=None, kw_only=True)
    lon: Finite | None = field(default=None, kw_only=True)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Market:
    """A place that wants products.

    Parameters
    ----------
    name
        Unique among suppliers, facilities and markets.
    x, y
        Where it is in the unit of distance, both or neither.
    lat, lon
        Instead of these, latitude and longitude in degrees.
    attributes
        Whatever else is known; a demand law reads it as ``market.<name>``.

    Examples
    --------
    >>> Market("Lyon", attributes={"population": 520.0}).attributes["population"]
    520.0
    """

    name: Name
    x: Finite | None = None
    y: Finite | None = None
    lat: Finite | None = field(default=None, kw_only=True)
    lon: Finite | None = field(default=None, kw_only=True)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Product:
    """What is bought, moved and wanted.

    Parameters
    ----------
    name
        Unique among products.
    weight
        Weight of one unit; 1 where amounts are weights already.
    shortage_cost
        Money per unit of demand not met; None where demand must be met.
    attributes
        Whatever else is known.

    Examples
    --------
    >>> Product("flour", shortage_cost=900.0).weight
    1.0
    """

    name: Name
    weight: Annotated[Finite, Field(gt=0)] = 1.0
    shortage_cost: Amount | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Period:
    """A stretch of time in which flows are decided; the order of the records is the order in time.

    Laws may read ``period.index``, which counts from 1, besides the name and the attributes.

    Examples
    --------
    >>> Period("2024-Q3", {"season": "summer"}).name
    '2024-Q3'
    """

    name: Name
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Lane:
    """A way from a supplier or facility to a facility or market, by one mode of transport.

    Parameters
    ----------
    tail, head
        Where it starts and ends.
    mode
        How things move, such as ``"road"``; two lanes between the same places differ in their mode.
    distance
        Length; None where it follows from the places of both ends, or is not needed.
    capacity
        Weight that may move in one period; infinite by default.
    attributes
        Whatever else is known.

    Examples
    --------
    >>> Lane("mill", "north", "rail", distance=310.0).name
    'mill → north (rail)'
    """

    tail: Name
    head: Name
    mode: str = ""
    distance: Amount | None = None
    capacity: OpenLimit = math.inf
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Both ends, and the mode where there is one."""
        return f"{self.tail} → {self.head}" + (f" ({self.mode})" if self.mode else "")
