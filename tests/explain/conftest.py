"""A problem small enough to price by hand: buy or leave out each item of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
import pytest

from kanopt.problems.base import Plan, Problem
from kanopt.problems.evaluate import status_of
from kanopt.problems.findings import Check, Extrapolation, FrozenInput, Reason, Violation
from kanopt.problems.pricing import Pricing
from kanopt.problems.result import Certificate, Result

Row = tuple[str, str, str, float]


@dataclass(frozen=True)
class Basket(Plan):
    rows: tuple[Row, ...]
    unserved: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame([row[:3] for row in self.rows], columns=["term", "shop", "item"])


@dataclass(frozen=True)
class Shopping(Problem[Basket]):
    """Prices are written on the plan; everything else is what a test wants to see explained."""

    kind: ClassVar[str] = "shopping"
    currency: str = "EUR"
    causes: tuple[Reason, ...] = ()
    leaps: tuple[Extrapolation, ...] = ()
    frozen: tuple[FrozenInput, ...] = ()
    violations: tuple[Violation, ...] = ()

    @property
    def unit(self) -> str:
        return self.currency

    def laws(self) -> Mapping[str, Any]:
        return {}

    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        return self.frozen

    def check(self, plan: Basket) -> Check:
        left_out = tuple(
            Violation("unserved", name, 1.0, "", f"{name} is not bought") for name in plan.unserved
        )
        return Check(self.violations + left_out)

    def price(self, plan: Basket, *, frozen: bool = False) -> Pricing:
        return Pricing.of(plan.rows, self.currency)

    def reasons(self, plan: Basket | None) -> tuple[Reason, ...]:
        return self.causes

    def extrapolations(self, plan: Basket) -> tuple[Extrapolation, ...]:
        return self.leaps

    def views(self, plan: Basket) -> tuple[()]:
        return ()

    def plan_from(self, decision: Any) -> Basket:
        return Basket(tuple(decision))


Shop = Callable[..., Result]


@pytest.fixture(scope="session")
def shop() -> Shop:
    """Return a function that makes a result from price rows and from what there is to say about them."""

    def make(
        rows: Iterable[Row] | None,
        unserved: tuple[str, ...] = (),
        about: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> Result:
        problem = Shopping(**said)
        plan = None if rows is None else Basket(tuple(rows), unserved)
        fields: dict[str, Any] = {
            "problem": problem,
            "plan": plan,
            "status": None if plan is None else status_of(problem, plan),
            "pricing": None if plan is None else problem.price(plan),
            "bound": None,
            "check": Check() if plan is None else problem.check(plan),
            "certificate": None,
            "solver": "hand",
        }
        if problem.frozen and plan is not None:
            law = problem.price(plan).objective
            fields["certificate"] = Certificate(law - 3.0, law - 3.0, law, 0.01, problem.frozen)
        return Result(**(fields | dict(about or {})))

    return make
