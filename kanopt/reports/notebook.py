"""What an object shows of itself as HTML for a notebook: no script, no style sheet, readable on light and on dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kanopt.display import Alarm, Facts, Fold, Grid, Law, Part
from kanopt.reports.mathml import formula_terms
from kanopt.reports.palette import ALARM, LINE, SERIES, Colour
from kanopt.reports.write import render

Kind = Literal["title", "line", "note", "alarm", "list", "facts", "grid", "law", "fold"]
_NESTED = "  "
_LONGEST_TITLE = 140


@dataclass(frozen=True)
class _Block:
    """A piece of HTML: how it looks, and what is in it."""

    kind: Kind
    content: Any


@dataclass(frozen=True)
class _Cell:
    """All that the template reads."""

    blocks: tuple[_Block, ...]
    alarm: str
    line: str
    accent: str


def shown_html(parts: Iterable[Part]) -> str:
    """Return the parts of an object as one ``<div>`` in which whatever comes from data is escaped.

    Colours of text are those of the notebook, and all others lie between those of the palette for light and for dark
    surroundings, so that both are readable.

    Examples
    --------
    >>> "<td" in shown_html(["a title", Facts((("rows", "<3>"),))])
    True
    >>> "<3>" in shown_html(["a title", Facts((("rows", "<3>"),))])
    False
    """
    blocks = tuple(_blocks(parts, titled=True))
    return render("notebook.html.j2", _Cell(blocks, _between(ALARM), _between(LINE), _between(SERIES[0])))


def _blocks(parts: Iterable[Part], *, titled: bool) -> Iterator[_Block]:
    """Yield the pieces in order; lines that are indented become the items of one list."""
    items: list[str] = []
    for part in _single_lines(parts):
        nested = isinstance(part, str) and not isinstance(part, Alarm) and part.startswith(_NESTED)
        if items and not nested:
            yield _Block("list", tuple(items))
            items = []
        match part:
            case Alarm():
                yield _Block("alarm", part.strip())
            case str() if nested:
                items.append(part.strip())
            case str() if not part.strip():
                continue
            case str():
                short = titled and len(part) <= _LONGEST_TITLE
                yield _Block("title" if short else "note" if part.startswith("note: ") else "line", part)
            case Facts():
                yield _Block("facts", [(label.strip(" :"), value) for label, value in part.pairs])
            case Grid():
                yield _Block("grid", part)
            case Law():
                yield _Block("law", formula_terms(part.formula))
            case Fold():
                yield _Block("fold", (part.title, tuple(_blocks(part.parts, titled=False))))
        titled = False
    if items:
        yield _Block("list", tuple(items))


def _single_lines(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield the parts, of sentences in several lines each line."""
    for part in parts:
        if isinstance(part, str) and "\n" in part:
            yield from map(type(part), part.split("\n"))
        else:
            yield part


def _between(colour: Colour) -> str:
    """Return the colour half way between those for light and for dark surroundings.

    Examples
    --------
    >>> _between(Colour("c", "#000000", "#ffff40"))
    '#808020'
    """
    pairs = [(int(colour.light[k : k + 2], 16), int(colour.dark[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{(a + b + 1) // 2:02x}" for a, b in pairs)
