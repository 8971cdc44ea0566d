"""The colours of charts and pages.

Charts are drawn in the light colours below. On a page each becomes a CSS variable, so that dark mode and
print can override it. The eight series colours are distinguishable with deuteranopia and protanopia
(a test measures it), and every chart labels its series next to the marks.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """A colour with a value for light and one for dark surroundings.

    Examples
    --------
    >>> INK.variable
    'var(--ink)'
    """

    name: str
    light: str
    dark: str

    @property
    def variable(self) -> str:
        """The CSS variable that stands for the colour."""
        return f"var(--{self.name})"


INK = Colour("ink", "#1b242d", "#e6eaee")
MUTED = Colour("muted", "#586571", "#9eabb7")
LINE = Colour("line", "#d3d9df", "#39434d")
FAINT = Colour("faint", "#eceff2", "#222a32")
PAPER = Colour("paper", "#fcfcfb", "#12171c")
ALARM = Colour("alarm", "#b3261e", "#ff8a7a")
SERIES = (
    Colour("c1", "#01338e", "#5190ff"),
    Colour("c2", "#8f3505", "#f3972a"),
    Colour("c3", "#256d6d", "#23c99b"),
    Colour("c4", "#6e0756", "#b268b6"),
    Colour("c5", "#9c6900", "#ffe068"),
    Colour("c6", "#1573d4", "#a4fafe"),
    Colour("c7", "#3c2a07", "#c96243"),
    Colour("c8", "#d11e9f", "#deabf9"),
)


def series(index: int) -> Colour:
    """Return the colour of a series; colours repeat after eight, from where only labels distinguish series."""
    return SERIES[index % len(SERIES)]


def colours() -> tuple[Colour, ...]:
    """Return all colours."""
    return (INK, MUTED, LINE, FAINT, PAPER, ALARM, *SERIES)
