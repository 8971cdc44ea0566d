"""Which kind of problem tables make: each kind reads them, and the one that explains most wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kanopt.whatif.scaffolding.roles import Roles, may_teach
from kanopt.whatif.scaffolding.routing_reading import read_routing
from kanopt.whatif.scaffolding.shop_reading import read_shop
from kanopt.whatif.scaffolding.sources import SourceTable
from kanopt.whatif.scaffolding.supply_reading import read_supply

__all__ = ["READERS", "guess_roles"]

READERS: Mapping[str, Callable[[Sequence[SourceTable]], Roles | None]] = {
    "routing": read_routing,
    "scheduling": read_shop,
    "supply": read_supply,
}
_CLOSE = 1.0


def guess_roles(tables: Sequence[SourceTable], kind: str | None) -> Roles:
    """Return what the tables are, for one kind of problem or for the one that most speaks for.

    Examples
    --------
    >>> guess_roles([], None).kind
    ''

    With ``"law"`` no table is part of a plan.
    """
    tried = [roles for name, read in READERS.items() if kind in (None, name) and (roles := read(tables))]
    whole = sorted(tried, key=lambda roles: -roles.total)
    if not whole:
        histories = tuple(table for table in tables if may_teach(table))
        return Roles("", {}, histories, tuple(table for table in tables if table not in histories))
    best = whole[0]
    close = len(whole) > 1 and best.total - whole[1].total < _CLOSE
    return Roles(best.kind, best.parts, best.histories, best.unused, not close, best.hints, best.total)
