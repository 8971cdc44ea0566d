"""Laws of logistics that nobody tunes on: they only judge a search once it is finished.

Those that stood here have been looked at and are in tuning.py now; none are left until others are written. What the
keys mean is said by CONTENT in _laws.py.
"""

from __future__ import annotations

from typing import Any

FORMULAS: list[dict[str, Any]] = []
