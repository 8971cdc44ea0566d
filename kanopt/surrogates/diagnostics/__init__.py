"""What a trained network says: where its output comes from, and how its law is built.

:mod:`~kanopt.surrogates.diagnostics.attribution` follows the signal from the output back to the columns,
:mod:`~kanopt.surrogates.diagnostics.separability` tests for separable columns and for symmetries, on what
:mod:`~kanopt.surrogates.diagnostics.deviations` makes of the derivatives, and
:mod:`~kanopt.surrogates.diagnostics.modules` puts what they found together.
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
