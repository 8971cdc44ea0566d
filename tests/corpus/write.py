"""Write the golden files of the corpus anew, or search again and compare.

Run it from the root of the repository::

    python -m tests.corpus.write              record everything and show what differs from the golden files
    python -m tests.corpus.write --write      the same, and rewrite the golden files
    python -m tests.corpus.write --search     search as well, and compare plans and objectives with the golden ones

Only what differs is rewritten. ``--search --write`` rewrites the frozen plans too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.cases.told import differences
from tests.corpus import recording as say
from tests.corpus.cases import CASES, HERE
from tests.corpus.messages import MESSAGES
from tests.corpus.searches import SEARCHED, search

GOLDEN = HERE / "golden"


def compared(name: str, sections: Mapping[str, str], *, folder: Path = GOLDEN, write: bool = False) -> str:
    """Return how sections differ from a golden file; write the file if asked and if they do.

    Parameters
    ----------
    name
        Of the file, without its ending.
    sections
        What was found.
    folder
        Where golden files are.
    write
        Whether to rewrite the file.
    """
    path, found = folder / f"{name}.txt", say.file_of(sections)
    told = differences(path.read_text("utf-8"), found) if path.exists() else "there is no golden file"
    if told and write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, "utf-8")
    return told


def _searched(name: str, *, write: bool) -> str:
    """Search, and say how plan and words differ from the golden ones; rewrite them if asked."""
    result, sections = search(name)
    path = HERE / "plans" / f"{name}.csv"
    golden = path.read_text("utf-8") if path.exists() else ""
    table = None if result.plan is None else result.plan.to_frame()
    found = "" if table is None else table.to_csv(index=False, lineterminator="\n")
    moved = differences(golden, found)
    if moved and write and found:
        path.write_text(found, "utf-8")
    return "\n".join(filter(None, (moved, compared(name, sections, folder=GOLDEN / "search", write=write))))


def main(arguments: list[str] | None = None) -> int:
    """Run the script; 1 if anything differs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpus.write", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("names", nargs="*", help="cases; all if left out")
    parser.add_argument("--write", action="store_true", help="rewrite what differs")
    parser.add_argument("--search", action="store_true", help="search as well; takes some minutes")
    given = parser.parse_args(arguments)
    everything = {**CASES, **MESSAGES}
    unknown = set(given.names) - {*everything, *SEARCHED}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(everything)}")
    steps = [(f"search {name}", name) for name in SEARCHED if given.search]
    steps += [(name, name) for name in everything]
    wrong = 0
    for label, name in steps:
        if given.names and name not in given.names:
            continue
        start = time.process_time()
        if label == name:
            told = compared(name, everything[name](), write=given.write)
        else:
            told = _searched(name, write=given.write)
        wrong += bool(told)
        print(
            f"{label}: {'differs' if told else 'same'} ({time.process_time() - start:.1f} CPU s)", flush=True
        )
        if told and not given.write:
            print(told)
    return int(bool(wrong) and not given.write)


if __name__ == "__main__":
    sys.exit(main())
