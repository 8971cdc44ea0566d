"""Scenarios of small supply networks, whose demand and tariff stand in their tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kanopt.whatif import Scenario, load_scenario

__all__ = ["DEMAND", "one_market", "random_network"]

DEMAND = "wanted.demand"
_PARTS = {"suppliers": "suppliers", "facilities": "sites", "markets": "markets", "products": "products"}
_PARTS |= {"periods": "periods", "lanes": "lanes", "demand": "wanted"}
_LAWS = """\
[scenario]
name = "Network"
[surrogates.fare]
formula = "rate"
inputs = { rate = "" }
unit = "EUR/t"
[problem]
kind = "supply"
tariff = { law = "fare" }
bind = { rate = "lane.rate" }
"""


def one_market(folder: Path, shortage: str = "9") -> Scenario:
    """Write a scenario of a small cheap site and a large dear one, by either of which a market gets its 10 t.

    Through north 1 t costs 2 EUR, of 20 t at most, and 30 EUR once; through south, of 100 t, 1.50 EUR and 90 EUR; unmet
    it costs 9 EUR, or what is given, where an empty text says that it must be delivered.
    """
    return _written(
        folder,
        {
            "suppliers": "name,product,capacity\nmill,flour,1000\n",
            "sites": "name,fixed_cost,capacity\nnorth,30,20\nsouth,90,100\n",
            "markets": "name\nLyon\n",
            "products": f"name,shortage_cost\nflour,{shortage}\n",
            "periods": "name\n1\n",
            "lanes": "tail,head,rate\nmill,north,1\nmill,south,1\nnorth,Lyon,1\nsouth,Lyon,0.5\n",
            "wanted": "market,product,period,demand\nLyon,flour,1,10\n",
        },
    )


def random_network(folder: Path, seed: int) -> Scenario:
    """Write a scenario of three sites between a mill and three markets, drawn by a seed; half of it with stocks."""
    r = np.random.default_rng(seed)
    periods = ("1", "2") if seed % 2 else ("1",)
    sites = [f"f{i},{r.integers(20, 200)},{r.integers(15, 70)},{r.integers(0, 20)},1" for i in range(3)]
    lanes = [f"mill,f{i},{r.integers(10, 40) / 10}" for i in range(3)]
    lanes += [f"f{i},m{j},{r.integers(10, 60) / 10}" for i in range(3) for j in range(3)]
    wanted = [f"m{j},flour,{t},{r.integers(5, 25)}" for j in range(3) for t in periods]
    return _written(
        folder,
        {
            "suppliers": "name,product,capacity\nmill,flour,1000\n",
            "sites": "\n".join(["name,fixed_cost,capacity,storage,holding_cost", *sites, ""]),
            "markets": "name\nm0\nm1\nm2\n",
            "products": f"name,shortage_cost\nflour,{r.integers(10, 25)}\n",
            "periods": "\n".join(["name", *periods, ""]),
            "lanes": "\n".join(["tail,head,rate", *lanes, ""]),
            "wanted": "\n".join(["market,product,period,demand", *wanted, ""]),
        },
    )


def _written(folder: Path, tables: Mapping[str, str]) -> Scenario:
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    sections = [_LAWS]
    sections += [f'[tables.{name}]\npath = "{name}.csv"\n' for name in tables]
    sections += [f'[problem.{part}]\ntable = "{table}"\n' for part, table in _PARTS.items()]
    path = folder / "network.toml"
    path.write_text("".join(sections), "utf-8")
    return load_scenario(path)
