"""A scenario of one whole number to choose, whose plans can be counted by hand."""

from __future__ import annotations

from pathlib import Path

from kanopt.scenarios import Scenario, load_scenario

__all__ = ["PRICE", "choice"]

PRICE = "problem.bind.price"
CHOICE = """
[scenario]
name = "Choice"
[tables.choices]
path = "choices.csv"
[surrogates.cost]
formula = "{formula}"
inputs = {{ n = "", price = "" }}
unit = "EUR"
[problem]
kind = "decision"
minimise.cost = "cost"
[problem.decisions]
table = "choices"
[problem.bind]
n = "decision.n"
price = {price}
"""


def choice(folder: Path, formula: str, price: float = 1.0, high: int = 4) -> Scenario:
    """Write the scenario of a law of ``n``, from 0 to `high`, and of ``price``, and read it."""
    path = folder / "choice.toml"
    path.write_text(CHOICE.format(formula=formula, price=price), "utf-8")
    (folder / "choices.csv").write_text(f"name,low,high,integer\nn,0,{high},true\n", "utf-8")
    return load_scenario(path)
