"""Write the tables that the scenarios in this folder read, from the examples that ship with kanopt.

Run it as ``python scenarios/make_tables.py``; the same version of kanopt writes the same files.
"""

from __future__ import annotations

import calendar
from pathlib import Path

import numpy as np
import pandas as pd

from kanopt.tables import load_example

HERE = Path(__file__).parent
SEED = 7
ELASTICITY = -2.2
COFFEES = [  # bags a week at the usual price, that price, EUR a bag of green coffee and roasting, bags a case, kg a bag
    ("espresso", 420.0, 9.0, 5.2, 12.0, 1.0),
    ("filter", 300.0, 6.5, 3.4, 20.0, 0.5),
    ("decaf", 90.0, 8.0, 4.9, 12.0, 0.5),
]
SLOW_SPEED = 22.0  # km/h in the morning peak
NOISE, DAY_EFFECT = 0.08, 0.04  # of a trip, and of all trips of a day
ROADWORKS, SLOWED = pd.Timestamp("2026-03-16"), 1.12  # from this day on all trips take longer
LOGGED = 2000


def main() -> None:
    city = load_example("city")
    parts = ("trips", "clients", "vehicles", "depots")
    write(
        "parcel_city", {part: getattr(city, part) for part in parts} | {"todays_routes": todays_routes(city)}
    )
    write("parcel_month", parcel_month(city))
    write("sioux_falls", sioux_falls())
    shop = load_example("workshop")
    parts = ("log", "jobs", "tasks", "machines", "modes", "setups", "breaks", "power")
    write("workshop", {part: getattr(shop, part) for part in parts})
    network = load_example("supply_network")
    parts = ("freight", "demand", "suppliers", "sites", "markets", "products", "periods", "lanes")
    write("supply_network", {part: renamed(getattr(network, part)) for part in parts})
    write("coffee", coffee())


def write(folder: str, tables: dict[str, pd.DataFrame]) -> None:
    (HERE / folder).mkdir(exist_ok=True)
    for name, frame in tables.items():
        frame.round(4).to_csv(HERE / folder / f"{name}.csv", index=False, lineterminator="\n")


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    """Call markets M01, M02, … and months by their names, which read better in sentences."""
    months = {f"month {number:02d}": calendar.month_name[number] for number in range(1, 13)}
    return frame.replace(r"^market (\d+)$", r"M\1", regex=True).replace(months)


