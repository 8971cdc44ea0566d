"""Goods that may not be on one route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.rule import DrivenPlan, Given, Rule
from kanopt.text import list_names


class GoodsApart(Rule):
    """Kinds of goods that are kept apart are not on one route."""

    name = "goods"
    what = "goods kept apart"
    words = RuleWords(
        "route carries goods that must be kept apart", "routes carry goods that must be kept apart"
    )
    tables = ("clients", "vehicles")
    fields = ("policy.apart",)
    mend = "goods on it that are kept apart"

    def stated(self, data: RoutingData) -> bool:
        """Say whether any two clients cannot be on one route."""
        return bool(data.apart.any())

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield what is no pair, clients with both goods, and words near those that clients have."""
        goods = sorted(frozenset().union(*(client.goods for client in given.clients)))
        pairs: Sequence[Sequence[str]] = given.policy.apart
        for pair in pairs:
            if len(pair) != 2:
                yield Fault("policy", f"apart = {pair!r} is no pair of goods")
                continue
            both = [client.name for client in given.clients if set(pair) <= {*client.goods}]
            if both and pair[0] != pair[1]:
                what = f"apart = {pair!r} cannot be kept apart: clients {list_names(both)} have both"
                yield Fault("policy", what)
            for word in pair:
                # goods that nobody has today are no mistake, but a word near one that somebody has is
                hint = nearest(word, goods) if word not in goods else ""
                if hint.startswith("did you mean"):
                    yield Fault("policy", f"apart names {word!r}, which no client has", advice=hint)

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield pairs of clients on one route."""
        for route in case.plan.routes:
            stops = [case.data.index[name] for name in route.clients]
            for one, other in np.argwhere(np.triu(case.data.apart[np.ix_(stops, stops)])):
                pair = f"{route.clients[one]} and {route.clients[other]}"
                message = f"{route.label}: the goods of clients {pair} may not be on one route"
                yield Violation(self.name, route.label, 1.0, "", message)
