"""Mistakes between the records of a supply problem, each as a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.problems.supply.entities import Supplier
from kanopt.problems.supply.network import SupplyNetwork
from kanopt.records.declaration import declared_fields
from kanopt.records.reading import RecordCheck, empty_tables, reference_checks, shared_names
from kanopt.text import number_text

LARGEST_ADDED = 1e15
"""No price or amount of a network is larger: a linear solver adds them up, and takes 1e20 for infinite."""


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
        *reference_checks([network.units.table(Supplier)], network.tables),
        RecordCheck(_lane_ends(network), [*places, "lanes"]),
    ]


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
        for end, known, others, why in (
            ("tail", tails, heads, "is a market, where no lane starts"),
            ("head", heads, tails, "is a supplier, where no lane ends"),
        ):
            name = getattr(lane, end)
            if name not in known:
                what = f"{name!r} {why if name in others else 'is unknown'}"
                yield Fault("lanes", what, (lane.name,), end, advice=nearest(name, known))
        if lane.tail == lane.head:
            yield Fault("lanes", "starts and ends at the same place", (lane.name,))
