"""The commands that check a scenario, plan it, compare it with others, and ask it many times."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kanopt.cli import options as opt
from kanopt.cli import output
from kanopt.cli.failures import ExitCode, exit_code_of
from kanopt.errors import NoPlanError, ScenarioError, nearest
from kanopt.files import replace_file
from kanopt.text import count_text, money_text, percent_text

_TIME_LIMIT = 30.0
"""Seconds for the search of an instance, which no file states."""

if TYPE_CHECKING:
    from kanopt.errors import Issue
    from kanopt.plans.result import Result
    from kanopt.plans.uncertainty import Uncertainty
    from kanopt.questions.answer import Answer
    from kanopt.scenarios import Run, Scenario
    from kanopt.scenarios.events import OnEvent


Answering: TypeAlias = Callable[[opt.Given, "Scenario", "OnEvent"], "Answer"]


def question(
    word: str, *params: click.Parameter, examples: str, goes_on: bool = False
) -> Callable[[Answering], click.Command]:
    """Make a command of a function that answers a question about a scenario file.

    Parameters
    ----------
    word
        Name of the command.
    params
        What the question has besides the options of all.
    examples
        Lines of the help.
    goes_on
        Whether a question that was stopped goes on in the folder of ``--out``, which then holds no other one.
    """

    def command_of(answer_to: Answering) -> click.Command:
        def work(given: opt.Given) -> int:
            name = f"{given['file'].stem}_{word.replace('-', '_')}"
            with opt.progress_reporter(quiet=given["quiet"]) as progress:
                scenario = opt.load(given, given["file"])
                page = page_of(given, name, [scenario], is_free=not (goes_on and given["out"]))
                try:
                    answer = answer_to(given, scenario, progress)
                except NoPlanError as error:  # said on stderr as well, by what ends the command
                    if given["as_json"]:
                        code = int(exit_code_of(error))
                        told = {"scenario": scenario.name, "status": error.status, "message": str(error)}
                        opt.echo(output.to_json(told | {"exit_code": code}))
                    raise
            if not given["as_json"]:
                opt.echo_unanswered([scenario])
            return tell(given, answer, scenario, page)

        work.__doc__ = answer_to.__doc__
        shared = (opt.WORKBOOK, opt.OUT, opt.REPORT, *opt.SEARCHING)
        return opt.command(word, opt.ONE_FILE, *params, *shared, examples=examples)(work)

    return command_of


def page_of(given: opt.Given, name: str, scenarios: Iterable[Scenario], *, is_free: bool = True) -> Path:
    """Return where the page of an answer goes, if it can be written; numbered where another answer has the name."""
    folder, books = given["out"] or Path("reports"), (".xlsx",) * bool(given["export"])
    tried = (folder / f"{name}{f'_{number}' if number > 1 else ''}.html" for number in itertools.count(1))
    page: Path = given["report"] or next(
        path for path in tried if not (is_free and (path.exists() or path.with_suffix(".xlsx").exists()))
    )
    outputs = [page, *(page.with_suffix(suffix) for suffix in books)]
    output.check_outputs(outputs, itertools.chain(*map(output.input_files, scenarios)))
    return page


def tell(
    given: opt.Given, answer: Answer, scenario: Scenario, page: Path, more: Mapping[str, Any] | None = None
) -> int:
    """Print an answer, write what goes with it, and return the exit code; machines are told `more`."""
    if not given["as_json"]:
        opt.echo(answer.text())
    tables = {name.replace(" ", "_"): frame for name, frame in answer.tables().items()}
    # before the tables, of which one may lead elsewhere and be refused
    pages = {"report": answer.to_html(page, **({"pages": True} if given.get("pages") else {}))}
    if given["export"]:
        pages["workbook"] = answer.to_xlsx(page.with_suffix(".xlsx"))
    files = {}
    if given["out"] is not None:
        files = {name: given["out"] / f"{page.stem}_{name}.csv" for name in tables}
        output.check_outputs(files.values(), output.input_files(scenario))
        for name, path in files.items():
            output.save_table(tables[name], path)
    written, code = files | pages, int(exit_code_of(answer))
    if given["as_json"]:
        told: dict[str, Any] = {"scenario": scenario.name, "unit": answer.unit}
        told |= {name: frame.to_dict("records") for name, frame in tables.items()}
        told |= answer.to_json() | dict(more or {})
        report = str(written.pop("report"))
        files_told = {name: str(path) for name, path in written.items()}
        opt.echo(output.to_json({**told, "files": files_told, "report": report, "exit_code": code}))
    else:
        opt.echo("\n" + "\n".join(f"{name.replace('_', ' ')}: {path}" for name, path in written.items()))
    return code


def pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """Return what an option says that is given once for each word."""
    found = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(found) < len(texts):
        raise click.UsageError(f"{option} is WORD=VALUE, once for each word")
    return found


def _varied(
    *params: click.Option, examples: str, goes_on: bool = False
) -> Callable[[Callable[[], None]], click.Command]:
    """Make a command of the name and the docstring of a question that varies what ``--set`` and ``--scale`` say.

    It is answered by the function of that name in :mod:`kanopt.questions`; `params` are its own options, called as
    the arguments of that are, and perhaps that of repeats.
    """
    own = [str(each.name) for each in params if each is not opt.REPEATS]

    def command_of(declared: Callable[[], None]) -> click.Command:
        def answer_to(given: opt.Given, scenario: Scenario, progress: OnEvent) -> Answer:
            from kanopt import questions

            how = {each: given[each] for each in own}
            if "decisions" in how:
                how["decisions"] = how["decisions"].replace("-", " ")
            how["options"] = opt.sweep_options(given, given["out"] if goes_on else None)
            asked = getattr(questions, declared.__name__)
            found: Answer = asked(scenario, opt.asked_ranges(given), **how, progress=progress)
            return found

        answer_to.__doc__ = declared.__doc__
        word, both = declared.__name__.replace("_", "-"), (*params, *opt.WORKERS)
        return question(word, *opt.AXES, *both, examples=examples, goes_on=goes_on)(answer_to)

    return command_of


def _plans(*words: str, default: str) -> click.Option:
    anew = "Plan each point anew, or price" if "anew" in words else "Price"
    told = f"{anew} the plan as it is (kept), or today's plan."
    return opt.choice("--plan", *words, default=default, text=told)


@_varied(
    opt.choice("--design", "grid", "list", default="grid", text="How values meet."),
    _plans("anew", "kept", "today", default="anew"),
    opt.REPEATS,
    examples=(
        "  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11\n"
        "  kanopt sweep FILE --scale clients.demand_t=0.8:1.2:5 --plan kept\n"
    ),
    goes_on=True,
)
def sweep() -> None:
    """Ask what if at many points: price a plan under other data, or plan each point anew.

    Varied is what --set and --scale say. With --out the same command goes on where it was stopped.
    """


@_varied(
    _plans("anew", "kept", "today", default="anew"),
    opt.REPEATS,
    examples=(
        "  kanopt tornado FILE --set vehicles.fuel_price=1.2:2.0 --scale clients.demand_t=0.9:1.1\n"
        "  kanopt tornado FILE --scale surrogates.travel_time=0.9:1.1 --plan today\n"
    ),
)
def tornado() -> None:
    """Ask what moves the price most, each input alone.

    Each is set to its low and to its high value, the others as they are. Varied is what --set and --scale say; of
    longer lists the first and the last value count.
    """


@_varied(
    opt.choice(
        "--decisions",
        *("all", "in-use"),
        default="all",
        text="All decisions, or only what is in use and paid for, not what is served from where.",
    ),
    opt.count("--most-solves", "Solves for each path.", least=2, default=60),
    opt.REPEATS,
    examples=(
        "  kanopt switch-points FILE --set vehicles.fuel_price=1.0:2.0:3\n"
        "  kanopt switch-points FILE --scale 'sites[name=north].fixed_cost=0.5:8:4' --decisions in-use\n"
    ),
)
def switch_points() -> None:
    """Ask where it tips: the values from which on another plan is better.

    Varied is what --set and --scale say, each path alone. Between two values whose plans agree nothing is looked for;
    give more values where something may come and go between.
    """


@_varied(
    opt.count("--draws", "How often is drawn.", least=20, default=100),
    opt.count("--candidates", "In how many of the draws a plan is made anew.", least=0, default=4),
    _plans("kept", "today", default="kept"),
    examples=(
        "  kanopt monte-carlo FILE --set vehicles.fuel_price=1.4:2.0 --scale clients.demand_t=0.9:1.2\n"
        "  kanopt monte-carlo FILE --plan today --draws 500\n"
    ),
)
def monte_carlo() -> None:
    """Ask whether another plan would be better, were laws, inputs and demands not quite so.

    In each draw laws have constants and a bias as their data could as well have given them, demands of a supply network
    vary by their demand_sd, and what --set and --scale say has a value of its range.
    """


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
def risk(given: opt.Given, scenario: Scenario, progress: OnEvent) -> Answer:
    """Ask how sure a plan is.

    It is carried out on many days, on which laws err as they did on held-out rows. The plan is the one found, or
    with --plan today that of the file.
    """
    from kanopt.questions import risk as asked
    from kanopt.questions.question import refuse_no_plan

    scenario, uncertainty = opt.changed(given, scenario).named(scenario.name), _uncertainty(given)
    result = _plan(given, scenario, progress)
    refuse_no_plan(result, scenario, "risk")
    seed = scenario.seed if given["seed"] is None else given["seed"]
    found = asked(result, uncertainty, draws=given["draws"], seed=seed)
    return replace(found, scenario=scenario)


def _uncertainty(given: opt.Given) -> Uncertainty:
    """Return what ``--uncertain`` says."""
    from kanopt.plans.uncertainty import Uncertainty
    from kanopt.questions.axes import cell_of

    known, said = [each.name for each in fields(Uncertainty)], pairs("--uncertain", given["uncertain"])
    for name in said:
        if name not in known:
            raise click.UsageError(f"--uncertain: nothing is called {name!r}; {nearest(name, known)}")
    values: Any = {name: cell_of(value) for name, value in said.items()}
    return Uncertainty(**values)


def _plan(given: opt.Given, scenario: Scenario, progress: OnEvent) -> Result:
    """Return the plan that is found, as ``kanopt run`` finds it, or today's."""
    if given["plan"] == "anew":
        return _run_of(given, scenario, progress).result
    from kanopt.questions.question import base_result, prepare
    from kanopt.scenarios.run import today_in_time

    base = base_result(prepare(scenario, (), opt.sweep_options(given), progress), "today", progress)
    return today_in_time(scenario, base) or base


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
def review(given: opt.Given, scenario: Scenario, progress: OnEvent) -> Answer:
    """Hold what was driven against the plan: what was not followed, the day, the laws, and chance.

    DRIVEN is a table with a row for each stop: vehicle, client, arrival and end, and perhaps stop, departure, back and
    load. With --out the legs are written as rows of the table that the law of travel time was learned from.
    """
    from kanopt.questions.question import prepare_checked, refuse_no_plan
    from kanopt.questions.review import review as asked
    from kanopt.scenarios.learn import LawCache
    from kanopt.scenarios.run import finish_run
    from kanopt.tables import read_table

    scenario = opt.changed(given, scenario)
    if scenario.kind != "routing":
        told = f"routes are held against what was driven, and this is a {scenario.kind} problem"
        raise click.UsageError(told)
    driven, planned = read_table(given["driven"]), given["planned"]
    if planned is None:
        run = _run_of(given, scenario, progress)
    else:
        from kanopt.plans.result import evaluate

        made = prepare_checked(
            scenario, given["seed"], progress, LawCache(relearn=given["relearn"]), with_today=False
        )
        run = finish_run(scenario, made.laws, evaluate(made.problem, read_table(planned)), None, seconds=0.0)
    refuse_no_plan(run.result, scenario, "review")
    guess = "The plan was searched for again, since --planned names none: it need not be the one that was carried out."
    return asked(run, driven, assumed=() if planned else (guess,))


