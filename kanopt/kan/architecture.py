"""The architecture of a network, layer by layer, and the rows it reads as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from kanopt.kan.basis import block_diagonal

LARGE = 2_000
"""Parameters past which a matrix of their square is too much: such networks are trained by the gradient alone."""
WORTH = 0.95
"""Share of the basis functions that fewer have to leave at most to be of use."""


@dataclass(frozen=True)
class InputBasis:
    """Basis functions of the first layer, computed once for all steps of a training run.

    Attributes
    ----------
    values
        Shape (n, width).
    grid_size, lower, upper
        Grid of the splines that they belong to.
    short, spread
        Fewer functions (n, fewer), and what makes the basis functions of them, ``values = short @ spread``, where some
        inputs have fewer values than basis functions; see :meth:`shortened`.
    """

    values: Tensor
    grid_size: int
    lower: Tensor
    upper: Tensor
    short: Tensor | None = None
    spread: Tensor | None = None

    def is_of(self, grid_size: int, lower: Tensor, upper: Tensor) -> bool:
        """Whether the values are those of a network with this grid."""
        return self.grid_size == grid_size and all(
            mine is given or (mine.dtype == given.dtype and torch.equal(mine, given))
            for mine, given in ((self.lower, lower), (self.upper, upper))
        )

    def shortened(self, widths: Sequence[int], numbers: Tensor) -> InputBasis:
        """Return the basis with :attr:`short` functions where numbers have few values: counts, ratings, zeros and ones.

        Such a number has a function for each of its values, which is 1 in the rows that have it. Whatever is linear in
        the basis functions of rows can be computed for the few and spread, and nothing but rounding changes.

        Parameters
        ----------
        widths
            Of every input, the numbers first, how many basis functions it has.
        numbers
            Of every row, shape (n, numbers).
        """
        short, spread = [], []
        for place, functions in enumerate(torch.split(self.values, list(widths), dim=1)):
            own = _by_values(functions, numbers[:, place]) if place < numbers.shape[1] else None
            short.append(functions if own is None else own[0])
            spread.append(torch.eye(functions.shape[1]).to(functions) if own is None else own[1])
        if sum(map(len, spread)) > WORTH * self.values.shape[1]:
            return self
        return replace(self, short=torch.cat(short, dim=1), spread=block_diagonal(spread))

    def rows(self, index: slice | Tensor) -> InputBasis:
        """Return the rows at `index`."""
        short = None if self.short is None else self.short[index]
        return replace(self, values=self.values[index], short=short)


def _by_values(functions: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return which of its values a number has in every row, and the basis functions at each; None if they are many."""
    # a hundred rows tell of most columns that they have many
    for some in (numbers[:100], numbers):
        known, place = torch.unique(some, return_inverse=True)
        if len(known) >= functions.shape[1]:
            return None
    row = place.new_zeros(len(known)).index_put((place,), torch.arange(len(place)).to(place))
    return torch.nn.functional.one_hot(place, len(known)).to(functions), functions[row]


@dataclass(frozen=True)
class InputTensors:
    """Rows of a table as tensors.

    Attributes
    ----------
    numbers
        Shape (n, splines + cycles), of float64: the numeric inputs, and after them the periodic ones, in periods.
    codes
        Shape (n, tables), of int64: the categorical inputs.
    basis
        Basis functions of the first layer where they have been computed, see :meth:`KANBatch.prepare`.
    """

    numbers: Tensor
    codes: Tensor
    basis: InputBasis | None = None

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def rows(self, index: slice | Tensor) -> InputTensors:
        """Return the rows at `index`."""
        return InputTensors(self.numbers[index], self.codes[index], self.basis and self.basis.rows(index))


