"""``load_scenario``: a TOML file and its base, with every mistake of a stage at once: keys, then what they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kanopt.errors import FileFormatError, KanoptError, TableError, knows_arguments, nearest
from kanopt.formulas import Formula
from kanopt.formulas.error_model import FEWEST_FOUND
from kanopt.records.headers import column_hint, field_hint
from kanopt.scenarios.files.laws import binding_mistakes, given_laws, law_mistakes, named_law, placeholder_law
from kanopt.scenarios.files.layers import Key, Layers, Mistake, read_layers, unknown
from kanopt.scenarios.files.problem_spec import MatrixSpec, ProblemSpec
from kanopt.scenarios.files.sections import (
    LearnedSpec,
    SavedSpec,
    Sections,
    TableSpec,
    answered,
    read_sections,
)
from kanopt.scenarios.scenario import Scenario
from kanopt.tables import TextFormat
from kanopt.tables._text import RawTable
from kanopt.tables.row_rules import RowRules
from kanopt.tables.table_reading import load_table, read_table

_READING = ("units", "dates", "minimum", "maximum", "derive", "drop_where", "on_duplicate")
"""Keys of a table that are arguments of :func:`~kanopt.read_table` as they stand."""


@knows_arguments
def load_scenario(path: str | Path, *, allow_outside: bool = False, lenient: bool = False) -> Scenario:
    """Read and check a scenario file, its base and its tables.

    Parameters
    ----------
    path
        A TOML file. Paths in it are relative to it. A what-if file names its ``base`` under ``[scenario]``; its
        keys complete or replace those of the base, and its changes follow those of the base. An entry
        ``[tables.x]`` that names another path, or ``[surrogates.x]`` that names another table, formula or file,
        replaces that of the base as a whole.
    allow_outside
        Whether files may be read that lie outside the folder of `path`.
    lenient
        Whether to go on without answers to ``[[questions]]``, and with columns that nothing reads although they look
        like a rule. What comes of it says so before anything else.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        With everything that is wrong, each as ``file:line: key: message``: with all keys, else with all that does not
        fit together. What tables hold is checked with :meth:`Scenario.check`.
    """
    return check_scenario(read_layers(Path(path), outside=allow_outside), lenient=lenient)


def check_scenario(layers: Layers, *, lenient: bool = False, seen: dict[str, Any] | None = None) -> Scenario:
    """Return the scenario that some keys say, checked as :func:`load_scenario` checks a file.

    Parameters
    ----------
    layers
        The keys of the file and its bases.
    lenient
        As for :func:`load_scenario`.
    seen
        Keeps the tables that were read, so that a file that differs in other keys is checked without reading again.

    Raises
    ------
    ScenarioError
        With everything that is wrong.
    """
    layers, wrong, open_questions = answered(layers)
    asked = [] if lenient else open_questions
    found, mistakes = read_sections(layers.data)
    # what keys say is looked at once all keys are right, and what tables hold once that fits together
    if found is None or wrong:
        raise layers.error([*mistakes, *wrong, *asked])
    loading = _Loading(layers, found, {} if seen is None else seen)
    tables = loading.tables()
    formulas = loading.laws(tables)
    fits = loading.fits_together(tables, formulas)
    scenario = Scenario(
        name=layers.name,
        tables=tables,
        sections=found,
        drafts=formulas,
        report=found.file.report,
        layers=layers,
        lenient=lenient,
        open_questions=tuple(map(layers.issue, open_questions)),
    )
    # a change of a table that could not be read is checked once the table can be
    unread = found.file.tables.keys() - tables.keys()
    for place, change in enumerate(found.changes):
        if change.is_of_section or (fits and change.table not in unread):
            made, wrong = scenario.after(change)
            loading.mistakes += [Mistake(("changes", place, *each.key), each.message) for each in wrong]
            scenario = scenario if wrong else made
    if loading.mistakes or asked:
        raise layers.error([*loading.mistakes, *asked])
    return scenario


@dataclass
class _Loading:
    """What a file names, being read: its tables, then its laws, then what must fit together; all mistakes noted.

    Parameters
    ----------
    layers
        The file and its bases.
    found
        What they say.
    seen
        Keeps tables that were read.
    mistakes
        Those that were noted.
    """

    layers: Layers
    found: Sections
    seen: dict[str, Any]
    mistakes: list[Mistake] = field(default_factory=list)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables that can be read."""
        tables = {}
        for name, spec in self.found.file.tables.items():
            key: Key = ("tables", name)
            try:
                tables[name] = self._table(name, spec)
            except TableError as error:
                told = error.faults or [(("path",), error.message)]
                self.mistakes += [Mistake((*key, *place), message) for place, message in told]
            except KanoptError as error:
                self.mistakes.append(Mistake((*key, "path"), str(error)))
        return tables

    def _table(self, name: str, spec: TableSpec) -> pd.DataFrame:
        source = self.layers.path_of(("tables", name, "path"), spec.path)
        try:
            form = TextFormat(**spec.form.model_dump(exclude_none=True))
        except TableError as error:
            raise TableError(faults=[(("form",), error.message)]) from None
        file = repr((source, form, spec.sheet))
        if file not in self.seen:
            self.seen[file] = load_table(source, form, spec.sheet)
        raw = self.seen[file]
        columns, on_bad = self._columns_and_actions(spec, name, raw)
        wanted: dict[str, Any] = {"columns": columns, "on_bad": on_bad, "form": form}
        wanted |= {key: getattr(spec, key) for key in _READING}
        if (table := repr((file, wanted))) not in self.seen:
            self.seen[table] = read_table(raw, **wanted)
        frame: pd.DataFrame = self.seen[table]
        return frame

    def _columns_and_actions(self, spec: TableSpec, table: str, raw: RawTable) -> tuple[Sequence[str], Any]:
        """Return the columns to read, and what is done with cells that do not fit.

        Without ``columns``, those that problem and laws read are read strictly; the others keep what fits no number as
        text. Left out of them is what is said to be ignored, and, of a table of history, what cannot say which of its
        rows share an error.
        """
        names = raw.names
        for place, name in enumerate(spec.ignore):
            at = ("tables", table, "ignore", place)
            self.mistakes += unknown(at, f"there is no column {name!r}", name, names)
        every = [name for name in dict.fromkeys(spec.columns or names) if name not in spec.ignore]
        used = columns_read(self.found, table, spec)
        if spec.columns or used is None:
            return every, spec.on_bad
        ruled = RowRules(spec.derive, spec.drop_where).names()
        pairs = zip(names, raw.columns, strict=True)
        cells = {name: column for name, column in pairs if name not in used | ruled}
        # of a history that the problem does not read; else all of them are named in a hint
        in_problem = self.found.problem is not None and self.found.problem.parts_of(table)
        is_history = self.found.columns_of_laws(table) and not in_problem
        if is_history and used <= {*names, *spec.derive}:
            cells = {name: column for name, column in cells.items() if may_say_groups(column)}
        unread = [name for name in every if name in cells and names.count(name) == 1]
        read = [name for name in every if name in used | ruled or name in unread]
        return read, {**dict.fromkeys(unread, "text"), **spec.on_bad}

    def laws(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, Formula]:
        """Return every law that can be had, with placeholders for those to be learned."""
        found = self.found
        self.mistakes += law_mistakes(found.laws, found.file.tables, tables)
        have: dict[str, Formula] = {}
        for name, spec in found.laws.items():
            if isinstance(spec, SavedSpec):
                key = ("surrogates", name, "file")
                try:
                    have[name] = named_law(name, Formula.load(self.layers.path_of(key, spec.file)))
                except FileFormatError as error:
                    self.mistakes.append(Mistake(key, str(error)))
                except OSError as error:
                    told = f"{spec.file!r} cannot be read: {error.strerror or error}"
                    self.mistakes.append(Mistake(key, told))
            elif isinstance(spec, LearnedSpec):
                have[name] = placeholder_law(name, spec, tables.get(spec.table))
        formulas, mistakes = given_laws(found.laws, have, placeholders=found.learned())
        self.mistakes += mistakes
        return formulas

    def fits_together(self, tables: Mapping[str, pd.DataFrame], formulas: Mapping[str, Formula]) -> bool:
        """Note what does not fit together; say whether the parts of the problem have tables."""
        found, problem = self.found, self.found.problem
        wrong = [] if problem is None else list(part_mistakes(problem, found.file.tables, tables))
        self.mistakes += wrong
        fits = not any(mistake.key[-1] == "table" for mistake in wrong)
        self.mistakes += binding_mistakes(problem, found.laws, formulas) if problem and fits else ()
        return fits


