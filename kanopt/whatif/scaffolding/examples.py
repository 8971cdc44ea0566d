"""Copies of the example scenarios, to look at and to change."""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from kanopt.errors import TableError, nearest
from kanopt.files import replace_file
from kanopt.text import join_list


def example_names() -> tuple[str, ...]:
    """Return the names of the examples.

    Examples
    --------
    >>> example_names()
    ('coffee', 'parcel_city', 'sioux_falls', 'supply_network', 'workshop')
    """
    names = (each.name for each in _folder().iterdir() if each.name.endswith(".toml"))
    found = [name.removesuffix(".toml") for name in names]
    return tuple(sorted(name for name in found if (_folder() / name).is_dir()))


def copy_example(name: str, folder: str | Path, *, replace: bool = False) -> list[Path]:
    """Copy an example scenario, its what-ifs and its tables into a folder; return the files, the scenario first.

    Parameters
    ----------
    name
        The example, such as ``"parcel_city"``.
    folder
        Where to; it is made where there is none.
    replace
        Whether files that are there are replaced.

    Raises
    ------
    TableError
        If there is no such example, or a file is there.

    Examples
    --------
    >>> import tempfile
    >>> [path.name for path in copy_example("workshop", tempfile.mkdtemp())][:2]
    ['workshop.toml', 'workshop_old_mill.toml']
    """
    if name not in example_names():
        raise TableError(f"there is no example {name!r}; {nearest(name, example_names())}")
    source = _folder()
    files = {f"{name}.toml": source / f"{name}.toml"}
    for each in sorted(source.iterdir(), key=lambda each: each.name):
        if each.name.endswith(".toml") and _base(each) == f"{name}.toml":
            files[each.name] = each
    for each in sorted((source / name).iterdir(), key=lambda each: each.name):
        if each.name.endswith(".csv"):
            files[f"{name}/{each.name}"] = each
    targets = {Path(folder) / place: each for place, each in files.items()}
    there = [str(target) for target in targets if target.exists()]
    if there and not replace:
        raise TableError(
            f"{join_list(there, 2)} already there; name another folder, or let files be replaced with replace=True, "
            "--force on the command line"
        )
    return [replace_file(target, each.read_bytes(), make_folders=True) for target, each in targets.items()]


def _base(file: Traversable) -> str:
    head = tomllib.loads(file.read_text(encoding="utf-8")).get("scenario", {})
    return str(head.get("base", ""))


def _folder() -> Traversable:
    """Return the folder of the examples: in the package where it is installed, beside it in a checkout."""
    inside = resources.files("kanopt") / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "scenarios"
