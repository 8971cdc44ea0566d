"""What a plan serves of what is wanted, what it leaves out, and the price of that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kanopt.plans.findings import Violation
from kanopt.text import amount_text, count_text, join_list, money_text, number_text

# The sites, vehicles or machines that a plan uses, and how two plans differ in them.

_MOST_IN_USE = 8


@dataclass(frozen=True)
class InUse:
    """The sites, vehicles or machines that a plan uses.

    Parameters
    ----------
    begins, ends
        How it is told that one, or several, come into use and are no longer used: ``("opens", "open")``.
    names
        The things in use.

    Examples
    --------
    >>> words = ("opens", "open"), ("closes", "close")
    >>> before, after = InUse(*words, ("north", "south")), InUse(*words, ("south", "east", "west"))
    >>> after.changes_from(before)
    ('north closes', 'east and west open')
    """

    begins: tuple[str, str]
    ends: tuple[str, str]
    names: tuple[str, ...] = ()

    def changes_from(self, before: InUse) -> tuple[str, ...]:
        """Say what another plan used and this one does not, and the reverse, in clauses."""
        ended = [name for name in before.names if name not in self.names]
        begun = [name for name in self.names if name not in before.names]
        both = ((ended, self.ends), (begun, self.begins))
        return tuple(
            f"{join_list(names, _MOST_IN_USE)} {verbs[len(names) > 1]}" for names, verbs in both if names
        )


# The rules that a plan breaks, in a sentence for each: how many break it, and the worst of them.

UNSERVED = "unserved"
"""The constraint of what must be served and is not; :class:`Coverage` tells it."""
_MOST_BROKEN = 5


class RuleWords(NamedTuple):
    """How the breaking of a rule is told.

    Parameters
    ----------
    one, many
        Who breaks it and how, for one and for several: ``"client is served after its window closes"``.
    """

    one: str
    many: str


def broken_rule_sentences(violations: Sequence[Violation], words: Mapping[str, RuleWords]) -> tuple[str, ...]:
    """Return a sentence, without its full stop, for each rule that is broken, in the order of the violations.

    Parameters
    ----------
    violations
        Of a check. What must be served and is not is left to the plan's coverage.
    words
        Constraint to the words for it; places where another one is broken are told one by one.

    Examples
    --------
    >>> late = [Violation("time window", f"client c{i}", 2.0 * i, "min", f"client c{i} is late") for i in (3, 7)]
    >>> words = {"time window": RuleWords("client is served too late", "clients are served too late")}
    >>> broken_rule_sentences(late, words)
    ('2 clients are served too late, the worst c7 by 14 min',)
    >>> broken_rule_sentences(late[:1], words)
    ('client c3 is late',)
    """
    by_rule: dict[str, list[Violation]] = {}
    for violation in violations:
        rule = violation.constraint
        if rule != UNSERVED:
            by_rule.setdefault(rule if rule in words else violation.message, []).append(violation)
    return tuple(_sentence(broken, words.get(rule)) for rule, broken in by_rule.items())


def _sentence(broken: Sequence[Violation], words: RuleWords | None) -> str:
    if words is None or len(broken) == 1:
        return broken[0].message.rstrip(".")
    where = list(dict.fromkeys(violation.where for violation in broken))
    noun, _, clause = words.one.partition(" ")
    worst = max(broken, key=lambda violation: violation.amount)
    by = ""
    units = {violation.unit for violation in broken}
    if units.isdisjoint({"", noun}) and len(units) == 1 and math.isfinite(worst.amount):
        by = f" by {amount_text(worst.amount, worst.unit)}"
    if len(where) == 1:
        return f"{where[0]} {clause} {len(broken):,} times" + (f", at worst{by}" if by else "")
    names = [name.removeprefix(f"{noun} ") for name in where]
    times = f" ({len(broken):,} times)" if len(broken) > len(where) else ""
    counted = f"{count_text(len(where), *words)}{times}"
    if by:
        return f"{counted}, the worst {worst.where.removeprefix(f'{noun} ')}{by}"
    return f"{counted}: {join_list(names, _MOST_BROKEN)}"


_SAME = 1e-6
_DIGITS = 6
_NAMES = 5


@dataclass(frozen=True)
class CoverageWords:
    """How a kind of problem words what its plans serve.

    Parameters
    ----------
    verb
        What a plan does: ``"serves"``, ``"supplies"``, ``"finishes"``, ``"keeps"``.
    one, many
        What that is done to.
    fully
        How it is done to those that are not left out, such as ``"in time"``; empty where there is but one way.
    """

    verb: str
    one: str
    many: str
    fully: str = ""

    def count(self, things: int) -> str:
        """Return how many there are of what is served."""
        return count_text(things, self.one, self.many)


@dataclass(frozen=True)
class Coverage:
    """What a plan serves of what is wanted, and what it leaves out.

    Parameters
    ----------
    words
        The words for it.
    things
        How many clients, markets, jobs or constraints there are.
    left_out
        Names of those that are not served, or not in full.
    served, wanted
        The same in amounts; both are zero where there are none.
    unit
        Unit of the amounts.
    lacking
        What those that are left out are: ``"left out"``, ``"short"``, ``"late"``, ``"broken"``.
    why
        Why nothing is served, where nothing is.

    Examples
    --------
    >>> words = CoverageWords("serves", "client", "clients")
    >>> some = Coverage(words, 4, ("c03", "c04"), served=3.5, wanted=6.0, unit="t")
    >>> print(some)
    serves 3.5 of 6 t (2 of 4 clients); left out: c03 and c04
    >>> print(Coverage(words, 4, served=6.0, wanted=6.0, unit="t"))
    serves all 4 clients (6 t)
    """

    words: CoverageWords
    things: int
    left_out: tuple[str, ...] = ()
    served: float = 0.0
    wanted: float = 0.0
    unit: str = ""
    lacking: str = "left out"
    why: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is left out."""
        return not self.left_out

    @property
    def amount(self) -> str:
        """How much is served, in as few words as a tile has room for; empty where nothing is wanted.

        Examples
        --------
        >>> Coverage(CoverageWords("keeps", "constraint", "constraints"), 3, ("shift",)).amount
        '2 of 3 constraints'
        """
        if not self.things:
            return ""
        if self.wanted <= 0:
            return self._counted
        if self.complete:
            return amount_text(self.wanted, self.unit, _DIGITS)
        return f"{number_text(self.served, _DIGITS)} of {amount_text(self.wanted, self.unit, _DIGITS)}"

    @property
    def text(self) -> str:
        """What is served and what is left out, as the predicate of a sentence; empty where nothing is wanted."""
        if not self.things:
            return ""
        verb = self.words.verb
        if self.complete:
            amount = f" ({self.amount})" if self.wanted > 0 else ""
            return f"{verb} {self._counted}{amount}"
        counted = f"{self.amount} ({self._counted})" if self.wanted > 0 else self._counted
        return f"{verb} {counted}{f': {self.why}' if self.why else ''}; {self.missing}"

    @property
    def missing(self) -> str:
        """What is left out, by name; empty where nothing is."""
        return "" if self.complete else f"{self.lacking}: {join_list(self.left_out, _NAMES)}"

    def same_as(self, other: Coverage) -> bool:
        """Whether another plan serves the same, so that the prices of the two compare like with like."""
        return (
            set(self.left_out) == set(other.left_out)
            and self.things == other.things
            and self.unit == other.unit
            and math.isclose(self.served, other.served, rel_tol=_SAME, abs_tol=_SAME)
        )

    def is_less_than(self, other: Coverage) -> bool:
        """Whether fewer things or a smaller amount are served than by another plan, and nothing more.

        Examples
        --------
        >>> words = CoverageWords("finishes", "job", "jobs", "in time")
        >>> whole, some = Coverage(words, 4), Coverage(words, 4, ("j3",))
        >>> some.is_less_than(whole), whole.is_less_than(some), whole.is_less_than(whole)
        (True, False, False)
        """
        more = self.things - len(self.left_out) - (other.things - len(other.left_out))
        amount = self.served - other.served
        if math.isclose(self.served, other.served, rel_tol=_SAME, abs_tol=_SAME):
            amount = 0.0
        return self.unit == other.unit and max(more, amount) <= 0 and min(more, amount) < 0

    def against(self, other: Coverage) -> str:
        """Say what is served instead of what another plan serves; empty where that is the same.

        Examples
        --------
        >>> words = CoverageWords("serves", "client", "clients")
        >>> whole, some = Coverage(words, 4, (), 6.0, 6.0, "t"), Coverage(words, 4, ("c3",), 4.5, 6.0, "t")
        >>> some.against(whole), whole.against(some), whole.against(whole)
        ('serves 1 client fewer (1.5 t less)', 'serves 1 client more (1.5 t more)', '')
        """
        if self.same_as(other):
            return ""
        more = self.things - len(self.left_out) - (other.things - len(other.left_out))
        if more:
            compared, fully = (
                "more" if more > 0 else "fewer",
                f" {self.words.fully}" if self.words.fully else "",
            )
            amount = self._amount_against(other)
            if self.unit == other.unit and more * (self.served - other.served) < 0:
                # what is wanted has changed too, which explains that the one falls while the other rises
                amount = f"though {amount}: {self.amount} instead of {other.amount}"
            return f"{self.words.verb} {self.words.count(abs(more))} {compared}{fully}" + (
                f" ({amount})" if amount else ""
            )
        if amount := self._amount_against(other):
            own = amount_text(self.served, self.unit if self.unit != other.unit else "", _DIGITS)
            return f"{self.words.verb} {own} instead of {amount_text(other.served, other.unit, _DIGITS)}"
        names = [join_list(each.left_out, _NAMES) or "nothing" for each in (self, other)]
        return f"has {names[0]} {self.lacking} instead of {names[1]}"

    def _amount_against(self, other: Coverage) -> str:
        """Say how much more or less is served in amounts; empty where that is the same."""
        if self.unit != other.unit:
            served = (amount_text(each.served, each.unit, _DIGITS) for each in (self, other))
            return " instead of ".join(served)
        if math.isclose(self.served, other.served, rel_tol=_SAME, abs_tol=_SAME):
            return ""
        more = self.served - other.served
        return f"{amount_text(abs(more), self.unit, _DIGITS)} {'more' if more > 0 else 'less'}"

    @property
    def _counted(self) -> str:
        served, counted = self.things - len(self.left_out), self.words.count(self.things)
        if not self.complete:
            counted = f"{served:,} of {counted}"
        elif self.things > 1:
            counted = f"all {counted}"
        return f"{counted} {self.words.fully}".rstrip()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class LeftOutPrice:
    """The price of what a plan leaves out.

    Parameters
    ----------
    paid
        What the price of the plan holds for it: prizes, costs of shortages, lateness.
    more
        What serving the rest would cost on top: nothing, or None where that is not known.
    text
        Both in words.
    """

    paid: float
    more: float | None
    text: str

    @property
    def amount(self) -> float | None:
        """The whole price of what is left out; None where a part of it is not known."""
        return None if self.more is None else self.paid + self.more

    @classmethod
    def of(cls, paid: float, unit: str = "", paid_for: str = "", unknown: str = "") -> LeftOutPrice:
        """Return the price of what is paid for, and of what nobody knows what it would cost; either may be empty.

        Examples
        --------
        >>> LeftOutPrice.of(40.0, "EUR", "prizes", "serving a").text
        'the price holds 40.00 EUR for prizes; what serving a would cost is not known'
        """
        told = [f"the price holds {money_text(paid, unit)} for {paid_for}"] * bool(paid_for)
        told += [f"what {unknown} would cost is not known"] * bool(unknown)
        return cls(paid, None if unknown else 0.0, "; ".join(told))
