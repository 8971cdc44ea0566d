"""Tasks done side by side, in this process or by workers; those of workers that are lost are done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from typing import Any, TypeVar

from kanopt.errors import SolverError
from kanopt.text import count_text

__all__ = ["run_tasks"]

MOST_ATTEMPTS = 3
"""So often workers may be lost in a row without one task done in between."""

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


def run_tasks(
    work: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    *,
    workers: int = 1,
    number_of: Callable[[ResultT], int],
    numbers: Sequence[int],
) -> Iterator[ResultT]:
    """Yield the result of every task, in the order in which they are ready.

    Parameters
    ----------
    work
        What is done with a task; a function of a module, since it is sent to other processes.
    tasks
        What is to be done.
    workers
        How many processes; one is this process itself.
    number_of
        The number of the task that a result belongs to.
    numbers
        The numbers of the tasks.

    Raises
    ------
    SolverError
        If processes are lost again and again.
    """
    if workers == 1:
        yield from map(work, tasks)
        return
    left = dict(zip(numbers, tasks, strict=True))
    attempts = 0
    while left:
        try:
            for result in _side_by_side(work, list(left.values()), workers):
                del left[number_of(result)]
                attempts = 0
                yield result
        except BrokenExecutor as error:
            attempts += 1
            if attempts == MOST_ATTEMPTS:
                message = (
                    f"a worker process ended {MOST_ATTEMPTS} times in a row, with "
                    f"{count_text(len(left), 'point')} left: is there enough memory? Take fewer workers than {workers}"
                )
                raise SolverError(message) from error


def _side_by_side(work: Callable[[Any], Any], tasks: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yield results from processes; joblib's, which imports no program of the user again."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="all")
    results: Iterator[Any] = parallel(delayed(work)(task) for task in tasks)
    yield from results
