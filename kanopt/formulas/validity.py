"""Facts about a formula, and where data are outside its domain, in words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.alternatives import approximation_text, rivals_text
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.columns import evaluate_graph
from kanopt.formulas.dimensions import dimensions
from kanopt.formulas.enclosures.engine import interval
from kanopt.formulas.enclosures.facts import ShapeProof
from kanopt.formulas.enclosures.proof import prove
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Extreme,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    postorder,
    rebuild,
)
from kanopt.formulas.printing import to_infix
from kanopt.formulas.verdict import is_size
from kanopt.text import amount_text, join_list, list_names, number_text

# Where a law is used beyond its data, whether it goes on there, and a law that is held at their edge.
#
# Whoever plans asks a law of distances for 0 km, whatever the shortest trip was, and one of loads for
# somewhat more than was ever loaded. So quantities that cannot be negative are used from zero on, where
# their data begin near it or are of a distance, a load or a volume, and every number half as far again as
# its data reach. There a law goes on if it has a finite value, towards zero is not below zero where no row
# is, and towards more grows by no more than a fourth power would; intervals prove it or refute it
# (:func:`kanopt.formulas.enclosures.proof.prove`), one input after the other, the others within their data.

Side: TypeAlias = Literal["below", "above"]

NEAR = 0.02
"""Share of its median below which the smallest value of an input is near zero."""
FARTHER = 0.5
"""Share of its range by which an input may be above its data."""
DEGREE = 4
"""Power with which a law may grow there: that of travel times with traffic (Bureau of Public Roads 1964)."""
SLIGHTLY = 0.01
"""Share of the mean by which a law may be below zero without a word."""
CLOSE, STEEP = 1e-3, 3.0
"""A law has a pole at zero if it is larger by this factor once an input is that share of its smallest value."""
_BOXES = 100


@dataclass(frozen=True)
class Ending:
    """A side of an input on which a law does not go on beyond its data.

    Parameters
    ----------
    input, side, edge
        The input, whether it is below or above its data, and where these end.
    what
        What the law is there, as what follows "it".
    pole
        Whether it has a value everywhere but at the end of the range itself, towards which it grows, such as 1 / x.
    """

    input: str
    side: Side
    edge: float
    what: str
    pole: bool = False

    def __str__(self) -> str:
        return f"{self.what} where {self.input} is {self.side} its data"


@dataclass(frozen=True)
class Extrapolation:
    """Where a law does not go on beyond its data, and whether it is proved that it does everywhere else."""

    endings: tuple[Ending, ...]
    proved: bool

    def __str__(self) -> str:
        return f"it {join_list([str(each) for each in self.endings], 2)}" if self.endings else "it goes on"


def extrapolation(
    formula: BaseFormula, level: float, numbers: Collection[str] | None = None
) -> Extrapolation:
    """Decide whether a law goes on where it is used beyond its data.

    Parameters
    ----------
    formula
        A law with the domain of its data.
    level
        The mean of its target, of which no row is below zero; NaN where some are.
    numbers
        Inputs that have ends, without those that start anew; by default all numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.formulas import Domain, Variable, parse_formula
    >>> km = [Variable("km", "km")]
    >>> trips = Domain.from_rows(km, {"km": np.linspace(1.2, 40.0, 200)})
    >>> for text in ("3 * log(km)^1.5", "2 + 3 * km", "exp(km / 4)"):
    ...     law = parse_formula(text, km, Variable("minutes", "min"))
    ...     print(extrapolation(replace(law, domain=trips), 40.0))
    it has no finite value where km is below its data
    it goes on
    it grows too fast where km is above its data
    """
    ranges = [item for item in formula.domain.ranges if item.name in formula.used]
    edges = {item.name: (item.low, item.dense_end) for item in ranges}
    try:
        low, high = interval(formula, edges)
    except FormulaError:  # it has no value among its data
        return Extrapolation((), proved=False)
    size = max(abs(low), abs(high))
    least = -size if math.isnan(level) else min(low, 0.0) - SLIGHTLY * level
    endings, proved = list[Ending](), True
    for strip in strips(formula):
        if numbers is not None and strip.input not in numbers:
            continue
        box = {**edges, strip.input: (strip.start, strip.end)}
        known = math.isfinite(size)
        # 1 − 2 · c / p falls below zero where c is large enough, and is right
        low_end = least if strip.side == "below" else -size * strip.growth
        proof = prove(
            formula,
            finite=True,
            low=low_end if known else None,
            high=size * strip.growth if known and strip.side == "above" else None,
            ranges=box,
            boxes=_BOXES,
        )
        proved = proved and proof.proved and known
        if proof.refuted:
            endings.append(_ending(formula, strip, proof, box))
    return Extrapolation(tuple(endings), proved)


@dataclass(frozen=True)
class Strip:
    """A range of an input beyond its data, and by how many times the law may be larger there."""

    input: str
    side: Side
    start: float
    end: float
    growth: float = 1.0

    @property
    def edge(self) -> float:
        """Where the data end."""
        return self.end if self.side == "below" else self.start


def strips(formula: BaseFormula) -> Iterator[Strip]:
    """Yield the ranges beyond its data in which a law with a domain is used."""
    for variable in formula.inputs:
        item = formula.domain.range_of(variable.name)
        if item is None or variable.name not in formula.used or not item.low < item.high:
            continue
        known = formula.domain.quantiles_of(variable.name)
        near = item.low <= NEAR * (item.high if known is None else known[1])
        floor = 0.0 if item.low >= 0.0 and (near or is_size(variable)) else item.low
        if floor < item.low:
            yield Strip(item.name, "below", floor, item.low)
        edge = item.dense_end
        far = max(item.high, edge + FARTHER * (edge - floor))
        yield Strip(item.name, "above", edge, far, ((far - floor) / (edge - floor)) ** DEGREE)


def _ending(
    formula: BaseFormula, strip: Strip, proof: ShapeProof, box: dict[str, tuple[float, float]]
) -> Ending:
    """Return why a law does not go on over a range of an input."""
    shapes = [fact.shape for fact in proof.refuted]
    if "finite" in shapes:
        pole = strip.side == "below" and _has_pole(formula, strip, box)
        return Ending(strip.input, strip.side, strip.edge, "has no finite value", pole)
    what = "falls below zero" if strip.side == "below" else "grows too fast"
    return Ending(strip.input, strip.side, strip.edge, what)


def _has_pole(formula: BaseFormula, strip: Strip, box: dict[str, tuple[float, float]]) -> bool:
    """Whether a law has a value but at the very end of a range, towards which it grows: 1 / x does, sin(log x) not."""
    near = strip.start + CLOSE * (strip.end - strip.start)
    inside = {**box, strip.input: (near, strip.end)}
    if prove(formula, finite=True, ranges=inside, boxes=_BOXES).refuted:
        return False
    usual: dict[str, float | str] = {name: known[1] for name, known in formula.domain.quantiles}
    row = {**usual, **dict(formula.domain.commonest)}
    at_edge, at_end = (abs(float(formula.evaluate({**row, strip.input: x}))) for x in (strip.end, near))
    return at_end > STEEP * at_edge


def held_at_edges(formula: AnyFormula, endings: Sequence[Ending]) -> AnyFormula:
    """Return a law whose inputs are held at the edges of their data where it does not go on; it says so.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("exp(km / 4)", [Variable("km", "km")], Variable("minutes"))
    >>> law = held_at_edges(law, [Ending("km", "above", 40.0, "grows too fast")])
    >>> print(law, law.held, sep="; ")
    exp(min(40, km) · 0.25); km above 40 km counts as 40 km
    """
    ends = {(each.input, each.side): each.edge for each in endings}
    units = {variable.name: variable.unit for variable in formula.inputs}

    def held(node: Node) -> Node:
        if not isinstance(node, Input):
            return node
        out: Node = node
        if (edge := ends.get((node.name, "below"))) is not None:
            out = Maximum((Constant(edge), out))
        if (edge := ends.get((node.name, "above"))) is not None:
            out = Minimum((Constant(edge), out))
        return out

    def told(name: str, side: Side, edge: float) -> str:
        end = amount_text(edge, units[name], 4)
        return f"{name} {side} {end} counts as {end}"

    text = join_list([told(*key, edge) for key, edge in ends.items()])
    return _told(replace(formula, root=rebuild(formula.root, held)), text)


def held_below(formula: AnyFormula, highest: float) -> AnyFormula:
    """Return a law that is held at a largest value; it says so.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("exp(km / 4)", [Variable("km")], Variable("cost", "EUR"))
    >>> law = held_below(law, 900.0)
    >>> print(law, law.held, sep="; ")
    min(900, exp(km · 0.25)); cost above 900 EUR counts as 900 EUR
    """
    root = Minimum((Constant(highest), formula.root))
    end = amount_text(highest, formula.output.unit, 4)
    text = f"{formula.output.name} above {end} counts as {end}"
    return _told(replace(formula, root=root), text)


def held_from_poles(formula: AnyFormula, rows: Mapping[str, NDArray[Any]]) -> AnyFormula:
    """Return a law that has a value wherever its inputs have one: what a root or logarithm is of is held at the least.

    The least is that of the rows. A part that stays above half of it, half of a range beyond the domain on either side,
    is left as it is, and so is an input by itself.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.formulas import Domain, Variable, parse_formula
    >>> x, rows = [Variable("x")], {"x": np.linspace(-1.0, 1.0, 9)}
    >>> law = replace(parse_formula("(3 + 2 * x)^2.5", x, Variable("y")), domain=Domain.from_rows(x, rows))
    >>> print(held_from_poles(law, rows))
    max(1, 3 + 2 · x)^2.5
    """
    wide = formula.domain.widened(FARTHER)

    def held(node: Node) -> Node:
        match node:
            case Power(base=part, exponent=Constant(value=power)) if power < 0.0 or power % 1.0:
                return Power(above(part), node.exponent)
            case Apply(function="log", argument=part):
                return Apply("log", above(part))
        return node

    def above(part: Node) -> Node:
        if isinstance(part, Constant | Input):
            return part
        least = float(np.min(evaluate_graph(part, rows, "a part of a law")))
        law = replace(formula, root=part, domain=wide, covariance=None)
        stays = least <= 0.0 or prove(law, low=0.5 * least).proved
        return part if stays else Maximum((Constant(least), part))

    return replace(formula, root=rebuild(formula.root, held))


def provenance_of_changed(formula: BaseFormula, root: Node) -> Mapping[str, str]:
    """Return the provenance of a law for another graph, which says no longer what is held if that is no longer so.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("3 + exp(km / 4)", [Variable("km", "km")], Variable("minutes"))
    >>> law = held_at_edges(law, [Ending("km", "above", 40.0, "grows too fast")])
    >>> law.edited("5 + exp(min(40, km) / 4)").held, law.edited("5 + km / 4").held
    ('km above 40 km counts as 40 km', '')
    """
    if not formula.held or _ends(root) == _ends(formula.root):
        return formula.provenance
    return {key: text for key, text in formula.provenance.items() if key != "held"}


def _ends(root: Node) -> set[tuple[str, float, tuple[str, ...]]]:
    """Return at which numbers inputs and steps are held."""
    return {
        (type(node).__name__, end.value, tuple(name for child in node.children for name in child.names))
        for node in postorder(root)
        if isinstance(node, Extreme)
        for end in node.children
        if isinstance(end, Constant)
    }


def _told(formula: AnyFormula, text: str) -> AnyFormula:
    told = "; ".join(filter(None, [formula.held, text]))
    return replace(formula, provenance={**formula.provenance, "held": told})


def formula_facts(formula: BaseFormula) -> list[tuple[str, str]]:
    """Return facts about the formula as pairs of a label and a text: output, inputs, constants, tables, fit.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> parse_formula("0.12 * km", [Variable("km", "km", low=0)], Variable("fuel", "l"), per="leg").facts()
    [('output', 'fuel [l] per leg'), ('input', 'km [km], valid from 0')]
    """
    found = [("output", f"{formula.output}" + (f" per {formula.per}" if formula.per else ""))]
    for variable in formula.inputs:
        valid = formula.valid_text(variable)
        found.append(("input", f"{variable}, {valid}" if valid else f"{variable}"))
    units = dimensions(formula)
    for constant in formula.constants:
        error = "" if constant.standard_error is None else f" ± {number_text(constant.standard_error, 2)}"
        value = f"{number_text(constant.value)}{error} {units.unit_of(constant) or ''}"
        text = f"{constant.name or 'number'} {value}"
        found.append(("constant", text.rstrip()))
    found += [("table", text) for text in table_texts(formula)]
    if not units.consistent:
        others = f" (and {len(units.problems) - 1:,} more)" if len(units.problems) > 1 else ""
        found.append(("units", f"do not agree: {units.problems[0]}{others}"))
    where = {"proved": " on the whole domain"}
    found += [("shape", f"{fact}{where.get(fact.verdict, '')}") for fact in formula.shapes]
    if formula.held:
        found.append(("held beyond its data", formula.held))
    if form := approximation_text(formula):
        found.append(("form", form))
    if alike := rivals_text(formula):
        found.append(("rivals", alike))
    if formula.stopped:
        found.append(("stopped early", f"{formula.stopped}; the best law until then"))
    return found if formula.fit is None else [*found, ("held-out fit", str(formula.fit))]


def table_texts(formula: BaseFormula, most: int = 12) -> list[str]:
    """Say what each table of categories in a formula holds; beyond `most` entries, how many more.

    Examples
    --------
    >>> from kanopt.formulas import Formula, Input, Table, Variable
    >>> rate = Table.of({"van": 1.0, "truck": 1.4, "bike": 0.2}, "vehicle", fallback=0.9, name="rate")
    >>> inputs = (Variable("km", "km"), Variable("vehicle", kind="category"))
    >>> law = Formula(Input("km") * rate, inputs, Variable("cost", "EUR"))
    >>> table_texts(law)
    ['rate(vehicle): van 1, truck 1.4, bike 0.2; any other 0.9']
    >>> table_texts(law, 2)
    ['rate(vehicle): van 1, truck 1.4 and 1 more; any other 0.9']
    """
    names = [to_infix(table) for table in formula.tables]
    texts = []
    for place, (name, table) in enumerate(zip(names, formula.tables, strict=True)):
        which = f", number {names[: place + 1].count(name)} of that name" if names.count(name) > 1 else ""
        entries = [f"{' and '.join(key)} {number_text(number)}" for key, number in table.entries]
        other = "" if table.fallback is None else f"; any other {number_text(table.fallback)}"
        texts.append(f"{name}{which}: {list_names(entries, most, quoted=False)}{other}")
    return texts
