"""A formula made of straight pieces: what :meth:`kanopt.formulas.Formula.piecewise` does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn, get_args

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.enclosures.engine import Enclosures
from kanopt.formulas.lowering.building import Built
from kanopt.formulas.lowering.profile import Graph, folded
from kanopt.formulas.lowering.program import (
    AffineDefinition,
    PieceCertificate,
    PieceDefinition,
    Piecewise,
    Side,
)
from kanopt.formulas.lowering.taking_apart import Part, Source, in_order, shared_out, taken_apart
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
)

MOST_SEGMENTS = 10_000
_ROUNDS = 8
_ENOUGH = 0.85  # of the tolerance: a program that uses as much of it is not made again
_COARSE = 0.5  # of the tolerance: what rounding may take of it


def piecewise(
    formula: BaseFormula,
    tolerance: float,
    *,
    side: Side = "nearest",
    fixed: Mapping[str, Any] | None = None,
    ranges: Mapping[str, Any] | None = None,
    max_segments: int = MOST_SEGMENTS,
) -> Piecewise:
    """Return it made of straight pieces, proved to be within a tolerance of the law everywhere in a box.

    Parameters
    ----------
    tolerance
        How far from the law it may be, in the unit of the output.
    side
        ``"nearest"``, to both sides; ``"over"``, never below the law; ``"under"``, never above it.
    fixed
        Inputs that are given, by name: numbers, or labels of categories. Every category that the law reads must
        be given; make pieces for each label where it is to be decided.
    ranges
        Input name to ``(low, high)`` or a number; inputs not named take the domain's range, or their declared
        bounds.
    max_segments
        How many pieces all functions of one variable may have together.

    Returns
    -------
    Piecewise
        Sums of multiples, and functions of one variable made of pieces, in the order in which they are computed, with
        a certificate no larger than the tolerance. Staircases, hinges, absolute values and extremes are exact. Next to
        a jump, where rounding alone decides on which side an argument is, the value may be that of either.

    Raises
    ------
    FormulaError
        If a range is infinite, the law has no finite value somewhere in it or could not be shown to have one, it
        jumps in something that pieces only approximate, or the tolerance takes too many pieces.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> cost = parse_formula("km * (0.6 + 0.1 * load^0.7)", [Variable("km", "km"), Variable("load", "t")],
    ...                      Variable("cost", "EUR"))
    >>> leg = cost.piecewise(0.05, side="over", fixed={"km": 12.0}, ranges={"load": (0, 3.5)})
    >>> print(leg.certificate)
    never below and at most 0.033 above the law (0.05 asked for), 4 segments
    >>> above = leg.evaluate({"load": [0.0, 2.0]}) - cost.evaluate({"km": 12.0, "load": [0.0, 2.0]})
    >>> [round(float(gap), 3) for gap in above]
    [0.033, 0.011]
    """
    what = formula.title
    if not (isinstance(tolerance, int | float) and math.isfinite(tolerance) and tolerance > 0.0):
        raise FormulaError(f"{what}: a tolerance is a positive number, not {tolerance!r:.80}")
    if side not in get_args(Side) or not max_segments > 0:
        told = (
            f"{get_args(Side)} are sides, not {side!r:.80}; max_segments={max_segments!r:.80} must be above 0"
        )
        raise FormulaError(f"{what}: {told}")
    try:
        given, limits = _given(formula, {} if fixed is None else fixed, {} if ranges is None else ranges)
        numbers = {name: value for name, value in given.items() if isinstance(value, float)}
        labels = {name: value for name, value in given.items() if isinstance(value, str)}
        root = folded(formula.root, numbers, labels)
        # what overflows is no finite number and is refused where it would matter
        with np.errstate(all="ignore"):
            return _lowered(formula, root, limits, given, float(tolerance), side, max_segments)
    except FormulaError as error:
        raise FormulaError(f"{what}: {str(error).removeprefix(f'{what} ')}") from error


def _given(
    formula: BaseFormula, fixed: Mapping[str, Any], ranges: Mapping[str, Any]
) -> tuple[dict[str, float | str], dict[str, tuple[float, float]]]:
    """Return the inputs that are given, and the ranges of the others that the formula reads."""
    limits, labels = formula.given_ranges({**ranges, **fixed})
    given: dict[str, float | str] = {}
    found: dict[str, tuple[float, float]] = {}
    for variable in formula.inputs:
        name = variable.name
        if name not in formula.used:
            continue
        if variable.is_category:
            allowed = labels.get(name, frozenset())
            if len(allowed) != 1:
                raise FormulaError(
                    f"input {name!r} is a category: fix it, fixed={{{name!r}: …}}, and make pieces for each label"
                )
            given[name] = next(iter(allowed))
            continue
        low, high = limits[name]
        if not (math.isfinite(low) and math.isfinite(high)):
            raise FormulaError(
                f"input {name!r} has no finite range (from {low:g} to {high:g}); give one, "
                f"ranges={{{name!r}: (low, high)}}, or fix it, fixed={{{name!r}: …}}"
            )
        if low == high:
            given[name] = low
        elif low > high:
            raise FormulaError(f"input {name!r}: its bounds and its domain have no number in common")
        else:
            found[name] = low, high
    return given, found


def _lowered(
    formula: BaseFormula,
    root: Node,
    limits: Mapping[str, tuple[float, float]],
    given: Mapping[str, float | str],
    tolerance: float,
    side: Side,
    most: int,
) -> Piecewise:
    read = {name for node in postorder(root) for name in node.names}
    known = Enclosures(root, limits)
    better = rewritten(known)
    parts = in_order(taken_apart(known if better == root else Enclosures(better, limits)))
    sources = {part.name: part for part in parts if isinstance(part, Source)}
    inputs = [
        sources.get(v.name) or Source(v.name, *limits[v.name], True, v.name)
        for v in formula.inputs
        if v.name in read
    ]
    # how far the pieces may be from the law to either side before they are shifted
    reach = tolerance if side == "nearest" else 0.5 * tolerance
    made, off = _fitting(parts, inputs, known.rounding, (reach, tolerance), most)
    variables = tuple(
        replace(v, low=limits[v.name][0], high=limits[v.name][1]) for v in formula.inputs if v.name in read
    )
    low, high = -made.last.down - off, made.last.up + off
    shift = {"nearest": -0.5 * (low + high), "over": -low, "under": -high}[side]
    if side == "nearest" and abs(shift) <= 1e-3 * (high - low):
        shift = 0.0
    proved = PieceCertificate(tolerance, side, low + shift, high + shift, off, tuple(made.nodes))
    quantities, definitions = tuple(made.quantities), tuple(made.definitions)
    return _shifted(Piecewise(variables, quantities, definitions, made.output, proved, dict(given)), shift)


def _fitting(
    parts: list[Part], inputs: list[Source], rounding: float, wanted: tuple[float, float], most: int
) -> tuple[Built, float]:
    """Return a program within reach, and what rounding adds; shares are scaled until the reach is well used.

    What is `wanted` is the reach to either side, and the tolerance that was asked for, of which refusals tell.
    """
    reach, asked = wanted
    target, best, last = reach * (1.0 - 1e-9) - rounding, None, math.inf
    for _ in range(_ROUNDS):
        if last == math.inf and not target > _COARSE * reach:
            _refuse_rounding(rounding, asked)
        made = Built(parts, shared_out(parts, target), inputs, most)
        down, up = made.last.down, made.last.up
        # the last factor is for the arithmetic of the bounds themselves
        off = (rounding + made.last.rounding) * (1.0 + 1e-9) + 1e-12 * (down + up)
        if not off <= _COARSE * reach:
            _refuse_rounding(off, asked)
        last = max(down, up)
        if last + off <= reach:
            segments = sum(node.segments for node in made.nodes)
            is_exact = not any(node.tolerance for node in made.nodes)
            done = best is not None or last + off >= _ENOUGH * reach or is_exact
            if best is None or segments < best[2]:
                best = made, off, segments
            if done:
                break
        ratio = (reach - off) / last if last > 0.0 else 1.0
        # near the goal a touch is enough; far from it the errors do not grow in proportion
        target *= ratio * (1.0 - 1e-9 if 0.999 < ratio < 1.0 else 0.98)
    if best is None:
        raise FormulaError(
            f"no pieces could be proved to be within {asked:g}; the best were within {asked * last / reach:.3g}"
        )
    return best[0], best[1]


def _refuse_rounding(off: float, asked: float) -> NoReturn:
    if not math.isfinite(off):
        raise FormulaError(
            "it could not be shown to have a finite value everywhere in the ranges; narrow them"
        )
    raise FormulaError(f"a tolerance of {asked:g} is finer than rounding, which may reach {off:.2g}")


def _shifted(program: Piecewise, by: float) -> Piecewise:
    """Return the program with a constant added to its output."""
    if by == 0.0:
        return program
    definitions, quantities, output = list(program.definitions), list(program.quantities), program.output
    quantity = quantities[output]
    moved = replace(quantity, low=quantity.low + by, high=quantity.high + by)
    last = definitions[-1] if definitions and output == len(quantities) - 1 else None
    if isinstance(last, PieceDefinition):
        definitions[-1], quantities[-1] = PieceDefinition(last.source, last.pieces.shifted(by)), moved
    else:
        definitions.append(AffineDefinition(by, ((output, 1.0),)))
        quantities.append(moved)
        output = len(quantities) - 1
    return replace(program, definitions=tuple(definitions), quantities=tuple(quantities), output=output)


def rewritten(known: Enclosures) -> Node:
    """Return an equal graph, wherever the inputs are in their ranges, whose functions of one variable are better ones.

    √(x y) is a product of √x and √y, each of an input that is known exactly, while the product can only be approximated
    and a root at zero makes much of little.

    Roots and logarithms go over to the factors of a product and to the parts of an extreme, where these are all in
    their domain, and x^y becomes exp(y · log(x)).

    Examples
    --------
    >>> from kanopt.formulas.printing import short_text
    >>> x, y = Input("x"), Input("y")
    >>> short_text(rewritten(Enclosures(Apply("sqrt", 2 * x * y) + x**y, {"x": (0.0, 1.0), "y": (1.0, 2.0)})))
    'sqrt(2) · sqrt(x) · sqrt(y) + exp(y · log(x))'
    """
    graph, made = Graph(known.root), dict[bytes, Node]()
    for node in postorder(known.root):
        made[node.key] = _rewritten(node, made, known, graph)
    return made[known.root.key]


def _rewritten(node: Node, made: Mapping[bytes, Node], known: Enclosures, graph: Graph) -> Node:
    """Return a step over parts that are rewritten already."""
    children = [made[child.key] for child in node.children]
    match node:
        case Power(base=base, exponent=Constant(value=power)) if power < 1.0 and power != 0.0:
            return _spread(node, base, power, made, known, graph)
        case Apply(function="sqrt" | "log", argument=argument):
            power = 0.0 if node.function == "log" else 0.5
            return _spread(node, argument, power, made, known, graph)
        case Power(base=base, exponent=exponent) if not any(
            isinstance(c, Constant) for c in (base, exponent)
        ):
            return Apply("exp", Product((children[1], Apply("log", children[0]))))
    return node.with_children(children) if children else node


def _spread(
    outer: Node, inner: Node, power: float, made: Mapping[bytes, Node], known: Enclosures, graph: Graph
) -> Node:
    """Return a power, or a logarithm (0), of a step, as one of each of its parts where that is of use."""
    useful = isinstance(inner, Product) or (
        isinstance(inner, Maximum | Minimum)
        and not all(isinstance(part, Input | Constant) for part in inner.children)
    )
    lows = [known.range(part)[0] for part in inner.children]
    # where there is a pole at zero, zero is not defined
    defined = all(low > 0.0 if power <= 0.0 else low >= 0.0 for low in lows)
    # a whole power goes over to factors of either sign
    defined = defined or (power != 0.0 and power % 1.0 == 0.0 and isinstance(inner, Product))
    if not (useful and defined and graph.own(inner)):
        return outer.with_children((made[inner.key], *outer.children[1:]))
    parts = tuple(_spread(outer, part, power, made, known, graph) for part in inner.children)
    if isinstance(inner, Product):
        return Product(parts) if power else Sum(parts)
    return Minimum(parts) if isinstance(inner, Maximum) == (power < 0.0) else Maximum(parts)
