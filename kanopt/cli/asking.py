"""The one way in which questions about a scenario are asked at the command line, and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kanopt.cli.echo import echo
from kanopt.cli.failures import ExitCode, exit_code_of
from kanopt.cli.options import (
    FILE,
    allow_outside,
    allow_sql,
    common_options,
    echo_unanswered,
    is_on,
    lenient,
    load,
    note_value,
    noted,
    time_limit_option,
)
from kanopt.cli.progress import progress_reporter
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.result import Result
    from kanopt.whatif import Scenario, SweepOptions
    from kanopt.whatif.events import OnEvent

Option: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Asked:
    """What a question is asked about, and within which limits.

    Parameters
    ----------
    scenario
        The scenario.
    seed, time_limit
        In place of the file's; None for those.
    out
        Folder for what is written, if one was named.
    outputs
        Files that are written at the end.
    progress
        Called with each stage.
    """

    scenario: Scenario
    seed: int | None
    time_limit: float | None
    out: Path | None
    outputs: tuple[Path, ...]
    progress: OnEvent

    def options(self, *, out: Path | None = None) -> SweepOptions:
        """Return seeds, limits and workers; with `out`, results are kept there as they come."""
        from kanopt.whatif import SweepOptions

        return SweepOptions(
            seed=self.seed,
            time_limit=self.time_limit,
            repeats=noted("repeats") or 1,
            workers=noted("workers") or 1,
            dask=noted("dask"),
            out=out,
            relearn=is_on("relearn"),
        )


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    Parameters
    ----------
    text
        For people.
    data
        For machines; called where that is asked for.
    to_html
        Writes the page of it; None where there is nothing to show.
    to_xlsx
        Writes the workbook of it; None likewise.
    base
        The plan that was asked about, which decides the exit code; None for that of a law.
    tables
        Frames that go to the folder of results as CSV.
    interrupted
        True where the user stopped it.
    holds
        False where no plan that was asked about holds, although the base does.
    written
        Files that are written already, by what they hold.
    """

    text: str
    data: Callable[[], Mapping[str, Any]]
    to_html: Callable[[Path], Path] | None
    to_xlsx: Callable[[Path], Path] | None
    base: Result | None
    tables: Sequence[pd.DataFrame] = ()
    interrupted: bool = False
    holds: bool = True
    written: Mapping[str, Path] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        stop = stop_of_command()
        if self.interrupted or stop.asked:
            return exit_code_of_stop(stop)
        code = ExitCode.SOLVED if self.base is None else exit_code_of(self.base)
        return int(code if self.holds else code or ExitCode.INFEASIBLE)


def answer_of(
    found: Any, data: Mapping[str, Any], tables: Sequence[pd.DataFrame] = (), **more: Any
) -> Answer:
    """Return the answer that a result tells itself: its text, page, workbook and the plan that was asked about."""
    return Answer(
        text=found.text(),
        data=lambda: {"scenario": found.scenario.name, "unit": found.unit, **data},
        to_html=found.to_html,
        to_xlsx=found.to_xlsx,
        base=found.base,
        tables=tables,
        interrupted=found.interrupted,
        **more,
    )


def asked_option(
    *names: str, kind: Any, text: str, default: Any = None, metavar: str | None = None
) -> Option:
    """Return an option of a question, which :func:`~kanopt.cli.options.noted` tells of."""
    return click.option(
        *names,
        type=kind,
        default=default,
        show_default=default is not None,
        metavar=metavar,
        expose_value=False,
        callback=note_value,
        help=text,
    )


REPEATS = asked_option("--repeats", kind=click.IntRange(min=1), default=1, text="Searches per point.")
_WORKERS = asked_option("--workers", kind=click.IntRange(min=1), default=1, text="Processes side by side.")
_DASK = asked_option(
    "--dask",
    kind=str,
    metavar="ADDRESS",
    text="The scheduler of a Dask cluster, such as tcp://host:8786, whose workers take the place of processes.",
)


def worker_options(command: Any) -> Any:
    """Add ``--workers`` and ``--dask``: who does the points."""
    return _WORKERS(_DASK(command))


WORKBOOK = asked_option(
    "--export",
    kind=click.Choice(["xlsx"]),
    text="Write the tables as a workbook beside the report as well.",
)


def plan_option(default: str | None) -> Option:
    """Return ``--plan``, with what is taken where it is left out."""
    return asked_option(
        "--plan",
        kind=click.Choice(["anew", "kept", "today"]),
        default=default,
        text="Plan each point anew, or price the plan as it is, or today's plan.",
    )


def question(
    word: str, *options: Option, out: str, tables: Sequence[str] = (), examples: str
) -> Callable[[Callable[[Asked], Answer]], click.Command]:
    """Make a command of a function that answers a question about a scenario file.

    Parameters
    ----------
    word
        Name of the command.
    options
        What the question has besides the options of all.
    out
        What ``--out`` is for.
    tables
        What frames of the answer hold, in their order: each is a CSV file in the folder of ``--out``.
    examples
        Lines of the help.
    """
    tail = word.replace("-", "_")

    def command_of(answer_to: Callable[[Asked], Answer]) -> click.Command:
        def command(
            file: Path,
            *,
            out: Path | None,
            report: Path | None,
            seed: int | None,
            time_limit: float | None,
            as_json: bool,
            quiet: bool,
        ) -> int:
            from kanopt.cli.output import check_outputs, input_files

            files = {} if out is None else {name: out / f"{file.stem}_{name}.csv" for name in tables}
            page = report or (out or Path("reports")) / f"{file.stem}_{tail}.html"
            with progress_reporter(quiet=quiet) as progress:
                book = (page.with_suffix(".xlsx"),) if noted("export") else ()
                scenario, outputs = load(file), (page, *book, *files.values())
                check_outputs(outputs, input_files(scenario))
                answer = answer_to(Asked(scenario, seed, time_limit, out, outputs, progress))
            if not as_json:
                echo_unanswered([scenario])
            return _tell(answer, files, page, as_json=as_json)

        command.__doc__ = answer_to.__doc__
        every = [
            click.argument("file", type=FILE),
            *options,
            WORKBOOK,
            click.option("--out", type=FILE, help=out),
            click.option(
                "--report", type=FILE, help=f"File for the report; reports/NAME_{tail}.html if left out."
            ),
            time_limit_option,
            allow_sql,
            allow_outside,
            lenient,
            common_options,
        ]
        for option in reversed(every):
            command = option(command)
        return click.command(word, epilog=f"\b\nExamples:\n{examples}")(command)

    return command_of


def _tell(answer: Answer, files: Mapping[str, Path], page: Path, *, as_json: bool) -> int:
    """Print an answer, and write what goes with it."""
    from kanopt.cli.output import save_table, to_json

    if not as_json:
        echo(answer.text)
    written = dict(answer.written)
    for (name, path), frame in zip(files.items(), answer.tables, strict=False):
        written[name] = save_table(frame, path)
    if answer.to_html is not None:
        written["report"] = answer.to_html(page)
    if answer.to_xlsx is not None and noted("export"):
        written["workbook"] = answer.to_xlsx(page.with_suffix(".xlsx"))
    code = answer.exit_code
    if as_json:
        report = str(written.pop("report", "")) or None
        told = {name: str(path) for name, path in written.items()}
        echo(to_json({**answer.data(), "files": told, "report": report, "exit_code": code}))
    elif written:
        echo("\n" + "\n".join(f"{name.replace('_', ' ')}: {path}" for name, path in written.items()))
    return code
