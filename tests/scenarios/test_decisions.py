"""``kind = "decision"``: what a file may say, what is refused and how, and that the plan is the best on a grid."""

from __future__ import annotations

from pathlib import Path

import pytest

import kanopt as ko

SHIP = """
[tables.choices]
path = "choices.csv"
[surrogates.fuel]
formula = "legs * (40 + 0.02 * speed^3)"
inputs = { speed = "km/h", legs = "" }
unit = "EUR"
[surrogates.hours]
formula = "120 / speed"
inputs = { speed = "km/h" }
unit = "h"
[problem]
kind = "decision"
minimise.fuel = "fuel"
[problem.decisions]
table = "choices"
[problem.limits.arrival]
law = "hours"
at_most = 6
[problem.bind]
speed = "decision.speed"
legs = 3
"""


def ship(folder: Path, text: str = SHIP, choices: str = "name,low,high,unit\nspeed,10,40,km/h\n") -> Path:
    path = folder / "ship.toml"
    path.write_text(text, "utf-8")
    (folder / "choices.csv").write_text(choices, "utf-8")
    return path


def test_a_speed_is_as_slow_as_the_arrival_lets_it(tmp_path: Path) -> None:
    run = ko.load_scenario(ship(tmp_path)).run()
    result = run.result
    assert result.status.value == "optimal"
    assert result.plan.values["speed"] == pytest.approx(20.0, rel=1e-4)
    assert result.objective == pytest.approx(3 * (40 + 0.02 * 8000), rel=1e-4)
    assert result.bound <= result.objective
    assert "It sets speed to 20 km/h. It costs 600.00 EUR" in str(run.explanation)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minimise.fuel", "minimize.fuel", "problem.minimize: unknown key; did you mean 'minimise'?"),
        ('minimise.fuel = "fuel"', "", "problem: nothing is to be smallest or largest; write minimise.costs"),
        (
            'minimise.fuel = "fuel"',
            'minimise.fuel = "fuel"\nmaximise.fuel = "fuel"',
            "problem: 'fuel' stands under minimise and maximise; keep one of them",
        ),
        ('law = "hours"', 'law = "hour"', "problem.limits.arrival.law: there is no law 'hour' under [surrogates]; did"),
        ("at_most = 6", "", "problem.limits.arrival: write at_most = 5, at_least = 2, both of them, or equal_to = 3"),
        ("at_most = 6", "at_most = 6\neach = true", "'arrival' is to hold for each item, but its law reads nothing of"),
        ("at_most = 6", "at_least = 7\nat_most = 6", "constraint 'arrival': no number lies from 7 to 6"),
        ('"decision.speed"', '"decision.sped"', "does not know 'decision.sped'; did you mean 'decision.speed'"),
        ('"decision.speed"', '"clock.speed"', "the problem does not know 'clock.speed'"),
        ("legs = 3", "", "the input 'legs' of its law is not bound; write legs"),
        ('unit = "h"', 'unit = "h"\n[solver]\ndeterministic = true', "solvers of routing and scheduling, not"),
        ('kind = "decision"', 'kind = "decision"\nunit = "h"', "'fuel': cannot convert 'EUR' (EUR) to 'h'"),
    ],
)  # fmt: skip
def test_what_is_mistaken_is_named_under_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = ship(tmp_path, SHIP.replace(old, new))
    with pytest.raises(ko.errors.ScenarioError) as found:
        ko.load_scenario(path).check()
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("choices", "message"),
    [

        ("name,low,high,unit\nspeed,10,40,kg\n", "input 'speed', bound to decision.speed: cannot convert 'kg'"),
        ("name,low,high,units\nspeed,10,40,km/h\n", "'units' (the field unit?), and it looks like a rule"),
        ("name,low,top\nspeed,10,40\n", "column 'high' is missing"),

        ("name,low,high,item\nspeed,10,40,boat\n", "'speed': is for the item 'boat', which does not exist"),
    ],
)  # fmt: skip
def test_tables_of_decisions_are_checked_row_by_row(tmp_path: Path, choices: str, message: str) -> None:
    path = ship(tmp_path, choices=choices)
    with pytest.raises(ko.errors.ScenarioError) as found:
        ko.load_scenario(path).check()
    assert message in str(found.value)


@pytest.mark.slow
def test_what_ifs_change_ranges_and_are_compared(tmp_path: Path) -> None:
    base = ko.load_scenario(ship(tmp_path))
    slow = base.set("choices.low", 25.0, where={"name": "speed"})
    told = str(ko.compare([base, slow]))
    assert "choices.low is 25 instead of 10 where name = speed" in told
    assert "1 decision differs: speed (20 → 25)" in told
    assert "+457.50 EUR (+76 %)" in told

    broken = base.set("choices.high", 15.0)
    result = broken.run().result
    assert result.status.value == "infeasible"
    assert any("arrival must be at most 6" in reason.message for reason in result.problem.reasons(None))
