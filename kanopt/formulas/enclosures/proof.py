"""Prove or refute that a formula is monotone, convex or concave, or within bounds.

A fact is decided on the part of the formula that determines it, so that the rest cannot loosen the bounds. Terms
without the input change neither its slope nor its curvature, and factors of one sign without it only scale them,
and a function that rises everywhere rises where its argument does.

Boxes are bisected until the margin is bounded from below in all of them. Boxes are processed worst first, many at a
time (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 5). If the margin is monotone in a
number throughout a box, its minimum lies on a face, and the box shrinks to that face (the monotonicity test: Hansen
and Walster 2004, *Global Optimization Using Interval Analysis*, ch. 12). Other boxes are split at the side with the
largest influence on the margin, by |derivative| × length (the smear of Kearfott and Novoa 1990, *Algorithm 681:
INTBIS*) or, without derivatives, by the gain from shrinking a side to its middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.enclosures.arithmetic import NOTHING, Flags, largest
from kanopt.formulas.enclosures.boxes import BoxSides, FormulaBoxes, concatenate, sides_of
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.enclosures.facts import Shape, ShapeFact, ShapeProof
from kanopt.formulas.enclosures.margins import DefinedMargin, FormulaMargin, MarginBounds
from kanopt.formulas.enclosures.rules import Orders
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
    rebuild,
)
from kanopt.formulas.simplify import simplify_graph

_SAMPLE = 320
_TOGETHER = 256
_HUGE = 1e300


def branch_and_bound(fact: ShapeFact, margin: FormulaMargin, budget: int) -> ShapeFact:
    """Return a fact with its verdict: whether its margin is non-negative everywhere in the whole box.

    Parameters
    ----------
    fact
        What is asked.
    margin
        The quantity that must not be negative.
    budget
        Maximum number of boxes to bound.
    """
    root = margin.encloser.whole()
    low = margin.low(root)
    if (low >= 0.0).all():
        return replace(fact, verdict="proved", boxes=1)
    root, low, sample = root[low < 0.0], low[low < 0.0], margin.sides.sample(_SAMPLE)
    found = margin.encloser.over(sample, margin.own_orders)
    bounds = margin.of(found)
    finding = MarginBounds(bounds[0], bounds, NOTHING, found.defined)
    coarse = MarginBounds(low, (low, low), NOTHING, np.isfinite(low))
    witness = margin.contradiction(root, coarse) or margin.contradiction(sample, finding)
    if witness:
        return replace(fact, verdict="refuted", boxes=1, witness=witness)
    sizes = np.abs(np.concatenate(bounds))
    return _branch(fact, margin, root, budget, float(sizes.max(initial=0.0, where=np.isfinite(sizes))))


def _branch(
    fact: ShapeFact, margin: FormulaMargin, waiting: FormulaBoxes, budget: int, typical: float
) -> ShapeFact:
    bounds = np.full(len(waiting), -np.inf)
    stuck: list[FormulaBoxes] = []
    looked, slack = 1, 0.0
    while len(waiting):
        size = min(_TOGETHER, looked, budget - looked)
        if size <= 0:
            why = f"the budget of {budget} boxes is spent: give a larger one"
            return replace(_open(fact, margin, [*stuck, waiting], why), boxes=looked)
        taken = np.argpartition(bounds, size - 1)[:size] if size < len(bounds) else np.arange(len(bounds))
        rest = np.ones(len(bounds), dtype=bool)
        rest[taken] = False
        boxes, waiting, bounds = waiting[taken], waiting[rest], bounds[rest]
        finding = margin.examine(boxes)
        looked += len(boxes)
        hidden = margin.hidden_by_rounding(boxes, finding, typical)
        slack = max(slack, float(-finding.low[hidden].min(initial=0.0)))
        left = np.flatnonzero(~hidden & (finding.low < 0.0))
        boxes, finding = boxes[left], finding.take(left)
        if not len(boxes):
            continue
        witness = margin.contradiction(boxes, finding)
        if witness:
            return replace(fact, verdict="refuted", boxes=looked, witness=witness)
        smaller, low, uncut = _subdivide(margin, boxes, finding)
        stuck += [uncut] if len(uncut) else []
        waiting, bounds = concatenate([waiting, smaller]), np.concatenate([bounds, low])
    if stuck:
        why = "what is left open is too small to cut"
        return replace(_open(fact, margin, stuck, why), boxes=looked)
    return replace(fact, verdict="proved", boxes=looked, slack=slack)


def _open(fact: ShapeFact, margin: FormulaMargin, parts: list[FormulaBoxes], why: str) -> ShapeFact:
    """Return an undecided fact: why, or rather that the formula may have no value in boxes that are left."""
    boxes = concatenate(parts)
    found = margin.encloser.over(boxes, margin.own_orders)
    undefined = ~found.defined
    if undefined.any():
        centre = boxes.centre[int(np.argmax(undefined))]
        near = [f"{name} = {number:.6g}" for name, number in zip(margin.sides.numbers, centre, strict=True)]
        why = f"the formula may have no finite value near {', '.join(near)}"
    return replace(fact, left=min(float(boxes.share.sum()), 1.0), why=why)


def _subdivide(
    margin: FormulaMargin, boxes: FormulaBoxes, finding: MarginBounds
) -> tuple[FormulaBoxes, Floats, FormulaBoxes]:
    """Return the boxes split or shrunk, their bounds, and the boxes that cannot be subdivided."""
    shrunk, faced = _on_faces(boxes, finding)
    possible = margin.sides.can_cut(boxes, margin.jumping)
    cuttable = possible.any(axis=1)
    shrinks, cuts = np.flatnonzero(faced), np.flatnonzero(cuttable & ~faced)
    rest = boxes[np.flatnonzero(~cuttable & ~faced)]
    if not len(cuts):
        return shrunk[shrinks], finding.low[shrinks], rest
    cut, low = boxes[cuts], finding.low[cuts]
    influence = np.where(possible[cuts], _influence(margin, cut, finding.take(cuts)), -1.0)
    parts = margin.sides.cut(cut, influence.argmax(axis=1), margin.jumping)
    fresh = np.full(len(parts) - 2 * len(cut), -np.inf)
    return (
        concatenate([shrunk[shrinks], parts]),
        np.concatenate([finding.low[shrinks], low, low, fresh]),
        rest,
    )


def _influence(margin: FormulaMargin, boxes: FormulaBoxes, finding: MarginBounds) -> Floats:
    """Return the influence of each number on the margin, shape (boxes, numbers)."""
    whole = margin.sides.high - margin.sides.low
    relative = boxes.width / np.where(whole > 0.0, whole, 1.0)
    influence = np.zeros(relative.shape)
    if finding.derivative is NOTHING:
        for side in range(relative.shape[1]):
            rows = np.flatnonzero(relative[:, side] > 0.0)
            shrunk = boxes[rows].halved(side)
            influence[rows, side] = margin.low(shrunk) - finding.low[rows] if len(rows) else 0.0
    else:
        influence = largest(finding.derivative).T * boxes.width
    influence = np.nan_to_num(influence, nan=0.0, posinf=np.inf)
    # what is unbounded is told apart by its length, and so are sides none of which seems to matter
    influence = np.where(np.isinf(influence), _HUGE * (1.0 + relative), influence)
    flat = influence.max(axis=1, initial=0.0) <= 0.0
    return np.where(flat[:, None], relative, influence)


def _on_faces(boxes: FormulaBoxes, finding: MarginBounds) -> tuple[FormulaBoxes, Flags]:
    """Return the boxes shrunk to the faces where the margin is smallest, and a mask of those that have shrunk."""
    if finding.derivative is NOTHING:
        return boxes, np.zeros(len(boxes), dtype=bool)
    least, most = (end.T for end in finding.derivative)
    # across several stairs a face is not on one of them
    wide = finding.defined[:, None] & (boxes.width > 0.0) & (boxes.first == boxes.last)
    # a face of the whole where the number is zero may have no finite value
    kept = ~((boxes.low == 0.0) & np.isinf(finding.low)[:, None])
    up, down = wide & kept & (least >= 0.0), wide & (most <= 0.0) & (least < 0.0)
    low, high = np.where(down, boxes.high, boxes.low), np.where(up, boxes.low, boxes.high)
    return replace(boxes, low=low, high=high), (up | down).any(axis=1)


def core_of(root: Node, name: str, sides: BoxSides, through: bool) -> tuple[Node, int]:
    """Return a step that has the shape in an input that the formula has, and +1, or that minus it has, and −1.

    Parameters
    ----------
    root
        The formula.
    name
        The input.
    sides
        The whole box.
    through
        Whether to look through functions that rise everywhere, which keep where something rises and not where it bends.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("5 - 2 * a * exp(x)", [Variable("a"), Variable("x")], Variable("y"))
    >>> box = BoxSides.of({"a": (1.0, 2.0), "x": (0.0, 9.0)}, ())
    >>> core, sign = core_of(law.root, "x", box, through=True)
    >>> core.key == parse_formula("x", [Variable("x")], Variable("y")).root.key, sign
    (True, -1)
    """
    node, sign, reads = root, 1, _steps_reading(root, name)
    while True:
        kept = [child for child in node.children if child.key in reads]
        others = [child for child in node.children if child.key not in reads]
        if through and kept and _rises(node):
            node = node.children[0]
            continue
        if not (isinstance(node, Sum | Product) and kept and (others or len(kept) == 1)):
            return node, sign
        direction = sign
        for factor in others if isinstance(node, Product) else ():
            encloser = Encloser(factor, sides)
            found = encloser.over(encloser.whole(), Orders())
            if bool((found.value[1] < 0.0).all()):
                direction = -direction
            elif not bool(found.positive.all()):
                return node, sign
        node, sign = (kept[0] if len(kept) == 1 else node.with_children(kept)), direction


def _rises(node: Node) -> bool:
    """Whether a step rises with its first part wherever it is defined."""
    match node:
        case Apply():
            return function_named(node.function).rises
        case Power(exponent=Constant(value=power)):
            return power > 0.0 and power % 1.0 != 0.0  # of a negative base there is no such power
    return False


def _steps_reading(root: Node, name: str) -> frozenset[bytes]:
    """Return the keys of the steps that depend on an input."""
    found: set[bytes] = set()
    for node in postorder(root):
        if name in node.names or any(child.key in found for child in node.children):
            found.add(node.key)
    return frozenset(found)


def prove(
    formula: BaseFormula,
    *,
    monotone: Mapping[str, int] | None = None,
    convex: Mapping[str, int] | Iterable[str] | None = None,
    low: float | None = None,
    high: float | None = None,
    ranges: Mapping[str, Any] | None = None,
    boxes: int = 2000,
    finite: bool = False,
) -> ShapeProof:
    """Prove or refute that it is monotone, convex or concave, or within bounds, everywhere in a box.

    Parameters
    ----------
    monotone
        Input name to +1, non-decreasing, or −1, non-increasing, for all values of the other inputs.
    convex
        Inputs in which it is convex, or input name to +1 or, for concave, −1; separately in each input, for all
        values of the others.
    low, high
        Bounds of every value.
    ranges, boxes
        Ranges as for :meth:`interval`, with every combination of the categories there; and the maximum number of
        boxes per fact, after which it is undecided.
    finite
        Whether to decide also that it has a finite value everywhere, including the ends of the ranges.

    Returns
    -------
    ShapeProof
        For each fact ``"proved"``, ``"refuted"`` with points at which the formula itself contradicts it by more
        than rounding, or ``"undecided"`` with the remaining share of the volume and the reason. Facts other than
        finiteness do not cover places without a finite value.

    Raises
    ------
    FormulaError
        If a name is not a numeric input, a sign is invalid, `low` is above `high`, or a range is empty.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> fuel = parse_formula("0.12 * km^1.5", [Variable("km", "km", low=0, high=90)], Variable("fuel", "l"))
    >>> print(fuel.prove(monotone={"km": +1}, convex=["km"], high=100))
    rises with km: proved
    convex in km: proved
    at most 100: refuted (102.4578 at km = 90)
    >>> delay = parse_formula("t0 * (1 + 0.15 * (v / c)^4)",
    ...                       [Variable("t0", low=1, high=60), Variable("v", low=0, high=9000),
    ...                        Variable("c", low=1000, high=8000)], Variable("minutes"))
    >>> print(prove(delay, monotone={"v": +1, "c": -1}, convex=["v"], low=0))
    rises with v: proved
    falls with c: proved
    convex in v: proved
    at least 0: proved
    >>> print(prove(delay, finite=True, ranges={"c": (0, 8000)}))
    finite everywhere: refuted (no finite value at t0 = 1, v = 0, c = 0)
    >>> print(prove(delay, monotone={"t0": -1}).facts[0].verdict)
    refuted
    """
    if boxes < 1:
        raise FormulaError(f"boxes={boxes!r}: at least one box must be bounded")
    questions = [
        *_questions(formula, "monotone", monotone or {}),
        *_questions(formula, "convex", _curvature_questions(convex)),
        *_bounds(low, high),
        *([ShapeFact("finite")] if finite else []),
    ]
    root = formula.root if ranges else among_rows(formula.root, formula.domain.orders)
    graph = canonicalise(root)
    sides = sides_of(formula, {} if ranges is None else ranges, graph)
    for name, low_end, high_end in zip(sides.numbers, sides.low, sides.high, strict=True):
        if not np.isfinite(high_end - low_end):
            told = f"give one, ranges={{{name!r}: (low, high)}}"
            raise FormulaError(f"{formula.title}: input {name!r} has no finite range; {told}")
    law, basis = Encloser(root, sides), "" if ranges else formula.basis
    facts = tuple(replace(_answer(law, graph, question, boxes), basis=basis) for question in questions)
    numbers = zip(sides.numbers, sides.low.tolist(), sides.high.tolist(), strict=True)
    return ShapeProof(facts, tuple(numbers), tuple(zip(sides.categories, sides.labels, strict=True)))


def among_rows(root: Node, orders: Iterable[tuple[str, str]]) -> Node:
    """Return a graph that has, on a whole box, the values that another one has where inputs are in their order.

    An input that is above one that it never exceeds on the rows counts as that one. So a fact about the box is one
    about the part of it where rows can be.

    Examples
    --------
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(among_rows(1 / (1 + Input("high") - Input("low")), [("low", "high")]))
    '1 / (1 + high - min(low, high))'
    """
    read = {node.name for node in postorder(root) if isinstance(node, Input)}
    above: dict[str, list[Node]] = {}
    for lower, upper in orders:
        if lower in read and upper in read:
            above.setdefault(lower, []).append(Input(upper))

    def placed(node: Node) -> Node:
        if isinstance(node, Input) and node.name in above:
            return Minimum((node, *above[node.name]))
        return node

    return rebuild(root, placed) if above else root


_SHAPES: Mapping[str, dict[int, Shape]] = {
    "monotone": {1: "rises", -1: "falls"},
    "convex": {1: "convex", -1: "concave"},
}


def _questions(formula: BaseFormula, what: str, signs: Mapping[str, int]) -> list[ShapeFact]:
    found = []
    if not isinstance(signs, Mapping):
        raise FormulaError(f"{what}={signs!r:.80} must map inputs to +1 or -1, such as {{'km': 1}}")
    kinds = {variable.name: variable for variable in formula.inputs}
    for name, sign in signs.items():
        if name not in kinds:
            raise FormulaError(f"{what}: {formula.title} has no input {name!r}; {nearest(str(name), kinds)}")
        if kinds[name].is_category:
            raise FormulaError(f"{what}: input {name!r} is a category, which has no order")
        if isinstance(sign, bool) or sign not in (-1, 0, 1):
            raise FormulaError(f"{what}: input {name!r} has {sign!r}; use +1, -1 or 0")
        if sign:
            found.append(ShapeFact(_SHAPES[what][sign], name))
    return found


def _curvature_questions(convex: Any) -> Mapping[str, int]:
    if isinstance(convex, str) or not isinstance(convex or (), Iterable):
        raise FormulaError(f"convex={convex!r} must be a list of inputs, such as [{convex!r}]")
    return convex if isinstance(convex, Mapping) else dict.fromkeys(convex or (), 1)


def _bounds(low: float | None, high: float | None) -> list[ShapeFact]:
    if low is not None and high is not None and low > high:
        raise FormulaError(f"low={low!r} is above high={high!r}: no value is within both")
    ends: list[tuple[Shape, float | None]] = [("at least", low), ("at most", high)]
    return [ShapeFact(shape, bound=float(end)) for shape, end in ends if end is not None]


def _answer(law: Encloser, graph: Node, question: ShapeFact, budget: int) -> ShapeFact:
    """Return a fact about a formula, given an equal graph in canonical form, with its verdict."""
    sides = law.sides
    x = sides.numbers.index(question.input) if question.input in sides.numbers else -1
    if question.input and (x < 0 or sides.low[x] >= sides.high[x]):
        return replace(question, verdict="proved")
    with np.errstate(all="ignore"):
        return branch_and_bound(question, _margin(law, graph, question, x), budget)


def _margin(law: Encloser, graph: Node, question: ShapeFact, x: int) -> FormulaMargin:
    sign = 1 if question.shape in ("rises", "convex", "at least") else -1
    if question.shape == "finite":
        return DefinedMargin(law)
    if question.bound is not None:
        return FormulaMargin(law, (Encloser(graph, law.sides), 1), sign, 0, bound=question.bound)
    order = 1 if question.shape in ("rises", "falls") else 2
    node, direction = core_of(graph, question.input, law.sides, through=order == 1)
    return FormulaMargin(law, (Encloser(node, law.sides), direction), sign, order, x)


def canonicalise(root: Node) -> Node:
    """Return an equal graph with fewer repeated steps; the names of constants are dropped.

    Products are flattened and powers merged. The result may be defined in more places, which does not invalidate
    proofs for the places where the formula is.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(canonicalise(parse_formula("x * (1 / c^2)^2 * x", [Variable("x"), Variable("c")], Variable("y")).root))
    'x^2 / c^4'
    """
    return simplify_graph(
        rebuild(root, lambda node: Constant(node.value) if isinstance(node, Constant) else node)
    )
