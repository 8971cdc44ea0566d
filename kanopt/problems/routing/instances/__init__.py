"""Readers of published instances of vehicle routing, and their solution files."""

from kanopt.problems.routing.instances.instance import Instance
from kanopt.problems.routing.instances.reading import Solution, read_instance, read_solution, solution_text

__all__ = ["Instance", "Solution", "read_instance", "read_solution", "solution_text"]
