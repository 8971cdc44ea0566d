"""A small scenario with its tables, and what tests of the command line do with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cases.scenario_files import files_of

FILES = files_of("case")

LEARNED = """\
[tables.trips]
path = "trips.csv"
[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km"]"""


def edit(path: Path, old: str, new: str) -> None:
    """Replace a part of a file that must be in it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def left_behind(folder: Path) -> list[str]:
    """Return what is in the folder besides the files of the case."""
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name not in FILES
    )


OWN_TREE = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
"""What a process of its own needs to run this tree, whichever one is installed."""


def start(
    case: Path, *arguments: str, code: str = "from kanopt.cli import main; main()"
) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=case,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**OWN_TREE, "OMP_NUM_THREADS": "1"},
    )
