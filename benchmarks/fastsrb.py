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

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import product

import numpy as np
from _bench import asked, footer, installed, print_table
from _fastsrb import CONTENT, half_of, load_physics
from _laws import Law, Rows, drawn
from _peers import gplearn, operon
from _programs import OURS, ROUNDED, STOPPED, Found, Learn, Program, Run, measured, ours
from _recovery import RECOVERED

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


def table(runs: list[Run], laws: list[Law], seconds: float) -> list[dict[str, object]]:
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
    return lines


def told(run: Run, law: Law, seconds: float) -> str:
    """Return a run as a paragraph: what it counts as, and law and answer one below the other."""
    words = ", ".join(counted(run, law, seconds))
    return f"[{words}] {run}\n    {law.expression}"


def main() -> None:
    given = asked(
        __doc__,
        data=(..., CONTENT),
        half=("both", "which laws", ("tune", "report", "both")),
        only=([str], "laws, by name"),
        noise=([0.0, 0.01, 0.05], "shares of the spread"),
        seeds=(1, "seeds of rows and programs"),
        units=(False, "tell kanopt the units of inputs and target"),
        seconds=(20.0, "CPU seconds a law"),
        programs=([OURS], "which", _PROGRAMS),
    )
    laws = load_physics(given.data, given.units)
    halves = half_of(laws)
    chosen = [
        law for law in laws if given.half in (halves[law.name], "both") and law.name in (given.only or halves)
    ]
    programs = {name: _PROGRAMS[name](given.seconds) for name in given.programs}
    programs = {name: program for name, program in programs.items() if installed(program.package)}
    runs: list[Run] = []
    with suppress(KeyboardInterrupt):  # Ctrl-C ends the work and shows what there is
        for name, noise, seed, law in product(programs, given.noise, range(given.seeds), chosen):
            limit = _PATIENCE * given.seconds
            runs.append(measured(name, programs[name], law, noise, seed, drawn(law, noise, seed), limit))
            print(told(runs[-1], law, given.seconds), flush=True)
    print_table(table(runs, laws, given.seconds))
    packages = ["sympy", *(program.package for name, program in programs.items() if name != OURS)]
    units = "with units" if given.units else "without units"
    print(f"\n{units}, {given.seconds:g} CPU s a law\n{footer(packages, f'0-{given.seeds - 1}')}")


if __name__ == "__main__":
    main()
