"""Another way into a network with hidden nodes: nodes that are monomials, or plain weighted sums.

A trained network spreads a law over its nodes in a way nobody would write. Where features enter as logarithms, a node
with straight edges is the logarithm of a monomial, x^a · z^b · …; a curve of it is then a function of a ratio or a
product, which is how most laws of logistics are written. The structure is that of projection pursuit (Friedman and
Stuetzle 1981, JASA 76): directions from several random starts, one curve per node, everything refitted jointly.
Whether it is taken is decided by the description length like everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.distill.curves import curve_form
from kanopt.surrogates.distill.forms import CYCLIC, EXP, LINEAR, SOFTPLUS, TANH, Form
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.refitting import Refit, refit

__all__ = ["anchored", "gauged", "monomial_nodes", "straight_products", "with_fixed"]

Array = NDArray[np.float64]

STARTS = 16
FINALISTS = 4
"""Starts that are followed after the first round."""
ROUNDS = 4
ROUND = 20
"""Iterations between two looks at where the nodes' values are."""
ROWS = 600
MARGIN = 0.02
SCALED = ("linear", "table", "cycle", *(form.name for form in CYCLIC))
"""Forms that are scaled with their parameters."""


def with_fixed(form: Form, *values: float) -> Form:
    """Return `form` with its last parameters held at `values`.

    Examples
    --------
    >>> with_fixed(LINEAR, 1.0).value(np.array([3.0]), np.zeros(0))
    array([3.])
    """

    def full(theta: Array) -> Array:
        return np.concatenate([theta, values])

    size = form.size - len(values)
    return replace(
        form,
        linear=min(form.linear, size),
        nonlinear=max(size - form.linear, 0),
        value=lambda z, t: form.value(z, full(t)),
        slope=lambda z, t: form.slope(z, full(t)),
        gradient=lambda z, t: form.gradient(z, full(t))[..., :size],
        fixed=(*values, *form.fixed),
    )


def monomial_nodes(model: Mixed, rows: Rows, seed: int) -> Mixed | None:
    """Return the best fit of `model`'s shape with straight edges into the nodes.

    None where there is not one hidden layer, where edges must be convex or concave, and where nodes multiply: they say
    more than monomials do. Periodic
    columns enter a node by a curve of their own, as categories do by a table.
    """
    if len(model.bias) != 2 or any(model.products) or any(edge.convexity for edge in model.edges):
        return None
    rng = np.random.default_rng(seed)
    part = rows.take(ROWS, seed)
    fits = [refit(_started(model, part, rng), part, ROUND) for _ in range(STARTS)]
    fits = sorted(fits, key=lambda fit: fit.squares)[:FINALISTS]
    best = min((_fitted(fit, part) for fit in fits), key=lambda fit: fit.squares)
    if not np.isfinite(best.squares):
        return None
    signs = {edge.place: edge.sign for edge in model.edges}
    return _signed(best.model, signs, part) if any(signs.values()) else best.model


def straight_products(model: Mixed) -> Mixed | None:
    """Return `model` with straight edges behind its product nodes; None without any.

    A product in a law is mostly one that is added, and the factors can make up for much of what a curve does to it.
    """
    edges = []
    for layer, first in list(model.factors())[::2]:
        node = model.sums(layer) + (first - model.sums(layer)) // 2
        edges += [e for e in model.edges if e.place[:2] == (layer + 1, node) and e.form.name == "curve"]
    if not edges:
        return None
    slopes = [
        (e.form.value(np.array(e.span), e.theta) @ [-1.0, 1.0]) / (e.span[1] - e.span[0]) for e in edges
    ]
    straight = (
        replace(edge, form=LINEAR, theta=np.array([slope]), bend=None, penalty=0.0)
        for edge, slope in zip(edges, slopes, strict=True)
    )
    return anchored(model.replaced(*straight))


def _signed(model: Mixed, signs: Mapping[tuple[int, int, int], int], rows: Rows) -> Mixed:
    """Turn every node so that its curve rises, give the edges their signs back, and drop those that break one."""
    for edge in model.edges:
        if edge.form.name == "curve" and edge.layer == 1 and edge.theta[-1] < edge.theta[0]:
            model = _turned(model, edge)
    model = model.replaced(*(replace(edge, sign=signs[edge.place]) for edge in model.edges))
    while True:
        wrong = [e for e in model.edges if e.form is LINEAR and e.sign * e.theta[0] < 0]
        # a refit keeps the signs of curves, not those of straight edges
        model = refit(model.replaced(*(edge.dropped() for edge in wrong)), rows).model
        if not any(e.form is LINEAR and e.sign * e.theta[0] < 0 for e in model.edges):
            return model.tidied()


def _turned(model: Mixed, edge: Edge) -> Mixed:
    """Return the same network with the sign of the node behind `edge` turned."""
    for e in model.edges:
        if e.layer == 0 and e.target == edge.source:
            model = model.replaced(replace(e, theta=-e.theta))
    low, high = edge.span
    form = curve_form(-high, -low, edge.form.size - 3)
    bias = model.bias[0].copy()
    bias[edge.source] *= -1
    turned = replace(edge, form=form, theta=edge.theta[::-1].copy(), span=(-high, -low))
    return replace(model, bias=(bias, model.bias[1])).replaced(turned)


