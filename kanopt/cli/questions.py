"""``kanopt sweep``, and the changes that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kanopt.cli.echo import echo
from kanopt.cli.failures import exit_code_of
from kanopt.cli.options import (
    FILE,
    allow_outside,
    allow_sql,
    common_options,
    is_on,
    load,
    note_value,
    noted,
    time_limit_option,
)
from kanopt.cli.progress import progress_reporter
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command

if TYPE_CHECKING:
    from kanopt.whatif import Scenario, Sweep, SweepOptions
    from kanopt.whatif.events import OnEvent
    from kanopt.whatif.sweeps.axes import Axis

__all__ = ["change_options", "changed", "sweep"]

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_TABLE = "points.parquet"
_EXAMPLES = """
\b
Examples:
  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11
  kanopt sweep FILE --scale clients.demand_t=0.8:1.2:5 --plan kept
"""


def change_options(command: CommandT) -> CommandT:
    """Add ``--set`` and ``--scale``, of which :func:`changed` makes changes."""
    for option in (
        _axis_option("--scale", "Multiply what a path says, as --scale clients.demand_t=1.1."),
        _axis_option("--set", "Set what a path says, as --set 'vehicles[name=van].fuel_price=1.9'."),
    ):
        command = option(command)
    return command


def _axis_option(flag: str, text: str) -> Callable[[CommandT], CommandT]:
    return click.option(
        flag,
        f"axes_{flag[2:]}",
        multiple=True,
        metavar="PATH=VALUE",
        expose_value=False,
        callback=note_value,
        help=text,
    )


def changed(scenario: Scenario) -> Scenario:
    """Return a scenario with the changes of the command line: first what is set, then what is multiplied."""
    for axis in _axes():
        if len(axis.values.items) != 1:
            raise click.UsageError(f"{axis.path} takes one value here; kanopt sweep takes several")
        scenario = scenario.with_change(axis.change(axis.values.items[0]))
    return scenario


def _axes() -> tuple[Axis, ...]:
    """Return what ``--set`` and ``--scale`` of the present command say."""
    from kanopt.whatif.sweeps.axes import Axis, read_axes, values_of

    axes = [Axis(path, values_of(path, values)) for path, values in map(_split, noted("axes_set"))]
    axes += [
        Axis(path, values_of(path, values, "scale")) for path, values in map(_split, noted("axes_scale"))
    ]
    return read_axes(axes) if axes else ()


def _split(text: str) -> tuple[str, str]:
    """Return the path and the values of PATH=VALUES, whose path may hold an = in brackets."""
    inside, bracket, after = text.rpartition("]")
    path, is_given, values = after.partition("=")
    if not is_given or not (inside or path) or not values:
        raise click.UsageError(f"{text!r} must be PATH=VALUES, such as vehicles.fuel_price=1.0:2.0:11")
    return f"{inside}{bracket}{path}".strip(), values


def _asked_option(*names: str, kind: Any, text: str, default: Any = None) -> Callable[[CommandT], CommandT]:
    """Return an option of a sweep, which :func:`_sweep` reads."""
    shown = default is not None
    return click.option(
        *names,
        type=kind,
        default=default,
        show_default=shown,
        expose_value=False,
        callback=note_value,
        help=text,
    )


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=FILE)
@_axis_option("--set", "Values to set: from:to:count, or a,b,c.")
@_axis_option("--scale", "Factors to multiply by: from:to:count, or a,b,c.")
@_asked_option(
    "--design", kind=click.Choice(["grid", "list", "latin"]), text="How values meet: as a grid if left out."
)
@_asked_option("--samples", kind=click.IntRange(min=1), text="Points of a Latin hypercube.")
@_asked_option(
    "--plan",
    kind=click.Choice(["anew", "kept", "today"]),
    text="Plan each point anew, or price the plan as it is, or today's plan.",
)
@_asked_option("--repeats", kind=click.IntRange(min=1), default=1, text="Searches per point.")
@_asked_option("--workers", kind=click.IntRange(min=1), default=1, text="Processes side by side.")
@click.option(
    "--out", type=FILE, help="Folder for results as they come; a sweep that was stopped goes on there."
)
@time_limit_option
@allow_sql
@allow_outside
@common_options
def sweep(
    file: Path, *, out: Path | None, seed: int | None, time_limit: float | None, as_json: bool, quiet: bool
) -> int:
    """Ask what if at many points: price a plan under other data, or plan each point anew.

    Varied is what --set and --scale say, else the section [sweep] of the file. With --out the points are written as
    Parquet, and the same command goes on where it was stopped.
    """
    from kanopt.whatif import SweepOptions

    options = SweepOptions(
        seed=seed,
        time_limit=time_limit,
        repeats=noted("repeats"),
        workers=noted("workers"),
        out=out,
        relearn=is_on("relearn"),
    )
    with progress_reporter(quiet=quiet) as progress:
        outcome = _sweep(load(file), options, progress)
    written = None if out is None else outcome.to_parquet(out / _TABLE)
    stop = stop_of_command()
    code = exit_code_of_stop(stop) if outcome.interrupted or stop.asked else int(exit_code_of(outcome.base))
    if as_json:
        from kanopt.cli.output import to_json

        points = outcome.points.to_dict("records")
        told = {"scenario": outcome.scenario.name, "unit": outcome.unit, "points": points}
        echo(to_json({**told, "exit_code": code}))
    else:
        echo(outcome.text() if written is None else f"{outcome.text()}\n\npoints: {written}")
    return code


def _sweep(scenario: Scenario, options: SweepOptions, progress: OnEvent) -> Sweep:
    from kanopt.whatif import sweep as swept

    return swept(
        scenario,
        _axes() or None,
        design=noted("design"),
        samples=noted("samples"),
        plan=noted("plan"),
        options=options,
        progress=progress,
    )
