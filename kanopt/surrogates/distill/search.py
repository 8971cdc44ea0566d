"""Turning edges into closed forms, one at a time, each judged by the whole model.

An edge is replaced where that lowers the description length of the model on the training rows,

    L = W log(RSS / W + floor²) + log(W) · p + 2 log(F) · c,

with W the sum of the row weights, p the effective number of parameters, in which a curve counts by the trace of its
smoother (Schwarz 1978; Hastie and Tibshirani 1990, ch. 5), and c the number of operators a reader sees, each one choice
among F forms (Rissanen 1978). A curve counts as 5 operators: a curve that the smoothing made straight has hardly more
parameters than a line, but a line is read at a glance. Candidates for an edge are ranked by how well they
reproduce the edge where the output feels it (weights: squared sensitivities), but only the refitted model decides.
Keeping the curve is always a candidate. The floor says which differences no longer matter: a closed form within a
ten-thousandth of the target's spread is as good as a curve that is closer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kanopt.errors import FitError
from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.forms import COSINE, FORMS, LINEAR, PURE_SINE, WAVE, ZERO, Form, start
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.monomials import (
    anchored,
    gauged,
    monomial_nodes,
    straight_products,
    with_fixed,
)
from kanopt.surrogates.distill.refitting import ITERATIONS, Refit, refit

__all__ = ["OPERATOR", "Candidate", "Price", "Search", "complexity", "is_admissible", "priced", "search"]

Price = Callable[[Edge], float]
"""Share of its price that the form of an edge costs."""

FLOOR = 1e-4
TOP = 8
OPERATOR = 2 * float(np.log(len(FORMS)))
TRIAL_ROWS = 2000
SKETCH = 8
"""Iterations after which replacements of an edge are compared; only the best are refitted to the end."""
FINALISTS = 2


@dataclass(frozen=True)
class Candidate:
    """One model on the way from curves to closed forms; `rmse` in the units of the target."""

    complexity: int
    rmse: float
    length: float
    what: str
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class Search:
    """The chosen model, refitted on all training rows, and the front that led to it."""

    fit: Refit
    front: tuple[Candidate, ...]


class _Judge:
    """Description length of models on a fixed set of rows."""

    def __init__(self, rows: Rows, ends: np.ndarray, log_target: bool, price: Price) -> None:
        self.log_target, self.price = log_target, price
        self.reach = np.vstack([rows.inputs, ends])
        mean = float(rows.precision @ rows.target) / float(rows.precision.sum())
        spread = float(rows.precision @ (rows.target - mean) ** 2) / rows.total
        self.rows, self.total, self.floor = rows, rows.total, FLOOR**2 * max(spread, 1e-300)

    @property
    def tolerance(self) -> float:
        """Relative gain of a refit that shortens the description by a hundredth."""
        return 0.01 / self.total

    def length(self, fit: Refit) -> float:
        noise = fit.squares / self.total + self.floor
        parameters = np.log(self.total) * fit.parameters
        return float(self.total * np.log(noise) + parameters + OPERATOR * priced(fit.model, self.price))

    def candidate(self, fit: Refit, what: str) -> Candidate:
        return Candidate(complexity(fit.model), self._rmse(fit), self.length(fit), what)

    def _rmse(self, fit: Refit) -> float:
        """Return the error in the units of the target."""
        if not self.log_target:
            return float(np.sqrt(fit.squares / self.total))
        residual = np.exp(self.rows.target) - np.exp(fit.model.predict(self.rows.inputs))
        return float(np.sqrt(self.rows.weight @ residual**2 / self.total))


def _ends(inputs: np.ndarray) -> np.ndarray:
    """Return the rows in which a column has its smallest or largest value."""
    return np.asarray(inputs[np.concatenate([inputs.argmin(axis=0), inputs.argmax(axis=0)])])


def _corners(model: Mixed, inputs: np.ndarray) -> np.ndarray:
    """Return rows in which a sub-node of the first layer is as low or as high as the ranges of the columns allow.

    Behind hidden nodes a form must be defined there too, not only where the rows happened to be: it is asked for values
    anywhere in the box.
    """
    corners = []
    for target in range(len(model.bias[0])):
        low, high = inputs[0].copy(), inputs[0].copy()
        for edge in model.arriving(0, target):
            z = inputs[:, edge.source]
            value = edge.form.value(z, edge.theta)
            low[edge.source], high[edge.source] = z[value.argmin()], z[value.argmax()]
        corners += [low, high]
    return np.array(corners)


def is_admissible(model: Mixed, inputs: np.ndarray) -> bool:
    """Whether every edge is finite, defined and as monotone as it must be on these inputs."""
    with np.errstate(all="ignore"):
        nodes = model.signals(inputs).nodes
    for edge in model.edges:
        column = nodes[edge.layer][:, edge.source]
        low, high = float(column.min()), float(column.max())
        finite = np.isfinite([low, high]).all() and np.isfinite(edge.theta).all()
        if not (edge.form.name in TABULATED or edge.is_zero or edge.admits(edge.form)):
            return False
        if not (finite and edge.form.admits(low, high) and edge.keeps_shape(low, high)):
            return False
    return True


def complexity(model: Mixed) -> int:
    """Return the number of operators: those of the edges, and the constants that stand in factors of products."""
    return sum(edge.form.complexity for edge in model.edges) + len(_offsets(model))


def priced(model: Mixed, price: Price) -> float:
    """Return the number of operators, each edge's times its price."""
    return sum(price(edge) * edge.form.complexity for edge in model.edges) + len(_offsets(model))


