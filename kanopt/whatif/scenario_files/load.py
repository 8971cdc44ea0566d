"""``load_scenario``: a TOML file and its base, with every mistake of a stage at once: keys, then what they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.errors import FileFormatError, KanoptError, ScenarioError, TableError, nearest
from kanopt.whatif.given_laws import given_laws, placeholder_law, saved_law
from kanopt.whatif.scenario import Scenario, mistakes_of_changes
from kanopt.whatif.scenario_files.columns import (
    columns_of_law,
    columns_read,
    is_history,
    may_say_groups,
    part_mistakes,
    wrong_tables,
)
from kanopt.whatif.scenario_files.laws import binding_mistakes, law_mistakes
from kanopt.whatif.scenario_files.layers import Layers, Mistake, read_layers
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.sections import Sections, answered, read_sections
from kanopt.whatif.scenario_files.spec import LearnedSpec, SavedSpec, TableSpec
from kanopt.whatif.scenario_files.toml_positions import Key
from kanopt.whatif.section_changes import ChangedSections, checked_with_laws, make_section_changes
from kanopt.whatif.variants import variant_mistakes

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula
    from kanopt.tables import Schema
    from kanopt.tables._raw import RawTable


_NO_SQL = (
    "a database is asked only when that is allowed: read the query, then add --allow-sql (in Python: "
    "allow_sql=True)"
)


def load_scenario(
    path: str | Path, *, allow_sql: bool = False, allow_outside: bool = False, lenient: bool = False
) -> Scenario:
    """Read and check a scenario file, its base and its tables.

    Parameters
    ----------
    path
        A TOML file. Paths in it are relative to it. A what-if file names its ``base`` under ``[scenario]``; its
        keys complete or replace those of the base, and its changes follow those of the base. An entry
        ``[tables.x]`` that names another path, or ``[surrogates.x]`` that names another table, formula or file,
        replaces that of the base as a whole.
    allow_sql
        Whether the databases that the file names may be asked. A query can read whatever your login can read.
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
    scenario = _load(read_layers(Path(path), outside=allow_outside), sql=allow_sql, lenient=lenient)
    assert scenario is not None
    return scenario


def check_scenario(
    layers: Layers, *, lenient: bool = False, seen: dict[str, Any] | None = None
) -> Scenario | None:
    """Check a scenario file as :func:`load_scenario` does, and ask no database.

    Parameters
    ----------
    layers
        The keys of the file and its bases.
    lenient
        As for :func:`load_scenario`.
    seen
        Keeps the tables that were read, so that a file that differs in other keys is checked without reading again.

    Returns
    -------
    Scenario or None
        None where a table comes from a database, so that not everything could be checked.

    Raises
    ------
    ScenarioError
        With everything that is wrong.
    """
    return _load(layers, sql=None, lenient=lenient, seen=seen)


def _load(
    layers: Layers, *, sql: bool | None, lenient: bool, seen: dict[str, Any] | None = None
) -> Scenario | None:
    """Return the scenario; None where a database is not asked, which `sql` allows, refuses or passes over.

    Raises
    ------
    ScenarioError
        With everything that is wrong.
    """
    given = answered(layers)
    layers, asked = given.layers, () if lenient else given.asked
    found = read_sections(layers.data)
    # what keys say is looked at once all keys are right, and what tables hold once that fits together
    if mistakes := [*found.mistakes, *given.mistakes]:
        raise layers.error([*mistakes, *asked])
    tables = _read_tables(found, layers, {} if seen is None else seen, sql=sql)
    saved = _read_saved(found, layers)
    found.mistakes += law_mistakes(found.laws, found.tables, tables)
    formulas = _check_problem(found, layers, tables, saved)
    found.mistakes += _used_and_ignored(found)
    if found.mistakes or asked:
        raise layers.error([*found.mistakes, *asked])
    if set(tables) != set(found.tables):
        return None
    scenario = Scenario(
        name=layers.name,
        description=found.head.description,
        seed=found.head.seed,
        tables=tables,
        sections=ChangedSections(layers.data, found.problem, found.solver, found.laws),
        drafts=formulas,
        report=found.report,
        sweep_spec=found.sweep,
        changes=tuple(found.changes.values()),
        layers=layers,
        lenient=lenient,
        open_questions=tuple(map(layers.issue, given.asked)),
    )
    if mistakes := [*sweep_mistakes(scenario), *variant_mistakes(scenario)]:
        raise layers.error(mistakes)
    return scenario


