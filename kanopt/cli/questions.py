"""The commands that ask a scenario many times, and the one way in which they are answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kanopt.cli import options as opt
from kanopt.cli.failures import exit_code_of
from kanopt.cli.options import (
    Given,
    asked_ranges,
    changed,
    echo,
    progress_reporter,
    sweep_options,
)
from kanopt.cli.output import check_outputs, input_files, save_table, to_json
from kanopt.errors import NoPlanError, nearest

if TYPE_CHECKING:
    from kanopt.plans.result import Result
    from kanopt.plans.uncertainty import Uncertainty
    from kanopt.questions.answer import Answer
    from kanopt.scenarios import Run, Scenario
    from kanopt.scenarios.events import OnEvent


Answering: TypeAlias = Callable[[Given, "Scenario", "OnEvent"], "Answer"]


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
        def work(given: Given) -> int:
            name = f"{given['file'].stem}_{word.replace('-', '_')}"
            with progress_reporter(quiet=given["quiet"]) as progress:
                scenario = opt.load(given, given["file"])
                page = page_of(given, name, [scenario], is_free=not (goes_on and given["out"]))
                try:
                    answer = answer_to(given, scenario, progress)
                except NoPlanError as error:  # said on stderr as well, by what ends the command
                    if given["as_json"]:
                        code = int(exit_code_of(error))
                        told = {"scenario": scenario.name, "status": error.status, "message": str(error)}
                        echo(to_json(told | {"exit_code": code}))
                    raise
            if not given["as_json"]:
                opt.echo_unanswered([scenario])
            return tell(given, answer, scenario, page)

        work.__doc__ = answer_to.__doc__
        shared = (opt.WORKBOOK, opt.OUT, opt.REPORT, *opt.SEARCHING)
        return opt.command(word, opt.ONE_FILE, *params, *shared, examples=examples)(work)

    return command_of


def page_of(given: Given, name: str, scenarios: Iterable[Scenario], *, is_free: bool = True) -> Path:
    """Return where the page of an answer goes, if it can be written; numbered where another answer has the name."""
    folder, books = given["out"] or Path("reports"), (".xlsx",) * bool(given["export"])
    tried = (folder / f"{name}{f'_{number}' if number > 1 else ''}.html" for number in itertools.count(1))
    page: Path = given["report"] or next(
        path for path in tried if not (is_free and (path.exists() or path.with_suffix(".xlsx").exists()))
    )
    outputs = [page, *(page.with_suffix(suffix) for suffix in books)]
    check_outputs(outputs, itertools.chain(*map(input_files, scenarios)))
    return page


def tell(
    given: Given, answer: Answer, scenario: Scenario, page: Path, more: Mapping[str, Any] | None = None
) -> int:
    """Print an answer, write what goes with it, and return the exit code; machines are told `more`."""
    if not given["as_json"]:
        echo(answer.text())
    tables = {name.replace(" ", "_"): frame for name, frame in answer.tables().items()}
    # before the tables, of which one may lead elsewhere and be refused
    pages = {"report": answer.to_html(page, **({"pages": True} if given.get("pages") else {}))}
    if given["export"]:
        pages["workbook"] = answer.to_xlsx(page.with_suffix(".xlsx"))
    files = {}
    if given["out"] is not None:
        files = {name: given["out"] / f"{page.stem}_{name}.csv" for name in tables}
        check_outputs(files.values(), input_files(scenario))
        for name, path in files.items():
            save_table(tables[name], path)
    written, code = files | pages, int(exit_code_of(answer))
    if given["as_json"]:
        told: dict[str, Any] = {"scenario": scenario.name, "unit": answer.unit}
        told |= {name: frame.to_dict("records") for name, frame in tables.items()}
        told |= answer.to_json() | dict(more or {})
        report = str(written.pop("report"))
        files_told = {name: str(path) for name, path in written.items()}
        echo(to_json({**told, "files": files_told, "report": report, "exit_code": code}))
    else:
        echo("\n" + "\n".join(f"{name.replace('_', ' ')}: {path}" for name, path in written.items()))
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
        def answer_to(given: Given, scenario: Scenario, progress: OnEvent) -> Answer:
            from kanopt import questions

            how = {each: given[each] for each in own}
            if "decisions" in how:
                how["decisions"] = how["decisions"].replace("-", " ")
            how["options"] = sweep_options(given, given["out"] if goes_on else None)
            asked = getattr(questions, declared.__name__)
            found: Answer = asked(scenario, asked_ranges(given), **how, progress=progress)
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
def risk(given: Given, scenario: Scenario, progress: OnEvent) -> Answer:
    """Ask how sure a plan is.

    It is carried out on many days, on which laws err as they did on held-out rows. The plan is the one found, or
    with --plan today that of the file.
    """
    from kanopt.questions import risk as asked
    from kanopt.questions.question import refuse_no_plan

    scenario, uncertainty = changed(given, scenario).named(scenario.name), _uncertainty(given)
    result = _plan(given, scenario, progress)
    refuse_no_plan(result, scenario, "risk")
    seed = scenario.seed if given["seed"] is None else given["seed"]
    found = asked(result, uncertainty, draws=given["draws"], seed=seed)
    return replace(found, scenario=scenario)


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
def review(given: Given, scenario: Scenario, progress: OnEvent) -> Answer:
    """Hold what was driven against the plan: what was not followed, the day, the laws, and chance.

    DRIVEN is a table with a row for each stop: vehicle, client, arrival and end, and perhaps stop, departure, back and
    load. With --out the legs are written as rows of the table that the law of travel time was learned from.
    """
    from kanopt.questions.question import prepare_checked, refuse_no_plan
    from kanopt.questions.review import review as asked
    from kanopt.scenarios.law_cache import LawCache
    from kanopt.scenarios.run import finish_run
    from kanopt.tables import read_table

    scenario = changed(given, scenario)
    if scenario.kind != "routing":
        told = f"routes are held against what was driven, and this is a {scenario.kind} problem"
        raise click.UsageError(told)
    driven, planned = read_table(given["driven"]), given["planned"]
    if planned is None:
        how = {name: given[name] for name in ("seed", "time_limit", "relearn")}
        run: Run = scenario.run(progress=progress, **how)
    else:
        from kanopt.plans.result import evaluate

        made = prepare_checked(
            scenario, given["seed"], progress, LawCache(relearn=given["relearn"]), with_today=False
        )
        run = finish_run(scenario, made.laws, evaluate(made.problem, read_table(planned)), None, seconds=0.0)
    refuse_no_plan(run.result, scenario, "review")
    guess = "The plan was searched for again, since --planned names none: it need not be the one that was carried out."
    return asked(run, driven, assumed=() if planned else (guess,))
