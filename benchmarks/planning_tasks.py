"""How many small planning tasks ``kanopt init`` and ``kanopt run`` price right to the cent, ask about, refuse, or miss.

A task is a file under ``planning_tasks/``: the tables as a dispatcher, a planner or a supply analyst has them, what
they mean in the user's words, what a user answers when asked, and the price of the cheapest plan. That price is
worked out without kanopt by ``_planning_reference.py``, which tries all plans or solves a small MILP, from a
statement written by hand (--truth). Of five sets of 20, one of 12, eleven of 10, one of 6 and two of 4, ``tuned`` and
``young`` are to develop on, ``fresh`` was run once and then looked into; the others are run only where --half names
them, to measure what init does to tables that nobody had in mind. Those of ``blind`` were written by someone who had
not read kanopt, with plans tried one by one from the tables themselves, so that they hold no statement for --truth.
Those of ``later`` were written and priced before the shapes that they ask for were read, such as a row of units or
one of two machines in a cell. Those named after seasons were priced before what init does to such tables was looked
at; init was mended on ``spring``, ``winter``, ``summer`` and ``thaw``, and ``autumn``, ``advent``, ``harvest``,
``solstice``, ``frost``, ``equinox``, ``monsoon`` and ``midsummer`` run once after these; ``blind`` and the last three
hold no statement for --truth, as their plans were tried from the tables by a script of their own. Of all but the first
only counts are printed unless --verbose is given.

Verdicts: *right* with no question; *answered*, right after at most two answers; *asked*, where a question is open that
the task has no answer to, or more than two are asked; *refused* with an error, or with a plan that says that it leaves
something out; *wrong*, a calm plan of another price, or one without a question that had to be asked. Of these, *warned*
counts the ones with a warning on stderr. --clean runs thirty scenarios that leave nothing open, on which no question
is due. Takes a minute for a set of ten, and four for the clean scenarios, whose laws are learned.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from csv import reader
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from _bench import asked, footer
from _planning_reference import cheapest
from openpyxl import Workbook

HERE = Path(__file__).parent
HALVES = tuple(sorted(path.name for path in (HERE / "planning_tasks").iterdir() if path.is_dir()))
VERDICTS = ("right", "answered", "asked", "refused", "wrong")
CENT = 0.005
MOST_ANSWERS = 2
SEED = 7


@dataclass
class Outcome:
    """What became of a task: a verdict, the price if there is one, and what was asked and said."""

    verdict: str
    price: float | None = None
    asked: list[str] = field(default_factory=list)
    said: str = ""

    @property
    def warned(self) -> bool:
        return "warning:" in self.said


def main() -> None:
    given = asked(
        __doc__,
        half=(["tuned", "fresh"], "which sets", HALVES),
        only=("", "tasks whose name holds this"),
        truth=(False, "work out the cheapest plans and run nothing of kanopt"),
        clean=(False, "run the clean scenarios instead"),
        verbose=(False, "print what was said, and every set task by task"),
        limit=(3.0, "seconds of a search"),
        workers=(1, "tasks at once"),
    )
    started = time.perf_counter()
    if given.clean:
        clean(given.only, given.limit, given.workers, verbose=given.verbose)
    else:
        for half in given.half:
            tasks = [
                (path, tomllib.loads(path.read_text("utf-8")))
                for path in sorted((HERE / "planning_tasks" / half).glob("*.toml"))
                if given.only in path.stem
            ]
            if given.truth:
                for path, task in tasks:
                    if "truth" in task:
                        _check_truth(path, task)
            else:
                _run_half(half, tasks, given)
    print(f"{time.perf_counter() - started:.1f} wall s")
    print(footer(["ortools", "pyvrp", "highspy"], SEED))


def _check_truth(path: Path, task: dict[str, Any]) -> None:
    """Print the cheapest plan of the reference; end where the task states another price."""
    price, plan = cheapest(task["kind"], task["truth"])
    print(f"{path.stem:30} {price:12.4f}  {plan}")
    if abs(price - task["price"]) > CENT:
        raise SystemExit(f"{path}: price = {task['price']}, but the cheapest plan costs {price:.4f}: {plan}")


def _run_half(half: str, tasks: list[tuple[Path, dict[str, Any]]], given: argparse.Namespace) -> None:
    with ThreadPoolExecutor(given.workers) as pool:
        outcomes = list(pool.map(partial(judged, limit=given.limit), (task for _, task in tasks)))
    if half == "tuned" or given.verbose:
        print(f"{'task':30} {'kind':7} {'verdict':9} asked {'true price':>12} {'price':>12}")
        for (path, task), outcome in zip(tasks, outcomes, strict=True):
            price = f"{outcome.price:12.2f}" if outcome.price is not None else f"{'-':>12}"
            warned = " warned" if outcome.warned else ""
            print(
                f"{path.stem:30} {task['kind']:7} {outcome.verdict:9} {len(outcome.asked):5} "
                f"{task['price']:12.2f} {price}{warned}"
            )
            if given.verbose:
                print("".join(f"    ? {question}\n" for question in outcome.asked) + _indented(outcome.said))
    counts = Counter(outcome.verdict for outcome in outcomes)
    told = ", ".join(f"{verdict} {counts[verdict]}" for verdict in VERDICTS)
    warned = sum(outcome.warned for outcome in outcomes if outcome.verdict == "wrong")
    print(f"{half}: of {len(tasks)} tasks {told} (of the wrong {warned} warned)\n")


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip().splitlines())


def judged(task: dict[str, Any], limit: float) -> Outcome:
    """Return what a user gets who begins from the tables, answers what is asked, and plans."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = write_tables(task, folder)
        _, _, said = kanopt(folder, "init", *files)
        scenario = folder / "scenario.toml"
        if not scenario.exists():
            return Outcome("refused", said=said)
        asked: list[str] = []
        while True:
            if answer_questions(scenario, task.get("answers", {}), asked):
                return Outcome("asked", asked=asked, said=said)
            code, told, said = kanopt(
                folder, "run", scenario.name, "--json", "--quiet", "--time-limit", str(limit)
            )
            if code != 2 or not open_questions(scenario):
                break
    price = told.get("objective") if code == 0 else None
    if price is None:
        return Outcome("refused", asked=asked, said=said or json.dumps(told.get("coverage")))
    must_ask = [each for each in task.get("must_ask", []) if not any(re.search(each, one) for one in asked)]
    if abs(price - task["price"]) > CENT or must_ask:
        return Outcome("wrong", price, asked, said)
    verdict = "right" if not asked else "answered" if len(asked) <= MOST_ANSWERS else "asked"
    return Outcome(verdict, price, asked, said)


