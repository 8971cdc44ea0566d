"""Changes of what a file says besides tables: keys of the problem and the solver, laws and their constants.

A key is set in what the file says, and the file is read again, so that its models judge the change. A law is scaled, or
a constant of it set, once it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError, nearest
from kanopt.scenarios.changes import Change, cell_text
from kanopt.scenarios.files.laws import binding_mistakes
from kanopt.scenarios.files.layers import Key, Mistake, write_key
from kanopt.scenarios.files.sections import NoTableError, Sections, read_sections, with_value
from kanopt.scenarios.files.spec import LearnedSpec
from kanopt.validation import describe_value

if TYPE_CHECKING:
    from kanopt.formulas import Formula


def changed_sections(
    sections: Sections, drafts: Mapping[str, Formula], change: Change
) -> tuple[Sections, list[Mistake]]:
    """Return what a file says with a key or a law changed, and what is wrong with the change.

    Parameters
    ----------
    sections
        What it says.
    drafts
        Its laws as far as they are known before any is learned.
    change
        The change.
    """
    if change.action not in ("set", "scale") or change.where:
        told = "keys and laws are set or scaled, without where; rows of tables have the others"
        return sections, [Mistake((change.action,), f"{change.table}: {told}")]
    found, mistakes = sections, list[str]()
    if change.table == "surrogates":
        mistakes = [told for told in [_wrong_constant(sections, change)] if told]
    else:
        found, mistakes = _with_key(sections, change)
    mistakes = mistakes or list(_wrong_with_laws(found, drafts, change))
    return found, [Mistake((change.action,), message) for message in dict.fromkeys(mistakes)]


def _with_key(sections: Sections, change: Change) -> tuple[Sections, list[str]]:
    key: Key = (change.table, *change.column.split("."))
    if wrong := _not_changeable(sections, change):
        return sections, [f"{write_key(key)}: {wrong}"]
    value = change.value
    if change.action == "scale":
        value = _value(sections, change) * float(change.value or 0.0)
    try:
        read, mistakes = read_sections(with_value(sections.data, key, value))
    except NoTableError as error:
        return sections, [str(error)]
    # whatever is wrong came with this change
    return read or sections, [f"{write_key(mistake.key)}: {mistake.message}" for mistake in mistakes]


def _not_changeable(sections: Sections, change: Change) -> str:
    """Say why no single value stands at a key, or none that can be scaled; empty where one does."""
    words = change.column.split(".")
    problem = sections.problem if change.table == "problem" else None
    if problem is not None and words[0] in {"kind", "today", *problem.parts()}:
        return "what is decided and which tables are read is no what-if; write another file with this one as base"
    before = _value(sections, change)
    if change.action == "scale" and (isinstance(before, bool) or not isinstance(before, (int, float))):
        holds = "nothing" if before is None else describe_value(before)
        return f"it holds {holds}, and only a number can be scaled; use set instead of scale"
    if before is None or isinstance(before, (int, float, str, date)) or hasattr(before, "scope"):
        return ""
    inside = sorted(before) if isinstance(before, Mapping) else [*getattr(type(before), "model_fields", ())]
    inner = f"; it has {', '.join(map(str, inside))}" if inside else ""
    return f"it is no value but several of them{inner}"


def _value(sections: Sections, change: Change) -> Any:
    """Return what stands at the key of a change, its default where it is left out; None for nothing."""
    roots = {"solver": sections.file.solver, "problem": sections.problem, "surrogates": sections.laws}
    found: Any = roots[change.table]
    for word in change.column.split("."):
        found = found.get(word) if isinstance(found, Mapping) else getattr(found, word, None)
    return found


def _wrong_constant(sections: Sections, change: Change) -> str:
    """Say why a law, or a constant of it, cannot be changed so; empty where it can."""
    (name, _, constant), number = change.column.partition("."), change.value
    if name not in sections.laws:
        return f"there is no law {name!r}; {nearest(name, sections.laws)}"
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return f"a law is changed by numbers, not by {describe_value(number)}"
    if change.action == "set" and not constant:
        told = f"name one of its constants, as surrogates.{name}.c1, or scale the law as a whole"
        return f"law {name!r}: {told}"
    if change.action == "scale" and number < 0:
        return f"a law is multiplied by zero or more, not by {number:g}"
    return ""


def altered_law(name: str, law: Formula, changes: Iterable[Change]) -> Formula:
    """Return a law with the changes of it made, one after another; each as the file names it.

    Raises
    ------
    FormulaError
        If it has no constant of a name.
    """
    for change in changes:
        if change.table == "surrogates" and change.column.partition(".")[0] == name:
            law = _altered(name, law, change)
    return law


def _altered(name: str, law: Formula, change: Change) -> Formula:
    from kanopt.formulas import parse_formula

    constant, number = change.column.partition(".")[2], change.value
    assert isinstance(number, (int, float))
    if not constant:
        return parse_formula(f"{float(number)!r} * {name}", [], law.output, {name: law}, law.per)
    if change.action == "scale":
        from kanopt.formulas.parameters import parameters_of

        number = float(number) * parameters_of(law.root).get(constant, 1.0)
    return law.fixed({constant: float(number)})


def _wrong_with_laws(sections: Sections, drafts: Mapping[str, Formula], change: Change) -> Iterator[str]:
    """Yield what laws say of a change: a binding that none reads, a constant that a law does not have."""
    if change.table == "problem" and sections.problem is not None:
        key = ("problem", *change.column.split("."))
        for mistake in binding_mistakes(sections.problem, sections.laws, drafts):
            if mistake.key == key:
                yield f"{write_key(key)}: {mistake.message}"
    name = change.column.partition(".")[0]
    if change.table != "surrogates" or name not in drafts or isinstance(sections.laws.get(name), LearnedSpec):
        return
    try:
        _altered(name, drafts[name], change)
    except KanoptError as error:
        yield f"law {name!r}: {error}"


def section_sentence(before: Sections, change: Change) -> str:
    """Describe a change of a key or a law, with what was there before."""
    was = _value(before, change)
    return change.told([] if was is None or isinstance(was, Mapping) else [was])


_UNTOLD = ("scenario", "report", "changes")
"""Sections that change no plan, and the one that is told by its changes."""
_SOURCES = {"tables": "table", "surrogates": "law"}
"""Sections of entries that are others where they are had from elsewhere, with what an entry is called."""


def key_changes(was: Mapping[str, Any], now: Mapping[str, Any], key: Key = ()) -> Iterator[str]:
    """Yield a sentence for each key in which two files differ."""
    for name in dict.fromkeys([*now, *was]):
        old, new, here = was.get(name), now.get(name), (*key, name)
        if old == new or here[0] in _UNTOLD:
            continue
        if here[0] in _SOURCES and len(here) == 2:
            yield from _entry_changes(here, old, new)
        elif isinstance(old or new, Mapping) and isinstance(new or old, Mapping):
            yield from key_changes(old or {}, new or {}, here)
        elif old is None:
            yield f"{_subject(here)} is set to {_shown(new)}"
        elif new is None:
            yield f"{_subject(here)} is no longer {_shown(old)}"
        else:
            yield f"{_subject(here)} is {_shown(new)} instead of {_shown(old)}"


def _entry_changes(key: Key, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield in what a table or a law differs; of one that is had from elsewhere that alone."""
    entry = f"the {_SOURCES[str(key[0])]} {key[1]}"
    if old is None or new is None:
        yield f"{entry} is {'new' if old is None else 'gone'}"
    elif _source(old) != _source(new):
        yield f"{entry} is {_source(new)} instead of {_source(old)}"
    else:
        yield from key_changes(old, new, key)


def _source(entry: Mapping[str, Any]) -> str:
    """Say where a table or a law is had from."""
    words = {"path": "", "url": "", "formula": "", "file": "read from ", "table": "learned from table "}
    return next((f"{words[key]}{entry[key]}" for key in words if key in entry), "")


def _subject(key: Key) -> str:
    """Return what a key stands for, in words; keys without words are named."""
    if key[:2] != ("problem", "bind") or len(key) < 3:
        return write_key(key)
    return f"{key[3]} of the law {key[2]}" if len(key) == 4 else f"{key[2]} of every law that reads it"


def _shown(value: Any) -> str:
    return ", ".join(map(cell_text, value)) if isinstance(value, list) else cell_text(value)
