"""The kinds of problems of scenario files: what the class of each does not say by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from kanopt.records.declaration import Unit
from kanopt.scenarios.files.layers import FileModel, Key
from kanopt.scenarios.files.problem_spec import (
    LawUse,
    Name,
    PartSpec,
    ProblemInputs,
    ProblemSpec,
    of_class,
)

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.decisions import Constraint
    from kanopt.formulas import BoundFormula
    from kanopt.records.declaration import Table


@cache
def kinds() -> Mapping[str, type[ProblemSpec]]:
    """Return the kinds of problems, by the word a file uses."""
    return {
        "routing": of_class(RoutingSpec),
        "scheduling": of_class(SchedulingSpec),
        "supply": of_class(SupplySpec),
        "decision": of_class(DecisionSpec),
    }


class MatrixSpec(PartSpec):
    """``[problem.distances]`` and ``[problem.durations]``: a table of pairs, or a square one with names.

    The columns of a square table are places, so that one unit is said for all of them.
    """

    unit: Unit | None = None

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with its columns named, and its unit declared."""
        from pandas.api.types import is_numeric_dtype

        from kanopt.tables import units_of, with_units

        read = super().read(frame)
        if self.unit is None:
            return read
        numbers = [column for column in read.columns if is_numeric_dtype(read[column])]
        return with_units(read, {**dict.fromkeys(numbers, self.unit), **units_of(read)})


