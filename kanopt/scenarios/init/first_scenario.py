"""From tables to a first scenario file: guess, write, check, and leave out what does not hold."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from kanopt.display import Part, Shown
from kanopt.errors import ScenarioError, TableError, nearest
from kanopt.files import csv_text, replace_file
from kanopt.scenarios.files.layers import Key, TomlDocument, merged
from kanopt.scenarios.files.load import check_scenario
from kanopt.scenarios.files.sections import QuestionSpec
from kanopt.scenarios.init.asking import ask, question_text
from kanopt.scenarios.init.draft import MADE_UP, Draft, ScenarioKeys, currency_of
from kanopt.scenarios.init.kinds import READINGS, guess_roles
from kanopt.scenarios.init.laws import guess_laws
from kanopt.scenarios.init.parts import hindrances
from kanopt.scenarios.init.plans import draft_plan
from kanopt.scenarios.init.sources import Tables, read_sources, slug
from kanopt.tables.row_rules import RowRules
from kanopt.text import count_text, list_names, shorten

KINDS = ("routing", "scheduling", "supply", "law")
"""Kinds of scenarios that can be begun; a ``law`` is one without a plan."""
_MOST_REPAIRS = 40
_COLUMNS = ["table", "column", "guess", "why", "sure"]


@dataclass(frozen=True, eq=False, repr=False)
class Scaffold(Shown):
    """A first scenario of some tables.

    Parameters
    ----------
    kind
        The kind of problem; empty where the tables make none and only laws are learned.
    keys
        What is written.
    sources
        Name in the file to the path of the table.
    files
        The files of all tables that it was guessed from.
    made
        Tables that no file holds, to be written beside the scenario.
    guesses
        A row for each guess: ``table``, ``column``, ``guess``, ``why``, ``sure``.
    notes
        What is not used, and what had to be left out, a sentence each.
    questions
        What is open: whoever plans answers it in the file, or in a terminal at once.
    """

    kind: str
    keys: ScenarioKeys
    sources: dict[str, Path]
    files: tuple[Path, ...]
    made: dict[str, pd.DataFrame]
    guesses: pd.DataFrame
    notes: tuple[str, ...]
    questions: tuple[QuestionSpec, ...] = ()

    def _shown(self) -> list[Part]:
        kind = f" of {self.kind}" if self.kind else ", of laws alone"
        tables = count_text(len(set(self.files)), "table")
        return [f"A first scenario{kind}, guessed from {tables}", *self.text().splitlines()]

    def text(self) -> str:
        """Return the guesses table by table, those that are not sure with a question mark."""
        lines = []
        for table, rows in self.guesses.groupby("table", sort=False):
            lines.append(str(table) or "laws written by hand")
            for row in rows.itertuples():
                what = f"{row.column!s} → {row.guess!s}" if row.column else str(row.guess)
                told = shorten(f"  {' ' if row.sure else '?'} {what}", 58)
                lines.append(f"{told:58}  {shorten(str(row.why), 60)}")
        lines += [f"note: {note}" for note in self.notes]
        return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in "\n".join(lines))

    @property
    def unsure(self) -> int:
        """How many lines of the file are marked to be checked."""
        return sum(not entry.sure for entries in self.keys.tables.values() for entry in entries.values())

    @property
    def folder(self) -> Path:
        """The nearest folder that all files lie in or below, where the scenario may read them."""
        return Path(os.path.commonpath([path.resolve().parent for path in self.files]))

    def answered(self, answers: Sequence[str]) -> Scaffold:
        """Return it with its questions answered, in their order; an empty text leaves one open."""
        pairs = zip(self.questions, answers, strict=True)
        told = tuple(one.model_copy(update={"answer": answer}) for one, answer in pairs)
        return replace(self, questions=told)

    def toml(self, path: str | os.PathLike[str]) -> str:
        """Return the scenario as it is written to a path.

        Raises
        ------
        TableError
            If the path lies where the scenario may not read its tables.
        """
        target = Path(path).resolve()
        if not self.folder.is_relative_to(target.parent):
            raise TableError(
                f"{Path(path).name}: a scenario reads tables of its own folder and below; write it to {self.folder} "
                "or a folder above"
            )
        paths = {name: source.resolve() for name, source in self.sources.items()}
        places = {name: path.relative_to(target.parent).as_posix() for name, path in paths.items()}
        places |= {name: f"{_folder_of_made(target)}/{name}.csv" for name in self.made}
        written = self.keys.with_keys({f"tables.{name}": {"path": path} for name, path in places.items()})
        return written.text() + "".join(map(question_text, self.questions))

    def outputs(self, path: str | os.PathLike[str]) -> list[Path]:
        """Return the files that :meth:`write` writes."""
        target = Path(path)
        return [target, *(target.parent / _folder_of_made(target) / f"{name}.csv" for name in self.made)]

    def write(self, path: str | os.PathLike[str], *, replace: bool = False) -> Path:
        """Write the scenario, and beside it the tables that no file holds.

        Parameters
        ----------
        path
            The scenario file, in the folder of the tables or above.
        replace
            Whether files that are there are replaced.

        Raises
        ------
        TableError
            If a file is there, or the path lies where the scenario may not read its tables.
        """
        text = self.toml(path)
        there = [each for each in self.outputs(path) if each.exists()]
        if there and not replace:
            raise TableError(
                f"{there[0]} is there already; name another file, or let it be replaced with replace=True, --force "
                "on the command line"
            )
        target, *tables = self.outputs(path)
        for table, frame in zip(tables, self.made.values(), strict=True):
            replace_file(table, csv_text(frame), make_folders=True)
        return replace_file(target, text)


def scaffold(files: Sequence[str | os.PathLike[str]], kind: str | None = None, decimal: str = "") -> Scaffold:
    r"""Begin a scenario from tables: what each table and column is, is guessed from names and values, and told.

    Parameters
    ----------
    files
        Text files, Parquet files, or workbooks, of which every sheet that is a table is one.
    kind
        ``"routing"``, ``"scheduling"``, ``"supply"``, or ``"law"`` for laws without a plan; left out, what the
        tables look like.
    decimal
        What stands before the decimals of text files, ``","`` or ``"."``, where their numbers can be read in two ways.

    Returns
    -------
    Scaffold
        With :meth:`Scaffold.write`, and :attr:`Scaffold.guesses`. The file it writes passes ``kanopt check``: a guess
        that does not hold is left out and noted.

    Raises
    ------
    TableError
        If a file cannot be read, or the tables give neither a problem nor a law.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "trips.csv"
    >>> rows = [f"{km},{2 * km + km % 3}" for km in range(1, 60)]
    >>> _ = file.write_text("distance_km,minutes\n" + "\n".join(rows))
    >>> made = scaffold([file])
    >>> made.guesses.loc[made.guesses["column"] == "minutes", "guess"].tolist()
    ['target of minutes', 'unit min']
    """
    if kind is not None and kind not in KINDS:
        raise TableError(f"unknown kind {kind!r}; {nearest(kind, KINDS)}")
    tables, left_out = read_sources(files, decimal)
    money = currency_of(tables)
    roles, notes = guess_roles(tables, kind), list(left_out)
    made: Scaffold | str = ""
    if roles.kind:
        draft = Draft(roles, money, notes=list(left_out))
        draft_plan(draft)
        made = _checked(draft, tables)
        notes.append(f"no plan of {roles.kind} could be made: {made}")
    elif kind in READINGS:
        notes.append(f"the tables make no problem of {kind}; laws alone are learned")
    failed = made
    if isinstance(made, str):
        # what was planned does not hold: laws can be learned all the same
        made = _checked(Draft(guess_roles(tables, "law"), money, notes=notes), tables)
    if isinstance(made, str):
        called = list_names([table.called for table in tables])
        parts = [part for each in READINGS.values() for part in each.tables().values()]
        why = dict.fromkeys(told for table in tables for part in parts for told in hindrances(table, part))
        raise TableError(f"no scenario can be made of {called}: {failed or '; '.join(why) or made}")
    return made


def _checked(draft: Draft, tables: Tables) -> Scaffold | str:
    """Return what holds of a draft; a sentence where nothing does."""
    if not draft.roles.kind:
        _draft_laws(draft)
    if not draft.tables:
        return "no table is part of a plan, and none has 25 rows with a number to predict"
    for name, units in draft.units.items():
        for column, unit in units.items():
            if not draft.leaves_out(name, column):
                draft.guess(name, column, f"unit {unit.unit}", unit.why, unit.sure)
    _add_tables(draft, tables)
    made = {name: table.frame for name, table in draft.tables.items() if table.made}
    with tempfile.TemporaryDirectory() as place:
        folder, seen = Path(place), dict[str, Any]()
        for name, frame in made.items():
            replace_file(folder / f"{name}.csv", csv_text(frame))
        if wrong := _left_out(draft, partial(_check, folder=folder, rules=draft.rules, seen=seen)):
            return wrong
        ask(draft, tables, lambda keys: _check(keys, folder, [], seen) is None)
    guesses = pd.DataFrame(draft.rows, columns=_COLUMNS).drop_duplicates(["table", "column", "guess"])
    sources = {name: table.path for name, table in draft.tables.items() if not table.made}
    files, told = tuple(table.path for table in tables), (tuple(draft.notes), tuple(draft.questions))
    return Scaffold(draft.roles.kind, draft.keys, sources, files, made, guesses.reset_index(drop=True), *told)


def _draft_laws(draft: Draft) -> None:
    for table in draft.roles.histories:
        found = guess_laws(table, draft.money)
        if not found:
            draft.notes.append(f"{table.called}: no column of numbers depends on others")
        for law in found:
            laws, name = draft.laws, slug(law.target)
            draft.add_law(f"{name}_{len(laws) + 1}" if name in laws else name, law, "")


def _add_tables(draft: Draft, given: Tables) -> None:
    """Add everything beside the problem and its laws: what the scenario is called, its tables, what is assumed."""
    put = draft.keys.set
    names = [name for name, table in draft.tables.items() if not table.made]
    names = names or [table.name for table in given]
    named = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    put(("scenario",), "name", f"First scenario of {named}")
    put(("scenario",), "seed", 7, "the same seed gives the same laws")
    for name, table in sorted(draft.tables.items(), key=lambda pair: bool(pair[1].made)):
        header = ("tables", name)
        path = f"{name}.csv" if table.made else str(table.path.resolve())
        put(header, "path", path, table.made, sure=not table.made.startswith(MADE_UP), needed=True)
        if table.sheet and not table.made:
            put(header, "sheet", table.sheet, needed=True)
        if table.form:
            why = "the row of the names" if "header" in table.form else "numbers have decimal commas"
            put(header, "form", table.form, why, sure=False, needed=True)
        derived = {each: text for each, text in table.derive.items() if not draft.leaves_out(name, each)}
        mapped = {each.column.name for each in draft.roles.filled(name) if each.column.is_dated}
        laws = draft.laws.values()
        held = {law["holdout"].value["by"] for law in laws if "holdout" in law and law["table"].value == name}
        read = RowRules(derived).names() | mapped | held
        if dates := {column: forms for column, forms in table.dates.items() if column in read}:
            others = [(column, other) for column, forms in dates.items() for other in forms[1:]]
            doubts = "; ".join(f"{column} may as well be {other}" for column, other in others)
            put(header, "dates", {name: forms[0] for name, forms in dates.items()}, doubts, sure=not doubts)
        if table.on_bad:
            why = "cells that are not what their column holds are left out and counted"
            put(header, "on_bad", table.on_bad, why, sure=False)
        if table.dropped and not table.made and "drop_where" not in draft.keys.tables[header]:
            rules, reasons = zip(*table.dropped, strict=True)
            put(header, "drop_where", [*rules], "; ".join(reasons), needed=True)
        for column, unit in draft.units[name].items():
            if not draft.leaves_out(name, column):
                put((*header, "units"), column, unit.unit, "" if unit.sure else unit.why, sure=unit.sure)
        for column, text in derived.items():
            put((*header, "derive"), column, text)
    assumed = [": ".join(each) for each in draft.invented]
    assumed += [f"left out: {why}" for table in given for _, why in table.dropped if table.name in draft.read]
    if assumed:
        put(("report",), "assumed", assumed, "the page says so; delete what your own tables say", sure=False)
    if draft.roles.kind:
        put(("solver",), "time_limit", 15, "seconds")


def _left_out(draft: Draft, check: Callable[[ScenarioKeys], ScenarioError | None]) -> str:
    """Check the file as every command does, and leave out what does not hold; a sentence where nothing holds."""
    left: list[str] = []  # what does not hold at last may follow from it
    for _ in range(_MOST_REPAIRS):
        places = draft.keys.places()
        error = check(draft.keys)
        if error is None:
            return ""
        found = [(issue, *places.get(issue.line, ((), ""))) for issue in error.issues]
        droppable = [each for each in found if each[2] and not draft.keys.tables[each[1]][each[2]].needed]
        _, header, key = found[0]
        if not droppable and key and not draft.roles.kind and header[0] == "surrogates":
            draft.notes.append(f"left out the law {header[1]}: {shorten(error.issues[0].message, 200)}")
            del draft.keys.tables[header]
            if draft.laws:
                continue
        if not droppable:
            return "; ".join([*left, shorten(error.issues[0].message, 300)])
        for issue, header, key in droppable:
            value = draft.keys.tables.get(header, {}).get(key)
            if value is not None:
                draft.keys.drop(header, key)
                if header[:1] == ("problem",) and header[-1:] == ("columns",):
                    draft.dropped.append((header[1], str(value.value)))
            left.append(f"left out {'.'.join(header)}: {key}: {shorten(issue.message, 200)}")
            draft.notes.append(left[-1])
    return "too much of it does not hold"


def _check(
    keys: ScenarioKeys, folder: Path, rules: list[tuple[str, str]], seen: dict[str, Any]
) -> ScenarioError | None:
    """Return what is wrong with a file in a folder; note the columns that look like a rule and are not read."""
    lines: dict[Key, int] = {(*header, key): line for line, (header, key) in keys.places().items()}
    document = TomlDocument(folder / "scenario.toml", keys.data(), lines)
    rules.clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever loads the file hears them
            scenario = check_scenario(merged([document], outside=True), lenient=True, seen=seen)
            scenario.check()
            rules += scenario.rule_columns()
    except ScenarioError as error:
        return error
    return None


def _folder_of_made(target: Path) -> str:
    return f"{slug(target.stem)}_tables"
