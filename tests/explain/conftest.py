"""A problem small enough to price by hand: buy or leave out each item of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
import pytest

from kanopt.problems.base import Assessment, Plan, Problem
from kanopt.problems.coverage import Coverage, CoverageWords, LeftOutPrice
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
    extrapolated: tuple[Extrapolation, ...] = ()
    frozen: tuple[FrozenInput, ...] = ()
    violations: tuple[Violation, ...] = ()

    @property
    def unit(self) -> str:
        return self.currency

    def laws(self) -> Mapping[str, Any]:
        return {}

    def table_uses(self) -> tuple[()]:
        return ()

    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        return self.frozen

    def assess(self, plan: Basket) -> ShoppingAssessment:
        return self._cached_assessment(plan, ShoppingAssessment)

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        return self.causes

    def plan_from(self, decision: Any) -> Basket:
        return Basket(tuple(decision))


class ShoppingAssessment(Assessment[Basket, tuple[Row, ...]]):
    problem: Shopping

    def views(self) -> tuple[()]:
        return ()

    def _simulate(self) -> tuple[Row, ...]:
        return self.plan.rows

    def _check(self) -> Check:
        left_out = tuple(
            Violation("unserved", name, 1.0, "", f"{name} is not bought") for name in self.plan.unserved
        )
        return Check(self.problem.violations + left_out)

    def _coverage(self) -> Coverage:
        unserved = self.plan.unserved
        return Coverage(
            CoverageWords("buys", "thing", "things"), len(self.plan.rows) if unserved else 0, unserved
        )

    def _left_out_price(self) -> LeftOutPrice:
        return LeftOutPrice(0.0, None, "what buying the rest would cost is not known")

    def _price(self) -> Pricing:
        return Pricing.of(self.simulation, self.problem.currency)

    def _reasons(self) -> tuple[Reason, ...]:
        return self.problem.causes

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        return self.problem.extrapolated

    def _law_uses(self) -> tuple[()]:
        return ()


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
        known = None if rows is None else problem.assess(Basket(tuple(rows), unserved))
        fields: dict[str, Any] = {
            "problem": problem,
            "assessment": known,
            "status": None if known is None else known.status,
            "bound": None,
            "certificate": None,
            "solver": "hand",
        }
        if problem.frozen and known is not None:
            law = known.pricing.objective
            fields["certificate"] = Certificate(law - 3.0, law - 3.0, law, 0.01, problem.frozen)
        return Result(**(fields | dict(about or {})))

    return make
