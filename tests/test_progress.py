"""A line of progress shows itself from the second second on, and is gone at the end."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from kanopt.progress import ProgressLine


class Line:
    """Remembers what it shows."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def update(self, text: str) -> None:
        self.texts.append(text)

    def clear(self) -> None:
        self.texts.append("")


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_takes_less_than_a_second_shows_nothing() -> None:
    made: list[Line] = []
    clock = Clock()
    with ProgressLine(clock, lambda: made.append(Line()) or made[-1]) as line:  # type: ignore[func-returns-value]
        for _ in range(9):
            clock.now += 0.1
            line("a state")
    assert made == []


def test_later_texts_replace_each_other_and_go_in_the_end() -> None:
    shown, clock = Line(), Clock()
    with ProgressLine(clock, lambda: shown) as line:
        for step in range(20):
            clock.now += 0.1
            line(step)
    assert shown.texts[-1] == ""
    numbers = [int(text) for text in shown.texts[:-1]]
    assert numbers[0] in (9, 10)
    assert 3 < len(numbers) < 7
    assert numbers == sorted(set(numbers))


def test_a_terminal_is_told_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = Clock()
    with ProgressLine(clock) as line:
        clock.now = 2.0
        line("structure 3 [of 7]")
    out, err = capsys.readouterr()
    assert out == ""
    assert "structure 3 [of 7]" in err


def test_a_notebook_gets_an_output_that_is_empty_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            texts.append(data["text/plain"])

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    shown = SimpleNamespace(display=lambda data, raw, display_id: Handle())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    clock = Clock()
    with ProgressLine(clock) as line:
        clock.now = 2.0
        line("structure 3")
    assert texts == ["structure 3", ""]


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with ProgressLine(clock) as line:
        clock.now = 2.0
        line("structure 3")
    assert capsys.readouterr() == ("", "")
