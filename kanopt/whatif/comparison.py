"""The outcome of a comparison, as frames and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.text import count_text, fixed_text, money_decimals, money_text, percent_text
from kanopt.whatif.run import Run

if TYPE_CHECKING:
    from kanopt.problems.base import Plan
    from kanopt.problems.result import Result
    from kanopt.whatif.problem_spec import ProblemSpec

__all__ = ["Comparison", "Variant"]

_TERMS = ["scenario", "term", "before", "data_effect", "replanning_effect", "after", "change"]
_STEPS = [*_TERMS[:1], *_TERMS[2:], "noise", "verdict"]
_MOVED = ["scenario", "thing", "before", "after"]


@dataclass(frozen=True, eq=False)
class Variant:
    """One variant beside its base.

    Parameters
    ----------
    run
        The variant, with its own plan.
    base_plan_result
        The base's plan priced and checked under the variant's data; a text says why that is not possible.
    noise
        How far repeated searches of the variant lie apart; None where that was not measured.
    """

    run: Run
    base_plan_result: Result | str
    noise: float | None

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.run.scenario.name


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """A base and its variants.

    Parameters
    ----------
    base
        The base's run.
    variants
        The others.
    noise
        How far repeated searches of the base lie apart; None where that was not measured.
    interrupted
        True where the user stopped it; plans are the best so far.
    searched_again
        Whether the base's plan is that of a later search than its first, or another scenario's.
    standalone_objective
        The base's objective after its first search, as a run alone has it; None where that is not known.
    """

    base: Run
    variants: tuple[Variant, ...]
    noise: float | None
    interrupted: bool = False
    searched_again: bool = False
    standalone_objective: float | None = None

    @property
    def runs(self) -> tuple[Run, ...]:
        """The base's run, then those of the variants."""
        return (self.base, *(variant.run for variant in self.variants))

    @property
    def unit(self) -> str:
        """Unit of all amounts."""
        return self.base.problem.unit

    @cached_property
    def terms(self) -> pd.DataFrame:
        """One row per variant and cost term.

        Columns ``scenario``, ``term``, ``before`` (base's plan and data), ``data_effect`` (same plan, the
        variant's data), ``replanning_effect`` (the variant's plan, same data), ``after`` and ``change``; in each
        row ``before + data_effect + replanning_effect = after``. The effects are missing where the base's plan
        cannot be priced under the variant's data.
        """
        frames = [self._terms_of(variant) for variant in self.variants]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_TERMS)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per variant: the sums of :attr:`terms`, the noise of the search, and a verdict."""
        rows = []
        for variant in self.variants:
            terms = self.terms[self.terms["scenario"] == variant.name]
            sums = {name: float(terms[name].sum(min_count=1)) for name in _TERMS[2:]}
            judged = {
                "noise": self._noise(variant),
                "verdict": self._verdict(variant, sums["change"], sums["data_effect"]),
            }
            rows.append({"scenario": variant.name, **sums, **judged})
        return pd.DataFrame(rows, columns=_STEPS)

    @cached_property
    def moved(self) -> pd.DataFrame:
        """What the variant's plan puts elsewhere: columns ``scenario``, ``thing``, ``before``, ``after``."""
        frames = [_moved(self.base, variant.run) for variant in self.variants]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_MOVED)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside the numbers: broken old plans, noise, doubtful laws."""
        return tuple(self._notes())

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`terms`."""
        return self.terms

    def to_html(self, path: str | Path) -> Path:
        """Write the comparison: one HTML file that needs nothing else. Returns its path."""
        from kanopt.reports import write_comparison

        return write_comparison(self, path)

    def text(self) -> str:
        """Return the comparison in words and one table per variant."""
        unit, steps = self.unit, self.steps.set_index("scenario")
        lines = [f"{self.base.scenario.name}: {_objective_text(self.base.result.objective, unit)}"]
        for variant in self.variants:
            row = steps.loc[variant.name]
            lines += [
                "",
                f"{variant.name}: {_objective_text(variant.run.result.objective, unit)}, {row['verdict']}",
            ]
            lines += [f"  {line}" for line in _table(self.terms[self.terms["scenario"] == variant.name])]
            moved = int((self.moved["scenario"] == variant.name).sum())
            lines.append(f"  put elsewhere: {moved}")
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _terms_of(self, variant: Variant) -> pd.DataFrame:
        before, after = _prices(self.base.result), _prices(variant.run.result)
        kept = (
            variant.base_plan_result
            if isinstance(variant.base_plan_result, str)
            else _prices(variant.base_plan_result)
        )
        index = before.index.union(after.index, sort=False)
        if not isinstance(kept, str):
            index = index.union(kept.index, sort=False)
        frame = pd.DataFrame(index=index)
        frame["before"] = before.reindex(index, fill_value=0.0)
        frame["after"] = after.reindex(index, fill_value=0.0)
        priced = float("nan") if isinstance(kept, str) else kept.reindex(index, fill_value=0.0)
        frame["data_effect"] = priced - frame["before"]
        frame["replanning_effect"] = frame["after"] - priced
        frame["change"] = frame["after"] - frame["before"]
        frame = frame.rename_axis("term").reset_index()
        frame["scenario"] = variant.name
        return frame[_TERMS]

    def _noise(self, variant: Variant) -> float:
        measured = [noise for noise in (self.noise, variant.noise) if noise is not None]
        return max(measured) if len(measured) == 2 else float("nan")

    def _verdict(self, variant: Variant, change: float, data_effect: float) -> str:
        if variant.run.result.objective is None or self.base.result.objective is None:
            return "no plan to compare"
        noise, share = self._noise(variant), change / max(abs(self.base.result.objective), 1e-12)
        words = f"{money_text(change, self.unit, signed=True)} ({percent_text(share, signed=True)})"
        if noise != noise:
            return f"{words}; noise of the search not measured"
        tiny = 1e-9 * abs(self.base.result.objective)
        noise_text = money_text(noise, self.unit)
        if abs(change) <= max(noise, tiny):
            within = f"no difference: {words} is within the noise of the search, {noise_text}"
            # prices of one and the same plan differ exactly, whatever the search does
            exact = money_text(data_effect, self.unit, signed=True)
            alone = f"; the base's plan alone changes by exactly {exact}"
            return within + alone if abs(data_effect) > tiny else within
        return f"{words}, noise of the search {noise_text}"

    def _notes(self) -> Iterator[str]:
        if self.searched_again:
            alone = (
                ""
                if self.standalone_objective is None
                else f"; run alone it came to {_objective_text(self.standalone_objective, self.unit)}"
            )
            yield f"{self.base.scenario.name}: was searched again, from the variants' plans too{alone}"
        for variant in self.variants:
            if isinstance(variant.base_plan_result, str):
                reason, *others = variant.base_plan_result.splitlines()
                yield f"{variant.name}: the base's plan cannot be carried out here: {reason}{_and_more(len(others))}"
            elif not variant.base_plan_result.check.ok:
                first, *rest = variant.base_plan_result.check.violations
                yield f"{variant.name}: the base's plan no longer holds: {first.message}{_and_more(len(rest))}"
        for run in self.runs:
            status = run.result.status.value
            if not run.result.has_plan or not run.result.check.ok:
                yield f"{run.scenario.name}: {status}; compare its price with care"
            for law in run.laws.values():
                if not law.trusted:
                    yield f"{run.scenario.name}: law {law.name!r} is marked low trust: {law.note}"
            count = len(run.explanation.extrapolations)
            if count:
                places = count_text(count, "place leans", "places lean")
                yield f"{run.scenario.name}: {places} on a law outside the data it was learned from"


