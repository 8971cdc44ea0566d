from __future__ import annotations

import signal

import pytest

from kanopt.interrupt import AGAIN, Interrupt


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


def test_a_second_ctrl_c_counts_although_it_meets_the_next_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with Interrupt():
        press()
    with pytest.raises(KeyboardInterrupt), Interrupt():
        press()


def test_after_a_while_ctrl_c_is_a_first_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Interrupt():
        press()
    monkeypatch.setattr(Interrupt, "_last_asked", Interrupt._last_asked - AGAIN)
    with Interrupt() as interrupt:
        press()
    assert interrupt.asked


def test_an_interrupt_around_another_is_asked_too() -> None:
    with Interrupt() as outer:
        with Interrupt() as inner:
            press()
        assert outer.asked
    assert inner.asked
