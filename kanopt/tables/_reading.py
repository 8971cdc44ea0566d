"""The state of reading one table: which rows are kept, how cells were treated, and what is told of invalid ones."""

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
from kanopt.faults import Message, Setting
from kanopt.tables._convert import (
    NO_NUMBER,
    TWO_WAYS,
    Cells,
    Inferred,
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
from kanopt.tables.row_rules import RowRules, drop_label, key_error, nothing_dropped, sort_of
from kanopt.text import count_text, list_names, number_text, shorten

if TYPE_CHECKING:
    from kanopt.formulas.row_parser import RowText

_SHOWN = 3
_LONGEST = 60


def bad_cells(raw: RawTable, name: str, shown: Any, why: str, at: NDArray[np.bool_]) -> list[BadCell]:
    """Return the first cells with one fault, as written in the source."""
    places = np.flatnonzero(at)[:_SHOWN]
    return [BadCell(int(raw.rows[k]), name, _cell(shown[int(k)]), why) for k in places]


def column_text(
    raw: RawTable,
    name: str,
    kind: Kind,
    cells: Cells,
    faults: dict[str, NDArray[np.bool_]],
    form: TextFormat,
) -> list[Any]:
    """Describe the faults of one column: how many, of which kinds, and the positions of the first ones."""
    parts: list[Any] = [f"\n  {name!r} ({kind}):"]
    for why, at in faults.items():
        parts.append(f"\n    {int(at.sum()):,} of {len(at):,} values: {why}")
        first = bad_cells(raw, name, cells.shown, why, at)
        parts += [f"\n      {raw.row_word} {cell.row:,}: {cell.value!r}" for cell in first]
    for why in (NO_NUMBER, TWO_WAYS):
        if why in faults and (advice := notation_hint(cells.shown.filter(faults[why]), form)):
            parts += ["\n    ", *((advice,) if isinstance(advice, str) else advice)]
    return parts


def refusal(raw: RawTable, refused: dict[str, list[Any]]) -> Message:
    """Return the message of a table refused for its cells, given what is told of each column."""
    what = "1 column holds" if len(refused) == 1 else f"{len(refused)} columns hold"
    return (
        f"{raw.source}: {what} values that do not fit",
        *(piece for part in refused.values() for piece in part),
        "\nTo go on: ",
        Setting("on_bad", "missing"),
        " sets such cells missing and counts them, ",
        Setting("on_bad", "drop"),
        " leaves their rows out, ",
        Setting("on_bad", {next(iter(refused)): "drop"}),
        " does so for one column; minimum and maximum declare another range.",
    )


def ragged_text(raw: RawTable) -> Message:
    """Return the message for rows with too few or too many cells."""
    ragged, width = raw.ragged, raw.width
    shown = [f"{raw.row_word} {row:,} has {cells}" for row, cells in ragged]
    text = (
        f"{raw.source}: {count_text(len(ragged), 'row')} of {len(ragged) + len(raw.rows):,} with another number of "
        f"cells than the header's {width}: {list_names(shown, _SHOWN, quoted=False)}. To go on: mend them (a "
        "separator inside a cell needs quotes around the cell), say where the header stands and what divides the "
        "cells, as in "
    )
    form = Setting("form", {"header": 3, "separator": ";"}, "TextFormat")
    return (text, form, ", or ", Setting("on_bad", "drop"), " leaves them out")


def _cell(value: Any) -> str:
    plain = value.as_py() if hasattr(value, "as_py") else value
    return shorten("" if plain is None else str(plain), _LONGEST)


OnBad = Literal["error", "missing", "drop", "text"]
OnDuplicate = Literal["keep", "drop"]
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
    dates: Mapping[str, str] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)
    ruled: frozenset[str] = frozenset()
    keep: NDArray[np.bool_] = field(init=False)
    cells: dict[str, Cells] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
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

    def treat_duplicates(self, *, drop: bool) -> None:
        """Count the rows that repeat an earlier one in every column, or leave them out."""
        plain = {str(k): c for k, c in enumerate(self.raw.columns) if natural_kind(c.type) is not None}
        repeated = pa.table(plain).to_pandas().duplicated().to_numpy() if plain else ~self.keep
        if drop:
            self.leave_out(repeated, "repeats an earlier row in every column")
        else:
            self.duplicates = int(repeated.sum())

    def convert(self, name: str, place: int) -> None:
        """Convert one column to the kind that is declared, or that its cells show."""
        array = self.raw.columns[place]
        kind, _, date_form = self._inferred(name, place)
        try:
            self.cells[name] = parse_column(array, kind, self.form, date_form)
        except TableError as error:
            raise TableError(f"{self.raw.source}: column {name!r}: {error}") from None
        self.cells[name].check_limits(self.minimum.get(name), self.maximum.get(name))
        self.kinds[name] = kind

    def _inferred(self, name: str, place: int) -> Inferred:
        """Say what a column is: dates where a form of dates is given, numbers where a unit or a limit is."""
        if name in self.dates:
            return Inferred("datetime", date_form=self.dates[name])
        array, natural = self.raw.columns[place], natural_kind(self.raw.columns[place].type)
        if name in self.units or name in self.minimum or name in self.maximum:
            return Inferred("integer" if natural == "integer" else "number")
        seen = infer_kind(array, self.form) if natural == "text" else Inferred(natural or "text")
        if seen.kind == "datetime" and name in self.ruled:
            return seen
        if natural == "text" and not self.raw.mixed_types[place] and seen.kind != "text":
            told = (
                f"is text in the source but reads like {seen.kind}; units, minimum or dates say that it is so"
            )
            seen = Inferred("text", told)
        if seen.doubt and self.actions[name] != "text":
            self.notes.append(f"{name} {seen.doubt}")
        return seen

    def apply_rules(self, rules: RowRules) -> None:
        """Add the derived columns, and leave out the rows of which a condition holds.

        Raises
        ------
        TableError
            If a text is none, or a condition holds of every row.
        """
        sorts = {name: sort_of(kind) for name, kind in self.kinds.items()}
        derived, drops = rules.parsed(sorts, {*self.kinds, *self.raw.names}, self.raw.source)
        faults = []
        for name, made in derived.items():
            try:
                self._derive(name, made)
            except (FormulaError, UnitError) as error:
                faults.append((("derive", name), str(error)))
        if faults:
            raise key_error(self.raw.source, faults)
        before = self.keep.copy()
        for place, text in enumerate(drops):
            try:
                holds, fails = text.masks(
                    {name: self.cells[name].values for name in text.reads}, len(self.keep)
                )
            except FormulaError as error:
                raise key_error(self.raw.source, [(("drop_where", place), str(error))]) from None
            if not (before & ~holds).any():
                told = f"{text.text!r:.80} holds of every row, so that nothing would be left"
                raise key_error(self.raw.source, [(("drop_where", place), told)])
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
        gone = np.zeros(rows, dtype=bool)
        for each in text.reads:
            gone |= self.cells[each].missing | self.cells[each].wrong
        if text.is_condition:
            holds, fails = text.masks(read, rows)
            values, gone = np.where(holds, 1.0, np.where(fails, 0.0, np.nan)), ~holds & ~fails
        else:
            values = np.where(gone, np.nan, text.values(read, rows))
        if unit := text.unit(name, self.units.get(name, ""), self.units):
            self.units[name] = unit
        kind: Kind = "boolean" if text.is_condition else "number"
        cells = Cells(values, gone, None)
        cells.refuse(_NO_VALUE, ~np.isfinite(values))
        cells.check_floats(kind).check_limits(self.minimum.get(name), self.maximum.get(name))
        cells.shown = self._shown(text, cells.wrong)
        self.cells[name], self.kinds[name], self.derived[name] = cells, kind, text.text

    def _shown(self, text: RowText, wrong: NDArray[np.bool_]) -> Any:
        """Return of each row that has no value what it was computed from, for messages."""
        told = np.full(len(wrong), None, dtype=object)
        for place in np.flatnonzero(wrong)[:_MOST_TOLD]:
            told[place] = ", ".join(f"{each}={self._plain(each, int(place))}" for each in text.reads)
        return pa.chunked_array([pa.array(told, pa.string())])

    def _plain(self, name: str, place: int) -> str:
        value = self.cells[name].values[place]
        return number_text(float(value), 6) if isinstance(value, (float, np.number)) else str(value)

    def forget(self, names: Iterable[str]) -> None:
        """Leave columns out that were read only because others are computed from them."""
        for name in names:
            for held in (self.cells, self.kinds, self.units):
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
            if faults and self.actions[name] == "error":
                refused[name] = column_text(self.raw, name, self.kinds[name], cells, faults, self.form)
                continue
            for why, at in faults.items():
                self._add_examples(name, why, at)
                self.set_missing.setdefault(name, {})[why] = int(at.sum())
        if refused:
            raise TableError(refusal(self.raw, refused))
        self._warn_of_most()

    def _take_for_text(self, name: str) -> None:
        """Read a column as text that has cells of another kind than the others."""
        self.kinds[name] = "text"
        self.cells[name] = parse_column(self.cells[name].shown, "text", self.form)
        self.units.pop(name, None)

    def _warn_of_most(self) -> None:
        """Warn of columns of which most cells were refused, which suggests a wrong kind or format."""
        told = []
        for name, cells in self.cells.items():
            dropped = self.actions[name] == "drop"
            there = np.ones_like(self.keep) if dropped else self.keep & ~cells.missing
            gone = int((cells.wrong & there).sum())
            if 2 * gone > there.sum():
                what = "rows were left out for" if dropped else "values were set missing in"
                told.append(f"most {what} {name!r} ({gone:,} of {int(there.sum()):,})")
        if told:
            warnings.warn(f"{self.raw.source}: {'; '.join(told)}", KanoptWarning, stacklevel=4)

    def _add_examples(self, name: str, why: str, at: NDArray[np.bool_]) -> None:
        self.examples += bad_cells(self.raw, name, self.cells[name].shown, why, at & self.keep)

    def frame(self) -> pd.DataFrame:
        """Return the kept rows."""
        if not self.keep.any():
            raise TableError(f"{self.raw.source}: no row is left; left out were {self.left_out}")
        return pd.DataFrame({name: self._column(name) for name in self.cells})

    def _column(self, name: str) -> Any:
        cells, kind = self.cells[name], self.kinds[name]
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