def todays_routes(city, clients: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the routes a dispatcher would draw by hand: sectors around the depot, nearest client first.

    Clients are dealt to the vans by their angle as seen from the depot until a van is full; a van drives to
    the nearest client still waiting, unless another one's window is about to close.
    """
    depot = city.depots.iloc[0]
    clients = city.clients if clients is None else clients
    clients = clients.assign(x=clients["x_km"] - depot["x_km"], y=clients["y_km"] - depot["y_km"])
    clients = clients.iloc[np.argsort(np.arctan2(clients["y"], clients["x"]).to_numpy(), kind="stable")]
    vans = city.vehicles.loc[city.vehicles.index.repeat(city.vehicles["num_available"])]
    rows, left = [], clients
    for place, van in enumerate(vans.itertuples()):
        index = place - list(vans["name"]).index(van.name) + 1
        taken = left[left["demand_t"].cumsum() <= van.capacity_t]
        left = left.drop(taken.index)
        if taken.empty:
            break
        rows += [(van.name, index, stop, client) for stop, client in enumerate(tour(taken), start=1)]
    return pd.DataFrame(rows, columns=["vehicle", "index", "stop", "client"])


def tour(clients: pd.DataFrame) -> list[str]:
    """Order clients by distance from the last one, those with the earliest window first."""
    place, order = np.zeros(2), []
    waiting = clients.copy()
    clock = 7.0
    while len(waiting):
        hours = np.hypot(waiting["x"] - place[0], waiting["y"] - place[1]) / SLOW_SPEED
        arrival = np.maximum(clock + hours, waiting["ready_h"])
        # a client whose window closes within the next hour and a half goes first
        pressing = waiting["due_h"] - clock < 1.5
        chosen = (arrival - 10.0 * pressing).idxmin()
        client = waiting.loc[chosen]
        order.append(client["name"])
        clock = arrival[chosen] + client["service_min"] / 60.0
        place = client[["x", "y"]].to_numpy(dtype=float)
        waiting = waiting.drop(chosen)
    return order


def parcel_month(city) -> dict[str, pd.DataFrame]:
    """Return a log whose days differ, a month of orders of the same clients, and what was driven.

    On Mondays more is ordered. A dispatcher draws routes by hand and forgets a client on one day; from the third week
    on, roadworks make all trips longer.
    """
    rng = np.random.default_rng([SEED, 20])
    trips = city.trips.sample(LOGGED, random_state=SEED).sort_values("week", kind="stable")
    trips.insert(1, "day", 5 * (trips["week"] - 1) + rng.integers(1, 6, LOGGED))
    trips["minutes"] *= day_factors(rng, 101)[trips["day"]]
    orders, driven = [], []
    for day, factor in zip(pd.bdate_range("2026-03-02", periods=20), day_factors(rng, 20), strict=True):
        monday = day.day_of_week == 0
        size = int(rng.integers(26, 34) + 8 * monday)
        of_day = city.clients.iloc[np.sort(rng.permutation(len(city.clients))[:size])].copy()
        of_day["demand_t"] = (of_day["demand_t"] * rng.uniform(0.8, 1.5, size)).round(2)
        orders.append(of_day.assign(date=day.date())[["date", "name", "demand_t"]])
        served = of_day.drop(of_day.index[-1]) if day.day == 12 else of_day
        slow = factor * (SLOWED if day >= ROADWORKS else 1.0)
        driven += [{"date": day.date(), **row} for row in drive_by_hand(city, served, slow, rng)]
    columns = ["date", "vehicle", "client", "arrival", "end", "departure", "back"]
    return {
        "trips": trips,
        "orders": pd.concat(orders).rename(columns={"name": "client"}),
        "driven": pd.DataFrame(driven)[columns],
    }


def day_factors(rng: np.random.Generator, days: int) -> np.ndarray:
    """Return by what the trips of each day take longer, one in the mean."""
    return np.exp(DAY_EFFECT * rng.standard_normal(days) - DAY_EFFECT**2 / 2.0)


def drive_by_hand(
    city, clients: pd.DataFrame, slow: float, rng: np.random.Generator
) -> list[dict[str, object]]:
    """Return when the vans of a dispatcher reached and left their clients, in minutes from midnight.

    A van leaves at the quarter of an hour from seven on with which it waits least, as far as all are in time.
    """

    def expected(km: float, _: float) -> float:
        return 60.0 * km / SLOW_SPEED

    def true(km: float, clock: float) -> float:
        noise = np.exp(NOISE * rng.standard_normal() - NOISE**2 / 2.0)
        return float(city.true_minutes(km, clock / 60.0)) * slow * noise

    rows: list[dict[str, object]] = []
    for (van, index), route in todays_routes(city, clients).groupby(["vehicle", "index"], sort=False):
        stops = clients.set_index("name").loc[route["client"]]
        plans = {leaves: times(city, stops, leaves, expected) for leaves in range(420, 600, 15)}
        in_time = {
            leaves: plan
            for leaves, plan in plans.items()
            if (plan["arrival"] <= 60.0 * stops["due_h"] - 10.0).all()
        }
        leaves = min(in_time or plans, key=lambda each: plans[each]["back"].max() - each)
        of_van = times(city, stops, leaves, true).assign(vehicle=f"{van} {index}", departure=float(leaves))
        rows += of_van.round(1).rename_axis("client").reset_index().to_dict("records")
    return rows


def times(city, stops: pd.DataFrame, leaves: float, minutes) -> pd.DataFrame:
    """Return when stops are reached and left, and when the van is back, given how long a way takes at a clock time."""
    depot = city.depots[["x_km", "y_km"]].to_numpy(float)[0]
    places = np.vstack([depot, stops[["x_km", "y_km"]].to_numpy(float), depot])
    ways = np.hypot(*np.diff(places, axis=0).T)
    clock, found = float(leaves), []
    for km, stop in zip(ways, stops.itertuples(), strict=False):
        arrival = clock + minutes(km, clock)
        clock = max(arrival, 60.0 * stop.ready_h) + stop.service_min
        found.append((arrival, clock))
    frame = pd.DataFrame(found, columns=["arrival", "end"], index=stops.index)
    return frame.assign(back=clock + minutes(ways[-1], clock))


def sioux_falls() -> dict[str, pd.DataFrame]:
    """Return links and nodes, and a small fleet that delivers to twelve of the nodes."""
    network = load_example("sioux_falls")
    nodes = network.nodes.rename(columns={"node": "name"})
    rng = np.random.default_rng(SEED)
    stops = np.sort(rng.permutation(np.array([n for n in nodes["name"] if n != 10]))[:14])
    at = nodes.set_index("name").loc[stops]
    clients = pd.DataFrame(
        {
            "name": [f"shop {node}" for node in stops],
            "node": stops,
            "x_km": at["x_km"].to_numpy(),
            "y_km": at["y_km"].to_numpy(),
            "demand_t": np.round(rng.uniform(0.3, 1.2, len(stops)), 1),
            "service_min": 10,
        }
    )
    depot = nodes[nodes["name"] == 10]
    depots = pd.DataFrame({"name": ["depot"], "node": [10], "x_km": depot["x_km"], "y_km": depot["y_km"]})
    vehicles = pd.DataFrame(
        {
            "name": ["van"],
            "num_available": [4],
            "capacity_t": [3.5],
            "fixed_cost": [30.0],
            "cost_per_hour": [27.0],
        }
    )
    return {
        "links": network.links,
        "nodes": nodes,
        "clients": clients,
        "depots": depots,
        "vehicles": vehicles,
    }


def coffee() -> dict[str, pd.DataFrame]:
    """Return three years of weekly sales of a roaster, its coffees, and what is decided for each of them."""
    rng = np.random.default_rng(SEED)
    coffees = pd.DataFrame(COFFEES, columns=["name", "size", "usual", "cost", "case_size", "bag_kg"])
    log = pd.MultiIndex.from_product([range(1, 157), coffees["name"]], names=["period", "coffee"])
    sales = log.to_frame(index=False).merge(coffees, left_on="coffee", right_on="name")
    sales["week"] = (sales["period"] - 1) % 52 + 1
    sales["price"] = (sales["usual"] * rng.choice([0.75, 0.85, 0.95, 1.0, 1.1, 1.2, 1.3], len(sales))).round(
        1
    )
    season = 1.0 + 0.15 * np.sin(2.0 * np.pi * (sales["week"] - 44) / 52.0)
    mean = sales["size"] * (sales["price"] / sales["usual"]) ** ELASTICITY * season
    noise = np.exp(rng.normal(0.0, 0.05, len(sales)))
    wrong = rng.random(len(sales)) < 0.01
    sales["bags"] = (mean * noise * np.where(wrong, rng.uniform(2.0, 4.0, len(sales)), 1.0)).round()
    ranges = pd.DataFrame(
        {
            "item": coffees["name"],
            "price": list(zip(0.8 * coffees["usual"], 1.3 * coffees["usual"], strict=True)),
            "cases": [(0.0, 60.0)] * len(coffees),
        }
    ).melt("item", var_name="name", value_name="range")
    ranges[["low", "high"]] = ranges["range"].tolist()
    ranges["unit"] = ranges["name"].map({"price": "EUR/bag", "cases": "case"})
    ranges["integer"] = ranges["name"] == "cases"
    return {
        "sales": sales[["period", "week", "coffee", "price", "bags"]],
        "coffees": coffees.drop(columns=["size", "usual"]),
        "decisions": ranges[["name", "item", "low", "high", "unit", "integer"]],
        "todays_decisions": todays_coffee(coffees),
    }


def todays_coffee(coffees: pd.DataFrame) -> pd.DataFrame:
    """Return what the roaster does today: prices a tenth above the usual ones, and cases enough for the best week."""
    sold = 1.1**ELASTICITY * 1.15 * coffees["size"]
    cases = np.ceil(sold / coffees["case_size"])
    today = pd.DataFrame({"item": coffees["name"], "price": 1.1 * coffees["usual"], "cases": cases})
    return today.melt("item", var_name="decision", value_name="value")[["decision", "item", "value"]]


if __name__ == "__main__":
    main()