def _started(model: Mixed, rows: Rows, rng: np.random.Generator) -> Mixed:
    """Draw a direction for every node, and fit the curves of the nodes by penalised least squares."""
    edges = []
    for edge in model.edges:
        if edge.layer == 0 and edge.form.name == "curve":
            spread = max(float(rows.inputs[:, edge.source].std()), 1e-9)
            slope = rng.standard_normal() / spread
            edge = replace(edge, form=LINEAR, theta=np.array([slope]), bend=None, penalty=0.0)
        elif edge.layer == 0:
            edge = replace(edge, theta=np.zeros_like(edge.theta))
        edges.append(replace(edge, sign=0))
    bias = (np.zeros_like(model.bias[0]), model.bias[1])
    started = replace(model, edges=tuple(edges), bias=bias)
    return _reranged(started, rows, keep=False)


def _reranged(model: Mixed, rows: Rows, *, keep: bool) -> Mixed:
    """Put the knots of the nodes' curves where the nodes' values are, keeping the curves or starting them flat."""
    nodes = model.signals(rows.inputs).nodes[1]
    edges = []
    for edge in model.edges:
        if edge.layer == 1 and edge.form.name == "curve":
            z = nodes[:, edge.source]
            pad = MARGIN * max(float(np.ptp(z)), 1e-9)
            low, high = float(z.min()) - pad, float(z.max()) + pad
            form = curve_form(low, high, edge.form.size - 3)
            theta = np.zeros(form.size)
            if keep:
                grid = np.linspace(low, high, 4 * form.size)
                wanted = edge.form.value(grid, edge.theta)
                theta = np.asarray(np.linalg.lstsq(form.gradient(grid, theta), wanted, rcond=1e-10)[0])
            edge = replace(edge, form=form, theta=theta, span=(low, high))
        edges.append(edge)
    return replace(model, edges=tuple(edges))


def _fitted(fit: Refit, rows: Rows) -> Refit:
    for _ in range(ROUNDS - 1):
        fit = refit(_reranged(fit.model, rows, keep=True), rows, ROUND)
    return fit


def gauged(model: Mixed) -> Mixed:
    """Return the same network with the scale of every hidden node fixed by the closed form it feeds.

    A node that feeds one edge only can be scaled and shifted at will if the edge scales and shifts it back. The scale
    is moved into the edges that feed the node, so that there the exponents of a monomial stand as they are meant.
    """
    for edge in model.edges:
        if edge.layer != 1 or edge.form.fixed or edge.source >= model.sums(0):
            continue
        feeding = model.arriving(0, edge.source)
        alone = sum(e.layer == 1 and e.source == edge.source for e in model.edges) == 1
        straight = all(e.form.name in SCALED for e in feeding)
        if alone and straight and edge.form in (LINEAR, EXP, SOFTPLUS, TANH):
            model = _moved(model, edge, feeding)
    return model


def anchored(model: Mixed) -> Mixed:
    """Return the same network with the slopes held that would trade with a factor of a product.

    A curve in one factor shrinks for free where a straight line in the other, or behind the product, grows instead;
    its roughness would then cost nothing.
    """
    pairs = list(model.factors())
    for (layer, first), (_, second) in zip(pairs[::2], pairs[1::2], strict=True):
        node = model.sums(layer) + (first - model.sums(layer)) // 2
        leaving = [e for e in model.edges if e.layer == layer + 1 and e.source == node and not e.is_zero]
        factors = [model.arriving(layer, target) for target in (first, second)]
        smooth = [any(e.bend is not None for e in factor) for factor in factors]
        held = leaving if len(leaving) == 1 else []
        if smooth[0] != smooth[1]:
            held = [*held, *factors[smooth.index(False)][:1]]
        for edge in held:
            if edge.form is LINEAR:
                form = with_fixed(LINEAR, float(edge.theta[0]))
                model = model.replaced(replace(edge, form=form, theta=np.zeros(0)))
    return model


def _moved(model: Mixed, edge: Edge, feeding: list[Edge]) -> Mixed:
    if edge.form is LINEAR:
        factor, shift, form, theta = edge.theta[0], 0.0, with_fixed(LINEAR, 1.0), np.zeros(0)
    elif edge.form is EXP:
        factor, shift, form, theta = edge.theta[1], 0.0, with_fixed(EXP, 1.0), edge.theta[:1]
    else:
        factor, shift, form, theta = (*edge.theta[1:], with_fixed(edge.form, 1.0, 0.0), edge.theta[:1])
    for e in feeding:
        if e.form.fixed:
            return model
    for e in feeding:
        model = model.replaced(replace(e, theta=factor * e.theta))
    bias = model.bias[0].copy()
    bias[edge.source] = factor * bias[edge.source] + shift
    moved = replace(edge, form=form, theta=np.asarray(theta, dtype=np.float64))
    return replace(model, bias=(bias, *model.bias[1:])).replaced(moved)
