"""From tables to laws: split, fit, distil, judge."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from kanopt.errors import FitError, FormulaError, KanoptWarning, TableError
from kanopt.interrupt import Interrupt
from kanopt.text import count_text, list_names, number_text, percent_text, score_text, seconds_text
from kanopt.whatif.events import Event, OnEvent
from kanopt.whatif.file_model import Mistake, split_messages
from kanopt.whatif.given_laws import names_in, unit_mistakes
from kanopt.whatif.rows import complete_rows, split_rows, unseen_rows
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.spec import GivenSpec, LearnedSpec

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula
    from kanopt.surrogates.diagram import Diagram

__all__ = ["Cache", "LearnedLaw", "LearningInterrupted", "doubts", "fit_law", "laws_of", "learn", "learn_law"]


@dataclass(frozen=True, eq=False)
class LearnedLaw:
    """A law of a run, learned or given.

    Parameters
    ----------
    name
        Its name under ``[surrogates]``.
    formula
        The law itself.
    summary
        Effect of every column, one row each; None for a law that was not learned.
    diagram
        The network it was learned with; None for a law that was not learned.
    trusted
        False where it predicts too poorly and the file says ``on_low = "mark"``, or is built on such a law.
    note
        Where it comes from, why it is not trusted, and where its declared units do not agree.
    seconds
        How long it took to learn.
    learned_on
        The day on which it was learned, of a law from the cache; None for one learned now.
    warned
        What was warned of while it was learned.
    """

    name: str
    formula: Formula
    summary: pd.DataFrame | None = None
    diagram: Diagram | None = None
    trusted: bool = True
    note: str = ""
    seconds: float = 0.0
    learned_on: date | None = None
    warned: tuple[str, ...] = ()


class LearningInterrupted(KeyboardInterrupt):
    """Ctrl-C while a law was learned: nothing is planned on a law that was cut short.

    Attributes
    ----------
    laws
        Those that were finished, by name.
    """

    def __init__(self, name: str, laws: Mapping[str, LearnedLaw]) -> None:
        self.laws = dict(laws)
        kept = f"learned were {list_names(list(self.laws))}" if self.laws else "none was learned before"
        super().__init__(f"stopped while law {name!r} was learned, so that nothing was planned; {kept}")


def doubts(laws: Iterable[LearnedLaw]) -> tuple[str, ...]:
    """Return a sentence about each learned law that is weak, or predicts less well than the file asks for."""
    from kanopt.formulas import weak_laws

    learned = [law for law in laws if law.formula.fit is not None]
    weak = weak_laws(law.formula for law in laws)
    low = [
        law for law in learned if not law.trusted and not any(f"law {law.name} is" in each for each in weak)
    ]
    return (*weak, *(f"The law {law.name} is of low trust. {law.note}".strip() + "." for law in low))


Cache = MutableMapping[str, LearnedLaw]


def learn(
    scenario: Scenario, seed: int, report: OnEvent, cache: Cache | None = None
) -> dict[str, LearnedLaw]:
    """Learn the laws of a scenario that are to be learned, from its unchanged tables.

    Parameters
    ----------
    scenario
        Whose laws.
    seed
        For the split and the network.
    report
        Called with each law.
    cache
        Laws learned before; a law of the same rows, settings and seed is not learned again.

    Raises
    ------
    ScenarioError
        If the table does not allow it; points at the law's line.
    FormulaError
        If a law predicts too poorly to be used.
    LearningInterrupted
        On Ctrl-C: no plan is based on a law that was cut short.
    """
    learned: dict[str, LearnedLaw] = {}
    for name, spec in scenario.laws.items():
        if isinstance(spec, LearnedSpec):
            try:
                learned[name] = learn_law(name, spec, scenario.tables[spec.table], seed, report, cache)
            except (FitError, TableError) as error:
                mistakes = [Mistake(("surrogates", name), text) for text in split_messages(error)]
                raise scenario.layers.error(mistakes) from error
            except FormulaError as error:
                raise FormulaError(
                    str(scenario.layers.issue(Mistake(("surrogates", name), str(error))))
                ) from error
            except KeyboardInterrupt:
                raise LearningInterrupted(name, learned) from None
            if unread := _unread(spec, learned[name].formula):
                told = f"note: law {name!r} {unread}, which explains nothing there: what is bound to it has no effect"
                report(Event("learn", told))
    return learned


def learn_law(
    name: str, spec: LearnedSpec, frame: pd.DataFrame, seed: int, report: OnEvent, cache: Cache | None
) -> LearnedLaw:
    """Return a law from the cache, or learn it and keep it there; see :func:`learn` and :func:`fit_law`."""
    key = _fingerprint(spec, frame, seed)
    law = None if cache is None else cache.get(key)
    if law is None:
        report(Event("learn", f"learning law {name!r} from table {spec.table!r}"))
        with _warnings_recorded() as warned:
            law = fit_law(name, spec, frame, seed)
        law = replace(law, warned=tuple(warned))
        if cache is not None:
            cache[key] = law
        report(Event("learn", f"{name} = {law.formula} ({_fit_text(law)}, {seconds_text(law.seconds)})"))
    elif law.learned_on is not None:
        told = f"learned {law.learned_on} in {seconds_text(law.seconds)}"
        report(Event("learn", f"law {name!r} from the cache ({told})"))
        for text in law.warned:
            warnings.warn(text, KanoptWarning, stacklevel=2)
    note = "; ".join(filter(None, [law.note, _unread(spec, law.formula), _rows_below_zero(spec, frame)]))
    return replace(law, name=name, formula=_with_output_name(law.formula, name), note=note)


def _rows_below_zero(spec: LearnedSpec, frame: pd.DataFrame) -> str:
    """Say how many rows of a target are below zero where most are not; empty where none is."""
    share = float((frame[spec.target] < 0).mean())
    return f"{percent_text(share)} of the rows have {spec.target} below zero" if 0.0 < share < 0.5 else ""


def _unread(spec: LearnedSpec, formula: Formula) -> str:
    """Say which features a law does without; empty where it reads all of them."""
    left_out = [feature for feature in spec.features if feature not in formula.used]
    return f"does not read {list_names(left_out)}" if left_out else ""


@contextmanager
def _warnings_recorded() -> Iterator[list[str]]:
    """Give all warnings at the end, also where something was raised, and yield a list that then holds kanopt's."""
    told: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as recorded:
            warnings.simplefilter("always", KanoptWarning)
            yield told
    finally:
        told += [str(each.message) for each in recorded if issubclass(each.category, KanoptWarning)]
        for each in recorded:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def laws_of(scenario: Scenario, learned: Mapping[str, LearnedLaw]) -> dict[str, LearnedLaw]:
    """Return all laws of a scenario, those written by hand with the learned ones put in."""
    formulas = scenario.formulas({name: law.formula for name, law in learned.items()})
    found: dict[str, LearnedLaw] = {}
    for name, formula in formulas.items():
        spec = scenario.laws[name]
        if name in learned:
            found[name] = learned[name]
        elif isinstance(spec, GivenSpec):
            doubtful = sorted(
                other for other in names_in(spec.formula) & set(learned) if not learned[other].trusted
            )
            built = f"built on {list_names(doubtful)}, which is not trusted" if doubtful else ""
            notes = [f"written by hand: {spec.formula}", built, *unit_mistakes(name, spec, formulas)]
            note = "; ".join(filter(None, notes))
            found[name] = LearnedLaw(name, formula, trusted=not doubtful, note=note)
        else:
            found[name] = LearnedLaw(name, formula, note="read from a file")
    return found


