"""Descriptions of how a decision problem is encoded, law by law."""

from __future__ import annotations

from collections.abc import Sequence

from kanopt.problems.decisions import DecisionLaw, DecisionProblem
from kanopt.solvers.decisions.relaxation import Relaxation, lower_laws
from kanopt.solvers.encodings import EncodedLaw, Encoding

_SHOWN = 3


def encode_pieces(problem: DecisionProblem, solver: str) -> Encoding:
    """Describe the encoding of a problem: n polygons take ⌈log₂ n⌉ binaries."""
    relaxation = Relaxation.of(problem, lower_laws(problem))
    rules = [(rule.name, (law,)) for rule, law in problem.constraint_laws]
    named = [(_names(problem.objective_terms), problem.objective_terms), *rules]
    laws = tuple(_encoded_law(law, parts, relaxation, place) for place, (law, parts) in enumerate(named))
    return Encoding(
        name="pieces with logarithmically many binaries",
        solver=solver,
        binaries=sum(law.binaries for law in laws),
        segments=relaxation.segments,
        error=relaxation.programs[0].certificate.bound,
        unit=problem.unit,
        laws=laws,
    )


def _encoded_law(name: str, laws: Sequence[DecisionLaw], relaxation: Relaxation, place: int) -> EncodedLaw:
    program = relaxation.programs[place]
    targets = set(relaxation.places[place][len(program.inputs) :])
    polygons = [curve.partition.polygons() for curve in relaxation.curves if curve.target in targets]
    chosen = sum(one.count > 1 for one in polygons)
    if chosen:
        method = f"{len(polygons):,} functions of one variable in pieces, of which {chosen:,} need choices"
    elif polygons:
        joint = program.curvature in ("convex", "concave")
        why = f"jointly {program.curvature}" if joint else "bends outwards where it is held"
        method = f"cuts, no binaries: {why}"
    else:
        method = "a linear row, exact"
    return EncodedLaw(
        law=name,
        method=method,
        fixed=tuple(dict.fromkeys(one for law in laws for one in law.fixed)),
        decided=tuple(dict.fromkeys(one for law in laws for one in law.used)),
        segments=program.certificate.segments,
        binaries=sum(one.binaries for one in polygons),
        error=program.certificate.bound,
    )


def _names(laws: Sequence[DecisionLaw]) -> str:
    names = list(dict.fromkeys(law.name for law in laws))
    shown = " + ".join(names[:_SHOWN])
    return shown + (f" + {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
