"""From a trained network to a formula: closed forms where the whole model gains, curves where not."""

from kanopt.surrogates.distill.control import OPERATORS, Control
from kanopt.surrogates.distill.distillation import distill
from kanopt.surrogates.distill.trained import HeldOut, Trained

__all__ = ["OPERATORS", "Control", "HeldOut", "Trained", "distill"]
