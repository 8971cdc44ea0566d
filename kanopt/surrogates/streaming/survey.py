"""The first pass over a table that does not fit into memory: checks, ranges, categories, and a sample of its rows.

The sample is uniform: every row gets a random key, and those with the smallest keys are kept (Efraimidis and Spirakis
2006, *Weighted random sampling with a reservoir*, Inf. Proc. Letters 97, with equal weights). So it depends on the seed
and on the order of the rows, not on the batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.surrogates.encoding import LARGEST, LEAST_ROWS, FeatureEncoding, encoding_of
from kanopt.surrogates.options import periods_of
from kanopt.surrogates.streaming.row_blocks import (
    CategoryCodes,
    RowBlock,
    SourceColumns,
    concatenate_blocks,
    read_blocks,
)
from kanopt.surrogates.text_columns import MOST
from kanopt.surrogates.trials import TrainingTable
from kanopt.tables.batches import BatchSource
from kanopt.text import number_text

__all__ = ["SAMPLE", "Survey", "survey"]

Floats = NDArray[np.float64]

SAMPLE = 20_000
"""Rows kept, on which the structure is chosen."""
STREAM = 0x6B616E
"""Parts the random numbers of the sample from all others that begin with the same seed."""


class Reservoir:
    """A uniform sample of `size` rows, in their original order."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        # A stream of its own: the rows may come from that of the seed itself, and keys equal to a column's values
        # would draw rows by them.
        self.generator = np.random.default_rng([seed, STREAM])
        self.limit = 1.0
        self.keys: list[Floats] = []
        self.blocks: list[RowBlock] = []

    def add(self, block: RowBlock) -> None:
        """Update the sample with more rows."""
        keys = self.generator.random(len(block))
        low = keys < self.limit
        self.keys.append(keys[low])
        self.blocks.append(block.take(low))
        if sum(map(len, self.keys)) > 2 * self.size:
            self._shrink()

    def _shrink(self) -> None:
        keys, block = np.concatenate(self.keys), concatenate_blocks(self.blocks)
        if len(keys) > self.size:
            least = np.sort(np.argpartition(keys, self.size)[: self.size])
            keys, block = keys[least], block.take(least)
            self.limit = float(keys.max())
        self.keys, self.blocks = [keys], [block]

    def rows(self) -> RowBlock:
        """Return the sample so far."""
        self._shrink()
        return self.blocks[0]


