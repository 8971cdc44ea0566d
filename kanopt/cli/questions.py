"""The commands that ask a scenario many times, and the one way in which they are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli import options as opt
from kanopt.cli.failures import ExitCode, exit_code_of
from kanopt.cli.options import (
    Given,
    asked_axes,
    asked_ranges,
    changed,
    echo,
    progress_reporter,
    sweep_options,
)
from kanopt.cli.output import check_outputs, input_files, save_table, to_json
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command
from kanopt.errors import nearest
from kanopt.files import replace_file

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.result import Result
    from kanopt.plans.uncertainty import Uncertainty
    from kanopt.scenarios import Scenario
    from kanopt.scenarios.events import OnEvent


@dataclass(frozen=True)
class Outcome:
    """What came of a question.

    Parameters
    ----------
    found
        The answer, which has text, tables, page and workbook; None where there is no plan to ask about.
    base
        The plan that was asked about, which decides the exit code.
    data
        What is told to machines besides the tables.
    holds
        False where no plan that was asked about holds, although the base does.
    written
        Files that are written already, by what they hold.
    page
        Writes the page, where that takes more than the answer itself.
    stem
        How names of tables begin; the name of the scenario's file where empty.
    """

    found: Any
    base: Result
    data: Mapping[str, Any] = field(default_factory=dict)
    holds: bool = True
    written: Mapping[str, Path] = field(default_factory=dict)
    page: Callable[[Path], Path] | None = None
    stem: str = ""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Its tables, by names that are words."""
        found = {} if self.found is None else self.found.tables()
        return {name.replace(" ", "_"): frame for name, frame in found.items()}

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        stop = stop_of_command()
        if stop.asked or getattr(self.found, "interrupted", False):
            return exit_code_of_stop(stop)
        code = exit_code_of(self.base)
        return int(code if self.holds else code or ExitCode.INFEASIBLE)


def question(
    word: str, *params: click.Parameter, examples: str
) -> Callable[[Callable[[Given, Scenario, OnEvent], Outcome]], click.Command]:
    """Make a command of a function that answers a question about a scenario file.

    Parameters
    ----------
    word
        Name of the command.
    params
        What the question has besides the options of all.
    examples
        Lines of the help.
    """

    def command_of(answer_to: Callable[[Given, Scenario, OnEvent], Outcome]) -> click.Command:
        def work(given: Given) -> int:
            stem, out = given["file"].stem, given["out"]
            page = given["report"] or (out or Path("reports")) / f"{stem}_{word.replace('-', '_')}.html"
            with progress_reporter(quiet=given["quiet"]) as progress:
                scenario = opt.load(given, given["file"])
                books = [page.with_suffix(".xlsx")] if given["export"] else []
                check_outputs([page, *books], input_files(scenario))
                answer = answer_to(given, scenario, progress)
            if not given["as_json"]:
                opt.echo_unanswered([scenario])
            return tell(given, answer, scenario, page)

        work.__doc__ = answer_to.__doc__
        shared = (opt.WORKBOOK, opt.OUT, opt.REPORT, *opt.SEARCHING)
        return opt.command(word, opt.ONE_FILE, *params, *shared, examples=examples)(work)

    return command_of


def tell(given: Given, answer: Outcome, scenario: Scenario, page: Path) -> int:
    """Print an answer, and write what goes with it."""
    found, written, tables = answer.found, dict(answer.written), answer.tables
    if not given["as_json"]:
        echo(str(answer.base) if found is None else found.text())
    pages: dict[str, Path] = {}
    if found is not None:  # before the tables, of which one may lead elsewhere and be refused
        pages["report"] = (answer.page or found.to_html)(page)
        if given["export"]:
            pages["workbook"] = found.to_xlsx(page.with_suffix(".xlsx"))
    if given["out"] is not None:
        stem = answer.stem or scenario.path.stem
        files = {name: given["out"] / f"{stem}_{name}.csv" for name in tables if name not in written}
        check_outputs(files.values(), input_files(scenario))
        written |= {name: save_table(tables[name], path) for name, path in files.items()}
    written |= pages
    code = answer.exit_code
    if given["as_json"]:
        told: dict[str, Any] = {"scenario": scenario.name, "unit": answer.base.problem.unit}
        told |= {name: frame.to_dict("records") for name, frame in tables.items()}
        told |= answer.data
        report = str(written.pop("report", "")) or None
        files_told = {name: str(path) for name, path in written.items()}
        echo(to_json({**told, "files": files_told, "report": report, "exit_code": code}))
    elif written:
        echo("\n" + "\n".join(f"{name.replace('_', ' ')}: {path}" for name, path in written.items()))
    return code


def pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """Return what an option says that is given once for each word."""
    found = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(found) < len(texts):
        raise click.UsageError(f"{option} is WORD=VALUE, once for each word")
    return found


