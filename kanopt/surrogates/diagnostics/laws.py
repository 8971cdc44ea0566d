"""Attribution and structure of a fitted law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates.diagnostics.attribution import Attribution, attribution
from kanopt.surrogates.diagnostics.separability import SeparabilityTests, structure_tests
from kanopt.surrogates.diagnostics.surfaces import NetworkSurface, Outer, perturbed_networks, sample_of
from kanopt.surrogates.law import NetworkLaw

__all__ = ["attribution_of", "structure_of", "surface_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rows = tuple[Floats, Integers]

STEP = 0.01
"""Deviations of the parameters at which standard errors are taken: small, so that the law is linear in them."""


def attribution_of(law: NetworkLaw, rows: Rows | None = None, *, output: str = "output") -> Attribution:
    """Score every edge, node and column of a law by its contribution to the network's output.

    Parameters
    ----------
    law
        A fitted law.
    rows
        Encoded numbers and codes, over which scores are computed; by default the sample stored with the law.
    output
        Name of the target.

    Returns
    -------
    Attribution
        In the units of the target, or of its logarithm for a log target.
    """
    numbers, codes = (law.numbers, law.codes) if rows is None else rows
    names = tuple(feature.name for feature in law.encoding.inputs)
    name = f"log {output}" if law.log_target else output
    return attribution(law.network, numbers, codes, names=names, output=name)


def structure_of(law: NetworkLaw, rows: Rows | None = None, *, tolerance: float = 0.02) -> SeparabilityTests:
    """Test a law for separable columns and symmetries, in the units of the target, against its own noise.

    Parameters
    ----------
    law
        A fitted law. The covariance of its parameters gives the standard errors, its residual variance the spread
        of the target.
    rows
        Encoded numbers and codes for the tests, by default the sample stored with the law. Rows outside the range of
        the training rows are dropped.
    tolerance
        Departures below this fraction of the target's standard deviation are negligible.

    Returns
    -------
    Structure

    Raises
    ------
    ValueError
        For fewer than two rows inside the domain.
    """
    numbers, codes = (law.numbers, law.codes) if rows is None else rows
    inside = np.ones(len(numbers), dtype=bool)
    for place, feature in enumerate(law.encoding.numeric):
        low, high = feature.bounds
        inside &= (low <= numbers[:, place]) & (numbers[:, place] <= high)
    numbers, codes = numbers[inside], codes[inside]
    surface = surface_of(law)
    near = perturbed_networks(law.network, law.covariance, step=STEP) if law.covariance.size else []
    return structure_tests(
        surface,
        sample_of(law.encoding, numbers, codes),
        nearby=[replace(surface, network=network) for network in near],
        step=STEP,
        residual=_residual(law, surface(numbers, codes)),
        tolerance=tolerance,
    )


def surface_of(law: NetworkLaw) -> NetworkSurface:
    """Return a law as a differentiable function of encoded rows, in the units of the target."""
    return NetworkSurface(law.network, _link_derivatives(law))


def _link_derivatives(law: NetworkLaw) -> Outer | None:
    """Return the link of a law with its first two derivatives."""
    link = law.link
    if law.log_target:

        def exponential(output: Floats) -> tuple[Floats, Floats, Floats]:
            target = law.smearing * np.exp(output)
            return target, target, target

        return exponential
    if link is None:
        return None

    def linked(output: Floats) -> tuple[Floats, Floats, Floats]:
        target, slope = link(output), link.slope(output)
        return target, slope, slope * _relative_curvature(link, target, slope)

    return linked


def _relative_curvature(link: Link, target: Floats, slope: Floats) -> Floats:
    """Return g″ / g′: (1 − g′) / scale for a softplus, 1 − 2 s for a logistic function at fraction s of its range."""
    match link:
        case Softplus(scale=scale):
            return (1.0 - slope) / scale
        case Logistic(low=low, high=high):
            return 1.0 - 2.0 * (target - low) / (high - low)
    raise TypeError(f"the second derivative of {type(link).__name__} is not known")


def _residual(law: NetworkLaw, target: Floats) -> float:
    """Return the residual standard deviation in the units of the target, lognormal for a log target."""
    if not law.log_target or not len(target):
        return float(np.sqrt(law.variance))
    return float(np.sqrt(np.expm1(law.variance) * np.mean(target**2)))
