"""From parts to a program and its certificate: definitions one by one, and with each what it is off by at most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.enclosures.arithmetic import EPS
from kanopt.formulas.lowering.program import (
    AffineDefinition,
    Definition,
    NodeBound,
    PieceDefinition,
    Pieces,
    Quantity,
)
from kanopt.formulas.lowering.taking_apart import (
    Affine,
    Curved,
    Larger,
    Part,
    Product,
    Source,
    Straight,
)
from kanopt.formulas.lowering.tube import Combination, fitted

Form: TypeAlias = Combination[int]
"""Of quantities, by their positions."""


@dataclass(frozen=True)
class Made:
    """What has become of a part.

    Parameters
    ----------
    form
        How it is computed from the quantities.
    low, high
        Bounds of what is computed.
    down, up
        What is computed less what the law says lies between −down and up, but for rounding.
    rounding
        How far floating point may be off.
    """

    form: Form
    low: float
    high: float
    down: float
    up: float
    rounding: float


class Built:
    """A program without its name.

    Parameters
    ----------
    parts
        Each after what it is computed from; the last one is the output.
    shares
        The tolerance of each part that is approximated.
    inputs
        The inputs, in their order.
    most
        The largest number of pieces of all functions together.

    Attributes
    ----------
    quantities, definitions, nodes
        Of the program.
    output
        The position of the output.
    last
        What the last part has become.

    Raises
    ------
    FormulaError
        If more pieces are needed.
    """

    def __init__(
        self, parts: Sequence[Part], shares: Mapping[Part, float], inputs: Sequence[Source], most: int
    ) -> None:
        self._shares, self._most, self._left = shares, most, most
        self.quantities = [Quantity(part.name, part.low, part.high) for part in inputs]
        self._places: dict[Part, int] = {part: place for place, part in enumerate(inputs)}
        self.definitions: list[Definition] = []
        self.nodes: list[NodeBound] = []
        self._made: dict[Part, Made] = {}
        for part in parts:
            self._made[part] = self._make(part)
        self.output, self.last = self._place(parts[-1]), self._made[parts[-1]]

    def _make(self, part: Part) -> Made:
        match part:
            case Source():
                return Made(Form.of(self._places[part]), part.low, part.high, 0.0, 0.0, 0.0)
            case Affine():
                return self._affine(part)
            case Straight():
                return self._function(part, part.pieces, (-part.off, part.off), 0.0)
            case Curved():
                share = self._shares[part]
                part.profile.refine(share)
                pieces = fitted(part.profile, share, self._left)
                if pieces is None:
                    self._refuse(part.text, share)
                return self._function(part, pieces, part.profile.distance(pieces), share)
            case Product():
                return self._product(part)
            case Larger():
                return self._larger(part)
        raise TypeError(f"{type(part).__name__} has no definition")

    def _refuse(self, text: str, share: float) -> NoReturn:
        raise FormulaError(
            f"more than the {self._most:,} pieces that are allowed are needed; {text} has to be within {share:.2g}. "
            "Give a larger tolerance, narrower ranges, or allow more pieces (max_segments)"
        )

    def _affine(self, part: Affine) -> Made:
        form = part.sum.put({source: self._made[source].form for source in part.sources})
        down = up = part.off
        rounding = 0.0
        for source, coefficient in part.sum.terms.items():
            made = self._made[source]
            falls, rises = (made.down, made.up) if coefficient > 0.0 else (made.up, made.down)
            down, up = down + abs(coefficient) * falls, up + abs(coefficient) * rises
            rounding += abs(coefficient) * made.rounding
        return self._summed(part, form, (down, up), rounding)

    def _summed(self, part: Part, form: Form, off: tuple[float, float], rounding: float) -> Made:
        low, high = self._range(form)
        down, up = off
        rounding += self._rounded(form)
        low, high = max(low, part.low - down), min(high, part.high + up)
        return Made(form, low, high, down, up, rounding)

    def _range(self, form: Form) -> tuple[float, float]:
        low, high = form.range(self._ends)
        slack = self._rounded(form)
        return low - slack, high + slack

    def _rounded(self, form: Form) -> float:
        """Return what floating point may add to a sum, its coefficients and its order included."""
        return (len(form.bulk) + 8) * EPS * form.size(self._ends) if form.bulk else 0.0

    def _ends(self, place: int) -> tuple[float, float]:
        return self.quantities[place].low, self.quantities[place].high

    def _place(self, part: Part) -> int:
        """Return the position of a quantity for a part, defined here where there is none yet."""
        if part not in self._places:
            self._places[part] = self._quantity(self._made[part], part.text)
        return self._places[part]

    def _quantity(self, made: Made, text: str) -> int:
        terms = tuple(made.form.terms.items())
        if made.form.constant == 0.0 and len(terms) == 1 and terms[0][1] == 1.0:
            return terms[0][0]
        definition = AffineDefinition(made.form.constant, terms)
        return self._define(definition, Quantity(text, made.low, made.high))

    def _define(self, definition: Definition, quantity: Quantity) -> int:
        self.definitions.append(definition)
        self.quantities.append(quantity)
        return len(self.quantities) - 1

    def _function(
        self, part: Curved | Straight, pieces: Pieces, own: tuple[float, float], share: float
    ) -> Made:
        argument = self._made[part.argument]
        place = self._place(part.argument)
        source = self.quantities[place]
        # what the law says of the argument may lie a little outside what is computed of it
        wide = pieces.extended(min(source.low, part.argument.low), max(source.high, part.argument.high))
        falls, rises = wide.spread(argument.down, argument.up)
        pieces = wide.extended(source.low, source.high)
        down, up = falls - own[0], rises + own[1]
        rounding = _rounding(pieces, argument.rounding)
        low, high = pieces.values
        made = Made(
            Form.of(),
            max(low, part.low - down),
            min(high, part.high + up),
            max(down, 0.0),
            max(up, 0.0),
            rounding,
        )
        bound = max(own[1], -own[0], 0.0)
        return self._defined(made, part.text, PieceDefinition(place, pieces), (share, bound))

    def _defined(
        self, made: Made, text: str, definition: PieceDefinition, known: tuple[float, float]
    ) -> Made:
        pieces = definition.pieces
        self._left -= len(pieces)
        self.nodes.append(NodeBound(text, *known, len(pieces), pieces.shape))
        place = self._define(definition, Quantity(text, made.low, made.high))
        return replace(made, form=Form.of(place))

    def _product(self, part: Product) -> Made:
        left, right = self._made[part.left], self._made[part.right]
        # u v = (u − a) (v − b) + b u + a v − a b, with a and b in the middle, so that what is squared is small
        middle = 0.5 * (left.low + left.high), 0.5 * (right.low + right.high)
        width = left.high - left.low, right.high - right.low
        share = self._shares[part]
        form = left.form.times(middle[1]).plus(right.form, middle[0])
        form = form.plus(Form.of(constant=middle[0] * middle[1]), -1.0)
        rounding = abs(middle[1]) * left.rounding + abs(middle[0]) * right.rounding
        rounding += 8.0 * EPS * abs(middle[0] * middle[1])
        off = 0.25 * width[0] * width[1] * (1.0 + 8.0 * EPS)
        if off > share:
            scale, off = math.sqrt(width[1] / width[0]), 0.0
            moved = scale * left.rounding + right.rounding / scale
            reach = 0.5 * (scale * width[0] + width[1] / scale)
            for sign, text in ((1.0, "+"), (-1.0, "−")):
                inner = left.form.times(scale).plus(right.form, sign / scale)
                inner = inner.plus(Form.of(constant=middle[0]), -scale)
                inner = inner.plus(Form.of(constant=middle[1]), -sign / scale)
                text = f"{part.left.text} {text} {part.right.text}"
                square, bound, more = self._square((inner, reach), text, 2.0 * share, moved)
                form = form.plus(square, 0.25 * sign)
                off, rounding = off + 0.25 * bound, rounding + 0.25 * more
        down, up = _product_error(part, left, right)
        return self._summed(part, form, (down + off, up + off), rounding)

    def _square(
        self, known: tuple[Form, float], text: str, share: float, moved: float
    ) -> tuple[Form, float, float]:
        """Return the square of a sum of known reach, what it is off by, and its rounding; the sum is off by `moved`."""
        inner, reach = known
        low, high = self._range(inner)
        reach = reach * (1.0 + 8.0 * EPS) + self._rounded(inner)
        low, high = max(low, -reach), min(high, reach)
        pieces, bound = squared(low, high, share, self._left)
        if pieces is None:
            self._refuse(f"({text})²", share)
        moved += self._rounded(inner)
        place = self._quantity(Made(inner, low, high, 0.0, 0.0, moved), text)
        made = Made(Form.of(), *pieces.values, 0.0, 0.0, 0.0)
        made = self._defined(made, f"({text})²", PieceDefinition(place, pieces), (share, bound))
        return made.form, bound, _rounding(pieces, moved)

    def _larger(self, part: Larger) -> Made:
        left, right = self._made[part.left], self._made[part.right]
        inner = right.form.plus(left.form, -1.0)
        low, high = self._range(inner)
        slack = self._rounded(inner)
        low, high = max(low, right.low - left.high - slack), min(high, right.high - left.low + slack)
        off = max(left.down, right.down), max(left.up, right.up)
        rounding = left.rounding + right.rounding
        if high <= 0.0 or low >= 0.0:
            bigger = left if high <= 0.0 else right
            return self._summed(part, bigger.form, off, rounding)
        text = f"{part.right.text} − {part.left.text}"
        place = self._quantity(Made(inner, low, high, 0.0, 0.0, self._rounded(inner)), text)
        hinge = Pieces((low, 0.0, high), (0.0, 0.0), (0.0, high))
        made = Made(Form.of(), 0.0, high, 0.0, 0.0, self._rounded(inner))
        made = self._defined(made, f"max(0, {text})", PieceDefinition(place, hinge), (0.0, 0.0))
        return self._summed(part, left.form.plus(made.form), off, rounding + self._rounded(inner))


def _rounding(pieces: Pieces, moved: float) -> float:
    """Return how far floating point may be off where the argument is off by so much; jumps are passed over."""
    low, high = pieces.values
    # the way from a breakpoint is subtracted without error to speak of, so that a steep piece adds nothing
    return max(pieces.spread(moved, moved)) + 8.0 * EPS * max(abs(low), abs(high), high - low)


def _product_error(part: Product, left: Made, right: Made) -> tuple[float, float]:
    """Return how far the product of what is computed falls below and rises above the product on the law."""
    # u' v' − u v = u' (v' − v) + v (u' − u)
    first = [a * b for a in (left.low, left.high) for b in (-right.down, right.up)]
    second = [a * b for a in (part.right.low, part.right.high) for b in (-left.down, left.up)]
    return max(0.0, -min(first) - min(second)), max(0.0, max(first) + max(second))


def squared(
    low: float, high: float, tolerance: float, most: int
) -> tuple[Pieces, float] | tuple[None, float]:
    """Return the fewest pieces of the square on a range within a tolerance, and what they are off by.

    Equal pieces of length h from points h² / 8 below the square are h² / 8 above it in the middle.

    Examples
    --------
    >>> pieces, bound = squared(0.0, 1.0, 1 / 128, 100)
    >>> len(pieces), round(bound, 9) == 1 / 128
    (4, True)
    """
    count = max(1, math.ceil((high - low) / math.sqrt(8.0 * tolerance) * (1.0 - 1e-12)))
    if count > most:
        return None, math.inf
    x = np.linspace(low, high, count + 1)
    step = float(np.diff(x).max())
    shift = step * step / 8.0
    bound = shift * (1.0 + 1e-9) + 8.0 * EPS * max(low * low, high * high)
    return Pieces.through(x, x * x - shift), bound
