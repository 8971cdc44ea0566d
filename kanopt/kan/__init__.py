"""Kolmogorov-Arnold networks with cubic spline edges, and a batched second-order trainer.

:mod:`kanopt.kan.network` defines the model and its Jacobian, :mod:`kanopt.kan.trainer` Levenberg-Marquardt,
:mod:`kanopt.kan.smoothing` the choice of smoothing weights, :mod:`kanopt.kan.fit` a complete fit, and
:mod:`kanopt.kan.training` trains large networks.
A trained network leaves as a formula of curves (:mod:`kanopt.surrogates.curves`).
"""
