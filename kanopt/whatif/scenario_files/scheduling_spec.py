"""``[problem]`` with ``kind = "scheduling"``: tasks of jobs on machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from kanopt.whatif.scenario_files.problem_spec import (
    LawUse,
    PartSpec,
    ProblemInputs,
    ProblemSpec,
    a_tenth_up_and_down,
    without_each,
)
from kanopt.whatif.scenario_files.spec import Unit
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems import SchedulingProblem
    from kanopt.records.reading import RecordCheck, RecordReader
    from kanopt.whatif.changes import Change

__all__ = ["SchedulingSpec"]


class SchedulingSpec(ProblemSpec):
    """``kind = "scheduling"``: tasks of jobs on machines; without a law, modes state durations and energy."""

    entity_columns: ClassVar = ("task",)
    assignment_columns: ClassVar = ("machine", "mode")
    moved_words: ClassVar = ("task changes its machine", "tasks change their machine")
    unit_class: ClassVar = "SchedulingUnits"
    price_keys: ClassVar = ("jobs", "makespan_cost", "power_price")

    kind: Literal["scheduling"]
    jobs: PartSpec
    tasks: PartSpec
    machines: PartSpec
    modes: PartSpec
    setups: PartSpec | None = None
    calendars: PartSpec | None = None
    power_price: PartSpec | None = None
    duration: LawUse | None = None
    energy: LawUse | None = None
    makespan_cost: Annotated[float, Field(ge=0)] = 0.0
    horizon: Annotated[float, Field(gt=0)] | None = None
    clock: bool = False
    units: dict[Literal["time", "energy", "money"], Unit] = Field(default_factory=dict)

    def scopes(self) -> Mapping[str, str]:
        """Return what laws may read of the tables."""
        return {"task.": "tasks", "job.": "jobs", "machine.": "machines", "mode.": "modes"}

    def plain_references(self) -> Mapping[str, str]:
        """Return the duration, which a law of energy may read."""
        return {"mode.duration": self.counted().time}

    def units_of_law(self, key: Key) -> tuple[str, ...]:
        """Return the unit of times or that of energy."""
        units = self.counted()
        return (units.time if key[0] == "duration" else units.energy,)

    def record_checks(self, records: Mapping[str, Sequence[Any]], reader: RecordReader) -> list[RecordCheck]:
        """Look for contradictions between the records."""
        from kanopt.problems.scheduling.entities import SchedulingRecords
        from kanopt.problems.scheduling.validation import schedule_checks

        given: Any = {name: tuple(items) for name, items in records.items()}
        uses_energy = self.energy is not None or self.power_price is not None
        read = SchedulingRecords(**given, of_day=reader.of_day)
        return schedule_checks(read, self.counted(), uses_energy=uses_energy)

    def unstated_checks(
        self, records: Mapping[str, Sequence[Any]], reader: RecordReader
    ) -> list[RecordCheck]:
        """Look whether nothing costs anything."""
        from kanopt.problems.scheduling.validation import unstated_price

        priced = bool(self.makespan_cost) or self.power_price is not None
        return [
            unstated_price(records["jobs"], partial(self.table_uses, records), reader.filled, priced=priced)
        ]

    def usual_variants(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Change, ...]]:
        """Return the plan without each of the machines with most modes that others can do without, and longer tasks."""
        modes = self.modes.read(tables[self.modes.table])
        lasts = f"{self.modes.table}.duration" if self.duration is None else f"surrogates.{self.duration.law}"
        return {
            **without_each(modes, self.modes.table, "machine", needed="task"),
            **a_tenth_up_and_down("time of tasks", [lasts]),
        }

    def build(self, material: ProblemInputs) -> SchedulingProblem:
        """Build the scheduling problem."""
        from kanopt.problems import SchedulingProblem

        parts = ("jobs", "tasks", "machines", "modes", "setups", "calendars", "power_price")
        return SchedulingProblem(
            **material.parts(*parts),
            duration=None if self.duration is None else material.law(self.duration.law),
            energy=None if self.energy is None else material.law(self.energy.law),
            makespan_cost=self.makespan_cost,
            horizon=self.horizon,
            clock=self.clock,
            units=self.counted(),
            day=self.day,
        )
