"""A plan in a page of Markdown: what to do, what it costs, what is left out, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

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
from kanopt.reports.exports.plan_tables import plan_tables
from kanopt.reports.page_parts import PageTable, table_of
from kanopt.reports.price_tables import term_table
from kanopt.reports.subject import ReportSubject

if TYPE_CHECKING:
    from kanopt.whatif import LearnedLaw

__all__ = ["markdown_text"]

_MOST_ROWS = 100
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&!$@])")
# a line that begins with these would be a list, a quotation or a rule
_BEGINNING = re.compile(r"^([-+=]|\d+(?=[.)](\s|$)))")


def markdown_text(subject: ReportSubject) -> str:
    """Return the summary; names and texts from data are escaped, so that none of them is a mark, a link or a tag."""
    why, today = subject.explanation, subject.today
    result = why.result
    known = result.assessment
    broken = () if known is None else known.broken_rules
    parts = [f"# {_escaped(subject.title)}", _escaped(subject.description)]
    parts += _section("Changed", subject.changes)
    parts += _section("What to do", [coverage_sentence(result), choice_sentence(result)])
    parts += _plan(subject)
    parts += _section("What it costs", [cost_sentence(result), today_sentence(result, today)])
    parts += [_table(term_table(why, today))] if result.pricing is not None else []
    left_out = [
        left_out_sentence(result),
        *issue_sentences(result, why.causes),
        *(f"{rule}." for rule in broken),
    ]
    parts += _section("What is left out, and why", left_out, "Nothing is left out, and no rule is broken.")
    sure = [
        *weak_law_sentences(result),
        stake_sentence(result),
        caveat_sentence(result),
        extrapolation_sentence(why.extrapolations) if why.extrapolations else "",
        frozen_sentence(result),
        bound_sentence(result),
        *(_law(name, law) for name, law in subject.laws.items()),
    ]
    parts += _section("How sure", sure, "No law was learned, and no bound is claimed.")
    parts += _section("Provenance", [f"{name}: {said}" for name, said in subject.provenance.items()])
    return "\n\n".join(filter(None, parts)) + "\n"


def _law(name: str, law: LearnedLaw) -> str:
    fit = law.formula.fit
    return f"{name} = {law.formula}" + (f" ({fit})" if fit is not None else "")


def _section(title: str, sentences: Iterable[str], otherwise: str = "") -> list[str]:
    said = [f"- {_escaped(sentence)}" for sentence in sentences if sentence]
    body = said or ([otherwise] if otherwise else [])
    return [f"## {title}", "\n".join(body)] if body else []


def _plan(subject: ReportSubject) -> list[str]:
    """Return the timetable, or the plan where there is none; columns without any value are left out."""
    tables = plan_tables(subject, in_units=False)
    frame = tables.get("timetable", tables.get("plan"))
    if frame is None:
        return []
    return [_table(table_of(frame, "Plan", most=_MOST_ROWS))]


def _table(table: PageTable) -> str:
    kept = [place for place, column in enumerate(table.columns) if column.head]
    lines = [
        "| " + " | ".join(_escaped(table.columns[place].head) for place in kept) + " |",
        "| " + " | ".join("---:" if table.columns[place].numeric else "---" for place in kept) + " |",
    ]
    for row in (*table.rows, *([table.total] if table.total else [])):
        cells = [row[place] for place in kept]
        lines.append(
            "| " + " | ".join(_escaped(cell) if isinstance(cell, str) else "" for cell in cells) + " |"
        )
    return "\n".join(lines) + (f"\n\n{_escaped(table.note)}" if table.note else "")


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
