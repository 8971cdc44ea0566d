"""Facts about the shape of a formula, with their verdicts: data stored with the formula."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.variables import settle
from kanopt.text import number_text, percent_text

Shape: TypeAlias = Literal["rises", "falls", "convex", "concave", "at least", "at most", "finite"]
Verdict: TypeAlias = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True)
class Point:
    """A point, and the formula's value there; None if it is not finite.

    Examples
    --------
    >>> print(Point((("km", 2.0),), (("vehicle", "van"),), 7.5))
    7.5 at km = 2, vehicle = van
    """

    numbers: tuple[tuple[str, float], ...]
    categories: tuple[tuple[str, str], ...]
    value: float | None

    def __post_init__(self) -> None:
        settle(self, "point")

    @property
    def inputs(self) -> dict[str, float | str]:
        """The inputs, as :meth:`kanopt.formulas.Formula.evaluate` takes them."""
        return {**dict(self.numbers), **dict(self.categories)}

    def __str__(self) -> str:
        place = [f"{name} = {number:.6g}" for name, number in self.numbers]
        place += [f"{name} = {label}" for name, label in self.categories]
        value = "no finite value" if self.value is None else f"{self.value:.8g}"
        return value + (f" at {', '.join(place)}" if place else "")


@dataclass(frozen=True)
class ShapeFact:
    """A statement about the shape of a formula, and whether it holds.

    Parameters
    ----------
    shape
        ``"rises"`` and ``"falls"`` mean non-decreasing and non-increasing; ``"convex"`` and ``"concave"`` hold in one
        input for all values of the others; ``"at least"`` and ``"at most"`` bound every value;
        ``"finite"`` means that the value is finite everywhere.
    input
        The input concerned; empty for bounds and for ``"finite"``.
    bound
        The bound concerned; None for the others.
    verdict
        ``"proved"``, ``"refuted"``, or ``"undecided"`` if the budget is exhausted or rounding hides the answer.
    boxes
        Number of boxes bounded.
    left
        The share of the volume in which an undecided fact is open.
    slack
        Tolerance of the proof: how far the margin (a derivative, the distance to a bound) may be below zero because
        rounding cannot distinguish it from zero; 0 for an exact proof.
    witness
        Points at which a refuted fact fails, in ascending order; three of them for convex and concave, the one that
        contradicts the others between them.
    why
        Why it is undecided; empty otherwise.
    basis
        Digest of the graph and the domain on which it was decided; empty for other ranges. A formula keeps only facts
        about itself.

    Examples
    --------
    >>> print(ShapeFact("rises", "distance_km", verdict="proved"))
    rises with distance_km: proved
    """

    shape: Shape
    input: str = ""
    bound: float | None = None
    verdict: Verdict = "undecided"
    boxes: int = 0
    left: float = 0.0
    slack: float = 0.0
    witness: tuple[Point, ...] = ()
    why: str = ""
    basis: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        settle(self, f"fact {self.shape!r}")
        for what, value, known in (
            ("shape", self.shape, get_args(Shape)),
            ("verdict", self.verdict, get_args(Verdict)),
        ):
            if value not in known:
                raise FormulaError(f"a fact on a shape has no {what} {value!r}; {nearest(str(value), known)}")

    @property
    def text(self) -> str:
        """The statement in words."""
        if self.shape == "finite":
            return "finite everywhere"
        if self.bound is not None:
            return f"{self.shape} {number_text(self.bound, 6)}"
        return f"{self.shape} {'with' if self.shape in ('rises', 'falls') else 'in'} {self.input}"

    @property
    def where(self) -> str:
        """The points at which it fails, or why it is undecided; empty if it is proved."""
        return "; ".join(map(str, self.witness)) or self.why

    def __str__(self) -> str:
        share = f" on {percent_text(self.left)} of the volume" if self.left else ""
        return f"{self.text}: {self.verdict}{share}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True)
class ShapeProof:
    """Facts on the shape of a formula over a box of its inputs.

    Parameters
    ----------
    facts
        In the order asked for.
    ranges
        Name, low and high of the numeric inputs, the box of the proof.
    categories
        Name and labels of the categorical inputs, all combinations of which are covered.
    """

    facts: tuple[ShapeFact, ...]
    ranges: tuple[tuple[str, float, float], ...] = ()
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def proved(self) -> bool:
        """Whether all of the facts hold."""
        return all(fact.verdict == "proved" for fact in self.facts)

    @property
    def refuted(self) -> tuple[ShapeFact, ...]:
        """The refuted facts."""
        return tuple(fact for fact in self.facts if fact.verdict == "refuted")

    def __str__(self) -> str:
        return "\n".join(map(str, self.facts))
