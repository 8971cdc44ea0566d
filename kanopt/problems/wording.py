"""Numbers, clock times and lists of names as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from kanopt.units import convert

__all__ = ["amount_text", "clock_text", "list_names", "number"]

_SHOWN = 5


def number(value: float) -> str:
    """Return a number with at most four significant digits after rounding, without trailing zeros.

    Examples
    --------
    >>> number(0.12000001), number(1234.5), number(3.0)
    ('0.12', '1,234.5', '3')
    """
    if abs(value) >= 1000:
        return f"{value:,.1f}".removesuffix(".0")
    return f"{value:.4g}"


def clock_text(value: float, unit: str) -> str:
    """Return a clock time counted from midnight as hours and minutes.

    Examples
    --------
    >>> clock_text(510.0, "min"), clock_text(25.5, "h")
    ('08:30', '01:30 (+1 d)')
    """
    minutes = round(convert(value, unit, "min"))
    days, rest = divmod(minutes, 1440)
    text = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{text} ({days:+d} d)" if days else text


def amount_text(value: float, unit: str) -> str:
    """Return a number with its unit.

    Examples
    --------
    >>> amount_text(0.5, "t")
    '0.5 t'
    """
    return f"{number(value)} {unit}".strip()


def list_names(names: Sequence[str]) -> str:
    """List the first few names.

    Examples
    --------
    >>> list_names(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
