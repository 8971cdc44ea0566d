"""Attribution of a network's output to its edges and columns.

The score of an edge is the standard deviation, over the rows, of the change in the output when the edge is replaced by
its mean. A column is ablated by replacing all its outgoing edges. So an edge with a large variation but no influence on
the output scores zero, a small edge that is amplified later scores high, and a constant factor gets no credit for its
product. In an additive model the score of a column is the standard deviation of its edge.

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

from kanopt.array_types import Floats
from kanopt.display import Part, Shown, grid_of
from kanopt.formulas import Formula
from kanopt.surrogates.curves import Layer, layers_of
from kanopt.text import number_text

ROUNDING = 1e-13
"""A change below this share of the largest output is rounding."""


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Shown):
    """Scores of all columns and edges, in the units of the network's output.

    A share is a score divided by the standard deviation of the output. Shares do not sum to one: for additive,
    independent columns their squares do, as variances add up, so that two equal columns have a share of 0.71 each; for
    interacting columns, such as factors of a product, the squares sum to more.

    Attributes
    ----------
    output
        Name of the output.
    spread
        Standard deviation of the output over the rows.
    feature_scores
        One score per column.
    edge_scores
        Layer by layer, shape (inputs, subnodes); the inputs are numbers, periodic ones and categories.
    """

    output: str
    spread: float
    feature_scores: dict[str, float]
    edge_scores: tuple[Floats, ...]

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
        share = scores / self.spread if self.spread > 0 else np.zeros_like(scores)
        frame = pd.DataFrame({"feature": list(self.feature_scores), "score": scores, "share": share})
        return frame.sort_values("score", ascending=False, ignore_index=True, kind="stable")


def attribution(network: Formula, rows: Floats, *, names: Sequence[str], output: str) -> Attribution:
    """Score every column and edge of a network by its contribution to the output.

    Parameters
    ----------
    network, rows
        A network, and encoded rows, (n, inputs), over which standard deviations are computed.
    names
        Names of the network's inputs: numbers, periodic ones, categories.
    output
        Name of the output.

    Returns
    -------
    Attribution
        For a log target, in units of the logarithm: a score of 0.1 means about 10 % of the target.

    Examples
    --------
    Two straight edges, of slope 1 and −2, on rows where both columns have a standard deviation of 1:

    >>> from kanopt.formulas import Constant, Curve, Input, Sum, Variable
    >>> line = Curve("s", Input("c0"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    >>> back = Curve("s", Input("c1"), (2.0, 0.0, -2.0, -4.0), 0.0, 1.0)
    >>> law = Formula(Sum((Constant(0.0), line, back)), (Variable("c0"), Variable("c1")), Variable("y"))
    >>> rows = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> attribution(law, rows, names=("km", "load"), output="cost")
    cost: what it loses without a column, as a standard deviation (share: over its own, 2.24; shares need not sum to 1)
    feature  score  share
       load      2  0.894
         km      1  0.447
    """
    layers, signal = layers_of(network), rows.T
    arrivals, swings = [], []
    for layer in layers:
        edges = np.array([layer.leaving(source, each) for source, each in enumerate(signal)])
        arrivals.append(layer.bias + edges.sum(axis=0))
        swings.append(edges - edges.mean(axis=1, keepdims=True))
        signal = layer.nodes(arrivals[-1]).T
    whole = signal[0]

    def score(place: int, lost: Floats) -> float:
        """Return the standard deviation of the change where the sub-nodes (n, subnodes) of a layer lose something."""
        change = _after(layers[place:], arrivals[place] - lost) - whole
        return float(change.std()) if change.std() > ROUNDING * np.abs(whole).max() else 0.0

    edge_scores = []
    for place, swing in enumerate(swings):
        own = np.eye(swing.shape[2])
        edge_scores.append(np.array([[score(place, edge * each) for each in own] for edge in swing]))
    spread = float(whole.std()) if whole.std() > ROUNDING * np.abs(whole).max() else 0.0
    columns = {name: score(0, swing) for name, swing in zip(names, swings[0], strict=True)}
    return Attribution(output, spread, columns, tuple(edge_scores))


def _after(layers: Sequence[Layer], arrived: Floats) -> Floats:
    """Return the output for given values (n, subnodes) of the first layer's sub-nodes."""
    signal = layers[0].nodes(arrived)
    for layer in layers[1:]:
        edges = (layer.leaving(source, each) for source, each in enumerate(signal.T))
        signal = layer.nodes(layer.bias + sum(edges))
    return signal[:, 0]
