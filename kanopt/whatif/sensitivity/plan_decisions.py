"""See :mod:`kanopt.whatif.questions.plan_decisions`."""

from kanopt.whatif.questions.plan_decisions import (
    Decision,
    decisions_of,
)

__all__ = ["Decision", "decisions_of"]
