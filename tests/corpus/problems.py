"""Problems built in Python that reach rules which no scenario file of the corpus reaches; all data stand here."""

from __future__ import annotations

import math
from typing import Any

import kanopt as ko
from kanopt import decisions, refs, routing, scheduling, supply

__all__ = ["PLANS", "PROBLEMS"]

# name, x, y, demand, service of the dozen clients that three of the problems share
_TOWN = (
    ("c01", 2.0, 1.5, 0.4, 6.0),
    ("c02", 4.5, -1.0, 0.7, 8.0),
    ("c03", -3.0, 2.5, 0.3, 5.0),
    ("c04", 6.0, 4.0, 0.9, 10.0),
    ("c05", -1.5, -4.0, 0.5, 6.0),
    ("c06", 0.5, 6.5, 0.6, 7.0),
    ("c07", -6.0, -2.0, 0.8, 9.0),
    ("c08", 7.5, -3.5, 0.2, 4.0),
    ("c09", -4.5, 5.0, 1.1, 12.0),
    ("c10", 3.0, -6.0, 0.5, 6.0),
    ("c11", 8.0, 0.5, 0.4, 5.0),
    ("c12", -7.5, 3.0, 0.6, 7.0),
)


def _clients(more: dict[str, dict[str, Any]]) -> list[Any]:
    """Return the dozen clients, each with what is said of it."""
    return [
        routing.Client(
            name, **{"x": x, "y": y, "demand": demand, "service_duration": service, **more.get(name, {})}
        )
        for name, x, y, demand, service in _TOWN
    ]


def _variable(name: str, unit: str = "", low: float = -math.inf, high: float = math.inf) -> Any:
    return ko.Variable(name, unit, low=low, high=high)


def _minutes() -> Any:
    """Return travel times that depend on the hour, from 6 to 18 and up to 14 km."""
    return ko.parse_formula(
        "1.9 * km * (1 + 0.6 * exp(-((hour - 8) / 1.2) ^ 2 / 2) + 0.4 * exp(-((hour - 16.5) / 1.4) ^ 2 / 2))",
        [_variable("km", "km", 0, 14), _variable("hour", "h", 6, 18)],
        ko.Variable("minutes", "min"),
        per="leg",
    ).bind(km=refs.arc.distance, hour=refs.clock.hour)


def _fuel() -> Any:
    """Return a price of fuel that depends on the load, up to 2 t, and on the vehicle."""
    return ko.parse_formula(
        "price * km * (0.12 + 0.03 * load) * (1 + 0.1 * cold)",
        [
            _variable("price", "EUR/l"),
            _variable("km", "km", 0, 14),
            _variable("load", "t", 0, 2),
            _variable("cold"),
        ],
        ko.Variable("fuel", "EUR"),
        per="leg",
    ).bind(km=refs.arc.distance, load=refs.state.load, price=refs.vehicle.price, cold=refs.client.cold)


