"""The draft of a scenario: what is collected while guessing, until it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from kanopt.problems import RoutingUnits, SchedulingUnits, SupplyUnits
from kanopt.records.headers import measured_in, read_header
from kanopt.text import join_list
from kanopt.units import same_dimension
from kanopt.whatif.scaffolding.laws import LawGuess
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit, unit_of_field
from kanopt.whatif.scaffolding.outcomes import guess_units, is_imperial
from kanopt.whatif.scaffolding.roles import PartGuess, Question, Roles
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable
from kanopt.whatif.scaffolding.toml_writing import Entry, Section

if TYPE_CHECKING:
    from kanopt.surrogates.cleaning import CleaningProposal

__all__ = ["Draft", "currency_of"]

MATRICES = ("distances", "durations")
ENDS = {"tail": "from", "head": "to"}
"""What the ends of a row of a matrix are called in a file."""
_CURRENCIES = ("EUR", "USD", "GBP", "CHF")
_LAW_LOW = "the plan is made all the same where it predicts less, and says so"


@dataclass(eq=False)
class Draft:
    """A scenario in the making.

    Parameters
    ----------
    roles
        What the tables are.
    money
        The currency.
    """

    roles: Roles
    money: str
    laws: list[Section] = field(default_factory=list)
    problem: list[Section] = field(default_factory=list)
    units: dict[str, dict[str, GuessedUnit]] = field(default_factory=dict)
    made: dict[str, pd.DataFrame] = field(default_factory=dict)
    made_units: dict[str, dict[str, str]] = field(default_factory=dict)
    made_why: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    rules: list[tuple[str, str]] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    used: dict[str, SourceTable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    learned: set[tuple[str, str]] = field(default_factory=set)
    cleaning: dict[str, dict[str, tuple[CleaningProposal, ...]]] = field(default_factory=dict)

    def leaves_out(self, table: str, column: str) -> bool:
        """Say whether a column would have to be derived, and no law reads it."""
        used = self.used.get(table)
        return used is not None and column in used.derive and (table, column) not in self.learned

    def guess(self, table: str, column: str, guess: str, why: str, sure: bool) -> None:
        """Note a guess, to be shown."""
        self.rows.append({"table": table, "column": column, "guess": guess, "why": why, "sure": sure})

    def use(self, table: SourceTable) -> None:
        """Note that a table is read, with the units that its headers state."""
        if table.name in self.used or table.name in self.made:
            return
        if table.made:
            self.made[table.name] = table.frame
            self.made_units[table.name] = dict(table.units)
            self.made_why[table.name] = table.made
        else:
            self.used[table.name] = table
        own = self.units.setdefault(table.name, {})
        by_values = guess_units(table, self.money)
        for column in table.columns.values():
            told = header_unit(column, self.money) if column.kind == "number" else None
            told = told or by_values.get(column.name)
            if told is not None:
                own.setdefault(column.name, told)

    def give_unit(self, table: SourceTable, column: ColumnFacts, unit: GuessedUnit | None) -> None:
        """Give a column the unit that what it is used for calls for."""
        if unit is not None and column.kind == "number":
            self.units.setdefault(table.name, {})[column.name] = unit

    def unit_of(self, table: SourceTable, column: str) -> str:
        """Return the unit of a column as far as it is guessed."""
        found = self.units.get(table.name, {}).get(column)
        return "" if found is None else found.unit

    def problem_units(self, load: str) -> dict[str, str]:
        """Return the units of the problem that differ from those it has by itself."""
        words = {"routing": ("load",), "supply": ("quantity", "weight")}.get(self.roles.kind, ())
        given = {"money": self.money} | dict.fromkeys(words, load)
        products = self.roles.parts.get("products")
        weighed = products is not None and products.column("weight") is not None
        if "weight" in given and weighed and not same_dimension(load, "t"):
            given["weight"] = "t"  # products have weights of their own
        usual = {"money": "EUR", "load": "t", "quantity": "t", "weight": "t"}
        return {name: unit for name, unit in given.items() if unit != usual[name]}

    def add_part(self, guess: PartGuess, load: str, bare_load: str) -> None:
        """Add a part of the problem: its table, the columns of its fields, and their units."""
        part, table = guess.part.name, guess.table
        self.use(table)
        self.guess(
            table.name,
            "",
            f"{part} of {self.roles.kind}",
            table.made or guess.why,
            bool(table.made) or guess.called_so,
        )
        counted = self._units_of_part(guess, load)
        columns = []
        found = [
            (each, unit_of_field(part, each, counted.get(each.field.name, ""), self.money))
            for each in guess.filled
        ]
        hourly = any(unit is not None and unit.unit == "h" for _, unit in found)
        for filled, unit in sorted(found, key=lambda pair: list(table.columns).index(pair[0].column.name)):
            if unit is not None and not unit.sure and same_dimension(unit.unit, load) and bare_load:
                unit = GuessedUnit(bare_load, "as other loads; no unit is stated", False)
            if unit is not None and not unit.sure and unit.unit.endswith("/min") and hourly:
                unit = GuessedUnit(unit.unit.removesuffix("min") + "h", "times of the table are hours", False)
            self.give_unit(table, filled.column, unit)
            self.guess(table.name, filled.column.name, f"{part}.{filled.field.name}", filled.why, filled.sure)
            name = ENDS.get(filled.field.name, filled.field.name) if part in MATRICES else filled.field.name
            if name != filled.column.name:
                why = "" if filled.sure else filled.why
                columns.append(Entry(name, filled.column.name, why, filled.sure))
        entries = [Entry("table", table.name, needed=True)]
        if part in MATRICES and not guess.filled:
            entries.append(self._unit_of_matrix(part, table))
        self.problem.append(Section(("problem", part), tuple(entries)))
        if columns:
            self.problem.append(Section(("problem", part, "columns"), tuple(columns)))

    def _unit_of_matrix(self, part: str, table: SourceTable) -> Entry:
        """Return the one unit of a square table, which its name or its corner says."""
        corner = next(iter(table.columns.values())).header.unit
        unit = corner or read_header(" ".join(table.words)).unit
        usual = {"distances": "km", "durations": "min"}[part]
        if unit and same_dimension(unit, usual):
            return Entry("unit", unit)
        return Entry("unit", usual, "no unit is stated", sure=False)

    def add_invented(self, part: str, frame: pd.DataFrame, units: Mapping[str, str], why: str) -> None:
        """Add a part whose numbers are made up; the page of every plan says so until the file no longer does."""
        self.invented.append(f"{part} are made up ({why}): write your own into made_{part}.csv")
        self.add_made(part, frame, units, why)

    def add_made(self, part: str, frame: pd.DataFrame, units: Mapping[str, str], why: str) -> None:
        """Add a part that no table holds, with a small table to be filled in."""
        name = f"made_{part}"
        self.made_why[name] = f"made up: {why}"
        self.made[name] = frame
        self.made_units[name] = dict(units)
        self.guess(name, "", f"{part} of {self.roles.kind}", why, False)
        entry = Entry("table", name, f"made up: {why}", False, needed=True)
        self.problem.append(Section(("problem", part), (entry,)))

    def add_law(self, name: str, law: LawGuess, per: str) -> None:
        """Add a law that is learned from a history."""
        table = law.table
        self.use(table)
        if law.unit is not None:
            self.give_unit(table, table.columns[law.target], law.unit)
        self.guess(table.name, "", "history to learn from", f"{len(table.frame):,} rows of numbers", True)
        self.guess(table.name, law.target, f"target of {name}", law.why, law.sure)
        for feature in law.features:
            period = law.periodic.get(feature)
            why = f"linked with the target, with a period of {period}" if period else "linked with the target"
            self.guess(table.name, feature, f"feature of {name}", why, not law.guessed)
        self.learned |= {(table.name, name) for name in (law.target, *law.features)}
        for name_of, text in table.derive.items():
            if not self.leaves_out(table.name, name_of):
                self.guess(table.name, name_of, f"derived as {text}", "dates of the table give it", True)
        self._offer_cleaning(name, law)
        for column, reason in law.left_out.items():
            if column in table.derive:
                continue
            self.guess(table.name, column, f"no feature of {name}", reason.why, reason.sure)
        entries = [
            Entry("table", table.name, needed=True),
            Entry("target", law.target, "" if law.sure else law.why, law.sure, needed=True),
            Entry("features", list(law.features), law.doubt, not law.doubt, needed=True),
        ]
        if law.rising:
            why = "it never falls with the way"
            entries.append(Entry("monotone", dict.fromkeys(law.rising, 1), why))
        if law.periodic:
            entries.append(Entry("periodic", law.periodic, "the last joins on to the first"))
        if law.holdout:
            by, last = law.holdout
            entries.append(Entry("holdout", {"by": by, "last": last}, "the rows it is judged by"))
        if law.group and law.group not in law.features:
            self.guess(table.name, law.group, f"group of {name}", "rows of one share an error", False)
            entries.append(Entry("groups", law.group, "its rows share an error", False))
        if law.drop_missing:
            entries.append(Entry("on_missing", "drop", "rows without a value are left out and counted"))
        if law.pooled:
            entries.append(Entry("unseen", "pooled", "some categories are rare"))
        entries += [Entry("min_r2", 0.5), Entry("on_low", "mark", _LAW_LOW)]
        entries.append(Entry("per", per)) if per else None
        self.laws.append(Section(("surrogates", name), tuple(entries)))

    def _offer_cleaning(self, name: str, law: LawGuess) -> None:
        """Offer to leave out rows that hold a law back."""
        from kanopt.surrogates.cleaning import propose_cleaning

        found = propose_cleaning(law.table.frame, law.target, law.features)
        if found:
            self.cleaning.setdefault(law.table.name, {})[name] = found
            self.notes += [f"{law.table.called}, law {name!r}: {each}" for each in found]

    def offers(self, table: str) -> tuple[Entry, ...]:
        """Return what is offered for a table: one line, whichever of its laws are held back by rows."""
        proposed = self.cleaning.get(table)
        if not proposed:
            return ()
        rules = {each.rule: each for found in proposed.values() for each in found}
        rows = ", ".join(f"{each.rows:,}" for each in rules.values())
        of = next(iter(rules.values())).of
        return (
            Entry(
                "drop_where",
                list(rules),
                f"rows that hold {join_list(list(proposed))} back ({rows} of {of:,})",
            ),
        )

    def add_formula(
        self, name: str, formula: str, inputs: Mapping[str, str], unit: str, why: str, per: str = ""
    ) -> None:
        """Add a law written by hand, which is there to be replaced."""
        entries = [Entry("formula", formula, why, False, needed=True)]
        if inputs:
            entries.append(Entry("inputs", dict(inputs), needed=True))
        entries.append(Entry("unit", unit, needed=True))
        entries += [Entry("per", per)] if per else []
        self.laws.append(Section(("surrogates", name), tuple(entries)))
        self.guess("", "", f"law {name} = {formula} {unit}", why, False)

    def bind(self, law: str, bindings: Mapping[str, str], sure: Container[str] | None = None) -> None:
        """Say what the problem knows the inputs of a law as, and of which inputs that is certain; left out, of all."""
        entries = tuple(
            Entry(name, reference, "", sure is None or name in sure, needed=True)
            for name, reference in bindings.items()
        )
        if entries:
            self.problem.append(Section(("problem", "bind", law), entries))

    def refer(self, part: str, column: str, name: str) -> str:
        """Return the name under which laws read a column of a part; one that is no word is given a name."""
        if column.isidentifier():
            return column
        header = ("problem", part, "columns")
        entry = Entry(name, column, needed=True)
        for place, section in enumerate(self.problem):
            if section.header == header:
                self.problem[place] = replace(section, entries=(*section.entries, entry))
                return name
        self.problem.append(Section(header, (entry,)))
        return name

    def load_units(self, fields: Iterable[tuple[str, str]]) -> tuple[str, str]:
        """Return what the problem counts loads in, and what loads without a stated unit are taken for.

        Parameters
        ----------
        fields
            Parts and their fields that hold loads, the most telling first.
        """
        told, values = list[str](), list[ColumnFacts]()
        for part, name in fields:
            guess = self.roles.parts.get(part)
            filled = next((f for f in guess.filled if f.field.name == name), None) if guess else None
            if filled is None or filled.column.kind != "number":
                continue
            unit = header_unit(filled.column, self.money)
            if unit is not None and told and not same_dimension(unit.unit, told[0]):
                continue
            if unit is not None and dict(measured_in(unit.unit) or ()) == {"amount": 1}:
                told.append(unit.unit)
            else:
                values.append(filled.column)
        if told:
            return told[0], told[0]
        if values and all(column.whole for column in values):
            return "item", "item"
        high = max((float(column.values.max()) for column in values), default=0.0)
        return "t", "kg" if high > 100 else "t"

    def _units_of_part(self, guess: PartGuess, load: str) -> Mapping[str, str]:
        units = self.problem_units(load)
        of_kind = {"routing": RoutingUnits, "scheduling": SchedulingUnits, "supply": SupplyUnits}
        counted: Mapping[str, str] = of_kind[self.roles.kind](**units).of(guess.part.record)
        return counted


def currency_of(tables: Collection[SourceTable]) -> str:
    """Return the currency that most headers state; where none does dollars beside miles and pounds, else euros.

    Examples
    --------
    >>> currency_of([])
    'EUR'
    """
    words = {
        "usd": "USD",
        "dollar": "USD",
        "dollars": "USD",
        "$": "USD",
        "gbp": "GBP",
        "£": "GBP",
        "chf": "CHF",
    }
    words |= {"eur": "EUR", "euro": "EUR", "euros": "EUR", "€": "EUR"}
    counts = Counter(
        words[piece]
        for table in tables
        for column in table.columns.values()
        for piece in column.header.pieces
        if piece in words
    )
    if counts:
        return counts.most_common(1)[0][0]
    american = any(is_imperial(table.columns.values()) for table in tables)
    return "USD" if american else "EUR"
