"""Solve, refine where the answer is far from the laws, and solve again until the plan is proved good enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, SolverError
from kanopt.interrupt import Interrupt
from kanopt.problems.decisions import DecisionPlan, DecisionProblem
from kanopt.problems.result import Progress
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.clock import cpu_seconds
from kanopt.solvers.decisions.local_search import LocalSearch
from kanopt.solvers.decisions.lowered_laws import last_slacks, lower_laws
from kanopt.solvers.decisions.relaxation import Relaxation, relax
from kanopt.text import join_list

Floats = NDArray[np.float64]
_STARTS = 6
_TIGHTER = 0.1
_WANTED = 1e-3
"""The gap, as a share of the price, that is good enough where no tolerance was given."""
_SHARPER, _MOST_SHARPER = 0.1, 2
_MOST_ROUNDS = 100
_MOST_DELETIONS = 16


@dataclass(frozen=True)
class RelaxationResult:
    """What an engine found on a relaxation.

    Parameters
    ----------
    point
        Every quantity at the best point, or None.
    bound
        A lower bound on the relaxation's objective, less the error of the engine's own tolerances; minus infinity where
        there is none.
    infeasible
        Whether it proved that there is no point.
    finished
        Whether it stopped by itself.
    interrupted
        Whether the user stopped it.
    binaries, columns
        The size of its model.
    """

    point: Floats | None
    bound: float
    infeasible: bool = False
    finished: bool = True
    interrupted: bool = False
    binaries: int = 0
    columns: int = 0

    @property
    def size(self) -> str:
        """The size of the model in words."""
        return f"{self.binaries:,} binaries and {self.columns:,} columns"


@dataclass(frozen=True)
class EngineRequest:
    """What an engine is asked to find.

    Parameters
    ----------
    tolerance
        On the objective.
    price
        The price of the best plan known, or None: about what the objective will be.
    finer
        How many times the engine's rounding was too coarse.
    """

    tolerance: float
    price: float | None = None
    finer: int = 0


class Engine(Protocol):
    """What minimises a relaxation."""

    @property
    def name(self) -> str:
        """Name and version."""
        ...

    @property
    def max_refinements(self) -> int:
        """How often its rounding can be made finer."""
        ...

    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        """Minimise a relaxation."""
        ...


@dataclass(frozen=True, eq=False)
class PiecesModel:
    """A decision problem on straight pieces.

    Parameters
    ----------
    problem
        The problem.
    slacks
        How far the pieces of each constraint may be from its law at first.
    relaxation
        The pieces; a search makes them finer where its answers lie.
    wall, cpu
        When lowering began: the time limit counts from then.
    """

    problem: DecisionProblem
    slacks: tuple[float, ...]
    relaxation: Relaxation
    wall: float
    cpu: float


@dataclass(frozen=True, eq=False)
class FoundDecisions:
    """What a search found.

    Parameters
    ----------
    best, price
        The best values that meet every constraint, or None, and their price on the law.
    bound
        A lower bound on the law, minus infinity where there is none.
    relaxation
        The pieces in the end.
    answer, rounds
        The engine's last answer, and how often it was asked.
    conflict
        Which constraints cannot hold together, where that is why there is no plan.
    limit
        Why the plan is not proved to be within the tolerance, where pieces are the reason.
    time_is_over
        Whether the search ended with the time limit.
    wall_seconds, cpu_seconds
        What it took.
    history, interrupted
        As in :class:`~kanopt.solvers.Outcome`.
    """

    best: Floats | None
    price: float
    bound: float
    relaxation: Relaxation
    answer: RelaxationResult | None
    rounds: int
    conflict: str
    limit: str
    time_is_over: bool
    wall_seconds: float
    cpu_seconds: float
    history: tuple[Progress, ...]
    interrupted: bool


@dataclass
class RefinementRounds:
    """One search: the best plan on the law, the best bound, and the rounds between them.

    Parameters
    ----------
    model, engine, options
        What to solve, with what, and how.

    Attributes
    ----------
    bound
        The best lower bound on the law so far.
    rounds
        How often the engine was asked.
    tolerance
        How far above the bound a plan may be.
    """

    model: PiecesModel
    engine: Engine
    options: SolveOptions
    bound: float = -np.inf
    rounds: int = 0
    interrupted: bool = False
    _history: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problem = self.model.problem
        self._interrupt = Interrupt()
        self.local = LocalSearch(
            self.problem,
            self.model.wall + self.options.time_limit,
            stop_requested=lambda found: self._interrupt.should_stop(found=found),
        )
        self.answer: RelaxationResult | None = None
        self.tolerance = self.problem.optimality_tolerance
        self._finer, self._sharper, self._limit = 0, 0, ""
        self._slacks, self._relaxation = self.model.slacks, self.model.relaxation

    def run(self) -> FoundDecisions:
        """Search until the plan is proved to be within the tolerance, or time is up."""
        conflict = ""
        try:
            with self._interrupt:
                self._first_plans()
                while self._may_go_on and (
                    self._tighten_tolerance() if self._is_optimal else self._solve_once()
                ):
                    pass
                if self.answer is not None and self.answer.infeasible and self.local.best is None:
                    conflict = self._conflict()
        except KeyboardInterrupt:
            self.interrupted = True
        return FoundDecisions(
            best=self.local.best,
            price=self.local.price,
            bound=self.bound,
            relaxation=self._relaxation,
            answer=self.answer,
            rounds=self.rounds,
            conflict=conflict,
            limit="" if self._is_optimal else self._limit,
            time_is_over=self._seconds_left <= 0.0,
            wall_seconds=time.perf_counter() - self.model.wall,
            cpu_seconds=cpu_seconds() - self.model.cpu,
            history=tuple(self._history),
            interrupted=self.interrupted or self._interrupt.asked,
        )

    @property
    def _seconds_left(self) -> float:
        return self.options.time_limit - (time.perf_counter() - self.model.wall)

    @property
    def _is_optimal(self) -> bool:
        """Whether the plan is within the tolerance of the bound."""
        return self.local.price - self.bound <= self.tolerance

    @property
    def _may_go_on(self) -> bool:
        stopped = self.interrupted or self._interrupt.should_stop(found=self.local.best is not None)
        return self._seconds_left > 0.0 and not stopped and self.rounds < _MOST_ROUNDS

    def _first_plans(self) -> None:
        initial = self.options.initial
        if initial is not None:
            if not isinstance(initial, DecisionPlan):
                raise SolverError(
                    f"a decision problem starts from a DecisionPlan, not from a {type(initial).__name__}"
                )
            middle = self.problem.sample(1)[0]
            point = [
                initial.values.get(one.name, at) for one, at in zip(self.problem.records, middle, strict=True)
            ]
            self._search_and_report(lambda: self.local.improve(np.array(point, dtype=float)))
        # where every curve bends outwards, every local minimum is the global one
        whole = any(one.integer for one in self.problem.records)
        starts = 1 if self._relaxation.convex and not whole else _STARTS
        self._search_and_report(lambda: self.local.explore(self.options.seed, starts))
        if self.local.best is not None:
            self._relaxation.refine_around(self.local.best)

    def _search_and_report(self, search: Callable[[], object]) -> None:
        """Search, and report a better plan."""
        before = self.local.price
        search()
        if self.local.price < before:
            self._report()

    def _report(self) -> None:
        bound = self.bound if np.isfinite(self.bound) else None
        price = self.local.price if np.isfinite(self.local.price) else None
        step = Progress(time.perf_counter() - self.model.wall, price, bound)
        self._history.append(step)
        if self.options.progress is not None:
            self.options.progress(step)

    def _run(self, relaxation: Relaxation) -> RelaxationResult:
        options = replace(self.options, time_limit=max(self._seconds_left, 0.0), progress=None, initial=None)
        price = None if self.local.best is None else self.local.price
        return self.engine.run(relaxation, EngineRequest(self.tolerance, price, self._finer), options)

    def _solve_once(self) -> bool:
        """Run the engine once, and refine where its answer is not accurate; return whether to run it again."""
        relaxation = self._relaxation
        answer = self._run(relaxation)
        self.answer, self.rounds = answer, self.rounds + 1
        self.interrupted |= answer.interrupted
        if answer.infeasible:
            return False
        bound = answer.bound - relaxation.programs[0].certificate.high
        if bound > self.bound:
            self.bound = bound
            self._report()
        if answer.point is None:
            return False
        decided = answer.point[: relaxation.decisions]
        self._search_and_report(lambda: self.local.improve(decided))
        if self._is_optimal:
            return True
        if not answer.finished:
            return False
        return (
            relaxation.refine_at(answer.point)
            or self._tighten_constraints(decided)
            or self._refine_rounding()
        )

    def _refine_rounding(self) -> bool:
        """Make the rounding of the engine finer; return whether that is possible."""
        self._finer += 1
        return self._finer <= self.engine.max_refinements

    def _tighten_constraints(self, around: Floats) -> bool:
        """Make the pieces of constraints more accurate; return whether they were not accurate enough."""
        least = last_slacks(self.problem)
        proofs = [program.certificate for program in self._relaxation.programs[1:]]
        if all(proof.bound <= end for proof, end in zip(proofs, least, strict=True)):
            return False
        slacks = tuple(max(_TIGHTER * now, end) for now, end in zip(self._slacks, least, strict=True))
        return self._lower_finer(self.tolerance, slacks, around)

    def _tighten_tolerance(self) -> bool:
        """Tighten the tolerance if none was given and the gap is large beside the price; return whether to go on."""
        gap = self.local.price - self.bound
        if self.problem.tolerance is not None or gap <= _WANTED * abs(self.local.price):
            return False
        self._sharper += 1
        return self._sharper <= _MOST_SHARPER and self._lower_finer(_SHARPER * self.tolerance, self._slacks)

    def _lower_finer(self, tolerance: float, slacks: tuple[float, ...], around: Floats | None = None) -> bool:
        """Approximate the laws more closely; return whether that was possible."""
        try:
            laws = lower_laws(self.problem, tolerance, slacks)
        except FormulaError as error:
            self._limit = f"pieces nearer to the laws could not be made: {error}"
            return False
        self.tolerance, self._slacks = tolerance, slacks
        self._relaxation = relax(self.problem, laws)
        for point in (around, self.local.best):
            if point is not None:
                self._relaxation.refine_around(point)
        return True

    def _conflict(self) -> str:
        """Return constraints that cannot hold together: those that do not matter are left out one by one."""
        names = [rule.name for rule, _ in self.problem.constraint_laws]
        out: set[str] = set()
        for name in names[:_MOST_DELETIONS]:
            if self._seconds_left <= 0.0 or self._interrupt.asked:
                break
            answer = self._run(self._relaxation.without({*out, name}))
            if answer.infeasible:
                out.add(name)
        kept = [repr(name) for name in names if name not in out]
        proved = f"within the ranges of the decisions (proved by {self.engine.name})"
        if len(kept) == 1:
            return f"constraint {kept[0]} cannot hold {proved}"
        return f"constraints {join_list(kept)} cannot hold together {proved}"
