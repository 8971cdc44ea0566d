"""Linear models with whole-number variables, solved by HiGHS in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import SolverError
from kanopt.problems.result import Progress
from kanopt.solvers import highs_child as child

__all__ = [
    "GAP",
    "TOLERANCE",
    "HighsOptions",
    "HighsResult",
    "HighsTermination",
    "MixedIntegerModel",
    "read_incumbents",
    "run_highs",
]

Floats = NDArray[np.float64]
TOLERANCE = 1e-9
"""By how much HiGHS may miss a row or a whole number."""
GAP = 1e-6
"""Relative gap at which HiGHS calls a plan optimal."""
_SMALLEST = 1e-9
GRACE = 10.0


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

    def to_proto(self) -> Any:
        """Return the model as MathOpt's ``ModelProto``."""
        from ortools.math_opt import model_pb2

        proto = model_pb2.ModelProto()
        variables, constraints = proto.variables, proto.linear_constraints
        variables.ids.extend(range(len(self.cost)))
        variables.lower_bounds.extend(self.lower.tolist())
        variables.upper_bounds.extend(self.upper.tolist())
        variables.integers.extend(self.integer.tolist())
        constraints.ids.extend(range(len(self.row_lower)))
        constraints.lower_bounds.extend(self.row_lower.tolist())
        constraints.upper_bounds.extend(self.row_upper.tolist())
        cost = self.effective_cost
        priced = np.flatnonzero(cost)
        proto.objective.linear_coefficients.ids.extend(priced.tolist())
        proto.objective.linear_coefficients.values.extend(cost[priced].tolist())
        kept = np.flatnonzero(np.abs(self.values) >= _SMALLEST)
        order = kept[np.lexsort((self.columns[kept], self.rows[kept]))]
        matrix = proto.linear_constraint_matrix
        matrix.row_ids.extend(self.rows[order].tolist())
        matrix.column_ids.extend(self.columns[order].tolist())
        matrix.coefficients.extend(self.values[order].tolist())
        return proto


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
    """

    time_limit: float = 30.0
    seed: int = 0
    threads: int = 1
    hint: Floats | None = None
    progress: Callable[[Progress], None] | None = None


class HighsTermination(StrEnum):
    """Why HiGHS stopped."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    LIMIT = "time limit"
    INTERRUPTED = "interrupted"


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

    termination: HighsTermination
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
    Answer
        After Ctrl-C the best point so far.

    Raises
    ------
    SolverError
        If HiGHS fails; quotes the end of its log.

    Examples
    --------
    >>> one = np.ones(2)
    >>> model = MixedIntegerModel(cost=np.array([1.0, 3.0]), lower=0 * one, upper=2 * one, integer=one > 0,
    ...                     rows=np.array([0, 0]), columns=np.array([0, 1]), values=one,
    ...                     row_lower=np.array([2.5]), row_upper=np.array([np.inf]))
    >>> answer = run_highs(model, HighsOptions())
    >>> answer.termination.value, answer.values.tolist(), answer.bound
    ('optimal', [2.0, 1.0], 5.0)
    """
    with TemporaryDirectory(prefix="kanopt-") as name:
        folder = Path(name)
        (folder / child.MODEL).write_bytes(model.to_proto().SerializeToString())
        (folder / child.PARAMETERS).write_bytes(_parameters(options, folder).SerializeToString())
        (folder / child.HINT).write_bytes(_hint(options.hint).SerializeToString())
        watch = _LogReader(options.progress)
        stopped = _run(folder, options.time_limit, watch)
        return _result(model, folder, watch, stopped)


def _parameters(options: HighsOptions, folder: Path) -> Any:
    from ortools.math_opt import parameters_pb2

    parameters = parameters_pb2.SolveParametersProto()
    parameters.time_limit.FromTimedelta(_seconds(options.time_limit))
    parameters.random_seed = options.seed % 2**31
    parameters.relative_gap_tolerance = GAP
    highs = parameters.highs
    highs.string_options["mip_improving_solution_file"] = str(folder / child.INCUMBENTS)
    highs.bool_options["mip_improving_solution_report_sparse"] = True
    highs.string_options["parallel"] = "on" if options.threads > 1 else "off"
    highs.int_options["threads"] = max(1, options.threads)
    for tolerance in ("mip", "primal", "dual"):
        highs.double_options[f"{tolerance}_feasibility_tolerance"] = TOLERANCE
    return parameters


def _seconds(limit: float) -> Any:
    from datetime import timedelta

    return timedelta(seconds=max(0.0, limit))


def _hint(point: Floats | None) -> Any:
    from ortools.math_opt import model_parameters_pb2

    proto = model_parameters_pb2.ModelSolveParametersProto()
    if point is not None:
        values = proto.solution_hints.add().variable_values
        values.ids.extend(range(len(point)))
        values.values.extend(point.tolist())
    return proto


class _LogReader:
    """Reads HiGHS's log while it runs: incumbents and bounds."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self.progress = progress
        self.start = time.perf_counter()
        self.history: list[Progress] = []
        self.bound: float | None = None
        self.last: list[str] = []

    def read(self, line: str) -> None:
        """Take in one line of the log."""
        self.last = [*self.last[-9:], line]
        row = _read_row(line)
        if row is None:
            return
        bound, objective = row
        if np.isfinite(bound):
            self.bound = bound if self.bound is None else max(self.bound, bound)
        best = self.history[-1].objective if self.history else None
        if np.isfinite(objective) and (best is None or objective < best):
            self.add(objective)

    def add(self, objective: float) -> None:
        """Note an incumbent and pass it on."""
        step = Progress(time.perf_counter() - self.start, objective, self.bound)
        self.history.append(step)
        if self.progress is not None:
            self.progress(step)


