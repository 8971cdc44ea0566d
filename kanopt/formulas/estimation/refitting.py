"""Estimate the named constants of a law again on a table, and say within what they lie."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FitError, FormulaError
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.domain import Domain
from kanopt.formulas.estimation.graph_tape import FreeParameters
from kanopt.formulas.estimation.least_squares import (
    TIED,
    LeastSquaresResult,
    Residuals,
    minimise,
    projection,
    search_minimum,
)
from kanopt.formulas.estimation.naming import EstimationRows, Weight
from kanopt.formulas.fit import Fit
from kanopt.formulas.nodes import Constant, Input, postorder
from kanopt.formulas.parameters import Covariance, is_parameter, parameters_of, piece_numbers
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.text import list_names

if TYPE_CHECKING:
    import pandas as pd


_SHOWN = 8
NO_RESIDUAL = 1e-8
"""Share of a row's residual that is not its own doing, at least."""


def refit(
    formula: AnyFormula,
    table: Any,
    only: Iterable[str] | None = None,
    *,
    weight: Weight | None = None,
    log_target: bool = False,
    robust: bool = False,
    test: Any = None,
) -> AnyFormula:
    """Estimate the named constants of a law again, by least squares on the rows of a table.

    The search (Levenberg-Marquardt with variable projection) starts at the values in the law; if that start is bad,
    others are drawn at random on all scales. Constants without a name are part of the structure and stay fixed.

    Parameters
    ----------
    formula
        The law.
    table
        A DataFrame, or a mapping of name to array, with a column for every input the law uses and for its output.
        Units that a frame declares are converted, as :meth:`~kanopt.formulas.Formula.evaluate` does.
    only
        Names of the constants to estimate, and of curves, steps and tables, whose coefficients are then estimated, too.
        None for all constants that have a name, and no curve, step or table. The others are held constant, and standard
        errors are conditional on their values.
    weight
        Name of a column, or array of shape (n,): the variance of a row is inversely proportional to its weight, so that
        the mean of k rows has weight k. None for equal weights.
    log_target
        Fit logarithms: for errors proportional to the output, which must be positive. The law then predicts the median,
        and its sums are biased low; the correction factor (Duan 1983) is in the provenance, not in the law.
    robust
        Whether the covariance is to be valid for heteroscedastic errors (White 1980, "A heteroskedasticity-consistent
        covariance matrix estimator", Econometrica 48), by the estimator HC3, to be preferred below some 250 rows (Long
        and Ervin 2000, The American Statistician 54). The estimates do not change; use weights or logarithms to improve
        them. With homoscedastic errors False gives more stable standard errors.
    test
        Held-out rows, as `table`, to measure the law's fit on.

    Returns
    -------
    Formula
        The law with new values, standard errors, covariance and domain. The provenance says what was estimated on how
        many rows and what was held; alternatives are dropped; the fit is None without `test` rows.

    Raises
    ------
    FormulaError
        If a name in `only` is unknown, the law has no constant with a name, or an input is missing or has missing
        values.
    FitError
        If the output is missing or has missing values, there are no more rows than constants, the law has no finite
        value in some row, the search finds no minimum, or constants are not identifiable: the message names the
        confounded ones.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("a * km ^ b", [Variable("km")], Variable("fuel"), constants={"a": 1.0, "b": 1.0})
    >>> km = np.linspace(1.0, 50.0, 40)
    >>> noise = 0.1 * np.cos(7.0 * km)
    >>> found = refit(law, {"km": km, "fuel": 0.5 * km**0.8 + noise})
    >>> for constant in found.constants:
    ...     print(f"{constant.name} = {constant.value:.3f} ± {constant.standard_error:.3f}")
    a = 0.501 ± 0.007
    b = 0.799 ± 0.004
    """
    rows = EstimationRows.of(formula, table, weight)
    free = FreeParameters.of(formula.root, only)
    residuals, minimum, covariance = _estimated(formula, free, rows, log_target=log_target, robust=robust)
    root = free.substitute(formula.root, minimum.theta, np.sqrt(np.diag(covariance)))
    # a periodic curve of an input goes round
    curves = [node for node in postorder(formula.root) if isinstance(node, Curve) and node.periodic]
    periods = {c.argument.name: c.high - c.low for c in curves if isinstance(c.argument, Input)}
    read = [variable for variable in formula.inputs if variable.name in rows.columns]
    fit = None
    if test is not None:
        held_out = EstimationRows.of(formula, test)
        predicted = replace(formula, root=root, covariance=None).evaluate(held_out.columns)
        fit = Fit.of(held_out.target, predicted, rows_train=rows.count)
    return replace(
        formula,
        root=root,
        fit=fit,
        domain=Domain.from_rows(read, rows.columns, periods),
        provenance={**formula.provenance, **_provenance(formula, free, residuals, minimum, weight, robust)},
        alternatives=(),
        covariance=Covariance.of(free.names, covariance, rows.count - free.count),
    )