@dataclass(frozen=True)
class LayerArchitecture:
    """Sizes of one layer.

    Edges end in sub-nodes. The first `sums` sub-nodes are nodes themselves; each following pair of sub-nodes forms one
    product node (the multiplication nodes of Liu et al. 2024, arXiv:2408.10205, section 2).

    Parameters
    ----------
    splines, cycles, tables
        Inputs of the layer: numbers of cubic and of periodic cubic splines, and the size of every table of categories.
    sums, products
        Numbers of sum nodes and of product nodes in the layer's output.
    grid_size
        Number of grid intervals of every spline.
    """

    splines: int
    cycles: int
    tables: tuple[int, ...]
    sums: int
    products: int
    grid_size: int

    @property
    def nodes(self) -> int:
        """Number of nodes; sums come before products."""
        return self.sums + self.products

    @property
    def subnodes(self) -> int:
        """Number of sub-nodes, in which edges end."""
        return self.sums + 2 * self.products

    @property
    def basis_size(self) -> int:
        """Number of coefficients of one spline; a periodic spline has `grid_size`."""
        return self.grid_size + 3

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Number of basis functions of every input: splines, periodic splines, tables."""
        return (*(self.basis_size,) * self.splines, *(self.grid_size,) * self.cycles, *self.tables)

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        """Index of every input's first basis function."""
        return tuple(accumulate((0, *self.widths[:-1]))) if self.widths else ()

    @cached_property
    def width(self) -> int:
        """Total number of basis functions."""
        return sum(self.widths)

    @cached_property
    def parameters(self) -> int:
        """Number of coefficients of the layer."""
        return self.width * self.subnodes


@dataclass(frozen=True)
class Architecture:
    """Sizes of a network.

    Parameters
    ----------
    numbers, cycles, categories
        Numeric inputs, periodic inputs, and the number of categories of every categorical input.
    hidden
        Nodes of every hidden layer; none for an additive model.
    products
        How many of them are product nodes, one number per hidden layer; empty for none.
    outputs
        Outputs of the network.
    grid_size
        Intervals of every spline.

    Examples
    --------
    >>> Architecture(numbers=2, categories=(3,), hidden=(4,), grid_size=5).parameters
    108
    >>> Architecture(numbers=2, hidden=(3,), products=(1,)).layers[0].subnodes
    4
    """

    numbers: int
    cycles: int = 0
    categories: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    outputs: int = 1
    grid_size: int = 5

    def __post_init__(self) -> None:
        products = self.products or (0,) * len(self.hidden)
        if len(products) != len(self.hidden):
            raise ValueError(f"products={self.products} must hold one number per hidden layer {self.hidden}")
        if any(not 0 <= some <= all_ for some, all_ in zip(products, self.hidden, strict=True)):
            raise ValueError(f"products={self.products} must lie between 0 and the widths {self.hidden}")

    @cached_property
    def layers(self) -> tuple[LayerArchitecture, ...]:
        """The layers from the inputs to the outputs."""
        products = (*(self.products or (0,) * len(self.hidden)), 0)
        nodes = (*self.hidden, self.outputs)
        sums = tuple(all_ - some for all_, some in zip(nodes, products, strict=True))
        first = LayerArchitecture(
            self.numbers, self.cycles, self.categories, sums[0], products[0], self.grid_size
        )
        later = [
            LayerArchitecture(before, 0, (), sums[place], products[place], self.grid_size)
            for place, (before, _) in enumerate(pairwise(nodes), start=1)
        ]
        return (first, *later)

    @cached_property
    def parameters(self) -> int:
        """Number of coefficients of one network."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def groups(self) -> int:
        """Number of groups of edges with a smoothing weight each: one per input, and one per later layer."""
        return len(self.layers[0].widths) + len(self.layers) - 1

    @property
    def is_large(self) -> bool:
        """Whether it is too large for second-order training."""
        return self.parameters > LARGE

    def split(self, vectors: Tensor) -> list[Tensor]:
        """Split vectors of all coefficients (M, parameters) into one block (M, width, subnodes) per layer, as views."""
        parts = torch.split(vectors, [layer.parameters for layer in self.layers], dim=1)
        return [
            part.reshape(len(vectors), layer.width, layer.subnodes)
            for part, layer in zip(parts, self.layers, strict=True)
        ]
