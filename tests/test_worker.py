"""Child processes: read, asked to stop, ended when they do not, and gone when the process that started them is."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import kanopt
from kanopt.worker import WorkerEnd, run_worker

ROOT = Path(kanopt.__file__).resolve().parents[1]


@pytest.fixture
def script(tmp_path):
    """Return a function that writes a script with this body of its ``work(order, channel)``."""

    def write(body: str, name: str = "script.py") -> str:
        path = tmp_path / name
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        path.write_text(
            "import os, subprocess, sys, time\n"
            f"def work(order, channel):\n{lines}"
            "from kanopt.worker import serve\n"
            "serve(work)\n"
        )
        return str(path)

    return write


def ran(script: str, order: object, seconds: float = 60.0, **options: object) -> tuple[WorkerEnd, list]:
    messages = []
    began = time.perf_counter()
    settings = {
        "stop_requested": lambda: time.perf_counter() - began >= seconds,
        "on_message": messages.append,
        **options,
    }
    return run_worker(script, order, **settings), messages


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that is over and waits to be noticed by nobody does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_gone(pid: int, within: float) -> bool:
    until = time.perf_counter() + within
    while is_alive(pid) and time.perf_counter() < until:
        time.sleep(0.02)
    return not is_alive(pid)


def test_a_worker_does_its_order_and_tells_of_it(script):
    path = script("for step in range(order):\n    channel.send({'step': step})\nreturn f'did {order}'")
    end, messages = ran(path, 3)
    assert (end.message, end.failed) == ("did 3", False)
    assert [told["step"] for told in messages] == [0, 1, 2]


def test_what_a_library_prints_is_a_complaint_and_no_message(script):
    path = script("print('hello')\nos.system('echo from afar')\nchannel.send(1)\nreturn 'done'")
    end, messages = ran(path, None)
    assert (end.message, messages) == ("done", [1])
    assert "from afar" in end.error_output


def test_what_one_that_is_to_end_has_told_is_taken_in(script, tmp_path):
    seen, told = [], tmp_path / "told"
    path = script("channel.send(1)\nchannel.send(2)\nopen(order, 'w').close()\ntime.sleep(600)")
    end, _ = ran(path, str(told), on_message=seen.append, stop_requested=told.exists)
    assert (end.message, end.failed) == ("", False)
    assert seen == [1, 2]


def test_one_that_never_answers_is_ended(script):
    began = time.perf_counter()
    end, _ = ran(script("time.sleep(600)"), b"x" * 1_000_000, seconds=0.2)
    assert time.perf_counter() - began < 5.0
    assert (end.message, end.failed) == ("", False)


def test_one_that_does_not_even_read_its_order_is_ended(tmp_path):
    path = tmp_path / "deaf.py"
    path.write_text("import time\ntime.sleep(600)\n")
    end, _ = ran(str(path), b"x" * 1_000_000, seconds=0.2)
    assert (end.message, end.failed) == ("", False)


def test_one_that_dies_leaves_what_it_told(script):
    end, messages = ran(script("channel.send(order)\nos.kill(os.getpid(), 9)"), 1)
    assert (end.message, end.failed) == ("failed: its process ended with code -9", True)
    assert messages == [1]


def test_one_that_raises_says_why(script):
    end, _ = ran(script("raise ValueError('no such thing')"), None)
    assert (end.message, end.failed) == ("failed: ValueError: no such thing", True)


@pytest.mark.parametrize("garbage", ["hello", "3", '["told"]', "[1, 2]", "null"])
def test_one_that_writes_garbage_is_ended_and_its_words_are_quoted(tmp_path, garbage):
    path = tmp_path / "garbage.py"
    path.write_text(f"import time\nprint({garbage!r}, flush=True)\ntime.sleep(600)\n")
    end, messages = ran(str(path), None)
    assert end.failed
    assert end.message == f"failed: its process wrote what is no message: {garbage!r}"
    assert messages == []


def test_what_the_listener_raises_ends_it_and_goes_on(script):
    pids = []

    def listen(told: int) -> None:
        pids.append(told)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ran(script("channel.send(os.getpid())\ntime.sleep(600)"), 1, on_message=listen)
    assert not any(is_alive(pid) for pid in pids)


PARENT = """
import sys
sys.path.insert(0, {root!r})
from kanopt.worker import run_worker
limits = dict(stop_requested=lambda: False)
run_worker({script!r}, bytes(1_000_000), on_message=lambda message: print(message, flush=True), **limits)
"""


BUSY = "while True:\n    sum(range(1000))"
LOCKED = "import ctypes\nctypes.PyDLL(None).sleep(600)"
"""Keeps the interpreter's lock, as engines do, so that no other thread of the process is heard."""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc, and is killed by the kernel of Linux")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("body", [BUSY, LOCKED])
def test_when_the_parent_is_killed_its_worker_ends_within_a_second_and_leaves_no_file(
    script, tmp_path, number, body
):
    litter = tmp_path / "temporary"
    litter.mkdir()
    child = script(f"channel.send(os.getpid())\n{body}")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(root=str(ROOT), script=child)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(litter)},
    )
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    parent.send_signal(number)
    parent.communicate(timeout=10)
    assert is_gone(pid, within=1.0)
    assert list(litter.iterdir()) == []


def test_nothing_is_left_in_the_temporary_folder(script, tmp_path, monkeypatch):
    litter = tmp_path / "temporary"
    litter.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(litter))
    ran(script("return ''"), None)
    ran(script("raise ValueError"), None)
    ran(script("time.sleep(600)"), None, seconds=0.0)
    assert list(litter.iterdir()) == []


def test_an_order_that_cannot_be_pickled_starts_no_process(script, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        ran(script("return ''"), lambda: None)


def test_a_worker_finds_the_package_of_its_parent_behind_the_standard_library(script, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    path = script("import kanopt\nchannel.send([kanopt.__file__, *sys.path])\nreturn ''")
    _, messages = ran(path, None)
    ((package, *places),) = messages
    assert package == kanopt.__file__
    library = str(Path(os.__file__).parent)
    assert places.index(library) < places.index(str(ROOT))