def _estimated(
    formula: BaseFormula, free: FreeParameters, rows: EstimationRows, *, log_target: bool, robust: bool
) -> tuple[Residuals, LeastSquaresResult, Floats]:
    """Return the residuals of a law on rows, its least squares, and the covariance of the parameters, (p, p)."""
    what = f"formula for {formula.output.name!r}"
    if not isinstance(robust, bool):
        raise FitError(f"{what}: robust is True or False, not {robust!r}")
    if not free.count:
        raise FormulaError(
            f"{what}: there is no constant with a name to estimate; "
            "kanopt.formulas.with_named_constants(formula) returns it with names"
        )
    if rows.count <= free.count:
        raise FitError(f"{what}: {rows.count:,} rows are too few to estimate {free.count} numbers")
    if log_target and not (rows.target > 0).all():
        raise FitError(
            f"{what}: a logarithm needs positive values of the output; the first that is not is at "
            f"{rows.describe(rows.target <= 0)}"
        )
    residuals, minimum = search_minimum(formula.root, free, rows, log_target)
    if minimum is None:
        raise FitError(
            f"{what} has no value or derivative that could be squared at {_shown(free, free.values)} on some row; give "
            "other starting values, leave out such rows, or choose another unit"
        )
    size = np.linalg.norm(minimum.jacobian, axis=0)
    scaled = minimum.jacobian / np.where(size > 0, size, 1.0)
    left, values, right = np.linalg.svd(scaled, full_matrices=False)
    _check_identified(what, free, size, values, right)
    if not minimum.converged:
        raise FitError(
            f"{what}: no least squares were found in {minimum.steps} steps; last: {_shown(free, minimum.theta)}. Give "
            "better starting values, hold a constant that runs away, or choose a law that fits these rows"
        )
    inverse = (right.T / values) / size[:, None]  # (p, p): times its transpose it is (JᵀJ)⁻¹
    if not robust:
        return residuals, minimum, minimum.cost / (rows.count - free.count) * (inverse @ inverse.T)
    # a row that alone decides a number has no residual to learn from (MacKinnon and White 1985)
    free_of_own = np.maximum(1.0 - np.square(left).sum(axis=1), NO_RESIDUAL)
    squares = np.square(minimum.residual / free_of_own)
    filling = (left * squares[:, None]).T @ left
    return residuals, minimum, inverse @ filling @ inverse.T


def _check_identified(what: str, free: FreeParameters, size: Floats, values: Floats, right: Floats) -> None:
    """Refuse parameters that are not identifiable: those in the null space of JᵀJ."""
    tied = right[values <= TIED * max(float(values[0]), 1e-300)]
    if not len(tied):
        return
    weights = np.abs(tied).max(axis=0)
    idle = size == 0
    tied_ones = idle if idle.any() else weights > 0.05 * weights.max()
    names = [free.names[place] for place in np.flatnonzero(tied_ones)]
    raise FitError(
        f"{what}: these rows do not identify the constants: {list_names(names, _SHOWN)}; the law does not depend on "
        "them here, or they trade with each other; hold some of them (leave them out of `only`), or simplify the law"
    )


