"""Kill commands at random moments, and look at what they leave: no half file, no orphan, no litter, the right code.

Four commands on the small inputs that lie in kills/: ``run`` (learns a law, then two engines in processes of their
own), ``compare`` (two scenarios whose drivers rest, one engine in a process of its own), ``solve`` (an instance, all in
one process) and ``fit`` (two laws). Each is killed by SIGINT, SIGTERM and SIGKILL in turns, at a moment drawn from the
time that it takes from when Python runs its first line; in every second run the outputs of an earlier one are there
already. After each kill are counted

- half files: an output that is neither as it was nor complete;
- lost plans: no output where SIGINT or SIGTERM came after the line ``solving:``;
- orphans: a process started by the command that is alive a second after it;
- litter: anything in the temporary folder, or among the outputs what is none;
- codes: an exit code other than docs/safety.md says, a traceback, or none within a minute.

"done" are commands that had ended before the moment came, "last" is the longest that one took to end after SIGINT or
SIGTERM, in seconds. Needs Linux, whose /proc shows which processes are left.

    python benchmarks/kills.py --n 200
"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer

import kanopt as ko
from kanopt.scenarios.learn import FOLDER_VARIABLE

PATIENCE = 60.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
BEGUN = "begun"
MARK = "KANOPT_KILLED_RUN"
"""A variable of the environment, by which the children of a command are known."""

INPUTS = Path(__file__).with_name("kills")


def is_csv(text: str) -> bool:
    return text.endswith("\n") and len({len(row) for row in csv.reader(text.splitlines())}) == 1


COMPLETE: dict[str, Callable[[str], object]] = {
    ".html": lambda text: text.startswith("<!") and text.strip().endswith("</html>"),
    ".csv": is_csv,
    ".sol": lambda text: text.splitlines()[-1].startswith("Cost "),
    ".json": ko.Formula.from_json,
}


@dataclass(frozen=True)
class Command:
    """A command, what it writes, and which of it there must be once it was solving."""

    words: str
    outputs: tuple[str, ...]
    plan: tuple[str, ...] = ()


COMMANDS = {
    "run": Command(
        "run city.toml --out out",
        ("city.html", "city_plan.csv", "laws/minutes.json", "laws/fuel.json"),
        ("city.html", "city_plan.csv"),
    ),
    "compare": Command(
        "compare rested.toml dear.toml --report out/compared.html", ("compared.html",), ("compared.html",)
    ),
    "solve": Command("solve city.toml --out out/plan.csv --time-limit 4", ("plan.csv",), ("plan.csv",)),
    "fit": Command("fit laws.toml --out out", ("minutes.json", "litres.json", "fuel.json", "laws.html")),
}


@dataclass
class Count:
    """What was seen of a command."""

    kills: int = 0
    done: int = 0
    longest: float = 0.0
    faults: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("half files", "lost plans", "orphans", "litter", "codes"), 0)
    )

    def row(self) -> dict[str, int | str]:
        return {"kills": self.kills, "done": self.done, "last": f"{self.longest:.1f}", **self.faults}


class Run:
    """One command at work in a folder of its own."""

    def __init__(self, base: Path, command: Command) -> None:
        self.command, self.mark = command, uuid.uuid4().hex
        self.folder = base / self.mark
        shutil.copytree(INPUTS, self.folder)
        self.out, self.temporary = self.folder / "out", self.folder / "tmp"
        self.temporary.mkdir()
        self.old: dict[str, bytes] = {}
        self.errors = self.folder / "stderr.txt"

    def keep_old(self, outputs: Path) -> None:
        """Begin with the outputs of an earlier run."""
        shutil.copytree(outputs, self.out)
        for name in self.command.outputs:
            # the same seed may give the same plan: what is old must be known from what is new
            self.old[name] = (self.out / name).read_bytes() + b"old"
            (self.out / name).write_bytes(self.old[name])

    def start(self) -> None:
        # what is run in the background may ignore Ctrl-C, and its children with it
        code = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"print({BEGUN!r}, file=sys.stderr, flush=True)\n"
            "from kanopt.cli import main; main()"
        )
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *self.command.words.split()],
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={
                    **os.environ,
                    "TMPDIR": str(self.temporary),
                    FOLDER_VARIABLE: str(self.folder / "laws"),  # each command learns
                    MARK: self.mark,
                },
            )

        while BEGUN not in self.errors.read_text() and self.process.poll() is None:
            time.sleep(0.005)

    def others(self) -> Iterator[int]:
        """Give the processes that the command has left."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                with suppress(OSError):
                    if f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes():
                        yield int(entry.name)

    def orphans(self) -> list[int]:
        """Return the processes that are alive a second after the command; they are ended."""
        until = time.perf_counter() + 1.0
        while (left := list(self.others())) and time.perf_counter() < until:
            time.sleep(0.02)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left

    def half_files(self) -> list[str]:
        """Return outputs that are neither as they were nor complete."""
        return [name for name in self.command.outputs if not self.is_whole(name)]

    def is_whole(self, name: str) -> bool:
        path = self.out / name
        if not path.exists():
            return name not in self.old
        if path.read_bytes() == self.old.get(name):
            return True
        with suppress(ValueError, IndexError, ko.KanoptError):
            return bool(COMPLETE[path.suffix](path.read_text()))
        return False

    def is_new(self, name: str) -> bool:
        path = self.out / name
        return path.exists() and path.read_bytes() != self.old.get(name)

    def litter(self) -> list[str]:
        known = set(self.command.outputs)
        strange = [str(path.relative_to(self.out)) for path in self.out.rglob("*") if not path.is_dir()]
        return [
            *(name for name in strange if name not in known),
            *(path.name for path in self.temporary.iterdir()),
        ]