@opt.command("check", opt.FILES, opt.JSON, opt.ALLOW_OUTSIDE, opt.LENIENT)
def check(given: opt.Given) -> int:
    """Name every mistake in scenario files, as file:line: key: what is wrong and what to write instead."""
    mistakes: list[Issue] = []
    told: dict[Issue, str] = {}
    for file in given["files"]:
        try:
            scenario = opt.load(given, file)
            scenario.check()
        except ScenarioError as error:
            mistakes += error.issues
            if not given["as_json"]:
                opt.echo(str(error))
            continue
        unanswered = scenario.open_questions  # columns that are asked about are among the remarks
        remarks = dict.fromkeys((*unanswered, *scenario.remarks(), *scenario.unreachable()), "warning")
        remarks |= dict.fromkeys(scenario.notes(), "note")
        # once of those in a file that several files build on
        for remark, kind in [(remark, kind) for remark, kind in remarks.items() if remark not in told]:
            opt.echo(f"{kind}: {remark}", err=True)
            told[remark] = kind
        if not given["as_json"]:
            opt.echo(f"{file}: no mistakes ({_contents(scenario)})")
    if given["as_json"]:
        found = [("mistake", issue) for issue in mistakes] + [(kind, remark) for remark, kind in told.items()]
        opt.echo(output.to_json([{"kind": kind, **asdict(issue)} for kind, issue in found]))
    return ExitCode.BAD_INPUT if mistakes else ExitCode.SOLVED


