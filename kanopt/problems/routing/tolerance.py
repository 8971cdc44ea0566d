"""What counts as more than a limit."""

from __future__ import annotations

__all__ = ["exceeds"]

_ABSOLUTE, _RELATIVE = 1e-6, 1e-9


def exceeds(value: float, limit: float) -> bool:
    """Say whether a value passes a limit by more than the noise of floating-point sums.

    Examples
    --------
    >>> exceeds(0.1 + 0.2, 0.3), exceeds(0.31, 0.3)
    (False, True)
    """
    return bool(value > limit + _ABSOLUTE * min(1.0, max(abs(limit), 1e-3)) + _RELATIVE * abs(limit))
