"""What is left of a section of a scenario file without the keys that hold mistakes.

A mistake must not hide others: what does not depend on it is checked all the same. So each entry that is mistaken is
read once more without the keys that are. What is read in this way is never run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, create_model, model_validator

from kanopt.whatif.scenario_files.file_model import Mistake, validate
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.spec import GivenSpec, LawSpec, LearnedSpec, law_model
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["likely_kind", "read_partial", "read_partial_law", "read_partial_problem"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_HARMLESS = frozenset(("unit", "per"))
"""Keys without which a formula says the same of its inputs."""


def read_partial(
    model: type[ModelT], entry: Mapping[str, Any], key: Key, mistakes: Iterable[Mistake]
) -> ModelT | None:
    """Read an entry without the keys that hold mistakes; None where what is left is none.

    Parameters
    ----------
    model
        What it is read as.
    entry
        What stands under `key`.
    key
        The key of the entry.
    mistakes
        Those in it.
    """
    left, wrong = dict(entry), list(mistakes)
    while True:
        before = left
        for mistake in wrong:
            left = _without(left, mistake.key[len(key) :])
        if wrong and left == before:  # it is the entry as a whole that is wrong
            return None
        found, wrong = validate(model, left, key)
        if found is not None:
            return found


def read_partial_law(entry: Mapping[str, Any], key: Key, mistakes: Iterable[Mistake]) -> LawSpec | None:
    """Read a law without the keys that hold mistakes, so that the others can be checked all the same.

    Parameters
    ----------
    entry
        What stands under ``[surrogates.x]``.
    key
        The key of the entry.
    mistakes
        Those in it.

    Returns
    -------
    LawSpec or None
        None if what is left is no law. Of a mistaken ``on_missing`` or ``holdout`` nothing is judged; a formula whose
        inputs are mistaken is none.

    Examples
    --------
    >>> law = {"table": "t", "target": "y", "features": ["x"], "forbid": ["expp"], "pin": {"z": ["log"]}}
    >>> read_partial_law(law, (), [Mistake(("forbid",), "unknown operator 'expp'")]).pin
    {'z': ('log',)}
    """
    wrong = list(mistakes)
    model = law_model(entry)
    if model is GivenSpec and not {
        str(mistake.key[len(key)]) for mistake in wrong if mistake.key[len(key) :]
    } <= (_HARMLESS | (entry.keys() - GivenSpec.model_fields.keys())):
        return None
    law = read_partial(model, entry, key, wrong)
    if isinstance(law, LearnedSpec) and "on_missing" in entry and any("on_missing" in m.key for m in wrong):
        return law.model_copy(update={"on_missing": "drop"})
    return law


def read_partial_problem(
    kind: type[ProblemSpec], section: Mapping[str, Any], mistakes: Iterable[Mistake]
) -> ProblemSpec | None:
    """Read the section ``[problem]`` without the keys that hold mistakes; a part that is missing is none."""
    left = {**section, "kind": kind.model_fields["kind"].annotation.__args__[0]}  # type: ignore[union-attr]
    return read_partial(_with_optional_parts(kind), left, ("problem",), mistakes)


def _or_none(annotation: Any) -> Any:
    return annotation | None


@cache
def _with_optional_parts(kind: type[ProblemSpec]) -> type[ProblemSpec]:
    """Return the model of a kind of problem with nothing required but the kind."""
    optional: dict[str, Any] = {
        name: (_or_none(item.annotation), None)
        for name, item in kind.model_fields.items()
        if item.is_required() and name != "kind"
    }
    # what must stand beside what is not asked either
    unasked: dict[str, Any] = {
        name: model_validator(mode="after")(_as_it_is)
        for name in kind.__pydantic_decorators__.model_validators
    }
    return create_model(f"Partial{kind.__name__}", __base__=kind, __validators__=unasked, **optional)


def _as_it_is(model: Any) -> Any:
    return model


def likely_kind(
    kind: object, keys: Collection[str], kinds: Mapping[str, type[ProblemSpec]]
) -> type[ProblemSpec] | None:
    """Return the kind of problem that a section speaks of most likely, by its word or else by its keys.

    Examples
    --------
    >>> from kanopt.whatif.scenario_files.problem_kinds import kinds
    >>> likely_kind("ruting", ["jobs", "tasks", "bind"], kinds()).__name__
    'SchedulingSpec'
    """
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    shared = {word: len(keys & model.model_fields.keys()) for word, model in kinds.items()}
    ranked = sorted(shared, key=lambda word: -shared[word])
    return kinds[ranked[0]] if shared[ranked[0]] > shared[ranked[1]] else None


def _without(entry: Mapping[str, Any], path: Key) -> dict[str, Any]:
    """Return a table without the key that a path leads to, or the last table's key on the way."""
    first, inner = path[:1], entry.get(str(path[0])) if path else None
    if len(path) > 1 and isinstance(inner, dict) and path[1] in inner:
        return {**entry, str(path[0]): _without(inner, path[1:])}
    return {name: value for name, value in entry.items() if (name,) != first}
