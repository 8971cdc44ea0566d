"""From a plan, a run or a comparison to one HTML file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kanopt.display import Page
from kanopt.files import replace_file
from kanopt.reports.law_section import laws_page
from kanopt.reports.live import LivePage, live_page, printable
from kanopt.reports.mathml import formula_terms
from kanopt.reports.palette import colours
from kanopt.reports.plan_page import plan_page
from kanopt.reports.subject import ReportSubject, subject_of, subject_of_explanation

if TYPE_CHECKING:
    from kanopt.explain import Explanation
    from kanopt.problems.plan_exports import PlanExports
    from kanopt.problems.result import Result
    from kanopt.whatif import LearnedLaw


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
        loader=PackageLoader("kanopt.reports"),
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
