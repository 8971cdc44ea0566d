"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

Each is a formula of a handbook, a standard, a tariff or a published model, named above it. The first eight are products
and sums of powers; the next eight have a bracket, a ratio of sums, an exponential, thresholds or a least or greatest
charge; the last eight are nested, periodic, saturate, take the root of a sum, or have an exponent in a column. All
have real values in ranges 25 % wider on both sides. What the keys mean is said by CONTENT in _laws.py. Whoever works on
the search should not read on, and should not choose between two ways by how they do here: then these would be laws like
all others. Once they have been looked at, they move to tuning.py and others are written.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # boxes a yard passes in a year, Dally and Maguire 1983: slots, height, share in use over dwell and peak
    {
        "name": "capacity_of_a_yard",
        "target": "boxes in a year",
        "unit": "TEU/a",
        "variables": [
            ("slots", 400, 9000, "TEU", "log"),
            ("tiers", 2, 5, "1", "int"),
            ("used", 0.5, 0.85, "1", "float"),
            ("dwell", 2.5, 12, "d", "float"),
            ("peak", 1.1, 1.6, "1", "float"),
        ],
        "sympy": "365*slots*tiers*used/(dwell*peak)",
    },
    # life of an edge, Taylor's equation with depth and feed (Kalpakjian and Schmid, Manufacturing Engineering)
    {
        "name": "life_of_a_tool",
        "target": "life of an edge",
        "unit": "min",
        "variables": [
            ("constant", 74, 86, "1", "float"),
            ("speed", 80, 122, "m/min", "float"),
            ("depth", 0.8, 3.2, "mm", "float"),
            ("feed", 0.24, 0.42, "mm", "float"),
        ],
        "sympy": "(constant/speed)**7/(depth*feed**4)",
    },
    # life of a ball bearing, as in rollers of conveyors (ISO 281), 90 % survive
    {
        "name": "life_of_a_bearing",
        "target": "life of a bearing",
        "unit": "h",
        "variables": [
            ("rating", 13, 44, "kN", "float"),
            ("load", 2.4, 6.8, "kN", "float"),
            ("turns", 40, 950, "1/min", "log"),
        ],
        "sympy": "1000000/(60*turns)*(rating/load)**3",
    },
    # cost of a plant of another size by the rule of six tenths, Chilton 1950, with an index of prices
    {
        "name": "cost_of_a_larger_plant",
        "target": "cost of a plant",
        "unit": "kEUR",
        "variables": [
            ("cost", 300, 9000, "kEUR", "log"),
            ("size", 20, 400, "t/d", "log"),
            ("known", 30, 160, "t/d", "float"),
            ("index", 560, 820, "1", "float"),
            ("earlier", 390, 610, "1", "float"),
        ],
        "sympy": "cost*(size/known)**0.6*index/earlier",
    },
    # squat of a ship in a channel, Barrass 1979: by block coefficient, blockage and knots
    {
        "name": "squat_of_a_ship",
        "target": "squat",
        "unit": "m",
        "variables": [
            ("block", 0.55, 0.86, "1", "float"),
            ("blockage", 0.1, 0.26, "1", "float"),
            ("knots", 3.5, 13, "kn", "float"),
        ],
        "sympy": "block*blockage**0.81*knots**2.08/20",
    },
    # pressure lost in a pipe to sprinklers, Hazen and Williams as in EN 12845; wet steel pipe of C = 120
    {
        "name": "sprinkler_pipe",
        "target": "pressure lost",
        "unit": "bar",
        "variables": [
            ("length", 4, 85, "m", "float"),
            ("flow", 180, 1500, "l/min", "float"),
            ("bore", 52, 107, "mm", "float"),
        ],
        "sympy": "605000*length*(flow/120)**1.85/bore**4.87",
    },
    # cost of a cut and of the edges it wears, Gilbert 1950; Taylor's n = 0.25 and C = 300 of carbide
    {
        "name": "cost_of_a_cut",
        "target": "cost of a cut",
        "unit": "EUR",
        "variables": [
            ("way", 150, 2800, "m", "log"),
            ("speed", 55, 240, "m/min", "float"),
            ("rate", 0.5, 1.9, "EUR/min", "float"),
            ("edge", 2.5, 19, "EUR", "float"),
        ],
        "sympy": "rate*way/speed + edge*way*speed**3/300**4",
    },
    # greenhouse gas of a fleet on two energies, well to wheel, diesel 3.24 kg/l (EN 16258)
    {
        "name": "carbon_of_a_mixed_fleet",
        "target": "greenhouse gas",
        "unit": "kg/d",
        "variables": [
            ("by_diesel", 200, 5200, "km/d", "float"),
            ("litres", 8, 35, "l/100 km", "float"),
            ("by_battery", 150, 6400, "km/d", "float"),
            ("use", 25, 135, "kWh/100 km", "float"),
            ("grid", 40, 720, "g/kWh", "float"),
        ],
        "sympy": "0.01*3.24*by_diesel*litres + 0.00001*by_battery*use*grid",
    },
    # bulk on a flat belt, ISO 5048: usable width 0.9 B − 0.05, section b² tan θ/6
    {
        "name": "bulk_on_a_belt",
        "target": "capacity",
        "unit": "t/h",
        "variables": [
            ("width", 0.4, 1.6, "m", "float"),
            ("speed", 0.7, 3.4, "m/s", "float"),
            ("density", 0.5, 2.2, "t/m^3", "float"),
            ("slope", 8, 28, "deg", "float"),
        ],
        "sympy": "600*speed*density*(0.9*width - 0.05)**2*tan(pi*slope/180)",
    },
    # less than a truckload: rate a hundredweight less a discount, a least charge, a fuel surcharge (US tariffs)
    {
        "name": "less_than_a_truckload",
        "target": "price of a shipment",
        "unit": "USD",
        "variables": [
            ("weight", 90, 4800, "lb", "log"),
            ("rate", 22, 145, "USD/cwt", "float"),
            ("discount", 20, 75, "%", "float"),
            ("least", 85, 190, "USD", "float"),
            ("surcharge", 12, 42, "%", "float"),
        ],
        "sympy": "Max(least, 0.01*rate*weight*(1 - discount/100))*(1 + surcharge/100)",
    },
    # electricity of a plant with a ratchet: billed is the peak, at least 80 % of the highest of a year (US tariffs)
    {
        "name": "electricity_with_a_ratchet",
        "target": "bill of a month",
        "unit": "USD",
        "variables": [
            ("energy", 40000, 310000, "kWh", "float"),
            ("rate", 0.04, 0.15, "USD/kWh", "float"),
            ("peak", 160, 980, "kW", "float"),
            ("highest", 300, 1050, "kW", "float"),
            ("charge", 6, 24, "USD/kW", "float"),
        ],
        "sympy": "rate*energy + charge*Max(peak, 0.8*highest)",
    },
    # heat taken out of fish: cooled, frozen at −2.2 degrees Celsius, cooled further (ASHRAE Refrigeration, cod)
    {
        "name": "freezing_fish",
        "target": "refrigeration",
        "unit": "kW",
        "variables": [
            ("flow", 150, 4200, "kg/h", "log"),
            ("warm", 1, 19, "1", "float"),
            ("cold", -32, -12, "1", "float"),
        ],
        "sympy": "flow*(3.78*(warm + 2.2) + 271 + 2.14*(-2.2 - cold))/3600",
    },
    # waiting at a dock whose work varies, Pollaczek 1930 and Khinchine 1932
    {
        "name": "wait_at_a_dock",
        "target": "waiting time",
        "unit": "min",
        "variables": [
            ("arrivals", 0.4, 1.7, "1/h", "float"),
            ("mean", 9, 25, "min", "float"),
            ("spread", 2, 28, "min", "float"),
        ],
        "sympy": "arrivals*(mean**2 + spread**2)/(2*(60 - arrivals*mean))",
    },
    # goods that warm up in an insulated box, lumped heat of 3.8 kJ/(kg K) as of fruit (textbooks of heat transfer)
    {
        "name": "goods_in_a_cold_box",
        "target": "temperature of the goods",
        "unit": "1",
        "variables": [
            ("air", 14, 39, "1", "float"),
            ("start", -1, 8, "1", "float"),
            ("leak", 0.25, 1.9, "W/K", "float"),
            ("mass", 5, 38, "kg", "float"),
            ("hours", 1, 40, "h", "float"),
        ],
        "sympy": "air - (air - start)*exp(-3.6*leak*hours/(3.8*mass))",
    },
    # duty and fees of an import by sea: 0.3464 %, at least 31.67 and at most 614.35 USD, and 0.125 % (US customs 2024)
    {
        "name": "duty_on_an_import",
        "target": "duty and fees",
        "unit": "USD",
        "variables": [
            ("worth", 2500, 420000, "USD", "log"),
            ("duty", 0, 9, "%", "float"),
        ],
        "sympy": "0.01*duty*worth + Min(614.35, Max(31.67, 0.003464*worth)) + 0.00125*worth",
    },
    # what a forklift lifts when the load's centre is not at 500 mm: moments about the front axle (forklift handbooks)
    {
        "name": "capacity_of_a_forklift",
        "target": "residual capacity",
        "unit": "kg",
        "variables": [
            ("rated", 1200, 5000, "kg", "float"),
            ("front", 340, 620, "mm", "float"),
            ("centre", 500, 1300, "mm", "float"),
        ],
        "sympy": "rated*(front + 500)/(front + centre)",
    },
    # time on a road by its flow, Bureau of Public Roads 1964, with a steepness by the class of the road
    {
        "name": "time_on_a_road",
        "target": "travel time",
        "unit": "min",
        "variables": [
            ("free", 3, 42, "min", "float"),
            ("flow", 350, 2300, "veh/h", "float"),
            ("capacity", 1500, 2300, "veh/h", "float"),
            ("steepness", 2, 6.5, "1", "float"),
        ],
        "sympy": "free*(1 + 0.15*(flow/capacity)**steepness)",
    },
    # speed of a parcel at the end of a chute, with friction (handbooks of materials handling)
    {
        "name": "parcel_on_a_chute",
        "target": "speed at the end",
        "unit": "m/s",
        "variables": [
            ("start", 0.4, 2.4, "m/s", "float"),
            ("length", 1.2, 7.5, "m", "float"),
            ("slope", 24, 38, "deg", "float"),
            ("friction", 0.15, 0.31, "1", "float"),
        ],
        "sympy": "sqrt(start**2 + 2*9.81*length*(sin(pi*slope/180) - friction*cos(pi*slope/180)))",
    },
    # warmth of the ground beside a cellar, Kusuda and Achenbach 1965; soil of 0.05 m²/d, coldest on day 35
    {
        "name": "warmth_of_a_cellar",
        "target": "temperature of the ground",
        "unit": "1",
        "variables": [
            ("mean", 5, 16, "1", "float"),
            ("swing", 5, 14, "1", "float"),
            ("depth", 0.2, 4.5, "m", "float"),
            ("day", 1, 730, "d", "int"),
        ],
        "sympy": "mean - swing*exp(-0.415*depth)*cos(2*pi*(day - 35 - 24.1*depth)/365)",
    },
    # electricity from the roof of a hall under a clear sky, Meinel 1976: 1.353 · 0.7^(AM^0.678) kW/m²
    {
        "name": "sun_on_a_roof",
        "target": "power of a roof",
        "unit": "kW",
        "variables": [
            ("area", 150, 8000, "m^2", "log"),
            ("efficiency", 0.13, 0.23, "1", "float"),
            ("elevation", 9, 66, "deg", "float"),
        ],
        "sympy": "1.353*area*efficiency*sin(pi*elevation/180)*0.7**(sin(pi*elevation/180)**(-0.678))",
    },
    # share of trucks that find three places taken and leave, Erlang 1917
    {
        "name": "turned_away",
        "target": "share turned away",
        "unit": "%",
        "variables": [
            ("arrivals", 1, 9, "1/h", "float"),
            ("stay", 8, 48, "min", "float"),
        ],
        "sympy": (
            "100*(arrivals*stay/60)**3/6"
            "/(1 + arrivals*stay/60 + (arrivals*stay/60)**2/2 + (arrivals*stay/60)**3/6)"
        ),
    },
    # moisture of stored wheat, modified Henderson equation (ASAE D245, hard wheat), dry basis; degrees Celsius
    {
        "name": "moisture_of_wheat",
        "target": "moisture of the grain",
        "unit": "%",
        "variables": [
            ("humidity", 25, 84, "%", "float"),
            ("warmth", 3, 38, "1", "float"),
        ],
        "sympy": "(-log(1 - humidity/100)/(0.000023007*(warmth + 55.815)))**(1/2.2857)",
    },
    # time of a unit of which a machine sets a share that no practice shortens, De Jong 1957; 80 % by doubling
    {
        "name": "time_with_a_machine",
        "target": "time of a unit",
        "unit": "min",
        "variables": [
            ("first", 6, 150, "min", "float"),
            ("fixed", 0.1, 0.75, "1", "float"),
            ("unit", 2, 1800, "1", "log"),
        ],
        "sympy": "first*(fixed + (1 - fixed)*unit**(-0.322))",
    },
    # economic lot when clients wait at a price (Hadley and Whitin 1963)
    {
        "name": "lot_with_backorders",
        "target": "economic lot",
        "unit": "piece",
        "variables": [
            ("demand", 600, 30000, "piece/a", "log"),
            ("setup", 15, 320, "EUR", "float"),
            ("holding", 0.5, 9, "EUR/(piece*a)", "float"),
            ("waiting", 2, 32, "EUR/(piece*a)", "float"),
        ],
        "sympy": "sqrt(2*demand*setup/holding)*sqrt((holding + waiting)/waiting)",
    },
]