def _shown(free: FreeParameters, theta: Floats) -> str:
    pairs = [f"{name} = {value:.4g}" for name, value in zip(free.names, theta, strict=True)]
    return ", ".join(pairs[:_SHOWN]) + (", …" if len(pairs) > _SHOWN else "")


def _provenance(
    formula: BaseFormula,
    free: FreeParameters,
    residuals: Residuals,
    minimum: LeastSquaresResult,
    weight: Weight | None,
    robust: bool,
) -> dict[str, str]:
    names = list(free.blocks)
    held = [name for name in parameters_of(formula.root) if name not in free.blocks]
    parts = [f"{', '.join(names)} on {residuals.count:,} rows by least squares"]
    if residuals.log:
        parts[0] += " of the logarithm"
    if weight is not None:
        parts.append(f"weighted by {weight}" if isinstance(weight, str) else "weighted")
    if robust:
        parts.append("errors by HC3")
    if held:
        parts.append(f"held: {', '.join(held)}")
    texts = {"refitted": "; ".join(parts)}
    if residuals.log:
        weights = np.square(residuals.root_weight)
        errors = minimum.residual / residuals.root_weight
        factor = float(weights @ np.exp(errors) / weights.sum())
        texts["smearing"] = f"the law gives the median; times {factor:.6g} it gives the mean (Duan 1983)"
    return texts


CLOSE = 1e-4
"""How near an end comes to where τ is what was asked for, as a share of its distance."""
DOUBLINGS = 20
_STATIONARY = 0.02
_LOWER = 1e-6


