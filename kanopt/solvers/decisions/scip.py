"""Decision problems solved by SCIP on the laws themselves, where PySCIPOpt is installed.

SCIP (Bolusani and others 2024, "The SCIP Optimization Suite 9.0") branches on the decisions and bounds every step of a
law by convex functions of its own. That is fast, and its bound is that of floating point within a tolerance, where the
pieces in HiGHS and CP-SAT come with a certificate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.enclosures.values import is_finite_throughout
from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Minimum,
    Power,
    Product,
    Sum,
    fold,
    postorder,
)
from kanopt.interrupt import Interrupt
from kanopt.problems.base import Problem
from kanopt.problems.decisions import DecisionPlan, DecisionProblem
from kanopt.problems.result import EngineRun, Progress, Status
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.clock import cpu_seconds
from kanopt.solvers.decisions.encoding import encode_laws
from kanopt.solvers.decisions.local_search import LocalSearch
from kanopt.solvers.encodings import Encoding
from kanopt.text import number_text, range_text

Floats = NDArray[np.float64]
_FUNCTIONS = frozenset(
    ("abs", "cos", "exp", "log", "log1p", "logistic", "relu", "sin", "softplus", "sqrt", "square", "tanh")
)
_TAKEN = (Apply, Constant, Input, Maximum, Minimum, Power, Product, Sum)
_GAP = 0.5
"""The share of the tolerance at which SCIP need not go on."""
_FEASIBLE = 1e-7
_INFINITE = 1e20
_STOPPED = "userinterrupt"
_POLL = 0.05
_HIDDEN = 1e-6
"""What SCIP's tolerance may hide of an objective, relative to it and below one."""
_NEAR_POLE = 1e-9
"""How near to zero SCIP looks for arguments of logarithms and bases of negative powers; at zero it answers wrongly."""
_UNPROVED = (
    "a law has a pole in the ranges of its decisions, of which SCIP proves nothing; narrow the ranges so that no "
    "logarithm, division or power there is one of zero"
)


class ScipNative(Solver):
    """The laws as they are in SCIP: no pieces, no certificate, fast.

    Laws may have no finite value in parts of the box; points there are excluded. Where a step of a law has a pole in
    the box, such as the logarithm of something that may be zero, SCIP (10.0) calls plans optimal that are not, and
    denies that there are any: then nothing but the plan is taken from it. Curves, steps and the arc tangent are not
    supported.
    """

    @property
    def name(self) -> str:
        """Name and version."""
        installed = _installed()
        return f"SCIP (PySCIPOpt {installed})" if installed else "SCIP"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a decision problem of functions that SCIP has, where it is installed."""
        if not isinstance(problem, DecisionProblem):
            return "it solves decision problems"
        if not _installed():
            return "PySCIPOpt is not installed (pip install pyscipopt)"
        unsupported = next(_unsupported(problem), "")
        return f"SCIP has no {unsupported}" if unsupported else ""

    def encoding(self, problem: Any) -> Encoding:
        """Return how a problem that it accepts is encoded."""
        return encode_laws(problem, "the laws themselves", self.name)

    def lower(self, problem: DecisionProblem, options: SolveOptions) -> _ScipModel:
        """Return the laws as expressions of SCIP."""
        options.refuse_deterministic(self.name)
        return _ScipModel(problem)

    def search(self, model: _ScipModel, options: SolveOptions) -> _FoundValues:
        """Run SCIP, and polish the best plan on the law."""
        model.minimise(options)
        stopped, local = model.scip.getStatus(), LocalSearch(model.problem)
        if model.scip.getNSols():
            local.improve(np.array([model.scip.getVal(variable) for variable in model.decided.values()]))
        if local.best is None and (stopped == _STOPPED or not model.proves):
            local.explore(options.seed, 1)
        dual = float(model.scip.getDualbound())
        bound = dual if model.proves and abs(dual) < model.scip.infinity() else None
        history: tuple[Progress, ...] = ()
        if local.best is not None:
            history = (Progress(time.perf_counter() - model.wall, local.price, bound),)
            if options.progress is not None:
                options.progress(history[0])
        spent = time.perf_counter() - model.wall, cpu_seconds() - model.cpu
        message = f"{model.scip.getNNodes():,} nodes, ended with {stopped}"
        price = local.price if local.best is not None else None
        run = EngineRun(self.name, price, 0, *spent, local.best is not None, message)
        return _FoundValues(local.best, local.price, bound, stopped, history, run)

    def raise_plan(self, model: _ScipModel, found: _FoundValues) -> Outcome:
        """Return the best values as a plan; the rounding bound covers SCIP's tolerance."""
        interrupted = found.stopped == _STOPPED
        if found.best is None:
            status, message = Status.NO_PLAN, "no plan within the time limit"
            if not model.proves and not interrupted:
                message = f"no plan was found, which does not prove that there is none: {_UNPROVED}"
            elif found.stopped == "infeasible":
                status = Status.INFEASIBLE
                message = f"no values within the ranges meet every constraint (found by {self.name})"
            elif interrupted:
                message = "stopped before a first plan was found"
            return Outcome(None, status, None, None, 0.0, (), interrupted, message, (found.run,))
        hidden, bound = _HIDDEN * max(1.0, abs(found.price)), found.bound
        close = bound is not None and found.price - (bound - hidden) <= model.problem.optimality_tolerance
        plan = DecisionPlan(dict(zip(model.decided, found.best.tolist(), strict=True)))
        return Outcome(
            plan=plan,
            status=Status.OPTIMAL if close else Status.FEASIBLE,
            objective=model.objective(plan.values),
            bound=bound,
            rounding_bound=hidden,
            history=found.history,
            interrupted=interrupted,
            engines=(found.run,),
            solver_view=(
                "the laws themselves; its bound is that of floating point within "
                f"{number_text(_FEASIBLE)}, not certified"
                if model.proves
                else f"the laws themselves; no bound is claimed: {_UNPROVED}",
            ),
        )


