"""The blocks of code of a page, and what a reader of it has at hand."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cases.scenario_files import files_of

__all__ = ["PAGES", "ROOT", "Block", "blocks_of", "commands_of", "hurried_command", "readers_folder"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```(?P<kind>[^\n]*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_SEARCHES = {"run", "solve", "compare", "sweep", "risk", "tornado", "switch-points", "monte-carlo"}


@dataclass(frozen=True)
class Block:
    """A block between fences: its language, its text, and why it is not run, where it is not."""

    page: Path
    line: int
    kind: str
    code: str
    reason: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text[: match.start("kind")].count("\n") + 1
        found.append(Block(page, line, match["kind"], match["code"], match["reason"] or ""))
    return found


def commands_of(code: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the commands of a block, each with the lines that are shown below it.

    Examples
    --------
    >>> list(commands_of("$ kanopt check a.toml   # first\\na.toml: no mistakes\\n$ kanopt run a.toml\\n"))
    [(['kanopt', 'check', 'a.toml'], ['a.toml: no mistakes']), (['kanopt', 'run', 'a.toml'], [])]
    """
    for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield shlex.split(command, comments=True), [line for line in shown if line.strip(" …")]


def hurried_command(words: list[str]) -> list[str]:
    """Return the arguments of ``kanopt``, with half a second for each search.

    Examples
    --------
    >>> hurried_command(["kanopt", "run", "a.toml", "--time-limit", "60"])
    ['run', 'a.toml', '--time-limit', '0.5']
    """
    arguments = words[1:]
    if arguments[0] in _SEARCHES:
        if "--time-limit" in arguments:
            place = arguments.index("--time-limit")
            del arguments[place : place + 2]
        arguments += ["--time-limit", "0.5"]
    return arguments


def readers_folder(folder: Path) -> None:
    """Put into a folder what a reader has: the examples, tables called as on the pages, and a town with mistakes.

    Code on the pages that names no limit of a search takes that of the example: half a second here.
    """
    shutil.copytree(
        ROOT / "scenarios", folder / "scenarios", ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    for path in (folder / "scenarios").glob("*.toml"):
        limited = re.sub(r"(?m)^time_limit = .*", "time_limit = 0.5", path.read_text(encoding="utf-8"))
        path.write_text(limited, encoding="utf-8")
    for name in ("trips", "clients", "vehicles"):
        shutil.copy(folder / "scenarios" / "parcel_city" / f"{name}.csv", folder)
    for name, text in files_of("town").items():
        (folder / name).write_text(text, encoding="utf-8")
