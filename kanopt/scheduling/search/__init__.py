"""Solver of scheduling problems: CP-SAT on a grid of time steps."""
