"""Tasks done side by side, in this process or by workers; those of workers that are lost are done again."""

from __future__ import annotations

import hashlib
import mmap
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kanopt.errors import SolverError
from kanopt.files import temporary_path
from kanopt.text import count_text, number_text, seconds_text

if TYPE_CHECKING:
    from distributed import Client


# How much memory there is, asked before much of it is taken.

_GROUP = Path("/sys/fs/cgroup")


def available_bytes() -> float:
    """Return how many bytes this process can still take: of the machine, its group and its limit; infinity if unknown.

    Examples
    --------
    >>> available_bytes() > 1_000_000
    True
    """
    return min(_limits(), default=float("inf"))


def _limits() -> Iterator[float]:
    machine = Path("/proc/meminfo")
    if machine.exists():
        for line in machine.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield float(line.split()[1]) * 1024
    most, used = _GROUP / "memory.max", _GROUP / "memory.current"
    if most.exists() and used.exists() and (limit := most.read_text().strip()) != "max":
        yield float(limit) - float(used.read_text())
    own = Path("/proc/self/statm")
    if sys.platform != "win32" and own.exists():
        import resource

        allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
        if allowed != resource.RLIM_INFINITY:
            yield allowed - float(own.read_text().split()[0]) * mmap.PAGESIZE


