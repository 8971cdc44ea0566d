"""The referee of routing plans: how routes are driven on the laws, which rules they break and what they cost.

Routes are laid out as arrays (`legs`), driven from given departures (`drive`) with breaks where the route costs least
(`breaks`); departures that are left open are chosen (`departures`). What was driven is checked and priced by a loop
over the rules (`referee`). No solver runs through here, and no solver's figure is trusted where this package gives
another.
"""
