"""The rows a law is learned from, and those it is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanopt.whatif.spec import LearnedSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["complete_rows", "split_rows"]


def complete_rows(spec: LearnedSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a value in every column the law needs."""
    by = [] if spec.holdout.by is None else [spec.holdout.by]
    wanted = list(dict.fromkeys([spec.target, *spec.features, *by]))
    return frame.loc[frame[wanted].notna().all(axis="columns")]


def split_rows(spec: LearnedSpec, frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide rows into those to learn from and those held out.

    Raises
    ------
    TableError
        If either side would be empty.
    """
    from kanopt.tables import split

    held = spec.holdout
    amount: Any = held.share if held.last is None else held.last
    return split(frame, by=held.by, holdout=amount, seed=seed)
