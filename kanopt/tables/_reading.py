"""The state of reading one table: which rows are kept, and how cells were treated."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from kanopt.errors import FormulaError, KanoptWarning, TableError, UnitError
from kanopt.faults import Message, Setting, said
from kanopt.tables._convert import (
    NO_NUMBER,
    TWO_WAYS,
    Cells,
    convert_column,
    date_format,
    final_column,
    infer_kind,
    natural_kind,
    notation_hint,
)
from kanopt.tables._faults import ANOTHER_RANGE, bad_cells, column_text, ragged_text, refusal
from kanopt.tables._number_signs import form_shown
from kanopt.tables._raw import RawTable
from kanopt.tables._text import TextFormat
from kanopt.tables.report import BadCell, TableReport
from kanopt.tables.row_rules import RowRules, drop_label, nothing_dropped, rule_error, sort_of
from kanopt.tables.schema import NUMERIC, Column, Kind, Schema
from kanopt.text import count_text, list_names, number_text
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.formulas.row_parser import RowText

OnBad = Literal["error", "missing", "drop", "text"]
OnDuplicate = Literal["keep", "drop", "error"]
_NO_VALUE = "no finite value"
_SHOWN = 100


@dataclass
class TableReading:
    """The steps of reading one table: ragged rows, repeated rows, kinds, faults, key, report.

    Parameters
    ----------
    raw
        The source's cells.
    schema, form
        As given to :func:`~kanopt.tables.read_table`.
    units
        Unit of a column in the source; in the end, in the frame.
    actions
        What to do with the faults of each column, and under ``"*"`` with ragged rows.
    dates
        How the dates of columns are written that no schema declares.
    ruled
        Columns that texts on columns and rows may name: where their cells show dates, they are read as dates.
    """

    raw: RawTable
    schema: Schema
    units: dict[str, str]
    form: TextFormat
    actions: dict[str, str]
    dates: Mapping[str, str] = field(default_factory=dict)
    ruled: frozenset[str] = frozenset()
    keep: NDArray[np.bool_] = field(init=False)
    cells: dict[str, Cells] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    set_missing: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[BadCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    derived: dict[str, str] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0

    def __post_init__(self) -> None:
        self.keep = np.ones(len(self.raw.rows), dtype=bool)
        self.form, told = form_shown(self.raw, self.form)
        self.notes = list(self.raw.notes)
        if told:
            self.notes.append(told)
            signs = {"decimal": self.form.decimal or "", "thousands": self.form.thousands}
            self.signs = {key: sign for key, sign in signs.items() if sign}

    def leave_out(self, mask: NDArray[np.bool_], why: str) -> None:
        """Drop rows and count those that had been kept so far."""
        count = int((mask & self.keep).sum())
        if count:
            self.left_out[why] = self.left_out.get(why, 0) + count
            self.keep &= ~mask

    def treat_ragged(self) -> None:
        """Refuse rows with too few or too many cells, or count them as left out."""
        ragged = self.raw.ragged
        if len(ragged) and self.actions["*"] == "error":
            raise TableError(ragged_text(self.raw))
        for cells, count in zip(*np.unique(ragged[:, 1], return_counts=True), strict=True):
            self.left_out[f"{cells} cells instead of {self.raw.width}"] = int(count)

    def treat_duplicates(self, action: OnDuplicate) -> None:
        """Find rows that repeat an earlier one in every column of the source."""
        plain = {str(k): c for k, c in enumerate(self.raw.columns) if natural_kind(c.type) is not None}
        if not plain:
            return
        repeated = pa.table(plain).to_pandas().duplicated().to_numpy()
        if action == "drop":
            self.leave_out(repeated, "repeats an earlier row in every column")
            return
        self.duplicates = int(repeated.sum())
        if self.duplicates and action == "error":
            self._refuse_repeated(
                repeated, "in every column; ", Setting("on_duplicate", "keep"), " keeps them"
            )

    def _refuse_repeated(self, repeated: NDArray[np.bool_], *what: str | Setting) -> None:
        rows = self.raw.rows[repeated]
        first = list_names([f"{row:,}" for row in rows], 3, quoted=False)
        raise TableError(
            (
                f"{self.raw.source}: {len(rows):,} of {len(repeated):,} rows repeat an earlier one ",
                *what,
                ", ",
                Setting("on_duplicate", "drop"),
                f" keeps the first of each. First: {self.raw.row_word} {first}",
            )
        )

    def convert(self, name: str, place: int) -> None:
        """Convert one column to the kind that is declared, or that its cells show."""
        array = self.raw.columns[place]
        column = self.schema.get(name) or self._column_shown(name, place)
        given = self.units.get(name)
        if given is not None and column.kind not in NUMERIC:
            raise TableError(
                f"{self.raw.source}: column {name!r} is a {column.kind}; only numbers have a unit"
            )
        try:
            self.cells[name] = convert_column(array, column, self.form, source_unit=given)
        except (TableError, UnitError) as error:
            raise type(error)(f"{self.raw.source}: column {name!r}: {error}") from None
        if column.unit is not None:
            self.units[name] = column.unit
        if self.cells[name].note:
            self.notes.append(f"{name} {self.cells[name].note}")
        self.columns[name] = column

    def _column_shown(self, name: str, place: int) -> Column:
        """Return what is declared, or the cells show, of a column that no schema declares."""
        if name in self.dates:
            return Column(name, "datetime", format=self.dates[name])
        array, kind = self.raw.columns[place], self._kind(name, place)
        written = kind == "datetime" and natural_kind(array.type) == "text"
        return Column(name, kind, format=date_format(array, self.form) if written else None)

    def _kind(self, name: str, place: int) -> Kind:
        """Return the kind of a column that no schema declares."""
        array, natural = self.raw.columns[place], natural_kind(self.raw.columns[place].type)
        seen, doubt = infer_kind(array, self.form) if natural == "text" else (natural, None)
        if name in self.units:
            # a unit says that these are numbers, whatever most cells look like
            return "integer" if natural == "integer" else "number"
        if seen == "datetime" and name in self.ruled:
            return "datetime"
        if natural == "text" and not self.raw.mixed_types[place] and seen != "text":
            doubt, seen = f"is text in the source but reads like {seen}; declare it so to convert it", "text"
        if doubt is not None and self.actions[name] != "text":
            self.notes.append(f"{name} {doubt}")
        return seen or "text"

    def apply_rules(self, rules: RowRules) -> None:
        """Add the derived columns, and leave out the rows of which a condition holds.

        Raises
        ------
        TableError
            If a text is none, or a condition holds of every row.
        """
        sorts = {name: sort_of(column.kind) for name, column in self.columns.items()}
        derived, drops = rules.parsed(sorts, {*self.columns, *self.raw.names}, self.raw.source)
        faults = []
        for name, made in derived.items():
            try:
                self._derive(name, made)
            except (FormulaError, UnitError) as error:
                faults.append((("derive", name), str(error)))
        if faults:
            raise rule_error(self.raw.source, faults)
        before = self.keep.copy()
        for place, text in enumerate(drops):
            try:
                holds, fails = text.masks(
                    {name: self.cells[name].values for name in text.reads}, len(self.keep)
                )
            except FormulaError as error:
                raise rule_error(self.raw.source, [(("drop_where", place), str(error))]) from None
            if not (before & ~holds).any():
                told = f"{text.text!r:.80} holds of every row, so that nothing would be left"
                raise rule_error(self.raw.source, [(("drop_where", place), told)])
            self.leave_out(holds, drop_label(text.text))
            unknown = int((before & ~holds & ~fails).sum())
            if not (holds & before).any():
                self.notes.append(nothing_dropped(text.text, unknown))
            elif unknown:
                rows = count_text(unknown, "row")
                self.notes.append(f"{drop_label(text.text)}: {rows} without a value that it needs stay")

    def _derive(self, name: str, text: RowText) -> None:
        """Add a column that is computed from others."""
        rows = len(self.keep)
        read = {each: self.cells[each].values for each in text.reads}
        column = self.schema.get(name) or Column(name, "boolean" if text.is_condition else "number")
        if column.kind not in (*NUMERIC, *(["boolean"] if text.is_condition else [])):
            what = "truth values" if text.is_condition else "numbers"
            raise FormulaError(f"these are {what}, and {name!r} is declared as a {column.kind}")
        gone = np.zeros(rows, dtype=bool)
        for each in text.reads:
            gone |= self.cells[each].missing | self.cells[each].wrong
        if text.is_condition:
            holds, fails = text.masks(read, rows)
            values, gone = np.where(holds, 1.0, np.where(fails, 0.0, np.nan)), ~holds & ~fails
        else:
            values = np.where(gone, np.nan, text.values(read, rows))
        unit = text.unit(name, self.units.get(name, ""), self.units) or column.unit
        if unit and column.unit is not None and unit != column.unit:
            values, unit = convert(values, unit, column.unit), column.unit
        if unit:
            self.units[name] = unit
        cells = Cells(values, gone, None)
        cells.refuse(_NO_VALUE, ~np.isfinite(values))
        cells.check_floats(column.kind).check_limits(column)
        cells.shown = self._shown(text, cells.wrong)
        self.cells[name], self.columns[name], self.derived[name] = cells, column, text.text

    def _shown(self, text: RowText, wrong: NDArray[np.bool_]) -> Any:
        """Return of each row that has no value what it was computed from, for messages."""
        told = np.full(len(wrong), None, dtype=object)
        for place in np.flatnonzero(wrong)[:_SHOWN]:
            told[place] = ", ".join(f"{each}={self._plain(each, int(place))}" for each in text.reads)
        return pa.chunked_array([pa.array(told, pa.string())])

    def _plain(self, name: str, place: int) -> str:
        value = self.cells[name].values[place]
        return number_text(float(value), 6) if isinstance(value, (float, np.number)) else str(value)

    def forget(self, names: Iterable[str]) -> None:
        """Leave columns out that were read only because others are computed from them."""
        for name in names:
            for held in (self.cells, self.columns, self.units):
                held.pop(name, None)

    def apply_actions(self) -> None:
        """Treat every fault: drop rows, then refuse all bad columns at once, then set cells missing."""
        for name, cells in list(self.cells.items()):
            if self.actions[name] == "text" and cells.faults and name not in self.derived:
                self._take_for_text(name)
            if self.actions[name] == "drop":
                for why, at in cells.faults.items():
                    self._add_examples(name, why, at)
                    self.leave_out(at, f"{name}: {why}")
        refused: dict[str, list[Any]] = {}
        for name, cells in self.cells.items():
            faults = {why: at & self.keep for why, at in cells.faults.items() if (at & self.keep).any()}
            column = self.columns[name]
            # where a value is required, setting cells missing mends nothing
            if faults and (self.actions[name] == "error" or not column.allow_missing):
                refused[name] = column_text(self.raw, column, cells, faults, self.form)
                continue
            for why, at in faults.items():
                self._add_examples(name, why, at)
                self.set_missing.setdefault(name, {})[why] = int(at.sum())
        if refused:
            required = any(not self.columns[name].allow_missing for name in refused)
            raise TableError(refusal(self.raw, list(refused.values()), list(refused), required=required))
        self._warn_of_most()

    def _take_for_text(self, name: str) -> None:
        """Read a column as text that has cells of another kind than the others."""
        self.columns[name] = Column(name, "text")
        self.cells[name] = convert_column(self.cells[name].shown, self.columns[name], self.form)
        self.units.pop(name, None)

    def _warn_of_most(self) -> None:
        """Warn of columns of which most cells were refused, which suggests a wrong kind or format."""
        told: dict[str, list[str]] = {}
        advice: Message = ""
        for name, cells in self.cells.items():
            dropped = self.actions[name] == "drop"
            there = np.ones_like(self.keep) if dropped else self.keep & ~cells.missing
            gone = int((cells.wrong & there).sum())
            if 2 * gone > there.sum():
                what = "rows were left out for" if dropped else "values were set missing in"
                told.setdefault(what, []).append(f"{name!r} ({gone:,} of {int(there.sum()):,})")
                wrong = cells.faults.get(NO_NUMBER, cells.faults.get(TWO_WAYS))
                advice = advice or (
                    "" if wrong is None else notation_hint(cells.shown.filter(wrong), self.form)
                )
        if told:
            parts = [f"most {what} {', '.join(columns)}" for what, columns in told.items()]
            advice = said(advice or ("declare ", ANOTHER_RANGE))
            warnings.warn(f"{self.raw.source}: {'; '.join([*parts, advice])}", KanoptWarning, stacklevel=4)

    def _add_examples(self, name: str, why: str, at: NDArray[np.bool_]) -> None:
        self.examples += bad_cells(self.raw, name, self.cells[name].shown, why, at & self.keep)

    def frame(self, on_duplicate: OnDuplicate) -> pd.DataFrame:
        """Return the kept rows after checking the schema's key."""
        key = [name for name in self.schema.key if name in self.cells]
        if key:
            repeated = self._values(key).duplicated().to_numpy()
            at = np.zeros(len(self.keep), dtype=bool)
            at[np.flatnonzero(self.keep)[repeated]] = True
            what = f"in the key {', '.join(key)}"
            if repeated.any() and on_duplicate != "drop":
                self._refuse_repeated(at, what)
            self.leave_out(at, f"repeats an earlier row {what}")
        if not self.keep.any():
            raise TableError(f"{self.raw.source}: no row is left; left out were {self.left_out}")
        return self._values(list(self.cells))

    def _values(self, names: list[str]) -> pd.DataFrame:
        return pd.DataFrame({name: self._column(name) for name in names})

    def _column(self, name: str) -> Any:
        cells, kind = self.cells[name], self.columns[name].kind
        values = cells.values
        bad = cells.wrong & ~cells.missing & self.keep
        if bad.any():
            values = values.mask(bad) if kind == "datetime" else np.where(bad, np.nan, values)
        return final_column(values[self.keep], kind)

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