def _installed() -> str:
    """Return the version of PySCIPOpt, empty where it is not installed."""
    try:
        return version("pyscipopt")
    except PackageNotFoundError:
        return ""


def _has_pole(problem: DecisionProblem) -> bool:
    """Return whether a step of some law may have a pole within the ranges of the decisions."""
    ranges = {one.name: (one.low, one.high) for one in problem.records}
    formulas = (problem.objective_formula, *(law.as_formula for _, law in problem.constraint_laws))
    try:
        return not all(
            is_finite_throughout(formula, {each.name: ranges[each.name] for each in formula.inputs})
            for formula in formulas
        )
    except FormulaError:  # it has no value anywhere
        return True


def _unsupported(problem: DecisionProblem) -> Iterator[str]:
    """Name the ranges, numbers and steps of laws that SCIP does not have."""
    for one in problem.records:
        if max(abs(one.low), abs(one.high)) >= _INFINITE:
            ends = range_text(one.low, one.high)
            yield f"range {ends} (of {one.name!r}); {number_text(_INFINITE)} is infinite to it"
    for law in (*problem.objective_terms, *(law for _, law in problem.constraint_laws)):
        for node in postorder(law.as_formula.root):
            if isinstance(node, Constant) and abs(node.value) >= _INFINITE:
                yield f"number {number_text(node.value)} (in {law.name!r}); {number_text(_INFINITE)} is infinite to it"
            elif isinstance(node, Apply) and node.function not in _FUNCTIONS:
                yield f"{node.function} (in {law.name!r})"
            elif not isinstance(node, _TAKEN):
                yield f"{type(node).__name__.lower()} {getattr(node, 'name', '')!r} (in {law.name!r})"


class _ScipModel:
    """A problem in SCIP, and when its lowering began: times count from then."""

    def __init__(self, problem: DecisionProblem) -> None:
        from pyscipopt import Model

        self.wall, self.cpu = time.perf_counter(), cpu_seconds()
        self.problem = problem
        self.proves = not _has_pole(problem)
        """Whether what SCIP says of plans that it did not find can be relied on."""
        self.scip = Model()
        self.scip.hideOutput()
        self.decided = {
            one.name: self.scip.addVar(one.name, lb=one.low, ub=one.high, vtype="I" if one.integer else "C")
            for one in problem.records
        }
        self._writer = _ExpressionWriter(self.scip, self.decided)
        self._price = self._writer.expression(problem.objective_formula)
        total = self.scip.addVar("objective", lb=None)
        self.scip.addCons(self._price <= total)
        for rule, law in problem.constraint_laws:
            value = self._writer.expression(law.as_formula)
            if np.isfinite(rule.high):
                self.scip.addCons(value <= rule.high)
            if np.isfinite(rule.low):
                self.scip.addCons(value >= rule.low)
        self.scip.setObjective(total)

    def minimise(self, options: SolveOptions) -> None:
        """Search within the time limit, or until Ctrl-C."""
        self.scip.setParams(
            {
                "misc/catchctrlc": False,  # SCIP would keep from Python what it catches itself
                "limits/time": max(options.time_limit, 0.0),
                "limits/absgap": _GAP * self.problem.optimality_tolerance,
                "randomization/randomseedshift": options.seed % 2**31,
                "numerics/feastol": _FEASIBLE,
            }
        )
        with Interrupt() as interrupt, ThreadPoolExecutor(1) as pool:
            search = pool.submit(self.scip.optimizeNogil)
            try:
                while not search.done():
                    wait([search], _POLL)
                    if interrupt.asked:
                        self.scip.interruptSolve()
            except KeyboardInterrupt:
                self.scip.interruptSolve()
                raise
            search.result()

    def objective(self, values: Mapping[str, float]) -> float:
        """Return the objective that SCIP computes for values; this discards its search."""
        return self._writer.value(self._price, values)