def rounds() -> Any:
    """Return rounds with breaks, reloads, overtime, windows of several kinds, and laws of load, clock and lateness."""
    soft = {"unit_lateness_cost": 0.7}
    more: dict[str, dict[str, Any]] = {
        "c01": {"windows": "8:00-8:40, 13:00-14:00"},
        "c02": {"earliest": 480.0, "latest": 560.0, **soft},
        "c03": {"earliest": 450.0, "latest": 520.0},
        "c04": {"windows": "9:00-9:30, 11:00-11:30", **soft},
        "c06": {"latest": 700.0, "prize": 14.0},
        "c08": {"earliest": 600.0, "latest": 660.0},
        "c09": {"earliest": 480.0, "latest": 540.0, **soft, "prize": 40.0},
        "c12": {"latest": 720.0},
    }
    clients = [
        routing.Client(
            **{**_fields(each), "attributes": {"cold": float(place % 3 == 0), "floors": place % 4}}
        )
        for place, each in enumerate(_clients(more))
    ]
    lateness = ko.parse_formula(
        "0.02 * late ^ 2 / (1 + 0.05 * late)",
        [ko.Variable("late", "min")],
        ko.Variable("anger", "EUR"),
        per="leg",
    )
    stop = ko.parse_formula(
        "slow * (3 + 5 * demand) + 1.5 * floors",
        [ko.Variable("slow"), ko.Variable("demand", "t"), ko.Variable("floors")],
        ko.Variable("stop", "min"),
    )
    vans = {
        "capacity": 2.0,
        "fixed_cost": 35.0,
        "unit_duration_cost": 0.35,
        "shift_start": 420.0,
        "shift_end": 840.0,
        "breaks": "20 in 10:00-11:00, 10 in 13:00-13:30",
        "shift_duration": 240.0,
        "unit_overtime_cost": 0.25,
        "max_reloads": 1,
        "reload_time": 12.0,
    }
    return ko.RoutingProblem(
        [routing.Depot("yard", 0.0, 0.0, attributes={"cold": 0.0, "floors": 0})],
        clients,
        [
            routing.VehicleType("van", num_available=2, **vans, attributes={"price": 1.7, "slow": 1.0}),
            routing.VehicleType(
                "truck",
                **{**vans, "capacity": 3.5, "fixed_cost": 60.0, "max_reloads": 0, "breaks": "30 in 660-750"},
                unit_distance_cost=0.15,
                max_duration=400.0,
                attributes={"price": 1.5, "slow": 1.4},
            ),
        ],
        cost={"fuel": _fuel(), "anger": lateness.bind(late=refs.clock.late)},
        duration=_minutes(),
        policy=routing.RoutingPolicy(
            service=stop.bind(slow=refs.vehicle.slow, demand=refs.client.demand, floors=refs.client.floors),
            pinned={"van 2": ("c10",), "truck 1": ("c07",)},
        ),
    )


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def errands() -> Any:
    """Return errands between clients for two depots: sources, pickups, goods apart, skills, open and short routes."""
    more: dict[str, dict[str, Any]] = {
        "c01": {"pickup": 0.3, "goods": "paper"},
        "c02": {"source": "c04", "goods": "paint"},
        "c03": {"needs": "tail lift", "goods": "food"},
        "c04": {"demand": 0.0, "goods": "paper"},
        "c05": {"vehicles": "bike"},
        "c06": {"source": "c03", "latest": 200.0},
        "c07": {"prize": 9.0},
        "c08": {"pickup": 0.5, "demand": 0.0},
        "c09": {"needs": "tail lift, cooled", "goods": "food"},
        "c10": {"goods": "paint", "prize": 22.0},
        "c11": {"earliest": 60.0, "latest": 150.0, "unit_lateness_cost": 0.4},
        "c12": {"pickup": 0.2},
    }
    clients = [
        routing.Client(**{**_fields(each), "attributes": {"pallets": 1.0 + place % 3}})
        for place, each in enumerate(_clients(more))
    ]
    places = [(0.0, 0.0), (-5.0, 4.0), *((each.x, each.y) for each in clients)]
    km = [[round(abs(x - u) + 1.1 * abs(y - v), 3) for u, v in places] for x, y in places]
    km[0][5] = math.inf
    minutes = [[2.5 * way + 1.0 if way else 0.0 for way in row] for row in km]
    toll = [
        [round(0.2 * way * (1 + (a + 2 * b) % 3), 4) for b, way in enumerate(row)] for a, row in enumerate(km)
    ]
    shared = {"shift_end": 300.0, "attributes": {"pallets": 9.0}}
    return ko.RoutingProblem(
        [routing.Depot("south", 0.0, 0.0), routing.Depot("north", -5.0, 4.0)],
        clients,
        [
            routing.VehicleType(
                "lorry", num_available=2, capacity=3.0, fixed_cost=25.0, unit_duration_cost=0.2, start_depot="south",
                skills="tail lift", max_distance=60.0, **shared,
            ),
            routing.VehicleType(
                "cool van", capacity=2.5, fixed_cost=22.0, unit_distance_cost=0.4, start_depot="north",
                skills="tail lift, cooled", **shared,
            ),
            routing.VehicleType(
                "bike", capacity=0.6, unit_distance_cost=0.9, start_depot="south", returns=False, shift_end=180.0,
                attributes={"pallets": 2.0},
            ),
        ],
        cost={"toll": toll},
        duration=minutes,
        distance=km,
        policy=routing.RoutingPolicy(
            capacities=("pallets",), apart=(("food", "paint"), ("paint", "paint")), longest_route_cost=0.1
        ),
    )  # fmt: skip


