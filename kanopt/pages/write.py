"""From blocks to HTML: pages in files, and what objects show of themselves in notebooks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kanopt.display import Alarm, Facts, Fold, Grid, Law, Page, Part
from kanopt.files import replace_file
from kanopt.pages.law_section import laws_page
from kanopt.pages.live import LivePage, live_page, printable
from kanopt.pages.mathml import formula_terms
from kanopt.pages.palette import ALARM, LINE, SERIES, Colour, colours
from kanopt.pages.plan_page import plan_page
from kanopt.pages.subject import ReportSubject, subject_of, subject_of_explanation

if TYPE_CHECKING:
    from kanopt.explain import Explanation
    from kanopt.plans.plan_exports import PlanExports
    from kanopt.plans.result import Result
    from kanopt.scenarios import LearnedLaw


_UNIT = re.compile(r"(?<=\d) (?=[A-Z]{3}\b|%)")


def write_report(source: PlanExports, path: str | os.PathLike[str]) -> Path:
    """Write the report of a plan as one HTML file that needs no network, and no script to be read.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    path
        The file; folders on the way are made. It is replaced in one step: a report that cannot be written leaves
        whatever was there.

    Returns
    -------
    Path
        The file written.

    Examples
    --------
    >>> import kanopt as ko
    >>> run = ko.load_scenario("scenarios/parcel_city.toml").run()  # doctest: +SKIP
    >>> write_report(run, "reports/parcel_city.html")  # doctest: +SKIP
    """
    return _write(subject_of(source), path)


def write_explanation(
    explanation: Explanation,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    today: Result | None = None,
    plans_per_year: float | None = None,
) -> Path:
    """Write the report of a plan whose problem was not read from a file; see :meth:`kanopt.Explanation.to_html`."""
    return _write(subject_of_explanation(explanation, title, today, plans_per_year), path)


def _write(subject: ReportSubject, path: str | os.PathLike[str]) -> Path:
    today = {} if subject.today is None else {"Today's plan": subject.today}
    live = live_page(subject.laws, {"This plan": subject.explanation.result, **today}, subject.rows)
    return replace_file(path, render("page.html.j2", plan_page(subject), live), make_folders=True)


def write_page(page: Page, path: str | os.PathLike[str]) -> Path:
    """Write the answer to a question as one HTML file that needs no network, and no script to be read.

    Parameters
    ----------
    page
        What it says; where plans are drawn in it, a script lets one look closer.
    path
        The file, as for :func:`write_report`.

    Returns
    -------
    Path
        The file written.
    """
    live = live_page({}) if page.is_live else None
    return replace_file(path, render("page.html.j2", page, live), make_folders=True)


def write_laws(laws: Sequence[LearnedLaw], source: str, path: str | os.PathLike[str]) -> Path:
    """Write laws that were learned without a plan as one HTML file that needs no network, and no script to be read.

    Parameters
    ----------
    laws
        In the order of the page.
    source
        The file of the scenario or the table that they were learned from.
    path
        The file, as for :func:`write_report`.

    Returns
    -------
    Path
        The file written.
    """
    live = live_page({law.name: law for law in laws})
    return replace_file(path, render("page.html.j2", laws_page(laws, source), live), make_folders=True)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kanopt.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole"] = _keep_units_on_line
    environment.filters["mathml"] = lambda formula: Markup(" ".join(formula_terms(formula)))  # noqa: S704 - it escapes
    return environment


def _keep_units_on_line(sentence: str) -> str:
    """Keep numbers and their units on one line."""
    return _UNIT.sub("\u00a0", sentence)


def render(template: str, page: Any, live: LivePage | None = None) -> str:
    """Return a page as HTML in which whatever comes from data is escaped; without a script where `live` is None."""
    environment = _environment()
    themes = {
        theme: "".join(f"--{colour.name}: {getattr(colour, theme)}; " for colour in colours())
        for theme in ("light", "dark")
    }
    style = Markup(environment.get_template("style.css").render(themes))  # noqa: S704 - our own file and colours
    text = environment.get_template(template).render(
        page=page, style=style, version=version("kanopt"), live=live
    )
    return printable(text)


# What an object shows of itself in a notebook: no script, no style sheet, readable on light and on dark.


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
