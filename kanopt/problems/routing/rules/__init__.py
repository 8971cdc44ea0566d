"""The rules of routing: one object each, with all that is known of it; the referee is a loop over them.

A new rule is a field of a record (``entities.py``), a class in the file here of what it is about, and its name in
:data:`RULES`. Engines say which rules they model by their names, so that a problem with one they do not know is told
before the search.
"""

from collections.abc import Collection, Mapping

from kanopt.problems.broken_rules import RuleWords
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.rules import loads, people, times
from kanopt.problems.routing.rules.rule import LegPrice, Limit, Pause, RoutePrice, Rule
from kanopt.problems.routing.rules.started import Started

FLEET, PRIZES, EVEN_WORK = people.Fleet(), people.Prizes(), times.EvenWork()

RULES: tuple[Rule, ...] = (
    FLEET,
    people.Ends(),
    people.Visits(),
    people.Skills(),
    people.GoodsApart(),
    people.Pinned(),
    loads.Reloads(),
    loads.Backhaul(),
    loads.Sources(),
    loads.Capacity(),
    loads.Measures(),
    people.Roads(),
    times.Window(),
    times.SeveralWindows(),
    times.RELEASE,
    times.Shift(),
    times.Distance(),
    times.SoftWindow(),
    times.Duration(),
    times.Overtime(),
    times.Breaks(),
    times.DrivingRest(),
    Started(),
    EVEN_WORK,
    PRIZES,
)
"""Every rule, in the order in which its breaking is told."""

LIMITS: tuple[Limit, ...] = tuple(rule for rule in RULES if isinstance(rule, Limit))
"""The rules by which numbers keep to limits."""

PAUSES = tuple(rule for rule in RULES if isinstance(rule, Pause))
"""The rules that ask drivers to pause on the way."""

LEG_PRICES = tuple(rule for rule in RULES if isinstance(rule, LegPrice))
ROUTE_PRICES = tuple(rule for rule in RULES if isinstance(rule, RoutePrice))
"""The rules that add a price of each leg, and of each route."""

BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in RULES}

RULE_WORDS: Mapping[str, RuleWords] = {rule.name: rule.words for rule in RULES if rule.words is not None}
"""How the breaking of each rule is told."""

RESERVED = tuple(rule.term for rule in RULES if rule.term)
"""Terms of prices that the rules add, so that no cost law may have these names."""


def beyond(data: RoutingData, modelled: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules that a problem has and that are not among those modelled.

    Parameters
    ----------
    data
        The problem's data.
    modelled
        Names of rules.
    """
    return tuple(rule for rule in RULES if rule.name not in modelled and rule.stated(data))
