"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

Each is a formula of a handbook, a standard, a tariff or a published model, named above it. The first eight are products
and sums of powers and ratios; the next ten have ratios of differences, thresholds, brackets, the lesser of two, a
logarithm, powers within a sum or the root of a sum; the last six are nested or periodic, or have a ratio of squares or
an exponential times something else. All have real values in ranges 25 % wider on both sides. What the keys mean is said
by CONTENT in _laws.py. Whoever works on the search should not read on, and should not choose between two ways by how
they do here: then these would be laws like all others. Once they have been looked at, they move to tuning.py and others
are written.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # gas of a tonne-kilometre, 3.24 kg CO2e a litre of diesel, with kilometres driven empty (EN 16258)
    {
        "name": "gas_of_a_tonne_kilometre",
        "target": "emissions",
        "unit": "g/(t*km)",
        "variables": [
            ("diesel", 17, 38, "l/(100 km)", "float"),
            ("empty", 0, 0.6, "1", "float"),
            ("capacity", 8, 27, "t", "float"),
            ("used", 0.35, 0.95, "1", "float"),
        ],
        "sympy": "32.4*diesel*(1 + empty)/(capacity*used)",
    },
    # pressure lost in a pipe to the sprinklers of a store, Hazen and Williams (EN 12845)
    {
        "name": "pressure_lost_to_sprinklers",
        "target": "pressure lost",
        "unit": "bar",
        "variables": [
            ("length", 8, 70, "m", "float"),
            ("flow", 450, 1950, "l/min", "float"),
            ("smoothness", 95, 148, "1", "float"),
            ("bore", 78, 132, "mm", "float"),
        ],
        "sympy": "605000*length*flow**1.85/(smoothness**1.85*bore**4.87)",
    },
    # power of the lamps of a hall for so much light at the floor (lumen method, EN 12464 and handbooks of lighting)
    {
        "name": "power_of_the_lamps",
        "target": "power",
        "unit": "W",
        "variables": [
            ("light", 95, 620, "lx", "float"),
            ("area", 420, 5900, "m^2", "float"),
            ("lamps", 68, 165, "lm/W", "float"),
            ("utilisation", 0.38, 0.88, "1", "float"),
            ("maintenance", 0.55, 0.9, "1", "float"),
        ],
        "sympy": "light*area/(lamps*utilisation*maintenance)",
    },
    # what a troughed belt carries: 0.11 of the square of the width in use, 0.9 B - 0.05 m (ISO 5048)
    {
        "name": "load_of_a_belt",
        "target": "flow",
        "unit": "t/h",
        "variables": [
            ("width", 0.3, 1.0, "m", "float"),
            ("speed", 0.8, 3.6, "m/s", "float"),
            ("density", 0.55, 2.1, "t/m^3", "float"),
        ],
        "sympy": "321*(width - 0.0556)**2*speed*density",
    },
    # diesel of a generator, by what it could give and what it gives, Skarstein and Uhlen 1989
    {
        "name": "diesel_of_a_generator",
        "target": "diesel",
        "unit": "l",
        "variables": [
            ("hours", 2, 23, "h", "float"),
            ("rated", 330, 920, "kW", "float"),
            ("given", 25, 310, "kW", "float"),
        ],
        "sympy": "hours*(0.08415*rated + 0.246*given)",
    },
    # demand for a spare that is seldom asked for, Syntetos and Boylan 2005
    {
        "name": "demand_now_and_then",
        "target": "demand",
        "unit": "piece/month",
        "variables": [
            ("size", 4, 85, "piece", "float"),
            ("interval", 1.3, 8.5, "month", "float"),
            ("smoothing", 0.05, 0.55, "1", "float"),
        ],
        "sympy": "(1 - smoothing/2)*size/interval",
    },
    # what the capital in a truck costs: straight depreciation, and interest on the mean (textbooks of cost accounting)
    {
        "name": "capital_in_a_truck",
        "target": "cost of a year",
        "unit": "EUR/a",
        "variables": [
            ("bought", 62000, 185000, "EUR", "float"),
            ("sold", 7000, 46000, "EUR", "float"),
            ("years", 3, 10, "a", "float"),
            ("interest", 1.8, 9.5, "%/a", "float"),
        ],
        "sympy": "(bought - sold)/years + interest*(bought + sold)/200",
    },
    # vehicles that a line needs, both ways and a pause at both ends (Transit Capacity and Quality of Service Manual)
    {
        "name": "vehicles_of_a_line",
        "target": "vehicles",
        "unit": "veh",
        "variables": [
            ("length", 4, 23, "km", "float"),
            ("speed", 13, 33, "km/h", "float"),
            ("pause", 3, 17, "min", "float"),
            ("headway", 4, 21, "min", "float"),
        ],
        "sympy": "(120*length/speed + 2*pause)/headway",
    },
    # power of a heat pump that reaches 45 % of the best, between two temperatures in °C (textbooks of thermodynamics)
    {
        "name": "power_of_a_heat_pump",
        "target": "power",
        "unit": "kW",
        "variables": [
            ("heat", 12, 130, "kW", "float"),
            ("hot", 32, 68, "1", "float"),
            ("cold", -14, 13, "1", "float"),
        ],
        "sympy": "heat*(hot - cold)/(0.45*(hot + 273.15))",
    },
    # order for one season whose demand is anything from low to high, newsvendor (Nahmias, Production and Operations)
    {
        "name": "order_for_one_season",
        "target": "order",
        "unit": "piece",
        "variables": [
            ("low", 80, 420, "piece", "float"),
            ("high", 560, 1300, "piece", "float"),
            ("price", 32, 64, "EUR/piece", "float"),
            ("cost", 12, 28, "EUR/piece", "float"),
            ("clearance", 2, 10, "EUR/piece", "float"),
        ],
        "sympy": "low + (high - low)*(price - cost)/(price - clearance)",
    },
    # resistance of a freight train by load of an axle, four to a car, speed and grade, modified Davis 1970 (AREMA)
    {
        "name": "resistance_of_a_train",
        "target": "resistance",
        "unit": "lb/ton",
        "variables": [
            ("axle", 7.5, 35, "ton", "float"),
            ("speed", 8, 72, "mi/h", "float"),
            ("grade", 0, 0.4, "%", "float"),
        ],
        "sympy": "0.6 + 20/axle + 0.01*speed + 0.0175*speed**2/axle + 20*grade",
    },
    # boxes kept beyond the free days, dearer after another week (detention tariffs of container lines)
    {
        "name": "boxes_kept_too_long",
        "target": "detention",
        "unit": "EUR",
        "variables": [
            ("boxes", 1, 12, "1", "int"),
            ("days", 1, 26, "d", "float"),
            ("free", 2.5, 8.5, "d", "float"),
            ("rate", 18, 75, "EUR/d", "float"),
        ],
        "sympy": "boxes*(rate*Max(0, days - free) + 45*Max(0, days - free - 7))",
    },
    # use of the grid, where one tariff is better below 2500 h of full use a year, one above (StromNEV, price sheets)
    {
        "name": "use_of_the_grid",
        "target": "charge of a year",
        "unit": "EUR/a",
        "variables": [
            ("peak", 85, 940, "kW", "float"),
            ("energy", 110, 3600, "MWh/a", "float"),
        ],
        "sympy": "Min(22*peak + 61*energy, 112*peak + 25*energy)",
    },
    # bonus on what was bought in a year, 6 % from the 500th piece and 11 % from the 1500th (contracts of purchase)
    {
        "name": "bonus_on_purchases",
        "target": "bonus",
        "unit": "EUR",
        "variables": [
            ("pieces", 90, 3100, "piece", "float"),
            ("price", 4, 29, "EUR/piece", "float"),
        ],
        "sympy": "price*(0.06*Max(0, pieces - 500) + 0.05*Max(0, pieces - 1500))",
    },
    # noise 25 m off a road by traffic and its share of trucks (RLS-90)
    {
        "name": "noise_of_a_road",
        "target": "mean level",
        "unit": "1",
        "variables": [
            ("traffic", 55, 4600, "veh/h", "log"),
            ("heavy", 0, 42, "%", "float"),
        ],
        "sympy": "37.3 + 10*log(traffic*(1 + 0.082*heavy))/log(10)",
    },
    # planned service and minimal repairs between, failures by a power of time, Barlow and Hunter 1960
    {
        "name": "service_and_repairs_between",
        "target": "cost of an hour",
        "unit": "EUR/h",
        "variables": [
            ("service", 190, 930, "EUR", "float"),
            ("repair", 240, 1900, "EUR", "float"),
            ("interval", 320, 3300, "h", "float"),
        ],
        "sympy": "(service + repair*(interval/1900)**2.3)/interval",
    },
    # travel of a stacker crane to one place and back, and two times at the fork, Bozer and White 1984
    {
        "name": "travel_of_a_stacker_crane",
        "target": "time of a cycle",
        "unit": "s",
        "variables": [
            ("length", 78, 142, "m", "float"),
            ("along", 1.8, 3.1, "m/s", "float"),
            ("height", 13, 31, "m", "float"),
            ("up", 0.75, 1.4, "m/s", "float"),
            ("fork", 5, 15, "s", "float"),
        ],
        "sympy": "2*fork + length/along + (height/up)**2*along/(3*length)",
    },
    # safety stock for 95 % in one place instead of several whose demands go together somewhat, Eppen 1979
    {
        "name": "stock_in_one_place",
        "target": "safety stock",
        "unit": "piece",
        "variables": [
            ("deviation", 25, 125, "piece", "float"),
            ("lead", 1, 6, "1", "float"),
            ("places", 2, 10, "1", "int"),
            ("correlation", 0, 0.75, "1", "float"),
        ],
        "sympy": "1.645*deviation*sqrt(lead*places*(1 + (places - 1)*correlation))",
    },
    # delay at a signal that is at times full, for a quarter of an hour (Highway Capacity Manual 2000, d2)
    {
        "name": "delay_at_a_full_signal",
        "target": "delay",
        "unit": "s",
        "variables": [
            ("degree", 0.5, 1.16, "1", "float"),
            ("capacity", 340, 1750, "veh/h", "float"),
        ],
        "sympy": "225*(degree - 1 + sqrt((degree - 1)**2 + 16*degree/capacity))",
    },
    # calls that find both fitters busy and go elsewhere, Erlang 1917 (textbooks of queueing)
    {
        "name": "calls_that_go_elsewhere",
        "target": "calls lost",
        "unit": "%",
        "variables": [
            ("calls", 1.1, 14, "1/h", "float"),
            ("minutes", 6, 33, "min", "float"),
        ],
        "sympy": "100*(calls*minutes/60)**2/(2 + 2*calls*minutes/60 + (calls*minutes/60)**2)",
    },
    # chance that more than one part fails before the next comes, Poisson (Sherbrooke, Optimal Inventory Modeling)
    {
        "name": "more_than_one_failure",
        "target": "chance",
        "unit": "%",
        "variables": [
            ("installed", 4, 42, "1", "int"),
            ("lead", 5, 62, "d", "float"),
            ("between", 140, 930, "d", "float"),
        ],
        "sympy": "100*(1 - exp(-installed*lead/between)*(1 + installed*lead/between))",
    },
    # width of two lanes in a curve: trucks cut it by R - sqrt(R² - L²), fast drivers sway (AASHTO Green Book)
    {
        "name": "width_of_a_curve",
        "target": "width",
        "unit": "m",
        "variables": [
            ("radius", 14, 76, "m", "float"),
            ("wheelbase", 4.2, 8.2, "m", "float"),
            ("speed", 14, 72, "km/h", "float"),
        ],
        "sympy": "7 + 2*(radius - sqrt(radius**2 - wheelbase**2)) + 0.1*speed/sqrt(radius)",
    },
    # load of a grid over a day, two harmonics, and cooling on hot days (Hyndman and Athanasopoulos, Forecasting)
    {
        "name": "load_of_a_day",
        "target": "load",
        "unit": "MW",
        "variables": [
            ("level", 150, 430, "MW", "float"),
            ("hour", 0, 24, "h", "float"),
            ("air", -4, 37, "1", "float"),
        ],
        "sympy": "level*(1 + 0.21*cos(2*pi*(hour - 16.5)/24) + 0.09*cos(4*pi*(hour - 8.2)/24)) + 4.6*Max(0, air - 21)",
    },
    # dryness of the air in a timber kiln by relative humidity and °C, Magnus (WMO, Guide to Instruments and Methods)
    {
        "name": "dryness_of_a_kiln",
        "target": "saturation deficit",
        "unit": "hPa",
        "variables": [
            ("humidity", 14, 93, "%", "float"),
            ("air", 2, 79, "1", "float"),
        ],
        "sympy": "6.112*(1 - humidity/100)*exp(17.62*air/(243.12 + air))",
    },
]
