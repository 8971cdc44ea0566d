"""The network as a graph, and markets that nothing leads to, beside following lanes by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from kanopt.problems.supply import Facility, Lane
from tests.cases.supply import random_problem, small


def followed(problem) -> set[str]:
    """Return what lanes lead to, one after the other, through sites that are not closed."""
    network = problem.network
    closed = {site.name for site in network.facilities if site.status == "closed"}
    reached = set(network.supplier_names)
    while True:
        more = {lane.head for lane in network.lanes if lane.tail in reached} - closed - reached
        if not more:
            return reached
        reached |= more


@pytest.mark.parametrize("seed", range(8))
def test_markets_are_told_that_no_lanes_lead_to(seed):
    rng = np.random.default_rng(seed)
    whole = random_problem(seed)
    network = whole.network
    kept = [lane for lane in network.lanes if rng.random() < 0.4] or [network.lanes[0]]
    sites = [replace(site, status="closed") if rng.random() < 0.3 else site for site in network.facilities]
    problem = replace(whole, lanes=kept, facilities=sites, tariff=1.0)
    missing = [name for name in network.market_names if name not in followed(problem)]
    remarks = problem.unreachable()
    assert set(remarks) <= set(problem.remarks())
    assert bool(remarks) == bool(missing)
    assert all(f"'{name}'" in remarks[0] for name in missing[:5])


def test_the_graph_has_all_places_and_lanes_with_what_is_known_of_them():
    problem = small()
    road = replace(problem.lanes[0], distance=7.0, capacity=3.0, attributes={"toll": 2.0})
    lanes = [road, *problem.lanes[1:], Lane(road.tail, road.head, "rail")]
    sites = [Facility("north", x=1.0, y=2.0, status="open"), *problem.facilities[1:]]
    graph = replace(problem, lanes=lanes, facilities=sites, tariff=1.0).to_networkx()
    assert isinstance(graph, nx.MultiDiGraph)
    assert list(graph) == problem.network.node_names
    assert graph.number_of_edges() == len(lanes)
    first = graph.edges[lanes[0].tail, lanes[0].head, lanes[0].mode]
    assert first == {"toll": 2.0, "distance": 7.0, "capacity": 3.0}
    assert math.isinf(graph.edges[lanes[0].tail, lanes[0].head, "rail"]["capacity"])
    assert graph.nodes["north"] == {"kind": "facility", "x": 1.0, "y": 2.0, "status": "open"}
    assert {about["kind"] for _, about in graph.nodes(data=True)} == {"supplier", "facility", "market"}