def _and_more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _prices(result: Result) -> pd.Series[Any]:
    return pd.Series(dtype=float) if result.pricing is None else result.pricing.terms()


def _objective_text(amount: float | None, unit: str) -> str:
    return "no plan" if amount is None else money_text(amount, unit)


def _table(terms: pd.DataFrame) -> list[str]:
    total = {name: terms[name].sum(min_count=1) for name in _TERMS[2:]}
    shown = pd.concat([terms, pd.DataFrame([{"term": "total", **total}])], ignore_index=True)
    decimals = money_decimals(shown[_TERMS[2:]].to_numpy().ravel())
    words = {"data_effect": "new data", "replanning_effect": "new plan"}
    shown = shown[_TERMS[1:]].rename(columns=words)
    text = shown.to_string(index=False, float_format=lambda v: fixed_text(v, decimals), na_rep="?")
    return text.splitlines()


def _moved(before: Run, after: Run) -> pd.DataFrame:
    spec = after.scenario.problem
    old, new = _assignments(before.result.plan, spec), _assignments(after.result.plan, spec)
    things = [thing for thing in dict.fromkeys([*old, *new]) if old.get(thing) != new.get(thing)]
    rows = [(after.scenario.name, thing, old.get(thing, ""), new.get(thing, "")) for thing in things]
    return pd.DataFrame(rows, columns=_MOVED)


def _assignments(plan: Plan | None, spec: ProblemSpec) -> dict[str, str]:
    """Return where a plan puts each thing; several places are joined."""
    if plan is None:
        return {}
    frame = plan.to_frame()
    things, places = (
        _join_columns(frame, columns) for columns in (spec.entity_columns, spec.assignment_columns)
    )
    grouped = places.groupby(things, sort=False).agg(lambda found: ", ".join(sorted(set(found))))
    return {str(thing): str(place) for thing, place in grouped.items()}


def _join_columns(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series[Any]:
    words = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), "")
    return words.astype(str).agg(" ".join, axis="columns").str.strip()
