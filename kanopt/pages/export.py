"""The formats that a plan is exported to, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kanopt.display import Facts, Fold, Grid, Lines, Notices, Part, Section, table_of, told, words_of
from kanopt.errors import ProblemError
from kanopt.files import replace_file
from kanopt.pages.figure_rows import ReportSubject, figure_rows, figure_table, subject_of
from kanopt.pages.plan_first import plan_first, plan_notices
from kanopt.pages.price_tables import roster_table, term_table
from kanopt.pages.workbook import frame_book, in_order, plan_tables, workbook
from kanopt.scenarios.run import environment

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.result import PlanExports
    from kanopt.scenarios import LearnedLaw


@dataclass(frozen=True)
class Export:
    """A format: from the subject to the content of its file; `needs_plan` where there is none without a plan."""

    content: Callable[[ReportSubject], str | bytes]
    needs_plan: bool = True


EXPORTS: Mapping[str, Export] = {
    "xlsx": Export(workbook),
    "md": Export(lambda subject: markdown_text(subject), needs_plan=False),
}
"""Every format, by the name that ``--export`` takes and files end in."""


def export(source: PlanExports, name: str, target: str | os.PathLike[str]) -> Path:
    """Write a plan in one format, one of `EXPORTS`; folders are made.

    Raises
    ------
    ProblemError
        If there is no plan.
    """
    subject, chosen = subject_of(source), EXPORTS[name]
    result = subject.explanation.result
    if chosen.needs_plan and not result.has_plan:
        raise ProblemError(f"{target}: there is no plan to export ({result.status.value}); 'md' says why")
    return replace_file(target, chosen.content(subject), make_folders=True)


def export_tables(
    parts: Iterable[Part],
    tables: Mapping[str, pd.DataFrame],
    target: str | os.PathLike[str],
    forms: Mapping[str, str] | None = None,
) -> Path:
    """Write what an answer says, and its tables, as a workbook, in which `forms` say what numbers are."""
    lines = [line.strip() for line in told(_sentences(parts)).splitlines() if line.strip()]
    return replace_file(target, frame_book(lines, tables, forms), make_folders=True)


def _sentences(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield what is no table."""
    for part in parts:
        if isinstance(part, Section):
            yield replace(part, parts=tuple(_sentences(part.parts)))
        elif not isinstance(part, (Fold, Grid)):
            yield part


# A plan in a page of Markdown: what to do, what it costs and saves, what is left out, and how sure that is.

_MOST_ROWS = 100
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~&!$@])")
# a line that begins with these would be a list, a quotation or a rule
_BEGINNING = re.compile(r"^([-+=]|\d+(?=[.)](\s|$)))")


def markdown_text(subject: ReportSubject) -> str:
    """Return the summary; names and texts from data are escaped, so that none of them is a mark, a link or a tag.

    What to decide by stands first, the plan line by line last.
    """
    why, known = subject.explanation, subject.explanation.result.assessment
    rows, notices = figure_rows(subject), plan_notices(subject)
    rosters = () if known is None else known.rosters()
    parts: list[Part | None] = [
        subject.description,
        *plan_first(subject, rows, notices).parts(),
        figure_table(rows),
        *(Section(roster.caption, (roster_table(roster),)) for roster in rosters),
        None if why.result.pricing is None else term_table(why, subject.today),
        Section("All warnings", (Notices(notices),)) if notices else None,
        _listed("Laws", _laws(subject.laws)),
        _listed("Provenance", _provenance(subject.provenance)),
        _plan(subject),
    ]
    blocks = (text for part in parts if part for text in _blocks(part))
    return "\n\n".join([f"# {_escaped(subject.title)}", *filter(None, blocks)]) + "\n"


def _listed(title: str, sentences: Iterable[str]) -> Section | None:
    said = tuple(sentences)
    return Section(title, (Lines(said, "changes"),)) if said else None


def _blocks(part: Part) -> Iterator[str]:
    """Yield what a block is in Markdown, heading before text."""
    match part:
        case str():
            yield _escaped(part)
        case Lines():
            yield "\n".join(f"- {_escaped(words_of(line))}" for line in part.items)
        case Facts():
            yield "\n".join(f"- {_escaped(': '.join(pair))}" for pair in part.pairs)
        case Notices():
            for each in part.items:
                said = filter(None, (each.label, each.text, *each.lines))
                yield f"- {_escaped(' '.join(f'{one.rstrip(chr(46))}.' for one in said))}"
        case Grid():
            yield _table(part)
        case Section():
            yield f"## {_escaped(part.title)}" if part.title else ""
            for inner in part.parts:
                yield from _blocks(inner)


def _laws(laws: Mapping[str, LearnedLaw]) -> Iterator[str]:
    """Yield each law with its verdict and fit."""
    for name, law in laws.items():
        fit, verdict = law.formula.fit, law.formula.verdict
        level = "low trust" if not law.trusted else "" if verdict is None else verdict.level
        known = "; ".join(filter(None, (level, "" if fit is None else str(fit))))
        yield f"{name} = {law.formula}" + (f" ({known})" if known else "")


def _provenance(facts: Mapping[str, str]) -> list[str]:
    """Shorten the facts: the beginnings of hashes, the versions in one line."""
    packages = environment()
    versions = ", ".join(f"{name} {facts[name]}" for name in packages if name in facts)
    shortened = {name: _HASH.sub(r"\1…", text) for name, text in facts.items() if name not in packages}
    return [*(f"{name}: {text}" for name, text in shortened.items()), *filter(None, [versions])]


def _plan(subject: ReportSubject) -> Section | None:
    """Return the timetable, or the plan where there is none; columns that say nothing are left out."""
    tables = plan_tables(subject)
    title = "Timetable" if "timetable" in tables else "The plan, line by line"
    frame = tables.get("timetable", tables.get("plan"))
    if frame is None:
        return None
    idle = [name for name in frame.columns if frame[name].isin(["", 0]).all()]
    return Section(title, (table_of(in_order(frame.drop(columns=idle)), title, most=_MOST_ROWS),))


def _table(table: Grid) -> str:
    kept = [place for place, head in enumerate(table.heads) if head]
    lines = [
        "| " + " | ".join(_escaped(table.heads[place]) for place in kept) + " |",
        "| " + " | ".join("---:" if table.numeric[place] else "---" for place in kept) + " |",
    ]
    rows = (*table.rows, *([table.total] if table.total else []))
    lines += ["| " + " | ".join(_escaped(words_of(row[place])) for place in kept) + " |" for row in rows]
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
