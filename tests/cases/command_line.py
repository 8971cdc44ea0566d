"""A small scenario with its tables, and what tests of the command line do with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILES = {
    "depots.csv": "name,x,y\nhub,0,0\n",
    "clients.csv": "name,x,y,demand,earliest,latest\nnorth,0,4,0.5,420,1020\neast,5,0,0.6,420,1020\n",
    "vehicles.csv": "name,num_available,capacity,fixed_cost,shift_start,shift_end\nvan,2,1.2,20,420,1020\n",
    "case.toml": """\
[scenario]
name = "Case"

[tables.depots]
path = "depots.csv"
[tables.clients]
path = "clients.csv"
[tables.vehicles]
path = "vehicles.csv"

[surrogates.minutes]
formula = "2 * km"
inputs = { km = "km" }
unit = "min"

[surrogates.fuel]
formula = "0.3 * km"
inputs = { km = "km" }
unit = "EUR"

[problem]
kind = "routing"
cost = { fuel = "fuel" }
duration = { law = "minutes" }
bind = { km = "arc.distance" }

[problem.depots]
table = "depots"
[problem.clients]
table = "clients"
[problem.vehicles]
table = "vehicles"

[solver]
time_limit = 1
""",
    "dear.toml": """\
[scenario]
name = "Dear"
base = "case.toml"

[[changes]]
scale = "vehicles.fixed_cost"
by = 2
""",
}

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
