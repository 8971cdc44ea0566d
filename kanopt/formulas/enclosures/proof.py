"""Prove or refute that a formula is monotone, convex or concave, or within bounds.

A fact is decided on the part of the formula that determines it, so that the rest cannot loosen the bounds. Terms
without the input change neither its slope nor its curvature, positive factors without it only scale them, and a
strictly monotone function is monotone where its argument is.

Boxes are bisected until the margin is bounded from below in all of them. Boxes are processed worst first, many at a
time (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 5). If the margin is monotone in a
number throughout a box, its minimum lies on a face, and the box shrinks to that face (the monotonicity test: Hansen
and Walster 2004, *Global Optimization Using Interval Analysis*, ch. 12). Other boxes are split at the side with the
largest influence on the margin, by |derivative| × length (the smear of Kearfott and Novoa 1990, *Algorithm 681:
INTBIS*) or, without derivatives, by the gain from shrinking a side to its middle.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.enclosures.arithmetic import NOTHING, CurveBounds, Flags, Pair, largest, range_over
from kanopt.formulas.enclosures.boxes import BoxSides, FormulaBoxes, concatenate, sides_of
from kanopt.formulas.enclosures.engine import ONE, Encloser
from kanopt.formulas.enclosures.facts import Shape, ShapeFact, ShapeProof
from kanopt.formulas.enclosures.margins import (
    BoundMargin,
    CurvatureMargin,
    DefinedMargin,
    FormulaMargin,
    MarginBounds,
    PointEvaluator,
    SlopeMargin,
)
from kanopt.formulas.enclosures.rules import (
    AFFINE,
    Bend,
    Enclosure,
    Orders,
    bend_of_function,
    bend_of_sum,
    curved,
    enclosed,
)
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
    rebuild,
)
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.simplify import simplify_graph

_SAMPLE = 320
_TOGETHER = 256
_HUGE = 1e300
_NONE = 1e-9


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
    root = margin.sides.whole()
    if (margin.low(root) >= 0.0).all():
        return replace(fact, verdict="proved", boxes=1)
    sample = margin.sides.sample(_SAMPLE)
    found = margin.over(sample, margin.own_orders)
    bounds = margin.of(found)
    finding = MarginBounds(bounds[0], bounds, {}, found[0].defined)
    witness = margin.contradiction(root) or margin.contradiction(sample, finding)
    if witness:
        return replace(fact, verdict="refuted", boxes=1, witness=witness)
    sizes = np.abs(np.concatenate(bounds))
    return _branch(fact, margin, budget, float(sizes.max(initial=0.0, where=np.isfinite(sizes))))


def _branch(fact: ShapeFact, margin: FormulaMargin, budget: int, typical: float) -> ShapeFact:
    root = margin.sides.whole()
    waiting, bounds = root, np.array([-np.inf])
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
    found = margin.encloser.over(boxes, margin.own_orders[0])
    undefined = ~found.defined & ~margin.encloser.has_no_entry(boxes)
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
    possible = margin.sides.can_cut(boxes, margin.x)
    cuttable = possible.any(axis=1)
    shrinks, cuts = np.flatnonzero(faced), np.flatnonzero(cuttable & ~faced)
    rest = boxes[np.flatnonzero(~cuttable & ~faced)]
    if not len(cuts):
        return shrunk[shrinks], finding.low[shrinks], rest
    cut, low = boxes[cuts], finding.low[cuts]
    influence = np.where(possible[cuts], _influence(margin, cut, finding.take(cuts)), -1.0)
    parts = margin.sides.cut(cut, influence.argmax(axis=1), margin.x)
    fresh = np.full(len(parts) - 2 * len(cut), -np.inf)
    return (
        concatenate([shrunk[shrinks], parts]),
        np.concatenate([finding.low[shrinks], low, low, fresh]),
        rest,
    )


def _influence(margin: FormulaMargin, boxes: FormulaBoxes, finding: MarginBounds) -> Floats:
    """Return the influence of each side on the margin, shape (boxes, sides)."""
    sides, count = margin.sides, len(margin.sides.numbers)
    whole = sides.high - sides.low
    lengths = np.where(whole > 0.0, whole, 1.0)
    labels = (boxes.last - boxes.first)[:, count:].astype(np.float64)
    relative = np.concatenate([boxes.width / lengths, labels], axis=1)
    influence = np.zeros(relative.shape)
    for side, pair in finding.derivative.items():
        influence[:, side] = largest(pair) * (boxes.width[:, side] if side < count else 1.0)
    if not finding.derivative:
        for side in range(relative.shape[1]):
            rows = np.flatnonzero(relative[:, side] > 0.0)
            shrunk = boxes[rows].halved(side)
            influence[rows, side] = margin.low(shrunk) - finding.low[rows] if len(rows) else 0.0
    influence = np.nan_to_num(influence, nan=0.0, posinf=np.inf)
    # what is unbounded is told apart by its length, and so are sides none of which seems to matter
    influence = np.where(np.isinf(influence), _HUGE * (1.0 + relative), influence)
    flat = influence.max(axis=1, initial=0.0) <= 0.0
    return np.where(flat[:, None], relative, influence)


def _on_faces(boxes: FormulaBoxes, finding: MarginBounds) -> tuple[FormulaBoxes, Flags]:
    """Return the boxes shrunk to the faces where the margin is smallest, and a mask of those that have shrunk."""
    low, high = boxes.low.copy(), boxes.high.copy()
    faced = np.zeros(len(boxes), dtype=bool)
    for j, (least, most) in finding.derivative.items():
        if j >= low.shape[1]:
            continue  # labels have no order
        # across several stairs a face is not on one of them
        wide = finding.defined & (low[:, j] < high[:, j]) & (boxes.first[:, j] == boxes.last[:, j])
        # a face of the whole where the number is zero may have no finite value
        kept = ~((low[:, j] == 0.0) & np.isinf(finding.low))
        up, down = wide & kept & (least >= 0.0), wide & (most <= 0.0) & (least < 0.0)
        high[:, j] = np.where(up, low[:, j], high[:, j])
        low[:, j] = np.where(down, high[:, j], low[:, j])
        faced |= up | down
    return replace(boxes, low=low, high=high), faced


def core_of(root: Node, names: Collection[str], sides: BoxSides, through: bool) -> tuple[Node, int]:
    """Return a step that has the shape in some inputs that the formula has, and +1, or that minus it has, and −1.

    Parameters
    ----------
    root
        The formula.
    names
        The inputs.
    sides
        The whole box.
    through
        Whether to look through strictly monotone functions, which keep where something rises and not where it bends.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("5 - 2 * exp(a * x)", [Variable("a"), Variable("x")], Variable("y"))
    >>> box = BoxSides.of({"a": (1.0, 2.0), "x": (0.0, 9.0)}, ())
    >>> core, sign = core_of(law.root, ("x",), box, through=True)
    >>> core.key == parse_formula("x", [Variable("x")], Variable("y")).root.key, sign
    (True, -1)
    """
    node, sign, found = root, 1, True
    reads = _steps_reading(root, names)
    while found:
        node, sign, found = _drop_unrelated(node, sign, reads, sides)
        argument, direction = _within(node, sides) if through else (None, 0)
        if argument is not None and argument.key in reads:
            node, sign, found = argument, sign * direction, True
    return node, sign


def _steps_reading(root: Node, names: Collection[str]) -> frozenset[bytes]:
    """Return the keys of the steps that depend on some inputs."""
    found: set[bytes] = set()
    for node in postorder(root):
        if any(name in node.names for name in names) or any(child.key in found for child in node.children):
            found.add(node.key)
    return frozenset(found)


def _whole(node: Node, sides: BoxSides) -> Enclosure:
    return Encloser(node, sides).over(sides.whole(), Orders())


def _drop_unrelated(
    node: Node, sign: int, reads: frozenset[bytes], sides: BoxSides
) -> tuple[Node, int, bool]:
    """Drop terms, and factors of one sign, that do not depend on the input; also return whether any were dropped."""
    if not isinstance(node, Sum | Product):
        return node, sign, False
    kept = [child for child in node.children if child.key in reads]
    others = [child for child in node.children if child.key not in reads]
    if not kept or (not others and len(kept) > 1):
        return node, sign, False
    direction = sign
    if isinstance(node, Product):
        for factor in others:
            found = _whole(factor, sides)
            if bool((found.value[1] < 0.0).all()):
                direction = -direction
            elif not bool(found.positive.all()):
                return node, sign, False
    return (kept[0] if len(kept) == 1 else node.with_children(kept)), direction, True


def _within(node: Node, sides: BoxSides) -> tuple[Node | None, int]:
    """Return the argument of a function that is strictly monotone on its range, and its direction; None if not."""
    slope: Pair = NOTHING
    match node:
        case Apply():
            slope = range_over(function_named(node.function), 1, *_whole(node.argument, sides).value)
        case Curve():
            slope = CurveBounds(node).over((1,), *_whole(node.argument, sides).value)[1]
        case Power(base=base, exponent=Constant(value=power)) if power:
            found = _whole(base, sides)
            if bool(found.positive.all()) or (power > 0.0 and bool((found.value[0] >= 0.0).all())):
                return base, 1 if power > 0.0 else -1
    if bool((slope[0] > 0.0).all()):
        return node.children[0], 1
    return (node.children[0], -1) if bool((slope[1] < 0.0).all()) else (None, 0)


Inputs: TypeAlias = "str | tuple[str, ...]"
Convexity: TypeAlias = "Mapping[Inputs, int] | Mapping[str, int] | Iterable[Inputs]"


def prove(
    formula: BaseFormula,
    *,
    monotone: Mapping[str, int] | None = None,
    convex: Convexity | None = None,
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
        values of the others. A tuple of names in place of a name asks whether it is so in all of them jointly,
        which it need not be if it is in each.
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
    >>> area = parse_formula("a * b", [Variable("a", low=1, high=2), Variable("b", low=1, high=2)], Variable("m2"))
    >>> [fact.verdict for fact in area.prove(convex=["a", "b", ("a", "b")]).facts]
    ['proved', 'proved', 'refuted']
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
    >>> box = [Variable("x", low=-1, high=1), Variable("y", low=-1, high=1)]
    >>> print(prove(parse_formula("(x + y)^2 + x^2", box, Variable("z")), convex=[("x", "y")]))
    convex in x, y jointly: proved
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
    law, basis = PointEvaluator(root, sides), "" if ranges else formula.basis
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


def _questions(formula: BaseFormula, what: str, signs: Mapping[Any, int]) -> list[ShapeFact]:
    found = []
    if not isinstance(signs, Mapping):
        raise FormulaError(f"{what}={signs!r:.80} must map inputs to +1 or -1, such as {{'km': 1}}")
    kinds = {variable.name: variable for variable in formula.inputs}
    for asked, sign in signs.items():
        # a joint shape in one input is the shape in it
        names = tuple(dict.fromkeys(asked)) if isinstance(asked, tuple) and what == "convex" else (asked,)
        for name in names:
            if name not in kinds:
                raise FormulaError(
                    f"{what}: {formula.title} has no input {name!r}; {nearest(str(name), kinds)}"
                )
            if kinds[name].is_category:
                raise FormulaError(f"{what}: input {name!r} is a category, which has no order")
            if isinstance(sign, bool) or sign not in (-1, 0, 1):
                raise FormulaError(f"{what}: input {name!r} has {sign!r}; use +1, -1 or 0")
        if sign and names:
            found.append(ShapeFact(_SHAPES[what][sign], names if len(names) > 1 else names[0]))
    return found


def _curvature_questions(convex: Any) -> Mapping[Any, int]:
    if isinstance(convex, str) or not isinstance(convex or (), Iterable):
        raise FormulaError(f"convex={convex!r} must be a list of inputs, such as [{convex!r}]")
    if isinstance(convex, Mapping):
        return convex
    return dict.fromkeys((tuple(each) if isinstance(each, list) else each for each in convex or ()), 1)


def _bounds(low: float | None, high: float | None) -> list[ShapeFact]:
    if low is not None and high is not None and low > high:
        raise FormulaError(f"low={low!r} is above high={high!r}: no value is within both")
    ends: list[tuple[Shape, float | None]] = [("at least", low), ("at most", high)]
    return [ShapeFact(shape, bound=float(end)) for shape, end in ends if end is not None]


def _answer(law: PointEvaluator, graph: Node, question: ShapeFact, budget: int) -> ShapeFact:
    """Return a fact about a formula, given an equal graph in canonical form, with its verdict."""
    sides = law.sides
    names = (question.input,) if isinstance(question.input, str) else question.input
    places = [sides.numbers.index(name) for name in names if name in sides.numbers]
    moving = tuple(place for place in places if sides.low[place] < sides.high[place])
    if question.input and not moving:
        return replace(question, verdict="proved")
    with np.errstate(all="ignore"):
        if len(moving) > 1:
            bend, slack = _bends_jointly(graph, names, sides)
            if bend[question.shape == "concave"]:
                return replace(question, verdict="proved", boxes=1, slack=slack)
        return branch_and_bound(question, _margin(law, graph, question, moving), budget)


def _bends_jointly(root: Node, names: Sequence[str], sides: BoxSides) -> tuple[Bend, float]:
    """Return how a graph bends in several inputs jointly, as far as convex programming tells, and the slack.

    That is the slope or curvature of the wrong sign that counts as none: coefficients of a learned curve are rounded.
    """
    encloser, whole, reads = Encloser(root, sides), sides.whole(), _steps_reading(root, names)
    known = encloser.steps(whole, Orders())
    found, slack = dict[bytes, Bend](), 0.0
    for node in postorder(root):
        below = [found[child.key] for child in node.children]
        if node.key not in reads or isinstance(node, Input):
            bend = AFFINE
        elif isinstance(node, Sum):
            bend = bend_of_sum([(1.0, each) for each in below])
        elif isinstance(node, Product):
            bend = _bend_of_product(node, below, known, reads)
        elif isinstance(node, Maximum | Minimum):
            largest = bend_of_sum([(1.0, each) for each in below])
            bend = (largest[0], False) if isinstance(node, Maximum) else (False, largest[1])
        elif bool(known[node.key].defined.all()):
            bend, own = _bend_of_one(node, below[0], known)
            slack = max(slack, own)
        else:
            bend = False, False
        found[node.key] = bend
    return found[root.key], slack


def _bend_of_product(
    node: Product, below: Sequence[Bend], known: Mapping[bytes, Enclosure], reads: frozenset[bytes]
) -> Bend:
    moving = [bend for child, bend in zip(node.factors, below, strict=True) if child.key in reads]
    signs = [known[child.key].ends for child in node.factors if child.key not in reads]
    if len(moving) > 1 or (moving[0] != AFFINE and any(low < 0.0 < high for low, high in signs)):
        return False, False
    return bend_of_sum([(math.prod(1.0 if low >= 0.0 else -1.0 for low, _ in signs), moving[0])])


def _bend_of_one(node: Node, argument: Bend, known: Mapping[bytes, Enclosure]) -> tuple[Bend, float]:
    """Return how a function, a curve or a power of one moving step bends, and the slack."""
    if isinstance(node, Step | Table) or (
        isinstance(node, Power) and not isinstance(node.exponent, Constant)
    ):
        return (False, False), 0.0
    wanted, u = Orders(2, (0,), 0), known[node.children[0].key]._replace(slope={0: ONE})
    if isinstance(node, Curve):
        found = curved(node, CurveBounds(node), u, wanted)
    else:
        found = enclosed(node, [u, *(known[child.key] for child in node.children[1:])], wanted)
    signs, slack = list[bool](), 0.0
    # what would change the value, or the slope, by a billionth over the whole range is none
    for pair, below in ((found.slope[0], found.value), (found.curvature[0], found.slope[0])):
        none = _NONE * float(largest(below).max()) / (u.ends[1] - u.ends[0])
        for end in (-float(pair[0].min()), float(pair[1].max())):
            signs.append(end <= (none if np.isfinite(none) else 0.0))
            slack = max(slack, end) if signs[-1] else slack
    return bend_of_function((signs[2], signs[3]), signs[0], signs[1], argument), slack


def _margin(law: PointEvaluator, graph: Node, question: ShapeFact, moving: tuple[int, ...]) -> FormulaMargin:
    sides = law.sides
    sign = 1 if question.shape in ("rises", "convex", "at least") else -1
    if question.shape == "finite":
        return DefinedMargin(law)
    if question.bound is not None:
        return BoundMargin(law, question.bound, sign, Encloser(graph, sides))
    bent = question.shape in ("convex", "concave")
    names = [sides.numbers[place] for place in moving]
    node, direction = core_of(graph, names, sides, through=not bent)
    if bent:
        return CurvatureMargin(law, moving, sign, (Encloser(node, sides), direction))
    return SlopeMargin(law, moving, sign, (Encloser(node, sides), direction))


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
