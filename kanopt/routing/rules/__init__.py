"""The rules of routing: one object each, with all that is known of it; the referee is a loop over them.

A new rule is a field of a record (``entities.py``), a file here, and its name in :data:`RULES`. Engines say which rules
they model by their names, so that a problem with one they do not know is told before the search.
"""

from collections.abc import Collection, Mapping

from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.apart import GoodsApart
from kanopt.routing.rules.breaks import Breaks
from kanopt.routing.rules.capacity import Backhaul, Capacity, Measures, Reloads, Sources
from kanopt.routing.rules.driving_rest import DrivingRest
from kanopt.routing.rules.fleet import Ends, Fleet, Roads
from kanopt.routing.rules.length import Distance, Duration, EvenWork, Overtime
from kanopt.routing.rules.pinned import Pinned
from kanopt.routing.rules.release import RELEASE
from kanopt.routing.rules.rule import LegPrice, Limit, Pause, RoutePrice, Rule
from kanopt.routing.rules.shift import Shift
from kanopt.routing.rules.skills import Skills
from kanopt.routing.rules.started import Started
from kanopt.routing.rules.visits import Prizes, Visits
from kanopt.routing.rules.window import SeveralWindows, SoftWindow, Window

FLEET, PRIZES, EVEN_WORK = Fleet(), Prizes(), EvenWork()

RULES: tuple[Rule, ...] = (
    FLEET,
    Ends(),
    Visits(),
    Skills(),
    GoodsApart(),
    Pinned(),
    Reloads(),
    Backhaul(),
    Sources(),
    Capacity(),
    Measures(),
    Roads(),
    Window(),
    SeveralWindows(),
    RELEASE,
    Shift(),
    Distance(),
    SoftWindow(),
    Duration(),
    Overtime(),
    Breaks(),
    DrivingRest(),
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


def kind_of(violation: Violation) -> str:
    """Return the kind of the rule that is broken: load, time, skills, or its name where it is of none of these."""
    rule = BY_NAME[violation.constraint]
    return rule.kind or rule.name


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