def _offsets(model: Mixed) -> list[tuple[int, int]]:
    """Return layer and sub-node of the constants in factors of products that nothing else there can take in."""
    return [
        place
        for place in model.factors()
        if place not in model.pinned and any(e.form.name not in TABULATED for e in model.arriving(*place))
    ]


def search(
    model: Mixed,
    rows: Rows,
    *,
    seed: int = 0,
    log_target: bool = False,
    log_inputs: frozenset[int] = frozenset(),
    name: Callable[[Edge], str] = lambda edge: str(edge.place),
    price: Price = lambda edge: 1.0,
) -> Search:
    """Replace edges by closed forms where the whole model gains.

    Parameters
    ----------
    model
        The trained network, every numeric edge a curve.
    rows
        Encoded training rows; held-out rows take no part.
    seed
        Draws the rows on which replacements are tried; the last refit uses all.
    log_target
        Whether the target is a logarithm, which decides the units of the errors in the front.
    log_inputs
        Columns of the inputs that are logarithms, so that the slope of a straight edge is an exponent.
    name
        How an edge is called in the front.
    price
        Share of its price that the form of an edge costs.

    Raises
    ------
    FitError
        If an edge can neither stay a curve nor become a form of its family.
    """
    ends = np.vstack([_ends(rows.inputs), _corners(model, rows.inputs)])
    judge = _Judge(rows.take(TRIAL_ROWS, seed), ends, log_target, price)
    starts = [(model, "every edge a curve")]
    monomials = monomial_nodes(model, judge.rows, seed)
    if monomials is not None:
        starts.append((monomials, "nodes are monomials, their functions curves"))
    straight = straight_products(model)
    if straight is not None:
        starts.append((straight, "products go on straight, every other edge a curve"))
    starts = [start for start in starts if start[0] is model or _admitted(start[0])]
    climbs = [_climb(refit(start, judge.rows), what, judge, name, log_inputs) for start, what in starts]
    climbs.sort(key=lambda climb: judge.length(climb[0]))
    for current, front in climbs:
        final = refit(current.model.tidied(), rows)
        # the last refit sees rows that took no part in the trials
        sound = np.isfinite(final.squares) and is_admissible(final.model, np.vstack([rows.inputs, ends]))
        if sound and not _kept_against_will(final.model):
            others = [candidate for _, path in climbs for candidate in path if path is not front]
            return Search(final, (*others, *front[:-1], replace(front[-1], chosen=True)))
    if wrong := [name(edge) for climb, _ in climbs[:1] for edge in _kept_against_will(climb.model)]:
        raise FitError(
            f"{', '.join(wrong)}: no operator that is allowed there has a value and the shape asked for on all rows; "
            "allow 'curve' or another operator"
        )
    # the curves can always be kept: they are defined everywhere, and every refit keeps their signs
    chosen, *considered = (candidate for _, path in reversed(climbs) for candidate in path)
    return Search(refit(model, rows), (*considered, replace(chosen, chosen=True)))


