"""Child processes that compute as other processors do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["PROCESSORS", "run_as"]

ROOT = Path(__file__).parents[2]
_WIDE = "AVX512_SPR AVX512_ICL AVX512_CNL AVX512_CLX AVX512_SKX X86_V4 AVX512CD AVX512F"
_FUSED = "X86_V3 AVX2 FMA3"
PROCESSORS = {
    "as it is": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "AVX2": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": _WIDE,
    },
    "SSE": {
        "OPENBLAS_CORETYPE": "Sandybridge",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": f"{_WIDE} {_FUSED}",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA",
    },
}
"""What makes libraries compute so: OpenBLAS and MKL, PyTorch, numpy, and the library of mathematics."""


def run_as(processor: str, arguments: Iterable[str], seconds: float = 600.0) -> str:
    """Return what a Python process prints that computes as a processor does, with one thread.

    Features that numpy does not know on this machine are passed over by numpy, with a warning that is not shown.

    Raises
    ------
    RuntimeError
        If the process fails; it says what was said.
    """
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    one = {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths, "PYTHONWARNINGS": "ignore"}
    settings = {**os.environ, **one, **PROCESSORS[processor]}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{processor}: {done.stderr[-2000:]}")
    return done.stdout
