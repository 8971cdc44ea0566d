"""Prove or refute that a formula is monotone, convex or concave, or within bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.enclosures.boxes import sides_of
from kanopt.formulas.enclosures.chords import PointEvaluator
from kanopt.formulas.enclosures.cores import core_of, logarithm
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.enclosures.facts import Shape, ShapeFact, ShapeProof
from kanopt.formulas.enclosures.margins import (
    BoundMargin,
    CurvatureMargin,
    DefinedMargin,
    FormulaMargin,
    SlopeMargin,
)
from kanopt.formulas.enclosures.search import branch_and_bound
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
    """Decide facts about the shape of a formula; see :meth:`kanopt.formulas.Formula.prove`.

    By interval arithmetic, rounded outwards, with branch and bound (:mod:`kanopt.formulas.enclosures.search`).

    Raises
    ------
    FormulaError
        If a name is not a numeric input, a sign is invalid, a bound is not finite, the lower one is above the upper
        one, a range is empty, or a table has no entry for any of the categories.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
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
        *_questions(formula, "monotone", _signs(monotone)),
        *_questions(formula, "convex", _curvature_questions(convex)),
        *_bounds(low, high),
        *([ShapeFact("finite")] if finite else []),
    ]
    root = formula.root if ranges else among_rows(formula.root, formula.domain.orders)
    graph = canonicalise(root)
    sides = sides_of(formula, {} if ranges is None else ranges, graph)
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
    kinds = {variable.name: variable for variable in formula.inputs}
    for asked, sign in signs.items():
        # a joint shape in one input is the shape in it
        names = tuple(dict.fromkeys(asked)) if isinstance(asked, tuple) and what == "convex" else (asked,)
        for name in names:
            if name not in kinds:
                raise FormulaError(
                    f"{what}: formula for {formula.output.name!r} has no input {name!r}; {nearest(str(name), kinds)}"
                )
            if kinds[name].is_category:
                raise FormulaError(f"{what}: input {name!r} is a category, which has no order")
            if isinstance(sign, bool) or sign not in (-1, 0, 1):
                raise FormulaError(f"{what}: input {name!r} has {sign!r}; use +1, -1 or 0")
        if sign and names:
            found.append(ShapeFact(_SHAPES[what][sign], names if len(names) > 1 else names[0]))
    return found


def _signs(monotone: Any) -> Mapping[str, int]:
    if monotone is None or isinstance(monotone, Mapping):
        return monotone or {}
    given: Any = [monotone] if isinstance(monotone, str) else monotone
    name = next(iter(given), "km") if isinstance(given, Iterable) else "km"
    raise FormulaError(
        f"monotone={monotone!r:.80} must map inputs to +1, never falls, or -1, never rises, such as {{{name!r}: 1}}"
    )


def _curvature_questions(convex: Any) -> Mapping[Inputs, int]:
    if convex is None or isinstance(convex, Mapping):
        return convex or {}
    if isinstance(convex, str) or not isinstance(convex, Iterable):
        raise FormulaError(f"convex={convex!r} must be a list of inputs, such as [{convex!r}]")
    return dict.fromkeys((tuple(each) if isinstance(each, list) else each for each in convex), 1)


def _bounds(low: float | None, high: float | None) -> list[ShapeFact]:
    if low is not None and high is not None and low > high:
        raise FormulaError(
            f"low={low!r} is above high={high!r}: no value is at least the one and at most the other"
        )
    ends: list[tuple[Shape, float | None]] = [("at least", low), ("at most", high)]
    for shape, end in ends:
        if end is not None and not math.isfinite(float(end)):
            raise FormulaError(f"{shape} {end!r}: a bound is a finite number; leave it out for none")
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
        return branch_and_bound(question, _margin(law, graph, question, moving), budget)


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
    core = SlopeMargin(law, moving, sign, (Encloser(node, sides), direction))
    logs = logarithm(node, sides)
    if logs is None or bool((core.low(sides.whole()) >= 0.0).all()):
        return core
    return SlopeMargin(law, moving, sign, (Encloser(logs, sides), direction))


def canonicalise(root: Node) -> Node:
    """Return an equal graph with fewer repeated steps; the names of constants are dropped.

    Products are flattened and powers merged, and log(1 + a · exp(u)), as learned laws hold them, and powers of it are
    written with softplus, whose convexity is known. The result may be defined in more places, which does not invalidate
    proofs for the places where the formula is.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(canonicalise(parse_formula("x * (1 / c^2)^2 * x", [Variable("x"), Variable("c")], Variable("y")).root))
    'x^2 / c^4'
    >>> to_infix(canonicalise(parse_formula("log(1 + 2 * exp(x))", [Variable("x")], Variable("y")).root))
    'softplus(0.6931 + x)'
    """
    unnamed = rebuild(root, lambda node: Constant(node.value) if isinstance(node, Constant) else node)
    return simplify_graph(rebuild(simplify_graph(unnamed), _with_softplus))


def _with_softplus(node: Node) -> Node:
    match node:
        case Apply(function="log", argument=Sum() as inner):
            found = _soft(inner)
            return node if found is None else Sum((Constant(math.log(found[0])), found[1]))
        case Apply(function="log1p", argument=argument):
            found = _soft(Sum((Constant(1.0), argument)))
            return node if found is None else found[1]
        case Power(base=Sum() as inner, exponent=Constant(value=power)) if power > 0.0:
            found = _soft(inner)
            if found is not None:
                grown = Apply("exp", Product((Constant(power), found[1])))
                return Product((Constant(found[0] ** power), grown))
    return node


def _soft(node: Sum) -> tuple[float, Node] | None:
    """Return c and softplus(u + log(a / c)) for c + a · exp(u) with positive c and a, else None."""
    if len(node.terms) != 2 or not isinstance(node.terms[0], Constant):
        return None
    constant, scale, rest = node.terms[0].value, 1.0, node.terms[1]
    if isinstance(rest, Product) and len(rest.factors) == 2 and isinstance(rest.factors[0], Constant):
        scale, rest = rest.factors[0].value, rest.factors[1]
    if min(constant, scale) <= 0.0 or not isinstance(rest, Apply) or rest.function != "exp":
        return None
    shift = Constant(math.log(scale) - math.log(constant))
    return constant, Apply("softplus", Sum((shift, rest.argument)))
