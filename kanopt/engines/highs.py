"""Linear models with whole-number variables, solved by HiGHS in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.engines.base import Termination, asks_to_stop
from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.plans.result import Progress
from kanopt.text import number_text
from kanopt.worker import run_worker

# Blocks of variables and rows of a linear model, as arrays.


@dataclass(frozen=True, eq=False)
class VariableBlock:
    """Variables of one sort: which cells of an array they are, and where they start."""

    cells: tuple[Indices, ...]
    shape: tuple[int, ...]
    start: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_], start: int) -> VariableBlock:
        """Return variables for the cells of a mask, the first one at `start`."""
        return cls(np.nonzero(mask), mask.shape, start)

    @property
    def stop(self) -> int:
        """Where the next block starts."""
        return self.start + len(self.cells[0])

    @property
    def columns(self) -> Indices:
        """Places of the variables among all."""
        return np.arange(self.start, self.stop, dtype=np.intp)

    def to_array(self, point: Floats) -> Floats:
        """Return the part of a point that belongs here as a full array."""
        full = np.zeros(self.shape)
        full[self.cells] = point[self.start : self.stop]
        return full

    def column_of(self) -> Indices:
        """Return the variable of each cell; -1 where there is none."""
        full = np.full(self.shape, -1, dtype=np.intp)
        full[self.cells] = self.columns
        return full


class RowCollector:
    """Collects the rows of a model."""

    def __init__(self) -> None:
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.entries: list[tuple[Indices, Indices, Floats]] = []
        self.count = 0

    def add(self, lower: Floats, upper: Floats) -> int:
        """Open one row for each bound given; return the first."""
        start = self.count
        self.lower.append(np.ravel(lower).astype(float))
        self.upper.append(np.ravel(upper).astype(float))
        self.count += self.lower[-1].size
        return start

    def put(self, rows: Indices, columns: Indices, values: Floats | float) -> None:
        """Write entries; a column of -1 is left out."""
        there = columns >= 0
        spread = np.broadcast_to(np.asarray(values, dtype=float), columns.shape)
        self.entries.append((rows[there], columns[there], spread[there]))

    @property
    def matrix(self) -> tuple[Indices, Indices, Floats]:
        """All entries: rows, columns, values."""
        rows, columns, values = zip(*self.entries, strict=True)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)


TOLERANCE = 1e-9
"""By how much HiGHS may miss a row or a whole number."""
GAP = 1e-6
"""Relative gap at which HiGHS calls a plan optimal."""
_SMALLEST = 1e-9
GRACE = 10.0
_SCRIPT = Path(__file__).with_name("highs_child.py")


@dataclass(frozen=True, eq=False)
class MixedIntegerModel:
    """Minimise ``cost · x`` subject to ``row_lower ≤ A x ≤ row_upper`` and ``lower ≤ x ≤ upper``.

    Parameters
    ----------
    cost, lower, upper
        Shape (n,).
    integer
        Which variables are whole numbers, shape (n,).
    rows, columns, values
        The non-zero entries of A, each place at most once, shape (k,).
    row_lower, row_upper
        Shape (m,).
    """

    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: Floats
    row_lower: Floats
    row_upper: Floats

    @property
    def effective_cost(self) -> Floats:
        """The cost that HiGHS sees: coefficients too small for it are zero."""
        return np.where(np.abs(self.cost) < _SMALLEST, 0.0, self.cost)

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays by name, without the coefficients that HiGHS would refuse as too small."""
        kept = np.abs(self.values) >= _SMALLEST
        entries = {name: getattr(self, name)[kept] for name in ("rows", "columns", "values")}
        return {**vars(self), **entries, "cost": self.effective_cost}


@dataclass(frozen=True)
class HighsOptions:
    """How long and from where to search.

    Parameters
    ----------
    time_limit
        Wall seconds.
    seed
        Any whole number.
    threads
        Threads HiGHS may use.
    hint
        A point to start from, shape (n,).
    progress
        Called with each new incumbent.
    has_plan
        Whether the caller has a plan to keep, so that a search that is stopped need not look for a first one.
    method
        How HiGHS solves linear programs: ``"choose"``, ``"simplex"`` or ``"ipm"``.
    """

    time_limit: float = 30.0
    seed: int = 0
    threads: int = 1
    hint: Floats | None = None
    progress: Callable[[Progress], None] | None = None
    has_plan: bool = False
    method: str = "choose"


@dataclass(frozen=True, eq=False)
class HighsResult:
    """What HiGHS found.

    Parameters
    ----------
    termination
        Why it stopped.
    values
        The best point, shape (n,), or None.
    bound
        A proven lower bound, or None.
    history
        Incumbents in order of time.
    """

    termination: Termination
    values: Floats | None
    bound: float | None
    history: tuple[Progress, ...] = ()


def run_highs(model: MixedIntegerModel, options: HighsOptions) -> HighsResult:
    """Minimise a linear model.

    Parameters
    ----------
    model
        What to minimise.
    options
        How long and from where.

    Returns
    -------
    HighsResult
        After Ctrl-C the best point so far, or the first one that is found soon after it.

    Raises
    ------
    SolverError
        If the model holds NaN or bounds that cross, or if HiGHS fails; quotes the end of its log.

    Examples
    --------
    >>> one = np.ones(2)
    >>> model = MixedIntegerModel(cost=np.array([1.0, 3.0]), lower=0 * one, upper=2 * one, integer=one > 0,
    ...                           rows=np.array([0, 0]), columns=np.array([0, 1]), values=one,
    ...                           row_lower=np.array([2.5]), row_upper=np.array([np.inf]))
    >>> result = run_highs(model, HighsOptions())
    >>> result.termination.value, result.values.tolist(), result.bound
    ('optimal', [2.0, 1.0], 5.0)
    """
    order = {"model": model.to_arrays(), "options": highs_options(options), "hint": options.hint}
    _refuse_invalid(model, options.hint)
    # HiGHS looks at the clock between steps only; a long step must not run on for ever
    return search_in_child(_SCRIPT, order, options, len(model.cost), 1.2 * options.time_limit + GRACE)


