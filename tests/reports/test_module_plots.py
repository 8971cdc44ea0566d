from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kanopt.formulas.modules import Module
from kanopt.reports import plot_modules
from kanopt.reports.diagrams import modules_size

LONG = tuple(f"a_rather_long_column_name_{place:02d}_vehicles_per_hour" for place in range(8))


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def column(name: str) -> Module:
    return Module("column", (name,), name)


def node(kind: Any, text: str, *children: Module) -> Module:
    return Module(kind, tuple(name for child in children for name in child.columns), text, children)


def three(names: tuple[str, ...] = LONG) -> Module:
    a, b, c = map(column, names[:3])
    ratio = node("product", f"{names[1]} / {names[2]}", b, c)
    return node("product", f"{names[0]} · {names[1]} / {names[2]}", a, ratio)


def eight(names: tuple[str, ...] = LONG) -> Module:
    d, e, f, g, h = map(column, names[3:])
    inner = node("product", " · ".join(names[4:6]), e, f)
    function = node("function", f"max({names[6]}, {names[7]})", g, h)
    return node("sum", "all", three(names), node("product", "two", d, inner), function)


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("tree", [column(LONG[0]), three(), eight()], ids=["1", "3", "8"])
@pytest.mark.parametrize("width", [324, 640, None])
def test_nothing_overlaps_or_leaves_the_picture(tree: Module, width: int | None) -> None:
    wide, high = modules_size(tree)
    figure = Figure(figsize=((width or wide) / 72, high / 72), dpi=72, layout="constrained")
    ax = figure.add_subplot()
    pyplot.rcParams.update({"font.size": 13.0})
    try:
        plot_modules(tree, ax)
        figure.canvas.draw()
        boxes = [text.get_window_extent() for text in ax.texts]
    finally:
        pyplot.rcdefaults()
    for box in boxes:
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= (width or wide)
    for place, one in enumerate(boxes):
        assert not any(one.shrunk(0.95, 0.8).overlaps(other.shrunk(0.95, 0.8)) for other in boxes[:place])
