"""Solvers: one protocol, one engine for each kind of problem, and ``solve``, which judges every plan by the law.

Nothing is imported here: processes that search load this room too, and need nothing but their engine.
"""
