"""Which inputs a price, or a law, varies with when all of them vary at once: Sobol's indices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part, grid_of
from kanopt.errors import FormulaError, Issue, ScenarioError, nearest
from kanopt.formulas.formula import Formula
from kanopt.parallel import cluster
from kanopt.progress import told_by_line
from kanopt.text import amount_text, count_text, fixed_text, money_text, percent_text
from kanopt.whatif.events import OnEvent, ignore_event
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.sweeps.axes import read_axes
from kanopt.whatif.sweeps.point_result import REFUSED, PointResult
from kanopt.whatif.sweeps.prepare import base_result, prepare, refuse_folder, refuse_no_plan, require_scenario
from kanopt.whatif.sweeps.question import PlanChoice
from kanopt.whatif.sweeps.sweep import PLANS, SweepOptions
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    from kanopt.formulas import Variable
    from kanopt.problems.assessment import Rank
    from kanopt.problems.result import Result

Floats = NDArray[np.float64]

_RESAMPLES = 500
_MOST_ROWS = 4_000_000
_EQUAL = 1e-12
_COLUMNS = ["input", "low", "high", "first", "first_low", "first_high", "total", "total_low", "total_high"]


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(TableExports):
    """Sobol's indices of a price or a law.

    Parameters
    ----------
    what
        What varies: ``"price of the plan that is kept"``, or the output of a law.
    unit
        Its unit.
    frame
        One row per input, the one with the largest total index first. Columns ``input``; ``low`` and ``high``, between
        which it is drawn; ``first``, the share of the variance that goes with the input alone; ``total``, the share
        that would be left if all others were known, interactions included; ``first_low`` to ``total_high``, confidence
        intervals by the bootstrap.
    mean, deviation
        Of what varies.
    evaluations
        How often it was computed.
    confidence
        Level of the intervals.
    notes
        What must be said beside it.
    scenario, base
        The scenario and its plan as it is; None of a law.
    """

    what: str
    unit: str
    frame: pd.DataFrame
    mean: float
    deviation: float
    evaluations: int
    confidence: float
    notes: tuple[str, ...] = ()
    scenario: Scenario | None = None
    base: Result | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"inputs": self.frame}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(
            ("first", "first_low", "first_high", "total", "total_low", "total_high"), "share"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`."""
        return self.frame

    def to_html(self, path: str | Path) -> Path:
        """Write the indices: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_page(reports.sobol_page(self), path)

    def plot(self, ax: Any = None) -> Any:
        """Draw two bars for each input, the one that matters most on top, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_sobol(self, ax)

    def _shown(self) -> Iterator[Part]:
        mean = money_text(self.mean) if abs(self.mean) >= 1 else fixed_text(self.mean, 4)
        spread = amount_text(self.deviation, self.unit)
        yield f"{self.what}: mean {mean}, standard deviation {spread} ({count_text(self.evaluations, 'value')})"
        yield f"intervals hold {percent_text(self.confidence)}"
        yield ""
        yield grid_of(self.frame, partial(fixed_text, decimals=3))
        yield from ("", *self.notes) if self.notes else ()


