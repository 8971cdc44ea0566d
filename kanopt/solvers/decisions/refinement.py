"""Solve, look where the answer lies off the laws, make that finer, and solve again: until a proof is close enough."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, SolverError
from kanopt.problems.decisions import DecisionPlan, DecisionProblem
from kanopt.problems.result import EngineRun, Progress, Status
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.decisions.local_search import LocalSearch
from kanopt.solvers.decisions.lowered_laws import first_slacks, last_slacks, lower_laws
from kanopt.solvers.decisions.relaxation import Relaxation, relax

__all__ = ["Engine", "EngineRequest", "RefinementRounds", "RelaxationResult", "cpu_seconds"]

Floats = NDArray[np.float64]
_STARTS = 6
_TIGHTER = 0.1
_WANTED = 1e-3
"""The gap, as a share of the price, that is good enough where no tolerance was given."""
_SHARPER, _MOST_SHARPER = 0.1, 2
_MOST_ROUNDS = 100
_MOST_DELETIONS = 16


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it has waited for."""
    return sum(os.times()[:4])


@dataclass(frozen=True)
class RelaxationResult:
    """What an engine found on a relaxation.

    Parameters
    ----------
    point
        Every quantity at the best point, or None.
    bound
        A lower bound on the relaxation's objective, less what the engine's own tolerances hide; minus infinity where
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
    """What an engine is asked for.

    Parameters
    ----------
    tolerance
        On the objective.
    price
        Of the best plan known, or None: what the objective will be about.
    finer
        How often the engine's rounding has been too coarse.
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


