from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import arc, link
from kanopt.routing import RoadNetwork
from kanopt.tables import with_units

NODES = pd.DataFrame({"name": [1, 2, 3], "x": [0.0, 1.0, 2.0], "y": [0.0, 0.0, 1.0]})
LINKS = pd.DataFrame(
    {
        "tail": [1, 2, 1, 1],
        "head": [2, 3, 3, 2],
        "length": [2.0, 2.0, 9.0, 1.0],
        "speed": [60.0, 30.0, 90.0, 15.0],
    }
)
MINUTES = parse_formula(
    "60 * km / speed",
    [Variable("km", "km", low=0.5, high=5), Variable("speed", "km/h")],
    Variable("minutes", "min"),
    per="link",
)


def network(**changes: object) -> RoadNetwork:
    given = {"links": LINKS, "law": MINUTES.bind(km=link.length, speed=link.speed), "nodes": NODES}
    return RoadNetwork(**{**given, **changes})


def test_fastest_paths_follow_the_law_and_parallel_links_keep_the_fastest():
    roads = network()
    assert roads.times.tolist() == [2.0, 4.0, 6.0, 4.0]
    travel = roads.matrix(["1", "3", "1"])
    assert travel.time.tolist() == [[0, 6, 0], [np.inf, 0, np.inf], [0, 6, 0]]
    assert travel.length[0, 1] in (4.0, 9.0)  # both ways take six minutes
    assert roads.paths([("3", "1")]) == [None]


def test_a_path_names_its_links():
    roads = network(law=np.array([2.0, 4.0, 6.5, 4.0]))
    path, stay = roads.paths([("1", "3"), ("2", "2")])
    assert (path.nodes, path.links) == (("1", "2", "3"), (0, 1))
    assert stay.links == ()
    assert roads.paths([("1", "2"), ("3", "1"), ("2", "3")])[2].links == (1,)


def test_lengths_have_units():
    metres = with_units(LINKS.assign(length=LINKS["length"] * 1000), {"length": "m"})
    assert network(links=metres).lengths.tolist() == [2.0, 2.0, 9.0, 1.0]
    assert network(nodes=None).positions is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"links": LINKS.rename(columns={"head": "hed"})}, "column 'head' is missing; did you mean 'hed'"),
        ({"links": LINKS.assign(tail=[1, None, 1, 1])}, "row 2: tail and head must be given"),
        ({"links": LINKS.assign(length=[1, -2, 3, 4])}, r"length must be .* '2 → 3 \(−2 km\)'"),
        ({"links": with_units(LINKS, {"length": "h"})}, "column 'length': cannot convert 'h'"),
        ({"law": np.array([1.0, 2.0, -1.0, 1.0])}, r"travel time must be .* '1 → 3 \(−1 min\)'"),
        ({"law": np.ones(3)}, "4 links, but travel times of shape"),
        ({"nodes": NODES.rename(columns={"x": "lon"})}, "nodes: column 'x' is missing"),
        ({"nodes": NODES[:2]}, "'3' is not among the nodes"),
        ({"nodes": pd.concat([NODES, NODES[:1]])}, "nodes: '1' appears more than once"),
        ({"law": MINUTES.bind(km=link.length, speed=link.sped)}, "'link.sped'; did you mean 'link.speed'"),
        (
            {"law": MINUTES.bind(km=arc.distance, speed=30.0)},
            "does not know 'arc.distance'; known: 'link.head'",
        ),
        ({"links": LINKS.assign(speed=list("abcd"))}, "links: "),
    ],
)
def test_bad_networks_are_refused(changes, message):
    with pytest.raises(ProblemError, match=message):
        network(**changes)


def test_unknown_nodes_are_named():
    with pytest.raises(ProblemError, match="road network: no node '33'"):
        network().matrix(["1", "33"])


@given(st.integers(0, 10_000))
def test_times_and_lengths_agree_with_the_paths(seed):
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 7, (14, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    links = pd.DataFrame({"tail": pairs[:, 0], "head": pairs[:, 1], "length": rng.integers(1, 9, len(pairs))})
    roads = RoadNetwork(links, rng.integers(0, 9, len(pairs)).astype(float))
    names = list(roads.names)
    travel = roads.matrix(names)
    reach = np.full((len(names), len(names)), np.inf)  # Floyd-Warshall, written out
    np.fill_diagonal(reach, 0.0)
    for place, (tail, head) in enumerate(zip(roads.tails, roads.heads, strict=True)):
        a, b = roads.index[tail], roads.index[head]
        reach[a, b] = min(reach[a, b], roads.times[place])
    for middle in range(len(names)):
        reach = np.minimum(reach, reach[:, [middle]] + reach[[middle], :])
    assert np.array_equal(travel.time, reach)
    for a, origin in enumerate(names):
        for b, path in enumerate(roads.paths([(origin, name) for name in names])):
            found = (travel.time[a, b], travel.length[a, b])
            links = [] if path is None else list(path.links)
            sums = roads.times[links].sum(), roads.lengths[links].sum()
            assert found == ((np.inf, np.inf) if path is None else sums)


def test_a_graph_without_directions_is_driven_both_ways_and_read_by_a_law():
    graph = nx.MultiGraph()
    graph.add_node(1, x=0.0, y=1.0)
    graph.add_node(2, x=3.0, y=1.0)
    graph.add_edge(1, 2, metres=2000.0, speed=60.0)
    graph.add_edge(1, 2, metres=1000.0, speed=15.0)
    law = MINUTES.bind(km=link.length, speed=link.speed)
    roads = RoadNetwork.from_networkx(graph, law, length="metres", distance="m")
    assert roads.matrix(["1", "2"]).time.tolist() == [[0.0, 2.0], [2.0, 0.0]]
    assert roads.positions.loc["2"].tolist() == [3.0, 1.0]


def test_an_edge_without_length_or_time_is_refused():
    graph = nx.DiGraph([("a", "b"), ("b", "c")])
    for missing in ("length", "minutes"):
        with pytest.raises(ProblemError, match=f"not every edge has the attribute '{missing}'"):
            RoadNetwork.from_networkx(graph, "minutes")
        nx.set_edge_attributes(graph, 1.0, "length")
        graph.edges["a", "b"]["minutes"] = 2.0
