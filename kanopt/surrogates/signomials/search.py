"""The search for the law: growth by the most promising steps, several laws followed at once, then tidying.

Every law on the way is judged by the length of its description on the training rows. Several are followed, since the
first steps of a sum are taken where the later terms are still missing: with few terms the wrong exponents fit best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.signomials.cleaning import cleaned
from kanopt.surrogates.signomials.dictionary import Dictionary
from kanopt.surrogates.signomials.evaluation import Columns, cancels
from kanopt.surrogates.signomials.exchanges import exchanges
from kanopt.surrogates.signomials.fitting import FLOOR, Budget, Fitted, Target, fitted
from kanopt.surrogates.signomials.lookups import based, in_lookups
from kanopt.surrogates.signomials.moves import growths
from kanopt.surrogates.signomials.rewriting import rewritings
from kanopt.surrogates.signomials.rules import Rules, flat, imitates_a_curve, waves
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
SKETCHES = ((4, 10), (10, 10))
"""Iterations of fits to some of the rows, and how many of the best go on."""
SKETCHED = 1e-4
"""Share of the squares that ends such a fit."""
ROUGH = 25
SHORT = 5
"""Operators up to which a signomial that leaves nothing to explain is the law."""
RANKING_ROWS = 500
ROUNDS = 3
REFITS = 500.0
"""Refits of a search."""
PHASES = (("signomials", 0.25), ("small", 0.25), ("shapes", 0.2), ("best", 0.15), ("curves", 0.15))
IN_WORDS = {
    "signomials": "sums of products",
    "small": "short laws, grown",
    "shapes": "other functions",
    "best": "the best laws, grown",
    "curves": "curves",
}
"""What is looked for, one after the other, and its share of the budget; what one leaves is the next one's."""
KNOWN_PHASES = (("best", 0.7), ("curves", 0.3))
"""The same where laws are known to begin with."""
PLAINER = 2
"""Laws that are made plainer at the end of a climb."""
REWORDED = 3
"""Other ways of saying a law that are fitted to all rows."""
UNCURVED = 3
"""Closed forms that are fitted in the place of a curve."""
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
    words: Mapping[str, Dictionary]
    """Ready-made factors by phase."""
    all_words: Dictionary
    scales: Array
    budget: Budget
    unexplained: float = np.inf
    floor: float = 0.0
    """Refits that are left to later phases."""
    phase: str = "signomials"
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
            self.note()

    def note(self) -> None:
        """Tell whoever watches how well the best law does."""
        if self.budget.watch is not None:
            error = float(np.sqrt(self.pool[0].squares / self.to.total))
            self.budget.watch.note_error(error, relative=self.to.log)

    def exact(self, fit: Fitted) -> bool:
        return fit.squares <= FLOOR**2 * self.to.spread * self.to.total

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left to the present phase."""
        return self.budget.left <= self.floor

    def climb(self) -> None:
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
        self.expanded.add(signature(fit.law))
        if size(fit.law) >= LARGEST:
            return
        signomial = self.phase == "signomials"
        moves = growths(fit.law, self.ranking, self.words[self.phase], self.to.total, signomial=signomial)
        laws = self.new([move.law for move in moves if move.gain > 0.0])[:TRIED]
        if not signomial:
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
        """Return the laws that may be and were not met before, each once."""
        found: dict[Any, Law] = {}
        for law in (based(law, self.ranking.columns) for law in laws):
            key = signature(law)
            curved = imitates_a_curve(law, self.words[self.phase].periods)
            if key not in self.seen and self.to.rules.admits(law) and not curved:
                found.setdefault(key, law)
        return list(found.values())

    def settle(self) -> None:
        """Climb, make the best laws plainer and say the best in other ways, until it stays as it is."""
        for _ in range(ROUNDS):
            before = self.pool[0].length
            self.climb()
            for fit in list(self.pool[:PLAINER]):
                self.add_plainer(fit)
            self.reword(self.pool[0])
            if not self.pool[0].length < before - 1e-6 or self.spent:
                return

    def add_plainer(self, fit: Fitted) -> None:
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

    def run(self, known: Sequence[Law]) -> Found:
        """Look among the signomials first, then grow the small ones, the best one, and nothing at all; then curves.

        Where laws are `known` that are good on another scale, they are grown and nothing else.

        Raises
        ------
        SearchStopped
            If it was stopped before there was a law.
        """
        everything: list[Fitted] = []
        try:
            nothing = fitted(Law((Term(Parameter(self.start)),)), self.to)
            assert nothing is not None  # a constant is defined everywhere
            everything += filter(None, (fitted(law, self.to) for law in known))
            self.run_phases(nothing, everything)
        except SearchStopped:
            everything += [fit for fit in self.pool if fit not in everything]
            if not everything:
                raise
        everything.sort(key=lambda fit: fit.length)
        return Found(everything[0], tuple(everything[1:]), self.scales)

    def run_phases(self, nothing: Fitted, everything: list[Fitted]) -> None:
        """Look for one thing after the other; add all laws to those that are known, the shortest description first."""
        everything.sort(key=lambda fit: fit.length)
        self.floor = whole = self.budget.left
        for phase, share in KNOWN_PHASES if everything else PHASES:
            self.floor -= share * whole
            self.phase = phase
            if phase == "curves" and not np.isfinite(self.unexplained):
                break  # curves are not let in
            if self.budget.watch is not None:
                self.budget.watch.begin_search(IN_WORDS[phase])
            begun = self.begun(everything)
            self.pool, self.seen, self.expanded = [], set(), set()
            for fit in begun or [nothing]:
                self.add(fit)
            if phase in ("small", "shapes", "curves"):
                for fit in [*begun, nothing]:
                    self.expand(fit)
            self.settle()
            everything += self.pool
            everything.sort(key=lambda fit: fit.length)
            if phase == "curves":
                everything += self.without_curves(everything[0])
                everything.sort(key=lambda fit: fit.length)
            self.pool = list(everything)
            if self.settled() and (phase not in ("signomials", "small") or self.is_plain(everything[0].law)):
                return

    def without_curves(self, fit: Fitted) -> list[Fitted]:
        """Return a law with closed forms in the place of a curve, the most promising ones fitted and made plainer."""
        found = exchanges(fit.law, self.words["best"], self.ranking)
        admits = self.to.rules.admits
        fewer = [each for each in found if in_lookups(each[1]) < in_lookups(fit.law) and admits(each[1])]
        out = []
        for _, law in sorted(fewer, key=lambda each: -each[0])[:UNCURVED]:
            other = fitted(law, self.to)
            out += [tidied(other, self.to, self.ranking, self.scales)] if other is not None else []
        return out

    def begun(self, everything: list[Fitted]) -> list[Fitted]:
        """Return the laws with which a phase begins."""
        if self.phase == "small":
            return self.small(everything)
        if self.phase == "shapes":
            return front(everything)
        if self.phase == "curves":
            return self.small([fit for fit in everything if not waves(fit.law)])
        return everything[:WIDTH]

    def is_plain(self, law: Law) -> bool:
        """Whether a law is short, and neither imitates another one nor may have been preferred in another form."""
        short = operators(law) <= SHORT and not self.to.rules.preferred
        return short and not (self.phase == "signomials" and self.dismissed) and not flat(law)

    @property
    def start(self) -> float:
        mean = float(self.to.weight @ self.to.target) / self.to.total
        return float(np.exp(mean)) if self.to.log else mean


def front(fits: list[Fitted]) -> list[Fitted]:
    """Return short laws that no shorter one describes better, the shortest first: what a shape may be missing from."""
    out: list[Fitted] = []
    for count in range(SHORT + 1):
        best = next((fit for fit in fits if operators(fit.law) == count), None)
        if best is not None and (not out or best.length < out[-1].length):
            out.append(best)
    return out


def scales_of(inputs: Array) -> Array:
    """Return a positive number per input of the order of its values, shape (columns,)."""
    out = []
    for column in inputs.T:
        size = np.abs(column[column != 0.0])
        out.append(float(np.exp(np.log(size).mean())) if len(size) else 1.0)
    return np.array(out)


def search(
    task: Task,
    *,
    refits: float = REFITS,
    seed: int = 0,
    known: Sequence[Law] = (),
    watch: FitMonitor | None = None,
) -> Found:
    """Look for the law behind rows.

    Parameters
    ----------
    task
        The rows, and what decides between laws beside them.
    refits
        How many laws are fitted to 2,000 rows, at most; to fewer rows, so many more.
    seed
        Draws the rows on which steps are ranked.
    known
        Laws of the same inputs from which the search begins, instead of from nothing.
    watch
        Is told of every refit; where it stops the search, the best law so far is found.

    Raises
    ------
    SearchStopped
        If it was stopped before there was a law.
    """
    scales = scales_of(task.inputs)
    scales[list(task.categories)] = 1.0
    columns = Columns(task.inputs / scales, scales, task.categories)
    budget = Budget(refits, watch)
    to = Target(columns, task.target, task.weight, task.log, task.rules, budget)
    rng = np.random.default_rng([seed, 0x5167])
    count = min(RANKING_ROWS, len(task.target))
    rows = np.sort(rng.choice(len(task.target), count, replace=False))
    ranking = to.take(rows)
    periods = {j: period / float(scales[j]) for j, period in task.periods.items()}
    admits = task.rules.admits
    plain = Dictionary(ranking.columns, periods, admits)
    shapes = replace(plain, with_shapes=True)
    curves = replace(plain, with_curves=True)
    words = {"signomials": plain, "small": plain, "shapes": shapes, "best": shapes, "curves": curves}
    all_words = Dictionary(to.columns, periods, admits, with_shapes=True)
    return _Search(to, ranking, words, all_words, scales, budget, task.unexplained).run(known)
