"""Mistakes between the records of a supply problem, each as a sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kanopt.errors import nearest
from kanopt.problems.supply.network import SupplyNetwork
from kanopt.records.reading import RecordCheck
from kanopt.records.rules import plain_fields
from kanopt.text import list_names, number_text

__all__ = ["LARGEST_ADDED", "PRICES", "network_checks"]

LARGEST_ADDED = 1e15
"""No price or amount of a network is larger: a linear solver adds them up, and takes 1e20 for infinite."""

PRICES = {
    "suppliers": ("unit_cost",),
    "facilities": ("fixed_cost", "period_cost", "holding_cost", "handling_cost"),
    "products": ("shortage_cost",),
}
"""Table to those of its fields that are prices."""


def network_checks(network: SupplyNetwork) -> list[RecordCheck]:
    """Look for contradictions between records.

    Lists that are empty, a name used twice, a lane from or to an unknown place, an offer
    of an unknown product.
    """
    places = ("suppliers", "facilities", "markets")
    needed = ("suppliers", "markets", "products", "periods", "lanes")
    return [
        *(RecordCheck(_empty(name, network.tables[name]), [name]) for name in needed),
        *(RecordCheck(_beyond(name, records), [name]) for name, records in network.tables.items()),
        RecordCheck(_names(network), places),
        RecordCheck(_offers(network), ["suppliers", "products"]),
        RecordCheck(_lane_ends(network), [*places, "lanes"]),
    ]


def _empty(table: str, records: Sequence[object]) -> Iterable[str]:
    if not records:
        yield f"{table}: the list is empty; give at least one"


def _beyond(table: str, records: Sequence[Any]) -> Iterable[str]:
    """Yield the fields with numbers that a linear solver cannot add to others."""
    if not records:
        return
    kind: type = type(records[0])
    for field in [item.name for item in plain_fields(kind) if item.type is float]:
        wrong = [
            record.name
            for record in records
            if (value := getattr(record, field)) is not None and LARGEST_ADDED < abs(value) < math.inf
        ]
        if wrong:
            yield (
                f"{table}: {field} of {list_names(wrong)} is beyond {number_text(LARGEST_ADDED)}, which nothing can "
                "be added to exactly; count in a larger unit, or leave out a limit that is none"
            )


def _names(network: SupplyNetwork) -> Iterable[str]:
    for name, count in Counter(network.node_names).items():
        if count > 1:
            yield f"{name!r} names more than one place; suppliers, facilities and markets need names of their own"


def _offers(network: SupplyNetwork) -> Iterable[str]:
    """Yield the offers of an unknown product, and those both of one product and of all of them."""
    for offer in network.offers:
        if offer.product and offer.product not in network.product_names:
            hint = nearest(offer.product, network.product_names)
            yield f"suppliers: {offer.name!r} offers the unknown product {offer.product!r}; {hint}"
    whole = {offer.name for offer in network.offers if not offer.product}
    for name in dict.fromkeys(
        offer.name for offer in network.offers if offer.product and offer.name in whole
    ):
        yield (
            f"suppliers: {name!r} has a record for every product (product left empty) and others for single "
            "products; keep one kind"
        )


def _lane_ends(network: SupplyNetwork) -> Iterable[str]:
    """Yield the lanes that start or end where no lane can."""
    tails = {*network.supplier_names, *network.facility_names}
    heads = {*network.facility_names, *network.market_names}
    for lane in network.lanes:
        if lane.tail not in tails:
            why = "is a market, where no lane starts" if lane.tail in heads else "is unknown"
            yield f"lane {lane.name!r}: tail {lane.tail!r} {why}; {nearest(lane.tail, tails)}"
        if lane.head not in heads:
            why = "is a supplier, where no lane ends" if lane.head in tails else "is unknown"
            yield f"lane {lane.name!r}: head {lane.head!r} {why}; {nearest(lane.head, heads)}"
        if lane.tail == lane.head:
            yield f"lane {lane.name!r} starts and ends at the same place"
