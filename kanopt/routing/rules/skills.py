"""Who may serve whom: skills that clients need, and the vehicle types they name."""

from __future__ import annotations

from collections.abc import Iterator

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.rule import DrivenPlan, Given, Rule
from kanopt.text import join_list


class Skills(Rule):
    """A vehicle has the skills that its clients need, and is of a type that they allow."""

    name = "skill"
    what = "skills"
    words = RuleWords(
        "client is served by a vehicle that may not", "clients are served by vehicles that may not"
    )
    fields = ("clients.needs", "clients.vehicles")
    tables = ("clients", "vehicles")
    kind = "who"
    mend = "{where} allowed on it"
    bottleneck = "no vehicle may serve them"

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield skills that no vehicle has."""
        known = sorted(frozenset().union(*(vehicle.skills for vehicle in given.vehicles)))
        for word in dict.fromkeys(word for client in given.clients for word in client.needs):
            if word not in known:
                wrong = tuple(client.name for client in given.clients if word in client.needs)
                hint = nearest(word, known) if known else "no vehicle has any skills"
                yield Fault("clients", f"no vehicle has the skill {word!r}", wrong, "needs", advice=hint)

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield clients served by a vehicle that may not."""
        data = case.data
        for route in case.plan.routes:
            kind = data.type_index[route.vehicle]
            for name in route.clients:
                if not data.has_skills[kind, data.index[name]]:
                    message = f"{route.label} may not serve client {name}: {missing_skill(data, kind, name)}"
                    yield Violation(self.name, f"client {name}", 1.0, "", message)


def missing_skill(data: RoutingData, kind: int, name: str) -> str:
    """Say why a vehicle type, by its position, may not serve a client."""
    client, vehicle = data.clients[data.index[name] - len(data.depots)], data.vehicles[kind]
    lacking = sorted({*client.needs} - {*vehicle.skills})
    if lacking:
        return f"it needs {join_list(lacking)}, which {vehicle.name} does not have"
    return f"it may be served by {' or '.join(sorted(frozenset(client.vehicles)))} only"
