"""See :mod:`kanopt.whatif.questions.point`."""

from kanopt.whatif.questions.point import (
    REFUSED,
    PointResult,
)

__all__ = ["REFUSED", "PointResult"]
