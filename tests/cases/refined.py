"""The search of the kernel by itself, from a plan and for some steps."""

from __future__ import annotations

from typing import Any

from kanopt.routing.search.racer.search import RacerRun, StoppingCriteria


def refine(problem: Any, plan: Any = None, *, steps: int, seed: int = 0) -> Any:
    """Search for a better plan."""
    limits = StoppingCriteria(None, steps, lambda: False)
    return RacerRun(problem, plan, seed, None).run(limits)
