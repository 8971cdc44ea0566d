"""The public face: the exported names are a promise, and importing them costs nothing until used."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import kanopt as ko

NAMES = Path(__file__).with_name("exported_names.txt").read_text("utf-8").split()
EXPORTED = [name for name in NAMES if "." not in name]
INSIDE = [name for name in NAMES if "." in name]


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
        alias.asname: statement.module
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    modules = dict.fromkeys(ko._MODULES, "kanopt")
    assert typed == ko._MODULE_OF | modules


def test_the_names_of_the_public_modules_are_locked() -> None:
    modules = sorted({name.partition(".")[0] for name in INSIDE})
    assert sorted(f"{module}.{name}" for module in modules for name in getattr(ko, module).__all__) == INSIDE


@pytest.mark.parametrize("place", INSIDE)
def test_a_name_of_a_public_module_is_not_a_name_of_the_package(place: str) -> None:
    module, _, name = place.partition(".")
    assert getattr(getattr(ko, module), name) is not None
    with pytest.raises(
        AttributeError, match=rf"^module 'kanopt' has no attribute '{name}'; it is kanopt\.{module}\.{name}$"
    ):
        getattr(ko, name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("arc", "module 'kanopt' has no attribute 'arc'; it is kanopt.refs.arc"),
        ("Client", "module 'kanopt' has no attribute 'Client'; it is kanopt.routing.Client"),
        ("zzz", "module 'kanopt' has no attribute 'zzz'"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_where_it_is(name: str, told: str) -> None:
    with pytest.raises(AttributeError) as by_attribute:
        getattr(ko, name)
    assert str(by_attribute.value) == told
    with pytest.raises(ImportError, match=name):
        exec(f"from kanopt import {name}", {})
    assert not hasattr(ko, name)


def test_import_loads_nothing_heavy_and_prints_nothing() -> None:
    code = (
        "import sys, kanopt\n"
        "hasattr(kanopt, '__wrapped__')\n"
        "heavy = 'torch ortools sympy pandas numpy scipy sklearn matplotlib pint pydantic'.split()\n"
        "print(sorted(set(heavy) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_every_name_that_a_module_says_it_has_is_there() -> None:
    for found in pkgutil.walk_packages(ko.__path__, "kanopt."):
        module = import_module(found.name)
        missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
        assert not missing, found.name