def gigabytes(count: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> gigabytes(6.4e9)
    '6.4 GB'
    """
    return f"{number_text(count / 1e9, 2)} GB"


MOST_ATTEMPTS = 3
"""So often a worker may be lost with a task, or workers in a row without one task done in between."""
_PATIENCE = 10.0
"""Seconds for which a scheduler may be silent when it is first spoken to."""


def how_far(done: int, count: int, what: str, began: float, before: int = 0) -> str:
    """Say how many things are done, and how long the others take at the pace since `began`, when `before` were done.

    Examples
    --------
    >>> how_far(2, 4, "point", time.perf_counter() - 10.0)
    '2 of 4 points, 10.0 s left'
    """
    rate = (done - before) / (time.perf_counter() - began)
    left = f", {seconds_text((count - done) / rate)} left" if rate > 0 and done < count else ""
    return f"{done:,} of {count_text(count, what)}{left}"


class Numbered(Protocol):
    """What has the number of a point: tasks, and their results."""

    @property
    def point(self) -> int:
        """The number."""


TaskT = TypeVar("TaskT", bound=Numbered)
ResultT = TypeVar("ResultT", bound=Numbered)
Work = Callable[[Any, TaskT], ResultT]


def run_tasks(
    work: Work[TaskT, ResultT],
    shared: Any,
    tasks: Sequence[TaskT],
    *,
    workers: int = 1,
    client: Client | None = None,
) -> Iterator[ResultT]:
    """Yield the result of every task, in the order in which they are ready.

    Parameters
    ----------
    work
        What is done with a task: a function of a module, since it is sent to other processes. An exception that it
        raises ends all.
    shared
        What every task reads; sent once, and not with each.
    tasks
        What is to be done; each has a number of its own.
    workers
        Processes on this machine; one is this process itself.
    client
        A Dask cluster that does it instead.

    Raises
    ------
    SolverError
        If workers are lost again and again.
    """
    if client is not None:
        yield from _on_cluster(work, shared, tasks, client)
    elif workers == 1:
        for task in tasks:
            yield work(shared, task)
    else:
        yield from _on_processes(work, shared, tasks, workers)


def _on_processes(
    work: Work[TaskT, ResultT], shared: Any, tasks: Sequence[TaskT], workers: int
) -> Iterator[ResultT]:
    left = {task.point: task for task in tasks}
    pickled = pickle.dumps(shared)
    known = hashlib.sha256(pickled).hexdigest()
    attempts = 0
    with temporary_path() as path:
        path.write_bytes(pickled)
        # a file without a name is open in this process, and not in those that read it
        place = str(path).replace("/proc/self/", f"/proc/{os.getpid()}/")
        while left:
            try:
                for result in _joblib(work, (place, known), list(left.values()), workers):
                    del left[result.point]
                    attempts = 0
                    yield result
            except BrokenExecutor as error:
                attempts += 1
                if attempts == MOST_ATTEMPTS:
                    raise _lost(len(left), f"Take fewer workers than {workers}") from error


def _joblib(
    work: Work[TaskT, ResultT], shared: tuple[str, str], tasks: Sequence[TaskT], workers: int
) -> Iterator[ResultT]:
    """Yield results from processes of joblib, which import no program of the user again."""
    from joblib import Parallel, delayed

    # few are sent ahead: a stop while many wait makes a thread of loky fail, and print that it did
    parallel = Parallel(
        n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="1.5*n_jobs"
    )
    with _ctrl_c_for_this_process():
        results: Iterator[ResultT] = parallel(delayed(_with_shared)(work, *shared, task) for task in tasks)
    yield from results


@contextmanager
def _ctrl_c_for_this_process() -> Iterator[None]:
    """Let processes that are started meanwhile hear no Ctrl-C: this one hears it, after this, and ends them.

    A terminal sends Ctrl-C to all of them, and one that is loading its modules would print a traceback. What a thread
    blocks stays blocked in the processes it starts (signal(7)).
    """
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # the first worker would start it, and until Python 3.12 that unblocks what was blocked
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@lru_cache(maxsize=1)
def _shared(path: str, known: str) -> Any:
    """Return what all tasks read; a worker reads it from a file once, and not with every task."""
    pickled = Path(path).read_bytes()
    if hashlib.sha256(pickled).hexdigest() != known:
        raise SolverError(f"{path} was changed by another program; tasks cannot be done")
    return pickle.loads(pickled)  # noqa: S301 - as the process that started this one wrote it


def _with_shared(work: Work[TaskT, ResultT], path: str, known: str, task: TaskT) -> ResultT:
    return work(_shared(path, known), task)


@contextmanager
def cluster(given: str | Client | None) -> Iterator[Client | None]:
    """Yield the client of a Dask cluster: the one that is given, or a new one of an address, which is closed again.

    Raises
    ------
    SolverError
        If Dask is not installed, no scheduler answers, there is no worker, or one has another version.
    """
    if given is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise SolverError(
            'a Dask cluster needs the package distributed: pip install "kanopt[dask]"'
        ) from None
    if not isinstance(given, str):
        _check_workers(given)
        yield given
        return
    try:
        client = Client(given, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        message = f"no Dask scheduler answers at {given!r} ({error}); an address is such as tcp://host:8786"
        raise SolverError(message) from None
    with client:
        _check_workers(client)
        yield client


def _check_workers(client: Client) -> None:
    """Refuse a cluster whose workers would read tasks otherwise than they were written."""
    mine = _versions()
    found = client.run(_versions, on_error="return")
    if not found:
        raise SolverError(
            f"the Dask cluster at {client.scheduler.address} has no workers; start some, and try again"
        )
    for worker, versions in found.items():
        if isinstance(versions, Exception):
            raise SolverError(f"the worker {worker} cannot import kanopt ({versions}); install it there")
        other = [
            f"{name} {versions[name]} in place of {mine[name]}"
            for name in mine
            if versions[name] != mine[name]
        ]
        if other:
            raise SolverError(
                f"the worker {worker} has {', '.join(other)}; install the same versions everywhere"
            )


def _versions() -> dict[str, str]:
    """Return the versions on which the results of a worker depend."""
    import platform
    from importlib.metadata import version

    names = ("kanopt", "numpy", "pandas", "ortools", "pyvrp", "highspy")
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: version(name) for name in names}}


def _on_cluster(
    work: Work[TaskT, ResultT], shared: Any, tasks: Sequence[TaskT], client: Client
) -> Iterator[ResultT]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    everywhere = client.scatter(shared, broadcast=True, hash=False)
    futures = client.map(_on_worker, tasks, work=work, shared=everywhere, pure=False)
    left = len(futures)
    try:
        for future in as_completed(futures, loop=client.loop):
            try:
                result: ResultT = future.result()
            except KilledWorker as error:
                raise _lost(left, f"The last was {error.last_worker.address}") from None
            left -= 1
            yield result
    finally:
        client.cancel(futures, force=True)


def _on_worker(task: TaskT, work: Work[TaskT, ResultT], shared: Any) -> ResultT:
    return work(shared, task)


def _lost(left: int, hint: str) -> SolverError:
    return SolverError(
        f"workers ended again and again before a point was done, with {count_text(left, 'point')} left: is there "
        f"enough memory? {hint}; what is done is kept"
    )
