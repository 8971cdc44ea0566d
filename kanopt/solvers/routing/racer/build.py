"""Compile the kernel: C11 that needs no library but that of mathematics.

The build hook of the package reads this file before anything is installed: it uses the standard library alone. A
compiler is the one that ``CC`` names, ``cc``, ``gcc`` or ``clang``, or that of the package ``ziglang``, which needs
nothing else on the machine; the build hook asks for it where there is no other.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["compile_kernel", "compilers", "library_name"]

KERNEL = Path(__file__).parent / "kernel"
_FLAGS = (
    "-std=c11",
    "-O3",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-ffp-contract=off",  # the same numbers on every machine
)
_SECONDS = 120


def compilers() -> list[list[str]]:
    """Return the commands by which C is compiled on this machine, the first choice first."""
    named = os.environ.get("CC")
    found = [shlex.split(named)] if named else []
    found += [[path] for name in ("cc", "gcc", "clang") if (path := shutil.which(name))]
    if importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"])
    return found


def library_name() -> str:
    """Return the file name of the compiled kernel, which changes with its source."""
    hashed = hashlib.blake2b(" ".join(_FLAGS).encode(), digest_size=8)
    for file in sorted(KERNEL.glob("*.[ch]")):
        hashed.update(file.name.encode() + file.read_bytes())
    return f"kernel-{hashed.hexdigest()}{'.dll' if sys.platform == 'win32' else '.so'}"


def compile_kernel(folder: Path) -> Path:
    """Compile the kernel into a folder and return the file.

    Raises
    ------
    OSError
        If there is no compiler, or none succeeds; says what they answer.
    """
    target, answers = folder / library_name(), []
    unfinished = target.with_name(f"{target.stem}-{os.getpid()}{target.suffix}")
    sources = [str(file) for file in sorted(KERNEL.glob("*.c"))]
    for command in compilers():
        whole = [*command, *_FLAGS, *sources, "-o", str(unfinished), "-lm"]
        try:
            done = subprocess.run(  # noqa: S603 - a compiler of this machine, and our own files
                whole, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            answers.append(f"{command[0]}: {error}")
            continue
        if done.returncode == 0 and unfinished.exists():
            unfinished.replace(target)
            return target
        answers.append(f"{command[0]}: {done.stderr.strip()[-500:] or f'exit code {done.returncode}'}")
    raise OSError("; ".join(answers) or "no C compiler; install one, or the package ziglang")