@dataclass
class RefinementRounds:
    """One search: the best plan on the law, the best bound, and the rounds between them.

    Parameters
    ----------
    problem, engine, options
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

    problem: DecisionProblem
    engine: Engine
    options: SolveOptions
    bound: float = -np.inf
    rounds: int = 0
    interrupted: bool = False
    _history: list[Progress] = field(default_factory=list)
    _start: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=cpu_seconds)

    def __post_init__(self) -> None:
        self.local = LocalSearch(self.problem, self._start + self.options.time_limit)
        self.answer: RelaxationResult | None = None
        self.tolerance = self.problem.optimality_tolerance
        self._finer, self._sharper, self._limit = 0, 0, ""
        self._slacks = first_slacks(self.problem)
        self._relaxation = relax(self.problem, lower_laws(self.problem, self.tolerance, self._slacks))

    def run(self) -> Outcome:
        """Search until the plan is proved to be within the tolerance, or time is up."""
        self.options.refuse_deterministic(self.engine.name)
        message = ""
        try:
            self._first_plans()
            while self._may_go_on and (self._tighten_tolerance() if self._is_optimal else self._solve_once()):
                pass
            if self.answer is not None and self.answer.infeasible and self.local.best is None:
                message = self._conflict()
        except KeyboardInterrupt:
            self.interrupted = True
        return self._outcome(message)

    @property
    def _seconds_left(self) -> float:
        return self.options.time_limit - (time.perf_counter() - self._start)

    @property
    def _is_optimal(self) -> bool:
        """Whether the plan is within the tolerance of the bound."""
        return self.local.price - self.bound <= self.tolerance

    @property
    def _may_go_on(self) -> bool:
        return self._seconds_left > 0.0 and not self.interrupted and self.rounds < _MOST_ROUNDS

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
        # where every curve bends outwards, one valley is all there is
        whole = any(one.integer for one in self.problem.records)
        starts = 1 if self._relaxation.convex and not whole else _STARTS
        self._search_and_report(lambda: self.local.explore(self.options.seed, starts))
        if self.local.best is not None:
            self._relaxation.refine_around(self.local.best)

    def _search_and_report(self, search: Callable[[], object]) -> None:
        """Search, and tell of a better plan."""
        before = self.local.price
        search()
        if self.local.price < before:
            self._report()

    def _report(self) -> None:
        bound = self.bound if np.isfinite(self.bound) else None
        price = self.local.price if np.isfinite(self.local.price) else None
        step = Progress(time.perf_counter() - self._start, price, bound)
        self._history.append(step)
        if self.options.progress is not None:
            self.options.progress(step)

    def _run(self, relaxation: Relaxation) -> RelaxationResult:
        options = replace(self.options, time_limit=max(self._seconds_left, 0.0), progress=None, initial=None)
        price = None if self.local.best is None else self.local.price
        return self.engine.run(relaxation, EngineRequest(self.tolerance, price, self._finer), options)

    def _solve_once(self) -> bool:
        """Ask the engine once, and make finer what its answer asks for; return whether there is more to ask."""
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
        """Let the engine round less; return whether it can."""
        self._finer += 1
        return self._finer <= self.engine.max_refinements

    def _tighten_constraints(self, around: Floats) -> bool:
        """Bring the pieces of constraints nearer to their laws; return whether they were not near enough."""
        least = last_slacks(self.problem)
        proofs = [program.certificate for program in self._relaxation.programs[1:]]
        if all(proof.bound <= end for proof, end in zip(proofs, least, strict=True)):
            return False
        slacks = tuple(max(_TIGHTER * now, end) for now, end in zip(self._slacks, least, strict=True))
        return self._lower_finer(self.tolerance, slacks, around)

    def _tighten_tolerance(self) -> bool:
        """Ask for more where no tolerance was given and the gap is large beside the price; return whether to go on."""
        gap = self.local.price - self.bound
        if self.problem.tolerance is not None or gap <= _WANTED * abs(self.local.price):
            return False
        self._sharper += 1
        return self._sharper <= _MOST_SHARPER and self._lower_finer(_SHARPER * self.tolerance, self._slacks)

    def _lower_finer(self, tolerance: float, slacks: tuple[float, ...], around: Floats | None = None) -> bool:
        """Make pieces that are nearer to the laws; return whether they could be made."""
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
        """Return which constraints cannot hold together: each that does not matter is left out, one after the other."""
        names = [rule.name for rule, _ in self.problem.constraint_laws]
        out: set[str] = set()
        for name in names[:_MOST_DELETIONS]:
            if self._seconds_left <= 0.0:
                break
            answer = self._run(self._relaxation.without({*out, name}))
            if answer.infeasible:
                out.add(name)
        kept = [repr(name) for name in names if name not in out]
        proved = f"within the ranges of the decisions (proved by {self.engine.name})"
        if len(kept) == 1:
            return f"constraint {kept[0]} cannot hold {proved}"
        return f"constraints {', '.join(kept[:-1])} and {kept[-1]} cannot hold together {proved}"

    def _outcome(self, message: str) -> Outcome:
        history = tuple(self._history)
        if self.local.best is None:
            infeasible = self.answer is not None and self.answer.infeasible
            status = Status.INFEASIBLE if infeasible else Status.NO_PLAN
            return Outcome(
                None,
                status,
                None,
                None,
                0.0,
                history,
                self.interrupted,
                message or self._infeasibility_message(),
                self._message(),
            )
        program = self._relaxation.programs[0]
        rounding = program.certificate.bound
        seen = float(self._relaxation.values(self.local.best)[self._relaxation.objective])
        names = [one.name for one in self.problem.records]
        return Outcome(
            plan=DecisionPlan(dict(zip(names, self.local.best.tolist(), strict=True))),
            status=Status.OPTIMAL
            if self.local.price - self.bound <= self.problem.optimality_tolerance
            else Status.FEASIBLE,
            objective=seen,
            bound=self.bound + rounding if np.isfinite(self.bound) else None,
            rounding_bound=rounding,
            history=history,
            interrupted=self.interrupted,
            message=self._limit if not self._is_optimal else "",
            engines=self._message(),
            solver_view=self._solver_view(),
        )

    def _infeasibility_message(self) -> str:
        if self.interrupted:
            return "stopped before a first plan was found"
        if self._seconds_left <= 0.0:
            return "no plan within the time limit"
        return "no plan meets every constraint to a millionth; give limits more room"

    def _message(self) -> tuple[EngineRun, ...]:
        answer = self.answer
        told = "the first plan was good enough" if answer is None else f"round {self.rounds}: {answer.size}"
        spent = time.perf_counter() - self._start, cpu_seconds() - self._cpu
        won = self.local.best is not None
        return (EngineRun(self.engine.name, self.local.price if won else None, 0, *spent, won, told),)

    def _solver_view(self) -> tuple[str, ...]:
        """Return what the engine saw instead of the laws."""
        relaxation = self._relaxation
        proof = relaxation.programs[0].certificate
        saw = [f"the objective on straight pieces {proof}" if proof.segments else "a linear objective"]
        names = [rule.name for rule, _ in self.problem.constraint_laws]
        for name, program in zip(names, relaxation.programs[1:], strict=True):
            if program.certificate.segments:
                saw.append(f"{name} on straight pieces {program.certificate}, and looser by as much")
        if self.answer is not None and relaxation.curves:
            saw.append(f"of them, {self.answer.size}")
        return tuple(saw)
