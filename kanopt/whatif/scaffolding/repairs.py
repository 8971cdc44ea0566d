"""A draft as a file: checked as every command checks it, and what does not hold is left out."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kanopt.csv_cells import csv_text
from kanopt.errors import ScenarioError
from kanopt.files import replace_file
from kanopt.text import shorten
from kanopt.whatif.scaffolding.draft import Draft
from kanopt.whatif.scaffolding.toml_writing import Entry, Section, entry_at, render, without

HEAD = ("A first scenario, guessed from the tables. Where a line says check, look at it:",)
_MOST_REPAIRS = 40


def placed_at(sections: Sequence[Section], places: dict[str, str]) -> list[Section]:
    """Return the sections with the paths of the tables in place of their names."""
    tables = [section.header[:1] == ("tables",) and len(section.header) == 2 for section in sections]
    return [
        replace(section, entries=tuple(_placed(entry, places) for entry in section.entries))
        if of
        else section
        for section, of in zip(sections, tables, strict=True)
    ]


def _placed(entry: Entry, places: dict[str, str]) -> Entry:
    return replace(entry, value=places[str(entry.value)]) if entry.key == "path" else entry


def repaired(sections: list[Section], sources: dict[str, Path], draft: Draft) -> list[Section] | str:
    """Check the file as every command does, and leave out what does not hold; a sentence where nothing holds."""
    for _ in range(_MOST_REPAIRS):
        placed, error, rules = _checked(sections, sources, draft)
        if error is None:
            draft.rules = rules
            return sections
        found = [(issue, entry_at(placed, issue.line, HEAD)) for issue in error.issues]
        droppable = [(issue, each) for issue, each in found if each is not None and not each[1].needed]
        law = found[0][1][0] if found[0][1] is not None and not draft.roles.kind else None
        if not droppable and law is not None and law.header[0] == "surrogates":
            draft.notes.append(f"left out the law {law.header[1]}: {shorten(error.issues[0].message, 200)}")
            sections = [each for each in sections if each.header != law.header]
            if any(each.header[0] == "surrogates" for each in sections):
                continue
        if not droppable:
            return shorten(error.issues[0].message, 300)
        for issue, (section, entry) in droppable:
            sections = without(sections, section, entry)
            where = ".".join(section.header)
            if section.header[:1] == ("problem",) and section.header[-1:] == ("columns",):
                draft.dropped.append((section.header[1], str(entry.value)))
            draft.notes.append(f"left out {where}: {entry.key}: {shorten(issue.message, 200)}")
    return "too much of it does not hold"


def holds(sections: Sequence[Section], sources: dict[str, Path], draft: Draft) -> bool:
    """Say whether a file of these sections passes the check."""
    return _checked(sections, sources, draft)[1] is None


def _checked(
    sections: Sequence[Section], sources: dict[str, Path], draft: Draft
) -> tuple[list[Section], ScenarioError | None, list[tuple[str, str]]]:
    """Return the file as it is written, what is wrong with it, and columns that look like a rule and are not read."""
    from kanopt.whatif.scenario_files.load import check_scenario

    places = {name: path.resolve().as_posix() for name, path in sources.items()}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "scenario.toml"
        for name, table in draft.made.items():
            replace_file(target.parent / f"{name}.csv", csv_text(table.frame))
            places[name] = f"{name}.csv"
        placed = placed_at(sections, places)
        replace_file(target, render(placed, HEAD))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # whoever loads the file hears them
                scenario = check_scenario(target, allow_outside=True, lenient=True, seen=draft.seen)
                if scenario is None:
                    return placed, None, []
                scenario.check()
                return placed, None, scenario.rule_columns()
        except ScenarioError as error:
            return placed, error, []
