"""Twenty-four laws of transport, logistics, production, energy and retail, written before the search was put in order.

Each is what somebody of that trade would write down, with values as they occur there. The search may be tuned on the
first twelve; the last twelve judge it, and whoever works on it should not read on. Both halves hold the same trades.
All have real values in ranges 25 % wider on both sides. What the keys mean is said by CONTENT in _laws.py.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # fare of a taxi by kilometre and minute, and a least fare
    {
        "name": "least_fare_of_a_taxi",
        "target": "fare",
        "unit": "EUR",
        "variables": [("km", 0.5, 18, "km", "log"), ("waiting", 0, 14, "min", "float")],
        "sympy": "Max(9.5, 4.2 + 2.3*km + 0.6*waiting)",
    },
    # how long a bus stands at a stop: who leaves and who enters use different doors
    {
        "name": "bus_at_a_stop",
        "target": "standing time",
        "unit": "s",
        "variables": [
            ("boarding", 0, 30, "1", "int"),
            ("alighting", 0, 30, "1", "int"),
            ("doors", 1, 4, "1", "int"),
        ],
        "sympy": "5.5 + Max(2.8*boarding, 1.6*alighting)/doors",
    },
    # freight of a part load that never costs more than the whole truck
    {
        "name": "part_load",
        "target": "freight",
        "unit": "EUR",
        "variables": [("pallets", 1, 33, "1", "int"), ("km", 40, 950, "km", "float")],
        "sympy": "Min(180 + 1.15*km, 45 + pallets*(11 + 0.055*km))",
    },
    # minutes of a round with the way between stops by their density (Daganzo)
    {
        "name": "minutes_of_a_round",
        "target": "duration",
        "unit": "min",
        "variables": [
            ("stops", 20, 160, "1", "int"),
            ("service", 1.5, 7, "min", "float"),
            ("density", 0.6, 40, "1", "log"),
            ("speed", 14, 45, "km/h", "float"),
        ],
        "sympy": "stops*(service + 42/(speed*sqrt(density)))",
    },
    # good parts of a shift with setups, cycle time and scrap
    {
        "name": "good_parts_of_a_shift",
        "target": "parts",
        "unit": "1",
        "variables": [
            ("hours", 6, 10, "h", "float"),
            ("setups", 0, 6, "1", "int"),
            ("changeover", 10, 42, "min", "float"),
            ("cycle", 0.4, 3.2, "min", "float"),
            ("scrap", 0.005, 0.14, "1", "float"),
        ],
        "sympy": "(60*hours - setups*changeover)*(1 - scrap)/cycle",
    },
    # how long a part cools in its mould until it can be taken out (handbooks of injection moulding)
    {
        "name": "cooling_of_a_moulding",
        "target": "cooling time",
        "unit": "s",
        "variables": [
            ("thickness", 1, 5, "mm", "float"),
            ("melt", 200, 285, "degC", "float"),
            ("mould", 25, 65, "degC", "float"),
            ("ejected", 88, 122, "degC", "float"),
        ],
        "sympy": "0.92*thickness**2*log(0.811*(melt - mould)/(ejected - mould))",
    },
    # force of a press brake by strength, length and thickness of the sheet and width of the die
    {
        "name": "force_of_a_press_brake",
        "target": "force",
        "unit": "kN",
        "variables": [
            ("strength", 280, 720, "MPa", "float"),
            ("length", 0.3, 3, "m", "float"),
            ("thickness", 0.8, 6, "mm", "float"),
            ("die", 8, 60, "mm", "float"),
        ],
        "sympy": "1.33*strength*length*thickness**2/die",
    },
    # power of a wind turbine below and at its rating
    {
        "name": "power_of_a_turbine",
        "target": "power",
        "unit": "kW",
        "variables": [
            ("wind", 4, 17, "m/s", "float"),
            ("diameter", 82, 126, "m", "float"),
            ("density", 1.08, 1.3, "kg/m^3", "float"),
        ],
        "sympy": "Min(2400, 0.000172*density*diameter**2*wind**3)",
    },
    # heat lost by a buried pipe of a district network
    {
        "name": "loss_of_a_buried_pipe",
        "target": "heat loss",
        "unit": "kW",
        "variables": [
            ("length", 50, 900, "m", "float"),
            ("water", 65, 112, "degC", "float"),
            ("soil", 4, 15, "degC", "float"),
            ("insulation", 25, 85, "mm", "float"),
            ("bore", 60, 280, "mm", "float"),
        ],
        "sympy": "0.000157*length*(water - soil)/log(1 + 2*insulation/bore)",
    },
    # heat of a building by area and outdoor temperature up to the heating limit, and warm water by head
    {
        "name": "heat_of_a_building",
        "target": "heat",
        "unit": "kW",
        "variables": [
            ("outside", -14, 26, "degC", "float"),
            ("area", 400, 4200, "m^2", "float"),
            ("people", 10, 160, "1", "int"),
        ],
        "sympy": "0.19*people + 0.0021*area*Max(0, 15.5 - outside)",
    },
    # units sold by price against the usual one, with a second placement in the store
    {
        "name": "units_by_price",
        "target": "units",
        "unit": "1",
        "variables": [
            ("usual", 40, 620, "1", "float"),
            ("price", 0.99, 2.49, "EUR", "float"),
            ("regular", 1.79, 2.59, "EUR", "float"),
            ("placed", 0, 1, "1", "int"),
        ],
        "sympy": "usual*(regular/price)**2.3*(1 + 0.45*placed)",
    },
    # ice cream sold by temperature, more of it at weekends
    {
        "name": "ice_by_temperature",
        "target": "units",
        "unit": "1",
        "variables": [("temperature", 4, 36, "degC", "float"), ("weekend", 0, 1, "1", "int")],
        "sympy": "640*(1 + 0.35*weekend)/(1 + exp(-0.31*(temperature - 21)))",
    },
    # the last twelve: way of a train until it stands, reaction included, on a slope
    {
        "name": "braking_of_a_train",
        "target": "distance",
        "unit": "m",
        "variables": [
            ("speed", 40, 200, "km/h", "float"),
            ("reaction", 1, 6, "s", "float"),
            ("slope", -20, 25, "1", "float"),
        ],
        "sympy": "speed*reaction/3.6 + speed**2/(25.92*(0.75 + 0.00981*slope))",
    },
    # air freight by what weighs more, mass or volume, and a least charge
    {
        "name": "air_waybill",
        "target": "freight",
        "unit": "EUR",
        "variables": [
            ("kg", 5, 420, "kg", "log"),
            ("volume", 0.03, 2.6, "m^3", "log"),
            ("rate", 1.4, 6.2, "EUR/kg", "float"),
        ],
        "sympy": "Max(75, rate*Max(kg, 167*volume))",
    },
    # monthly bill of a store: a fee, moves in and out, and places
    {
        "name": "bill_of_a_store",
        "target": "bill",
        "unit": "EUR",
        "variables": [
            ("moves", 40, 900, "1", "int"),
            ("pallets", 30, 1400, "1", "int"),
            ("days", 7, 31, "d", "int"),
        ],
        "sympy": "150 + 3.2*moves + 0.21*pallets*days",
    },
    # stock at which to order again when demand and delivery time both vary
    {
        "name": "point_of_order",
        "target": "stock",
        "unit": "1",
        "variables": [
            ("demand", 20, 240, "1", "float"),
            ("lead", 2, 21, "d", "float"),
            ("spread", 4, 75, "1", "float"),
            ("late", 0.3, 5, "d", "float"),
        ],
        "sympy": "demand*lead + 1.645*sqrt(lead*spread**2 + demand**2*late**2)",
    },
    # heat put into a weld by its length (EN 1011)
    {
        "name": "heat_of_a_weld",
        "target": "heat",
        "unit": "kJ/mm",
        "variables": [
            ("voltage", 17, 34, "V", "float"),
            ("current", 90, 360, "A", "float"),
            ("speed", 3, 11, "mm/s", "float"),
            ("efficiency", 0.58, 0.96, "1", "float"),
        ],
        "sympy": "0.001*efficiency*voltage*current/speed",
    },
    # cost of a piece by lot, material with scrap, and minutes of work
    {
        "name": "cost_of_a_piece",
        "target": "cost",
        "unit": "EUR",
        "variables": [
            ("setup", 40, 420, "EUR", "float"),
            ("lot", 10, 600, "1", "log"),
            ("material", 2, 34, "EUR", "float"),
            ("scrap", 0.01, 0.22, "1", "float"),
            ("minutes", 1, 26, "min", "float"),
        ],
        "sympy": "setup/lot + material/(1 - scrap) + 0.78*minutes",
    },
    # power of solar panels that grow warm in the sun
    {
        "name": "power_of_warm_panels",
        "target": "power",
        "unit": "kW",
        "variables": [
            ("sun", 60, 1050, "W/m^2", "float"),
            ("air", -8, 38, "degC", "float"),
            ("area", 30, 900, "m^2", "float"),
        ],
        "sympy": "0.000205*area*sun*(1 - 0.0041*(air + 0.031*sun - 25))",
    },
    # monthly bill of a plant: energy, and the peak or a share of the contract
    {
        "name": "bill_of_a_plant",
        "target": "bill",
        "unit": "EUR",
        "variables": [
            ("energy", 12000, 190000, "kWh", "float"),
            ("peak", 60, 620, "kW", "float"),
            ("contract", 150, 700, "kW", "float"),
        ],
        "sympy": "95 + 0.142*energy + 11.8*Max(peak, 0.7*contract)",
    },
    # capacity lost by a battery: by time and warmth, and by cycles
    {
        "name": "fade_of_a_battery",
        "target": "capacity lost",
        "unit": "1",
        "variables": [
            ("days", 30, 3200, "d", "float"),
            ("warmth", 8, 44, "degC", "float"),
            ("cycles", 20, 2600, "1", "float"),
        ],
        "sympy": "0.041*sqrt(days)*exp(0.033*warmth) + 0.0038*cycles",
    },
    # delivery fee that large baskets save, and a way beyond the town
    {
        "name": "delivery_fee",
        "target": "fee",
        "unit": "EUR",
        "variables": [("basket", 12, 160, "EUR", "float"), ("km", 0.5, 14, "km", "float")],
        "sympy": "Max(0, 7.9 - 0.09*basket) + 0.85*Max(0, km - 5)",
    },
    # tills to be staffed by customers, items of a basket and how busy tills may be
    {
        "name": "tills",
        "target": "tills",
        "unit": "1",
        "variables": [
            ("customers", 40, 520, "1", "int"),
            ("items", 3, 34, "1", "float"),
            ("busy", 0.55, 0.92, "1", "float"),
        ],
        "sympy": "customers*(24 + 2.1*items)/(3600*busy)",
    },
    # fee of a card payment by amount and share of foreign cards, with a least and a most
    {
        "name": "fee_of_a_card",
        "target": "fee",
        "unit": "EUR",
        "variables": [("amount", 8, 2200, "EUR", "log"), ("foreign", 0, 1, "1", "float")],
        "sympy": "Min(12, Max(0.5, amount*(0.008 + 0.011*foreign)))",
    },
]
