"""Relations as an objective: their residuals and Gauss-Newton quantities.

The loss is ½ Σ_relations Σ_points w R², the collocation loss of Lagaris, Likas and Fotiadis 1998 (*Artificial neural
networks for solving ordinary and partial differential equations*, IEEE TNN 9). R(x, u, ∂u/∂x, ∂²u/∂x²) is
differentiated with respect to the outputs and their derivatives, and these with respect to the coefficients
(:mod:`kanopt.kan.jets`), for all networks of the batch at once; JᵀWJ accumulates over chunks of points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from kanopt.errors import FitError, nearest
from kanopt.kan.architecture import InputTensors
from kanopt.kan.jets import Jets, Orders, propagate
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import CHUNK_BYTES, NormalEquations
from kanopt.kan.relations import Relation, RelationState

__all__ = ["Knowledge"]


@dataclass(frozen=True, eq=False)
class Knowledge:
    """The relations between features and outputs that a network is fitted to, including data rows.

    It is an :class:`~kanopt.kan.objective.Objective`.

    Parameters
    ----------
    features, outputs
        Names of the network's inputs and outputs, in order.
    relations
        The equations; their names are distinct.
    chunk_bytes
        Maximum size of the Jacobian in memory.

    Raises
    ------
    FitError
        If a relation lacks a feature, uses an unknown name, or has a residual that raises, has the wrong shape, needs
        a third derivative, or mixes points.
    """

    features: tuple[str, ...]
    outputs: tuple[str, ...]
    relations: tuple[Relation, ...]
    chunk_bytes: int = CHUNK_BYTES

    def __post_init__(self) -> None:
        names = [*self.features, *self.outputs]
        if not self.features or not self.outputs or not self.relations:
            raise FitError("knowledge needs at least one feature, one output and one relation")
        if len(set(names)) < len(names):
            raise FitError(f"features and outputs must have different names: {names}")
        labels = [relation.name for relation in self.relations]
        if len(set(labels)) < len(labels):
            raise FitError(f"relations must have different names: {labels}")
        for relation in self.relations:
            self._check(relation)

    def _check(self, relation: Relation) -> None:
        missing = [name for name in self.features if name not in relation.columns]
        if missing:
            hint = nearest(missing[0], relation.columns)
            raise FitError(f"relation {relation.name!r}: its points lack the feature {missing[0]!r}; {hint}")
        taken = [name for name in self.outputs if name in relation.columns]
        if taken:
            raise FitError(f"relation {relation.name!r}: {taken[0]!r} is an output, not a known column")
        self.orders[relation.name]

    @cached_property
    def orders(self) -> dict[str, Orders]:
        """The derivatives that every relation uses, found by a trial call of its residual."""
        return {relation.name: self._check_pointwise(relation) for relation in self.relations}

    def _check_pointwise(self, relation: Relation) -> Orders:
        """Call a residual on four random points, and on two of them: a point's residual must not change."""
        wanted: set[tuple[int, ...]] = set()

        def call(rows: int) -> Tensor:
            some = torch.arange(rows) % len(relation)
            made_up = 1.0 + 0.1 * torch.arange(rows, dtype=torch.float64)
            columns = {name: column[some] for name, column in relation.columns.items()}
            columns |= {name: made_up + place for place, name in enumerate(self.outputs)}

            def derivative(output: str, inputs: tuple[str, ...]) -> Tensor:
                wanted.add(self._place(relation, output, inputs)[1])
                return 0.5 + made_up

            return relation.evaluate(RelationState(relation.name, columns, derivative), rows)

        four, two = call(4), call(2)
        if not torch.allclose(four[:2], two, rtol=1e-9, atol=0.0, equal_nan=True):
            raise FitError(
                f"relation {relation.name!r}: the residual of a point changes with the other points; "
                "write it point by point, without sums or means over points"
            )
        return Orders.of(wanted)

    def _place(self, relation: Relation, output: str, inputs: tuple[str, ...]) -> tuple[int, tuple[int, ...]]:
        """Return the indices of an output and of the inputs it is differentiated with respect to."""
        if output not in self.outputs:
            hint = nearest(output, self.outputs)
            raise FitError(f"relation {relation.name!r}: no output {output!r} to differentiate; {hint}")
        unknown = [name for name in inputs if name not in self.features]
        if unknown:
            hint = nearest(unknown[0], self.features)
            raise FitError(
                f"relation {relation.name!r}: no feature {unknown[0]!r} to differentiate by; {hint}"
            )
        if not 1 <= len(inputs) <= 2:
            raise FitError(
                f"relation {relation.name!r}: a derivative of {output!r} by {len(inputs)} inputs; "
                "first and second derivatives are available"
            )
        return self.outputs.index(output), tuple(self.features.index(name) for name in inputs)

    @cached_property
    def inputs(self) -> InputTensors:
        """All points of all relations."""
        numbers = torch.cat([self._numbers(relation) for relation in self.relations])
        return InputTensors(numbers, torch.zeros(len(numbers), 0, dtype=torch.int64))

    def _numbers(self, relation: Relation) -> Tensor:
        return torch.stack([relation.columns[name] for name in self.features], dim=1)

    @cached_property
    def scales(self) -> Tensor:
        """The largest observed magnitude of every output, (outputs,); 1 if it was never observed other than zero."""
        largest = [
            max(
                [float(each.columns[name].abs().max()) for each in self.relations if name in each.columns]
                or [0.0]
            )
            for name in (f"observed {output}" for output in self.outputs)
        ]
        return torch.tensor([size or 1.0 for size in largest], dtype=torch.float64)

    def for_models(self, index: Tensor) -> Knowledge:
        """Return the objective of the networks at `index`: the same for all."""
        return self

    def residuals(self, network: KANBatch) -> dict[str, Tensor]:
        """Return the residuals of every relation, each (M, points)."""
        with torch.no_grad():
            return {
                relation.name: torch.cat([part for _, part, _ in self._parts(relation, network)], dim=1)
                for relation in self.relations
            }

    def squares(self, network: KANBatch) -> Tensor:
        """Return Σ w R² of every network, shape (M,)."""
        found = self.residuals(network)
        each = [(found[relation.name] ** 2 * relation.weights).sum(1) for relation in self.relations]
        return torch.stack(each).sum(0)

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Accumulate the Gauss-Newton quantities over chunks of points.

        Raises
        ------
        FitError
            If a residual or its derivatives are not finite for any network, or it does not depend on an output.
        """
        total = NormalEquations.zero(network)
        for relation in self.relations:
            with torch.enable_grad():
                for part, residual, jets in self._parts(relation, network):
                    jacobian = _jacobian(relation, part.start, residual, jets)
                    error, weights = residual.detach(), relation.weights[part]
                    weighted = jacobian * weights.unsqueeze(-1)
                    total.matrix.baddbmm_(weighted.transpose(1, 2), jacobian)
                    total.vector.sub_((error.unsqueeze(1) @ weighted).squeeze(1))
                    total.squares.add_((weights * error**2).sum(1))
        return total

    def _parts(self, relation: Relation, network: KANBatch) -> Iterator[tuple[slice, Tensor, Jets]]:
        """Yield the residual (M, n) and the jets of every chunk of points."""
        orders = self.orders[relation.name]
        widest = max(layer.width for layer in network.architecture.layers)
        values = len(network) * (network.architecture.parameters + 4 * orders.size * widest)
        rows = max(1, self.chunk_bytes // (8 * values))
        numbers = self._numbers(relation)
        for start in range(0, len(relation), rows):
            part = slice(start, start + rows)
            jets = propagate(network, numbers[part], orders)
            columns = {name: column[part] for name, column in relation.columns.items()}
            yield part, self._residual(relation, jets, columns), jets

    def _residual(self, relation: Relation, jets: Jets, known: Mapping[str, Tensor]) -> Tensor:
        models, rows = jets.outputs.shape[:2]
        flat = jets.outputs.flatten(0, 1)
        columns = {name: column.repeat(models) for name, column in known.items()}
        columns |= {name: flat[:, 0, place] for place, name in enumerate(self.outputs)}
        orders = self.orders[relation.name]

        def derivative(output: str, inputs: tuple[str, ...]) -> Tensor:
            column, by = self._place(relation, output, inputs)
            if not orders.holds(by):
                raise FitError(
                    f"relation {relation.name!r}: asked for a derivative by {inputs} that its first call did not; "
                    "which derivatives it takes must not depend on values"
                )
            return flat[:, orders.place(by), column]

        residual = relation.evaluate(RelationState(relation.name, columns, derivative), models * rows)
        return residual.reshape(models, rows)


def _jacobian(relation: Relation, start: int, residual: Tensor, jets: Jets) -> Tensor:
    """Return the Jacobian of a residual (M, n) whose first point is `start`; FitError if it is not finite."""
    if not residual.requires_grad:
        raise FitError(f"relation {relation.name!r}: its residual does not depend on any output")
    jacobian = jets.jacobian(residual)
    finite = torch.isfinite(residual)
    if not bool(finite.all(1).any()):
        point = start + int((~finite).any(0).nonzero()[0, 0])
        raise FitError(
            f"relation {relation.name!r}: its residual is not finite, first at its point {point}; "
            "look for logarithms, roots or divisions of outputs that may be negative or zero"
        )
    if not bool(torch.isfinite(jacobian).flatten(1).all(1).any()):
        raise FitError(
            f"relation {relation.name!r}: its residual is finite, but its derivative by an output is not; "
            "look for roots of zero"
        )
    return jacobian
