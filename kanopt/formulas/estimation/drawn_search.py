"""The search for a law whose numbers are drawn together: from one law to the next, while the description gets shorter.

What a step would gain is foretold by a score test on the tape of the law (Rao 1948; for a variance between classes, of
its marginal likelihood). The best few are fitted, and the length of the description of the rows decides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kanopt.formulas.estimation.deviations import Classes, Columns, Deviations, rowwise
from kanopt.formulas.estimation.drawn import DrawnFit, fit_drawn
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.nodes import Array, Constant, Node, Product, Sum, rebuild

By = tuple[tuple[str, Columns], ...]
"""Constants, and the columns by which they differ."""

OPERATOR = 2.0 * float(np.log(12))
"""Length of the description of an operator: a choice among twelve (Rissanen 1978)."""
TRIES = 3
"""Laws that are fitted before the best of them is taken; twice as many where none is shorter."""
LAMBDAS = 10.0 ** np.arange(-4.0, 4.0)
"""Weights of a table or curve that are tried, in the mean information of its numbers."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A law that was foretold to make the description shorter by `gain`.

    Parameters
    ----------
    gain
        By how much.
    root
        The law; its constants have the values to begin with.
    by
        What they differ by.
    held
        Constants that keep their values.
    """

    gain: float
    root: Node
    by: By
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Attempt:
    """A law that was fitted, and the length of the description of the rows by it."""

    root: Node
    by: By
    fit: DrawnFit
    length: float

    @property
    def held(self) -> frozenset[str]:
        """Constants that kept their values."""
        return self.fit.held


class DrawnSearch(ABC):
    """A search on some rows.

    Parameters
    ----------
    rows
        The rows.
    log
        Whether logarithms are compared.
    should_stop
        Says whether time is up.
    """

    insist = 0.0
    """By how much a law has to shorten the description."""

    def __init__(
        self, rows: EstimationRows, *, log: bool, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.rows, self.log, self.should_stop = rows, log, should_stop

    @abstractmethod
    def deviations(self, name: str, columns: Columns) -> Deviations:
        """Return what a constant differs by."""

    @abstractmethod
    def length(self, fit: DrawnFit) -> float:
        """Return the length of the description of the rows by a law."""

    @abstractmethod
    def proposals(self, known: Attempt) -> Iterable[Sequence[Proposal]]:
        """Return laws with more in them, in an order of kinds: one that helps is taken from the first that has one."""

    @abstractmethod
    def plainer(self, known: Attempt) -> Iterator[Proposal]:
        """Yield laws with less in them."""

    def fitted(self, law: Proposal, start: DrawnFit | None = None) -> Attempt | None:
        """Return a law at its most probable numbers; None where it has none."""
        classes = [self.deviations(name, columns) for name, columns in law.by]
        fit = fit_drawn(law.root, self.rows, classes, start, log=self.log, held=law.held)
        # it is rounded, so that of two spellings of one law the first is taken
        return None if fit is None else Attempt(law.root, law.by, fit, round(self.length(fit), 4))

    def grown(self, known: Attempt | None, most: int) -> Attempt | None:
        """Return the law to which one grows in so many steps at most, without what is needless then."""
        for _ in range(most):
            if known is None or self.should_stop():
                return known
            longer = (self._best(known, each) for each in self.proposals(known))
            better = next((each for each in longer if each is not None), None)
            if better is None:
                break
            known = better
        return None if known is None else self.simplest(known)

    def _best(self, known: Attempt, proposals: Sequence[Proposal]) -> Attempt | None:
        """Return the best of the first laws that promise most, where it is better than the known one."""
        limit, best = known.length - self.insist, None
        ranked = sorted(proposals, key=lambda law: -law.gain)[: 2 * TRIES]
        for count, law in enumerate(ranked, start=1):
            if self.insist > 0.0 and law.gain <= self.insist:
                break
            trial = self.fitted(law, known.fit)
            if trial is not None and trial.length < (limit if best is None else best.length):
                best = trial
            if count >= TRIES and best is not None:
                break
        return best

    def simplest(self, known: Attempt) -> Attempt:
        """Return the law without what does not shorten the description as it must."""
        while True:
            trials = [self.fitted(law, known.fit) for law in self.plainer(known)]
            best = min((t for t in trials if t is not None), key=lambda t: t.length, default=known)
            if best is known or not best.length < known.length + self.insist:
                return known
            known = best


class ScoreTest:
    """What is foretold of laws that have more in them than a fitted one.

    Parameters
    ----------
    fit
        The fitted law.
    floor
        A mean square that is as good as zero.
    by_evidence
        Whether a constant costs what the rows tell of it beside the others, and not the same always (a prior that
        says as much as one row: Kass and Wasserman 1995, JASA 90).
    """

    def __init__(self, fit: DrawnFit, floor: float, *, by_evidence: bool = False) -> None:
        self.fit, self.floor, self.count = fit, floor + np.finfo(float).tiny, fit.residual.size
        self.by_evidence = by_evidence
        self.theta, slope = rowwise(fit.numbers, fit.free, fit.classes, self.count)
        self.slope = fit.slopes * slope

    def effect(self, name: str, *, factor: bool = False) -> Array:
        """Return the weighted derivative of the fitted values in a constant of each row, or in its logarithm; (n,)."""
        place = self.fit.free.blocks[name].start
        slopes = self.fit.slopes[place]
        return np.asarray(slopes * self.theta[place] if factor else slopes)

    @cached_property
    def own(self) -> list[Array]:
        """Derivatives of the fitted values in the deviations of the classes of a row."""
        return [self.effect(each.name, factor=each.factor) for each in self.fit.classes]

    def gain(self, squares: float, volume: float = 0.0) -> float:
        """Return by how much shorter the description is with so many squares left, and so much more to tell."""
        before, after = self.fit.squares / self.count, max(squares / self.count, 0.0)
        return self.count * float(np.log(before + self.floor) - np.log(after + self.floor)) - volume

    @np.errstate(all="ignore")
    def of_constants(self, *columns: Array) -> float:
        """Return what constants gain of which these are the derivatives of the fitted values; (n,) each."""
        z = np.column_stack(columns)
        own = z.T @ z
        if not np.isfinite(own).all():
            return -np.inf
        left = own - self._explained(z)
        if not (left.diagonal() > 1e-6 * own.diagonal()).all():
            return -np.inf
        slope = z.T @ self.fit.residual
        told = len(columns) * float(np.log(self.count))
        if self.by_evidence:
            size = np.sqrt(own.diagonal() / self.count)
            told = float(np.linalg.slogdet(left / np.outer(size, size) + np.eye(len(columns)))[1])
        try:
            return self.gain(self.fit.squares - float(slope @ np.linalg.solve(left, slope)), told)
        except np.linalg.LinAlgError:
            return -np.inf

    def _explained(self, z: Array) -> Array:
        """Return the products of columns, (n, k), as far as the numbers of the law explain them, (k, k)."""
        across = np.vstack([self.slope @ z, *(self._by_class(each, own, z) for each, own in self._blocks)])
        return np.asarray(across.T @ self.fit.inverse @ across)

    @property
    def _blocks(self) -> Iterator[tuple[Deviations, Array]]:
        return zip(self.fit.classes, self.own, strict=True)

    @staticmethod
    def _by_class(each: Deviations, own: Array, z: Array) -> Array:
        return np.column_stack([each.gathered(own * column) for column in z.T])

    @np.errstate(all="ignore")
    def of_deviations(self, each: Deviations, z: Array) -> float:
        """Return what it gains that a constant of which z is the derivative differs by class, or with a number.

        What the law explains already is taken off for curves alone: tables have hundreds of numbers.
        """
        slope, told = each.gathered(z * self.fit.residual), float(np.log(self.count))
        if isinstance(each, Classes):
            known = each.gathered(z * z)
        else:
            moved = each.basis * z[:, None]
            if not np.isfinite(moved.T @ moved).all():
                return -np.inf
            known, turned = np.linalg.eigh(moved.T @ moved - self._explained(moved))
            known, slope = np.maximum(known, 0.0), slope @ turned
            told *= 1.0 + float(np.sum(~each.pulled))
        held = LAMBDAS[:, None] * max(float(known.mean()), 1e-300)
        gained = (slope**2 / (known + held)).sum(axis=1)
        volume = np.log1p(known / held).sum(axis=1) + told
        pairs = zip(gained.tolist(), volume.tolist(), strict=True)
        return max(self.gain(self.fit.squares - less, more) for less, more in pairs)


def with_value(root: Node, name: str, value: float) -> Node:
    """Return a graph with a number in the place of a constant."""
    return rebuild(
        root, lambda node: Constant(value) if isinstance(node, Constant) and node.name == name else node
    )


def with_factor(root: Node, name: str, factor: Node) -> Node:
    """Return a graph with a constant times a factor in the place of the constant."""
    return _in_place_of(root, name, lambda node: Product((node, factor)))


def with_term(root: Node, name: str, term: Node) -> Node:
    """Return a graph with a constant and a term in the place of the constant."""
    return _in_place_of(root, name, lambda node: Sum((node, term)))


def _in_place_of(root: Node, name: str, make: Callable[[Node], Node]) -> Node:
    return rebuild(
        root, lambda node: make(node) if isinstance(node, Constant) and node.name == name else node
    )
