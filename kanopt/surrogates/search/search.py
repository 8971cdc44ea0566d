"""The search for the law: one kind of law after the other, from sums of products to curves.

Every law on the way is judged by the length of its description on the training rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.search.cleaning import cleaned
from kanopt.surrogates.search.climb import SHORT, WIDTH, Climb
from kanopt.surrogates.search.columns import order_of_rows, scales_of
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.evaluation import Columns, cancels
from kanopt.surrogates.search.exchanges import exchanges
from kanopt.surrogates.search.extremes import extremes, limits
from kanopt.surrogates.search.fitting import Budget, Fitted, Target, fitted
from kanopt.surrogates.search.lookups import in_lookups
from kanopt.surrogates.search.moves import steps
from kanopt.surrogates.search.pairs import powers_of_sums, ratios_of_sums
from kanopt.surrogates.search.products import products_with_exponentials
from kanopt.surrogates.search.rules import Rules, bends, flat, winds
from kanopt.surrogates.search.scores import left_by_products
from kanopt.surrogates.search.structure import Law, Parameter, Term, inputs_of, operators, without_input
from kanopt.surrogates.search.tidying import tidied

Array = NDArray[np.float64]

RANKING_ROWS = 500
REFITS = 500.0
"""Refits of a search."""
PHASES = (
    ("signomials", 0.25),
    ("transformed", 0.05),
    ("small", 0.2),
    ("shapes", 0.2),
    ("best", 0.15),
    ("curves", 0.15),
)
"""What is looked for, one after the other, and its share of the budget; what one leaves is the next one's."""
BETWEEN = (("signomials", 0.4), ("small", 0.2), ("shapes", 0.4))
"""The same for the rows between the limits of a target."""
LIMITED = 0.4
"""Their share of the budget."""
IN_WORDS = {
    "limits": "a least and a largest value",
    "signomials": "sums of products",
    "transformed": "roots, reciprocals, extremes, exponentials",
    "small": "short laws, grown",
    "shapes": "other functions",
    "best": "the best laws, grown",
    "curves": "curves",
}
"""What is looked for, as whoever watches reads it."""
MADE = 2
"""Laws that are fitted of those that no growth leads to."""
DECISIVE = 40.0
"""Length by which one of them must be shorter than what was grown to end the search."""
CLEAR = 0.03
"""Share of the target's deviation that it may leave: where noise is larger, other structures explain the rows alike."""
HOPELESS = 3.0
"""Times what many products leave: sums of few that leave more, and not little, are not made plainer."""
UNCURVED = 3
"""Closed forms that are fitted in the place of a curve."""


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
    """

    inputs: Array
    target: Array
    weight: Array
    rules: Rules
    log: bool = False
    periods: Mapping[int, float] = field(default_factory=dict)
    categories: Mapping[int, int] = field(default_factory=dict)
    with_curves: bool = False


@dataclass(frozen=True, eq=False)
class Found:
    """The best law, and the others that were followed, shortest description first; inputs are divided by `scales`."""

    best: Fitted
    others: tuple[Fitted, ...]
    scales: Array


@dataclass(eq=False)
class _Search:
    climb: Climb
    words: Mapping[str, Dictionary]
    """Ready-made factors by phase."""
    all_words: Dictionary
    """The same on all rows."""
    curve_words: Dictionary | None = None
    """Curves and tables on all rows; None where curves are not let in."""
    enough: float = np.inf
    """Squares of a sum of products that may be the law: one that leaves more is not made plainer, but grown on."""
    phase: str = "signomials"
    phases: tuple[tuple[str, float], ...] = PHASES
    part: str = ""
    wholes: list[Fitted] = field(default_factory=list)
    """Laws that no growth leads to."""
    unsettled: Fitted | None = None
    """The law that was last found to be worth a step."""
    bent: Fitted | None = None
    """The law that was last found to need a curve."""

    @property
    def to(self) -> Target:
        return self.climb.to

    @property
    def budget(self) -> Budget:
        return self.climb.budget

    def settled(self, best: Fitted) -> bool:
        """Whether no first step from a law is worth its price on all rows, or there is nothing to explain."""
        if self.climb.exact(best):
            return True
        if best is self.unsettled or self.needs_curves(best):
            return False
        moves = steps(best.law, self.to, self.all_words, self.to.total)
        if any(move.gain > 0.0 and self.to.rules.admits(move.law) for move in moves):
            self.unsettled = best
            return False
        return True

    def needs_curves(self, fit: Fitted) -> bool:
        """Whether a curve is worth its numbers beside a law, or the law winds as one would."""
        if self.curve_words is None:
            return False
        if winds(fit.law) or fit is self.bent:
            return True
        before = in_lookups(fit.law)
        moves = steps(fit.law, self.to, self.curve_words, self.to.total, signomial=True)
        if any(move.gain > 0.0 and in_lookups(move.law) > before for move in moves):
            self.bent = fit
            return True
        return False

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

    def without_an_input(self, fit: Fitted) -> list[Fitted]:
        """Return a law without all that it says of each of its inputs, of which a curve may say more.

        Those come first of which it says most, and most that is no power.
        """
        inputs = sorted(sorted(inputs_of(fit.law)), key=lambda j: bends(fit.law, j), reverse=True)
        smaller = (cleaned(without_input(fit.law, j)) for j in inputs)
        return list(filter(None, (fitted(law, self.to) for law in smaller if law.terms)))

    def run(self) -> Found:
        """Look among the signomials first, then grow the small ones, the best one, and nothing at all; then curves.

        Raises
        ------
        SearchStopped
            If it was stopped before there was a law.
        """
        everything: list[Fitted] = []
        try:
            nothing = fitted(Law((Term(Parameter(self.start)),)), self.to)
            assert nothing is not None  # a constant is defined everywhere
            self.run_phases(nothing, everything)
        except SearchStopped:
            everything += [fit for fit in [*self.climb.pool, *self.wholes] if fit not in everything]
            if not everything:
                raise
        return self.found([*everything, *(fit for fit in self.wholes if fit not in everything)])

    def found(self, fits: Sequence[Fitted]) -> Found:
        """Return what was found, the shortest description first."""
        best, *others = sorted(fits, key=lambda fit: fit.length)
        return Found(best, tuple(others), self.climb.scales)

    def run_phases(self, nothing: Fitted, everything: list[Fitted]) -> None:
        """Look for one thing after the other; add all laws to those that are known, the shortest description first."""
        self.climb.floor = whole = self.budget.left
        for number, (phase, share) in enumerate(self.phases):
            self.climb.floor -= share * whole
            # making laws plainer ends no earlier than it is done: what it took too much is taken from all that follow
            rest = sum(each for _, each in self.phases[number:])
            self.climb.floor = min(self.climb.floor, self.budget.left * (1.0 - share / rest))
            self.phase = phase
            if phase == "curves" and self.curve_words is None:
                break  # curves are not let in
            if self.budget.watch is not None:
                self.budget.watch.begin_search(self.part or IN_WORDS[phase])
            signomial = phase == "signomials"
            self.climb.begin(
                self.words[phase], signomial=signomial, enough=self.enough if signomial else np.inf
            )
            if phase == "transformed":
                self.add_wholes()
                if self.a_whole_is_all(everything):
                    return
                continue
            begun = self.begun(everything)
            for fit in begun or [nothing]:
                self.climb.add(fit)
            if phase in ("small", "shapes", "curves"):
                for number, fit in enumerate([*begun, nothing]):
                    if number < WIDTH or not self.climb.spent:
                        self.climb.expand(fit)
            self.climb.settle()
            everything += self.climb.pool
            everything.sort(key=lambda fit: fit.length)
            if phase == "curves":
                everything += self.without_curves(everything[0])
                everything.sort(key=lambda fit: fit.length)
            self.climb.pool = list(everything)
            best = everything[0]
            if self.settled(best) and (phase not in ("signomials", "small") or self.is_plain(best.law)):
                return

    def add_wholes(self) -> None:
        """Add the best laws that no growth leads to: what is linear once the target is transformed, and extremes."""
        words, ranking = self.words[self.phase], self.climb.ranking
        kinds = (
            extremes(self.to, words.straight),
            powers_of_sums(ranking, words),
            products_with_exponentials(ranking, words),
            ratios_of_sums(ranking, words),
        )
        laws: list[Law] = []
        for kind in kinds:
            for law in kind:
                self.to.heed()
                laws.append(law)
        self.add_fitted(sketch.law for sketch in self.climb.sketched(self.climb.new(laws))[:MADE])

    def add_fitted(self, laws: Iterable[Law]) -> None:
        """Fit laws that no growth leads to, and make them plainer."""
        for law in laws:
            fit = fitted(law, self.to)
            if fit is not None and not cancels(fit.law, self.climb.ranking.columns):
                self.wholes.append(fit)  # before it is made plainer: it is kept where the search is stopped
                plain = tidied(fit, self.to, self.climb.ranking, self.climb.scales)
                self.wholes += [plain] if plain is not fit else []

    def a_whole_is_all(self, everything: list[Fitted]) -> bool:
        """Whether one of them leaves nothing to say, and no other law tells the rows nearly as shortly.

        They may also stand for what they are not, so that growth from there is the last that is tried.
        """
        best = min(self.wholes, key=lambda fit: fit.length, default=None)
        shortest = min((fit.length for fit in everything), default=np.inf)
        clear = CLEAR**2 * self.to.spread * self.to.total
        if best is None or best.length >= shortest - DECISIVE or best.squares >= clear:
            return False
        return self.settled(best)

    def without_curves(self, fit: Fitted) -> list[Fitted]:
        """Return a law with closed forms in the place of a curve, the most promising ones fitted and made plainer."""
        found = exchanges(fit.law, self.words["best"], self.climb.ranking)
        admits = self.to.rules.admits
        fewer = [each for each in found if in_lookups(each[1]) < in_lookups(fit.law) and admits(each[1])]
        out = []
        for _, law in sorted(fewer, key=lambda each: -each[0])[:UNCURVED]:
            other = fitted(law, self.to)
            out += (
                [tidied(other, self.to, self.climb.ranking, self.climb.scales)] if other is not None else []
            )
        return out

    def begun(self, everything: list[Fitted]) -> list[Fitted]:
        """Return the laws with which a phase begins."""
        if self.phase == "small":
            return self.small(everything)
        if self.phase == "shapes":
            return front(everything)
        if self.phase == "curves":
            return self.without_an_input(everything[0])
        # those that no growth leads to are grown with the best of all; as wholes they are complete
        return sorted([*everything, *self.wholes], key=lambda fit: fit.length)[:WIDTH]

    def is_plain(self, law: Law) -> bool:
        """Whether a law is short, and neither imitates another one nor may have been preferred in another form."""
        short = operators(law) <= SHORT and not self.to.rules.preferred
        return short and not (self.phase == "signomials" and self.climb.dismissed) and not flat(law)

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


def search(
    task: Task,
    *,
    refits: float = REFITS,
    watch: FitMonitor | None = None,
) -> Found:
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
    order = order_of_rows(task.inputs, task.target, task.weight)
    inputs = task.inputs[order]
    scales = scales_of(inputs)
    scales[list(task.categories)] = 1.0
    columns = Columns(inputs / scales, scales, task.categories)
    target, weight = task.target[order], task.weight[order]
    to = Target(columns, target, weight, task.log, task.rules, Budget(refits, watch))
    whole = _begun(to, task)
    # where it is stopped, the search on all rows stops as well, with what there is until then
    with contextlib.suppress(SearchStopped):
        if _within_limits(whole, task, refits):
            return whole.found(whole.wholes)
    return whole.run()


def _begun(to: Target, task: Task, phases: tuple[tuple[str, float], ...] = PHASES, part: str = "") -> _Search:
    """Return the search on all rows of a task, or on a part of them, with a name for what is looked for there."""
    assert to.budget is not None
    scales = to.columns.scales
    ranking = to.take(np.arange(min(RANKING_ROWS, len(to.target))))
    periods = {j: period / float(scales[j]) for j, period in task.periods.items()}
    admits = task.rules.admits
    plain = Dictionary(ranking.columns, periods, admits)
    shapes = replace(plain, with_shapes=True)
    curves = replace(plain, with_curves=True)
    words = {
        "signomials": plain,
        "transformed": plain,
        "small": plain,
        "shapes": shapes,
        "best": shapes,
        "curves": curves,
    }
    all_words = Dictionary(to.columns, periods, admits, with_shapes=True)
    climb = Climb(to, ranking, plain, scales, to.budget, is_part=bool(part))
    curve_words = Dictionary(to.columns, periods, admits, with_curves=True) if task.with_curves else None
    enough = to.total * max(HOPELESS * left_by_products(ranking, plain.product_values), CLEAR**2 * to.spread)
    return _Search(climb, words, all_words, curve_words, enough, phases=phases, part=part)


def _within_limits(whole: _Search, task: Task, refits: float) -> bool:
    """Look for the law of the rows between the limits of a target, if it has any; return whether that is all.

    With the limits around it the best of these laws is one of those that no growth leads to.
    """
    to, watch = whole.to, whole.budget.watch
    if (ends := limits(to.target, log=to.log)) is None:
        return False
    rows = replace(to.take(ends.between), budget=Budget(LIMITED * refits, watch))
    inside = _begun(rows, task, BETWEEN, IN_WORDS["limits"]).run()
    around = (ends.around(fit.law) for fit in (inside.best, *inside.others)[:MADE])
    laws = [law for law in around if to.rules.admits(law)]
    try:
        whole.add_fitted(laws)
    except SearchStopped:
        # who stops the search waits for one more refit: the law of some rows is none of all of them as it is
        whole.wholes += whole.wholes or filter(None, (fitted(law, replace(to, budget=None)) for law in laws))
        raise
    # a tail that has come to nothing looks like a limit, and what is left of it like a long law
    return whole.is_plain(inside.best.law) and whole.a_whole_is_all([])
