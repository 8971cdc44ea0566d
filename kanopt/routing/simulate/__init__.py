"""The referee of routing plans: how routes are driven on the laws, which rules they break and what they cost.

Routes are laid out as arrays (`legs`), driven from given departures (`drive`) with breaks where the route costs least
(`breaks`); departures that are left open are chosen (`departures`). What was driven is checked and priced by a loop
over the rules (`referee`). No solver runs through here, and no solver's figure is trusted where this package gives
another.
"""

from kanopt.routing.rules.rule import Drive, exceeds, slack
from kanopt.routing.simulate.departures import drive
from kanopt.routing.simulate.drive import breaks_on_leg
from kanopt.routing.simulate.legs import service_begin
from kanopt.routing.simulate.referee import (
    PRICE_FIELDS,
    broken_rules_of_routes,
    check_plan,
    leg_costs,
    leg_names,
    price_plan,
    price_side_by_side,
    prices_of_fleets,
    route_costs,
)

__all__ = [
    "PRICE_FIELDS",
    "Drive",
    "breaks_on_leg",
    "broken_rules_of_routes",
    "check_plan",
    "drive",
    "exceeds",
    "leg_costs",
    "leg_names",
    "price_plan",
    "price_side_by_side",
    "prices_of_fleets",
    "route_costs",
    "service_begin",
    "slack",
]
