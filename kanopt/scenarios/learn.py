"""From tables to laws: split, fit, distil, judge, and keep what was learned."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import stat
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache as cached
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from platformdirs import user_cache_dir

from kanopt.display import Alarm, Part, Shown
from kanopt.errors import FileFormatError, FitError, FormulaError, KanoptWarning, TableError, warn_user
from kanopt.files import check_target, read_file, replace_file
from kanopt.formulas import Formula, weak_laws
from kanopt.interrupt import Interrupt
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.files.laws import (
    complete_rows,
    named_law,
    named_rows,
    names_in,
    split_rows,
    unit_mistakes,
    unseen_rows,
    with_groups,
)
from kanopt.scenarios.files.sections import GivenSpec, LearnedSpec
from kanopt.scenarios.scenario import Scenario
from kanopt.tables.report import hash_rows, units_of
from kanopt.text import count_text, list_names, number_text, percent_text, score_text, seconds_text

if TYPE_CHECKING:
    from kanopt.surrogates.curves import Diagram
    from kanopt.surrogates.monitor import FitProgress


@dataclass(frozen=True, eq=False, repr=False)
class LearnedLaw(Shown):
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
    cleaning
        Which rows hold it back, and what to write so that they are left out; see
        :func:`~kanopt.surrogates.cleaning.propose_cleaning`.
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
    cleaning: tuple[str, ...] = ()

    def _shown(self) -> Iterator[Part]:
        yield from self.formula._shown()
        if self.note:
            yield f"note: {self.note}" if self.trusted else Alarm(f"of low trust: {self.note}")


_TOLD_EVERY = 0.1
"""Seconds between two reports of how far a law is."""


class LearningInterrupted(KeyboardInterrupt):
    """Ctrl-C while a law was learned: nothing is planned on a law that was cut short.

    Attributes
    ----------
    laws
        Those that were finished, by name, and the one that was not, as far as it came.
    cut
        The one that was not finished; None where there was nothing of it yet.
    """

    def __init__(self, name: str, laws: Mapping[str, LearnedLaw], cut: LearnedLaw | None = None) -> None:
        self.laws, self.cut = {**laws, **({} if cut is None else {name: cut})}, cut
        kept = f"learned were {list_names(list(laws))}" if laws else "none was learned before"
        if cut is not None:
            kept += f"; of {name!r} the best until then is kept"
        super().__init__(f"stopped while law {name!r} was learned, so that nothing was planned; {kept}")


def doubts(laws: Iterable[LearnedLaw]) -> tuple[str, ...]:
    """Return a sentence about each learned law that is weak, or predicts less well than the file asks for."""
    weak = weak_laws(law.formula for law in laws)
    low = [law for law in laws if law.formula.fit is not None and not law.trusted]
    low = [law for law in low if not any(f"law {law.name} is" in each for each in weak)]
    return (*weak, *(f"The law {law.name} is of low trust. {law.note}".strip() + "." for law in low))


def learn(
    scenario: Scenario,
    seed: int,
    report: OnEvent,
    cache: LawCache | None = None,
    budget: float | None = None,
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
    budget
        Seconds for each law, in place of those of the file.

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
    for name, spec in scenario.sections.learned().items():
        limited = spec if budget is None else spec.model_copy(update={"budget": budget})
        with Interrupt() as stop:
            try:
                law = learn_law(name, limited, scenario.tables[spec.table], seed, report, cache)
            except (FitError, TableError, FormulaError) as error:
                if stop.asked:  # what it came to by then was no law
                    raise LearningInterrupted(name, learned) from None
                told = scenario.layers.error_at(("surrogates", name), error)
                raise (FormulaError(str(told)) if isinstance(error, FormulaError) else told) from error
            except KeyboardInterrupt:
                raise LearningInterrupted(name, learned) from None
        if stop.asked:
            raise LearningInterrupted(name, learned, law)
        learned[name] = law
        if unread := _unread(spec, law.formula):
            told_of = f"note: law {name!r} {unread}: the formula does without, and what is bound to it has no effect"
            report(Event("learn", told_of))
    return learned


def learn_law(
    name: str, spec: LearnedSpec, frame: pd.DataFrame, seed: int, report: OnEvent, cache: LawCache | None
) -> LearnedLaw:
    """Return a law that was learned before from the same rows in the same way, else learn it; see :func:`fit_law`.

    One that its budget stopped is kept for the same budget only, and on no disk; one that Ctrl-C stopped nowhere.
    """
    key = _fingerprint(spec, frame, seed)
    early = f"{key} {spec.budget}"
    law = None if cache is None else cache.get(key) or cache.get(early)
    if law is None:
        report(Event("learn", f"learning law {name!r} from table {spec.table!r}", begins=True))
        with _warnings_recorded() as warned, Interrupt() as stop:
            law = fit_law(name, spec, frame, seed, _progress_of(name, report))
        law = replace(law, warned=tuple(warned))
        if cache is not None and not (law.formula.stopped and stop.asked):
            cache[early if law.formula.stopped else key] = law
        report(Event("learn", f"{name} = {law.formula} ({_fit_text(law)}, {seconds_text(law.seconds)})"))
    elif law.learned_on is not None:
        told = f"learned {law.learned_on} in {seconds_text(law.seconds)}"
        report(Event("learn", f"law {name!r} from the cache ({told})"))
        for text in law.warned:
            warnings.warn(text, KanoptWarning, stacklevel=2)
    held = f"beyond its data, {law.formula.held}" if law.formula.held else ""
    share = float((frame[spec.target] < 0).mean())
    below = f"{percent_text(share)} of the rows have {spec.target} below zero" if 0.0 < share < 0.5 else ""
    note = "; ".join(filter(None, [law.note, held, _unread(spec, law.formula), below]))
    return replace(law, name=name, formula=named_law(name, law.formula), note=note)


def _progress_of(name: str, report: OnEvent) -> Callable[[FitProgress], None] | None:
    """Return what reports how far a law is, not more often than can be read; None where nobody listens."""
    if report is ignore_event:
        return None
    told = -math.inf

    def on_progress(progress: FitProgress) -> None:
        nonlocal told
        if progress.seconds < told or progress.seconds >= told + _TOLD_EVERY:
            told = progress.seconds
            report(Event("learn", f"law {name!r}: {progress}", transient=True))

    return on_progress


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
            found[name] = replace(learned[name], formula=formula)
        elif isinstance(spec, GivenSpec):
            doubtful = sorted(names_in(spec.formula) & {key for key in learned if not learned[key].trusted})
            built = f"built on {list_names(doubtful)}, which is not trusted" if doubtful else ""
            notes = [f"written by hand: {spec.formula}", built, *unit_mistakes(name, spec, formulas)]
            note = "; ".join(filter(None, notes))
            found[name] = LearnedLaw(name, formula, trusted=not doubtful, note=note)
        else:
            found[name] = LearnedLaw(name, formula, note="read from a file")
    return found


def fit_law(
    name: str,
    spec: LearnedSpec,
    frame: pd.DataFrame,
    seed: int,
    progress: Callable[[FitProgress], None] | None = None,
) -> LearnedLaw:
    """Learn one law from a table.

    Ctrl-C and the budget of the law end the search; its formula then says that it is the best until then.

    Parameters
    ----------
    name, spec
        The law.
    frame
        The table.
    seed
        For the split and the network.
    progress
        Called with how far it is; None for a line where somebody looks.

    Raises
    ------
    TableError, FitError
        If the table does not allow it.
    FormulaError
        If the law predicts too poorly to be used.
    """
    from kanopt.surrogates import KANRegressor
    from kanopt.surrogates.cleaning import propose_cleaning
    from kanopt.surrogates.monitor import FOR_FIT

    start = time.perf_counter()
    rows = complete_rows(spec, named_rows(frame))
    gone, asked = len(frame) - len(rows), spec.groups
    left_out = f", {count_text(gone, 'row')} with blanks left out" if gone else ""
    spec, sharing = with_groups(spec, rows, seed)
    if spec.groups != asked:
        left_out += f", groups = {spec.groups!r} since {sharing[0].message}"
        sharing = ()
    train, test = split_rows(spec, rows, seed)
    unseen = unseen_rows(spec, train, test)
    if unseen.any():
        left_out += f", {count_text(int(unseen.sum()), 'held-out row')} of unseen categories not judged"
        test = test[~unseen]
    shapes = spec.model_dump(include={"monotone", "positive", "bounds", "periodic"})
    model = KANRegressor(seed=seed, **shapes, **spec.network.model_dump(exclude_none=True))
    told: dict[str, Any] = {"progress": progress}
    with Interrupt():  # what stops the fit stops the search for the formula
        cleaning = tuple(map(str, propose_cleaning(train, spec.target, spec.features, seed=seed)))
        for_fit = None if spec.budget is None else FOR_FIT * spec.budget
        groups = None if spec.groups is None else train[spec.groups]
        model.fit(train[list(spec.features)], train[spec.target], groups=groups, budget=for_fit, **told)
        try:
            spent = time.perf_counter() - start
            left = None if spec.budget is None else max(spec.budget - spent, _TOLD_EVERY)
            told |= {"unseen": spec.unseen, "per": spec.per, "budget": left}
            least = spec.min_r2 if spec.on_low == "refuse" else float("-inf")
            formula = model.to_formula(test, spec.target, min_r2=least, **told)
        except FormulaError as error:
            raise FormulaError("\n  ".join([str(error), *cleaning])) from error
    if formula.fit is not None:
        findings = (*formula.fit.findings, *sharing)
        formula = replace(formula, fit=replace(formula.fit, findings=findings))
    notes = [f"learned from table {spec.table!r}{left_out}"]
    r2 = math.nan if formula.fit is None else formula.fit.r2
    if low := r2 < spec.min_r2:
        notes.append(f"R² {score_text(r2)} is below the {number_text(spec.min_r2, 6)} asked for")
    if formula.stopped:
        notes.append(f"stopped early ({formula.stopped}), the best law until then")
    return LearnedLaw(
        name=name,
        formula=named_law(name, formula),
        summary=model.summary(test).effects,
        diagram=model.diagram(),
        trusted=not low,
        note="; ".join(notes),
        seconds=time.perf_counter() - start,
        cleaning=cleaning,
    )


def _fingerprint(spec: LearnedSpec, frame: pd.DataFrame, seed: int) -> str:
    """Return a text that two laws share only if they are learned from equal rows in the same way."""
    units = sorted(units_of(frame).items())
    columns = [(column, str(dtype)) for column, dtype in frame.dtypes.items()]
    settings = spec.model_dump_json(exclude={"budget"})  # which a law that is finished did not need
    return f"{settings} {columns} {units} {len(frame)} {hash_rows(frame)} {seed}"


def _fit_text(law: LearnedLaw) -> str:
    fit, verdict = law.formula.fit, law.formula.verdict
    text = "no held-out fit" if fit is None else f"held-out R² {score_text(fit.r2)}"
    text += ", weak" if verdict is not None and verdict.level == "weak" else ""
    return text if law.trusted else f"{text}, LOW TRUST"


# Laws learned before, kept on disk: what was learned once is not learned again.
#
# A law is found again only by the same rows, settings and seed, and the same program: versions and source files of all
# that has a part in learning belong to its key. Files are data: a digest says whether one is what was written, and
# nothing in it is executed. What cannot be read is learned anew; what cannot be written costs a warning and nothing
# else.

FOLDER_VARIABLE = "KANOPT_CACHE_DIR"
"""The variable of the environment that names another folder than the user's own."""

