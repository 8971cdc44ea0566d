"""Searches that find the same plan every time with the same versions of all packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.corpus import recording as say
from tests.corpus.cases import BASES, VARIANTS, problem_of, scenario_of
from tests.corpus.names import ko

__all__ = ["SEARCHED", "search"]

_SECONDS = {
    "rounds": 6.0,
    "errands": 4.0,
    "tables_of_hours": 2.0,
    "out_of_reach": 2.0,
    "shop": 4.0,
    "no_time": 2.0,
}
_BY_ITSELF = ("mills", "must_have", "speeds", "no_shift")
SEARCHED = (*_SECONDS, *_BY_ITSELF, *(name for base in BASES for name in (base, *VARIANTS[base])))
"""The cases that are searched, scenarios by what their files say."""


def search(name: str) -> tuple[Any, Mapping[str, str]]:
    """Return what a search for a case finds, and what it says of it."""
    with say.warned() as told:
        if name in _SECONDS:
            result = ko.solve(problem_of(name), time_limit=_SECONDS[name], seed=7, deterministic=True)
        elif name in _BY_ITSELF:
            result = ko.solve(problem_of(name), time_limit=120.0, seed=7)
        else:
            result = scenario_of(name)[0].run().result
        questions = _questions(name, result)
    return result, {
        "result": str(result),
        "objective": say.lines(result.objective, result.bound, result.gap),
        "certificate": "none" if result.certificate is None else say.records([result.certificate]),
        "incumbents": say.lines(*(f"{say.cell(step.objective)} {step.message}" for step in result.history)),
        "explanation": ko.explain(result).text(),
        **questions,
        "warnings": say.lines(*told),
    }


def _questions(name: str, result: Any) -> dict[str, str]:
    if name not in ("rounds", "errands"):
        return {}
    why, route = ko.explain(result), result.plan.routes[0]
    client = next(each for each in route.clients if each not in ("c10", "c07", "yard", "south"))
    other = "truck" if name == "rounds" else "cool van"
    told: dict[str, str] = {}
    for words, ask in {
        f"{client} on {other} instead": lambda: why.instead(client, other, time_limit=2),
        f"without the leg to {route.clients[0]}": lambda: why.leg(
            route.depot, route.clients[0], time_limit=2
        ),
    }.items():
        try:
            answer = ask()
            told[words] = say.lines(str(answer), say.frame(answer.terms()))
        except ko.KanoptError as error:
            told[words] = str(error)
    return told
