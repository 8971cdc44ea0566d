"""What a search for switch points keeps: its limits, the points it knows, crossings of plans, and switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kanopt.whatif.sweeps.point_result import PointResult

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.problems.result import Result


@dataclass(frozen=True)
class SearchLimits:
    """When a search for switch points ends.

    Parameters
    ----------
    tolerance
        Share of the range below which two plans are not told further apart.
    most_solves
        How often the problem is solved at most.
    kinds
        Kinds of decisions that are compared; see :class:`~kanopt.whatif.sensitivity.plan_decisions.Decision`.
    workers, client
        Processes side by side, or a Dask cluster in their place.
    """

    tolerance: float
    most_solves: int
    kinds: frozenset[str]
    workers: int = 1
    client: Client | None = None


@dataclass(eq=False)
class Point:
    """A value with the best plan known there."""

    x: float
    found: PointResult
    plan: int | None
    regret: float = 0.0
    """By how much a plan found elsewhere is better than that of its own search."""
    solved: bool = True
    """Whether the problem was solved here; else what was found is that of a value nearby."""


@dataclass(frozen=True, eq=False)
class Switch:
    """A plan gives way to another one.

    Parameters
    ----------
    low, high
        Between these values; at the low one the first plan is better, at the high one the other.
    before, after
        Both plans, priced at both values.
    narrowed
        Whether the place is known as far as was asked; else the limits of the search were reached before.
    crossed
        Whether both plans were priced between the values, and nothing beats them there.
    jumps
        Whether their prices jump there.
    gap
        The values between which it was searched.
    noise_low, noise_high
        Between these the plans differ by less than the noise of the search.
    noise
        How far searches lie apart; NaN where that was not measured.
    """

    low: float
    high: float
    before: tuple[Result, Result | None]
    after: tuple[Result | None, Result]
    narrowed: bool
    crossed: bool
    jumps: bool
    gap: tuple[float, float]
    noise_low: float
    noise_high: float
    noise: float

    @property
    def known(self) -> bool:
        """Whether both plans differ by more than the noise on their side."""
        return not self.crossed or (self.gap[0] < self.noise_low and self.noise_high < self.gap[1])


Key: TypeAlias = tuple[float, float, int, int]
"""Two values, and the plans that are the best known there."""


@dataclass(frozen=True, eq=False)
class Target:
    """A crossing of two plans, to be confirmed by solving there."""

    key: Key
    places: tuple[float, float]
    jumps: bool
    left: set[float]
    """Where it is still to be solved."""


class Crossing(NamedTuple):
    """Where two plans cross and nothing beats them, and between which values that was searched."""

    places: tuple[float, float]
    gap: tuple[float, float]
    jumps: bool
