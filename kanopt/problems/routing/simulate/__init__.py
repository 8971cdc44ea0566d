"""The referee of routing plans: how routes are driven on the laws, which rules they break and what they cost.

Routes are laid out as arrays (`legs`), driven from given departures (`forward`) with breaks where the route costs least
(`breaks`); departures that are left open are chosen (`departures`, `drive`). What was driven is checked (`check`) and
priced (`price`; `fleets` for many at once). No solver runs through here, and no solver's figure is trusted where this
package gives another.
"""

from kanopt.problems.routing.simulate.breaks import breaks_on_leg
from kanopt.problems.routing.simulate.check import (
    RULE_WORDS,
    check_plan,
    missing_skill,
    trips_of,
)
from kanopt.problems.routing.simulate.departures import departure_breakpoints
from kanopt.problems.routing.simulate.drive import Drive, drive
from kanopt.problems.routing.simulate.fleets import PRICE_FIELDS, fleets_below_zero, prices_of_fleets
from kanopt.problems.routing.simulate.legs import service_begin
from kanopt.problems.routing.simulate.price import RESERVED, leg_costs, leg_names, price_plan, route_costs
from kanopt.problems.routing.simulate.tolerance import exceeds, slack

__all__ = [
    "PRICE_FIELDS",
    "RESERVED",
    "RULE_WORDS",
    "Drive",
    "breaks_on_leg",
    "check_plan",
    "departure_breakpoints",
    "drive",
    "exceeds",
    "fleets_below_zero",
    "leg_costs",
    "leg_names",
    "missing_skill",
    "price_plan",
    "prices_of_fleets",
    "route_costs",
    "service_begin",
    "slack",
    "trips_of",
]
