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

__all__ = ["HEAD", "holds", "placed_at", "repaired"]

HEAD = ("A first scenario, guessed from the tables. Where a line says check, look at it:",)
_MOST_REPAIRS = 40


def placed_at(sections: Sequence[Section], places: dict[str, str]) -> list[Section]:
    """Return the sections with the paths of the tables in place of their names."""
    found = []
    for section in sections:
        entries = tuple(
            Entry("path", places[str(entry.value)], entry.why, entry.sure, entry.needed)
            if section.header[0] == "tables" and len(section.header) == 2 and entry.key == "path"
            else entry
            for entry in section.entries
        )
        found.append(replace(section, entries=entries))
    return found


def repaired(sections: list[Section], sources: dict[str, Path], draft: Draft) -> list[Section] | str:
    """Check the file as every command does, and leave out what does not hold; a sentence where nothing holds."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "scenario.toml"
        places = _written(target, sources, draft)
        for _ in range(_MOST_REPAIRS):
            placed = placed_at(sections, places)
            replace_file(target, render(placed, HEAD))
            error, rules = _mistakes(target, draft)
            if error is None:
                draft.rules = rules
                return sections
            found = [(issue, entry_at(placed, issue.line, HEAD)) for issue in error.issues]
            droppable = [(issue, each) for issue, each in found if each is not None and not each[1].needed]
            law = found[0][1][0] if found[0][1] is not None and not draft.roles.kind else None
            if not droppable and law is not None and law.header[0] == "surrogates":
                draft.notes.append(
                    f"left out the law {law.header[1]}: {shorten(error.issues[0].message, 200)}"
                )
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
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "scenario.toml"
        places = _written(target, sources, draft)
        replace_file(target, render(placed_at(sections, places), HEAD))
        error, _ = _mistakes(target, draft)
        return error is None


def _written(target: Path, sources: dict[str, Path], draft: Draft) -> dict[str, str]:
    """Write the tables that are made beside a file, and return where it finds those and all others."""
    places = {name: path.resolve().as_posix() for name, path in sources.items()}
    for name, table in draft.made.items():
        replace_file(target.parent / f"{name}.csv", csv_text(table.frame))
        places[name] = f"{name}.csv"
    return places


def _mistakes(path: Path, draft: Draft) -> tuple[ScenarioError | None, list[tuple[str, str]]]:
    """Return what is wrong with a file, and the columns that look like a rule and that nothing reads."""
    from kanopt.whatif.scenario_files.load import check_scenario

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever loads the file hears them
            scenario = check_scenario(path, allow_outside=True, lenient=True, seen=draft.seen)
            if scenario is not None:
                scenario.check()
                return None, scenario.rule_columns()
    except ScenarioError as error:
        return error, []
    return None, []
