"""The supply network as a graph, and the markets that nothing in it leads to."""

from __future__ import annotations

from typing import Any

from kanopt.problems.supply.network import SupplyNetwork
from kanopt.text import list_names


def network_graph(network: SupplyNetwork) -> Any:
    """Return places and lanes as a ``networkx.MultiDiGraph``; see :meth:`SupplyProblem.to_networkx`."""
    import networkx as nx

    graph = nx.MultiDiGraph()
    kinds = (
        ("supplier", network.supplier_names),
        ("facility", network.facility_names),
        ("market", network.market_names),
    )
    for kind, names in kinds:
        graph.add_nodes_from(names, kind=kind)
    for name, (x, y) in zip(network.node_names, network.coordinates.tolist(), strict=True):
        graph.nodes[name].update(x=x, y=y)
    for facility in network.facilities:
        graph.nodes[facility.name]["status"] = facility.status
    for lane, distance in zip(network.lanes, network.distances.tolist(), strict=True):
        known = {**lane.attributes, "distance": distance, "capacity": lane.capacity}
        graph.add_edge(lane.tail, lane.head, key=lane.mode, **known)
    return graph


def unreachable_markets(network: SupplyNetwork) -> tuple[str, ...]:
    """Say which markets no lane leads to from any supplier, through sites that are not closed by their status."""
    import networkx as nx

    graph = network_graph(network)
    graph.remove_nodes_from([site.name for site in network.facilities if site.status == "closed"])
    reached = set[str]().union(*(nx.descendants(graph, name) for name in network.supplier_names))
    missing = [name for name in network.market_names if name not in reached]
    if not missing:
        return ()
    return (f"no lanes lead from any supplier to {list_names(missing)} through sites that may open",)