def open_questions(scenario: Path) -> list[dict[str, Any]]:
    """Return the questions of a scenario file that have no answer yet."""
    questions: list[dict[str, Any]] = tomllib.loads(scenario.read_text("utf-8")).get("questions", [])
    return [question for question in questions if not question.get("answer")]


def answer_questions(scenario: Path, answers: dict[str, list[str]], asked: list[str]) -> bool:
    """Write the user's answers under the questions that are open; return whether one is left without.

    `answers` says, by a regular expression for what is asked, the answers that are meant, best first: the first that
    is among those offered is taken, or else the first of all, as it is written.
    """
    lines = scenario.read_text("utf-8").splitlines()
    places = [number for number, line in enumerate(lines) if line.strip() == "[[questions]]"]
    questions = tomllib.loads("\n".join(lines)).get("questions", [])
    left = False
    for question, place in reversed(list(zip(questions, places, strict=True))):
        if question.get("answer"):
            continue
        text = f"{question.get('about', '')} {question.get('text', '')}"
        asked.append(text.strip())
        meant = next((given for about, given in answers.items() if re.search(about, text)), None)
        if meant is None:
            left = True
            continue
        offered = question.get("answers", [])
        answer = next((each for each in meant if each in offered), meant[0])
        below = range(place + 1, len(lines))
        blank = next(number for number in below if lines[number].startswith("answer ="))
        lines[blank] = f"answer = {json.dumps(answer, ensure_ascii=False)}"
    scenario.write_text("\n".join(lines) + "\n", "utf-8")
    return left


def kanopt(folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run the command line in a folder; return its exit code, its JSON, and what it says on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "kanopt", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = json.loads(done.stdout) if done.stdout.lstrip().startswith("{") else {}
    return done.returncode, told, done.stderr


def write_tables(task: dict[str, Any], folder: Path) -> list[str]:
    """Write the text files and workbooks of a task; return their names."""
    for name, text in task.get("files", {}).items():
        (folder / name).write_text(text, task.get("encoding", "utf-8"))
    for name, sheets in task.get("workbooks", {}).items():
        book = Workbook()
        book.remove(book.active)
        for title, text in sheets.items():
            sheet = book.create_sheet(title)
            for line in reader(text.strip().splitlines(), delimiter=";"):
                sheet.append([_cell(cell) for cell in line])
        book.save(folder / name)
    return [*task.get("files", {}), *task.get("workbooks", {})]


def _cell(text: str) -> Any:
    """Return what a spreadsheet makes of a typed cell: a number, a time of day, a date, or the text, as of 24:00."""
    if re.fullmatch(r"([01]?\d|2[0-3]):\d\d", text):
        return datetime.strptime(text, "%H:%M").time()
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return datetime.fromisoformat(text)
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text or None


def clean(only: str, limit: float, workers: int, *, verbose: bool) -> None:
    """Run scenarios that leave nothing open and print which of them ask or warn."""
    given = tomllib.loads((HERE / "planning_tasks" / "clean.toml").read_text("utf-8"))
    names = [name for name in (*given["scenarios"], *given["tables"]) if only in name]
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(partial(_run_clean, tables=given["tables"], limit=limit), names))
    print(f"{'scenario':26} exit asked warnings")
    for name, (code, questions, said) in zip(names, found, strict=True):
        print(f"{name:26} {code:4} {questions:5} {said.count('warning:'):8}")
        if verbose or code not in (0, 3):
            print(_indented(said), end="")
    questions = sum(count for _, count, _ in found)
    planned = sum(code in (0, 3) for code, _, _ in found)
    warnings = sum("warning:" in said for _, _, said in found)
    print(
        f"clean: of {len(names)} scenarios {planned} planned, questions in all {questions}, {warnings} with a warning"
    )


def _run_clean(name: str, tables: dict[str, dict[str, str]], limit: float) -> tuple[int, int, str]:
    """Return exit code, number of questions and stderr of a clean scenario."""
    words = ("--json", "--quiet", "--time-limit", str(limit))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if name not in tables:
            scenario = HERE.parent / "scenarios" / f"{name}.toml"
            report = ("--report", str(folder / "report.html"))
            code, _, said = kanopt(folder, "run", str(scenario), *words, *report)
        else:
            files = write_tables({"files": dict(_clean_files(tables[name]))}, folder)
            scenario = folder / "scenario.toml"
            code, _, said = kanopt(folder, "init", *files)
            if scenario.exists():
                code, _, said = kanopt(folder, "run", scenario.name, *words)
        return code, len(open_questions(scenario)) if scenario.exists() else 0, said


def _clean_files(tables: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in tables.items():
        lines = [line.split() for line in text.strip().splitlines()]
        yield (
            f"{name}.csv",
            "".join(",".join("" if cell == "-" else cell for cell in line) + "\n" for line in lines),
        )


if __name__ == "__main__":
    main()
