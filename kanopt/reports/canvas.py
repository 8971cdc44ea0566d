"""Axes of charts, and the conversion of a matplotlib figure to inline SVG.

Matplotlib's own SVG carries fonts, fixed colours, global styles and ids of its own. :func:`to_svg` strips those: text
takes the font of the page, palette colours become CSS variables, marks get tooltips, and an id stays only where
something points to it.
"""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

import numpy as np

from kanopt.errors import PlotError
from kanopt.reports.palette import INK, LINE, MUTED, PAPER, colours
from kanopt.text import count_text, fixed_text, list_names, number_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.ticker import ScalarFormatter

__all__ = [
    "TIP",
    "Tip",
    "axes_or_new",
    "canvas_size",
    "escape_text",
    "halo",
    "id_of_part",
    "name_letters",
    "named_rows",
    "panels_or_new",
    "pixels",
    "set_x_title",
    "set_y_title",
    "style_axes",
    "tick_text",
    "to_svg",
]

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
HALO = "halo"
"""Group id of a text that must stay readable on top of lines."""
TIP = "tip-"
"""Prefix of the group id of marks that show a tooltip."""

_OF = "of-"
_SIZES = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))
_MOST_DECIMALS = 2
_PANELS_IN_A_ROW = 3
_TINY = 1e-4
_LETTER = 6.4  # pixels of a letter of small text
_FONT = 13.0  # pixels; most text is small, 5/6 of it
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_SPACES = re.compile(r"\s*([A-Za-z])\s*")
_BOX = re.compile(r"M (\S+) (\S+)\s+L (\S+) (\S+)\s+L (\S+) (\S+)\s+L (\S+) (\S+)\s+z")
_MANY = 8  # marks for which it pays to say once how they look
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff￾￿]")
_DROPPED = {"font-family", "stroke-linejoin"}
_GEOMETRY = {"d", "x", "y", "width", "height", "transform", "viewBox", "points"}


@dataclass(frozen=True)
class Tip:
    """What is told of a mark: its text, the route, driver or machine it belongs to, and its number on that."""

    text: str
    of: str = ""
    number: int | None = None


def escape_text(text: object) -> str:
    r"""Return text with dollar signs escaped, so that matplotlib reads no formula, and control characters replaced.

    Examples
    --------
    >>> escape_text("5 $ or 6 $\n")
    '5 \\$ or 6 \\$ '
    """
    return _CONTROL.sub(" ", str(text)).replace("$", r"\$")


def id_of_part(owner: str) -> str:
    """Return the group id of what belongs to a route, driver or machine."""
    return f"{_OF}{_CONTROL.sub(' ', owner)}"


def halo(owner: str = "") -> dict[str, Any]:
    """Return the properties of a text that must stay readable on top of lines, and of whose it is.

    On a page its halo is drawn by the style sheet, since a text with an effect would become outlines there.
    """
    from matplotlib.patheffects import withStroke

    gid = f"{HALO}{id_of_part(owner)}" if owner else HALO
    return {"gid": gid, "path_effects": [withStroke(linewidth=2.5, foreground=PAPER.light)]}


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the given axes, or those of a new pyplot figure of a size in pixels.

    Raises
    ------
    PlotError
        If what is given is no axes.
    """
    if ax is not None:
        return _as_axes(ax)
    from matplotlib import pyplot

    _, new = pyplot.subplots(figsize=(width / 72, height / 72), layout="constrained")
    return new


def panels_or_new(ax: Any, panels: Sequence[str], size: tuple[float, float], word: str) -> list[Axes]:
    """Return one axes for each panel: those given, or those of a new pyplot figure with panels of a size in pixels.

    Parameters
    ----------
    ax
        One axes if there is one panel, else at least as many as there are panels, in an array or a list; None for new
        ones.
    panels
        What is drawn in each.
    size
        Width and height of a panel.
    word
        What the panels are of, with the word for many of them: ``"inputs"``.

    Raises
    ------
    PlotError
        If what is given is no axes, or too few of them.
    """
    from matplotlib import pyplot

    count = len(panels)
    if ax is None:
        columns = min(count, _PANELS_IN_A_ROW)
        rows = -(-count // columns)
        figsize = (columns * size[0] / 72, rows * size[1] / 72)
        _, grid = pyplot.subplots(rows, columns, figsize=figsize, layout="constrained", squeeze=False)
        for spare in grid.flat[count:]:
            spare.remove()
        return list(grid.flat[:count])
    several = isinstance(ax, (np.ndarray, list, tuple))
    given = [_as_axes(each) for each in (np.ravel(np.asarray(ax, dtype=object)) if several else [ax])]
    if len(given) < count:
        raise PlotError(
            f"ax: {count_text(len(given), 'axes', 'axes')} for {count} {word} ({list_names(panels)}); choose one, as "
            f"by plot({panels[0]!r}, ax=ax), or give as many, as by plt.subplots(1, {count})[1]"
        )
    return given[:count]


def _as_axes(ax: Any) -> Axes:
    """Return what is given as axes."""
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    if isinstance(ax, Axes) and ax.name == "rectilinear":
        return ax
    if isinstance(ax, Axes):
        raise PlotError(f"ax is {ax.name}: kanopt draws on plain axes, such as plt.subplots()[1]")
    if isinstance(ax, np.ndarray):
        raise PlotError(
            f"ax is an array of {ax.size} axes where one is drawn on; give one of them, such as ax.flat[0]"
        )
    hint = "figure.add_subplot()" if isinstance(ax, FigureBase) else "plt.subplots()[1]"
    raise PlotError(
        f"ax is a {type(ax).__name__} in place of matplotlib axes; give {hint}, or nothing for new ones"
    )


def named_rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame as named tuples."""
    yield from frame.itertuples(index=False)


