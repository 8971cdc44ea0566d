"""Laws that are judged by the rows they were learned from, where a test is of something else."""

import pytest

__all__ = ["judged_by_own_rows"]

judged_by_own_rows = pytest.mark.filterwarnings("ignore:.* judge the law .*learned from")
"""Mark of a test, or of a file as ``pytestmark``, that passes training rows as held-out ones."""
