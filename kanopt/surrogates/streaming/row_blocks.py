"""Read the rows of a source as arrays, with categories encoded as integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kanopt.errors import FitError, nearest
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.trials import TrainingTable
from kanopt.tables.batches import BatchSource

__all__ = [
    "BATCH",
    "CategoryCodes",
    "ReadingStopped",
    "RowBlock",
    "SourceColumns",
    "concatenate_blocks",
    "read_blocks",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
BATCH = 1 << 15
"""Rows read at a time."""


class ReadingStopped(Exception):  # noqa: N818 - no error: the reading was asked to end
    """A pass over the rows was stopped on request."""


@dataclass(frozen=True)
class SourceColumns:
    """The columns to learn from: features in order, target, and weights if any."""

    features: tuple[str, ...]
    target: str
    weights: str | None = None

    @classmethod
    def of(
        cls, source: BatchSource, target: str, features: Sequence[str] | None, weights: str | None = None
    ) -> SourceColumns:
        """Check that the columns exist and are numbers or categories; `features` None takes all others.

        Raises
        ------
        FitError
            For a column that does not exist or holds neither numbers nor categories.
        """
        kinds = source.kinds
        if isinstance(features, str) or not all(isinstance(name, str) for name in features or ()):
            raise FitError(f"columns={features!r} must be a list of names of columns, such as ['km', 'mode']")
        named = {
            "target": [target],
            "columns": list(features or ()),
            "sample_weight": [weights] if weights else [],
        }
        for role, names in named.items():
            for name in names:
                if name not in kinds:
                    raise FitError(
                        f"{source.name}: no column {name!r} for {role}; {nearest(str(name), kinds)}"
                    )
                if role != "columns" and kinds[name] != "number":
                    raise FitError(
                        f"{source.name}: column {name!r}, the {role}, must hold numbers; convert it first"
                    )
        apart = {target, weights}
        if features is not None and (both := apart.intersection(features)):
            raise FitError(
                f"columns={list(features)!r} holds {both.pop()!r}, which is the target or the weight"
            )
        chosen = tuple(name for name in kinds if name not in apart) if features is None else tuple(features)
        for name in chosen:
            if chosen.count(name) > 1:
                raise FitError(f"columns={list(chosen)!r}: column {name!r} occurs twice")
            if kinds[name] == "other":
                raise FitError(
                    f"{source.name}: column {name!r} holds neither numbers nor categories; derive numbers from it "
                    "(hour, weekday, month), turn it into text, or leave it out by columns=[…]"
                )
        if not chosen:
            raise FitError(f"{source.name}: no column besides the target {target!r} to learn from")
        return cls(chosen, target, weights)

    @property
    def names(self) -> list[str]:
        """All columns to read."""
        return [*self.features, self.target, *([self.weights] if self.weights else [])]


class CategoryCodes:
    """The values of a categorical column seen so far, with codes in the order of first appearance."""

    def __init__(self, known: Sequence[Any] = ()) -> None:
        self.codes: dict[Any, int] = {value: code for code, value in enumerate(known)}

    def encode(self, array: Any) -> Integers:
        """Return the code of every cell, −1 where it is missing; new values get new codes."""
        pairs = array.dictionary_encode()
        places = np.asarray(pairs.indices.fill_null(-1), dtype=np.int64)
        words = pairs.dictionary.to_pylist()
        translated = np.full(len(words) + 1, -1, dtype=np.int64)
        for place in np.unique(places[places >= 0]):
            if words[place] is not None:
                translated[place] = self.codes.setdefault(words[place], len(self.codes))
        return translated[places]


@dataclass(frozen=True, eq=False)
class RowBlock:
    """A block of rows.

    Attributes
    ----------
    numbers
        Numeric features, then target and weight; shape (n, numbers + 2).
    codes
        Categories, −1 where they are missing; shape (n, categories).
    rows
        Row numbers in the source; shape (n,).
    """

    numbers: Floats
    codes: Integers
    rows: Integers

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[Any]) -> RowBlock:
        """Return the rows at `index`."""
        return RowBlock(self.numbers[index], self.codes[index], self.rows[index])

    def ordered(self, places: Sequence[int]) -> RowBlock:
        """Return the rows with their numeric features in another order."""
        return RowBlock(self.numbers[:, [*places, -2, -1]], self.codes, self.rows)

    def table(self, encoding: FeatureEncoding, unit_weight: float) -> TrainingTable:
        """Return the rows with their weights divided by `unit_weight`."""
        weights = self.numbers[:, -1] / unit_weight
        return TrainingTable(self.numbers[:, :-2], self.codes, self.numbers[:, -2], weights, encoding)


def concatenate_blocks(blocks: Sequence[RowBlock]) -> RowBlock:
    """Return the rows of several blocks as one."""
    numbers, codes, rows = zip(*((block.numbers, block.codes, block.rows) for block in blocks), strict=True)
    return RowBlock(np.concatenate(numbers), np.concatenate(codes), np.concatenate(rows))


def read_blocks(
    source: BatchSource,
    columns: SourceColumns,
    numbers: Sequence[str],
    categories: Mapping[str, CategoryCodes],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[RowBlock]:
    """Read all rows with a weight other than 0, from the start; missing numbers become NaN.

    Raises
    ------
    Stopped
        Where `stop`, which is asked with every batch, says so.
    """
    start = 0
    for whole in source.batches(columns.names, BATCH):
        if stop():
            raise ReadingStopped
        batch, rows = _used(whole, columns.weights)
        values = np.ones((len(batch), len(numbers) + 2))
        for place, name in enumerate([*numbers, columns.target, *filter(None, [columns.weights])]):
            values[:, place] = batch.column(name).to_numpy(zero_copy_only=False)
        codes = np.empty((len(batch), len(categories)), dtype=np.int64)
        for place, (name, known) in enumerate(categories.items()):
            codes[:, place] = known.encode(batch.column(name))
        yield RowBlock(values, codes, start + rows)
        start += len(whole)


def _used(batch: Any, weights: str | None) -> tuple[Any, Integers]:
    """Return the rows of a batch with non-zero weight, and their indices in it.

    Other rows are dropped first, so that categories that occur only in them are unknown.
    """
    rows = np.arange(len(batch))
    if weights is None:
        return batch, rows
    used = batch.column(weights).to_numpy(zero_copy_only=False) != 0.0
    return (batch, rows) if used.all() else (batch.filter(pa.array(used)), rows[used])