def _contents(scenario: Scenario) -> str:
    counts = [(len(scenario.tables), "table"), (len(scenario.laws), "law"), (len(scenario.changes), "change")]
    counted = [count_text(count, word) for count, word in counts if count]
    return ", ".join(counted if scenario.problem_spec is None else [scenario.kind, *counted])


_PLANNING = (opt.EXPORT, *opt.CHANGES, opt.DAYS_IN_TIME, opt.SOLVER, *opt.SEARCHING)


@opt.command("run", opt.ONE_FILE, opt.OUT, opt.REPORT, *_PLANNING)
def run(given: opt.Given) -> int:
    """Learn the laws of a scenario, plan, explain, and write the report.

    With --out the plan is written as CSV and the laws as JSON beside it.
    """
    stem, out = given["file"].stem, given["out"]
    page = given["report"] or (out or Path("reports")) / f"{stem}.html"
    plan, laws = (None, None) if out is None else (out / f"{stem}_plan.csv", out / "laws")

    with output.save_laws_on_interrupt(laws):
        outcome = _run(given, [page, *([] if plan is None else [plan])], page.parent, laws)
    if not given["as_json"]:
        opt.echo_unanswered([outcome.scenario])
        _echo_run(outcome)
    if laws is not None and plan is not None:
        output.save_laws(outcome.laws.values(), laws)
        if outcome.result.has_plan:
            output.save_table(outcome.result.to_frame(), plan)
    written = {"report": str(outcome.to_html(page))}
    if not given["as_json"]:
        opt.echo(f"\nreport: {written['report']}")
    return _finish(given, outcome, page.parent, lambda: {**output.run_json(outcome), **written})


