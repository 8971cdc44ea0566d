"""The command that plans many days of orders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli import options as opt
from kanopt.cli.options import Given, changed, is_changed, sweep_options
from kanopt.cli.questions import Answer, question

if TYPE_CHECKING:
    from kanopt.scenarios import Scenario
    from kanopt.scenarios.events import OnEvent


@question(
    "days",
    opt.option(
        "--orders", default="orders", text="Table of the scenario, or file, with a row for each order."
    ),
    opt.option(
        "--history",
        text="Table of the scenario, or file, of what was driven: a row for each stop, with its date.",
    ),
    opt.option(
        "--variant",
        type=opt.FILE,
        text="Scenario that each day is planned with as well, to be accepted or not.",
    ),
    *opt.CHANGES,
    opt.option(
        "--hire",
        multiple=True,
        metavar="[TYPE=]PRICE",
        text="What a vehicle costs that is hired for a day, of all types or of one. Once for each.",
    ),
    opt.option(
        "--column",
        multiple=True,
        metavar="FIELD=COLUMN",
        text="What a column is called: date=Lieferdatum. Once for each.",
    ),
    opt.switch("--pages", "Write a page of each day as well."),
    *opt.WORKERS,
    tables=("days", "intervals", "fleet"),
    examples=(
        "  kanopt days FILE --orders orders.csv --history driven.csv --hire 95 --out month\n"
        "  kanopt days FILE --set 'vehicles[name=van].num_available=5' --workers 2 --out month\n"
    ),
)
def days(given: Given, scenario: Scenario, progress: OnEvent) -> Answer:
    """Plan many days of orders, beside what was driven, and beside a variant.

    The variant is what --set, --scale and --remove change, or the scenario of --variant: it is accepted, rejected, or
    told how many more days would tell. With --out the same command goes on where it was stopped.
    """
    from kanopt.questions.days import plan_days

    variant = None if given["variant"] is None else opt.load(given, given["variant"])
    if is_changed(given):
        variant = changed(given, variant or scenario)
    found = plan_days(
        scenario,
        given["orders"],
        history=given["history"],
        variant=variant,
        hire=_prices(given["hire"]),
        columns=pairs("--column", given["column"]),
        options=sweep_options(given, None if given["out"] is None else given["out"] / "book"),
        progress=progress,
    )
    tables, page = found.tables(), partial(found.to_html, pages=given["pages"])
    told: dict[str, Any] = {"sentences": list(found.sentences()), "cautions": list(found.cautions())}
    told |= {name: frame.to_dict("records") for name, frame in tables.items()}
    holds = not any(len(rows) for rows in found.faults().values())
    return Answer.of(found, told, *tables.values(), holds=holds, page=page)


def _prices(texts: tuple[str, ...]) -> Any:
    """Return what ``--hire`` says: one price for all types, or a price by type."""
    from kanopt.questions.axes import cell_of

    if len(texts) == 1 and "=" not in texts[0]:
        return cell_of(texts[0])
    return {name: cell_of(value) for name, value in pairs("--hire", texts).items()}


def pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    """Return what an option says that is given once for each word."""
    found = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(found) < len(texts):
        raise click.UsageError(f"{option} is WORD=VALUE, once for each word")
    return found
