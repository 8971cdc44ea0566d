"""What it takes to write a law as nodes, to compile it, and to evaluate it with its derivatives.

The law has 23 nodes and six numbers: c1 · km^c2 · exp(c3 · load) · (1 + c4 · sin(c5 · hour)) + c6 · stops. It is
written, compiled and evaluated on 500 rows, so often that the clock can tell, in one thread; of seven rounds the second
best counts, since other work on the machine only ever adds. Beside it stand the terms in which the search on rows
writes its laws, for the same law with its wave held.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from _bench import asked, footer

from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import Apply, Constant, Input, Node, postorder
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.program import Program
from kanopt.surrogates.search.structure import (
    ONE,
    Exponential,
    Group,
    Law,
    Parameter,
    Power,
    Term,
    Wave,
)

ROUNDS = 7


def nodes() -> Node:
    km, load, hour, stops = map(Input, ("km", "load", "hour", "stops"))
    swing = Constant(1.0) + Constant(0.2, "c4") * Apply("sin", Constant(0.26, "c5") * hour)
    use = Constant(0.3, "c1") * km ** Constant(0.9, "c2") * Apply("exp", Constant(0.1, "c3") * load) * swing
    return use + Constant(1.3, "c6") * stops


def terms() -> Law:
    wave = Term(Parameter(0.2), (Wave(2, Parameter(0.26), Parameter(0.0, free=False)),))
    swing = Group(Law((Term(ONE), wave)))
    use = Term(Parameter(0.3), (Power(0, Parameter(0.9)), Exponential(1, Parameter(0.1)), swing))
    return Law((use, Term(Parameter(1.3), (Power(3, ONE),))))


def microseconds(step: Callable[[], object], count: int) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(count):
            step()
        rounds.append((time.process_time() - began) / count * 1e6)
    return sorted(rounds)[1]


def main() -> None:
    args = asked(
        __doc__,
        count=(1000, "laws a round"),
        seed=(0, "draws the rows"),
    )
    rng = np.random.default_rng(args.seed)
    rows = {name: rng.uniform(1.0, 5.0, 500) for name in ("km", "load", "hour", "stops")}
    columns = Columns(np.column_stack(list(rows.values())), np.ones(4), {})

    def compiled() -> GraphTape:
        root = nodes()
        return GraphTape(root, rows, FreeParameters.of(root, None))

    tape, program = compiled(), Program(terms(), columns)
    lines = {
        "write": (nodes, terms),
        "write and compile": (compiled, lambda: Program(terms(), columns)),
        "value and derivatives": (
            lambda: tape.gradient(tape.free.values),
            lambda: (program.forward(program.theta), program.backward(program.theta)),
        ),
    }
    measured = {what: [microseconds(step, args.count) for step in both] for what, both in lines.items()}
    print(f"a law of {len(postorder(nodes()))} nodes, 500 rows, microseconds of CPU")
    print(pd.DataFrame(measured, index=["nodes", "terms"]).T.round(1).to_string())
    print(footer([], args.seed))


if __name__ == "__main__":
    main()
