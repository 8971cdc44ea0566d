"""The script that lets one routing engine search in a process of its own, see :mod:`kanopt.worker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanopt.solvers.routing.arrays import RoutingArrays
    from kanopt.solvers.routing.engines import EngineOrder
    from kanopt.worker import Channel


def work(order: tuple[RoutingArrays, EngineOrder], channel: Channel) -> str:
    """Run an engine for the seconds that are left; send each better plan and its rank."""
    from kanopt.solvers.routing.engines import run_engine
    from kanopt.solvers.routing.incumbents import Incumbents

    arrays, what = order
    incumbents = Incumbents(arrays, on_incumbent=lambda routes, rank: channel.send([routes, rank]))
    limit = channel.ready()
    incumbents.began = incumbents.clock.now()
    return run_engine(
        what,
        incumbents,
        time_limit=limit,
        stop_requested=lambda: channel.stop_requested,
        finish=channel.finish,
    )


if __name__ == "__main__":
    from kanopt.worker import serve

    serve(work)
