"""What people ask of a plan first, as changes: a few other fleets and machines, and a tenth more or less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kanopt.whatif.changes import Change, cell_text

if TYPE_CHECKING:
    import pandas as pd

_MOST_KINDS = 2
"""Of vehicles and machines that are varied; each variant is planned anew, which takes its time."""


def a_tenth_up_and_down(what: str, paths: Sequence[str]) -> dict[str, tuple[Change, ...]]:
    """Return what scales some paths together; nothing where there are none.

    Examples
    --------
    >>> [(name, str(change)) for name, (change,) in a_tenth_up_and_down("demand", ["clients.demand"]).items()]
    [('demand −10 %', 'clients.demand × 0.9'), ('demand +10 %', 'clients.demand × 1.1')]
    """
    split = [path.partition(".") for path in paths]
    return {
        f"{what} {told}": tuple(Change("scale", table, column, factor) for table, _, column in split)
        for told, factor in (("−10 %", 0.9), ("+10 %", 1.1))
        if split
    }


def one_more_and_fewer(fleet: pd.DataFrame, table: str) -> dict[str, tuple[Change, ...]]:
    """Return one vehicle more and one fewer of each of the types with most of them; some vehicle is left.

    Parameters
    ----------
    fleet
        A row for each type, with its ``name`` and the ``num_available`` of vehicles, 1 where it has no such column.
    table
        The name of the table in the scenario.

    Examples
    --------
    >>> import pandas as pd
    >>> fleet = pd.DataFrame({"name": ["van", "truck", "bike"], "num_available": [4, 2, 1]})
    >>> for name, (change,) in one_more_and_fewer(fleet, "vehicles").items():
    ...     print(f"{name}: {change}")
    one van fewer: vehicles.num_available set to 3 where name = van
    one van more: vehicles.num_available set to 5 where name = van
    one truck fewer: vehicles.num_available set to 1 where name = truck
    one truck more: vehicles.num_available set to 3 where name = truck
    """
    import pandas as pd

    if "name" not in fleet:
        return {}
    given = fleet["num_available"] if "num_available" in fleet else pd.Series(1, index=fleet.index)
    counts = pd.to_numeric(given, errors="coerce").fillna(1).astype(int).tolist()
    found: dict[str, tuple[Change, ...]] = {}
    for row in sorted(sorted(range(len(counts)), key=lambda row: -counts[row])[:_MOST_KINDS]):
        name = _cell(fleet["name"].iloc[row])
        for word, count in (("fewer", counts[row] - 1), ("more", counts[row] + 1)):
            if count >= 0 and (word == "more" or sum(counts) > 1):
                where = {"name": name} if len(fleet) > 1 else {}
                found[f"one {cell_text(name)} {word}"] = (
                    Change("set", table, "num_available", count, where=where),
                )
    return found


def without_each(
    rows: pd.DataFrame, table: str, column: str, *, needed: str
) -> dict[str, tuple[Change, ...]]:
    """Return the table without each of the things with most rows whose rows are not all that something needs.

    Parameters
    ----------
    rows
        The table.
    table
        Its name in the scenario.
    column
        The column of what is taken out.
    needed
        The column of what must keep a row.

    Examples
    --------
    >>> import pandas as pd
    >>> modes = pd.DataFrame({"task": ["a", "a", "b", "b", "c"], "machine": ["saw", "mill", "saw", "drill", "mill"]})
    >>> for name, (change,) in without_each(modes, "modes", "machine", needed="task").items():
    ...     print(f"{name}: {change}")
    without saw: modes: rows taken out where machine = saw
    without drill: modes: rows taken out where machine = drill
    """
    found: dict[str, tuple[Change, ...]] = {}
    for given in rows[column].value_counts().index:
        name = _cell(given)
        if set(rows.loc[rows[column] != given, needed]) == set(rows[needed]) and len(found) < _MOST_KINDS:
            found[f"without {cell_text(name)}"] = (Change("remove", table, where={column: name}),)
    return found


def _cell(value: Any) -> Any:
    """Return a cell as a change names it."""
    return value.item() if hasattr(value, "item") else value
