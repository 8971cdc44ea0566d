"""What only the user knows: ``[[questions]]`` of a scenario file, and columns that look like a rule and are not read.

Both are mistakes until they are answered, so that no plan rests on a guess. A question of the file names the answers
that it may have, and what each of them sets; a column is answered where it is mapped, or ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kanopt.errors import nearest
from kanopt.faults import Fault, Setting, said
from kanopt.records.unread_columns import UnreadColumns
from kanopt.validation import describe_value
from kanopt.whatif.scenario_files.layers import Layers
from kanopt.whatif.scenario_files.mistakes import Mistake, validate
from kanopt.whatif.scenario_files.spec import QuestionSpec
from kanopt.whatif.scenario_files.toml_positions import Key, paths, split_key, write_key


@dataclass(frozen=True)
class Answered:
    """A scenario file with its answers given.

    Parameters
    ----------
    layers
        The file; its keys are those that the answers set, too.
    mistakes
        What is wrong with questions and answers.
    asked
        The questions without an answer.
    """

    layers: Layers
    mistakes: tuple[Mistake, ...] = ()
    asked: tuple[Mistake, ...] = ()


def answered(layers: Layers) -> Answered:
    """Return a file with the keys that the answers to its questions set."""
    entries = layers.data.get("questions", [])
    if not isinstance(entries, list):
        message = (
            f"must be a list, not {describe_value(entries)}: write each question under its own [[questions]]"
        )
        return Answered(layers, (Mistake(("questions",), message),))
    mistakes, asked = list[Mistake](), list[Mistake]()
    for place, entry in enumerate(entries):
        key: Key = ("questions", place)
        question, wrong = validate(QuestionSpec, entry, key)
        mistakes += wrong
        if question is None:
            continue
        if not question.answer:
            parts = (question.text, " Write ", _possible(question.answers))
            asked.append(Mistake((*key, "answer"), said(parts, in_file=True)))
        elif question.answer not in question.answers:
            message = f"unknown answer {question.answer!r}; {nearest(question.answer, question.answers)}"
            mistakes.append(Mistake((*key, "answer"), message))
        else:
            layers, wrong = _with_answer(layers, (*key, "answers", question.answer), question)
            mistakes += wrong
    return Answered(layers, tuple(mistakes), tuple(asked))


def columns_asked_about(data: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the columns that the questions of a file ask about, each behind its table.

    Examples
    --------
    >>> ignored = {"tables.stops.ignore": ["rank"]}
    >>> columns_asked_about({"questions": [{"text": "?", "answers": {"ignore": ignored}}]})
    frozenset({('stops', 'rank')})
    """
    answers = [keys for entry in data.get("questions", ()) for keys in entry["answers"].values()]
    ignored = [(split_key(key), columns) for keys in answers for key, columns in keys.items()]
    return frozenset(
        (str(key[1]), str(column))
        for key, columns in ignored
        if len(key) == 3 and (key[0], key[2]) == ("tables", "ignore") and isinstance(columns, list)
        for column in columns
    )


def _possible(answers: Mapping[str, Any]) -> str:
    first, *others = [Setting("answer", answer).in_file() for answer in answers]
    return " or ".join([first, *(each.removeprefix("answer = ") for each in others)])


def _with_answer(layers: Layers, key: Key, question: QuestionSpec) -> tuple[Layers, list[Mistake]]:
    """Set the keys of an answer that stands under `key`, and note that they stand there."""
    data, positions, mistakes = dict(layers.data), dict(layers.key_positions), list[Mistake]()
    document, place = layers.place(key)
    for word, value in question.answers[question.answer].items():
        target, place_of_word = split_key(word), (*place, word)
        known = set(paths(data))
        try:
            data = _with_value(data, target, value)
        except KeyError as error:
            above = write_key(target[: error.args[0]])
            mistakes.append(Mistake((*key, word), f"sets a key below {above}, which is no table"))
            continue
        positions |= dict.fromkeys(set(paths(data)) - known, (document, place_of_word))
        positions.setdefault(target, (document, place_of_word))
    return replace(layers, data=data, key_positions=positions), mistakes


def _with_value(data: Mapping[str, Any], key: Key, value: Any, depth: int = 1) -> dict[str, Any]:
    """Return a table with a key set: what a list has already stays in it, and so do the keys of a table.

    Raises
    ------
    KeyError
        With the number of parts that lead to something that is no table.
    """
    name, old = str(key[0]), data.get(str(key[0]))
    if len(key) > 1:
        if old is not None and not isinstance(old, dict):
            raise KeyError(depth)
        return {**data, name: _with_value(old or {}, key[1:], value, depth + 1)}
    if isinstance(old, list) and isinstance(value, list):
        value = [*old, *(each for each in value if each not in old)]
    if isinstance(old, dict) and isinstance(value, dict):
        value = {**old, **value}
    return {**data, name: value}


def question_about(
    found: UnreadColumns, table: str, asked_about: Collection[tuple[str, str]] = ()
) -> Fault | None:
    """Return the question that columns ask which look like a rule; None where none does.

    Parameters
    ----------
    found
        Columns that nothing reads.
    table
        What the file calls their table.
    asked_about
        Columns that a question of the file asks about, each behind its table.
    """
    rules = tuple(
        column for column in found.striking if column.is_rule and (table, column.name) not in asked_about
    )
    if not rules:
        return None
    asked = replace(found, striking=rules, others=())
    ignored = Setting("ignore", [column.name for column in rules])
    meant = ("where that is meant, write ", asked.renaming, "; ") if asked.meant else ()
    under = f" under [{write_key(('tables', table))}]"
    looks = "they look like rules" if len(rules) > 1 else "it looks like a rule"
    what = f"{asked.sentence}, and {looks}"
    return Fault(
        found.table, what, advice=(*meant, "for what means nothing to the plan, write ", ignored, under)
    )
