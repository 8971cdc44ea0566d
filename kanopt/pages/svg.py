"""The conversion of a matplotlib figure to inline SVG.

Matplotlib's own SVG carries fonts, fixed colours, global styles and ids of its own. :func:`to_svg` strips those: text
takes the font of the page, palette colours become CSS variables, marks get tooltips, and an id stays only where
something points to it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from kanopt.display import Chart
from kanopt.pages.charts import COLOURS, HALO, PART, TIP, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
_FONT = 13.0  # pixels; most text is small, 5/6 of it
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_SPACES = re.compile(r"\s*([A-Za-z])\s*")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = {"font-family", "stroke-linejoin"}
_GEOMETRY = {"d", "x", "y", "width", "height", "transform", "viewBox", "points"}


WIDE, NARROW = 860, 350
"""Pixels of a picture as wide as the page, and of one for phones."""


@dataclass(frozen=True)
class Tip:
    """What is told of a mark: its text, the route, driver or machine it belongs to, and its number on that."""

    text: str
    of: str = ""
    number: int | None = None


def to_svg(
    draw: Callable[[Any], object],
    *,
    width: int,
    height: int = 0,
    taller: float = 1.0,
    label: str,
    tips: Mapping[str, Sequence[Tip]] | None = None,
    data: Mapping[str, str] | None = None,
) -> str:
    """Return a drawing as inline SVG.

    Parameters
    ----------
    draw
        Draws on the axes that :func:`~kanopt.pages.charts.axes_or_new` makes of what it is given.
    width, height
        Size in CSS pixels; as high as the drawing wants to be, times `taller`, where the height is 0.
    label
        Alternative text; must differ between the charts of a page.
    tips
        Tooltips by name: for the marks of the group whose id is ``TIP`` plus that name, in order.
    data
        What the page's script asks of the picture: attributes ``data-…`` by what follows the hyphen.

    Returns
    -------
    str
        A well-formed ``<svg>`` element without scripts, styles, fonts or outside references.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    buffer, figure = StringIO(), Figure(layout="constrained")

    def canvas(_: float, wanted: float) -> Axes:
        figure.set_size_inches(width / 72, (height or round(taller * wanted)) / 72)
        return figure.add_subplot()

    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": label, "font.size": _FONT}),
        warnings.catch_warnings(),
    ):
        # The browser sets the text, in its own fonts: a glyph that matplotlib's font lacks is no loss.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        draw(canvas)
        for text in figure.findobj(Text):
            text.set_path_effects([])
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return _for_page(buffer.getvalue(), label, tips or {}, data or {})


def chart_of(
    draw: Callable[[Any], object],
    *,
    caption: str,
    label: str,
    size: tuple[int, int],
    narrow: tuple[int, int] | None = None,
    titled: bool = True,
    **how: Any,
) -> Chart:
    """Draw a picture for desktops and one for phones; small pictures are the same on both.

    Parameters
    ----------
    draw
        As for :func:`to_svg`.
    caption, label
        What it shows, and the alternative text.
    size, narrow
        Pixels for desktops and for phones; a height of 0 is what the drawing wants.
    titled
        Whether the caption is a title.
    **how
        Tooltips and data, as for :func:`to_svg`.
    """
    wide = to_svg(draw, width=size[0], height=size[1], label=label, **how)
    small = ""
    if narrow is not None:
        size = narrow
        small = to_svg(draw, width=size[0], height=size[1], taller=1.1, label=f"{label}, narrow", **how)
    return Chart(wide, small, caption, titled)


def _for_page(source: str, label: str, tips: Mapping[str, Sequence[Tip]], data: Mapping[str, str]) -> str:
    root = ElementTree.fromstring(source)  # noqa: S314 - written by matplotlib a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}style", f"{{{SVG}}}metadata"}:
                parent.remove(child)
    _add_tips(root, tips)
    _strip(root)
    size = {side: root.attrib.pop(side).removesuffix("pt") for side in ("width", "height")}
    named = {f"data-{name}": value for name, value in data.items()}
    for name, value in {**size, "class": "chart", "role": "img", "aria-label": label, **named}.items():
        root.set(name, value)
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _add_tips(root: ElementTree.Element, tips: Mapping[str, Sequence[Tip]]) -> None:
    for group in root.iter(f"{{{SVG}}}g"):
        name = group.get("id", "")
        texts = tips.get(name.removeprefix(TIP), ()) if name.startswith(TIP) else ()
        for mark, tip in zip(_marks(group), texts, strict=False):
            title = ElementTree.Element(f"{{{SVG}}}title")
            title.text = printable(tip.text)
            mark.append(title)
            if tip.of:
                mark.set("data-of", printable(tip.of))
            if tip.number is not None:
                mark.set("data-number", str(tip.number))


def _marks(group: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the elements that are drawn, without those in definitions."""
    for child in group:
        if child.tag in {f"{{{SVG}}}use", f"{{{SVG}}}path"}:
            yield child
        elif child.tag == f"{{{SVG}}}g":
            yield from _marks(child)


def _strip(root: ElementTree.Element) -> None:
    pointed_at = set()
    for element in root.iter():
        reference = element.attrib.pop(XLINK, None)
        if reference is not None:
            element.set("href", reference)
            pointed_at.add(reference.removeprefix("#"))
        for value in element.attrib.values():
            pointed_at.update(_REFERENCE.findall(value))
    for element in root.iter():
        name = element.get("id")
        if name is not None and name.startswith((HALO, PART)):
            look, part_of, owner = name.partition(PART)
            if look:
                element.set("class", HALO)
            if part_of:
                element.set("data-of", owner)
        if name is not None and name not in pointed_at:
            del element.attrib["id"]
        for key in _GEOMETRY.intersection(element.attrib):
            element.set(key, _NUMBER.sub(_round_match, element.attrib[key]).replace("\n", " "))
        if "d" in element.attrib:
            element.set("d", _short_path(element.attrib["d"]))
        if "style" in element.attrib:
            element.set("style", _style(element.attrib["style"]))
        if element.tag == f"{{{SVG}}}text" and element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]


def _short_path(path: str) -> str:
    """Return a path without spaces that nothing needs.

    Examples
    --------
    >>> _short_path("M 1 2  L 3 4.5  L 5 6 ")
    'M1 2L3 4.5L5 6'
    """
    return _SPACES.sub(r"\1", path).strip()


def _round_match(match: re.Match[str]) -> str:
    return f"{round(float(match[0]), 2):g}" if abs(float(match[0])) < 1e5 else match[0]


def _style(style: str) -> str:
    """Return a style without its font, and with the colours of the theme as CSS variables."""
    kept = []
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        if name.strip() in _DROPPED:
            continue
        kept.append(f"{name.strip()}:{_themed(value.strip())}")
    return ";".join(kept)


def _themed(value: str) -> str:
    for colour in COLOURS:
        value = value.replace(colour.light, f"var(--{colour.name},{colour.light})")
    return value
