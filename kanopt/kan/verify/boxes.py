"""Boxes of inputs: an interval for every number, a run of categories for every categorical input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.kan.verify.intervals import Flags, Floats, Integers, Pair

__all__ = ["NetworkBoxes", "concatenate"]


@dataclass(frozen=True)
class NetworkBoxes:
    """Many boxes.

    Parameters
    ----------
    low, high
        Ends of the numbers, shape (boxes, numbers).
    first, last
        Positions, in the list of allowed categories of each categorical input, between which the category
        lies; shape (boxes, tables).
    """

    low: Floats
    high: Floats
    first: Integers
    last: Integers

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, index: Integers | Flags | slice) -> NetworkBoxes:
        """Return some of the boxes."""
        return NetworkBoxes(self.low[index], self.high[index], self.first[index], self.last[index])

    @property
    def centre(self) -> Floats:
        """Points in the boxes, shape (boxes, numbers)."""
        return np.clip(0.5 * self.low + 0.5 * self.high, self.low, self.high)

    @property
    def width(self) -> Floats:
        """Lengths of the sides, shape (boxes, numbers)."""
        return self.high - self.low

    def at(self, points: Floats) -> NetworkBoxes:
        """Return the boxes shrunk to points, with the categories they had."""
        return NetworkBoxes(points, points, self.first, self.last)

    def halves(self, side: Integers, ends: Pair) -> NetworkBoxes:
        """Return both parts of every box, cut across a side: a number, or after them a categorical input.

        A side is cut at the last of `ends` (each of shape (numbers,)) that it crosses, else in the middle.
        """
        low, high, first, last = (
            np.concatenate([part, part]) for part in (self.low, self.high, self.first, self.last)
        )
        numbers, rows = self.low.shape[1], np.arange(len(self))
        by_number = rows[side < numbers]
        number = side[by_number]
        middle = self.centre[by_number, number]
        for end in ends:
            place = end[number]
            crossed = (self.low[by_number, number] < place) & (place < self.high[by_number, number])
            middle = np.where(crossed, place, middle)
        high[by_number, number] = middle
        low[by_number + len(self), number] = middle
        by_table = rows[side >= numbers]
        table = side[by_table] - numbers
        half = (self.first[by_table, table] + self.last[by_table, table]) // 2
        last[by_table, table] = half
        first[by_table + len(self), table] = half + 1
        return NetworkBoxes(low, high, first, last)


def concatenate(parts: list[NetworkBoxes]) -> NetworkBoxes:
    """Return the boxes of all parts in one."""
    return NetworkBoxes(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("low", "high", "first", "last")
        )
    )
