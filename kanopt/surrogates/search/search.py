"""The search for the law: one kind of law after the other, from sums of products to curves.

Laws grow by the most promising steps, several of them followed at once, since the first steps of a sum are taken where
the later terms are still missing: with few terms the wrong exponents fit best. Then the best are made plainer and said
in other ways. Every law on the way is judged by the length of its description on the training rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.formulas.estimation.naming import order_of_rows
from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import (
    Budget,
    Fitted,
    Rules,
    Target,
    bends,
    fitted,
    imitates_a_curve,
    winds,
)
from kanopt.surrogates.search.program import Columns, based, cancels, scales_of
from kanopt.surrogates.search.rewriting import exchanges, rewritings
from kanopt.surrogates.search.steps import steps
from kanopt.surrogates.search.structure import (
    Law,
    Parameter,
    Term,
    cleaned,
    in_lookups,
    inputs_of,
    operators,
    signature,
    size,
    values_of,
    without_input,
)
from kanopt.surrogates.search.tidying import tidied
from kanopt.surrogates.search.wholes import wholes

RANKING_ROWS = 500
REFITS = 500.0
"""Refits of a search."""
PHASES = (
    ("sums of products", 0.25),
    ("roots, reciprocals, extremes, exponentials", 0.05),
    ("short laws, grown", 0.2),
    ("other functions", 0.35),
    ("curves", 0.15),
)
"""What is looked for, one after the other, and its share of the budget; what one leaves is the next one's."""
PRODUCTS, WHOLES, SMALL, SHAPES, CURVES = range(len(PHASES))
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
PLAINER, FEW = 2, 3
"""Laws that are made plainer at the end of a climb; and those that are fitted to all rows: of other ways to say a law,
of laws that no growth leads to, and of closed forms in the place of a curve."""
NEAR = 40.0
"""Longer descriptions than that of the best law are not made plainer."""
LARGEST = 12
"""Free parameters of a law that is not grown any further, those of a table or curve counted as one."""
DECISIVE = 40.0
"""Length by which one of them must be shorter than what was grown to end the search, or a law on the other scale."""
CLEAR, HOPELESS = 0.03, 0.1
"""Share of the target's deviation that it may leave: where noise is larger, other structures explain the rows alike;
and that which a sum of products may leave to be made plainer before it is grown on."""


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
    with_curves
        Whether curves may stand where no closed form is found.
    other
        The target on the other scale, where a law may be looked for as well; None for one scale.
    may_leave
        Whether the search ends as soon as what it has found clearly belongs on the other scale.
    """

    inputs: Floats
    target: Floats
    weight: Floats
    rules: Rules
    log: bool = False
    periods: Mapping[int, float] = field(default_factory=dict)
    categories: Mapping[int, int] = field(default_factory=dict)
    with_curves: bool = False
    other: Floats | None = None
    may_leave: bool = False


@dataclass(frozen=True, eq=False)
class Found:
    """The best law, and the others that were followed, shortest description first; inputs are divided by `scales`.

    Parameters
    ----------
    best, others, scales
        The laws, and what inputs were divided by.
    elsewhere
        By how much one of the best laws is shorter on the other scale; below zero where it is longer.
    left
        Whether the search ended early for that.
    """

    best: Fitted
    others: tuple[Fitted, ...]
    scales: Floats
    elsewhere: float = -np.inf
    left: bool = False


@dataclass(eq=False)
class _Search:
    """A search among rows.

    Parameters
    ----------
    to
        The rows.
    ranking
        Some of them, on which many laws are begun.
    words, shapes
        The ready-made factors on some of the rows: those of the phase, and all but curves.
    all_words
        The latter on all rows.
    with_curves
        Whether curves may stand where no closed form is found.
    other
        The rows with the target on the other scale; None where no law is looked for there.
    """

    to: Target
    ranking: Target
    words: Dictionary
    shapes: Dictionary
    all_words: Dictionary
    with_curves: bool
    other: Target | None
    may_leave: bool
    left: bool = False
    phase: int = PRODUCTS
    floor: float = 0.0
    """What is left of the budget at the end of the phase."""
    dismissed: bool = False
    """Whether a law was let go that lives on cancellation: what it imitates is no sum of products."""
    seen: set[Any] = field(default_factory=set)
    expanded: set[Any] = field(default_factory=set)
    pool: list[Fitted] = field(default_factory=list)
    """Laws of the phase, the shortest description first."""
    everything: list[Fitted] = field(default_factory=list)
    """Laws of the phases before it, likewise."""
    wholes: list[Fitted] = field(default_factory=list)
    """Laws that no growth leads to."""
    judged: dict[Fitted, bool] = field(default_factory=dict)
    """Whether a law needs a curve."""

    @property
    def budget(self) -> Budget:
        assert self.to.budget is not None
        return self.to.budget

    @cached_property
    def curve_words(self) -> Dictionary:
        """Curves and tables on all rows."""
        return replace(self.all_words, with_shapes=False, with_curves=True)

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left to the present phase."""
        return self.budget.left <= self.floor

    # ── phases ──

    def run(self) -> Found:
        """Look for one thing after the other.

        Raises
        ------
        SearchStopped
            If it was stopped before there was a law.
        """
        try:
            self.run_phases()
        except SearchStopped:
            if not [*self.everything, *self.pool, *self.wholes]:
                raise
        best, *others = _sorted(dict.fromkeys([*self.everything, *self.pool, *self.wholes]))
        gain = self.gain_elsewhere([best, *others])
        return Found(best, tuple(others), self.to.columns.scales, gain, self.left)

    def run_phases(self) -> None:
        """Look among the sums of products first, then at wholes; grow what is short, and what is best; then curves."""
        mean = float(self.to.weight @ self.to.target) / self.to.total
        nothing = fitted(Law((Term(Parameter(float(np.exp(mean)) if self.to.log else mean)),)), self.to)
        assert nothing is not None  # a constant is defined everywhere
        plain = self.words
        by_phase = {SHAPES: self.shapes, CURVES: replace(plain, with_curves=True)}
        self.floor = whole = self.budget.left
        for phase, (what, share) in enumerate(PHASES[: None if self.with_curves else CURVES]):
            self.floor -= share * whole
            # making laws plainer ends no earlier than it is done: what it took too much is taken from all that follow
            rest = sum(each for _, each in PHASES[phase:])
            self.floor = min(self.floor, self.budget.left * (1.0 - share / rest))
            if self.budget.watch is not None:
                self.budget.watch.begin(what)
            self.phase, self.words = phase, by_phase.get(phase, plain)
            self.pool, self.seen, self.expanded = [], set(), set()
            if phase == WHOLES:
                self.add_wholes()
                if self.a_whole_is_all():
                    return
                continue
            begun = self.begun()
            for fit in begun or [nothing]:
                self.add(fit)
            if phase != PRODUCTS:
                for number, fit in enumerate([*begun, nothing]):
                    if number < WIDTH or not self.spent:
                        self.expand(fit)
            self.settle()
            if phase >= SHAPES:
                for fit in self.with_fewer_numbers(before := self.pool[0]):
                    self.add(fit)
                if self.pool[0] is not before:
                    self.reword(self.pool[0])
            self.everything = _sorted([*self.everything, *self.pool])
            self.pool = []
            best = self.everything[0]
            self.left = self.may_leave and self.gain_elsewhere(self.everything) > DECISIVE
            if self.left:
                return
            # a law that is short, and does not imitate another one
            short = operators(best.law) <= SHORT and not (phase == PRODUCTS and self.dismissed)
            if (phase in (SHAPES, CURVES) or short) and self.settled(best):
                return

    def begun(self) -> list[Fitted]:
        """Return the laws with which a phase begins."""
        if self.phase == PRODUCTS:
            return []
        if self.phase == SMALL:
            return self.small()
        if self.phase == CURVES:
            return self.without_an_input(self.everything[0])
        # those that no growth leads to are grown with the best of all; as wholes they are complete
        begun = [*front(self.everything), *_sorted([*self.everything, *self.wholes])[:WIDTH]]
        return list(dict.fromkeys(begun))

    def small(self) -> list[Fitted]:
        """Return the best law of one term, and it without each of its inputs, which may enter in another way."""
        single = [f for f in self.everything if sum(bool(t.factors) for t in f.law.terms) == 1][:1]
        laws = (without_input(fit.law, j) for fit in single for j in sorted(inputs_of(fit.law)))
        return [*single, *self.fits(laws)]

    def without_an_input(self, fit: Fitted) -> list[Fitted]:
        """Return a law without all that it says of each of its inputs, of which a curve may say more.

        Those come first of which it says most, and most that is no power.
        """
        inputs = sorted(sorted(inputs_of(fit.law)), key=lambda j: bends(fit.law, j), reverse=True)
        return self.fits(cleaned(without_input(fit.law, j)) for j in inputs)

    def with_fewer_numbers(self, fit: Fitted) -> list[Fitted]:
        """Return a law with plainer terms in the place of others, the most promising ones fitted and made plainer.

        Growth may have ended before they were tried: a line for an S, a closed form for a curve.
        """
        found = exchanges(fit.law, self.shapes, self.ranking)
        fewer = [each for each in found if len(values_of(each[1])) < len(values_of(fit.law))]
        likely = [law for _, law in sorted(fewer, key=lambda each: -each[0])[:TRIED]]
        best = self.sketched(self.new(likely))[:FEW]
        return [self.plainer(other) for other in self.fits(sketch.law for sketch in best)]

    def fits(self, laws: Iterable[Law]) -> list[Fitted]:
        """Fit laws to all rows; those are left out that have no value on some of them."""
        return list(filter(None, (fitted(law, self.to) for law in laws if law.terms)))

    def add_wholes(self) -> None:
        """Add the best laws that no growth leads to: what is linear once the target is transformed, and extremes."""
        laws: list[Law] = []
        for law in wholes(self.ranking, self.words):
            self.to.heed()
            laws.append(law)
        for sketch in self.sketched(self.new(laws))[:FEW]:
            fit = fitted(sketch.law, self.to)
            if fit is not None and not cancels(fit.law, self.ranking.columns):
                self.wholes.append(fit)  # before it is made plainer: it is kept where the search is stopped
                self.wholes += {self.plainer(fit)} - {fit}

    def a_whole_is_all(self) -> bool:
        """Whether one of them leaves nothing to say, and no other law tells the rows nearly as shortly.

        They may also stand for what they are not, so that growth from there is the last that is tried.
        """
        best = min(self.wholes, key=lambda fit: fit.length, default=None)
        shortest = min((fit.length for fit in self.everything), default=np.inf)
        clear = CLEAR**2 * self.to.spread * self.to.total
        if best is None or best.length >= shortest - DECISIVE or best.squares >= clear:
            return False
        if is_all := self.settled(best):
            self.reword(best)
        return is_all

    # ── judging ──

    def gain_elsewhere(self, laws: list[Fitted]) -> float:
        """Return by how much one of the best laws is shorter on the other scale."""
        if self.other is None:
            return -np.inf
        # the density of a logarithm is that of the target times the target
        stretch = 2.0 * float(self.to.weight @ (self.to.target if self.to.log else self.other.target))
        gains = [-np.inf]
        for fit in laws[:WIDTH]:
            there = fitted(fit.law, replace(self.other, budget=None))
            if there is not None:
                gains.append(fit.length - there.length + (stretch if self.to.log else -stretch))
        return max(gains)

    def settled(self, best: Fitted) -> bool:
        """Whether no first step from a law is worth its price on all rows, or there is nothing to explain."""
        if self.exact(best):
            return True
        if self.needs_curves(best):
            return False
        moves = steps(best.law, self.to, self.all_words, self.to.total)
        return not any(move.gain > 0.0 for move in moves)

    def needs_curves(self, fit: Fitted) -> bool:
        """Whether a curve is worth its numbers beside a law, or the law winds as one would."""
        if not self.with_curves:
            return False
        if fit not in self.judged:
            before = in_lookups(fit.law)
            moves = steps(fit.law, self.to, self.curve_words, self.to.total, signomial=True)
            gains = any(move.gain > 0.0 and in_lookups(move.law) > before for move in moves)
            self.judged[fit] = gains or winds(fit.law)
        return self.judged[fit]

    def exact(self, fit: Fitted) -> bool:
        """Whether a law leaves no more than the arithmetic does."""
        return fit.squares <= FLOOR**2 * self.to.spread * self.to.total

    # ── climbing ──

    def add(self, fit: Fitted | None) -> None:
        """Take a law in, unless it lives on cancellation."""
        if fit is not None and cancels(fit.law, self.ranking.columns):
            self.dismissed = True
        elif fit is not None and fit not in self.pool:
            self.pool = _sorted([*self.pool, fit])
            if self.budget.watch is not None:
                error = float(np.sqrt(self.pool[0].squares / self.to.total))
                self.budget.watch.note_error(error, relative=self.to.log)

    def settle(self) -> None:
        """Climb, make the best laws plainer and say the best in other ways, until it stays as it is."""
        enough = HOPELESS**2 * self.to.spread * self.to.total if self.phase == PRODUCTS else np.inf
        for _ in range(ROUNDS):
            before = self.pool[0].length
            self.grow()
            if self.pool[0].squares <= enough:
                for fit in self.pool[:PLAINER]:
                    self.add(self.plainer(fit))
            self.reword(self.pool[0])
            if not self.pool[0].length < before - 1e-6 or self.spent:
                return

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
        signomial = self.phase == PRODUCTS
        moves = steps(fit.law, self.ranking, self.words, self.to.total, signomial=signomial)
        ranked = sorted((move for move in moves if move.gain > 0.0), key=lambda move: -move.gain)
        laws = self.new(move.law for move in ranked)[:TRIED]
        if not signomial:
            laws += self.new(rewritings(fit.law, self.ranking.columns))
        for sketch in self.sketched(laws)[:FINISHED]:
            self.add(fitted(sketch.law, self.to, ROUGH, 1e-6))

    def new(self, laws: Iterable[Law]) -> list[Law]:
        """Return the laws that may be and were not met before, each once."""
        found: dict[Any, Law] = {}
        for law in (based(law, self.ranking.columns) for law in laws):
            key = signature(law)
            if key not in self.seen and not imitates_a_curve(law):
                found.setdefault(key, law)
        return list(found.values())

    def sketched(self, laws: list[Law]) -> list[Fitted]:
        """Return the laws that fit best on some of the rows, best first: many are begun, fewer go on.

        Some of the rows are too few for the numbers of a curve: where there are curves, the length that counts is that
        of the description of all rows.
        """
        judge = self.to if self.phase == CURVES else self.ranking

        def foretold(fit: Fitted) -> float:
            return judge.length(fit.law, judge.total / self.ranking.total * fit.squares)

        self.seen.update(map(signature, laws))
        for iterations, most in SKETCHES:
            begun = (fitted(law, self.ranking, iterations, SKETCHED) for law in laws)
            fits = sorted((fit for fit in begun if fit is not None), key=foretold)
            laws = [fit.law for fit in fits[:most]]
        return fits

    def plainer(self, fit: Fitted) -> Fitted:
        """Return a law made plainer, or the law itself where that cannot be."""
        return tidied(fit, self.to, self.ranking)

    def reword(self, fit: Fitted) -> None:
        """Say a law in other ways of about the same size, and make those plainer that fit about as well.

        They are ranked on some of the rows first.
        """
        if self.exact(fit):
            return
        for sketch in self.sketched(self.new(rewritings(fit.law, self.ranking.columns)))[:FEW]:
            other = fitted(sketch.law, self.to)
            if other is not None and other.length < fit.length + NEAR:
                self.add(self.plainer(other))
                self.add(other)


