"""Clients that the road network does not join with a depot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.text import list_names

if TYPE_CHECKING:
    from kanopt.problems.routing.problem import RoutingProblem


def unreachable_clients(problem: RoutingProblem) -> tuple[str, ...]:
    """Say which clients no vehicle can reach by road from its depot, or return from where it must return.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from kanopt.problems import RoadNetwork, RoutingProblem
    >>> from kanopt.problems.routing import Client, Depot, VehicleType
    >>> roads = pd.DataFrame({"tail": ["yard", "a", "a"], "head": ["a", "yard", "b"], "length": 1.0})
    >>> network = RoadNetwork(roads, np.ones(3))
    >>> problem = RoutingProblem(
    ...     [Depot("yard")], [Client("a"), Client("b")], [VehicleType("van")], {}, network, network
    ... )
    >>> print(unreachable_clients(problem)[0])
    road network in 2 pieces: no vehicle can drive from its depot to 'b' and back
    """
    network = problem.network
    if network is None:
        return ()
    import networkx as nx

    graph = nx.DiGraph(zip(network.tails, network.heads, strict=True))
    graph.add_nodes_from(network.names)
    node_of = dict(zip(problem.data.names, problem.network_nodes, strict=True))
    reached: set[str] = set()
    for vehicle in problem.data.vehicles:
        if vehicle.num_available < 1:
            continue
        start, end = (node_of[ends[vehicle.name]] for ends in (problem.data.depot_of, problem.data.end_of))
        there = {start, *nx.descendants(graph, start)}
        reached |= there & {end, *nx.ancestors(graph, end)} if vehicle.returns else there
    missing = [client.name for client in problem.data.clients if node_of[client.name] not in reached]
    if not missing or not reached:
        return ()
    pieces = nx.number_strongly_connected_components(graph)
    fleet = problem.data.vehicles
    on = " and on to where it ends" if any(vehicle.end_depot for vehicle in fleet) else " and back"
    back = on if all(vehicle.returns for vehicle in fleet) else ""
    return (
        f"road network in {pieces:,} pieces: no vehicle can drive from its depot to {list_names(missing)}{back}",
    )
