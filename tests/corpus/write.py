"""Write the golden files of the corpus anew: ``python -m tests.corpus.write``, from the root of the repository.

Only what differs is rewritten; the diff is what a reader judges a change by.
"""

from __future__ import annotations

from tests.cases.told import differences
from tests.corpus.cases import CASES, HERE
from tests.corpus.recording import file_of

__all__ = ["compared"]

GOLDEN = HERE / "golden"


def compared(name: str, *, write: bool = False) -> str:
    """Return how a case differs from its golden file; write the file if asked and if it does."""
    path, found = GOLDEN / f"{name}.txt", file_of(CASES[name]())
    told = differences(path.read_text("utf-8"), found) if path.exists() else "there is no golden file"
    if told and write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, "utf-8")
    return told


if __name__ == "__main__":
    for each in CASES:
        print(f"{each}: {'rewritten' if compared(each, write=True) else 'same'}", flush=True)