def sobol(
    of: Scenario | Formula | LearnedLaw,
    ranges: Mapping[str, Any],
    *,
    samples: int = 1024,
    plan: PlanChoice = "kept",
    at: Mapping[str, float | str] | None = None,
    confidence: float = 0.95,
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Sensitivity:
    """Share out the variance of a plan's price, or of a law, among inputs that vary at once (Sobol 1993).

    First-order indices are those of Saltelli et al. (2010), total ones those of Jansen (1999), on a scrambled Sobol
    sequence; intervals come from the bootstrap over its points. Inputs are drawn evenly and independently.

    Parameters
    ----------
    of
        A scenario, whose price is asked for, or a law.
    ranges
        Of a scenario, path to two values as in :func:`~kanopt.tornado`; of a law, input to ``(low, high)``.
    samples
        Points of the sequence, a power of two; a price or law is computed ``samples * (inputs + 2)`` times.
    plan
        Of a scenario, whether the plan is ``"kept"``, that of ``"today"``, or made ``"anew"`` at every point.
    at
        Of a law, what its other inputs are held at; left out, the median or commonest of the rows it was learned from.
    confidence
        Level of the intervals.
    options
        Seed, limits and workers.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Raises
    ------
    ScenarioError
        If a path, a range or a number is none, or at some points there is no plan that compares with the base's, or
        there is none as it is (:class:`~kanopt.NoPlanError`).
    FormulaError
        If a law has no such input, or is not finite somewhere.

    Examples
    --------
    >>> import kanopt as ko
    >>> law = ko.parse_formula("3 * a + 4 * b", [ko.Variable("a"), ko.Variable("b")], ko.Variable("c"))
    >>> ko.sobol(law, {"a": (0, 1), "b": (0, 1)}).frame["total"].round(2).tolist()
    [0.64, 0.36]
    """
    options = options or SweepOptions()
    refuse_folder(options, "sobol")
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2 or samples & (samples - 1):
        raise _error("samples", f"is a power of two, such as 1024, not {samples!r}")
    if not 0 < confidence < 1:
        raise _error("confidence", f"lies between 0 and 1, not {confidence!r}")
    if plan not in PLANS:
        raise _error("plan", f"unknown word {plan!r}; {nearest(str(plan), PLANS)}")
    of = of.formula if isinstance(of, LearnedLaw) else of
    if isinstance(of, Formula):
        seed = options.seed or 0
        names, low, high = _ranges_of(of, ranges)
        points = _points(len(names), samples, seed)
        values, notes = _of_law(of, dict(zip(names, (low + points * (high - low)).T, strict=True)), at or {})
        what, unit, scenario, base = of.output.name, of.output.unit, None, None
    else:
        require_scenario(of, "sobol")
        seed = of.seed if options.seed is None else options.seed
        axes = read_axes(ranges)
        names = [axis.label for axis in axes]
        low, high = (_ends([axis.values.items for axis in axes], axes, end) for end in (0, -1))
        points = low + _points(len(names), samples, seed) * (high - low)
        values, base, notes = _of_scenario(of, ranges, points, plan, options, progress=progress)
        unit, scenario = base.problem.unit, of
        what = f"price of the plan {'made anew' if plan == 'anew' else 'that is kept'}"
    first, total = _with_intervals(values.reshape(len(names) + 2, samples), confidence, seed)
    frame = pd.DataFrame(dict(zip(_COLUMNS, (names, low, high, *first, *total), strict=True)))
    frame = frame.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)
    both = values[: 2 * samples]
    return Sensitivity(
        what,
        unit,
        frame,
        float(both.mean()),
        float(both.std()),
        len(values),
        confidence,
        tuple(notes),
        scenario,
        base,
    )


def _points(count: int, samples: int, seed: int) -> Floats:
    """Return the rows of A, of B, and of A with one column of B after the other; between 0 and 1."""
    from scipy.stats import qmc

    if samples * (count + 2) > _MOST_ROWS:
        raise _error("samples", f"{samples * (count + 2):,} values are more than {_MOST_ROWS:,}; take fewer")
    drawn = qmc.Sobol(2 * count, seed=seed).random(samples)
    a, b = drawn[:, :count], drawn[:, count:]
    mixed = np.repeat(a[None], count, axis=0)
    for place in range(count):
        mixed[place, :, place] = b[:, place]
    return np.concatenate([a, b, mixed.reshape(-1, count)])


def _indices(values: Floats) -> tuple[Floats, Floats]:
    """Return the first-order and total indices of values at A, B and the mixed points, shape (inputs + 2, …, n).

    They are those of :func:`scipy.stats.sobol_indices`, whose bootstrap takes no seed, so that its intervals would
    differ from call to call; tests compare both.
    """
    a, b, mixed = values[0], values[1], values[2:]
    variance = np.concatenate([a, b], axis=-1).var(axis=-1)
    scale = np.where(variance > 0, variance, 1.0)
    middle = np.concatenate([a, b], axis=-1).mean(axis=-1)[..., None]
    first = ((b - middle) * (mixed - a)).mean(axis=-1) / scale
    return first, 0.5 * ((a - mixed) ** 2).mean(axis=-1) / scale


def _with_intervals(values: Floats, confidence: float, seed: int) -> tuple[list[Floats], list[Floats]]:
    """Return each index with the ends of its interval."""
    both = values[:2]
    if both.std() <= _EQUAL * max(1.0, abs(float(both.mean()))):
        raise _error("", "nothing varies: no input that was named moves it between the ends of its range")
    found = _indices(values)
    rng = np.random.default_rng(seed)
    count = values.shape[1]
    drawn = [_indices(values[:, rng.integers(count, size=count)]) for _ in range(_RESAMPLES)]
    levels = [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence]
    first, total = (
        [found[kind], *np.quantile(np.array([one[kind] for one in drawn]), levels, axis=0)] for kind in (0, 1)
    )
    return first, total


def _ends(values: Sequence[Sequence[Any]], axes: Sequence[Any], end: int) -> Floats:
    for axis, items in zip(axes, values, strict=True):
        if len(items) < 2 or any(isinstance(one, (str, bool)) for one in items):
            raise _error(axis.path, f"has a low and a high number, not {axis}")
    return np.array([float(items[end]) for items in values])


