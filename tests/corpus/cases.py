"""What is recorded of each case: the prices, checks, reasons and tables of frozen plans; no sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

import kanopt as ko
from kanopt.plans.result import Certificate
from kanopt.questions import Comparison
from kanopt.scenarios import LearnedLaw
from tests.cases.answers import variant_of
from tests.corpus import recording as say
from tests.corpus.problems import PLANS, PROBLEMS

__all__ = ["BASES", "CASES", "HERE", "VARIANTS", "comparison_of", "run_of", "scenario_of"]

HERE = Path(__file__).parent
BASES = ("parcel_city", "sioux_falls", "workshop", "supply_network", "coffee")
VARIANTS = {
    "parcel_city": ("parcel_city_fuel", "parcel_city_demand", "parcel_city_van"),
    "sioux_falls": ("sioux_falls_capacity", "sioux_falls_outside"),
    "workshop": ("workshop_old_mill", "workshop_power"),
    "supply_network": ("supply_network_site", "supply_network_tariffs"),
    "coffee": ("coffee_costs", "coffee_frost"),
}


@cache
def scenario_of(name: str) -> tuple[Any, dict[str, Any], Any, Any]:
    """Return a scenario of the corpus, its laws, its problem, and today's plan; a text where that cannot be."""
    scenario = ko.load_scenario(HERE / "scenarios" / f"{name}.toml", allow_outside=True)
    formulas = scenario.formulas({})
    material = scenario.problem_inputs(formulas)
    problem = scenario.problem.build(material)
    try:
        today = scenario.problem.read_today(problem, material)
    except ko.errors.ProblemError as error:
        today = str(error)
    return scenario, formulas, problem, today


def _found_plan(name: str) -> pd.DataFrame | None:
    """Return the plan that was found for a case when the corpus was made; None where none was."""
    path = HERE / "plans" / f"{name}.csv"
    return say.plan_from_file(path) if path.exists() else None


def _reasons(reasons: Any) -> str:
    return say.records(reasons, "subject", "kind", "price", "amount", "proved", "searched")


def _problem(problem: Any) -> dict[str, str]:
    """Record what is known of a problem before there is a plan."""
    return {
        "frozen inputs": say.records(problem.frozen_inputs(), "law", "input", "reference", "value"),
        "reasons without a plan": _reasons(problem.reasons(None)),
    }


def _plan(why: Any) -> dict[str, str]:
    """Record everything about a plan that was explained."""
    result = why.result
    problem = result.problem
    planned = problem.price(result.plan, frozen=True)
    told = {
        "result": say.records([result], "status", "objective"),
        "check": say.records(result.check.violations, "constraint", "where", "amount", "unit"),
        "price by term": say.frame(why.terms("term")),
        "price by group": say.frame(why.terms("group")),
        "price at planning values": say.frame(planned.terms()),
        "reasons": _reasons(why.causes),
        "outside": say.records(why.extrapolations, "law", "where", "inputs"),
        "plan": say.frame(result.plan.to_frame()),
    }
    if hasattr(problem, "timetable"):
        told["timetable"] = say.frame(problem.timetable(result.plan))
    if hasattr(result.plan, "sites"):
        told["sites"] = say.frame(result.plan.sites())
    return told


def _explained(problem: Any, plan: Any) -> Any:
    return ko.explain(ko.evaluate(problem, plan))


def _made(name: str) -> dict[str, str]:
    """Record a problem made in Python, with plans by hand and the one that was found."""
    problem = PROBLEMS[name]()
    plans: dict[str, Any] = dict(PLANS[name])
    if (found := _found_plan(name)) is not None:
        plans["found"] = found
    whys = {label: _explained(problem, plan) for label, plan in plans.items()}
    told = _problem(problem)
    for label, why in whys.items():
        told |= {f"{label}: {part}": text for part, text in _plan(why).items()}
    for before, after in pairwise(whys):
        change = ko.difference(whys[before].result, whys[after].result, "group")
        told[f"difference from {before} to {after}"] = say.frame(change)
    return told


@cache
def run_of(name: str) -> Any:
    """Return a run of a scenario whose plan is the frozen one, with a certificate that is the same every time."""
    scenario, formulas, problem, today = scenario_of(name)
    why = _explained(problem, _found_plan(name))
    result, frozen = why.result, problem.frozen_inputs()
    planned = problem.price(result.plan, frozen=True).objective
    certificate = Certificate(
        solver_objective=planned + 0.001,
        frozen_objective=planned,
        law_objective=result.objective,
        rounding_bound=0.01,
        frozen=frozen,
        solver_view=() if frozen else ("every law within 0.01",),
    )
    bound = None if frozen else (0.98 if result.objective >= 0 else 1.02) * result.objective
    about = {"solver": "the corpus", "seed": 7, "wall_seconds": 1.0, "cpu_seconds": 1.0}
    why = replace(why, result=replace(result, certificate=certificate, bound=bound, **about))
    return ko.Run(
        scenario=scenario,
        laws={law: LearnedLaw(law, formula, note="of the corpus") for law, formula in formulas.items()},
        problem=problem,
        result=why.result,
        explanation=why,
        today=None if today is None or isinstance(today, str) else ko.evaluate(problem, today),
        tables={table: ko.report_of(rows) for table, rows in scenario.tables.items()},
        provenance={"seed": "7", "solver": "the corpus"},
    )


def _scenario(name: str) -> dict[str, str]:
    """Record a scenario with its frozen plan and today's."""
    run, today = run_of(name), scenario_of(name)[3]
    told = {**_problem(run.problem), **_plan(run.explanation)}
    if isinstance(today, str):
        told["today"] = "cannot be carried out"
    elif run.today is not None:
        told |= {f"today: {part}": text for part, text in _plan(ko.explain(run.today)).items()}
    return told


def comparison_of(name: str) -> Any:
    """Return the comparison of a scenario with its variants, on the frozen plans."""
    base = run_of(name)
    variants = []
    for other in VARIANTS[name]:
        run = run_of(other)
        try:
            kept: Any = ko.evaluate(run.problem, base.result.plan)
        except ko.errors.ProblemError as error:
            kept = str(error)
        change = run.result.objective - base.result.objective
        variants.append(variant_of(run, kept, change, change + 0.5))
    return Comparison(base, tuple(variants))


def _comparison(name: str) -> dict[str, str]:
    """Record the comparison of a scenario with its variants."""
    found = comparison_of(name)
    return {
        "terms": say.frame(found.terms),
        "steps": say.frame(found.steps),
        "moved": say.frame(found.moved),
    }


def _case(kind: Callable[[str], dict[str, str]], name: str) -> Callable[[], dict[str, str]]:
    def record() -> dict[str, str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind(name)

    return record


CASES: Mapping[str, Callable[[], dict[str, str]]] = {
    **{name: _case(_made, name) for name in PROBLEMS},
    **{name: _case(_scenario, name) for base in BASES for name in (base, *VARIANTS[base])},
    **{f"{name}_compared": _case(_comparison, name) for name in BASES},
}
"""What to record, by the name of the golden file."""