class ColumnChecks:
    """The range, and missing or infinite values, of every numeric column, then of every category."""

    def __init__(self, numbers: int, categories: int) -> None:
        self.count = 0
        self.weight = 0.0
        self.low = np.full(numbers, np.inf)
        self.high = np.full(numbers, -np.inf)
        self.missing = np.zeros(numbers + categories, dtype=np.int64)
        self.infinite = np.zeros(numbers + categories, dtype=np.int64)
        self.huge = np.full(numbers, -1, dtype=np.int64)
        self.first = np.full(numbers + categories, -1, dtype=np.int64)

    def update(self, block: RowBlock) -> None:
        """Update the checks with more rows."""
        self.count += len(block)
        if not len(block):
            return
        self.weight += float(block.numbers[:, -1].sum())
        self.low = np.fmin(self.low, np.fmin.reduce(block.numbers, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(block.numbers, axis=0))
        self._look_for_huge(block)
        if np.isfinite(block.numbers.sum()) and (block.codes >= 0).all():
            return
        missing = np.hstack([np.isnan(block.numbers), block.codes < 0])
        infinite = np.hstack([np.isinf(block.numbers), np.zeros_like(block.codes, dtype=bool)])
        bad = missing | infinite
        self.missing += missing.sum(axis=0)
        self.infinite += infinite.sum(axis=0)
        fresh = bad.any(axis=0) & (self.first < 0)
        self.first[fresh] = block.rows[bad.argmax(axis=0)[fresh]]

    def _look_for_huge(self, block: RowBlock) -> None:
        """Record the first row with a number whose fourth power overflows."""
        for index in np.flatnonzero((self.huge < 0) & ((self.low < -LARGEST) | (self.high > LARGEST))):
            sizes = np.abs(block.numbers[:, index])
            beyond = (sizes > LARGEST) & np.isfinite(sizes)
            if beyond.any():
                self.huge[index] = block.rows[beyond.argmax()]

    def fault(self, index: int, what: str, source: BatchSource) -> list[str]:
        """Return messages about missing, infinite or too large values in a column, if any."""
        counts = [
            (int(self.missing[index]), "missing (NaN)"),
            (int(self.infinite[index]), "infinite (inf)"),
        ]
        found = " and ".join(f"{count} {word}" for count, word in counts if count)
        if not found and index < len(self.huge) and self.huge[index] >= 0:
            row = source.place(int(self.huge[index]))
            return [
                f"{what}: {row} (counted from 0) holds a number beyond {number_text(LARGEST)}, "
                "whose powers overflow; use a larger unit, or leave the row out"
            ]
        if not found:
            return []
        place = source.place(int(self.first[index]))
        advice = (
            "give them a category of their own" if index >= len(self.low) else "fill them in before fitting"
        )
        return [
            f"{what}: {found} of {self.count} values, the first in {place} (counted from 0); drop these rows or "
            f"{advice}"
        ]


@dataclass(frozen=True, eq=False)
class Survey:
    """The result of one pass over a source.

    Attributes
    ----------
    encoding
        The encoding of the columns, with their ranges and categories over all rows.
    rows, weight
        Number of rows with a weight above 0, and the sum of their weights.
    low, high
        Range of the target.
    sample
        A uniform sample of the rows.
    stop
        Called with every batch of a later pass; returns whether to stop.
    """

    source: BatchSource
    columns: SourceColumns
    encoding: FeatureEncoding
    rows: int
    weight: float
    low: float
    high: float
    sample: TrainingTable
    stop: Callable[[], bool]

    @property
    def whole(self) -> bool:
        """Whether the sample contains all rows."""
        return len(self.sample) == self.rows

    @property
    def unit_weight(self) -> float:
        """The divisor of the weights: weights with a mean below one are scaled to mean one."""
        return min(1.0, self.weight / self.rows)

    def tables(self) -> Iterator[TrainingTable]:
        """Read the rows again.

        Raises
        ------
        FitError
            If the source has other rows than in the first pass.
        Stopped
            Where the survey's `stop` says so.
        """
        known = {feature.name: CategoryCodes(feature.categories) for feature in self.encoding.categories}
        count = 0
        numbers = [feature.name for feature in self.encoding.numeric]
        for block in read_blocks(self.source, self.columns, numbers, known, self.stop):
            count += len(block)
            if len(block):
                yield block.table(self.encoding, self.unit_weight)
        grown = any(
            len(known[feature.name].codes) > len(feature.categories) for feature in self.encoding.categories
        )
        if grown or count != self.rows:
            raise FitError(
                f"{self.source.name}: gave {self.rows} rows at the first reading and {count} at a later one, or other "
                "values; a callable must return a fresh iterator over the same rows each time, and files must not "
                "change meanwhile"
            )


def survey(
    source: BatchSource,
    columns: SourceColumns,
    seed: int,
    periods: Any = None,
    size: int = SAMPLE,
    stop: Callable[[], bool] = lambda: False,
) -> Survey:
    """Read all rows once.

    Parameters
    ----------
    seed
        Seed of the sample.
    periods
        Column to period, for periodic numbers; None for none.
    size
        Number of rows in the sample.
    stop
        Called with every batch; returns whether to stop.

    Raises
    ------
    Stopped
        Where `stop` says so: nothing is known of rows that were not read.
    FitError
        For missing, infinite or too large values, constant columns, too many categories and too few rows; all columns
        at once.
    """
    categories = {name: CategoryCodes() for name in columns.features if source.kinds[name] == "category"}
    numbers = [name for name in columns.features if name not in categories]
    checks, reservoir = ColumnChecks(len(numbers) + 2, len(categories)), Reservoir(size, seed)
    for block in read_blocks(source, columns, numbers, categories, stop):
        checks.update(block)
        reservoir.add(block)
        for name, known in categories.items():
            if len(known.codes) > MOST:
                raise FitError(
                    f"{source.name}: column {name!r} holds more than {MOST:,} different values, as names and "
                    "numbers of single things do; leave it out by columns=[…], or put its values into groups"
                )
    _raise_faults(source, columns, numbers, categories, checks)
    ends = zip(checks.low, checks.high, strict=True)
    encoding = _encoding(columns, dict(zip(numbers, ends, strict=False)), categories)
    encoding = encoding.with_periods(periods_of(periods, encoding))
    drawn = reservoir.rows()
    _refuse_rare(source, numbers, drawn)
    drawn = drawn.ordered([numbers.index(feature.name) for feature in encoding.numeric])
    order = {feature.name: feature.categories for feature in encoding.categories}
    for place, (name, known) in enumerate(categories.items()):
        ranks = {value: rank for rank, value in enumerate(order[name])}
        drawn.codes[:, place] = np.array([ranks[value] for value in known.codes])[drawn.codes[:, place]]
    return Survey(
        source=source,
        columns=columns,
        encoding=encoding,
        rows=checks.count,
        weight=checks.weight,
        low=float(checks.low[-2]),
        high=float(checks.high[-2]),
        sample=drawn.table(encoding, min(1.0, checks.weight / checks.count)),
        stop=stop,
    )


def _raise_faults(
    source: BatchSource,
    columns: SourceColumns,
    numbers: Sequence[str],
    categories: Mapping[str, CategoryCodes],
    checks: ColumnChecks,
) -> None:
    """Raise a FitError that names all faults of the rows."""
    if checks.count and checks.low[-1] < 0:
        raise FitError(f"{source.name}: the weights {columns.weights!r} must be at least 0 everywhere")
    if checks.count < LEAST_ROWS:
        raise FitError(
            f"{source.name}: n_samples = {checks.count}: a law needs at least {LEAST_ROWS} rows with a weight above 0"
        )
    words = [f"column {name!r}" for name in numbers]
    words += [f"target {columns.target!r}", f"weights {columns.weights!r}"]
    words += [f"column {name!r}" for name in categories]
    faults = [text for index, what in enumerate(words) for text in checks.fault(index, what, source)]
    if not faults:
        same = [
            (name, number_text(low, 6))
            for name, low, high in zip(numbers, checks.low, checks.high, strict=False)
            if not high > low
        ]
        same += [
            (name, repr(next(iter(known.codes))))
            for name, known in categories.items()
            if len(known.codes) < 2
        ]
        faults = [
            f"column {name!r} is constant ({value} in all {checks.count} rows), so no effect of it can be learned; "
            "leave the column out"
            for name, value in same
        ]
    if faults:
        raise FitError("\n".join(f"{source.name}: {text}" for text in faults))


def _refuse_rare(source: BatchSource, numbers: Sequence[str], drawn: RowBlock) -> None:
    """Raise a FitError if a column varies, but not within the sample."""
    for place, name in enumerate(numbers):
        value = drawn.numbers[0, place]
        if (drawn.numbers[:, place] == value).all():
            raise FitError(
                f"{source.name}: column {name!r} is {number_text(value, 6)} in all {len(drawn)} rows of the sample "
                "that the structure is chosen on, so too few rows hold another value for its effect to be learned; "
                "leave the column out by columns=[…], or fit a table with more such rows, and weights that make up "
                "for it"
            )


def _encoding(
    columns: SourceColumns, ends: Mapping[str, tuple[float, float]], categories: Mapping[str, CategoryCodes]
) -> FeatureEncoding:
    """Return the encoding for given ranges and categories of the columns."""
    rows = max([2, *(len(known.codes) for known in categories.values())])
    frame = {
        name: pd.Categorical(np.resize(np.array(list(categories[name].codes), dtype=object), rows))
        if name in categories
        else np.resize(np.array(ends[name]), rows)
        for name in columns.features
    }
    return encoding_of(pd.DataFrame(frame))
