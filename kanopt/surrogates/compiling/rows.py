"""The columns of a table as a prior reads them, and those besides that only a correction can read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas import Formula, Variable, category_label
from kanopt.formulas.columns import read_columns
from kanopt.formulas.pieces import gap_inputs
from kanopt.surrogates.encoding import Feature, encoding_of
from kanopt.surrogates.text_columns import refuse_identifiers, refuse_numbers_as_text
from kanopt.tables import units_of

__all__ = ["columns_of", "frame_of", "inputs_of", "variables_of"]


def inputs_of(prior: Formula) -> tuple[str, ...]:
    """Return the inputs that a prior reads, in the order in which it declares them."""
    return tuple(variable.name for variable in prior.inputs if variable.name in prior.used)


def frame_of(X: Any, names: tuple[str, ...]) -> pd.DataFrame:
    """Return `X` as a frame; the columns of an array are the inputs, in their order.

    Raises
    ------
    FitError
        Where an array has another number of columns.
    """
    if isinstance(X, pd.DataFrame):
        return X
    array = np.asarray(X)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise FitError(
            f"X has the shape {array.shape}, and the law reads {len(names)} columns, {', '.join(map(repr, names))}; "
            "pass a frame with these columns"
        )
    return pd.DataFrame(array, columns=list(names))


def columns_of(frame: pd.DataFrame, prior: Formula, *, extra: bool) -> dict[str, NDArray[Any]]:
    """Return the columns by name: numbers as float64, those of the prior in its units; categories as text.

    Parameters
    ----------
    frame
        The rows.
    extra
        Whether columns may be there that the prior does not read.

    Raises
    ------
    FormulaError
        Where an input of the prior is missing or has gaps.
    FitError
        Where another column is neither number nor category, has gaps, or does not vary.
    """
    named = frame.set_axis([str(name) for name in frame.columns], axis=1)
    named.attrs = frame.attrs
    known = read_columns(prior.inputs, named, prior.used, gap_inputs(prior.root))
    columns = {name: known[name] for name in inputs_of(prior)}
    others = [name for name in named.columns if name not in columns]
    if not extra and others:
        raise FitError(
            f"the network of the prior has no place for column {others[0]!r}; leave it out, or use refine='correction'"
        )
    if others:
        refuse_numbers_as_text(named[others])
        refuse_identifiers(named[others])
        for feature in encoding_of(named[others]).features:
            columns[feature.name] = _values(named[feature.name], feature)
    return columns


def _values(column: pd.Series[Any], feature: Feature) -> NDArray[Any]:
    if feature.is_numeric:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.array([category_label(value) for value in column], dtype=object)


def variables_of(
    frame: pd.DataFrame, prior: Formula, columns: dict[str, NDArray[Any]]
) -> tuple[Variable, ...]:
    """Return the inputs of the prior as it declares them, and a variable for every other column."""
    units = units_of(frame)
    known = {variable.name for variable in prior.inputs}
    others = [
        Variable(name, kind="category") if values.dtype == object else Variable(name, units.get(name, ""))
        for name, values in columns.items()
        if name not in known
    ]
    return (*prior.inputs, *others)
