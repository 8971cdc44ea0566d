"""The command line as a whole: its commands, its version, and what its exit codes mean."""

from __future__ import annotations

import sys
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli import options as opt
from kanopt.cli import output
from kanopt.cli.failures import ExitCode
from kanopt.cli.planning import pairs, question
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command
from kanopt.errors import TableError, nearest
from kanopt.files import replace_file
from kanopt.text import count_text, join_list

if TYPE_CHECKING:
    from kanopt.questions.answer import Answer
    from kanopt.scenarios import LearnedLaw, Scenario
    from kanopt.scenarios.events import OnEvent
    from kanopt.scenarios.files.sections import QuestionSpec


# The command that begins: a first scenario file from tables, or a copy of an example.


@opt.command(
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
def init(given: opt.Given) -> int:
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


def _begin(given: opt.Given) -> int:
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
        made = made.answered([_ask(asked) for asked in made.questions])
    target = out or _shown(made.folder / "scenario.toml")
    output.check_outputs(made.outputs(target), files)
    written = made.write(target, replace=force)
    if as_json:
        guesses = made.guesses.to_dict(orient="records")
        told = {"kind": made.kind, "guesses": guesses, "notes": list(made.notes), "file": str(written)}
        opt.echo(output.to_json(told))
        return ExitCode.SOLVED
    opt.echo(str(made))
    opt.echo(f"\nscenario: {written}")
    if made.made:
        opt.echo("made beside it, to be looked at: " + ", ".join(map(str, made.outputs(target)[1:])))
    still_open = [asked for asked in made.questions if not asked.answer]
    for asked in still_open:
        opt.echo(f"open: {asked.text} Answer it in the file: {', '.join(asked.answers)}")
    if made.unsure:
        opt.echo(f"marked # check in the file, to be looked at: {count_text(made.unsure, 'line')}")
    first = f"answer {count_text(len(still_open), 'open question')} in {written}, then " if still_open else ""
    next_step = f"run {written}" if made.kind else f"fit {written} --out laws"
    opt.echo(f"next: {first}kanopt {next_step}")
    return ExitCode.SOLVED


def _ask(question: QuestionSpec) -> str:
    """Ask in the terminal; the likely answer is the default."""
    answers = list(question.answers)
    told: str = click.prompt(question.text, default=answers[0], type=click.Choice(answers))
    return told


def _copy(given: opt.Given) -> int:
    files = copy_example(given["example"], given["out"] or Path(), replace=given["force"])
    if given["as_json"]:
        opt.echo(output.to_json({"files": [str(file) for file in files]}))
        return ExitCode.SOLVED
    opt.echo(f"{len(files)} files copied\nscenario: {files[0]}\nnext: kanopt run {files[0]}")
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
    source, named = _examples(), sorted(_examples().iterdir(), key=lambda each: each.name)
    files = {each.name: each for each in named if each.name.startswith(name) and each.name.endswith(".toml")}
    tables = {path for file in files.values() for path in _tables(file)}  # of another example's folder, too
    files |= {path: source.joinpath(*path.split("/")) for path in sorted(tables)}
    targets = {Path(folder) / place: each for place, each in files.items()}
    there = [str(target) for target in targets if target.exists()]
    if there and not replace:
        raise TableError(
            f"{join_list(there, 2)} already there; name another folder, or let files be replaced with replace=True, "
            "--force on the command line"
        )
    return [replace_file(target, each.read_bytes(), make_folders=True) for target, each in targets.items()]


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


# The commands that learn laws, and show those that are kept.

_PAGE = "laws.html"


@opt.command(
    "fit",
    opt.ONE_FILE,
    opt.option(
        "--budget",
        type=opt.FiniteRange(min=0, min_open=True),
        metavar="SECONDS",
        text="Seconds by the clock for each law; the best until then is taken. By default it ends by itself.",
    ),
    opt.option(
        "--out",
        type=opt.FILE,
        text='Folder for a page of the laws, and each as JSON, which a scenario reads with file = "…".',
    ),
    *opt.LEARNING,
    examples="  kanopt init trips.csv --kind law\n  kanopt fit scenario.toml --out laws\n",
)
def fit(given: opt.Given) -> int:
    """Learn the laws of a scenario and print them.

    Of one table kanopt init --kind law writes a scenario.
    Ctrl-C keeps the best law until then, and begins no other one.
    """
    from kanopt.pages import write_laws

    file, out = given["file"], given["out"]
    with output.save_laws_on_interrupt(out), opt.progress_reporter(quiet=given["quiet"]) as progress:
        scenario = opt.load(given, file)
        page = [] if out is None else [out / _PAGE]
        output.check_outputs([*output.law_files(scenario.laws, out), *page], output.input_files(scenario))
        laws = _learned(given, scenario, progress)
    stop = stop_of_command()
    stop.keep()
    saved = [] if out is None else output.save_laws(laws, out)
    for path in page:
        write_laws(laws, str(file), path)
    if given["as_json"]:
        opt.echo(output.to_json({law.name: output.law_json(law) for law in laws}))
    else:
        opt.echo("\n".join(output.law_lines(laws)))
        for name, path in [("report", each) for each in page] + [("law", each) for each in saved]:
            opt.echo(f"{name}: {path}")
    return exit_code_of_stop(stop) if stop.asked else ExitCode.SOLVED


def _learned(given: opt.Given, scenario: Scenario, progress: OnEvent) -> list[LearnedLaw]:
    """Learn the laws of a scenario; after Ctrl-C those until then."""
    from kanopt.scenarios.events import Event
    from kanopt.scenarios.learn import LawCache, LearningInterrupted, laws_of, learn

    for note in scenario.reading_notes():
        progress(Event("learn", f"note: {note}"))
    for remark in (*scenario.open_questions, *scenario.law_remarks()):
        opt.echo(f"warning: {remark}", err=True)
    seed = scenario.seed if given["seed"] is None else given["seed"]
    try:
        learned = learn(scenario, seed, progress, LawCache(relearn=given["relearn"]), given["budget"])
        return list(laws_of(scenario, learned).values())
    except LearningInterrupted as stopped:
        if stopped.cut is None:
            raise
        return list(stopped.laws.values())


@opt.command("cache", opt.switch("--clear", "Remove the laws that are kept."))
def cache(given: opt.Given) -> int:
    """Show the learned laws that are kept, or remove them.

    A law of the same rows, settings and seed is then not learned again; --relearn does so all the same.
    """
    from kanopt.scenarios.learn import FOLDER_VARIABLE, LawCache

    kept = LawCache()
    if kept.folder.exists() and not kept.folder.is_dir():
        raise click.UsageError(f"{kept.folder} is a file, not a folder; let {FOLDER_VARIABLE} name another")
    sizes = kept.sizes()
    if given["clear"]:
        kept.clear()
    done = "removed " if given["clear"] else ""
    megabytes = sum(sizes.values()) / 1e6
    opt.echo(f"{kept.folder}: {done}{count_text(len(sizes), 'learned law')}, {megabytes:.1f} MB")
    return ExitCode.SOLVED


# The command that plans many days of orders.


@question(
    "days",
    opt.option(
        "--orders", default="orders", text="Table of the scenario, or file, with a row for each order."
    ),
    opt.option(
        "--history",
        text="Table of the scenario, or file, of what was driven: a row for each stop, with its date.",
    ),
    opt.option(
        "--variant",
        type=opt.FILE,
        text="Scenario that each day is planned with as well, to be accepted or not.",
    ),
    *opt.CHANGES,
    opt.option(
        "--hire",
        multiple=True,
        metavar="[TYPE=]PRICE",
        text="What a vehicle costs that is hired for a day, of all types or of one. Once for each.",
    ),
    opt.switch("--pages", "Write a page of each day as well."),
    *opt.WORKERS,
    examples=(
        "  kanopt days FILE --orders orders.csv --history driven.csv --hire 95 --out month\n"
        "  kanopt days FILE --set 'vehicles[name=van].num_available=5' --workers 2 --out month\n"
    ),
    goes_on=True,
)
def days(given: opt.Given, scenario: Scenario, progress: OnEvent) -> Answer:
    """Plan many days of orders, beside what was driven, and beside a variant.

    The variant is what --set, --scale and --remove change, or the scenario of --variant: it is
    accepted, rejected, or told how many more days would tell. With --out the same command goes on where it was stopped.
    """
    from kanopt.questions.days import plan_days

    variant = None if given["variant"] is None else opt.load(given, given["variant"])
    if opt.is_changed(given):
        variant = opt.changed(given, variant or scenario)
    return plan_days(
        scenario,
        given["orders"],
        history=given["history"],
        variant=variant,
        hire=_prices(given["hire"]),
        options=opt.sweep_options(given, None if given["out"] is None else given["out"] / "book"),
        progress=progress,
    )


def _prices(texts: tuple[str, ...]) -> Any:
    """Return what ``--hire`` says: one price for all types, or a price by type."""
    from kanopt.questions.axes import cell_of

    if len(texts) == 1 and "=" not in texts[0]:
        return cell_of(texts[0])
    return {name: cell_of(value) for name, value in pairs("--hire", texts).items()}


_EXIT_CODES = """
\b
Exit codes:
  0    solved
  1    a fault of kanopt
  2    bad usage or bad input
  3    infeasible, or something mandatory is left out (plan and report are written)
  4    no plan within the time limit
  5    a law was refused because it predicts too poorly
  130  stopped by Ctrl-C (the best plan so far and its report are written; while laws are
       learned nothing is planned, and --out gets the laws finished before)
  143  stopped by SIGTERM, as by Ctrl-C
"""


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        opt.echo(f"kanopt {version('kanopt')}")
        context.exit()


_VERSION = click.Option(
    ["--version"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
kanopt = click.Group(
    "kanopt",
    commands=opt.COMMANDS,
    params=[_VERSION],
    help="Learn laws from tables, plan with them, and ask what if.",
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
