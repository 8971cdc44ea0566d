"""What matrices of arcs take, refused before they are made where the machine has not as much."""

from __future__ import annotations

from kanopt.errors import SolverError
from kanopt.memory import available_bytes, gigabytes


def refuse_too_large(what: str, nodes: int, bytes_per_arc: float) -> None:
    """Raise an error where a number of bytes for each arc is more than there is.

    Parameters
    ----------
    what
        What is to be made.
    nodes
        How many nodes there are.
    bytes_per_arc
        Over all vehicle types.

    Raises
    ------
    SolverError
        If so; says how much is needed and what to do.
    """
    needed, there = bytes_per_arc * nodes**2, available_bytes()
    if needed > there:
        raise SolverError(
            f"routing between {nodes:,} places: {what} need {gigabytes(needed)}, and {gigabytes(there)} are free; plan "
            f"parts of the region apart, each by the depot or day that serves it, give vehicle types the same price of "
            f"distance so that they share a matrix, or use a machine with more memory"
        )
