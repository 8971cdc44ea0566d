"""Write the tables of the example city, workshop and supply network that ship with kanopt, from their true laws.

A file is one table as Parquet, with the units of its columns; the same versions of numpy and pandas write the same
tables. Those of Sioux Falls are written by ``scenarios/sioux_falls/compute_equilibrium.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from _example_city import make_city
from _example_supply import make_supply_network
from _example_workshop import make_workshop

import kanopt
from kanopt.tables import units_of

DATA = Path(kanopt.__file__).parent / "tables" / "data"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seed", type=int, default=7, help="seed of the tables (default 7, that of the package)"
    )
    parser.add_argument("--out", type=Path, default=DATA, help="folder of the files (default the package's)")
    arguments = parser.parse_args()
    seed = arguments.seed
    examples = {
        "city": make_city(seed),
        "workshop": make_workshop(seed),
        "supply_network": make_supply_network(seed),
    }
    for name, example in examples.items():
        for part, table in vars(example).items():
            if isinstance(table, pd.DataFrame):
                plain = pd.DataFrame(table.to_dict("series"))
                plain.attrs = {"units": units_of(table)}
                plain.to_parquet(arguments.out / f"{name}_{part}.parquet", compression="zstd", index=False)


if __name__ == "__main__":
    main()
