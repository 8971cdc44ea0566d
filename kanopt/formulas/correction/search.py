"""The search for what corrects a known law: constants that move, and that change with columns where rows insist.

The law stands as ``c · (a + c₁ · term₁ + …)`` with c = 1, or a = 0, and all its constants held. The steps are those of
laws by class (:mod:`kanopt.formulas.estimation.class_moves`): a constant moves, differs by category, changes smoothly
with a number or is multiplied by a power, and lines are added. All of it is drawn together by evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from kanopt.formulas.correction.known import NamedLaw
from kanopt.formulas.estimation.class_moves import ClassMoves
from kanopt.formulas.estimation.class_search import ClassSearch
from kanopt.formulas.estimation.deviations import Smooth
from kanopt.formulas.estimation.drawn import DrawnFit
from kanopt.formulas.estimation.drawn_search import OPERATOR, Attempt, Proposal
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.nodes import Apply, Input, Node, count_operators
from kanopt.formulas.pieces import Curve

ROUNDING = 1e-7
"""Share of the targets' size below which residuals are rounding."""
INSIST = 6.0
"""By how much a correction has to shorten the description: odds of twenty to one."""
GRID = 10
"""Intervals of a curve at most; one for every four different values."""
DECADE = 10.0
"""Ratio of the ends from which a curve is one of the logarithm."""


class CorrectionSearch(ClassSearch):
    """The search for what corrects a law.

    Parameters
    ----------
    known
        The law.
    rows
        The rows.
    periods
        Of numbers that start anew.
    interactions
        Whether constants of terms may change with columns, so that pairs of columns correct the law.
    """

    insist = INSIST

    def __init__(
        self, known: NamedLaw, rows: EstimationRows, periods: Mapping[str, float], *, interactions: bool
    ) -> None:
        super().__init__(rows, log=False)
        self.known, self.interactions = known, interactions
        numbers = [
            name for name, values in rows.columns.items() if values.dtype != object and np.ptp(values) > 0
        ]
        curves = (_curve_of(rows, name, periods.get(name)) for name in numbers)
        self.scope = replace(
            self.scope,
            read=tuple(name for name in numbers if name not in periods),
            floor=max(ROUNDING**2 * float(np.average(np.square(rows.target) * rows.weight)), 1e-300),
            curves={each.columns: each for each in curves if each is not None},
        )

    def start(self) -> Proposal:
        """Return the law as it is known."""
        return Proposal(0.0, self.known.root, (), frozenset(self.known.names))

    def length(self, fit: DrawnFit) -> float:
        """Return the length of the description of the rows by a law, with what it takes to say what was corrected."""
        moved = set(fit.free.names) - fit.held
        constants = [name for name in self.known.names if name not in self.known.exponents]
        choice = 2.0 * math.log(3.0 * len(constants))
        price = choice * len(moved & set(constants))
        price += OPERATOR * (len(moved & self.known.exponents) + count_operators(fit.root) + len(fit.classes))
        # the weight of a table or curve is told, too
        told = float(np.log(self.rows.count)) * len(fit.classes)
        return fit.surprise(self.scope.floor, constants=True) + told + price

    def proposals(self, known: Attempt) -> Iterator[list[Proposal]]:
        """Yield laws with a constant that moves, then all others."""
        only = "" if self.interactions else self.known.level
        moves = ClassMoves(self.scope, known.fit, known.by, only=only, by_evidence=True)
        released = list(moves.released())
        yield [law for law in released if not (known.held - law.held) & self.known.exponents]
        powers = [law for law in released if (known.held - law.held) & self.known.exponents]
        yield [*powers, *moves.tables(), *moves.lines(), *moves.powers(), *moves.terms(bends=False)]

    def simple(self, name: str, value: float) -> float | None:
        """Return a number at which a constant that was brought in says nothing, or little."""
        return None if name in self.known.names else super().simple(name, value)

    def plainer(self, known: Attempt) -> Iterator[Proposal]:
        """Yield laws with one correction less."""
        for name in known.fit.free.names:
            if name in self.known.names and name not in known.held:
                yield Proposal(0.0, known.root, known.by, known.held | {name})
        yield from super().plainer(known)


def _curve_of(rows: EstimationRows, name: str, period: float | None) -> Smooth | None:
    """Return the curve of a number, unless it has too few different values."""
    x, argument = rows.columns[name].astype(np.float64), Input(name)
    if period is not None:
        grid = max(4, min(GRID, len(np.unique(np.mod(x, period))) // 4))
        curve = Curve("s", argument, (0.0,) * grid, 0.0, period, periodic=True)
        return Smooth.of("", name, curve, x, factor=False)
    grid = min(GRID, len(np.unique(x)) // 4)
    if grid < 1:
        return None
    of: Node = argument
    if 0.0 < DECADE * float(x.min()) <= float(x.max()):
        of, x = Apply("log", argument), np.log(x)
    return Smooth.of(
        "", name, Curve("s", of, (0.0,) * (grid + 3), float(x.min()), float(x.max())), x, factor=False
    )
