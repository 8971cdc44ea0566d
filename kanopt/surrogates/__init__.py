"""Laws learned from tables, on scikit-learn's conventions."""

from __future__ import annotations

from kanopt.surrogates.curves import Diagram, DiagramEdge
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from kanopt.surrogates.many_laws import fit_laws
from kanopt.surrogates.readings import Summary
from kanopt.surrogates.regressor import KANRegressor

__all__ = [
    "Diagram",
    "DiagramEdge",
    "Feature",
    "FeatureEncoding",
    "KANRegressor",
    "Summary",
    "fit_laws",
]
