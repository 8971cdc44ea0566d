"""Readers of published shops and projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kanopt.plans.instance_text import TextLines, read_lines
from kanopt.scheduling.entities import Job, Machine, Mode, Need, Resource, Task
from kanopt.scheduling.problem import SchedulingProblem

ENDINGS = (".sm", ".fjs", ".jsp")
_DURATIONS, _SUCCESSORS, _AVAILABLE = (
    "REQUESTS/DURATIONS",
    "PRECEDENCE RELATIONS",
    "RESOURCEAVAILABILITIES",
)


class _Row(NamedTuple):
    """A row of whole numbers and its line."""

    line: int
    numbers: list[int]


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
        If the file is missing, cut off, of a kind that is not read, or contradicts itself; names the line.

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
    file = Path(path)
    source = read_lines(file)
    if file.suffix.lower() == ".sm":
        return _project(source)
    return _shop(source, flexible=file.suffix.lower() == ".fjs")


def _whole_rows(source: TextLines) -> Iterator[_Row]:
    for line, text in enumerate(source.lines, start=1):
        if text:
            yield _Row(line, [source.whole(word, line, "a shop") for word in text.split()])


def _shop(source: TextLines, *, flexible: bool) -> SchedulingProblem:
    # a flexible shop may state how many machines a task has on average, which is no whole number
    head = source.lines[0].split()
    if len(head) < 2:
        raise source.refusal("the numbers of jobs and machines are expected here", 1)
    jobs, machines = (source.whole(word, 1, "jobs and machines", least=1) for word in head[:2])
    rows = list(_whole_rows(TextLines(source.path, ("", *source.lines[1:]))))[:jobs]
    if len(rows) < jobs:
        raise source.refusal(f"{jobs:,} jobs are announced, {len(rows):,} follow; the file is cut off")
    tasks: list[Task] = []
    modes: list[Mode] = []
    for job, row in enumerate(rows, start=1):
        for place, ways in enumerate(_tasks_of(source, row, flexible=flexible), start=1):
            name = f"{job}.{place}"
            tasks.append(Task(name, f"{job}"))
            for machine, duration in ways:
                if not 0 <= machine < machines or duration < 1:
                    least = "machines count from 1" if flexible else "machines count from 0"
                    raise source.refusal(
                        f"task {place} of job {job}: no machine {machine + flexible} of {machines}, or no duration "
                        f"above 0; {least}",
                        row.line,
                    )
                modes.append(Mode(name, f"m{machine + flexible}", duration=float(duration)))
    return SchedulingProblem(
        [Job(f"{job}") for job in range(1, jobs + 1)],
        tasks,
        [Machine(f"m{machine + flexible}") for machine in range(machines)],
        modes,
        makespan_cost=1.0,
    )


def _tasks_of(source: TextLines, row: _Row, *, flexible: bool) -> Iterator[list[tuple[int, int]]]:
    """Yield machine and duration of the ways to run each task of a job, machines counted from 0."""
    if not flexible:
        if len(row.numbers) % 2:
            raise source.refusal(
                "machine and duration in turn are expected, an even number of words", row.line
            )
        yield from ([way] for way in zip(row.numbers[::2], row.numbers[1::2], strict=True))
        return
    numbers = iter(row.numbers)
    try:
        for _ in range(next(numbers)):
            yield [(next(numbers) - 1, next(numbers)) for _ in range(next(numbers))]
    except StopIteration:
        raise source.refusal("the line ends before the last of its tasks", row.line) from None


def _project(source: TextLines) -> SchedulingProblem:
    sections = _sections(source)
    durations = {row.numbers[0]: row for row in sections[_DURATIONS]}
    capacities = sections[_AVAILABLE][0].numbers
    before: dict[int, set[int]] = {task: set() for task in durations}
    for row in sections[_SUCCESSORS]:
        task, *rest = row.numbers
        for after in rest[2:]:
            if task not in durations or after not in durations:
                raise source.refusal(f"activity {task} or {after} has no duration", row.line)
            before[after].add(task)
    for task, row in durations.items():
        if len(row.numbers) != 3 + len(capacities) or row.numbers[1] != 1:
            raise source.refusal(
                f"activity {task}: one mode is expected, with a duration and {len(capacities)} needs",
                row.line,
            )
        if row.numbers[2] == 0:  # whoever comes after it comes after those before it
            for waits in before.values():
                if task in waits:
                    waits |= before[task]
    real = [task for task, row in durations.items() if row.numbers[2] > 0]
    return SchedulingProblem(
        [Job("project", in_order=False)],
        [
            Task(f"{task}", "project", after=tuple(f"{one}" for one in sorted(before[task] & {*real})))
            for task in real
        ],
        (),
        [Mode(f"{task}", duration=float(durations[task].numbers[2])) for task in real],
        resources=[Resource(f"R{place}", float(amount)) for place, amount in enumerate(capacities, start=1)],
        needs=[
            Need(f"{task}", f"R{place}", float(amount))
            for task in real
            for place, amount in enumerate(durations[task].numbers[3:], start=1)
            if amount
        ],
        makespan_cost=1.0,
    )


def _sections(source: TextLines) -> dict[str, list[_Row]]:
    """Return the rows of numbers below each heading that is read."""
    found: dict[str, list[_Row]] = {name: [] for name in (_SUCCESSORS, _DURATIONS, _AVAILABLE)}
    now: list[_Row] = []
    for line, text in enumerate(source.lines, start=1):
        words = text.split()
        if text.startswith("- nonrenewable") and words[3:4] != ["0"]:
            raise source.refusal("resources that are used up are not read", line)
        if text.endswith(":"):
            now = found.get(text.removesuffix(":"), [])
        elif words and words[0].isdigit():
            now.append(_Row(line, [source.whole(word, line, "a project") for word in words]))
    if missing := [name for name, rows in found.items() if not rows]:
        raise source.refusal(f"no rows below {missing[0]}; the file is cut off or no project of PSPLIB")
    return found
