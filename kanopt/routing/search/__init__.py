"""Solvers of routing problems: engines on whole numbers, and the search scored on the laws themselves."""
