"""Whether the laws that a problem reads are there, and whether their inputs are bound to what it knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kanopt.errors import nearest
from kanopt.problems.given_law import likely_reference, nearest_reference
from kanopt.problems.plan_day import DAY_REFERENCES
from kanopt.units import same_dimension
from kanopt.whatif.scenario_files.mistakes import Mistake
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula, Reference, Variable

__all__ = ["BindingCheck"]


@dataclass(frozen=True)
class BindingCheck:
    """The laws of a problem, what their inputs are bound to, and the tables they read.

    Parameters
    ----------
    problem
        The section, or what could be read of it.
    laws
        Every name under ``[surrogates]``.
    formulas
        The laws that could be read, or what stands in for them.
    frames
        The tables that could be read.
    mistaken
        Keys under ``problem`` that hold mistakes already; nothing is said of what depends on them.
    damaged
        Laws that hold mistakes, so that they may have other inputs.
    """

    problem: ProblemSpec
    laws: Collection[str]
    formulas: Mapping[str, Formula]
    frames: Mapping[str, pd.DataFrame]
    mistaken: Collection[Key] = field(default_factory=frozenset)
    damaged: Collection[str] = ()

    def mistakes(self) -> Iterator[Mistake]:
        """Yield unknown laws, inputs left unbound or bound to what is unknown, and units that do not convert."""
        known, uses = sorted(self.laws), self.problem.law_uses()
        for key, name in uses.items():
            if name not in known:
                hint = nearest(name, known)
                yield Mistake(("problem", *key), f"there is no law {name!r} under [surrogates]; {hint}")
        read = [name for name in dict.fromkeys(uses.values()) if name in self.formulas]
        for name in read:
            for variable in self.formulas[name].inputs:
                yield from self._of_input(name, variable)
        for key, name in uses.items():
            if name in read:
                yield from self._of_output(key, name)
        # while a law is missing or what names or binds one is mistaken, what looks superfluous may belong to it
        tables = {key[0] for key in self.problem.parts()}
        unsure = [key for key in self.mistaken if key[:1] and key[0] not in tables]
        if set(uses.values()) <= set(self.formulas) - set(self.damaged) and not unsure:
            yield from self._superfluous(
                {name: [v.name for v in self.formulas[name].inputs] for name in read}
            )

    def _of_input(self, law: str, variable: Variable) -> Iterator[Mistake]:
        bound, word = self.problem.bindings_of(law), variable.name
        if word not in bound:
            unsure = law in self.damaged or any(
                key[0] == "bind" and key[-1] in ("bind", word) for key in self.mistaken
            )
            if not unsure:
                example = self._example(variable)
                yield Mistake(
                    ("problem", "bind"),
                    f'the input {word!r} of law {law!r} is not bound; write {word} = "scope.field", '
                    f'such as {word} = "{example}", or a number',
                )
            return
        value, key = bound[word], self.problem.binding_key(law, word)
        if isinstance(value, str) and not variable.is_category:
            hint = f'{value!r} is neither; write "scope.field", such as "{self._example(variable)}"'
            yield Mistake(key, f"the input {word!r} takes a number or what the problem knows; {hint}")
        elif hasattr(value, "scope"):
            yield from self._of_reference(key, law, variable, value)

    def _of_reference(
        self, key: Key, law: str, variable: Variable, reference: Reference
    ) -> Iterator[Mistake]:
        """Yield that a reference is unknown, or that it measures something else than the input it is bound to."""
        unit, column = self._plain_references().get(str(reference)), self.problem.column_of(reference)
        if str(reference) in DAY_REFERENCES and self.problem.day is None:
            yield Mistake(
                key, f"{reference} is read, but no day is stated; write day = 2026-03-02 under [problem]"
            )
            return
        if unit is None and column is None:
            hint = nearest_reference(str(reference), variable.unit, self._references())
            yield Mistake(key, f"a {self.problem.kind} problem does not know {str(reference)!r}; {hint}")
            return
        if unit is None and column is not None:
            part, name = column
            fields = self._fields(part)
            if fields is None:
                return
            if name not in fields:
                hint = nearest(name, fields)
                what = "row" if part in self.problem.row_names else "column"
                message = f"table {self._table(part)!r} has no {what} for {str(reference)!r}; {hint}"
                yield Mistake(key, message)
                return
            unit = fields[name]
        if unit and variable.unit and not same_dimension(unit, variable.unit):
            yield Mistake(
                key,
                f"{reference} is in {unit}, but the input {variable.name!r} of law {law!r} is in {variable.unit}; they "
                "do not measure the same thing",
            )

    def _of_output(self, key: Key, law: str) -> Iterator[Mistake]:
        unit, wanted = self.formulas[law].output.unit, self.problem.units_of_law(key)
        if unit and wanted and not any(same_dimension(unit, each) for each in wanted):
            yield Mistake(
                ("problem", *key),
                f"law {law!r} gives {unit}, but {' or '.join(wanted)} is wanted here; correct its unit",
            )

    def _superfluous(self, inputs: Mapping[str, list[str]]) -> Iterator[Mistake]:
        every = [word for words in inputs.values() for word in words]
        for word, value in self.problem.bind.items():
            key: Key = ("problem", "bind", word)
            if not isinstance(value, dict):
                if word not in every:
                    yield Mistake(
                        key, f"no law the problem reads has an input {word!r}; {nearest(word, every)}"
                    )
            elif word not in inputs:
                yield Mistake(key, f"the problem reads no law {word!r}; {nearest(word, inputs)}")
            else:
                for inner in [inner for inner in value if inner not in inputs[word]]:
                    hint = nearest(inner, inputs[word])
                    yield Mistake((*key, inner), f"law {word!r} has no input {inner!r}; {hint}")

    def _table(self, part: str) -> str:
        return self.problem.parts()[(part,)].table

    def _fields(self, part: str) -> dict[str, str] | None:
        """Return the names of a part that laws may read and their units; None where the table could not be read."""
        spec = self.problem.parts().get((part,))
        if spec is None or spec.table not in self.frames:
            return None
        return self.problem.names_in(part, spec.read(self.frames[spec.table]))

    def _example(self, variable: Variable) -> str:
        """Return a reference that an input may mean."""
        return likely_reference(variable, self._references())

    def _references(self) -> dict[str, str]:
        """Return what laws may read, each with its unit, as far as the tables could be read."""
        named = self._plain_references()
        for start, part in self.problem.scopes.items():
            named |= {f"{start}{name}": unit for name, unit in (self._fields(part) or {}).items()}
        return named

    def _plain_references(self) -> dict[str, str]:
        """Return what laws may read that is no column, each with its unit."""
        return {**DAY_REFERENCES, **self.problem.plain_references()}
