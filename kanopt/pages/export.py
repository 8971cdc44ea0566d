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
from kanopt.pages.workbook import TABLES, frame_book, in_order, plan_csv, plan_tables, workbook
from kanopt.scenarios.run import environment

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.result import PlanExports
    from kanopt.scenarios import LearnedLaw


Content = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Export:
    """A format.

    Parameters
    ----------
    suffix
        How the file's name ends after that of the scenario; of a folder it begins the names of the files.
    content
        From the subject to the content of the file, under the empty name; of several files, under theirs.
    files
        Names of all files that there may be; of one file the empty name.
    needs_plan
        Whether there is nothing to write without a plan.
    """

    suffix: str
    content: Callable[[ReportSubject], Content]
    files: tuple[str, ...] = ("",)
    needs_plan: bool = True


EXPORTS: Mapping[str, Export] = {
    "xlsx": Export(".xlsx", lambda subject: {"": workbook(subject)}),
    "csv": Export("_tables", plan_csv, tuple(f"{name}.csv" for name in TABLES)),
    "md": Export(".md", lambda subject: {"": markdown_text(subject)}, needs_plan=False),
}
"""Every format, by the name that ``--export`` takes."""


def export(source: PlanExports, name: str, target: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write a plan in one format.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    name
        One of `EXPORTS`.
    target
        The file; of ``"csv"`` a folder. Folders are made.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ProblemError
        If there is no plan.
    """
    subject, chosen, path = subject_of(source), EXPORTS[name], Path(target)
    result = subject.explanation.result
    if chosen.files != ("",) and path.suffix.lower() == ".csv":
        raise ProblemError(
            f"{path} is a folder to be, with a file for each table; name it otherwise, as in "
            f"{path.stem!r}. The plan alone as one file: to_frame().to_csv({path.name!r})"
        )
    if chosen.needs_plan and not result.has_plan:
        raise ProblemError(f"{path}: there is no plan to export ({result.status.value}); 'md' says why")
    return tuple(
        replace_file(path / file if file else path, content, make_folders=True)
        for file, content in chosen.content(subject).items()
    )


def export_files(names: Iterable[str], folder: Path, stem: str) -> list[Path]:
    """Return every file that :func:`export_all` may write."""
    return [
        target / file if file else target
        for name in names
        for target in [folder / f"{stem}{EXPORTS[name].suffix}"]
        for file in EXPORTS[name].files
    ]


def export_all(source: PlanExports, names: Iterable[str], folder: Path, stem: str) -> list[Path]:
    """Write a plan in several formats beside its report; without a plan those that need none.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    names
        Of `EXPORTS`.
    folder
        Folder of the files.
    stem
        How their names begin.
    """
    has_plan = subject_of(source).explanation.result.has_plan
    return [
        path
        for name in names
        if has_plan or not EXPORTS[name].needs_plan
        for path in export(source, name, folder / f"{stem}{EXPORTS[name].suffix}")
    ]


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
            lines = [" ".join(filter(None, (each.label, each.text, *each.lines))) for each in part.items]
            yield "\n".join(f"- {_escaped(line)}" for line in lines)
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
    tables = plan_tables(subject, in_units=False)
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
