"""The commands that check a scenario, plan it, and compare it with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli import options as opt
from kanopt.cli.failures import ExitCode, exit_code_of
from kanopt.cli.options import (
    Given,
    changed,
    command,
    echo,
    echo_unanswered,
    load,
    progress_reporter,
)
from kanopt.cli.output import (
    check_outputs,
    comparison_json,
    input_files,
    law_files,
    law_lines,
    result_json,
    run_json,
    save_laws,
    save_laws_on_interrupt,
    save_table,
    to_json,
)
from kanopt.cli.questions import page_of, tell
from kanopt.errors import ScenarioError
from kanopt.files import replace_file
from kanopt.text import count_text, money_text, percent_text

if TYPE_CHECKING:
    from kanopt.errors import Issue
    from kanopt.scenarios import Run, Scenario


_TIME_LIMIT = 30.0
"""Seconds for the search of an instance, which no file states."""


@command("check", opt.FILES, opt.JSON, opt.ALLOW_OUTSIDE, opt.LENIENT)
def check(given: Given) -> int:
    """Name every mistake in scenario files, as file:line: key: what is wrong and what to write instead."""
    mistakes: list[Issue] = []
    told: dict[Issue, str] = {}
    for file in given["files"]:
        try:
            scenario = _checked(file, given)
        except ScenarioError as error:
            mistakes += error.issues
            if not given["as_json"]:
                echo(str(error))
            continue
        unanswered = scenario.open_questions  # columns that are asked about are among the remarks
        remarks = dict.fromkeys((*unanswered, *scenario.remarks(), *scenario.unreachable()), "warning")
        remarks |= dict.fromkeys(scenario.notes(), "note")
        # once of those in a file that several files build on
        for remark, kind in [(remark, kind) for remark, kind in remarks.items() if remark not in told]:
            echo(f"{kind}: {remark}", err=True)
            told[remark] = kind
        if not given["as_json"]:
            echo(f"{file}: no mistakes ({_contents(scenario)})")
    if given["as_json"]:
        found = [("mistake", issue) for issue in mistakes] + [(kind, remark) for remark, kind in told.items()]
        echo(to_json([{"kind": kind, **asdict(issue)} for kind, issue in found]))
    return ExitCode.BAD_INPUT if mistakes else ExitCode.SOLVED


def _checked(file: Path, given: Given) -> Scenario:
    """Return a scenario in which everything was checked."""
    from kanopt.scenarios.files.layers import read_layers
    from kanopt.scenarios.files.load import check_scenario

    scenario = check_scenario(read_layers(file, outside=given["allow_outside"]), lenient=given["lenient"])
    scenario.check()
    return scenario


def _contents(scenario: Scenario) -> str:
    counts = [(len(scenario.tables), "table"), (len(scenario.laws), "law"), (len(scenario.changes), "change")]
    counted = [count_text(count, word) for count, word in counts if count]
    return ", ".join(counted if scenario.problem_spec is None else [scenario.kind, *counted])


_PLANNING = (opt.EXPORT, *opt.CHANGES, opt.DAYS_IN_TIME, opt.SOLVER, *opt.SEARCHING)


@command("run", opt.ONE_FILE, opt.OUT, opt.REPORT, *_PLANNING)
def run(given: Given) -> int:
    """Learn the laws of a scenario, plan, explain, and write the report.

    With --out the plan is written as CSV and the laws as JSON beside it.
    """
    stem, out = given["file"].stem, given["out"]
    page = given["report"] or (out or Path("reports")) / f"{stem}.html"
    plan, laws = (None, None) if out is None else (out / f"{stem}_plan.csv", out / "laws")

    def outputs(scenario: Scenario) -> list[Path]:
        return [page, *([] if plan is None else [plan]), *law_files(scenario.laws, laws)]

    with save_laws_on_interrupt(laws):
        outcome = _run(given, outputs, page.parent)
    if not given["as_json"]:
        echo_unanswered([outcome.scenario])
        _echo_run(outcome)
    if laws is not None and plan is not None:
        save_laws(outcome.laws.values(), laws)
        if outcome.result.has_plan:
            save_table(outcome.result.to_frame(), plan)
    written = {"report": str(outcome.to_html(page))}
    if not given["as_json"]:
        echo(f"\nreport: {written['report']}")
    return _finish(given, outcome, page.parent, lambda: run_json(outcome) | written)


@command(
    "solve",
    opt.ONE_FILE,
    opt.option("--out", type=opt.FILE, text="File for the plan: CSV, or .sol of an instance of routing."),
    *_PLANNING,
)
def solve(given: Given) -> int:
    """Plan a scenario and print the result; no report.

    A FILE that does not end in .toml is a published instance: CVRPLIB, Solomon, Gehring and Homberger, PSPLIB (.sm),
    job shops (.fjs, .jsp).
    """
    out = given["out"]
    if given["file"].suffix.lower() != ".toml":
        return _solve_instance(given, out)
    folder = Path("reports") if out is None else out.parent
    outcome = _run(given, lambda _: [] if out is None else [out], folder)
    has_file = out is not None and outcome.result.has_plan
    if has_file:
        save_table(outcome.result.to_frame(), out)
    if not given["as_json"]:
        echo_unanswered([outcome.scenario])
        echo(str(outcome.result) + (f"\nplan: {out}" if has_file else ""))
    return _finish(given, outcome, folder, lambda: result_json(outcome.result))


def _run(given: Given, outputs: Callable[[Scenario], list[Path]], folder: Path) -> Run:
    """Load and run a scenario, if its outputs can be written, those of --export into `folder`."""
    with progress_reporter(quiet=given["quiet"]) as progress:
        scenario = changed(given, load(given, given["file"]))
        for flag, key in (("solver", "solver.name"), ("days_in_time", "solver.days_in_time")):
            if given[flag] is not None and scenario.kind != "routing":
                told = f"--{flag.replace('_', '-')} is for routes, and this is a {scenario.kind} problem"
                raise click.UsageError(f"{told}; leave it out")
            scenario = scenario if given[flag] is None else scenario.set(key, given[flag])
        exported = [folder / f"{given['file'].stem}.{name}" for name in given["export"]]
        check_outputs(outputs(scenario), input_files(scenario), exported)
        found: Run = scenario.run(
            seed=given["seed"],
            time_limit=given["time_limit"],
            progress=progress,
            relearn=given["relearn"],
        )
        return found


def _finish(given: Given, outcome: Run, folder: Path, data: Callable[[], dict[str, Any]]) -> int:
    """Write the exports that are asked for, print what is for machines, and return the exit code."""
    from kanopt.pages import export

    exported = {}
    if given["export"]:
        stem = given["file"].stem
        written = [
            export(outcome, name, folder / f"{stem}.{name}")
            for name in given["export"]
            if outcome.result.has_plan or name == "md"
        ]
        exported = {"exports": list(map(str, written))}
    code = exit_code_of(outcome.result)
    if given["as_json"]:
        echo(to_json({**data(), **exported, "exit_code": int(code)}))
    else:
        for path in exported.get("exports", ()):
            echo(f"export: {path}")
    return code


def _echo_run(outcome: Run) -> None:
    """Print what was changed, the laws, and what is told of the plan."""
    from kanopt.scenarios.learn import doubts

    changes = [f"  changed: {change}" for change in outcome.scenario.change_sentences()]
    echo("\n".join([outcome.scenario.name, *changes, *doubts(outcome.laws.values()), ""]))
    if outcome.laws:
        echo("\n".join(law_lines(outcome.laws.values())))
    echo(f"\n{outcome.told()}")


@command(
    "compare",
    opt.FILES,
    opt.OUT,
    opt.REPORT,
    opt.count("--repeats", "Searches per scenario.", default=2),
    *opt.CHANGES,
    opt.WORKBOOK,
    *opt.SEARCHING,
)
def compare(given: Given) -> int:
    """Say what each variant changes, by cost term, apart from the luck of the search.

    The first file is the base. A single what-if file is compared with the base it names. With --set and --scale the
    first file is compared with itself so changed.
    """
    from kanopt.questions import compare as compared

    with progress_reporter(quiet=given["quiet"]) as progress:
        scenarios = [load(given, file) for file in given["files"]]
        if (other := changed(given, scenarios[0])) is not scenarios[0]:
            scenarios.append(other)
        if len(scenarios) == 1:
            scenarios = [load(given, _base_of(scenarios[0])), *scenarios]
        base, *others = [path.stem for path in dict.fromkeys(each.path for each in scenarios)]
        name = f"{base}_vs_{'_'.join(others[:3])}" if others else f"{base}_compared"
        page = page_of(given, name, scenarios)
        how = {name: given[name] for name in ("seed", "repeats", "time_limit", "relearn")}
        outcome = compared(scenarios, progress=progress, **how)
    if not given["as_json"]:
        echo_unanswered(scenarios)
    return tell(given, outcome, scenarios[0], page, comparison_json(outcome))


def _base_of(scenario: Scenario) -> Path:
    documents = scenario.layers.documents
    if len(documents) < 2:
        raise click.UsageError(f"{scenario.path} names no base to compare it with; name a second scenario")
    return documents[1].path


def _solve_instance(given: Given, out: Path | None) -> int:
    """Solve a published instance, print the result beside the best known one, and return the exit code."""
    from kanopt.engines.solve import solve as solved
    from kanopt.routing.instances import best_known_file, read_instance, solution_text
    from kanopt.scenarios.events import Event
    from kanopt.scheduling.instances import ENDINGS, read_shop

    file = given["file"]
    if opt.is_changed(given) or any(given[name] for name in ("days_in_time", "export")):
        told = "changes, --days-in-time and --export go with a scenario, and this is an instance"
        raise click.UsageError(told)
    known = best_known_file(file)
    check_outputs([] if out is None else [out], [file, *([] if known is None else [known])])
    instance = None if file.suffix.lower() in ENDINGS else read_instance(file)
    problem: Any = read_shop(file) if instance is None else instance.problem
    how = {
        "solver": given["solver"],
        "time_limit": given["time_limit"] or _TIME_LIMIT,
        "seed": given["seed"] or 0,
    }
    with progress_reporter(quiet=given["quiet"]) as report:
        result = solved(problem, progress=lambda step: report(Event("solve", str(step))), **how)
    lines, known_gap = [file.stem, str(result)], dict[str, float | None]()
    if (
        instance is not None and instance.best_known is not None and result.check.ok
    ):  # else not like with like
        known_gap = {"best_known": instance.best_known, "gap": instance.gap(result.objective)}
        gap = percent_text(known_gap["gap"] or 0.0, signed=True)
        lines.append(f"best known {money_text(instance.best_known, problem.unit)}, gap {gap}")
    if out is not None and result.has_plan:
        if out.suffix == ".sol" and instance is not None:
            plan: Any = result.plan
            text = solution_text(problem, plan, float(result.objective or 0.0))
            replace_file(out, text, make_folders=True)
        else:
            save_table(result.to_frame(), out)
        lines.append(f"plan: {out}")
    code = exit_code_of(result)
    if given["as_json"]:
        lines = [to_json({**result_json(result), **known_gap, "exit_code": int(code)})]
    echo("\n".join(lines))
    return code
