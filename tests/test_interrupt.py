from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kanopt.interrupt import Interrupt


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Keep a signal that nobody expects from ending the tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    assert before == {number: signal.getsignal(number) for number in before}


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_second_ctrl_c_stops_at_once_and_the_first_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt() as interrupt:  # noqa: PT012 - two presses are the case
        press()
        assert interrupt.asked
        assert "press Ctrl-C again to stop at once" in capsys.readouterr().err
        press()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("keeps", [(False,), (False, True), (True, False)])
def test_where_nothing_is_kept_ctrl_c_ends_at_once(
    keeps: tuple[bool, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt), Interrupt(keeps=keeps[0]), Interrupt(keeps=keeps[-1]):
        press()
    assert capsys.readouterr().err == ""


def test_a_keyboard_interrupt_that_a_library_changes_or_drops_comes_out_all_the_same() -> None:
    def load(error: type[Exception] | None) -> None:
        try:
            press()
        except KeyboardInterrupt:
            if error is not None:
                raise error("initialization failed") from None

    for error in (ImportError, None):
        with pytest.raises(KeyboardInterrupt), Interrupt(keeps=False):
            load(error)
    with pytest.raises(KeyboardInterrupt), Interrupt(keeps=False) as stop:  # noqa: PT012 - the second is the case
        load(None)
        stop.check()
    with pytest.raises(KeyboardInterrupt), Interrupt(keeps=False) as stop:  # noqa: PT012 - as above
        load(None)
        stop.keep()
    with pytest.raises(ImportError), Interrupt(keeps=False):
        raise ImportError("nobody pressed anything")


def test_from_when_something_is_kept_a_first_ctrl_c_only_asks() -> None:
    with Interrupt(keeps=False) as stop:
        stop.check()
        stop.keep()
        press()
    assert stop.asked
    assert stop.number == signal.SIGINT


def test_another_signal_asks_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    with Interrupt(signals=(signal.SIGINT, signal.SIGTERM)) as outer, Interrupt() as inner:
        signal.raise_signal(signal.SIGTERM)
        assert inner.asked
        assert capsys.readouterr().err == "stopping in order; send a second signal to stop at once\n"
        with pytest.raises(KeyboardInterrupt):
            press()
    assert outer.number == signal.SIGTERM


def test_a_search_without_a_plan_goes_on_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    with Interrupt() as stop:
        assert not stop.should_stop(found=True)
        stop.ask()
        assert stop.should_stop(found=True)
        assert not stop.should_stop(found=False)
        monkeypatch.setattr("kanopt.interrupt.PATIENCE", -1.0)
        assert stop.should_stop(found=False)


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Return a function that loads a module, while which Ctrl-C is pressed."""
    (tmp_path / "pressed_while_loading.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def load() -> object:
        sys.modules.pop("pressed_while_loading", None)
        return importlib.import_module("pressed_while_loading")

    return load


def test_ctrl_c_while_a_module_is_loaded_raises_once_it_is_there(loading: Callable[[], object]) -> None:
    seen = []
    with pytest.raises(KeyboardInterrupt), Interrupt(keeps=False) as stop:  # noqa: PT012 - it goes on in between
        seen.append(loading())
        stop.check()
        pytest.fail("it went on")
    assert len(seen) == 1
    with pytest.raises(KeyboardInterrupt), Interrupt(keeps=False):
        loading()
