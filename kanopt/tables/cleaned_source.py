"""Derived columns and dropped rows of tables that are read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kanopt.errors import TableError, warn_user
from kanopt.tables._convert import natural_kind
from kanopt.tables.row_rules import RowRules, drop_label, nothing_dropped, sort_of
from kanopt.text import count_text, number_text

if TYPE_CHECKING:
    from kanopt.tables.batches import BatchSource, SourceLike


@dataclass(frozen=True)
class Cleaned:
    """A table in batches, with what is derived and dropped as it is read; made by :func:`cleaned`."""

    source: SourceLike
    rules: RowRules


def cleaned(
    source: SourceLike, *, derive: Mapping[str, str] | None = None, drop_where: Sequence[str] = ()
) -> Cleaned:
    """Return a table too large for memory with derived columns and without some rows, to be learned from.

    Parameters
    ----------
    source
        Parquet files, a callable that makes frames, an iterator, or a Dask frame.
    derive, drop_where
        As of :func:`~kanopt.tables.read_table`. Each batch is computed by itself; a number that is not finite is an
        error. How many rows each condition dropped is told in a warning after the first reading.

    Returns
    -------
    Cleaned
        What ``KANRegressor.fit`` takes in place of the source.

    Raises
    ------
    TableError
        If these are no texts. Texts that cannot be read are told when the table is.

    Examples
    --------
    >>> from kanopt.tables.batches import open_source
    >>> parts = lambda: (pd.DataFrame({"m": [k * 1000.0, 0.0]}) for k in (1, 2))
    >>> table = open_source(cleaned(parts, derive={"km": "m / 1000"}))
    >>> [frame["km"].to_list() for frame in table.frames(["km"])]
    [[1.0, 0.0], [2.0, 0.0]]
    """
    return Cleaned(source, RowRules({} if derive is None else derive, drop_where))


class CleanedReading:
    """Reads a source with derived columns, and without the rows of which a condition holds."""

    def __init__(self, source: BatchSource, rules: RowRules) -> None:
        named = rules.names()
        # of columns that no text names it is enough that they are there
        sorts = {
            str(name): sort_of(_kind(column) or "text") if name in named else "text"
            for name, column in source.columns.items()
        }
        self.source, self.told = source, False
        self.parsed = rules.parsed(sorts, list(sorts), source.name)

    def __call__(self, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        """Read some columns, or all; frames without rows are left out.

        Raises
        ------
        TableError
            As the source does, if a derived number is not finite, or if every row is dropped.
        """
        known, drops = self.source.columns, self.parsed.drops
        wanted = [*known, *self.parsed.derived] if columns is None else list(columns)
        named = [name for text in (*self.parsed.derived.values(), *drops) for name in text.reads]
        read = [name for name in dict.fromkeys([*wanted, *named]) if name in known]
        dropped, unknown, seen, kept = [0] * len(drops), [0] * len(drops), 0, 0
        for frame in self.source.frames(read):
            values: dict[str, Any] = {name: _values(frame[name]) for name in read}
            made = self._derive(values, frame)
            keep = np.ones(len(frame), dtype=bool)
            for place, text in enumerate(drops):
                holds, fails = text.masks(values, len(frame))
                dropped[place] += int((holds & keep).sum())
                unknown[place] += int((keep & ~holds & ~fails).sum())
                keep &= ~holds
            seen, kept = seen + len(frame), kept + int(keep.sum())
            if keep.any():
                yield frame.assign(**made).loc[keep, wanted]
        self._tell(dropped, unknown, seen, kept)

    def _derive(self, values: dict[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
        """Add what is derived to the values, and return it as columns."""
        made: dict[str, Any] = {}
        for name, text in self.parsed.derived.items():
            if text.is_condition:
                holds, fails = text.masks(values, len(frame))
                values[name] = np.where(holds, 1.0, np.where(fails, 0.0, np.nan))
                made[name] = (
                    pd.Series(holds, frame.index, dtype=object).where(holds | fails, None).infer_objects()
                )
                continue
            values[name] = made[name] = text.values(values, len(frame))
            missing = np.zeros(len(frame), dtype=bool)
            for each in text.reads:
                missing |= np.asarray(pd.isna(values[each]))
            wrong = ~np.isfinite(values[name]) & ~missing
            if wrong.any():
                place = int(wrong.argmax())
                told = ", ".join(f"{each}={_shown(values[each], place)}" for each in text.reads)
                raise TableError(
                    f"{self.source.place(int(frame.index[place]))}: derived column {name!r} has no finite value of "
                    f"{told}; derive it of what is never zero, as in max(seconds, 1)"
                )
        return made

    def _tell(self, dropped: Sequence[int], unknown: Sequence[int], seen: int, kept: int) -> None:
        """Say once, after a whole reading, what was dropped."""
        if self.told or not self.parsed.drops:
            return
        if not kept:
            raise TableError(f"{self.source.name}: drop_where leaves no row of {seen:,}")
        self.told = True
        texts = [text.text for text in self.parsed.drops]
        parts = [f"{n:,} × {drop_label(text)}" for text, n in zip(texts, dropped, strict=True) if n]
        gone = f"{seen - kept:,} of {count_text(seen, 'row')} left out" + (
            f": {', '.join(parts)}" if parts else ""
        )
        idle = [nothing_dropped(text, u) for text, n, u in zip(texts, dropped, unknown, strict=True) if not n]
        warn_user(f"{self.source.name}: {'; '.join([gone, *idle])}")


def _kind(column: pd.Series[Any]) -> Any:
    """Return the kind of a column; None where its values do not say one."""
    try:
        return natural_kind(pa.array(column, from_pandas=True).type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return None


def _values(column: pd.Series[Any]) -> Any:
    """Return numbers and truth values as float64, and other columns as series with numbers of rows from 0."""
    kind = _kind(column)
    if kind in ("number", "integer", "boolean"):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    column = column.reset_index(drop=True)
    return pd.to_datetime(column) if kind == "datetime" else column


def _shown(values: Any, place: int) -> str:
    value = values[place]
    return number_text(float(value), 6) if isinstance(value, (float, np.floating)) else str(value)
