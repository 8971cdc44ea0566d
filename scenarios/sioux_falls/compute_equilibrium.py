"""Compute the user equilibrium of the Sioux Falls network and write the two tables that kanopt ships.

The network, capacities, free-flow times and trips are those of

    L. J. LeBlanc, E. K. Morlok, W. P. Pierskalla: An efficient approach to solving the road network equilibrium
    traffic assignment problem. Transportation Research 9 (1975), pp. 309-318,

in the form in which "Transportation Networks for Research" keeps them
(https://github.com/bstabler/TransportationNetworks, SiouxFalls). Travel time on a link is
``t0 * (1 + 0.15 * (volume / capacity)**4)``. At user equilibrium no traveller can save time by changing
route; the volumes that make it so are found by the conjugate direction Frank-Wolfe method:

    M. Mitradjieva, P. O. Lindberg: The stiff is moving: conjugate direction Frank-Wolfe methods with applications
    to traffic assignment. Transportation Science 47 (2013), pp. 280-293, section 3.

Run it on a folder that holds the published ``.tntp`` files::

    python scenarios/sioux_falls/compute_equilibrium.py --data FOLDER
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

import kanopt.tables

Array = NDArray[np.float64]
EARTH_RADIUS = 6371.0  # km


@dataclass(frozen=True)
class Network:
    """Links (m) and trips between nodes (n x n), nodes counted from 0."""

    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    capacity: Array
    length: Array
    free_flow: Array
    b: Array
    power: Array
    trips: Array

    def times(self, volume: Array) -> Array:
        """Return the travel time of each link (m)."""
        return self.free_flow * (1.0 + self.b * (volume / self.capacity) ** self.power)

    def slopes(self, volume: Array) -> Array:
        """Return how much each link's time grows with its volume (m)."""
        return self.free_flow * self.b * self.power * volume ** (self.power - 1) / self.capacity**self.power


def read_network(folder: Path) -> Network:
    links = _rows(folder / "SiouxFalls_net.tntp")
    return Network(
        tail=links[:, 0].astype(np.int64) - 1,
        head=links[:, 1].astype(np.int64) - 1,
        capacity=links[:, 2],
        length=links[:, 3],
        free_flow=links[:, 4],
        b=links[:, 5],
        power=links[:, 6],
        trips=read_trips(folder / "SiouxFalls_trips.tntp"),
    )


def read_trips(path: Path) -> Array:
    text = path.read_text()
    zones = int(re.search(r"<NUMBER OF ZONES>\s*(\d+)", text)[1])  # type: ignore[index]
    total = float(re.search(r"<TOTAL OD FLOW>\s*([\d.]+)", text)[1])  # type: ignore[index]
    trips = np.zeros((zones, zones))
    for block in re.split(r"Origin\s+", text)[1:]:
        origin, pairs = block.split(maxsplit=1)
        for destination, flow in re.findall(r"(\d+)\s*:\s*([\d.]+)", pairs):
            trips[int(origin) - 1, int(destination) - 1] = float(flow)
    if not np.isclose(trips.sum(), total):
        raise SystemExit(f"{path}: the trips add up to {trips.sum():g}, the file states {total:g}")
    return trips


def _rows(path: Path) -> Array:
    """Return the rows of numbers of a .tntp file, which end in a semicolon or in nothing."""
    lines = path.read_text().split("<END OF METADATA>")[-1].splitlines()
    cells = [line.replace(";", " ").split() for line in lines]
    return np.array([[float(c) for c in row] for row in cells if row and re.match(r"^-?[\d.]+$", row[0])])


def all_or_nothing(network: Network, times: Array) -> Array:
    """Return the link volumes (m) if every trip took the shortest path at these times."""
    nodes = len(network.trips)
    graph = csr_matrix((times, (network.tail, network.head)), shape=(nodes, nodes))
    distance, before = dijkstra(graph, return_predecessors=True)
    link_of = np.full((nodes, nodes), -1)
    link_of[network.tail, network.head] = np.arange(len(times))
    passing, volume = network.trips.copy(), np.zeros(len(times))
    origins = np.arange(nodes)
    # from the farthest node inwards, hand what passes a node on to the node before it, all origins at once
    for place in np.argsort(-distance, axis=1).T[:-1]:
        flow, inner = passing[origins, place], before[origins, place]
        np.add.at(volume, link_of[inner, place], flow)
        np.add.at(passing, (origins, inner), flow)
    return volume


