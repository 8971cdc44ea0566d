"""The commands that learn laws, and show those that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kanopt.cli.echo import echo, echo_laws, picture_width
from kanopt.cli.failures import ExitCode
from kanopt.cli.options import (
    FILE,
    FiniteRange,
    allow_outside,
    allow_sql,
    common_options,
    debug_option,
    is_on,
    lenient,
    load,
)
from kanopt.cli.progress import progress_reporter
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command
from kanopt.text import count_text, join_list

if TYPE_CHECKING:
    pass

REPORT = "laws.html"


@click.command()
@click.argument("file", required=False, type=FILE)
@click.option("--table", type=FILE, help="A table to learn from, in place of a scenario.")
@click.option("--sheet", help="Which sheet, of a workbook that has several.")
@click.option("--target", help="The column to predict.")
@click.option("--features", help="The columns to predict it from, parted by commas.")
@click.option("--units", default="", help="Units of columns: distance=km,minutes=min.")
@click.option(
    "--on-bad",
    type=click.Choice(["error", "missing", "drop", "text"]),
    default="error",
    show_default=True,
    help="What happens to cells that do not fit their column: refuse the table, leave them out, or their rows, or "
    "read the column as text.",
)
@click.option("--separator", metavar="SIGN", help="What divides cells: ';' or tab; found out by default.")
@click.option("--encoding", metavar="NAME", help="Of a text file: cp1252, utf-16; found out by default.")
@click.option(
    "--header",
    metavar="ROW",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="The row of the columns' names.",
)
@click.option(
    "--dates",
    multiple=True,
    metavar="COLUMN=FORMAT",
    help='How dates are written: "pickup=%d.%m.%Y %H:%M". Once for each column.',
)
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign, where no cell tells it.")
@click.option(
    "--thousands",
    metavar="SIGN",
    default="",
    help="The sign between groups of three digits; none by default.",
)
@click.option(
    "--derive",
    multiple=True,
    metavar="NAME=TEXT",
    help='A column computed from others: "minutes=seconds / 60", "h=hour(pickup)". Once for each column.',
)
@click.option(
    "--drop-where",
    multiple=True,
    metavar="CONDITION",
    help='Rows to leave out: "miles <= 0", "minutes > 180". Once for each condition.',
)
@click.option("--monotone", default="", help="Columns it must rise or fall with: distance=+1,speed=-1.")
@click.option(
    "--periodic",
    default="",
    help="Columns that start anew after a period: hour=24. A pin may then be a sine.",
)
@click.option(
    "--pin",
    multiple=True,
    metavar="COLUMN=OPERATORS",
    help='What a column is to be in the law: hour=sine, km="linear|power", day=none. Once for each column.',
)
@click.option(
    "--groups", metavar="COLUMN", help="Rows with one value in it share an error, such as those of a day."
)
@click.option(
    "--holdout",
    metavar="SHARE",
    default="0.2",
    show_default=True,
    help="Rows to judge the law by: a share drawn at random, or the last groups of a column: week=4.",
)
@click.option(
    "--unseen",
    type=click.Choice(["error", "pooled"]),
    default="error",
    show_default=True,
    help="Categories that were not learned from: refuse them, or take the mean over those that were.",
)
@click.option("--forbid", default="", help="Operators that are not to be used: exp,log.")
@click.option("--prefer", default="", help="Operators that count half: power.")
@click.option("--min-r2", type=FiniteRange(), default=0.5, show_default=True, help="Refuse a law below it.")
@click.option(
    "--budget",
    type=FiniteRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Seconds by the clock for each law; the best until then is taken. By default it ends by itself.",
)
@click.option(
    "--out",
    type=FILE,
    help='Folder for a page of the laws, and each as JSON, which a scenario reads with file = "…".',
)
@allow_sql
@allow_outside
@lenient
@common_options
def fit(file: Path | None, *, table: Path | None, out: Path | None, as_json: bool, **given: Any) -> int:
    """Learn laws and print them: those of a scenario, or one from a table.

    What the law of a scenario is to be stands in its file; the options from --sheet to --min-r2 go with --table.
    Below each law stands what its inputs do: a sentence, and a small picture where a terminal shows block characters.
    Ctrl-C keeps the best law until then, and begins no other one.
    """
    from kanopt.cli.output import (
        check_outputs,
        input_files,
        law_json,
        law_lines,
        save_laws,
        save_laws_on_interrupt,
        to_json,
    )
    from kanopt.cli.table_law import fit_table
    from kanopt.reports import effect_lines, write_laws

    if (file is None) == (table is None):
        raise click.UsageError("name a scenario file, or a --table with --target and --features")
    if file is not None:
        _refuse_unused_options(given)
    from kanopt.whatif.law_cache import LawCache

    cache = LawCache(relearn=is_on("relearn"))
    with save_laws_on_interrupt(out), progress_reporter(quiet=given.pop("quiet")) as progress:
        if file is not None:
            from kanopt.whatif.events import Event
            from kanopt.whatif.learn import LearningInterrupted, laws_of, learn

            scenario = load(file)
            for note in scenario.reading_notes():
                progress(Event("learn", f"note: {note}"))
            for remark in (*scenario.open_questions, *scenario.law_remarks()):
                echo(f"warning: {remark}", err=True)
            check_outputs(_outputs(scenario.laws, out), input_files(scenario))
            seed = scenario.seed if given["seed"] is None else given["seed"]
            try:
                learned = learn(scenario, seed, progress, cache, given["budget"])
                laws = list(laws_of(scenario, learned).values())
            except LearningInterrupted as stopped:
                if stopped.cut is None:
                    raise
                laws = list(stopped.laws.values())
        else:
            assert table is not None
            if not given["target"] or not given["features"]:
                raise click.UsageError("--table needs --target and --features")
            check_outputs(_outputs([given["target"]], out), [table])
            laws = [fit_table(table, report=progress, cache=cache, **given)]
    stop = stop_of_command()
    stop.keep()
    saved = [] if out is None else save_laws(laws, out)
    if out is not None:
        write_laws(laws, str(file or table), out / REPORT)
    if as_json:
        echo(to_json({law.name: law_json(law) for law in laws}))
    else:
        width = picture_width()
        for place, law in enumerate(laws):
            blank = [""] if place and width is not None else []
            echo_laws("\n".join([*blank, *law_lines([law], width), *effect_lines(law, width)]), [law.name])
        if out is not None:
            echo(f"report: {out / REPORT}")
        for path in saved:
            echo(f"law: {path}")
    return exit_code_of_stop(stop) if stop.asked else ExitCode.SOLVED


def _outputs(names: Iterable[str], folder: Path | None) -> list[Path]:
    """Return the files that are written: each law, and the page of them all."""
    from kanopt.cli.output import law_files

    return law_files(names, folder) + ([] if folder is None else [folder / REPORT])


def _refuse_unused_options(names: Iterable[str]) -> None:
    """Refuse the options of ``--table`` beside a scenario file, which would change nothing.

    Raises
    ------
    click.UsageError
        With the options that were given.
    """
    context = click.get_current_context()
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    idle = [f"--{name.replace('_', '-')}" for name in given if name not in ("seed", "quiet", "budget")]
    if idle:
        message = f"{', '.join(idle)}: {'goes' if len(idle) == 1 else 'go'} with --table"
        raise click.UsageError(f"{message}; what a law of a scenario is to be stands in its file")


@click.command()
@click.option("--clear", is_flag=True, help="Remove the laws that are kept.")
@debug_option
def cache(*, clear: bool) -> None:
    """Show the learned laws that are kept, or remove them.

    A law of the same rows, settings and seed is then not learned again; --relearn does so all the same.
    """
    from kanopt.whatif.law_cache import FOLDER_VARIABLE, LawCache

    kept = LawCache()
    if kept.folder.exists() and not kept.folder.is_dir():
        raise click.UsageError(f"{kept.folder} is a file, not a folder; let {FOLDER_VARIABLE} name another")
    sizes, state = kept.sizes(), kept.state()
    megabytes = sum(sizes.values()) / 1e6
    if clear:
        kept.clear()
    done = "removed " if clear else ""
    others = [f"{count} {what}" for what in ("of another version", "damaged") if (count := state[what])]
    told = f"; not read: {join_list(others)}" if others else ""
    echo(f"{kept.folder}: {done}{count_text(len(sizes), 'learned law')}, {megabytes:.1f} MB{told}")
