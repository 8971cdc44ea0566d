"""How a network is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from kanopt.kan.constraints import ConstrainedCoefficients, ShapeConstraints
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares, Precision
from kanopt.kan.smoothing import Criterion
from kanopt.kan.trainer import TrainerOptions

__all__ = ["FitOptions"]


@dataclass(frozen=True)
class FitOptions:
    """Options of a fit.

    Parameters
    ----------
    starts
        Number of random starts of networks with hidden nodes.
    smoothing
        Roughness weight λ of all groups, or None to choose one per group.
    criterion
        Criterion for the weights of a network without hidden nodes: ``"gcv"`` or ``"evidence"``. With hidden nodes the
        evidence is always used (:func:`kanopt.kan.smoothing.update_smoothing`).
    loss
        ``"squared"``, ``"huber"``, ``"tukey"``, or ``"poisson"``: squared errors divided by the mean, for positive
        targets with an exponential link, in units of their mean.
    shape_constraints
        Shape constraints of the numeric inputs.
    link
        From the output to the target; None is the identity.
    precision
        ``"double"`` or ``"mixed"``, see :class:`LeastSquares`.
    distinct
        Number of distinct rows divided by the sum of all weights: a row of weight k stands for k copies. Copies carry
        no information about noise, so cross-validation, evidence and standard errors must not count them; nor what
        rows of a group share more than once.
    groups
        A group index per row of all rows, (n,), whose residuals are those with the whole group left out; None leaves
        out rows.
    trainer
        Options of every training run.
    """

    starts: int = 16
    smoothing: float | None = None
    criterion: Criterion = "gcv"
    loss: str = "squared"
    shape_constraints: ShapeConstraints = field(default_factory=ShapeConstraints)
    link: Link | None = None
    precision: Precision = "double"
    distinct: float = 1.0
    groups: Tensor | None = None
    trainer: TrainerOptions = field(default_factory=TrainerOptions)

    def objective(self, data: Data) -> LeastSquares:
        """Return the least-squares objective on `data`."""
        return LeastSquares(data, self.link, self.precision)

    def mean_output(self, data: Data) -> Tensor:
        """Return the network outputs that correspond to the mean target, shape (outputs,)."""
        return data.mean_target if self.link is None else self.link.inverse(data.mean_target)

    def constraints(self, network: KANBatch) -> ConstrainedCoefficients | None:
        """Return the parameterisation that holds the shapes in a network, None where none are asked for."""
        return ConstrainedCoefficients.of(network.architecture, self.shape_constraints, network.theta.device)
