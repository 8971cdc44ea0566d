from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from kanopt.reports import plot_diagram
from kanopt.reports.diagrams import diagram_size
from kanopt.reports.svg import to_svg
from kanopt.surrogates.diagram import Diagram, DiagramEdge


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


def edge(layer: int, source: int, target: int, **more: Any) -> DiagramEdge:
    x = np.linspace(0.0, 1.0, 5)
    values = {"x": x, "y": x, "labels": (), "strength": 1.0, **more}
    return DiagramEdge(layer, source, target, **values)


def test_products_are_marked_and_pruned_edges_are_dotted() -> None:
    edges = (
        edge(0, 0, 0),
        edge(0, 0, 1, factor=1, strength=0.04),
        edge(0, 0, 1, factor=2, pruned=True),
        edge(0, 1, 0, pruned=True),
        edge(0, 1, 1, factor=1, pruned=True),
        edge(0, 1, 1, factor=2, strength=0.0),
        edge(1, 0, 0),
        edge(1, 1, 0),
    )
    diagram = Diagram((("a", "b"), ("", ""), ("y",)), edges, (0, 1, 0))
    ax = plot_diagram(diagram)
    assert [text.get_text() for text in ax.texts] == ["a", "b", "Σ", "×", "y"]
    assert len(ax.patches) == 5  # pruned edges have no frame
    dotted = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert len(dotted) == 3
    ends = {tuple(np.round(line.get_xydata()[-1], 3)) for line in dotted}
    product = {text.get_text(): text.get_position() for text in ax.texts}["×"]
    assert len(ends) == 3  # the sum, and the two factors apart
    assert all(y != pytest.approx(product[1]) for _, y in ends)
    alphas = sorted({line.get_alpha() for line in ax.lines if line.get_alpha() is not None})
    assert alphas == pytest.approx([0.12, 0.12 + 0.88 * 0.2, 1.0])


def test_long_names_stay_apart_and_no_edge_runs_through_a_sign() -> None:
    names = tuple(f"a_rather_long_column_name_{place:02d}_eur" for place in range(3))
    edges = (*(edge(0, source, 0) for source in range(3)), edge(1, 0, 0))
    ax = plot_diagram(Diagram((names, ("",), ("y",)), edges))
    texts = {text.get_text(): text for text in ax.texts}
    assert len([text for text in texts if text.startswith("a_rather")]) == 3
    sign = texts["Σ"]
    circle = next(line for line in ax.lines if line.get_markersize() == 14)
    assert sign.get_position() == tuple(circle.get_xydata()[0])
    assert max(line.get_zorder() for line in ax.lines if line is not circle and line.get_alpha()) < (
        circle.get_zorder()
    )


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
