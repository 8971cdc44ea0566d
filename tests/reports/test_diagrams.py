from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from kanopt.reports import plot_diagram
from kanopt.reports.diagrams import diagram_size
from kanopt.reports.svg import to_svg


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def test_every_edge_has_a_frame_and_every_end_a_name(make_run: Any) -> None:
    diagram = make_run().laws["travel_time"].diagram
    ax = Figure(figsize=(8, 5)).add_subplot()
    assert plot_diagram(diagram, ax) is ax
    assert len(ax.patches) == len(diagram.edges) == 8
    names = [text.get_text() for text in ax.texts]
    assert names == ["log distance_km", "hour", "mode", "air · rail · road", "Σ", "Σ", "log minutes"]


def test_nothing_leaves_the_picture_in_any_width(make_run: Any) -> None:
    diagram = make_run().laws["travel_time"].diagram
    width, height = diagram_size(diagram)
    assert plot_diagram(diagram).get_xlim() == (0, width)
    for wide in (350, width, 900):
        root = ElementTree.fromstring(
            to_svg(lambda ax: plot_diagram(diagram, ax), width=wide, height=height, label=f"d {wide}")
        )
        places = [float(text.get("x", "0")) for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert min(places) > 0
        assert max(places) < wide
