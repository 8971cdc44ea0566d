"""Relations: equations between the outputs of a law, their derivatives and known columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kanopt.errors import FitError, nearest

__all__ = ["Relation", "RelationState", "collocation", "observed"]

Derivative = Callable[[str, tuple[str, ...]], Tensor]


class RelationState:
    """The values a residual is computed from: inputs, known columns, outputs and derivatives, one entry per point.

    ``s["day"]`` is an input, an output or a known column; ``s.derivative("stock", "day")`` is the first derivative of
    an output by an input and ``s.derivative("u", "x", "y")`` a second one. All are float64 tensors of shape (points,).
    """

    def __init__(self, relation: str, columns: Mapping[str, Tensor], derivative: Derivative) -> None:
        self._relation = relation
        self._columns = columns
        self._derivative = derivative

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._columns:
            hint = nearest(str(name), self._columns)
            raise FitError(f"relation {self._relation!r}: no input, output or known column {name!r}; {hint}")
        return self._columns[name]

    def derivative(self, output: str, *inputs: str) -> Tensor:
        """Return the derivative of `output` by one input, or by two."""
        return self._derivative(output, inputs)


@dataclass(frozen=True, eq=False)
class Relation:
    """An equation that holds at given points: its residual is zero there.

    Parameters
    ----------
    name
        Name, used in messages.
    residual
        Function from a :class:`RelationState` to the residual of every point, a tensor of shape (points,), written with
        torch functions. The residual of a point depends only on that point.
    points
        Points where the equation holds: per input a column (n,) or one number for all, and any further known columns.
        Dates have to be converted to numbers.
    weight
        One number, or one per point. The loss is the sum of ``weight * residual**2`` over the points, so that with
        1 / tolerance² a residual equal to the tolerance costs 1.

    Raises
    ------
    FitError
        If the points are not numbers, not finite or of different lengths, or a weight is negative.

    Examples
    --------
    >>> balance = Relation(
    ...     "balance",
    ...     lambda s: s.derivative("stock", "day") - s["inflow"] + 40.0,
    ...     {"day": [0.0, 1.0, 2.0], "inflow": [50.0, 0.0, 50.0]},
    ... )
    >>> len(balance)
    3
    """

    name: str
    residual: Callable[[RelationState], Tensor]
    points: Mapping[str, ArrayLike]
    weight: ArrayLike = 1.0

    def __post_init__(self) -> None:
        if not callable(self.residual):
            raise FitError(f"relation {self.name!r}: the residual must be a function of a State")
        if not len(self):
            raise FitError(f"relation {self.name!r}: it has no points; give a column per input")
        if bool((self.weights < 0).any()):
            raise FitError(f"relation {self.name!r}: a weight is negative; weights must be 0 or more")

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def columns(self) -> dict[str, Tensor]:
        """Every column of the points, (n,), of float64."""
        return {name: column for name, column in self._arrays.items() if name}

    @cached_property
    def weights(self) -> Tensor:
        """One weight per point, (n,)."""
        return self._arrays[""]

    @cached_property
    def _arrays(self) -> dict[str, Tensor]:
        arrays = {name: self._array(name, self.points[name]) for name in self.points}
        arrays[""] = self._array("weight", self.weight)
        try:
            full = np.broadcast_arrays(*arrays.values())
        except ValueError as error:
            sizes = ", ".join(f"{name or 'weight'} {len(array)}" for name, array in arrays.items())
            raise FitError(f"relation {self.name!r}: columns of different lengths: {sizes}") from error
        return {name: torch.tensor(array) for name, array in zip(arrays, full, strict=True)}

    def _array(self, name: str, values: ArrayLike) -> np.ndarray:
        try:
            array = np.atleast_1d(np.asarray(values, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise FitError(f"relation {self.name!r}: column {name!r} is not numeric: {error}") from error
        if array.ndim != 1:
            raise FitError(f"relation {self.name!r}: column {name!r} has shape {array.shape}; give (points,)")
        if not np.isfinite(array).all():
            place = int(np.flatnonzero(~np.isfinite(array))[0])
            raise FitError(f"relation {self.name!r}: column {name!r} is {array[place]} at point {place}")
        return array

    def evaluate(self, state: RelationState, rows: int) -> Tensor:
        """Return the residual, (rows,); FitError where the function raises or returns anything else."""
        try:
            residual: object = self.residual(state)
        except FitError:
            raise
        except Exception as error:
            raise FitError(
                f"relation {self.name!r}: its residual raised {type(error).__name__}: {error}"
            ) from error
        if not isinstance(residual, Tensor):
            kind = type(residual).__name__
            raise FitError(f"relation {self.name!r}: its residual returned a {kind}; return a torch tensor")
        if residual.shape != (rows,):
            raise FitError(
                f"relation {self.name!r}: its residual returned shape {tuple(residual.shape)} for {rows} points; "
                f"return one number per point, shape ({rows},)"
            )
        return residual


def observed(
    output: str, points: Mapping[str, ArrayLike], values: ArrayLike, weight: ArrayLike = 1.0
) -> Relation:
    """Return the relation ``output = values`` at `points`: rows of data, initial and boundary values.

    Examples
    --------
    >>> counts = observed("stock", {"day": [0.0, 7.0]}, [400.0, 310.0], weight=1 / 20.0**2)
    >>> counts.name, len(counts)
    ('observed stock', 2)
    """
    name = f"observed {output}"
    return Relation(name, lambda s: s[output] - s[name], {**points, name: values}, weight)


def collocation(ranges: Mapping[str, tuple[float, float]], cells: int) -> dict[str, np.ndarray]:
    """Return points for a relation: all combinations of two Gauss points in each of `cells` equal cells.

    There the second derivative of a cubic spline with these cells is most accurate, one order better than elsewhere
    (collocation at Gaussian points, de Boor and Swartz 1973, SIAM J. Numer. Anal. 10). Points only at the knots are a
    poor choice: they leave the residual between the knots unconstrained.

    Parameters
    ----------
    ranges
        Range of every feature.
    cells
        Cells per feature, ideally the intervals of the finest grid, ``grid_size * 2**refinements``.

    Returns
    -------
    dict of ndarray
        One column per feature, with (2 cells) ** features points.

    Raises
    ------
    FitError
        If a range is invalid, or `cells` is not a positive integer.

    Examples
    --------
    >>> collocation({"day": (0.0, 6.0)}, cells=1)["day"].round(3).tolist()
    [1.268, 4.732]
    """
    if not is_count(cells, 1):
        raise FitError(f"collocation: cells={cells!r}; write a whole number, 1 or more")
    for name, ends in ranges.items():
        if not _is_range(ends):
            raise FitError(f"collocation: {name!r} ranges over {ends!r}; write (low, high) with low < high")
    offsets = np.array([-1.0, 1.0]) / np.sqrt(12.0)
    shares = (np.arange(cells)[:, None] + 0.5 + offsets).ravel() / cells
    axes = [low + (high - low) * shares for low, high in ranges.values()]
    grid = np.meshgrid(*axes, indexing="ij")
    return {name: column.ravel() for name, column in zip(ranges, grid, strict=True)}


def is_count(value: object, least: int) -> bool:
    """Return whether `value` is an integer of at least `least`."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least


def _is_range(ends: object) -> bool:
    try:
        low, high = np.asarray(ends, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return bool(-np.inf < low < high < np.inf)
