"""Published shops and projects, whose objective is the time until all is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from kanopt.plans.instance_text import TextLines, read_lines
from kanopt.scheduling.entities import Job, Machine, Mode, Need, Resource, Task
from kanopt.scheduling.problem import SchedulingProblem

ENDINGS = (".sm", ".fjs", ".jsp")
_SUCCESSORS, _DURATIONS, _AVAILABLE = (
    "PRECEDENCE RELATIONS",
    "REQUESTS/DURATIONS",
    "RESOURCEAVAILABILITIES",
)
_Row: TypeAlias = tuple[int, list[int]]
"""A line, from 1, and its whole numbers."""


def read_shop(path: str | Path) -> SchedulingProblem:
    r"""Read a published shop or project, whose objective is the time until all is done.

    Parameters
    ----------
    path
        A project of PSPLIB with one mode for each activity (``.sm``), a flexible job shop as Brandimarte (1993) wrote
        them (``.fjs``), or a job shop as those of the OR-Library (``.jsp``: a line with the numbers of jobs and
        machines, then a line for each job with machine and duration in turn).

    Raises
    ------
    FileFormatError
        If the file is cut off, of a kind that is not read, or contradicts itself; names the line.

    Notes
    -----
    Due dates of a project are not read: in the field its length counts. Activities that take no time, such as its
    beginning and end, are left out.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "two.jsp"
    >>> _ = file.write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    >>> read_shop(file)
    SchedulingProblem(2 jobs, 4 tasks, 2 machines, 4 modes)
    """
    source, kind = read_lines(Path(path)), Path(path).suffix.lower()
    return _project(source) if kind == ".sm" else _shop(source, flexible=kind == ".fjs")


def _row(source: TextLines, line: int, what: str) -> _Row:
    return line, [source.whole(word, line, what) for word in source.lines[line - 1].split()]


def _shop(source: TextLines, *, flexible: bool) -> SchedulingProblem:
    # a flexible shop may state how many machines a task has on average, which is no whole number
    head = source.lines[0].split()
    if len(head) < 2:
        raise source.refusal("the numbers of jobs and machines are expected here", 1)
    jobs, machines = (source.whole(word, 1, "jobs and machines", least=1) for word in head[:2])
    rows = [
        _row(source, line, "a shop") for line, text in enumerate(source.lines, start=1) if text and line > 1
    ]
    if len(rows) < jobs:
        raise source.refusal(f"{jobs:,} jobs are announced, {len(rows):,} follow; the file is cut off")
    tasks, modes = [], []
    for job, (line, numbers) in enumerate(rows[:jobs], start=1):
        for place, ways in enumerate(_tasks(source, line, numbers, flexible=flexible), start=1):
            tasks.append(Task(f"{job}.{place}", f"{job}"))
            for machine, duration in ways:
                if not flexible <= machine < machines + flexible or duration < 1:
                    told = f"no machine {machine} of {machines}, or no duration above 0"
                    told = f"task {place} of job {job}: {told}; machines count from {int(flexible)}"
                    raise source.refusal(told, line)
                modes.append(Mode(f"{job}.{place}", f"m{machine}", duration=float(duration)))
    return SchedulingProblem(
        [Job(f"{job}") for job in range(1, jobs + 1)],
        tasks,
        [Machine(f"m{machine + flexible}") for machine in range(machines)],
        modes,
        makespan_cost=1.0,
    )


def _tasks(
    source: TextLines, line: int, numbers: list[int], *, flexible: bool
) -> Iterator[list[tuple[int, int]]]:
    """Yield machine and duration of the ways to run each task of a job."""
    if not flexible and len(numbers) % 2:
        raise source.refusal("machine and duration in turn are expected, an even number of words", line)
    left = iter(numbers)
    try:
        for _ in range(next(left) if flexible else len(numbers) // 2):
            yield [(next(left), next(left)) for _ in range(next(left) if flexible else 1)]
    except StopIteration:
        raise source.refusal("the line ends before the last of its tasks", line) from None


def _project(source: TextLines) -> SchedulingProblem:
    sections = _sections(source)
    rows = {numbers[0]: (line, numbers) for line, numbers in sections[_DURATIONS]}
    capacities = sections[_AVAILABLE][0][1]
    before: dict[int, set[int]] = {task: set() for task in rows}
    for line, (task, *rest) in sections[_SUCCESSORS]:
        for after in rest[2:]:
            if task not in rows or after not in rows:
                raise source.refusal(f"activity {task} or {after} has no duration", line)
            before[after].add(task)
    tasks, modes, needs = [], [], []
    for task, (line, numbers) in rows.items():
        if len(numbers) != 3 + len(capacities) or numbers[1] != 1:
            told = f"one mode is expected, with a duration and {len(capacities)} needs"
            raise source.refusal(f"activity {task}: {told}", line)
        if numbers[2] == 0:  # whoever comes after it comes after those before it
            for waits in before.values():
                if task in waits:
                    waits |= before[task]
    real = {task for task, (_, numbers) in rows.items() if numbers[2] > 0}
    for task in rows:
        if task in real:
            _, duration, *amounts = rows[task][1][1:]
            tasks.append(Task(f"{task}", "project", after=tuple(map(str, sorted(before[task] & real)))))
            modes.append(Mode(f"{task}", duration=float(duration)))
            used = [(place, amount) for place, amount in enumerate(amounts, start=1) if amount]
            needs += [Need(f"{task}", f"R{place}", float(amount)) for place, amount in used]
    resources = [Resource(f"R{place}", float(amount)) for place, amount in enumerate(capacities, start=1)]
    job = [Job("project", in_order=False)]
    return SchedulingProblem(job, tasks, (), modes, resources=resources, needs=needs, makespan_cost=1.0)


def _sections(source: TextLines) -> dict[str, list[_Row]]:
    """Return the rows of numbers below each heading that is read."""
    found: dict[str, list[_Row]] = {name: [] for name in (_SUCCESSORS, _DURATIONS, _AVAILABLE)}
    now: list[_Row] = []
    for line, text in enumerate(source.lines, start=1):
        if text.startswith("- nonrenewable") and text.split()[3:4] != ["0"]:
            raise source.refusal("resources that are used up are not read", line)
        if text.endswith(":"):
            now = found.get(text.removesuffix(":"), [])
        elif text[:1].isdigit():
            now.append(_row(source, line, "a project"))
    if missing := [name for name, rows in found.items() if not rows]:
        raise source.refusal(f"no rows below {missing[0]}; the file is cut off or no project of PSPLIB")
    return found
