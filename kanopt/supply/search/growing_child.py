"""The script that minimises a model of which HiGHS sees a growing part, see :mod:`kanopt.supply.search.model`.

It has a process of its own for the reasons told in :mod:`kanopt.engines.highs_child`. Beside highspy and NumPy it
imports :mod:`kanopt.worker` and that script alone, so that it starts quickly.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from numpy.typing import NDArray

from kanopt.engines.highs_child import watch

if TYPE_CHECKING:
    from kanopt.worker import Channel

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_MISSED = 1e-6
"""By how much, as a share of its size, a row of the pool may be missed before it is added."""
_WORTH = 1e-9
"""As a share of the largest cost; a column whose reduced cost is nearer to zero is not added."""
_EACH = 4
"""So many columns are added at a time, at most, for the first row in which they stand."""
_WHOLE = 30_000
"""A model with so many columns is given to HiGHS as a whole."""
_MOST, _CANDIDATES = 60_000, 25
"""So many columns and whole numbers HiGHS branches on at first."""
_ROOT, _AGAIN = 0.4, 0.25
"""Share of the time left that the relaxation gets before anything is branched on, and between branchings."""
_PROBING = 0.2
"""Share of the time left in which whole numbers are excluded."""
_EARLY, _ROUNDING = 0.05, 0.3
"""Share of the time left in which first points are improved, before the relaxation is tight and after."""
_MIXES = (0.1, 0.3, 0.5, 0.7)
_STEADY, _ROUNDS = 1e-4, 4
"""A relaxation whose bound rises by no more than this share in so many rounds is left."""
_THRESHOLDS = (0.02, 0.1, 0.3, 0.5, 0.8)
_USED = 1e-6
_TRUSTED = 1e-6
"""Share of a price by which HiGHS may be off it; where it is by more, its bound is not believed."""
_GAIN = 1e-9
"""A point that is cheaper by a smaller share is no better."""
_ROUNDED = 1e-9
"""Share of a price by which rounding may have moved the bounds by which whole numbers were excluded."""
_NOTHING_LEFT = ("kInfeasible", "kUnboundedOrInfeasible")
"""Of a model whose relaxation had an optimum before whole numbers were excluded, so that it is not unbounded."""


class _Entries:
    """The entries of a matrix line by line."""

    def __init__(self, lines: Indices, across: Indices, values: Floats, count: int) -> None:
        order = np.argsort(lines, kind="stable")
        self.lines, self.across, self.values = lines[order], across[order], values[order]
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(lines, minlength=count))])

    def of(self, lines: Indices) -> tuple[Indices, Indices, Floats]:
        """Return the entries of some lines: the place of the line among those asked for, where across, value."""
        counts = self.starts[lines + 1] - self.starts[lines]
        own = np.repeat(np.arange(len(lines)), counts)
        place = np.arange(len(own)) + np.repeat(self.starts[lines] - np.cumsum(counts) + counts, counts)
        return own, self.across[place], self.values[place]

    def times(self, factors: Floats, count: int) -> Floats:
        """Return the sum over all lines of their entries times a factor for each line."""
        return np.bincount(self.across, self.values * factors[self.lines], count).astype(float)


class GrowingLp:
    """Some columns of a model, all its rows, and some rows of its pool, in HiGHS.

    Parameters
    ----------
    model
        The arrays of a :class:`~kanopt.engines.highs.MixedIntegerModel` by name.
    pool
        The arrays of a :class:`~kanopt.supply.search.model.RowPool` by name.
    start
        The columns to begin with.
    options
        Of HiGHS.

    Attributes
    ----------
    highs
        What solves it.
    place, row_place
        Where a column of the model and a row of the pool stand in it; -1 where they do not.
    point, objective, duals, pool_duals
        The last optimum, in the order of the model; zero what is not there.
    """

    def __init__(
        self, model: dict[str, Any], pool: dict[str, Any], start: Indices, options: dict[str, Any]
    ) -> None:
        self.model, self.size, self.count = model, len(model["cost"]), len(model["row_lower"])
        self.gates, self.sizes = pool["gates"], pool["sizes"]
        self._of_columns = _Entries(model["columns"], model["rows"], model["values"], self.size)
        self._of_rows = _Entries(pool["rows"], pool["columns"], pool["values"], len(self.gates))
        self._pool_of_columns = _Entries(pool["columns"], pool["rows"], pool["values"], self.size)
        self._by_row = _Entries(model["rows"], model["columns"], model["values"], self.count)
        self.place, self.columns = np.full(self.size, -1), np.zeros(0, dtype=np.intp)
        self.row_place, self.rows = np.full(len(self.gates), -1), np.zeros(0, dtype=np.intp)
        self.highs = highspy.Highs()
        for name, value in options.items():
            self.highs.setOptionValue(name, value)
        empty = highspy.HighsLp()
        empty.num_row_, empty.num_col_ = self.count, 0
        empty.row_lower_, empty.row_upper_ = model["row_lower"], model["row_upper"]
        empty.a_matrix_.start_ = np.zeros(1, dtype=np.int32)
        self.highs.passModel(empty)
        self.add_columns(start)
        self.point, self.objective = np.zeros(self.size), np.inf
        self.duals, self.pool_duals = np.zeros(self.count), np.zeros(len(self.gates))

    @property
    def is_whole(self) -> bool:
        """Whether every column is there."""
        return len(self.columns) == self.size

    @property
    def status(self) -> highspy.HighsModelStatus:
        """How the last solve ended."""
        status: highspy.HighsModelStatus = self.highs.getModelStatus()
        return status

    def add_columns(self, columns: Indices) -> None:
        """Add columns with their entries in every row that is there."""
        own, rows, values = self._of_columns.of(columns)
        pool_own, pool_rows, pool_values = self._pool_of_columns.of(columns)
        there = self.row_place[pool_rows] >= 0
        own = np.concatenate([own, pool_own[there]])
        rows = np.concatenate([rows, self.count + self.row_place[pool_rows[there]]])
        values = np.concatenate([values, pool_values[there]])
        order = np.argsort(own, kind="stable")
        starts = np.searchsorted(own[order], np.arange(len(columns))).astype(np.int32)
        cost, lower, upper = (self.model[name][columns] for name in ("cost", "lower", "upper"))
        indices = rows[order].astype(np.int32)
        self.highs.addCols(len(columns), cost, lower, upper, len(order), starts, indices, values[order])
        self.place[columns] = len(self.columns) + np.arange(len(columns))
        self.columns = np.concatenate([self.columns, columns])

    def add_rows(self, rows: Indices) -> None:
        """Add rows of the pool with their entries in every column that is there."""
        own, columns, values = self._of_rows.of(rows)
        there = self.place[columns] >= 0
        own, columns, values = own[there], self.place[columns[there]].astype(np.int32), values[there]
        starts = np.searchsorted(own, np.arange(len(rows))).astype(np.int32)
        ends = np.full(len(rows), -np.inf), np.zeros(len(rows))
        self.highs.addRows(len(rows), *ends, len(own), starts, columns, values)
        self.row_place[rows] = len(self.rows) + np.arange(len(rows))
        self.rows = np.concatenate([self.rows, rows])

    def set_bounds(self, columns: Indices | list[int], lower: Floats, upper: Floats) -> None:
        """Change the bounds of columns that are there."""
        self.highs.changeColsBounds(len(columns), self.place[columns].astype(np.int32), lower, upper)

    def solve(self, seconds: float) -> bool:
        """Solve what is there; return whether that found an optimum."""
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(0.0, seconds))
        self.highs.run()
        if self.status != highspy.HighsModelStatus.kOptimal:
            return False
        solution = self.highs.getSolution()
        self.point = np.zeros(self.size)
        self.point[self.columns] = solution.col_value
        self.objective = self.highs.getInfo().objective_function_value
        duals = np.array(solution.row_dual)
        self.duals = self._with_right_signs(duals[: self.count])
        self.pool_duals = np.zeros(len(self.gates))
        self.pool_duals[self.rows] = np.minimum(duals[self.count :], 0.0)
        return True

    def _with_right_signs(self, duals: Floats) -> Floats:
        """Return multipliers without those that push against a side of a row on which there is no bound."""
        below, above = np.isinf(self.model["row_lower"]), np.isinf(self.model["row_upper"])
        return np.where((below & (duals > 0)) | (above & (duals < 0)), 0.0, duals)

    def reduced_costs(self, duals: Floats, pool_duals: Floats) -> Floats:
        """Return the reduced costs of all columns of the model, shape (n,)."""
        of_model = self._by_row.times(duals, self.size)
        return np.asarray(self.model["cost"] - of_model - self._of_rows.times(pool_duals, self.size))

    def bound(self, duals: Floats, reduced: Floats) -> tuple[float, Floats]:
        """Return a lower bound on the whole model and the reduced costs behind it.

        Lagrange's: rows at any multipliers, and each column at the better end of its range. Where a column of a row of
        the pool is worth more than nothing, the multiplier of that row is moved until the gate pays for it, which is
        used once and not for each of its columns.

        Parameters
        ----------
        duals
            Multipliers of the rows of the model, of the right signs.
        reduced
            Reduced costs at these and at multipliers of the pool's rows that are not positive.
        """
        pool, model = self._of_rows, self.model
        flows = pool.values > 0
        needed = np.zeros(len(self.gates))
        np.maximum.at(needed, pool.lines[flows], -reduced[pool.across[flows]] / pool.values[flows])
        reduced = reduced + pool.times(needed, self.size)
        ends = np.where(duals > 0, model["row_lower"], model["row_upper"])
        taken = np.where(reduced > 0, model["lower"], model["upper"])
        rows, columns = duals != 0, reduced != 0
        at_rows, at_columns = duals[rows] @ ends[rows], reduced[columns] @ taken[columns]
        return float(at_rows + at_columns), reduced

    def missing_columns(self, reduced: Floats, allowed: NDArray[np.bool_] | None = None) -> Indices:
        """Return the best columns that are not there and would lower the cost, a few for the first row of each."""
        wanted = (self.place < 0) & (reduced < -_WORTH * max(1.0, float(np.abs(self.model["cost"]).max())))
        found = np.flatnonzero(wanted if allowed is None else wanted & allowed)
        if not len(found):
            return found
        row = self._of_columns.across[self._of_columns.starts[found]]
        order = np.lexsort((reduced[found], row))
        count = np.arange(len(row))
        first = np.concatenate([[True], np.diff(row[order]) > 0])
        return found[order[count - np.maximum.accumulate(np.where(first, count, 0)) < _EACH]]

    def missed_rows(self) -> Indices:
        """Return the rows of the pool that are not there and that the last optimum violates."""
        pool = self._of_rows
        activity = np.bincount(pool.lines, pool.values * self.point[pool.across], len(self.gates))
        return np.flatnonzero((activity > _MISSED * self.sizes) & (self.row_place < 0))

    def gated_by(self, closed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the columns that must be zero where these gates are closed, both of shape (n,)."""
        shut = np.zeros(self.size, dtype=bool)
        shut[self._of_rows.across[closed[self.gates[self._of_rows.lines]]]] = True
        return shut & ~closed


