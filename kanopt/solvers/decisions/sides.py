"""From which sides a quantity must be held: what is minimised need not be held from above.

Where the objective never falls as z rises, ``z ≥ f(x)`` does as well as ``z = f(x)``: the search presses z down by
itself. A convex f then needs no binaries, only its lines, and where f is convex in parts, a part needs one choice and
not one for each of its pieces. What disciplined convex programming calls convex (Grant, Boyd and Ye 2006) comes out
without any binaries, because there every quantity is held from the side on which it is convex.
"""

from __future__ import annotations

from enum import IntFlag

from kanopt.formulas.lowering import PieceDefinition, Piecewise


class Side(IntFlag):
    """The sides from which a quantity is held to its definition."""

    NONE = 0
    BELOW = 1
    """It is at least what its definition says."""
    ABOVE = 2
    """It is at most what its definition says."""
    BOTH = 3

    @property
    def opposite(self) -> Side:
        """The other side, for what enters with a falling slope."""
        return Side(((self & Side.BELOW) << 1) | ((self & Side.ABOVE) >> 1))


def sides_of(program: Piecewise, wanted: Side) -> tuple[Side, ...]:
    """Return for each quantity of a program from which sides it must be held.

    Parameters
    ----------
    program
        A formula made of straight pieces.
    wanted
        The sides from which its output must be held: ``BELOW`` for what is minimised or has an upper limit.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("exp(y^2) + sin(x)", [Variable("x", low=0, high=3), Variable("y", low=-1, high=1)],
    ...                     Variable("z"))
    >>> program = law.piecewise(0.1)
    >>> {side.name for side in sides_of(program, Side.BELOW)[2:]}
    {'BELOW'}
    """
    sides = [Side.NONE] * len(program.quantities)
    sides[program.output] = wanted
    first = len(program.inputs)
    for place in reversed(range(first, len(sides))):
        definition, held = program.definitions[place - first], sides[place]
        if isinstance(definition, PieceDefinition):
            direction = definition.pieces.direction
            if held and not direction:
                held = Side.BOTH
            sides[definition.source] |= held if direction >= 0 else held.opposite
        else:
            for source, coefficient in definition.terms:
                sides[source] |= held if coefficient > 0.0 else held.opposite
    return tuple(sides)
