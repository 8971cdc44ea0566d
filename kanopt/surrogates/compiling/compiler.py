"""``compile_formula``: from a formula to the network that computes it.

The way back from :mod:`kanopt.surrogates.distill`: a law that is known is written as a network, so that it can be
drawn, taken apart, verified, and trained on data as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError, nearest
from kanopt.formulas import Formula, Table, Variable
from kanopt.formulas.nodes import postorder
from kanopt.kan.description import Network, evaluate_spline
from kanopt.surrogates.compiling.assembling import Assembly, layers_of
from kanopt.surrogates.compiling.parts import Additive, OneVariable, Signal
from kanopt.surrogates.compiling.splines import places, spline_through
from kanopt.surrogates.compiling.tracing import Tracer
from kanopt.surrogates.encoding import Feature, FeatureEncoding

__all__ = ["Compiled", "checked_ranges", "compile_formula", "known_range", "ranges_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GRIDS = (5, 10, 20, 40, 80, 160, 320)
"""Intervals that are tried."""
SAMPLE = 2_048
"""Rows of the domain that a network is built on, and as many others that measure it."""
CORNERS = 10
"""Columns up to which the corners of the box are in the sample."""
TRIED = 10
"""Intervals on which a column is tried as it is and as a logarithm."""
STRAIGHT, BETTER = 1e-8, 0.1
"""Share of an edge's swing that is no error, and what is left of the error where a logarithm is worth taking."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """A formula as a network.

    Attributes
    ----------
    formula
        What the network computes.
    encoding
        How the formula's inputs enter the network.
    network
        The network.
    log_target
        Whether it gives the logarithm of the formula.
    grid_size
        Intervals of its splines.
    largest, rms
        Error of the network on rows of the box that it was not built on, corners included: the largest, and the root
        mean square, in the units of the output.
    span
        Largest less least value of the formula on these rows.
    numbers, codes
        The rows, encoded: numbers (n, numbers) and codes (n, categories).

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> fuel = parse_formula("0.5 + 0.12 * km * (1 + 0.04 * load)",
    ...                      [Variable("km", low=0, high=90), Variable("load", low=0, high=12)], Variable("fuel"))
    >>> compiled = compile_formula(fuel)
    >>> compiled.network.hidden, compiled.network.layers[0].products, compiled.largest < 1e-9
    ((1,), 1, True)
    """

    formula: Formula
    encoding: FeatureEncoding
    network: Network
    log_target: bool
    grid_size: int
    largest: float
    rms: float
    span: float
    numbers: Floats
    codes: Integers

    def predict(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the output for encoded rows, shape (n,)."""
        output = self.network(numbers, codes)
        return np.exp(output) if self.log_target else output

    def __str__(self) -> str:
        shape = " + ".join(map(str, self.network.hidden)) or "no"
        return (
            f"network with {shape} hidden nodes on {self.grid_size} intervals"
            f"{', log target' if self.log_target else ''}; error at most {self.largest:.3g}, root mean square "
            f"{self.rms:.3g}, of a span of {self.span:.4g}"
        )


def compile_formula(
    formula: Formula,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    *,
    tolerance: float = 1e-4,
    grid_size: int | None = None,
    seed: int = 0,
) -> Compiled:
    """Return the network that computes a formula over a box of its inputs.

    A sum is a node at which several edges arrive; two factors are a product node, more of them a cascade of such nodes,
    or exp(Σ log) where all are proved positive; functions, powers and curves are splines on the interval of their
    argument; tables of one category are tables, of two the sum of as many products as the table has rank beyond its row
    and column means (singular values). A product of positive functions of one input each becomes an additive network
    of the logarithm.

    Parameters
    ----------
    formula
        The law.
    ranges
        Ends of numeric inputs; those not named take what :func:`ranges_of` finds.
    tolerance
        Largest error, as a share of the span of the formula over the box: the coarsest grid that keeps it is taken.
    grid_size
        Intervals of every spline instead, whatever the error.
    seed
        Of the rows on which error is measured.

    Raises
    ------
    FormulaError
        For a step that no smooth curve computes (a maximum, a minimum, a staircase), for an input without a range, for
        a formula without a finite value somewhere in the box, and where the finest grid misses the tolerance.
    """
    box = ranges_of(formula, ranges)
    labels = _labels(formula)
    columns = _sample(formula, box, labels, seed)
    target = formula.evaluate(_words(columns, labels))
    tracer = Tracer(formula, columns, labels, box)
    total, log_target = _simpler(tracer)
    encoding = _encoding(tracer, total, box)
    fresh = _sample(formula, box, labels, seed + 1)
    wanted = formula.evaluate(_words(fresh, labels))
    numbers, codes = encoding.transform(pd.DataFrame(_words(fresh, labels)))
    span = float(max(wanted.max(), target.max()) - min(wanted.min(), target.min()))
    for grid in (grid_size,) if grid_size is not None else GRIDS:
        network = layers_of(Assembly(tracer, total, encoding, grid))
        output = network(numbers, codes)
        error = (np.exp(output) if log_target else output) - wanted
        largest, rms = float(np.abs(error).max()), float(np.sqrt(np.mean(error**2)))
        found = Compiled(formula, encoding, network, log_target, grid, largest, rms, span, numbers, codes)
        if largest <= tolerance * span:
            return found
    if grid_size is not None:
        return found
    raise FormulaError(
        f"formula for {formula.output.name!r}: splines of {GRIDS[-1]} intervals miss it by {largest:.3g}, and "
        f"tolerance={tolerance:g} allows {tolerance * span:.3g}; the worst edge is {_worst(tracer, total, encoding)}. "
        "Narrow the ranges, or allow more"
    )


