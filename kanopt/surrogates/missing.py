"""Missing values as information: an indicator column for every column with missing values.

A missing number is replaced by the column's median, and an additional column ``<name>_missing`` is "yes" there: the law
has the effect of the number where it is known, and a constant where it is not (Little and Rubin 2002, section 3.3). A
missing category becomes a separate category, "missing".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.surrogates.conformal import weighted_quantile
from kanopt.surrogates.encoding import is_number

GAP = "missing"
SUFFIX = "_missing"


@dataclass(frozen=True)
class MissingIndicators:
    """The replacements of missing values.

    Parameters
    ----------
    fills
        Replacement by column: a number for a number, "missing" for a category.

    Examples
    --------
    >>> table = pd.DataFrame({"km": [1.0, None, 3.0], "mode": ["road", "rail", None]})
    >>> MissingIndicators.from_frame(table).transform(table)["km_missing"].tolist()
    ['no', 'yes', 'no']
    """

    fills: Mapping[str, float | str]

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, weights: NDArray[np.float64] | None = None) -> MissingIndicators:
        """Find missing values in the training rows; a row of weight k counts as k rows in a median.

        Raises
        ------
        FitError
            If a column has no values at all, or the name of an indicator is in use.
        """
        weights = np.ones(len(frame)) if weights is None else weights
        fills: dict[str, float | str] = {}
        for name in frame.columns[frame.isna().any()]:
            column = frame[name]
            if column.isna().all():
                raise FitError(
                    f"column {str(name)!r} has no values in any of {len(frame)} rows; leave the column out"
                )
            if is_number(column):
                known = column.notna().to_numpy()
                values = column[known].to_numpy(dtype=np.float64)
                fills[str(name)] = weighted_quantile(values, weights[known], 0.5)
                taken = indicator_name(str(name))
                if taken in frame.columns:
                    raise FitError(
                        f"column {taken!r} is in the table, and missing='indicator' needs this name for the gaps of "
                        f"{str(name)!r}; rename it"
                    )
            else:
                fills[str(name)] = GAP
        return cls(fills)

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with missing values of the known columns replaced, and indicators appended."""
        columns = {str(name): frame[name] for name in frame.columns}
        indicators: dict[str, pd.Series[str]] = {}
        for name, fill in self.fills.items():
            column = columns[name]
            gaps = column.isna()
            if isinstance(fill, str):
                columns[name] = column.astype(object).where(~gaps, fill)
            else:
                # What is no number stays as it is: the encoding says which cell, and what to do.
                numeric = is_number(column) or pd.api.types.is_bool_dtype(column) or bool(gaps.all())
                filled = column.astype(object).where(~gaps, fill)
                columns[name] = filled.astype(float) if numeric else filled
                indicators[indicator_name(name)] = gaps.map({True: "yes", False: "no"})
        return pd.DataFrame({**columns, **indicators}, index=frame.index)


def indicator_name(column: str) -> str:
    """Return the name of the indicator of missing values in `column`."""
    return f"{column}{SUFFIX}"


def indicators_of(missing: Any, frame: pd.DataFrame, weights: NDArray[np.float64]) -> MissingIndicators:
    """Return the missing-value indicators of a frame."""
    if not isinstance(missing, str) or missing not in ("error", "indicator"):
        raise FitError(f"missing={missing!r} is unknown; use 'error' or 'indicator'")
    return MissingIndicators({}) if missing == "error" else MissingIndicators.from_frame(frame, weights)
