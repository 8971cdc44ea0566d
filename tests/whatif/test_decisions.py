"""``kind = "decision"``: what a file may say, what is refused and how, and that the plan is the best on a grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kanopt as ko

SCENARIOS = Path(__file__).parents[2] / "scenarios"

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
        ('"decision.speed"', '"decision.sped"', "decision 'sped', which does not exist; did you mean 'speed'"),
        ('"decision.speed"', '"clock.speed"', "clock.speed, of which a decision problem knows nothing"),
        ("legs = 3", "", "input 'legs' is not bound; bind it to decision"),
        ('unit = "h"', 'unit = "h"\n[solver]\ndeterministic = true', "stop by the clock and count no work"),
        ('kind = "decision"', 'kind = "decision"\nunit = "h"', "'fuel': cannot convert 'EUR' (EUR) to 'h'"),
    ],
)  # fmt: skip
def test_what_is_mistaken_is_named_under_its_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = ship(tmp_path, SHIP.replace(old, new))
    with pytest.raises(ko.ScenarioError) as found:
        ko.load_scenario(path).check()
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("choices", "message"),
    [

        ("name,low,high,unit\nspeed,10,40,kg\n", "input 'speed', decision 'speed': cannot convert 'kg'"),
        ("name,low,high,units\nspeed,10,40,km/h\n", "'units' (the field unit?), and it looks like a rule"),
        ("name,low,top\nspeed,10,40\n", "column 'high' is missing"),

        ("name,low,high,item\nspeed,10,40,boat\n", "'speed': is for the item 'boat', which does not exist"),
    ],
)  # fmt: skip
def test_tables_of_decisions_are_checked_row_by_row(tmp_path: Path, choices: str, message: str) -> None:
    path = ship(tmp_path, choices=choices)
    with pytest.raises(ko.ScenarioError) as found:
        ko.load_scenario(path).check()
    assert message in str(found.value)


@pytest.mark.slow
def test_what_ifs_change_ranges_and_are_compared(tmp_path: Path) -> None:
    base = ko.load_scenario(ship(tmp_path))
    slow = base.set("choices.low", 25.0, where={"name": "speed"})
    told = str(ko.compare([base, slow]))
    assert "changed: choices.low is 25 instead of 10 where name = speed" in told
    assert "1 decision differs: speed (20 → 25)" in told
    assert "+457.50 EUR (+76 %)" in told

    broken = base.set("choices.high", 15.0)
    result = broken.run().result
    assert result.status.value == "infeasible"
    assert any("arrival must be at most 6" in reason.message for reason in result.problem.reasons(None))


def known_coffee(folder: Path, extra: str = "") -> ko.Scenario:
    """Return the shipped scenario with its true law in place of a learned one."""
    law = (
        '[surrogates.demand]\nformula = "size * (price / usual) ^ -2.2 * (1 + 0.15 * sin(2 * pi * (week - 44) / 52))"\n'
        'inputs = { size = "bag", usual = "EUR/bag", price = "EUR/bag", week = "" }\nunit = "bag"\n'
        '[problem.bind]\nsize = "item.size"\nusual = "item.usual"\n[tables.coffees]\npath = "coffees.csv"\n'
        'units = { cost = "EUR/bag", case_size = "bag/case", bag_kg = "kg/bag", usual = "EUR/bag", size = "bag" }\n'
    )
    coffees = pd.read_csv(SCENARIOS / "coffee" / "coffees.csv")
    coffees["size"], coffees["usual"] = [420.0, 300.0, 90.0], [9.0, 6.5, 8.0]
    coffees.to_csv(folder / "coffees.csv", index=False)
    text = (SCENARIOS / "coffee.toml").read_text("utf-8").replace('coffee = "item.name"\n', "")
    (folder / "base.toml").write_text(text.replace('"coffee/', f'"{SCENARIOS.as_posix()}/coffee/'), "utf-8")
    path = folder / "known.toml"
    path.write_text(f'[scenario]\nbase = "base.toml"\n{law}{extra}', "utf-8")
    return ko.load_scenario(path, allow_outside=True)


def best_on_a_grid(budget_kg: float) -> float:
    """Return the most that can be earned, by trying every number of cases; prices are then the best for them.

    Of one coffee with so many cases the price is the unconstrained one, or the one at which just all is sold.
    """
    season = 1 + 0.15 * np.sin(2 * np.pi * (48 - 44) / 52)
    best: dict[str, np.ndarray] = {}
    weight = {}
    rows = {
        "espresso": (420.0, 9.0, 5.2, 12, 1.0),
        "filter": (300.0, 6.5, 3.4, 20, 0.5),
        "decaf": (90.0, 8.0, 4.9, 12, 0.5),
    }
    for name, (size, usual, cost, case, kg) in rows.items():
        prices = np.linspace(0.8 * usual, 1.3 * usual, 40_001)
        sold = size * season * (prices / usual) ** -2.2
        cases = np.arange(61)
        earned = np.array([
            np.where(sold <= case * count, prices * sold, -np.inf).max() - cost * case * count for count in cases
        ])  # fmt: skip
        best[name], weight[name] = earned, kg * case * cases
    total = best["espresso"][:, None, None] + best["filter"][None, :, None] + best["decaf"][None, None, :]
    mass = (
        weight["espresso"][:, None, None] + weight["filter"][None, :, None] + weight["decaf"][None, None, :]
    )
    return float(total[mass <= budget_kg].max())


@pytest.mark.slow
@pytest.mark.parametrize("budget", [600.0, 400.0])
def test_prices_and_cases_are_the_best_of_a_grid(tmp_path: Path, budget: float) -> None:
    run = known_coffee(tmp_path, f"[problem.limits.roaster]\nat_most = {budget}\n").run()
    assert run.result.status.value == "optimal"
    assert run.result.check.ok
    earned, most = -run.result.objective, best_on_a_grid(budget)
    assert most - 0.5 <= earned <= most + 0.05
    assert -run.result.bound >= most - 0.05
    assert f"earns {earned:,.2f} EUR: sales" in str(run.explanation)
    assert run.today is not None
