"""Signals: Ctrl-C and SIGTERM end a command soon, with its code, and lose no plan that there is."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from kanopt.cli.failures import ExitCode
from kanopt.formulas import Formula
from kanopt.interrupt import Interrupt
from kanopt.surrogates import KANRegressor
from tests.cases.command_line import LEARNED, edit, left_behind, start

CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}
BOTH = pytest.mark.parametrize("number", CODES)


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that has a signal come just before a function, named by module and name, is called."""

    def install(module: str, name: str, number: signal.Signals, error: type[Exception] | None = None) -> None:
        home = import_module(module)
        real = getattr(home, name)

        def called(*arguments: Any, **options: Any) -> Any:
            if error is not None:
                # what a C extension makes of it while it is loaded
                try:
                    signal.raise_signal(number)
                except KeyboardInterrupt:
                    raise error("initialization failed") from None
            signal.raise_signal(number)
            return real(*arguments, **options)

        monkeypatch.setattr(home, name, called)

    return install


@BOTH
def test_a_stop_before_there_is_a_plan_has_its_code_and_says_so(case, cli, during, number):
    during("kanopt.scenarios", "load_scenario", number)
    code, out, err = cli("run", "case.toml")
    assert (code, out) == (CODES[number], "")
    how = "stopped by the user" if number == signal.SIGINT else "terminated"
    assert err.strip() == f"{how} before there was anything to write"
    assert left_behind(case) == []


LOADING = """
import os, sys
class Loading:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            try:
                os.kill(os.getpid(), {number})
            except KeyboardInterrupt:
                raise ImportError("initialization failed")
sys.meta_path.insert(0, Loading())
from kanopt.cli import main
main()
"""


@BOTH
def test_a_signal_while_modules_load_in_a_process_of_its_own(case, number):
    code = LOADING.format(name="kanopt.scenarios", number=int(number))
    process = start(case, "check", "case.toml", code=code)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (CODES[number], "")
    assert "Traceback" not in err
    assert "initialization" not in err


def test_ctrl_c_while_laws_are_learned_plans_nothing_and_keeps_the_finished_ones(case, cli, monkeypatch):
    (case / "trips.csv").write_text(
        "km,minutes,litres\n" + "".join(f"{k},{2 * k + k % 3},{0.1 * k + k % 2}\n" for k in range(1, 60))
    )
    network = "\nnetwork = { hidden = [], log_target = false }\n"
    litres = '[surrogates.litres]\ntable = "trips"\ntarget = "litres"\nfeatures = ["km"]' + network
    law = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    edit(case / "case.toml", law, LEARNED + network + litres)
    fit = KANRegressor.fit

    def interrupted(self, features, target, **options):
        if target.name == "litres":
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the fit went on")
        return fit(self, features, target, **options)

    monkeypatch.setattr(KANRegressor, "fit", interrupted)
    code, out, err = cli("run", "case.toml", "--out", "o", "--quiet")
    assert (code, out) == (130, "")
    assert f"learned were 'minutes', written to {Path('o') / 'laws'}" in err.splitlines()[-1]
    assert err.count("stopping in order; press Ctrl-C again to stop at once") == 1
    assert left_behind(case) == ["o/laws/minutes.json", "trips.csv"]


@pytest.mark.parametrize(("command", "number"), [("run", signal.SIGTERM), ("fit", signal.SIGINT)])
def test_a_stop_while_a_law_is_trained_keeps_the_best_until_then_and_plans_nothing(
    case, cli, monkeypatch, command, number
):
    (case / "trips.csv").write_text("km,minutes\n" + "".join(f"{k},{2 * k + k % 3}\n" for k in range(1, 60)))
    edit(
        case / "case.toml",
        '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"',
        LEARNED,
    )
    real = KANRegressor.fit

    def pressed(self, *rows, progress, **options):
        def at_a_step(state):
            progress(state)
            if state.refits == 2:
                signal.raise_signal(number)

        return real(self, *rows, progress=at_a_step, **options)

    monkeypatch.setattr(KANRegressor, "fit", pressed)
    monkeypatch.setattr(Interrupt, "_last_asked", -math.inf)
    code, out, err = cli(command, "case.toml", "--out", "o", "--quiet")
    folder = Path("o") / "laws" if command == "run" else Path("o")
    assert code == CODES[number]
    law = Formula.load(folder / "minutes.json")
    assert law.stopped.startswith(
        "the fit on request after 1 structure and the search for a formula on request"
    )
    assert law.fit is not None
    assert law.fit.r2 > 0.9
    page = [str(folder / "laws.html")] * (command == "fit")
    assert left_behind(case) == [*page, str(folder / "minutes.json"), "trips.csv"]
    assert "the fit was stopped on request" in err
    assert ("stopped early (the fit on request" in out) == (command == "fit")


@pytest.mark.parametrize(
    ("module", "name", "number"),
    [
        ("kanopt.engines.solve", "search_and_assess", signal.SIGTERM),
        ("kanopt.scenarios.run", "explain", signal.SIGINT),
        ("kanopt.pages.write", "plan_page", signal.SIGTERM),
    ],
)
def test_once_the_search_has_begun_a_first_signal_loses_nothing(case, cli, during, module, name, number):
    during(module, name, number)
    code, out, err = cli("run", "case.toml", "--out", "o", "--time-limit", "0.1")
    assert code == CODES[number]
    assert out.splitlines()[-1] == f"report: {Path('o') / 'case.html'}"
    assert "stopping in order" in err
    assert left_behind(case) == ["o/case.html", "o/case_plan.csv", "o/laws/fuel.json", "o/laws/minutes.json"]


def test_a_second_signal_ends_it_at_once_and_leaves_no_half_file(case, cli, during):
    during("kanopt.scenarios.run", "explain", signal.SIGINT)
    during("kanopt.pages.write", "plan_page", signal.SIGTERM)
    code, _, err = cli("run", "case.toml", "--report", "r.html", "--time-limit", "0.1")
    assert code == 130
    assert err.splitlines()[-1] == "stopped by the user at once; what was not written yet is lost"
    assert left_behind(case) == []


@pytest.mark.slow
@BOTH
def test_a_signal_just_after_solving_writes_the_plan_so_far_and_its_report(case, number):
    clients = "".join(f"c{k},{k % 7},{k % 11},0.1,420,1020\n" for k in range(20))
    (case / "clients.csv").write_text("name,x,y,demand,earliest,latest\n" + clients)
    edit(case / "vehicles.csv", "van,2,1.2", "van,9,1.2")
    process = start(case, "run", "case.toml", "--out", "o", "--time-limit", "60")
    while "solving" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == CODES[number], err
    assert out.splitlines()[-1] == f"report: {Path('o') / 'case.html'}"
    assert {"o/case.html", "o/case_plan.csv"} <= set(left_behind(case))
    assert "Traceback" not in err
