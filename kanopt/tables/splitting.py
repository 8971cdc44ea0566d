"""Split a table into training rows and held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import TableError, nearest
from kanopt.text import count_text


def split(
    frame: pd.DataFrame,
    *,
    by: str | None = None,
    holdout: int | float = 0.2,
    seed: int = 0,
    how: Literal["time", "group"] | None = None,
    keep: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a table into training rows and held-out rows.

    Three ways, told apart by `by` and by what the column holds:

    * **random rows**: `by` is None. Only valid if rows are independent.
    * **time**: the column has an order (numbers, dates, periods, durations, ordered categories). Its last
      values are held out, whole: a law for next month is judged on months it has not seen.
    * **groups**: the column has none (text, categories, booleans). Groups drawn at random are held out,
      whole: a law for a new customer is judged on customers it has not seen.

    A number that is a label, such as a driver's number, has an order and would be taken for time: say
    ``how="group"``.

    Parameters
    ----------
    frame
        Any frame.
    by
        Column that decides, or None for random rows.
    holdout
        A whole number: so many of the last distinct values (time), groups (groups) or rows (random). A
        fraction between 0 and 1: that share of the groups or rows; for time, the fewest last values that
        together hold at least that share of the rows.
    seed
        Seed of the random choice; time needs none.
    how
        ``"time"`` or ``"group"`` to overrule what the column's type suggests.
    keep
        Columns of which no value is held out alone, for random rows: where all rows with a value were drawn, the first
        of them goes back to the training rows. A category that a law has never seen cannot be predicted.

    Returns
    -------
    train, test : DataFrame
        In the order of `frame`, with its index, units and report.

    Raises
    ------
    TableError
        If a column is unknown or has blanks, if `holdout` is no such number, or if either side would be
        empty.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week": [1, 2, 3, 4, 4], "minutes": [9.0, 8.0, 7.0, 9.0, 8.0]})
    >>> train, test = split(weeks, by="week", holdout=1)
    >>> train["week"].tolist(), test["week"].tolist()
    ([1, 2, 3], [4, 4])
    """
    whole = isinstance(holdout, (int, np.integer)) and not isinstance(holdout, bool)
    if not (holdout >= 1 if whole else isinstance(holdout, (float, np.floating)) and 0.0 < holdout < 1.0):
        raise TableError(
            f"holdout must be a whole number of at least 1, or a fraction between 0 and 1, not {holdout!r}"
        )
    if how not in (None, "time", "group"):
        raise TableError(f"unknown how={how!r}; {nearest(str(how), ('time', 'group'))}")
    if by is not None:
        held = _whole_values(_column(frame, by), by, holdout, seed, how)
    elif how is not None:
        raise TableError(f"how={how!r} needs a column: name it in by=")
    else:
        held = _drawn(len(frame), holdout, seed, "rows")
        for column in (_column(frame, name) for name in keep):
            # the first rows of values that no training row has
            held[(~column.isin(column[~held]) & ~column.duplicated()).to_numpy()] = False
        if not held.any():
            raise TableError(
                f"every held-out row has a value of {' or '.join(map(repr, keep))} that no other row has, so that "
                "nothing is left to judge by; hold out more rows, or pool rare values"
            )
    return frame.loc[~held], frame.loc[held]


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in frame.columns:
        raise TableError(f"no column {name!r} to split by; {nearest(name, map(str, frame.columns))}")
    return frame[name]


def _whole_values(
    column: pd.Series[Any], by: str, holdout: int | float, seed: int, how: str | None
) -> NDArray[np.bool_]:
    """Return a mask of the held-out rows, which are all rows of some values of the column."""
    if blank := int(column.isna().sum()):
        raise TableError(
            f"column {by!r} has no value in {count_text(blank, 'row')}, so it cannot be said on which side they "
            "belong; drop or fill them first"
        )
    kind: Any = column.dtype
    is_category = isinstance(kind, pd.CategoricalDtype)
    # numbers, durations and dates have an order; ordered categories sort by theirs, plain ones and text by name
    has_order = kind.ordered if is_category else isinstance(kind, pd.PeriodDtype) or kind.kind in "iufcmM"
    codes, distinct = pd.factorize(column.cat.codes if is_category else column, sort=True)
    count, what = len(distinct), f"values of {by!r}"
    if not (how == "time" if how else has_order):
        return _drawn(count, holdout, seed, what)[codes]
    if holdout < 1:
        later = np.cumsum(np.bincount(codes, minlength=count)[::-1])  # rows in the last 1, 2, … values
        holdout = int(np.searchsorted(later, holdout * len(column) * (1 - 1e-12))) + 1
    _check_both_sides(count, holdout, what)
    return np.asarray(codes >= count - holdout)


def _drawn(count: int, holdout: int | float, seed: int, what: str) -> NDArray[np.bool_]:
    chosen = holdout if holdout >= 1 else max(1, round(holdout * count))
    _check_both_sides(count, chosen, what)
    return np.asarray(np.random.default_rng(seed).permutation(count) < chosen)


def _check_both_sides(count: int, chosen: int | float, what: str) -> None:
    if chosen >= count:
        raise TableError(
            f"holding out {chosen:,} of {count:,} {what} leaves nothing to learn from; hold out fewer"
            if count
            else "the table has no rows to split"
        )
