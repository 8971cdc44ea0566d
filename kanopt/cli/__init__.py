"""The command line: scenarios checked, run and compared; laws fitted.

Results go to stdout, progress and messages to stderr. Nothing heavy is loaded before a command needs it.
"""

from __future__ import annotations

from kanopt.cli.commands import kanopt
from kanopt.cli.failures import run_guarded

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments
        In place of those of the process, without the program's name.
    """
    raise SystemExit(
        run_guarded(lambda: kanopt.main(args=arguments, prog_name="kanopt", standalone_mode=False))
    )
