"""The part of a formula that determines its shape in one input, so that the rest cannot loosen the bounds.

Terms without the input change neither its slope nor its curvature, positive factors without it only scale them, and a
strictly monotone function is monotone where its argument is. A product of positive factors increases where its
logarithm does, which is a sum with one term per factor: the slope of x · y / (1 + x + y) vanishes with y, that of its
logarithm does not.
"""

from __future__ import annotations

from collections.abc import Collection

from kanopt.formulas.enclosures.arithmetic import NOTHING, Pair
from kanopt.formulas.enclosures.boxes import BoxSides
from kanopt.formulas.enclosures.enclosure import Enclosure, Orders
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.enclosures.univariate import CurveBank, range_over
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import DEEPEST, Apply, Constant, Node, Power, Product, Sum, postorder
from kanopt.formulas.pieces import Curve


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


def logarithm(node: Node, sides: BoxSides) -> Node | None:
    """Return the logarithm of a product of several positive factors, written as a sum; None for other steps."""
    if not isinstance(node, Product) or len(node.factors) < 2 or node.depth > DEEPEST - 4:
        return None
    if not all(bool(_whole(factor, sides).positive.all()) for factor in node.factors):
        return None
    return Sum(tuple(_log(factor) for factor in node.factors))


def _log(node: Node) -> Node:
    match node:
        case Product():
            return Sum(tuple(_log(factor) for factor in node.factors))
        case Power(base=base, exponent=Constant() as exponent):
            return Product((exponent, _log(base)))
        case Apply(function="exp"):
            return node.argument
    return Apply("log", node)


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
            slope = CurveBank([node]).over((1,), *_whole(node.argument, sides).value)[1]
        case Power(base=base, exponent=Constant(value=power)) if power:
            found = _whole(base, sides)
            if bool(found.positive.all()) or (power > 0.0 and bool((found.value[0] >= 0.0).all())):
                return base, 1 if power > 0.0 else -1
    if bool((slope[0] > 0.0).all()):
        return node.children[0], 1
    return (node.children[0], -1) if bool((slope[1] < 0.0).all()) else (None, 0)