def ranges_of(
    formula: Formula, given: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, tuple[float, float]]:
    """Return the ends of every numeric input that the formula reads: as given, else its domain and declared bounds.

    Raises
    ------
    FormulaError
        Where there are none, and for ends that hold no interval.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> law = parse_formula("2 * km", [Variable("km", low=0, high=90)], Variable("cost"))
    >>> ranges_of(law), ranges_of(law, {"km": (10, 20)})
    ({'km': (0.0, 90.0)}, {'km': (10.0, 20.0)})
    """
    known = checked_ranges(formula, given)
    box = {name: known.get(name) or _range(formula, variable) for name, variable in _numbers(formula).items()}
    if not box and not any(v.is_category for v in formula.inputs if v.name in formula.used):
        raise FormulaError(f"formula for {formula.output.name!r} reads no input: a constant needs no network")
    return box


def checked_ranges(formula: Formula, given: Mapping[str, Any] | None) -> dict[str, tuple[float, float]]:
    """Return given ranges of some inputs of a formula.

    Raises
    ------
    FormulaError
        For a name that is no number the formula reads, and for what is no interval.
    """
    variables, found = _numbers(formula), {}
    for name, pair in ({} if given is None else given).items():
        if name not in variables:
            raise FormulaError(f"ranges: the formula reads no number {name!r}; {nearest(name, variables)}")
        try:
            low, high = map(float, pair)
        except (TypeError, ValueError):
            raise FormulaError(f"ranges: {name!r} is {pair!r}, not a pair of numbers") from None
        found[name] = _interval(name, low, high)
    return found


def _numbers(formula: Formula) -> dict[str, Variable]:
    return {v.name: v for v in formula.inputs if not v.is_category and v.name in formula.used}


def known_range(formula: Formula, variable: Variable) -> tuple[float, float] | None:
    """Return where a number was seen and is declared to lie; None where an end is not known."""
    seen = formula.domain.range_of(variable.name)
    known = [(variable.low, variable.high)] + ([] if seen is None else [(seen.low, seen.high)])
    lows = [low for low, _ in known if low is not None]
    highs = [high for _, high in known if high is not None]
    return (max(lows), min(highs)) if lows and highs else None


def _range(formula: Formula, variable: Variable) -> tuple[float, float]:
    found = known_range(formula, variable)
    if found is None:
        raise FormulaError(
            f"input {variable.name!r} has no range over which it could be drawn or learned; pass "
            f"ranges={{{variable.name!r}: (low, high)}}, or declare Variable({variable.name!r}, low=…, high=…)"
        )
    return _interval(variable.name, *found)


def _interval(name: str, low: float, high: float) -> tuple[float, float]:
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise FormulaError(f"input {name!r}: there is no interval from {low:g} to {high:g}")
    return low, high


def _labels(formula: Formula) -> dict[str, tuple[str, ...]]:
    """Return the labels of every category that is read: those of the tables, then others that are declared."""
    found: dict[str, dict[str, None]] = {}
    for node in postorder(formula.root):
        if isinstance(node, Table):
            for name, known in zip(node.inputs, node.categories, strict=True):
                found.setdefault(name, {}).update(dict.fromkeys(known))
    covered = {
        name
        for node in postorder(formula.root)
        if isinstance(node, Table) and node.fallback is None
        for name in node.inputs
    }
    for variable in formula.inputs:
        if variable.name in found and variable.name not in covered:
            found[variable.name].update(dict.fromkeys(variable.categories))
    return {name: tuple(sorted(known)) for name, known in found.items()}


