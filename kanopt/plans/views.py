"""Views of a plan (map, Gantt chart, network, series) as data; the reports draw them.

A problem returns views instead of pictures, so that reports need no case for every kind of problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd


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
