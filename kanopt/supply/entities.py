"""The things a supply network is made of, as plain records with the rules of their fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from kanopt.records.declaration import Table, Unit, UnitSystem, check_fields, field, record
from kanopt.records.record import Attribute
from kanopt.validation import Amount, Finite, Limit, Name, OpenLimit


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


def _of_place(name: str) -> Any:
    """Declare a coordinate of a place."""
    told = {
        "x": "Where it is in the unit of distance, both or neither.",
        "y": "The other coordinate.",
        "lat": "Instead of x and y, the latitude in degrees.",
        "lon": "The longitude in degrees.",
    }
    on_earth = name in ("lat", "lon")
    return field(default=None, kw_only=on_earth, unit="deg" if on_earth else "distance", doc=told[name])


def _others() -> Any:
    return field(default_factory=dict, hash=False, doc="Whatever else is known.")


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
    x: Finite | None = _of_place("x")
    y: Finite | None = _of_place("y")
    lat: Finite | None = _of_place("lat")
    lon: Finite | None = _of_place("lon")
    attributes: Mapping[str, Attribute] = _others()


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
    holding_cost: Amount = field(
        default=0.0,
        unit="money/quantity",
        price="holding",
        needs="storage",
        doc="Money per unit kept to the next period.",
    )
    handling_cost: Amount = field(
        default=0.0, unit="money/quantity", price="handling", doc="Money per unit that enters."
    )
    status: Literal["free", "open", "closed"] = field(
        default="free", doc='``"free"``, or ``"open"`` or ``"closed"`` where that is already decided.'
    )
    x: Finite | None = _of_place("x")
    y: Finite | None = _of_place("y")
    lat: Finite | None = _of_place("lat")
    lon: Finite | None = _of_place("lon")
    attributes: Mapping[str, Attribute] = _others()


@record("markets")
class Market:
    """A place that wants products.

    Examples
    --------
    >>> Market("Lyon", attributes={"population": 520.0}).attributes["population"]
    520.0
    """

    name: Name = field(doc="Unique among suppliers, facilities and markets.")
    x: Finite | None = _of_place("x")
    y: Finite | None = _of_place("y")
    lat: Finite | None = _of_place("lat")
    lon: Finite | None = _of_place("lon")
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict,
        hash=False,
        doc="Whatever else is known; a demand law reads it as ``market.<name>``.",
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
        doc="Money per unit of demand not met; None where demand must be met.",
    )
    attributes: Mapping[str, Attribute] = _others()


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
    attributes: Mapping[str, Attribute] = _others()


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
    attributes: Mapping[str, Attribute] = _others()

    @property
    def name(self) -> str:
        """Both ends, and the mode where there is one."""
        return f"{self.tail} → {self.head}" + (f" ({self.mode})" if self.mode else "")
