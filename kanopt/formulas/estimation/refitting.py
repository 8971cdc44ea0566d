"""Estimate the named constants of a law again on a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FitError, FormulaError
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.domain import Domain
from kanopt.formulas.estimation.graph_tape import FreeParameters
from kanopt.formulas.estimation.least_squares import TIED, LeastSquaresResult, Residuals, search_minimum
from kanopt.formulas.estimation.naming import EstimationRows, Weight
from kanopt.formulas.fit import Fit
from kanopt.formulas.nodes import Input, postorder
from kanopt.formulas.parameters import Covariance, parameters_of
from kanopt.formulas.pieces import Curve
from kanopt.text import list_names

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
