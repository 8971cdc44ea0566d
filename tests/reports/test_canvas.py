from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from kanopt.reports.canvas import HALO, TIP
from kanopt.reports.palette import INK, series
from kanopt.reports.svg import Tip, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def some(ax: Any) -> None:
    ax.plot([0, 1], [0, 1], color=series(0).light)
    ax.scatter([0, 1, 2], [2, 1, 0], color=INK.light).set_gid(f"{TIP}points")
    ax.text(0.5, 0.5, "on top", gid=HALO)


def test_svg_is_well_formed_and_carries_nothing_of_its_own() -> None:
    text = to_svg(some, width=300, height=200, label='A "chart" & <more>')
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == 'A "chart" & <more>'
    assert (root.get("width"), root.get("height"), root.get("role")) == ("300", "200", "img")
    assert not list(root.iter(f"{SVG}style"))
    assert not list(root.iter(f"{SVG}metadata"))
    assert "font-family" not in text
    assert f"var(--c1,{series(0).light})" in text
    assert re.search(rf"(?<!,){series(0).light}", text) is None


def test_marks_get_their_tips_in_order() -> None:
    tips = [Tip("<first>", "van <1>\x01", 7), Tip("second & last", "van 2"), Tip("third \x00")]
    root = ElementTree.fromstring(to_svg(some, width=300, height=200, label="tips", tips={"points": tips}))
    titles = [(use.find(f"{SVG}title"), float(use.get("x", "0"))) for use in root.iter(f"{SVG}use")]
    found = [(title.text, x) for title, x in titles if title is not None]
    marks = [use for use in root.iter(f"{SVG}use") if use.find(f"{SVG}title") is not None]
    owners = [(use.get("data-of"), use.get("data-number")) for use in marks]
    assert owners == [("van <1> ", "7"), ("van 2", None), (None, None)]
    assert [text for text, _ in found] == ["<first>", "second & last", "third  "]
    assert found[0][1] < found[1][1] < found[2][1]
