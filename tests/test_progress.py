"""A line of progress shows itself from the second second on, and is gone at the end."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from types import SimpleNamespace

import pytest

import kanopt as ko
from kanopt.progress import ProgressLine, told_by_line


class Line:
    """Remembers what it shows."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


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


class Cells:
    """Stands in for IPython: keeps the outputs of cells, each as the last that it was replaced by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shell = SimpleNamespace(kernel=object(), execution_count=1)
        self.outputs: list[dict[str, str]] = []
        self.texts: list[str] = []
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: self.shell))
        monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=self.display))

    def display(self, data: dict[str, str], raw: bool, display_id: bool) -> SimpleNamespace:
        assert raw
        assert display_id
        self.outputs.append(data)
        return SimpleNamespace(update=partial(self._update, len(self.outputs) - 1))

    def _update(self, place: int, data: dict[str, str], raw: bool) -> None:
        assert raw
        self.outputs[place] = data
        self.texts.append(data["text/plain"])


def test_a_notebook_gets_an_output_that_is_empty_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, clock = Cells(monkeypatch), Clock()
    with ProgressLine(clock) as line:
        clock.now = 2.0
        line("structure <3>")
        assert cells.outputs[0]["text/html"] == '<div style="opacity:.75">structure &lt;3&gt;</div>'
    assert cells.texts == ["structure <3>", ""]
    assert cells.outputs == [{"text/plain": "", "text/html": ""}]


def test_a_line_within_another_writes_into_that() -> None:
    outer, clock = Line(), Clock()
    made: list[Line] = []
    with ProgressLine(clock, lambda: outer) as whole:
        clock.now = 2.0
        whole("solving")
        with ProgressLine(clock, lambda: made.append(Line()) or made[-1]) as inner:  # type: ignore[func-returns-value]
            clock.now = 4.0
            inner("learning")
        clock.now = 6.0
        whole("explaining")
    assert made == []
    assert outer.texts == ["solving", "learning", "explaining", ""]
    with pytest.raises(KeyError), ProgressLine(clock, lambda: outer):
        raise KeyError
    with ProgressLine(clock, lambda: made.append(Line()) or made[-1]) as later:  # type: ignore[func-returns-value]
        clock.now += 2.0
        later("again")
    assert made[0].texts == ["again", ""]


def test_a_search_tells_where_somebody_looks_and_not_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    @told_by_line
    def search(*, progress: object = None) -> int:
        given.append(progress)
        return 3

    assert search() == 3
    Cells(monkeypatch)
    assert search() == 3
    assert search(progress=print) == 3
    assert given[0] is None
    assert isinstance(given[1], ProgressLine)
    assert given[2] is print


@pytest.mark.parametrize("name", ["solve", "compare", "sweep", "tornado", "switch_points", "monte_carlo"])
def test_what_takes_long_is_told_by_a_line_and_keeps_its_signature(name: str) -> None:
    function = getattr(ko, name)
    assert function.__wrapped__.__name__ == name
    assert "progress" in inspect.signature(function).parameters
