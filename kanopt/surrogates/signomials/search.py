"""The search for the law: growth by the most promising steps, several laws followed at once, then tidying.

Every law on the way is judged by the length of its description on the training rows. Several are followed, since the
first steps of a sum are taken where the later terms are still missing: with few terms the wrong exponents fit best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.signomials.cleaning import cleaned
from kanopt.surrogates.signomials.dictionary import Dictionary
from kanopt.surrogates.signomials.evaluation import Columns, cancels
from kanopt.surrogates.signomials.fitting import FLOOR, Fitted, Target, fitted
from kanopt.surrogates.signomials.moves import growths
from kanopt.surrogates.signomials.rewriting import rewritings
from kanopt.surrogates.signomials.rules import Rules, flat, waves
from kanopt.surrogates.signomials.structure import Law, Parameter, Term, operators, signature, size
from kanopt.surrogates.signomials.tidying import tidied

__all__ = ["Found", "Task", "search"]

Array = NDArray[np.float64]

WIDTH = 4
"""Laws that are followed."""
TRIED = 24
"""Growths of a law that are fitted."""
FINISHED = 5
"""Growths that are fitted to the end."""
SKETCH = 16
ROUGH = 25
SHORT = 5
"""Operators up to which a signomial that leaves nothing to explain is the law."""
RANKING_ROWS = 500
ROUNDS = 3
NEAR = 40.0
"""Longer descriptions than that of the best law are not made plainer."""
LARGEST = 12
"""Free parameters of a law that is not grown any further, those of a table or curve counted as one."""
CHANCE = 3.0
"""Standard deviations of chance in the variance that is left."""


@dataclass(frozen=True, eq=False)
class Task:
    """Rows to be explained, and what decides between laws beside them.

    Parameters
    ----------
    inputs
        Shape (n, columns), unscaled numbers.
    target, weight
        Shape (n,); the logarithm of the target where `log`.
    rules
        What laws cost, and which are let in.
    log
        Whether errors are those of the logarithm.
    periods
        Declared periods of inputs.
    categories
        How many categories there are, of inputs that are numbers of one.
    unexplained
        Mean squared residual that a law leaves at most which needs no curve; infinite for laws without curves.
    """

    inputs: Array
    target: Array
    weight: Array
    rules: Rules
    log: bool = False
    periods: Mapping[int, float] = field(default_factory=dict)
    categories: Mapping[int, int] = field(default_factory=dict)
    unexplained: float = np.inf


@dataclass(frozen=True, eq=False)
class Found:
    """The best law, and the others that were followed, shortest description first; inputs are divided by `scales`."""

    best: Fitted
    others: tuple[Fitted, ...]
    scales: Array


@dataclass(eq=False)
class _Search:
    to: Target
    ranking: Target
    words: Dictionary
    all_words: Dictionary
    words_of_curves: Dictionary
    scales: Array
    unexplained: float = np.inf
    fits: int = 0
    signomial: bool = True
    curves: bool = False
    dismissed: bool = False
    """Whether a law was let go that lives on cancellation: what it imitates is no sum of products."""
    seen: set[Any] = field(default_factory=set)
    expanded: set[Any] = field(default_factory=set)
    pool: list[Fitted] = field(default_factory=list)

    def add(self, fit: Fitted | None) -> None:
        if fit is not None and cancels(fit.law, self.ranking.columns):
            self.dismissed = True
        elif fit is not None:
            self.pool.append(fit)
            self.pool.sort(key=lambda each: each.length)

    def exact(self, fit: Fitted) -> bool:
        return fit.squares <= FLOOR**2 * self.to.spread * self.to.total

    def climb(self) -> None:
        """Expand the shortest laws until none of the few that are followed gets shorter."""
        while self.fits > 0:
            open_ = [f for f in self.pool[:WIDTH] if signature(f.law) not in self.expanded]
            if not open_ or self.exact(self.pool[0]):
                return
            self.expand(open_[0])

    def expand(self, fit: Fitted) -> None:
        self.expanded.add(signature(fit.law))
        if size(fit.law) >= LARGEST:
            return
        words = self.words_of_curves if self.curves else self.words
        moves = growths(fit.law, self.ranking, words, self.to.total, signomial=self.signomial)
        laws = self.new([move.law for move in moves if move.gain > 0.0])[:TRIED]
        if not self.signomial:
            laws += self.new(list(rewritings(fit.law, self.ranking.columns)))
        sketches = []
        for law in laws:
            self.seen.add(signature(law))
            self.fits -= 1
            if (sketch := fitted(law, self.ranking, SKETCH)) is not None:
                sketches.append(sketch)
        sketches.sort(key=lambda each: each.length)
        best = self.pool[0]
        for sketch in sketches[:FINISHED]:
            self.add(fitted(sketch.law, self.to, ROUGH, 1e-6))
        if self.pool[0] is not best:
            plain = tidied(self.pool[0], self.to, self.ranking, self.scales)
            if plain is not self.pool[0]:
                self.add(plain)

    def settled(self) -> bool:
        """Whether no first step from the best law is worth its price on all rows, or there is nothing to explain."""
        best = self.pool[0]
        if self.exact(best):
            return True
        if self.needs_curves(best):
            return False
        moves = growths(best.law, self.to, self.all_words, self.to.total)
        return not any(move.gain > 0.0 and self.to.rules.admits(move.law) for move in moves)

    def needs_curves(self, fit: Fitted) -> bool:
        """Whether a law leaves more than is left where there are curves, or says with several waves what one would."""
        if np.isfinite(self.unexplained) and waves(fit.law) > 1:
            return True
        chance = 1.0 + CHANCE * np.sqrt(2.0 / self.to.total)
        return bool(fit.squares > chance * self.unexplained * self.to.total)

    def new(self, laws: list[Law]) -> list[Law]:
        found: dict[Any, Law] = {}
        for law in laws:
            key = signature(law)
            if key not in self.seen and self.to.rules.admits(law):
                found.setdefault(key, law)
        return list(found.values())

    def settle(self) -> None:
        """Climb and tidy in turn until the best law stays as it is."""
        for _ in range(ROUNDS):
            before = self.pool[0].length
            self.climb()
            for fit in list(self.pool[:WIDTH]):
                plain = tidied(fit, self.to, self.ranking, self.scales)
                if plain is not fit:
                    self.add(plain)
            self.reword(self.pool[0])
            if not self.pool[0].length < before - 1e-6 or self.fits <= 0:
                return

    def reword(self, fit: Fitted) -> None:
        """Say a law in other ways of about the same size, and make those plainer that fit about as well."""
        if self.exact(fit):
            return
        for law in self.new(list(rewritings(fit.law, self.ranking.columns))):
            self.seen.add(signature(law))
            other = fitted(law, self.to)
            if other is not None and other.length < fit.length + NEAR:
                self.add(tidied(other, self.to, self.ranking, self.scales))

    def small(self, laws: list[Fitted]) -> list[Fitted]:
        """Return the best law of one term, and it without each of its inputs, which may enter in another way."""
        single = [f for f in laws if sum(bool(t.factors) for t in f.law.terms) == 1][:1]
        out = list(single)
        for fit in single:
            term = next(t for t in fit.law.terms if t.factors)
            for factor in term.factors:
                rest = replace(term, factors=tuple(f for f in term.factors if f is not factor))
                law = Law(tuple(rest if t is term else t for t in fit.law.terms))
                if (smaller := fitted(cleaned(law), self.to)) is not None:
                    out.append(smaller)
        return out

    def run(self, fits: int) -> Found:
        """Look among the signomials first, then grow the small ones, the best one, and nothing at all; then curves."""
        nothing = fitted(Law((Term(Parameter(self.start)),)), self.to)
        assert nothing is not None  # a constant is defined everywhere
        everything: list[Fitted] = []
        for phase in ("signomials", "small", "best", "curves"):
            self.curves = phase == "curves"
            if self.curves and not self.needs_curves(everything[0]):
                break
            begun = everything[:WIDTH]
            if phase == "small":
                begun = self.small(everything)
            elif self.curves:
                begun = self.small([fit for fit in everything if not waves(fit.law)])
            self.pool, self.seen, self.expanded = [], set(), set()
            for fit in begun or [nothing]:
                self.add(fit)
            self.signomial, self.fits = phase == "signomials", fits
            if phase in ("small", "curves"):
                for fit in [*begun, nothing]:
                    self.expand(fit)
            self.settle()
            everything = sorted([*everything, *self.pool], key=lambda f: f.length)
            self.pool = everything
            best = everything[0].law
            short = operators(best) <= SHORT and not self.to.rules.preferred
            enough = short and not self.dismissed and not flat(best)
            if self.settled() and (phase != "signomials" or enough):
                break
        return Found(everything[0], tuple(everything[1:]), self.scales)

    @property
    def start(self) -> float:
        mean = float(self.to.weight @ self.to.target) / self.to.total
        return float(np.exp(mean)) if self.to.log else mean


def scales_of(inputs: Array) -> Array:
    """Return a positive number per input of the order of its values, shape (columns,)."""
    out = []
    for column in inputs.T:
        size = np.abs(column[column != 0.0])
        out.append(float(np.exp(np.log(size).mean())) if len(size) else 1.0)
    return np.array(out)


def search(task: Task, *, fits: int = 300, seed: int = 0) -> Found:
    """Look for the law behind rows.

    Parameters
    ----------
    task
        The rows, and what decides between laws beside them.
    fits
        How many laws are fitted at most.
    seed
        Draws the rows on which steps are ranked.
    """
    scales = scales_of(task.inputs)
    scales[list(task.categories)] = 1.0
    columns = Columns(task.inputs / scales, scales, task.categories)
    to = Target(columns, task.target, task.weight, task.log, task.rules)
    rng = np.random.default_rng([seed, 0x5167])
    count = min(RANKING_ROWS, len(task.target))
    rows = np.sort(rng.choice(len(task.target), count, replace=False))
    ranking = to.take(rows)
    known = {j: period / float(scales[j]) for j, period in task.periods.items()}
    admits = task.rules.admits
    words, all_words = (Dictionary(each, known, admits) for each in (ranking.columns, to.columns))
    of_curves = Dictionary(ranking.columns, known, admits, with_curves=True)
    return _Search(to, ranking, words, all_words, of_curves, scales, task.unexplained).run(fits)
