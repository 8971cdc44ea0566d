"""Tariffs and demand: laws, numbers or tables, turned into arrays.

A tariff is money for moving product on a lane in a period. What a law's result means follows from its
declared unit, never from its name:

=====================================  ==========================================================
unit of the law                        money for the flow ``q`` of a product on a lane in a period
=====================================  ==========================================================
money per quantity (``EUR/pallet``)    ``law × q``
money per weight (``EUR/t``)           ``law × weight of the product × q``
money, or none, of fixed data          ``law × q``: the law is money per unit of product
money, or none, of ``state.quantity``  ``law(q)``: the law is money for one shipment of ``q``;
or ``state.weight``, or per shipment   a lane not used costs nothing
=====================================  ==========================================================

A linear solver needs one rate per lane, product and period. A law that reads the flow is therefore frozen at
a planning shipment of ``q0`` units: the solver pays ``law(q0) / q0`` (or ``law(q0)`` where the law is a rate)
for each unit; the law itself is paid when the plan is priced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.faults import coerced_numbers, first_no_number, float_array
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference, ReferenceValue
from kanopt.plans.findings import FrozenInput
from kanopt.plans.law_use import refuse_below_zero
from kanopt.records.fields import Field
from kanopt.records.headers import column_hint
from kanopt.records.reading import names_of
from kanopt.supply.network import LARGEST_ADDED, SupplyNetwork, positions_of
from kanopt.tables.report import declared_units
from kanopt.text import amount_text, number_text
from kanopt.units import same_dimension

SupplyLaw: TypeAlias = BoundFormula | Reference | float | NDArray[Any]
Basis: TypeAlias = Literal["quantity", "weight", "shipment"]
_BAD_LAW = (
    "a law that gives such values is used where it does not hold, or was learned without being kept positive"
)
FLOW = {"state.quantity": "quantity", "state.weight": "weight"}
DEMAND_KEYS = ("market", "product", "period")


@dataclass(frozen=True, eq=False)
class LaneTariff:
    """The tariff of every lane, product and period.

    Parameters
    ----------
    network
        Whose lanes are priced.
    law
        A bound formula, a reference such as ``lane.rate``, a number, or an array that broadcasts to (L, P, T).
    planning
        Planning values: ``{"state.quantity": 20.0}`` where the law reads the flow; or a reference to what is usual on
        each lane, such as ``{"state.weight": lane.usual_load}``.

    Raises
    ------
    ProblemError
        If the law reads the flow and no planning value is given, or a rate is negative or not a number.
    """

    network: SupplyNetwork
    law: SupplyLaw
    planning: Mapping[str, float | Reference]

    def __post_init__(self) -> None:
        unknown = [key for key in self.planning if key not in FLOW]
        if unknown:
            raise ProblemError(f"planning: unknown value {unknown[0]!r}; {nearest(unknown[0], FLOW)}")
        if len(self.planning) > 1:
            raise ProblemError("planning: give 'state.quantity' or 'state.weight', not both")
        if self.reads_flow and not self.planning:
            read = self.law.state_references if isinstance(self.law, BoundFormula) else ()
            flow = str(read[0]) if read else "state.quantity"
            raise ProblemError(
                "tariff: the law depends on how much is shipped; state a usual shipment, at which it is priced where "
                f"no straight pieces can be made of it: write planning={{'{flow}': 20}}"
            )
        if not ((self.planning_shipments > 0) & np.isfinite(self.planning_shipments)).all():
            raise ProblemError(
                f"planning: {next(iter(self.planning))!r} must be a positive number everywhere"
            )
        _refuse_bad(self.rates, self.network, "tariff", "lane")

    @cached_property
    def basis(self) -> Basis:
        """What the result of the law is money for."""
        if not isinstance(self.law, BoundFormula):
            return "quantity"
        unit, units = self.law.formula.output.unit, self.network.units
        if unit and not same_dimension(unit, units.money):
            if same_dimension(unit, units.per_quantity):
                return "quantity"
            return "weight"
        per_shipment = bool(self.law.state_references) or self.law.formula.per == "shipment"
        return "shipment" if per_shipment else "quantity"

    @property
    def unit(self) -> str:
        """Unit into which the result of the law is converted."""
        units = self.network.units
        if self.basis == "weight":
            return f"{units.money}/{units.weight}"
        declared = self.law.formula.output.unit if isinstance(self.law, BoundFormula) else ""
        rate = self.basis == "quantity" and declared and not same_dimension(declared, units.money)
        return units.per_quantity if rate else units.money

    @property
    def reads_flow(self) -> bool:
        """Whether the money for a unit depends on how much is shipped."""
        if not isinstance(self.law, BoundFormula):
            return False
        return self.basis == "shipment" or bool(self.law.state_references)

    @cached_property
    def planning_shipments(self) -> Floats:
        """Planning shipment of each product in units; broadcasts to (L, P, T)."""
        key, stated = next(iter(self.planning.items()), ("state.quantity", 1.0))
        units = self.network.units
        by_weight = key == "state.weight"
        if isinstance(stated, Reference):
            shipment = self.network.resolve(stated).to(units.weight if by_weight else units.quantity)
        else:
            shipment = np.full((1, 1, 1), float(stated))
        return np.asarray(
            shipment / (self.network.weights.reshape(1, -1, 1) if by_weight else 1.0), dtype=float
        )

    @cached_property
    def rates(self) -> Floats:
        """Money per unit at the planning shipment, shape (L, P, T)."""
        if not isinstance(self.law, BoundFormula):
            return _broadcast(self.law, self.network, "lane")
        money = self._money_for(self.planning_shipments)
        return np.broadcast_to(money / self.planning_shipments, self.network.shape)

    def amounts(self, flows: Floats, *, frozen: bool = False) -> Floats:
        """Return the money for flows of shape (L, P, T), same shape; what the law puts below zero counts as zero.

        Parameters
        ----------
        flows
            Units of product on each lane in each period.
        frozen
            Pay the planning rate for each unit, as the solver does.
        """
        if frozen or not self.reads_flow:
            return flows * self.rates
        return np.maximum(self.raw(flows), 0.0)

    def raw(self, flows: Floats) -> Floats:
        """Return the law's own money for flows, shape (L, P, T); zero where nothing flows."""
        if not self.reads_flow:
            return flows * self.rates
        used = flows > 0
        # an unused lane costs nothing, and the law is not evaluated at a shipment of zero
        return np.where(used, self._money_for(np.where(used, flows, self.planning_shipments)), 0.0)

    def arguments(self, flows: Floats) -> dict[str, NDArray[Any]]:
        """Return the inputs of the law at these flows; empty where there is no law."""
        if not isinstance(self.law, BoundFormula):
            return {}
        shipped = (
            np.where(flows > 0, flows, self.planning_shipments)
            if self.reads_flow
            else self.planning_shipments
        )
        return self.law.arguments(self._resolver(shipped))

    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        """Return what the solver sees at a planning value."""
        if not isinstance(self.law, BoundFormula) or not self.reads_flow:
            return ()
        units = self.network.units
        key, value = next(iter(self.planning.items()))
        unit = units.quantity if key == "state.quantity" else units.weight
        stated = str(value) if isinstance(value, Reference) else amount_text(value, unit, 6)
        names = [
            (name, str(bound))
            for name, bound in self.law.bindings.items()
            if isinstance(bound, Reference) and bound.is_state
        ]
        why = "a linear solver pays one rate per unit; the rate is that of the planning shipment"
        return tuple(
            FrozenInput("tariff", name, reference, stated, why)
            for name, reference in names or [("shipment", "state.quantity")]
        )

    def _money_for(self, flows: Floats) -> Floats:
        """Return the law's money for shipments of this size, whatever its basis."""
        assert isinstance(self.law, BoundFormula)
        result = self.law.evaluate(self._resolver(flows), unit=self.unit)
        if self.basis == "shipment":
            return result
        per_unit = self.network.weights.reshape(1, -1, 1) if self.basis == "weight" else 1.0
        return result * per_unit * flows

    def _resolver(self, flows: Floats) -> Callable[[Reference], ReferenceValue]:
        def resolve(reference: Reference) -> ReferenceValue:
            if reference.scope != "state":
                return self.network.resolve(reference)
            if reference.field == "quantity":
                return ReferenceValue(flows, self.network.units.quantity)
            return ReferenceValue(flows * self.network.weights.reshape(1, -1, 1), self.network.units.weight)

        return resolve


