"""Rows that a law was learned from, known again among those that are to judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import warn_user
from kanopt.surrogates.encoding import row_name

__all__ = ["KnownRows"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SURE = 4.0
"""Standard deviations, of counts of equal pairs, beyond which more rows are known than repeat themselves."""
_UNSEEN = 3.0
"""Pairs of equal rows that there may be although none was seen, as 95 % of intervals say of nothing in many."""


@dataclass(frozen=True, eq=False)
class KnownRows:
    """A hash of every row that a law was learned from, in order of size, (n,)."""

    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, numbers: Floats, codes: Integers, target: Floats) -> KnownRows:
        """Note rows as they are encoded, with their targets."""
        return cls(np.sort(_hashes(numbers, codes, target)))

    def judging(self, numbers: Floats, codes: Integers, target: Floats, index: pd.Index | None) -> str:
        """Say how many of the rows that judge the law were learned from, and warn of them; nothing where none were.

        In a table of few values rows repeat themselves, and held-out rows equal others by chance: as often as rows
        learned from equal each other, and rows asked for do. So many are no mistake.
        """
        asked = _hashes(numbers, codes, target)
        if np.array_equal(np.sort(asked), self.hashes):
            _warn(f"the {len(asked):,} rows that are to judge the law are those it was learned from")
            return "the rows it was learned from, and no others"
        known = np.isin(asked, self.hashes)
        count, n, others = int(known.sum()), len(self.hashes), len(asked)
        # two rows are equal by chance as often as two of those learned from, or two of those asked for, are
        repeated = _pairs(self.hashes) + _pairs(asked)
        most = repeated + _SURE * np.sqrt(repeated) + _UNSEEN
        chance = 2.0 * n * others * most / (n**2 + others**2)
        if count <= 1 + chance + _SURE * np.sqrt(chance):
            return ""
        first = row_name(index, int(known.argmax()))
        _warn(
            f"{count:,} of the {len(asked):,} rows that are to judge the law were learned from (the first is {first})"
        )
        return f"{len(asked):,} rows, {count:,} of them learned from"


def _pairs(hashes: NDArray[np.uint64]) -> float:
    """Return how many pairs of rows are equal."""
    _, counts = np.unique(hashes, return_counts=True)
    return float((counts * (counts - 1.0)).sum() / 2.0)


def _hashes(numbers: Floats, codes: Integers, target: Floats) -> NDArray[np.uint64]:
    rows: Any = pd.DataFrame(np.column_stack([numbers, codes, target]))
    return np.asarray(pd.util.hash_pandas_object(rows, index=False), dtype=np.uint64)


def _warn(what: str) -> None:
    warn_user(
        f"{what}: its R² and its errors are not those of new rows, and a law that has learned noise passes. Pass rows "
        "that fit has not seen, such as the second frame of kanopt.split"
    )
