"""The commands: here those that check and plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kanopt.cli.asking import WORKBOOK
from kanopt.cli.beginning import init
from kanopt.cli.echo import echo, echo_laws, picture_width
from kanopt.cli.failures import ExitCode, exit_code_of
from kanopt.cli.learning import cache, fit
from kanopt.cli.options import (
    FILE,
    allow_outside,
    allow_sql,
    common_options,
    days_in_time_option,
    debug_option,
    echo_unanswered,
    export_option,
    exports,
    is_on,
    lenient,
    load,
    noted,
    on_time_option,
    solver_option,
    time_limit_option,
    variants_option,
)
from kanopt.cli.progress import progress_reporter
from kanopt.cli.questions import QUESTIONS
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command
from kanopt.cli.varied import change_options, changed, is_changed
from kanopt.text import count_text

if TYPE_CHECKING:
    from kanopt.whatif import Run, Scenario

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


@click.group(epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
@debug_option
def kanopt() -> None:
    """Learn laws from tables, plan with them, and ask what if."""


for command in (init, fit, cache, *QUESTIONS):
    kanopt.add_command(command)


@kanopt.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print mistakes, warnings and notes as JSON.")
@allow_outside
@lenient
@debug_option
def check(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Name every mistake in scenario files, as file:line: key: what is wrong and what to write instead.

    Databases are not asked.
    """
    from dataclasses import asdict

    from kanopt.cli.output import to_json
    from kanopt.errors import Issue, ScenarioError
    from kanopt.whatif.scenario_files.layers import read_layers
    from kanopt.whatif.scenario_files.load import check_scenario
    from kanopt.whatif.variants import variants_of

    mistakes: list[Issue] = []
    told: dict[Issue, str] = {}
    for file in files:
        try:
            scenario = check_scenario(
                read_layers(file, outside=is_on("allow_outside")), lenient=is_on("lenient")
            )
            if scenario is None:
                echo(
                    f"{file}: a table comes from a database, which was not asked; no mistakes in the rest",
                    err=as_json,
                )
                continue
            scenario.check()
            if scenario.report.variants:
                variants_of(scenario)
        except ScenarioError as error:
            mistakes += error.issues
            if not as_json:
                echo(str(error))
            continue
        unanswered = scenario.open_questions  # columns that are asked about are among the remarks
        remarks = dict.fromkeys((*unanswered, *scenario.remarks(), *scenario.unreachable()), "warning")
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
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="Folder for the report, the plan as CSV and the laws as JSON.")
@click.option("--report", type=FILE, help="File for the report; reports/NAME.html if left out.")
@export_option
@change_options
@variants_option
@on_time_option
@days_in_time_option
@time_limit_option
@solver_option
@allow_sql
@allow_outside
@lenient
@common_options
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
        outcome = _run(
            file,
            outputs,
            target.parent,
            seed=seed,
            time_limit=time_limit,
            quiet=quiet,
            variants=noted("variants"),
        )
    if not as_json:
        echo_unanswered([outcome.scenario])
        _echo_run(outcome)
    if laws is not None and plan is not None:
        save_laws(outcome.laws.values(), laws)
        if outcome.result.has_plan:
            save_plan(outcome.result, plan)
    written = outcome.to_html(target)
    if not as_json:
        echo(f"\nreport: {written}")
    exported = _export(outcome, target.parent, file.stem, quiet=as_json)
    code = exit_code_of(outcome.result)
    if as_json:
        told = {**run_json(outcome), "report": str(written), **exported}
        echo(to_json({**told, "exit_code": int(code)}))
    return code


def _export_files(folder: Path, stem: str) -> list[Path]:
    """Return the files that the exports asked for may write."""
    from kanopt.reports import export_files

    return export_files(exports(), folder, stem) if exports() else []


