"""See :mod:`kanopt.whatif.questions.question`."""

from kanopt.whatif.questions.question import (
    SweepQuestion,
)

__all__ = ["SweepQuestion"]
