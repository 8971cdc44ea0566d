"""Encode the columns of a table as the numbers and category codes of a network.

Numbers are divided by a power of ten, or their logarithm is taken, but never centred: a centred power law is no longer
a power law. Periodic numbers are divided by their period. Categories become codes in the order of
:attr:`Feature.categories`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError, nearest
from kanopt.faults import shown
from kanopt.text import list_names, number_text

Category = str | int | float | bool

LEAST_ROWS = 5
"""Rows that a law needs."""
LARGEST = 1e60
"""Largest size of a number in a table: variances of squared errors take it to the fourth power."""
LARGEST_FLOAT = float(np.finfo(np.float64).max)
SMALLEST = float(np.finfo(np.float64).tiny)
"""Least scale: the power of ten below a smaller number can be zero."""
LOG_DECIMALS = 11
"""Decimals of a logarithm that every processor finds."""


@dataclass(frozen=True)
class Feature:
    """The encoding of one column.

    Parameters
    ----------
    name
        Name of the column.
    kind
        ``"number"``, ``"cycle"`` (a periodic number) or ``"category"``.
    log, scale
        A number x is encoded as ``x / scale``, or as ``log(x / scale)`` if `log` is set. For a cycle the scale is the
        period.
    low, high
        Smallest and largest value in the training rows, in the units of the column; 0 for categories.
    categories
        Known values of a category, in the order of the tables of the network's first layer.
    taken_for
        Pairs of a value of too few rows to be learned from, and the known one it is taken for, see
        :mod:`kanopt.surrogates.categories`.
    """

    name: str
    kind: Literal["number", "cycle", "category"]
    log: bool = False
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0
    categories: tuple[Category, ...] = ()
    taken_for: tuple[tuple[Category, Category], ...] = ()

    def encode(self, values: Floats, index: pd.Index[Any] | None = None) -> Floats:
        """Return the network inputs for `values` of a number; `index` labels their rows in messages.

        Examples
        --------
        >>> Feature("load_t", "number", scale=10.0, high=24.0).encode(np.array([5.0, 24.0]))
        array([0.5, 2.4])
        """
        scaled = values / self.scale
        if not self.log:
            return scaled
        if len(scaled) and scaled.min() <= 0.0:
            row = int(scaled.argmin())
            raise FitError(
                f"column {self.name!r}: the model takes the logarithm of this column, which {row_name(index, row)} "
                f"({number_text(values[row], 6)}) does not have; leave the row out, or fit with log_features=[]"
            )
        return round_logs(np.log(scaled))

    def decode(self, encoded: Floats) -> Floats:
        """Undo :meth:`encode`."""
        return (np.exp(encoded) if self.log else encoded) * self.scale

    @property
    def is_numeric(self) -> bool:
        """Whether the column holds numbers, periodic or not."""
        return self.kind != "category"

    @property
    def bounds(self) -> tuple[float, float]:
        """Range of the encoded number over the training rows."""
        low, high = self.encode(np.array([self.low, self.high]))
        return float(low), float(high)


@dataclass(frozen=True)
class FeatureEncoding:
    """The encoding of all columns of a model, in the order of the table.

    The inputs of the network are the numbers, then the cycles, then the categories, each in the order of the table.

    Examples
    --------
    >>> frame = pd.DataFrame({"km": [10.0, 20.0], "mode": ["road", "rail"]})
    >>> encoding_of(frame).transform(frame).tolist()
    [[1.0, 1.0], [2.0, 0.0]]
    """

    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(feature.name for feature in self.features)

    @property
    def numbers(self) -> tuple[Feature, ...]:
        """The numeric features that are not periodic."""
        return tuple(feature for feature in self.features if feature.kind == "number")

    @property
    def periodic(self) -> tuple[Feature, ...]:
        """The periodic features."""
        return tuple(feature for feature in self.features if feature.kind == "cycle")

    @property
    def numeric(self) -> tuple[Feature, ...]:
        """Numbers, then cycles: the columns of the network's numeric input."""
        return (*self.numbers, *self.periodic)

    @property
    def inputs(self) -> tuple[Feature, ...]:
        """All features in the order of the network's first layer."""
        return (*self.numeric, *self.categories)

    @property
    def categories(self) -> tuple[Feature, ...]:
        """The categorical features."""
        return tuple(feature for feature in self.features if feature.kind == "category")

    def with_logs(self, logs: Sequence[bool]) -> FeatureEncoding:
        """Return the encoding with logarithms as flagged, one flag per number without cycles."""
        flags = iter(logs)
        features = []
        for feature in self.features:
            if feature.kind == "number":
                flag = bool(next(flags))
                scale = 1.0 if flag else _power_of_ten(feature.low, feature.high)
                feature = replace(feature, log=flag, scale=scale)
            features.append(feature)
        return FeatureEncoding(tuple(features))

    def with_periods(self, periods: Mapping[str, float]) -> FeatureEncoding:
        """Return the encoding with numbers made periodic, `periods` by name."""
        features = [
            replace(feature, kind="cycle", scale=float(periods[feature.name]))
            if feature.name in periods
            else feature
            for feature in self.features
        ]
        return FeatureEncoding(tuple(features))

    def encode_numbers(self, values: Floats, index: pd.Index[Any] | None = None) -> Floats:
        """Encode a matrix of the numeric columns, numbers and then cycles, shape (n, numeric)."""
        columns = [feature.encode(values[:, i], index) for i, feature in enumerate(self.numeric)]
        return np.column_stack([np.zeros((len(values), 0)), *columns])

    def split(self, frame: pd.DataFrame, *, pooled: bool = False) -> tuple[Floats, Integers]:
        """Return the unencoded numeric columns, numbers and then cycles, and the codes of the categories.

        With `pooled` the code of a category that was not seen in training is −1.

        Raises
        ------
        FitError
            For missing or infinite values, text among numbers, and categories not seen in training.
        """
        column = {id(feature): frame.iloc[:, place] for place, feature in enumerate(self.features)}
        numbers = [_numbers(column[id(feature)], feature) for feature in self.numeric]
        codes = [_codes(column[id(feature)], feature, pooled) for feature in self.categories]
        none = np.zeros((len(frame), 0))
        return (
            np.column_stack([none, *numbers]),
            np.column_stack([none.astype(np.int64), *codes]),
        )

    def transform(self, frame: pd.DataFrame, *, pooled: bool = False) -> Floats:
        """Return the inputs of the network, (n, inputs): encoded numbers, then category codes; see :meth:`split`."""
        numbers, codes = self.split(frame, pooled=pooled)
        return np.hstack([self.encode_numbers(numbers, frame.index), codes])


