"""The formats that a plan and answers are exported to: workbooks and Markdown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

from kanopt.display import Facts, Fold, Grid, Lines, Notices, Part, Section, table_of, told, words_of
from kanopt.errors import ProblemError
from kanopt.files import replace_file
from kanopt.formulas.export.excel import MOST_ROWS, cell_text
from kanopt.pages.figure_rows import (
    ReportSubject,
    figure_table,
    roster_table,
    subject_of,
    term_table,
    time_of,
)
from kanopt.pages.plan_first import plan_first, plan_notices
from kanopt.plans.result import PlanExports
from kanopt.scenarios import LearnedLaw
from kanopt.scenarios.run import environment
from kanopt.text import clock_text, column_decimals

if TYPE_CHECKING:
    import pandas as pd

# Workbooks of tables: what a table holds is text and numbers, and no cell is a formula.

FORMS: Mapping[str, str] = {"money": "#,##0.00", "share": "0.0%"}
"""What numbers may be, and how a spreadsheet writes them."""


def frame_book(
    told: Sequence[str], frames: Mapping[str, pd.DataFrame], forms: Mapping[str, str] | None = None
) -> bytes:
    """Return the content of an XLSX file: a sheet of sentences, then one for each table.

    Parameters
    ----------
    told
        What is to be said, the title first.
    frames
        Tables by the name of their sheets; those without a row are left out.
    forms
        Column, or table, a point and column, to what its numbers are, one of `FORMS`.

    Raises
    ------
    ProblemError
        If a table has more rows than a sheet.
    """
    content, names = BytesIO(), {"history"}  # which is Excel's own
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    how: dict[str, Any] = {"engine": "xlsxwriter", "engine_kwargs": {"options": options}}
    with pd.ExcelWriter(content, **how) as writer:
        for name, frame in ({"Summary": pd.DataFrame({told[0]: told[1:]})} | dict(frames)).items():
            if len(frame) >= MOST_ROWS:
                raise ProblemError(
                    f"a table of {len(frame):,} rows has more than a sheet; write it as CSV or Parquet"
                )
            if len(frame) or name == "Summary":
                _write_sheet(writer, _sheet_name(name, names), frame, partial(_form_of, forms or {}, name))
    return content.getvalue()


def _sheet_name(wanted: str, names: set[str]) -> str:
    """Return a name of a sheet that no other has: short, of letters, digits and spaces alone."""
    word = " ".join(re.sub(r"[^\w ]", " ", wanted).split())[:25] or "Sheet"
    numbered = (word if number == 1 else f"{word} {number}" for number in count(1))
    found = next(name for name in numbered if name.lower() not in names)
    names.add(found.lower())
    return found


def _write_sheet(
    writer: pd.ExcelWriter[Any], name: str, frame: pd.DataFrame, form_of: Callable[[str], str]
) -> None:
    """Write a table with a heading that stays in view and on every printed page, and a filter in it."""
    shown, formats = frame.copy(), []
    shown.columns = pd.Index([cell_text(str(column)) for column in frame.columns])
    for place in range(len(frame.columns)):  # two columns may have one name
        values, form = frame.iloc[:, place], form_of(str(frame.columns[place]))
        code = FORMS.get(form, "")
        if is_float_dtype(values) and not code:
            decimals = column_decimals(values.dropna().astype(float))
            code = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        if not is_numeric_dtype(values) or is_bool_dtype(values):
            texts = values.map(lambda value: None if pd.isna(value) else cell_text(str(value)))
            shown.isetitem(place, list(texts))
        formats.append(code)
    shown.to_excel(writer, sheet_name=name, index=False, inf_rep="")
    sheet = writer.sheets[name]
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(frame), max(len(frame.columns) - 1, 0))
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    for place, code in enumerate(formats):
        longest = max(len(str(each)) for each in (shown.columns[place], *shown.iloc[:200, place]))
        wide = 120 if name == "Summary" else min(longest + 2, 60)
        sheet.set_column(place, place, wide, writer.book.add_format({"num_format": code}) if code else None)


def _form_of(forms: Mapping[str, str], table: str, column: str) -> str:
    return forms.get(f"{table}.{column}", forms.get(column, ""))


# The tables of a plan, with times as time of day where zero is midnight.

_ROSTERS = ("vehicles", "jobs", "machines", "sites", "markets")
_TABLES = ("figures", *_ROSTERS, "plan", "timetable", "open_sites", "costs", "reasons")
"""Every table there may be, in their order."""
_CLOCKS = ("departure", "leave", "arrive", "begin", "start", "end")
_SPANS = ("late", "breaks")


def plan_tables(subject: ReportSubject) -> dict[str, pd.DataFrame]:
    """Return the tables of a plan that say something, by name.

    Parameters
    ----------
    subject
        What is exported.

    Returns
    -------
    dict
        ``figures`` as the first page has them; ``vehicles``, ``jobs``, ``machines``, ``sites`` or ``markets`` with what
        becomes of each; ``plan`` as :meth:`kanopt.Result.to_frame` has it, ``timetable`` of vehicles, ``open_sites`` of
        networks, ``costs`` line by line, and ``reasons`` why things are left out or late.
    """
    why = subject.explanation
    result = why.result
    found = {"plan": result.to_frame()}
    timed = {}
    if (figures := figure_table(subject.rows)) is not None:
        timed["figures"] = pd.DataFrame(list(figures.rows), columns=list(figures.heads))
    if result.assessment is not None:
        found |= result.assessment.details()
        for roster in result.assessment.rosters():
            named = roster.frame.rename(columns={"": "verdict"})
            timed[f"{roster.key}s"] = _with_times(named, roster.time, roster.clocks)
    unit, clock = time_of(result)
    for name, frame in found.items():
        timed[name] = _with_times(frame, unit, _CLOCKS if clock else ())
    unit = result.problem.unit
    costs = why.terms("item").drop(columns="share")
    timed["costs"] = costs.rename(columns={"amount": f"amount ({unit})" if unit else "amount"})
    timed["reasons"] = why.reasons()
    return {name: timed[name] for name in _TABLES if name in timed and len(timed[name])}


def plan_forms(subject: ReportSubject) -> dict[str, str]:
    """Return what numbers of the tables are, by column: money and shares."""
    known = subject.explanation.result.assessment
    rosters = () if known is None else known.rosters()
    found: dict[str, str] = {}
    for roster in rosters:
        found |= dict.fromkeys(roster.shares, "share")
        found |= dict.fromkeys(roster.money, "money")
    return found


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return tasks by machine and in order of their start; other tables as they are."""
    keys = [name for name in frame.columns if str(name).startswith(("machine", "start ("))]
    return frame.sort_values(keys, kind="stable") if "machine" in keys else frame


