"""The supply problem: which sites open and what flows where, priced by laws."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.plans.findings import Reason
from kanopt.supply.assessment import SupplyAssessment
from kanopt.supply.model import SupplyModel
from kanopt.supply.plan import FlowPlan
from kanopt.supply.reasons import infeasibility_reasons


@dataclass(frozen=True, eq=False, repr=False)
class SupplyProblem(SupplyModel):
    """Which sites to open, and what to move from suppliers through sites to markets in each period.

    What enters a site in a period leaves it in that period or is kept for later, within its storage; sites start
    empty. What a market does not get is a shortage, paid for at the product's shortage cost; a product without one
    must be delivered. The objective is money, in the terms ``purchase``, ``transport``, ``handling``, ``sites``,
    ``holding`` and ``shortage``.

    Parameters
    ----------
    suppliers, markets, products, periods, lanes
        Records (:class:`Supplier`, :class:`Market`, :class:`Product`, :class:`Period`, :class:`Lane`) or frames with
        their fields as columns; further columns become attributes that laws may read. Suppliers have one row for each
        product they offer. Periods stand in order of time.
    tariff
        Money for moving product over a lane: a law bound to ``lane.…``, ``product.…``, ``period.…`` and
        ``state.quantity`` or ``state.weight`` (the flow of one product on one lane in one period); a
        reference such as ``lane.rate``; a number; or an array that broadcasts to lanes × products × periods.
        The declared unit of a law says whether it is money per unit, per weight or per shipment, see
        :mod:`kanopt.supply.tariff`.
    demand
        Units wanted: a law bound to ``market.…``, ``product.…`` and ``period.…``; a reference such as
        ``market.demand``; a number; an array that broadcasts to markets × products × periods; or a frame with
        the columns ``market``, ``product``, ``period`` and ``demand``, and perhaps ``demand_sd``, the standard
        deviation of a demand that is not certain (blank: it is), which :func:`kanopt.risk` and
        :func:`kanopt.monte_carlo` draw.
    facilities
        :class:`Facility` records or a frame; left out, suppliers ship straight to markets.
    planning
        The shipment at which a tariff that depends on the flow is frozen for the solver:
        ``{"state.quantity": 20.0}`` in units of product, or ``{"state.weight": 18.0}``; or what is usual on each
        lane, such as ``{"state.weight": lane.usual_load}``.
    units
        What numbers are counted in.
    detour
        Factor on lengths of lanes that follow from coordinates: how much longer ways are than as the crow flies. None
        for 1.3, about that of roads, on great circles, and for 1 on straight lines; see
        :mod:`kanopt.plans.geography`.
    day
        The first day of the first period, a date or ``"2026-03-02"``, which laws read as ``day.weekday`` and the like;
        None where no law reads it.

    Raises
    ------
    ProblemError
        With every mistake in the records; or naming the first tariff or demand that is negative or not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
    >>> problem = SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour", capacity=50.0, unit_cost=2.0)],
    ...     facilities=[Facility("north", fixed_cost=30.0)],
    ...     markets=[Market("Lyon")],
    ...     products=[Product("flour", shortage_cost=9.0)],
    ...     periods=[Period("1")],
    ...     lanes=[Lane("mill", "north"), Lane("north", "Lyon")],
    ...     tariff=1.0,
    ...     demand=20.0,
    ... )
    >>> plan = problem.plan_from(pd.DataFrame(
    ...     {"tail": ["mill", "north"], "head": ["north", "Lyon"], "quantity": [15.0, 15.0]}))
    >>> problem.check(plan).ok
    True
    >>> problem.price(plan).terms().to_dict()
    {'shortage': 45.0, 'purchase': 30.0, 'sites': 30.0, 'transport': 30.0}
    """

    def assess(self, plan: FlowPlan) -> SupplyAssessment:
        """Return what becomes of a plan: capacities, balances, closed sites and mandatory demand, and its price.

        Amounts are compared to a millionth of the limit concerned, and to a millionth of a unit below one unit.

        Lines of the price: ``purchase`` (group: the supplier), ``transport`` (the lane), ``handling`` and ``holding``
        (the facility) and ``shortage`` (the market), each with the item ``"product, period"``; ``sites`` (the
        facility) with the item ``"fixed"`` or the period. A shortage of a product that must be delivered has no price:
        it is a violation. At planning values each unit pays the rate of the planning shipment.
        """
        return self._cached_assessment(plan, SupplyAssessment)

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say what makes the demand impossible."""
        return infeasibility_reasons(self)
