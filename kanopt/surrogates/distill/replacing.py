"""Steps from a network of curves towards one of closed forms, each taken where the whole model gains by it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.forms import COSINE, LINEAR, PURE_SINE, WAVE, ZERO, Form, start
from kanopt.surrogates.distill.judge import OPERATOR, Candidate, Judge, is_admissible, offsets
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.monomials import with_fixed
from kanopt.surrogates.distill.refitting import ITERATIONS, Refit, refit

__all__ = [
    "BRISK",
    "THOROUGH",
    "Tries",
    "by_straightness",
    "flows",
    "plainer",
    "replaced",
    "snapped",
    "tried",
    "without_offsets",
]

SKETCH = 4
"""Iterations between two comparisons of replacements of an edge; only the best are refitted further."""
HOPELESS = 0.1
"""What a sketch may be longer, per row, and still be refitted to the end."""


@dataclass(frozen=True)
class Tries:
    """How many closed forms are refitted in the place of a curve: a little, further, and to the end."""

    first: int
    semifinalists: int
    finalists: int


THOROUGH, BRISK = Tries(8, 4, 2), Tries(4, 2, 1)


def plainer(current: Refit, judge: Judge) -> tuple[Refit, list[Candidate]]:
    """Drop closed forms and tables, or make them plainer, where the description is then shorter."""
    steps: list[Candidate] = []
    for place in [edge.place for edge in current.model.edges]:
        if judge.reading.should_stop():
            break
        for form in (LINEAR, PURE_SINE, COSINE, ZERO):
            edge = next(e for e in current.model.edges if e.place == place)
            table = edge.form.name == "table"
            fixed = edge.form.name in TABULATED - {"table"} or (table and form is not ZERO)
            if edge.is_zero or fixed or edge.form.name == form.name or form not in edge.family:
                continue
            z, value, weight = flows(current.model, edge, judge.rows)
            theta = start(form, z, value, weight)[0]
            sketch = tried(current.model, edge, form, theta, judge, 2 * SKETCH)
            if sketch is None or _is_hopeless(sketch, current, judge):
                continue
            trial = refit(sketch.model, judge.rows, tolerance=judge.tolerance)
            if judge.length(trial) < judge.length(current) and is_admissible(trial.model, judge.reach):
                current = trial
                steps.append(
                    judge.candidate(current, f"{judge.reading.name(current.model, edge)}: {form.name}")
                )
    return current, steps


def without_offsets(current: Refit, judge: Judge) -> tuple[Refit, list[Candidate]]:
    """Pin constants to zero, in factors of products and in the output, where the description is then shorter."""
    steps: list[Candidate] = []
    last = len(current.model.bias) - 1
    for layer, target in [*offsets(current.model), *([] if judge.reading.log_target else [(last, 0)])]:
        arriving = current.model.arriving(layer, target)
        if not arriving or judge.reading.should_stop():
            continue
        trial = refit(current.model.without_bias(layer, target), judge.rows)
        shorter = judge.length(trial) < judge.length(current) - 1.0
        if shorter and is_admissible(trial.model, judge.reach):
            current = trial
            where = "output" if layer == last else judge.reading.name(current.model, arriving[0])
            steps.append(judge.candidate(current, f"{where}: no constant"))
    return current, steps


def flows(model: Mixed, edge: Edge, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return argument and value of an edge, and the weight that a difference in its value has; each (n,)."""
    signals = model.signals(rows.inputs)
    z = signals.nodes[edge.layer][:, edge.source]
    flow = model.sensitivities(signals)[edge.layer][:, edge.target]
    return z, edge.form.value(z, edge.theta), rows.precision * flow**2


def by_straightness(model: Mixed, rows: Rows) -> list[Edge]:
    """Return the curves, those closest to a line, or a wave, first: the surest replacements come first.

    Before all come curves of products: while the factors are curves they make up for whatever straight line stands
    there, and later a power of the product and powers in the factors say the same.
    """
    scored = []
    for edge in model.edges:
        if edge.form.name not in ("curve", "cycle"):
            continue
        z, value, weight = flows(model, edge, rows)
        plain = WAVE if WAVE in edge.family else LINEAR
        basis = plain.gradient(z, np.zeros(plain.size))
        design = np.column_stack([basis, np.ones_like(z)]) * np.sqrt(weight)[:, None]
        target = value * np.sqrt(weight)
        residual = target - design @ np.linalg.lstsq(design, target, rcond=1e-10)[0]
        of_product = edge.layer > 0 and edge.source >= model.sums(edge.layer - 1)
        scored.append((not of_product, float(residual @ residual), edge.place, edge))
    return [edge for *_, edge in sorted(scored, key=lambda entry: entry[:3])]


