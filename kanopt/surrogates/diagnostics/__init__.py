"""Diagnostics of trained networks: attribution of the output to columns, and the structure of the law.

:mod:`~kanopt.surrogates.diagnostics.attribution` attributes the output to columns, nodes and edges,
:mod:`~kanopt.surrogates.diagnostics.separability` tests for separable columns and for symmetries, using
:mod:`~kanopt.surrogates.diagnostics.deviations` computed from derivatives, and
:mod:`~kanopt.surrogates.diagnostics.modules` represents the result as a tree.
"""

from __future__ import annotations

from kanopt.surrogates.diagnostics.attribution import Attribution, attribution
from kanopt.surrogates.diagnostics.deviations import Sample, Surface
from kanopt.surrogates.diagnostics.laws import attribution_of, structure_of, surface_of
from kanopt.surrogates.diagnostics.modules import Module
from kanopt.surrogates.diagnostics.separability import SeparabilityTests, structure_tests
from kanopt.surrogates.diagnostics.surfaces import NetworkSurface, perturbed_networks, sample_of

__all__ = [
    "Attribution",
    "Module",
    "NetworkSurface",
    "Sample",
    "SeparabilityTests",
    "Surface",
    "attribution",
    "attribution_of",
    "perturbed_networks",
    "sample_of",
    "structure_of",
    "structure_tests",
    "surface_of",
]
