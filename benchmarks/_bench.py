"""What the benchmarks share: options, alternating measurements, tables, and a line that says where they were made."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits


def asked(about: str, /, *positional: tuple[Any, ...], **options: tuple[Any, ...]) -> argparse.Namespace:
    """Read the options of a script; from here on it has one thread and tells no warnings.

    Parameters
    ----------
    about
        What ``--help`` says first.
    positional
        What stands without a name: the name, what it is, and the choices.
    options
        By name the default, what the option is, and the choices where there are few. A list takes several values, False
        is a switch, a type (alone, or in a list) stands for an option that may be left out, and ``...`` for a path that
        is needed.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, told, choices in positional:
        parser.add_argument(name, choices=choices, help=told)
    for name, (default, told, *rest) in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=told or " ", **_keywords(default, *rest))
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = (
        "1"  # for PyTorch, where it is not loaded yet: it takes memory that some measure
    )
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threadpool_limits(1)
    warnings.simplefilter("ignore")
    return given


def _keywords(default: Any, choices: Iterable[Any] | None = None) -> dict[str, Any]:
    """Return what argparse is told of an option."""
    if isinstance(default, bool):
        return {"action": argparse.BooleanOptionalAction if default else "store_true", "default": default}
    found: dict[str, Any] = {"metavar": "…"} if choices is None else {"choices": list(choices)}
    if default is ...:
        return found | {"type": Path, "required": True}
    if isinstance(default, list | tuple):
        one = default[0]
        known = None if isinstance(one, type) else list(default)
        return found | {"nargs": "*", "default": known, "type": one if isinstance(one, type) else type(one)}
    if isinstance(default, type):
        return found | {"type": default}
    return found | {"type": type(default), "default": default}


@dataclass(frozen=True)
class Timing:
    """Medians over the repeats, in seconds."""

    wall: float
    cpu: float


def alternate(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Run contenders in turns, A B A B, so that a busy machine is busy for all; return their medians.

    Each runs once before, unmeasured. CUDA is waited for.
    """
    import torch

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, run in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: Timing(statistics.median(w for w, _ in runs), statistics.median(c for _, c in runs))
        for name, runs in times.items()
    }


def in_own_process(order: dict[str, Any], code: Path | None = None) -> dict[str, Any]:
    """Run this script in a process of its own, on one thread, by ``--child`` and an order; return what it prints last.

    `code` is the checkout whose code it runs. Where it fails, the last line of its message is returned as ``error``.
    """
    there = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    there |= {} if code is None else {"PYTHONPATH": str(code)}
    command = [sys.executable, sys.argv[0], "--child", json.dumps(order)]
    done = subprocess.run(command, env=os.environ | there, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        return {"error": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1][:300]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def installed(package: str) -> bool:
    """Whether a peer is there; says so in one line where it is not."""
    try:
        version(package)
    except PackageNotFoundError:
        print(f"{package} is not installed and left out (pip install {package})")
        return False
    return True


def tell(text: str) -> None:
    """Say how far a long run is, beside its table."""
    print(f"[{time.process_time():.0f} CPU s] {text}", file=sys.stderr, flush=True)


def print_table(rows: Any, digits: str = ".3g", *, index: bool = False) -> None:
    """Print a frame, or rows by column, the numbers in a format such as ``.3f``."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    print(f"\n{frame.to_string(index=index, float_format=lambda value: format(value, digits))}")


def footer(packages: list[str], seed: int | str) -> str:
    """Return date, machine, versions and seed in one line."""
    import torch

    found = ", ".join(f"{name} {version(name)}" for name in ("kanopt", "torch", "numpy", *packages))
    card = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{date.today()}, {os.cpu_count()} cores of {platform.machine()}{card}, Python {platform.python_version()}, "
        f"{found}, {torch.get_num_threads()} thread, seed {seed}"
    )
