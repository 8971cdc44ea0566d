"""A formula as steps to be taken on many legs at once; everything that is known beforehand is a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.nodes import Node, postorder

__all__ = ["TabulatedProgram"]

Columns = Mapping[str, NDArray[Any]]
Compute = Callable[[Sequence[NDArray[Any]], Columns], NDArray[Any]]


class TabulatedProgram:
    """What is left of a graph once its largest parts that do not move are tables.

    Parameters
    ----------
    root
        The graph.
    columns
        Every input on every arc, those that move as well.
    moving
        The inputs that a plan moves.
    day
        Of these, the ones that may be read off a table over the day, at every moment of it.
    shape
        Of tables over the arcs.

    Attributes
    ----------
    reads
        The inputs to be given to :meth:`run`.
    by_clock
        Whether a table over the day is looked up.
    """

    def __init__(
        self, root: Node, columns: Columns, moving: frozenset[str], day: Columns, shape: tuple[int, ...]
    ) -> None:
        nodes = postorder(root)
        known = _tabulated_values(nodes, columns, moving, day)
        needed = {child.key for node in nodes if node.key not in known for child in node.children}
        needed.add(root.key)
        self.reads: frozenset[str] = frozenset()
        self.by_clock = False
        self._start: list[NDArray[Any]] = []
        self._looked_up: list[tuple[int, NDArray[Any], bool]] = []
        self._computed: list[tuple[int, Compute, tuple[int, ...]]] = []
        place: dict[bytes, int] = {}
        for node in nodes:
            if node.key in known and node.key not in needed:
                continue
            place[node.key] = at = len(self._start)
            self._start.append(np.zeros(()))
            if node.key not in known:
                self._computed.append((at, node.compute, tuple(place[child.key] for child in node.children)))
                self.reads |= moving & set(node.names)
                continue
            value, by_clock = known[node.key]
            self.by_clock |= by_clock
            if value.size == 1:
                self._start[at] = value.reshape(())
            else:
                table = value if by_clock else np.broadcast_to(value, shape).ravel()
                self._looked_up.append((at, table, by_clock))

    def run(self, columns: Columns, arc: NDArray[np.intp], moment: NDArray[np.intp]) -> NDArray[Any]:
        """Return the value of the graph.

        Parameters
        ----------
        columns
            What is in :attr:`reads`.
        arc, moment
            Where to look tables up, over the arcs and over the day.
        """
        values = self._start.copy()
        for at, table, by_clock in self._looked_up:
            # a clock that is not finite has no moment, and its leg is not driven anyhow
            values[at] = table.take(moment if by_clock else arc, mode="clip")
        for at, compute, below in self._computed:
            values[at] = compute([values[place] for place in below], columns)
        return values[-1]


def _tabulated_values(
    nodes: Sequence[Node], columns: Columns, moving: frozenset[str], day: Columns
) -> dict[bytes, tuple[NDArray[Any], bool]]:
    """Return the values of the nodes that can be tabulated, and whether that is over the day."""
    known: dict[bytes, tuple[NDArray[Any], bool]] = {}
    inputs = {**columns, **day}
    with np.errstate(all="ignore"):
        for node in nodes:
            own = moving & set(node.names)
            below = [known[child.key] for child in node.children if child.key in known]
            if own - day.keys() or len(below) < len(node.children):
                continue
            by_clock = bool(own) or any(clocked for _, clocked in below)
            if by_clock and any(value.size > 1 and not clocked for value, clocked in below):
                continue
            value = np.asarray(node.compute([value for value, _ in below], inputs))
            if by_clock and value.ndim != 1:
                # it reads something of the arc as well
                continue
            known[node.key] = value, by_clock
    return known
