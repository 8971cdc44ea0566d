"""From blocks to HTML: pages in files, and what objects show of themselves in notebooks."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kanopt.display import Alarm, Facts, Fold, Grid, Law, Lines, Page, Part, Section, words_of
from kanopt.files import replace_file
from kanopt.formulas import Formula, Product, Sum
from kanopt.formulas.functions import ATOM, POWER, PRODUCT, TextPart, Writer
from kanopt.formulas.nodes import fold
from kanopt.formulas.printing import to_infix as spelled
from kanopt.pages.charts import ALARM, COLOURS, LINE, SERIES, Colour
from kanopt.pages.figure_rows import ReportSubject, subject_of, subject_of_explanation
from kanopt.pages.law_section import laws_page
from kanopt.pages.plan_page import plan_page
from kanopt.plans.explanation import Explanation
from kanopt.plans.result import PlanExports, Result
from kanopt.plans.slider_prices import SliderPrices
from kanopt.scenarios import LearnedLaw
from kanopt.text import MINUS, number_text

# A formula as MathML, which browsers render without scripts or additional fonts.
#
# Every additive term is a separate expression, so that a long law wraps on a phone like text.

_LONG = 60
_NAMES = {"log": "ln", "log1p": "ln"}
_OPEN, _CLOSE = "<mrow><mo>(</mo>", "<mo>)</mo></mrow>"


def formula_terms(formula: Formula) -> list[str]:
    """Return ``<math>`` elements that together read ``output = term + term …``.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("2 * km - 1", [Variable("km", "km")], Variable("cost", "EUR"))
    >>> [term.count("<math") for term in formula_terms(law)]
    [1, 1, 1]
    """
    root = formula.root
    parts = root.terms if isinstance(root, Sum) else (root,)
    writer = _Markup()
    pieces = [_row(writer.word(formula.output.name), _operator("="))]
    for index, node in enumerate(parts):
        part = fold(node, writer.visit)
        if part.negated:
            pieces.append(_row(_operator(MINUS, prefix=not index), part.negated))
        elif index == 0 and len(parts) == 1 and isinstance(node, Product):
            pieces += _factors(node, writer)
        else:
            held = writer.parenthesise(part, PRODUCT) if len(parts) > 1 else part.text
            pieces.append(_row(_operator("+"), held) if index else held)
    return [f"<math>{piece}</math>" for piece in pieces]


def _factors(product: Product, writer: _Markup) -> list[str]:
    """Return a product factor by factor, so that it wraps; in one piece if it is short or a fraction."""
    factors = [fold(node, writer.visit) for node in product.factors]
    if len(spelled(product)) < _LONG or any(factor.denominator or factor.negated for factor in factors):
        return [writer.product(factors).text]
    first, *others = (writer.parenthesise(factor, PRODUCT) for factor in factors)
    return [first, *(_row(_operator("·"), other) for other in others)]


class _Markup(Writer):
    times = '<mo form="infix">·</mo>'
    plus, comma = '<mo form="infix">+</mo>', '<mo form="infix">,</mo>'
    minus, sign = f'<mo form="infix">{MINUS}</mo>', f'<mo form="prefix">{MINUS}</mo>'
    brackets = (_OPEN, _CLOSE)

    def number(self, value: float) -> str:
        mantissa, e, power = number_text(value).partition("e")
        markup = f"<mn>{mantissa}</mn>"
        return _row(markup, self.times, f"<msup><mn>10</mn><mn>{power}</mn></msup>") if e else markup

    def constant(self, value: float) -> TextPart:
        markup = self.number(abs(value))
        if value < 0:
            return TextPart(_row(self.sign, markup), PRODUCT, negated=markup)
        return TextPart(markup, ATOM if markup.startswith("<mn>") else PRODUCT)

    def word(self, name: str) -> str:
        return f"<mi>{escape(name)}</mi>"

    def call(self, name: str, arguments: Sequence[TextPart]) -> TextPart:
        shown = name if name.startswith("<") else self.word(_NAMES.get(name, name))
        inside = self.comma.join(part.text for part in arguments)
        return TextPart(_row(shown, "<mo>&#x2061;</mo>", self.enclosed(inside)), ATOM)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        match function:
            case "sqrt":
                return TextPart(f"<msqrt>{argument.text}</msqrt>", ATOM)
            case "square":
                return self.raised(argument, self.constant(2.0))
            case "abs":
                bar = '<mo stretchy="true">|</mo>'
                return TextPart(_row(bar, argument.text, bar), ATOM)
            case "log1p":
                return self.call(function, [self.sum([self.constant(1.0), argument])])
        return self.call(function, [argument])

    def fraction(self, above: str, below: list[str]) -> str:
        under = _bare(below[0]) if len(below) == 1 else self.times.join(below)
        return f"<mfrac>{_row(_bare(above))}{_row(under)}</mfrac>"

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        if value is None or value >= 0 or value == int(value):
            return super().power(base, exponent, value)
        below = self.raised(base, self.constant(-value)).text
        return TextPart(self.fraction(self.number(1.0), [below]), PRODUCT, denominator=below)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return TextPart(f"<msup>{_row(self.parenthesise(base, ATOM))}{_row(exponent.text)}</msup>", POWER)


def _bare(markup: str) -> str:
    """Return a markup without the brackets around the whole of it, which nothing needs above or below a line."""
    inner = markup[len(_OPEN) : -len(_CLOSE)]
    if _OPEN + inner + _CLOSE != markup:
        return markup
    depth = 0
    for sign in re.findall("<mo>([()])</mo>", inner):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            return markup
    return inner


def _row(*pieces: str) -> str:
    return f"<mrow>{''.join(pieces)}</mrow>"


def _operator(sign: str, *, prefix: bool = False) -> str:
    return f'<mo form="{"prefix" if prefix else "infix"}">{sign}</mo>'


# What makes a page alive: its one script, the laws as functions in it, and the data that it reads.

# what no page can hold: control characters and halves of letters
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_PARTS = ("pricing", "elements", "plan_panel", "drawings", "page")
"""The files of the script, in their order."""
_NO_MARKUP = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
        "\x7f": "\\u007f",
    }
)


@dataclass(frozen=True)
class LivePage:
    """The script of a page, and the data it reads, ready to be written.

    Parameters
    ----------
    script
        JavaScript; nothing in it ends the element it stands in.
    data
        JSON, likewise.
    """

    script: Markup
    data: Markup

    @property
    def digest(self) -> str:
        """The script's SHA-256, by which the policy of the page lets it run and no other."""
        return base64.b64encode(hashlib.sha256(self.script.encode()).digest()).decode()


