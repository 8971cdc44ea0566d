"""Mistakes between the records of a supply problem, each as a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.records.declaration import declared_fields
from kanopt.records.reading import RecordCheck, empty_tables, reference_checks, shared_names
from kanopt.records.unread_columns import without_row
from kanopt.supply.entities import Supplier
from kanopt.supply.network import LARGEST_ADDED, SupplyNetwork
from kanopt.supply.tariff import demand_places
from kanopt.text import count_text, number_text


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
    sellers = [name for place, name in enumerate(network.supplier_names) if place not in tails]
    yield from without_row("lanes", "supplier", sellers, "nothing is bought there")
    first = network.facility_nodes.start
    names = enumerate(network.facility_names, start=first)
    unused = [name for place, name in names if place not in tails or place not in heads]
    yield from without_row("lanes", "facility", unused, "it is never used", "lane to and from the")


def _without_any_row(network: SupplyNetwork, rows: pd.DataFrame | None) -> dict[str, list[str]]:
    if rows is None:
        return {}
    names = {
        "market": network.market_names,
        "product": network.product_names,
        "period": network.period_names,
    }
    places = demand_places(network, rows)
    return {
        word: [name for place, name in enumerate(names[word]) if place not in {*found.tolist()}]
        for word, found in zip(names, places, strict=True)
    }