@opt.command(
    "solve",
    opt.ONE_FILE,
    opt.option("--out", type=opt.FILE, text="File for the plan: CSV, or .sol of an instance of routing."),
    *_PLANNING,
)
def solve(given: opt.Given) -> int:
    """Plan a scenario and print the result; no report.

    A FILE that does not end in .toml is a published instance: CVRPLIB, Solomon, Gehring and Homberger, PSPLIB (.sm),
    job shops (.fjs, .jsp).
    """
    out = given["out"]
    if given["file"].suffix.lower() != ".toml":
        return _solve_instance(given, out)
    folder = Path("reports") if out is None else out.parent
    outcome = _run(given, [] if out is None else [out], folder)
    has_file = out is not None and outcome.result.has_plan
    if has_file:
        output.save_table(outcome.result.to_frame(), out)
    if not given["as_json"]:
        opt.echo_unanswered([outcome.scenario])
        opt.echo(str(outcome.result) + (f"\nplan: {out}" if has_file else ""))
    return _finish(given, outcome, folder, lambda: output.result_json(outcome.result))


def _run(given: opt.Given, outputs: list[Path], folder: Path, laws: Path | None = None) -> Run:
    """Load and run a scenario, if its outputs can be written, those of --export into `folder`, its laws into `laws`."""
    with opt.progress_reporter(quiet=given["quiet"]) as progress:
        scenario = opt.changed(given, opt.load(given, given["file"]))
        for flag, key in (("solver", "solver.name"), ("days_in_time", "solver.days_in_time")):
            if given[flag] is not None and scenario.kind != "routing":
                told = f"--{flag.replace('_', '-')} is for routes, and this is a {scenario.kind} problem"
                raise click.UsageError(f"{told}; leave it out")
            scenario = scenario if given[flag] is None else scenario.set(key, given[flag])
        exported = [folder / f"{given['file'].stem}.{name}" for name in given["export"]]
        outputs += output.law_files(scenario.laws, laws)
        output.check_outputs(outputs, output.input_files(scenario), exported)
        return _run_of(given, scenario, progress)


