"""From a trained network to a formula: closed forms where the whole model gains, curves where not."""

from kanopt.surrogates.ladder.ladder import find_law
from kanopt.surrogates.ladder.rungs import HeldOut, Trained

__all__ = ["HeldOut", "Trained", "find_law"]
