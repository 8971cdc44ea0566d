"""Kolmogorov-Arnold networks with cubic spline edges, and a batched second-order trainer.

:mod:`kanopt.kan.network` defines the model and its Jacobian, :mod:`kanopt.kan.trainer` Levenberg-Marquardt,
:mod:`kanopt.kan.smoothing` the choice of smoothing weights, and :mod:`kanopt.kan.fit` a complete fit;
:mod:`kanopt.kan.informed` fits to equations as well as rows, and :mod:`kanopt.kan.large` trains large networks.
A trained network is returned as a :class:`Network` of numpy arrays; only these need no torch, and stand here.
"""

from kanopt.kan.description import Layer, Network, evaluate_spline

__all__ = ["Layer", "Network", "evaluate_spline"]
