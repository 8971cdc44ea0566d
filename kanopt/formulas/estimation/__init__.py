"""Estimate the constants of a formula from rows: values, standard errors, intervals, and partial pooling over groups.

A constant **with a name** is a parameter of the law and can be estimated; a constant without a name is part of the
structure (see :mod:`kanopt.formulas.parameters`).
"""

from kanopt.formulas.estimation.graph_tape import Gradient, gradient
from kanopt.formulas.estimation.naming import with_named_constants
from kanopt.formulas.estimation.refitting import intervals, refit

__all__ = [
    "Gradient",
    "gradient",
    "intervals",
    "refit",
    "with_named_constants",
]