def _admitted(model: Mixed) -> bool:
    """Whether no closed form stands where it is not allowed."""
    return all(e.form.name in TABULATED or e.is_zero or e.admits(e.form) for e in model.edges)


def _kept_against_will(model: Mixed) -> list[Edge]:
    return [e for e in model.edges if e.form.name in TABULATED and not e.keeps]


def _climb(
    current: Refit, what: str, judge: _Judge, name: Callable[[Edge], str], log_inputs: frozenset[int]
) -> tuple[Refit, list[Candidate]]:
    """Replace, drop and round while the description shortens; return the model and the steps."""
    front = [judge.candidate(current, what)]
    for _ in range(2):
        before = current
        for edge in _by_straightness(current.model, judge.rows):
            current, step = _replace(current, edge, judge, name)
            current = replace(current, model=anchored(current.model))
            front += step
        if current.model is before.model:
            break
    for simplify in (_plainer, _without_offsets):
        current, step = simplify(current, judge, name)
        front += step
    same = refit(gauged(current.model), judge.rows)
    if judge.length(same) <= judge.length(current) + OPERATOR and is_admissible(same.model, judge.reach):
        current = same
    current, step = _snap(current, judge, name, log_inputs)
    return current, front + step


def _plainer(current: Refit, judge: _Judge, name: Callable[[Edge], str]) -> tuple[Refit, list[Candidate]]:
    """Drop closed forms and tables, or make them plainer, where the description is then shorter."""
    steps: list[Candidate] = []
    for place in [edge.place for edge in current.model.edges]:
        for form in (LINEAR, PURE_SINE, COSINE, ZERO):
            edge = next(e for e in current.model.edges if e.place == place)
            table = edge.form.name == "table"
            fixed = edge.form.name in TABULATED - {"table"} or (table and form is not ZERO)
            if edge.is_zero or fixed or edge.form.name == form.name or form not in edge.family:
                continue
            z, value, weight = _weights(current.model, edge, judge.rows)
            theta = start(form, z, value, weight)[0]
            trial = _try(current.model, edge, form, theta, judge)
            if trial is not None and judge.length(trial) < judge.length(current):
                current = trial
                steps.append(judge.candidate(current, f"{name(edge)}: {form.name}"))
    return current, steps


def _without_offsets(
    current: Refit, judge: _Judge, name: Callable[[Edge], str]
) -> tuple[Refit, list[Candidate]]:
    """Pin constants to zero, in factors of products and in the output, where the description is then shorter."""
    steps: list[Candidate] = []
    last = len(current.model.bias) - 1
    for layer, target in [*_offsets(current.model), *([] if judge.log_target else [(last, 0)])]:
        arriving = current.model.arriving(layer, target)
        if not arriving:
            continue
        trial = refit(current.model.without_bias(layer, target), judge.rows)
        shorter = judge.length(trial) < judge.length(current) - 1.0
        if shorter and is_admissible(trial.model, judge.reach):
            current = trial
            where = "output" if layer == last else name(arriving[0])
            steps.append(judge.candidate(current, f"{where}: no constant"))
    return current, steps


