"""docs/scenario-files.md has every key that a scenario file may hold, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from kanopt.scenarios.files import problem_spec, sections
from kanopt.scenarios.files.problem_spec import kinds

PAGE = (Path(__file__).parents[3] / "docs" / "scenario-files.md").read_text("utf-8")
Row = tuple[str, ...]


def tables(heading: str) -> Iterator[tuple[Row, list[Row]]]:
    """Yield the tables below a heading, each with its header."""
    text = re.search(rf"^{re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert text, heading
    for lines in re.findall(r"(?:^\|.*\n)+", text[1], re.MULTILINE):
        rows = [tuple(cell.strip() for cell in line.strip("|\n").split(" | ")) for line in lines.splitlines()]
        yield rows[0], rows[2:]


def rows_of(heading: str, first: str) -> list[Row]:
    """Return the rows of the tables below a heading whose first column is called so."""
    return [row for header, rows in tables(heading) if header[0] == first for row in rows]


def words(text: str) -> set[str]:
    """Return the keys that stand in code, each once."""
    return {word for code in re.findall(r"`([^`]*)`", text) for word in re.findall(r"^(\w+)$", code)}


def fields_of(*models: type[BaseModel]) -> set[str]:
    return {name for model in models for name in model.model_fields}


@pytest.mark.parametrize(
    ("heading", "models"),
    [
        ("## `[scenario]`", (sections.HeadSpec,)),
        ("## `[tables.NAME]`", (sections.TableSpec,)),
        ("## `[[questions]]`", (sections.QuestionSpec,)),
        ("## `[surrogates.NAME]`", (sections.LearnedSpec, sections.GivenSpec, sections.SavedSpec)),
        ("## `[solver]`", (sections.SolverSpec,)),
        ("## `[report]`", (sections.ReportSpec,)),
    ],
)
def test_keys_of_a_section(heading, models):
    told = [word for row in rows_of(heading, "key") for word in words(row[0])]
    assert set(told) == fields_of(*models)


def test_keys_of_a_change():
    told = {
        word
        for row in rows_of("## `[[changes]]`", "change")
        for word in re.findall(r"`(\w+)", row[0] + row[1])
    }
    assert told == fields_of(*sections.CHANGES.values())


@pytest.mark.parametrize("kind", kinds())
def test_keys_of_a_problem(kind):
    rows = [row for row in rows_of("## `[problem]`", "key") if len(row) == 3]
    told = {word for row in rows if {"every", kind} & set(row[1].split(", ")) for word in words(row[0])}
    assert told == fields_of(kinds()[kind])


def test_keys_of_the_policy():
    rows = [row for row in rows_of("## `[problem]`", "key") if len(row) == 2]
    policy = kinds()["routing"].model_fields["policy"].annotation
    assert {word for row in rows for word in words(row[0])} == fields_of(policy)


PARTS = {
    (kind, name)
    for kind, model in kinds().items()
    for name, field in model.model_fields.items()
    for type_ in (field.annotation, *get_args(field.annotation))
    if isinstance(type_, type) and issubclass(type_, problem_spec.PartSpec) and name != "today"
}


def test_fields_of_parts():
    told = [(part, words(row[1])) for row in rows_of("## `[problem]`", "part") for part in words(row[0])]
    assert sorted(told) == sorted((part, set(kinds()[kind].fields_of(part))) for kind, part in PARTS)


@pytest.mark.parametrize(
    ("inside", "model"),
    [
        ("a part", problem_spec.PartSpec),
        ("`distances`", problem_spec.MatrixSpec),
        ("`duration`,", problem_spec.LawUse),
        ("`demand`", problem_spec.DemandSpec),
        ("`limits.NAME`", problem_spec.LimitSpec),
        *(
            (f"`units` of {kind}", kinds()[kind].model_fields["units"].annotation)
            for kind in list(kinds())[:3]
        ),
    ],
)
def test_keys_inside_a_key_of_the_problem(inside, model):
    (row,) = [row for row in rows_of("## `[problem]`", "inside") if row[0].startswith(inside)]
    assert words(row[1]) == fields_of(model)


@pytest.mark.parametrize(
    ("heading", "key", "model"),
    [
        ("## `[tables.NAME]`", "form", sections.FormSpec),
        ("## `[surrogates.NAME]`", "holdout", sections.HoldoutSpec),
        ("## `[surrogates.NAME]`", "network", sections.NetworkSpec),
    ],
)
def test_keys_inside_a_key_of_a_table_or_a_law(heading, key, model):
    (row,) = [row for row in rows_of(heading, "key") if row[0] == f"`{key}`"]
    told = {word for code in re.findall(r"`([^`]*)`", row[1]) for word in re.findall(r"(\w+)(?= =|$)", code)}
    assert told == fields_of(model)
