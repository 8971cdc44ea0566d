"""From a trained network to a formula: closed forms where the whole model gains, curves where not."""

from kanopt.surrogates.distill.distillation import HeldOut, Trained, distill

__all__ = ["HeldOut", "Trained", "distill"]