def demand_of(network: SupplyNetwork, demand: SupplyLaw | pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the demand of every market, product and period, and its standard deviation; shape (M, P, T) each.

    Parameters
    ----------
    network
        Whose markets are asked.
    demand
        A bound formula of ``market.…``, ``product.…`` and ``period.…``; a reference such as ``market.demand``; a
        number or an array that broadcasts; or a frame with the columns ``market``, ``product``, ``period`` and
        ``demand``, where combinations not named are 0 and ``product`` or ``period`` may be left out if there is
        only one, and perhaps ``demand_sd``, blank for 0.

    Raises
    ------
    LawValueError
        If a law says a demand below zero.
    ProblemError
        If a demand is negative or not a number, or the frame names something unknown.
    """
    shape = len(network.markets), *network.shape[1:]
    deviation = np.zeros(shape)
    if isinstance(demand, pd.DataFrame):
        values = _column(network, demand, "demand", shape)
        if "demand_sd" in demand.columns:
            filled = demand.assign(demand_sd=demand["demand_sd"].where(demand["demand_sd"].notna(), 0.0))
            filled.attrs = demand.attrs
            deviation = _column(network, filled, "demand_sd", shape)
    elif isinstance(demand, BoundFormula):
        unit = network.units.quantity
        told = demand.evaluate(lambda reference: network.resolve(reference, "market"), unit)
        values = np.broadcast_to(told, shape)
        refuse_below_zero(
            "demand", demand, values, unit,
            lambda cell: f"for {_cell(network, 'market', np.unravel_index(cell, shape))}",
        )  # fmt: skip
        values = np.maximum(values, 0.0)
    else:
        values = _broadcast(demand, network, "market")
    _refuse_bad(values, network, "demand", "market")
    _refuse_bad(deviation, network, "demand: demand_sd", "market")
    return values, deviation


def _broadcast(law: Reference | float | NDArray[Any], network: SupplyNetwork, leading: str) -> Floats:
    """Broadcast numbers, or a column of the records, to one value for each cell of lanes or of markets."""
    units, shape = network.units, network.shape
    what, unit = "tariff", units.per_quantity
    if leading == "market":
        what, unit, shape = "demand", units.quantity, (len(network.markets), *shape[1:])
    try:
        values = network.resolve(law, leading).to(unit) if isinstance(law, Reference) else law
        return np.broadcast_to(float_array(values), shape)
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"{what}: {error}; give a formula, a number, or an array that broadcasts to "
            f"{leading}s × products × periods = {shape}"
        ) from error


def _column(network: SupplyNetwork, frame: pd.DataFrame, column: str, shape: tuple[int, int, int]) -> Floats:
    """Return a column of a table of demands, shape (M, P, T); 0 where there is no row."""
    places = demand_places(network, frame)
    if column not in frame.columns:
        hint = column_hint("demand", Field(column, network.units.quantity), frame.columns)
        raise ProblemError(f"demand: column {column!r} is missing; {hint}")
    if fault := first_no_number(frame[column]):
        raise ProblemError(f"demand: {fault}")
    numbers = coerced_numbers(frame[column])
    cells = np.ravel_multi_index(tuple(places), shape)
    repeated = pd.Series(cells).duplicated().to_numpy()
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        raise ProblemError(f"demand: row {row + 1} repeats a market, product and period given before")
    values = np.zeros(shape)
    unit = declared_units(frame, column).get(column, "") if frame.attrs else ""
    try:
        values.ravel()[cells] = ReferenceValue(numbers, unit).to(network.units.quantity)
    except UnitError as error:
        raise ProblemError(f"demand: column {column!r}: {error}") from error
    return values


def demand_places(network: SupplyNetwork, frame: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Return the positions of the market, product and period of every row of a table of demands."""
    return [row_positions(network, frame, kind, "demand") for kind in DEMAND_KEYS]


def row_positions(network: SupplyNetwork, frame: pd.DataFrame, column: str, where: str) -> NDArray[np.intp]:
    """Return the place of each row's entry among the names of a kind; a missing column means the only name there is.

    Raises
    ------
    ProblemError
        If the column is missing and there are several names, or an entry is unknown.
    """
    names = network.names[column]
    if column not in frame.columns:
        if len(names) == 1:
            return np.zeros(len(frame), dtype=np.intp)
        raise ProblemError(
            f"{where}: column {column!r} is missing; {column_hint(where, Field(column, kind=str), frame.columns)}"
        )
    labels = names_of(frame[column])
    found = positions_of(labels, names)
    if (found < 0).any():
        row = int(np.flatnonzero(found < 0)[0])
        raise ProblemError(
            f"{where}: row {row + 1}: unknown {column} {labels[row]!r}; {nearest(labels[row], names)}"
        )
    return found


def _cell(network: SupplyNetwork, kind: str, cell: tuple[Any, ...]) -> str:
    lead, product, period = (
        network.names[each][at] for each, at in zip((kind, *DEMAND_KEYS[1:]), cell, strict=True)
    )
    return f"{lead!r}, product {product!r}, period {period!r}"


def _refuse_bad(values: Floats, network: SupplyNetwork, what: str, kind: str) -> None:
    wrong = ~((values >= 0) & (values <= LARGEST_ADDED))
    if not wrong.any():
        return
    cell = tuple(np.argwhere(wrong)[0])
    told = "no number" if np.isnan(values[cell]) else number_text(float(values[cell]), 6)
    raise ProblemError(
        f"{what}: {told} for {_cell(network, kind, cell)} ({int(wrong.sum())} of {values.size} values are negative, "
        f"not finite or beyond {number_text(LARGEST_ADDED)}); "
        + ("leave it blank where demand is certain" if what.endswith("demand_sd") else _BAD_LAW)
    )
