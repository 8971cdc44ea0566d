"""What commands change or vary: ``--set`` and ``--scale``, ``--open``, ``--close`` and ``--remove``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from kanopt.cli.options import note_value, noted

if TYPE_CHECKING:
    from kanopt.whatif import Scenario
    from kanopt.whatif.questions.axes import Axis, Values

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_OF_ROWS: dict[Literal["open", "close", "remove"], str] = {
    "open": "Let sites be open that are closed, as --open 'sites[name=east]'.",
    "close": "Close sites, as --close 'sites[name=east]'.",
    "remove": "Take out rows of a table, as --remove 'clients[name=c01]'.",
}
_RANGE = re.compile(r"([^:,]+):([^:,]+)")


def change_options(command: CommandT) -> CommandT:
    """Add ``--set`` and ``--scale``, and options of rows, of which :func:`changed` makes changes."""
    for option in (
        *(_change_option(f"--{action}", "ROWS", text) for action, text in reversed(_OF_ROWS.items())),
        _axis_option("--scale", "Multiply what a path says, as --scale clients.demand_t=1.1."),
        _axis_option("--set", "Set what a path says, as --set 'vehicles[name=van].fuel_price=1.9'."),
    ):
        command = option(command)
    return command


def axis_options(values: str) -> Callable[[CommandT], CommandT]:
    """Add ``--set`` and ``--scale``, of which :func:`asked_axes` makes axes; `values` says how values are written."""

    def add(command: CommandT) -> CommandT:
        for option in (
            _axis_option("--scale", f"Factors to multiply by: {values}."),
            _axis_option("--set", f"Values to set: {values}."),
        ):
            command = option(command)
        return command

    return add


def _axis_option(flag: str, text: str) -> Callable[[CommandT], CommandT]:
    return _change_option(flag, "PATH=VALUE", text)


def _change_option(flag: str, metavar: str, text: str) -> Callable[[CommandT], CommandT]:
    return click.option(
        flag,
        f"axes_{flag[2:]}",
        multiple=True,
        metavar=metavar,
        expose_value=False,
        callback=note_value,
        help=text,
    )


def changed(scenario: Scenario) -> Scenario:
    """Return a scenario with the changes of the command line: of cells first (set, then multiplied), then of rows."""
    from kanopt.whatif.changes import Change
    from kanopt.whatif.questions.axes import split_row_path

    for axis in asked_axes():
        if len(axis.values.items) != 1:
            raise click.UsageError(f"{axis.path} takes one value here; kanopt sweep takes several")
        scenario = scenario.with_change(axis.change(axis.values.items[0]))
    for action in _OF_ROWS:
        for path in noted(f"axes_{action}"):
            table, where = split_row_path(path)
            scenario = scenario.with_change(Change(action, table, where=where))
    return scenario


def is_changed() -> bool:
    """Say whether the command line changes a scenario."""
    return any(noted(f"axes_{action}") for action in ("set", "scale", *_OF_ROWS))


def asked_axes(*, between: bool = False) -> tuple[Axis, ...]:
    """Return what ``--set`` and ``--scale`` of the present command say; with `between`, ``low:high`` is both ends."""
    return _axes(_split_range if between else _split)


def asked_ranges(scenario: Scenario, *, must: bool = True) -> dict[str, Values]:
    """Return what is varied from one end to another: what the command line says, else the section ``[sweep]``.

    A value ``low:high`` means both ends. Without `must`, nothing may be varied.
    """
    axes = asked_axes(between=True)
    if not axes and scenario.sweep_spec is not None:
        axes = scenario.sweep_spec.axes()
    if must and not axes:
        raise click.UsageError(
            "nothing is varied: name paths and their ends, as --set vehicles.fuel_price=1.2:2.0, or write a section "
            "[sweep]"
        )
    return {axis.path: axis.values for axis in axes}


def _axes(split: Callable[[str], tuple[str, str]]) -> tuple[Axis, ...]:
    from kanopt.whatif.questions.axes import Axis, read_axes, values_of

    axes = [Axis(path, values_of(path, values)) for path, values in map(split, noted("axes_set"))]
    axes += [Axis(path, values_of(path, values, "scale")) for path, values in map(split, noted("axes_scale"))]
    return read_axes(axes) if axes else ()


def _split_range(text: str) -> tuple[str, str]:
    path, values = _split(text)
    ends = _RANGE.fullmatch(values)
    return path, values if ends is None else ",".join(ends.groups())


def _split(text: str) -> tuple[str, str]:
    """Return the path and the values of PATH=VALUES, whose path may hold an = in brackets."""
    inside, bracket, after = text.rpartition("]")
    path, is_given, values = after.partition("=")
    if not is_given or not (inside or path) or not values:
        raise click.UsageError(f"{text!r} must be PATH=VALUES, such as vehicles.fuel_price=1.0:2.0:11")
    return f"{inside}{bracket}{path}".strip(), values
