"""The command that begins: a first scenario file from tables, or a copy of an example."""

from __future__ import annotations

import sys
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanopt.cli import options as opt
from kanopt.cli.failures import ExitCode
from kanopt.cli.options import Given, command
from kanopt.cli.output import check_outputs, to_json
from kanopt.cli.progress import echo
from kanopt.errors import TableError, nearest
from kanopt.files import replace_file
from kanopt.text import join_list

if TYPE_CHECKING:
    from kanopt.scenarios.files.spec import QuestionSpec


@command(
    "init",
    click.Argument(["files"], nargs=-1, type=opt.FILE),
    opt.choice(
        "--kind",
        *("routing", "scheduling", "supply", "law"),
        text="What is to be decided; law for laws without a plan. By default what the tables look like.",
    ),
    opt.option(
        "--out",
        type=opt.FILE,
        text="The scenario file, scenario.toml beside the tables if left out; of an example, the folder.",
    ),
    opt.option(
        "--example", metavar="NAME", text="Copy an example scenario with its tables, such as parcel_city."
    ),
    opt.choice(
        "--decimal",
        *(",", "."),
        text="What stands before the decimals of text files, where their numbers can be read in two ways.",
    ),
    opt.switch("--force", "Replace files that are there."),
    opt.JSON,
)
def init(given: Given) -> int:
    """Begin a scenario: guess from tables what they are, and write a file that runs at once.

    Each guess is printed with its reason; one that is not certain has a question mark, and # check in the file.
    """
    files = given["files"]
    if given["example"] is not None:
        if files or given["kind"] is not None:
            raise click.UsageError(
                "--example copies a scenario with its own tables; leave FILES and --kind out"
            )
        return _copy(given)
    if not files:
        raise click.UsageError("name the tables, such as trips.csv clients.csv, or --example parcel_city")
    return _begin(given)


def _begin(given: Given) -> int:
    from kanopt.scenarios.init import scaffold

    files, out, force, as_json = (given[name] for name in ("files", "out", "force", "as_json"))
    folders = {file.resolve().parent for file in files}
    early = out or (_shown(folders.pop() / "scenario.toml") if len(folders) == 1 else None)
    # a table can take minutes to read: what is known before is told before
    if early is not None and early.exists() and not force:
        raise TableError(
            f"{early} is there already; name another file with --out, or replace it with --force"
        )
    made = scaffold(files, given["kind"], given["decimal"] or "")
    if made.questions and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        made = made.answered([_ask(question) for question in made.questions])
    target = out or _shown(made.folder / "scenario.toml")
    check_outputs(made.outputs(target), files)
    written = made.write(target, replace=force)
    if as_json:
        guesses = made.guesses.to_dict(orient="records")
        told = {"kind": made.kind, "guesses": guesses, "notes": list(made.notes), "file": str(written)}
        echo(to_json(told))
        return ExitCode.SOLVED
    unsure = int((~made.guesses["sure"].astype(bool)).sum())
    echo(str(made))
    echo(f"\nscenario: {written}")
    if made.made:
        echo("made beside it, to be looked at: " + ", ".join(map(str, made.outputs(target)[1:])))
    for question in made.questions:
        if not question.answer:
            echo(f"open: {question.text} Answer it in the file: {', '.join(question.answers)}")
    echo(f"{unsure} of {len(made.guesses)} guesses are not certain: look for # check in the file")
    next_step = f"run {written}" if made.kind else f"fit {written} --out laws"
    echo(f"next: kanopt {next_step}")
    return ExitCode.SOLVED


def _ask(question: QuestionSpec) -> str:
    """Ask in the terminal; the likely answer is the default."""
    answers = list(question.answers)
    told: str = click.prompt(question.text, default=answers[0], type=click.Choice(answers))
    return told


def _copy(given: Given) -> int:

    files = copy_example(given["example"], given["out"] or Path(), replace=given["force"])
    if given["as_json"]:
        echo(to_json({"files": [str(file) for file in files]}))
        return ExitCode.SOLVED
    echo(f"{len(files)} files copied\nscenario: {files[0]}\nnext: kanopt run {files[0]}")
    return ExitCode.SOLVED


def example_names() -> tuple[str, ...]:
    """Return the names of the examples.

    Examples
    --------
    >>> example_names()
    ('coffee', 'parcel_city', 'parcel_month', 'sioux_falls', 'supply_network', 'workshop')
    """
    names = (each.name for each in _examples().iterdir() if each.name.endswith(".toml"))
    found = [name.removesuffix(".toml") for name in names]
    return tuple(sorted(name for name in found if (_examples() / name).is_dir()))


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
    source = _examples()
    files = {f"{name}.toml": source / f"{name}.toml"}
    for each in sorted(source.iterdir(), key=lambda each: each.name):
        if each.name.endswith(".toml") and _base(each) == f"{name}.toml":
            files[each.name] = each
    named = {path for file in files.values() for path in _tables(file)}  # of another example's folder, too
    files |= {path: source.joinpath(*path.split("/")) for path in sorted(named)}
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


def _tables(file: Traversable) -> list[str]:
    """Return the paths of the tables that an example reads."""
    tables = tomllib.loads(file.read_text(encoding="utf-8")).get("tables", {})
    return [str(table["path"]) for table in tables.values() if "path" in table]


def _examples() -> Traversable:
    """Return the folder of the examples: in the package where it is installed, beside it in a checkout."""
    inside = resources.files("kanopt") / "examples"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "scenarios"


def _shown(path: Path) -> Path:
    """Return a path as seen from here, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
