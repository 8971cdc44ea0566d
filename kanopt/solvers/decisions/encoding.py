"""Descriptions of how solvers encode a decision problem, law by law."""

from __future__ import annotations

from collections.abc import Sequence

from kanopt.formulas.lowering import Piecewise
from kanopt.problems.decisions import DecisionLaw, DecisionProblem
from kanopt.solvers.decisions.lowered_laws import lower_laws
from kanopt.solvers.decisions.relaxation import Relaxation, RelaxationCurve, relax
from kanopt.solvers.encodings import EncodedLaw, Encoding

_SHOWN = 3


def encode_pieces(problem: DecisionProblem, name: str, solver: str, *, logarithmic: bool) -> Encoding:
    """Describe an encoding by pieces: n polygons take ⌈log₂ n⌉ binaries where `logarithmic`, else n − 1."""
    relaxation = relax(problem, lower_laws(problem))
    named = [
        (_names(problem.objective_terms), problem.objective_terms),
        *((rule.name, (law,)) for rule, law in problem.constraint_laws),
    ]
    laws = tuple(
        _encoded_law(law, parts, relaxation, place, logarithmic=logarithmic)
        for place, (law, parts) in enumerate(named)
    )
    return Encoding(
        name=name,
        solver=solver,
        binaries=sum(law.binaries for law in laws),
        segments=relaxation.segments,
        error=relaxation.error,
        unit=problem.unit,
        laws=laws,
    )


def encode_laws(problem: DecisionProblem, name: str, solver: str) -> Encoding:
    """Describe an encoding in which the solver takes every law unchanged."""
    objective = EncodedLaw(
        _names(problem.objective_terms),
        "as it is",
        _fixed(problem.objective_terms),
        _decided(problem.objective_terms),
    )
    rules = (
        EncodedLaw(rule.name, "as it is", _fixed((law,)), _decided((law,)))
        for rule, law in problem.constraint_laws
    )
    return Encoding(name=name, solver=solver, unit=problem.unit, laws=(objective, *rules))


def _encoded_law(
    name: str, laws: Sequence[DecisionLaw], relaxation: Relaxation, place: int, *, logarithmic: bool
) -> EncodedLaw:
    program, places = (
        relaxation.programs[place],
        set(relaxation.places[place][len(relaxation.programs[place].inputs) :]),
    )
    curves = [curve for curve in relaxation.curves if curve.target in places]
    counts = [curve.partition.polygons().count for curve in curves]
    binaries = [(count - 1).bit_length() if logarithmic else count - 1 for count in counts]
    proof = program.certificate
    return EncodedLaw(
        law=name,
        method=_method(program, curves, counts),
        fixed=_fixed(laws),
        decided=_decided(laws),
        segments=proof.segments,
        binaries=sum(binaries),
        error=proof.bound,
    )


def _method(program: Piecewise, curves: Sequence[RelaxationCurve], counts: Sequence[int]) -> str:
    if not curves:
        return "a linear row, exact"
    if max(counts) == 1:
        joint = program.curvature in ("convex", "concave")
        return f"cuts, no binaries: {f'jointly {program.curvature}' if joint else 'bends outwards where it is held'}"
    chosen = sum(count > 1 for count in counts)
    return f"{len(curves):,} functions of one variable in pieces, of which {chosen:,} need choices"


def _names(laws: Sequence[DecisionLaw]) -> str:
    names = list(dict.fromkeys(law.name for law in laws))
    shown = " + ".join(names[:_SHOWN])
    return shown + (f" + {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _fixed(laws: Sequence[DecisionLaw]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for law in laws for name in law.fixed))


def _decided(laws: Sequence[DecisionLaw]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for law in laws for name in law.used))
