"""The public face: the exported names are a promise, and importing them costs nothing until used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kanopt as ko

EXPORTED = Path(__file__).with_name("exported_names.txt").read_text("utf-8").split()


def test_exported_names_are_locked() -> None:
    assert sorted(ko.__all__) == EXPORTED


@pytest.mark.parametrize("name", EXPORTED)
def test_every_exported_name_resolves_to_its_home(name: str) -> None:
    value = getattr(ko, name)
    assert value.__doc__
    assert name in dir(ko)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(ko.__file__).read_text("utf-8"))
    typed = {
        alias.asname
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == set(ko.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'solv'"):
        ko.solv  # noqa: B018


def test_import_loads_nothing_heavy_and_prints_nothing() -> None:
    code = (
        "import sys, kanopt\n"
        "heavy = 'torch ortools sympy pandas numpy scipy sklearn matplotlib pint pydantic'.split()\n"
        "print(sorted(set(heavy) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_explain_is_a_room_and_a_function() -> None:
    import kanopt.explain as room

    assert callable(ko.explain)
    assert ko.explain.__module__ == "kanopt.explain" or ko.explain is room