@dataclass(frozen=True, eq=False)
class _FoundValues:
    """The best values after polishing and their price on the law, SCIP's bound, and how it stopped."""

    best: Floats | None
    price: float
    bound: float | None
    stopped: str
    history: tuple[Progress, ...]
    run: EngineRun


@dataclass
class _ExpressionWriter:
    """Writes laws as expressions of a model, as :class:`kanopt.formulas.spelling.Writer` writes them as texts.

    PySCIPOpt multiplies polynomials out; a sum that is a factor or a base gets a variable of its own instead.
    """

    model: Any
    decided: dict[str, Any]
    _helpers: list[tuple[Any, Any]] = field(default_factory=list)

    def value(self, price: Any, values: Mapping[str, float]) -> float:
        """Return the value of an expression at given decisions, after a search."""
        self.model.freeTransform()
        point = self.model.createSol()
        for name, variable in self.decided.items():
            self.model.setSolVal(point, variable, values[name])
        for variable, meaning in self._helpers:
            known = meaning if isinstance(meaning, float) else self.model.getSolVal(point, meaning)
            self.model.setSolVal(point, variable, known)
        return float(self.model.getSolVal(point, price))

    def expression(self, law: Formula) -> Any:
        """Return a law as an expression."""
        writer: Any = self
        found = fold(law.root, lambda node, parts: node.spell(writer, parts))
        return (
            found
            if hasattr(found, "__le__") and not isinstance(found, float)
            else self._equality_variable(found)
        )

    def _equality_variable(self, value: Any, low: float | None = None) -> Any:
        """Return a variable that is equal to an expression or a number, where that is at least `low`."""
        variable = self.model.addVar(lb=low)
        self.model.addCons(variable == value)
        self._helpers.append((variable, value))
        return variable

    def _single(self, value: Any) -> Any:
        """Return an expression that PySCIPOpt does not multiply out."""
        return self._equality_variable(value) if len(getattr(value, "terms", ())) > 1 else value

    def constant(self, value: float) -> float:
        return value

    def input(self, name: str) -> Any:
        return self.decided[name]

    def sum(self, parts: list[Any]) -> Any:
        return sum(parts[1:], start=parts[0])

    def product(self, parts: list[Any]) -> Any:
        product = parts[0] if len(parts) == 1 else 1.0
        for part in parts if len(parts) > 1 else ():
            product = product * self._single(part)
        return product

    def extreme(self, which: str, parts: list[Any]) -> Any:
        extreme, sign = parts[0], 1.0 if which == "max" else -1.0
        for part in parts[1:]:
            extreme = 0.5 * (extreme + part) + 0.5 * sign * abs(extreme - part)
        return extreme

    def power(self, base: Any, exponent: Any, value: float | None) -> Any:
        from pyscipopt import exp

        if isinstance(exponent, float):
            return base**exponent if isinstance(base, float) else self._single(base) ** exponent
        if isinstance(base, float):
            return exp(np.log(base) * exponent)
        return exp(exponent * self._log(base))

    def _log(self, argument: Any) -> Any:
        from pyscipopt import log

        return log(self._equality_variable(argument, low=_NEAR_POLE))

    def apply(self, function: str, argument: Any) -> Any:
        import pyscipopt

        if isinstance(argument, float):
            argument = self._equality_variable(argument)
        match function:
            case "abs":
                return abs(argument)
            case "log":
                return self._log(argument)
            case "log1p":
                return self._log(1.0 + argument)
            case "square":
                return self._single(argument) ** 2
            case "relu":
                return 0.5 * argument + 0.5 * abs(argument)
            case "logistic":
                return 1.0 / (1.0 + pyscipopt.exp(-argument))
            case "softplus":
                return pyscipopt.log(1.0 + pyscipopt.exp(argument))
            case "tanh":
                return 1.0 - 2.0 / (1.0 + pyscipopt.exp(2.0 * argument))
        return getattr(pyscipopt, function)(argument)
