"""What if, and how sure: the commands that ask a scenario many times."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli.asking import REPEATS, WORKERS, Answer, Asked, asked_option, plan_option, question
from kanopt.cli.options import is_on, note_value, noted
from kanopt.cli.varied import asked_axes, asked_ranges, axis_options, change_options, changed

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.problems.uncertainty import Uncertainty
    from kanopt.whatif import Scenario

__all__ = ["QUESTIONS"]

_TABLE = "points.parquet"
_LISTED = "from:to:count, or a,b,c"
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
    REPEATS,
    WORKERS,
    out="Folder for results as they come, and the report; a sweep that was stopped goes on there.",
    examples=(
        "  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11\n"
        "  kanopt sweep FILE --scale clients.demand_t=0.8:1.2:5 --plan kept\n"
    ),
)
def sweep(asked: Asked) -> Answer:
    """Ask what if at many points: price a plan under other data, or plan each point anew.

    Varied is what --set and --scale say, else the section [sweep] of the file. With --out the points are written as
    Parquet, and the same command goes on where it was stopped.
    """
    from kanopt.whatif import sweep as swept

    found = swept(
        asked.scenario,
        asked_axes() or None,
        design=noted("design"),
        samples=noted("samples"),
        plan=noted("plan"),
        options=asked.options(out=asked.out),
        progress=asked.progress,
    )
    points = found.points.to_dict("records")
    return Answer(
        text=found.text(),
        data={"scenario": found.scenario.name, "unit": found.unit, "points": points},
        to_html=found.to_html,
        base=found.base,
        interrupted=found.interrupted,
        holds=found.holds_somewhere,
        written={} if asked.out is None else {"points": found.to_parquet(asked.out / _TABLE)},
    )


@question(
    "tornado",
    axis_options(_ENDS),
    plan_option("anew"),
    REPEATS,
    WORKERS,
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
        data={
            "scenario": found.scenario.name,
            "unit": found.unit,
            "price": found.base.objective,
            "inputs": inputs,
        },
        to_html=found.to_html,
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
        kind=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
        default=0.001,
        text="Share of the range to which a place is narrowed down where prices do not say it.",
    ),
    asked_option("--most-solves", kind=click.IntRange(min=2), default=60, text="Solves for each path."),
    REPEATS,
    WORKERS,
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
        data={
            "scenario": found.scenario.name,
            "unit": found.unit,
            "sentences": list(found.sentences()),
            "switch_points": found.frame.to_dict("records"),
            "points": found.points.to_dict("records"),
        },
        to_html=found.to_html,
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
    WORKERS,
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
        data={
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
        base=found.base,
        tables=(found.frame,),
    )


@question(
    "risk",
    change_options,
    asked_option(
        "--plan",
        kind=click.Choice(["anew", "today"]),
        default="anew",
        text="Search for a plan, or take today's.",
    ),
    asked_option("--draws", kind=click.IntRange(min=20), default=1000, text="Days, or draws of demand."),
    click.option(
        "--uncertain",
        multiple=True,
        metavar="WHAT=VALUE",
        expose_value=False,
        callback=note_value,
        help="What is assumed in place of what laws know of their errors: travel=0.1, shared=0.5. Once for each.",
    ),
    asked_option(
        "--recourse",
        kind=click.Choice(["none", "flows"]),
        default="none",
        text="Of a supply plan, whether flows are decided anew when demand is known.",
    ),
    out="Folder for the report and the table as CSV.",
    tables=("risk",),
    examples="  kanopt risk FILE --draws 5000\n  kanopt risk FILE --plan today --uncertain travel=0.15\n",
)
def risk(asked: Asked) -> Answer:
    """Ask how sure a plan is.

    It is carried out on many days, on which laws err as they did on held-out rows. The plan is the one found, or
    with --plan today that of the file.
    """
    from kanopt.whatif import risk as asked_risk

    scenario = changed(asked.scenario)
    uncertainty = _uncertainty()
    result = _plan(asked, scenario)
    if not result.has_plan:
        return Answer(
            text=str(result),
            data={"scenario": asked.scenario.name, "status": result.status.value},
            to_html=None,
            base=result,
        )
    found = asked_risk(
        result,
        uncertainty,
        recourse=noted("recourse"),
        draws=noted("draws"),
        seed=scenario.seed if asked.seed is None else asked.seed,
    )
    rows, changes = found.to_frame(), list(scenario.change_sentences())
    return Answer(
        text="\n".join([asked.scenario.name, *(f"  changed: {change}" for change in changes), str(found)]),
        data={
            "scenario": asked.scenario.name,
            "changes": changes,
            "status": result.status.value,
            "unit": result.problem.unit,
            **found.to_json(),
            "rows": rows.to_dict("records"),
        },
        to_html=partial(found.to_html, scenario=scenario),
        base=result,
        tables=(rows,),
    )


def _uncertainty() -> Uncertainty:
    """Return what ``--uncertain`` says."""
    from kanopt.errors import nearest
    from kanopt.problems.uncertainty import Uncertainty

    known = [each.name for each in fields(Uncertainty)]
    given: dict[str, Any] = {}
    for text in noted("uncertain"):
        name, is_given, value = text.partition("=")
        if not is_given or not value:
            raise click.UsageError(f"--uncertain {text!r} must be WHAT=VALUE, such as travel=0.1")
        if name not in known:
            raise click.UsageError(
                f"--uncertain {text!r}: nothing is called {name!r}; {nearest(name, known)}"
            )
        given[name] = _cell(value)
    return Uncertainty(**given)


def _cell(text: str) -> float | bool | str:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _plan(asked: Asked, scenario: Scenario) -> Result:
    """Return the plan that is found, as ``kanopt run`` finds it, or today's."""
    if noted("plan") == "anew":
        return scenario.run(
            seed=asked.seed,
            time_limit=asked.time_limit,
            progress=asked.progress,
            relearn=is_on("relearn"),
        ).result
    from kanopt.whatif.sweeps.prepare import base_result, prepare

    return base_result(prepare(scenario, (), asked.options(), asked.progress), "today", asked.progress)


QUESTIONS = (sweep, tornado, switch_points, sobol, risk)
"""The commands that ask questions."""