_FORMAT = "kanopt learned law 2"
_PLAIN = ("name", "seconds", "trusted", "note", "warned", "cleaning")
_LARGEST_FILE = 8_000_000
_MOST_FILES = 200
_MOST_BYTES = 64 * 2**20
_FILE_NAME = re.compile(r"[0-9a-f]{64}\.json")
_PACKAGES = ("kanopt", "torch", "numpy", "scipy", "pandas", "scikit-learn", "sympy")
_SOURCES = (
    *("kan", "surrogates", "formulas", "tables", "units", "splines.py", "text.py"),
    *("scenarios/learn.py", "scenarios/files/laws.py", "scenarios/files/sections.py"),
)
"""What decides what is learned; of what-ifs that is how rows and settings are read, not what is asked of the laws."""


class LawCache:
    """Learned laws by what they were learned from, in one JSON file each.

    Several processes may use one folder. It holds 200 laws or 64 MiB at most; those that were not used for longest go.

    Parameters
    ----------
    folder
        Where the files are; by default what ``KANOPT_CACHE_DIR`` names, else the user's folder for such files.
    relearn
        Find nothing that was learned before, and replace it by what is learned now.
    """

    def __init__(self, folder: Path | None = None, *, relearn: bool = False) -> None:
        named = os.environ.get(FOLDER_VARIABLE) or Path(user_cache_dir("kanopt", appauthor=False), "laws")
        self.folder = folder or Path(named)
        self.relearn = relearn
        self._in_memory: dict[str, LearnedLaw] = {}

    def get(self, key: str) -> LearnedLaw | None:
        """Return the law of a key; None where there is none, or it cannot be read."""
        if key in self._in_memory:
            return self._in_memory[key]
        law = None if self.relearn else self._read(key)
        if law is not None:
            # what comes from memory was told of before
            self._in_memory[key] = replace(law, learned_on=None)
        return law

    def __setitem__(self, key: str, law: LearnedLaw) -> None:
        self._in_memory[key] = law
        if law.formula.stopped:
            return  # another run may have more time
        try:
            content = _written(key + _program(), law)
            if len(content.encode()) > _LARGEST_FILE:
                raise FileFormatError(f"{len(content):,} characters are too many, at most {_LARGEST_FILE:,}")
            # a law holds the names of categories, which are nobody else's business
            check_target(self._path(key))
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path(key), content)
            total = 0
            for place, (path, size) in enumerate(self.sizes().items()):
                total += size
                if place >= _MOST_FILES or total > _MOST_BYTES:
                    path.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            warn_user(f"learned laws are not kept for later runs: {error}")

    def clear(self) -> None:
        """Remove all laws, those of other versions and damaged files too; other files in the folder stay."""
        self._in_memory.clear()
        for path in self.sizes():
            path.unlink(missing_ok=True)

    def sizes(self) -> dict[Path, int]:
        """Return the files of laws, also of other versions, last used first, and how many bytes they hold."""
        found: list[tuple[int, Path, int]] = []
        for path in self.folder.glob("*.json"):
            # another process may remove it meanwhile
            with contextlib.suppress(FileNotFoundError):
                state = path.lstat()
                if _FILE_NAME.fullmatch(path.name) and not stat.S_ISDIR(state.st_mode):
                    found.append((state.st_mtime_ns, path, state.st_size))
        return {path: size for _, path, size in sorted(found, reverse=True)}

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256((key + _program()).encode()).hexdigest()}.json"

    def _read(self, key: str) -> LearnedLaw | None:
        """Return a law from its file; None, with a warning, where that is not what was written there."""
        path = self._path(key)
        try:
            written, law = _read_law(path)
            if written != key + _program():
                raise FileFormatError("it is the law of other rows or settings")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            warn_user(f"{path}: this kept law is ignored and learned anew: {error}")
            return None
        with contextlib.suppress(OSError):  # in a folder that is read only
            os.utime(path)
        return law