def search_in_child(
    script: Path, order: dict[str, Any], options: HighsOptions, size: int, longest: float
) -> HighsResult:
    """Let a script search in a process of its own, and take in what it tells.

    Parameters
    ----------
    script
        Path of the script; it tells ``{"bound": …}``, where there is a point with its ``objective`` and its
        ``values``: all of them, or those at ``places``.
    order
        What it is to do.
    options
        Whom to tell of incumbents, and whether there is a plan already.
    size
        The number of variables.
    longest
        Seconds after which the process is ended.

    Raises
    ------
    SolverError
        If the script fails; quotes the end of its log.
    """
    search = _HighsSearch(options.progress, size)
    with Interrupt() as interrupt:
        end = run_worker(
            str(script),
            order,
            stop_requested=lambda: (
                search.stopped
                or search.seconds >= longest
                or interrupt.should_stop(found=options.has_plan or search.values is not None)
            ),
            on_message=search.update,
        )
    if end.failed:
        raise SolverError("HiGHS failed; the end of its log:\n" + "\n".join(end.error_output))
    if not end.message:
        stopped = search.stopped or interrupt.asked
        return search.result(Termination.INTERRUPTED if stopped else Termination.LIMIT)
    if end.message not in _TERMINATIONS:
        raise SolverError(f"HiGHS ended with {end.message}; " + "\n".join(end.error_output))
    return search.result(_TERMINATIONS[end.message])


def _refuse_invalid(model: MixedIntegerModel, hint: Floats | None) -> None:
    """Refuse what HiGHS would take without a word: numbers that are none, and lower bounds above upper ones."""
    names = ("cost", "values", "lower", "upper", "row_lower", "row_upper")
    arrays = {**{name: getattr(model, name) for name in names}, "hint": hint}
    for name, values in arrays.items():
        if values is not None and np.isnan(values).any():
            place = int(np.flatnonzero(np.isnan(values))[0])
            raise SolverError(f"{name} of a linear model is not a number at position {place}")
    ends = {"variable": (model.lower, model.upper), "row": (model.row_lower, model.row_upper)}
    for kind, (low, high) in ends.items():
        for place in np.flatnonzero(low > high)[:1]:
            lower, upper = number_text(low[place], 6), number_text(high[place], 6)
            ends_text = f"a lower bound of {lower} above its upper one of {upper}"
            raise SolverError(f"{kind} {place} of a linear model has {ends_text}")


_TERMINATIONS = {
    "kModelEmpty": Termination.OPTIMAL,
    "kOptimal": Termination.OPTIMAL,
    "kInfeasible": Termination.INFEASIBLE,
    "kUnboundedOrInfeasible": Termination.INFEASIBLE,
    "kTimeLimit": Termination.LIMIT,
    "kIterationLimit": Termination.LIMIT,
    "kSolutionLimit": Termination.LIMIT,
    "kInterrupt": Termination.LIMIT,
    "kObjectiveBound": Termination.LIMIT,
    "kObjectiveTarget": Termination.LIMIT,
}


def highs_options(options: HighsOptions) -> dict[str, Any]:
    """Return the options as HiGHS calls them."""
    tolerances = {f"{kind}_feasibility_tolerance": TOLERANCE for kind in ("mip", "primal", "dual")}
    return {
        "time_limit": max(0.0, options.time_limit),
        "random_seed": options.seed % 2**31,
        "mip_rel_gap": GAP,
        "solver": options.method,
        "parallel": "on" if options.threads > 1 else "off",
        "threads": max(1, options.threads),
        **tolerances,
    }


class _HighsSearch:
    """What HiGHS has reported so far, and whether whoever was told of it asked to stop."""

    def __init__(self, progress: Callable[[Progress], None] | None, size: int) -> None:
        self.progress, self.size = progress, size
        self.began = time.perf_counter()
        self.history: list[Progress] = []
        self.bound: float | None = None
        self.values: Floats | None = None
        self.stopped = False

    @property
    def seconds(self) -> float:
        """Seconds since the search began."""
        return time.perf_counter() - self.began

    def update(self, message: Mapping[str, Any]) -> None:
        """Take in a bound, and a point where there is one; pass on what is better."""
        bound = message["bound"]
        if bound is not None and np.isfinite(bound):
            self.bound = bound if self.bound is None else max(self.bound, bound)
        if "values" not in message:
            return
        best, objective = self.history[-1].objective if self.history else None, message["objective"]
        if best is None or objective <= best:
            self.values = self._point(message)
        if best is None or objective < best:
            self.history.append(Progress(self.seconds, objective, self.bound))
            self.stopped |= asks_to_stop(self.progress, self.history[-1])

    def _point(self, message: Mapping[str, Any]) -> Floats:
        if "places" not in message:
            return np.array(message["values"])
        point = np.zeros(self.size)
        point[message["places"]] = message["values"]
        return point

    def result(self, termination: Termination) -> HighsResult:
        """Return what was found; of a model without a solution HiGHS reports a bound that means nothing."""
        bound = None if termination is Termination.INFEASIBLE else self.bound
        return HighsResult(termination, self.values, bound, tuple(self.history))
