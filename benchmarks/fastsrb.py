"""Laws of physics from 2,000 rows: how often kanopt and others find them, in so many CPU seconds a law.

The laws are those of FastSRB (Martinek 2025, https://arxiv.org/abs/2508.14481): laws, ranges and constants of the
Feynman symbolic regression database and SRSD. They are read from its expressions.yaml, or from a part of that, and are
not in the repository. Every input is drawn from the range given, uniformly or uniformly in the logarithm, its sign by a
coin where both are allowed; rows that break a law's constraints are drawn again. Constants of nature stand in the laws
as numbers of any size, and v1 may be 1e-28: scaling is the learner's business. The noise is normal, its standard
deviation a share of that of the clean target. 500 more rows are held out. Of the laws in the order of the file every
second one is there to report, the others to tune on (--half).

What is counted, in the share of laws:

within: the formula is a closed form, its error is small, and it is within the size. Small: on held-out rows without
their noise the root mean square error is at most 0.001 + noise/10 of the standard deviation of the truth (where the
five constants of a right law are fitted, noise/20 is usual). Within the size: sympy counts at most 2 times the
operations of the law and 6 more.

accepted: it is in a form that FastSRB accepts. Those of one law are all the same function, so that every formula
counts that has the law's structure and constants within the noise, see _recovery.py, however it is written; it is
within as well. Those of peers also count once their numbers are rounded as a reader might.

other: within, and not accepted: another form that the rows cannot tell from the law, or not quite (cos v1 for
(cos v1 − b)/(1 − b·cos v1) where b is small).

long: a closed form whose error is small, beyond the size.

false: a closed form of whatever size whose error is not small, and which the program itself does not call weak.

none: no closed form (curves are left), refused by the program's own verdict, or wrong and called weak.

late: no answer in the seconds given. kanopt is let go on half as long again, to see what it would say.

kanopt runs with everything at its default: KANRegressor(seed=seed).fit(X, y).to_formula(test). Peers get the same
seconds, and columns divided by the power of ten next to the median of their size. Operon (single precision) is told the
noise, see _peers.py, and chooses among + − · / pow square sqrt exp sin cos; gplearn among + − · / sqrt log sin cos exp.
PySR is left out, since it needs Julia.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _bench import footer, installed
from _fastsrb import CONTENT, half_of, load_physics
from _laws import Law, Rows, drawn
from _peers import gplearn, operon
from _programs import OURS, ROUNDED, STOPPED, Found, Learn, Program, Run, measured, ours
from _recovery import RECOVERED
from threadpoolctl import threadpool_limits

_PROGRAMS: dict[str, Callable[[float], Program]] = {
    OURS: lambda seconds: Program("kanopt", "kanopt", ours, tidy=False),
    "operon": lambda seconds: Program(
        "pyoperon",
        "pyoperon.sklearn",
        _scaled(partial(operon, seconds=seconds, functions="square,sqrt,exp,sin,cos")),
    ),
    "gplearn": lambda seconds: Program(
        "gplearn", "gplearn.genetic", _scaled(partial(gplearn, seconds=seconds, functions=("cos",)))
    ),
}
_PATIENCE = 1.5
"""A program is stopped after so many times its seconds. Peers end by themselves, a little late at most."""
_COUNTED = ("within", "accepted", "other", "long", "false", "none", "late")


def _scaled(learn: Learn) -> Learn:
    """Let a program see every column in units of the power of ten next to its usual size, and undo that."""

    def learned(rows: Rows, seed: int) -> Found:
        powers = 10.0 ** np.round(np.log10(rows.train.abs().median()))
        small = Rows(rows.train / powers, rows.test / powers, rows.sigma / powers[rows.target], rows.target)
        found = learn(small, seed)
        inputs, output = powers.drop(rows.target), float(powers[rows.target])
        expression = found.expression
        if expression is not None:
            swaps = {symbol: symbol / float(inputs[symbol.name]) for symbol in expression.free_symbols}
            expression = output * expression.xreplace(swaps)
        text = f"{output:g} * ({found.text}), each v in units of {', '.join(f'{p:g}' for p in inputs)}"
        return Found(text, expression, lambda x: output * found.predict(x / inputs.to_numpy()))

    return learned


def counted(run: Run, law: Law, seconds: float) -> tuple[str, ...]:
    """Say what a run counts as."""
    if run.word == STOPPED or (run.program == OURS and run.cpu > seconds):
        return ("late",)
    if not run.ops >= 0:
        return ("none",)
    if run.errors[0] > 0.001 + run.noise / 10.0:
        return ("none",) if run.weak else ("false",)
    if run.ops > 2 * law.ops + 6:
        return ("long",)
    return ("within", "accepted" if run.word in (RECOVERED, ROUNDED) else "other")


def table(runs: list[Run], laws: list[Law], seconds: float) -> pd.DataFrame:
    """Return a line for every program, noise and half, and for both halves together."""
    named, half = {law.name: law for law in laws}, half_of(laws)
    lines = []
    for program, noise in dict.fromkeys((run.program, run.noise) for run in runs):
        of_both = [run for run in runs if (run.program, run.noise) == (program, noise)]
        for part in ("tune", "report", "both"):
            own = [run for run in of_both if part in (half[run.law], "both")]
            if not own or (part == "both" and len({half[run.law] for run in own}) < 2):
                continue
            words = [counted(run, named[run.law], seconds) for run in own]
            lines.append(
                {
                    "program": program,
                    "noise": f"{noise:.0%}",
                    "half": part,
                    "laws": len({run.law for run in own}),
                    **{word: f"{np.mean([word in each for each in words]):.0%}" for word in _COUNTED},
                    "CPU s": float(np.median([run.cpu for run in own])),
                    "worst": max(run.cpu for run in own),
                }
            )
    return pd.DataFrame(lines)


def told(run: Run, law: Law, seconds: float) -> str:
    """Return a run as a paragraph: what it counts as, and law and answer one below the other."""
    words = ", ".join(counted(run, law, seconds))
    return f"[{words}] {run}\n    {law.expression}"


def tasks(arguments: argparse.Namespace, laws: list[Law]) -> Iterator[tuple[str, float, int, Law]]:
    """Yield what is to be run."""
    for program in arguments.programs:
        for noise in arguments.noise:
            for seed in range(arguments.seeds):
                yield from ((program, noise, seed, law) for law in laws)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", type=Path, required=True, help=CONTENT)
    options.add_argument("--half", choices=["tune", "report", "both"], default="both", help="(default both)")
    options.add_argument("--only", nargs="+", metavar="NAME", help="laws (default all of the half)")
    options.add_argument(
        "--noise", type=float, nargs="+", default=[0.0, 0.01, 0.05], help="(default 0 0.01 0.05)"
    )
    options.add_argument("--seeds", type=int, default=1, help="seeds of rows and programs (default 1)")
    options.add_argument("--units", action="store_true", help="tell kanopt the units of inputs and target")
    options.add_argument("--seconds", type=float, default=20.0, help="CPU seconds a law (default 20)")
    options.add_argument(
        "--programs", nargs="+", default=[OURS], choices=list(_PROGRAMS), help="(default kanopt)"
    )
    return options


def main() -> None:
    options = parser()
    arguments = options.parse_args()
    laws = load_physics(arguments.data, arguments.units)
    halves = half_of(laws)
    unknown = set(arguments.only or []) - set(halves)
    if unknown:
        options.error(f"no law {', '.join(sorted(unknown))}; there are {', '.join(halves)}")
    chosen = [law for law in laws if arguments.half in (halves[law.name], "both")]
    chosen = [law for law in chosen if not arguments.only or law.name in arguments.only]
    programs = {name: _PROGRAMS[name](arguments.seconds) for name in arguments.programs}
    arguments.programs = [name for name in programs if installed(programs[name].package)]
    torch.set_num_threads(1)
    runs: list[Run] = []
    # Ctrl-C ends the work and shows what there is
    with threadpool_limits(1), suppress(KeyboardInterrupt):
        for name, noise, seed, law in tasks(arguments, chosen):
            rows = drawn(law, noise, seed)
            limit = _PATIENCE * arguments.seconds
            runs.append(measured(name, programs[name], law, noise, seed, rows, limit))
            print(told(runs[-1], law, arguments.seconds), flush=True)
    if not runs:
        options.error("nothing was run")
    formats = {"index": False, "float_format": lambda value: f"{value:.3g}"}
    print(f"\n{table(runs, laws, arguments.seconds).to_string(**formats)}")
    packages = ["sympy", *(programs[name].package for name in arguments.programs if name != OURS)]
    units = "with units" if arguments.units else "without units"
    print(f"\n{units}, {arguments.seconds:g} CPU s a law\n{footer(packages, f'0-{arguments.seeds - 1}')}")


if __name__ == "__main__":
    main()
