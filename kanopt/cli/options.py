"""The options that several commands have."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kanopt.cli.echo import echo_alarm
from kanopt.cli.failures import DEBUG

if TYPE_CHECKING:
    from kanopt.whatif import Scenario

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
FILE = click.Path(path_type=Path)


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


def debug_option(command: CommandT) -> CommandT:
    """Add ``--debug``."""

    def enable_debug(_: click.Context, __: click.Parameter, enabled: bool) -> None:
        if enabled:
            os.environ[DEBUG] = "1"

    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=enable_debug,
        help=f"Show tracebacks, as {DEBUG}=1 does.",
    )(command)


def note_value(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Keep the value of an option for :func:`noted`, in place of an argument that is handed through."""
    context.meta[f"{__name__}.{option.name}"] = value


def noted(option: str) -> Any:
    """Return the value of an option of the present command that :func:`note_value` kept; None where it has none."""
    return click.get_current_context().meta.get(f"{__name__}.{option}")


def _switch_option(flag: str, text: str) -> Callable[[CommandT], CommandT]:
    """Return a flag that :func:`is_on` tells of where it is needed."""
    return click.option(flag, is_flag=True, expose_value=False, callback=note_value, help=text)


allow_sql = _switch_option("--allow-sql", "Let a scenario ask the databases it names.")
allow_outside = _switch_option("--allow-outside", "Let a scenario read files outside its own folder.")
lenient = _switch_option(
    "--lenient", "Go on without answers to the questions of a scenario, and say so before anything else."
)


variants_option = click.option(
    "--variants/--no-variants",
    default=None,
    expose_value=False,
    callback=note_value,
    help="Plan other fleets and demands as well, for the report: those that [report] names, else the usual ones. "
    "Searched twice each, and the plan too; left out, as the file says.",
)


on_time_option = click.option(
    "--on-time",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    expose_value=False,
    callback=note_value,
    help="Share of days on which everyone is to be in time, by other routes where other departures are not enough.",
)


class ShareOfDays(FiniteRange):
    """A share of days, or ``none``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the share or ``"none"``, or tell that it is neither."""
        return value if value == "none" else super().convert(value, param, ctx)


days_in_time_option = click.option(
    "--days-in-time",
    type=ShareOfDays(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    expose_value=False,
    callback=note_value,
    help="Share of days on which everyone is to be in time, in place of the file's: vehicles leave as early as that "
    "takes. 'none' for the departures that cost least on typical times.",
)


def is_on(option: str) -> bool:
    """Whether a switch of the present command was given, such as ``allow_sql``."""
    return bool(noted(option))


def common_options(command: CommandT) -> CommandT:
    """Add the options of every command that learns or searches."""
    for option in (
        debug_option,
        _switch_option("--relearn", "Learn laws anew that are kept from earlier runs."),
        click.option("--quiet", is_flag=True, help="No progress on stderr."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option("--seed", type=click.IntRange(min=0), help="In place of the file's."),
    ):
        command = option(command)
    return command


class _Formats(click.ParamType[tuple[str, ...]]):
    """Names of exports with commas between them, each once."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names; refuse one that is unknown."""
        from kanopt.errors import nearest
        from kanopt.reports import EXPORTS

        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in str(value).split(",")))
        for name in names:
            if name not in EXPORTS:
                self.fail(f"there is no export {name!r}; {nearest(name, EXPORTS)}", param, ctx)
        return names


def export_option(command: CommandT) -> CommandT:
    """Add ``--export``; :func:`exports` returns what it was given."""
    return click.option(
        "--export",
        type=_Formats(),
        metavar="FORMATS",
        expose_value=False,
        callback=note_value,
        help="Write the plan beside the report as well: xlsx, geojson, csv, csv-comma (decimal "
        "commas), md, orders, with commas between.",
    )(command)


def exports() -> tuple[str, ...]:
    """Return the exports that the present command was asked for."""
    return noted("export") or ()


def load(file: Path) -> Scenario:
    """Read a scenario with what the present command lets it do."""
    from kanopt.whatif import load_scenario

    return load_scenario(
        file, allow_sql=is_on("allow_sql"), allow_outside=is_on("allow_outside"), lenient=is_on("lenient")
    )


def echo_unanswered(scenarios: Iterable[Scenario]) -> None:
    """Print what scenarios go on without, red in a terminal, before anything that rests on it."""
    from kanopt.whatif.run import unanswered

    for line in unanswered(scenarios):
        echo_alarm(line)


solver_option = click.option(
    "--solver",
    type=click.Choice(["ortools"]),
    expose_value=False,
    callback=note_value,
    help="Plan routes with OR-Tools alone, in place of the search on the laws.",
)


def time_limit_option(command: CommandT) -> CommandT:
    """Add ``--time-limit``."""
    limit = FiniteRange(min=0, min_open=True, max=86_400)
    return click.option(
        "--time-limit", type=limit, metavar="SECONDS", help="For a search, in place of the file's."
    )(command)
