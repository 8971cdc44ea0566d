"""The compiled kernel, loaded: from the package, else compiled once into the user's cache."""

from __future__ import annotations

import ctypes
import os
import re
import sysconfig
from collections.abc import Iterable
from ctypes import POINTER, Structure, c_double, c_int32, c_int64, c_uint8, c_uint64
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kanopt.engines.compiled.build import KERNEL, compile_kernel, find_kernel
from kanopt.errors import SolverError


@cache
def _loaded() -> ctypes.CDLL | str:
    """Return the kernel, or why there is none."""
    try:
        return ctypes.CDLL(str(_file()))
    except (OSError, RuntimeError) as error:
        return str(error)


def _file() -> Path:
    packaged = find_kernel(KERNEL)
    if packaged is not None:
        return packaged
    from platformdirs import user_cache_dir

    named = os.environ.get("KANOPT_CACHE_DIR")
    cached = Path(named).expanduser() if named else Path(user_cache_dir("kanopt", appauthor=False))
    folder = cached / "kernels" / sysconfig.get_platform()  # machines may share a home
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return find_kernel(folder) or compile_kernel(folder)


def why_no_kernel() -> str:
    """Return why there is no compiled kernel on this machine, empty where there is one."""
    found = _loaded()
    return found if isinstance(found, str) else ""


def kernel() -> ctypes.CDLL:
    """Return the compiled kernel.

    Raises
    ------
    SolverError
        If it was not compiled when the package was installed and there is no compiler now.
    """
    found = _loaded()
    if isinstance(found, str):
        raise SolverError(
            f"there is no compiled kernel: {found}. Install a C compiler or the package ziglang; its file is made "
            "once, in the folder of KANOPT_CACHE_DIR"
        )
    return found


@cache
def kernel_for(struct: type[ctypes.Structure], size: str) -> ctypes.CDLL:
    """Return the compiled kernel for a problem that is handed over as a structure.

    Parameters
    ----------
    struct
        The structure as it is here.
    size
        The function of the kernel that says how many bytes it has there.

    Raises
    ------
    SolverError
        If there is no kernel, or its structure has another size, so that it would read what is not there.
    """
    library = kernel()
    ask = library[size]
    ask.restype = ctypes.c_int64
    if ask() != ctypes.sizeof(struct):
        raise SolverError(f"{struct.__name__} has {ctypes.sizeof(struct)} bytes, that of the kernel {ask()}")
    return library


_KINDS = {
    "double": c_double,
    "int32_t": c_int32,
    "int64_t": c_int64,
    "uint8_t": c_uint8,
    "uint64_t": c_uint64,
}


def structures(files: Iterable[Path]) -> dict[str, Any]:
    """Return the structures that C files declare, by name; those within others come before these."""
    text = re.sub(r"/\*.*?\*/", "", "".join(each.read_text(encoding="utf-8") for each in files), flags=re.S)
    found: dict[str, Any] = {**_KINDS}
    for body, name in re.findall(r"typedef struct \{([^}]*)\} (\w+);", text):
        own = []
        for declared in body.replace("const ", "").split(";")[:-1]:
            kind, names = declared.split(maxsplit=1)
            own += [
                (each.strip(" \n*"), POINTER(found[kind]) if "*" in each else found[kind])
                for each in names.split(",")
            ]
        found[name] = type(name, (Structure,), {"_fields_": own})
    return found


class KernelArrays:
    """Arrays that the kernel reads, which live as long as this object."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def hand_over(self, values: Any, field: Any) -> Any:
        """Return an array for the kernel, in the type of its field."""
        array = np.ascontiguousarray(values, dtype=field._type_)
        self._kept.append(array)
        return array.ctypes.data_as(field)

    def put(self, struct: Any, **arrays: Any) -> None:
        """Hand arrays over in a structure, each in the type of its field."""
        fields = dict(struct._fields_)
        for name, values in arrays.items():
            setattr(struct, name, self.hand_over(values, fields[name]))