class GrowingSearch:
    """Relax, round, branch on a part; again with more of it until nothing is left out.

    Parameters
    ----------
    order
        As :func:`kanopt.supply.search.model.run_growing` makes it.
    channel
        Is told of bounds and points.
    """

    def __init__(self, order: dict[str, Any], channel: Channel) -> None:
        self.channel, self.limit, self.began = channel, order["time_limit"], time.perf_counter()
        self.model, self.pool, self.options = dict(order["model"]), order["pool"], order["options"]
        for name in ("lower", "upper"):  # excluding changes them, and no other array that may be the same
            self.model[name] = self.model[name].copy()
        self.gap, self.tries = order["options"]["mip_rel_gap"], order["tries"]
        self.rounds, self.whole = order["rounds"], np.flatnonzero(self.model["integer"])
        self.size = len(self.model["cost"])
        start = np.arange(self.size) if self.size <= _WHOLE else order["start"]
        self.best: Floats | None = None
        self.price, self.bound = np.inf, -np.inf
        if order["hint"] is not None:
            self.offer(order["hint"], float(self.model["cost"] @ order["hint"]))
            start = np.union1d(start, np.flatnonzero(order["hint"]))
        self.lp = GrowingLp(self.model, self.pool, start, self.options)
        self.multipliers, self.reduced = (self.lp.duals, self.lp.pool_duals), np.zeros(self.size)
        self.relaxed = -np.inf
        # where whole numbers are fixed, the rows of the pool say nothing that bounds do not
        self.plain: GrowingLp | None = None
        self.settled, self.excluded = False, False

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return float(self.limit - (time.perf_counter() - self.began))

    @property
    def closed(self) -> bool:
        """Whether the best point is known to be the best of all."""
        return bool(self.price - self.bound <= self.gap * abs(self.price))

    def run(self) -> str:
        """Search until the gap is closed or time is up; return the status of the model as HiGHS calls it."""
        share, part = _ROOT, 1
        if self.rounds and not self.lp.is_whole and self.relax(share * self.left, strong=False):
            self.round_up(_EARLY * self.left)
        while self.left > 0:
            if not self.relax(share * self.left):
                return self._ended(str(self.lp.status.name))
            if not len(self.whole):
                if not self.settled:
                    continue
                self.offer(self.lp.point, self.lp.objective)
                return "kOptimal"
            if self.rounds:
                self.round_up(_ROUNDING * self.left)
            self.exclude(_PROBING * self.left)
            columns, exact = self.part_of(_CANDIDATES * part, _MOST * part)
            if self.rounds and not exact and not self.closed:
                self.move(_ROUNDING * self.left)
                columns, exact = self.part_of(_CANDIDATES * part, _MOST * part)
            if self.closed:
                return "kOptimal"
            self.plain = None  # its memory is needed for branching
            status = self.branch(columns, exact=exact)
            if self.closed or (exact and status != "kTimeLimit"):
                return "kOptimal" if self.closed else self._ended(status)
            share, part = _AGAIN, 2 * part
        return "kTimeLimit"

    def _ended(self, status: str) -> str:
        """Return the status of the model, from that of what is left of it.

        What is excluded costs as much as the best point; where nothing else is left, that point is the best of all. It
        need not be left itself, for both values of a whole number may be excluded.
        """
        if status not in _NOTHING_LEFT or not self.excluded:
            return status
        self.raise_bound(self.price - _ROUNDED * abs(self.price))
        return "kOptimal"

    def offer(self, point: Floats, price: float) -> None:
        """Keep a point that is better than the best so far, and tell of it."""
        if price >= self.price - _GAIN * abs(price):
            return
        self.best, self.price = point, price
        places = np.flatnonzero(point)
        self._tell(objective=price, places=places.tolist(), values=point[places].tolist())

    def raise_bound(self, bound: float) -> None:
        """Keep a bound that is better than the best so far, and tell of it; none is above the best price.

        What is excluded costs as much as the best point, and need not cost more.
        """
        bound = min(bound, self.price)
        if bound > self.bound:
            self.bound = bound
            self._tell()

    def _tell(self, **point: Any) -> None:
        self.channel.send({"bound": self.bound if np.isfinite(self.bound) else None, **point})

    def relax(self, seconds: float, *, strong: bool = True) -> bool:
        """Add what is missing until nothing is, time is up or little is gained; return whether there is an optimum.

        Without the rows of the pool where not `strong`.
        """
        lp, until, bounds = self.lp, self.left - seconds, []
        while True:
            if not lp.solve(self.left - until):
                if lp.status == highspy.HighsModelStatus.kInfeasible and not lp.is_whole:
                    lp.add_columns(np.flatnonzero(lp.place < 0))
                    continue
                return lp.status == highspy.HighsModelStatus.kTimeLimit and bool(np.isfinite(lp.objective))
            reduced = self._learn()
            columns, rows = lp.missing_columns(reduced), lp.missed_rows()[: None if strong else 0]
            self.settled = not len(columns) and not len(rows)
            bounds.append(self.relaxed)
            is_slow = len(bounds) > _ROUNDS and bounds[-1] - bounds[-1 - _ROUNDS] <= _STEADY * abs(bounds[-1])
            if self.settled or self.left < until or (is_slow and len(self.whole)):
                return True
            if len(columns):
                lp.add_columns(columns)
            if len(rows):
                lp.add_rows(rows)

    def _learn(self) -> Floats:
        """Take the best bound of the multipliers found, and of mixes with the best so far; return reduced costs.

        While columns are missing, multipliers jump about; between them and the best so far are better ones
        (Wentges 1997, "Weighted Dantzig-Wolfe decomposition for linear mixed-integer programming").
        """
        lp, (duals, pool_duals) = self.lp, self.multipliers
        found = lp.reduced_costs(lp.duals, lp.pool_duals)
        mixes = () if lp.is_whole or not np.isfinite(self.relaxed) else _MIXES
        for share in (1.0, *mixes):
            mixed = share * lp.duals + (1.0 - share) * duals
            mixed_pool = share * lp.pool_duals + (1.0 - share) * pool_duals
            bound, reduced = lp.bound(mixed, lp.reduced_costs(mixed, mixed_pool))
            if bound > self.relaxed:
                self.multipliers, self.reduced, self.relaxed = (mixed, mixed_pool), reduced, bound
                self.raise_bound(bound)
        return found

    def round_up(self, seconds: float) -> None:
        """Try whole numbers near those of the relaxation: what it uses most of is used."""
        whole, until, relaxed = self.whole, self.left - seconds, self.lp.point[self.whole]
        lower, upper = self.model["lower"][whole], self.model["upper"][whole]
        if self.plain is None:
            self.plain = GrowingLp(self.model, self.pool, self.lp.columns, self.options)
        missing = self.lp.columns[self.plain.place[self.lp.columns] < 0]
        if len(missing):
            self.plain.add_columns(missing)
        rank = np.empty(len(whole), dtype=np.intp)
        rank[np.argsort(-relaxed, kind="stable")] = np.arange(len(whole))
        counts = [int((relaxed >= least).sum()) + more for least in _THRESHOLDS for more in (0, -1, 1)]
        tries = [*self.tries, *((rank < count).astype(float) for count in counts)]
        for tried in {each.tobytes(): each for each in np.clip(tries, lower, upper)}.values():
            if self.left > until:
                self._complete(self.plain, tried, until)
        self.tries = []

    def exclude(self, seconds: float) -> None:
        """Fix whole numbers whose other value costs as much as the best point in the relaxation already.

        Those of large reduced costs first, then each by a relaxation of its own (probing; Savelsbergh 1994,
        "Preprocessing and probing techniques for mixed integer programming problems", ORSA Journal on Computing 6).
        """
        lp, until = self.lp, self.left - seconds
        lower, upper, near = self.model["lower"], self.model["upper"], lp.point.copy()
        free = self.whole[lower[self.whole] < upper[self.whole]]
        for column in free[np.argsort(-np.abs(self.reduced[free]), kind="stable")].tolist():
            value, ends = float(near[column] > 0.5), (lower[column], upper[column])
            if self.left <= until or not np.isfinite(self.price):
                return
            lower[column] = upper[column] = 1.0 - value
            excluded = self.relaxed + (1.0 - 2.0 * value) * self.reduced[column] >= self.price
            if not excluded:
                lp.set_bounds([column], lower[[column]], upper[[column]])
                if lp.solve(self.left - until):
                    reduced = lp.reduced_costs(lp.duals, lp.pool_duals)
                    excluded = lp.bound(lp.duals, reduced)[0] >= self.price
            self.excluded |= excluded
            lower[column], upper[column] = (value, value) if excluded else ends
            lp.set_bounds([column], lower[[column]], upper[[column]])

    def move(self, seconds: float) -> None:
        """Change a whole number of the best point, or one for another, as long as that is better."""
        if self.best is None or self.plain is None:
            return
        plain, relaxed, until = self.plain, self.lp.point[self.whole], self.left - seconds
        price = np.inf
        while self.price < price and self.left > until:
            price = self.price
            for places in self._moves(relaxed):
                assert self.best is not None
                tried = np.round(self.best[self.whole])
                if self.left <= until or (len(places) > 1 and tried[places].sum() != 1.0):
                    continue
                tried[places] = 1.0 - tried[places]
                plain.highs.setOptionValue("objective_bound", self.price)
                self._complete(plain, tried, until)
        plain.highs.setOptionValue("objective_bound", np.inf)

    def _moves(self, relaxed: Floats) -> list[list[int]]:
        """Return the places of one whole number, or of two to exchange, the most doubtful ones first."""
        assert self.best is not None
        now, lower = self.best[self.whole], self.model["lower"][self.whole]
        free = np.flatnonzero(self.model["upper"][self.whole] > lower)
        order = free[np.lexsort((self.reduced[self.whole[free]], -np.abs(relaxed - now)[free]))].tolist()
        shut, used = (
            [place for place in order if now[place] < 0.5],
            [place for place in order if now[place] > 0.5],
        )
        pairs = sorted((rank + other, rank, other) for rank in range(len(used)) for other in range(len(shut)))
        return [[place] for place in order] + [[used[rank], shut[other]] for _, rank, other in pairs]

    def _complete(self, lp: GrowingLp, wholes: Floats, until: float) -> None:
        """Find the best point with these whole numbers, of all columns."""
        lp.set_bounds(self.whole, wholes, wholes)
        closed = np.zeros(self.size, dtype=bool)
        closed[self.whole] = wholes < 0.5
        allowed = ~lp.gated_by(closed)
        while lp.solve(self.left - until):
            columns = lp.missing_columns(lp.reduced_costs(lp.duals, lp.pool_duals), allowed)
            if not len(columns) or self.left < until:
                self.offer(lp.point.copy(), lp.objective)
                return
            lp.add_columns(columns)

    def part_of(self, candidates: int, most: int) -> tuple[Indices, bool]:
        """Return the columns to branch on, and whether what is left out has no part in a better point.

        Whole numbers that the best point or the relaxation uses are in, and others up to a number of candidates, those
        with the smallest reduced costs first; and columns whose gates are in.
        """
        lp, whole = self.lp, self.whole
        used = lp.point[whole] if self.best is None else np.maximum(lp.point[whole], self.best[whole])
        ranked = whole[np.lexsort((self.reduced[whole], -used))]
        # what is excluded has no part in a better point
        shut, out = np.zeros(self.size, dtype=bool), np.zeros(self.size, dtype=bool)
        shut[whole] = self.model["upper"][whole] == 0.0
        part = ~shut & ~lp.gated_by(shut)
        exact = lp.is_whole or bool(part.sum() <= most)
        if not exact:
            out[ranked[max(candidates, int((used > _USED).sum())) :]] = True
            part &= ~out & ~lp.gated_by(out)
        if not exact and part.sum() > most:
            part &= lp.place >= 0
        if self.best is not None:
            part |= self.best != 0
        return np.flatnonzero(part), exact

    def branch(self, columns: Indices, *, exact: bool) -> str:
        """Let HiGHS branch on some columns, with the rows of the pool that bind; its bound counts where exact."""
        part = GrowingLp(self.model, self.pool, columns, self.options)
        part.add_rows(self.lp.rows[self.lp.pool_duals[self.lp.rows] < 0])
        places = part.place[self.whole]
        places = places[places >= 0].astype(np.int32)
        part.highs.changeColsIntegrality(
            len(places), places, np.full(len(places), highspy.HighsVarType.kInteger)
        )
        others, trusted = self.price, True

        def learn(bound: float) -> None:
            if exact and trusted and np.isfinite(bound):
                self.raise_bound(min(bound, others))

        def take(values: Any, price: float) -> None:
            nonlocal trusted
            point = np.zeros(self.size)
            point[columns] = values
            own = float(self.model["cost"] @ point)
            # a bound cannot be right where a price is not
            trusted &= abs(own - price) <= _TRUSTED * max(1.0, abs(own))
            self.offer(point, own)

        def on_point(values: Any, price: float, bound: float) -> None:
            take(values, price)
            learn(bound)

        watch(part.highs, None if self.best is None else self.best[columns], on_point, learn)
        part.highs.setOptionValue("time_limit", max(0.0, self.left))
        part.highs.run()
        info = part.highs.getInfo()
        if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
            take(part.highs.getSolution().col_value, info.objective_function_value)
        if part.status != highspy.HighsModelStatus.kInfeasible:
            learn(info.mip_dual_bound)
        return str(part.status.name)


def work(order: dict[str, Any], channel: Channel) -> str:
    """Search; send incumbents and bounds. Return the status of the model."""
    return GrowingSearch(order, channel).run()


if __name__ == "__main__":
    from kanopt.worker import serve

    serve(work)
