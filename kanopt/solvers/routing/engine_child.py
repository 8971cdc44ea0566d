"""The script that lets one routing engine search in a process of its own, see :mod:`kanopt.worker`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanopt.solvers.routing.arrays import RoutingArrays
    from kanopt.solvers.routing.engines import EngineOrder
    from kanopt.worker import Channel

__all__ = ["work"]


def work(order: tuple[RoutingArrays, EngineOrder], channel: Channel) -> str:
    """Run an engine for the seconds that are left; send each better plan and its rank."""
    from kanopt.solvers.routing.engines import run_engine
    from kanopt.solvers.routing.incumbents import Incumbents

    arrays, what = order
    incumbents = Incumbents(arrays, on_incumbent=lambda routes, rank: channel.tell([routes, rank]))
    limit = channel.ready()
    incumbents.began = incumbents.clock.now()
    return run_engine(
        what,
        incumbents,
        time_limit=limit,
        stop_requested=lambda: channel.stop_requested,
        leave=channel.leave,
    )


if __name__ == "__main__":
    # run by its path, so that this process finds the package of the one that started it
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from kanopt.worker import serve

    serve(work)
