"""See :mod:`kanopt.whatif.questions.axes`."""

from kanopt.whatif.questions.axes import (
    Axis,
    read_axes,
)

__all__ = ["Axis", "read_axes"]
