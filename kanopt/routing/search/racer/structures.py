"""The structures of ``kernel/racer.h`` and ``kernel/drive.h``, field by field."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_double, c_int32, c_int64, c_uint8
from typing import Any, ClassVar

Fields = list[tuple[str, Any]]
_DOUBLES, _INTS = POINTER(c_double), POINTER(c_int32)


class OpStruct(Structure):
    """A step of a law."""

    _fields_: ClassVar[Fields] = [
        ("code", c_int32),
        ("a", c_int32),
        ("b", c_int32),
        ("spare", c_int32),
        ("c", c_double),
        ("d", c_double),
    ]


class CurveStruct(Structure):
    """A cubic spline on equal spans."""

    _fields_: ClassVar[Fields] = [
        *((name, c_double) for name in ("low", "high", "width", "slope_low", "slope_high")),
        ("spans", c_int64),
        ("periodic", c_int64),
        ("powers", _DOUBLES),
    ]


class StairsStruct(Structure):
    """A step function."""

    _fields_: ClassVar[Fields] = [("count", c_int64), ("breakpoints", _DOUBLES), ("values", _DOUBLES)]


class LinesStruct(Structure):
    """A polyline in place of a function of one variable."""

    _fields_: ClassVar[Fields] = [
        ("begin", c_double),
        ("rate", c_double),
        ("buckets", c_int64),
        ("count", c_int64),
        ("opens", _INTS),
        ("pieces", _DOUBLES),
    ]


class LawStruct(Structure):
    """A law: its steps."""

    _fields_: ClassVar[Fields] = [("count", c_int64), ("ops", POINTER(OpStruct))]


def _each(kind: Any, names: str) -> Fields:
    return [(name, kind) for name in names.split()]


class ProblemStruct(Structure):
    """A routing problem; what each field holds is said in ``kernel/racer.h``."""

    _fields_: ClassVar[Fields] = [
        *_each(c_int64, "nodes depots kinds measures windows laws slots"),
        *_each(c_int64, "has_sources has_pickups backhaul reads_clock reads_load simple_windows"),
        *_each(_DOUBLES, "demand pickup opens closes latest due due_by late_rate prize"),
        *_each(_INTS, "source mandatory"),
        *_each(_DOUBLES, "release release_from"),
        *_each(
            _DOUBLES, "capacity fixed per_time overtime regular_time start start_from end longest farthest"
        ),
        *_each(_INTS, "home last reloads returns"),
        *_each(_DOUBLES, "service"),
        *_each(_INTS, "allowed break_start"),
        *_each(_DOUBLES, "break_length break_earliest break_latest rule_numbers"),
        *_each(c_int64, "rule_width"),
        *_each(_DOUBLES, "arcs"),
        *_each(c_int64, "arc_width arc_stride"),
        *_each(POINTER(c_uint8), "apart"),
        *_each(c_int64, "fixed_minutes"),
        *_each(_INTS, "arrival"),
        *_each(POINTER(c_int64), "arrival_start"),
        *_each(_DOUBLES, "arrival_leave arrival_arrive"),
        *_each(c_double, "arrival_noise"),
        *_each(POINTER(LawStruct), "duration cost"),
        *_each(POINTER(CurveStruct), "curves"),
        *_each(POINTER(StairsStruct), "stairs"),
        *_each(POINTER(LinesStruct), "lines"),
        *_each(POINTER(LawStruct), "stop"),
        *_each(_DOUBLES, "stop_rows"),
        *_each(c_int64, "stop_width stop_reads_clock break_ways break_by_clock"),
        *_each(_INTS, "slot_kind pinned reserved unit_of unit_start unit_nodes near"),
        *_each(c_int64, "near_count"),
        *_each(c_double, "longest_rate missed"),
        *_each(_INTS, "bound loaded kept_start kept_stops under_way"),
        *_each(_DOUBLES, "has_left leaves_from left_limit"),
        *_each(c_double, "not_before horizon"),
    ]


class ScoreStruct(Structure):
    """What a route scores."""

    _fields_: ClassVar[Fields] = [*_each(c_double, "price departure finish"), ("broken", c_int64)]


class ReportStruct(Structure):
    """How far a search is."""

    _fields_: ClassVar[Fields] = [
        *_each(c_double, "price best_price"),
        *_each(c_int64, "missed best_missed steps accepted improved legs best_routes best_stops"),
    ]
