"""How large kanopt is and how it hangs together, read off its files."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

__all__ = ["PACKAGE", "ROOT", "Source", "lines_of_code"]

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "kanopt"
NO_CODE = {getattr(tokenize, name) for name in ("COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENDMARKER")}


def lines_of_code(text: str, tree: ast.Module) -> int:
    """Count the lines that hold more than comments and docstrings."""
    docs: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            alone = first.value if isinstance(first, ast.Expr) else None
            if isinstance(alone, ast.Constant) and isinstance(alone.value, str):
                docs |= set(range(alone.lineno, (alone.end_lineno or alone.lineno) + 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {
        line
        for token in tokens
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - docs)


class Source:
    """The files of kanopt by module, read and parsed."""

    def __init__(self) -> None:
        self.paths = {self._module(path): path for path in sorted(PACKAGE.rglob("*.py"))}
        self.texts = {name: path.read_text(encoding="utf-8") for name, path in self.paths.items()}
        self.trees = {name: ast.parse(text) for name, text in self.texts.items()}
        self.importers: dict[str, set[str]] = {name: set() for name in self.paths}
        for name in self.paths:
            for target in self._imported(name):
                if target in self.importers and target != name:
                    self.importers[target].add(name)

    @staticmethod
    def _module(path: Path) -> str:
        return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    def is_package(self, name: str) -> bool:
        return self.paths[name].name == "__init__.py"

    def room(self, name: str) -> str:
        parts = self.paths[name].relative_to(PACKAGE).parts
        return parts[0] if len(parts) > 1 else "."

    def _imported(self, name: str) -> Iterator[str]:
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = name.split(".")[: None if self.is_package(name) else -1]
                base = start[: len(start) + 1 - node.level] if node.level else []
                source = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    yield inner if inner in self.paths else source

    def rooms(self) -> pd.DataFrame:
        """Return size and imports of each room, and of all."""
        rows: dict[str, Counter[str]] = defaultdict(Counter)
        for name, text in self.texts.items():
            importers = self.importers[name]
            found = {"files": 1, "lines": lines_of_code(text, self.trees[name])}
            if not self.is_package(name):
                door = importers == {name.rpartition(".")[0]}
                found |= {"modules": 1, "one importer": len(importers) == 1, "its package alone": door}
                found |= {"no importer": not importers}
            rows[self.room(name)].update(found)
            rows["all"].update(found)
        table = pd.DataFrame.from_dict(rows, orient="index").fillna(0).astype(int)
        return table.sort_values("lines", key=lambda lines: -lines.where(table.index != "all", 0))

    def modules_with(self, importers: int) -> list[str]:
        return [n for n, by in self.importers.items() if len(by) == importers and not self.is_package(n)]

    def classes_defined_again(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(f"{name}:{node.lineno}")
        return {name: places for name, places in sorted(found.items()) if len(places) > 1}

    def files_in_three_folders(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.paths.values():
            if path.name != "__init__.py":
                found[path.name].append(path.parent.relative_to(ROOT).as_posix())
        return {name: places for name, places in sorted(found.items()) if len(places) > 2}