def _run_of(given: opt.Given, scenario: Scenario, progress: OnEvent) -> Run:
    """Run a scenario with the seed and the limit of the command line."""
    how = {name: given[name] for name in ("seed", "time_limit", "relearn")}
    found: Run = scenario.run(progress=progress, **how)
    return found


def _finish(given: opt.Given, outcome: Run, folder: Path, data: Callable[[], dict[str, Any]]) -> int:
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
        opt.echo(output.to_json({**data(), **exported, "exit_code": int(code)}))
    else:
        for path in exported.get("exports", ()):
            opt.echo(f"export: {path}")
    return code


def _echo_run(outcome: Run) -> None:
    """Print what was changed, the laws, and what is told of the plan."""
    from kanopt.scenarios.learn import doubts

    changes = [f"  changed: {change}" for change in outcome.scenario.change_sentences()]
    opt.echo("\n".join([outcome.scenario.name, *changes, *doubts(outcome.laws.values()), ""]))
    if outcome.laws:
        opt.echo("\n".join(output.law_lines(outcome.laws.values())))
    opt.echo(f"\n{outcome.told()}")


@opt.command(
    "compare",
    opt.FILES,
    opt.OUT,
    opt.REPORT,
    opt.count("--repeats", "Searches per scenario.", default=2),
    *opt.CHANGES,
    opt.WORKBOOK,
    *opt.SEARCHING,
)
def compare(given: opt.Given) -> int:
    """Say what each variant changes, by cost term, apart from the luck of the search.

    The first file is the base. A single what-if file is compared with the base it names. With --set and --scale the
    first file is compared with itself so changed.
    """
    from kanopt.questions import compare as compared

    with opt.progress_reporter(quiet=given["quiet"]) as progress:
        scenarios = [opt.load(given, file) for file in given["files"]]
        if (other := opt.changed(given, scenarios[0])) is not scenarios[0]:
            scenarios.append(other)
        if len(scenarios) == 1:
            scenarios = [opt.load(given, _base_of(scenarios[0])), *scenarios]
        base, *others = [path.stem for path in dict.fromkeys(each.path for each in scenarios)]
        name = f"{base}_vs_{'_'.join(others[:3])}" if others else f"{base}_compared"
        page = page_of(given, name, scenarios)
        how = {name: given[name] for name in ("seed", "repeats", "time_limit", "relearn")}
        outcome = compared(scenarios, progress=progress, **how)
    if not given["as_json"]:
        opt.echo_unanswered(scenarios)
    return tell(given, outcome, scenarios[0], page, output.comparison_json(outcome))


def _base_of(scenario: Scenario) -> Path:
    documents = scenario.layers.documents
    if len(documents) < 2:
        raise click.UsageError(f"{scenario.path} names no base to compare it with; name a second scenario")
    return documents[1].path


def _solve_instance(given: opt.Given, out: Path | None) -> int:
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
    output.check_outputs([] if out is None else [out], [file, *([] if known is None else [known])])
    instance = None if file.suffix.lower() in ENDINGS else read_instance(file)
    problem: Any = read_shop(file) if instance is None else instance.problem
    how = {
        "solver": given["solver"],
        "time_limit": given["time_limit"] or _TIME_LIMIT,
        "seed": given["seed"] or 0,
    }
    with opt.progress_reporter(quiet=given["quiet"]) as report:
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
            output.save_table(result.to_frame(), out)
        lines.append(f"plan: {out}")
    code = exit_code_of(result)
    if given["as_json"]:
        lines = [output.to_json({**output.result_json(result), **known_gap, "exit_code": int(code)})]
    opt.echo("\n".join(lines))
    return code
