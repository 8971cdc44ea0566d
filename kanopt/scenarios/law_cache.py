"""Laws learned before, kept on disk: what was learned once is not learned again.

A law is found again only by the same rows, settings and seed, and the same program: versions and source files of all
that has a part in learning belong to its key. Files are data: a digest says whether one is what was written,
and nothing in it is executed. What cannot be read is learned anew; what cannot be written costs a
warning and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kanopt.errors import FileFormatError, KanoptWarning
from kanopt.files import check_target, read_file, replace_file
from kanopt.scenarios.learn import LearnedLaw

FOLDER_VARIABLE = "KANOPT_CACHE_DIR"
"""The variable of the environment that names another folder than the user's own."""

_FORMAT = "kanopt learned law 2"
_PLAIN = ("name", "seconds", "trusted", "note", "warned", "cleaning")
_LARGEST_FILE = 8_000_000
_MOST_FILES = 200
_MOST_BYTES = 64 * 2**20
_FILE_NAME = re.compile(r"[0-9a-f]{64}\.json")
_PACKAGES = ("kanopt", "torch", "numpy", "scipy", "pandas", "scikit-learn", "sympy")
_SOURCES = (
    *("kan", "surrogates", "formulas", "tables", "units", "splines.py", "text.py"),
    *(
        "scenarios/learn.py",
        "scenarios/law_cache.py",
        "scenarios/files/laws.py",
        "scenarios/files/sections.py",
    ),
)
"""What decides what is learned; of what-ifs that is how rows and settings are read, not what is asked of the laws."""


class LawCache:
    """Learned laws by what they were learned from, in one JSON file each.

    Several processes may use one folder. It holds 200 laws or 64 MiB at most; those that were not used for longest go.

    Parameters
    ----------
    folder
        Where the files are; by default what ``KANOPT_CACHE_DIR`` names, else the user's folder for such files.
    relearn
        Find nothing that was learned before, and replace it by what is learned now.
    """

    def __init__(self, folder: Path | None = None, *, relearn: bool = False) -> None:
        self.folder = folder or _default_folder()
        self.relearn = relearn
        self._in_memory: dict[str, LearnedLaw] = {}

    def get(self, key: str) -> LearnedLaw | None:
        """Return the law of a key; None where there is none, or it cannot be read."""
        if key in self._in_memory:
            return self._in_memory[key]
        law = None if self.relearn else self._read(key)
        if law is not None:
            # what comes from memory was told of before
            self._in_memory[key] = replace(law, learned_on=None)
        return law

    def __setitem__(self, key: str, law: LearnedLaw) -> None:
        self._in_memory[key] = law
        if law.formula.stopped:
            return  # another run may have more time
        try:
            content = _written(_full_key(key), law)
            if len(content.encode()) > _LARGEST_FILE:
                raise FileFormatError(f"{len(content):,} characters are too many, at most {_LARGEST_FILE:,}")
            # a law holds the names of categories, which are nobody else's business
            check_target(self._path(key))
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path(key), content)
            self._remove_oldest()
        except (OSError, ValueError) as error:
            _warn(f"learned laws are not kept for later runs: {error}")

    def clear(self) -> None:
        """Remove all laws, those of other versions and damaged files too; other files in the folder stay."""
        self._in_memory.clear()
        for path in self.sizes():
            path.unlink(missing_ok=True)

    def sizes(self) -> dict[Path, int]:
        """Return the files of laws, also of other versions, last used first, and how many bytes they hold."""
        found: list[tuple[int, Path, int]] = []
        for path in self.folder.glob("*.json"):
            # another process may remove it meanwhile
            with contextlib.suppress(FileNotFoundError):
                state = path.lstat()
                if _FILE_NAME.fullmatch(path.name) and not stat.S_ISDIR(state.st_mode):
                    found.append((state.st_mtime_ns, path, state.st_size))
        return {path: size for _, path, size in sorted(found, reverse=True)}

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(_full_key(key).encode()).hexdigest()}.json"

    def _read(self, key: str) -> LearnedLaw | None:
        """Return a law from its file; None, with a warning, where that is not what was written there."""
        path = self._path(key)
        try:
            written, law = _read_law(path)
            if written != _full_key(key):
                raise FileFormatError("it is the law of other rows or settings")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _warn(f"{path}: this kept law is ignored and learned anew: {error}")
            return None
        with contextlib.suppress(OSError):  # in a folder that is read only
            os.utime(path)
        return law

    def _remove_oldest(self) -> None:
        total = 0
        for place, (path, size) in enumerate(self.sizes().items()):
            total += size
            if place >= _MOST_FILES or total > _MOST_BYTES:
                path.unlink(missing_ok=True)


