"""Derived columns and dropped rows of tables that are read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kanopt.errors import TableError, nearest, warn_user
from kanopt.tables._convert import natural_kind
from kanopt.tables.row_rules import ParsedRules, RowRules, drop_label, nothing_dropped, sort_of
from kanopt.text import count_text, number_text

if TYPE_CHECKING:
    from kanopt.formulas.row_parser import Sort
    from kanopt.tables.batches import BatchSource, Kind, SourceLike

__all__ = ["Cleaned", "CleanedSource", "cleaned"]


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
    >>> import pandas as pd
    >>> from kanopt.tables.batches import open_source
    >>> parts = lambda: (pd.DataFrame({"m": [k * 1000.0, 0.0]}) for k in (1, 2))
    >>> with open_source(cleaned(parts, derive={"km": "m / 1000"})) as table:
    ...     [batch["km"].to_pylist() for batch in table.batches(["km"], rows=10)]
    [[1.0, 0.0], [2.0, 0.0]]
    """
    return Cleaned(source, RowRules({} if derive is None else derive, drop_where))


@dataclass
class CleanedSource:
    """A source with derived columns, and without the rows of which a condition holds.

    Parameters
    ----------
    source
        The table itself.
    rules
        What is derived and dropped.
    """

    source: BatchSource
    rules: RowRules
    told: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        named = [name for name in self.source.kinds if name in self.rules.names()]
        first = next(self.source.batches(named, 1), None) if named else None
        types = {} if first is None else {name: first.column(name).type for name in named}
        # of columns that no text names it is enough that they are there
        sorts: dict[str, Sort] = dict.fromkeys(self.source.kinds, "text")
        sorts |= {name: sort_of(natural_kind(kind) or "text") for name, kind in types.items()}
        self._parsed: ParsedRules = self.rules.parsed(sorts, self.source.kinds, self.name)

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.source.name

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Kinds of the columns, those derived among them."""
        derived: dict[str, Kind] = {
            name: "category" if text.is_condition else "number" for name, text in self._parsed.derived.items()
        }
        return {**self.source.kinds, **derived}

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Read the columns from the start; batches in which every row is dropped are left out.

        Raises
        ------
        TableError
            As the source does, if a derived number is not finite, or if every row is dropped.
        """
        for name in columns:
            if name not in self.kinds:
                raise TableError(f"{self.name}: no column {name!r}; {nearest(name, self.kinds)}")
        read = self._columns_of(columns)
        counts, unknown, seen, kept = [0] * len(self._parsed.drops), [0] * len(self._parsed.drops), 0, 0
        for batch in self.source.batches(read, rows):
            values = {name: _values(batch.column(name)) for name in read}
            self._derive(values, batch.num_rows, seen)
            keep = np.ones(batch.num_rows, dtype=bool)
            for place, text in enumerate(self._parsed.drops):
                holds, fails = text.masks(values, batch.num_rows)
                counts[place] += int((holds & keep).sum())
                unknown[place] += int((keep & ~holds & ~fails).sum())
                keep &= ~holds
            seen, kept = seen + batch.num_rows, kept + int(keep.sum())
            arrays = [
                batch.column(name) if name in read else _array(values[name], self.kinds[name])
                for name in columns
            ]
            if keep.any():
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns)).filter(pa.array(keep))
        self._tell(counts, unknown, seen, kept)

    def place(self, row: int) -> str:
        """Say at which of the rows that are kept something stands."""
        return f"row {row} of those kept of {self.name}"

    def _columns_of(self, columns: Sequence[str]) -> list[str]:
        """Return the columns of the source that are read for some columns, and for what is derived and dropped."""
        texts = [*self._parsed.derived.values(), *self._parsed.drops]
        wanted = [*columns, *(name for text in texts for name in text.reads)]
        return [name for name in dict.fromkeys(wanted) if name in self.source.kinds]

    def _derive(self, values: dict[str, Any], rows: int, before: int) -> None:
        for name, text in self._parsed.derived.items():
            if text.is_condition:
                holds, fails = text.masks(values, rows)
                values[name] = np.where(holds, 1.0, np.where(fails, 0.0, np.nan))
                continue
            values[name] = text.values(values, rows)
            missing = np.zeros(rows, dtype=bool)
            for each in text.reads:
                missing |= np.asarray(_is_missing(values[each]), dtype=bool)
            wrong = ~np.isfinite(values[name]) & ~missing
            if wrong.any():
                place = int(wrong.argmax())
                told = ", ".join(f"{each}={_shown(values[each], place)}" for each in text.reads)
                raise TableError(
                    f"{self.source.place(before + place)}: derived column {name!r} has no finite value of {told}; "
                    "derive it of what is never zero, as in max(seconds, 1)"
                )

    def _tell(self, counts: Sequence[int], unknown: Sequence[int], seen: int, kept: int) -> None:
        """Say once, after a whole reading, what was dropped."""
        if self.told or not self._parsed.drops:
            return
        if not kept and seen:
            raise TableError(f"{self.name}: drop_where leaves no row of {seen:,}")
        self.told = True
        texts = [text.text for text in self._parsed.drops]
        parts = [f"{n:,} × {drop_label(text)}" for text, n in zip(texts, counts, strict=True) if n]
        gone = f"{seen - kept:,} of {count_text(seen, 'row')} left out" + (
            f": {', '.join(parts)}" if parts else ""
        )
        idle = [nothing_dropped(text, u) for text, n, u in zip(texts, counts, unknown, strict=True) if not n]
        warn_user(f"{self.name}: {'; '.join([gone, *idle])}")


def _values(array: Any) -> Any:
    """Return numbers and truth values as float64, and other columns as series."""
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if natural_kind(array.type) in ("number", "integer"):
        return array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("s"))
    return array.to_pandas()


def _is_missing(values: Any) -> Any:
    import pandas as pd

    return pd.isna(values)


def _shown(values: Any, place: int) -> str:
    value = values[place]
    return number_text(float(value), 6) if isinstance(value, (float, np.floating)) else str(value)


def _array(values: Any, kind: Kind) -> Any:
    if kind == "number":
        return pa.array(values, from_pandas=True)
    return pa.array(values == 1.0, mask=np.isnan(values))
