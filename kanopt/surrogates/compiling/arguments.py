"""The arguments of a model that is made from a formula, checked."""

from __future__ import annotations

from numbers import Real
from typing import Any, Protocol

from kanopt.errors import FitError
from kanopt.formulas import Formula
from kanopt.surrogates.compiling.compiler import checked_ranges

__all__ = ["Arguments", "check_arguments"]

CHOICES = {
    "refine": ("correction", "network"),
    "scale": ("auto", "additive", "factor"),
    "beyond": ("prior", "law"),
}


class Arguments(Protocol):
    """The arguments as given."""

    prior: Any
    refine: Any
    scale: Any
    beyond: Any
    ranges: Any
    tolerance: Any
    hidden: Any
    grid_size: Any
    smoothing: Any
    starts: Any
    loss: Any
    periodic: Any
    seed: Any
    device: Any


def check_arguments(given: Arguments) -> None:
    """Refuse arguments that make no sense.

    Raises
    ------
    FitError
        Naming the argument, its value and what is allowed.
    FormulaError
        For ranges that are none, or of what the prior does not read.
    """
    if not isinstance(given.prior, Formula):
        raise FitError(f"prior={given.prior!r} must be a Formula; make one with ko.parse_formula")
    for name, allowed in CHOICES.items():
        if getattr(given, name) not in allowed:
            known = ", ".join(map(repr, allowed))
            raise FitError(f"{name}={getattr(given, name)!r} is unknown; use one of {known}")
    tolerance = given.tolerance
    if isinstance(tolerance, bool) or not isinstance(tolerance, Real) or not 0.0 < float(tolerance) < 1.0:
        raise FitError(f"tolerance={tolerance!r} must lie between 0 and 1, such as 1e-3")
    checked_ranges(given.prior, given.ranges)