def tables_of_hours() -> Any:
    """Return routes over tabulated arrivals, deliveries before pickups, in hours and kilograms."""
    few = [("a", 120.0, 0.0), ("b", 200.0, 80.0), ("c", 150.0, 0.0), ("d", 90.0, 140.0)]
    functions = {}
    for one in range(5):
        for other in range(5):
            if one != other:
                calm = 0.25 + 0.07 * ((3 * one + 2 * other) % 5)
                leave = [6.0, 8.0, 9.0, 12.0]
                slow = [calm, 1.8 * calm, 1.8 * calm, calm]
                functions[one, other] = (leave, [at + way for at, way in zip(leave, slow, strict=True)])
    clients = [
        routing.Client(
            name, demand=demand, pickup=pickup, service_duration=0.2, earliest=7.0, latest=9.5 + place / 2
        )
        for place, (name, demand, pickup) in enumerate(few)
    ]
    km = [[abs(3.0 * (a - b)) + (a * b) % 4 for b in range(5)] for a in range(5)]
    return ko.RoutingProblem(
        [routing.Depot("hub")],
        clients,
        [routing.VehicleType("car", num_available=2, capacity=450.0, fixed_cost=20.0, unit_duration_cost=30.0,
                             shift_start=7.0, shift_end=11.0, max_duration=3.0)],
        cost={},
        duration=routing.ArrivalFunctions.of(functions, 5, time="h"),
        distance=[[float(way) if a != b else 0.0 for b, way in enumerate(row)] for a, row in enumerate(km)],
        units=routing.RoutingUnits(time="h", load="kg"),
        policy=routing.RoutingPolicy(backhaul=True),
    )  # fmt: skip


def shop() -> Any:
    """Return a shop with setups, breaks, two modes on a machine, energy by a law, late jobs and a horizon."""
    jobs = [
        ("frame", 0.0, 60.0, 3.0),
        ("lid", 5.0, 55.0, 1.5),
        ("axle", 0.0, 40.0, 6.0),
        ("crate", 20.0, None, 0.0),
    ]
    tasks = [
        ("frame cut", "frame", 1, "steel", 12.0), ("frame weld", "frame", 2, "", 20.0),
        ("lid cut", "lid", 1, "wood", 8.0), ("lid paint", "lid", 2, "", 15.0),
        ("axle cut", "axle", 1, "steel", 10.0), ("axle turn", "axle", 2, "", 18.0),
        ("crate cut", "crate", 1, "wood", 14.0),
    ]  # fmt: skip
    modes = [
        ("frame cut", "saw", "", 0.5), ("frame cut", "laser", "slow", 0.7), ("frame cut", "laser", "fast", 1.6),
        ("frame weld", "bench", "", 0.4), ("lid cut", "saw", "", 0.5), ("lid paint", "bench", "", 0.2),
        ("axle cut", "saw", "", 0.5), ("axle cut", "laser", "fast", 1.6), ("axle turn", "bench", "", 0.9),
        ("crate cut", "saw", "", 0.5), ("crate cut", "laser", "slow", 0.7),
    ]  # fmt: skip
    minutes = ko.parse_formula(
        "work / (0.6 + 0.5 * power)",
        [_variable("work", "min", 5, 19), _variable("power", "", 0.2, 2)],
        ko.Variable("minutes", "min"),
        per="task",
    )
    energy = ko.parse_formula(
        "power * minutes / 60 + 0.05",
        [ko.Variable("power"), ko.Variable("minutes", "min")],
        ko.Variable("kwh", "kWh"),
        per="task",
    )
    return ko.SchedulingProblem(
        [scheduling.Job(name, release, due, cost) for name, release, due, cost in jobs],
        [scheduling.Task(name, job, order, family, {"work": work}) for name, job, order, family, work in tasks],
        [scheduling.Machine("saw", "wood"), scheduling.Machine("laser"), scheduling.Machine("bench")],
        [scheduling.Mode(task, machine, name, attributes={"power": kw}) for task, machine, name, kw in modes],
        duration=minutes.bind(work=refs.task.work, power=refs.mode.power),
        energy=energy.bind(power=refs.mode.power, minutes=refs.mode.duration),
        setups=[
            scheduling.Setup("wood", "steel", 6.0),
            scheduling.Setup("steel", "wood", 4.0),
            scheduling.Setup("steel", "wood", 2.0, "laser"),
        ],
        calendars=[scheduling.Break(25.0, 32.0), scheduling.Break(50.0, 58.0, "bench")],
        power_price=[scheduling.PowerPrice(0.0, 2.0), scheduling.PowerPrice(30.0, 5.0),
                     scheduling.PowerPrice(60.0, -1.0)],
        makespan_cost=0.4,
        horizon=110.0,
    )  # fmt: skip