def columns_read(found: Sections, table: str, spec: TableSpec) -> frozenset[str] | None:
    """Return the columns that laws and the problem read, and those the entry of the table names; None for all."""
    names = {*spec.dates, *spec.minimum, *spec.maximum, *spec.on_bad, *spec.derive} - {"*"}
    names |= found.columns_of_laws(table)
    problem = found.problem
    if problem is None:
        return frozenset(names)
    if problem.today is not None and problem.today.table == table:
        return None
    for name, part in problem.parts_of(table).items():
        if isinstance(part, MatrixSpec) or not problem.fields_of(name):
            return None
        words = problem.readable_names(name)
        names |= {*words, *part.columns.values(), *(part.columns.get(word, word) for word in words)}
    return frozenset(names)


def may_say_groups(cells: Any) -> bool:
    """Say whether a column may say which rows belong together: its cells repeat each other, or are dates.

    It is a quick look at cells as they stand in the source, so that a wide history is read as fast as its laws allow.

    Parameters
    ----------
    cells
        An Arrow array.
    """
    if pa.types.is_temporal(cells.type):
        return True
    if cells.null_count or not len(cells):
        return False
    count = pc.count_distinct(cells).as_py()
    return count >= FEWEST_FOUND and (2 * count <= len(cells) or bool(_DATE.match(str(cells[0]))))


