"""The Sioux Falls tables, and the script that computed their volumes."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.tables import load_example


def test_times_follow_the_published_law() -> None:
    links = load_example("sioux_falls").links
    law = links["free_flow_min"] * (1.0 + 0.15 * (links["volume"] / links["capacity_veh_h"]) ** 4)
    np.testing.assert_allclose(links["time_min"], law, atol=2e-5)
    # the published best known equilibrium, links 1-2, 1-3, 3-4, 5-9 (TransportationNetworks, SiouxFalls_flow.tntp)
    published = {1: 4494.6576, 2: 8119.0799, 6: 14006.3710, 13: 15780.7821}
    seen = links.set_index("link")["volume"]
    for link, volume in published.items():
        assert seen[link] == pytest.approx(volume, rel=1e-4)
