"""Small scenarios, one of each kind and one of laws alone, which the messages break one by one."""

from __future__ import annotations

__all__ = ["FILES"]

_TOWN = """\
[scenario]
name = "Town"
seed = 3
description = "Four clients; 2 minutes and 0.1 l per km."

[tables.depots]
path = "depots.csv"

[tables.clients]
path = "clients.csv"
units = { demand_t = "t", ready_h = "h", due_h = "h" }

[tables.vehicles]
path = "vehicles.csv"
units = { fuel_price = "EUR/l" }

[tables.routes]
path = "routes.csv"

[surrogates.minutes]
formula = "2 * km"
inputs = { km = "km" }
unit = "min"

[surrogates.litres]
formula = "0.1 * km * (1 + 0.2 * load)"
inputs = { km = "km", load = "t" }
unit = "l"

[surrogates.fuel]
formula = "litres * price"
inputs = { price = "EUR/l" }
unit = "EUR"

[problem]
kind = "routing"
planning = { "state.load" = 0.5 }
units = { money = "EUR" }

[problem.depots]
table = "depots"

[problem.clients]
table = "clients"
columns = { demand = "demand_t", earliest = "ready_h", latest = "due_h" }

[problem.vehicles]
table = "vehicles"

[problem.cost]
fuel = "fuel"

[problem.duration]
law = "minutes"

[problem.bind]
km = "arc.distance"
load = "state.load"
price = "vehicle.fuel_price"

[problem.policy]
apart = [["food", "paint"]]

[problem.today]
table = "routes"

[solver]
time_limit = 0.05
deterministic = true

[report]
title = "A town"
"""
_LAWS = """\
[scenario]
name = "Laws"
seed = 3

[tables.trips]
path = "trips.csv"
units = { km = "km", minutes = "min" }

[surrogates.minutes]
formula = "2 * km"
inputs = { km = "km" }
unit = "min"

[surrogates.litres]
formula = "0.1 * km * (1 + 0.2 * load)"
inputs = { km = "km", load = "t" }
unit = "l"

[surrogates.fuel]
formula = "litres * price"
inputs = { price = "EUR/l" }
unit = "EUR"

[surrogates.learned]
table = "trips"
target = "minutes"
features = ["km", "hour"]
monotone = { km = 1 }
periodic = { hour = 24 }
holdout = { by = "week", last = 2 }
min_r2 = 0.8

[solver]
time_limit = 0.5
deterministic = true
"""
_DEAR = """\
[scenario]
name = "Dear"
base = "town.toml"

[[changes]]
scale = "vehicles.fuel_price"
by = 2
"""
_SHOP = """\
[scenario]
name = "Shop"

[tables.jobs]
path = "jobs.csv"
[tables.tasks]
path = "tasks.csv"
[tables.machines]
path = "machines.csv"
[tables.modes]
path = "modes.csv"
[tables.setups]
path = "setups.csv"
[tables.breaks]
path = "breaks.csv"
[tables.power]
path = "power.csv"

[surrogates.minutes]
formula = "10 + 0.5 * kg"
inputs = { kg = "kg" }
unit = "min"

[problem]
kind = "scheduling"
makespan_cost = 0.2
horizon = 500
duration = { law = "minutes" }
bind = { kg = "task.kg" }

[problem.jobs]
table = "jobs"
[problem.tasks]
table = "tasks"
[problem.machines]
table = "machines"
[problem.modes]
table = "modes"
[problem.setups]
table = "setups"
[problem.calendars]
table = "breaks"
[problem.power_price]
table = "power"

[solver]
time_limit = 0.5
deterministic = true
"""
_NET = """\
[scenario]
name = "Net"

[tables.suppliers]
path = "suppliers.csv"
[tables.sites]
path = "sites.csv"
[tables.markets]
path = "markets.csv"
[tables.products]
path = "products.csv"
[tables.periods]
path = "periods.csv"
[tables.lanes]
path = "lanes.csv"
[tables.wanted]
path = "wanted.csv"

[surrogates.rate]
formula = "1 + 0.01 * km"
inputs = { km = "km" }
unit = "EUR/t"

[problem]
kind = "supply"
tariff = { law = "rate" }
demand = { table = "wanted" }
bind = { km = "lane.distance" }

[problem.suppliers]
table = "suppliers"
[problem.facilities]
table = "sites"
[problem.markets]
table = "markets"
[problem.products]
table = "products"
[problem.periods]
table = "periods"
[problem.lanes]
table = "lanes"

[solver]
time_limit = 20
"""

FILES = {
    "town.toml": _TOWN,
    "dear.toml": _DEAR,
    "laws.toml": _LAWS,
    "shop.toml": _SHOP,
    "net.toml": _NET,
    "depots.csv": "name,x,y\nhub,0,0\n",
    "clients.csv": (
        "name,x,y,demand_t,ready_h,due_h,service_duration,goods\nnorth,0,4,0.5,7,17,5,food\neast,5,0,0.6,7,17,5,paint\n"
        "south,0,-3,0.4,7,17,5,food\nwest,-6,0,0.7,9,17,5,\n"
    ),
    "vehicles.csv": (
        "name,num_available,capacity,fixed_cost,fuel_price,shift_start,shift_end\n"
        "van,2,1.2,20,1.6,420,1020\ntruck,1,3,45,1.5,420,1020\n"
    ),
    "routes.csv": "vehicle,index,stop,client\nvan,1,1,north\nvan,1,2,west\nvan,2,1,south\nvan,2,2,east\n",
    "trips.csv": "week,km,hour,minutes\n"
    + "".join(
        f"{1 + k // 10},{k % 13 + 0.5},{k % 24},{round(2.1 * (k % 13 + 0.5) + k % 3, 2)}\n" for k in range(60)
    ),
    "jobs.csv": "name,release_date,due_date,tardiness_cost\nA,0,60,2\nB,5,40,1\n",
    "tasks.csv": "name,job,order,family,kg\na1,A,1,red,20\na2,A,2,blue,10\nb1,B,1,blue,30\n",
    "machines.csv": "name,family\nsaw,red\ndrill,\n",
    "modes.csv": "task,machine,energy\na1,saw,2\na2,drill,1\nb1,saw,3\nb1,drill,4\n",
    "setups.csv": "before,after,time\nred,blue,5\nblue,red,7\n",
    "breaks.csv": "machine,start,end\nsaw,30,40\n",
    "power.csv": "start,price\n0,0.2\n60,0.3\n",
    "suppliers.csv": "name,product,capacity,unit_cost\nmill,flour,50,2\n",
    "sites.csv": "name,fixed_cost,capacity\nnorth,30,40\nsouth,500,40\n",
    "markets.csv": "name\nLyon\nNice\n",
    "products.csv": "name,shortage_cost\nflour,20\n",
    "periods.csv": "name\np1\np2\n",
    "lanes.csv": (
        "tail,head,distance,capacity\nmill,north,10,\nmill,south,12,\nnorth,Lyon,3,\nnorth,Nice,5,12\nsouth,Nice,1,\n"
    ),
    "wanted.csv": (
        "market,product,period,demand\nLyon,flour,p1,10\nLyon,flour,p2,30\nNice,flour,p1,10\nNice,flour,p2,10\n"
    ),
}
"""Name to text; the tables are shared."""