def mills() -> Any:
    """Return a supply network with shortages, stocks, sites closed and open by order, and tariffs by shipment."""
    rate = ko.parse_formula(
        "12 * step + 0.4 * km ^ 0.9 * load ^ 0.6",
        [ko.Variable("step"), _variable("km", "km", 1, 400), _variable("load", "t", 0.5, 40)],
        ko.Variable("shipment", "EUR"),
        per="lane-period",
    )
    wanted = ko.parse_formula(
        "size * (1 + 0.2 * sin(1.5 * moment)) / (1 + shelf)",
        [_variable("size", "t", 1, 30), ko.Variable("moment"), ko.Variable("shelf")],
        ko.Variable("demand", "t"),
        per="market-period",
    )
    sites = [
        supply.Facility("north", fixed_cost=300.0, capacity=35.0, storage=12.0, holding_cost=0.5, handling_cost=0.8,
                        x=0.0, y=80.0),
        supply.Facility("south", fixed_cost=90.0, period_cost=40.0, capacity=40.0, handling_cost=1.1, x=0.0, y=-60.0),
        supply.Facility("old", fixed_cost=20.0, status="closed", x=50.0, y=0.0),
        supply.Facility("own", period_cost=15.0, capacity=20.0, status="open", x=-70.0, y=10.0),
    ]  # fmt: skip
    lanes = [
        ("mill", "north", "", 90.0, math.inf), ("mill", "south", "", 70.0, 25.0), ("mill", "own", "", 65.0, math.inf),
        ("bakery", "north", "", 30.0, math.inf), ("north", "Lyon", "road", 120.0, math.inf),
        ("north", "Lyon", "rail", 140.0, 12.0), ("north", "Nice", "road", 210.0, math.inf),
        ("south", "Nice", "road", 95.0, 14.0), ("own", "Lyon", "road", 60.0, 9.0), ("old", "Nice", "road", 40.0, 30.0),
        ("bakery", "Nice", "direct", 180.0, 5.0), ("south", "north", "", 140.0, 6.0),
    ]  # fmt: skip
    return ko.SupplyProblem(
        suppliers=[
            supply.Supplier("mill", "flour", capacity=45.0, unit_cost=21.0, x=0.0, y=0.0),
            supply.Supplier("bakery", "bread", capacity=16.0, unit_cost=55.0, x=20.0, y=60.0),
        ],
        facilities=sites,
        markets=[
            supply.Market("Lyon", 40.0, 120.0, {"size": 17.0}),
            supply.Market("Nice", 100.0, -110.0, {"size": 32.0}),
        ],
        products=[
            supply.Product("flour", shortage_cost=140.0, attributes={"shelf": 0.0}),
            supply.Product("bread", 0.6, 95.0, {"shelf": 1.2}),
        ],
        periods=[supply.Period("1"), supply.Period("2"), supply.Period("3")],
        lanes=[
            supply.Lane(
                tail, head, mode, distance=km, capacity=room, attributes={"step": float(mode == "rail")}
            )
            for tail, head, mode, km, room in lanes
        ],
        tariff=rate.bind(km=refs.lane.distance, load=refs.state.weight, step=refs.lane.step),
        demand=wanted.bind(size=refs.market.size, moment=refs.period.index, shelf=refs.product.shelf),
        planning={"state.weight": 9.0},
    )