def canvas_size(ax: Axes) -> tuple[float, float]:
    """Return width and height in pixels of the cell of the figure that holds the axes and their labels."""
    figure = ax.get_figure(root=True)
    if figure is None:
        return 640.0, 400.0
    width, height = figure.get_size_inches() * 72
    place = ax.get_subplotspec()
    rows, columns = place.get_gridspec().get_geometry() if place is not None else (1, 1)
    return float(width / columns), float(height / rows)


def pixels(ax: Axes) -> tuple[float, float]:
    """Return an estimate of the size of the drawing area in pixels, before the layout is computed."""
    width, height = canvas_size(ax)
    return 0.86 * width, 0.76 * height


def name_letters(ax: Axes) -> int:
    """Return how many letters a name at the left of a row may have."""
    return max(int(0.4 * canvas_size(ax)[0] / _LETTER), 12)


def style_axes(ax: Axes, *, grid: Literal["x", "y", ""] = "y") -> Axes:
    """Style axes as all charts of a report: no box, no tick marks, faint grid lines behind the data."""
    from matplotlib.ticker import ScalarFormatter

    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    if grid != "x":
        ax.spines["bottom"].set_visible(True)
        ax.spines["bottom"].set_color(LINE.light)
    ax.tick_params(length=0, colors=MUTED.light, labelsize="small")
    ax.xaxis.label.set_color(MUTED.light)
    ax.xaxis.label.set_fontsize("small")
    ax.title.set_color(INK.light)
    ax.set_axisbelow(True)
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(thousands())
    if grid:
        ax.grid(axis=grid, color=LINE.light, linewidth=0.6)
    return ax


def thousands() -> ScalarFormatter:
    """Return a formatter that writes all numbers of an axis in one format and without a common offset.

    Where one of them has five digits all get commas, and from a million on they are counted in millions; smaller
    ones are left as matplotlib writes them.
    """
    from matplotlib.ticker import ScalarFormatter

    class Thousands(ScalarFormatter):
        places: tuple[float, ...] = ()

        def set_locs(self, locs: Any) -> None:
            super().set_locs(locs)
            self.places = tuple(map(float, locs))

        def __call__(self, x: float, pos: int | None = None) -> str:
            return tick_text(float(x), self.places or (float(x),)) or super().__call__(x, pos)

    formatter = Thousands(useOffset=False)
    formatter.set_scientific(False)
    return formatter


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Return the label of a tick among `ticks`; empty where all are below ten thousand and not tiny.

    Examples
    --------
    >>> tick_text(7500, [5000, 7500, 10_000]), tick_text(1.5e6, [0, 1.5e6, 3e6]), tick_text(7500, [5000, 7500])
    ('7,500', '1.5 million', '')
    """
    largest = max(map(abs, ticks))
    if largest < 1e4:
        return number_text(value, 3) if largest < _TINY else ""
    size, word = next(((size, word) for size, word in _SIZES if largest >= size), (1.0, ""))
    decimals = _decimals([at / size for at in ticks])
    if decimals > _MOST_DECIMALS:
        size, word, decimals = 1.0, "", _decimals(ticks)
    return "0" if value == 0 else f"{fixed_text(value / size, decimals)}{word}"


def _decimals(values: Sequence[float]) -> int:
    """Return how many decimals show all values exactly, up to rounding of the last bits."""
    close = 1e-9 * max(map(abs, values))
    return next((d for d in range(12) if all(abs(round(v, d) - v) <= close for v in values)), 12)


def set_x_title(ax: Axes, text: str) -> None:
    """Write the title of the horizontal axis below it, in as many lines as it needs."""
    letters = max(int(0.65 * canvas_size(ax)[0] / _LETTER), 20)
    ax.set_xlabel("\n".join(escape_text(line) for line in textwrap.wrap(text, letters)))


def set_y_title(ax: Axes, text: str) -> None:
    """Write the title of the vertical axis above it, horizontally."""
    ax.set_ylabel(escape_text(text), rotation=0, ha="left", va="bottom", color=MUTED.light, fontsize="small")
    ax.yaxis.set_label_coords(0.0, 1.02)
    ax.set_title(" ", fontsize="small", pad=7)  # layout makes room for titles, not for labels up here


def to_svg(
    draw: Callable[[Axes], object],
    *,
    width: int,
    height: int,
    label: str,
    tips: Mapping[str, Sequence[Tip]] | None = None,
    data: Mapping[str, str] | None = None,
) -> str:
    """Return a drawing as inline SVG.

    Parameters
    ----------
    draw
        Draws on the axes it is given.
    width, height
        Size in CSS pixels.
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

    buffer = StringIO()
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": label, "font.size": _FONT}),
        warnings.catch_warnings(),
    ):
        # The browser sets the text, in its own fonts: a glyph that matplotlib's font lacks is no loss.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        draw(figure.add_subplot())
        for text in figure.findobj(Text):
            text.set_path_effects([])
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return _for_page(buffer.getvalue(), label, tips or {}, data or {})


