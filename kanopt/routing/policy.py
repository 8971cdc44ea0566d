"""Rules and prices of a whole routing plan, beyond those of single clients and vehicles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.records.declaration import check_fields
from kanopt.validation import WHOLE_TEXT, Amount, Finite, is_whole


@dataclass(frozen=True)
class RoutingPolicy:
    """Rules and prices of a whole routing plan.

    Parameters
    ----------
    service
        Law of how long a stop takes, instead of the clients' field ``service_duration``; it may read ``client.<…>``,
        ``vehicle.<…>``, ``day.<…>``, ``clock.hour`` and ``clock.minute``, when service begins, and ``state.load``, what
        is on board when the vehicle arrives. Whoever begins later must not be done earlier: a law that falls faster
        than the clock runs is refused.
    capacities
        Further measures of the load: names of attributes that are a demand of clients and a capacity of vehicle types.
        They are delivered like the demand, so that on a route without reloads their sum is limited.
    apart
        Pairs of goods that may not be on one route; a pair of the same goods twice allows one client with them per
        route.
    backhaul
        Whether a vehicle delivers everything it has loaded before it picks anything up.
    longest_route_cost
        Price of each unit of time of the route that takes longest, which spreads work evenly.
    not_before
        Clock time before which no trip begins that is not under way: a number in the problem's unit, or ``"10:30"``;
        None where trips may begin at any time.
    pinned
        Which vehicle, such as ``"van 2"``, serves which clients.

    Raises
    ------
    ProblemError
        If a text stands where a list of names belongs, or the price is negative.

    Examples
    --------
    >>> RoutingPolicy(capacities=("pallets",), apart=(("food", "paint"),), pinned={"van 2": ("c1",)}).backhaul
    False
    """

    service: BoundFormula | None = None
    capacities: Sequence[str] = ()
    apart: Sequence[tuple[str, str]] = ()
    backhaul: bool = False
    longest_route_cost: Amount = 0.0
    not_before: Finite | str | None = None
    pinned: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, "policy")
        if self.service is not None and not isinstance(self.service, BoundFormula):
            raise ProblemError(
                f"policy: service is a {type(self.service).__name__}; give a formula with its inputs bound, as "
                f"law.bind(demand=client.demand)"
            )
        if not isinstance(self.pinned, Mapping):
            raise ProblemError("policy: pinned says which vehicle serves whom, as {'van 2': ['c1', 'c4']}")
        texts = {
            "capacities": self.capacities,
            **{f"pinned[{name!r}]": names for name, names in self.pinned.items()},
        }
        for name, value in texts.items():
            if isinstance(value, str):
                raise ProblemError(
                    f"policy: {name} = {value!r} is one text; give a list of names, as [{value!r}]"
                )
        given = [*self.capacities, *self.pinned, *(goods for pair in self.apart for goods in pair)]
        for text in (*given, *(client for names in self.pinned.values() for client in names)):
            if isinstance(text, str) and not is_whole(text):
                raise ProblemError(f"policy: {text!r:.80} must be {WHOLE_TEXT}")
