"""``[problem]`` with ``kind = "routing"``: vehicles from depots to clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from kanopt.whatif.scenario_files.mistakes import FileModel
from kanopt.whatif.scenario_files.problem_spec import (
    LawUse,
    Name,
    PartSpec,
    ProblemInputs,
    ProblemSpec,
    a_tenth_up_and_down,
    one_more_and_fewer,
)
from kanopt.whatif.scenario_files.spec import Unit
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems import RoutingPolicy, RoutingProblem
    from kanopt.records.reading import RecordCheck, RecordReader
    from kanopt.whatif.changes import Change

__all__ = ["RoutingSpec"]


class PolicySpec(FileModel):
    """``[problem.policy]`` of routing: what holds for the whole plan."""

    service: LawUse | None = None
    capacities: list[str] = Field(default_factory=list)
    apart: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    backhaul: bool = False
    longest_route_cost: Annotated[float, Field(ge=0)] = 0.0
    not_before: float | str | None = None
    pinned: dict[str, list[str]] = Field(default_factory=dict)


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

    entity_columns: ClassVar = ("client",)
    assignment_columns: ClassVar = ("vehicle", "index")
    alike_columns: ClassVar = ("vehicle", "index")
    moved_words: ClassVar = ("client changes its vehicle", "clients change their vehicle")
    price_keys: ClassVar = ("cost", "policy", "clients", "vehicles")
    unit_class: ClassVar = "RoutingUnits"
    other_columns: ClassVar = {
        "depots": ("node",),
        "clients": ("node",),
        "links": ("tail", "head", "length"),
        "nodes": ("name", "x", "y", "lat", "lon"),
        "distances": ("from", "to", "distance"),
        "durations": ("from", "to", "duration"),
        "started": ("vehicle", "index", "depot", "stop", "client", "departure", "locked"),
    }

    kind: Literal["routing"]
    depots: PartSpec
    clients: PartSpec
    vehicles: PartSpec
    links: PartSpec | None = None
    nodes: PartSpec | None = None
    cost: dict[str, Name] = Field(default_factory=dict)
    duration: LawUse | None = None
    distances: MatrixSpec | None = None
    durations: MatrixSpec | None = None
    started: PartSpec | None = None
    planning: dict[str, float] = Field(default_factory=dict)
    units: dict[Literal["distance", "time", "load", "money"], Unit] = Field(default_factory=dict)
    policy: PolicySpec = Field(default_factory=PolicySpec)
    detour: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one_duration(self) -> RoutingSpec:
        if (self.duration is None) == (self.durations is None):
            raise ValueError(
                'write duration = { law = "…" }, or durations = { table = "…" } with a row per pair'
            )
        if self.links is not None and self.duration is None:
            raise ValueError("links need the law of the time that a link takes: duration = { law = … }")
        return self

    def scopes(self) -> Mapping[str, str]:
        """Return what laws may read of the tables."""
        places = dict.fromkeys(("client.", "arc.from_", "arc.to_"), "clients")
        return {**places, "vehicle.": "vehicles"} | ({} if self.links is None else {"link.": "links"})

    def units_of_law(self, key: Key) -> tuple[str, ...]:
        """Return the unit of prices or that of times."""
        units = self.counted()
        return (units.money if key[0] == "cost" else units.time,)

    def record_checks(self, records: Mapping[str, Sequence[Any]], reader: RecordReader) -> list[RecordCheck]:
        """Look for contradictions between depots, clients, vehicles and the policy."""
        from kanopt.problems.place_checks import place_checks
        from kanopt.problems.routing.validation import routing_checks

        units = self.counted()
        depots, clients, vehicles = (records[name] for name in ("depots", "clients", "vehicles"))
        measured = self.links is None and self.distances is None
        places = {"depots": depots, "clients": clients}
        return [
            *routing_checks(depots, clients, vehicles, self.policy_without_law(), units),
            *place_checks(
                places,
                reader,
                partial(self.table_uses, records),
                units.distance,
                measured=measured,
                needed=True,
            ),
        ]

    def unstated_checks(
        self, records: Mapping[str, Sequence[Any]], reader: RecordReader
    ) -> list[RecordCheck]:
        """Look whether nothing costs anything, or nothing is to be carried."""
        from kanopt.problems.routing.validation import unstated_checks

        return unstated_checks(
            records["clients"],
            records["vehicles"],
            self.policy_without_law(),
            partial(self.table_uses, records),
            reader.filled,
            has_cost_law=bool(self.cost),
            load=self.counted().load,
        )

    def law_uses(self) -> dict[Key, str]:
        """Return the law of travel time, that of each cost term, and that of service times if there is one."""
        found: dict[Key, str] = {
            **super().law_uses(),
            **{("cost", term): law for term, law in self.cost.items()},
        }
        if self.policy.service is not None:
            found["policy", "service", "law"] = self.policy.service.law
        return found

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the names under which something is read of a part; what is a capacity is read of two."""
        return super().readable_names(part) | frozenset(self.policy.capacities)

    def usual_variants(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Change, ...]]:
        """Return one vehicle more and one fewer of the types with most of them, and demand a tenth up and down."""
        fleet, clients = (part.read(tables[part.table]) for part in (self.vehicles, self.clients))
        amounts = ("demand", "pickup", *self.policy.capacities)
        read = [name for name in amounts if name in clients and clients[name].any()]
        return {
            **one_more_and_fewer(fleet, self.vehicles.table),
            **a_tenth_up_and_down("demand", [f"{self.clients.table}.{name}" for name in read]),
        }

    def policy_without_law(self) -> RoutingPolicy:
        """Return the policy, as long as there is no law of service times."""
        from kanopt.problems import RoutingPolicy

        return RoutingPolicy(
            apart=[(one, other) for one, other in self.policy.apart],
            **self.policy.model_dump(exclude={"service", "apart"}),
        )

    def build(self, material: ProblemInputs) -> RoutingProblem:
        """Build the routing problem."""
        from kanopt.problems import RoadNetwork, RoutingProblem

        units = self.counted()
        matrices = material.parts("distances", "durations")
        duration: Any = matrices["durations"] if self.duration is None else material.law(self.duration.law)
        if self.links is not None:
            roads = material.parts("links", "nodes")
            duration = RoadNetwork(**roads, law=duration, distance=units.distance, time=units.time)
        service = self.policy.service
        policy = self.policy_without_law()
        if service is not None:
            policy = replace(policy, service=material.law(service.law))
        return RoutingProblem(
            **material.parts("depots", "clients", "vehicles"),
            cost={term: material.law(law) for term, law in self.cost.items()},
            duration=duration,
            distance=matrices["distances"],
            units=units,
            planning=self.planning,
            policy=policy,
            detour=self.detour,
            day=self.day,
            started=() if self.started is None else material.part(self.started),
        )
