"""The outcome of a comparison, as frames and in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.display import Part
from kanopt.explain.service import does_less, service_difference, still_holds
from kanopt.text import join_list
from kanopt.whatif.comparison_text import comparison_notes, comparison_parts, verdict
from kanopt.whatif.run import Run
from kanopt.whatif.sensitivity.plan_decisions import assignments
from kanopt.whatif.sweeps.point_result import is_noise
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    from kanopt.problems.result import Result

_TERMS = ["scenario", "term", "before", "data_effect", "replanning_effect", "after", "change"]
_COVERAGE = [
    "scenario",
    "coverage",
    "served",
    "wanted",
    "unit",
    "left_out",
    "left_out_price",
    "left_out_note",
]
_SUMS = _TERMS[2:]
_STEPS = ["scenario", "coverage", "left_out", "left_out_price", *_SUMS, "like_with_like", "noise", "verdict"]
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
        How far apart lie what repeated searches say of the change of the price; NaN where that was not measured.
    differences
        What each of them says of it: a search of the variant and one of the base, their plans priced under both data.
    """

    run: Run
    base_plan_result: Result | str
    noise: float = math.nan
    differences: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.run.scenario.name

    def is_noise(self, change: float) -> bool:
        """Whether a change of the price may be the luck of the search; false where its noise was not measured."""
        return is_noise(change, self.noise, self.differences)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(TableExports):
    """A base and its variants.

    Parameters
    ----------
    base
        The base's run.
    variants
        The others.
    interrupted
        True where the user stopped it; plans are the best so far.
    searched_again
        Whether the base's plan is that of a later search than its first, or another scenario's.
    standalone_objective
        The base's objective after its first search, as a run alone has it; None where there was no plan.
    """

    base: Run
    variants: tuple[Variant, ...]
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
        cannot be carried out under the variant's data, or breaks a rule there.
        """
        frames = [self._terms_of(variant) for variant in self.variants]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_TERMS)

    @property
    def title(self) -> str:
        """The base and what it is compared with."""
        return f"{self.base.scenario.name}: {join_list([variant.name for variant in self.variants])}"

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """One row per scenario, the base first: what its plan serves and leaves out.

        Columns ``scenario``, ``coverage`` (in words), ``served`` and ``wanted`` in ``unit`` (clients, jobs or
        constraints where there are no amounts), ``left_out`` (how many clients, markets, jobs or constraints),
        ``left_out_price`` (what they cost: zero where none is left out, missing where that is not known), and
        ``left_out_note`` (how the price is known).
        """
        rows = [[run.scenario.name, *_coverage_cells(run.result)] for run in self.runs]
        return pd.DataFrame(rows, columns=_COVERAGE)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per variant: what its plan serves and leaves out, the sums of :attr:`terms`, and a verdict.

        ``like_with_like`` says whether both plans serve the same and break the same rules, if any, so that their prices
        compare.
        """
        covered = self.coverage.set_index("scenario")[_STEPS[1:4]]
        rows = []
        for variant in self.variants:
            terms = self.terms[self.terms["scenario"] == variant.name]
            sums = {name: float(terms[name].sum(min_count=1)) for name in _SUMS}
            judged = {
                "like_with_like": not self.service_difference(variant),
                "noise": variant.noise,
                "verdict": verdict(self, variant, sums["change"], sums["data_effect"]),
            }
            rows.append({"scenario": variant.name, **covered.loc[variant.name], **sums, **judged})
        return pd.DataFrame(rows, columns=_STEPS)

    @cached_property
    def moved(self) -> pd.DataFrame:
        """What the variant's plan puts elsewhere: columns ``scenario``, ``thing``, ``before``, ``after``."""
        frames = [_moved(self.base, variant.run) for variant in self.variants]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_MOVED)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside the numbers: broken old plans, noise, doubtful laws."""
        return tuple(comparison_notes(self))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"costs": self.terms, "coverage": self.coverage, "steps": self.steps, "moved": self.moved}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(
            (
                "left_out_price",
                "costs.before",
                "costs.after",
                "steps.before",
                "steps.after",
                "data_effect",
                "replanning_effect",
                "change",
                "noise",
            ),
            "money",
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`terms`."""
        return self.terms

    def to_html(self, path: str | Path) -> Path:
        """Write the comparison: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_comparison(self, path)

    def changes_of(self, variant: Variant) -> tuple[str, ...]:
        """Say what a variant changes against the base, a sentence each."""
        return variant.run.scenario.change_sentences(self.base.scenario)

    def changes_in_use(self, variant: Variant) -> tuple[str, ...]:
        """Say which sites, vehicles or machines the variant's plan uses that the base's does not, and the reverse."""
        before, after = self.base.result.assessment, variant.run.result.assessment
        if before is None or after is None or before.in_use is None or after.in_use is None:
            return ()
        return after.in_use.changes_from(before.in_use)

    def service_difference(self, variant: Variant) -> str:
        """Say what the variant's plan serves instead of what the base's serves; empty where prices compare."""
        return service_difference(self.base.result, variant.run.result)

    def is_no_saving(self, variant: Variant) -> bool:
        """Whether the variant's plan is cheaper since it does less: breaks more rules, or leaves out more."""
        before, after = self.base.result, variant.run.result
        cheaper = (after.objective or 0.0) < (before.objective or 0.0)
        return cheaper and does_less(after, before)

    def _shown(self) -> Iterator[Part]:
        return comparison_parts(self)

    def _terms_of(self, variant: Variant) -> pd.DataFrame:
        before, after = _prices(self.base.result), _prices(variant.run.result)
        there = variant.base_plan_result
        holds = not isinstance(there, str) and still_holds(there.status, self.base.result.status)
        kept = _prices(there) if holds and not isinstance(there, str) else None
        index = before.index.union(after.index, sort=False)
        if kept is not None:
            index = index.union(kept.index, sort=False)
        frame = pd.DataFrame(index=index)
        frame["before"] = before.reindex(index, fill_value=0.0)
        frame["after"] = after.reindex(index, fill_value=0.0)
        priced = float("nan") if kept is None else kept.reindex(index, fill_value=0.0)
        frame["data_effect"] = priced - frame["before"]
        frame["replanning_effect"] = frame["after"] - priced
        frame["change"] = frame["after"] - frame["before"]
        frame = frame.rename_axis("term").reset_index()
        frame["scenario"] = variant.name
        return frame[_TERMS]


def _prices(result: Result) -> pd.Series[Any]:
    return pd.Series(dtype=float) if result.pricing is None else result.pricing.terms()


def _coverage_cells(result: Result) -> list[Any]:
    known = result.assessment
    if known is None:
        return ["no plan", math.nan, math.nan, "", 0, math.nan, ""]
    coverage, price = known.coverage, known.left_out_price
    left_out, things = len(coverage.left_out), coverage.things
    amounts = [coverage.served, coverage.wanted, coverage.unit]
    if coverage.wanted <= 0:
        amounts = [float(things - left_out), float(things), coverage.words.many]
    note, cost = (
        ("", 0.0) if price is None else (price.text, math.nan if price.amount is None else price.amount)
    )
    return [coverage.text, *amounts, left_out, cost, note]


def _moved(before: Run, after: Run) -> pd.DataFrame:
    spec = after.scenario.problem
    old, new = assignments(before.result.plan, spec), assignments(after.result.plan, spec)
    things = [thing for thing in dict.fromkeys([*old, *new]) if old.get(thing) != new.get(thing)]
    rows = [(after.scenario.name, thing, old.get(thing, ""), new.get(thing, "")) for thing in things]
    return pd.DataFrame(rows, columns=_MOVED)