def _plans(*words: str, default: str) -> click.Option:
    anew = "Plan each point anew, or price" if "anew" in words else "Price"
    told = f"{anew} the plan as it is (kept), or today's plan."
    return opt.choice("--plan", *words, default=default, text=told)


@question(
    "sweep",
    *opt.AXES,
    opt.choice("--design", "grid", "list", default="grid", text="How values meet."),
    _plans("anew", "kept", "today", default="anew"),
    opt.REPEATS,
    *opt.WORKERS,
    examples=(
        "  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11\n"
        "  kanopt sweep FILE --scale clients.demand_t=0.8:1.2:5 --plan kept\n"
    ),
)
def sweep(given: Given, scenario: Scenario, progress: OnEvent) -> Outcome:
    """Ask what if at many points: price a plan under other data, or plan each point anew.

    Varied is what --set and --scale say. With --out the points are written as Parquet, and the same command goes on
    where it was stopped.
    """
    from kanopt.questions import sweep as swept

    out = given["out"]
    found = swept(
        scenario,
        asked_axes(given),
        design=given["design"],
        plan=given["plan"],
        options=sweep_options(given, out),
        progress=progress,
    )
    written = {}
    if out is not None:
        table = BytesIO()
        found.points.to_parquet(table, index=False)
        written = {"points": replace_file(out / "points.parquet", table.getvalue(), make_folders=True)}
    data = {"price": found.base.objective}
    return Outcome(found, found.base, data, holds=found.holds_somewhere, written=written)


@question(
    "tornado",
    *opt.AXES,
    _plans("anew", "kept", "today", default="anew"),
    opt.REPEATS,
    *opt.WORKERS,
    examples=(
        "  kanopt tornado FILE --set vehicles.fuel_price=1.2:2.0 --scale clients.demand_t=0.9:1.1\n"
        "  kanopt tornado FILE --scale surrogates.travel_time=0.9:1.1 --plan today\n"
    ),
)
def tornado(given: Given, scenario: Scenario, progress: OnEvent) -> Outcome:
    """Ask what moves the price most, each input alone.

    Each is set to its low and to its high value, the others as they are. Varied is what --set and --scale say; of
    longer lists the first and the last value count.
    """
    from kanopt.questions import tornado as asked

    how = {"plan": given["plan"], "options": sweep_options(given), "progress": progress}
    found = asked(scenario, asked_ranges(given), **how)
    return Outcome(found, found.base, {"price": found.base.objective})


@question(
    "switch-points",
    *opt.AXES,
    opt.choice(
        "--decisions",
        *("all", "in-use"),
        default="all",
        text="All decisions, or only what is in use and paid for, not what is served from where.",
    ),
    opt.count("--most-solves", "Solves for each path.", least=2, default=60),
    opt.REPEATS,
    *opt.WORKERS,
    examples=(
        "  kanopt switch-points FILE --set vehicles.fuel_price=1.0:2.0:3\n"
        "  kanopt switch-points FILE --scale 'sites[name=north].fixed_cost=0.5:8:4' --decisions in-use\n"
    ),
)
def switch_points(given: Given, scenario: Scenario, progress: OnEvent) -> Outcome:
    """Ask where it tips: the values from which on another plan is better.

    Varied is what --set and --scale say, each path alone. Between two values whose plans agree nothing is looked for;
    give more values where something may come and go between.
    """
    from kanopt.questions import switch_points as asked

    found = asked(
        scenario,
        asked_ranges(given),
        decisions="all" if given["decisions"] == "all" else "in use",
        most_solves=given["most_solves"],
        options=sweep_options(given),
        progress=progress,
    )
    return Outcome(found, found.base, {"sentences": list(found.sentences())})


@question(
    "risk",
    *opt.CHANGES,
    opt.choice("--plan", "anew", "today", default="anew", text="Search for a plan, or take today's."),
    opt.count("--draws", "Days, or draws of demand.", least=20, default=1000),
    opt.option(
        "--uncertain",
        multiple=True,
        metavar="WHAT=VALUE",
        text="What is assumed in place of what laws know of their errors: travel=0.1, shared=0.5. Once for each.",
    ),
    examples="  kanopt risk FILE --draws 5000\n  kanopt risk FILE --plan today --uncertain travel=0.15\n",
)
def risk(given: Given, scenario: Scenario, progress: OnEvent) -> Outcome:
    """Ask how sure a plan is.

    It is carried out on many days, on which laws err as they did on held-out rows. The plan is the one found, or
    with --plan today that of the file.
    """
    from kanopt.questions import risk as asked

    name, scenario, uncertainty = scenario.name, changed(given, scenario), _uncertainty(given)
    result = _plan(given, scenario, progress)
    if not result.has_plan:
        return Outcome(None, result, {"status": result.status.value})
    seed = scenario.seed if given["seed"] is None else given["seed"]
    found = asked(result, uncertainty, draws=given["draws"], seed=seed)
    found = replace(found, scenario=scenario.named(name), interrupted=result.interrupted)
    data = {"status": result.status.value, "changes": list(scenario.change_sentences())}
    return Outcome(found, result, data | found.to_json())


