"""What a network is fitted to where equations are known as well as rows, and the fit.

Examples
--------
>>> from kanopt import informed
>>> informed.collocation({"day": (0.0, 4.0)}, cells=2)["day"].round(2).tolist()
[0.42, 1.58, 2.42, 3.58]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.public_names import lazy_names

if TYPE_CHECKING:
    from kanopt.kan.informed import Knowledge as Knowledge
    from kanopt.kan.informed import Relation as Relation
    from kanopt.kan.informed import RelationState as RelationState
    from kanopt.kan.informed import collocation as collocation
    from kanopt.kan.informed import observed as observed
    from kanopt.surrogates.informed import InformedNetwork as InformedNetwork
    from kanopt.surrogates.informed import InformedOptions as InformedOptions
    from kanopt.surrogates.informed import fit_informed as fit_informed
else:
    __all__, __getattr__, __dir__ = lazy_names(__name__)
