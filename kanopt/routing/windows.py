"""Windows and breaks, parsed from text."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.errors import ProblemError
from kanopt.records.clock_times import next_day_hint, read_spans


@dataclass(frozen=True)
class DriverBreak:
    """A break of a driver.

    Parameters
    ----------
    length
        How long it takes.
    earliest, latest
        When it may begin, as clock times from midnight.
    """

    length: float
    earliest: float
    latest: float


def parse_windows(text: str, unit: str = "min") -> tuple[tuple[float, float], ...]:
    """Read windows, one after the other.

    Parameters
    ----------
    text
        Separated by commas or semicolons; clock times as numbers in `unit`, or as hours and minutes.
    unit
        Unit of time of the numbers, and of what is returned.

    Raises
    ------
    ProblemError
        If it cannot be read, or a window closes before it opens or opens before the one before it closes.

    Examples
    --------
    >>> parse_windows("480-600, 13:00-15:30")
    ((480.0, 600.0), (780.0, 930.0))
    """
    found: list[tuple[float, float]] = []
    for part, span in read_spans(text, unit):
        if span is None or span[0] is not None:
            raise ProblemError(f"{part!r} is no window; write one such as '480-600' or '8:00-10:00'")
        _, opens, closes = span
        if closes < opens:
            raise ProblemError(f"the window {part!r} closes before it opens{next_day_hint([closes], unit)}")
        if found and opens < found[-1][1]:
            raise ProblemError(f"the window {part!r} opens before the one before it closes")
        found.append((opens, closes))
    return tuple(found)


def parse_breaks(text: str, unit: str = "min") -> tuple[DriverBreak, ...]:
    """Read breaks, one after the other.

    Parameters
    ----------
    text
        Separated by commas or semicolons; lengths in `unit`, clock times as numbers in `unit` or as hours and minutes.
    unit
        Unit of time.

    Raises
    ------
    ProblemError
        If it cannot be read, or breaks are not in the order of their windows.

    Examples
    --------
    >>> parse_breaks("30 in 11:00-13:00")
    (DriverBreak(length=30.0, earliest=660.0, latest=780.0),)
    """
    found: list[DriverBreak] = []
    for part, span in read_spans(text, unit):
        if span is None or (length := span[0]) is None:
            raise ProblemError(
                f"{part!r} is no break; write one such as '30 in 660-780' or '30 in 11:00-13:00'"
            )
        _, earliest, latest = span
        if latest < earliest:
            raise ProblemError(f"the break {part!r} must begin before it may")
        if found and (earliest < found[-1].earliest or latest < found[-1].latest):
            raise ProblemError(f"the break {part!r} comes before the one written before it")
        found.append(DriverBreak(length, earliest, latest))
    return tuple(found)
