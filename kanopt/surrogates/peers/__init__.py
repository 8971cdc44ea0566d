"""Other models of the same rows, beside which the law of a Kolmogorov-Arnold network is measured."""

from __future__ import annotations

from kanopt.surrogates.peers.measure import baselines
from kanopt.surrogates.peers.result import Baselines

__all__ = ["Baselines", "baselines"]
