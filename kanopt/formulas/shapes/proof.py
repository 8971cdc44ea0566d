"""Prove or refute that a formula is monotone, convex or concave, or within bounds."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.input_ranges import given_ranges
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
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.shapes.bound_propagation import FormulaBoundPropagator
from kanopt.formulas.shapes.boxes import BoxSides
from kanopt.formulas.shapes.branch_and_bound import branch_and_bound
from kanopt.formulas.shapes.cores import curvature_core, logarithm, slope_core
from kanopt.formulas.shapes.derivatives import BoundMargin, CurvatureMargin, JointCurvatureMargin, SlopeMargin
from kanopt.formulas.shapes.facts import Shape, ShapeFact, ShapeProof
from kanopt.formulas.shapes.margins import DefinedMargin, FormulaMargin, PointEvaluator
from kanopt.formulas.shapes.tabulated import entries
from kanopt.formulas.simplify import simplify_graph

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Convexity", "basis_of", "canonicalise", "prove", "sides_of"]

Inputs: TypeAlias = "str | tuple[str, ...]"
Convexity: TypeAlias = "Mapping[Inputs, int] | Mapping[str, int] | Iterable[Inputs]"

_UNSEEN = "another"


def prove(
    formula: Formula,
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

    By interval arithmetic, rounded outwards, with branch and bound (:mod:`kanopt.formulas.shapes.branch_and_bound`).

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
        *(_ShapeQuestion(shape, bound=_bound(shape, end)) for shape, end in _ends(low, high)),
        *([_ShapeQuestion("finite")] if finite else []),
    ]
    root = formula.root if ranges else among_rows(formula.root, formula.domain.orders)
    graph = canonicalise(root)
    sides = sides_of(formula, {} if ranges is None else ranges, graph)
    case = _ProofCase(PointEvaluator(root, sides), graph, boxes)
    basis = "" if ranges else basis_of(formula)
    facts = tuple(replace(_answer(case, question), basis=basis) for question in questions)
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


def basis_of(formula: Formula) -> str:
    """Return a digest of a formula's graph and of its domain, for which facts are valid."""
    digest = hashlib.blake2b(formula.root.key, digest_size=16)
    numbers, _ = given_ranges(formula, {})
    for variable in formula.inputs:
        if variable.name in formula.used:
            known = formula.domain.categories_of(variable.name) or variable.categories
            box = known if variable.is_category else numbers[variable.name]
            digest.update(repr((variable.name, box)).encode("utf-8", "surrogatepass"))
    if formula.domain.orders:
        digest.update(repr(formula.domain.orders).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@dataclass(frozen=True)
class _ProofCase:
    """The formula, its canonical graph, and the budget of boxes per fact."""

    law: PointEvaluator
    graph: Node
    budget: int


@dataclass(frozen=True)
class _ShapeQuestion:
    shape: Shape
    input: Inputs = ""
    bound: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs it is about."""
        return (self.input,) if isinstance(self.input, str) else self.input


_SHAPES: Mapping[str, dict[int, Shape]] = {
    "monotone": {1: "rises", -1: "falls"},
    "convex": {1: "convex", -1: "concave"},
}


def _questions(formula: Formula, what: str, signs: Mapping[Any, int]) -> list[_ShapeQuestion]:
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
            found.append(_ShapeQuestion(_SHAPES[what][sign], names if len(names) > 1 else names[0]))
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


def _ends(low: float | None, high: float | None) -> list[tuple[Shape, float]]:
    if low is not None and high is not None and low > high:
        raise FormulaError(
            f"low={low!r} is above high={high!r}: no value is at least the one and at most the other"
        )
    ends: list[tuple[Shape, float | None]] = [("at least", low), ("at most", high)]
    return [(shape, end) for shape, end in ends if end is not None]


def _bound(shape: Shape, end: float) -> float:
    if not math.isfinite(float(end)):
        raise FormulaError(f"{shape} {end!r}: a bound is a finite number; leave it out for none")
    return float(end)


def _answer(case: _ProofCase, question: _ShapeQuestion) -> ShapeFact:
    sides = case.law.sides
    places = [sides.numbers.index(name) for name in question.names if name in sides.numbers]
    moving = tuple(place for place in places if sides.low[place] < sides.high[place])
    if question.input and not moving:
        return ShapeFact(question.shape, question.input, verdict="proved")
    sign = 1 if question.shape in ("rises", "convex", "at least") else -1
    with np.errstate(all="ignore"):
        found = branch_and_bound(_margin(case, question, moving, sign), sides.whole(), case.budget)
    return ShapeFact(
        question.shape,
        question.input,
        question.bound,
        found.verdict,
        found.boxes,
        found.left,
        found.slack,
        found.witness,
        found.why,
    )


def _margin(case: _ProofCase, question: _ShapeQuestion, moving: tuple[int, ...], sign: int) -> FormulaMargin:
    law, sides = case.law, case.law.sides
    if question.shape == "finite":
        return DefinedMargin(law, FormulaBoundPropagator(law.root, sides))
    if question.bound is not None:
        return BoundMargin(law, question.bound, sign, FormulaBoundPropagator(case.graph, sides))
    names = [sides.numbers[place] for place in moving]
    if question.shape in ("convex", "concave"):
        node, direction = curvature_core(case.graph, names, sides)
        core = FormulaBoundPropagator(node, sides), direction
        if len(moving) > 1:
            return JointCurvatureMargin(law, moving, sign, core)
        return CurvatureMargin(law, moving[0], sign, core)
    return _slope_margin(case, moving[0], sign)


def _slope_margin(case: _ProofCase, x: int, sign: int) -> FormulaMargin:
    law, sides = case.law, case.law.sides
    node, direction = slope_core(case.graph, sides.numbers[x], sides)
    core = SlopeMargin(law, x, sign, (FormulaBoundPropagator(node, sides), direction))
    if bool((core.low(sides.whole()) >= 0.0).all()):
        return core
    logs = logarithm(node, sides)
    return (
        core if logs is None else SlopeMargin(law, x, sign, (FormulaBoundPropagator(logs, sides), direction))
    )


def sides_of(formula: Formula, ranges: Mapping[str, Any], graph: Node | None = None) -> BoxSides:
    """Return the sides of the box: the inputs of the formula, with the breakpoints of it or of an equal graph."""
    numbers, given = given_ranges(formula, ranges)
    nodes = (*postorder(formula.root), *(() if graph is None else postorder(graph)))
    names = tuple(name for name in numbers if name in formula.used)
    categories = tuple(v.name for v in formula.inputs if v.is_category and v.name in formula.used)
    labels = {name: _known(formula, name, given, nodes) for name in categories}
    sides = BoxSides(
        names,
        np.array([numbers[name][0] for name in names]),
        np.array([numbers[name][1] for name in names]),
        tuple(_step_edges(nodes, name) for name in names),
        tuple(_knots(nodes, name) for name in names),
        categories,
        tuple(labels.values()),
    )
    return _ordered(sides, nodes)


def _step_edges(nodes: tuple[Node, ...], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    read = [node for node in nodes if isinstance(node, Step) and node.argument == Input(name)]
    return np.unique(np.array([edge for node in read for edge in node.breakpoints], dtype=np.float64))


def _knots(nodes: tuple[Node, ...], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the first and last knots of the curves of an input, where their second derivatives jump."""
    read = [n for n in nodes if isinstance(n, Curve) and not n.periodic and n.argument == Input(name)]
    return np.unique(np.array([end for node in read for end in (node.low, node.high)], dtype=np.float64))


def _known(
    formula: Formula, name: str, given: Mapping[str, frozenset[str]], nodes: tuple[Node, ...]
) -> tuple[str, ...]:
    """Return the labels of a category: those given, else of the domain, else declared, else of the tables."""
    variable = next(v for v in formula.inputs if v.name == name)
    tables = [node for node in nodes if isinstance(node, Table) and name in node.inputs]
    known = [dict.fromkeys(table.categories[table.inputs.index(name)]) for table in tables]
    everywhere = [*dict.fromkeys(label for labels in known for label in labels)]
    if name in given:
        chosen = sorted(given[name])
    elif formula.domain.categories_of(name) or variable.categories:
        chosen = list(formula.domain.categories_of(name) or variable.categories)
    else:
        chosen = everywhere
        if all(table.fallback is not None for table in tables):
            label = _UNSEEN
            while label in everywhere:
                label += " one"
            chosen = [*chosen, label]
    strict = [labels for table, labels in zip(tables, known, strict=True) if table.fallback is None]
    chosen = [label for label in chosen if all(label in labels for labels in strict)]
    if not chosen:
        raise FormulaError(
            f"formula for {formula.output.name!r}: table {tables[0].name!r} has no entry for the given categories"
        )
    return tuple(chosen)


def _ordered(sides: BoxSides, nodes: tuple[Node, ...]) -> BoxSides:
    """Return the sides with labels sorted by the values of tables, so that ranges of labels have tight bounds."""
    ordered = []
    for name, labels in zip(sides.categories, sides.labels, strict=True):
        means = [
            _means(table, name, sides) for table in nodes if isinstance(table, Table) and name in table.inputs
        ]
        widest = max(means, key=np.ptp)
        ordered.append(tuple(labels[place] for place in np.argsort(widest, kind="stable")))
    return BoxSides(
        sides.numbers, sides.low, sides.high, sides.step_edges, sides.knots, sides.categories, tuple(ordered)
    )


def _means(table: Table, name: str, sides: BoxSides) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the mean entry of a table for each label of one of its inputs."""
    count = len(sides.labels[sides.categories.index(name)])
    grid = np.moveaxis(entries(table, sides), table.inputs.index(name), 0).reshape(count, -1)
    known = ~np.isnan(grid)
    return np.asarray(np.where(known, grid, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


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
