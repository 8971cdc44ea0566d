"""Facts about the shape of a formula, with their verdicts: data stored with the formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from kanopt.display import Part, Shown, grid_of
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.variables import settle
from kanopt.text import count_text, join_list, number_text, percent_text

if TYPE_CHECKING:
    import pandas as pd

Shape: TypeAlias = Literal["rises", "falls", "convex", "concave", "at least", "at most", "finite"]
Verdict: TypeAlias = Literal["proved", "refuted", "undecided"]

_POINTS: Mapping[Shape, int] = {
    "rises": 2,
    "falls": 2,
    "convex": 3,
    "concave": 3,
    "at least": 1,
    "at most": 1,
    "finite": 1,
}


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
        input, or in several jointly, for all values of the others; ``"at least"`` and ``"at most"`` bound every value;
        ``"finite"`` means that the value is finite everywhere.
    input
        The input concerned, or the inputs in which it is convex or concave jointly; empty for bounds and for
        ``"finite"``.
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
    input: str | tuple[str, ...] = ""
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
        bounds = self.shape in ("at least", "at most")
        if bounds != (self.bound is not None) or bool(self.input) == (bounds or self.shape == "finite"):
            raise FormulaError(
                f"fact {self.shape!r}: bounds have a number and no input, other shapes an input and no number"
            )
        if isinstance(self.input, tuple) and (
            self.shape not in ("convex", "concave")
            or len(set(self.input)) != len(self.input)
            or len(self.input) < 2
        ):
            raise FormulaError(
                f"fact {self.shape!r}: only convex and concave hold in several inputs jointly, each named once, "
                f"not in {self.input!r}"
            )
        if min(self.left, self.slack, self.boxes) < 0:
            raise FormulaError(f"fact {self.text!r}: its counts are not negative")
        if len(self.witness) != (_POINTS[self.shape] if self.verdict == "refuted" else 0):
            raise FormulaError(
                f"fact {self.text!r}: a refuted fact, and no other, has the points where it fails"
            )

    @property
    def text(self) -> str:
        """The statement in words."""
        if self.shape == "finite":
            return "finite everywhere"
        if self.bound is not None:
            return f"{self.shape} {number_text(self.bound, 6)}"
        if isinstance(self.input, tuple):
            return f"{self.shape} in {', '.join(self.input)} jointly"
        return f"{self.shape} {'with' if self.shape in ('rises', 'falls') else 'in'} {self.input}"

    @property
    def where(self) -> str:
        """The points at which it fails, or why it is undecided; empty if it is proved."""
        return "; ".join(map(str, self.witness)) or self.why

    def __str__(self) -> str:
        share = f" on {percent_text(self.left)} of the volume" if self.left else ""
        return f"{self.text}: {self.verdict}{share}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True, repr=False)
class ShapeProof(Shown):
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

    @property
    def undecided(self) -> tuple[ShapeFact, ...]:
        """The undecided facts."""
        return tuple(fact for fact in self.facts if fact.verdict == "undecided")

    def to_frame(self) -> pd.DataFrame:
        """Return one row per fact: ``claim``, ``verdict``, ``boxes``, ``left`` and ``where``."""
        import pandas as pd

        rows = [(fact.text, fact.verdict, fact.boxes, fact.left, fact.where) for fact in self.facts]
        return pd.DataFrame(rows, columns=["claim", "verdict", "boxes", "left", "where"])

    def _shown(self) -> list[Part]:
        counts = Counter(fact.verdict for fact in self.facts)
        told = join_list([f"{count} {verdict}" for verdict, count in counts.items()])
        title = f"{count_text(len(self.facts), 'claim')}: {told}"
        return [title, grid_of(self.to_frame(), number_text)] if self.facts else [self.text()]

    def text(self) -> str:
        """Return one line per claim."""
        return (
            "\n".join(map(str, self.facts))
            or "nothing was asked: name monotone=, convex=, low=, high= or finite="
        )
