"""A road network among the tables of routing: links, nodes, and the law of the time that a link takes."""

from __future__ import annotations

from kanopt.records.words import IDENTIFIERS
from kanopt.whatif.scaffolding.draft import Draft
from kanopt.whatif.scaffolding.laws import guess_law
from kanopt.whatif.scaffolding.outcomes import is_outcome, measure_of
from kanopt.whatif.scaffolding.roles import PartGuess
from kanopt.whatif.scaffolding.sources import ColumnFacts
from kanopt.whatif.scaffolding.toml_writing import Entry, Section

__all__ = ["draft_link_time", "drop_unfit_roads"]

_LINK_TIME = "link_time"


def drop_unfit_roads(draft: Draft) -> None:
    """Leave links out unless clients lie on their nodes, and nodes without links."""
    parts = draft.roles.parts
    links = parts.get("links")
    if links is not None and _lie_on(parts["clients"], links):
        return
    for name in ("links", "nodes"):
        if name in parts:
            draft.roles = draft.roles.without(name)
    if links is not None:
        draft.notes.append(
            f"{links.table.called} is no road network of the plan: no column of the clients names its nodes"
        )


def _lie_on(clients: PartGuess, links: PartGuess) -> bool:
    """Say whether clients name a node each, in their column ``node`` or by their own names."""
    ends = {each.field.name: each.column for each in links.filled}
    nodes = set(ends["tail"].values.astype(str)) | set(ends["head"].values.astype(str))
    own = clients.table.columns.get("node")
    named = own or next(each.column for each in clients.filled if each.field.name == "name")
    return len(named.values) == named.rows and set(named.values.astype(str)) <= nodes


def draft_link_time(draft: Draft) -> None:
    """Add the law of the time of a link: learned from the links where they tell it, else of their lengths."""
    links = draft.roles.parts["links"]
    fields = {each.column.name: each.field.name for each in links.filled}

    def usable(column: ColumnFacts) -> bool:
        ends = fields.get(column.name) in ("tail", "head") or column.header.pieces[-1:] == ("link",)
        known = is_outcome(column) and measure_of(column) != "amount"
        named = bool(IDENTIFIERS & set(column.header.pieces[-1:]))
        return column.kind in ("number", "text") and not ends and not known and not named

    law = guess_law(links.table, draft.money, "time", usable)
    if law is None:
        draft.add_formula(_LINK_TIME, "1.5 * length", {"length": "km"}, "min", "40 km/h; no column tells it")
        draft.bind(_LINK_TIME, {"length": "link.length"})
    else:
        draft.add_law(_LINK_TIME, law, "link")
        draft.bind(_LINK_TIME, {name: f"link.{fields.get(name, name)}" for name in law.features})
    draft.problem.append(Section(("problem", "duration"), (Entry("law", _LINK_TIME, needed=True),)))
