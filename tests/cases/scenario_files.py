"""Scenario files written from a few tables, and small supply networks whose demand and tariff stand in theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kanopt.scenarios import Scenario, load_scenario

__all__ = ["DEMAND", "files_of", "one_market", "random_network", "written"]

DEMAND = "demand.demand"
_FARE = """\
[scenario]
name = "Network"
[surrogates.fare]
formula = "rate"
inputs = { rate = "" }
unit = "EUR/t"
"""


def files_of(name: str) -> dict[str, str]:
    """Return the files of a scenario of ``tests/cases/folders``, with what is in them."""
    folder = Path(__file__).with_name("folders") / name
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


def written(
    folder: Path, kind: str, tables: Mapping[str, str], *, laws: str = "", problem: str = ""
) -> Scenario:
    """Write a scenario, each part of whose problem has a table of its own, and read it.

    Parameters
    ----------
    folder
        Where the files go.
    kind
        Of the problem.
    tables
        The text of a table by the part that it fills.
    laws
        What stands before the problem: its laws, and what the file says of itself and of its tables.
    problem
        The other keys of the problem.
    """
    sections = [laws, f'[problem]\nkind = "{kind}"\n{problem}']
    for part, text in tables.items():
        (folder / f"{part}.csv").write_text(text, "utf-8")
        sections.append(f'[tables.{part}]\npath = "{part}.csv"\n[problem.{part}]\ntable = "{part}"')
    path = folder / f"{kind}.toml"
    path.write_text("\n".join(sections), "utf-8")
    return load_scenario(path)


def one_market(folder: Path, shortage: str = "9") -> Scenario:
    """Write a scenario of a small cheap site and a large dear one, by either of which a market gets its 10 t.

    Through north 1 t costs 2 EUR, of 20 t at most, and 30 EUR once; through south, of 100 t, 1.50 EUR and 90 EUR; unmet
    it costs 9 EUR, or what is given, where an empty text says that it must be delivered.
    """
    return _network(
        folder,
        {
            "suppliers": "name,product,capacity\nmill,flour,1000\n",
            "facilities": "name,fixed_cost,capacity\nnorth,30,20\nsouth,90,100\n",
            "markets": "name\nLyon\n",
            "products": f"name,shortage_cost\nflour,{shortage}\n",
            "periods": "name\n1\n",
            "lanes": "tail,head,rate\nmill,north,1\nmill,south,1\nnorth,Lyon,1\nsouth,Lyon,0.5\n",
            "demand": "market,product,period,demand\nLyon,flour,1,10\n",
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
    return _network(
        folder,
        {
            "suppliers": "name,product,capacity\nmill,flour,1000\n",
            "facilities": "\n".join(["name,fixed_cost,capacity,storage,holding_cost", *sites, ""]),
            "markets": "name\nm0\nm1\nm2\n",
            "products": f"name,shortage_cost\nflour,{r.integers(10, 25)}\n",
            "periods": "\n".join(["name", *periods, ""]),
            "lanes": "\n".join(["tail,head,rate", *lanes, ""]),
            "demand": "\n".join(["market,product,period,demand", *wanted, ""]),
        },
    )


def _network(folder: Path, tables: Mapping[str, str]) -> Scenario:
    fare = 'tariff = { law = "fare" }\nbind = { rate = "lane.rate" }'
    return written(folder, "supply", tables, laws=_FARE, problem=fare)