def _default_folder() -> Path:
    from platformdirs import user_cache_dir

    named = os.environ.get(FOLDER_VARIABLE)
    try:
        return Path(named).expanduser() if named else Path(user_cache_dir("kanopt", appauthor=False), "laws")
    except RuntimeError:
        raise FileFormatError(
            f"{FOLDER_VARIABLE}={named!r}: there is no such user; name a folder for learned laws"
        ) from None


def _warn(text: str) -> None:
    warnings.warn(text, KanoptWarning, stacklevel=2)


def _full_key(key: str) -> str:
    return key + _program()


@cache
def _program() -> str:
    """Return the versions of what learns, and a hash of its source files: an edited one never finds a stale law."""
    root = Path(__file__).parent.parent
    hashed = hashlib.sha256()
    for source in _SOURCES:
        files = [root / source] if source.endswith(".py") else sorted((root / source).rglob("*.py"))
        for file in files:
            content = file.read_bytes()
            hashed.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    versions = " ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f" learned by {versions} source {hashed.hexdigest()}"


def _written(key: str, law: LearnedLaw) -> str:
    """Return the content of the file of a law: what it is made of, and the digest of that."""
    kept = {
        **{name: getattr(law, name) for name in _PLAIN},
        "key": key,
        "learned_on": (law.learned_on or date.today()).isoformat(),
        "formula": law.formula.to_json(),
        "summary": None if law.summary is None else law.summary.to_dict("list"),
        "diagram": None
        if law.diagram is None
        else {**vars(law.diagram), "edges": [*map(vars, law.diagram.edges)]},
    }
    text = json.dumps(kept, default=lambda array: array.tolist())
    return json.dumps({"format": _FORMAT, "sha256": _digest(json.loads(text)), "law": json.loads(text)})


def _digest(kept: object) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _law_of(kept: Mapping[str, Any]) -> LearnedLaw:
    """Build a law from what its file holds."""
    import numpy as np
    import pandas as pd

    from kanopt.formulas import Formula
    from kanopt.surrogates.curves import Diagram, DiagramEdge

    plain: dict[str, Any] = {
        name: tuple(kept[name]) if isinstance(kept[name], list) else kept[name] for name in _PLAIN
    }
    summary, drawn = kept["summary"], kept["diagram"]
    diagram = None
    if drawn is not None:
        arrays = [{end: np.array(edge[end], np.float64) for end in ("x", "y")} for edge in drawn["edges"]]
        edges = [
            DiagramEdge(**{**edge, "labels": tuple(edge["labels"]), **ends})
            for edge, ends in zip(drawn["edges"], arrays, strict=True)
        ]
        diagram = Diagram(tuple(map(tuple, drawn["layers"])), tuple(edges))
    return LearnedLaw(
        **plain,
        learned_on=date.fromisoformat(kept["learned_on"]),
        formula=Formula.from_json(kept["formula"]),
        summary=None if summary is None else pd.DataFrame(summary),
        diagram=diagram,
    )


def _read_law(path: Path) -> tuple[str, LearnedLaw]:
    """Return the key and the law of a file.

    Raises
    ------
    OSError
        If there is none that can be read.
    FileFormatError
        If it is not what was written.
    """
    written = read_file(path, _LARGEST_FILE, "a kept law")
    try:
        content = json.loads(written)
        if content["format"] != _FORMAT or content["sha256"] != _digest(content["law"]):
            raise FileFormatError("it is of another format, or was changed")
        return content["law"]["key"], _law_of(content["law"])
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        raise FileFormatError("it is damaged") from None
