"""Scenario files: TOML read over its base, checked, with every mistake at its line."""
