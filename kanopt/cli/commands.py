"""The commands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from kanopt.cli.echo import echo
from kanopt.cli.failures import DEBUG, ExitCode, exit_code_of
from kanopt.cli.progress import progress_reporter
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command
from kanopt.text import count_text, join_list

if TYPE_CHECKING:
    from kanopt.whatif import Run, Scenario

__all__ = ["kanopt"]

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path)

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

        echo(f"kanopt {version('kanopt')}")
        context.exit()


def _debug(command: CommandT) -> CommandT:
    def enable_debug(_: click.Context, __: click.Parameter, enabled: bool) -> None:
        if enabled:
            os.environ[DEBUG] = "1"

    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=enable_debug,
        help=f"Show tracebacks, as {DEBUG}=1 does.",
    )(command)


@click.group(epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
@_debug
def kanopt() -> None:
    """Learn laws from tables, plan with them, and ask what if."""


def _switch_option(flag: str, text: str) -> Callable[[CommandT], CommandT]:
    """Return a flag that :func:`_is_on` tells of where it is needed, in place of an argument handed through."""

    def note(context: click.Context, option: click.Parameter, wanted: bool) -> None:
        context.meta[f"{__name__}.{option.name}"] = wanted

    return click.option(flag, is_flag=True, expose_value=False, callback=note, help=text)


_allow_sql = _switch_option("--allow-sql", "Let a scenario ask the databases it names.")
_allow_outside = _switch_option("--allow-outside", "Let a scenario read files outside its own folder.")


def _is_on(option: str) -> bool:
    return bool(click.get_current_context().meta.get(f"{__name__}.{option}"))


def _common_options(command: CommandT) -> CommandT:
    """Add the options of every command that learns or searches."""
    for option in (
        _debug,
        _switch_option("--relearn", "Learn laws anew that are kept from earlier runs."),
        click.option("--quiet", is_flag=True, help="No progress on stderr."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option("--seed", type=click.IntRange(min=0), help="In place of the file's."),
    ):
        command = option(command)
    return command


def _load(file: Path) -> Scenario:
    from kanopt.whatif import load_scenario

    return load_scenario(file, allow_sql=_is_on("allow_sql"), allow_outside=_is_on("allow_outside"))


def _time_limit_option(command: CommandT) -> CommandT:
    limit = click.FloatRange(min=0, min_open=True, max=86_400)
    return click.option(
        "--time-limit", type=limit, metavar="SECONDS", help="For a search, in place of the file's."
    )(command)


@kanopt.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print mistakes, warnings and notes as JSON.")
@_allow_outside
@_debug
def check(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Name every mistake in scenario files, as file:line: key: what is wrong and what to write instead.

    Databases are not asked.
    """
    from dataclasses import asdict

    from kanopt.cli.output import to_json
    from kanopt.errors import Issue, ScenarioError
    from kanopt.whatif.load import check_scenario

    mistakes: list[Issue] = []
    told: dict[Issue, str] = {}
    for file in files:
        try:
            scenario = check_scenario(file, allow_outside=_is_on("allow_outside"))
            if scenario is None:
                echo(
                    f"{file}: a table comes from a database, which was not asked; no mistakes in the rest",
                    err=as_json,
                )
                continue
            scenario.check()
        except ScenarioError as error:
            mistakes += error.issues
            if not as_json:
                echo(str(error))
            continue
        remarks = dict.fromkeys((*scenario.remarks(), *scenario.unreachable()), "warning")
        remarks |= dict.fromkeys(scenario.notes(), "note")
        # once of those in a file that several files build on
        for remark, kind in [(remark, kind) for remark, kind in remarks.items() if remark not in told]:
            echo(f"{kind}: {remark}", err=True)
            told[remark] = kind
        if not as_json:
            echo(f"{file}: no mistakes ({_scenario_contents(scenario)})")
    if as_json:
        found = [("mistake", issue) for issue in mistakes] + [(kind, remark) for remark, kind in told.items()]
        echo(to_json([{"kind": kind, **asdict(issue)} for kind, issue in found]))
    return ExitCode.BAD_INPUT if mistakes else ExitCode.SOLVED


def _scenario_contents(scenario: Scenario) -> str:
    counts = [(len(scenario.tables), "table"), (len(scenario.laws), "law"), (len(scenario.changes), "change")]
    counted = [count_text(count, word) for count, word in counts if count]
    return ", ".join(counted if scenario.problem_spec is None else [scenario.kind, *counted])


