"""What may be corrected of a known law: its constants, and lines, curves and tables of columns and of pairs of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import Apply, Array, Constant, Input, Node, Product, postorder
from kanopt.formulas.parameters import is_parameter
from kanopt.formulas.pieces import Curve, Table

GRID = 10
"""Intervals of a curve at most; one for every four different values."""
MOST_CATEGORIES = 300
"""Categories of a table at most: every one of them is a number to estimate."""
MOST_PAIRED = 12
"""Columns of which pairs are tried at most."""
DECADE = 10.0
"""Ratio of the ends from which a curve is one of the logarithm."""
KINDS = 3
"""Kinds of corrections: constants, columns, pairs of columns."""


@dataclass(frozen=True, eq=False)
class Move:
    """One correction: numbers that become free, and what they are numbers of.

    Parameters
    ----------
    what
        In words.
    names
        Constants, curves and tables whose numbers become free.
    node
        What is added to the law, or to the logarithm of the factor on it; None for constants of the law itself.
    turn
        From coordinates to the numbers, (m, m). The coordinates are a mean, then lines, then directions that are drawn
        towards zero, each scaled so that one is an effect of about one; None where no number is drawn anywhere.
    lines
        How many coordinates are lines.
    cost
        Nats that it takes to say which correction it is.
    level
        Whether the law's level moves beside it, which costs another constant.
    """

    what: str
    names: tuple[str, ...]
    node: Node | None
    turn: Array | None = None
    lines: int = 0
    cost: float = 0.0
    level: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The columns that it corrects by."""
        return (
            frozenset(name for node in postorder(self.node) for name in node.names)
            if self.node
            else frozenset()
        )

    def basis(self, columns: Mapping[str, NDArray[Any]]) -> Array:
        """Return what each of its numbers adds in every row, (n, m)."""
        assert self.node is not None
        free = FreeParameters.of(self.node, self.names)
        count = len(next(iter(columns.values())))
        derivative = GraphTape(self.node, columns, free).gradient(free.values)[1]
        return np.array(np.broadcast_to(derivative, (count, free.count)))


def moves_of(
    law: Node, columns: Mapping[str, NDArray[Any]], periods: Mapping[str, float], *, pairs: bool
) -> list[list[Move]]:
    """Return the corrections that are tried: of constants, of columns, and of pairs of columns.

    Parameters
    ----------
    law
        The law with a name for every constant that may move.
    columns
        The rows by column, (n,) each: numbers, and text in object arrays.
    periods
        Of numbers that start anew.
    pairs
        Whether pairs of columns are tried.
    """
    names = list(dict.fromkeys(n.name for n in postorder(law) if isinstance(n, Constant) and is_parameter(n)))
    constants = _priced([Move(f"constant {name}", (name,), None) for name in names])
    together = [Move("all constants", tuple(names), None, cost=sum(move.cost for move in constants))]
    drafts = _Drafts(columns, periods)
    columnwise, pairwise = list(drafts.of_columns()), list(drafts.of_pairs()) if pairs else []
    return [constants + together[: len(names) > 1], _priced(columnwise), _priced(pairwise)]


def _priced(moves: list[Move]) -> list[Move]:
    """Return corrections of one kind with what it takes to say which of them it is."""
    cost = math.log(KINDS * max(len(moves), 1))
    return [replace(move, cost=cost) for move in moves]


