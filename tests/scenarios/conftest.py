import json
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TABLES = {
    "depots.csv": "name,x,y\nhub,0,0\n",
    "clients.csv": (
        "name,x,y,demand_t,ready_h,due_h,service_duration\n"
        "north,0,4,0.5,7,17,5\neast,5,0,0.6,7,17,5\nsouth,0,-3,0.4,7,17,5\nwest,-6,0,0.7,9,17,5\n"
    ),
    "vehicles.csv": (
        "name,num_available,capacity,fixed_cost,fuel_price,shift_start,shift_end\n"
        "van,2,1.2,20,1.6,420,1020\ntruck,1,3,45,1.5,420,1020\n"
    ),
    "routes.csv": ("vehicle,index,stop,client\nvan,1,1,north\nvan,1,2,east\nvan,2,1,south\nvan,2,2,west\n"),
}
TINY = """\
[scenario]
name = "Tiny"
seed = 3
description = "Four clients, laws written by hand: 2 minutes and 0.1 l per km."

[tables.depots]
path = "depots.csv"

[tables.clients]
path = "clients.csv"
units = { demand_t = "t", ready_h = "h", due_h = "h" }

[tables.vehicles]
path = "vehicles.csv"
units = { fuel_price = "EUR/l" }

[tables.routes]
path = "routes.csv"

[surrogates.minutes]
formula = "2 * km"
inputs = { km = "km" }
unit = "min"

[surrogates.litres]
formula = "0.1 * km * (1 + 0.2 * load)"
inputs = { km = "km", load = "t" }
unit = "l"

[surrogates.fuel]
formula = "litres * price"
inputs = { price = "EUR/l" }
unit = "EUR"

[problem]
kind = "routing"

[problem.depots]
table = "depots"

[problem.clients]
table = "clients"
columns = { demand = "demand_t", earliest = "ready_h", latest = "due_h" }

[problem.vehicles]
table = "vehicles"

[problem.cost]
fuel = "fuel"

[problem.duration]
law = "minutes"

[problem.bind]
km = "arc.distance"
load = "state.load"
price = "vehicle.fuel_price"

[problem.today]
table = "routes"

[solver]
time_limit = 1
"""


def write_tiny(folder: Path) -> Path:
    for name, text in TABLES.items():
        (folder / name).write_text(text)
    path = folder / "tiny.toml"
    path.write_text(TINY)
    return path


GIVEN = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
LEARNED = """[tables.trips]
path = "trips.csv"
units = { km = "km", minutes = "min" }

[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km"]
network = { hidden = [], log_target = false, starts = 1, grid_size = 4 }"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A routing scenario of four clients with laws written by hand."""
    return write_tiny(tmp_path)


@pytest.fixture
def learned(tiny):
    """The tiny scenario with its law of travel time learned from 80 trips of up to 30 km."""
    rng = np.random.default_rng(0)
    km = rng.uniform(0.5, 30, 80).round(2)
    pd.DataFrame({"km": km, "minutes": (2 * km * rng.normal(1, 0.02, 80)).round(3)}).to_csv(
        tiny.parent / "trips.csv", index=False
    )
    tiny.write_text(tiny.read_text().replace(GIVEN, LEARNED))
    return tiny


@pytest.fixture(scope="module")
def shared_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for tests that do not change it."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def edited(tiny: Path):
    """Return a function that replaces one text of the tiny scenario, which must stand in it once, by another."""

    def edit(old: str, new: str) -> Path:
        text = tiny.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the scenario"
        tiny.write_text(text.replace(old, new))
        return tiny

    return edit


@pytest.fixture
def variant(tiny: Path):
    """Return a function that writes a what-if file over the tiny scenario."""

    def write(text: str, base: str = "tiny.toml", name: str = "variant.toml") -> Path:
        path = tiny.parent / name
        path.write_text(f"[scenario]\nbase = {json.dumps(base)}\n" + textwrap.dedent(text))
        return path

    return write
