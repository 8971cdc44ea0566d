"""The state of reading one table: which rows are kept, how cells were treated, and what is told of invalid ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from kanopt.errors import FormulaError, TableError, UnitError, warn_user
from kanopt.faults import Message, Setting
from kanopt.tables._convert import (
    NO_NUMBER,
    TWO_WAYS,
    Cells,
    Kind,
    final_column,
    form_shown,
    infer_kind,
    natural_kind,
    notation_hint,
    parse_column,
)
from kanopt.tables._text import RawTable, TextFormat
from kanopt.tables.report import BadCell, TableReport
from kanopt.tables.row_rules import Fault, RowRules, key_error, sort_of
from kanopt.text import count_text, list_names, number_text, shorten

if TYPE_CHECKING:
    from kanopt.formulas.row_parser import RowText

_SHOWN = 3
_LONGEST = 60
_NO_VALUE = "no finite value"
_MOST_TOLD = 100
"""Rows of a derived column without a value of which it is told what they were computed from."""


@dataclass
class TableReading:
    """The steps of reading one table: ragged rows, repeated rows, kinds, faults, report.

    Parameters
    ----------
    raw
        The source's cells.
    form, dates, minimum, maximum
        As given to :func:`~kanopt.tables.read_table`.
    units
        Unit of each column that has one.
    actions
        What to do with the faults of each column, and under ``"*"`` with ragged rows.
    ruled
        Columns that texts on columns and rows may name: where their cells show dates, they are read as dates.
    """

    raw: RawTable
    units: dict[str, str]
    form: TextFormat
    actions: dict[str, str]
    dates: Mapping[str, str]
    minimum: Mapping[str, float]
    maximum: Mapping[str, float]
    ruled: frozenset[str]
    keep: NDArray[np.bool_] = field(init=False)
    cells: dict[str, Cells] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    set_missing: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[BadCell] = field(default_factory=list)
    notes: list[str] = field(init=False)
    derived: dict[str, str] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0

    def __post_init__(self) -> None:
        self.keep = np.ones(len(self.raw.rows), dtype=bool)
        self.form, told = form_shown(self.raw, self.form)
        self.notes = [*self.raw.notes, *([told] if told else [])]
        if told:
            signs = {"decimal": self.form.decimal or "", "thousands": self.form.thousands}
            self.signs = {key: sign for key, sign in signs.items() if sign}

    def leave_out(self, mask: NDArray[np.bool_], why: str) -> None:
        """Drop rows and count those that had been kept so far."""
        if count := int((mask & self.keep).sum()):
            self.left_out[why] = self.left_out.get(why, 0) + count
            self.keep &= ~mask

    def treat_rows(self, *, drop_duplicates: bool) -> None:
        """Refuse rows with too few or too many cells, or count them; count or drop rows that repeat an earlier one."""
        raw, ragged = self.raw, self.raw.ragged
        if len(ragged) and self.actions["*"] == "error":
            shown = list_names([f"{raw.row_word} {row:,} has {n}" for row, n in ragged], _SHOWN, quoted=False)
            text = (
                f"{raw.source}: {count_text(len(ragged), 'row')} of {len(ragged) + len(raw.rows):,} with another "
                f"number of cells than the header's {raw.width}: {shown}. To go on: mend them (a separator inside a "
                "cell needs quotes around the cell), say where the header stands and what divides the cells, as in "
            )
            form = Setting("form", {"header": 3, "separator": ";"}, "TextFormat")
            raise TableError((text, form, ", or ", Setting("on_bad", "drop"), " leaves them out"))
        for cells, count in zip(*np.unique(ragged[:, 1], return_counts=True), strict=True):
            self.left_out[f"{cells} cells instead of {raw.width}"] = int(count)
        plain = {str(k): c for k, c in enumerate(raw.columns) if natural_kind(c.type) is not None}
        repeated = pa.table(plain).to_pandas().duplicated().to_numpy() if plain else ~self.keep
        if drop_duplicates:
            self.leave_out(repeated, "repeats an earlier row in every column")
        else:
            self.duplicates = int(repeated.sum())

    def convert(self, name: str, place: int) -> None:
        """Convert one column to the kind that is declared, or that its cells show."""
        kind, date_form = self._kind(name, place)
        try:
            cells = parse_column(self.raw.columns[place], kind, self.form, date_form)
        except TableError as error:
            raise TableError(f"{self.raw.source}: column {name!r}: {error}") from None
        self.cells[name] = cells.check_limits(self.minimum.get(name), self.maximum.get(name))

    def _kind(self, name: str, place: int) -> tuple[Kind, str | None]:
        """Return what a column is, dates with their form: as declared, by a unit or a limit too, else as it shows."""
        if name in self.dates:
            return "datetime", self.dates[name]
        array, natural = self.raw.columns[place], natural_kind(self.raw.columns[place].type)
        if name in self.units or name in self.minimum or name in self.maximum:
            return "integer" if natural == "integer" else "number", None
        if natural != "text":
            return natural or "text", None
        kind, doubt, date_form = infer_kind(array, self.form)
        if kind == "datetime" and name in self.ruled:
            return kind, date_form
        if not self.raw.mixed_types[place] and kind != "text":
            doubt = f"is text in the source but reads like {kind}; units, minimum or dates say that it is so"
            kind, date_form = "text", None
        if doubt and self.actions[name] != "text":
            self.notes.append(f"{name} {doubt}")
        return kind, date_form

    def apply_rules(self, rules: RowRules) -> None:
        """Add the derived columns, and leave out the rows of which a condition holds.

        Raises
        ------
        TableError
            If a text is none, or a condition holds of every row.
        """
        sorts = {name: sort_of(cells.kind) for name, cells in self.cells.items()}
        derived, drops = rules.parsed(sorts, {*self.cells, *self.raw.names}, self.raw.source)
        faults = list[Fault]()
        for name, made in derived.items():
            try:
                self._derive(name, made)
            except (FormulaError, UnitError) as error:
                faults.append((("derive", name), str(error)))
        values = {name: cells.values for name, cells in self.cells.items()}
        before = self.keep.copy()
        for place, text in enumerate(() if faults else drops):
            try:
                holds, fails = text.masks(values, len(before))
                if not (before & ~holds).any():
                    raise FormulaError(f"{text.text!r:.80} holds of every row, so that nothing would be left")
            except FormulaError as error:
                faults.append((("drop_where", place), str(error)))
                continue
            rule = f"drop_where {text.text}"
            self.leave_out(holds, rule)
            unknown = int((before & ~holds & ~fails).sum())
            rows = count_text(unknown, "row")
            if not (holds & before).any():
                also = f", and of {rows} without a value it is not known" if unknown else ""
                self.notes.append(f"{rule}: no row is so{also}")
            elif unknown:
                self.notes.append(f"{rule}: {rows} without a value that it needs stay")
        if faults:
            raise key_error(self.raw.source, faults)

    def _derive(self, name: str, text: RowText) -> None:
        """Add a column that is computed from others."""
        rows, read = len(self.keep), {each: self.cells[each] for each in text.reads}
        values = {each: cells.values for each, cells in read.items()}
        if text.is_condition:
            holds, fails = text.masks(values, rows)
            found, gone = np.where(holds, 1.0, np.where(fails, 0.0, np.nan)), ~holds & ~fails
        else:
            gone = np.zeros(rows, dtype=bool)
            for cells in read.values():
                gone |= cells.missing | cells.wrong
            found = np.where(gone, np.nan, text.values(values, rows))
        if unit := text.unit(name, self.units.get(name, ""), self.units):
            self.units[name] = unit
        made = Cells(found, gone, None, "boolean" if text.is_condition else "number")
        made.refuse(_NO_VALUE, ~np.isfinite(found))
        made.check_floats().check_limits(self.minimum.get(name), self.maximum.get(name))
        # of each row without a value it is told what it was computed from
        shown = np.full(rows, None, dtype=object)
        for place in np.flatnonzero(made.wrong)[:_MOST_TOLD]:
            shown[place] = ", ".join(
                f"{each}={_plain(column[int(place)])}" for each, column in values.items()
            )
        made.shown = pa.chunked_array([pa.array(shown, pa.string())])
        self.cells[name], self.derived[name] = made, text.text

    def forget(self, names: Iterable[str]) -> None:
        """Leave columns out that were read only because others are computed from them."""
        for name in names:
            self.cells.pop(name, None)
            self.units.pop(name, None)

    def apply_actions(self) -> None:
        """Treat every fault: drop rows, then refuse all bad columns at once, then set cells missing."""
        for name, cells in list(self.cells.items()):
            if self.actions[name] == "text" and cells.faults and name not in self.derived:
                self.cells[name] = parse_column(cells.shown, "text", self.form)
                self.units.pop(name, None)
            elif self.actions[name] == "drop":
                for why, at in cells.faults.items():
                    self.examples += self._bad_cells(name, why, at & self.keep)
                    self.leave_out(at, f"{name}: {why}")
        refused, most = dict[str, list[Any]](), list[str]()
        for name, cells in self.cells.items():
            faults = {why: at & self.keep for why, at in cells.faults.items() if (at & self.keep).any()}
            if faults and self.actions[name] == "error":
                refused[name] = self._told_of(name, faults)
                continue
            for why, at in faults.items():
                self.examples += self._bad_cells(name, why, at)
                self.set_missing.setdefault(name, {})[why] = int(at.sum())
            dropped = self.actions[name] == "drop"
            there = np.ones_like(self.keep) if dropped else self.keep & ~cells.missing
            gone = int((cells.wrong & there).sum())
            if 2 * gone > there.sum():  # which suggests a wrong kind or format
                what = "rows were left out for" if dropped else "values were set missing in"
                most.append(f"most {what} {name!r} ({gone:,} of {int(there.sum()):,})")
        if refused:
            raise TableError(self._refusal(refused))
        if most:
            warn_user(f"{self.raw.source}: {'; '.join(most)}")

    def _bad_cells(self, name: str, why: str, at: NDArray[np.bool_]) -> list[BadCell]:
        """Return the first cells with one fault, as written in the source."""
        found, shown = [], self.cells[name].shown
        for place in map(int, np.flatnonzero(at)[:_SHOWN]):
            cell = shown[place].as_py()
            text = shorten("" if cell is None else str(cell), _LONGEST)
            found.append(BadCell(int(self.raw.rows[place]), name, text, why))
        return found

    def _told_of(self, name: str, faults: Mapping[str, NDArray[np.bool_]]) -> list[Any]:
        """Describe the faults of one column: how many, of which kinds, and the positions of the first ones."""
        cells = self.cells[name]
        parts: list[Any] = [f"\n  {name!r} ({cells.kind}):"]
        for why, at in faults.items():
            parts.append(f"\n    {int(at.sum()):,} of {len(at):,} values: {why}")
            first = self._bad_cells(name, why, at)
            parts += [f"\n      {self.raw.row_word} {cell.row:,}: {cell.value!r}" for cell in first]
        for why in (NO_NUMBER, TWO_WAYS):
            if why in faults and (advice := notation_hint(cells.shown.filter(faults[why]), self.form)):
                parts += ["\n    ", *((advice,) if isinstance(advice, str) else advice)]
        return parts

    def _refusal(self, refused: Mapping[str, list[Any]]) -> Message:
        """Return the message of a table refused for its cells, given what is told of each column."""
        what = "1 column holds" if len(refused) == 1 else f"{len(refused)} columns hold"
        return (
            f"{self.raw.source}: {what} values that do not fit",
            *(piece for part in refused.values() for piece in part),
            "\nTo go on: ",
            Setting("on_bad", "missing"),
            " sets such cells missing and counts them, ",
            Setting("on_bad", "drop"),
            " leaves their rows out, ",
            Setting("on_bad", {next(iter(refused)): "drop"}),
            " does so for one column; minimum and maximum declare another range.",
        )

    def frame(self) -> pd.DataFrame:
        """Return the kept rows."""
        if not self.keep.any():
            raise TableError(f"{self.raw.source}: no row is left; left out were {self.left_out}")
        return pd.DataFrame({name: final_column(cells, self.keep) for name, cells in self.cells.items()})

    def report(self, frame: pd.DataFrame, columns_left_out: tuple[str, ...]) -> TableReport:
        """Account for what was read."""
        missing = {name: int((cells.missing & self.keep).sum()) for name, cells in self.cells.items()}
        return TableReport(
            source=self.raw.source,
            format=self.raw.format,
            sha256=self.raw.sha256,
            rows_read=len(self.raw.rows) + len(self.raw.ragged),
            rows=len(frame),
            left_out=self.left_out,
            set_missing=self.set_missing,
            missing={name: count for name, count in missing.items() if count},
            derived=self.derived,
            duplicates=self.duplicates,
            columns_left_out=columns_left_out,
            units=self.units,
            signs=self.signs,
            notes=tuple(self.notes),
            examples=tuple(self.examples),
        )


def _plain(value: Any) -> str:
    return number_text(float(value), 6) if isinstance(value, (float, np.number)) else str(value)
