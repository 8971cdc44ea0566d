"""Twelve laws of yards, docks and lorries, written before the search was made a function of the rows alone.

The first six were looked at while it was; the last six once, when it was done. What the keys mean is said by CONTENT in
_laws.py. All have real values in ranges 25 % wider on both sides.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # cost of a trip: hours and kilometres, and a fee by the stop
    {
        "name": "cost_of_a_trip",
        "target": "cost",
        "unit": "EUR",
        "variables": [
            ("km", 12, 380, "km", "float"),
            ("hours", 1, 10, "h", "float"),
            ("stops", 2, 30, "1", "int"),
        ],
        "sympy": "0.62*km + 31.5*hours + 2.4*stops",
    },
    # diesel by distance and load, with more of it in the cold
    {
        "name": "diesel_in_the_cold",
        "target": "diesel",
        "unit": "l",
        "variables": [
            ("km", 20, 600, "km", "float"),
            ("load", 0.5, 24, "t", "float"),
            ("cold", 0, 25, "1", "float"),
        ],
        "sympy": "km*(0.19 + 0.0061*load)*(1 + 0.004*cold)",
    },
    # freight by weight with a least charge
    {
        "name": "least_charge",
        "target": "freight",
        "unit": "EUR",
        "variables": [
            ("kg", 40, 2400, "kg", "float"),
            ("km", 60, 900, "km", "float"),
        ],
        "sympy": "Max(48, 0.0021*kg*km**0.72)",
    },
    # wait at a dock, a queue of one server
    {
        "name": "wait_at_a_dock",
        "target": "wait",
        "unit": "min",
        "variables": [
            ("arrivals", 0.4, 2.6, "1/h", "float"),
            ("rate", 4, 9, "1/h", "float"),
        ],
        "sympy": "60*arrivals/(rate*(rate - arrivals))",
    },
    # time to unload: pallets by the lifts, and a learning of the crew
    {
        "name": "time_to_unload",
        "target": "time",
        "unit": "min",
        "variables": [
            ("pallets", 2, 66, "1", "int"),
            ("lifts", 1, 4, "1", "int"),
            ("weeks", 1, 60, "1", "float"),
        ],
        "sympy": "7 + 3.1*pallets*weeks**(-0.21)/lifts",
    },
    # share of parcels delivered at the first attempt falls with the hour after noon
    {
        "name": "first_attempt",
        "target": "parcels",
        "unit": "1",
        "variables": [
            ("parcels", 30, 220, "1", "float"),
            ("flats", 1, 24, "1", "float"),
            ("hour", 8, 20, "h", "float"),
        ],
        "sympy": "parcels*(1 - 0.31*exp(-0.13*flats))*(0.86 + 0.05*sin(0.45*hour))",
    },
    # road fee: by kilometre and axles, more for the weight beyond a bound
    {
        "name": "fee_beyond_a_weight",
        "target": "fee",
        "unit": "EUR",
        "variables": [
            ("km", 15, 700, "km", "float"),
            ("axles", 2, 6, "1", "int"),
            ("weight", 4, 40, "t", "float"),
        ],
        "sympy": "km*(0.041*axles + 0.0093*Max(0, weight - 18))",
    },
    # speed of a tugger train, that slows by wagons, and stops
    {
        "name": "tour_of_a_tugger",
        "target": "tour",
        "unit": "min",
        "variables": [
            ("metres", 150, 2100, "m", "float"),
            ("wagons", 1, 6, "1", "int"),
            ("stops", 2, 16, "1", "int"),
        ],
        "sympy": "metres*(1 + 0.06*wagons)/140 + 1.35*stops",
    },
    # stock that is kept against late and varying deliveries
    {
        "name": "stock_against_lateness",
        "target": "stock",
        "unit": "piece",
        "variables": [
            ("days", 2, 45, "d", "float"),
            ("spread", 3, 60, "piece", "float"),
            ("demand", 10, 320, "piece/d", "float"),
            ("late", 0.2, 6, "d", "float"),
        ],
        "sympy": "1.64*sqrt(days*spread**2 + demand**2*late**2)",
    },
    # chargeable weight, the greater of scale and volume, times a rate that falls with distance
    {
        "name": "chargeable_weight",
        "target": "freight",
        "unit": "EUR",
        "variables": [
            ("kg", 10, 900, "kg", "float"),
            ("cbm", 0.05, 5, "m^3", "float"),
            ("km", 80, 1400, "km", "float"),
        ],
        "sympy": "0.011*km**0.63*Max(kg, 167*cbm)",
    },
    # range of a van on batteries
    {
        "name": "range_of_a_van",
        "target": "range",
        "unit": "km",
        "variables": [
            ("kwh", 35, 110, "kWh", "float"),
            ("load", 0, 1400, "kg", "float"),
            ("speed", 25, 110, "km/h", "float"),
        ],
        "sympy": "100*kwh/(13.2 + 0.0043*load + 0.00082*speed**2)",
    },
    # parcels of a stop fill a van until it is full: a share that levels off
    {
        "name": "filling_of_a_van",
        "target": "drop",
        "unit": "1",
        "variables": [
            ("parcels", 20, 400, "1", "float"),
            ("litres", 4, 70, "l", "float"),
            ("room", 5, 18, "m^3", "float"),
        ],
        "sympy": "1 - exp(-0.00095*parcels*litres/room)",
    },
]
