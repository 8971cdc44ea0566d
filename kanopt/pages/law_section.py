"""The section of a law on a page: formula, fit, domain, curves, effects and the network behind it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.display import Chart, Facts, Fold, Grid, Law, Lines, Page, Part, Section, table_of
from kanopt.errors import FormulaError
from kanopt.formulas import Formula, Step
from kanopt.formulas import Table as Tabulated
from kanopt.formulas.nodes import postorder
from kanopt.formulas.parameters import is_parameter
from kanopt.formulas.printing import to_infix
from kanopt.pages.first_page import box, ids_by_name, text_block
from kanopt.pages.law_plots import (
    diagram_size,
    fixed_inputs_text,
    interacting_pair,
    known_labels,
    plot_diagram,
    plot_formula,
    plot_interaction,
    plottable_inputs,
    reference_values,
)
from kanopt.pages.svg import NARROW, chart_of
from kanopt.scenarios import LearnedLaw
from kanopt.scenarios.run import environment
from kanopt.text import (
    capital,
    count_text,
    join_list,
    list_names,
    number_text,
    percent_text,
    range_text,
    shorten,
    with_unit,
)

_SMALL = (324, 226)
_LABEL, _TALLEST = 18, 520  # pixels of a category, and of all of them
_MOST_DIGITS = 9
_LONGEST = 300  # letters of what is told in a line
_IN_TABLES = ("output", "constant", "table", "units")
_BY_HAND = {
    "pinned": "pinned",
    "preferred": "preferred",
    "fixed": "held",
    "edited by hand": "rewritten,",
}


def laws_page(laws: Sequence[LearnedLaw], source: str) -> Page:
    """List what the page of laws says that were learned without a plan.

    Parameters
    ----------
    laws
        In the order of the page.
    source
        The file of the scenario or the table.
    """
    by_name = {law.name: law for law in laws}
    told = []
    for law in laws:
        verdict = law.formula.verdict
        worth = f" It is {verdict.level}." if verdict is not None else ""
        told.append(f"{law.name} = {law.formula}.{worth}")
    what = "The law of" if len(laws) == 1 else f"The {count_text(len(laws), 'law')} of"
    facts = Facts(tuple(({"learned from": source} | environment()).items()))
    rest = (
        Section("The laws", law_sections(by_name), "laws", short="The laws"),
        Section("Provenance", (facts,), "provenance", short="Provenance"),
    )
    title = f"{what} {join_list(list(by_name), 4)}"
    return Page("Laws", title, (Lines(tuple(told), "answer"),), rest, is_live=True)


def law_sections(laws: Mapping[str, LearnedLaw]) -> tuple[Section, ...]:
    """Build the sections of all laws."""
    sections = []
    for (name, law), anchor in zip(laws.items(), ids_by_name("law", laws).values(), strict=True):
        shown = tuple(_parts(law))
        sections.append(Section(name, shown, anchor, "law", level=3, badge=_badge(law), data={"law": name}))
    return tuple(sections)


def _parts(law: LearnedLaw) -> Iterator[Part]:
    """Yield formula, facts, curves and tables of a law, and what was considered beside it."""
    formula = law.formula
    charts, held, failure = _charts(law.name, formula)
    yield text_block(f"Gives {_output_text(formula)}.")
    notes = [*(f"{capital(text)}." for text in (law.note, *law.cleaning) if text), failure]
    if any(notes):
        yield text_block(" ".join(filter(None, notes)))
    yield Law(formula)
    yield Fold("As plain text", (text_block(f"{formula.output.name} = {formula}", "code"),))
    yield box("columns", box("", Facts(_facts(law))), *_diagram(law))
    if charts:
        yield box("grid", *charts)
        yield from [text_block(f"What does not vary in a chart is held at {held}.", "note")] if held else []
    tables = _tables(formula, law.summary)
    if tables:
        yield box("columns stack", *(box("", table) for table in tables))
    if formula.alternatives:
        title, *_, considered = formula.formulas._shown()
        assert isinstance(considered, Grid)
        yield Fold(str(title), (replace(considered, caption=str(title)),))


def _badge(law: LearnedLaw) -> str:
    """Return what is to be seen at the name of a law that is not to be relied on."""
    verdict = law.formula.verdict
    if not law.trusted:
        return "low trust"
    return "weak" if verdict is not None and verdict.level == "weak" else ""


def _output_text(formula: Formula) -> str:
    output = with_unit(formula.output.name, formula.output.unit)
    return f"{output} per {formula.per}" if formula.per else output


def _facts(law: LearnedLaw) -> tuple[tuple[str, str], ...]:
    """Return what is known of a law, without what tables of their own have."""
    formula, fit = law.formula, law.formula.fit
    found = [("verdict", str(formula.verdict))] if formula.verdict is not None else []
    found += [(word, said) for word, said in formula.facts() if word not in _IN_TABLES]
    quantiles = {} if fit is None else dict(fit.residual_quantiles)
    if 0.05 in quantiles and 0.95 in quantiles:
        low, high = number_text(quantiles[0.05], 3), number_text(quantiles[0.95], 3)
        found.append(("nine in ten rows", f"lie {low} to {high} {formula.output.unit} from the law"))
    if fit is None:
        found.append(("fit", "not measured"))
    by_hand = [
        f"{word} {formula.provenance[key]}" for key, word in _BY_HAND.items() if formula.provenance.get(key)
    ]
    found.append(("decided by hand", "; ".join(by_hand)))
    return tuple((capital(word), shorten(said, _LONGEST)) for word, said in found if said)


def _charts(name: str, formula: Formula) -> tuple[list[Chart], str, str]:
    """Return the plots over each input, the values at which the others are held, and what could not be drawn."""
    try:
        held = reference_values(formula)
        figures = [_slice_figure(name, formula, each) for each in plottable_inputs(formula)]
        figures += _interaction(name, formula, held)
    except FormulaError as error:
        return [], "", f"The law cannot be drawn: {error}."
    return figures, fixed_inputs_text(formula, held) if figures and len(held) > 1 else "", ""


def _slice_figure(name: str, formula: Formula, along: str) -> Chart:
    variable = next(each for each in formula.inputs if each.name == along)
    labels = known_labels(formula, along) if variable.is_category else []
    caption, rare = f"along {along}", list_names(formula.domain.rare_of(along), quoted=False)
    size = (_SMALL[0], min(max(_SMALL[1], 60 + _LABEL * len(labels)), _TALLEST)) if labels else _SMALL
    return chart_of(
        lambda ax: plot_formula(formula, ax, along=along, caption=False),
        caption=f"{caption}; too few rows, not drawn: {rare}" if rare else caption,
        label=f"{'Bar' if labels else 'Line'} chart: the law {name} {caption}",
        size=size,
        titled=False,
    )


def _interaction(name: str, formula: Formula, held: Mapping[str, Any]) -> list[Chart]:
    """Return a heat map of the two inputs that do most only together, where there are such."""
    pair = interacting_pair(formula, held)
    if pair is None:
        return []
    caption = f"{pair[0]} and {pair[1]} together"
    chart = chart_of(
        lambda ax: plot_interaction(formula, pair, ax),
        caption=caption,
        label=f"Heat map: the law {name} over {caption}",
        size=_SMALL,
        titled=False,
    )
    return [chart]


def _tables(formula: Formula, summary: pd.DataFrame | None) -> list[Grid]:
    tables = []
    if summary is not None and len(summary):
        caption = f"Effects of the columns on {with_unit(formula.output.name, formula.output.unit)}"
        tables.append(
            table_of(
                summary.drop(columns=["kind", "from", "to"], errors="ignore"),
                caption,
                forms={"importance": lambda share: percent_text(float(share))},
            )
        )
    if formula.constants:
        tables.append(_constants(formula))
    nodes = [node for node in postorder(formula.root) if isinstance(node, Tabulated | Step)]
    names = [to_infix(node) for node in nodes]
    for place, (name, node) in enumerate(zip(names, nodes, strict=True)):
        which = f", number {names[: place + 1].count(name)} of that name" if names.count(name) > 1 else ""
        tables.append(_tabulated(node, f"{shorten(name, 40)} in the formula{which}"))
    return tables


def _constants(formula: Formula) -> Grid:
    """Return value, unit, standard error and interval of every constant; empty columns are omitted."""
    units = formula.dimensions()
    known = [is_parameter(each) and each.standard_error for each in formula.constants]
    ends = formula.intervals(0.95) if formula.covariance is not None or any(known) else pd.DataFrame()
    intervals = {
        str(name): _interval_text(float(low), float(high))
        for name, low, high in zip(ends.index, ends.get("low", ()), ends.get("high", ()), strict=True)
    }
    rows = [
        {
            "constant": constant.name or "–",
            "value": constant.value,
            "unit": "pure number" if (unit := units.unit_of(constant)) == "" else unit,
            "standard error": constant.standard_error,
            "95 % interval": intervals.get(constant.name),
        }
        for constant in formula.constants
    ]
    forms = {
        "value": lambda value: number_text(value, 5),
        "standard error": lambda value: number_text(value, 2),
    }
    wrong = shorten(units.problems[0], _LONGEST) if units.problems else ""
    note = f"The declared units do not agree: {wrong}." if wrong else ""
    return table_of(pd.DataFrame(rows), "Constants and how well they are known", forms=forms, note=note)


def _interval_text(low: float, high: float) -> str:
    """Write an interval with enough digits to distinguish its ends.

    Examples
    --------
    >>> _interval_text(0.149151, 0.150087), _interval_text(-0.31, 1240.2), _interval_text(2.0, 2.0)
    ('0.14915 to 0.15009', '−0.31 to 1240', '2')
    """
    size, wide = max(abs(low), abs(high)), high - low
    digits = math.ceil(math.log10(size / wide)) + 2 if 0 < wide < math.inf else 4
    return range_text(low, high, digits=min(max(digits, 4), _MOST_DIGITS))


def _tabulated(node: Tabulated | Step, caption: str) -> Grid:
    if isinstance(node, Tabulated):
        rows = [dict(zip(node.inputs, key, strict=True)) | {node.name: value} for key, value in node.entries]
        note = "" if node.fallback is None else f"Any other: {number_text(node.fallback)}."
        return table_of(pd.DataFrame(rows), caption, note=note, most=60)
    starts = ["−∞", *(number_text(at) for at in node.breakpoints)]
    frame = pd.DataFrame({"from": starts, node.name: node.values})
    return table_of(frame, caption, most=60)


def _diagram(law: LearnedLaw) -> list[Chart]:
    diagram = law.diagram
    if diagram is None:
        return []
    width, height = diagram_size(diagram)
    chart = chart_of(
        lambda ax: plot_diagram(diagram, ax),
        caption="The network that was learned beside the formula. Every frame is a learned function of one variable; "
        "frames that end in the same layer share a scale.",
        label=f"Diagram of the network behind the law {law.name}",
        size=(width, height),
        narrow=(NARROW, height),
        titled=False,
    )
    return [chart]
