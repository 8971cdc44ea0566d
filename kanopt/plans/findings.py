"""Findings about a plan besides its price: violations, reasons, frozen inputs and extrapolations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, TypeAlias

import pandas as pd

from kanopt.display import Part, Shown

# Views of a plan (map, Gantt chart, network, series) as data; the reports draw them.
#
# A problem returns views instead of pictures, so that reports need no case for every kind of problem.


@dataclass(frozen=True)
class MapView:
    """Points and paths in the plane.

    Parameters
    ----------
    points
        Columns ``name``, ``x``, ``y``, ``role`` (``"depot"``, ``"client"``, ``"unserved"``, ``"node"``) and
        ``label`` (shown on hover); where there are routes also ``group`` (that which comes there, empty for none)
        and ``stop`` (the place on it, from 1).
    paths
        Columns ``group`` (the route), ``x``, ``y``; rows of a group in order of travel.
    background
        Optional segments drawn faintly, such as roads: columns ``x0``, ``y0``, ``x1``, ``y1``.
    unit
        Unit of ``x`` and ``y``, for a scale bar; empty where positions are only a sketch.
    """

    title: str
    points: pd.DataFrame
    paths: pd.DataFrame
    background: pd.DataFrame | None = None
    unit: str = ""


@dataclass(frozen=True)
class GanttView:
    """Bars on rows along a time axis.

    Parameters
    ----------
    bars
        Columns ``row``, ``start``, ``end``, ``label``, ``kind`` (decides the colour: a job, or ``"drive"``,
        ``"wait"``, ``"service"``, ``"late"``, ``"reload"``, ``"break"``, ``"setup"``).
    unit
        Unit of ``start`` and ``end``.
    clock
        True where zero is midnight, so that the axis reads as time of day.
    marks
        What is promised, on the rows of the bars: columns ``row``, ``start``, ``end``, ``label`` and ``kind``:
        ``"release"`` and ``"due"`` are moments, ``"overdue"`` is the time from one that has passed to the end of its
        bar. None for nothing.
    """

    title: str
    bars: pd.DataFrame
    unit: str
    clock: bool = False
    marks: pd.DataFrame | None = None


@dataclass(frozen=True)
class NetworkView:
    """Nodes and weighted edges.

    Parameters
    ----------
    nodes
        Columns ``name``, ``x``, ``y``, ``role``, ``label``; ``role`` decides the shape (``"supplier"``,
        ``"open"``, ``"closed"``, ``"market"``).
    edges
        Columns ``tail``, ``head``, ``amount`` (decides the width), ``label``.
    """

    title: str
    nodes: pd.DataFrame
    edges: pd.DataFrame


@dataclass(frozen=True)
class SeriesView:
    """Numbers along an axis, one line per column.

    Parameters
    ----------
    data
        Index: the axis; columns: the lines.
    step
        True where a value holds until the next index value.
    clock
        Unit of the index where that is time since midnight, so that the axis reads as time of day; else empty.
    """

    title: str
    data: pd.DataFrame
    x_label: str
    y_label: str
    step: bool = False
    clock: str = ""


View: TypeAlias = MapView | GanttView | NetworkView | SeriesView


BELOW_ZERO = "value below zero"

_MOST = 50  # violations that are printed


class Status(StrEnum):
    """How a search ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    PARTIAL = "partial"
    INFEASIBLE = "infeasible"
    NO_PLAN = "no plan"


@dataclass(frozen=True)
class Violation:
    """A constraint that a plan breaks, measured on the law.

    Parameters
    ----------
    constraint
        The rule in the field's word: ``"capacity"``, ``"time window"``, ``"shift"``, ``"unserved"``, …
    where
        The thing concerned, such as ``"client c12"`` or ``"van 3"``.
    amount, unit
        By how much the rule is broken.
    message
        A sentence for people.
    """

    constraint: str
    where: str
    amount: float
    unit: str
    message: str


@dataclass(frozen=True, repr=False)
class Check(Shown):
    """The outcome of verifying every constraint of a plan without a solver.

    Examples
    --------
    >>> Check(()).ok
    True
    """

    violations: tuple[Violation, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no constraint is broken."""
        return not self.violations

    @property
    def only_unserved(self) -> bool:
        """Whether nothing is violated but that mandatory things are unserved."""
        return bool(self.violations) and all(v.constraint == "unserved" for v in self.violations)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per violation."""
        return to_frame(self.violations, Violation)

    def _shown(self) -> Iterator[Part]:
        if self.ok:
            yield "every constraint holds on the law"
        yield from (violation.message for violation in self.violations[:_MOST])
        if len(self.violations) > _MOST:
            yield f"and {len(self.violations) - _MOST:,} more; check.to_frame() has all"


@dataclass(frozen=True)
class Reason:
    """Why something is unserved, late, closed or infeasible, and the smallest change that would mend it.

    Parameters
    ----------
    subject
        The thing concerned, such as ``"client c12"``.
    kind
        ``"unserved"``, ``"late"``, ``"closed"`` or ``"infeasible"``.
    message
        Why, in a sentence with numbers.
    relaxation
        The smallest change found that would mend it, in a sentence; empty where none was found.
    proved
        Whether arithmetic proves it.
    price
        What the change would cost more on the law; None where it is not known.
    searched
        Whether a search for a change that would mend it found none.
    bottleneck
        The rule or resource that stands in the way, in a clause: ``"no vehicle has capacity left"``. Reasons of one
        kind with the same bottleneck are told together; empty where a reason is like no other.
    amount
        How much is at stake, so that the worst of several reasons is told: what is not served, by how much something is
        late. None where that is not counted.

    Examples
    --------
    >>> Reason("client c12", "unserved", "every van is full", searched=True).evidence
    'search found none'
    """

    subject: str
    kind: str
    message: str
    relaxation: str = ""
    proved: bool = False
    price: float | None = None
    searched: bool = False
    bottleneck: str = ""
    amount: float | None = None

    @property
    def evidence(self) -> str:
        """How it is known: ``"proved"``, ``"search found none"``, or empty where the message says all there is."""
        return "proved" if self.proved else "search found none" if self.searched else ""


@dataclass(frozen=True)
class FrozenInput:
    """An input of a law that the solver saw at one planning value instead of its true, varying one."""

    law: str
    input: str
    reference: str
    value: str
    why: str


@dataclass(frozen=True)
class Extrapolation:
    """A place where the plan uses a law outside the data it was learned from, or where the law falls below zero.

    Parameters
    ----------
    law
        What the law is in the problem.
    where
        The place.
    inputs
        Which inputs lie outside the data; :data:`BELOW_ZERO` where it is the value that cannot be.
    message
        All of it in a sentence.
    """

    law: str
    where: str
    inputs: str
    message: str

    @property
    def below_zero(self) -> bool:
        """Whether the law falls below zero there, be the inputs among its data or not."""
        return self.inputs == BELOW_ZERO


def to_frame(items: Sequence[Any], kind: type) -> pd.DataFrame:
    """Return a frame with one row per dataclass instance; keeps the columns when there are none."""
    return pd.DataFrame([asdict(item) for item in items], columns=[field.name for field in fields(kind)])
