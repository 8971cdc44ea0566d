"""Notebooks are stored as they run: outputs are small, and a fresh run says the same."""

from __future__ import annotations

import ast
import os
import re
from functools import cache
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from kanopt.scenarios.learn import FOLDER_VARIABLE
from notebooks.execute import METADATA, STOPPING, executed, notebooks
from tests.cases.told import differences, seconds_left_out

NOTEBOOKS = notebooks()
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
PUBLIC = set((Path(__file__).parent / "exported_names.txt").read_text(encoding="utf-8").split())
LARGEST, LARGEST_OF_ALL = 300_000, 2_000_000  # bytes: a page that loads at once, a clone that stays small
OTHERS = {
    "distributed",
    "logging",
    "matplotlib",
    "numpy",
    "os",
    "pandas",
    "pathlib",
    "signal",
    "tempfile",
    "warnings",
}
"""What a notebook may import beside kanopt: what an analyst has anyway, and the cluster of notebook 09."""
NEEDS = {"09": ("distributed",)}
"""Packages of the extra `notebook` without which a notebook says less."""
MEASURED = 1e-6
"""Share by which figures may differ: laws and plans are the same everywhere, networks and what is drawn nearly so."""


@cache
def stored(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks_and_all_of_them_are_small() -> None:
    sizes = {path.stem: path.stat().st_size for path in NOTEBOOKS}
    assert sizes
    assert max(sizes.values()) < LARGEST, sizes
    assert sum(sizes.values()) < LARGEST_OF_ALL, sizes


@EACH
def test_a_notebook_is_stored_executed_in_order_without_errors_or_warnings(path: Path) -> None:
    notebook = stored(path)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    warned = [output.text for output in outputs if output.get("name") == "stderr"]
    assert all(text.startswith(STOPPING) for text in warned), warned
    assert any("image/png" in output.get("data", {}) for output in outputs), (
        "a picture tells more than a table"
    )
    assert notebook.metadata == METADATA, (
        "run notebooks/execute.py, which leaves out what tells of the machine"
    )
    assert not any(cell.metadata for cell in notebook.cells)


@EACH
def test_a_notebook_tells_its_question_and_its_decision(path: Path) -> None:
    prose = "\n".join(cell.source for cell in stored(path).cells if cell.cell_type == "markdown")
    assert prose.startswith(f"# {int(path.stem[:2])}. ")
    assert "**The question.**" in prose
    assert "**Decision.**" in prose


@EACH
def test_a_notebook_uses_public_names_alone(path: Path) -> None:
    for cell in code_cells(stored(path)):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                used = {name.name.split(".")[0] for name in node.names if name.name != "kanopt"}
                assert used <= OTHERS, cell.source
            elif isinstance(node, ast.ImportFrom):
                if node.module == "kanopt":
                    assert {name.name for name in node.names} <= PUBLIC, cell.source
                elif node.module not in {f"kanopt.{name}" for name in PUBLIC}:
                    assert str(node.module).split(".")[0] in OTHERS, cell.source
            elif isinstance(node, ast.Attribute):
                dotted = ast.unparse(node)
                if re.fullmatch(r"ko\.\w+", dotted):
                    assert dotted[3:] in PUBLIC, dotted
                assert not re.search(r"(^|\.)_[a-z]", dotted), f"{dotted} is private"


@EACH
def test_a_notebook_tells_nothing_of_the_machine_it_ran_on(path: Path) -> None:
    for text in texts(stored(path)):
        assert not re.search(r"(?<![\w.])/(home|work|tmp|root|usr|Users)/", text), text


@pytest.mark.slow
@EACH
def test_a_notebook_run_again_says_what_is_stored(path: Path) -> None:
    for package in NEEDS.get(path.stem[:2], ()):
        pytest.importorskip(package)
    again = executed(path, Path(os.environ[FOLDER_VARIABLE]))
    before, after = texts(stored(path)), texts(again)
    assert len(after) == len(before)
    told = (differences(*pair, MEASURED, last_digit=True) for pair in zip(before, after, strict=True))
    assert not "\n".join(filter(None, told))
    assert pictures(again) == pictures(stored(path))


def texts(notebook: NotebookNode) -> list[str]:
    """Return what the outputs say in words, with seconds left out, of which no two runs have the same."""
    return [
        seconds_left_out(text)
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.get("name") != "stderr"  # how Ctrl-C was heard, which depends on who started the kernel
        for text in (
            output.get("text", ""),
            output.get("data", {}).get("text/plain", ""),
            _words(output.get("data", {}).get("text/html", "")),
        )
        if text
    ]


def _words(html: str) -> str:
    """Return the words of a page without its styles and drawings."""
    html = re.sub(r"(?s)<(style|script|svg)\b.*?</\1>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def pictures(notebook: NotebookNode) -> list[int]:
    """Return how many pictures each cell shows."""
    return [
        sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in code_cells(notebook)
    ]