def kill(run: Run, number: signal.Signals, moment: float, count: Count) -> Iterator[tuple[str, object]]:
    """Start a command and kill it; give every fault with its kind."""
    run.start()
    with suppress(subprocess.TimeoutExpired):
        run.process.wait(moment)
    ended = run.process.poll() is not None
    solving = "solving:" in run.errors.read_text()
    run.process.send_signal(number)
    count.kills, count.done, sent = count.kills + 1, count.done + ended, time.perf_counter()
    try:
        code = run.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        run.process.kill()
        code = run.process.wait()
        yield "codes", f"not ended {PATIENCE:.0f} s after {number.name}"
    if number != signal.SIGKILL and not ended:
        count.longest = max(count.longest, time.perf_counter() - sent)
    told = run.errors.read_text()
    # a command that has all but ended keeps its code
    known = {signal.SIGINT: (130, 0), signal.SIGTERM: (143, 0), signal.SIGKILL: (0,)}[number]
    if code not in (*known, -number):
        yield "codes", f"{code}: {told[-200:]}"
    if "Traceback" in told and code != -number:
        yield "codes", told[-300:]
    if run.half_files():
        yield "half files", run.half_files()
    if solving and number != signal.SIGKILL and not all(map(run.is_new, run.command.plan)):
        yield "lost plans", told[-200:]
    if orphans := run.orphans():
        yield "orphans", orphans
    if run.litter():
        yield "litter", run.litter()


def measure(name: str, base: Path) -> tuple[float, Path]:
    """Run a command to its end; return the seconds and its outputs."""
    run = Run(base, COMMANDS[name])
    began = time.perf_counter()
    run.start()
    code = run.process.wait()
    seconds = time.perf_counter() - began
    if code or run.half_files() or run.litter() or not all(map(run.is_new, run.command.outputs)):
        sys.exit(f"{name} does not even work undisturbed: code {code}, {run.errors.read_text()}")
    return seconds, run.out


def main() -> None:
    arguments = asked(
        __doc__,
        n=(200, "kills, of all commands in turns"),
        commands=(list(COMMANDS), "", list(COMMANDS)),
        seed=(0, "seed of the moments"),
    )
    rng = np.random.default_rng(arguments.seed)
    counts = {name: Count() for name in arguments.commands}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        undisturbed = {name: measure(name, base) for name in counts}
        for turn in range(arguments.n):
            name = arguments.commands[turn % len(counts)]
            seconds, outputs = undisturbed[name]
            number = SIGNALS[turn // len(counts) % len(SIGNALS)]
            run = Run(base, COMMANDS[name])
            if rng.integers(2):
                run.keep_old(outputs)
            moment = float(rng.uniform(0.0, 1.05 * seconds))
            for kind, what in kill(run, number, moment, counts[name]):
                counts[name].faults[kind] += 1
                print(f"\n{name}, {number.name} after {moment:.2f} s: {kind}: {what}")
            print(".", end="", flush=True)
            shutil.rmtree(run.folder)
    rows = {f"{name} ({undisturbed[name][0]:.1f} s)": count.row() for name, count in counts.items()}
    table = pd.DataFrame(rows).T
    total = table.drop(columns="last").astype(int).sum()
    table.loc["together"] = {**total, "last": max(table["last"], key=float)}
    print(f"\n{table.to_string()}")
    print(f"\n{footer(['ortools', 'pyvrp'], arguments.seed)}")


if __name__ == "__main__":
    main()
