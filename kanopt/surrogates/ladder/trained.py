"""What the ladder starts from: a trained network with its rows, and rows held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas import Formula, Node, Variable
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.links import Link
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.ladder.control import Control
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.rows import Rows


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, and the rows and choices it was trained with.

    Parameters
    ----------
    network
        As a formula of curves over the encoded columns; gives the target, its logarithm, or what `link` makes the
        target of.
    features
        In the order of the network's inputs: numbers, cycles, categories.
    rows
        Encoded training rows, columns in the order of `features`. The target is on the scale of the network's output,
        but where there is a link it is the target itself.
    wanted
        Shapes that the network was asked for.
    log_target
        Whether the network gives the logarithm of the target.
    structure
        The structure in words, for the provenance.
    link
        From the output of the network to the target; None for the output itself. Not together with `log_target`.
    edf
        Effective number of parameters of the network.
    control
        What a person decided about the law.
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

    network: Formula
    features: tuple[Feature, ...]
    rows: Rows
    wanted: ShapeConstraints
    log_target: bool
    structure: str
    link: Link | None = None
    edf: float = 0.0
    control: Control = field(default_factory=Control)
    units: Mapping[str, str] = field(default_factory=dict)
    output_unit: str = ""
    lowest: float | None = None
    floor: float | None = None
    stopped: str = ""
    watch: FitMonitor = field(default_factory=FitMonitor)

    def formula(self, root: Node) -> Formula:
        """Return a graph as a formula for something that is called as no column is."""
        names = [feature.name for feature in self.features]
        output = "target"
        while output in names:
            output += "_"
        return Formula(root, tuple(map(self.variable, self.features)), Variable(output, self.output_unit))

    def decoded(self, kept: Sequence[Variable]) -> dict[str, NDArray[np.generic]]:
        """Return the training rows of some columns, in the units of the table."""
        names = {variable.name for variable in kept}
        rows: dict[str, NDArray[np.generic]] = {}
        for column, feature in enumerate(self.features):
            encoded = self.rows.inputs[:, column]
            if feature.name not in names:
                continue
            if feature.is_numeric:
                rows[feature.name] = feature.decode(encoded)
            else:
                rows[feature.name] = np.array(feature.categories, dtype=object)[encoded.astype(np.int64)]
        return rows

    @property
    def ways(self) -> str:
        """How the model was fitted, where that brings operators into the law."""
        logs = [feature.name for feature in self.features if feature.log]
        ways = [
            *(["log_target=True"] if self.log_target else []),
            *([f"log_features={logs!r}"] if logs else []),
            *(["positive=True or bounds"] if self.link is not None else []),
        ]
        return f", which was fitted with {' and '.join(ways)}" if ways else ""

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