def encoding_of(frame: pd.DataFrame) -> FeatureEncoding:
    """Infer the kind of each column of a table, and its range or its categories, without logarithms.

    Raises
    ------
    FitError
        For a table without columns, and for a column that is constant, holds dates or mixed types, or has missing
        values.
    """
    if not len(frame.columns):
        raise FitError("the table has no columns to learn from; pass at least one")
    return FeatureEncoding(
        tuple(_feature(str(name), frame.iloc[:, i]) for i, name in enumerate(frame.columns))
    )


def row_name(index: pd.Index[Any] | None, place: int) -> str:
    """Return the name of a row in messages: its label if the table has labels.

    Examples
    --------
    >>> row_name(pd.Index(["T7", "T9"]), 1), row_name(pd.RangeIndex(5), 3), row_name(None, 3)
    ("row 'T9'", 'row 3', 'row 3')
    """
    label = place if index is None else index[place]
    return f"row {label!r}" if isinstance(label, str) else f"row {label}"


def check_numbers(values: Floats, what: str, index: pd.Index[Any] | None = None) -> None:
    """Raise a FitError that names `what`, the first row and the count if a value is NaN, infinite or too large.

    `index` labels the rows.
    """
    bad = ~np.isfinite(values)
    if not bad.any():
        huge = np.abs(values) > LARGEST
        if huge.any():
            row = int(huge.argmax())
            raise FitError(
                f"{what}: {row_name(index, row)} holds {number_text(values[row], 6)}; powers of numbers beyond "
                f"{number_text(LARGEST)} overflow. Use a larger unit, or leave the row out"
            )
        return
    missing = int(np.isnan(values).sum())
    infinite = int(bad.sum()) - missing
    first = row_name(index, int(bad.argmax()))
    found = [f"{missing} missing (NaN)"] * (missing > 0) + [f"{infinite} infinite (inf)"] * (infinite > 0)
    raise FitError(
        f"{what}: {' and '.join(found)} of {len(values)} values, the first in {first}; drop these rows or fill them in "
        "before fitting"
    )