@kanopt.command()
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Folder for the report, the plan as CSV and the laws as JSON.")
@click.option("--report", type=_FILE, help="File for the report; reports/NAME.html if left out.")
@_time_limit_option
@_allow_sql
@_allow_outside
@_common_options
def run(
    file: Path,
    *,
    out: Path | None,
    report: Path | None,
    seed: int | None,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Learn the laws of a scenario, plan, explain, and write the report."""
    from kanopt.cli.output import (
        law_files,
        run_json,
        save_laws,
        save_laws_on_interrupt,
        save_plan,
        to_json,
    )

    target = report or (out or Path("reports")) / f"{file.stem}.html"
    plan = None if out is None else out / f"{file.stem}_plan.csv"
    laws = None if out is None else out / "laws"

    def outputs(scenario: Scenario) -> list[Path]:
        beside = [] if plan is None else [plan]
        return [target, *beside, *law_files(scenario.laws, laws)]

    with save_laws_on_interrupt(laws):
        outcome = _run(file, outputs, seed=seed, time_limit=time_limit, quiet=quiet)
    if not as_json:
        echo(_run_text(outcome))
    if laws is not None and plan is not None:
        save_laws(outcome.laws.values(), laws)
        if outcome.result.has_plan:
            save_plan(outcome.result, plan)
    written = outcome.to_html(target)
    code = exit_code_of(outcome.result)
    if as_json:
        echo(to_json({**run_json(outcome), "report": str(written), "exit_code": int(code)}))
    else:
        echo(f"\nreport: {written}")
    return code


def _run(
    file: Path,
    outputs: Callable[[Scenario], Iterable[Path]],
    *,
    seed: int | None,
    time_limit: float | None,
    quiet: bool,
) -> Run:
    """Load and run a scenario, if its outputs can be written."""
    from kanopt.cli.output import check_outputs, input_files

    with progress_reporter(quiet=quiet) as progress:
        scenario = _load(file)
        check_outputs(outputs(scenario), input_files(scenario))
        return scenario.run(seed=seed, time_limit=time_limit, progress=progress, relearn=_is_on("relearn"))


def _run_text(outcome: Run) -> str:
    from kanopt.cli.output import law_lines
    from kanopt.whatif.learn import doubts

    scenario = outcome.scenario
    lines = [scenario.name]
    lines += [f"  changed: {change}" for change in scenario.change_sentences()]
    lines += doubts(outcome.laws.values())
    told = outcome.explanation.text(outcome.today, weak_laws=False)
    lines += ["", *law_lines(outcome.laws.values()), "", told]
    return "\n".join(lines)


@kanopt.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--out", type=_FILE, help="Folder for the report.")
@click.option("--report", type=_FILE, help="File for the report; reports/NAME_compared.html if left out.")
@click.option(
    "--repeats", type=click.IntRange(min=1), default=2, show_default=True, help="Searches per scenario."
)
@_time_limit_option
@_allow_sql
@_allow_outside
@_common_options
def compare(
    files: tuple[Path, ...],
    *,
    out: Path | None,
    report: Path | None,
    repeats: int,
    seed: int | None,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Say what each variant changes, by cost term, apart from the luck of the search.

    The first file is the base. A single what-if file is compared with the base it names.
    """
    from kanopt.cli.output import check_outputs, comparison_json, input_files, to_json
    from kanopt.whatif import compare as compared

    with progress_reporter(quiet=quiet) as progress:
        scenarios = [_load(file) for file in files]
        if len(scenarios) == 1:
            scenarios = [_load(_base_of(scenarios[0])), *scenarios]
        target = report or (out or Path("reports")) / f"{scenarios[0].path.stem}_compared.html"
        check_outputs([target], [path for scenario in scenarios for path in input_files(scenario)])
        outcome = compared(
            scenarios,
            seed=seed,
            repeats=repeats,
            time_limit=time_limit,
            progress=progress,
            relearn=_is_on("relearn"),
        )
    if not as_json:
        echo(outcome.text())
    written = outcome.to_html(target)
    codes = [exit_code_of(outcome_run.result) for outcome_run in outcome.runs]
    code = exit_code_of_stop(stop_of_command()) if outcome.interrupted else max(codes)
    if as_json:
        echo(to_json({**comparison_json(outcome), "report": str(written), "exit_code": int(code)}))
    else:
        echo(f"\nreport: {written}")
    return code


def _base_of(scenario: Scenario) -> Path:
    documents = scenario.layers.documents
    if len(documents) < 2:
        raise click.UsageError(f"{scenario.path} names no base to compare it with; name a second scenario")
    return documents[1].path


@kanopt.command()
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="File for the plan: .sol as in CVRPLIB (of an instance), CSV else.")
@click.option(
    "--convention",
    type=click.Choice(["round", "dimacs", "exact"]),
    help="How an instance's distances are rounded; left out, as is the custom of its set.",
)
@_time_limit_option
@_allow_sql
@_allow_outside
@_common_options
def solve(
    file: Path,
    *,
    convention: str | None,
    out: Path | None,
    seed: int | None,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Plan a scenario and print the result; no report.

    A FILE that does not end in .toml is a published instance: CVRPLIB, Solomon, Gehring and Homberger, Rifki, UK
    pollution routing.
    """
    from kanopt.cli.instances import InstanceOptions, is_instance, solve_instance
    from kanopt.cli.output import result_json, save_plan, to_json

    if is_instance(file):
        return solve_instance(file, InstanceOptions(convention, out, seed, time_limit, as_json, quiet))
    if convention is not None:
        raise click.UsageError("--convention goes with an instance; a scenario says what its distances are")
    outputs = [] if out is None else [out]
    outcome = _run(file, lambda _: outputs, seed=seed, time_limit=time_limit, quiet=quiet)
    if out is not None and outcome.result.has_plan:
        save_plan(outcome.result, out)
    code = exit_code_of(outcome.result)
    echo(to_json({**result_json(outcome.result), "exit_code": int(code)}) if as_json else str(outcome.result))
    if out is not None and outcome.result.has_plan and not as_json:
        echo(f"plan: {out}")
    return code


@kanopt.command()
@click.argument("file", required=False, type=_FILE)
@click.option("--table", type=_FILE, help="A table to learn from, in place of a scenario.")
@click.option("--target", help="The column to predict.")
@click.option("--features", help="The columns to predict it from, parted by commas.")
@click.option("--units", default="", help="Units of columns: distance=km,minutes=min.")
@click.option(
    "--on-bad",
    type=click.Choice(["error", "missing", "drop"]),
    default="error",
    show_default=True,
    help="What happens to cells that do not fit their column: refuse the table, leave them out, or their rows.",
)
@click.option(
    "--decimal", type=click.Choice([".", ","]), default=".", show_default=True, help="The decimal sign."
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
@click.option("--forbid", default="", help="Operators that are not to be used: exp,log.")
@click.option("--prefer", default="", help="Operators that count half: power.")
@click.option("--min-r2", type=float, default=0.5, show_default=True, help="Refuse a law below it.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Seconds by the clock for each law; the best until then is taken. By default it ends by itself.",
)
@click.option(
    "--out", type=_FILE, help='Folder for the laws as JSON, which a scenario reads with file = "…".'
)
@_allow_sql
@_allow_outside
@_common_options
def fit(file: Path | None, *, table: Path | None, out: Path | None, as_json: bool, **given: Any) -> int:
    """Learn laws and print them: those of a scenario, or one from a table.

    What the law of a scenario is to be stands in its file; the options from --target to --min-r2 go with --table.
    Ctrl-C keeps the best law until then, and begins no other one.
    """
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
    from kanopt.cli.table_law import fit_table

    if (file is None) == (table is None):
        raise click.UsageError("name a scenario file, or a --table with --target and --features")
    if file is not None:
        _refuse_unused_options(given)
    from kanopt.whatif.law_cache import LawCache

    cache = LawCache(relearn=_is_on("relearn"))
    with save_laws_on_interrupt(out), progress_reporter(quiet=given.pop("quiet")) as progress:
        if file is not None:
            from kanopt.whatif.learn import LearningInterrupted, laws_of, learn

            scenario = _load(file)
            for remark in scenario.law_remarks():
                echo(f"warning: {remark}", err=True)
            check_outputs(law_files(scenario.laws, out), input_files(scenario))
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
            check_outputs(law_files([given["target"]], out), [table])
            laws = [fit_table(table, report=progress, cache=cache, **given)]
    stop = stop_of_command()
    stop.keep()
    saved = [] if out is None else save_laws(laws, out)
    echo(to_json({law.name: law_json(law) for law in laws}) if as_json else "\n".join(law_lines(laws)))
    if not as_json:
        for path in saved:
            echo(f"law: {path}")
    return exit_code_of_stop(stop) if stop.asked else ExitCode.SOLVED


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


@kanopt.command()
@click.option("--clear", is_flag=True, help="Remove the laws that are kept.")
@_debug
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