@cached
def _program() -> str:
    """Return the versions of what learns, and a hash of its source files: an edited one never finds a stale law."""
    root = Path(__file__).parent.parent
    hashed = hashlib.sha256()
    for source in _SOURCES:
        files = [root / source] if source.endswith(".py") else sorted((root / source).rglob("*.py"))
        for file in files:
            content = file.read_bytes()
            hashed.update(f"{file.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    versions = " ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f" learned by {versions} source {hashed.hexdigest()}"


def _written(key: str, law: LearnedLaw) -> str:
    """Return the content of the file of a law: what it is made of, and the digest of that."""
    drawn = law.diagram
    kept = {
        **{name: getattr(law, name) for name in _PLAIN},
        "key": key,
        "learned_on": (law.learned_on or date.today()).isoformat(),
        "formula": law.formula.to_json(),
        "summary": None if law.summary is None else law.summary.to_dict("list"),
        "diagram": None if drawn is None else {**vars(drawn), "edges": [*map(vars, drawn.edges)]},
    }
    text = json.dumps(kept, default=lambda array: array.tolist())
    return json.dumps({"format": _FORMAT, "sha256": _digest(json.loads(text)), "law": json.loads(text)})


def _digest(kept: object) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _law_of(kept: Mapping[str, Any]) -> LearnedLaw:
    """Build a law from what its file holds."""
    from kanopt.surrogates.curves import Diagram, DiagramEdge

    plain = {name: kept[name] for name in _PLAIN}
    plain |= {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    summary, drawn = kept["summary"], kept["diagram"]
    diagram = None
    if drawn is not None:
        for edge in drawn["edges"]:
            edge |= {end: np.array(edge[end], np.float64) for end in ("x", "y")}
            edge["labels"] = tuple(edge["labels"])
        edges = tuple(DiagramEdge(**edge) for edge in drawn["edges"])
        diagram = Diagram(tuple(map(tuple, drawn["layers"])), edges)
    return LearnedLaw(
        **plain,
        learned_on=date.fromisoformat(kept["learned_on"]),
        formula=Formula.from_json(kept["formula"]),
        summary=None if summary is None else pd.DataFrame(summary),
        diagram=diagram,
    )


def _read_law(path: Path) -> tuple[str, LearnedLaw]:
    """Return the key and the law of a file.

    Raises
    ------
    OSError
        If there is none that can be read.
    FileFormatError
        If it is not what was written.
    """
    written = read_file(path, _LARGEST_FILE, "a kept law")
    try:
        content = json.loads(written)
        if content["format"] != _FORMAT or content["sha256"] != _digest(content["law"]):
            raise FileFormatError("it is of another format, or was changed")
        return content["law"]["key"], _law_of(content["law"])
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        raise FileFormatError("it is damaged") from None