class ProfileLikelihood:
    """The profile likelihood of a law at its least squares, which is minimised over all constants but one.

    The profile t of a constant is ``τ(θ) = sign(θ − θ̂) √((S(θ) − S(θ̂)) / s²)``, S the least squares with the constant
    held at θ (Bates and Watts 1988, *Nonlinear Regression Analysis and its Applications*, ch. 6). For a linear law it
    is ``(θ − θ̂)/se``, a straight line, and its ends are the usual ones; for nonlinear laws the interval is more
    accurate.

    Parameters
    ----------
    residuals, free
        The residuals as a function of p free parameters, which are at the minimum.
    what
        The law, for errors.

    Attributes
    ----------
    errors
        Their standard errors for equal variances, (p,).
    directions
        Column i: the first-order change of all parameters when parameter i changes by 1 and the others are optimal,
        (p, p).
    cost, variance, freedom
        S(θ̂), s² = S(θ̂)/(n − p), and n − p.

    Raises
    ------
    FitError
        If the law has no value in some row there, it is not a minimum, or the fit is exact.
    """

    def __init__(self, residuals: Residuals, free: FreeParameters, what: str) -> None:
        at = residuals.at(free.values)
        self.freedom = residuals.count - free.count
        if at is None or self.freedom < 1:
            raise FitError(
                f"{what}: a profile needs more rows than constants, and a finite value of the law on each"
            )
        residual, jacobian = at
        _, basis = projection(jacobian, residual)
        inside = float(np.square(basis.T @ residual).sum())
        cost = float(residual @ residual)
        outside = max(cost - inside, 1e-300)
        offset = math.sqrt((inside / free.count) / (outside / self.freedom))
        if basis.shape[1] < free.count or offset > _STATIONARY:
            raise FitError(
                f"{what}: its constants are not those that fit this table best, with these weights and this scale; "
                "refit it on the table first"
            )
        self.residuals, self.theta, self.names = residuals, free.values, free.names
        self.cost, self.variance = cost, cost / self.freedom
        size = np.linalg.norm(jacobian, axis=0)
        inverse = np.linalg.inv((jacobian / size).T @ (jacobian / size)) / np.outer(size, size)
        self.errors = np.sqrt(self.variance * np.diag(inverse))
        self.directions = inverse / np.diag(inverse)

    def nonlinearity(self, place: int, reach: float) -> float:
        """Return the relative deviation of the profile t from a straight line at `reach` standard errors."""
        found = [self._tau(place, side * reach * self.errors[place], None)[0] for side in (-1.0, 1.0)]
        return max(abs(tau / reach - 1.0) for tau in found)

    def _tau(self, place: int, step: float, near: Floats | None) -> tuple[float, Floats | None]:
        """Return |τ| at a step from the minimum, infinite where the law is undefined, and the other parameters."""
        start = self.theta + self.directions[:, place] * step if near is None else near.copy()
        start[place] = self.theta[place] + step
        moves = np.arange(self.theta.size) != place
        found = minimise(self.residuals, start, moves)
        if found is None and near is None:
            # the tangent leads out of where the law is defined; the numbers of the minimum may not
            start = self.theta.copy()
            start[place] += step
            found = minimise(self.residuals, start, moves)
        if found is None:
            return math.inf, None
        if found.cost < self.cost * (1.0 - _LOWER) - _LOWER * self.variance:
            shown = ", ".join(f"{n} = {v:.6g}" for n, v in zip(self.names, found.theta, strict=True))
            raise FitError(
                f"while {self.names[place]!r} was profiled, constants were found that fit better: {shown}; refit the "
                "law from these"
            )
        return math.sqrt(max(found.cost - self.cost, 0.0) / self.variance), found.theta

    def end(self, place: int, side: float, reach: float) -> float:
        """Return where the profile t of a parameter is `reach` on a side, infinite if it never is.

        It is bracketed by doubling, then the bracket is narrowed (Brent 1973, ch. 4). If the law becomes undefined
        before, as a logarithm does, the interval ends there.
        """
        from scipy.optimize import brentq

        near: Floats | None = None

        @cache
        def gap(step: float) -> float:
            nonlocal near
            tau, there = self._tau(place, side * step, near)
            near = there if tau <= reach else near
            return min(tau, 2.0 * reach) - reach  # where the law is undefined the interval has ended

        inner, step = 0.0, reach * float(self.errors[place])
        for _ in range(DOUBLINGS):
            if gap(step) >= 0.0:
                return float(self.theta[place] + side * brentq(gap, inner, step, rtol=CLOSE))
            inner, step = step, 2.0 * step
        return side * math.inf


NONLINEARITY_LIMIT = 0.1
"""Bend of the profile, as a share of a straight line, from which it no longer counts as straight."""


