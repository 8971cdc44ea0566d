"""A hundred and sixty-eight laws of logistics that the search is tuned on; those it is judged by stand in fresh.py.

Forms and ranges differ from those of other sets: distances from coordinates, congestion, learning and growth curves,
speeds, thresholds, brackets, seasons. The last ninety-six are formulas of handbooks, standards, tariffs and
regressions, each named above it.
"""

FORMULAS = [
    {
        "name": "straight_line_minutes",
        "target": "driving time",
        "unit": "min",
        "variables": [("dx", 0.5, 40, "km", "float"), ("dy", 0.5, 30, "km", "float")],
        "sympy": "4 + 1.6*sqrt(dx**2 + dy**2)",
    },
    {
        "name": "picker_walk",
        "target": "walking distance",
        "unit": "m",
        "variables": [("ax", -60, 60, "m", "float"), ("ay", -35, 35, "m", "float")],
        "sympy": "12 + 2*Abs(ax) + 2*Abs(ay)",
    },
    {
        "name": "queue_length",
        "target": "trucks waiting",
        "unit": "1",
        "variables": [("rho", 0.1, 0.92, "1", "float")],
        "sympy": "rho/(1 - rho)",
    },
    {
        "name": "yard_queue",
        "target": "time in yard",
        "unit": "min",
        "variables": [("s", 4, 20, "min", "float"), ("rho", 0.15, 0.9, "1", "float")],
        "sympy": "s/(1 - rho)",
    },
    {
        "name": "weibull_failures",
        "target": "share failed",
        "unit": "1",
        "variables": [("t", 50, 4000, "h", "float")],
        "sympy": "1 - exp(-(t/1500)**1.8)",
    },
    {
        "name": "gompertz_adoption",
        "target": "orders per day",
        "unit": "1",
        "variables": [("t", 0, 48, "month", "float")],
        "sympy": "900*exp(-4.5*exp(-0.12*t))",
    },
    {
        "name": "fuel_by_speed",
        "target": "fuel per 100 km",
        "unit": "l",
        "variables": [("v", 12, 95, "km/h", "float")],
        "sympy": "95/v + 7 + 0.0016*v**2",
    },
    {
        "name": "free_kilometres",
        "target": "fee",
        "unit": "EUR",
        "variables": [("d", 1, 80, "km", "float")],
        "sympy": "9 + 1.35*Max(0, d - 25)",
    },
    {
        "name": "season_factor",
        "target": "weekly demand",
        "unit": "kg",
        "variables": [("pop", 20, 900, "1", "log"), ("month", 0, 24, "month", "float")],
        "sympy": "3.2*pop**0.9*(1 + 0.22*sin(2*pi*(month - 2)/12))",
    },
    {
        "name": "price_decay",
        "target": "sales",
        "unit": "1",
        "variables": [("p", 2, 30, "EUR", "float"), ("t", 0, 40, "day", "float")],
        "sympy": "p*exp(-0.08*t)",
    },
    {
        "name": "mode_choice",
        "target": "share by rail",
        "unit": "1",
        "variables": [("cr", 10, 60, "EUR", "float"), ("ct", 15, 70, "EUR", "float")],
        "sympy": "1/(1 + exp(0.11*(cr - ct) + 0.4))",
    },
    {
        "name": "unloading",
        "target": "unloading time",
        "unit": "min",
        "variables": [("n", 1, 33, "1", "int"), ("docks", 1, 4, "1", "int")],
        "sympy": "8 + 2.4*n/docks",
    },
    {
        "name": "cubic_drag",
        "target": "power",
        "unit": "kW",
        "variables": [("v", 5, 30, "m/s", "float"), ("m", 2, 18, "t", "float")],
        "sympy": "0.004*v**3 + 0.09*m*v",
    },
    {
        "name": "cooling",
        "target": "temperature",
        "unit": "1",
        "variables": [("t", 0, 300, "min", "float"), ("out", -10, 30, "1", "float")],
        "sympy": "out + 18*exp(-0.015*t)",
    },
    {
        "name": "inventory_cost",
        "target": "cost a year",
        "unit": "EUR",
        "variables": [
            ("q", 20, 2000, "1", "log"),
            ("d", 1000, 20000, "1", "log"),
            ("h", 0.3, 6, "EUR", "float"),
        ],
        "sympy": "75*d/q + h*q/2",
    },
    {
        "name": "warehouse_space",
        "target": "area",
        "unit": "m2",
        "variables": [("pallets", 100, 8000, "1", "log"), ("levels", 2, 7, "1", "int")],
        "sympy": "140 + 2.1*pallets/levels**0.85",
    },
    {
        "name": "tour_length",
        "target": "tour",
        "unit": "km",
        "variables": [("n", 5, 200, "1", "int"), ("area", 10, 900, "km2", "log")],
        "sympy": "0.765*sqrt(n*area)",
    },
    {
        "name": "delay_cost",
        "target": "penalty",
        "unit": "EUR",
        "variables": [("late", 0, 120, "min", "float"), ("value", 1, 40, "1", "log")],
        "sympy": "value*(1.5 + 0.02*late)**2",
    },
    {
        "name": "michaelis_sorting",
        "target": "parcels per hour",
        "unit": "1",
        "variables": [("staff", 1, 60, "1", "int"), ("share", 0.4, 1.0, "1", "float")],
        "sympy": "5200*share*staff/(14 + staff)",
    },
    {
        "name": "dimensional_weight",
        "target": "price",
        "unit": "EUR",
        "variables": [
            ("l", 10, 120, "cm", "float"),
            ("w", 10, 80, "cm", "float"),
            ("h", 5, 60, "cm", "float"),
            ("zone", 1, 6, "1", "int"),
        ],
        "sympy": "3.9 + l*w*h*(1 + 0.3*zone)/9000",
    },
    {
        "name": "rush_hour",
        "target": "minutes",
        "unit": "min",
        "variables": [("km", 1, 40, "km", "float"), ("hour", 5, 21, "h", "float")],
        "sympy": "1.7*km*(1 + 0.6*exp(-((hour - 8)/1.5)**2))",
    },
    {
        "name": "two_rates",
        "target": "toll",
        "unit": "EUR",
        "variables": [("d", 5, 400, "km", "float"), ("axles", 2, 6, "1", "int")],
        "sympy": "0.11*d*axles - 0.05*axles*Max(0, d - 150)",
    },
    {
        "name": "learning_plateau",
        "target": "seconds per pick",
        "unit": "s",
        "variables": [("n", 1, 400, "1", "log"), ("weight", 0.2, 20, "kg", "float")],
        "sympy": "9 + 0.7*weight + 30*exp(-n/60)",
    },
    {
        "name": "square_root_stock",
        "target": "safety stock",
        "unit": "1",
        "variables": [
            ("L", 2, 30, "day", "float"),
            ("sd", 3, 60, "1", "float"),
            ("m", 20, 200, "1", "float"),
            ("sl", 0.1, 3, "day", "float"),
        ],
        "sympy": "1.645*sqrt(L*sd**2 + m**2*sl**2)",
    },
    # the set that judged until 2026-11-28
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
        "name": "unloading_from_afar",
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
    # products and powers, and some with an offset
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
    # one part more: a threshold, a wave, a queue
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
    # several parts, or four inputs
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
