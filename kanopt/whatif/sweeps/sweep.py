"""See :mod:`kanopt.whatif.questions.ask`."""

from kanopt.whatif.questions.ask import (
    PLANS,
    SweepOptions,
)

__all__ = ["PLANS", "SweepOptions"]
