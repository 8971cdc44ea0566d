"""What if: the commands that ask a scenario many times."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli.asking import REPEATS, Answer, Asked, asked_option, plan_option, question, worker_options
from kanopt.cli.options import FiniteRange, load, noted
from kanopt.cli.risk import monte_carlo, risk
from kanopt.cli.varied import asked_axes, asked_ranges, axis_options

if TYPE_CHECKING:
    from kanopt.whatif import Scenario, Sweep, WhereWins

_TABLE = "points.parquet"
_LISTED = "from:to:count, or a,b,c; low:high for latin"
_ENDS = "low:high, or low:high:count"


@question(
    "sweep",
    axis_options(_LISTED),
    asked_option(
        "--design",
        kind=click.Choice(["grid", "list", "latin"]),
        text="How values meet: as a grid if left out.",
    ),
    asked_option("--samples", kind=click.IntRange(min=1), text="Points of a Latin hypercube."),
    plan_option(None),
    asked_option(
        "--against",
        kind=str,
        text="Say where it beats another plan at the same points: kept, today, or another scenario FILE.",
        metavar="PLAN",
    ),
    REPEATS,
    worker_options,
    out="Folder for results as they come, and the report; a sweep that was stopped goes on there.",
    examples=(
        "  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11\n"
        "  kanopt sweep FILE --scale clients.demand_t=0.8:1.2:5 --plan kept\n"
        "  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11 --against today\n"
    ),
)
def sweep(asked: Asked) -> Answer:
    """Ask what if at many points: price a plan under other data, or plan each point anew.

    Varied is what --set and --scale say, else the section [sweep] of the file. With --out the points are written as
    Parquet, and the same command goes on where it was stopped.
    """
    against = noted("against")
    other = (
        None if against is None else _other(asked, against)
    )  # a file that cannot be read is told of before
    found = _swept(asked, asked.scenario, noted("plan"), asked.out)
    wins = None
    if other is not None and not found.interrupted:
        wins = _wins(asked, found, *other)
    return Answer(
        text=found.text() if wins is None else f"{found.text()}\n\n{wins}",
        data=lambda: {
            "scenario": found.scenario.name,
            "unit": found.unit,
            "price": found.base.objective,
            "points": found.points.to_dict("records"),
            **({} if wins is None else {"where_wins": _wins_json(wins)}),
        },
        to_html=partial(found.to_html, wins=wins),
        to_xlsx=found.to_xlsx,
        base=found.base,
        interrupted=found.interrupted,
        holds=found.holds_somewhere,
        written={} if asked.out is None else {"points": found.to_parquet(asked.out / _TABLE)},
    )


def _swept(asked: Asked, scenario: Scenario, plan: Any, out: Path | None) -> Sweep:
    """Sweep a scenario over what the command line says, else what the section of the scenario asked about says."""
    from kanopt.whatif import sweep as swept
    from kanopt.whatif.scenario_files.spec import SweepSpec

    between = noted("design") == "latin"  # its points are drawn between two ends
    axes, section = asked_axes(between=between), asked.scenario.sweep_spec
    said = SweepSpec() if axes or section is None else section
    return swept(
        scenario,
        axes or (None if section is None else section.axes()),
        design=noted("design") or said.design,
        samples=noted("samples") or said.samples,
        plan=plan or said.plan,
        options=asked.options(out=out),
        progress=asked.progress,
    )


def _other(asked: Asked, against: str) -> tuple[Scenario, str | None, Path | None]:
    """Return what a sweep is compared with: a scenario, the plan to take if it is another, and a folder."""
    from kanopt.cli.output import check_outputs, input_files

    if against == "today" and asked.scenario.problem.today is None:
        from kanopt.errors import Issue, ScenarioError

        message = "the scenario names no plan of today; write [problem.today], or take kept"
        raise ScenarioError([Issue(str(asked.scenario.path), 0, "--against", message)])
    if against in ("kept", "today"):
        return asked.scenario, against, None
    other = load(Path(against))
    check_outputs(asked.outputs, input_files(other))
    return other, noted("plan"), None if asked.out is None else asked.out / other.path.stem


def _wins(asked: Asked, found: Sweep, scenario: Scenario, plan: str | None, out: Path | None) -> WhereWins:
    from kanopt.whatif import where_wins

    if scenario is asked.scenario and plan == "kept" and found.anew:
        return where_wins(found)
    return where_wins(found, _swept(asked, scenario, plan, out))


def _wins_json(wins: WhereWins) -> dict[str, Any]:
    return {
        "names": list(wins.names),
        "sentences": list(wins.sentences()),
        "rules": wins.frame.to_dict("records"),
        "points": wins.points.to_dict("records"),
    }


@question(
    "tornado",
    axis_options(_ENDS),
    plan_option("anew"),
    REPEATS,
    worker_options,
    out="Folder for the report and the table as CSV.",
    tables=("tornado",),
    examples=(
        "  kanopt tornado FILE --set vehicles.fuel_price=1.2:2.0 --scale clients.demand_t=0.9:1.1\n"
        "  kanopt tornado FILE --scale surrogates.travel_time=0.9:1.1 --plan today\n"
    ),
)
def tornado(asked: Asked) -> Answer:
    """Ask what moves the price most, each input alone.

    Each is set to its low and to its high value, the others as they are. Varied is what --set and --scale say, else
    the section [sweep] of the file; of longer lists the first and the last value count.
    """
    from kanopt.whatif import tornado as asked_tornado

    found = asked_tornado(
        asked.scenario,
        asked_ranges(asked.scenario),
        plan=noted("plan"),
        options=asked.options(),
        progress=asked.progress,
    )
    inputs = found.frame.to_dict("records")
    return Answer(
        text=found.text(),
        data=lambda: {
            "scenario": found.scenario.name,
            "unit": found.unit,
            "price": found.base.objective,
            "inputs": inputs,
        },
        to_html=found.to_html,
        to_xlsx=found.to_xlsx,
        base=found.base,
        tables=(found.frame,),
        interrupted=found.interrupted,
    )


@question(
    "switch-points",
    axis_options(_ENDS),
    asked_option(
        "--decisions",
        kind=click.Choice(["all", "in-use"]),
        default="all",
        text="All decisions, or only what is in use and paid for, not what is served from where.",
    ),
    asked_option(
        "--tolerance",
        kind=FiniteRange(min=0, max=1, min_open=True, max_open=True),
        default=0.001,
        text="Share of the range to which a place is narrowed down where prices do not say it.",
    ),
    asked_option("--most-solves", kind=click.IntRange(min=2), default=60, text="Solves for each path."),
    REPEATS,
    worker_options,
    out="Folder for the report and the table as CSV.",
    tables=("switch_points",),
    examples=(
        "  kanopt switch-points FILE --set vehicles.fuel_price=1.0:2.0:3\n"
        "  kanopt switch-points FILE --scale 'sites[name=north].fixed_cost=0.5:8:4' --decisions in-use\n"
    ),
)
def switch_points(asked: Asked) -> Answer:
    """Ask where it tips: the values from which on another plan is better.

    Varied is what --set and --scale say, else the section [sweep] of the file, each path alone. Between two values
    whose plans agree nothing is looked for; give more values where something may come and go between.
    """
    from kanopt.whatif import switch_points as asked_switch_points

    found = asked_switch_points(
        asked.scenario,
        asked_ranges(asked.scenario),
        decisions="all" if noted("decisions") == "all" else "in use",
        tolerance=noted("tolerance"),
        most_solves=noted("most_solves"),
        options=asked.options(),
        progress=asked.progress,
    )
    return Answer(
        text=found.text(),
        data=lambda: {
            "scenario": found.scenario.name,
            "unit": found.unit,
            "sentences": list(found.sentences()),
            "switch_points": found.frame.to_dict("records"),
            "points": found.points.to_dict("records"),
        },
        to_html=found.to_html,
        to_xlsx=found.to_xlsx,
        base=found.base,
        tables=(found.frame,),
        interrupted=found.interrupted,
    )


@question(
    "sobol",
    axis_options(_ENDS),
    asked_option(
        "--samples",
        kind=click.IntRange(min=2),
        default=1024,
        text="Points, a power of two; the price is computed samples * (inputs + 2) times.",
    ),
    plan_option("kept"),
    REPEATS,
    worker_options,
    out="Folder for the report and the table as CSV.",
    tables=("sobol",),
    examples=(
        "  kanopt sobol FILE --set vehicles.fuel_price=1.2:2.0 --scale clients.demand_t=0.9:1.1\n"
        "  kanopt sobol FILE --scale sites.fixed_cost=0.8:1.2 --plan anew --samples 32\n"
    ),
)
def sobol(asked: Asked) -> Answer:
    """Ask what the price varies with, all inputs at once.

    Sobol's indices are shares of the variance of the price. Varied is what --set and --scale say, else the section
    [sweep] of the file, evenly between the first and the last value.
    """
    from kanopt.whatif import sobol as asked_sobol

    found = asked_sobol(
        asked.scenario,
        asked_ranges(asked.scenario),
        samples=noted("samples"),
        plan=noted("plan"),
        options=asked.options(),
        progress=asked.progress,
    )
    return Answer(
        text=f"{asked.scenario.name}: what the price varies with\n{found.text()}",
        data=lambda: {
            "scenario": asked.scenario.name,
            "what": found.what,
            "unit": found.unit,
            "mean": found.mean,
            "standard_deviation": found.deviation,
            "values": found.evaluations,
            "confidence": found.confidence,
            "inputs": found.frame.to_dict("records"),
            "notes": list(found.notes),
        },
        to_html=found.to_html,
        to_xlsx=found.to_xlsx,
        base=found.base,
        tables=(found.frame,),
    )


QUESTIONS = (sweep, tornado, switch_points, sobol, risk, monte_carlo)
"""The commands that ask questions."""
