"""The rungs of a ladder of laws between a single formula and the network: sums of curves, and such with surfaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas import Apply, Constant, Curve, Node, Product, Table
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.operators import OPERATORS
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.simplify import simplify_graph
from kanopt.kan.links import Link
from kanopt.surrogates.curves import in_units, linked, network_output
from kanopt.surrogates.ladder.additive import AdditiveLaw, Choice, additive_law, with_surfaces
from kanopt.surrogates.ladder.functions import Function, functions_of, surface_of
from kanopt.surrogates.ladder.trained import Trained
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import PREFERRED

__all__ = [
    "FLOOR",
    "OPERATOR",
    "Rung",
    "additive_rung",
    "description_length",
    "network_rung",
    "output_of",
]

Array = NDArray[np.float64]

FLOOR = 1e-8
"""Error, in spreads of the target, below which a law is exact."""
OPERATOR = 2.0 * float(np.log(12))
"""Length of the description of an operator: a choice among twelve (Rissanen 1978)."""
FLATTEST = 1e-6
"""Least slope of a link, as a share of the largest: where it is flat, the rows say nothing of the sum before it."""


@dataclass(frozen=True, eq=False)
class Rung:
    """A law and what is known of it.

    Parameters
    ----------
    root
        The graph of the law of the target itself.
    how
        How it was found, in words.
    parameters
        Effective number of parameters.
    smearing
        Factor of a law of the mean of a target whose logarithm was fitted; 1 for others.
    written, values, covariance
        The graph for other values of its parameters, these values, and their covariance; None where not known.
    known
        The covariance of the named constants of a law that has such.
    """

    root: Node
    how: str
    parameters: float
    smearing: float = 1.0
    written: Callable[[Array], Node] | None = None
    values: Array | None = None
    covariance: Array | None = None
    known: Covariance | None = None

    @property
    def operators(self) -> float:
        """How many operators a reader sees."""
        return count_operators(self.root)


def description_length(
    rows: Rows, squares: float, parameters: float, operators: float, *, log: bool
) -> float:
    """Return the length of the description of rows by a law.

    It is L = W log(squares / W + floor²) + log(W) · p + operators, with W the sum of the weights and p the effective
    number of parameters (Schwarz 1978; Hastie and Tibshirani 1990, ch. 5).

    Parameters
    ----------
    rows
        With the target to which `squares` belong.
    squares
        Weighted squared residuals.
    parameters
        Effective number of parameters.
    operators
        Length of the description of all operators.
    log
        Whether the target of the rows is a logarithm. The description is that of the target itself all the same: a
        density of log y is one of y once it is divided by y (Box and Cox 1964, JRSS B 26, section 3).
    """
    mean = float(rows.weight @ rows.target) / rows.total
    spread = float(rows.weight @ (rows.target - mean) ** 2) / rows.total
    noise = squares / rows.total + FLOOR**2 * max(spread, 1e-300)
    jacobian = 2.0 * float(rows.weight @ rows.target) if log else 0.0
    return float(rows.total * np.log(noise) + jacobian + np.log(rows.total) * parameters + operators)


def output_of(trained: Trained) -> Array:
    """Return the output of a network on its training rows, before its link; (n,)."""
    numeric = sum(feature.is_numeric for feature in trained.features)
    inputs = trained.rows.inputs
    return network_output(trained.network, inputs[:, :numeric], inputs[:, numeric:].astype(np.int64))


def network_rung(trained: Trained) -> Rung:
    """Return the network itself, every edge a curve or a table."""
    rows, link, log = trained.rows, trained.link, trained.log_target
    output = output_of(trained)
    residual = rows.target - (output if link is None else link(output))
    smearing = _smearing(rows, residual) * rows.lift if log else 1.0
    root = _of_target(in_units(trained.network.root, trained.features), link, smearing, log=log)
    return Rung(
        numbered(simplify_graph(rebuild(root, _without_nothing))),
        f"the network ({trained.structure}), every edge a curve",
        trained.edf,
        smearing,
    )


def additive_rung(trained: Trained, rows: Rows, *, log: bool) -> tuple[Rung, Callable[[], Rung | None]]:
    """Return the sum of functions of a column each that describes rows best, and what adds surfaces to it.

    Parameters
    ----------
    trained
        The network: its columns, and what was asked of the law.
    rows
        With the target, or its logarithm where `log`; the target itself where there is a link.
    log
        Whether the law is a product.

    Returns
    -------
    Rung, callable
        The callable returns the law with surfaces, None where none shortens the description.

    Raises
    ------
    FitError
        If a column can be nothing of what was asked of it.
    """
    link = trained.link
    working = rows if link is None else _working_rows(rows, link, output_of(trained))
    choice = _choice(trained, rows, log=log)
    plain = additive_law(choice, working)

    def higher() -> Rung | None:
        law = with_surfaces(plain, choice, working)
        return None if law is None else _rung(law, True, rows, link, log=log)

    return _rung(plain, False, rows, link, log=log), higher


def _rung(law: AdditiveLaw, has_surfaces: bool, rows: Rows, link: Link | None, *, log: bool) -> Rung:
    values = law.values()
    residual = rows.target - (values if link is None else link(values))
    squares = float(rows.weight @ residual**2)
    smearing = _smearing(rows, residual) if log else 1.0
    if log and abs(np.log(smearing)) <= 2.0 * np.sqrt(squares) / rows.total:
        smearing = 1.0
    # what groups share of a logarithm raises the mean of a law of the target, too
    smearing *= rows.lift

    def written(parameters: Array) -> Node:
        return numbered(simplify_graph(_of_target(law.written(parameters), link, smearing, log=log)))

    kind = "product" if log else "sum"
    what = f"a {kind} of functions of one column{' and surfaces of two' if has_surfaces else ''}"
    return Rung(written(law.parameters), what, law.freedom, smearing, written, law.parameters, law.covariance)


def _without_nothing(node: Node) -> Node:
    """Return a zero for an edge that was pruned."""
    match node:
        case Curve(coefficients=numbers) if not any(numbers):
            return Constant(0.0)
        case Table(entries=entries) if not any(number for _, number in entries):
            return Constant(0.0)
    return node


def _smearing(rows: Rows, residual: Array) -> float:
    """Return the factor that makes a law of the logarithm one of the mean (Duan 1983)."""
    return float(rows.weight @ np.exp(residual) / rows.weight.sum())


def _of_target(output: Node, link: Link | None, smearing: float, *, log: bool) -> Node:
    if log:
        return Product((Constant(smearing), Apply("exp", output)))
    if link is not None:
        return linked(link, output)
    return output if smearing == 1.0 else Product((Constant(smearing), output))


def _working_rows(rows: Rows, link: Link, output: Array) -> Rows:
    """Return the rows with the working response as their target.

    With y = g(f) + noise, least squares of y on g(f) near f₀ is least squares of f₀ + (y − g(f₀)) / g′(f₀) on f, with
    weights g′(f₀)² (iteratively reweighted: McCullagh and Nelder 1989, *Generalized Linear Models*, section 2.5).
    """
    slope = link.slope(output)
    slope = np.maximum(slope, FLATTEST * float(slope.max()))
    return replace(rows, target=output + (rows.target - link(output)) / slope, slope=slope)


def numbered(root: Node) -> Node:
    """Return a graph with different names for its curves, and for its tables: s1, s2 …; s where there is one."""
    many = {kind: sum(isinstance(node, kind) for node in postorder(root)) > 1 for kind in (Curve, Table)}
    counts = {Curve: 0, Table: 0}

    def named(node: Node) -> Node:
        for kind, letter in ((Curve, "s"), (Table, "by")):
            if isinstance(node, kind):
                counts[kind] += 1
                return replace(node, name=f"{letter}{counts[kind]}" if many[kind] else letter)
        return node

    return rebuild(root, named)


def _choice(trained: Trained, rows: Rows, *, log: bool) -> Choice:
    control = trained.control
    groups, may_go, shapes = [], [], []
    signs = iter(trained.wanted.of_layer(0, sum(f.kind == "number" for f in trained.features)))
    for column, feature in enumerate(trained.features):
        shape = next(signs) if feature.kind == "number" else (0, 0)
        pins = control.pin.get(feature.name)
        kinds = functions_of(feature, column, rows.inputs[:, column], log_target=log)
        allowed = [
            function
            for function in kinds
            if _is_allowed(function, pins, control.forbid) and _keeps(function, shape)
        ]
        if pins == ("none",):
            allowed = []
        elif not allowed:
            raise FitError(
                f"pin: {feature.name!r} cannot become {' or '.join(pins or ())} in a sum of curves; fit it with other "
                "log_features or log_target, or pin it to something else"
            )
        groups.append(tuple(allowed))
        may_go.append(pins is None or "none" in pins)
        shapes.append(shape)

    def surface(pair: tuple[int, int], of: Rows) -> Function:
        a, b = pair
        return surface_of(
            (trained.features[a], trained.features[b]), pair, (of.inputs[:, a], of.inputs[:, b])
        )

    def price(function: Function) -> float:
        preferred = PREFERRED if function.kind in control.prefer else 1.0
        return OPERATOR * preferred * (function.operators + 1)

    return Choice(
        tuple(groups),
        tuple(may_go),
        tuple(shapes),
        None if control.pin or control.forbid else surface,
        lambda squares, freedom, price: description_length(rows, squares, freedom, price, log=log),
        price,
        trained.watch.should_stop,
    )


def _keeps(function: Function, shape: tuple[int, int]) -> bool:
    """Whether a function can be had in a shape: a parabola turns, and a logarithm is bent."""
    sign, bend = shape
    if function.size == 2:
        return not (sign or bend)
    return not bend or function.size > 1 or function.kind in ("linear", "exp")


def _is_allowed(function: Function, pins: tuple[str, ...] | None, forbidden: tuple[str, ...]) -> bool:
    if function.kind == "table":
        return True
    assert function.kind in OPERATORS
    return function.kind not in forbidden and (pins is None or function.kind in pins)