def _feature(name: str, column: pd.Series[Any]) -> Feature:
    low = high = 0.0
    if numeric := is_number(column):
        values = _numbers(column, Feature(name, "number"))
        low, high = float(values.min()), float(values.max())
        known = [low, high] if high > low else [low]
    else:
        _refuse_missing(column, name)
        try:
            known = list(pd.unique(column.astype(object)))
        except TypeError as error:
            raise FitError(
                f"column {name!r} holds values that are neither numbers nor categories ({error}); derive numbers or "
                "text from them"
            ) from error
        known = [value.item() if isinstance(value, np.generic) else value for value in known]
    odd = next((value for value in known if not isinstance(value, (str, bool, int, float))), None)
    if odd is not None or pd.api.types.is_datetime64_any_dtype(column):
        raise FitError(
            f"column {name!r} holds {type(known[0] if odd is None else odd).__name__} values, which are "
            "neither numbers nor categories; derive numbers from them (hour, weekday, month) or turn them "
            "into text"
        )
    if len(known) < 2:
        value = number_text(low, 6) if numeric else repr(known[0])
        raise FitError(
            f"column {name!r} is constant ({value} in all {len(column)} rows), so no effect of it can be learned; "
            "leave the column out"
        )
    if numeric:
        return Feature(name, "number", scale=_power_of_ten(low, high), low=low, high=high)
    ordered = sorted(known, key=lambda value: (type(value).__name__, value))
    return Feature(name, "category", categories=tuple(ordered))


def is_number(column: pd.Series[Any]) -> bool:
    """Return whether a column is numeric, also with object dtype, and not categorical or boolean."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    if column.dtype != object:
        return False
    kind = pd.api.types.infer_dtype(column, skipna=True)
    return kind in {"integer", "floating", "mixed-integer-float", "decimal"}


def _numbers(column: pd.Series[Any], feature: Feature) -> Floats:
    what = f"column {feature.name!r}"
    if not len(column):
        return np.zeros(0)
    if pd.api.types.is_complex_dtype(column):
        raise FitError(f"{what} holds complex numbers; use their real parts, or sizes and angles")
    if not is_number(column) and not pd.api.types.is_bool_dtype(column):
        pairs = zip(column, column.notna(), strict=True)
        odd = [known and not isinstance(value, (int, float, np.number)) for value, known in pairs]
        row = odd.index(True) if True in odd else 0
        raise FitError(
            f"{what} was a number in training; {row_name(column.index, row)} now holds {column.iloc[row]!r}; "
            "convert the column to numbers first"
        )
    try:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:
        row = next(k for k, each in enumerate(column) if isinstance(each, int) and abs(each) > LARGEST_FLOAT)
        raise FitError(
            f"{what}: {row_name(column.index, row)} holds {shown(column.iloc[row])}, larger than any floating-point "
            "number; use a larger unit, or leave the row out"
        ) from None
    check_numbers(values, what, column.index)
    return values


def _codes(column: pd.Series[Any], feature: Feature, pooled: bool) -> Integers:
    _refuse_missing(column, feature.name)
    index = {value: code for code, value in enumerate(feature.categories)}
    index |= {rare: index[known] for rare, known in feature.taken_for}
    try:
        codes = column.astype(object).map(index)
    except TypeError as error:
        raise FitError(
            f"column {feature.name!r} was a category in training and now holds something that is none ({error})"
        ) from error
    unseen = codes.isna().to_numpy()
    if unseen.any() and not pooled:
        values = [str(value) for value in pd.unique(column.astype(object)[unseen])]
        found = nearest(values[0], [str(value) for value in feature.categories])
        hint = f" ({found})" if found.startswith("did you mean") else f"; {found}"
        where = f"first in {row_name(column.index, int(unseen.argmax()))}"
        raise FitError(
            f"column {feature.name!r}: {list_names(values)} ({where}) did not occur "
            f"in training, so nothing is known about it{hint}. Pool rare values into one before fitting, or split "
            f"the rows with keep=[{feature.name!r}], which leaves one of every value to the training rows; or take "
            "the mean over the known ones, predict(..., unseen='pooled') or to_formula(..., unseen='pooled')"
        )
    return np.asarray(codes.fillna(-1), dtype=np.int64)


def _refuse_missing(column: pd.Series[Any], name: str) -> None:
    missing = column.isna().to_numpy()
    if missing.any():
        raise FitError(
            f"column {name!r}: {int(missing.sum())} missing (NaN) of {len(column)} values, the first in "
            f"{row_name(column.index, int(missing.argmax()))}; drop these rows or give them a category of their own"
        )


def round_logs(values: Floats) -> Floats:
    """Round logarithms, whose last digits differ from processor to processor.

    Examples
    --------
    >>> round_logs(np.array([0.1 + 0.2])).tolist()
    [0.3]
    """
    return np.asarray(np.round(values, LOG_DECIMALS))


def _power_of_ten(low: float, high: float) -> float:
    largest = max(abs(low), abs(high))
    return max(float(10.0 ** np.floor(np.log10(largest))), SMALLEST) if largest > 0 else 1.0
