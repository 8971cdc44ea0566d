"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

The first eight are products and powers, perhaps with an offset; the next eight have one part more, such as a threshold,
a wave or a queue; the last eight have several such parts, or four inputs in one of them. All have real values in ranges
25 % wider on both sides. What the keys mean is said by CONTENT in _laws.py. Whoever works on the search should not read
on, and should not choose between two ways by how they do here: then these would be laws like all others.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # products and powers
    {
        "name": "split_stock",
        "target": "stock over all warehouses",
        "unit": "pallet",
        "variables": [
            ("stock", 150, 6000, "pallet", "log"),
            ("after", 1, 25, "1", "int"),
            ("before", 1, 12, "1", "int"),
        ],
        "sympy": "stock*sqrt(after/before)",
    },
    {
        "name": "unloading",
        "target": "time to unload",
        "unit": "min",
        "variables": [("pallets", 4, 66, "pallet", "int"), ("distance", 8, 140, "m", "log")],
        "sympy": "0.37*pallets*distance**0.43",
    },
    {
        "name": "air_drag",
        "target": "power against the wind",
        "unit": "kW",
        "variables": [
            ("shape", 0.28, 0.95, "1", "float"),
            ("front", 2.2, 10.2, "m^2", "float"),
            ("speed", 35, 110, "km/h", "float"),
        ],
        "sympy": "0.0000131*shape*front*speed**3",
    },
    {
        "name": "drayage",
        "target": "price of a haul to the port",
        "unit": "EUR",
        "variables": [("boxes", 1, 40, "TEU", "int"), ("distance", 6, 420, "km", "log")],
        "sympy": "118 + 23.5*boxes**0.88*distance**0.51",
    },
    {
        "name": "fleet_size",
        "target": "vehicles needed",
        "unit": "vehicle",
        "variables": [
            ("trips", 15, 480, "trip/d", "log"),
            ("round_trip", 0.6, 7.5, "h", "float"),
            ("shift", 7, 20, "h", "float"),
            ("ready", 0.7, 0.98, "1", "float"),
        ],
        "sympy": "1.08*trips*round_trip/(shift*ready)",
    },
    {
        "name": "freight_between_regions",
        "target": "freight",
        "unit": "t/d",
        "variables": [
            ("made", 8, 950, "t/d", "log"),
            ("used", 3, 600, "t/d", "log"),
            ("distance", 25, 1100, "km", "log"),
        ],
        "sympy": "2.9*made**0.82*used**0.67/distance**1.15",
    },
    {
        "name": "getting_used_to",
        "target": "time per parcel",
        "unit": "s",
        "variables": [("shifts", 0, 55, "1", "int")],
        "sympy": "21.4 + 36.7*exp(-0.073*shifts)",
    },
    {
        "name": "cost_of_a_tour",
        "target": "cost of a tour",
        "unit": "EUR",
        "variables": [
            ("distance", 30, 520, "km", "float"),
            ("rate", 0.35, 1.6, "EUR/km", "float"),
            ("hours", 1.5, 11, "h", "float"),
            ("wage", 17, 44, "EUR/h", "float"),
        ],
        "sympy": "24 + distance*rate + 1.17*hours*wage",
    },
    # one part more
    {
        "name": "way_from_the_depot",
        "target": "driving time from the depot",
        "unit": "min",
        "variables": [("east", -22, 31, "km", "float"), ("north", -27, 18, "km", "float")],
        "sympy": "5.2 + 1.84*sqrt(east**2 + north**2)",
    },
    {
        "name": "way_through_aisles",
        "target": "time of a forklift",
        "unit": "s",
        "variables": [
            ("along", -75, 90, "m", "float"),
            ("across", -40, 32, "m", "float"),
            ("speed", 1.1, 3.8, "m/s", "float"),
        ],
        "sympy": "13.5 + (abs(along) + abs(across))/speed",
    },
    {
        "name": "congested_gate",
        "target": "time at the gate",
        "unit": "min",
        "variables": [("service", 1.5, 14, "min", "float"), ("load", 0.08, 0.7, "1", "float")],
        "sympy": "service*(1 + 0.64*load/(1 - load))",
    },
    {
        "name": "fuel_and_speed",
        "target": "fuel per distance",
        "unit": "l/100 km",
        "variables": [("speed", 18, 96, "km/h", "float")],
        "sympy": "342/speed + 8.6 + 0.00171*speed**2",
    },
    {
        "name": "parcels_over_the_year",
        "target": "parcels",
        "unit": "parcel/d",
        "variables": [("usual", 180, 7500, "parcel/d", "log"), ("month", 0, 42, "month", "float")],
        "sympy": "usual*(1 + 0.26*sin(2*pi*(month - 8.3)/12))",
    },
    {
        "name": "demurrage",
        "target": "bill of a terminal",
        "unit": "EUR",
        "variables": [("boxes", 1, 14, "TEU", "int"), ("days", 0, 17, "d", "float")],
        "sympy": "95 + 41*boxes*Max(0, days - 5.5)",
    },
    {
        "name": "arrived_by_then",
        "target": "share of orders that have arrived",
        "unit": "1",
        "variables": [("time", 3, 60, "h", "float"), ("scale", 18, 52, "h", "float")],
        "sympy": "1 - exp(-(time/scale)**1.7)",
    },
    {
        "name": "pick_then_pack",
        "target": "orders made ready",
        "unit": "order/h",
        "variables": [
            ("workers", 2, 34, "1", "int"),
            ("picking", 14, 85, "order/h", "float"),
            ("packing", 9, 60, "order/h", "float"),
        ],
        "sympy": "workers/(1/picking + 1/packing)",
    },
    # several parts
    {
        "name": "growth_of_a_service",
        "target": "orders of a new service",
        "unit": "order/d",
        "variables": [("market", 240, 5200, "order/d", "log"), ("month", 0, 40, "month", "float")],
        "sympy": "market*exp(-3.6*exp(-0.118*month))",
    },
    {
        "name": "rail_or_road",
        "target": "share that goes by rail",
        "unit": "%",
        "variables": [
            ("rail_cost", 28, 95, "EUR/t", "float"),
            ("road_cost", 35, 110, "EUR/t", "float"),
            ("rail_time", 20, 72, "h", "float"),
            ("road_time", 8, 40, "h", "float"),
        ],
        "sympy": "100/(1 + exp(0.047*(rail_cost - road_cost) + 0.036*(rail_time - road_time)))",
    },
    {
        "name": "wait_for_a_crane",
        "target": "waiting time",
        "unit": "min",
        "variables": [
            ("handling", 2.5, 18, "min", "float"),
            ("load", 0.15, 0.72, "1", "float"),
            ("arrivals", 0.3, 1.7, "1", "float"),
            ("work", 0.2, 1.2, "1", "float"),
        ],
        "sympy": "handling*load/(1 - load)*(arrivals**2 + work**2)/2",
    },
    {
        "name": "price_by_brackets",
        "target": "price of a load",
        "unit": "EUR",
        "variables": [("weight", 0.5, 25, "t", "float"), ("distance", 15, 850, "km", "log")],
        "sympy": "(5.4 + 1.32*weight - 0.71*Max(0, weight - 11))*distance**0.62",
    },
    {
        "name": "cooling_a_trailer",
        "target": "energy for cooling",
        "unit": "kWh",
        "variables": [
            ("surface", 35, 150, "m^2", "float"),
            ("outside", 284, 312, "K", "float"),
            ("hours", 0.4, 11, "h", "float"),
        ],
        "sympy": "1.9 + 0.0125*surface*(outside - 275)*(1 - exp(-hours/3.4))",
    },
    {
        "name": "hours_of_a_round",
        "target": "duration of a round",
        "unit": "h",
        "variables": [
            ("linehaul", 3, 65, "km", "float"),
            ("stops", 6, 130, "1", "int"),
            ("area", 5, 420, "km^2", "log"),
            ("speed", 21, 68, "km/h", "float"),
        ],
        "sympy": "(2*linehaul + 0.72*sqrt(stops*area))/speed + 0.058*stops",
    },
    {
        "name": "season_and_fee",
        "target": "orders of groceries",
        "unit": "order/d",
        "variables": [
            ("clients", 900, 16000, "1", "log"),
            ("month", 1, 48, "month", "int"),
            ("fee", 0, 9.5, "EUR", "float"),
        ],
        "sympy": "135 + 0.21*clients*exp(-0.137*fee)*(1 + 0.19*sin(2*pi*(month - 10.4)/12))",
    },
    {
        "name": "between_two_places",
        "target": "cost of a courier",
        "unit": "EUR",
        "variables": [
            ("from_east", 0, 28, "km", "float"),
            ("from_north", 0, 36, "km", "float"),
            ("to_east", 4, 40, "km", "float"),
            ("to_north", 0, 30, "km", "float"),
        ],
        "sympy": "7.9 + 1.46*sqrt((from_east - to_east)**2 + (from_north - to_north)**2)",
    },
]
