"""The command line as a whole: its commands, its version, and what its exit codes mean."""

from __future__ import annotations

import click

from kanopt.cli.beginning import init
from kanopt.cli.days import days
from kanopt.cli.learning import cache, fit
from kanopt.cli.planning import check, compare, run, solve
from kanopt.cli.progress import echo
from kanopt.cli.questions import monte_carlo, review, risk, sweep, switch_points, tornado

_EXIT_CODES = """
\b
Exit codes:
  0    solved
  1    a fault of kanopt
  2    bad usage or bad input
  3    infeasible, or something mandatory is left out (plan and report are written)
  4    no plan within the time limit
  5    a law was refused because it predicts too poorly
  130  stopped by Ctrl-C (the best plan so far and its report are written; while laws are
       learned nothing is planned, and --out gets the laws finished before)
  143  stopped by SIGTERM, as by Ctrl-C
"""


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib.metadata import version

        echo(f"kanopt {version('kanopt')}")
        context.exit()


_VERSION = click.Option(
    ["--version"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
_COMMANDS = (
    *(init, check, fit, run, compare, sweep, tornado, switch_points),
    *(monte_carlo, risk, review, days, solve, cache),
)
kanopt = click.Group(
    "kanopt",
    commands={each.name or "": each for each in _COMMANDS},
    params=[_VERSION],
    help="Learn laws from tables, plan with them, and ask what if.",
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
