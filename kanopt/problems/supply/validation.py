"""Mistakes between the records of a supply problem, each as a sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.problems.supply.entities import Supplier
from kanopt.problems.supply.network import SupplyNetwork
from kanopt.records.declaration import declared_fields
from kanopt.records.reading import RecordCheck, unknown_names
from kanopt.text import number_text

__all__ = ["LARGEST_ADDED", "network_checks"]

LARGEST_ADDED = 1e15
"""No price or amount of a network is larger: a linear solver adds them up, and takes 1e20 for infinite."""


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
        RecordCheck(
            unknown_names(
                network.units.table(Supplier), network.offers, {"products": network.product_names}, nearest
            ),
            ["suppliers", "products"],
        ),
        RecordCheck(_lane_ends(network), [*places, "lanes"]),
    ]


def _empty(table: str, records: Sequence[object]) -> Iterable[Fault]:
    if not records:
        yield Fault(table, "the list is empty", advice="give at least one")


def _beyond(table: str, records: Sequence[Any]) -> Iterable[Fault]:
    """Yield the fields with numbers that a linear solver cannot add to others."""
    if not records:
        return
    kind: type = type(records[0])
    for field in [item.name for item in declared_fields(kind) if item.type is float]:
        wrong = [
            str(record.name)
            for record in records
            if (value := getattr(record, field)) is not None and LARGEST_ADDED < abs(value) < math.inf
        ]
        if wrong:
            what = f"is beyond {number_text(LARGEST_ADDED)}, which nothing can be added to exactly"
            advice = "count in a larger unit, or leave out a limit that is none"
            yield Fault(table, what, tuple(wrong), field, advice=advice)


def _names(network: SupplyNetwork) -> Iterable[Fault]:
    for name, count in Counter(network.node_names).items():
        if count > 1:
            advice = "suppliers, facilities and markets need names of their own"
            yield Fault("facilities", f"{name!r} names more than one place", advice=advice)


def _offers(network: SupplyNetwork) -> Iterable[Fault]:
    """Yield the offers both of one product and of all of them."""
    whole = {offer.name for offer in network.offers if not offer.product}
    for name in dict.fromkeys(
        offer.name for offer in network.offers if offer.product and offer.name in whole
    ):
        what = "has a record for every product (product left empty) and others for single products"
        yield Fault("suppliers", what, (name,), advice="keep one kind")


def _lane_ends(network: SupplyNetwork) -> Iterable[Fault]:
    """Yield the lanes that start or end where no lane can."""
    tails = {*network.supplier_names, *network.facility_names}
    heads = {*network.facility_names, *network.market_names}
    for lane in network.lanes:
        if lane.tail not in tails:
            why = "is a market, where no lane starts" if lane.tail in heads else "is unknown"
            yield Fault(
                "lanes", f"{lane.tail!r} {why}", (lane.name,), "tail", advice=nearest(lane.tail, tails)
            )
        if lane.head not in heads:
            why = "is a supplier, where no lane ends" if lane.head in tails else "is unknown"
            yield Fault(
                "lanes", f"{lane.head!r} {why}", (lane.name,), "head", advice=nearest(lane.head, heads)
            )
        if lane.tail == lane.head:
            yield Fault("lanes", "starts and ends at the same place", (lane.name,))
