"""A first scenario file from tables alone: what each table and column is, guessed and shown."""

from __future__ import annotations

from kanopt.scenarios.init.first_scenario import Scaffold, scaffold

__all__ = ["Scaffold", "scaffold"]
