"""A plan in a page of Markdown: what to do, what it costs and saves, what is left out, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from kanopt.display import Cell, Grid, words_of
from kanopt.explain.summary import (
    bound_sentence,
    caveat_sentence,
    choice_sentence,
    cost_sentence,
    coverage_sentence,
    extrapolation_sentence,
    frozen_sentence,
    issue_sentences,
    left_out_sentence,
    stake_sentence,
    today_sentence,
    weak_law_sentences,
)
from kanopt.formulas.printing import to_infix
from kanopt.reports.blocks import table_of
from kanopt.reports.exports.plan_tables import in_order, plan_tables
from kanopt.reports.figure_rows import FigureRow, figure_rows, figure_table
from kanopt.reports.plan_table import roster_table
from kanopt.reports.price_tables import term_table
from kanopt.reports.subject import ReportSubject
from kanopt.text import amount_text, join_list, number_text
from kanopt.whatif.run import environment

if TYPE_CHECKING:
    from kanopt.explain import Explanation
    from kanopt.formulas import Curve, Formula
    from kanopt.whatif import LearnedLaw

_MOST_ROWS = 100
_MOST_CURVES, _SPOTS = 4, 6
_HASH, _HASH_LETTERS = re.compile(r"\b[0-9a-f]{64}\b"), 12
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&!$@])")
# a line that begins with these would be a list, a quotation or a rule
_BEGINNING = re.compile(r"^([-+=]|\d+(?=[.)](\s|$)))")


def markdown_text(subject: ReportSubject) -> str:
    """Return the summary; names and texts from data are escaped, so that none of them is a mark, a link or a tag.

    What to decide by stands first, the plan line by line last.
    """
    why, known = subject.explanation, subject.explanation.result.assessment
    rows = figure_rows(subject)
    parts = [f"# {_escaped(subject.title)}", _escaped(subject.description)]
    parts += _section("Changed", subject.changes)
    guessed = bool(subject.groundless)
    parts += _section("Not answered", subject.unanswered)
    if not subject.unanswered:
        parts += _section("What this shows" if guessed else "What to do", _to_do(subject))
    figures = figure_table(rows)
    parts += [] if figures is None else [_table(figures)]
    for roster in () if known is None else known.rosters():
        parts += [f"## {_escaped(roster.caption)}", _table(roster_table(roster))]
    costs = [cost_sentence(why.result, guessed=guessed), today_sentence(why.result, subject.today)]
    parts += _section("What it would cost" if guessed else "What it costs", costs)
    parts += [] if why.result.pricing is None else [_table(term_table(why, subject.today))]
    parts += _section(
        "What is left out, and why",
        _left_out(why),
        "" if subject.unanswered else "Nothing is left out, and no rule is broken.",
    )
    parts += _section("How sure", _how_sure(subject, rows), "No law was learned, and no bound is claimed.")
    parts += _section("What is assumed", subject.assumptions)
    parts += _section("Laws", _laws(subject.laws))
    parts += _section("Provenance", _provenance(subject.provenance))
    parts += _plan(subject)
    return "\n\n".join(filter(None, parts)) + "\n"


def _to_do(subject: ReportSubject) -> list[str]:
    result = subject.explanation.result
    proposal = "" if result.assessment is None else result.assessment.proposal
    shown = "" if subject.groundless or not proposal else f"{proposal}."
    return [subject.groundless, shown, coverage_sentence(result), choice_sentence(result)]


def _left_out(why: Explanation) -> list[str]:
    result = why.result
    broken = () if result.assessment is None else result.assessment.broken_rules
    return [
        left_out_sentence(result),
        *issue_sentences(result, why.causes),
        *(f"{rule}." for rule in broken),
    ]


def _how_sure(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[str]:
    why = subject.explanation
    result, often = why.result, subject.punctuality
    return [
        "" if often is None or "on_time" not in rows else often.text(),
        *weak_law_sentences(result),
        "" if subject.groundless else stake_sentence(result),
        caveat_sentence(result),
        extrapolation_sentence(why.extrapolations) if why.extrapolations else "",
        frozen_sentence(result),
        bound_sentence(result, unread=bool(subject.unanswered)),
    ]


def _laws(laws: Mapping[str, LearnedLaw]) -> Iterator[str]:
    """Yield each law with its verdict and fit, and what the curves in it are, each once."""
    told: set[bytes] = set()
    for name, law in laws.items():
        fit, verdict = law.formula.fit, law.formula.verdict
        level = "low trust" if not law.trusted else "" if verdict is None else verdict.level
        known = "; ".join(filter(None, (level, "" if fit is None else str(fit))))
        yield f"{name} = {law.formula}" + (f" ({known})" if known else "")
        new = [curve for curve in law.formula.curves if curve.key not in told]
        told.update(curve.key for curve in new)
        yield from (_curve(name, law.formula, curve) for curve in new[:_MOST_CURVES])


def _curve(name: str, formula: Formula, curve: Curve) -> str:
    """Say what stands behind the name of a curve, at a few places."""
    argument = to_infix(curve.argument)
    units = {variable.name: variable.unit for variable in formula.inputs}
    spots = np.linspace(curve.low, curve.high, _SPOTS)
    values = [
        f"{number_text(float(value), 3)} at {amount_text(float(spot), units.get(argument, ''), 3)}"
        for spot, value in zip(spots, curve.at(spots), strict=True)
    ]
    return (
        f"where {curve.name}({argument}) in {name} is a curve through the data: {join_list(values)}; "
        "the report draws it, the workbook has all of it"
    )


def _provenance(facts: Mapping[str, str]) -> list[str]:
    """Shorten the facts: the beginnings of hashes, the versions in one line."""
    packages = environment()
    versions = [f"{name} {facts[name]}" for name in packages if name in facts]
    said = [
        f"{name}: {_HASH.sub(lambda found: found[0][:_HASH_LETTERS] + '…', text)}"
        for name, text in facts.items()
        if name not in packages
    ]
    return [*said, *([", ".join(versions)] if versions else [])]


def _section(title: str, sentences: Iterable[str], otherwise: str = "") -> list[str]:
    said = [f"- {_escaped(sentence)}" for sentence in sentences if sentence]
    body = said or ([otherwise] if otherwise else [])
    return [f"## {title}", "\n".join(body)] if body else []


def _plan(subject: ReportSubject) -> list[str]:
    """Return the timetable, or the plan where there is none; columns that say nothing are left out."""
    tables = plan_tables(subject, in_units=False)
    title = "Timetable" if "timetable" in tables else "The plan, line by line"
    frame = tables.get("timetable", tables.get("plan"))
    if frame is None:
        return []
    idle = [name for name in frame.columns if frame[name].isin(["", 0]).all()]
    return [f"## {title}", _table(table_of(in_order(frame.drop(columns=idle)), title, most=_MOST_ROWS))]


def _table(table: Grid) -> str:
    kept = [place for place, head in enumerate(table.heads) if head]
    lines = [
        "| " + " | ".join(_escaped(table.heads[place]) for place in kept) + " |",
        "| " + " | ".join("---:" if table.numeric[place] else "---" for place in kept) + " |",
    ]
    for row in (*table.rows, *([table.total] if table.total else [])):
        cells = [row[place] for place in kept]
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + (f"\n\n{_escaped(table.note)}" if table.note else "")


def _cell(cell: Cell) -> str:
    return _escaped(words_of(cell))


def _escaped(text: str) -> str:
    r"""Return a text in which Markdown sees no mark, no link and no tag.

    Examples
    --------
    >>> print(_escaped("[a](http://b) <c> | x_1 www.d.com"))
    \[a\](http\://b) \<c\> \| x\_1 www\.d.com
    """
    line = _UNPRINTABLE.sub("\ufffd", " ".join(text.split()))
    line = _MARKS.sub(r"\\\1", line)
    # GitHub makes links of bare addresses
    line = line.replace("://", "\\://")
    line = re.sub(r"(?i)\b(www)\.", r"\1\\.", line)
    return _BEGINNING.sub(
        lambda found: f"\\{found[0]}" if not found[0][0].isdigit() else f"{found[0]}\\", line
    )
