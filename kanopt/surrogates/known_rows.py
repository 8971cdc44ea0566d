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
"""Standard deviations beyond which more rows are known than repeat themselves by chance."""
_UNSEEN = 3.0
"""Rows that may repeat others although none was seen to, as 95 % of intervals say of nothing in many."""


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

        In a table of few values rows repeat themselves, and held-out rows equal others by chance: as often as a row
        learned from equals another one. So many are no mistake.
        """
        asked = _hashes(numbers, codes, target)
        if np.array_equal(np.sort(asked), self.hashes):
            _warn(f"the {len(asked):,} rows that are to judge the law are those it was learned from")
            return "the rows it was learned from, and no others"
        known = np.isin(asked, self.hashes)
        count, share = int(known.sum()), self._repeated
        chance = len(asked) * share
        # chance has a deviation among the rows asked for; and the share one, as rows repeat in twos, of which few tell
        # little (the variance of a count of twos is twice the rows in them)
        repeated = share * len(self.hashes) + _UNSEEN
        of_share = len(asked) / len(self.hashes) * np.sqrt(2.0 * repeated)
        deviation = np.hypot(np.sqrt(chance * (1.0 - share)), of_share)
        if count <= 1 + chance + _SURE * deviation:
            return ""
        first = row_name(index, int(known.argmax()))
        _warn(
            f"{count:,} of the {len(asked):,} rows that are to judge the law were learned from (the first is {first})"
        )
        return f"{len(asked):,} rows, {count:,} of them learned from"

    @property
    def _repeated(self) -> float:
        """Return the share of the rows that equal another one."""
        _, counts = np.unique(self.hashes, return_counts=True)
        return float(counts[counts > 1].sum() / len(self.hashes))


def _hashes(numbers: Floats, codes: Integers, target: Floats) -> NDArray[np.uint64]:
    rows: Any = pd.DataFrame(np.column_stack([numbers, codes, target]))
    return np.asarray(pd.util.hash_pandas_object(rows, index=False), dtype=np.uint64)


def _warn(what: str) -> None:
    warn_user(
        f"{what}: its R² and its errors are not those of new rows, and a law that has learned noise passes. Pass rows "
        "that fit has not seen, such as the second frame of kanopt.split"
    )