_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")


def part_mistakes(
    problem: ProblemSpec, tables: Mapping[str, TableSpec], frames: Mapping[str, pd.DataFrame]
) -> Iterable[Mistake]:
    """Yield the tables and columns that the problem names and that are not there."""
    known = sorted(tables)
    parts = {**problem.parts(), **({} if problem.today is None else {"today": problem.today})}
    for name, part in parts.items():
        key: Key = ("problem", name)
        if part.table not in known:
            yield Mistake((*key, "table"), f"unknown table {part.table!r}; {nearest(part.table, known)}")
        elif part.table in frames:
            columns = [str(column) for column in frames[part.table].columns]
            words = frozenset(part.columns) if name == "today" else problem.readable_names(name)
            for field, column in part.columns.items():
                if field not in words:
                    known_fields = [problem.table_field(name, word) for word in sorted(words)]
                    message = f"there is no {field!r} to read here; {field_hint(name, field, known_fields)}"
                    yield Mistake((*key, "columns", field), message)
                if column in tables[part.table].ignore:
                    told = f"{column!r} is what [tables.{part.table}] ignores; take it from one of the two"
                    yield Mistake((*key, "columns", field), told)
                elif column not in columns:
                    # a column that fills another field, such as X_km, is not meant by Y_km
                    free = [each for each in columns if each not in part.columns.values()] or columns
                    close = nearest(column, free)
                    like = column_hint(name, problem.table_field(name, field), free)
                    hint = close if close.startswith("did you mean") else like
                    told = f"table {part.table!r} has no column {column!r}; {hint}"
                    yield Mistake((*key, "columns", field), told)
