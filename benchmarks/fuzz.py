"""What the readers of kanopt do with files from strangers: mutated inputs, with coverage as a guide.

Every reader is fed with inputs made by changing valid files: bytes, words, numbers, lines, nesting, and parts of
archives. A share of them runs under a tracer; an input that takes a branch which none took before joins those that are
changed further (the idea of AFL, https://lcamtuf.coredump.cx/afl/technical_details.txt). An input may be read or
refused with an error of kanopt's tree. Counted are: errors outside the tree, readings of over five seconds, growth of
the process by over 1 GiB, and processes started, connections opened or files written while reading (audit events of
Python). Inputs that do any of it are kept in ``--out``, by reader and kind. An input that ends the process is such an
error too; the others are read in a new process, with the next seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from _bench import asked, footer, print_table
from _fuzz_targets import TARGETS, Target

import kanopt
from kanopt.errors import KanoptError

ROOT = Path(kanopt.__file__).parent
SECONDS, MEGABYTES = 5.0, 1024
INPUT, TALLY = "input", "tally.json"
"""Files in which a worker notes what it is about to read and what it has found, in case that it ends."""
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class")
_CONNECTS = ("socket.connect", "socket.bind")
_ENDED = "the process ended with"
_WRITES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)


@dataclass
class Tally:
    """What became of the inputs of one reader."""

    reader: str
    inputs: int = 0
    read: int = 0
    stray: int = 0
    slow: int = 0
    large: int = 0
    touched: int = 0
    seconds: float = 0.0
    findings: dict[str, int] = field(default_factory=dict)


def _sum(one: Tally, other: Tally) -> Tally:
    """Add up what two processes found with one reader."""
    total = {part.name: getattr(one, part.name) + getattr(other, part.name) for part in fields(Tally)[1:-1]}
    return Tally(one.reader, **total, findings=dict(Counter(one.findings) + Counter(other.findings)))


class TooSlow(BaseException):
    """Raised in the midst of a reading that takes too long; no reader catches it."""


class Watch:
    """Notes what a reading does besides reading."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, values: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, mode, flags = values
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (
                isinstance(flags, int) and flags & 0o1103
            ):
                self.seen.append(f"writes {path}")
        elif event in _WRITES:
            paths = [str(path) for path in values if isinstance(path, str | os.PathLike)]
            self.seen += [f"{event} {path}" for path in paths] or [event]
        elif event in (*_STARTS, *_CONNECTS):
            self.seen.append(event)


class Branches:
    """Records which lines follow which in the modules of a reader."""

    def __init__(self, files: frozenset[str]) -> None:
        self.files = files
        self.known: set[tuple[CodeType, int, int]] = set()
        self.new = 0
        self._ours: dict[CodeType, bool] = {}

    @contextmanager
    def traced(self) -> Iterator[None]:
        """Record; `new` counts what was not known before."""
        self.new = 0
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code not in self._ours:
            self._ours[code] = code.co_filename in self.files
        if not self._ours[code]:
            return None
        last = 0

        def line(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                step = (code, last, frame.f_lineno)
                if step not in self.known:
                    self.known.add(step)
                    self.new += 1
                last = frame.f_lineno
            return line

        return line


def work(name: str, inputs: int, seed: int, guided: float, out: Path, folder: Path) -> None:
    """Feed one reader; the folder is where its files and what it finds are written."""
    target, tally, watch, rng = TARGETS[name], Tally(name), Watch(), random.Random(seed)
    files = frozenset(
        str(path) for path in ROOT.rglob("*.py") if str(path.relative_to(ROOT)).startswith(target.modules)
    )
    branches, pool, begin = Branches(files), target.seeds(), time.monotonic()
    signal.signal(signal.SIGALRM, _too_slow)
    for content in pool:  # what is loaded when it is first used is no finding
        _read(target, folder, content)
    peak = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0)
    while tally.inputs < inputs:
        parent, other = rng.choice(pool), rng.choice(pool)
        content = target.mutate(parent, other, rng)
        tally.inputs += 1
        tally.seconds = time.monotonic() - begin
        _write(tally, folder)
        watch.seen.clear()
        watch.on = True
        start = time.monotonic()
        if rng.random() < guided:
            with branches.traced():
                told = _read(target, folder, content)
            if branches.new and told != "slow":
                pool.append(content)
        else:
            told = _read(target, folder, content)
        watch.on = False
        now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        findings = [f"outside the tree: {told}"] if told not in ("", "read", "slow") else []
        if told == "slow" or time.monotonic() - start > SECONDS:
            findings.append("slow")
        if now - peak > MEGABYTES * 1024:
            findings.append("large")
            peak = now
        own = str(folder)
        findings += sorted({f"touched: {seen}" for seen in watch.seen if own not in seen})
        tally.read += told == "read"
        for finding in findings:
            _note(tally, finding, content, out)
    tally.seconds = time.monotonic() - begin
    _write(tally, folder)