class RoutingSpec(ProblemSpec):
    """``kind = "routing"``: vehicles from depots to clients.

    With ``links``, vehicles drive along a road network and the law of ``duration`` is the time of a link; a
    point lies at the node of its column ``node``, else of its own name.
    """

    class_name: ClassVar = "RoutingProblem"
    entity_columns: ClassVar = ("client",)
    assignment_columns: ClassVar = ("vehicle", "index")
    alike_columns: ClassVar = ("vehicle", "index")
    moved_words: ClassVar = ("client changes its vehicle", "clients change their vehicle")
    unwritten: ClassVar = frozenset(("distance",))
    law_tables: ClassVar = ("cost",)
    other_columns: ClassVar = {
        "depots": ("node",),
        "clients": ("node",),
        "links": ("tail", "head", "length"),
        "nodes": ("name", "x", "y", "lat", "lon"),
        "distances": ("from", "to", "distance"),
        "durations": ("from", "to", "duration"),
        "started": ("vehicle", "index", "depot", "stop", "client", "departure", "locked"),
    }

    if TYPE_CHECKING:
        policy: Any

    links: PartSpec | None = None
    nodes: PartSpec | None = None
    cost: dict[str, Name] = Field(default_factory=dict)
    duration: LawUse | None = None
    distances: MatrixSpec | None = None
    durations: MatrixSpec | None = None
    started: PartSpec | None = None

    def gaps(self) -> Iterator[tuple[Key, str]]:
        """Yield what is missing, and that the time of a way is said twice or not at all."""
        yield from super().gaps()
        if (self.duration is None) == (self.durations is None):
            yield (), 'write duration = { law = "…" }, or durations = { table = "…" } with a row per pair'
        elif self.links is not None and self.duration is None:
            yield (), "links need the law of the time that a link takes: duration = { law = … }"

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the names under which something is read of a part; what is a capacity is read of two."""
        return super().readable_names(part) | frozenset(self.policy.capacities)

    def arguments(self, inputs: ProblemInputs) -> dict[str, Any]:
        """Return what the problem is made of; roads and matrices stand in for durations and distances."""
        from kanopt.routing import RoadNetwork

        given, units = super().arguments(inputs), self.counted()
        if self.durations is not None:
            given["duration"] = inputs.part(self.durations)
        if self.links is not None:
            roads = {"links": inputs.part(self.links), "nodes": self.nodes and inputs.part(self.nodes)}
            law = given["duration"]
            given["duration"] = RoadNetwork(**roads, law=law, distance=units.distance, time=units.time)
        if self.distances is not None:
            given["distance"] = inputs.part(self.distances)
        return given


class SchedulingSpec(ProblemSpec):
    """``kind = "scheduling"``: tasks of jobs on machines; without a law, modes state durations and energy."""

    class_name: ClassVar = "SchedulingProblem"
    entity_columns: ClassVar = ("task",)
    assignment_columns: ClassVar = ("machine", "mode")
    moved_words: ClassVar = ("task changes its machine", "tasks change their machine")

    if TYPE_CHECKING:
        duration: LawUse | None


class DemandSpec(PartSpec):
    """``[problem.demand]``: a law of market, product and period, or a table of these, ``demand`` and ``demand_sd``."""

    table: Name = ""
    law: Name = ""

    @model_validator(mode="after")
    def _one_source(self) -> DemandSpec:
        if bool(self.law) == bool(self.table):
            raise ValueError('write law = "…" or table = "…"')
        if self.law and self.columns:
            raise ValueError("columns belong to a table, not to a law")
        return self


class SupplySpec(ProblemSpec):
    """``kind = "supply"``: suppliers, sites and markets, joined by lanes."""

    class_name: ClassVar = "SupplyProblem"
    entity_columns: ClassVar = ("head", "product")
    assignment_columns: ClassVar = ("tail", "mode")
    moved_words: ClassVar = ("delivery changes its origin", "deliveries change their origin")
    counts_work: ClassVar = False
    required: ClassVar = ("demand",)
    other_columns: ClassVar = {"demand": ("market", "product", "period", "demand", "demand_sd")}

    demand: DemandSpec | None = None


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
        from kanopt.decisions import Constraint

        if self.equal_to is not None:
            return Constraint(law, self.equal_to, self.equal_to, name, self.each)
        low = -float("inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return Constraint(law, low, high, name, self.each)


class DecisionSpec(ProblemSpec):
    """``kind = "decision"``: numbers to choose so that laws are smallest or largest, under limits that are laws."""

    class_name: ClassVar = "DecisionProblem"
    entity_columns: ClassVar = ("decision",)
    assignment_columns: ClassVar = ("value",)
    counts_work: ClassVar = False
    unwritten: ClassVar = frozenset(("objective", "constraints", "fixed"))
    law_tables: ClassVar = ("minimise", "maximise")

    if TYPE_CHECKING:
        unit: str

    minimise: dict[str, Name] = Field(default_factory=dict)
    maximise: dict[str, Name] = Field(default_factory=dict)
    limits: dict[str, LimitSpec] = Field(default_factory=dict)

    def gaps(self) -> Iterator[tuple[Key, str]]:
        """Yield what is missing, and that nothing, or one thing in two ways, is to be smallest."""
        yield from super().gaps()
        if not self.minimise and not self.maximise:
            told = 'write minimise.costs = "law" or maximise.sales = "law"'
            yield (), f"nothing is to be smallest or largest; {told}"
        elif both := next((term for term in self.minimise if term in self.maximise), None):
            yield (), f"{both!r} stands under minimise and maximise; keep one of them"

    @classmethod
    def tables(cls, units: Any) -> tuple[Table, ...]:
        """Return the tables that become records; they count in what they say."""
        from kanopt.decisions.entities import DECISIONS, ITEMS

        return DECISIONS, ITEMS

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the fields, and what laws read of items; what they read of decisions is the name of a row."""
        return self.fields_of(part) if part == "decisions" else super().readable_names(part)

    def arguments(self, inputs: ProblemInputs) -> dict[str, Any]:
        """Return what the problem is made of; what is to be largest is counted as a negative cost."""
        objective = {term: inputs.law(law) for term, law in self.minimise.items()}
        objective |= {term: _negative(inputs.law(law)) for term, law in self.maximise.items()}
        limits = [limit.constraint(name, inputs.law(limit.law)) for name, limit in self.limits.items()]
        return {**super().arguments(inputs), "objective": objective, "constraints": limits}


def _negative(law: BoundFormula) -> BoundFormula:
    """Return a law with the other sign; where it is known, and how well, stays with it."""
    from kanopt.formulas import BoundFormula, parse_formula

    formula, name = law.formula, law.formula.output.name
    inputs = {} if formula.used else {each.name: each for each in formula.inputs}
    turned = parse_formula(f"-`{name}`", list(inputs.values()), formula.output, {name: formula}, formula.per)
    return BoundFormula(turned, {each.name: law.bindings[each.name] for each in turned.inputs})


def __getattr__(name: str) -> type[ProblemSpec]:
    """Return the model of a kind with its keys, so that sections reach worker processes."""
    if found := [model for model in kinds().values() if model.__name__ == name]:
        return found[0]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
