"""Attribution of a network's output to its edges, nodes and columns.

The score of an edge is the standard deviation, over the rows, of the change in the output when the edge is replaced by
its mean. A node or a column is ablated by replacing all its outgoing edges, a factor of a product by its mean. So an
edge with a large variation but no influence on the output scores zero, a small edge that is amplified later scores
high, and a constant factor gets no credit for its product. In an additive model the score of a column is the standard
deviation of its edge.

Liu et al. (2024, *KAN 2.0*, arXiv:2408.10205, section 4.1) propagate standard deviations backward, layer by layer:
an edge with standard deviation E into a node with standard deviation N and score B gets A = B · E / N, and a node the
sum over the edges that leave it. The two agree on additive models and on chains. They differ where paths cancel: a
product written by quarter squares, x·y = ((x + y)² − (x − y)²) / 4, passes through two nodes whose contributions mostly
cancel, and the sum of their scores says nothing about x. Ablation measures the actual effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part, Shown, grid_of
from kanopt.formulas import Formula
from kanopt.surrogates.curves import Layer, layers_of
from kanopt.text import number_text

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NAMED = 0.01
"""Share of the strongest edge into a sub-node from which on an edge is named among those that feed it."""
ROUNDING = 1e-13
"""A change below this share of the largest output is rounding."""


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Shown):
    """Scores of all edges and nodes, in the units of the network's output.

    A share is a score divided by the standard deviation of the output. Shares do not sum to one: for additive,
    independent columns their squares do, as variances add up, so that two equal columns have a share of 0.71 each; for
    interacting columns, such as factors of a product, the squares sum to more.

    Attributes
    ----------
    names
        Names of the network's inputs: numbers, periodic ones, categories.
    output
        Name of the output.
    spread
        Standard deviation of the output over the rows.
    edge_scores
        Layer by layer, shape (inputs, subnodes); the inputs are numbers, periodic ones and categories.
    products
        Layer by layer, how many of its nodes multiply; they are the last ones.
    node_scores
        Inputs first, output last: one more than there are layers, shape (nodes,).
    feature_scores
        One score per distinct name.
    """

    names: tuple[str, ...]
    output: str
    spread: float
    edge_scores: tuple[Floats, ...]
    products: tuple[int, ...]
    node_scores: tuple[Floats, ...]
    feature_scores: dict[str, float]

    def _shown(self) -> list[Part]:
        return [
            f"{self.output}: what it loses without a column, as a standard deviation (share: over its own, "
            f"{number_text(self.spread, 3)}; shares need not sum to 1)",
            grid_of(self.features, lambda value: number_text(value, 3), missing="NaN"),
        ]

    @property
    def features(self) -> pd.DataFrame:
        """One row per column, largest first: feature, score, share."""
        scores = np.array(list(self.feature_scores.values()))
        frame = pd.DataFrame(
            {"feature": list(self.feature_scores), "score": scores, "share": self._share(scores)}
        )
        return frame.sort_values("score", ascending=False, ignore_index=True, kind="stable")

    @property
    def nodes(self) -> pd.DataFrame:
        """One row per node: layer (0 for the inputs), node, kind, score, share, fed_by.

        The last column names the sources of a node, strongest first: the terms of a sum, joined by ``+``, and the two
        factors of a product in parentheses. Sources of less than 1 % of the strongest are omitted.
        """
        parts = []
        for place, scores in enumerate(self.node_scores):
            last = place == len(self.edge_scores)
            kinds = ["output" if last else "sum"] * len(scores) if place else ["input"] * len(scores)
            products = self.products[place - 1] if place else 0
            kinds[len(kinds) - products :] = ["product"] * products
            frame = pd.DataFrame({"layer": place, "node": self._names(place), "kind": kinds, "score": scores})
            frame["share"] = self._share(scores)
            frame["fed_by"] = self._sources(place) if place else ""
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    @property
    def edges(self) -> pd.DataFrame:
        """One row per edge: layer (0 for those that leave the inputs), source, target, factor, score, share.

        The factor is 0 for an edge into a sum, and 1 or 2 for one into the first or second factor of a product.
        """
        rows = []
        for layer, scores in enumerate(self.edge_scores):
            sources, targets = self._names(layer), self._names(layer + 1)
            for (source, subnode), score in np.ndenumerate(scores):
                target, factor = end_of(subnode, scores.shape[1] - 2 * self.products[layer])
                rows.append((layer, sources[source], targets[target], factor, score))
        frame = pd.DataFrame(rows, columns=["layer", "source", "target", "factor", "score"])
        return frame.assign(share=self._share(frame["score"].to_numpy()))

    def _share(self, scores: Floats) -> Floats:
        return scores / self.spread if self.spread > 0 else np.zeros_like(scores)

    def _names(self, place: int) -> list[str]:
        if place == 0:
            return list(self.names)
        count = len(self.node_scores[place])
        if place < len(self.edge_scores):
            return [f"h{place}[{node}]" for node in range(count)]
        return [self.output] if count == 1 else [f"{self.output}[{node}]" for node in range(count)]

    def _sources(self, place: int) -> list[str]:
        """Return the sources of every node of a layer in words."""
        scores, names = self.edge_scores[place - 1], self._names(place - 1)
        sums = []
        for column in scores.T:
            order = np.argsort(-column, kind="stable")
            strong = [names[i] for i in order if column[i] > 0 and column[i] >= NAMED * column.max()]
            sums.append(" + ".join(strong) if strong else "constant")
        first = len(sums) - 2 * self.products[place - 1]
        factors = zip(sums[first::2], sums[first + 1 :: 2], strict=True)
        return sums[:first] + [f"({u}) × ({v})" for u, v in factors]


def attribution(
    network: Formula,
    numbers: Floats,
    codes: Integers | None = None,
    *,
    names: Sequence[str] = (),
    output: str = "output",
) -> Attribution:
    """Score every edge, node and column of a network by its contribution to the output.

    Parameters
    ----------
    network, numbers, codes
        A network, and encoded rows, over which standard deviations are computed.
    names
        Names of the network's inputs: numbers, periodic ones, categories. Inputs with the same name are one
        feature. By default x0, x1, ….
    output
        Name of the output.

    Returns
    -------
    Attribution
        For a log target, in units of the logarithm: a score of 0.1 means about 10 % of the target.

    Raises
    ------
    ValueError
        If there are no rows, or `names` does not hold one name per input.

    Examples
    --------
    Two straight edges, of slope 1 and −2, on rows where both columns have a standard deviation of 1:

    >>> from kanopt.formulas import Constant, Curve, Input, Sum, Variable
    >>> line = Curve("s", Input("c0"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    >>> back = Curve("s", Input("c1"), (2.0, 0.0, -2.0, -4.0), 0.0, 1.0)
    >>> law = Formula(Sum((Constant(0.0), line, back)), (Variable("c0"), Variable("c1")), Variable("y"))
    >>> rows = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> found = attribution(law, rows, names=("km", "load"), output="cost")
    >>> found.features.round(3)
      feature  score  share
    0    load    2.0  0.894
    1      km    1.0  0.447
    >>> found.nodes[["node", "fed_by"]].iloc[-1].tolist()
    ['cost', 'load + km']
    >>> found
    cost: what it loses without a column, as a standard deviation (share: over its own, 2.24; shares need not sum to 1)
    feature  score  share
       load      2  0.894
         km      1  0.447
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    inputs = len(network.inputs)
    names = tuple(names) or tuple(f"x{place}" for place in range(inputs))
    if len(names) != inputs:
        raise ValueError(f"the network has {inputs} inputs, but names={names!r} holds {len(names)} names")
    if not len(numbers):
        raise ValueError("attribution needs rows over which the signal varies; got none")
    run = _ForwardPass.of(layers_of(network), numbers, codes)
    distinct = list(dict.fromkeys(names))
    groups = np.array([[float(name == each) for name in names] for each in distinct])
    spread = run.loss(np.full_like(run.output, run.output.mean()))
    each = [run.group_losses(place, np.eye(len(swings))) for place, swings in enumerate(run.swings)]
    return Attribution(
        names=names,
        output=output,
        spread=spread,
        edge_scores=tuple(run.edges(place) for place in range(len(run.layers))),
        products=tuple(layer.products for layer in run.layers),
        node_scores=(*each, np.array([spread])),
        feature_scores=dict(zip(distinct, run.group_losses(0, groups).tolist(), strict=True)),
    )


@dataclass(frozen=True, eq=False)
class _ForwardPass:
    """What a network computes from some rows, layer by layer.

    `arrivals` (n, subnodes) are the sub-nodes of each layer, `swings` (sources, n, subnodes) its centred edges;
    `output` is (n,).
    """

    layers: tuple[Layer, ...]
    arrivals: tuple[Floats, ...]
    swings: tuple[Floats, ...]
    output: Floats

    @classmethod
    def of(cls, layers: tuple[Layer, ...], numbers: Floats, codes: Integers | None) -> _ForwardPass:
        signal, arrivals, swings = np.vstack([numbers.T, *([] if codes is None else [codes.T])]), [], []
        for layer in layers:
            edges = np.array([layer.leaving(source, each) for source, each in enumerate(signal)])
            arrivals.append(layer.bias + edges.sum(axis=0))
            swings.append(edges - edges.mean(axis=1, keepdims=True))
            signal = layer.nodes(arrivals[-1]).T
        return cls(layers, tuple(arrivals), tuple(swings), signal[0])

    def loss(self, output: Floats) -> float:
        """Return the standard deviation of the change to another output (n,), 0 if it is rounding error."""
        spread = float((output - self.output).std())
        return spread if spread > ROUNDING * np.abs(self.output).max() else 0.0

    def group_losses(self, place: int, groups: Floats) -> Floats:
        """Return the scores of groups (k, inputs) of a layer's inputs, ablating all their outgoing edges."""
        lost = (np.tensordot(group, self.swings[place], 1) for group in groups)
        return np.array([self.loss(self._on(place, self.arrivals[place] - each)) for each in lost])

    def edges(self, place: int) -> Floats:
        """Return the scores of single edges of a layer, shape (inputs, subnodes)."""
        swings = self.swings[place]
        scores = np.empty((swings.shape[0], swings.shape[2]))
        for source, subnode in np.ndindex(scores.shape):
            arrivals = self.arrivals[place].copy()
            arrivals[:, subnode] -= swings[source, :, subnode]
            scores[source, subnode] = self.loss(self._on(place, arrivals))
        return scores

    def _on(self, place: int, arrivals: Floats) -> Floats:
        """Return the output for given values (n, subnodes) of a layer's sub-nodes."""
        signal = self.layers[place].nodes(arrivals)
        for layer in self.layers[place + 1 :]:
            signal = layer.nodes(
                layer.bias + sum(layer.leaving(source, each) for source, each in enumerate(signal.T))
            )
        return signal[:, 0]


def end_of(subnode: int, sums: int) -> tuple[int, int]:
    """Return the node in which edges into a sub-node end, and which factor of a product it is; 0 in a sum."""
    pair, side = divmod(subnode - sums, 2)
    return (subnode, 0) if subnode < sums else (sums + pair, 1 + side)
