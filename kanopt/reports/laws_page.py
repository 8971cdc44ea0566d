"""The page of laws that were learned without a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanopt.reports.law_section import LawSection, law_sections
from kanopt.reports.page_parts import FactList
from kanopt.text import count_text, join_list

if TYPE_CHECKING:
    from kanopt.whatif import LearnedLaw


@dataclass(frozen=True)
class LawsPage:
    """Everything the template prints.

    Parameters
    ----------
    title
        What was learned.
    answer
        A sentence for each law, and what it is worth.
    laws
        The laws.
    provenance
        Files and versions.
    """

    title: str
    answer: tuple[str, ...]
    laws: tuple[LawSection, ...]
    provenance: FactList


def laws_page(laws: Sequence[LearnedLaw], source: str) -> LawsPage:
    """Return the page of laws.

    Parameters
    ----------
    laws
        In the order of the page.
    source
        The file of the scenario or the table.
    """
    from kanopt.whatif.run import environment

    by_name: Mapping[str, LearnedLaw] = {law.name: law for law in laws}
    told = []
    for law in laws:
        verdict = law.formula.verdict
        worth = f" It is {verdict.level}." if verdict is not None else ""
        told.append(f"{law.name} = {law.formula}.{worth}")
    what = "The law of" if len(laws) == 1 else f"The {count_text(len(laws), 'law')} of"
    facts = {"learned from": source} | environment()
    return LawsPage(
        title=f"{what} {join_list(list(by_name), 4)}",
        answer=tuple(told),
        laws=law_sections(by_name),
        provenance=FactList(tuple(facts.items())),
    )