def _used_and_ignored(found: Sections) -> Iterator[Mistake]:
    """Yield the columns that are ignored although a law or the problem reads them."""
    problem = found.problem
    for table, spec in found.tables.items():
        used = {
            column: f"fills {field} of [problem.{name}]"
            for name, part in ({} if problem is None else problem.parts_of(table)).items()
            for field, column in part.columns.items()
        }
        for name, law in found.laws.items():
            if isinstance(law, LearnedSpec) and law.table == table:
                used |= dict.fromkeys(columns_of_law(law), f"is read by the law {name!r}")
        for place, column in enumerate(spec.ignore):
            if column in used:
                message = f"{column!r} {used[column]}; take it from one of the two"
                yield Mistake(("tables", table, "ignore", place), message)


def sweep_mistakes(scenario: Scenario) -> list[Mistake]:
    """Return what is wrong with the section ``[sweep]`` of a scenario: paths, values, and what they do not fit."""
    if scenario.sweep_spec is None:
        return []
    try:
        axes = scenario.sweep_spec.axes()
    except ScenarioError as error:
        return [
            Mistake(("sweep",), f"{issue.key}: {issue.message}".removeprefix(": ")) for issue in error.issues
        ]
    found = []
    for axis in axes:
        try:
            scenario.with_change(axis.change(axis.values.items[0]))
        except ScenarioError as error:
            key = ("sweep", axis.values.action, axis.path)
            found += [Mistake(key, issue.message) for issue in error.issues]
    return found


def _read_tables(
    found: Sections, layers: Layers, seen: dict[str, Any], *, sql: bool | None
) -> dict[str, pd.DataFrame]:
    tables = {}
    for name, spec in found.tables.items():
        where: Key = ("tables", name, "path" if spec.url is None else "url")
        if spec.url is not None and not sql:
            if sql is False:
                found.add(where, _NO_SQL)
            continue
        try:
            source = spec.source(partial(layers.path_of, where))
        except FileFormatError as error:
            found.add(where, str(error))
            continue
        frame = _read_table(found, spec, source, where, seen)
        if frame is not None:
            tables[name] = frame
    return tables


def _read_table(
    found: Sections, spec: TableSpec, source: str | Path, where: Key, seen: dict[str, Any]
) -> pd.DataFrame | None:
    from kanopt.tables import TextFormat
    from kanopt.tables.table_reading import load_table, read_table

    key = where[:2]
    try:
        form = TextFormat(**spec.form.model_dump(exclude_none=True))
    except TableError as error:
        found.add((*key, "form"), error.message)
        return None
    try:
        file = repr((source, spec.query, form, spec.sheet))
        if file not in seen:
            seen[file] = load_table(source, spec.query, form, spec.sheet)
        raw = seen[file]
        columns, on_bad = _columns_and_actions(found, spec, str(key[1]), raw)
        there = [*raw.names, *spec.derive]
        _note_absent(found, (*key, "units"), zip(spec.units, spec.units, strict=True), there)
        wanted: dict[str, Any] = {
            "columns": columns,
            "schema": _limits(found, spec, key, [*columns, *spec.derive]),
            "units": {name: unit for name, unit in spec.units.items() if name in there},
            "dates": spec.dates,
            "derive": spec.derive,
            "drop_where": spec.drop_where,
            "on_bad": on_bad,
            "on_duplicate": spec.on_duplicate,
            "form": form,
        }
        if (table := repr((file, wanted))) not in seen:
            seen[table] = read_table(raw, **wanted)
        frame: pd.DataFrame = seen[table]
        return frame
    except TableError as error:
        told = error.faults or [(where[2:], error.message)]
        found.mistakes += [Mistake((*key, *place), message) for place, message in told]
    except KanoptError as error:
        found.add(where, str(error))
    return None


def _note_absent(
    found: Sections, key: Key, named: Iterable[tuple[str | int, str]], columns: Sequence[str]
) -> None:
    """Note the columns that are named under a key, each at its place, and are not there."""
    for place, name in named:
        if name not in columns:
            found.add((*key, place), f"there is no column {name!r}; {nearest(name, columns)}")