def _write(tally: Tally, folder: Path) -> None:
    (folder / TALLY).write_text(json.dumps(asdict(tally)))


def _read(target: Target, folder: Path, content: bytes) -> str:
    """Return ``"read"``, nothing where it was refused, or what went wrong."""
    (folder / INPUT).write_bytes(content)
    signal.setitimer(signal.ITIMER_REAL, 2 * SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(folder, content)
    except KanoptError as error:
        return (
            ""
            if max(map(len, str(error).splitlines()), default=0) <= 1_400
            else "a line of a message is too long"
        )
    except TooSlow:
        return "slow"
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in last if frame.filename.startswith(str(ROOT))]
        place = ours[-1] if ours else last[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:80]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "read"


def _too_slow(_: int, frame: FrameType | None) -> None:
    raise TooSlow


def _note(tally: Tally, finding: str, content: bytes, out: Path) -> None:
    kind = finding.split(":")[0]
    tally.stray += kind == "outside the tree" or kind.startswith(_ENDED)
    tally.slow += kind == "slow"
    tally.large += kind == "large"
    tally.touched += kind == "touched"
    group = finding.rsplit(": ", 1)[0] if kind == "outside the tree" else finding
    tally.findings[group] = tally.findings.get(group, 0) + 1
    if tally.findings[group] <= 3:
        out.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(content).hexdigest()[:10]
        (out / f"{tally.reader.replace(' ', '_')}-{kind.replace(' ', '_')}-{digest}").write_bytes(content)
        print(f"{tally.reader}: {finding} ({digest})", file=sys.stderr, flush=True)


def feed(name: str, inputs: int, seed: int, guided: float, out: Path) -> Tally:
    """Feed one reader in a process of its own, and in further ones for as long as inputs end them."""
    total = Tally(name)
    while total.inputs < inputs:
        with tempfile.TemporaryDirectory(prefix="kanopt-fuzz-") as place:
            folder = Path(place)
            command = [sys.executable, __file__, "--worker", place, "--readers", name]
            command += ["--inputs", str(inputs - total.inputs), "--seed", str(seed)]
            command += ["--guided", str(guided), "--out", str(out)]
            code = subprocess.run(command, check=False).returncode
            noted = folder / TALLY
            found = Tally(**json.loads(noted.read_text())) if noted.exists() else Tally(name)
            if code:
                content = (folder / INPUT).read_bytes() if (folder / INPUT).exists() else b""
                _note(found, f"{_ENDED} {code}", content, out)
        total, seed = _sum(total, found), seed + 1
        if not found.inputs:  # so would the next one end
            break
    return total


def main() -> None:
    given = asked(
        __doc__,
        inputs=(2_000, "for each reader; published with 50,000"),
        readers=(list(TARGETS), "", list(TARGETS)),
        guided=(0.2, "share of inputs that run under the tracer"),
        seed=(0, ""),
        out=(Path("reports/fuzz"), "where inputs with findings are kept"),
        worker=(Path, argparse.SUPPRESS),
    )
    if given.worker:
        work(given.readers[0], given.inputs, given.seed, given.guided, given.out, given.worker)
        return
    # each in a process of its own, so that memory of one is not counted with another
    rows = [feed(name, given.inputs, given.seed, given.guided, given.out) for name in given.readers]
    names = ("reader", "inputs", "read", "stray", "slow", "large", "touched", "seconds")
    print_table([{name: getattr(row, name) for name in names} for row in rows], ".0f")
    total = Counter[str]()
    for row in rows:
        total.update({f"{row.reader}: {what}": count for what, count in row.findings.items()})
    for what, count in total.most_common():
        print(f"{count:,} × {what}")
    print(footer(["pyarrow", "pandas"], given.seed))


if __name__ == "__main__":
    main()
