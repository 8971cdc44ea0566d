"""Convert the user's columns to arrays, and evaluate the graph of a formula on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, UnitError, nearest
from kanopt.formulas.nodes import Node, computed
from kanopt.formulas.variables import Variable, category_label
from kanopt.text import count_text, list_names
from kanopt.units import convert
from kanopt.validation import float_array

GAP = "missing"
"""The category that stands for a gap in laws fitted with ``missing="indicator"``."""
SUFFIX = "_missing"

_EDGE = 1e-9
_SHOWN = 12
_NUMERIC = {"floating", "integer", "mixed-integer-float", "decimal", "boolean", "empty"}


def read_columns(
    inputs: Sequence[Variable],
    data: Any,
    required: frozenset[str],
    gaps: frozenset[str] = frozenset(),
) -> dict[str, NDArray[Any]]:
    """Read a formula's inputs from a frame or a mapping.

    Parameters
    ----------
    inputs
        The inputs; numbers are returned as float64, categories as text in object arrays.
    data
        A DataFrame, or a mapping of name to number, text or array of any shape.
    required
        Names of the required inputs; the others are read if present.
    gaps
        Names of the categories in which a missing value becomes the label "missing".

    Raises
    ------
    FormulaError
        If an input is missing (suggests the nearest name), is not numeric, or has missing values.
    """
    columns: dict[str, NDArray[Any]] = {}
    names = {variable.name for variable in inputs}
    absent = [v.name for v in inputs if v.name in required and v.name not in data]
    if absent:
        raise FormulaError(_missing_inputs(absent, names, [str(name) for name in data]))
    for variable in inputs:
        if variable.name in data:
            try:
                columns[variable.name] = _column(variable, data, filled=variable.name in gaps)
            except _GapsError as error:
                advice = _advice(variable.name) if indicator_name(variable.name) in names else ""
                raise FormulaError(f"{error}{advice}") from None
    return columns


def _missing_inputs(absent: Sequence[str], names: Collection[str], given: Sequence[str]) -> str:
    """Return a message that lists missing inputs and the given columns."""
    stems = [name.removesuffix(SUFFIX) for name in absent if name.endswith(SUFFIX)]
    advice = next((_advice(stem) for stem in stems if stem in names), "")
    if len(absent) == 1:
        return f"input {absent[0]!r} is missing; {nearest(absent[0], given, 'given')}{advice}"
    listed, there = list_names(absent, _SHOWN), list_names(given, _SHOWN)
    return f"inputs {listed} are missing; given: {there or 'none'}{advice}"


class _GapsError(FormulaError):
    """An error about missing values, to which advice may be added."""


def indicator_name(column: str) -> str:
    """Return the name of the indicator input for missing values of a column."""
    return f"{column}{SUFFIX}"


def _advice(name: str) -> str:
    """Return advice on missing numbers for a law that was fitted with ``missing="indicator"``."""
    return (
        f". The law knows gaps: where {name!r} is missing it wants 'yes' in {indicator_name(name)!r}, elsewhere 'no', "
        f"and in {name!r} the median of the rows it was fitted to; "
        "kanopt.surrogates.missing.MissingIndicators.of(fitted_rows).filled(data) writes both"
    )


def _column(variable: Variable, data: Any, *, filled: bool) -> NDArray[Any]:
    values = _converted(variable, data)
    return _labels(variable, values, filled=filled) if variable.is_category else _numbers(variable, values)


def _converted(variable: Variable, data: Any) -> Any:
    """Return the column, converted if the frame declares another unit than the formula."""
    values = data[variable.name]
    declared = getattr(data, "attrs", {}).get("kanopt", {}).get("units", {}).get(variable.name, "")
    if not declared or not variable.unit or declared == variable.unit:
        return values
    try:
        return convert(_numbers(variable, values), declared, variable.unit)
    except UnitError as error:
        raise FormulaError(f"input {variable.name!r}: {error}") from error


def _numbers(variable: Variable, values: Any) -> Floats:
    raw = _array(variable, values)
    if raw.dtype.kind == "O":
        import pandas as pd

        found = pd.api.types.infer_dtype(raw.ravel(), skipna=True)
        if found not in _NUMERIC:
            raise FormulaError(
                f"input {variable.name!r} is a number, but the data hold {found}: {_example(raw)}"
            )
    elif raw.dtype.kind not in "fiub":
        raise FormulaError(
            f"input {variable.name!r} is a number, but the data are {raw.dtype}: {_example(raw)}"
        )
    try:
        numbers = np.array(float_array(raw))
    except ValueError as error:
        raise FormulaError(f"input {variable.name!r}: {error}") from None
    _refuse_gaps(variable, np.isnan(numbers))
    return numbers


def _array(variable: Variable, values: Any) -> NDArray[Any]:
    if _is_nullable(values):
        # pandas' own missing value needs to be told what it is as a float
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    try:
        return np.asarray(values)
    except ValueError as error:
        raise FormulaError(f"input {variable.name!r}: {error}") from None


def _labels(variable: Variable, values: Any, *, filled: bool) -> NDArray[Any]:
    import pandas as pd

    raw = np.asarray(values, dtype=object)
    codes, found = pd.factorize(raw.ravel())
    if not filled:
        _refuse_gaps(variable, codes.reshape(raw.shape) < 0)
    # the code of a gap is −1, the place of the last label
    labels = np.array([*(category_label(value) for value in found), GAP], dtype=object)
    return labels[codes].reshape(raw.shape)


def _is_nullable(values: Any) -> bool:
    dtype = getattr(values, "dtype", None)
    return (
        hasattr(values, "to_numpy")
        and not isinstance(dtype, np.dtype)
        and getattr(dtype, "kind", "O") in "fiub"
    )


def _example(raw: NDArray[Any]) -> str:
    texts = [value for value in raw.ravel().tolist() if isinstance(value, str)]
    return repr(texts[0] if texts else raw.ravel()[0]) if raw.size else "nothing"


def _refuse_gaps(variable: Variable, gaps: NDArray[np.bool_]) -> None:
    if gaps.any():
        first = int(np.argmax(gaps))
        raise _GapsError(
            f"input {variable.name!r} has {count_text(int(gaps.sum()), 'missing value')} of {gaps.size:,}, the first "
            f"at position {first}; drop or fill those rows"
        )


def common_shape(columns: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
    """Return the shape to which all columns broadcast.

    Raises
    ------
    FormulaError
        If they do not; names the shapes.
    """
    try:
        return np.broadcast_shapes(*(values.shape for values in columns.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in columns.items())
        raise FormulaError(f"the inputs do not broadcast against each other: {shapes}") from None


def in_bounds(values: Floats, low: float | None, high: float | None) -> NDArray[np.bool_]:
    """Return a mask of values within two bounds, None for no bound, with a relative tolerance of 1e-9."""
    slack = _EDGE * max((abs(bound) for bound in (low, high) if bound is not None), default=0.0)
    above = np.True_ if low is None else values >= low - slack
    below = np.True_ if high is None else values <= high + slack
    return np.broadcast_to(above & below, values.shape)


def describe_place(columns: Mapping[str, NDArray[Any]], where: NDArray[np.bool_]) -> str:
    """Return the inputs at the first true element of `where`, as ``distance_km=0, hour=7``."""
    place = np.unravel_index(int(np.argmax(where)), where.shape)
    found = {name: np.broadcast_to(values, where.shape)[place] for name, values in columns.items()}
    return ", ".join(f"{n}={v:.6g}" if isinstance(v, float) else f"{n}={str(v)!r}" for n, v in found.items())


def evaluate_graph(root: Node, columns: Mapping[str, NDArray[Any]], what: str) -> Floats:
    """Return the value of a graph in the shape to which the columns broadcast, as a new array.

    Raises
    ------
    FormulaError
        If it is not finite where all inputs are; begins with `what` and names the first place.
    """
    shape = common_shape(columns)
    value = computed(root, columns)
    # a view, such as of a broadcast input, is not the caller's to write on
    fresh = value.shape == shape and value.flags.owndata
    result = value if fresh else np.array(np.broadcast_to(value, shape))
    wrong = ~np.isfinite(result)
    if wrong.any():
        for values in columns.values():
            if values.dtype != object:
                wrong = wrong & np.isfinite(values)
        if wrong.any():
            raise FormulaError(
                f"{what} has no finite value where {describe_place(columns, wrong)} "
                f"({int(wrong.sum()):,} of {wrong.size:,} places)"
            )
    return result
