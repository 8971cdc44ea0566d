"""The compiled kernel, loaded: from the package, else compiled once into the user's cache."""

from __future__ import annotations

import ctypes
import os
import sysconfig
from functools import cache
from pathlib import Path

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
