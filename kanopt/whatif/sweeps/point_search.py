"""See :mod:`kanopt.whatif.questions.point_search`."""

from kanopt.whatif.questions.point_search import (
    solve_point,
)

__all__ = ["solve_point"]
