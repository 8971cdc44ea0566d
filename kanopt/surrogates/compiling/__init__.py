"""The way back: from a formula that is known to a network, and on from there with data."""

from kanopt.surrogates.compiling.compiler import Compiled, compile_formula, ranges_of
from kanopt.surrogates.compiling.estimator import PriorRegressor

__all__ = ["Compiled", "PriorRegressor", "compile_formula", "ranges_of"]
