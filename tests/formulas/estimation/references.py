"""Reference problems of nonlinear regression with certified results: see ``references.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Reference:
    """A law, starts, certified values and standard deviations, the sum of squares, and rows of y and x."""

    text: str
    starts: list[list[float]]
    values: list[float]
    errors: list[float]
    squares: float
    rows: str

    @property
    def y(self) -> np.ndarray:
        return np.array(self.rows.split(), dtype=float)[0::2]

    @property
    def x(self) -> np.ndarray:
        return np.array(self.rows.split(), dtype=float)[1::2]


_FILE = Path(__file__).with_suffix(".toml")
REFERENCES = {name: Reference(**told) for name, told in tomllib.loads(_FILE.read_text("utf-8")).items()}