@dataclass(frozen=True, eq=False)
class _Drafts:
    """Writes corrections by columns; their numbers are zero, and their names are drafts."""

    columns: Mapping[str, NDArray[Any]]
    periods: Mapping[str, float]

    @property
    def numbers(self) -> list[str]:
        """The columns that are numbers and vary, without those that start anew."""
        return [
            n
            for n, v in self.columns.items()
            if v.dtype != object and np.ptp(v) > 0 and n not in self.periods
        ]

    @property
    def categories(self) -> list[str]:
        found = {name: len(set(values)) for name, values in self.columns.items() if values.dtype == object}
        return [name for name, count in found.items() if 1 < count <= MOST_CATEGORIES]

    def of_columns(self) -> Iterator[Move]:
        """Yield a line and a curve of every number, also of its logarithm, and a table of every category."""
        for name in self.numbers:
            yield from self._lines(f"line of {name}", Input(name))
            log = float(self.columns[name].min()) > 0.0
            if log:
                yield from self._lines(f"line of log {name}", Apply("log", Input(name)))
            yield from self._curve(name, f"curve of {name}")
        for name in self.periods:
            if name in self.columns:
                yield from self._curve(name, f"curve of {name}")
        for name in self.categories:
            what = f"table of {name}"
            yield self._drawn(what, self._table(name, what), ())

    def of_pairs(self) -> Iterator[Move]:
        """Yield the product of two numbers, and a number times a curve or a table of another column."""
        numbers = self.numbers[:MOST_PAIRED]
        for a, b in combinations(numbers, 2):
            yield from self._lines(f"product of {a} and {b}", Product((Input(a), Input(b))))
        cycles = [name for name in self.periods if name in self.columns]
        for a, b in [*permutations(numbers, 2), *((a, b) for a in cycles for b in numbers)]:
            yield from self._curve(a, f"{b} times a curve of {a}", Input(b))
        for a in self.categories[:MOST_PAIRED]:
            for b in numbers:
                what = f"{b} times a table of {a}"
                yield self._drawn(what, Product((Input(b), self._table(a, what))), ())

    def _lines(self, what: str, node: Node) -> Iterator[Move]:
        name = f"draft {what}"
        added = Product((Constant(0.0, name), node))
        yield Move(what, (name,), added)
        yield Move(what, (name,), added, level=True)

    def _table(self, name: str, what: str) -> Table:
        labels = sorted(set(self.columns[name]))
        return Table.of(dict.fromkeys(labels, 0.0), name, fallback=0.0, name=f"draft {what}")

    def _curve(self, name: str, what: str, times: Node | None = None) -> Iterator[Move]:
        """Yield a curve of a column, times a step, unless there are too few different values."""
        values = self.columns[name].astype(np.float64)
        period = self.periods.get(name)
        if period is not None:
            grid = max(4, min(GRID, len(np.unique(np.mod(values, period))) // 4))
            curve = Curve(f"draft {what}", Input(name), (0.0,) * grid, 0.0, float(period), periodic=True)
        else:
            grid = min(GRID, len(np.unique(values)) // 4)
            if grid < 1:
                return
            log = 0.0 < DECADE * float(values.min()) <= float(values.max())
            argument: Node = Apply("log", Input(name)) if log else Input(name)
            x = np.log(values) if log else values
            low, high = float(x.min()), float(x.max())
            curve = Curve(f"draft {what}", argument, (0.0,) * (grid + 3), low, high)
        straight = () if period is not None else (np.arange(grid + 3.0),)
        yield self._drawn(what, curve if times is None else Product((times, curve)), straight)

    def _drawn(self, what: str, node: Node, lines: tuple[Array, ...]) -> Move:
        """Return a curve or table whose bends are drawn towards none: a P-spline (Eilers and Marx 1996)."""
        piece = next(n for n in postorder(node) if isinstance(n, Curve | Table))
        move = Move(what, (piece.name,), node, lines=len(lines))
        z = move.basis(self.columns)
        count = z.shape[1]
        differences = np.eye(count)
        if isinstance(piece, Curve):
            differences = 2.0 * np.eye(count) - np.roll(np.eye(count), 1, 0) - np.roll(np.eye(count), -1, 0)
            differences = differences if piece.periodic else np.diff(np.eye(count), 2, axis=0)
        plain = np.column_stack([np.ones(count), *lines])
        rest = np.linalg.svd(plain, full_matrices=True)[0][:, plain.shape[1] :]
        bend, turned = np.linalg.eigh(rest.T @ differences.T @ differences @ rest)
        bends = rest @ turned / np.sqrt(bend)
        # every direction but the mean has none, so that the mean alone says where the level is
        level = (z @ np.ones(count)).mean()
        free = np.column_stack([plain[:, 1:], bends])
        if level != 0.0:
            free = free - np.outer(np.ones(count), (z @ free).mean(axis=0) / level)
        size = np.sqrt(np.square(z @ free).mean(axis=0))
        bends_size = float(np.sqrt(np.square(size[len(lines) :]).sum()))
        scale = np.concatenate([size[: len(lines)], np.full(count - 1 - len(lines), bends_size)])
        first = np.ones((count, 1)) / max(float(np.sqrt(np.square(z @ np.ones(count)).mean())), 1e-300)
        return replace(move, turn=np.column_stack([first, free / np.where(scale > 0, scale, 1.0)]))