def printable(text: str) -> str:
    """Return a text as a page can hold it."""
    return _UNPRINTABLE.sub("\ufffd", text)


def live_page(plans: Mapping[str, Result] | None = None) -> LivePage:
    """Return what makes a page alive.

    Parameters
    ----------
    plans
        By what each is called, that of the page first; one that cannot be priced in a page is left out, and so are all
        of them where that is the first.
    """
    prices = _slider_prices(plans or {})
    first = next(iter(prices.values()), None)
    data = {
        "plans": [{"label": name, "plan": each.to_json()} for name, each in prices.items()],
        "sliders": [asdict(each) for each in first.sliders] if first else [],
        "unit": first.unit if first else "",
    }
    script = f'"use strict";\n{{\n{_script()}\nwindow.kanopt = start();\n}}'
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    # whatever texts of the user's there are stand within JSON's quotes, where any letter may be written by its number
    return LivePage(Markup(script), Markup(printable(text.translate(_NO_MARKUP))))  # noqa: S704 - our own


@cache
def _script() -> str:
    folder = files("kanopt.pages").joinpath("templates", "live")
    return "\n".join(folder.joinpath(f"{part}.js").read_text("utf-8") for part in _PARTS)


def _slider_prices(plans: Mapping[str, Result]) -> dict[str, SliderPrices]:
    found: dict[str, SliderPrices] = {}
    for name, result in plans.items():
        prices = None if result.assessment is None else result.assessment.slider_prices()
        if prices is not None:
            found[name] = prices
        elif not found:
            return {}
    return found


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
    live = live_page({"This plan": subject.explanation.result, **today})
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
    live = live_page() if page.is_live else None
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
    return write_page(laws_page(laws, source), path)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kanopt.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # numbers and their units stay on one line
    environment.filters["whole"] = lambda sentence: _UNIT.sub("\u00a0", sentence)
    environment.filters["words"] = words_of
    environment.filters["kind"] = lambda part: type(part).__name__.lower()
    environment.filters["mathml"] = lambda formula: Markup(" ".join(formula_terms(formula)))  # noqa: S704 - it escapes
    return environment


def render(template: str, page: Any, live: LivePage | None = None) -> str:
    """Return a page as HTML in which whatever comes from data is escaped; without a script where `live` is None."""
    environment = _environment()
    themes = {
        theme: "".join(f"--{colour.name}: {getattr(colour, theme)}; " for colour in COLOURS)
        for theme in ("light", "dark")
    }
    style = Markup(environment.get_template("style.css").render(themes))  # noqa: S704 - our own file and colours
    text = environment.get_template(template).render(
        page=page, style=style, version=version("kanopt"), live=live
    )
    return printable(text)


# What an object shows of itself in a notebook: no script, no style sheet, readable on light and on dark.


_NESTED = "  "
_LONGEST_TITLE = 140


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
    looks = {"alarm": _between(ALARM), "line": _between(LINE), "accent": _between(SERIES[0])}
    return render("notebook.html.j2", {"parts": tuple(_gathered(parts, titled=True)), **looks})


def _gathered(parts: Iterable[Part], *, titled: bool) -> Iterator[Part]:
    """Yield the blocks in order; sentences as lines, of which those that are indented are the items of one list."""
    items: list[str] = []
    for part in _single_lines(parts):
        nested = isinstance(part, str) and not isinstance(part, Alarm) and part.startswith(_NESTED)
        if items and not nested:
            yield Lines(tuple(items), "changes")
            items = []
        match part:
            case Alarm():
                yield Lines((part.strip(),), "alarm")
            case str() if nested:
                items.append(part.strip())
            case str() if part.strip():
                short = titled and len(part) <= _LONGEST_TITLE
                yield Lines((part,), "title" if short else "note" if part.startswith("note: ") else "plain")
            case Fold() | Section():
                yield replace(part, parts=tuple(_gathered(part.parts, titled=False)))
            case Facts() | Grid() | Law() | Lines():
                yield part
        titled = False
    if items:
        yield Lines(tuple(items), "changes")


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
