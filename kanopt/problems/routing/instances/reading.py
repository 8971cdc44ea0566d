"""``read_instance``: tell the formats apart, read, and find the best known objective beside the file."""

from __future__ import annotations

from pathlib import Path

from kanopt.problems.routing.instances._planar import check_convention
from kanopt.problems.routing.instances._text import TextLines, read_lines
from kanopt.problems.routing.instances.instance import POLLUTION, TDVRPTW, VRPTW, Instance
from kanopt.problems.routing.instances.pollution import is_pollution, read_pollution
from kanopt.problems.routing.instances.rifki import best_known_json, read_rifki
from kanopt.problems.routing.instances.solomon import is_solomon, read_solomon
from kanopt.problems.routing.instances.solution_files import read_solution
from kanopt.problems.routing.instances.vrplib_files import read_vrplib
from kanopt.problems.routing.problem import RoutingProblem


def read_instance(path: str | Path, *, convention: str | None = None) -> Instance:
    r"""Read a published instance of vehicle routing.

    Parameters
    ----------
    path
        A file of CVRPLIB (VRPLIB format, of type CVRP or VRPTW), of Solomon or Gehring and Homberger (``.txt``), of
        the pollution-routing problem (UK10_01 and its like), or a time-dependent ``.vrp.json`` beside its
        ``.atf.json.gz`` (Rifki2020 of MAMUT-routing). The format is told from the content.
    convention
        How distances come from coordinates: ``"round"``, to the nearest whole number; ``"dimacs"``, down to 0.1;
        ``"exact"``. Unless stated, as the field counts: CVRP rounded, time windows "dimacs" (where the
        objective is the distance alone; the other custom of the field, fewest vehicles first, goes with "exact").
        Files that hold the distances or travel times themselves have no choice.

    Returns
    -------
    Instance
        With the problem, and the cost of the ``.sol`` file (time-dependent: ``.bks.Duration.json``) of the same name
        where one lies beside it.

    Raises
    ------
    FileFormatError
        If a file is missing, cut off, too large, of a kind that is not read, or contradicts itself; names the line.
    ProblemError
        If the convention is unknown.

    Notes
    -----
    Instances name no units: a length is called a kilometre, is driven in a minute and costs its length. Where a
    file does not say how many vehicles there are, there are so many that they are no limit: the k in a name such as
    X-n101-k25 is the least number. The depot's due date is the end of the shift. Clients are called by their
    numbers, from 1; the places of pollution-routing instances have names. What those pay is distance × (curb weight +
    load), and time-dependent instances pay the seconds between departure and return.

    Examples
    --------
    >>> import tempfile
    >>> lines = ["NAME : pair", "TYPE : CVRP", "DIMENSION : 3", "EDGE_WEIGHT_TYPE : EUC_2D", "CAPACITY : 5",
    ...          "NODE_COORD_SECTION", "1 0 0", "2 3 4", "3 0 8", "DEMAND_SECTION", "1 0", "2 2", "3 3",
    ...          "DEPOT_SECTION", "1", "-1", "EOF"]
    >>> file = Path(tempfile.mkdtemp()) / "pair.vrp"
    >>> _ = file.write_text("\n".join(lines))
    >>> instance = read_instance(file)
    >>> instance.kind, instance.rounding, instance.best_known
    ('cvrp', 'round', None)
    >>> instance.problem.price(instance.problem.plan_from([["1", "2"]])).objective
    18.0
    """
    check_convention(convention)
    file = Path(path)
    name, kind, problem, rounding = _read(file, convention)
    beside = best_known_file(file)
    best = read_solution(beside).cost if beside is not None else None
    return Instance(_printable(name), kind, problem, rounding, best, file)


def _read(file: Path, convention: str | None) -> tuple[str, str, RoutingProblem, str]:
    """Return name, kind, problem and rounding."""
    source = read_lines(file)
    if _is_vrplib(source):
        return read_vrplib(source, convention)
    if is_solomon(source):
        name, problem, rounding = read_solomon(source, convention)
        return name, VRPTW, problem, rounding
    dynamic = source.lines[0].startswith("{")
    if not dynamic and not is_pollution(source):
        raise source.refusal(
            "the content is of no format that is read: VRPLIB (NAME : …, DIMENSION : …), Solomon (second row VEHICLE), "
            "pollution routing (clients, weights, speeds), time-dependent (.vrp.json)"
        )
    if convention is not None:
        raise source.refusal(f"the file holds distances or travel times; leave convention={convention!r} out")
    if dynamic:
        name, problem = read_rifki(file)
        return name, TDVRPTW, problem, "given"
    return file.stem, POLLUTION, read_pollution(source), "given"


def best_known_file(path: Path) -> Path | None:
    """Return the best known solution that lies beside an instance; None where there is none."""
    try:
        beside = best_known_json(path) if path.name.endswith(".vrp.json") else path.with_suffix(".sol")
        return beside if beside.is_file() else None
    except (OSError, ValueError):  # the name is too long with this ending, or a folder has none
        return None


def _is_vrplib(source: TextLines) -> bool:
    keys = {row.partition(":")[0].strip() for row in source.lines[:50]}
    return bool(keys & {"DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE"})


def _printable(name: str) -> str:
    """Return a name without control signs, which could move the cursor of a terminal, and of bearable length."""
    return "".join(sign for sign in name if sign.isprintable())[:80]
