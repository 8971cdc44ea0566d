"""Compile the kernel: C11 that needs no library but that of mathematics.

The build hook of the package reads this file before anything is installed: it uses the standard library alone. A
compiler is the one that ``CC`` names, ``cc``, ``gcc`` or ``clang``, or that of the package ``ziglang``, which needs
nothing else on the machine; the build hook asks for it where no other compiles the kernel.

The file is called by its source and by its own bytes: one of another source, and one that was cut short or damaged,
is not taken for the kernel. To load such a file would end the process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_HEADERS = Path(__file__).parent
_PACKAGE = _HEADERS.parents[1]
KERNEL = _HEADERS / "binary"
"""Where the compiled kernel of an installed package lies: in no package, so that nothing takes it for a module."""
SOURCES = (
    _PACKAGE / "routing" / "search" / "racer" / "kernel",
    _PACKAGE / "scheduling" / "search" / "local_search" / "kernel",
)
"""Folders of C sources; all of them become one library, with the headers beside this file."""
_FLAGS = (
    "-std=c11",
    "-O3",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-ffp-contract=off",  # the same numbers on every machine
)
_SUFFIX = ".dll" if sys.platform == "win32" else ".so"
_SECONDS = 120


def compilers() -> list[list[str]]:
    """Return the commands by which C is compiled on this machine, the first choice first.

    Raises
    ------
    OSError
        If ``CC`` is no command.
    """
    named = os.environ.get("CC", "")
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise OSError(f"the environment variable CC is {named!r}: {error}") from error
    found = [words] if words else []
    found += [[path] for name in ("cc", "gcc", "clang") if (path := shutil.which(name))]
    if importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"])
    return found


def find_kernel(folder: Path) -> Path | None:
    """Return the file in a folder that was compiled from this source and is as it was then, else None."""
    for file in sorted(folder.glob(f"kernel-{_source()}-*{_SUFFIX}")):
        if file.name == _name(file.read_bytes()):
            return file
    return None


def compile_kernel(folder: Path) -> Path:
    """Compile the kernel into a folder and return the file, which appears there as a whole or not at all.

    Raises
    ------
    OSError
        If there is no compiler, or none succeeds; says what they answer.
    """
    answers = []
    sources = [str(file) for folder in SOURCES for file in sorted(folder.glob("*.c"))]
    with tempfile.TemporaryDirectory() as elsewhere:
        library = Path(elsewhere, f"kernel{_SUFFIX}")
        for command in compilers():
            answer = _run([*command, *_FLAGS, *sources, "-o", str(library), "-lm"])
            if not answer and library.exists():
                return _put(library.read_bytes(), folder)
            answers.append(f"{command[0]}: {answer or 'no file was written'}")
    raise OSError("; ".join(answers) or "no C compiler; install one, or the package ziglang")


def _run(command: list[str]) -> str:
    """Run a compiler; return what it says where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a compiler of this machine, and our own files
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return done.stderr.strip()[-500:] or f"exit code {done.returncode}"


def _put(library: bytes, folder: Path) -> Path:
    """Write a compiled kernel; others may be doing so at the same time."""
    target = folder / _name(library)
    if target.exists() and target.read_bytes() == library:
        return target
    handle, unfinished = tempfile.mkstemp(prefix="kernel-unfinished-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(library)
        Path(unfinished).chmod(0o755)  # whoever may read the folder may use it
        return Path(unfinished).replace(target)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _source() -> str:
    """Return what stands for the source and how it is compiled."""
    hashed = hashlib.blake2b(" ".join(_FLAGS).encode(), digest_size=8)
    for source in (file for folder in (*SOURCES, _HEADERS) for file in sorted(folder.glob("*.[ch]"))):
        hashed.update(source.name.encode() + source.read_bytes())
    return hashed.hexdigest()


def _name(library: bytes) -> str:
    """Return what a compiled kernel is called."""
    return f"kernel-{_source()}-{hashlib.blake2b(library, digest_size=8).hexdigest()}{_SUFFIX}"