def _weights(model: Mixed, edge: Edge, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    signals = model.signals(rows.inputs)
    z = signals.nodes[edge.layer][:, edge.source]
    flow = model.sensitivities(signals)[edge.layer][:, edge.target]
    return z, edge.form.value(z, edge.theta), rows.precision * flow**2


def _by_straightness(model: Mixed, rows: Rows) -> list[Edge]:
    """Return the curves, those closest to a line, or a wave, first: the surest replacements come first.

    Before all come curves of products: while the factors are curves they make up for whatever straight line stands
    there, and later a power of the product and powers in the factors say the same.
    """
    scored = []
    for edge in model.edges:
        if edge.form.name not in ("curve", "cycle"):
            continue
        z, value, weight = _weights(model, edge, rows)
        plain = WAVE if WAVE in edge.family else LINEAR
        basis = plain.gradient(z, np.zeros(plain.size))
        design = np.column_stack([basis, np.ones_like(z)]) * np.sqrt(weight)[:, None]
        target = value * np.sqrt(weight)
        residual = target - design @ np.linalg.lstsq(design, target, rcond=1e-10)[0]
        of_product = edge.layer > 0 and edge.source >= model.sums(edge.layer - 1)
        scored.append((not of_product, float(residual @ residual), edge.place, edge))
    return [edge for *_, edge in sorted(scored, key=lambda entry: entry[:3])]


def _replace(
    current: Refit, edge: Edge, judge: _Judge, name: Callable[[Edge], str]
) -> tuple[Refit, list[Candidate]]:
    """Try the best closed forms in the place of one curve; return the better model and the step taken."""
    edge = next(e for e in current.model.edges if e.place == edge.place)
    z, value, weight = _weights(current.model, edge, judge.rows)
    low, high = float(z.min()), float(z.max())
    ranked = []
    for form in edge.family:
        if form.admits(low, high):
            theta, error = start(form, z, value, weight)
            if np.isfinite(error):
                shown = replace(edge, form=form)
                penalty = np.log(len(z)) * form.size + OPERATOR * judge.price(shown) * form.complexity
                ranked.append((len(z) * np.log(error / len(z) + judge.floor) + penalty, form, theta))
    ranked.sort(key=lambda entry: entry[0])
    plain = [entry for entry in ranked[TOP:] if entry[1] in (ZERO, LINEAR)]
    trials = []
    for _, form, theta in [*ranked[:TOP], *plain]:
        trial = _try(current.model, edge, form, theta, judge, SKETCH)
        if trial is not None:
            trials.append((judge.length(trial), form, trial))
    trials.sort(key=lambda entry: entry[0])
    best, best_form = current, None
    for place, (_, form, sketch) in enumerate(trials):
        if place >= FINALISTS and (edge.keeps or best_form is not None):
            break
        trial = refit(sketch.model, judge.rows, tolerance=judge.tolerance)
        must = best_form is None and not edge.keeps
        shorter = must or judge.length(trial) < judge.length(best)
        if shorter and is_admissible(trial.model, judge.reach):
            best, best_form = trial, form
    if best_form is None:
        return current, []
    return best, [judge.candidate(best, f"{name(edge)}: {best_form.name}")]


def _try(
    model: Mixed, edge: Edge, form: Form, theta: np.ndarray, judge: _Judge, iterations: int = ITERATIONS
) -> Refit | None:
    z, value, weight = _weights(model, edge, judge.rows)
    closed = replace(edge, form=form, theta=theta, bend=None, penalty=0.0)
    shift = float(weight @ (value - form.value(z, theta))) / max(float(weight.sum()), 1e-300)
    if (edge.layer, edge.target) not in model.pinned:
        model = model.shifted(edge.layer, edge.target, shift)
    trial = refit(model.replaced(closed), judge.rows, iterations, judge.tolerance)
    admissible = np.isfinite(trial.squares) and is_admissible(trial.model, judge.reach)
    return trial if admissible else None


def _snap(
    current: Refit, judge: _Judge, name: Callable[[Edge], str], log_inputs: frozenset[int]
) -> tuple[Refit, list[Candidate]]:
    """Round exponents to the nearest half where the description shortens: x^1.98 reads x²."""
    steps: list[Candidate] = []
    for place in [edge.place for edge in current.model.edges]:
        edge = next(e for e in current.model.edges if e.place == place)
        exponent = round(2 * float(edge.theta[-1])) / 2 if _ends_in_exponent(edge, log_inputs) else 0.0
        if not exponent:
            continue
        snapped = replace(edge, form=with_fixed(edge.form, exponent), theta=edge.theta[:-1])
        trial = refit(current.model.replaced(snapped), judge.rows)
        if judge.length(trial) < judge.length(current) and is_admissible(trial.model, judge.reach):
            current = trial
            steps.append(judge.candidate(current, f"{name(edge)}: exponent {exponent:g}"))
    return current, steps


def _ends_in_exponent(edge: Edge, log_inputs: frozenset[int]) -> bool:
    """Whether the last free parameter of an edge is an exponent.

    It is in a power, in a straight edge that leaves the log of a feature, and in a·log(1 + exp z), which behind the
    logarithm of the target is (1 + exp z)^a.
    """
    name = edge.form.name
    if name == "power" and not edge.form.fixed:
        return True
    if name == "softplus" and len(edge.theta) == 1:
        return True
    return name == "linear" and edge.layer == 0 and edge.source in log_inputs and len(edge.theta) == 1
