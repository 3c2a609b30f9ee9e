"""What each of MySQL's error numbers means for a run."""

from __future__ import annotations

import pytest
from tap_mysql.source.error_codes import Cure, cure_of


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (1213, Cure.RETRY),
        (1205, Cure.RETRY),
        (1040, Cure.RETRY),
        (1461, Cure.RETRY),
        (1615, Cure.RETRY),
        (2013, Cure.RETRY),
        (1317, Cure.SMALLER),
        (3024, Cure.SMALLER),
        (1969, Cure.SMALLER),
        (1412, Cure.REDISCOVER),
        (1231, Cure.REDISCOVER),
        (1193, Cure.REDISCOVER),
        (1142, Cure.STOP),
        (1153, Cure.STOP),
        (0, Cure.STOP),
    ],
)
@pytest.mark.fault(32)
@pytest.mark.fault(39)
def test_errors_are_told_apart(number: int, cure: Cure) -> None:
    assert cure_of(number) is cure