def _sample(
    formula: Formula,
    box: Mapping[str, tuple[float, float]],
    labels: Mapping[str, tuple[str, ...]],
    seed: int,
) -> dict[str, Floats]:
    """Return rows of the box, numbers and codes: evenly spread at random, with the corners."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Floats] = {}
    corners = list(product((0.0, 1.0), repeat=len(box))) if len(box) <= CORNERS else [(0.0,), (1.0,)]
    ends = np.array(corners) if len(box) <= CORNERS else np.array(corners) * np.ones(len(box))
    shares = np.vstack([ends.reshape(len(corners), len(box)), rng.uniform(size=(SAMPLE, len(box)))])
    for variable in formula.inputs:
        if variable.name in box:
            low, high = box[variable.name]
            columns[variable.name] = low + (high - low) * shares[:, list(box).index(variable.name)]
        elif variable.name in labels:
            codes = rng.integers(0, len(labels[variable.name]), len(shares))
            columns[variable.name] = codes.astype(np.float64)
    return columns


def _words(columns: Mapping[str, Floats], labels: Mapping[str, tuple[str, ...]]) -> dict[str, NDArray[Any]]:
    """Return the columns with labels in place of codes."""
    return {
        name: np.array(labels[name], dtype=object)[values.astype(np.int64)] if name in labels else values
        for name, values in columns.items()
    }


def _simpler(tracer: Tracer) -> tuple[Additive, bool]:
    """Return the formula, or its logarithm where that alone needs no hidden nodes."""
    total = tracer.plain()
    if tracer.level(total) > 0:
        logarithm = tracer.logarithm()
        if logarithm is not None and tracer.level(logarithm) == 0:
            return logarithm, True
    return total, False


def _encoding(tracer: Tracer, total: Additive, box: Mapping[str, tuple[float, float]]) -> FeatureEncoding:
    """Return how the inputs enter: as logarithms where splines of these are much nearer to the edges that leave."""
    features: list[Feature] = []
    logs: list[bool] = []
    for place, (name, signal) in enumerate((s.name, s) for s in tracer.signals if not s.level):
        if signal.categories:
            features.append(Feature(name, "category", categories=signal.categories))
            continue
        low, high = box[name]
        features.append(Feature(name, "number", low=low, high=high))
        edges = _leaving(tracer, total, place)
        errors = [max((_miss(e, low, high, log) for e in edges), default=0.0) for log in (False, low > 0.0)]
        logs.append(low > 0.0 and errors[0] > STRAIGHT and errors[1] < BETTER * errors[0])
    return FeatureEncoding(tuple(features)).with_logs(logs)


def _leaving(tracer: Tracer, total: Additive, place: int) -> list[OneVariable]:
    """Return all functions of a signal that the network needs."""
    top = tracer.lifted(total, tracer.level(total))
    sums = [top, *(factor for signal in _reachable(tracer, top) for factor in signal.factors)]
    return [one.terms[place] for one in sums if place in one.terms]


def _reachable(tracer: Tracer, top: Additive) -> list[Signal]:
    """Return the signals from which a sum is computed."""
    seen: dict[int, Signal] = {}
    stack = list(top.terms)
    while stack:
        place = stack.pop()
        if place not in seen:
            seen[place] = tracer.signals[place]
            stack += [source for factor in seen[place].factors for source in factor.terms]
    return list(seen.values())


def _miss(edge: OneVariable, low: float, high: float, log: bool) -> float:
    """Return the largest error of a coarse spline, as a share of the swing of the edge."""
    first, last = (float(np.log(low)), float(np.log(high))) if log else (low, high)
    x, dense = places(first, last, TRIED), np.linspace(first, last, 8 * TRIED + 3)
    values, wanted = (edge(np.exp(z) if log else z) for z in (x, dense))
    swing = float(np.ptp(wanted))
    if not np.isfinite(wanted).all() or swing == 0.0:
        return np.inf if swing else 0.0
    return float(np.abs(evaluate_spline(dense, first, last, spline_through(values)) - wanted).max()) / swing


def _worst(tracer: Tracer, total: Additive, encoding: FeatureEncoding) -> str:
    """Return in words the edge that the finest splines miss most."""
    top = tracer.lifted(total, tracer.level(total))
    found = [(0.0, "none")]
    logs = {feature.name: feature.log for feature in encoding.numbers}
    for one in [top, *(factor for signal in _reachable(tracer, top) for factor in signal.factors)]:
        for place, edge in one.terms.items():
            signal = tracer.signals[place]
            if not signal.categories:
                miss = _miss(edge, *signal.span, logs.get(signal.name, False))
                found.append((miss, f"{edge.text} of {signal.name}"))
    return max(found)[1]
