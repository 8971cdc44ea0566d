"""The columns among which a law is looked for on the rows, in the units of the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Formula, Node
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.ladder.trained import Trained
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import Law, graph
from kanopt.surrogates.search.evaluation import Columns

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plain:
    """The columns among which a law is looked for; categories are numbers of one.

    Parameters
    ----------
    trained
        The network that reads them.
    chosen
        Which of its features they are.
    """

    trained: Trained
    chosen: tuple[int, ...]

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns."""
        return tuple(self.trained.features[j] for j in self.chosen)

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return [feature.name for feature in self.features]

    @property
    def categories(self) -> dict[int, int]:
        """How many categories there are, of those that are numbers of one."""
        return {k: len(f.categories) for k, f in enumerate(self.features) if f.kind == "category"}

    @property
    def labels(self) -> dict[int, tuple[str, ...]]:
        """What the categories are called."""
        known = {k: self.features[k].categories for k in self.categories}
        return {k: tuple(map(str, labels)) for k, labels in known.items()}

    def plain(self, rows: Rows) -> Array:
        """Return the columns, shape (n, columns)."""
        pairs = zip(self.chosen, self.features, strict=True)
        columns = [
            rows.inputs[:, j] if f.kind == "category" else f.decode(rows.inputs[:, j]) for j, f in pairs
        ]
        return np.column_stack(columns).astype(np.float64)

    def columns(self, rows: Rows, scales: Array) -> Columns:
        """Return them as the search wants them."""
        return Columns(self.plain(rows) / scales, scales, self.categories)

    def written(self, law: Law, scales: Array) -> Node:
        """Return the graph of a law of scaled columns."""
        return graph(law, self.names, scales, self.labels)

    def frame(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """Return the columns by name, categories by their labels."""
        found: dict[str, NDArray[Any]] = dict(zip(self.names, self.plain(rows).T, strict=True))
        for k, labels in self.labels.items():
            name = self.names[k]
            found[name] = np.array(labels, dtype=object)[found[name].astype(np.int64)]
        return found

    def formula(self, root: Node) -> Formula:
        """Return a graph as a formula for something that is called as no column is."""
        law = self.trained.formula(root)
        return replace(law, inputs=tuple(map(self.trained.variable, self.features)))
