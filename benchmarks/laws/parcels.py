"""Twelve laws of a parcel network, written before anybody looked at how the search does on them.

The first six were looked at while the search was made plainer; the last six once, when that was done. What the keys
mean is said by CONTENT in _laws.py. All have real values in ranges 25 % wider on both sides.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # what a sorting hall does in an hour: more hands and more belts help less and less
    {
        "name": "sorted_in_an_hour",
        "target": "sorted",
        "unit": "1/h",
        "variables": [
            ("hands", 4, 60, "1", "int"),
            ("belts", 1, 12, "1", "int"),
        ],
        "sympy": "6200*hands/(hands + 14)*belts/(belts + 3.5)",
    },
    # parcels of a district by the day of the week
    {
        "name": "parcels_of_a_day",
        "target": "parcels",
        "unit": "1",
        "variables": [
            ("households", 400, 5200, "1", "float"),
            ("day", 1, 180, "d", "int"),
        ],
        "sympy": "households*(0.031 + 0.0072*cos(2*pi*(day - 3)/7))",
    },
    # share of parcels that somebody takes in at the door
    {
        "name": "taken_in",
        "target": "share",
        "unit": "1",
        "variables": [
            ("hour", 8, 20, "h", "float"),
            ("flats", 1, 30, "1", "float"),
        ],
        "sympy": "1/(1 + exp(1.1 - 0.19*hour + 0.062*flats))",
    },
    # price of a parcel by weight, and by length and girth beyond a bound
    {
        "name": "bulky_parcel",
        "target": "price",
        "unit": "EUR",
        "variables": [
            ("kg", 0.5, 31, "kg", "float"),
            ("length", 20, 150, "cm", "float"),
            ("width", 10, 80, "cm", "float"),
        ],
        "sympy": "4.6 + 0.21*kg + 0.085*Max(0, length + 2*width - 165)",
    },
    # dearer of two contracts is never chosen: a courier by the kilometre, or a van by the day and the stop
    {
        "name": "cheaper_contract",
        "target": "cost",
        "unit": "EUR",
        "variables": [
            ("km", 15, 240, "km", "float"),
            ("stops", 4, 70, "1", "int"),
        ],
        "sympy": "Min(14 + 1.15*km, 62 + 0.34*km + 0.8*stops)",
    },
    # minutes at a door: stairs slow down, and heavy parcels on stairs more so
    {
        "name": "minutes_at_a_door",
        "target": "time",
        "unit": "min",
        "variables": [
            ("parcels", 1, 9, "1", "int"),
            ("floors", 0, 6, "1", "int"),
            ("kg", 0.5, 31, "kg", "float"),
        ],
        "sympy": "1.3 + 0.22*parcels + floors*(0.41 + 0.018*kg)",
    },
    # length of a round: to the district and back, and between stops that are strewn over it
    {
        "name": "length_of_a_round",
        "target": "length",
        "unit": "km",
        "variables": [
            ("away", 2, 45, "km", "float"),
            ("stops", 20, 170, "1", "int"),
            ("area", 3, 90, "km^2", "float"),
        ],
        "sympy": "2*away + 0.71*sqrt(stops*area)",
    },
    # calls at the service desk over a day, with two harmonics
    {
        "name": "calls_by_the_hour",
        "target": "calls",
        "unit": "1/h",
        "variables": [
            ("parcels", 2000, 26000, "1", "float"),
            ("hour", 0, 24, "h", "float"),
        ],
        "sympy": "parcels*(0.0042 + 0.0017*cos(2*pi*(hour - 15)/24) + 0.0006*cos(4*pi*(hour - 10)/24))",
    },
    # lockers in use, where a parcel that finds none goes to the shop
    {
        "name": "lockers_in_use",
        "target": "used",
        "unit": "1",
        "variables": [
            ("lockers", 20, 140, "1", "int"),
            ("parcels", 5, 160, "1/d", "float"),
            ("stay", 0.4, 2.6, "d", "float"),
        ],
        "sympy": "lockers*(1 - exp(-parcels*stay/lockers))",
    },
    # diesel surcharge from a price on, by weight, beside a price of distance
    {
        "name": "diesel_surcharge",
        "target": "freight",
        "unit": "EUR",
        "variables": [
            ("kg", 30, 1100, "kg", "float"),
            ("km", 40, 720, "km", "float"),
            ("diesel", 95, 210, "1", "float"),
        ],
        "sympy": "kg*(0.16 + 0.0011*Max(0, diesel - 138)) + 0.094*km",
    },
    # returns of a shop: a share that falls with the age of the account, and the season of a year
    {
        "name": "returns_of_a_year",
        "target": "returns",
        "unit": "1",
        "variables": [
            ("orders", 40, 900, "1", "float"),
            ("day", 1, 1095, "d", "int"),
        ],
        "sympy": "orders*(0.19 + 0.047*sin(2*pi*(day - 40)/365))",
    },
    # hours of a transfer between hubs: driving, a break of drivers by distance, waiting for a slot by use of the hub
    {
        "name": "transfer_between_hubs",
        "target": "time",
        "unit": "h",
        "variables": [
            ("km", 60, 620, "km", "float"),
            ("speed", 52, 84, "km/h", "float"),
            ("use", 0.2, 0.75, "1", "float"),
        ],
        "sympy": "km/speed + 0.35*use/(1 - use)",
    },
]