def intervals(
    formula: BaseFormula,
    level: float = 0.95,
    table: Any = None,
    *,
    weight: Weight | None = None,
    log_target: bool = False,
) -> pd.DataFrame:
    """Return a confidence interval for every constant that was estimated.

    The interval is Wald's, the estimate ± t · standard error with Student's t at the degrees of freedom of the
    covariance: exact for laws linear in their constants, and robust if the covariance is. Where a table is given and
    the profile likelihood of a constant deviates from a straight line by more than a tenth, it is the profile's: the
    values at which the minimum with the constant held rises by what t allows (Bates and Watts 1988, ch. 6). That one is
    not necessarily symmetric, and an end may be infinite; with robust standard errors it is scaled in proportion.

    Parameters
    ----------
    formula
        A law after :func:`~kanopt.formulas.estimation.refit`, or one whose named constants have standard errors.
    level
        Confidence level: the share of intervals that contain the true constant, if the law's structure is right.
    table, weight, log_target
        The rows, weights and scale of the refit, for profiles; without a table all intervals are Wald's.

    Returns
    -------
    DataFrame
        Index ``constant``; columns ``estimate``, ``standard_error``, ``low``, ``high`` and ``method``, ``"wald"`` or
        ``"profile"``.

    Raises
    ------
    FormulaError
        If no constant has a standard error.
    FitError
        If the level is invalid, or the constants are not those that fit the table best.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> import numpy as np
    >>> law = parse_formula("a * km ^ b", [Variable("km")], Variable("fuel"), constants={"a": 1.0, "b": 1.0})
    >>> km = np.linspace(1.0, 50.0, 40)
    >>> trips = {"km": km, "fuel": 0.5 * km**0.8 + 0.1 * np.cos(7.0 * km)}
    >>> found = intervals(law.refit(trips), table=trips)
    >>> found.low.round(3).to_dict(), found.high.round(3).to_dict()
    ({'a': 0.486, 'b': 0.791}, {'a': 0.516, 'b': 0.808})
    """
    import pandas as pd

    what = f"formula for {formula.output.name!r}"
    if not 0.0 < level < 1.0:
        raise FitError(f"{what}: a level lies between 0 and 1, such as 0.95, not {level!r}")
    known, profile = formula.covariance, None
    errors, estimates = _errors(formula), _numbers(formula)
    if table is not None:
        free, rows = estimated_parameters(formula), EstimationRows.of(formula, table, weight)
        if log_target and not (rows.target > 0).all():
            raise FitError(f"{what}: a logarithm needs positive values of the output")
        profile = ProfileLikelihood(Residuals.of(formula.root, free, rows, log_target), free, what)
        errors = {
            name: errors.get(name, e) for name, e in zip(free.names, profile.errors.tolist(), strict=True)
        }
    if not errors:
        raise FormulaError(
            f"{what}: no constant with a name has a standard error; refit the law on a table first"
        )
    found = []
    for place, (name, error) in enumerate(errors.items()):
        freedom = known.degrees_of_freedom if known is not None and name in known.names else None
        plain = _quantile(level, freedom if profile is None else profile.freedom)
        ends, method = [estimates[name] - plain * error, estimates[name] + plain * error], "wald"
        if profile is not None and profile.errors[place] > 0:
            # robust errors stretch the profile, as they stretch the interval of Wald
            reach = plain * error / float(profile.errors[place])
            if profile.nonlinearity(place, reach) > NONLINEARITY_LIMIT:
                ends, method = [profile.end(place, side, reach) for side in (-1.0, 1.0)], "profile"
        found.append((name, estimates[name], error, *ends, method))
    columns = ["constant", "estimate", "standard_error", "low", "high", "method"]
    return pd.DataFrame(found, columns=columns).set_index("constant")


def _quantile(level: float, freedom: float | None) -> float:
    from scipy.special import ndtri, stdtrit

    share = (1.0 + level) / 2.0
    return float(ndtri(share) if freedom is None else stdtrit(freedom, share))


def _numbers(formula: BaseFormula) -> dict[str, float]:
    """Return the values of all constants and pieces by name."""
    found: dict[str, float] = {}
    for node in postorder(formula.root):
        if isinstance(node, Constant) and is_parameter(node):
            found[node.name] = node.value
        elif isinstance(node, Curve | Step | Table):
            found.update(piece_numbers(node))
    return found


def _errors(formula: BaseFormula) -> dict[str, float]:
    """Return the known standard errors: those in the covariance, and those of other constants."""
    alone = {
        c.name: c.standard_error
        for c in formula.constants
        if c.standard_error is not None and is_parameter(c)
    }
    return alone if formula.covariance is None else {**alone, **formula.covariance.standard_errors}


def estimated_parameters(formula: BaseFormula) -> FreeParameters:
    """Return the parameters in the covariance; all constants with a name if there is none."""
    known = formula.covariance
    if known is None:
        return FreeParameters.of(formula.root, None)
    pieces = [node for node in postorder(formula.root) if isinstance(node, Curve | Step | Table)]
    own = [piece.name for piece in pieces if piece_numbers(piece).keys() <= set(known.names)]
    inside = {name for piece in pieces for name in piece_numbers(piece)}
    free = FreeParameters.of(formula.root, [*(name for name in known.names if name not in inside), *own])
    if set(free.names) != set(known.names):
        raise FormulaError(
            f"formula for {formula.output.name!r}: the covariance is of a part of a curve or table only; refit it first"
        )
    return free
