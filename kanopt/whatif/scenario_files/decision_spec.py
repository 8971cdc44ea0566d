"""``[problem]`` with ``kind = "decision"``: numbers to choose from ranges, once or for each item of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kanopt.whatif.scenario_files.mistakes import FileModel
from kanopt.whatif.scenario_files.problem_spec import (
    Name,
    PartSpec,
    ProblemInputs,
    ProblemSpec,
)
from kanopt.whatif.scenario_files.spec import Unit
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import BoundFormula
    from kanopt.problems import DecisionProblem
    from kanopt.problems.decisions import Constraint
    from kanopt.records.declaration import Table
    from kanopt.records.reading import RecordCheck, RecordReader

__all__ = ["DecisionSpec"]


class LimitSpec(FileModel):
    """``[problem.limits.x]``: a law that must stay between two numbers, in its own unit."""

    law: Name
    at_most: float | None = None
    at_least: float | None = None
    equal_to: float | None = None
    each: bool = False

    @model_validator(mode="after")
    def _one_limit(self) -> LimitSpec:
        ends = (self.at_most, self.at_least)
        if (self.equal_to is None) == (ends == (None, None)):
            raise ValueError("write at_most = 5, at_least = 2, both of them, or equal_to = 3")
        return self

    def constraint(self, name: str, law: BoundFormula) -> Constraint:
        """Return the constraint on a law."""
        from kanopt.problems.decisions import Constraint

        if self.equal_to is not None:
            return Constraint(law, self.equal_to, self.equal_to, name, self.each)
        low = -float("inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return Constraint(law, low, high, name, self.each)


class DecisionSpec(ProblemSpec):
    """``kind = "decision"``: numbers to choose so that laws are smallest or largest, under limits that are laws."""

    entity_columns: ClassVar = ("decision",)
    assignment_columns: ClassVar = ("value",)
    row_names: ClassVar = frozenset(("decisions",))
    counts_work: ClassVar = False

    kind: Literal["decision"]
    decisions: PartSpec
    items: PartSpec | None = None
    minimise: dict[str, Name] = Field(default_factory=dict)
    maximise: dict[str, Name] = Field(default_factory=dict)
    limits: dict[str, LimitSpec] = Field(default_factory=dict)
    unit: Unit = ""
    tolerance: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _an_objective(self) -> DecisionSpec:
        if not self.minimise and not self.maximise:
            raise ValueError(
                'nothing is to be smallest or largest; write minimise.costs = "law" or maximise.sales = "law"'
            )
        if both := next((term for term in self.minimise if term in self.maximise), None):
            raise ValueError(f"{both!r} stands under minimise and maximise; keep one of them")
        return self

    @classmethod
    def declared_tables(cls, units: Mapping[str, str]) -> dict[str, Table]:
        """Return the tables that become records, by part; they count in what they say."""
        from kanopt.problems.decisions.tables import DECISIONS, ITEMS

        return {"decisions": DECISIONS, "items": ITEMS}

    def scopes(self) -> Mapping[str, str]:
        """Return what laws may read of the tables."""
        return {"decision.": "decisions", "item.": "items"}

    def plain_references(self) -> Mapping[str, str]:
        """Return none: everything stands in a table."""
        return {}

    def units_of_law(self, key: Key) -> tuple[str, ...]:
        """Return the unit of the objective where the section states it; a limit is in the unit of its law."""
        return (self.unit,) if self.unit and key[0] != "limits" else ()

    def record_checks(self, records: Mapping[str, Sequence[Any]], reader: RecordReader) -> list[RecordCheck]:
        """Look for decisions of items that do not exist, and for names that mean two things."""
        from kanopt.problems.decisions.items import name_checks

        return name_checks(records["decisions"], records["items"])

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the fields, and what laws read of items; what they read of decisions is the name of a row."""
        return self.fields_of(part) if part == "decisions" else super().readable_names(part)

    def names_in(self, part: str, frame: pd.DataFrame) -> dict[str, str]:
        """Return the decisions by name, each with its unit; of items the columns."""
        from kanopt.problems.decisions.tables import declared_unit

        if part != "decisions":
            return super().names_in(part, frame)
        if "name" not in frame:
            return {}
        units = frame["unit"] if "unit" in frame else [declared_unit(frame)] * len(frame)
        return {
            str(name): unit if isinstance(unit, str) else ""
            for name, unit in zip(frame["name"], units, strict=True)
        }

    def law_uses(self) -> dict[Key, str]:
        """Return the law of each term and of each limit."""
        found: dict[Key, str] = {("minimise", term): law for term, law in self.minimise.items()}
        found |= {("maximise", term): law for term, law in self.maximise.items()}
        return found | {("limits", name, "law"): limit.law for name, limit in self.limits.items()}

    def build(self, material: ProblemInputs) -> DecisionProblem:
        """Build the decision problem; what is to be largest is counted as a negative cost."""
        from kanopt.problems import DecisionProblem

        parts = material.parts("decisions", "items")
        objective = {term: material.law(law) for term, law in self.minimise.items()}
        objective |= {term: _negative(material.law(law)) for term, law in self.maximise.items()}
        return DecisionProblem(
            parts["decisions"],
            objective,
            [limit.constraint(name, material.law(limit.law)) for name, limit in self.limits.items()],
            tolerance=self.tolerance,
            unit=self.unit,
            items=() if parts["items"] is None else parts["items"],
            day=self.day,
        )


def _negative(law: BoundFormula) -> BoundFormula:
    """Return a law with the other sign; where it is known, and how well, stays with it."""
    from kanopt.formulas import BoundFormula, parse_formula

    formula, name = law.formula, law.formula.output.name
    inputs = {} if formula.used else {each.name: each for each in formula.inputs}
    turned = parse_formula(f"-`{name}`", list(inputs.values()), formula.output, {name: formula}, formula.per)
    return BoundFormula(turned, {each.name: law.bindings[each.name] for each in turned.inputs})