def _with_times(frame: pd.DataFrame, unit: str, clocks: Sequence[str]) -> pd.DataFrame:
    """Return a frame whose clock times are times of day; heads of other columns of times get the unit."""
    if not unit:
        return frame
    columns: dict[str, pd.Series[str] | pd.Series[float]] = {}
    for name in map(str, frame.columns):
        if name in clocks:
            columns[name] = frame[name].map(lambda value: clock_text(value, unit) if pd.notna(value) else "")
        else:
            columns[f"{name} ({unit})" if name in _CLOCKS or name in _SPANS else name] = frame[name]
    return pd.DataFrame(columns, index=frame.index)


def workbook(subject: ReportSubject) -> bytes:
    """Return the content of an XLSX file: what the first page says, the tables of the plan, and what it rests on.

    Whatever comes from data is written as text; no cell is a formula.
    """
    said = [subject.title, *filter(None, [subject.description]), *_sentences(plan_first(subject))]
    lines = [line.strip() for line in told(said).splitlines() if line.strip()]
    frames = {
        name.replace("_", " ").capitalize(): in_order(frame) for name, frame in plan_tables(subject).items()
    }
    laws = [(name, str(law.formula)) for name, law in subject.laws.items()]
    frames["Laws"] = pd.DataFrame(laws, columns=["law", "formula"])
    frames["Provenance"] = pd.DataFrame(list(subject.provenance.items()), columns=["what", "said"])
    return frame_book(lines, frames, plan_forms(subject))


EXPORTS: Mapping[str, Callable[[ReportSubject], str | bytes]] = {
    "xlsx": workbook,
    "md": lambda subject: markdown_text(subject),
}
"""From a plan to the content of a file, by the name that ``--export`` takes and files end in."""


def export(source: PlanExports, name: str, target: str | os.PathLike[str]) -> Path:
    """Write a plan in one format, one of `EXPORTS`; folders are made.

    Raises
    ------
    ProblemError
        If there is no plan.
    """
    subject = subject_of(source)
    result = subject.explanation.result
    if name == "xlsx" and not result.has_plan:
        raise ProblemError(f"{target}: there is no plan to export ({result.status.value}); 'md' says why")
    return replace_file(target, EXPORTS[name](subject), make_folders=True)


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
    notices = plan_notices(subject)
    rosters = () if known is None else known.rosters()
    parts: list[Part | None] = [
        subject.description,
        *plan_first(subject),
        figure_table(subject.rows),
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
