"""How a solver encodes a problem: law by law, its size and error, or why the problem does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanopt.plans.base import Problem
from kanopt.text import amount_text, number_text


@dataclass(frozen=True)
class EncodedLaw:
    """How a solver encodes one law.

    Parameters
    ----------
    law
        What it is called.
    method
        The encoding in words, such as ``"tabulated before solving"`` or ``"cuts, no binaries: jointly convex"``.
    fixed, decided
        The inputs that are known before solving, and what is decided that the law depends on.
    segments, binaries
        Straight pieces, and binaries that choose among what they are made into at first.
    error
        Proved distance from the law, in the unit of the law; 0 where only rounding is between them.

    Examples
    --------
    >>> print(EncodedLaw("fuel", "cuts, no binaries", ("km",), ("load",), 12, 0, 0.004))
    fuel(load; km fixed): cuts, no binaries; 12 segments, 0 binaries, within 0.004
    """

    law: str
    method: str
    fixed: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    segments: int = 0
    binaries: int = 0
    error: float = 0.0

    def __str__(self) -> str:
        inside = ", ".join(self.decided)
        inside += f"{'; ' if inside else ''}{', '.join(self.fixed)} fixed" if self.fixed else ""
        size = f"; {self.segments:,} segments, {self.binaries:,} binaries" if self.segments else ""
        error = f", within {number_text(self.error, 2)}" if self.error and self.segments else ""
        return f"{self.law}({inside}): {self.method}{size}{error}"


@dataclass(frozen=True)
class Encoding:
    """How one solver encodes a problem, or why it does not accept it.

    Parameters
    ----------
    name
        What the encoding is called; empty where there is none.
    solver
        The solver.
    reason
        Why it does not fit; empty where it does.
    chosen
        Whether :func:`kanopt.solve` uses it where no solver is asked for.
    binaries, segments
        Its size at first; both may grow or stay as it is refined.
    error
        Proved distance of the solver's objective from the law, in `unit`; 0 where only rounding is between them.
    laws
        The same law by law.
    """

    name: str
    solver: str
    reason: str = ""
    chosen: bool = False
    binaries: int = 0
    segments: int = 0
    error: float = 0.0
    unit: str = ""
    laws: tuple[EncodedLaw, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the solver takes the problem."""
        return not self.reason

    def __str__(self) -> str:
        if self.reason:
            return f"{self.solver}: does not fit: {self.reason}"
        size = f", {self.segments:,} segments, {self.binaries:,} binaries" if self.segments else ""
        error = f", within {amount_text(self.error, self.unit, 2)}" if self.error else ""
        head = f"{self.solver}: {self.name}{size}{error}{' (chosen)' if self.chosen else ''}"
        return "\n".join([head, *(f"  {law}" for law in self.laws)])


def tabulated(problem: Problem[Any], solver: str) -> Encoding:
    """Describe laws that are tabulated before solving, by the solver of a name."""
    laws = tuple(_tabulated_law(problem, name) for name in problem.laws())
    return Encoding("laws tabulated before solving, in whole numbers", solver, unit=problem.unit, laws=laws)


def _tabulated_law(problem: Problem[Any], name: str) -> EncodedLaw:
    """Describe how a law is tabulated: with every input as it is, or with some at planning values."""
    frozen = [one for one in problem.frozen_inputs() if one.law == name]
    known = tuple(sorted(problem.laws()[name].used - {one.input for one in frozen}))
    if not frozen:
        return EncodedLaw(name, "tabulated before solving", known)
    held = "; ".join(f"{one.input} ({one.reference}) frozen at {one.value}" for one in frozen)
    return EncodedLaw(
        name, f"tabulated before solving with {held}", known, tuple(one.input for one in frozen)
    )
