"""Clients are served once, or not at all for their prize."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kanopt.plans.coverage import UNSERVED, RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules.rule import DrivenPlan, Rule


class Visits(Rule):
    """A client is served at most once, and one without a prize is served."""

    name = "visits"
    words = RuleWords("client is served more than once", "clients are served more than once")
    must_hold = True

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield clients served more than once, and mandatory ones not served."""
        visits = Counter(client for route in case.plan.routes for client in route.clients)
        for client in case.data.clients:
            times, where = visits[client.name], f"client {client.name}"
            if times > 1:
                yield Violation(self.name, where, times - 1.0, "", f"{where} is served {times} times")
            if times == 0 and client.mandatory:
                message = f"{where} must be served and is on no route"
                yield Violation(UNSERVED, where, client.demand, case.data.units.load, message)


class Prizes(Rule):
    """Not serving a client costs its prize."""

    name = "prize"
    what = "prizes"
    fields = ("clients.prize",)
    term = "missed prizes"

    def missed(self, data: RoutingData, plan: RoutingPlan) -> dict[str, float]:
        """Return the prizes of the clients that a plan leaves out, by name; empty where no client has a prize."""
        if not self.stated(data):
            return {}
        served = {name for route in plan.routes for name in route.clients}
        return {
            client.name: client.prize
            for client in data.clients
            if client.prize is not None and client.name not in served
        }
