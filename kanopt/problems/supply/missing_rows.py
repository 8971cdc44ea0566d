"""Markets, products and sites of which a table says nothing by any row."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from kanopt.faults import Fault
from kanopt.problems.supply.network import Floats, SupplyNetwork
from kanopt.problems.supply.tariff import demand_places
from kanopt.records.unread_columns import without_row
from kanopt.text import count_text


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