def _ranges_of(law: Formula, ranges: Mapping[str, Any]) -> tuple[list[str], Floats, Floats]:
    known = {variable.name: variable for variable in law.inputs}
    found = []
    for name, given in ranges.items():
        if name not in known or known[name].is_category:
            numbers = [one for one in known if not known[one].is_category]
            raise FormulaError(f"sobol: the law has no numeric input {name!r}; {nearest(str(name), numbers)}")
        ends = tuple(given) if isinstance(given, (tuple, list, np.ndarray)) else ()
        if len(ends) != 2 or not all(np.isfinite(one) for one in ends) or not ends[0] < ends[1]:
            raise FormulaError(f"sobol: {name!r} has a range as (low, high), not {given!r}")
        found.append((float(ends[0]), float(ends[1])))
    if not found:
        raise FormulaError("sobol: name an input and its range")
    low, high = np.array(found).T
    return list(ranges), low, high


def _of_law(
    law: Formula, columns: dict[str, Floats], at: Mapping[str, float | str]
) -> tuple[Floats, list[str]]:
    held = {one.name: _held(law, one, at) for one in law.inputs if one.name in law.used - columns.keys()}
    if unknown := [name for name in at if name not in held]:
        raise FormulaError(f"sobol: at holds {unknown[0]!r}, which the law does not read or which varies")
    data = {**columns, **held}
    notes = [f"held: {name} at {value}" for name, value in held.items()]
    if outside := int(np.count_nonzero(law.outside(data))):
        count = len(next(iter(columns.values())))
        share = percent_text(outside / count)
        notes.append(f"{share} of the points lie outside the data that the law was learned from")
    return np.broadcast_to(law.evaluate(data), len(next(iter(columns.values())))).astype(float), notes


def _held(law: Formula, variable: Variable, at: Mapping[str, float | str]) -> float | str:
    if variable.name in at:
        return at[variable.name]
    usual = law.domain.quantiles_of(variable.name)
    commonest = dict(law.domain.commonest).get(variable.name)
    if usual is None and commonest is None:
        raise FormulaError(f"sobol: say what {variable.name!r} is held at, as at={{{variable.name!r}: …}}")
    return usual[1] if usual is not None else str(commonest)


@told_by_line
def _of_scenario(
    scenario: Scenario,
    ranges: Mapping[str, Any],
    points: Floats,
    plan: PlanChoice,
    options: SweepOptions,
    *,
    progress: OnEvent | None,
) -> tuple[Floats, Result, list[str]]:
    from kanopt.whatif.sweeps.sweep_run import SweepRun

    axes, report = read_axes(ranges), progress or ignore_event
    prepared = prepare(scenario, axes, options, report)
    base = base_result(prepared, plan, report)
    refuse_no_plan(base, scenario, "sobol")
    # the same values at two points are asked once
    rows, place = np.unique(points, axis=0, return_inverse=True)
    question = prepared.question(axes, [tuple(map(float, row)) for row in rows], anew=plan == "anew")
    run = SweepRun(question, prepared.problem, base, report, None)
    with cluster(options.dask) as client:
        if not run.run(workers=options.workers, client=client):
            raise KeyboardInterrupt
    _refuse_unlike(list(run.results.values()), run.base.rank, len(rows))
    prices = np.array([run.results[number].objective for number in range(len(rows))])
    notes = []
    if plan == "anew" and not all(found.proved for found in run.results.values()):
        spreads = [found.noise for found in run.results.values()]
        noise = "is not measured" if np.isnan(spreads).all() else f"is up to {money_text(np.nanmax(spreads))}"
        notes.append(f"the noise of the searches {noise}, and is part of the variance")
    return prices[place.ravel()], run.base, notes


def _refuse_unlike(results: Sequence[PointResult], base: Rank, count: int) -> None:
    """Refuse prices of plans that leave out something else, or break other rules, than the base's."""
    bad = [
        found
        for found in results
        if found.status == REFUSED or np.isnan(found.objective) or not found.does_as_much_as(base)
    ]
    if bad:
        told = f" ({bad[0].message})" if bad[0].message else ""
        raise _error(
            "",
            f"at {len(bad):,} of {count_text(count, 'point')} the plan breaks rules or leaves out what the base's does "
            f"not, status {bad[0].status!r}{told}, so that prices do not compare; narrow the ranges",
        )


def _error(place: str, message: str) -> ScenarioError:
    return ScenarioError([Issue("sobol", 0, place, message)])
