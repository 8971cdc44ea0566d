"""The commands that learn laws, and show those that are kept."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli import options as opt
from kanopt.cli.failures import ExitCode
from kanopt.cli.options import Given, command, load
from kanopt.cli.output import (
    check_outputs,
    input_files,
    law_files,
    law_json,
    law_lines,
    save_laws,
    save_laws_on_interrupt,
    to_json,
)
from kanopt.cli.progress import echo, picture_width, progress_reporter
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command
from kanopt.text import count_text

if TYPE_CHECKING:
    from kanopt.scenarios import LearnedLaw, Scenario
    from kanopt.scenarios.events import OnEvent

_PAGE = "laws.html"


def _keys(name: str, section: str, example: str) -> click.Option:
    told = f"With --table: a key of [{section}] of a scenario file, such as {example}. Once for each."
    return opt.option(name, text=told, metavar="KEY=VALUE", multiple=True)


@command(
    "fit",
    click.Argument(["file"], required=False, type=opt.FILE),
    opt.option("--table", type=opt.FILE, text="A table to learn one law from, in place of a scenario."),
    opt.option("--target", text="The column to predict."),
    opt.option("--features", text="The columns to predict it from, parted by commas."),
    _keys("--read", "tables.NAME", "units.km=km, sheet=trips, on_bad=drop or form.decimal=','"),
    _keys("--law", "surrogates.NAME", "periodic.hour=24, monotone.km=1, pin.km=log or 'holdout.share=0.3'"),
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
    examples=(
        "  kanopt fit scenario.toml --out laws\n"
        "  kanopt fit --table trips.csv --target minutes --features km,hour --law periodic.hour=24\n"
    ),
)
def fit(given: Given) -> int:
    """Learn laws and print them: those of a scenario, or one from a table.

    Below each law stands what its inputs do: a sentence, and a small picture where a terminal shows block characters.
    Ctrl-C keeps the best law until then, and begins no other one.
    """
    from kanopt.pages import write_laws

    file, out = given["file"], given["out"]
    if (file is None) == (given["table"] is None):
        raise click.UsageError("name a scenario file, or a --table with --target and --features")
    idle = [f"--{name}" for name in ("target", "features", "read", "law") if file is not None and given[name]]
    if idle:
        told = f"{', '.join(idle)}: {'goes' if len(idle) == 1 else 'go'} with --table"
        raise click.UsageError(f"{told}; what a law of a scenario is to be stands in its file")
    with save_laws_on_interrupt(out), progress_reporter(quiet=given["quiet"]) as progress:
        scenario = _of_table(given) if file is None else load(given, file)
        page = [] if out is None else [out / _PAGE]
        check_outputs([*law_files(scenario.laws, out), *page], input_files(scenario))
        laws = _learned(given, scenario, progress)
    stop = stop_of_command()
    stop.keep()
    saved = [] if out is None else save_laws(laws, out)
    for path in page:
        write_laws(laws, str(file or given["table"]), path)
    if given["as_json"]:
        echo(to_json({law.name: law_json(law) for law in laws}))
    else:
        _echo_laws(laws)
        for name, path in [("report", each) for each in page] + [("law", each) for each in saved]:
            echo(f"{name}: {path}")
    return exit_code_of_stop(stop) if stop.asked else ExitCode.SOLVED


def _learned(given: Given, scenario: Scenario, progress: OnEvent) -> list[LearnedLaw]:
    """Learn the laws of a scenario; after Ctrl-C those until then."""
    from kanopt.scenarios.events import Event
    from kanopt.scenarios.law_cache import LawCache
    from kanopt.scenarios.learn import LearningInterrupted, laws_of, learn

    for note in scenario.reading_notes():
        progress(Event("learn", f"note: {note}"))
    for remark in (*scenario.open_questions, *scenario.law_remarks()):
        echo(f"warning: {remark}", err=True)
    seed = scenario.seed if given["seed"] is None else given["seed"]
    try:
        learned = learn(scenario, seed, progress, LawCache(relearn=given["relearn"]), given["budget"])
        return list(laws_of(scenario, learned).values())
    except LearningInterrupted as stopped:
        if stopped.cut is None:
            raise
        return list(stopped.laws.values())


def _echo_laws(laws: Iterable[LearnedLaw]) -> None:
    from kanopt.pages import effect_lines

    width = picture_width()
    for place, law in enumerate(laws):
        blank = [""] if place and width is not None else []
        echo("\n".join([*blank, *law_lines([law], width), *effect_lines(law, width)]))


def _of_table(given: Given) -> Scenario:
    """Return the scenario of one table and one law, as a file with these keys would say it; it names the table."""
    from kanopt.scenarios.files.layers import TomlDocument, merged
    from kanopt.scenarios.files.load import check_scenario

    table, target, features = (given[name] for name in ("table", "target", "features"))
    if not target or not features:
        raise click.UsageError("--table needs --target and --features")
    columns = [name.strip() for name in features.split(",")]
    law = {"table": table.stem, "target": target, "features": columns, "on_missing": "drop"}
    data = {
        "scenario": {"name": table.stem, "seed": 0},
        "tables": {table.stem: {"path": table.name, **_said(given["read"], "--read")}},
        "surrogates": {target: law | _said(given["law"], "--law")},
    }
    scenario = check_scenario(merged([TomlDocument(table, data, {})], outside=True), lenient=given["lenient"])
    assert scenario is not None, "a file is no database"
    return scenario


def _said(keys: Iterable[str], option: str) -> dict[str, Any]:
    """Return what ``KEY=VALUE`` say, keys with dots and values as in TOML; what is no value of TOML is text."""
    from kanopt.scenarios.files.layers import split_key
    from kanopt.scenarios.files.sections import NoTableError, with_value

    found: dict[str, Any] = {}
    for text in keys:
        key, is_given, value = text.partition("=")
        if not key.strip() or not is_given or not value.strip():
            raise click.UsageError(f"{option} {text!r} must be KEY=VALUE, as in a scenario file")
        try:
            found = with_value(found, split_key(key.strip()), _value(value.strip()))
        except NoTableError as error:
            raise click.UsageError(f"{option} {text!r} {error}") from None
    return found


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@command("cache", opt.switch("--clear", "Remove the laws that are kept."))
def cache(given: Given) -> int:
    """Show the learned laws that are kept, or remove them.

    A law of the same rows, settings and seed is then not learned again; --relearn does so all the same.
    """
    from kanopt.scenarios.law_cache import FOLDER_VARIABLE, LawCache

    kept = LawCache()
    if kept.folder.exists() and not kept.folder.is_dir():
        raise click.UsageError(f"{kept.folder} is a file, not a folder; let {FOLDER_VARIABLE} name another")
    sizes = kept.sizes()
    if given["clear"]:
        kept.clear()
    done = "removed " if given["clear"] else ""
    megabytes = sum(sizes.values()) / 1e6
    echo(f"{kept.folder}: {done}{count_text(len(sizes), 'learned law')}, {megabytes:.1f} MB")
    return ExitCode.SOLVED
