"""Draw the modules of a law as a tree, from the columns at the left to the law at the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanopt.reports.canvas import axes_or_new, canvas_size, escape_text, halo
from kanopt.reports.palette import INK, MUTED, PAPER
from kanopt.text import shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.formulas.modules import Module

_ROW = 42.0
_GAP = 132.0
_LAST = 104.0  # right of the last node
_NAMES = (90.0, 216.0)  # least and most room for the names of columns
_LETTER = 6.4
_SMALL = 5.4
_MARGIN = 14.0
_TRUNK = 24.0  # from the line that gathers the children to the node
_SIGNS = {"sum": "Σ", "product": "×", "function": "ƒ"}


@dataclass(frozen=True)
class _ModuleLayout:
    """The layout of the drawing, in pixels."""

    left: float
    gap: float
    last: float
    row: float
    depth: int

    @classmethod
    def of(cls, tree: Module, width: float, height: float) -> _ModuleLayout:
        shrink = min(1.0, width / modules_size(tree)[0])
        left, last = (room * (0.25 + 0.75 * shrink) for room in (_name_width(tree), _LAST))
        levels, rows = max(tree.depth, 1), len(tuple(tree.leaves))
        return cls(left, (width - left - last) / levels, last, height / rows, levels)

    def x(self, level: int) -> float:
        return self.left + self.gap * level

    def letters(self) -> int:
        """Return the maximum number of letters of a column's name."""
        return int((self.left - _MARGIN) / _LETTER)


def modules_size(tree: Module) -> tuple[int, int]:
    """Return the preferred width and height of a drawing of the modules, in pixels."""
    rows = len(tuple(tree.leaves))
    return int(_name_width(tree) + _GAP * max(tree.depth, 1) + _LAST), int(max(rows, 2) * _ROW + 8)


def _name_width(tree: Module) -> float:
    longest = max(len(leaf.columns[0]) for leaf in tree.leaves)
    least, most = _NAMES
    return min(max(least, longest * _LETTER + _MARGIN), most)


def plot_modules(tree: Module, ax: Axes | None = None) -> Axes:
    """Draw the modules of a law as a tree, from the columns at the left to the law at the right.

    A node is a sum (Σ) or a product (×) of its children, or another function of them (ƒ). Below it is its formula where
    there is room for it.

    Parameters
    ----------
    tree
        From ``formula.modules()``.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, *modules_size(tree))
    width, height = canvas_size(ax)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    layout = _ModuleLayout.of(tree, width, height)
    _ModuleDrawing(ax, layout).module(tree, 0.0, root=True)
    return ax


@dataclass(frozen=True)
class _ModuleDrawing:
    ax: Axes
    layout: _ModuleLayout

    def module(self, module: Module, top: float, *, root: bool = False) -> tuple[float, float]:
        """Draw a module whose first row begins at height `top`, and return its position."""
        x = self.layout.x(module.depth)
        if not module.children:
            y = top + self.layout.row / 2
            self.column(module, y)
            if root:
                self.line((x, self.layout.x(1)), (y, y))
                self.words("one column", "", x, y)
            return x, y
        places = []
        for child in module.children:
            places.append(self.module(child, top))
            top += self.layout.row * len(tuple(child.leaves))
        heights = [at for _, at in places]
        y = (heights[0] + heights[-1]) / 2
        for at, height in places:
            self.line((at, x - _TRUNK), (height, height))
        self.line((x - _TRUNK, x - _TRUNK), (heights[0], heights[-1]))
        self.line((x - _TRUNK, x), (y, y))
        self.node(module, x, y)
        return x, y

    def line(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.ax.plot(x, y, color=MUTED.light, linewidth=1.0, zorder=1, solid_capstyle="projecting")

    def column(self, module: Module, y: float) -> None:
        x = self.layout.x(0)
        self.ax.plot([x], [y], "o", markersize=7, color=INK.light, markeredgecolor=PAPER.light, zorder=4)
        name = escape_text(shorten_middle(module.columns[0], self.layout.letters()))
        style: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "va": "center", **halo()}
        self.ax.annotate(name, (x, y), xytext=(-9, 0), fontsize="small", color=INK.light, **style)

    def node(self, module: Module, x: float, y: float) -> None:
        """Draw a node: its sign in a circle, its kind above the outgoing line, its formula below."""
        look: dict[str, Any] = {"color": PAPER.light, "markeredgecolor": INK.light, "markeredgewidth": 1.0}
        self.ax.plot([x], [y], "o", markersize=15, zorder=4, **look)
        style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "zorder": 5}
        self.ax.text(x, y, _SIGNS[module.kind], fontsize="small", color=INK.light, **style)
        room = self.layout.last - _MARGIN if self.is_last(module) else self.layout.gap - _TRUNK - _MARGIN
        above = module.kind if len(module.kind) * _LETTER <= room else ""
        below = escape_text(module.text) if len(module.text) * _SMALL <= room else ""
        self.words(above, below, x, y)

    def words(self, above: str, below: str, x: float, y: float) -> None:
        """Write above and below the outgoing line of a node."""
        place: dict[str, Any] = {"textcoords": "offset points", "ha": "left", **halo(), "zorder": 5}
        if above:
            self.ax.annotate(above, (x, y), (12, 3), fontsize="small", color=INK.light, va="bottom", **place)
        if below:
            look: dict[str, Any] = {"fontsize": "x-small", "color": MUTED.light}
            self.ax.annotate(below, (x, y), (12, -3), va="top", **look, **place)

    def is_last(self, module: Module) -> bool:
        return module.depth == self.layout.depth