def fit_law(name: str, spec: LearnedSpec, frame: pd.DataFrame, seed: int) -> LearnedLaw:
    """Learn one law from a table.

    Raises
    ------
    TableError, FitError
        If the table does not allow it.
    FormulaError
        If the law predicts too poorly to be used.
    KeyboardInterrupt
        On Ctrl-C: a law that was cut short is not returned.
    """
    with Interrupt(keeps=False) as stop:
        return _learned_law(name, spec, frame, seed, stop)


def _learned_law(name: str, spec: LearnedSpec, frame: pd.DataFrame, seed: int, stop: Interrupt) -> LearnedLaw:
    from kanopt.surrogates import KANRegressor

    start = time.perf_counter()
    rows = complete_rows(spec, frame)
    gone = len(frame) - len(rows)
    left_out = f", {gone:,} rows with blanks left out" if gone else ""
    train, test = split_rows(spec, rows, seed)
    unseen = unseen_rows(spec, train, test)
    if unseen.any():
        left_out += f", {count_text(int(unseen.sum()), 'held-out row')} of unseen categories not judged"
        test = test[~unseen]
    chosen = spec.network.model_dump(exclude_none=True)
    model = KANRegressor(
        monotone=dict(spec.monotone) or None,
        convex=list(spec.convex) or None,
        concave=list(spec.concave) or None,
        positive=spec.positive,
        bounds=spec.bounds,
        periodic=dict(spec.periodic) or None,
        seed=seed,
        **chosen,
    )
    # Ctrl-C raises KeyboardInterrupt at once, and again at the next step where a library has dropped it.
    model.fit(train[list(spec.features)], train[spec.target], progress=lambda _: stop.check())
    least = spec.min_r2 if spec.on_low == "refuse" else float("-inf")
    wanted: dict[str, Any] = {"pin": dict(spec.pin), "forbid": spec.forbid, "prefer": spec.prefer}
    formula = model.to_formula(test, spec.target, min_r2=least, per=spec.per, **wanted)
    low = formula.fit is not None and formula.fit.r2 < spec.min_r2
    note = ""
    if low and formula.fit:
        r2, asked = score_text(formula.fit.r2), number_text(spec.min_r2, 6)
        note = f"R² {r2} is below the {asked} asked for"
    return LearnedLaw(
        name=name,
        formula=_with_output_name(formula, name),
        summary=model.summary(test).effects,
        diagram=model.diagram(),
        trusted=not low,
        note="; ".join(filter(None, [f"learned from table {spec.table!r}{left_out}", note])),
        seconds=time.perf_counter() - start,
    )


def _fingerprint(spec: LearnedSpec, frame: pd.DataFrame, seed: int) -> str:
    """Return a text that two laws share only if they are learned from equal rows in the same way."""
    import hashlib

    import pandas as pd

    from kanopt.tables import units_of

    rows = hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()
    units = sorted(units_of(frame).items())
    columns = [(column, str(dtype)) for column, dtype in frame.dtypes.items()]
    return f"{spec.model_dump_json()} {columns} {units} {len(frame)} {rows} {seed}"


def _with_output_name(formula: Formula, name: str) -> Formula:
    return replace(formula, output=replace(formula.output, name=name))


def _fit_text(law: LearnedLaw) -> str:
    fit = law.formula.fit
    text = "no held-out fit" if fit is None else f"held-out R² {score_text(fit.r2)}"
    verdict = law.formula.verdict
    text += ", weak" if verdict is not None and verdict.level == "weak" else ""
    return text if law.trusted else f"{text}, LOW TRUST"
