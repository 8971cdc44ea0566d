"""Laws drawn at random from what is known of their constants and of their bias."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.estimation.graph_tape import linear_in
from kanopt.formulas.estimation.refitting import estimated_parameters
from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import Constant, Node

_STEP = 0.01
"""Part of the way from the estimates to a draw by which the derivative is taken."""


@dataclass(frozen=True, eq=False)
class LawDraws:
    """A law and what its numbers could as well be.

    Parameters
    ----------
    law
        The law as it was learned.
    constants
        Its estimated constants in each draw, in reading order, (draws, p); of shape (draws, 0) where their covariance
        is not known.
    shift, factor
        Actual values on average, given what the law says: ``shift + factor · law``; (draws,).
    """

    law: Formula
    constants: Floats
    shift: Floats
    factor: Floats

    def __len__(self) -> int:
        return len(self.shift)

    def __iter__(self) -> Iterator[Formula]:
        return map(self.at, range(len(self)))

    @property
    def varies(self) -> bool:
        """Whether the draws differ at all, or single rows err."""
        noise = self.law.fit is not None and self.law.fit.error_model.spread > 0
        return noise or any(np.ptp(each, axis=0).any() for each in (self.constants, self.shift, self.factor))

    def at(self, draw: int) -> Formula:
        """Return the law of a draw, whose errors are those of single rows alone: its bias is part of it.

        Raises
        ------
        FormulaError
            If it has no value with these constants.
        """
        root = self._with_constants(self.constants[draw])
        if self.factor[draw] != 1.0:
            root = Constant(float(self.factor[draw])) * root
        if self.shift[draw]:
            root = Constant(float(self.shift[draw])) + root
        fit = self.law.fit
        if fit is not None and fit.errors is not None:
            single = replace(fit.errors, shift=0.0, factor=1.0, covariance=(0.0, 0.0, 0.0))
            fit = replace(fit, errors=single)
        return replace(self.law, root=root, covariance=None, fit=fit, alternatives=())

    def _with_constants(self, values: Floats) -> Node:
        """Return the graph with other constants, to first order in how far they are from the estimates.

        Constants that trade against each other have errors far larger than those of what the law says. Their covariance
        is that of the law made straight in them (delta method; Oehlert 1992, The American Statistician 46), and so the
        draw is one of that: the law, and its derivative in the direction of the draw by a central difference.
        """
        root = self.law.root
        if not len(values):
            return root
        free = estimated_parameters(self.law)
        if linear_in(root, free).all():
            return free.substitute(root, values)
        step = _STEP * (values - free.values)
        above, below = (free.substitute(root, free.values + side * step) for side in (1.0, -1.0))
        half = 0.5 / _STEP
        return root + Constant(half) * above + Constant(-half) * below


def draw_laws(law: Formula, count: int, rng: np.random.Generator) -> LawDraws:
    """Draw a law as often as is asked, each time with constants and a bias that the data could as well have given.

    Constants come from Student's t with the covariance of their estimates and their degrees of freedom. The bias comes
    from the held-out rows (:class:`~kanopt.formulas.error_model.ErrorModel`), which also tell of errors of curves and
    of the law's form that no covariance of constants tells. On rows that it was learned from a law has no bias, so that
    what is open is the variance that held-out rows leave, times their share in all rows.

    Parameters
    ----------
    law
        A learned law; one without covariance and without a fit is the same in all draws.
    count
        Number of draws.
    rng
        Source of chance.

    Examples
    --------
    >>> import kanopt as ko
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> km = rng.uniform(1.0, 50.0, 400)
    >>> trips = pd.DataFrame({"km": km, "cost": 0.8 * km * (1 + 0.1 * rng.standard_normal(400))})
    >>> law = ko.parse_formula("rate * km", [ko.Variable("km")], ko.Variable("cost"), constants={"rate": 0.7})
    >>> law = law.refit(trips)
    >>> drawn = np.array([float(one.evaluate({"km": 1.0})) for one in draw_laws(law, 500, rng)])
    >>> error = law.covariance.standard_errors["rate"]
    >>> bool(abs(drawn.std() / error - 1.0) < 0.1)
    True
    """
    known = law.covariance
    constants = np.zeros((count, 0))
    if known is not None:
        scores = rng.standard_normal((count, len(known.names)))
        freedom = known.degrees_of_freedom
        if freedom is not None:
            scores *= np.sqrt(freedom / rng.chisquare(freedom, (count, 1)))
        free = estimated_parameters(law)
        drawn = dict(zip(known.names, (scores @ _root_of(known.array).T).T, strict=True))
        constants = free.values + np.column_stack([drawn[name] for name in free.names])
    if law.fit is None or not law.fit.rows_test:
        return LawDraws(law, constants, np.zeros(count), np.ones(count))
    errors = law.fit.error_model
    held_out = law.fit.rows_test / (law.fit.rows_test + law.fit.rows_train)
    a, b, c = (held_out * each for each in errors.covariance)
    return LawDraws(law, constants, *replace(errors, covariance=(a, b, c)).draw_bias(count, rng))


def _root_of(matrix: Floats) -> Floats:
    """Return a square root of a covariance, of which rounding may have made some directions slightly negative."""
    errors = np.sqrt(np.diag(matrix))
    scale = np.where(errors > 0, errors, 1.0)
    values, vectors = np.linalg.eigh(matrix / scale[:, None] / scale[None, :])
    return np.asarray(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))
