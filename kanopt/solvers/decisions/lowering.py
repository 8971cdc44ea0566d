"""The laws of a decision problem made of straight pieces, kept for as long as the problem is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from kanopt.formulas.formula import Formula
from kanopt.formulas.lowering import Piecewise
from kanopt.problems.decisions import DecisionProblem
from kanopt.problems.decisions.checking import slack
from kanopt.problems.decisions.evaluation import values_at

__all__ = ["Lowered", "first_slacks", "lowered"]

_PIECES = 0.4
"""The share of the tolerance by which the pieces may be off; a plan that is best on them can be off by twice that."""
_SHARE = 1e-4
_MOST_SEGMENTS = 200_000
_SAMPLES = 256
_OF_CHECK = 0.25


@dataclass(frozen=True, eq=False)
class Lowered:
    """The objective and the constraints made of pieces.

    Parameters
    ----------
    objective
        Its pieces.
    rules
        Those of each constraint.
    """

    objective: Piecewise
    rules: tuple[Piecewise, ...]

    @property
    def segments(self) -> int:
        """The pieces of all laws together."""
        return sum(program.certificate.segments for program in (self.objective, *self.rules))


_kept: WeakKeyDictionary[DecisionProblem, dict[tuple[float, ...], Lowered]] = WeakKeyDictionary()


def lowered(problem: DecisionProblem, slacks: tuple[float, ...] | None = None) -> Lowered:
    """Return the laws of a problem made of pieces.

    Parameters
    ----------
    problem
        The problem; its tolerance says how close the pieces of the objective are.
    slacks
        How far the pieces of each constraint may be from its law, in its unit; :func:`first_slacks` where not given.

    Raises
    ------
    FormulaError
        If a law cannot be made of pieces so close to it; names the step.
    """
    slacks = first_slacks(problem) if slacks is None else slacks
    known = _kept.setdefault(problem, {})
    if slacks not in known:
        ranges = {one.name: (one.low, one.high) for one in problem.records}
        known[slacks] = Lowered(
            _pieces(problem.priced, _PIECES * problem.allowed, ranges),
            tuple(
                _pieces(law.joint, size, ranges) for (_, law), size in zip(problem.rules, slacks, strict=True)
            ),
        )
    return known[slacks]


def _pieces(law: Formula, tolerance: float, ranges: Mapping[str, tuple[float, float]]) -> Piecewise:
    wanted = {variable.name: ranges[variable.name] for variable in law.inputs}
    return law.piecewise(tolerance, ranges=wanted, max_segments=_MOST_SEGMENTS)


def first_slacks(problem: DecisionProblem) -> tuple[float, ...]:
    """Return a ten-thousandth of the spread of each constraint's law, or what a check allows where that is more."""
    points = problem.sample(_SAMPLES)
    names = [one.name for one in problem.records]
    found = []
    for (_, law), least in zip(problem.rules, last_slacks(problem), strict=True):
        values = values_at(law.joint, names, points)
        values = values[np.isfinite(values)]
        found.append(max(_SHARE * float(np.ptp(values)) if len(values) else 0.0, least))
    return tuple(found)


def last_slacks(problem: DecisionProblem) -> tuple[float, ...]:
    """Return for each constraint a quarter of what a check allows: nearer the pieces need not be."""
    return tuple(
        _OF_CHECK * slack(rule.high if np.isfinite(rule.high) else rule.low) for rule, _ in problem.rules
    )
