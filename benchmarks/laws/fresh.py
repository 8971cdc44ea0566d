"""Twenty-four laws of logistics that nobody tunes on: they only judge a search once it is finished.

Each is a formula of a handbook, a standard, a tariff or a published model, named above it. The first seven are products
and sums of powers; the next nine have a least charge on a sum, brackets, thresholds, a bottleneck, ratios of sums,
exponentials or saturate; the last eight are nested, periodic, or take the root of a sum or a logarithm. All have real
values in ranges 25 % wider on both sides. What the keys mean is said by CONTENT in _laws.py. Whoever works on the
search should not read on, and should not choose between two ways by how they do here: then these would be laws like all
others. Once they have been looked at, they move to tuning.py and others are written.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = [
    # rain that a full round pipe takes from a yard, Manning 1891: 0.3117 D^(8/3) √S/n in m³/s
    {
        "name": "drain_of_a_yard",
        "target": "flow of a full pipe",
        "unit": "l/s",
        "variables": [
            ("bore", 0.2, 0.95, "m", "float"),
            ("fall", 0.25, 2.8, "%", "float"),
            ("roughness", 0.0095, 0.016, "1", "float"),
        ],
        "sympy": "31.17*bore**(8/3)*sqrt(fall)/roughness",
    },
    # power of a cut, Kienzle 1952: k b h^(1 − m) v, with the usual m = 0.25 of steels
    {
        "name": "power_of_a_cut",
        "target": "power at the edge",
        "unit": "kW",
        "variables": [
            ("specific", 1350, 2700, "N/mm^2", "float"),
            ("width", 0.9, 7.5, "mm", "float"),
            ("thickness", 0.07, 0.6, "mm", "float"),
            ("speed", 65, 290, "m/min", "float"),
        ],
        "sympy": "specific*width*thickness**0.75*speed/60000",
    },
    # loss in a three-phase cable of copper, 0.0178 Ω mm²/m (handbooks of electrical installation)
    {
        "name": "loss_in_a_cable",
        "target": "power lost",
        "unit": "kW",
        "variables": [
            ("load", 18, 115, "kW", "float"),
            ("length", 15, 160, "m", "float"),
            ("voltage", 380, 700, "V", "float"),
            ("power_factor", 0.68, 0.99, "1", "float"),
            ("section", 50, 240, "mm^2", "float"),
        ],
        "sympy": "17.8*load**2*length/(voltage**2*power_factor**2*section)",
    },
    # power of a mill that grinds from one size to another, Bond 1952
    {
        "name": "power_of_a_mill",
        "target": "power of a mill",
        "unit": "kW",
        "variables": [
            ("flow", 15, 420, "t/h", "log"),
            ("work", 6.5, 21, "kWh/t", "float"),
            ("fine", 55, 390, "um", "float"),
            ("coarse", 1500, 19000, "um", "log"),
        ],
        "sympy": "10*flow*work*(1/sqrt(fine) - 1/sqrt(coarse))",
    },
    # cost of a way to ship, Baumol and Vinod 1970: rate, capital under way and in stock at 12 %, and orders
    {
        "name": "cost_of_a_mode",
        "target": "cost of a year",
        "unit": "EUR/a",
        "variables": [
            ("demand", 160, 3800, "t/a", "float"),
            ("rate", 16, 125, "EUR/t", "float"),
            ("worth", 450, 8800, "EUR/t", "float"),
            ("transit", 2, 44, "d", "float"),
            ("interval", 4, 36, "d", "float"),
            ("order", 120, 950, "EUR", "float"),
        ],
        "sympy": "demand*rate + 0.12*worth*demand*(transit + interval/2)/365 + 365*order/interval",
    },
    # flow and density on a road, Greenshields 1935
    {
        "name": "flow_on_a_lane",
        "target": "flow",
        "unit": "veh/h",
        "variables": [
            ("free", 42, 118, "km/h", "float"),
            ("density", 4, 66, "veh/km", "float"),
            ("jam", 105, 155, "veh/km", "float"),
        ],
        "sympy": "free*density*(1 - density/jam)",
    },
    # how far a beam of a pallet rack sags whose ends are free to turn: 5 q L⁴/(384 E I) (steel handbooks)
    {
        "name": "sag_of_a_beam",
        "target": "sag in the middle",
        "unit": "mm",
        "variables": [
            ("load", 1.9, 11, "kN/m", "float"),
            ("span", 1.8, 3.4, "m", "float"),
            ("inertia", 75, 330, "cm^4", "float"),
        ],
        "sympy": "6.2*load*span**4/inertia",
    },
    # courier of the same day: start, kilometres and minutes of waiting, and a least charge (tariffs of couriers)
    {
        "name": "courier_of_the_same_day",
        "target": "price of a trip",
        "unit": "EUR",
        "variables": [
            ("distance", 1, 62, "km", "float"),
            ("rate", 0.7, 2.1, "EUR/km", "float"),
            ("waiting", 0, 48, "min", "float"),
            ("least", 22, 58, "EUR", "float"),
        ],
        "sympy": "Max(least, 6.5 + rate*distance + 0.45*waiting)",
    },
    # use of an own car: 45 p a mile up to 10,000, then 25 p, and 5 p a passenger (approved amounts of HMRC)
    {
        "name": "use_of_an_own_car",
        "target": "payment of a year",
        "unit": "GBP/a",
        "variables": [
            ("miles", 1400, 25000, "mi", "float"),
            ("passengers", 0, 4, "1", "int"),
        ],
        "sympy": "0.45*Min(miles, 10000) + 0.25*Max(0, miles - 10000) + 0.05*passengers*miles",
    },
    # electricity whose reactive part costs beyond half of the active one (tariffs of German distribution networks)
    {
        "name": "reactive_energy",
        "target": "bill of a month",
        "unit": "EUR",
        "variables": [
            ("active", 55, 230, "MWh", "float"),
            ("rate", 85, 215, "EUR/MWh", "float"),
            ("reactive", 20, 270, "Mvarh", "float"),
            ("charge", 9, 34, "EUR/Mvarh", "float"),
        ],
        "sympy": "rate*active + charge*Max(0, reactive - 0.5*active)",
    },
    # pay of a shift with half of the time that was saved, Halsey 1891
    {
        "name": "pay_of_time_saved",
        "target": "pay of a shift",
        "unit": "EUR",
        "variables": [
            ("wage", 12.5, 30, "EUR/h", "float"),
            ("hours", 4.5, 10, "h", "float"),
            ("pieces", 80, 540, "piece", "int"),
            ("standard", 0.8, 2.5, "min/piece", "float"),
        ],
        "sympy": "wage*(hours + 0.5*Max(0, pieces*standard/60 - hours))",
    },
    # trucks of 33 pallets a dock can take: by its doors or by its forklifts (bottleneck, textbooks of operations)
    {
        "name": "trucks_through_a_dock",
        "target": "capacity",
        "unit": "veh/h",
        "variables": [
            ("doors", 2, 15, "1", "int"),
            ("minutes", 21, 68, "min", "float"),
            ("forklifts", 2, 16, "1", "int"),
            ("moves", 21, 64, "pallet/h", "float"),
        ],
        "sympy": "Min(60*doors/minutes, forklifts*moves/33)",
    },
    # moving average price of a stock, freight of the receipt included (IAS 2, weighted average)
    {
        "name": "price_of_a_stock",
        "target": "price after a receipt",
        "unit": "EUR/piece",
        "variables": [
            ("stock", 60, 2700, "piece", "float"),
            ("before", 3, 13, "EUR/piece", "float"),
            ("bought", 90, 3100, "piece", "float"),
            ("price", 4, 18, "EUR/piece", "float"),
            ("freight", 80, 2400, "EUR", "float"),
        ],
        "sympy": "(stock*before + bought*price + freight)/(stock + bought)",
    },
    # speed of a line with its stops (Vuchic, Urban Transit)
    {
        "name": "speed_with_stops",
        "target": "mean speed",
        "unit": "km/h",
        "variables": [
            ("distance", 5, 48, "km", "float"),
            ("speed", 22, 84, "km/h", "float"),
            ("stops", 2, 32, "stop", "int"),
            ("dwell", 0.4, 3.2, "min", "float"),
        ],
        "sympy": "distance/(distance/speed + stops*dwell/60)",
    },
    # share of a mode among three by what a tonne costs, logit of McFadden 1974
    {
        "name": "share_of_the_barge",
        "target": "share by barge",
        "unit": "%",
        "variables": [
            ("barge", 11, 42, "EUR/t", "float"),
            ("rail", 14, 50, "EUR/t", "float"),
            ("road", 17, 58, "EUR/t", "float"),
        ],
        "sympy": "100*exp(-0.085*barge)/(exp(-0.085*barge) + exp(-0.085*rail) + exp(-0.085*road))",
    },
    # evaporator of a cold store by transfer units, 1 − exp(−NTU) (Kays and London, Compact Heat Exchangers)
    {
        "name": "evaporator_of_a_store",
        "target": "cooling",
        "unit": "kW",
        "variables": [
            ("flow", 1.2, 14, "kg/s", "float"),
            ("air", -18, 6, "1", "float"),
            ("boiling", -42, -28, "1", "float"),
            ("transfer", 1.8, 17, "kW/K", "float"),
        ],
        "sympy": "1.006*flow*(air - boiling)*(1 - exp(-transfer/(1.006*flow)))",
    },
    # range of a jet freighter, Breguet (textbooks of flight mechanics)
    {
        "name": "range_of_a_freighter",
        "target": "range",
        "unit": "km",
        "variables": [
            ("speed", 700, 920, "km/h", "float"),
            ("glide", 13, 20, "1", "float"),
            ("burning", 0.48, 0.74, "1/h", "float"),
            ("fuel", 12, 115, "t", "float"),
            ("dry", 110, 265, "t", "float"),
        ],
        "sympy": "speed*glide/burning*log((dry + fuel)/dry)",
    },
    # heat through a plate cooler, logarithmic mean of the two differences (VDI Heat Atlas)
    {
        "name": "heat_of_a_plate_cooler",
        "target": "heat",
        "unit": "kW",
        "variables": [
            ("transfer", 0.4, 3.1, "kW/(m^2*K)", "float"),
            ("area", 2, 34, "m^2", "float"),
            ("larger", 25, 74, "K", "float"),
            ("smaller", 2.5, 14, "K", "float"),
        ],
        "sympy": "transfer*area*(larger - smaller)/log(larger/smaller)",
    },
    # wind at the height of a crane or a turbine from that at 10 m, over rough ground (European Wind Atlas 1989)
    {
        "name": "wind_up_there",
        "target": "wind",
        "unit": "m/s",
        "variables": [
            ("measured", 2.5, 13, "m/s", "float"),
            ("height", 24, 145, "m", "float"),
            ("roughness", 0.005, 0.4, "m", "log"),
        ],
        "sympy": "measured*log(height/roughness)/log(10/roughness)",
    },
    # current of a plant whose reactive power is partly compensated (handbooks of electrical installation)
    {
        "name": "current_of_a_plant",
        "target": "current",
        "unit": "A",
        "variables": [
            ("active", 60, 430, "kW", "float"),
            ("reactive", 70, 470, "kvar", "float"),
            ("capacitors", 0, 310, "kvar", "float"),
            ("voltage", 380, 700, "V", "float"),
        ],
        "sympy": "1000*sqrt(active**2 + (reactive - capacitors)**2)/(sqrt(3)*voltage)",
    },
    # interval of joint orders, each with every article (Silver, Pyke and Peterson, Inventory Management)
    {
        "name": "interval_of_joint_orders",
        "target": "interval",
        "unit": "d",
        "variables": [
            ("major", 55, 440, "EUR", "float"),
            ("items", 2, 32, "1", "int"),
            ("minor", 4, 42, "EUR", "float"),
            ("holding", 0.09, 0.33, "1/a", "float"),
            ("turnover", 60000, 1500000, "EUR/a", "log"),
        ],
        "sympy": "365*sqrt(2*(major + items*minor)/(holding*turnover))",
    },
    # demand that grows by a factor a month, and a season of drinks, Pegels 1969
    {
        "name": "drinks_over_the_years",
        "target": "drinks sold",
        "unit": "box/d",
        "variables": [
            ("level", 350, 5200, "box/d", "log"),
            ("growth", 0.994, 1.023, "1", "float"),
            ("month", 0, 46, "month", "float"),
        ],
        "sympy": "level*growth**month*(1 + 0.28*cos(2*pi*(month - 6.7)/12))",
    },
    # sun at noon on a panel that is tilted to the south, declination of Cooper 1969, clearness 0.7 (Duffie and Beckman)
    {
        "name": "sun_on_a_tilted_panel",
        "target": "irradiance at noon",
        "unit": "W/m^2",
        "variables": [
            ("latitude", 29, 58, "deg", "float"),
            ("tilt", 2, 38, "deg", "float"),
            ("day", 1, 365, "d", "int"),
        ],
        "sympy": "957*cos(pi*(latitude - tilt - 23.45*sin(2*pi*(284 + day)/365))/180)",
    },
    # minutes of a truck at two doors with one queue, M/M/2 (textbooks of queueing)
    {
        "name": "time_at_two_doors",
        "target": "time at the doors",
        "unit": "min",
        "variables": [
            ("arrivals", 0.8, 4.4, "1/h", "float"),
            ("unloading", 8, 19, "min", "float"),
        ],
        "sympy": "unloading/(1 - (arrivals*unloading/120)**2)",
    },
]