def _uncertainty(given: Given) -> Uncertainty:
    """Return what ``--uncertain`` says."""
    from kanopt.plans.uncertainty import Uncertainty
    from kanopt.questions.axes import cell_of

    known, said = [each.name for each in fields(Uncertainty)], pairs("--uncertain", given["uncertain"])
    for name in said:
        if name not in known:
            raise click.UsageError(f"--uncertain: nothing is called {name!r}; {nearest(name, known)}")
    values: Any = {name: cell_of(value) for name, value in said.items()}
    return Uncertainty(**values)


def _plan(given: Given, scenario: Scenario, progress: OnEvent) -> Result:
    """Return the plan that is found, as ``kanopt run`` finds it, or today's."""
    if given["plan"] == "anew":
        how = {name: given[name] for name in ("seed", "time_limit", "relearn")}
        found: Result = scenario.run(progress=progress, **how).result
        return found
    from kanopt.questions.question import base_result, prepare
    from kanopt.scenarios.run import today_in_time

    base = base_result(prepare(scenario, (), sweep_options(given), progress), "today", progress)
    return today_in_time(scenario, base) or base


@question(
    "monte-carlo",
    *opt.AXES,
    opt.count("--draws", "How often is drawn.", least=20, default=100),
    opt.count("--candidates", "In how many of the draws a plan is made anew.", least=0, default=4),
    _plans("kept", "today", default="kept"),
    *opt.WORKERS,
    examples=(
        "  kanopt monte-carlo FILE --set vehicles.fuel_price=1.4:2.0 --scale clients.demand_t=0.9:1.2\n"
        "  kanopt monte-carlo FILE --plan today --draws 500\n"
    ),
)
def monte_carlo(given: Given, scenario: Scenario, progress: OnEvent) -> Outcome:
    """Ask whether another plan would be better, were laws, inputs and demands not quite so.

    In each draw laws have constants and a bias as their data could as well have given them, demands of a supply network
    vary by their demand_sd, and what --set and --scale say has a value of its range.
    """
    from kanopt.questions import monte_carlo as asked

    found = asked(
        scenario,
        asked_ranges(given),
        draws=given["draws"],
        candidates=given["candidates"],
        plan=given["plan"],
        options=sweep_options(given),
        progress=progress,
    )
    return Outcome(found, found.base, {"laws": list(found.laws), "lowest": found.best})


@question(
    "review",
    click.Argument(["driven"], type=opt.FILE),
    *opt.CHANGES,
    opt.option(
        "--planned",
        type=opt.FILE,
        text="The plan that was carried out, as kanopt run --out writes it; left out, the plan is searched for again.",
    ),
    examples="  kanopt review FILE driven.csv --planned out/NAME_plan.csv --out reviewed\n",
)
def review(given: Given, scenario: Scenario, progress: OnEvent) -> Outcome:
    """Hold what was driven against the plan: what was not followed, the day, the laws, and chance.

    DRIVEN is a table with a row for each stop: vehicle, client, arrival and end, and perhaps stop, departure, back and
    load. With --out the legs are written as rows of the table that the law of travel time was learned from.
    """
    from kanopt.questions.review import review as asked
    from kanopt.scenarios.law_cache import LawCache
    from kanopt.scenarios.learn import laws_of, learn
    from kanopt.scenarios.run import build, finish_run
    from kanopt.tables import read_table

    scenario = changed(given, scenario)
    if scenario.kind != "routing":
        raise click.UsageError(
            f"routes are held against what was driven, and this is a {scenario.kind} problem"
        )
    driven = read_table(given["driven"])
    run: Any
    if given["planned"] is None:
        how = {name: given[name] for name in ("seed", "time_limit", "relearn")}
        run = scenario.run(progress=progress, **how)
    else:
        from kanopt.plans.result import evaluate

        seed = scenario.seed if given["seed"] is None else given["seed"]
        laws = laws_of(scenario, learn(scenario, seed, progress, LawCache(relearn=given["relearn"])))
        problem = build(scenario, laws)
        result = evaluate(problem, read_table(given["planned"]))
        run = finish_run(scenario, laws, result, None, seconds=0.0)
    if not run.result.has_plan:
        return Outcome(None, run.result)
    guess = "The plan was searched for again, since --planned names none: it need not be the one that was carried out."
    found = asked(run, driven, assumed=() if given["planned"] else (guess,))
    told = {"notes": list(found.cautions()), "sentences": list(found.sentences())}
    return Outcome(found, run.result, told)