def step_length(network: Network, volume: Array, direction: Array) -> float:
    """Return the step in [0, 1] at which the total no longer falls (bisection on its derivative)."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if network.times(volume + middle * direction) @ direction < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def equilibrium(network: Network, gap: float, most: int) -> tuple[Array, float, int]:
    """Return the equilibrium volumes, the relative gap reached, and the iterations it took."""
    volume = all_or_nothing(network, network.free_flow)
    target = volume
    for iteration in range(1, most + 1):
        times = network.times(volume)
        shortest = all_or_nothing(network, times)
        reached = float((times @ volume - times @ shortest) / (times @ volume))
        if reached <= gap:
            return volume, reached, iteration
        slope, old = network.slopes(volume) * (target - volume), shortest - target
        # the share of the old target that makes the new direction conjugate to the old one (eq. 10)
        top, bottom = float(slope @ (shortest - volume)), float(slope @ old)
        share = min(max(top / bottom, 0.0), 0.99) if bottom else 0.0
        target = share * target + (1.0 - share) * shortest
        volume = volume + step_length(network, volume, target - volume) * (target - volume)
    raise SystemExit(f"relative gap {reached:.2e} after {most} iterations; allow more with --iterations")


def tables(network: Network, volume: Array, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    links = pd.DataFrame(
        {
            "link": np.arange(1, len(volume) + 1),
            "tail": network.tail + 1,
            "head": network.head + 1,
            "capacity_veh_h": network.capacity.round(3),
            "length": network.length,
            "free_flow_min": network.free_flow,
            "volume": volume.round(2),
            "time_min": network.times(volume).round(5),
        }
    )
    nodes = _rows(folder / "SiouxFalls_node.tntp")
    east, north = np.radians(nodes[:, 1]), np.radians(nodes[:, 2])
    # equirectangular about the mean, which over 15 km is exact to a few metres
    x = EARTH_RADIUS * (east - east.min()) * np.cos(north.mean())
    y = EARTH_RADIUS * (north - north.min())
    return links, pd.DataFrame({"node": nodes[:, 0].astype(int), "x_km": x.round(3), "y_km": y.round(3)})


def main() -> None:
    parser = argparse.ArgumentParser(description="Compute the Sioux Falls user equilibrium.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the SiouxFalls_*.tntp files")
    parser.add_argument("--out", type=Path, default=Path(kanopt.tables.__file__).parent / "data")
    parser.add_argument("--gap", type=float, default=1e-6, help="relative gap at which to stop")
    parser.add_argument("--iterations", type=int, default=50_000)
    arguments = parser.parse_args()
    network = read_network(arguments.data)
    volume, gap, iterations = equilibrium(network, arguments.gap, arguments.iterations)
    published = _rows(arguments.data / "SiouxFalls_flow.tntp")
    worst_volume = float(np.max(np.abs(volume / published[:, 2] - 1.0)))
    worst_time = float(np.max(np.abs(network.times(volume) / published[:, 3] - 1.0)))
    print(f"relative gap {gap:.2e} after {iterations:,} iterations")
    print(
        f"against the published equilibrium: volumes within {worst_volume:.2e}, times within {worst_time:.2e}"
    )
    links, nodes = tables(network, volume, arguments.data)
    links.to_csv(arguments.out / "sioux_falls_links.csv", index=False, lineterminator="\n")
    nodes.to_csv(arguments.out / "sioux_falls_nodes.csv", index=False, lineterminator="\n")
    ratio = volume / network.capacity
    print(f"wrote {len(links)} links and {len(nodes)} nodes; v/c from {ratio.min():.2f} to {ratio.max():.2f}")


if __name__ == "__main__":
    main()
