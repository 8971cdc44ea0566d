"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

Each is a formula of a handbook, a standard, a tariff or a regression, named above it. The first eight are products and
sums of powers; the next eight have a bracket, a ratio of sums, an exponential or thresholds; the last eight are nested,
periodic, saturate, or take the root of a sum. All have real values in ranges 25 % wider on both sides. What the keys
mean is said by CONTENT in _laws.py. Whoever works on the search should not read on, and should not choose between two
ways by how they do here: then these would be laws like all others. Once they have been looked at, they move to
tuning.py and others are written.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # stopping sight distance, AASHTO Green Book: 0.278 V t + 0.039 V²/a
    {
        "name": "way_to_a_stop",
        "target": "stopping distance",
        "unit": "m",
        "variables": [
            ("speed", 20, 110, "km/h", "float"),
            ("reaction", 0.7, 2.8, "s", "float"),
            ("braking", 2.4, 7.5, "m/s^2", "float"),
        ],
        "sympy": "0.278*speed*reaction + 0.039*speed**2/braking",
    },
    # power of a ship by the Admiralty coefficient (naval architecture; tonnes and knots)
    {
        "name": "power_of_a_ship",
        "target": "power at the propeller",
        "unit": "kW",
        "variables": [
            ("displacement", 5000, 165000, "t", "log"),
            ("knots", 9, 22, "kn", "float"),
            ("coefficient", 380, 650, "1", "float"),
        ],
        "sympy": "displacement**(2/3)*knots**3/coefficient",
    },
    # resistance of freight cars, Davis 1926, in lb per short ton; cars of four axles
    {
        "name": "resistance_of_a_car",
        "target": "resistance of a freight car",
        "unit": "1",
        "variables": [
            ("axle", 7, 33, "short_ton", "float"),
            ("speed", 8, 68, "mph", "float"),
            ("front", 85, 150, "ft^2", "float"),
        ],
        "sympy": "1.3 + 29/axle + 0.045*speed + 0.000125*front*speed**2/axle",
    },
    # how long a lead battery lasts, Peukert 1897, rated at five hours as those of forklifts are
    {
        "name": "forklift_battery",
        "target": "time until empty",
        "unit": "h",
        "variables": [
            ("charge", 120, 900, "Ah", "log"),
            ("current", 15, 140, "A", "log"),
        ],
        "sympy": "5*(charge/(5*current))**1.18",
    },
    # lighting by the lumen method, utilisation times maintenance 0.48 (lighting handbooks)
    {
        "name": "lighting_of_a_hall",
        "target": "electricity for lighting",
        "unit": "kWh/a",
        "variables": [
            ("floor", 300, 14000, "m^2", "log"),
            ("brightness", 75, 500, "lx", "float"),
            ("burning", 1500, 7000, "h/a", "float"),
            ("efficacy", 70, 165, "lm/W", "float"),
        ],
        "sympy": "floor*brightness*burning/(480*efficacy)",
    },
    # bullwhip of a moving average, Chen, Drezner, Ryan and Simchi-Levi 2000: 1 + 2 L/p + 2 L²/p²
    {
        "name": "bullwhip",
        "target": "variance of orders over that of demand",
        "unit": "1",
        "variables": [
            ("lead", 1, 9, "week", "float"),
            ("window", 4, 26, "week", "int"),
        ],
        "sympy": "1 + 2*lead/window + 2*(lead/window)**2",
    },
    # time of a leg with speeding up and slowing down (cycle times of FEM 9.851)
    {
        "name": "leg_of_a_shuttle",
        "target": "time of a leg",
        "unit": "s",
        "variables": [
            ("way", 2, 45, "m", "float"),
            ("speed", 0.6, 2.2, "m/s", "float"),
            ("push", 0.2, 0.9, "m/s^2", "float"),
        ],
        "sympy": "way/speed + speed/push",
    },
    # wind chill of 2001 (Environment Canada), which limits shifts in cold stores; degrees Celsius
    {
        "name": "chill_in_a_cold_store",
        "target": "felt temperature",
        "unit": "1",
        "variables": [
            ("air", -38, 4, "1", "float"),
            ("wind", 6, 45, "km/h", "float"),
        ],
        "sympy": "13.12 + 0.6215*air - 11.37*wind**0.16 + 0.3965*air*wind**0.16",
    },
    # single-command cycle of a storage crane, Bozer and White 1984: T (1 + b²/3), and twice the handling
    {
        "name": "cycle_of_a_storage_crane",
        "target": "cycle time",
        "unit": "s",
        "variables": [
            ("travel", 18, 75, "s", "float"),
            ("shape", 0.3, 1.0, "1", "float"),
            ("handling", 6, 20, "s", "float"),
        ],
        "sympy": "travel*(1 + shape**2/3) + 2*handling",
    },
    # practical worst case of a line, Hopp and Spearman, Factory Physics: w r/(W + w − 1)
    {
        "name": "output_of_a_line",
        "target": "output",
        "unit": "piece/h",
        "variables": [
            ("jobs", 1, 60, "piece", "int"),
            ("bottleneck", 4, 45, "piece/h", "float"),
            ("critical", 3, 18, "piece", "float"),
        ],
        "sympy": "bottleneck*jobs/(jobs + critical - 1)",
    },
    # every part every interval (lean handbooks): set-ups over the minutes a day that production leaves
    {
        "name": "every_part_every_interval",
        "target": "interval between runs of a part",
        "unit": "d",
        "variables": [
            ("parts", 4, 30, "1", "int"),
            ("changeover", 6, 45, "min", "float"),
            ("minutes", 780, 960, "min/d", "float"),
            ("needed", 150, 420, "piece/d", "float"),
            ("cycle", 0.5, 1.3, "min/piece", "float"),
        ],
        "sympy": "parts*changeover/(minutes - needed*cycle)",
    },
    # pay of a shift with 25 % more from the ninth hour and 50 % more from the eleventh (collective agreements)
    {
        "name": "pay_with_overtime",
        "target": "pay of a shift",
        "unit": "EUR",
        "variables": [
            ("hours", 5, 13, "h", "float"),
            ("wage", 13, 31, "EUR/h", "float"),
        ],
        "sympy": "wage*(hours + 0.25*Max(0, hours - 8) + 0.25*Max(0, hours - 10))",
    },
    # groupage by chargeable weight: 333 kg a cubic metre, 1,750 kg a loading metre (trade rule of European road)
    {
        "name": "chargeable_weight",
        "target": "freight of a consignment",
        "unit": "EUR",
        "variables": [
            ("weight", 300, 9000, "kg", "float"),
            ("volume", 2, 26, "m^3", "float"),
            ("metres", 0.4, 5.2, "m", "float"),
            ("rate", 9, 38, "EUR/100 kg", "float"),
        ],
        "sympy": "0.01*rate*Max(weight, 333*volume, 1750*metres)",
    },
    # a barge up a river and back down (textbooks of inland shipping)
    {
        "name": "barge_there_and_back",
        "target": "time of a round trip",
        "unit": "h",
        "variables": [
            ("way", 20, 350, "km", "log"),
            ("speed", 10, 19, "km/h", "float"),
            ("current", 1, 5.5, "km/h", "float"),
        ],
        "sympy": "way/(speed - current) + way/(speed + current)",
    },
    # revenue under linear demand that rises with income (price textbooks)
    {
        "name": "revenue_of_a_meal_kit",
        "target": "revenue",
        "unit": "EUR/d",
        "variables": [
            ("price", 1.2, 5.8, "EUR", "float"),
            ("income", 1500, 4500, "EUR/month", "float"),
        ],
        "sympy": "price*(140 + 0.06*income - 34*price)",
    },
    # flow and density on a road, Underwood 1961; free speed 62 km/h, most flow at 38 vehicles a kilometre
    {
        "name": "flow_on_a_road",
        "target": "flow",
        "unit": "veh/h",
        "variables": [("density", 2, 120, "veh/km", "float")],
        "sympy": "62*density*exp(-density/38)",
    },
    # waiting for one of several machines, Sakasegawa 1977 (Factory Physics)
    {
        "name": "wait_for_machines",
        "target": "waiting time",
        "unit": "min",
        "variables": [
            ("work", 4, 50, "min", "float"),
            ("busy", 0.35, 0.85, "1", "float"),
            ("machines", 1, 7, "1", "int"),
        ],
        "sympy": "work*busy**(sqrt(2*machines + 2) - 1)/(machines*(1 - busy))",
    },
    # walk of a picker through every aisle that has a line of the order, Hall 1993
    {
        "name": "aisles_of_an_order",
        "target": "walk along aisles",
        "unit": "m",
        "variables": [
            ("length", 12, 45, "m", "float"),
            ("aisles", 4, 24, "1", "int"),
            ("lines", 2, 40, "1", "int"),
        ],
        "sympy": "length*aisles*(1 - (1 - 1/aisles)**lines)",
    },
    # travel time on a secondary road over an hour, Akçelik 1991, delay parameter 0.8
    {
        "name": "minutes_a_kilometre",
        "target": "travel time",
        "unit": "min/km",
        "variables": [
            ("free", 0.7, 1.6, "min/km", "float"),
            ("load", 0.3, 1.25, "1", "float"),
            ("capacity", 600, 1500, "veh/h", "float"),
        ],
        "sympy": "free + 15*(load - 1 + sqrt((load - 1)**2 + 6.4*load/capacity))",
    },
    # safety stock pooled over two correlated markets, Eppen 1979
    {
        "name": "pooled_stock",
        "target": "safety stock of a joint warehouse",
        "unit": "piece",
        "variables": [
            ("north", 8, 140, "piece/d", "float"),
            ("south", 12, 190, "piece/d", "float"),
            ("alike", -0.4, 0.9, "1", "float"),
            ("lead", 2, 25, "d", "float"),
        ],
        "sympy": "1.75*sqrt(lead*(north**2 + south**2 + 2*alike*north*south))",
    },
    # water under the keel: the lunar tide of 12.42 h, and squat after Barrass, C V²/100
    {
        "name": "under_the_keel",
        "target": "clearance under the keel",
        "unit": "m",
        "variables": [
            ("depth", 16, 22, "m", "float"),
            ("draught", 8, 12.5, "m", "float"),
            ("hour", 0, 60, "h", "float"),
            ("knots", 3, 14, "kn", "float"),
        ],
        "sympy": "depth - draught + 1.7*cos(2*pi*(hour - 4.1)/12.42) - 0.0079*knots**2",
    },
    # arrivals by the hour of the day as a Fourier series of two terms (traffic counts)
    {
        "name": "trucks_by_the_hour",
        "target": "trucks that arrive",
        "unit": "veh/h",
        "variables": [
            ("daily", 90, 2600, "veh/d", "log"),
            ("hour", 0, 24, "h", "float"),
        ],
        "sympy": "daily/24*(1 + 0.62*sin(2*pi*(hour - 8.2)/24) + 0.25*sin(4*pi*(hour - 3.4)/24))",
    },
    # share of a shop beside a rival, Huff 1964
    {
        "name": "share_of_a_shop",
        "target": "share of clients",
        "unit": "%",
        "variables": [
            ("own", 250, 4000, "m^2", "log"),
            ("way", 0.4, 6, "km", "float"),
            ("rival", 400, 6000, "m^2", "log"),
            ("detour", 0.6, 9, "km", "float"),
        ],
        "sympy": "100*own/way**1.8/(own/way**1.8 + rival/detour**1.8)",
    },
    # lashings that hold a load down in braking, EN 12195-1, safety 1.25; before it is rounded up
    {
        "name": "lashings",
        "target": "lashings needed",
        "unit": "1",
        "variables": [
            ("mass", 0.8, 9, "t", "float"),
            ("friction", 0.2, 0.55, "1", "float"),
            ("angle", 35, 88, "deg", "float"),
            ("tension", 250, 600, "daN", "float"),
        ],
        "sympy": "613*mass*(0.8 - friction)/(friction*sin(pi*angle/180)*tension)",
    },
]
