"""Mistakes between the records of a supply problem, each as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kanopt.errors import nearest
from kanopt.problems.record_reader import RecordCheck
from kanopt.problems.supply.network import SupplyNetwork

__all__ = ["PRICES", "network_checks"]

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
        RecordCheck(_names(network), places),
        RecordCheck(_offers(network), ["suppliers", "products"]),
        RecordCheck(_lane_ends(network), [*places, "lanes"]),
    ]


def _empty(table: str, records: Sequence[object]) -> Iterable[str]:
    if not records:
        yield f"{table}: the list is empty; give at least one"


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
