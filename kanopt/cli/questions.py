"""What if: the commands that ask a scenario many times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kanopt.cli.asking import (
    REPEATS,
    Answer,
    Asked,
    answer_of,
    asked_option,
    plan_option,
    question,
    worker_options,
)
from kanopt.cli.options import FiniteRange, noted
from kanopt.cli.risk import monte_carlo, risk
from kanopt.cli.varied import asked_axes, asked_ranges, axis_options

if TYPE_CHECKING:
    from kanopt.whatif import Sweep

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
    REPEATS,
    worker_options,
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
    found = _swept(asked)
    return answer_of(
        found,
        {"price": found.base.objective, "points": found.points.to_dict("records")},
        holds=found.holds_somewhere,
        written={} if asked.out is None else {"points": found.to_parquet(asked.out / _TABLE)},
    )


def _swept(asked: Asked) -> Sweep:
    """Sweep a scenario over what the command line says, else over what its section says."""
    from kanopt.whatif import sweep as swept
    from kanopt.whatif.scenario_files.spec import SweepSpec

    between = noted("design") == "latin"  # its points are drawn between two ends
    axes, section = asked_axes(between=between), asked.scenario.sweep_spec
    said = SweepSpec() if axes or section is None else section
    return swept(
        asked.scenario,
        axes or (None if section is None else section.axes()),
        design=noted("design") or said.design,
        samples=noted("samples") or said.samples,
        plan=noted("plan") or said.plan,
        options=asked.options(out=asked.out),
        progress=asked.progress,
    )


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
    told = {"price": found.base.objective, "inputs": found.frame.to_dict("records")}
    return answer_of(found, told, tables=(found.frame,))


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
    told = {
        "sentences": list(found.sentences()),
        "switch_points": found.frame.to_dict("records"),
        "points": found.points.to_dict("records"),
    }
    return answer_of(found, told, tables=(found.frame,))


QUESTIONS = (sweep, tornado, switch_points, risk, monte_carlo)
"""The commands that ask questions."""
