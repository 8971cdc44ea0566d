"""What a distillation starts from: a trained network with its rows, and rows held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas import Formula, Node, Variable
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.description import Network
from kanopt.kan.links import Link
from kanopt.surrogates.distill.control import Control
from kanopt.surrogates.distill.mixed import Rows
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.monitor import FitMonitor

__all__ = ["HeldOut", "Trained"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, and the rows and choices it was trained with.

    Parameters
    ----------
    network
        Gives the target, its logarithm, or what `link` makes the target of.
    features
        In the order of the network's inputs: numbers, cycles, categories.
    rows
        Encoded training rows, columns in the order of `features`. The target is on the scale of the network's output,
        but where there is a link it is the target itself.
    wanted
        Shapes that the network was asked for.
    smoothing
        Roughness weight of every group: one per input column, then one per later layer. What follows is not read.
    log_target
        Whether the network gives the logarithm of the target.
    seed
        Seed of the search.
    structure
        The structure in words, for the provenance.
    link
        From the output of the network to the target; None for the output itself. Not together with `log_target`.
    edf
        Effective number of parameters of the network.
    control
        What a person decided about the law.
    simpler
        Networks of simpler structure that were trained on the same rows.
    stopped
        By what its fit was stopped before its end, in words; empty where it was not.
    watch
        Is told how far the search for a formula is, and may stop it.
    lowest
        Smallest target of the training rows; None if unknown.
    floor
        What a formula is held at that is not proved to stay above zero over its domain; None where it is not held.
    units, output_unit
        Declared units of the features by name, and of the target; where there are none, nothing is inferred from them.
    """

    network: Network
    features: tuple[Feature, ...]
    rows: Rows
    wanted: ShapeConstraints
    smoothing: Array
    log_target: bool
    seed: int
    structure: str
    link: Link | None = None
    edf: float = 0.0
    control: Control = field(default_factory=Control)
    units: Mapping[str, str] = field(default_factory=dict)
    output_unit: str = ""
    lowest: float | None = None
    floor: float | None = None
    simpler: tuple[Trained, ...] = ()
    stopped: str = ""
    watch: FitMonitor = field(default_factory=FitMonitor)

    def formula(self, root: Node) -> Formula:
        """Return a graph as a formula for something that is called as no column is."""
        names = [feature.name for feature in self.features]
        output = "target"
        while output in names:
            output += "_"
        return Formula(root, tuple(map(self.variable, self.features)), Variable(output, self.output_unit))

    def variable(self, feature: Feature) -> Variable:
        """Return a feature as an input of a formula."""
        if feature.kind == "category":
            return Variable(feature.name, kind="category")
        return Variable(feature.name, self.units.get(feature.name, ""))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows and what is known about their columns.

    Parameters
    ----------
    frame
        Columns of the model and the target.
    output
        The target, with its unit.
    per
        What one row is.
    """

    frame: pd.DataFrame
    output: Variable
    per: str
