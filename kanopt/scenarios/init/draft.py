"""The draft of a scenario: what is collected while guessing, until it is written."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from kanopt.faults import toml_key, toml_value
from kanopt.records.headers import CURRENCY_WORDS, measured_in, read_header
from kanopt.records.matching import FilledField
from kanopt.scenarios.files.sections import QuestionSpec
from kanopt.scenarios.init.kinds import READINGS, Roles
from kanopt.scenarios.init.laws import Entry, LawGuess
from kanopt.scenarios.init.parts import (
    GuessedUnit,
    PartGuess,
    guess_units,
    header_unit,
    is_imperial,
    unit_of_field,
)
from kanopt.scenarios.init.rewrites import unit_of_cells
from kanopt.scenarios.init.sources import ColumnFacts, SourceTable
from kanopt.text import shorten
from kanopt.units import CURRENCIES, same_dimension

# A scenario file in the making is its keys with what is said of each, which the reader of files checks as they stand:
# held as a reader of TOML returns them, they are checked without being written, and what does not hold is left out key
# by key. Names and values of strangers are written as texts and nothing else.

_LONGEST_COMMENT = 90
_ORDER = ("scenario", "tables", "surrogates", "problem", "report", "solver")
_HEAD = "# A first scenario, guessed from the tables. Where a line says check, look at it:"
Header = tuple[str, ...]


class ScenarioKeys:
    """The keys of a scenario file, and why each stands there.

    Attributes
    ----------
    tables
        Header, part by part, to the keys below it.

    Examples
    --------
    >>> keys = ScenarioKeys()
    >>> keys.set(("tables", "trips"), "path", "trips.csv")
    >>> print(keys.with_keys({"tables.trips": {"path": "b.csv"}}).text(), end="")
    # A first scenario, guessed from the tables. Where a line says check, look at it:
    <BLANKLINE>
    [tables.trips]
    path = "b.csv"
    """

    def __init__(self) -> None:
        self.tables: dict[Header, dict[str, Entry]] = {}

    def set(
        self, header: Header, key: str, value: Any, why: str = "", *, sure: bool = True, needed: bool = False
    ) -> None:
        """Set a key."""
        self.tables.setdefault(header, {})[key] = Entry(value, why, sure, needed)

    def with_keys(self, more: Mapping[str, Mapping[str, Any]]) -> ScenarioKeys:
        """Return the keys with others set: header, whose names need no quotes, to the keys below it."""
        made = copy.deepcopy(self)
        for name, values in more.items():
            entries = made.tables.setdefault(tuple(name.split(".")), {})
            for key, value in values.items():
                entries[key] = replace(entries.get(key, Entry(None)), value=value)
        return made

    def drop(self, header: Header, key: str) -> None:
        """Leave a key out; a table that only held it goes with it."""
        del self.tables[header][key]
        if not self.tables[header]:
            del self.tables[header]

    def data(self) -> dict[str, Any]:
        """Return the keys as a reader of TOML returns those of the written file."""
        found: dict[str, Any] = {}
        for header, entries in self.tables.items():
            inner = found
            for part in header:
                inner = inner.setdefault(part, {})
            inner |= {key: entry.value for key, entry in entries.items()}
        return found

    def text(self) -> str:
        """Write the file."""
        lines = [_HEAD]
        for header in self._in_order():
            lines += ["", f"[{'.'.join(map(toml_key, header))}]"]
            for key, entry in self.tables[header].items():
                why = ": ".join(filter(None, ("" if entry.sure else "check", entry.why)))
                told = f" # {comment_text(why)}" if why else ""
                lines.append(f"{toml_key(key)} = {toml_value(entry.value)}{told}")
        return "\n".join([*lines, ""])

    def places(self) -> dict[int, tuple[Header, str]]:
        """Return the keys by numbers, which rise as they do in the file."""
        keys = ((header, key) for header in self._in_order() for key in self.tables[header])
        return dict(enumerate(keys, start=1))

    def _in_order(self) -> list[Header]:
        return sorted(self.tables, key=lambda header: _ORDER.index(header[0]))


def comment_text(text: str) -> str:
    r"""Return a text that stays within its comment, whatever is in it.

    Examples
    --------
    >>> comment_text("such as 'x\n[solver]'")
    "such as 'x?[solver]'"
    """
    return shorten("".join(sign if sign.isprintable() else "?" for sign in text), _LONGEST_COMMENT)


_MATRICES = {"distances": "km", "durations": "min"}
_ENDS = {"tail": "from", "head": "to"}
"""What the ends of a row of a matrix are called in a file."""
MADE_UP = "made up: "
"""How it is told of a table that it is made up."""
_LAW_LOW = "the plan is made all the same where it predicts less, and says so"


@dataclass(frozen=True)
class Formula:
    """A law written by hand.

    Parameters
    ----------
    text, unit, why
        The formula, its unit, and where it is from.
    inputs
        Input to its unit, and to what the problem knows it as.
    per
        What one value is of, where that is not plain.
    sure
        Whether the tables say it; else it is there to be replaced.
    """

    text: str
    unit: str
    why: str
    inputs: Mapping[str, tuple[str, str | float]] = field(default_factory=dict)
    per: str = ""
    sure: bool = True


@dataclass(eq=False)
class Draft:
    """A scenario in the making.

    Parameters
    ----------
    roles
        What the tables are.
    money
        The currency.
    meanings
        Part and column to what a law would make of it: an answer, what it says, and the keys that it sets.
    """

    roles: Roles
    money: str
    keys: ScenarioKeys = field(default_factory=ScenarioKeys)
    units: dict[str, dict[str, GuessedUnit]] = field(default_factory=dict)
    tables: dict[str, SourceTable] = field(default_factory=dict)
    questions: list[QuestionSpec] = field(default_factory=list)
    rules: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    bound: set[tuple[str, str]] = field(default_factory=set)
    meanings: dict[tuple[str, str], tuple[str, str, Mapping[str, Any]]] = field(default_factory=dict)
    invented: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[str, str, str, str, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    learned: set[tuple[str, str]] = field(default_factory=set)
    load: str = "t"
    bare_load: str = ""

    def leaves_out(self, table: str, column: str) -> bool:
        """Say whether a column would have to be derived, and no law reads it."""
        derived = self.tables[table].derive if table in self.tables else {}
        return column in derived and (table, column) not in self.learned

    def guess(self, table: str, column: str, guess: str, why: str, sure: bool) -> None:
        """Note a guess, to be shown."""
        self.rows.append((table, column, guess, why, sure))

    def units_of(self, table: SourceTable) -> dict[str, str]:
        """Return the units of the columns of a table, as far as they are known."""
        return {name: each.unit for name, each in self.units.get(table.name, {}).items()}

    def use(self, table: SourceTable) -> None:
        """Note that a table is read, with the units that its headers state."""
        if self.tables.setdefault(table.name, table) is not table:
            return
        numbers = [column for column in table.columns.values() if column.kind == "number"]
        by_values, own = guess_units(table, self.money), self.units.setdefault(table.name, {})
        for column in numbers:
            if told := header_unit(column, self.money) or by_values.get(column.name):
                own.setdefault(column.name, told)

    def give_unit(self, table: SourceTable, column: ColumnFacts, unit: GuessedUnit) -> None:
        """Give a column the unit that what it is used for calls for."""
        if column.kind == "number":
            self.units.setdefault(table.name, {})[column.name] = unit

    def unit_as(self, guess: PartGuess, filled: FilledField) -> str:
        """Return the unit to declare where a column fills a field of a part; empty where none is missing."""
        counted = READINGS[self.roles.kind].units(**self.problem_units()).of(guess.part.record)
        unit = unit_of_field(guess.part.name, filled, counted.get(filled.field.name, ""), self.money)
        known = self.units_of(guess.table).get(filled.column.name)
        return "" if unit is None or known == unit.unit else unit.unit

    def problem_units(self) -> dict[str, str]:
        """Return the units of the problem that differ from those it has by itself."""
        words = {"routing": ("load",), "supply": ("quantity", "weight")}.get(self.roles.kind, ())
        given = {"money": self.money} | dict.fromkeys(words, self.load)
        weighed = self.roles.column("products", "weight") if "weight" in given else None
        if weighed and not same_dimension(self.load, "t"):
            given["weight"] = "t"  # products have weights of their own
        return {name: unit for name, unit in given.items() if unit != ("EUR" if name == "money" else "t")}

    def begin(self, loads: Iterable[tuple[str, str]], learned: str = "") -> None:
        """Begin the problem with its kind and its units.

        Parameters
        ----------
        loads
            Parts and their fields that hold loads, the most telling first.
        learned
            The unit of the loads that a history counts.
        """
        self.load, self.bare_load = self._load_units(loads)
        if learned and not same_dimension(learned, self.load):
            self.load = self.bare_load = "t" if same_dimension(learned, "t") else learned
        why = "" if self.roles.sure else "another kind looks as likely"
        self.keys.set(("problem",), "kind", self.roles.kind, why, sure=not why, needed=True)
        if units := self.problem_units():
            self.keys.set(("problem",), "units", units, "what the plan counts in")

    def add_part(self, guess: PartGuess) -> None:
        """Add a part of the problem: its table, the columns of its fields, and their units."""
        part, square = guess.part.name, guess.table.square if guess.part.name in _MATRICES else None
        table = square or guess.table
        self.use(table)
        why, sure = table.made or guess.why, bool(table.made) or guess.called_so
        self.guess(table.name, "", f"{part} of {self.roles.kind}", why, sure)
        self.keys.set(("problem", part), "table", table.name, needed=True)
        if square is None:
            self._map_columns(guess)
            return
        # a square table has one unit, which its name or its corner says
        unit, usual = unit_of_cells(next(iter(table.columns.values()))), _MATRICES[part]
        unit = unit or read_header(table.title).unit
        told = bool(unit) and same_dimension(unit, usual)
        unit, why = unit if told else usual, "" if told else "no unit is stated"
        self.keys.set(("problem", part), "unit", unit, why, sure=told)
        self.guess(table.name, "", f"unit {unit}", why or "by its name or its corner", told)

    def _map_columns(self, guess: PartGuess) -> None:
        """Map the columns of a part whose fields are called otherwise, and note the units of all of them."""
        part, table = guess.part.name, guess.table
        counted = READINGS[self.roles.kind].units(**self.problem_units()).of(guess.part.record)
        for filled in sorted(guess.filled, key=lambda each: [*table.columns].index(each.column.name)):
            name, column = filled.field.name, filled.column
            wanted = counted.get(name, "")
            stated = header_unit(column, self.money) if wanted and not filled.field.required else None
            alike = stated is not None and measured_in(stated.unit) == measured_in(wanted)
            if stated is not None and alike and not same_dimension(stated.unit, wanted):
                self.dropped.append((part, column.name))  # containers for tonnes
                continue
            unit = unit_of_field(part, filled, wanted, self.money)
            if unit is not None and not unit.sure and same_dimension(unit.unit, self.load) and self.bare_load:
                unit = GuessedUnit(self.bare_load, "as other loads; no unit is stated", False)
            if unit is not None and not unit.sure and name in ("x", "y"):
                places = (guess.column(end) for guess in self.roles.parts.values() for end in ("x", "y"))
                told = (unit for c in places if c is not None and (unit := header_unit(c, self.money)))
                unit = next((replace(other, why="as other places", sure=False) for other in told), unit)
            if unit is not None:
                self.give_unit(table, column, unit)
            self.guess(table.name, column.name, f"{part}.{name}", filled.why, filled.sure)
            name = _ENDS.get(name, name) if part in _MATRICES else name
            if name != column.name:
                why = "" if filled.sure else filled.why
                self.keys.set(("problem", part, "columns"), name, column.name, why, sure=filled.sure)

    def add_made(self, part: str, frame: pd.DataFrame, units: Mapping[str, str], why: str) -> None:
        """Add a part that no table holds, with a small table to be filled in; the page says what of it is made up."""
        name = self.offer_table(part, frame, units, why)
        told = why.removeprefix(MADE_UP)
        if told != why:
            self.invented.append((f"{part} are made up ({told})", f"write your own into {name}.csv"))
        self.guess(name, "", f"{part} of {self.roles.kind}", told, False)
        self.keys.set(("problem", part), "table", name, why, sure=False, needed=True)

    def offer_table(self, part: str, frame: pd.DataFrame, units: Mapping[str, str], why: str) -> str:
        """Write a table beside the scenario, which a part or an answer to a question reads; return its name."""
        name = f"made_{part}"
        first = self.roles.every[0]
        self.tables[name] = SourceTable(name, first.path, frame, "", part, made=why, units=dict(units))
        self.units[name] = {column: GuessedUnit(unit, "", True) for column, unit in units.items()}
        return name

    def add_law(self, name: str, law: LawGuess, per: str) -> None:
        """Add a law that is learned from a history."""
        table, why = law.table, "linked with the target"
        self.use(table)
        if law.unit is not None:
            self.give_unit(table, table.columns[law.target], law.unit)
        self.guess(table.name, "", "history to learn from", f"{len(table.frame):,} rows of numbers", True)
        self.guess(table.name, law.target, f"target of {name}", law.why, law.sure)
        periodic = law.settings["periodic"].value if "periodic" in law.settings else {}
        for feature in law.features:
            told = f"{why}, with a period of {periodic[feature]}" if feature in periodic else why
            self.guess(table.name, feature, f"feature of {name}", told, not law.guessed)
        self.learned |= {(table.name, name) for name in (law.target, *law.features)}
        for column, text in table.derive.items():
            if not self.leaves_out(table.name, column):
                told = "other columns of the table give it"
                self.guess(table.name, column, f"derived as {text}", told, True)
        for column, reason in law.left_out.items():
            if column not in table.derive:
                self.guess(table.name, column, f"no feature of {name}", reason.why, reason.sure)
        put = partial(self.keys.set, ("surrogates", name))
        put("table", table.name, needed=True)
        put("target", law.target, "" if law.sure else law.why, sure=law.sure, needed=True)
        put("features", list(law.features), law.doubt, sure=not law.doubt, needed=True)
        self.keys.tables["surrogates", name] |= law.settings
        put("min_r2", 0.5)
        put("on_low", "mark", _LAW_LOW)
        if per:
            put("per", per)

    @property
    def laws(self) -> dict[str, dict[str, Entry]]:
        """The laws of the file, each with its keys."""
        return {header[1]: keys for header, keys in self.keys.tables.items() if header[0] == "surrogates"}

    @property
    def read(self) -> set[str]:
        """The names of the tables that are read, and of those that what was made is made of."""
        return {name for table in self.tables.values() for name in (table.name, *table.of)}

    def add_formula(self, name: str, formula: Formula) -> None:
        """Add a law written by hand, and what its inputs are."""
        put = partial(self.keys.set, ("surrogates", name), needed=True)
        put("formula", formula.text, formula.why, sure=False)
        if formula.inputs:
            put("inputs", {name: unit for name, (unit, _) in formula.inputs.items() if unit})
        put("unit", formula.unit)
        if formula.per:
            put("per", formula.per)
        self.guess("", "", f"law {name} = {formula.text} {formula.unit}", formula.why, formula.sure)
        self.bind(name, {each: reference for each, (_, reference) in formula.inputs.items() if reference})

    def bind(self, law: str, bindings: Mapping[str, str | float], sure: Container[str] | None = None) -> None:
        """Say what the problem knows the inputs of a law as, and of which inputs that is certain; left out, of all."""
        for name, reference in bindings.items():
            known = sure is None or name in sure
            self.keys.set(("problem", "bind", law), name, reference, sure=known, needed=True)

    def ask(self, about: str, text: str, answers: Mapping[str, Mapping[str, Any]]) -> None:
        """Add a question, with the keys that each answer sets."""
        told = {answer: dict(keys) for answer, keys in answers.items()}
        self.questions.append(QuestionSpec(about=about, text=text, answers=told))

    def set_day(self, days: Iterable[pd.Timestamp], why: str, text: str = "") -> None:
        """Set the day of the plan to the first of some, and ask which of them it is where there is a text to ask it."""
        told = [f"{day:%Y-%m-%d}" for day in days]
        self.keys.set(("problem",), "day", told[0], why, sure=not text)
        if text:
            self.ask("problem.day", text, {day: {"problem.day": day} for day in told})

    def input(self, part: str, column: ColumnFacts, name: str, usual: str) -> tuple[str, str]:
        """Return the unit of a column that a law reads, the usual one where none is stated, and the reference to it."""
        told = header_unit(column, self.money)
        if told is None or measured_in(told.unit) != measured_in(usual):
            told = GuessedUnit(usual, "no unit is stated", False)
        self.give_unit(self.roles.parts[part].table, column, told)
        return told.unit, f"{part.removesuffix('s')}.{self.refer(part, column.name, name)}"

    def refer(self, part: str, column: str, name: str) -> str:
        """Return the name under which laws read a column of a part; one that is no word is given a name."""
        self.bound.add((part, column))
        if column.isidentifier():
            return column
        self.keys.set(("problem", part, "columns"), name, column, needed=True)
        return name

    def _load_units(self, fields: Iterable[tuple[str, str]]) -> tuple[str, str]:
        """Return what the problem counts loads in, and what loads without a stated unit are taken for."""
        told, bare = list[str](), list[ColumnFacts]()
        for part, name in fields:
            column = self.roles.column(part, name)
            if column is None or column.kind != "number":
                continue
            unit = header_unit(column, self.money)
            if unit is None or dict(measured_in(unit.unit) or ()) != {"amount": 1}:
                bare.append(column)
            else:
                told.append(unit.unit)
        told = told or self._priced_amounts()
        if told:
            return told[0], told[0]
        if bare and all(column.whole for column in bare):
            return "item", "item"
        high = max((float(column.values.max()) for column in bare), default=0.0)
        return "t", "kg" if high > 100 else "t"

    def _priced_amounts(self) -> list[str]:
        """Return the amounts that things of a network have a price for, such as the tonnes of EUR/t."""
        guesses = self.roles.parts.values() if self.roles.kind == "supply" else ()
        columns = [each.column for guess in guesses for each in guess.filled if each.column.kind == "number"]
        units = [unit.unit for column in columns if (unit := header_unit(column, self.money))]
        priced = [unit for unit in units if dict(measured_in(unit) or ()) == {"money": 1, "amount": -1}]
        return [unit.partition("/")[2].split()[-1] for unit in priced]


def currency_of(tables: Collection[SourceTable]) -> str:
    """Return the currency that most headers or units state; where none does dollars beside miles, else euros.

    Examples
    --------
    >>> currency_of([])
    'EUR'
    """
    columns = [column for table in tables for column in table.columns.values()]
    told = (CURRENCY_WORDS[p] for c in columns for p in c.header.pieces if p in CURRENCY_WORDS)
    declared = (c.declared.partition("/")[0] for c in columns)
    counts = Counter([*told, *(unit for unit in declared if unit in CURRENCIES)])
    if counts:
        return counts.most_common(1)[0][0]
    return "USD" if any(is_imperial(table.columns.values()) for table in tables) else "EUR"
