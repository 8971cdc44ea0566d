"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

The first eight are products and powers, perhaps with an offset; the next eight have one part more, such as a threshold,
a wave or a queue; the last eight have several such parts, or four inputs in one of them. All have real values in ranges
25 % wider on both sides. What the keys mean is said by CONTENT in _laws.py. Whoever works on the search should not read
on, and should not choose between two ways by how they do here: then these would be laws like all others. Once they have
been looked at, they move to tuning.py and others are written.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    {
        "name": "safety_stock",
        "target": "safety stock",
        "unit": "piece",
        "variables": [
            ("spread", 5, 160, "piece/d", "log"),
            ("lead", 1.5, 28, "d", "float"),
        ],
        "sympy": "1.64*spread*sqrt(lead)",
    },
    {
        "name": "order_size",
        "target": "economic order",
        "unit": "piece",
        "variables": [
            ("demand", 200, 24000, "piece/a", "log"),
            ("setup", 12, 180, "EUR", "float"),
            ("holding", 0.4, 6.5, "EUR", "float"),
        ],
        "sympy": "sqrt(2*demand*setup/holding)",
    },
    {
        "name": "kinetic_loss",
        "target": "energy lost by braking",
        "unit": "kJ",
        "variables": [
            ("mass", 2.5, 26, "t", "float"),
            ("speed", 15, 85, "km/h", "float"),
            ("stops", 3, 60, "1", "int"),
        ],
        "sympy": "0.0386*mass*stops*speed**2",
    },
    {
        "name": "express_fee",
        "target": "fee of an express parcel",
        "unit": "EUR",
        "variables": [
            ("weight", 0.4, 30, "kg", "log"),
            ("distance", 20, 1900, "km", "log"),
        ],
        "sympy": "6.8 + 0.94*weight**0.61*distance**0.28",
    },
    {
        "name": "pipe_flow",
        "target": "diesel pumped",
        "unit": "l/min",
        "variables": [
            ("diameter", 18, 62, "mm", "float"),
            ("pressure", 0.6, 5.5, "bar", "float"),
        ],
        "sympy": "0.041*diameter**2*sqrt(pressure)",
    },
    {
        "name": "labour_of_a_day",
        "target": "cost of staff",
        "unit": "EUR",
        "variables": [
            ("pickers", 3, 38, "1", "int"),
            ("hours", 4, 10, "h", "float"),
            ("wage", 14, 27, "EUR/h", "float"),
        ],
        "sympy": "260 + 1.21*pickers*hours*wage",
    },
    {
        "name": "battery_after",
        "target": "battery left",
        "unit": "%",
        "variables": [
            ("cycles", 10, 1800, "1", "float"),
        ],
        "sympy": "100*exp(-0.00023*cycles)",
    },
    {
        "name": "gravity_of_shops",
        "target": "visits",
        "unit": "1/d",
        "variables": [
            ("area", 300, 9000, "m^2", "log"),
            ("minutes", 4, 45, "min", "float"),
        ],
        "sympy": "27*area**0.74/minutes**1.6",
    },
    {
        "name": "drone_flight",
        "target": "flight time",
        "unit": "s",
        "variables": [
            ("dx", -900, 1400, "m", "float"),
            ("dy", -1100, 800, "m", "float"),
            ("speed", 9, 22, "m/s", "float"),
        ],
        "sympy": "38 + sqrt(dx**2 + dy**2)/speed",
    },
    {
        "name": "lift_ride",
        "target": "time of a lift",
        "unit": "s",
        "variables": [
            ("from_floor", 0, 14, "1", "int"),
            ("to_floor", 0, 14, "1", "int"),
        ],
        "sympy": "9.4 + 3.7*abs(from_floor - to_floor)",
    },
    {
        "name": "server_wait",
        "target": "waiting time",
        "unit": "min",
        "variables": [
            ("rate", 2, 11, "1/h", "float"),
            ("capacity", 15, 34, "1/h", "float"),
        ],
        "sympy": "60/(capacity - rate)",
    },
    {
        "name": "truck_fuel_grade",
        "target": "fuel",
        "unit": "l/100 km",
        "variables": [
            ("grade", -1.5, 5, "%", "float"),
            ("mass", 8, 40, "t", "float"),
        ],
        "sympy": "11.5 + 0.31*mass + 0.46*mass*Max(0, grade)",
    },
    {
        "name": "demand_of_ice",
        "target": "demand",
        "unit": "box/d",
        "variables": [
            ("shops", 20, 420, "1", "log"),
            ("month", 0, 36, "month", "float"),
        ],
        "sympy": "shops*(3.1 + 1.7*sin(2*pi*(month - 3.6)/12))",
    },
    {
        "name": "late_delivery",
        "target": "penalty",
        "unit": "EUR",
        "variables": [
            ("value", 150, 7000, "EUR", "log"),
            ("delay", 0, 9, "d", "float"),
        ],
        "sympy": "25 + 0.035*value*Max(0, delay - 2)",
    },
    {
        "name": "shelf_life",
        "target": "share still good",
        "unit": "1",
        "variables": [
            ("days", 1, 24, "d", "float"),
            ("life", 9, 26, "d", "float"),
        ],
        "sympy": "exp(-(days/life)**2.3)",
    },
    {
        "name": "two_machines",
        "target": "throughput",
        "unit": "piece/h",
        "variables": [
            ("first", 20, 90, "piece/h", "float"),
            ("second", 15, 110, "piece/h", "float"),
        ],
        "sympy": "first*second/(first + second)",
    },
    {
        "name": "adoption",
        "target": "share of digital orders",
        "unit": "%",
        "variables": [
            ("month", 0, 48, "month", "float"),
            ("fee", 0, 6, "EUR", "float"),
        ],
        "sympy": "88/(1 + exp(-0.16*(month - 22) + 0.35*fee))",
    },
    {
        "name": "gate_of_a_port",
        "target": "time in the port",
        "unit": "min",
        "variables": [
            ("lanes", 2, 9, "1", "int"),
            ("trucks", 12, 95, "1/h", "float"),
            ("rate", 75, 130, "1/h", "float"),
        ],
        "sympy": "14 + 45*trucks/(rate - trucks)/lanes",
    },
    {
        "name": "tariff_with_minimum",
        "target": "price of a pallet",
        "unit": "EUR",
        "variables": [
            ("pallets", 1, 24, "pallet", "int"),
            ("distance", 30, 900, "km", "log"),
        ],
        "sympy": "Max(48, 9.6*pallets**0.78*distance**0.37)",
    },
    {
        "name": "tour_by_area",
        "target": "length of a tour",
        "unit": "km",
        "variables": [
            ("stops", 8, 160, "1", "int"),
            ("area", 4, 260, "km^2", "log"),
            ("away", 2, 48, "km", "float"),
        ],
        "sympy": "2*away + 0.76*sqrt(stops*area) + 0.11*stops",
    },
    {
        "name": "heat_of_a_hall",
        "target": "heating",
        "unit": "kWh",
        "variables": [
            ("surface", 200, 2600, "m^2", "log"),
            ("inside", 284, 295, "K", "float"),
            ("outside", 258, 281, "K", "float"),
            ("hours", 2, 16, "h", "float"),
        ],
        "sympy": "0.0021*surface*(inside - outside)*hours + 14",
    },
    {
        "name": "price_war",
        "target": "orders",
        "unit": "order/d",
        "variables": [
            ("own", 2.2, 7.5, "EUR", "float"),
            ("other", 2.0, 8.5, "EUR", "float"),
            ("people", 800, 15000, "1", "log"),
        ],
        "sympy": "0.043*people*exp(-0.31*(own - other))",
    },
    {
        "name": "wear_of_a_tyre",
        "target": "wear",
        "unit": "mm",
        "variables": [
            ("distance", 3, 90, "Mm", "float"),
            ("load", 0.4, 1.2, "1", "float"),
            ("temperature", 273, 312, "K", "float"),
        ],
        "sympy": "0.055*distance*load**2.2*exp(0.019*(temperature - 293))",
    },
    {
        "name": "walk_and_ride",
        "target": "door to door",
        "unit": "min",
        "variables": [
            ("walk", 0.1, 1.8, "km", "float"),
            ("ride", 1, 22, "km", "float"),
            ("headway", 4, 30, "min", "float"),
            ("speed", 16, 48, "km/h", "float"),
        ],
        "sympy": "12.4*walk + headway/2 + 60*ride/speed",
    },
]
