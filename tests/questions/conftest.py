"""Questions are asked of the tiny scenario of the tests of scenario files."""

from tests.scenarios.conftest import edited as edited
from tests.scenarios.conftest import learned as learned
from tests.scenarios.conftest import shared_tiny as shared_tiny
from tests.scenarios.conftest import tiny as tiny
from tests.scenarios.conftest import variant as variant