def speeds() -> Any:
    """Return speeds and vans to be chosen under a shift, a sum and a ratio."""
    fuel = ko.parse_formula(
        "1.7 * km * (8 / speed + 0.0004 * speed ^ 2)",
        [_variable("speed", "km/h", 25, 80), ko.Variable("km", "km")],
        ko.Variable("fuel", "EUR"),
    )
    hours = ko.parse_formula("120 / first + 80 / second", ["first", "second"], "hours")
    return ko.DecisionProblem(
        [
            decisions.Decision("first", 20, 90, "km/h"),
            decisions.Decision("second", 20, 90, "km/h"),
            decisions.Decision("vans", 1, 6, integer=True),
        ],
        {
            "first leg": fuel.bind(speed=refs.decision.first, km=120.0),
            "second leg": fuel.bind(speed=refs.decision.second, km=80.0),
            "rent": {"vans": 31.5},
        },
        [
            decisions.at_most(hours, 4.0, name="shift"),
            decisions.at_least({"vans": 14.0}, 30.0, name="room"),
            decisions.equal_to(ko.parse_formula("first - second", ["first", "second"], "gap"), 5.0),
        ],
        tolerance=0.05,
    )


PROBLEMS = {
    "rounds": rounds,
    "errands": errands,
    "tables_of_hours": tables_of_hours,
    "shop": shop,
    "mills": mills,
    "speeds": speeds,
}
"""Each problem by name."""


def _flow(tail: str, head: str, mode: str, product: str, period: str, quantity: float) -> dict[str, Any]:
    names = ("tail", "head", "mode", "product", "period", "quantity")
    return dict(zip(names, (tail, head, mode, product, period, quantity), strict=True))


PLANS: dict[str, dict[str, Any]] = {
    "rounds": {
        "broken": {
            "van 1": ["c01", "c02", "c10", "c08", "c11", "c04", "c03"],
            "van 2": ["c05", "c07", "yard", "c12", "c09", "c06"],
        },
        "overtime": {
            "van 1": ["c03", "c12", "c09", "yard", "c06", "c01"],
            "van 2": ["c05", "c10", "yard", "c08", "c11", "c04"],
            "truck 1": ["c07", "c02"],
        },
    },
    "errands": {
        "broken": {
            "lorry 1": ["c02", "c04", "c03", "c10", "c01"],
            "lorry 2": ["c06", "c09", "c08", "south", "c11"],
            "bike 1": ["c05", "c12"],
        },
    },
    "tables_of_hours": {"broken": {"car 1": ["b", "a", "c", "d"]}},
    "shop": {
        "broken": [
            {"task": "frame cut", "machine": "laser", "mode": "fast", "start": 0.0},
            {"task": "frame weld", "machine": "bench", "start": 8.0},
            {"task": "lid cut", "machine": "saw", "start": 2.0},
            {"task": "lid paint", "machine": "bench", "start": 30.0},
            {"task": "axle cut", "machine": "saw", "start": 10.0},
            {"task": "axle turn", "machine": "laser", "start": 90.0},
        ],
        "late": [
            {"task": "axle cut", "machine": "laser", "mode": "fast", "start": 0.0},
            {"task": "frame cut", "machine": "laser", "mode": "slow", "start": 32.0},
            {"task": "lid cut", "machine": "saw", "start": 6.0},
            {"task": "crate cut", "machine": "saw", "start": 33.0},
            {"task": "axle turn", "machine": "bench", "start": 7.25},
            {"task": "lid paint", "machine": "bench", "start": 58.0},
            {"task": "frame weld", "machine": "bench", "start": 80.0},
        ],
    },
    "mills": {
        "broken": {
            "flows": [
                _flow("mill", "north", "", "flour", "1", 30.0),
                _flow("north", "Lyon", "rail", "flour", "1", 18.0),
                _flow("old", "Nice", "road", "flour", "2", 4.0),
                _flow("bakery", "Nice", "direct", "bread", "3", 20.0),
                _flow("mill", "south", "", "flour", "2", 60.0),
            ],
            "open": ["own"],
        },
    },
    "speeds": {
        "broken": {"first": 95.0, "second": 30.0, "vans": 1.5},
        "slow": {"first": 60.0, "second": 55.0, "vans": 3},
    },
}
"""Plans by hand, most of which break rules; found ones are in the folder ``plans``."""
