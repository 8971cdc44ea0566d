"""A known law with names for what may move, and a corrected law as a graph and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kanopt.formulas.correction.fitting import CorrectedFit
from kanopt.formulas.estimation.naming import fresh_names, with_named_constants
from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import Apply, Constant, Node, Power, Product, Sum, postorder, rebuild
from kanopt.formulas.parameters import Covariance, is_parameter, names_in
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.simplify import simplify_graph
from kanopt.text import number_text


def movable(formula: Formula) -> Formula:
    """Return the law with a name for every constant that may move: its own, a factor per term and what is added.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> law = movable(parse_formula("km * load + 2 * km", ["km", "load"], "cost"))
    >>> [(constant.name, constant.value) for constant in law.constants]
    [('c1', 0.0), ('c2', 1.0), ('c3', 2.0)]
    """
    plain = simplify_graph(formula.root)  # 60 / 70 is one number
    terms = plain.terms if isinstance(plain, Sum) else (plain,)
    scaled = (term if isinstance(term, Constant) else Product((Constant(1.0), term)) for term in terms)
    root = Sum((Constant(0.0), *scaled))
    return with_named_constants(replace(formula, root=root, covariance=None))


@dataclass(frozen=True, eq=False)
class Written:
    """A corrected law.

    Parameters
    ----------
    root
        The law as a graph.
    covariance
        Covariance of the constants that were estimated; None if there are none.
    words
        What was corrected, by how much.
    """

    root: Node
    covariance: Covariance | None
    words: str


def written(fit: CorrectedFit, formula: Formula) -> Written:
    """Return a corrected law as it is read.

    Parameters
    ----------
    fit
        The fit of the law with names for what may move.
    formula
        The law as it is known; constants that did not move are as they are there.
    """
    if not fit.chosen:
        return Written(formula.root, None, "none")
    problem = fit.problem
    names = _names_of(fit, formula)
    values = fit.minimum.theta
    covariance = fit.covariance
    errors = np.sqrt(np.diag(covariance))
    own = {c.name for c in formula.constants}

    def put(node: Node) -> Node:
        if isinstance(node, Constant) and is_parameter(node):
            block = fit.free.block(node)
            if block is not None:
                place = block.start
                return Constant(float(values[place]), names[node.name], float(errors[place]))
            return node if node.name in own else Constant(node.value)
        block = fit.free.block(node)
        if block is None:
            return node
        numbers = tuple(values[block].tolist())
        if isinstance(node, Curve):
            return _levelled(replace(node, name=names[node.name], coefficients=numbers))
        assert isinstance(node, Table)
        entries = tuple((key, number) for (key, _), number in zip(node.entries, numbers, strict=True))
        return replace(node, name=names[node.name], entries=entries)

    parts = [rebuild(each.move.node, put) for each in fit.chosen if each.move.node is not None]
    law = rebuild(problem.law, put)
    whole = Product((law, *map(_factor, parts))) if problem.factor else Sum((law, *parts))
    root = _one_power_each(simplify_graph(whole))
    known = Covariance.of([names.get(name, name) for name in fit.free.names], covariance, _freedom(fit))
    return Written(root, known.restrict(names_in(root)), _told(fit, names))


def _freedom(fit: CorrectedFit) -> float:
    return max(fit.count - fit.parameters, 1.0)


def _names_of(fit: CorrectedFit, formula: Formula) -> dict[str, str]:
    """Return the names of all that is free: constants of the law keep theirs, curves are s and tables by."""
    fresh = fresh_names(replace(formula, root=fit.problem.law, covariance=None))
    taken = {node.name for node in postorder(formula.root) if isinstance(node, Curve | Step | Table)}
    taken |= {variable.name for variable in formula.inputs} | {formula.output.name}
    stems: dict[str, str] = {}
    for each in fit.chosen:
        pieces = (
            (n for n in postorder(each.move.node) if isinstance(n, Curve | Table)) if each.move.node else ()
        )
        stems |= {piece.name: "by" if isinstance(piece, Table) else "s" for piece in pieces}
    names: dict[str, str] = {}
    for name in fit.free.blocks:
        stem = stems.get(name)
        if stem is None:
            names[name] = name if name in fit.problem.constants else next(fresh)
            continue
        alone = list(stems.values()).count(stem) == 1
        offered = [stem] * alone + [f"{stem}{number}" for number in range(1, len(stems) + len(taken) + 1)]
        names[name] = next(each for each in offered if each not in taken)
        taken.add(names[name])
    return names


def _levelled(curve: Curve) -> Curve:
    """Return the curve with three intervals more at either end, over which it turns level.

    Beyond them it keeps its last value, while its own end tangents would lead anywhere.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> rising = Curve("s", Input("x"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    >>> _levelled(rising).at(np.array([0.5, 1.0, 4.0, 90.0])).round(9).tolist()
    [0.5, 1.0, 1.0, 1.0]
    """
    if curve.periodic:
        return curve
    first, _, last, _ = curve.ends
    coefficients = (*(first,) * 3, *curve.coefficients, *(last,) * 3)
    return Curve(
        curve.name,
        curve.argument,
        coefficients,
        curve.low - 3.0 * curve.width,
        curve.high + 3.0 * curve.width,
    )


def _factor(part: Node) -> Node:
    """Return the exponential of a correction, as a power or a table of factors where it is one.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(_factor(Product((Constant(0.7), Apply("log", Input("km"))))))
    'km^0.7'
    """
    match part:
        case Table():
            entries = tuple((key, float(np.exp(number))) for key, number in part.entries)
            return replace(part, entries=entries, fallback=1.0)
        case Product(factors=(Constant() as exponent, Apply(function="log", argument=base))):
            return Power(base, exponent)
    return Apply("exp", part)


def _one_power_each(root: Node) -> Node:
    """Return a product with x · x^c, of which the law knew the first, as one power.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> from kanopt.formulas.printing import to_infix
    >>> x, c = Input("x"), Constant(-0.1, "c")
    >>> to_infix(_one_power_each(Product((Constant(3.0), x, Power(x, c)))))
    '3 · x^0.9'
    """
    factors = list(root.factors) if isinstance(root, Product) else []
    for new in list(factors):
        if not (isinstance(new, Power) and isinstance(new.exponent, Constant) and is_parameter(new.exponent)):
            continue
        others = ((place, _known_exponent(each, new.base)) for place, each in enumerate(factors))
        place, known = next(((place, known) for place, known in others if known is not None), (-1, 0.0))
        if place >= 0:
            moved = new.exponent
            factors[place] = Power(new.base, Constant(moved.value + known, moved.name, moved.standard_error))
            factors.remove(new)
    return Product(tuple(factors)) if factors else root


def _known_exponent(factor: Node, base: Node) -> float | None:
    """Return the exponent of a factor that is a power of a base by a number that did not move; None for another."""
    if factor == base:
        return 1.0
    if isinstance(factor, Power) and factor.base == base and isinstance(factor.exponent, Constant):
        return None if is_parameter(factor.exponent) else factor.exponent.value
    return None


def _told(fit: CorrectedFit, names: dict[str, str]) -> str:
    """Return the corrections in words."""
    before = {n.name: n.value for n in postorder(fit.problem.law) if isinstance(n, Constant) and n.name}
    after = fit.values
    moved = [
        f"{names[name]} from {number_text(before[name], 4)} to {number_text(after[name], 4)}"
        for name in fit.free.blocks
        if name in before
    ]
    return "; ".join([*moved, *(each.move.what for each in fit.chosen if each.move.node is not None)])
