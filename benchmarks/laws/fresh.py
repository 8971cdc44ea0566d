"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

Each is a formula of a handbook, a standard, a tariff or a published model, named above it. The first eight are products
and sums of powers; the next eight have a bracket, a ratio of sums, an exponential, thresholds or a least or greatest
charge; the last eight are nested, periodic, saturate, or take the root of a sum. All have real values in ranges 25 %
wider on both sides. What the keys mean is said by CONTENT in _laws.py. Whoever works on the search should not read on,
and should not choose between two ways by how they do here: then these would be laws like all others. Once they have
been looked at, they move to tuning.py and others are written.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # wear of a road by the fourth power of axle loads (AASHO Road Test 1962), standard axle 10 t as in RStO 12
    {
        "name": "wear_of_a_road",
        "target": "passes of a standard axle",
        "unit": "1/d",
        "variables": [
            ("trucks", 30, 2400, "veh/d", "log"),
            ("front", 3.5, 8.5, "t", "float"),
            ("rear", 5, 13.5, "t", "float"),
        ],
        "sympy": "trucks*((front/10)**4 + (rear/10)**4)",
    },
    # strength of a corrugated box, McKee, Gander and Wachuta 1963, the short form
    {
        "name": "strength_of_a_box",
        "target": "load at which a box fails",
        "unit": "N",
        "variables": [
            ("edge", 2.8, 14, "kN/m", "float"),
            ("board", 1.3, 7.6, "mm", "float"),
            ("perimeter", 600, 3200, "mm", "float"),
        ],
        "sympy": "5.87*edge*sqrt(board*perimeter)",
    },
    # time to turn a shaft on a lathe: π D L/(1000 v f) (Machinery's Handbook)
    {
        "name": "turning_a_shaft",
        "target": "time of a cut",
        "unit": "min",
        "variables": [
            ("diameter", 18, 340, "mm", "float"),
            ("length", 30, 950, "mm", "float"),
            ("speed", 70, 340, "m/min", "float"),
            ("feed", 0.1, 0.6, "mm", "float"),
        ],
        "sympy": "pi*diameter*length/(1000*speed*feed)",
    },
    # way of a vehicle per stop, Daganzo, Logistics Systems Analysis: 2 r/C + 0.57/√δ
    {
        "name": "way_per_stop",
        "target": "way per stop",
        "unit": "km/stop",
        "variables": [
            ("away", 2, 65, "km", "float"),
            ("stops", 12, 180, "stop", "int"),
            ("density", 0.3, 70, "stop/km^2", "log"),
        ],
        "sympy": "2*away/stops + 0.57/sqrt(density)",
    },
    # cost of a voyage, Ronen 1982: charter, and bunker by the cube of speed; a Panamax of 34 t a day at 14 knots
    {
        "name": "cost_of_a_voyage",
        "target": "cost of a voyage",
        "unit": "USD",
        "variables": [
            ("distance", 600, 12000, "nmi", "log"),
            ("speed", 9, 17, "kn", "float"),
            ("charter", 6000, 38000, "USD/d", "float"),
            ("bunker", 280, 950, "USD/t", "float"),
        ],
        "sympy": "distance/(24*speed)*(charter + 0.0124*bunker*speed**3)",
    },
    # electricity of a delivery van: rolling 0.01, air of 1.2 kg/m³, drive 0.85, and what runs beside (Bosch handbook)
    {
        "name": "electricity_of_a_van",
        "target": "electricity per distance",
        "unit": "kWh/100 km",
        "variables": [
            ("mass", 1.6, 8.2, "t", "float"),
            ("drag", 0.8, 5.6, "m^2", "float"),
            ("speed", 18, 105, "km/h", "float"),
            ("beside", 0.2, 5.5, "kW", "float"),
        ],
        "sympy": "3.21*mass + 0.00151*drag*speed**2 + 100*beside/speed",
    },
    # carbon dioxide of a truck of 16 to 32 t by its mean speed, MEET (Hickman 1999)
    {
        "name": "carbon_of_a_haul",
        "target": "carbon dioxide",
        "unit": "kg",
        "variables": [
            ("distance", 4, 700, "km", "log"),
            ("speed", 11, 98, "km/h", "float"),
        ],
        "sympy": "0.001*distance*(765 - 7.04*speed + 0.000632*speed**3 + 8334/speed)",
    },
    # number of kanbans of Toyota (Monden 1983): demand, lead time and a reserve over what a box holds
    {
        "name": "kanbans",
        "target": "boxes in circulation",
        "unit": "box",
        "variables": [
            ("demand", 40, 900, "piece/h", "log"),
            ("lead", 0.8, 10, "h", "float"),
            ("reserve", 0.03, 0.5, "1", "float"),
            ("held", 18, 220, "piece/box", "int"),
        ],
        "sympy": "demand*lead*(1 + reserve)/held",
    },
    # air freight at the normal rate, or at the rate from 45 kg on if that is cheaper (TACT rules of IATA)
    {
        "name": "air_freight",
        "target": "freight of a consignment",
        "unit": "EUR",
        "variables": [
            ("weight", 4, 95, "kg", "float"),
            ("normal", 2.6, 6.2, "EUR/kg", "float"),
            ("lower", 1.4, 3.9, "EUR/kg", "float"),
        ],
        "sympy": "Min(normal*weight, lower*Max(weight, 45))",
    },
    # truckload with a fuel surcharge: what diesel costs above a base price, over six miles a gallon (US contracts)
    {
        "name": "truckload_with_surcharge",
        "target": "price of a truckload",
        "unit": "USD",
        "variables": [
            ("miles", 60, 2900, "mi", "log"),
            ("rate", 1.4, 3.9, "USD/mi", "float"),
            ("diesel", 2.2, 6.0, "USD/gal", "float"),
            ("base", 1.1, 4.4, "USD/gal", "float"),
        ],
        "sympy": "miles*(rate + Max(0, diesel - base)/6)",
    },
    # charging in public: 0.10 EUR a minute from the fifth hour, at most 12 EUR (tariff of EnBW)
    {
        "name": "charging_in_public",
        "target": "bill of a charge",
        "unit": "EUR",
        "variables": [
            ("energy", 6, 95, "kWh", "float"),
            ("rate", 0.35, 0.95, "EUR/kWh", "float"),
            ("minutes", 15, 560, "min", "float"),
        ],
        "sympy": "rate*energy + Min(12, 0.1*Max(0, minutes - 240))",
    },
    # shelf life at another temperature by Q10 (Labuza 1982); known at 4 degrees Celsius
    {
        "name": "shelf_life_in_transit",
        "target": "shelf life",
        "unit": "d",
        "variables": [
            ("life", 4, 45, "d", "float"),
            ("quicker", 1.7, 4.3, "1", "float"),
            ("warmth", -1, 17, "1", "float"),
        ],
        "sympy": "life*quicker**((4 - warmth)/10)",
    },
    # fuel per tonne-kilometre from that of an empty and a full truck, with empty trips (method of EcoTransIT)
    {
        "name": "fuel_per_tonne",
        "target": "fuel per tonne and distance",
        "unit": "ml/(t*km)",
        "variables": [
            ("empty", 16, 27, "l/100 km", "float"),
            ("full", 26, 44, "l/100 km", "float"),
            ("payload", 6, 29, "t", "float"),
            ("load", 0.25, 1.0, "1", "float"),
            ("returns", 0, 0.95, "1", "float"),
        ],
        "sympy": "10*(empty*(1 + returns) + (full - empty)*load)/(payload*load)",
    },
    # weight that may be lifted by hand, revised equation of NIOSH 1991, seldom lifts and a good grip
    {
        "name": "lifting_by_hand",
        "target": "recommended limit",
        "unit": "kg",
        "variables": [
            ("reach", 25, 63, "cm", "float"),
            ("height", 0, 175, "cm", "float"),
            ("lift", 25, 170, "cm", "float"),
            ("turn", 0, 130, "deg", "float"),
        ],
        "sympy": "23*25/reach*(1 - 0.003*Abs(height - 75))*(0.82 + 4.5/lift)*(1 - 0.0032*turn)",
    },
    # line without buffers in which any station stops all, Buzacott 1967
    {
        "name": "line_without_buffers",
        "target": "output",
        "unit": "piece/h",
        "variables": [
            ("rate", 20, 170, "piece/h", "float"),
            ("stations", 3, 28, "1", "int"),
            ("repair", 2, 40, "min", "float"),
            ("between", 150, 2900, "min", "log"),
        ],
        "sympy": "rate/(1 + stations*repair/between)",
    },
    # share of picks that the fastest articles have, Bender 1981 (also in Ballou, Business Logistics)
    {
        "name": "share_of_fast_movers",
        "target": "share of picks",
        "unit": "%",
        "variables": [
            ("articles", 0.02, 1.0, "1", "float"),
            ("flatness", 0.04, 0.65, "1", "float"),
        ],
        "sympy": "100*(1 + flatness)*articles/(flatness + articles)",
    },
    # economic lot of a machine that delivers while it makes, Taft 1918
    {
        "name": "lot_of_a_machine",
        "target": "economic lot",
        "unit": "piece",
        "variables": [
            ("demand", 2000, 24000, "piece/a", "float"),
            ("output", 40000, 150000, "piece/a", "float"),
            ("setup", 25, 480, "EUR", "float"),
            ("holding", 0.3, 7, "EUR/(piece*a)", "float"),
        ],
        "sympy": "sqrt(2*demand*setup/(holding*(1 - demand/output)))",
    },
    # hours for a unit when each doubling saves a share, Wright 1936
    {
        "name": "hours_of_a_unit",
        "target": "hours for a unit",
        "unit": "h",
        "variables": [
            ("first", 3, 85, "h", "float"),
            ("unit", 2, 700, "1", "log"),
            ("learning", 0.7, 0.97, "1", "float"),
        ],
        "sympy": "first*unit**(log(learning)/log(2))",
    },
    # output of a machine whose queue has room for few, M/M/1/b (Hopp and Spearman, Factory Physics)
    {
        "name": "room_before_a_machine",
        "target": "output",
        "unit": "piece/h",
        "variables": [
            ("arrivals", 4, 65, "piece/h", "float"),
            ("busy", 0.4, 0.95, "1", "float"),
            ("room", 2, 12, "1", "int"),
        ],
        "sympy": "arrivals*(1 - busy**room)/(1 - busy**(room + 1))",
    },
    # clients of a new service, Bass 1969, with the usual 0.03 and 0.38 (Sultan, Farley and Lehmann 1990)
    {
        "name": "clients_of_a_service",
        "target": "clients so far",
        "unit": "1",
        "variables": [
            ("market", 1500, 90000, "1", "log"),
            ("year", 0, 16, "a", "float"),
        ],
        "sympy": "market*(1 - exp(-0.41*year))/(1 + 0.38/0.03*exp(-0.41*year))",
    },
    # electricity of a frozen store: walls of 0.19 W/(m² K), outside air over the year (ASHRAE; climate of Germany)
    {
        "name": "frozen_store_over_the_year",
        "target": "electricity for cooling",
        "unit": "kWh/d",
        "variables": [
            ("surface", 700, 26000, "m^2", "log"),
            ("day", 1, 730, "d", "int"),
            ("inside", -32, -14, "1", "float"),
            ("performance", 1.1, 3.2, "1", "float"),
        ],
        "sympy": "0.00456*surface*(9.3 - 8.9*cos(2*pi*(day - 17)/365) - inside)/performance",
    },
    # level, trend and a factor of the season, Winters 1960; parcels peak in early December
    {
        "name": "parcels_that_grow",
        "target": "parcels",
        "unit": "parcel/d",
        "variables": [
            ("level", 500, 7000, "parcel/d", "log"),
            ("growth", -5, 90, "parcel/d/month", "float"),
            ("month", 0, 60, "month", "float"),
        ],
        "sympy": "(level + growth*month)*(1 + 0.21*cos(2*pi*(month - 11.2)/12))",
    },
    # way between two places by degrees, equirectangular projection (handbooks of geodesy)
    {
        "name": "way_by_degrees",
        "target": "distance",
        "unit": "km",
        "variables": [
            ("north", -4.5, 5.5, "deg", "float"),
            ("east", -8.5, 7, "deg", "float"),
            ("latitude", 34, 64, "deg", "float"),
        ],
        "sympy": "111.2*sqrt(north**2 + (east*cos(pi*latitude/180))**2)",
    },
    # instalment of a truck bought on credit: annuity, interest in per cent a year (textbooks of finance)
    {
        "name": "instalment_of_a_truck",
        "target": "instalment",
        "unit": "EUR/month",
        "variables": [
            ("price", 16000, 220000, "EUR", "log"),
            ("interest", 1.6, 12, "%", "float"),
            ("months", 12, 96, "month", "int"),
        ],
        "sympy": "price*interest/1200/(1 - (1 + interest/1200)**(-months))",
    },
]
