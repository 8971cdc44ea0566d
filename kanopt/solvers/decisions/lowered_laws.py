"""The piecewise linear laws of a decision problem, kept as long as the problem is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from kanopt.formulas.formula import Formula
from kanopt.formulas.lowering import Piecewise
from kanopt.problems.decisions import DecisionProblem
from kanopt.problems.decisions.evaluator import Evaluator
from kanopt.problems.decisions.simulate import slack

_PIECES = 0.4
"""The share of the tolerance by which the pieces may be off; a plan that is best on them can be off by twice that."""
_SHARE = 1e-4
_MOST_SEGMENTS = 200_000
_SAMPLES = 256
_OF_CHECK = 0.25


@dataclass(frozen=True, eq=False)
class LoweredLaws:
    """The objective and the constraints as piecewise linear functions.

    Parameters
    ----------
    objective
        The pieces of the objective.
    rules
        The pieces of each constraint.
    """

    objective: Piecewise
    rules: tuple[Piecewise, ...]

    @property
    def segments(self) -> int:
        """The pieces of all laws together."""
        return sum(program.certificate.segments for program in (self.objective, *self.rules))


_cache: WeakKeyDictionary[DecisionProblem, dict[tuple[int, float], Piecewise]] = WeakKeyDictionary()


def lower_laws(
    problem: DecisionProblem, tolerance: float | None = None, slacks: Sequence[float] | None = None
) -> LoweredLaws:
    """Return the laws of a problem as piecewise linear functions.

    Parameters
    ----------
    problem
        The problem.
    tolerance
        How far above the smallest price a plan may be; the problem's where not given. The pieces of the objective are
        accurate enough for that.
    slacks
        How far the pieces of each constraint may be from its law, in its unit; :func:`first_slacks` where not given.

    Raises
    ------
    FormulaError
        If a law cannot be approximated so closely; names the step.
    """
    known = _cache.setdefault(problem, {})
    laws = [problem.objective_formula, *(law.as_formula for _, law in problem.constraint_laws)]
    near = _PIECES * (problem.optimality_tolerance if tolerance is None else tolerance)
    programs = []
    for place, size in enumerate([near, *(first_slacks(problem) if slacks is None else slacks)]):
        if (place, size) not in known:
            ranges = {one.name: (one.low, one.high) for one in problem.records}
            known[place, size] = _pieces(laws[place], size, ranges)
        programs.append(known[place, size])
    return LoweredLaws(programs[0], tuple(programs[1:]))


def _pieces(law: Formula, tolerance: float, ranges: Mapping[str, tuple[float, float]]) -> Piecewise:
    wanted = {variable.name: ranges[variable.name] for variable in law.inputs}
    return law.piecewise(tolerance, ranges=wanted, max_segments=_MOST_SEGMENTS)


def first_slacks(problem: DecisionProblem) -> tuple[float, ...]:
    """Return a ten-thousandth of the spread of each constraint's law, or the check's tolerance where that is more."""
    points = problem.sample(_SAMPLES)
    names = [one.name for one in problem.records]
    found = []
    for (_, law), least in zip(problem.constraint_laws, last_slacks(problem), strict=True):
        values = Evaluator(law.as_formula, names)(points)
        values = values[np.isfinite(values)]
        found.append(max(_SHARE * float(np.ptp(values)) if len(values) else 0.0, least))
    return tuple(found)


def last_slacks(problem: DecisionProblem) -> tuple[float, ...]:
    """Return a quarter of the tolerance of each constraint: pieces need not be more accurate."""
    return tuple(
        _OF_CHECK * slack(rule.high if np.isfinite(rule.high) else rule.low)
        for rule, _ in problem.constraint_laws
    )
