"""Road networks: travel times and distances along the fastest paths over a table of links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, ProblemError, UnitError, nearest
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference, ReferenceValue
from kanopt.plans.geography import Positions
from kanopt.plans.law_use import law_mistake, refuse_below_zero
from kanopt.records.fields import Field
from kanopt.records.headers import column_hint
from kanopt.records.reading import names_of
from kanopt.records.unread_columns import TableUse, fields_read, frame_use
from kanopt.tables.report import declared_units
from kanopt.text import amount_text, list_names
from kanopt.units import convert

_PLANAR = ("x", "y")
_CELLS = 4_000_000  # distances and predecessors held at once


@dataclass(frozen=True, eq=False)
class TravelMatrix:
    """Travel between places along the fastest paths; infinite where no path leads.

    Parameters
    ----------
    time, length
        Shape (places, places), in the network's units.
    """

    time: Floats
    length: Floats


@dataclass(frozen=True)
class RoadPath:
    """One fastest path.

    Parameters
    ----------
    nodes
        From start to end.
    links
        Rows of the links table, in order of travel.
    """

    nodes: tuple[str, ...]
    links: tuple[int, ...]


def _require(frame: pd.DataFrame, table: str, columns: Sequence[str]) -> None:
    """Refuse a table without some columns."""
    for column in columns:
        if column not in frame.columns:
            kind = str if column in ("tail", "head", "name") else float
            hint = column_hint(table, Field(column, kind=kind), frame.columns)
            raise ProblemError(f"{table}: column {column!r} is missing; {hint}")


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """Directed links between nodes, with a law of the time each link takes.

    Parameters
    ----------
    links
        Columns ``tail``, ``head`` and ``length``, and whatever else the law reads. A two-way road is two rows.
        Of parallel links the fastest counts.
    law
        Travel time of a link: a formula bound to ``link.<column>``, or an array with one time per link.
    nodes
        Columns ``name``, ``x``, ``y``, for maps, or ``name``, ``lat``, ``lon`` in degrees; may be left out.
    distance, time
        Units of lengths (where the frame declares none) and of travel times.

    Raises
    ------
    ProblemError
        If a column is missing, a length or a travel time is negative or not a number, a link leads to a node that
        is not in `nodes`, or the law reads something the links do not have.

    Examples
    --------
    >>> roads = pd.DataFrame({"tail": ["a", "b"], "head": ["b", "c"], "length": [2.0, 3.0]})
    >>> network = RoadNetwork(roads, np.array([4.0, 5.0]))
    >>> network.paths([("a", "c")])
    [RoadPath(nodes=('a', 'b', 'c'), links=(0, 1))]
    >>> network.matrix(["c", "a"]).time.tolist()
    [[0.0, inf], [9.0, 0.0]]
    """

    links: pd.DataFrame
    law: BoundFormula | Floats
    nodes: pd.DataFrame | None = None
    distance: str = "km"
    time: str = "min"

    @classmethod
    def from_networkx(
        cls, graph: Any, law: BoundFormula | str, *, length: str = "length", distance: str = "km"
    ) -> RoadNetwork:
        """Return the roads of a networkx graph, such as OSMnx makes: edges are links, their attributes columns.

        Parameters
        ----------
        graph
            Any networkx graph. An edge without a direction is two links. Where all nodes have the attributes ``x``
            and ``y``, they become the nodes of maps.
        law
            Travel time of a link: a formula bound to ``link.<attribute>``, or the name of an attribute with minutes.
        length
            Name of the attribute with lengths.
        distance
            Unit of lengths; of those of OSMnx it is ``"m"``.

        Raises
        ------
        ProblemError
            If an edge has no length or no travel time, or the roads contradict themselves.

        Examples
        --------
        >>> import networkx as nx
        >>> graph = nx.Graph()
        >>> graph.add_edge("a", "b", length=2.0, minutes=4.0)
        >>> network = RoadNetwork.from_networkx(graph, "minutes")
        >>> network.matrix(["a", "b"]).time.tolist()
        [[0.0, 4.0], [4.0, 0.0]]
        """
        edges = graph.to_directed().edges(data=True)
        links = pd.DataFrame([{**known, "tail": str(tail), "head": str(head)} for tail, head, known in edges])
        for column in (length, *([law] if isinstance(law, str) else [])):
            if column not in links or links[column].isna().any():
                hint = nearest(column, map(str, links.columns))
                raise ProblemError(f"graph: not every edge has the attribute {column!r}; {hint}")
        links = links.assign(length=links[length])
        times = links[law].to_numpy(dtype=np.float64) if isinstance(law, str) else law
        nodes = pd.DataFrame([{"name": str(name), **about} for name, about in graph.nodes(data=True)])
        placed = {"x", "y"} <= {*nodes} and nodes[["x", "y"]].notna().all(axis=None)
        return cls(links, times, nodes[["name", "x", "y"]] if placed else None, distance)

    def __post_init__(self) -> None:
        known = {
            f"link.{name}": self._declared.get(str(name), "") for name in ("length", *self.links.columns)
        }
        if wrong := law_mistake("links", self.law, "a bound formula, or one time per link", known):
            raise ProblemError.of(wrong)
        _require(self.links, "links", ("tail", "head", "length"))
        if self.links[["tail", "head"]].isna().any().any():
            row = int(np.flatnonzero(self.links[["tail", "head"]].isna().any(axis=1))[0]) + 1
            raise ProblemError(f"links: row {row}: tail and head must be given")
        self._refuse(self.lengths, "length", self.distance)
        self._check_nodes()
        self._refuse(self.times, "travel time", self.time)

    def _refuse(self, values: Floats, what: str, unit: str) -> None:
        wrong = np.flatnonzero(~((values >= 0) & np.isfinite(values)))
        if wrong.size:
            shown = [f"{self.label(int(place))} ({amount_text(values[place], unit, 6)})" for place in wrong]
            raise ProblemError(f"links: {what} must be a number of at least 0: {list_names(shown)}")

    def _check_nodes(self) -> None:
        if self.nodes is None:
            return
        _require(self.nodes, "nodes", ("name", *self._axes))
        names = names_of(self.nodes["name"])
        if len(set(names)) < len(names):
            counts = pd.Series(names).value_counts()
            raise ProblemError(f"nodes: {list_names(list(counts.index[counts > 1]))} appears more than once")
        unknown = sorted({*self.tails, *self.heads} - set(names))
        if unknown:
            raise ProblemError(
                f"links: {list_names(unknown)} is not among the nodes; {nearest(unknown[0], names)}"
            )

    def table_uses(self) -> tuple[TableUse, ...]:
        """Return what is read of the links and nodes; where times were given as an array, their source is not known."""
        found = []
        if isinstance(self.law, BoundFormula):
            ends = [Field("tail", kind=str), Field("head", kind=str)]
            read = fields_read("link", [self.law])
            found.append(frame_use("links", self.links, [*ends, Field("length", self.distance)], read))
        if self.nodes is not None:
            unit = self.distance if self._axes == _PLANAR else "deg"
            place = [Field(axis, unit) for axis in self._axes]
            found.append(frame_use("nodes", self.nodes, [Field("name", kind=str), *place]))
        return tuple(found)

    @property
    def _axes(self) -> tuple[str, str]:
        """The columns of the nodes that say where they lie."""
        there = set() if self.nodes is None else set(self.nodes.columns)
        return ("lat", "lon") if {"lat", "lon"} <= there and not {*_PLANAR} & there else _PLANAR

    @cached_property
    def tails(self) -> list[str]:
        """Start of each link."""
        return names_of(self.links["tail"])

    @cached_property
    def heads(self) -> list[str]:
        """End of each link."""
        return names_of(self.links["head"])

    @cached_property
    def _declared(self) -> dict[str, str]:
        return declared_units(self.links, "links")

    @cached_property
    def lengths(self) -> Floats:
        """Length of each link."""
        numbers = np.asarray(pd.to_numeric(self.links["length"], errors="coerce"), dtype=np.float64)
        try:
            return convert(numbers, self._declared.get("length") or self.distance, self.distance)
        except UnitError as error:
            raise ProblemError(f"links: column 'length': {error}") from error

    @cached_property
    def times(self) -> Floats:
        """Travel time of each link."""
        if not isinstance(self.law, BoundFormula):
            times = np.asarray(self.law, dtype=np.float64)
            if times.shape != (len(self.links),):
                raise ProblemError(f"links: {len(self.links)} links, but travel times of shape {times.shape}")
            return times
        try:
            times = np.broadcast_to(self.law.evaluate(self.resolve, self.time), (len(self.links),))
        except FormulaError as error:
            raise ProblemError(f"links: {error}") from error
        refuse_below_zero(
            "travel time", self.law, times, self.time, lambda link: f"on link {self.label(link)}", "links"
        )
        return np.maximum(times, 0.0)

    def resolve(self, reference: Reference) -> ReferenceValue:
        """Look ``link.<column>`` up for every link; a network refuses laws that are bound to anything else."""
        if reference.field == "length":
            return ReferenceValue(self.lengths, self.distance)
        values = self.links[reference.field]
        if pd.api.types.is_numeric_dtype(values.dtype):
            return ReferenceValue(values.to_numpy(dtype=np.float64), self._declared.get(reference.field, ""))
        return ReferenceValue(values.to_numpy(dtype=object))

    def label(self, link: int) -> str:
        """Return a link as ``tail → head``."""
        return f"{self.tails[link]} → {self.heads[link]}"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes: those of the nodes table, else in order of appearance."""
        if self.nodes is not None:
            return tuple(names_of(self.nodes["name"]))
        both = [name for pair in zip(self.tails, self.heads, strict=True) for name in pair]
        return tuple(dict.fromkeys(both))

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each node."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def _edges(self) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Keys ``tail * nodes + head`` in rising order, and the fastest link of each."""
        n = len(self.names)
        tail = np.array([self.index[name] for name in self.tails], dtype=np.int64)
        head = np.array([self.index[name] for name in self.heads], dtype=np.int64)
        key = tail * n + head
        order = np.lexsort((self.times, key))
        first = np.ones(len(order), dtype=bool)
        first[1:] = key[order][1:] != key[order][:-1]
        chosen = order[first]
        return key[chosen], chosen

    @cached_property
    def _graph(self) -> Any:
        from scipy.sparse import csr_matrix

        key, link = self._edges
        n = len(self.names)
        return csr_matrix((self.times[link], (key // n, key % n)), shape=(n, n))

    def _node_indices(self, names: Sequence[str]) -> NDArray[np.intp]:
        unknown = [name for name in names if name not in self.index]
        if unknown:
            hint = nearest(unknown[0], self.names)
            raise ProblemError(f"road network: no node {list_names(unknown)}; {hint}")
        return np.array([self.index[name] for name in names], dtype=np.intp)

    def _shortest_path_trees(
        self, sources: NDArray[np.intp]
    ) -> Iterator[tuple[slice, Floats, NDArray[np.intp]]]:
        """Yield times and predecessors from a few sources at a time, so that memory stays bounded."""
        from scipy.sparse.csgraph import dijkstra

        step = max(1, _CELLS // max(1, len(self.names)))
        for start in range(0, len(sources), step):
            part = slice(start, start + step)
            time, before = dijkstra(self._graph, indices=sources[part], return_predecessors=True)
            yield part, time, before

    def matrix(self, names: Sequence[str]) -> TravelMatrix:
        """Return travel between nodes along the fastest paths.

        Parameters
        ----------
        names
            Nodes; one may appear several times.

        Raises
        ------
        ProblemError
            If a node is unknown.
        """
        places = self._node_indices(names)
        unique, inverse = np.unique(places, return_inverse=True)
        time = np.empty((len(unique), len(unique)))
        length = np.empty_like(time)
        for part, times, before in self._shortest_path_trees(unique):
            time[part] = times[:, unique]
            length[part] = self._sum_lengths(unique[part], unique, before)
        length[~np.isfinite(time)] = np.inf
        grid = np.ix_(inverse, inverse)
        return TravelMatrix(time[grid], length[grid])

    def _sum_lengths(
        self, sources: NDArray[np.intp], targets: NDArray[np.intp], before: NDArray[np.intp]
    ) -> Floats:
        """Add up lengths from all targets back to their sources, one hop of all paths at a time."""
        key, link = self._edges
        row = np.broadcast_to(np.arange(len(sources))[:, None], (len(sources), len(targets))).ravel()
        here = np.broadcast_to(targets, (len(sources), len(targets))).ravel().astype(np.int64)
        total = np.zeros(len(here))
        active = np.arange(len(here))
        while active.size:
            previous = before[row[active], here[active]].astype(np.int64)
            active, previous = active[previous >= 0], previous[previous >= 0]
            found = np.searchsorted(key, previous * len(self.names) + here[active])
            total[active] += self.lengths[link[found]]
            here[active] = previous
        return total.reshape(len(sources), len(targets))

    def paths(self, pairs: Sequence[tuple[str, str]]) -> list[RoadPath | None]:
        """Return the fastest path of each pair of nodes; None where no path leads.

        Raises
        ------
        ProblemError
            If a node is unknown.
        """
        start = self._node_indices([origin for origin, _ in pairs])
        end = self._node_indices([destination for _, destination in pairs])
        sources, row = np.unique(start, return_inverse=True)
        found: list[RoadPath | None] = [None] * len(pairs)
        for part, times, before in self._shortest_path_trees(sources):
            for place in np.flatnonzero((row >= part.start) & (row < part.stop)):
                tree = row[place] - part.start
                if np.isfinite(times[tree, end[place]]):
                    found[place] = self._trace(start[place], end[place], before[tree])
        return found

    def _trace(self, start: int, end: int, before: NDArray[np.intp]) -> RoadPath:
        nodes = [int(end)]
        while nodes[-1] != start:
            nodes.append(int(before[nodes[-1]]))
        nodes.reverse()
        key, link = self._edges
        wanted = np.array(nodes[:-1], dtype=np.int64) * len(self.names) + np.array(nodes[1:], dtype=np.int64)
        links = link[np.searchsorted(key, wanted)]
        return RoadPath(tuple(self.names[node] for node in nodes), tuple(links.tolist()))

    @cached_property
    def positions(self) -> pd.DataFrame | None:
        """Coordinates of the nodes, indexed by name; None without a nodes table."""
        if self.nodes is None:
            return None
        given = self.nodes[[*self._axes]].to_numpy(dtype=float)
        unknown = np.full_like(given, np.nan)
        planar, degrees = (given, unknown) if self._axes == _PLANAR else (unknown, given)
        on_map = Positions(planar, degrees, self.distance).on_map
        names = pd.Index(names_of(self.nodes["name"]), name="name")
        return pd.DataFrame(on_map, columns=["x", "y"], index=names)
