"""What a scenario changes against another, in sentences: its changes of tables, and keys that say something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kanopt.text import join_list
from kanopt.whatif.changes import cell_text
from kanopt.whatif.scenario_files.columns import field_columns
from kanopt.whatif.scenario_files.sections import answered
from kanopt.whatif.scenario_files.toml_positions import Key, write_key
from kanopt.whatif.section_changes import section_sentence

if TYPE_CHECKING:
    from kanopt.whatif.scenario import Scenario

_OTHER = ("scenario", "report", "changes", "tables", "surrogates")
"""Sections that change no plan, and those that are told in another way."""
_ABSENT = object()


def change_sentences(scenario: Scenario, base: Scenario | None = None) -> tuple[str, ...]:
    """Say what a scenario changes, a sentence each without a full stop.

    Parameters
    ----------
    scenario
        The scenario.
    base
        What it is compared with; left out, the file at the bottom of its own bases, with the tables as they are.
    """
    layers = scenario.layers
    if base is None:
        # the answers to its own questions make the file whole, and change nothing
        bottom = layers.documents[-1:]
        data = answered(replace(layers, documents=bottom, data=bottom[0].data)).layers.data
    else:
        data = base.layers.data
    return (*_table_changes(scenario, base), *_key_changes(data, layers.data))


def _table_changes(scenario: Scenario, base: Scenario | None) -> Iterator[str]:
    shared = [] if base is None else list(base.changes)
    frames, sections = dict(scenario.tables), scenario.sections
    for change in scenario.changes:
        is_new = change not in shared
        if not is_new:
            shared.remove(change)
        if change.is_of_section:
            if is_new:
                yield section_sentence(sections, change)
            sections, _ = sections.changed(change)
            continue
        words = field_columns(scenario.problem, change.table)
        if is_new:
            yield change.sentence(frames[change.table], words)
        frames[change.table] = change.apply(frames[change.table], words)
    yield from (f"it does without this change of the base: {change}" for change in shared)


def _key_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for section, word in (("tables", "table"), ("surrogates", "law")):
        yield from _entry_changes(word, before.get(section, {}), after.get(section, {}))
    old, new = dict(_leaves(before)), dict(_leaves(after))
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if was == now or key[0] in _OTHER:
            continue
        if now is _ABSENT:
            yield f"{_subject(key)} is no longer {_value(was)}"
        elif was is _ABSENT:
            yield f"{_subject(key)} is set to {_value(now)}"
        else:
            yield f"{_subject(key)} is {_value(now)} instead of {_value(was)}"


def _entry_changes(word: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say which tables or laws are had in another way; an entry has many keys that say so together."""
    for name in dict.fromkeys([*after, *before]):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if was is None or now is None:
            yield f"the {word} {name} is {'new' if was is None else 'gone'}"
        elif _source(was) != _source(now):
            yield f"the {word} {name} is {_source(now)} instead of {_source(was)}"
        else:
            keys = [str(key) for key in dict.fromkeys([*now, *was]) if now.get(key) != was.get(key)]
            yield f"the {word} {name} is had with other settings: {join_list(keys, 5)}"


def _source(entry: Mapping[str, Any]) -> str:
    """Say where a table or a law comes from."""
    words = {"path": "", "url": "", "formula": "", "file": "read from ", "table": "learned from table "}
    return next((f"{words[key]}{entry[key]}" for key in words if key in entry), "")


def _leaves(data: Mapping[str, Any], key: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _subject(key: Key) -> str:
    if key[:2] != ("problem", "bind"):
        return write_key(key)
    return f"{key[3]} of the law {key[2]}" if len(key) == 4 else f"{key[2]} of every law that reads it"


def _value(value: Any) -> str:
    return ", ".join(map(cell_text, value)) if isinstance(value, list) else cell_text(value)
