"""Whether a formula is the law: same structure, constants within the noise, not much longer, right beyond the rows.

Same structure: there are constants with which the law's own structure (see _structures.py) is the formula as a
function, to 1e-9 of its value, at every one of 1,000 points in ranges 25 % wider on both sides. It does not matter how
the formula is written: 35 + 35·tanh(u/2) is 70/(1 + exp(−u)). An extra term or factor is another structure however
small (v²/m^0.002), so is a missing one, and so is an exponent of 1.98 where the law has 2.

Constants within the noise: these constants differ from the true ones by at most 4 standard errors each, those of the
best possible estimate from the rows at hand (inverse Fisher information); and in ranges 10 and 25 % wider the formula
is off by at most 4 times what such errors explain. Or else the formula equals the law to 1e-5 everywhere, which is
what is asked where there is no noise.

Not much longer: sympy counts at most 2 times the operations of the law and 6 more, and there are at most 2 numbers more
than in the law, not counting ±1 and exponents of the structure. Terms that cancel each other are seen by this.

"near" is a weaker word, for programs that cannot say an exponent is exactly 2: the same with exponents of the
structure, and an offset, as constants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy
from _laws import Law, numeric, widened
from _structures import Structure, distance, structures

Floats = np.ndarray
Function = Callable[[Floats], Floats]
RECOVERED, NEAR, CONSTANTS, LONG, STRUCTURE = "recovered", "near", "constants", "long", "structure"
APPROXIMATION = "approximation"
"""A false structure of which the program itself says that it is an approximation."""
_SAME, _EQUAL, _ERRORS, _WIDER = 1e-9, 1e-5, 4.0, (0.1, 0.25)


@dataclass(frozen=True)
class Verdict:
    """What a formula is worth.

    `word` is "recovered"; or "constants" or "long" where the structure is right and these are not; or "near" where the
    structure is right but for exponents and an offset within the noise; or "structure" where it is another one.
    """

    word: str
    ops: float
    errors: tuple[float, float]
    """Root mean square error over the truth's standard deviation, in ranges 10 and 25 % wider."""
    off: float
    """The largest difference of a constant in standard errors; NaN for another structure."""


def judge(formula: sympy.Expr, law: Law, x: Floats, sigma: float, *, tidy: bool = False) -> Verdict:
    """Compare a formula with the law it was learned from.

    Parameters
    ----------
    formula
        In symbols named as the variables of the law.
    law
        The truth.
    x, sigma
        Inputs of the rows it was learned from, and the standard deviation of their noise.
    tidy
        Whether the formula may be shortened before its operations are counted.
    """
    written = _shorter(formula) if tidy else [formula]
    ops = min(int(sympy.count_ops(each)) for each in written)
    numbers, least = min(len(_numbers(each)) for each in written), len(_numbers(law.expression))
    function = numeric(formula, law.symbols)
    errors = errors_of(function, law)
    word, off = STRUCTURE, np.nan
    for loose in (False, True):
        for structure in structures(law, loose):
            constants = constants_of(function, structure)
            if constants is None:
                continue
            within, off = _within(function, structure, constants, x, sigma)
            most = 2 + max(least, len(structure.constants))
            enough = ops <= 2 * law.ops + 6 and numbers <= most
            if loose:
                word = NEAR if within and enough else STRUCTURE
            else:
                word = RECOVERED if within and enough else LONG if within else CONSTANTS
            if word != STRUCTURE:
                return Verdict(word, ops, errors, off)
    return Verdict(STRUCTURE, ops, errors, np.nan)


def errors_of(function: Function, law: Law) -> tuple[float, float]:
    """Return root mean square errors over the truth's standard deviation, in ranges 10 and 25 % wider."""
    errors = []
    for share in _WIDER:
        points = widened(law, share, 2_000, seed=2)
        errors.append(relative_error(function(points), law.values(points)))
    return errors[0], errors[1]


def relative_error(values: Floats, truth: Floats) -> float:
    """Return the root mean square error over the truth's standard deviation; infinite where a value is missing."""
    error = float(np.sqrt(np.mean((values - truth) ** 2)) / truth.std())
    return error if np.isfinite(error) else np.inf


def constants_of(function: Function, structure: Structure, *, missing: bool = False) -> Floats | None:
    """Return the constants with which the structure is the function; None where there are none.

    A term of the structure that is not in the function is only allowed where it may be `missing`.
    """
    points = widened(structure.law, _WIDER[1], 1_000)
    values = function(points)
    if not np.isfinite(values).all():
        return None
    constants = structure.solve(points, values)
    # a term times nothing is a term that is missing
    gone = (structure.true != 0) & (np.abs(constants) <= _SAME * np.abs(structure.true))
    same = distance(structure.values(points, constants), values) <= _SAME
    return constants if same and (missing or not gone.any()) else None


def _within(
    function: Function, structure: Structure, constants: Floats, x: Floats, sigma: float
) -> tuple[bool, float]:
    """Say whether constants are within the noise, and by how many standard errors the worst is off."""
    law, true = structure.law, structure.true
    misfit = np.sqrt(np.mean((structure.values(x, true) - law.values(x)) ** 2))
    noise = float(np.hypot(sigma, misfit)) if not structure.exact else sigma
    covariance = structure.spread(x, noise)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = float(np.nanmax(np.abs(constants - true) / np.sqrt(np.diag(covariance)))) if noise else np.inf
    fits = off <= _ERRORS
    for share in _WIDER:
        points = widened(law, share, 1_000, seed=1)
        truth = structure.values(points, true)
        values = function(points)
        if distance(values, truth) <= _EQUAL:
            continue
        slopes = structure.slopes(points, true)
        explained = np.sqrt(np.mean(np.einsum("ni,ij,nj->n", slopes, covariance, slopes)))
        if not fits or np.sqrt(np.mean((values - truth) ** 2)) > _ERRORS * explained:
            return False, off
    return True, off if noise else 0.0


def _shorter(formula: sympy.Expr) -> list[sympy.Expr]:
    """Return ways to write a formula."""
    expanded = sympy.expand(formula)
    return [formula, expanded, sympy.powsimp(expanded), sympy.factor_terms(expanded)]


def _numbers(formula: sympy.Expr) -> set[str]:
    """Return the different numbers in a formula, without ±1 and exponents that are whole or a half."""
    found: set[str] = set()
    rest = [formula]
    while rest:
        here = rest.pop()
        if here.is_Number:
            found |= {f"{abs(float(here)):.9g}"} - {"1"}
        elif isinstance(here, sympy.Pow) and here.exp.is_Number and float(2 * here.exp).is_integer():
            rest.append(here.base)
        else:
            rest.extend(here.args)
    return found
