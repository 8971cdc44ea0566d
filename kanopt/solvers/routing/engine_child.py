"""The process in which one routing engine searches: integers come in a file, better plans go out line by line.

It is run as a script, so that no program of the user is imported again, and ends when its standard input does: when it
is told to stop, and when the process that started it is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanopt.solvers.routing.arrays import NodeRoutes, Rank

__all__ = ["ARRAYS", "ORDER", "main", "serve"]

ARRAYS, ORDER = "arrays.npz", "order{}.json"


class _EngineSearch:
    """One search and its lines: ``ready``; each better plan; ``end``."""

    def __init__(self, folder: Path, number: int, out: IO[str], commands: IO[str]) -> None:
        from kanopt.solvers.routing.arrays import RoutingArrays
        from kanopt.solvers.routing.engines import EngineOrder
        from kanopt.solvers.routing.incumbents import Incumbents

        self.out = out
        self.commands = commands
        self.order = EngineOrder(**json.loads((folder / ORDER.format(number)).read_text("utf-8")))
        self.incumbents = Incumbents(RoutingArrays.load(folder / ARRAYS), on_incumbent=self._report)
        self.stopped = False

    def run(self) -> None:
        """Search for as long as the first command says, or until there are no more commands."""
        from kanopt.solvers.routing.engines import run_engine

        self._write_line({"ready": True})
        limit = float(self.commands.readline() or 0.0)
        threading.Thread(target=self._listen, daemon=True).start()
        self.incumbents.began = self.incumbents.clock.now()
        message = run_engine(
            self.order,
            self.incumbents,
            time_limit=limit,
            stop_requested=lambda: self.stopped,
            leave=self._exit,
        )
        self._write_line({"end": message})

    def _listen(self) -> None:
        self.commands.read()
        self.stopped = True

    def _report(self, ways: NodeRoutes, rank: Rank) -> None:
        self._write_line({"ways": ways, "rank": rank})

    def _exit(self, message: str) -> None:
        """End the process from within a search that knows no other end."""
        self._write_line({"end": message})
        os._exit(0)

    def _write_line(self, what: dict[str, Any]) -> None:
        # a reader that has gone away must not become an exception inside a solver
        try:
            print(json.dumps(what), file=self.out, flush=True)
        except OSError:
            os._exit(1)


def serve(folder: Path, number: int, out: IO[str], commands: IO[str]) -> None:
    """Run the engine of an order.

    Parameters
    ----------
    folder
        Holds the integers and the orders.
    number
        Which order.
    out
        Takes the lines.
    commands
        Its first line is the time limit in seconds; its end means to stop.
    """
    _EngineSearch(folder, number, out, commands).run()


def main(folder: str, number: str) -> None:
    """Run the engine of an order; the lines go to standard output, and nothing else does."""
    own = os.dup(sys.stdout.fileno())
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.close(silence)
    with os.fdopen(own, "w", encoding="utf-8") as out:
        serve(Path(folder), int(number), out, sys.stdin)


if __name__ == "__main__":
    # run by its path, so that this process finds the package of the one that started it
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    main(*sys.argv[1:])
