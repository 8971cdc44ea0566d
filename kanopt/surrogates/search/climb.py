"""A climb: growth of laws by the most promising steps, several of them followed at once, then tidying.

Several are followed, since the first steps of a sum are taken where the later terms are still missing: with few terms
the wrong exponents fit best.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.evaluation import cancels
from kanopt.surrogates.search.fitting import Budget, Fitted, Target, fitted
from kanopt.surrogates.search.lookups import based
from kanopt.surrogates.search.moves import growths
from kanopt.surrogates.search.rewriting import rewritings
from kanopt.surrogates.search.rules import imitates_a_curve
from kanopt.surrogates.search.structure import Law, operators, signature, size
from kanopt.surrogates.search.tidying import tidied

Array = NDArray[np.float64]

WIDTH = 4
"""Laws that are followed."""
SHORT = 5
"""Operators up to which a signomial that leaves nothing to explain is the law."""
TRIED = 24
"""Growths of a law that are fitted."""
FINISHED = 5
"""Growths that are fitted to the end."""
SKETCHES = ((4, 10), (10, 10))
"""Iterations of fits to some of the rows, and how many of the best go on."""
SKETCHED = 1e-4
"""Share of the squares that ends such a fit."""
ROUGH = 25
ROUNDS = 3
PLAINER = 2
"""Laws that are made plainer at the end of a climb."""
REWORDED = 3
"""Other ways of saying a law that are fitted to all rows."""
NEAR = 40.0
"""Longer descriptions than that of the best law are not made plainer."""
LARGEST = 12
"""Free parameters of a law that is not grown any further, those of a table or curve counted as one."""


@dataclass(eq=False)
class Climb:
    """Laws that are grown.

    Parameters
    ----------
    to
        The rows.
    ranking
        Some of them, on which many laws are begun.
    words
        The ready-made factors, on the same rows.
    scales
        What the inputs were divided by, shape (columns,).
    budget
        Counts the refits.
    floor
        What is left of the budget at the end.
    enough
        Squares of a law that may be the whole one: one that leaves more is not made plainer before it is grown on.
    signomial
        Whether only terms, powers and tables are tried.
    is_part
        Whether there are other rows, so that errors here say nothing of the law.
    """

    to: Target
    ranking: Target
    words: Dictionary
    scales: Array
    budget: Budget
    floor: float = 0.0
    enough: float = np.inf
    signomial: bool = False
    is_part: bool = False
    dismissed: bool = False
    """Whether a law was let go that lives on cancellation: what it imitates is no sum of products."""
    seen: set[Any] = field(default_factory=set)
    expanded: set[Any] = field(default_factory=set)
    pool: list[Fitted] = field(default_factory=list)
    """The shortest description first."""

    def begin(self, words: Dictionary, *, signomial: bool, enough: float) -> None:
        """Begin anew, with other factors."""
        self.words, self.signomial, self.enough = words, signomial, enough
        self.pool, self.seen, self.expanded = [], set(), set()

    def add(self, fit: Fitted | None) -> None:
        """Take a law in, unless it lives on cancellation."""
        if fit is not None and cancels(fit.law, self.ranking.columns):
            self.dismissed = True
        elif fit is not None:
            self.pool.append(fit)
            self.pool.sort(key=lambda each: each.length)
            self.note()

    def note(self) -> None:
        """Tell whoever watches how well the best law does."""
        if self.budget.watch is not None and not self.is_part:
            error = float(np.sqrt(self.pool[0].squares / self.to.total))
            self.budget.watch.note_error(error, relative=self.to.log)

    def exact(self, fit: Fitted) -> bool:
        """Whether a law leaves no more than the arithmetic does."""
        return fit.squares <= FLOOR**2 * self.to.spread * self.to.total

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left to the present phase."""
        return self.budget.left <= self.floor

    def grow(self) -> None:
        """Expand the shortest laws until none of the few that are followed gets shorter."""
        while not self.spent:
            short = next((f for f in self.pool if operators(f.law) <= SHORT), None)
            followed = [*self.pool[:WIDTH], *([short] if short else [])]
            open_ = [f for f in followed if signature(f.law) not in self.expanded]
            if not open_ or self.exact(self.pool[0]):
                return
            # small laws have few parameters, and cost little
            self.expand(min(open_, key=lambda fit: size(fit.law)))

    def expand(self, fit: Fitted) -> None:
        """Take in the best that grow out of a law."""
        self.expanded.add(signature(fit.law))
        if size(fit.law) >= LARGEST:
            return
        moves = growths(fit.law, self.ranking, self.words, self.to.total, signomial=self.signomial)
        laws = self.new([move.law for move in moves if move.gain > 0.0])[:TRIED]
        if not self.signomial:
            laws += self.new(list(rewritings(fit.law, self.ranking.columns)))
        for sketch in self.sketched(laws)[:FINISHED]:
            self.add(fitted(sketch.law, self.to, ROUGH, 1e-6))

    def sketched(self, laws: list[Law]) -> list[Fitted]:
        """Return the laws that fit best on some of the rows, best first: many are begun, fewer go on."""
        self.seen.update(map(signature, laws))
        for iterations, most in SKETCHES:
            fits = [fit for law in laws if (fit := fitted(law, self.ranking, iterations, SKETCHED))]
            fits.sort(key=lambda each: each.length)
            laws = [fit.law for fit in fits[:most]]
        return fits

    def new(self, laws: list[Law]) -> list[Law]:
        """Return the laws that may be and were not met before, each once."""
        found: dict[Any, Law] = {}
        for law in (based(law, self.ranking.columns) for law in laws):
            key = signature(law)
            curved = imitates_a_curve(law, self.words.periods)
            if key not in self.seen and self.to.rules.admits(law) and not curved:
                found.setdefault(key, law)
        return list(found.values())

    def settle(self) -> None:
        """Climb, make the best laws plainer and say the best in other ways, until it stays as it is."""
        for _ in range(ROUNDS):
            before = self.pool[0].length
            self.grow()
            if self.pool[0].squares <= self.enough:
                for fit in list(self.pool[:PLAINER]):
                    self.add_plainer(fit)
            self.reword(self.pool[0])
            if not self.pool[0].length < before - 1e-6 or self.spent:
                return

    def add_plainer(self, fit: Fitted) -> None:
        """Take in a law made plainer, where that can be."""
        plain = tidied(fit, self.to, self.ranking, self.scales)
        if plain is not fit:
            self.add(plain)

    def reword(self, fit: Fitted) -> None:
        """Say a law in other ways of about the same size, and make those plainer that fit about as well.

        They are ranked on some of the rows first.
        """
        if self.exact(fit):
            return
        for sketch in self.sketched(self.new(list(rewritings(fit.law, self.ranking.columns))))[:REWORDED]:
            other = fitted(sketch.law, self.to)
            if other is not None and other.length < fit.length + NEAR:
                self.add_plainer(other)
                self.add(other)
