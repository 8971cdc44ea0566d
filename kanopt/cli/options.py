"""The options of commands, each declared once, and what several commands make of them."""

from __future__ import annotations

import inspect
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kanopt.cli.stopping import stop_of_command

if TYPE_CHECKING:
    from kanopt.questions import SweepOptions
    from kanopt.questions.axes import Axis, Values
    from kanopt.scenarios import Event, Scenario
    from kanopt.scenarios.events import OnEvent


# What commands print: texts, and progress on stderr, a line that moves on a terminal and plain lines
# elsewhere.
#
# Names and cells of others' files are shown, and never obeyed by the terminal.

# control characters but for tabs and line ends, and marks that turn the direction of what follows
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def echo(text: str, *, err: bool = False) -> None:
    """Print a text on stdout, or on stderr, as :func:`visible` has it."""
    click.echo(visible(text), err=err)


def echo_alarm(text: str) -> None:
    """Print a line that must not be overlooked; red in a terminal, unless NO_COLOR is set."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    click.secho(visible(text), fg="red" if coloured else None)


def visible(text: str) -> str:
    r"""Return a text without characters that a terminal obeys; JSON means the same afterwards.

    Examples
    --------
    >>> print(visible("red \x1b[31m van"))
    red \u001b[31m van
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@contextmanager
def progress_reporter(*, quiet: bool) -> Iterator[OnEvent]:
    """Yield the function that receives the events of a run.

    Once a search begins there is something to keep: from then on a first Ctrl-C stops in order, whether it comes in the
    search or while its result is explained and written. So does one while a law is being learned: a first structure is
    trained for a step at least, and the law is the best until then. Before and between, there is nothing, and Ctrl-C
    ends the command.
    """
    stop, searched = stop_of_command(), False
    with _shown(quiet=quiet) as show:

        def report(event: Event) -> None:
            nonlocal searched
            searched = searched or event.stage == "solve"
            if searched or event.transient or event.begins:
                stop.keep()
            elif event.stage == "learn" and not stop.asked:
                stop.keeps = False
            stop.check()
            show(event)

        yield report


@contextmanager
def _shown(*, quiet: bool) -> Iterator[OnEvent]:
    """Yield the function that shows the events of a run."""
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    with console.status("starting") as status:

        def show_event(event: Event) -> None:
            text = Text(visible(event.message))
            status.update(text)
            if not event.transient:
                console.print(text, style="dim", soft_wrap=True)

        yield show_event


@contextmanager
def warnings_to_stderr() -> Iterator[None]:
    """Print the warnings of kanopt as lines on stderr, and silence those of other libraries."""
    from kanopt.errors import KanoptWarning

    def print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
        echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", KanoptWarning)
        warnings.showwarning = print_warning
        yield


Given: TypeAlias = dict[str, Any]
"""What a command was given, by the names of its options."""
COMMANDS: dict[str, click.Command] = {}
"""Every command that is declared, by its name."""
FILE = click.Path(path_type=Path)
_RANGE = re.compile(r"([^:,]+):([^:,]+)")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def command(
    name: str, *params: click.Parameter, examples: str = ""
) -> Callable[[Callable[[Given], int]], click.Command]:
    """Make a command of a function of what it was given, which returns the exit code.

    Parameters
    ----------
    name
        Of the command.
    params
        Its arguments and options.
    examples
        Lines at the end of the help.
    """
    epilog = f"\b\nExamples:\n{examples}" if examples else None

    def command_of(work: Callable[[Given], int]) -> click.Command:
        def callback(**given: Any) -> int:
            return work(given)

        told = inspect.cleandoc(work.__doc__ or "")
        made = click.Command(name, callback=callback, params=[*params], help=told, epilog=epilog)
        COMMANDS[name] = made
        return made

    return command_of


class FiniteRange(click.FloatRange):
    """A number in a range; ``nan``, which no comparison refuses, and ``inf`` are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or tell that it is none."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number

    def _describe_range(self) -> str:
        return "" if self.min is None and self.max is None else super()._describe_range()


class _ShareOfDays(FiniteRange):
    """A share of days, or ``none``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the share or ``"none"``, or tell that it is neither."""
        return value if value == "none" else super().convert(value, param, ctx)


def option(*names: str, text: str, **more: Any) -> click.Option:
    """Return an option; its default, where it has one, stands in the help."""
    return click.Option(names, help=text, show_default=more.get("default") is not None, **more)


def switch(name: str, text: str) -> click.Option:
    """Return an option that is on or off."""
    return click.Option([name], is_flag=True, help=text)


def choice(name: str, *words: str, text: str, **more: Any) -> click.Option:
    """Return an option that takes one of some words."""
    return option(name, text=text, type=click.Choice(words), **more)


def count(name: str, text: str, least: int = 1, **more: Any) -> click.Option:
    """Return an option that takes a whole number."""
    return option(name, text=text, type=click.IntRange(min=least), **more)


ONE_FILE = click.Argument(["file"], type=FILE)
FILES = click.Argument(["files"], nargs=-1, required=True, type=FILE)
OUT = option("--out", type=FILE, text="Folder for the report, and for what is written beside it.")
REPORT = option("--report", type=FILE, text="File for the report; one in reports/ if left out.")
JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON.")
ALLOW_OUTSIDE = switch("--allow-outside", "Let a scenario read files outside its own folder.")
LENIENT = switch("--lenient", "Go on without answers to the questions of a scenario, and say so first.")
EXPORT = choice(
    "--export",
    *("xlsx", "md"),
    multiple=True,
    text="Write the plan beside the report as well. Once for each.",
)
WORKBOOK = choice("--export", "xlsx", text="Write the tables as a workbook beside the report as well.")
SOLVER = choice("--solver", "ortools", text="Plan routes with OR-Tools alone, not by the search on the laws.")
DAYS_IN_TIME = option(
    "--days-in-time",
    type=_ShareOfDays(min=0, max=1, min_open=True, max_open=True),
    metavar="SHARE",
    text="Share of days on which everyone is to be in time, in place of the file's: vehicles leave as early as that "
    "takes, on other routes where that is not enough; tasks run in another order or earlier. 'none' for the plan that "
    "costs least on typical times.",
)
TIME_LIMIT = option(
    "--time-limit",
    type=FiniteRange(min=0, min_open=True, max=86_400),
    metavar="SECONDS",
    text="For a search, in place of the file's.",
)
QUIET = switch("--quiet", "No progress on stderr.")
SEED = count("--seed", "In place of the file's.", least=0)
LEARNING = (
    ALLOW_OUTSIDE,
    LENIENT,
    SEED,
    JSON,
    QUIET,
    switch("--relearn", "Learn kept laws anew."),
)
"""What every command has that learns."""
SEARCHING = (TIME_LIMIT, *LEARNING)
"""What every command has that searches."""


def _paths(name: str, metavar: str, text: str) -> click.Option:
    return option(f"--{name}", f"change_{name}", text=text, metavar=metavar, multiple=True)


CHANGES = (
    _paths("set", "PATH=VALUE", "Set what a path says, as --set 'vehicles[name=van].fuel_price=1.9'."),
    _paths("scale", "PATH=VALUE", "Multiply what a path says, as --scale clients.demand_t=1.1."),
    _paths("remove", "ROWS", "Take out rows of a table, as --remove 'clients[name=c01]'."),
)
"""What changes a scenario before it is asked; see :func:`changed`."""
_VALUES = "1.0:2.0:11 (from, to, how many), 1.0:2.0 (both ends) or a list"
AXES = (
    _paths("set", "PATH=VALUES", f"Values to set: {_VALUES}."),
    _paths("scale", "PATH=VALUES", f"Factors to multiply by: {_VALUES}."),
)
"""What a question varies; see :func:`asked_axes`."""
REPEATS = count("--repeats", "Searches per point.", default=1)
WORKERS = (
    count("--workers", "Processes side by side.", default=1),
    option(
        "--dask",
        metavar="ADDRESS",
        text="The scheduler of a Dask cluster, such as tcp://host:8786, whose workers take the place of processes.",
    ),
)


def load(given: Given, file: Path) -> Scenario:
    """Read a scenario with what the command lets it do."""
    from kanopt.scenarios import load_scenario

    may = {name: given[name] for name in ("allow_outside", "lenient")}
    return load_scenario(file, **may)


def echo_unanswered(scenarios: Iterable[Scenario]) -> None:
    """Print what scenarios go on without, red in a terminal, before anything that rests on it."""
    from kanopt.scenarios.run import unanswered

    for line in unanswered(scenarios):
        echo_alarm(line)


def sweep_options(given: Given, out: Path | None = None) -> SweepOptions:
    """Return seeds, limits and workers; with `out`, results are kept there as they come."""
    from kanopt.questions import SweepOptions

    names = ("seed", "time_limit", "repeats", "workers", "dask", "relearn")
    return SweepOptions(**{name: given[name] for name in names if name in given}, out=out)


def is_changed(given: Given) -> bool:
    """Say whether the command line changes a scenario."""
    return any(given[f"change_{action}"] for action in ("set", "scale", "remove"))


def changed(given: Given, scenario: Scenario) -> Scenario:
    """Return a scenario with the changes of the command line: of cells first (set, then multiplied), then of rows."""
    from kanopt.questions.axes import split_row_path
    from kanopt.scenarios.changes import Change

    texts = dict(map(_split, (*given["change_set"], *given["change_scale"])))
    for axis in asked_axes(given, between=False):
        if len(axis.values.items) != 1:
            given_text = texts[axis.path]
            told = f"; write decimals with a point, as {given_text.replace(',', '.')}"
            hint = told if _DECIMAL_COMMA.fullmatch(given_text) else ""
            raise click.UsageError(f"{axis.path} takes one value here; kanopt sweep takes several{hint}")
        scenario = scenario.with_change(axis.change(axis.values.items[0]))
    for path in given["change_remove"]:
        table, where = split_row_path(path)
        scenario = scenario.with_change(Change("remove", table, where=where))
    return scenario


def asked_axes(given: Given, *, between: bool = True) -> tuple[Axis, ...]:
    """Return what ``--set`` and ``--scale`` say; with `between`, ``low:high`` is both ends and no clock time."""
    from kanopt.questions.axes import Axis, read_axes, values_of

    axes = []
    for action in ("set", "scale"):
        for path, values in map(_split, given[f"change_{action}"]):
            ends = _RANGE.fullmatch(values) if between else None
            told = values if ends is None else ",".join(ends.groups())
            axes.append(Axis(path, values_of(path, told, action)))
    return read_axes(axes) if axes else ()


def asked_ranges(given: Given) -> dict[str, Values]:
    """Return what is varied from one end to another."""
    return {axis.path: axis.values for axis in asked_axes(given)}


def _split(text: str) -> tuple[str, str]:
    """Return the path and the values of PATH=VALUES, whose path may hold an = in brackets."""
    inside, bracket, after = text.rpartition("]")
    path, is_given, values = after.partition("=")
    if not is_given or not (inside or path) or not values:
        raise click.UsageError(f"{text!r} must be PATH=VALUES, such as vehicles.fuel_price=1.0:2.0:11")
    return f"{inside}{bracket}{path}".strip(), values
