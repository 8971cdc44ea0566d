"""The free parameters of a graph as one vector: extract them, and substitute new values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.nodes import Constant, Node, Product, Sum, fold, postorder, rebuild
from kanopt.formulas.parameters import is_parameter, parameters_of, piece_numbers
from kanopt.formulas.pieces import Curve, Step, Table

Piece: TypeAlias = Curve | Step | Table
PIECES = (Curve, Step, Table)


@dataclass(frozen=True, eq=False)
class FreeParameters:
    """The free parameters, in reading order.

    Parameters
    ----------
    names
        Names of the p parameters: ``a`` for a constant, ``s[0]`` for a coefficient of a tabulated function.
    values
        Their values in the graph, (p,).
    blocks
        For each constant or tabulated function by name, the slice of its parameters in the vector.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> law = Constant(0.12, "a") * Input("km") ** Constant(0.98, "b")
    >>> free = FreeParameters.of(law, None)
    >>> free.names, free.values.tolist()
    (('a', 'b'), [0.12, 0.98])
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(free.substitute(law, np.array([0.2, 1.5])))
    '0.2 · km^1.5'
    """

    names: tuple[str, ...]
    values: Floats
    blocks: Mapping[str, slice]

    @classmethod
    def of(cls, root: Node, only: Iterable[str] | None) -> FreeParameters:
        """Collect all constants with a name, or only the constants and pieces named.

        Parameters
        ----------
        root
            The graph.
        only
            Names of constants, and of curves, steps and tables, all of whose coefficients are free. None for every
            constant with a name and no piece.

        Raises
        ------
        FormulaError
            If a name is not in the graph (suggests the nearest), or is that of two different things.
        """
        constants = parameters_of(root)
        wanted = (
            list(constants)
            if only is None
            else list(dict.fromkeys([only] if isinstance(only, str) else only))
        )
        pieces = _pieces_of(root, wanted)
        for name in wanted:
            if name not in constants and name not in pieces:
                known = [*constants, *(node.name for node in postorder(root) if isinstance(node, PIECES))]
                raise FormulaError(
                    f"no constant, curve, step or table of the law is called {name!r:.80}; {nearest(str(name), known)}"
                )
        numbers: dict[str, float] = {}
        blocks: dict[str, slice] = {}
        for name in [*constants, *pieces]:
            if name in wanted:
                found = {name: constants[name]} if name in constants else piece_numbers(pieces[name])
                if numbers.keys() & found.keys() or (name in constants and name in pieces):
                    raise FormulaError(f"{name!r} is the name of two different things in the law; rename one")
                blocks[name] = slice(len(numbers), len(numbers) + len(found))
                numbers.update(found)
        return cls(tuple(numbers), np.array(list(numbers.values()), dtype=np.float64), blocks)

    @property
    def count(self) -> int:
        """The number of free parameters, p."""
        return len(self.names)

    def block(self, node: Node) -> slice | None:
        """Return the slice of a node's own parameters; None if they are not free."""
        if isinstance(node, Constant):
            return self.blocks.get(node.name) if is_parameter(node) else None
        return self.blocks.get(node.name) if isinstance(node, PIECES) else None

    def substitute(self, root: Node, values: Floats, errors: Floats | None = None) -> Node:
        """Return the graph with other values of the parameters.

        Parameters
        ----------
        root
            The graph that the parameters were collected from.
        values
            The new values, (p,).
        errors
            Standard errors of the constants, (p,); None for none.
        """

        def put(node: Node) -> Node:
            block = self.block(node)
            if block is None:
                return node
            if isinstance(node, Constant):
                error = None if errors is None else float(errors[block.start])
                return Constant(float(values[block.start]), node.name, error)
            return node.with_numbers(values[block].tolist())

        return rebuild(root, put)


def _pieces_of(root: Node, names: Sequence[str]) -> dict[str, Piece]:
    """Return the pieces with the given names; pieces with one name must have the same coefficients."""
    found: dict[str, Piece] = {}
    for node in postorder(root):
        if isinstance(node, PIECES) and node.name in names:
            known = found.setdefault(node.name, node)
            if type(known) is not type(node) or piece_numbers(known) != piece_numbers(node):
                raise FormulaError(
                    f"{node.name!r} is the name of two different things in the law; rename one"
                )
    return found


def linear_in(root: Node, free: FreeParameters) -> NDArray[np.bool_]:
    """Return a mask of free parameters c in which the law is jointly linear: with the others held it is f₀ + Φ·c.

    Chosen greedily in reading order, so that of two factors of one product the first is chosen.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> law = Constant(3.0, "c") + Constant(0.12, "a") * Input("km") ** Constant(0.98, "b")
    >>> linear_in(law, FreeParameters.of(law, None)).tolist()
    [True, True, False]
    """
    chosen = np.zeros(free.count, dtype=bool)
    for block in free.blocks.values():
        chosen[block] = True
        if fold(root, lambda node, below: _degree(node, below, free, chosen)) > 1:
            chosen[block] = False
    return chosen


def _degree(node: Node, below: list[int], free: FreeParameters, chosen: NDArray[np.bool_]) -> int:
    """Return the degree of a step in the chosen parameters: 0, 1, or 2 for any higher degree."""
    block = free.block(node)
    own = int(block is not None and bool(chosen[block].all()))
    if isinstance(node, Sum):
        return max(below)
    if isinstance(node, Product):
        return min(sum(below), 2)
    return own if not any(below) else 2
