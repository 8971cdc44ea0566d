"""What a solver makes of a program: lines without binaries where the output is convex, and the program itself."""

import numpy as np
import pytest
from scipy.optimize import linprog

from kanopt.formulas import AffineDefinition, Variable, parse_formula

X, Y = Variable("x", low=0.2, high=4.0), Variable("y", low=1.0, high=3.0)


def relaxed(made, sign):
    """Minimise sign · output with every convex function at least, every concave one at most, each of its lines."""
    count = len(made.quantities)
    equal, at_most = [], []
    for place, definition in enumerate(made.definitions, len(made.inputs)):
        if isinstance(definition, AffineDefinition):
            row = np.zeros(count)
            row[place] = 1.0
            for source, coefficient in definition.terms:
                row[source] -= coefficient
            equal.append((row, definition.constant))
            continue
        pieces = definition.pieces
        for x, y, slope in zip(pieces.x, pieces.start, pieces.slopes, strict=False):
            row = np.zeros(count)
            row[place], row[definition.source] = 1.0, -slope
            bound = y - slope * x
            if pieces.shape == "linear":
                equal.append((row, bound))
            elif pieces.shape == "convex":
                at_most.append((-row, -bound))
            else:
                at_most.append((row, bound))
    cost = np.zeros(count)
    cost[made.output] = sign
    constraints = {}
    for name, rows in (("eq", equal), ("ub", at_most)):
        if rows:
            constraints[f"A_{name}"] = np.array([row for row, _ in rows])
            constraints[f"b_{name}"] = np.array([bound for _, bound in rows])
    # inputs alone are bounded: bounds of what is defined follow, and would only tighten a relaxation
    bounds = [
        (q.low, q.high) if place < len(made.inputs) else (None, None)
        for place, q in enumerate(made.quantities)
    ]
    found = linprog(cost, bounds=bounds, **constraints)
    assert found.status == 0
    return sign * found.fun


def grid(made):
    ranges = [np.linspace(v.low, v.high, 401) for v in made.inputs]
    return dict(zip([v.name for v in made.inputs], np.meshgrid(*ranges, indexing="ij"), strict=True))


@pytest.mark.parametrize(
    ("text", "curvature"),
    [
        ("(x - 2)^2 + exp(x + y) / 20 - log(x)", "convex"),
        ("max(x^2 - 3 * x, 2 * y - x, 1 - y)", "convex"),
        ("exp((x - 2)^2 / 4 + y) / 9 - x", "convex"),
        ("1 / (sqrt(x) + y) + x / 9", "convex"),
        ("max((x - 2)^2, abs(y - 2.2)) + abs(x - y)", "convex"),
        ("min(sqrt(x), y) - (x - y)^2", "concave"),
        ("log(min(x, y) + 1) - x / 3", "concave"),
    ],
)
def test_a_convex_program_needs_no_binaries(text, curvature):
    law = parse_formula(text, [X, Y], Variable("out"))
    made = law.piecewise(0.02)
    sign = 1.0 if curvature == "convex" else -1.0
    best = relaxed(made, sign)
    data = grid(made)
    on_pieces, on_law = (
        sign * made.evaluate(data).min() if sign > 0 else made.evaluate(data).max(),
        law.evaluate(data),
    )
    # the relaxation is exact: it is no better than the program itself, whose best point may lie between those tried
    assert sign * best <= sign * on_pieces + 1e-9
    assert abs(best - on_pieces) < 0.02
    assert abs(best - (on_law.min() if sign > 0 else on_law.max())) <= made.certificate.bound + 0.02