def _refuse_exports(scenario: Scenario) -> None:
    """Refuse exports that no plan of the scenario can be written in; that needs no law to be learned."""
    from kanopt.reports import refuse_exports

    if exports():
        scenario.check(planning=True)
        refuse_exports(scenario.build(scenario.drafts), exports())


def _export(outcome: Run, folder: Path, stem: str, *, quiet: bool) -> dict[str, list[str]]:
    """Write the exports asked for, name them, and return their files as plain data; none where none was asked for."""
    from kanopt.reports import export_all

    if not exports():
        return {}
    written = [str(path) for path in export_all(outcome, exports(), folder, stem)]
    if not quiet:
        for path in written:
            echo(f"export: {path}")
    return {"exports": written}


def _run(
    file: Path,
    outputs: Callable[[Scenario], Iterable[Path]],
    folder: Path,
    *,
    seed: int | None,
    time_limit: float | None,
    quiet: bool,
    variants: bool | None,
) -> Run:
    """Load and run a scenario, if its outputs can be written, those of --export into `folder`."""
    from kanopt.cli.output import check_outputs, input_files

    with progress_reporter(quiet=quiet) as progress:
        scenario = changed(load(file))
        if noted("solver"):
            if scenario.kind != "routing":
                message = f"--solver {noted('solver')} plans routes, and this is a {scenario.kind} problem"
                raise click.UsageError(f"{message}; leave it out")
            scenario = scenario.set("solver.name", noted("solver"))
        if noted("days_in_time") is not None:
            if scenario.kind != "routing":
                message = f"--days-in-time is for routes, and this is a {scenario.kind} problem"
                raise click.UsageError(f"{message}; leave it out")
            scenario = scenario.set("solver.days_in_time", noted("days_in_time"))
        check_outputs(outputs(scenario), input_files(scenario), _export_files(folder, file.stem))
        _refuse_exports(scenario)
        found: Run = scenario.run(
            seed=seed,
            time_limit=time_limit,
            progress=progress,
            relearn=is_on("relearn"),
            variants=variants,
            on_time=noted("on_time"),
        )
        return found


def _echo_run(outcome: Run) -> None:
    """Print what was changed, the laws, and what is told of the plan."""
    from kanopt.cli.output import law_lines
    from kanopt.whatif.learn import doubts

    scenario = outcome.scenario
    lines = [scenario.name]
    lines += [f"  changed: {change}" for change in scenario.change_sentences()]
    lines += doubts(outcome.laws.values())
    echo("\n".join([*lines, ""]))
    if outcome.laws:
        echo_laws("\n".join(law_lines(outcome.laws.values(), picture_width())), outcome.laws)
    echo(f"\n{outcome.told()}")
    if outcome.variants is not None:
        echo(f"\n{outcome.variants.variants_text()}")


