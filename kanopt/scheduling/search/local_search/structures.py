"""The structures of ``kernel/shop.h``, field by field."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_int32, c_int64
from typing import Any, ClassVar

Fields = list[tuple[str, Any]]


def _each(kind: Any, names: str) -> Fields:
    return [(name, kind) for name in names.split()]


class ShopStruct(Structure):
    """A shop in whole steps; what each field holds is said in ``kernel/shop.h``."""

    _fields_: ClassVar[Fields] = [
        *_each(c_int64, "tasks jobs machines modes families windows pieces"),
        *_each(POINTER(c_int32), "task_job previous next last task_family machine_family"),
        *_each(POINTER(c_int32), "mode_start mode_task mode_machine"),
        *_each(POINTER(c_int64), "duration release due tardiness setup opens closes windows_of"),
        *_each(POINTER(c_int64), "edges energy until running tail"),
        *_each(c_int64, "makespan over least"),
    ]


class ReportStruct(Structure):
    """How far a search is."""

    _fields_: ClassVar[Fields] = _each(c_int64, "cost over best_cost best_over steps accepted improved work")
