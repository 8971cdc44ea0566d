"""The rows a law is learned from, and those it is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanopt.text import list_names
from kanopt.whatif.scenario_files.spec import LearnedSpec

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import VerdictReason


def named_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its rows called as they are in its file, whatever was left out, for messages."""
    from kanopt.tables.report import rows_in_source

    rows = rows_in_source(frame)
    return frame if rows is None else frame.set_axis(rows, axis="index")


def complete_rows(spec: LearnedSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a value in every column the law needs."""
    others = [name for name in (spec.holdout.by, spec.groups) if name is not None]
    wanted = list(dict.fromkeys([spec.target, *spec.features, *others]))
    return frame.loc[frame[wanted].notna().all(axis="columns")]


def split_rows(spec: LearnedSpec, frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide rows into those to learn from and those held out.

    A category that only held-out rows have cannot be predicted. Of rows drawn at random, one with it is learned from;
    of whole weeks or groups, its rows judge nothing, see :func:`unseen_rows`. Where rows of a group share an error, a
    share of the rows is one of whole groups: a row tells of the others.

    Raises
    ------
    TableError
        If either side would be empty.
    """
    from kanopt.tables import split

    held = spec.holdout
    amount: Any = held.share if held.last is None else held.last
    if held.by is None and spec.groups is not None:
        return split(frame, by=spec.groups, holdout=amount, seed=seed, how="group")
    keep = _categories(spec, frame) if held.by is None else []
    return split(frame, by=held.by, holdout=amount, seed=seed, keep=keep)


def with_groups(
    spec: LearnedSpec, frame: pd.DataFrame, seed: int
) -> tuple[LearnedSpec, tuple[VerdictReason, ...]]:
    """Return a law with the groups that its rows share errors in, where only the table tells of them.

    Rows that would be drawn at random are then held out by whole groups. Where the file says how rows are held out, the
    column is only told, as a reason of the verdict; so is a drift along rows that are drawn at random.

    Parameters
    ----------
    spec
        The law.
    frame
        Rows that have a value in every column it needs, in their order, with all columns of the table.
    seed
        For the quick fit whose errors are looked at.
    """
    from kanopt.surrogates.audit import leaks, sharing
    from kanopt.surrogates.cleaning import quick_residuals

    if spec.groups is not None or not len(frame) > 0:
        return spec, ()
    drawn = spec.holdout.by is None
    others = [str(name) for name in frame.columns if name not in (spec.target, *spec.features)]
    # rows with one value of a rounded target share its errors, and are no group
    once_more = {
        name for told in leaks(frame, spec.target, others) if told.level == "weak" for name in told.columns
    }
    others = [name for name in others if name not in once_more]
    left = quick_residuals(frame, spec.target, spec.features, seed=seed)
    found = sharing(frame, left, others, ordered=drawn)
    by = found[0].columns if found else ()
    return (spec.model_copy(update={"groups": by[0]}), found) if by and drawn else (spec, found)


def some_held_out_rows(spec: LearnedSpec, frame: pd.DataFrame, seed: int, count: int) -> pd.DataFrame:
    """Return some of the rows that a law was judged by, its features and its target; to be looked at."""
    rows = complete_rows(spec, frame)
    _, test = split_rows(with_groups(spec, rows, seed)[0], rows, seed)
    wanted = list(dict.fromkeys([*spec.features, spec.target]))
    return test[wanted].sample(min(count, len(test)), random_state=seed)


def unseen_rows(spec: LearnedSpec, train: pd.DataFrame, test: pd.DataFrame) -> pd.Series[bool]:
    """Return a mask of the held-out rows with a category that no training row has.

    Raises
    ------
    TableError
        If that are all of them.
    """
    import pandas as pd

    from kanopt.errors import TableError

    mask = pd.Series(False, index=test.index)
    for name in _categories(spec, test):
        mask |= ~test[name].isin(train[name].unique())
    if mask.all():
        raise TableError(
            f"every held-out row has a category ({list_names(_categories(spec, test))}) that no training row has, so "
            "that nothing is left to judge the law by; hold out other rows"
        )
    return mask


def _categories(spec: LearnedSpec, frame: pd.DataFrame) -> list[str]:
    from pandas.api.types import is_numeric_dtype

    return [name for name in spec.features if not is_numeric_dtype(frame[name].dtype)]