def _sorted(fits: Iterable[Fitted]) -> list[Fitted]:
    """Return laws, the shortest description first."""
    return sorted(fits, key=lambda fit: fit.length)


def front(fits: list[Fitted]) -> list[Fitted]:
    """Return short laws that no shorter one describes better, the shortest first: what a shape may be missing from."""
    out: list[Fitted] = []
    for count in range(SHORT + 1):
        best = next((fit for fit in fits if operators(fit.law) == count), None)
        if best is not None and (not out or best.length < out[-1].length):
            out.append(best)
    return out


def search(task: Task, *, refits: float = REFITS, watch: FitMonitor | None = None) -> Found:
    """Look for the law behind rows: a function of their values alone, whatever their order.

    Parameters
    ----------
    task
        The rows, and what decides between laws beside them.
    refits
        How many laws are fitted to 2,000 rows, at most; to fewer rows, so many more.
    watch
        Is told of every refit; where it stops the search, the best law so far is found.

    Raises
    ------
    SearchStopped
        If it was stopped before there was a law.
    """
    order = order_of_rows(task.inputs, task.target)
    inputs = task.inputs[order]
    scales = scales_of(inputs)
    scales[list(task.categories)] = 1.0
    columns = Columns(inputs / scales, scales, task.categories)
    target, weight = task.target[order], task.weight[order]
    to = Target(columns, target, weight, task.log, task.rules, Budget(refits, watch))
    ranking = to.take(np.arange(min(RANKING_ROWS, len(target))))
    periods = {j: period / float(scales[j]) for j, period in task.periods.items()}
    words = Dictionary(ranking.columns, periods)
    all_words = Dictionary(columns, periods, with_shapes=True)
    other = None if task.other is None else replace(to, target=task.other[order], log=not task.log)
    shapes = replace(words, with_shapes=True)
    return _Search(to, ranking, words, shapes, all_words, task.with_curves, other, task.may_leave).run()
