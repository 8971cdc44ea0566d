"""The Sioux Falls road network with its user-equilibrium volumes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.tables.report import with_report

__all__ = ["SiouxFalls", "load_sioux_falls"]

LINK_UNITS = {"capacity_veh_h": "veh/h", "free_flow_min": "min", "volume": "veh/h", "time_min": "min"}
NODE_UNITS = {"x_km": "km", "y_km": "km"}


@dataclass(frozen=True, eq=False)
class SiouxFalls:
    """The links and nodes of the Sioux Falls test network.

    The travel time on a link follows the law of the Bureau of Public Roads, with volume v and capacity c::

        time = free flow · (1 + 0.15 · (v/c)^4)                                  minutes

    The volumes are the user equilibrium for the published trips, at which no traveller can save time by
    changing route; ``scenarios/sioux_falls/compute_equilibrium.py`` computed them to a relative gap below
    1e-6. Volumes are often taken as hourly, and free-flow times (hundredths of an hour in the paper) as
    minutes; the lengths equal the free-flow times and have no unit. The network is a test case, and no
    picture of the city.

    Attributes
    ----------
    links
        76 rows: link, tail, head, capacity_veh_h, length, free_flow_min, volume (veh/h), time_min.
    nodes
        24 rows: node, x_km, y_km. Drawn after the paper's diagram, not surveyed.

    References
    ----------
    L. J. LeBlanc, E. K. Morlok, W. P. Pierskalla: An efficient approach to solving the road network
    equilibrium traffic assignment problem. Transportation Research 9 (1975), pp. 309-318. Digital form:
    Transportation Networks for Research, https://github.com/bstabler/TransportationNetworks (SiouxFalls).

    Examples
    --------
    >>> network = load_sioux_falls()
    >>> len(network.links), len(network.nodes)
    (76, 24)
    >>> float(network.true_minutes(6.0, 9_000.0, 4_500.0))
    20.4
    """

    links: pd.DataFrame
    nodes: pd.DataFrame

    def true_minutes(
        self, free_flow_min: ArrayLike, volume: ArrayLike, capacity_veh_h: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the travel time of a link in minutes; arrays broadcast."""
        free, load, room = (np.asarray(v, dtype=np.float64) for v in (free_flow_min, volume, capacity_veh_h))
        return np.asarray(free * (1.0 + 0.15 * (load / room) ** 4))


def load_sioux_falls() -> SiouxFalls:
    """Return the Sioux Falls network that ships with the package.

    Returns
    -------
    SiouxFalls
        Its docstring states the law and the source.

    Examples
    --------
    >>> load_sioux_falls().links["volume"].gt(0).all().item()
    True
    """
    folder = files("kanopt.tables") / "data"
    frames = []
    for part, units in (("links", LINK_UNITS), ("nodes", NODE_UNITS)):
        with (folder / f"sioux_falls_{part}.csv").open(encoding="utf-8") as file:
            frame = pd.read_csv(file)
        frames.append(with_report(frame, f"load_sioux_falls().{part}", units, how="shipped with kanopt"))
    return SiouxFalls(*frames)