def _columns_and_actions(
    found: Sections, spec: TableSpec, table: str, raw: RawTable
) -> tuple[Sequence[str], Any]:
    """Return the columns to read, and what happens to bad cells: what nothing reads may be any text.

    Of a table of the problem it is read all the same, since it is named. Of a history it is read where it may say which
    rows share an error.
    """
    from kanopt.tables.row_rules import RowRules

    names = raw.names
    _note_absent(found, ("tables", table, "ignore"), enumerate(spec.ignore), names)
    every = [name for name in dict.fromkeys(spec.columns or names) if name not in spec.ignore]
    used = columns_read(found, table, spec)
    if spec.columns or used is None:
        return every, spec.on_bad
    ruled = RowRules(spec.derive, spec.drop_where).names()
    cells = {
        name: column for name, column in zip(names, raw.columns, strict=True) if name not in used | ruled
    }
    if is_history(found, table) and used <= {*names, *spec.derive}:  # else all of them are named in a hint
        cells = {name: column for name, column in cells.items() if may_say_groups(column)}
    unread = [name for name in every if name in cells and names.count(name) == 1]
    given = spec.on_bad if isinstance(spec.on_bad, dict) else {"*": spec.on_bad}
    read = [name for name in every if name in used | ruled or name in unread]
    return read, {**dict.fromkeys(unread, "text"), **given}


def _limits(found: Sections, spec: TableSpec, key: Key, columns: list[str]) -> Schema | None:
    """Return what ``minimum`` and ``maximum`` ask of the columns, None for nothing; note those that are not there."""
    from kanopt.tables import Column, Schema

    for side in ("minimum", "maximum"):
        named = getattr(spec, side)
        _note_absent(found, (*key, side), zip(named, named, strict=True), columns)
        for name in named:
            if name in spec.dates:
                told = f"{name!r} holds dates, and a {side} is of numbers; write drop_where"
                found.add((*key, side, name), f"{told} = [\"{name} < '2024-01-31'\"]")
    limited = [
        name for name in columns if name in {**spec.minimum, **spec.maximum} and name not in spec.dates
    ]
    made = [Column(name, minimum=spec.minimum.get(name), maximum=spec.maximum.get(name)) for name in limited]
    return Schema(tuple(made)) if made else None


def _read_saved(found: Sections, layers: Layers) -> dict[str, Formula]:
    saved = {}
    for name, spec in found.laws.items():
        if isinstance(spec, SavedSpec):
            key = ("surrogates", name, "file")
            try:
                saved[name] = saved_law(name, layers.path_of(key, spec.file))
            except FileFormatError as error:
                found.add(key, str(error))
            except OSError as error:
                found.add(key, f"{spec.file!r} cannot be read: {error.strerror or error}")
    return saved


def _check_problem(
    found: Sections, layers: Layers, tables: Mapping[str, pd.DataFrame], saved: Mapping[str, Formula]
) -> dict[str, Formula]:
    """Note what does not fit together; return every law, with placeholders for those to be learned."""
    to_learn = {
        name: placeholder_law(name, spec, tables.get(spec.table))
        for name, spec in found.laws.items()
        if isinstance(spec, LearnedSpec)
    }
    formulas, mistakes = given_laws(found.laws, {**saved, **to_learn}, placeholders=to_learn)
    found.mistakes += mistakes
    if "problem" not in layers.data:
        message = "changes alter what the problem reads; the section [problem] is missing"
        found.mistakes += [Mistake(("changes", place), message) for place in found.changes]
    _check_section_changes(found, layers, formulas)
    if found.problem is not None:
        _check_parts(found, found.problem, tables, formulas)
    return formulas


def _check_section_changes(found: Sections, layers: Layers, formulas: Mapping[str, Formula]) -> None:
    """Note what is wrong with changes of keys and laws."""
    sections = ChangedSections(layers.data, found.problem, found.solver, found.laws)
    made, wrong = make_section_changes(sections, found.changes)
    found.mistakes += wrong
    refused = {mistake.key[1] for mistake in wrong}
    for place, change in found.changes.items():
        if place not in refused:
            with_laws = checked_with_laws(made, formulas, change)
            found.mistakes += [Mistake(("changes", place, *each.key), each.message) for each in with_laws]


def _check_parts(
    found: Sections,
    problem: ProblemSpec,
    tables: Mapping[str, pd.DataFrame],
    formulas: Mapping[str, Formula],
) -> None:
    """Note what does not fit together in a problem; tables that are swapped in place of all that follows from it."""
    wrong = list(wrong_tables(problem, tables)) or list(part_mistakes(problem, found.tables, tables))
    found.mistakes += wrong
    if any(mistake.key[-1] == "table" for mistake in wrong):
        return
    found.mistakes += binding_mistakes(problem, found.laws, formulas, tables)
    # a change of a table that could not be read is checked once the table can be
    to_check = {
        place: change
        for place, change in found.changes.items()
        if change.table in tables or change.table not in found.tables
    }
    found.mistakes += mistakes_of_changes(to_check, problem, tables)