def replaced(
    current: Refit, edge: Edge, judge: Judge, tries: Tries = THOROUGH
) -> tuple[Refit, list[Candidate]]:
    """Try the best closed forms in the place of one curve; return the better model and the step taken."""
    edge = next(e for e in current.model.edges if e.place == edge.place)
    z, value, weight = flows(current.model, edge, judge.rows)
    low, high = float(z.min()), float(z.max())
    ranked = []
    for form in edge.family:
        if form.admits(low, high):
            theta, error = start(form, z, value, weight)
            if np.isfinite(error):
                shown = replace(edge, form=form)
                penalty = np.log(len(z)) * form.size + OPERATOR * judge.reading.price(shown) * form.complexity
                ranked.append((len(z) * np.log(error / len(z) + judge.floor) + penalty, form, theta))
    ranked.sort(key=lambda entry: entry[0])
    plain = [entry for entry in ranked[tries.first :] if entry[1] in (ZERO, LINEAR)]
    trials = []
    for _, form, theta in [*ranked[: tries.first], *plain]:
        trial = tried(current.model, edge, form, theta, judge, SKETCH)
        if trial is not None:
            trials.append((judge.length(trial), form, trial))
    trials.sort(key=lambda entry: entry[0])
    for place, (_, form, sketch) in enumerate(trials[: tries.semifinalists]):
        further = refit(sketch.model, judge.rows, SKETCH, judge.tolerance)
        trials[place] = (judge.length(further), form, further)
    trials.sort(key=lambda entry: entry[0])
    best, best_form = current, None
    for place, (_, form, sketch) in enumerate(trials):
        if (place >= tries.finalists or _is_hopeless(sketch, current, judge)) and (
            edge.keeps or best_form is not None
        ):
            break
        trial = refit(sketch.model, judge.rows, tolerance=judge.tolerance)
        must = best_form is None and not edge.keeps
        shorter = must or judge.length(trial) < judge.length(best)
        if shorter and is_admissible(trial.model, judge.reach):
            best, best_form = trial, form
    if best_form is None:
        return current, []
    return best, [judge.candidate(best, f"{judge.reading.name(current.model, edge)}: {best_form.name}")]


def _is_hopeless(sketch: Refit, current: Refit, judge: Judge) -> bool:
    """Whether a model that was refitted a little is so far off that the rest will not mend it."""
    return judge.length(sketch) > judge.length(current) + HOPELESS * judge.all_rows


def tried(
    model: Mixed, edge: Edge, form: Form, theta: np.ndarray, judge: Judge, iterations: int = ITERATIONS
) -> Refit | None:
    """Return the model with another form of an edge, refitted; None where that is not admissible."""
    z, value, weight = flows(model, edge, judge.rows)
    closed = replace(edge, form=form, theta=theta, bend=None, penalty=0.0)
    shift = float(weight @ (value - form.value(z, theta))) / max(float(weight.sum()), 1e-300)
    if (edge.layer, edge.target) not in model.pinned:
        model = model.shifted(edge.layer, edge.target, shift)
    trial = refit(model.replaced(closed), judge.rows, iterations, judge.tolerance)
    admissible = np.isfinite(trial.squares) and is_admissible(trial.model, judge.reach)
    return trial if admissible else None


def snapped(current: Refit, judge: Judge) -> tuple[Refit, list[Candidate]]:
    """Round exponents to the nearest half where the description shortens: x^1.98 reads x²."""
    steps: list[Candidate] = []
    for place in [edge.place for edge in current.model.edges]:
        edge = next(e for e in current.model.edges if e.place == place)
        exponent = (
            round(2 * float(edge.theta[-1])) / 2 if _ends_in_exponent(edge, judge.reading.log_inputs) else 0.0
        )
        if not exponent or judge.reading.should_stop():
            continue
        snapped = replace(edge, form=with_fixed(edge.form, exponent), theta=edge.theta[:-1])
        trial = refit(current.model.replaced(snapped), judge.rows)
        if judge.length(trial) < judge.length(current) and is_admissible(trial.model, judge.reach):
            current = trial
            steps.append(
                judge.candidate(current, f"{judge.reading.name(current.model, edge)}: exponent {exponent:g}")
            )
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
