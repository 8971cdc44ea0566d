"""How much memory searches leave behind in one process: the resident set after a first search, and after n more.

The problem of each example scenario is solved again and again, for a moment each: routes by all that plans them and by
OR-Tools alone, a schedule, flows (HiGHS, in a process of its own), and decisions. "MB" is what the resident set
(/proc/self/statm) has grown by in all, after Python's collector has run; needs Linux.

    python benchmarks/memory.py --n 100
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _bench import asked, footer, print_table

import kanopt as ko

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def resident() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def searches(seconds: float) -> dict[str, Callable[[], object]]:
    """Return a search of each kind."""
    found: dict[str, Callable[[], object]] = {}
    for name in ("parcel_city", "workshop", "supply_network", "coffee"):
        problem = ko.load_scenario(SCENARIOS / f"{name}.toml").run(time_limit=1.0).problem
        found[name] = partial(ko.solve, problem, time_limit=seconds)
        if name == "parcel_city":
            found["parcel_city, OR-Tools"] = partial(ko.solve, problem, time_limit=seconds, solver="ortools")
    return found


def main() -> None:
    given = asked(
        __doc__,
        n=(100, "searches of each kind"),
        seconds=(0.05, "of each search"),
    )
    lines = []
    for name, search in searches(given.seconds).items():
        search()
        before = resident()
        for _ in range(given.n):
            search()
        grown = resident() - before
        lines.append({"search": name, "n": given.n, "MB": grown, "kB each": 1000 * grown / given.n})
    print_table(lines, ".1f")
    print(f"\n{footer(['ortools', 'pyvrp', 'highspy'], 0)}")


if __name__ == "__main__":
    main()
