"""The Sioux Falls tables, and the script that computed their volumes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.optimize import brentq

from kanopt.tables import load_sioux_falls, report_of, units_of

SCRIPT = Path(__file__).parents[2] / "scenarios" / "sioux_falls" / "compute_equilibrium.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compute_equilibrium", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_whole() -> None:
    network = load_sioux_falls()
    links, nodes = network.links, network.nodes
    columns = ["link", "tail", "head", "capacity_veh_h", "length", "free_flow_min", "volume", "time_min"]
    assert (list(links), len(links)) == (columns, 76)
    assert (list(nodes), len(nodes)) == (["node", "x_km", "y_km"], 24)
    assert links["link"].tolist() == list(range(1, 77))
    assert set(links["tail"]) == set(links["head"]) == set(nodes["node"])
    back = links.merge(links, left_on=["tail", "head"], right_on=["head", "tail"])
    assert len(back) == 76  # every road runs both ways
    assert units_of(links)["volume"] == "veh/h"
    assert report_of(nodes).source == "load_sioux_falls().nodes"


def test_times_follow_the_published_law() -> None:
    network = load_sioux_falls()
    links = network.links
    law = network.true_minutes(links["free_flow_min"], links["volume"], links["capacity_veh_h"])
    np.testing.assert_allclose(links["time_min"], law, atol=2e-5)
    # the published best known equilibrium, links 1-2, 1-3, 3-4, 5-9 (TransportationNetworks, SiouxFalls_flow.tntp)
    published = {1: 4494.6576, 2: 8119.0799, 6: 14006.3710, 13: 15780.7821}
    seen = links.set_index("link")["volume"]
    for link, volume in published.items():
        assert seen[link] == pytest.approx(volume, rel=1e-4)


def write_two_routes(folder: Path, trips: float) -> None:
    """Two ways from 1 to 2: direct, and around by 3."""
    links = [(1, 2, 300.0, 10.0), (1, 3, 500.0, 6.0), (3, 2, 500.0, 6.0), (2, 1, 400.0, 9.0)]
    rows = "".join(f"\t{a}\t{b}\t{c}\t{t}\t{t}\t0.15\t4\t0\t0\t1\t;\n" for a, b, c, t in links)
    head = "<NUMBER OF ZONES> 3\n<TOTAL OD FLOW> {total}\n<END OF METADATA>\n\n\n"
    (folder / "SiouxFalls_net.tntp").write_text("<END OF METADATA>\n\n~\tinit_node\tterm_node\t;\n" + rows)
    (folder / "SiouxFalls_trips.tntp").write_text(
        head.format(total=trips + 50.0) + f"Origin \t1 \n    2 :    {trips}; \n\nOrigin 2\n    1 :   50.0;\n"
    )
    (folder / "SiouxFalls_node.tntp").write_text(
        "Node\tX\tY\t;\n1\t-96.7\t43.5\t;\n2\t-96.6\t43.5\t;\n3\t-96.65\t43.6\t;\n"
    )


def bpr(volume: float, free: float, capacity: float) -> float:
    return free * (1.0 + 0.15 * (volume / capacity) ** 4)


@pytest.mark.parametrize("trips", [200.0, 800.0, 1500.0])
def test_the_equilibrium_of_two_routes(script: ModuleType, tmp_path: Path, trips: float) -> None:
    write_two_routes(tmp_path, trips)
    network = script.read_network(tmp_path)
    volume, gap, _ = script.equilibrium(network, 1e-10, 5_000)
    assert gap <= 1e-10

    def advantage(direct: float) -> float:
        return bpr(direct, 10.0, 300.0) - 2.0 * bpr(trips - direct, 6.0, 500.0)

    direct = trips if advantage(trips) <= 0 else brentq(advantage, 0.0, trips)
    np.testing.assert_allclose(volume, [direct, trips - direct, trips - direct, 50.0], rtol=1e-4, atol=1e-6)