@kanopt.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--out", type=FILE, help="Folder for the report.")
@click.option(
    "--report",
    type=FILE,
    help="File for the report; if left out, reports/NAME_vs_OTHER.html, with a number where that is there.",
)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=2, show_default=True, help="Searches per scenario."
)
@change_options
@WORKBOOK
@time_limit_option
@allow_sql
@allow_outside
@lenient
@common_options
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

    The first file is the base. A single what-if file is compared with the base it names. With --set and --scale the
    first file is compared with itself so changed.
    """
    from kanopt.cli.output import check_outputs, comparison_json, input_files, to_json
    from kanopt.whatif import compare as compared

    with progress_reporter(quiet=quiet) as progress:
        scenarios = [load(file) for file in files]
        if (other := changed(scenarios[0])) is not scenarios[0]:
            scenarios.append(other)
        if len(scenarios) == 1:
            scenarios = [load(_base_of(scenarios[0])), *scenarios]
        page = (out or Path("reports")) / _compared_page([each.path for each in scenarios])
        target = report or _unused(page)
        book = target.with_suffix(".xlsx") if exports() else None
        check_outputs(
            [target, *([] if book is None else [book])],
            [path for scenario in scenarios for path in input_files(scenario)],
        )
        outcome = compared(
            scenarios,
            seed=seed,
            repeats=repeats,
            time_limit=time_limit,
            progress=progress,
            relearn=is_on("relearn"),
        )
    if not as_json:
        echo_unanswered(scenarios)
        echo(outcome.text())
    written = {"report": str(outcome.to_html(target))}
    if book is not None:
        written["workbook"] = str(outcome.to_xlsx(book))
    codes = [exit_code_of(outcome_run.result) for outcome_run in outcome.runs]
    code = exit_code_of_stop(stop_of_command()) if outcome.interrupted else max(codes)
    if as_json:
        echo(to_json({**comparison_json(outcome), **written, "exit_code": int(code)}))
    else:
        echo("\n" + "\n".join(f"{name}: {path}" for name, path in written.items()))
    return code


def _unused(page: Path) -> Path:
    """Return a name that no comparison before has: that of the page, or one with a number behind it."""
    tried = itertools.chain(
        [page], (page.with_stem(f"{page.stem}_{number}") for number in itertools.count(2))
    )
    return next(path for path in tried if not (path.exists() or path.with_suffix(".xlsx").exists()))


def _compared_page(paths: Sequence[Path]) -> str:
    """Return the name of the page: after the files, or that of one file compared with itself so changed."""
    base, *others = [path.stem for path in dict.fromkeys(paths)]
    more = f"_and_{len(others) - 3}_more" if len(others) > 3 else ""
    return f"{base}_vs_{'_'.join(others[:3])}{more}.html" if others else f"{base}_compared.html"


def _base_of(scenario: Scenario) -> Path:
    documents = scenario.layers.documents
    if len(documents) < 2:
        raise click.UsageError(f"{scenario.path} names no base to compare it with; name a second scenario")
    return documents[1].path


@kanopt.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="File for the plan: .sol as in CVRPLIB (of an instance), CSV else.")
@click.option(
    "--convention",
    type=click.Choice(["round", "dimacs", "exact"]),
    help="How an instance's distances are rounded; left out, as is the custom of its set.",
)
@export_option
@change_options
@on_time_option
@days_in_time_option
@time_limit_option
@solver_option
@allow_sql
@allow_outside
@lenient
@common_options
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

    A FILE that does not end in .toml is a published instance: CVRPLIB, Solomon, Gehring and Homberger, PSPLIB (.sm),
    job shops (.fjs, .jsp).
    """
    from kanopt.cli.instances import InstanceOptions, is_instance, solve_instance
    from kanopt.cli.output import result_json, save_plan, to_json

    if is_instance(file):
        if is_changed() or any(noted(each) is not None for each in ("on_time", "days_in_time")):
            raise click.UsageError(
                "changes, --on-time and --days-in-time go with a scenario; an instance has no tables to change, and no "
                "uncertain times"
            )
        if exports():
            raise click.UsageError("--export goes with a scenario; --out writes the plan of an instance")
        return solve_instance(
            file, InstanceOptions(convention, out, seed, time_limit, as_json, quiet, noted("solver"))
        )
    if convention is not None:
        raise click.UsageError("--convention goes with an instance; a scenario says what its distances are")
    folder = Path("reports") if out is None else out.parent
    outputs = [] if out is None else [out]
    outcome = _run(
        file, lambda _: outputs, folder, seed=seed, time_limit=time_limit, quiet=quiet, variants=False
    )
    if out is not None and outcome.result.has_plan:
        save_plan(outcome.result, out)
    if not as_json:
        echo_unanswered([outcome.scenario])
        echo(str(outcome.result))
        if out is not None and outcome.result.has_plan:
            echo(f"plan: {out}")
    exported = _export(outcome, folder, file.stem, quiet=as_json)
    code = exit_code_of(outcome.result)
    if as_json:
        echo(to_json({**result_json(outcome.result), **exported, "exit_code": int(code)}))
    return code