def _for_page(source: str, label: str, tips: Mapping[str, Sequence[Tip]], data: Mapping[str, str]) -> str:
    root = _parsed(source)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}style", f"{{{SVG}}}metadata"}:
                parent.remove(child)
    _add_tips(root, tips)
    _strip(root)
    _share_looks(root)
    size = {side: root.attrib.pop(side).removesuffix("pt") for side in ("width", "height")}
    named = {f"data-{name}": value for name, value in data.items()}
    for name, value in {**size, "class": "chart", "role": "img", "aria-label": label, **named}.items():
        root.set(name, value)
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _parsed(source: str) -> ElementTree.Element:
    parser: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(["start"])
    parser.feed(source)
    parser.close()
    root: ElementTree.Element = next(event[1] for event in parser.read_events())  # type: ignore[misc]
    return root


def _add_tips(root: ElementTree.Element, tips: Mapping[str, Sequence[Tip]]) -> None:
    for group in root.iter(f"{{{SVG}}}g"):
        name = group.get("id", "")
        texts = tips.get(name.removeprefix(TIP), ()) if name.startswith(TIP) else ()
        for mark, tip in zip(_marks(group), texts, strict=False):
            title = ElementTree.Element(f"{{{SVG}}}title")
            title.text = _CONTROL.sub(" ", tip.text)
            mark.append(title)
            if tip.of:
                mark.set("data-of", _CONTROL.sub(" ", tip.of))
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
        if name is not None and name.startswith((HALO, _OF)):
            look, part_of, owner = name.partition(_OF)
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
    """Return a path without spaces that nothing needs; one around a box as its sides.

    Examples
    --------
    >>> _short_path("M 4.5 3  L 4.5 5  L 9 5  L 9 3  z "), _short_path("M 1 2  L 3 4.5  L 5 6 ")
    ('M4.5 3V5H9V3z', 'M1 2L3 4.5L5 6')
    """
    if found := _BOX.fullmatch(path.strip()):
        left, top, same, bottom, right, again, end, last = found.groups()
        if (left, bottom, right, top) == (same, again, end, last):
            return f"M{left} {top}V{bottom}H{right}V{top}z"
    return _SPACES.sub(r"\1", path).strip()


def _round_match(match: re.Match[str]) -> str:
    return f"{round(float(match[0]), 2):g}" if abs(float(match[0])) < 1e5 else match[0]


def _share_looks(root: ElementTree.Element) -> None:
    """Say once, at the group, what all of many marks have in common: their clip, and colours and lines."""
    for group in root.iter(f"{{{SVG}}}g"):
        marks = [child for child in group if child.tag in {f"{{{SVG}}}use", f"{{{SVG}}}path"}]
        if len(marks) < _MANY or len(marks) < len(group) or "style" in group.attrib:
            continue
        clips = {mark.get("clip-path", "") for mark in marks}
        if len(clips) == 1 and (clip := clips.pop()):
            group.set("clip-path", clip)
            for mark in marks:
                del mark.attrib["clip-path"]
        looks = [dict.fromkeys(mark.get("style", "").split(";")) for mark in marks]
        shared = [each for each in looks[0] if each and all(each in look for look in looks)]
        # what is faded is faded once, by its own element or by the group
        shared = [each for each in shared if not each.startswith("opacity")]
        if shared:
            group.set("style", ";".join(shared))
            for mark, look in zip(marks, looks, strict=True):
                own = ";".join(each for each in look if each not in shared)
                mark.attrib.pop("style", None)
                if own:
                    mark.set("style", own)


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
    for colour in colours():
        value = value.replace(colour.light, f"var(--{colour.name},{colour.light})")
    return value
