"""The command line: scenarios checked, run and compared; laws fitted.

Results go to stdout, progress and messages to stderr. Nothing heavy is loaded before a command needs it.
"""

from __future__ import annotations

import os

from kanopt.cli.commands import kanopt
from kanopt.cli.failures import guarded

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments
        In place of those of the process, without the program's name.
    """
    # the matrices of a law are small: more threads gain nothing, and on a busy machine they wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(guarded(lambda: kanopt.main(args=arguments, prog_name="kanopt", standalone_mode=False)))