_ROW = re.compile(r"^\s[\sA-Za-z]\s*\d+\s+\d+\s+\d+\s+[\d.]+%\s+(\S+)\s+(\S+)\s")


def _read_row(line: str) -> tuple[float, float] | None:
    """Return bound and incumbent of a row of the search log; the bound stepped down by its last digit.

    Examples
    --------
    >>> _read_row(" R       0       0         0   0.00%   26337.95         28441.406218       7.40%        0  ")
    (26337.94, 28441.406218)
    """
    found = _ROW.match(line)
    if found is None:
        return None
    printed, incumbent = found.groups()
    bound, objective = float(printed), float(incumbent)
    if np.isfinite(bound):
        decimals = len(printed.partition("e")[0].partition(".")[2])
        exponent = int(printed.partition("e")[2] or 0)
        bound = round(bound - 10.0 ** (exponent - decimals), decimals - exponent)
    return bound, objective


def _run(folder: Path, limit: float, watch: _LogReader) -> HighsTermination | None:
    """Run HiGHS on a folder; return why it was stopped from outside, None where it stopped by itself."""
    command = [sys.executable, "-P", child.__file__, str(folder)]
    late = threading.Event()
    errors = folder / "errors.txt"
    with (
        errors.open("wb") as complaints,
        subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        ) as process,
    ):

        def overdue() -> None:
            late.set()
            process.kill()

        # HiGHS looks at the clock between steps only; a long step must not run on for ever
        guard = threading.Timer(1.2 * limit + GRACE, overdue)
        guard.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                watch.read(line.decode("utf-8", "replace").rstrip("\r\n"))
            code = process.wait()
        except KeyboardInterrupt:
            return HighsTermination.INTERRUPTED
        finally:
            guard.cancel()
            process.kill()
    if late.is_set():
        return HighsTermination.LIMIT
    if code != 0 or not (folder / child.RESULT).exists():
        told = [*watch.last, *errors.read_text("utf-8", "replace").splitlines()[-5:]]
        raise SolverError("HiGHS failed; the end of its log:\n" + "\n".join(told))
    return None


def _result(
    model: MixedIntegerModel, folder: Path, watch: _LogReader, stopped: HighsTermination | None
) -> HighsResult:
    if stopped is not None:
        values = read_incumbents(folder / child.INCUMBENTS, len(model.cost))
        return HighsResult(stopped, values, watch.bound, tuple(watch.history))
    from ortools.math_opt import result_pb2

    result = result_pb2.SolveResultProto.FromString((folder / child.RESULT).read_bytes())
    ending = _termination(result.termination, watch)
    values = _values(result, len(model.cost))
    bound = result.termination.objective_bounds.dual_bound
    if values is not None:
        objective = float(model.effective_cost @ values)
        if not watch.history or objective < (watch.history[-1].objective or 0.0):
            watch.bound = bound if np.isfinite(bound) else watch.bound
            watch.add(objective)
    return HighsResult(ending, values, float(bound) if np.isfinite(bound) else None, tuple(watch.history))


def _termination(termination: Any, watch: _LogReader) -> HighsTermination:
    from ortools.math_opt import result_pb2

    endings = {
        result_pb2.TERMINATION_REASON_OPTIMAL: HighsTermination.OPTIMAL,
        result_pb2.TERMINATION_REASON_INFEASIBLE: HighsTermination.INFEASIBLE,
        result_pb2.TERMINATION_REASON_FEASIBLE: HighsTermination.LIMIT,
        result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND: HighsTermination.LIMIT,
        result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED: HighsTermination.INFEASIBLE,
    }
    if termination.reason not in endings:
        name = result_pb2.TerminationReasonProto.Name(termination.reason)
        raise SolverError(f"HiGHS ended with {name} ({termination.detail}); " + "\n".join(watch.last))
    return endings[termination.reason]


def _values(result: Any, count: int) -> Floats | None:
    from ortools.math_opt import solution_pb2

    for solution in result.solutions:
        primal = solution.primal_solution
        if primal.feasibility_status == solution_pb2.SOLUTION_STATUS_FEASIBLE:
            values = np.zeros(count)
            values[np.array(primal.variable_values.ids, dtype=np.intp)] = primal.variable_values.values
            return values
    return None


def read_incumbents(path: Path, count: int) -> Floats | None:
    """Return the last complete point of the file in which HiGHS notes incumbents as it finds them.

    Parameters
    ----------
    path
        The file; it may be missing, or end in the middle of a point.
    count
        Number of variables.
    """
    if not path.exists():
        return None
    # what stands behind the last line break is not written to its end
    lines = path.read_text("utf-8").rpartition("\n")[0].splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("# Columns")]
    for start in reversed(starts):
        entries = abs(int(lines[start].split()[-1]))
        body = lines[start + 1 : start + 1 + entries]
        if len(body) == entries:
            values = np.zeros(count)
            table = np.array([line.split()[-2:] for line in body], dtype=float).reshape(-1, 2)
            values[table[:, 1].astype(np.intp)] = table[:, 0]
            return values
    return None
