"""``[problem]`` with ``kind = "supply"``: suppliers, sites and markets, joined by lanes."""

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
)
from kanopt.whatif.scenario_files.spec import Unit
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems import SupplyProblem
    from kanopt.records.reading import RecordCheck, RecordReader
    from kanopt.whatif.changes import Change

__all__ = ["SupplySpec"]


class DemandSpec(FileModel):
    """``[problem.demand]``: a law of market, product and period, or a table of these, ``demand`` and ``demand_sd``."""

    law: Name | None = None
    table: Name | None = None
    columns: dict[str, Name] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> DemandSpec:
        if (self.law is None) == (self.table is None):
            raise ValueError('write law = "…" or table = "…"')
        if self.law is not None and self.columns:
            raise ValueError("columns belong to a table, not to a law")
        return self

    @property
    def part(self) -> PartSpec | None:
        """The table, if it is one."""
        return None if self.table is None else PartSpec(table=self.table, columns=self.columns)


class SupplySpec(ProblemSpec):
    """``kind = "supply"``: suppliers, sites and markets, joined by lanes."""

    entity_columns: ClassVar = ("head", "product")
    assignment_columns: ClassVar = ("tail", "mode")
    moved_words: ClassVar = ("delivery changes its origin", "deliveries change their origin")

    counts_work: ClassVar = False
    unit_class: ClassVar = "SupplyUnits"
    other_columns: ClassVar = {"demand": ("market", "product", "period", "demand", "demand_sd")}

    kind: Literal["supply"]
    suppliers: PartSpec
    facilities: PartSpec
    markets: PartSpec
    products: PartSpec
    periods: PartSpec
    lanes: PartSpec
    tariff: LawUse
    demand: DemandSpec
    planning: dict[str, float] = Field(default_factory=dict)
    units: dict[Literal["weight", "distance", "money", "quantity"], Unit] = Field(default_factory=dict)
    detour: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None

    def scopes(self) -> Mapping[str, str]:
        """Return what laws may read of the tables."""
        return {"lane.": "lanes", "market.": "markets", "product.": "products", "period.": "periods"}

    def plain_references(self) -> Mapping[str, str]:
        """Return the flow, and the number of a period."""
        return {**super().plain_references(), "period.index": ""}

    def units_of_law(self, key: Key) -> tuple[str, ...]:
        """Return the unit of amounts, or those of money, which may be that of a shipment, an amount or a weight."""
        units = self.counted()
        if key[0] == "demand":
            return (units.quantity,)
        per_weight = replace(units, quantity=units.weight).per_quantity
        return tuple(dict.fromkeys([units.money, units.per_quantity, per_weight]))

    def record_checks(self, records: Mapping[str, Sequence[Any]], reader: RecordReader) -> list[RecordCheck]:
        """Look for contradictions between the records."""
        from kanopt.problems.place_checks import place_checks
        from kanopt.problems.supply.network import SupplyNetwork
        from kanopt.problems.supply.validation import network_checks

        network = SupplyNetwork.of(records, self.counted())
        places = {name: records[name] for name in ("suppliers", "facilities", "markets")}
        measured = any(lane.distance is None for lane in network.lanes)
        return [
            *network_checks(network),
            *place_checks(
                places,
                reader,
                partial(self.table_uses, records),
                network.units.distance,
                measured=measured,
                needed=False,
            ),
        ]

    def parts(self) -> dict[Key, PartSpec]:
        """Return the tables, that of the demand among them if it is one."""
        # there is none in what is left of a section with mistakes
        given: DemandSpec | None = self.demand
        demand = None if given is None else given.part
        return {**super().parts(), **({} if demand is None else {("demand",): demand})}

    def law_uses(self) -> dict[Key, str]:
        """Return the tariff, and the demand if it is a law."""
        given: DemandSpec | None = self.demand
        law = None if given is None else given.law
        return {**super().law_uses(), **({} if law is None else {("demand", "law"): law})}

    def usual_variants(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Change, ...]]:
        """Return demand a tenth up and down, and so the capacity of sites, where they have one."""
        wanted = [f"surrogates.{self.demand.law}"]
        if (part := self.demand.part) is not None:
            read = part.read(tables[part.table])
            wanted = [f"{part.table}.{name}" for name in ("demand", "demand_sd") if name in read]
        sites = self.facilities.read(tables[self.facilities.table])
        limited = [f"{self.facilities.table}.capacity"] if "capacity" in sites else []
        return {
            **a_tenth_up_and_down("demand", wanted),
            **a_tenth_up_and_down("capacity of sites", limited),
        }

    def build(self, material: ProblemInputs) -> SupplyProblem:
        """Build the supply problem."""
        from kanopt.problems import SupplyProblem

        parts = ("suppliers", "facilities", "markets", "products", "periods", "lanes")
        part, law = self.demand.part, self.demand.law
        demand: Any = material.part(part) if part is not None else material.law(str(law))
        return SupplyProblem(
            **material.parts(*parts),
            tariff=material.law(self.tariff.law),
            demand=demand,
            planning=self.planning,
            units=self.counted(),
            detour=self.detour,
            day=self.day,
        )
