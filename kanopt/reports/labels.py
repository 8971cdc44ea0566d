"""Place labels next to points without overlap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.reports.canvas import escape_text, halo
from kanopt.text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
_AROUND = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))  # above first
_LETTER = 0.56  # width of a letter in heights of the font
_ROOM = 5.0  # pixels between a point and its name


@dataclass
class LabelPlacer:
    """Places labels on a drawing, and keeps track of the areas occupied by points and labels, in pixels.

    Parameters
    ----------
    ax
        Where names are written.
    scale
        Pixels per unit of the data, equal in both directions.
    points
        Marks that labels should not cover, shape (n, 2), in units of the data.
    """

    ax: Axes
    scale: float
    points: Floats
    taken: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        centres = self.points * self.scale
        self.taken = [np.array([*centre - 3.5, *centre + 3.5]) for centre in centres]

    def place(
        self,
        name: str,
        at: Floats,
        *,
        size: float,
        first: tuple[float, float] = (0, 1),
        must: bool,
        owner: str = "",
        **look: Any,
    ) -> bool:
        """Write a name beside the point `at`, where it overlaps least.

        Parameters
        ----------
        name, at
            The text, and the point in the units of the data.
        size
            Height of the font in pixels.
        first
            The direction to be tried first.
        must
            Write it even if it overlaps something; else it is omitted then.
        owner
            The route it belongs to, if to one.
        **look
            Further properties of the text.

        Returns
        -------
        bool
            Whether it was written.
        """
        text = shorten(name, 22)
        half = np.array([_LETTER * size * len(text), 1.15 * size]) / 2
        directions = np.array([first, *_AROUND], dtype=float)
        shifts = np.sign(np.round(directions, 1)) * (half + _ROOM)
        boxes = [np.array([*centre - half, *centre + half]) for centre in at * self.scale + shifts]
        covered = [self._overlap(box) for box in boxes]
        best = int(np.argmin(covered))
        if covered[best] > 0.15 * 4 * half.prod() and not must:
            return False
        self.taken.append(boxes[best])
        self.ax.annotate(
            escape_text(text),
            tuple(at),
            xytext=tuple(shifts[best]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            **halo(owner),
            **look,
        )
        return True

    def _overlap(self, box: Floats) -> float:
        """Return the occupied area of a box."""
        taken = np.array(self.taken).reshape(-1, 4)
        overlap = np.minimum(taken[:, 2:], box[2:]) - np.maximum(taken[:, :2], box[:2])
        return float(np.prod(np.clip(overlap, 0.0, None), axis=1).sum())
