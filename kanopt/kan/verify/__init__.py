"""Shape facts of a trained network, proved or refuted by interval arithmetic.

:func:`verify` decides whether an output rises or falls in an input, is jointly convex or concave in some, or stays
between bounds, everywhere in a box. It reads a :class:`kanopt.kan.description.Network` and needs no torch.
"""

from kanopt.kan.verify.claims import Bounded, Claim, Concave, Convex, Decreasing, Increasing, Verdict, Witness
from kanopt.kan.verify.decide import verify

__all__ = [
    "Bounded",
    "Claim",
    "Concave",
    "Convex",
    "Decreasing",
    "Increasing",
    "Verdict",
    "Witness",
    "verify",
]
