"""What those who carry out a plan are told: a work order for each vehicle or machine, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class WorkOrder:
    """What one vehicle or machine does, in order.

    Parameters
    ----------
    title
        Whose order it is, such as ``"van 1"``.
    facts
        What holds for the whole order: departure, load, distance; pairs of a word and what is to be said.
    columns
        Heads of the rows.
    rows
        A cell for each column, as text.

    Examples
    --------
    >>> WorkOrder("saw", (("from", "08:00"),), ("start", "task"), (("08:00", "cut"),)).rows[0]
    ('08:00', 'cut')
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def filled(self) -> WorkOrder:
        """Return the order without columns in which no row says anything.

        Examples
        --------
        >>> WorkOrder("saw", (), ("start", "mode", "task"), (("08:00", "", "cut"),)).filled().columns
        ('start', 'task')
        """
        kept = [place for place in range(len(self.columns)) if any(row[place] for row in self.rows)]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows)
